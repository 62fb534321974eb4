//! Unified diffs: read from what a model wrote, written so that `git apply` takes them.

use std::fmt::Write as _;

use super::hunks::{self, Row};
use super::parse::joined;
use super::{Change, Edit};
use crate::base::RepoPath;

/// What was read of a diff.
pub(super) struct Read {
    pub edits: Vec<Edit>,
    /// What is concerned, and why it could not be read.
    pub troubles: Vec<(String, String)>,
    /// The line behind it.
    pub next: usize,
}

/// Whether a diff of one or more files begins at line `at`.
pub(super) fn begins(lines: &[&str], at: usize) -> bool {
    let line = lines.get(at).copied().unwrap_or("");
    line.starts_with("diff --git ") || (names_at(lines, at) && is_hunk_head(lines.get(at + 2)))
}

fn names_at(lines: &[&str], at: usize) -> bool {
    lines.get(at).is_some_and(|l| l.starts_with("--- "))
        && lines.get(at + 1).is_some_and(|l| l.starts_with("+++ "))
}

fn is_hunk_head(line: Option<&&str>) -> bool {
    line.is_some_and(|l| l.starts_with("@@"))
}

/// Reads one file's diff at line `at`. Hunks become replacements of whole lines: the line
/// numbers that models write are not to be relied on.
pub(super) fn read(lines: &[&str], at: usize) -> Read {
    let mut read = Read {
        edits: Vec::new(),
        troubles: Vec::new(),
        next: at,
    };
    let mut head = Head::default();
    let first = lines.get(at).copied().unwrap_or("");
    if first.starts_with("diff --git ") {
        read.next += 1;
        while let Some(line) = lines.get(read.next) {
            if !head.take(line) {
                break;
            }
            read.next += 1;
        }
    }
    let mut named = false;
    if names_at(lines, read.next) {
        let of = |at: usize| lines.get(at).and_then(|l| l.get(4..)).map(name);
        head.set_names(of(read.next), of(read.next + 1));
        read.next += 2;
        named = true;
    }
    let what = head
        .new
        .clone()
        .or_else(|| head.old.clone())
        .map_or_else(|| "a diff".to_owned(), |name| format!("diff of {name}"));
    let path = |name: &Option<String>| name.as_deref().map(RepoPath::new).transpose();
    let (old, new) = match (path(&head.old), path(&head.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(failure), _) | (_, Err(failure)) => {
            read.troubles.push((what, failure.to_string()));
            while is_hunk_head(lines.get(read.next)) {
                read.next = hunk(lines, read.next).0;
            }
            return read;
        }
    };
    let mut hunks = Vec::new();
    while is_hunk_head(lines.get(read.next)) {
        let (next, outcome) = hunk(lines, read.next);
        read.next = next.max(read.next + 1);
        match outcome {
            Ok(hunk) => hunks.push(hunk),
            Err(why) => read.troubles.push((what.clone(), why)),
        }
    }
    match (old, new) {
        (None, Some(path)) => {
            if read.troubles.is_empty() {
                let text: Vec<&str> = hunks.into_iter().flat_map(|h| h.new).collect();
                read.edits.push(Edit::Create {
                    path,
                    text: joined(&text),
                });
            }
        }
        (Some(path), None) => read.edits.push(Edit::Delete { path }),
        (Some(path), Some(to)) => {
            for hunk in hunks {
                if hunk.old == hunk.new {
                    read.troubles
                        .push((what.clone(), "a hunk changes nothing".to_owned()));
                } else if hunk.old.is_empty() {
                    read.troubles.push((
                        what.clone(),
                        "a hunk only adds lines and shows none around them, so its place is not certain"
                            .to_owned(),
                    ));
                } else {
                    read.edits.push(Edit::Replace {
                        path: path.clone(),
                        old: joined(&hunk.old),
                        new: joined(&hunk.new),
                    });
                }
            }
            if path != to {
                read.edits.push(Edit::Rename { path, to });
            }
        }
        (None, None) => {
            if named || first.starts_with("diff --git ") {
                read.troubles
                    .push((what, "it does not say which file".to_owned()));
            }
        }
    }
    read.next = read.next.max(at + 1);
    read
}

/// The names a diff's head gives.
#[derive(Default)]
struct Head {
    old: Option<String>,
    new: Option<String>,
    created: bool,
    deleted: bool,
}

