//! Unified diffs, written so that `git apply` takes them.

use std::fmt::Write as _;

use super::Change;
use super::hunks::{self, DiffRow};
use crate::base::RepoPath;

impl Change {
    /// Writes a unified diff that `git apply` takes, with three lines of context.
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
            // A new file has no text before, a deleted one none after.
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
                    "@@ -{} +{} @@{}{}",
                    span(group.old.start, group.old.len()),
                    span(group.new.start, group.new.len()),
                    if group.section.is_empty() { "" } else { " " },
                    group.section
                );
                for DiffRow { sign, text } in &group.rows {
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

/// A name as it stands in `---` and `+++` lines: with a tab behind it if there are blanks in it, so
/// that readers do not take the rest for a time.
fn tabbed(name: &str) -> String {
    if name.contains(' ') && !name.starts_with('"') {
        format!("{name}\t")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
#[path = "unified_tests.rs"]
mod tests;
