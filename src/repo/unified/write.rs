//! A diff written as git writes it.

use std::fmt::Write as _;

use super::super::diff::{FileDiff, FileStatus};
use super::names::spelled;

/// Writes one file's part of a diff.
pub(super) fn file(out: &mut String, file: &FileDiff) {
    let old_path = file.old_path.as_ref().unwrap_or(&file.path);
    let old = spelled("a/", old_path);
    let new = spelled("b/", &file.path);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "diff --git {old} {new}");
    match file.status {
        FileStatus::Added => out.push_str("new file mode 100644\n"),
        FileStatus::Deleted => out.push_str("deleted file mode 100644\n"),
        FileStatus::ModeChanged => out.push_str("old mode 100644\nnew mode 100755\n"),
        FileStatus::Renamed => {
            let _ = writeln!(out, "rename from {}", spelled("", old_path));
            let _ = writeln!(out, "rename to {}", spelled("", &file.path));
        }
        FileStatus::Modified | FileStatus::Conflicted => {}
    }
    // With a blank in the name a tab ends it, so that it is not taken for a time.
    let end = |name: &str| {
        if name.contains(' ') && !name.ends_with('"') {
            "\t"
        } else {
            ""
        }
    };
    let old = match file.status {
        FileStatus::Added => "/dev/null".to_owned(),
        _ => format!("{old}{}", end(&old)),
    };
    let new = match file.status {
        FileStatus::Deleted => "/dev/null".to_owned(),
        _ => format!("{new}{}", end(&new)),
    };
    if file.binary {
        let _ = writeln!(
            out,
            "Binary files {} and {} differ",
            old.trim_end(),
            new.trim_end()
        );
    }
    if file.hunks.is_empty() {
        return;
    }
    let _ = writeln!(out, "--- {old}\n+++ {new}");
    for hunk in &file.hunks {
        let range = |start: u32, len: u32| {
            if len == 1 {
                start.to_string()
            } else {
                format!("{start},{len}")
            }
        };
        let _ = write!(
            out,
            "@@ -{} +{} @@",
            range(hunk.old_start, hunk.old_len),
            range(hunk.new_start, hunk.new_len)
        );
        if !hunk.section.is_empty() {
            let _ = write!(out, " {}", hunk.section);
        }
        out.push('\n');
        for line in &hunk.lines {
            out.push(line.kind.sign());
            out.push_str(&line.text);
            out.push('\n');
            if line.no_newline {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
}
