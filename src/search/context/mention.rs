//! `@path` and `@path:10-40` in a request.

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath};

/// The longest path a mention may have, in bytes; longer ones are prose.
const LONGEST: usize = 1024;

/// A file, folder or range the user names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Path as it stands after `@`, without the range.
    pub path: RepoPath,
    /// Lines of the file, where they are given.
    pub range: Option<LineRange>,
}

impl Mention {
    /// True if this is meant as a path whatever the repository holds: it has a folder, an
    /// extension or a range. A bare word (`@Override`, `@Makefile`) is one only if it exists,
    /// and is passed over in silence otherwise.
    pub fn looks_like_path(&self) -> bool {
        self.range.is_some() || self.path.as_str().contains(['/', '.'])
    }

    /// True if the mention names `path` itself or a folder above it.
    pub fn names(&self, path: &RepoPath) -> bool {
        path.as_str()
            .strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Finds the mentions in a text: `@src/a.rs`, `@src/a.rs:10`, `@src/a.rs:10-40`, `@"with
/// space.rs"`, `@src/`; each once, in order.
///
/// `@` counts at the beginning of a word only, so that e-mail addresses are none. Bare words
/// are returned too: whether they exist is for the caller to see ([`Mention::looks_like_path`]).
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let starts_word = before.is_none_or(|b: char| {
            b.is_whitespace()
                || matches!(
                    b,
                    '(' | '[' | '{' | ',' | ';' | '"' | '\'' | '`' | '<' | '*'
                )
        });
        if c == '@'
            && starts_word
            && let Some((mention, left)) = one(rest.as_str())
        {
            if !found.contains(&mention) {
                found.push(mention);
            }
            before = Some('x');
            rest = left.chars();
            continue;
        }
        before = Some(c);
    }
    found
}

/// Reads the mention at the beginning of `text` (behind the `@`), and what follows it; none where
/// what stands there is no path.
fn one(text: &str) -> Option<(Mention, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, rest) = quoted.split_once('"')?;
        if name.len() > LONGEST || name.contains('\n') {
            return None;
        }
        let (range, rest) = match rest.strip_prefix(':').and_then(leading_range) {
            Some((range, rest)) => (Some(range), rest),
            None => (None, rest),
        };
        let path = RepoPath::new(name).ok()?;
        return Some((Mention { path, range }, rest));
    }
    let end = text
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>' | '|' | '*' | '?' | '@')
        })
        .unwrap_or(text.len());
    let word = text.get(..end)?;
    // A second `@` makes it a handle or an address: `@user@host`.
    if word.is_empty() || word.len() > LONGEST || text.get(end..)?.starts_with('@') {
        return None;
    }
    let (name, range) = split_range(trim_end(word));
    if !name.starts_with(|c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | '(' | '$' | '+')
    }) {
        return None;
    }
    let path = RepoPath::new(name).ok()?;
    Some((Mention { path, range }, text.get(end..)?))
}

/// Takes the punctuation of the sentence off the end of a word. A closing bracket stays where its
/// opening one stands in the word: `pages/[id]`.
fn trim_end(word: &str) -> &str {
    let mut word = word;
    loop {
        let mut chars = word.chars();
        let Some(last) = chars.next_back() else {
            return word;
        };
        let open = match last {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            '.' | ',' | ';' | ':' | '!' | '\'' | '…' | '”' | '’' => '\0',
            _ => return word,
        };
        if open != '\0' && word.matches(open).count() >= word.matches(last).count() {
            return word;
        }
        word = chars.as_str();
    }
}

/// Splits a word into a name and the range behind its first colon: `a.rs:10`, `a.rs:10-40`, also
/// `a.rs:10:5` as compilers write it (the column is dropped) and `a.rs#L10-L40` as links have it.
fn split_range(word: &str) -> (&str, Option<LineRange>) {
    if let Some((name, lines)) = word.split_once("#L")
        && let Some(range) = whole_range(&lines.replace('L', ""))
    {
        return (name, Some(range));
    }
    let Some((name, tail)) = word.split_once(':') else {
        return (word, None);
    };
    let lines = match tail.split_once(':') {
        Some((lines, column)) if column.bytes().all(|b| b.is_ascii_digit()) => lines,
        _ => tail,
    };
    match whole_range(lines) {
        Some(range) => (name, Some(range)),
        // `Type::method` and the like: the part before is no file name then.
        None => (word, None),
    }
}

