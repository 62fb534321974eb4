//! Files that a diff against a base tells twice, as gone and as new.
//!
//! libgit2 lays what is staged over the base and the working tree over that. Where another type of
//! thing is staged than both have, or a file that was forgotten is announced again, it does not
//! bring the two ends together, as git does.

use git2::Patch;

use super::hunks::told;
use super::{FileDiff, FileKind, FileStatus, options};
use crate::repo::index_view::IndexView;

/// Makes one change of each file that is told as gone and as new though git tracks it, and none
/// where its content is the same. `files` are in order of path.
pub(super) fn rejoin(
    files: Vec<FileDiff>,
    index: &IndexView,
    context: u32,
) -> Result<Vec<FileDiff>, git2::Error> {
    let mut out: Vec<FileDiff> = Vec::with_capacity(files.len());
    for file in files {
        let before = out.pop_if(|before| is_other_end(before, &file, index));
        match before {
            Some(before) => out.extend(joined(before, file, context)?),
            None => out.push(file),
        }
    }
    Ok(out)
}

/// Tells whether two changes are the two ends of one tracked file.
fn is_other_end(one: &FileDiff, other: &FileDiff, index: &IndexView) -> bool {
    use FileStatus::{Added, Deleted};
    let sorts = matches!(
        (one.status, other.status),
        (Deleted, Added) | (Added, Deleted)
    );
    let file = |kind| matches!(kind, None | Some(FileKind::Plain | FileKind::Executable));
    let (gone, new) = in_order(one, other);
    let at = std::path::Path::new(one.path.as_str());
    sorts
        && one.path == other.path
        && file(gone.kinds.0)
        && file(new.kinds.1)
        && index.whole.get_path(at, 0).is_some()
}

/// The lost file and the new one.
fn in_order<T: std::borrow::Borrow<FileDiff>>(one: T, other: T) -> (T, T) {
    match one.borrow().status {
        FileStatus::Deleted => (one, other),
        _ => (other, one),
    }
}

/// The change from a lost file to the new one in its place.
fn joined(one: FileDiff, other: FileDiff, context: u32) -> Result<Option<FileDiff>, git2::Error> {
    let (gone, new) = in_order(one, other);
    let binary = gone.binary || new.binary;
    let kinds = FileKind::worth_telling(gone.kinds.0, new.kinds.1);
    let mode = kinds.0.unwrap_or(FileKind::Plain) != kinds.1.unwrap_or(FileKind::Plain);
    let (before, after) = (text(&gone), text(&new));
    if !binary && before == after {
        return Ok(mode.then_some(FileDiff {
            status: FileStatus::ModeChanged,
            kinds,
            hunks: Vec::new(),
            bytes: None,
            ..new
        }));
    }
    let hunks = if binary {
        Vec::new()
    } else {
        let mut options = options(context);
        let (before, after) = (before.as_bytes(), after.as_bytes());
        told(&Patch::from_buffers(
            before,
            None,
            after,
            None,
            Some(&mut options),
        )?)?
        .1
    };
    Ok(Some(FileDiff {
        status: FileStatus::Modified,
        kinds,
        binary,
        hunks,
        bytes: None,
        ..new
    }))
}

/// The text that the lines of a file which is gone or new make.
fn text(file: &FileDiff) -> String {
    let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    let ended =
        lines.map(|line| format!("{}{}", line.text, if line.no_newline { "" } else { "\n" }));
    ended.collect()
}
