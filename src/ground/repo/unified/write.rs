//! A diff written as git writes it.
//!
//! Writing to a `String` cannot fail, so what it returns is dropped.

use std::fmt::Write as _;

use super::super::diff::{FileDiff, FileKind, FileStatus, Hunk};
use super::names::spelled;
use crate::base::RepoPath;

/// Writes one file's part of a diff.
pub(super) fn file(out: &mut String, file: &FileDiff) {
    let old_path = file.old_path.as_ref().unwrap_or(&file.path);
    head(out, file, old_path);
    let old = match file.status {
        FileStatus::Added => "/dev/null".to_owned(),
        _ => ended(spelled("a/", old_path)),
    };
    let new = match file.status {
        FileStatus::Deleted => "/dev/null".to_owned(),
        _ => ended(spelled("b/", &file.path)),
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
    for each in &file.hunks {
        hunk(out, each);
    }
}

/// Writes the `diff --git` line and git's extended header lines.
fn head(out: &mut String, file: &FileDiff, old_path: &RepoPath) {
    let (old, new) = (spelled("a/", old_path), spelled("b/", &file.path));
    let _ = writeln!(out, "diff --git {old} {new}");
    let (before, after) = file.kinds;
    let before_or = |kind: FileKind| before.unwrap_or(kind).digits();
    let after_or = |kind: FileKind| after.unwrap_or(kind).digits();
    let modes = |out: &mut String| {
        let old = before_or(FileKind::Plain);
        let _ = writeln!(
            out,
            "old mode {old}\nnew mode {}",
            after_or(FileKind::Executable)
        );
    };
    let changed = before
        .zip(after)
        .is_some_and(|(before, after)| before != after);
    match file.status {
        FileStatus::Added => {
            let _ = writeln!(out, "new file mode {}", after_or(FileKind::Plain));
        }
        FileStatus::Deleted => {
            let _ = writeln!(out, "deleted file mode {}", before_or(FileKind::Plain));
        }
        FileStatus::ModeChanged => modes(out),
        FileStatus::Modified | FileStatus::Conflicted if changed => modes(out),
        FileStatus::Renamed => {
            if changed {
                modes(out);
            }
            let _ = writeln!(out, "rename from {}", spelled("", old_path));
            let _ = writeln!(out, "rename to {}", spelled("", &file.path));
        }
        FileStatus::Modified | FileStatus::Conflicted => {}
    }
}

/// A name as it stands behind `---` and `+++`: with a blank in it a tab ends it, so that what
/// follows the blank is not taken for a time.
fn ended(mut name: String) -> String {
    if name.contains(' ') && !name.ends_with('"') {
        name.push('\t');
    }
    name
}

fn hunk(out: &mut String, hunk: &Hunk) {
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
