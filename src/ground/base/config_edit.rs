//! Writing into the user's file of settings, so that comments and order stay as they are.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::failure::{Failure, Result};

/// Sets a key in the text of a file: its value is replaced where it stands, else the key is added
/// behind those of its table. `value` is TOML.
///
/// # Errors
/// Of kind config, if the text is no TOML; of kind bug, if the value is none.
pub fn set(text: &str, key: &str, value: &str) -> Result<String> {
    let mut document = parsed(text)?;
    let mut new: Value = value
        .parse()
        .map_err(|e| Failure::bug("a value was not written as TOML").caused_by(&e))?;
    let (table, name) = holder(&mut document, key)?;
    if let Some(Item::Value(old)) = table.get_mut(name) {
        // A remark behind the value belongs to the key, and stays.
        *new.decor_mut() = old.decor().clone();
        *old = new;
    } else {
        table.insert(name, Item::Value(new));
    }
    Ok(ended_as(text, document.to_string()))
}

/// A file that was written with the ends of lines of `old`: the parser knows one kind of end.
fn ended_as(old: &str, new: String) -> String {
    let crlf = old.matches("\r\n").count();
    if crlf > 0 && crlf == old.matches('\n').count() {
        new.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        new
    }
}

/// Takes a key out of the text of a file; none where it does not stand there. What is said above it
/// in comments stays.
///
/// # Errors
/// Of kind config, if the text is no TOML.
pub fn unset(text: &str, key: &str) -> Result<Option<String>> {
    let mut document = parsed(text)?;
    let above = {
        let mut table: &mut dyn TableLike = document.as_table_mut();
        let mut names = key.split('.').peekable();
        loop {
            let Some(name) = names.next() else {
                return Ok(None);
            };
            if names.peek().is_none() {
                let said = table
                    .key(name)
                    .and_then(|key| key.leaf_decor().prefix()?.as_str())
                    .unwrap_or_default()
                    .to_owned();
                if table.remove(name).is_none() {
                    return Ok(None);
                }
                break said;
            }
            table = match table.get_mut(name).and_then(Item::as_table_like_mut) {
                Some(inner) => inner,
                None => return Ok(None),
            };
        }
    };
    let left = document.to_string();
    if above.trim().is_empty() {
        return Ok(Some(ended_as(text, left)));
    }
    // The comments were the key's: they go back to the line where it stood.
    let left = put_back(&text.replace("\r\n", "\n"), &left, &above);
    Ok(Some(ended_as(text, left)))
}

/// Puts comments that stood before a line of `old` into `new`, which is `old` without them and that
/// line.
fn put_back(old: &str, new: &str, comments: &str) -> String {
    let same = old
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(|(old, new)| old == new)
        .map(|(line, _)| line.len())
        .sum();
    let (before, behind) = new.split_at_checked(same).unwrap_or((new, ""));
    format!("{before}{comments}{behind}")
}

fn parsed(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|e: toml_edit::TomlError| {
        Failure::config("the file of settings is no TOML")
            .because(e.message().replace('\n', ", "))
            .hint("`homebody config edit` opens it")
    })
}

/// The table that holds a key, made where there is none yet, and the key's name in it.
fn holder<'a, 'k>(
    document: &'a mut DocumentMut,
    key: &'k str,
) -> Result<(&'a mut dyn TableLike, &'k str)> {
    let Some((above, name)) = key.split_once('.') else {
        return Ok((document.as_table_mut(), key));
    };
    document
        .entry(above)
        .or_insert_with(|| Item::Table(Table::new()))
        .as_table_like_mut()
        .map(|table| (table, name))
        .ok_or_else(|| Failure::config(format!("`{above}` is no table in the file of settings")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\n\n# computing\nthreads = 2 # as many as suit\nctx = 1\n\n\
        [review]\n# no locks\nskip = [\"*.lock\"]\n\n# the end\n";

    #[test]
    fn ends_of_lines_stay_as_they_are() {
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let (file, ctx) = (crlf(FILE), crlf(&set(FILE, "ctx", "9").expect("set")));
        assert_eq!(set(&file, "ctx", "9").expect("set"), ctx);
        for key in ["threads", "ctx", "review.skip"] {
            let without = unset(FILE, key).expect("read").expect("taken out");
            let told = unset(&file, key).expect("read");
            assert_eq!(told, Some(crlf(&without)), "{key}");
        }
    }

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let new = set(FILE, "threads", "8").expect("set");
        assert_eq!(new, FILE.replace("threads = 2 #", "threads = 8 #"));
        let new = set(FILE, "review.skip", "[]").expect("set");
        assert_eq!(new, FILE.replace("[\"*.lock\"]", "[]"));
    }

    #[test]
    fn a_new_key_stands_behind_those_of_its_table() {
        let new = set(FILE, "vim", "true").expect("set");
        assert_eq!(new, FILE.replace("ctx = 1\n", "ctx = 1\nvim = true\n"));
        let new = set(FILE, "review.second_look", "false").expect("set");
        assert!(
            new.contains("skip = [\"*.lock\"]\nsecond_look = false\n"),
            "{new}"
        );
        let new = set(FILE, "keys.send", "[\"ctrl-s\"]").expect("set");
        assert!(new.contains("[keys]\nsend = [\"ctrl-s\"]\n"), "{new}");
        assert!(new.contains("# the end"), "{new}");
        let again = set(&new, "keys.quit", "[]").expect("set");
        assert!(
            again.contains("send = [\"ctrl-s\"]\nquit = []\n"),
            "{again}"
        );
        let dotted = set("review.skip = []\n", "review.skip", "[\"a\"]").expect("set");
        assert_eq!(dotted, "review.skip = [\"a\"]\n");
        assert_eq!(
            set("", "theme", "\"light\"").expect("set"),
            "theme = \"light\"\n"
        );
    }

    #[test]
    fn a_key_goes_and_the_comments_around_it_stay() {
        let new = unset(FILE, "threads").expect("read").expect("there");
        assert_eq!(new, FILE.replace("threads = 2 # as many as suit\n", ""));
        let new = unset(FILE, "review.skip").expect("read").expect("there");
        assert_eq!(new, FILE.replace("skip = [\"*.lock\"]\n", ""));
        for missing in ["vim", "review.second_look", "keys.send", "threads.x"] {
            assert_eq!(unset(FILE, missing).expect("read"), None, "{missing}");
        }
        // A word that no version knows can be taken out all the same.
        assert_eq!(
            unset("theem = 1\n", "theem").expect("read").as_deref(),
            Some("")
        );
    }

    #[test]
    fn what_is_no_toml_is_left_alone() {
        assert!(set("a = ", "threads", "1").is_err());
        assert!(unset("a = ", "threads").is_err());
        assert!(set("keys = 3\n", "keys.send", "[]").is_err());
    }
}