/// Reads a range that is all of a text.
fn whole_range(text: &str) -> Option<LineRange> {
    leading_range(text).and_then(|(range, rest)| rest.is_empty().then_some(range))
}

/// Reads `10` or `10-40` at the beginning, and returns the rest too.
fn leading_range(text: &str) -> Option<(LineRange, &str)> {
    let (start, rest) = leading_number(text)?;
    if let Some((end, rest)) = rest.strip_prefix('-').and_then(leading_number) {
        return Some((LineRange::new(start, end), rest));
    }
    Some((LineRange::new(start, start), rest))
}

/// Reads a number at the beginning, and returns the rest too; none where there is none, or one that
/// is too large.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        mentions(text)
            .into_iter()
            .map(|m| match m.range {
                Some(range) => format!("{}:{range}", m.path.as_str()),
                None => m.path.as_str().to_owned(),
            })
            .collect()
    }

    #[test]
    fn files_ranges_folders_and_quotes() {
        assert_eq!(
            said("see @src/a.rs, (@src/b.rs:10) and @c.rs:10-40. @\"with space.rs\":3-4 @src/"),
            [
                "src/a.rs",
                "src/b.rs:10",
                "c.rs:10-40",
                "with space.rs:3-4",
                "src"
            ]
        );
        assert_eq!(said("@a.rs:12:5: error"), ["a.rs:12"]);
        assert_eq!(said("@a.rs#L3-L9"), ["a.rs:3-9"]);
        assert_eq!(
            said("is @a.rs? `@b.rs` **@c.rs**"),
            ["a.rs", "b.rs", "c.rs"]
        );
        assert_eq!(
            said("@pages/[id].tsx @pages/[id] [@x.rs]"),
            ["pages/[id].tsx", "pages/[id]", "x.rs"]
        );
        assert_eq!(said("@a.rs @a.rs @a.rs:1"), ["a.rs", "a.rs:1"]);
        assert_eq!(said("@größe/ñ.py:2"), ["größe/ñ.py:2"]);
    }

    #[test]
    fn what_is_no_mention() {
        for text in [
            "me@example.org",
            "@",
            "@ a",
            "@@x",
            "@/etc/passwd",
            "@../up",
            "@.git/config",
            "@\"open",
            "a@b.rs",
            "@user@host.org",
            "@\"\"",
        ] {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn bare_words_do_not_look_like_paths() {
        let found = mentions("@Override @Makefile @a.rs @src/");
        let sure: Vec<bool> = found.iter().map(Mention::looks_like_path).collect();
        assert_eq!(sure, [false, false, true, false]);
    }

    #[test]
    fn a_folder_names_what_is_below_it() {
        let folder = &mentions("@src/")[0];
        assert!(folder.names(&RepoPath::new("src/a/b.rs").expect("path")));
        assert!(!folder.names(&RepoPath::new("src2/a.rs").expect("path")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,200}") {
            stand_there(&text)?;
        }
        #[test]
        fn hostile_pieces(parts in proptest::collection::vec("@|\"|:|-|[0-9]{1,12}|a\\.rs|\\.\\.|/| |ü|\\[|\\)", 0..30)) {
            stand_there(&parts.concat())?;
        }
    }

    /// Every part of a path that is mentioned is in the text, and none leads up.
    fn stand_there(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
        for mention in mentions(text) {
            let mut parts = mention.path.as_str().split('/');
            let there = parts.all(|part| part != ".." && text.contains(part));
            proptest::prop_assert!(there && text.contains('@'), "{:?} {}", text, mention.path);
        }
        Ok(())
    }
}