impl Head {
    /// Takes a line between `diff --git` and the hunks; false if it is none of those.
    fn take(&mut self, line: &str) -> bool {
        if let Some(from) = line.strip_prefix("rename from ") {
            self.old = Some(name(from));
        } else if let Some(to) = line.strip_prefix("rename to ") {
            self.new = Some(name(to));
        } else if line.starts_with("new file mode") {
            self.created = true;
        } else if line.starts_with("deleted file mode") {
            self.deleted = true;
        } else {
            return [
                "index ",
                "similarity ",
                "dissimilarity ",
                "old mode",
                "new mode",
            ]
            .iter()
            .any(|start| line.starts_with(start));
        }
        true
    }

    fn set_names(&mut self, old: Option<String>, new: Option<String>) {
        let null = |name: &Option<String>| name.as_deref() == Some("/dev/null");
        let (no_old, no_new) = (null(&old) || self.created, null(&new) || self.deleted);
        let strip = |name: Option<String>, start: &str, other_is: bool| {
            name.map(|name| match name.strip_prefix(start) {
                Some(rest) if other_is => rest.to_owned(),
                _ => name,
            })
        };
        let a = no_old || old.as_ref().is_some_and(|n| n.starts_with("a/"));
        let b = no_new || new.as_ref().is_some_and(|n| n.starts_with("b/"));
        self.old = if no_old {
            None
        } else {
            strip(old, "a/", a && b)
        };
        self.new = if no_new {
            None
        } else {
            strip(new, "b/", a && b)
        };
    }
}

/// A name as a diff writes it: up to a tab, perhaps quoted as git does.
fn name(text: &str) -> String {
    let text = text.trim_end_matches('\r');
    if let Some(quoted) = text
        .trim_end()
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'))
    {
        return unquoted(quoted);
    }
    text.split('\t').next().unwrap_or("").trim_end().to_owned()
}

/// A name without its quotes and escapes. Bytes that are no UTF-8 become NUL, which no path may
/// hold: a name that is only like them must not be taken for it.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(digit) = rest.next_if(|b| (b'0'..=b'7').contains(b)) {
                        value = value * 8 + u32::from(digit - b'0');
                    }
                }
                bytes.push(value as u8);
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'a') => bytes.push(7),
            Some(b'b') => bytes.push(8),
            Some(b'v') => bytes.push(11),
            Some(b'f') => bytes.push(12),
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "\0".to_owned())
}

/// The two sides of a hunk.
#[derive(Default)]
struct Sides<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

/// The hunk whose `@@` stands at line `at`, and the line behind it.
fn hunk<'a>(lines: &[&'a str], at: usize) -> (usize, Result<Sides<'a>, String>) {
    let promised = lines.get(at).and_then(|line| lengths(line));
    let mut sides = Sides::default();
    let mut next = at + 1;
    // Blank lines may be context without its blank, or stand behind the diff.
    let mut blank = 0;
    while let Some(line) = lines.get(next) {
        if names_at(lines, next) && is_hunk_head(lines.get(next + 2)) {
            break;
        }
        let (Some(sign), Some(text)) = (line.chars().next(), line.get(1..)) else {
            if !line.is_empty() {
                break;
            }
            blank += 1;
            next += 1;
            continue;
        };
        if !matches!(sign, ' ' | '+' | '-' | '\\') {
            break;
        }
        for _ in 0..blank {
            sides.old.push("");
            sides.new.push("");
        }
        blank = 0;
        match sign {
            ' ' => {
                sides.old.push(text);
                sides.new.push(text);
            }
            '+' => sides.new.push(text),
            '-' => sides.old.push(text),
            _ => {}
        }
        next += 1;
    }
    if let Some((old, new)) = promised {
        while blank > 0 && sides.old.len() < old && sides.new.len() < new {
            sides.old.push("");
            sides.new.push("");
            blank -= 1;
        }
        let short = sides.old.len() < old || sides.new.len() < new;
        let end = lines.get(next).copied();
        let clean = blank > 0
            || end.is_some_and(|l| {
                l.starts_with("@@")
                    || l.starts_with("diff ")
                    || l.starts_with("--- ")
                    || l.starts_with("```")
                    || l.starts_with("***")
            });
        if short && end.is_none() {
            return (next, Err("the answer ends before the hunk does".to_owned()));
        }
        if short && !clean {
            return (
                next,
                Err("a line of a hunk begins with none of ` `, `+`, `-`".to_owned()),
            );
        }
    } else if lines.get(next).is_none() && blank == 0 && lines.last().is_some_and(|l| !l.is_empty())
    {
        return (
            next,
            Err("the answer ends in a hunk that does not say its length".to_owned()),
        );
    }
    (next, Ok(sides))
}

/// `@@ -1,3 +1,4 @@` in the lengths of both sides.
fn lengths(line: &str) -> Option<(usize, usize)> {
    let mut words = line.strip_prefix("@@")?.split_whitespace();
    let length = |word: &str, sign: char| {
        let word = word.strip_prefix(sign)?;
        match word.split_once(',') {
            Some((_, length)) => length.parse().ok(),
            None => word.parse::<usize>().ok().map(|_| 1),
        }
    };
    Some((length(words.next()?, '-')?, length(words.next()?, '+')?))
}

impl Change {
    /// As a unified diff that `git apply` takes, with three lines of context.
    pub fn to_unified(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            let to = file.renamed_to.as_ref().unwrap_or(&file.path);
            let (a, b) = (prefixed("a/", &file.path), prefixed("b/", to));
            // Writing to a String cannot fail.
            let _ = writeln!(out, "diff --git {} {}", quoted(&a), quoted(&b));
            if file.before.is_none() {
                out.push_str("new file mode 100644\n");
            } else if file.after.is_none() {
                out.push_str("deleted file mode 100644\n");
            } else if file.renamed_to.is_some() {
                let _ = writeln!(out, "rename from {}", quoted(file.path.as_str()));
                let _ = writeln!(out, "rename to {}", quoted(to.as_str()));
            }
            let before = file.before.as_deref().unwrap_or("");
            let after = file.after.as_deref().unwrap_or("");
            let groups = hunks::groups(before, after, 3);
            if groups.is_empty() {
                continue;
            }
            match &file.before {
                Some(_) => {
                    let _ = writeln!(out, "--- {}", tabbed(&quoted(&a)));
                }
                None => out.push_str("--- /dev/null\n"),
            }
            match &file.after {
                Some(_) => {
                    let _ = writeln!(out, "+++ {}", tabbed(&quoted(&b)));
                }
                None => out.push_str("+++ /dev/null\n"),
            }
            for group in &groups {
                let _ = writeln!(
                    out,
                    "@@ -{} +{} @@",
                    span(group.old.start, group.old.len()),
                    span(group.new.start, group.new.len())
                );
                for Row { sign, text } in &group.rows {
                    out.push(match sign {
                        1 => '+',
                        -1 => '-',
                        _ => ' ',
                    });
                    out.push_str(text);
                    if !text.ends_with('\n') {
                        out.push_str("\n\\ No newline at end of file\n");
                    }
                }
            }
        }
        out
    }
}

/// Start and length of one side as git writes them; `start` counts from 0.
fn span(start: usize, length: usize) -> String {
    match length {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{length}", start + 1),
    }
}

fn prefixed(prefix: &str, path: &RepoPath) -> String {
    format!("{prefix}{}", path.as_str())
}

/// A name in double quotes with escapes, as git writes those with control characters, quotes,
/// backslashes or bytes beyond ASCII; others as they are.
fn quoted(name: &str) -> String {
    if name
        .bytes()
        .all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
    {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            11 => out.push_str("\\v"),
            12 => out.push_str("\\f"),
            0x20..0x7f => out.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

/// Names with blanks are followed by a tab in `---` and `+++` lines, so that readers do not
/// take the rest for a time.
fn tabbed(name: &str) -> String {
    if name.contains(' ') && !name.starts_with('"') {
        format!("{name}\t")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_read_back() {
        for (name, written) in [
            ("a b", "a b"),
            ("tab\there", "\"tab\\there\""),
            ("größe", "\"gr\\303\\266\\303\\237e\""),
            ("q\"\\", "\"q\\\"\\\\\""),
        ] {
            assert_eq!(quoted(name), written);
            assert_eq!(super::name(&quoted(name)), name);
        }
        assert_eq!(tabbed("a b"), "a b\t");
    }

    #[test]
    fn lengths_of_hunks() {
        assert_eq!(lengths("@@ -1,3 +2 @@ fn x"), Some((3, 1)));
        assert_eq!(lengths("@@"), None);
        assert_eq!(lengths("@@ ... @@"), None);
    }
}
