//! The lines of one file's change, from a patch.

use git2::{DiffDelta, Patch, Repository};

use super::{DiffKind, DiffLine, Hunk, options};
use crate::base::OrBug as _;

/// True where a patch says that its file is binary, and its hunks.
pub(super) fn told(patch: &Patch<'_>) -> std::result::Result<(bool, Vec<Hunk>), git2::Error> {
    let hunks = (0..patch.num_hunks()).map(|h| hunk(patch, h));
    let hunks: Vec<Hunk> = hunks.collect::<std::result::Result<_, _>>()?;
    let delta = patch.delta();
    // Of the same content nobody asks whether it is binary.
    let (old, new) = (delta.old_file().id(), delta.new_file().id());
    let same = old == new && !new.is_zero();
    Ok((delta.flags().is_binary() && !same, hunks))
}

/// The word of a patch between the contents that git keeps of both sides; an error where git keeps
/// none of the new one.
pub(super) fn staged(
    git: &Repository,
    delta: &DiffDelta<'_>,
    context: u32,
) -> std::result::Result<Option<(bool, Vec<Hunk>)>, git2::Error> {
    let (old, new) = (delta.old_file(), delta.new_file());
    let new_blob = git.find_blob(new.id())?;
    let old_blob = if old.id().is_zero() {
        None
    } else {
        Some(git.find_blob(old.id())?)
    };
    let before = old_blob.as_ref().map_or(&b""[..], git2::Blob::content);
    let mut options = options(context);
    let (from, to) = (old.path(), new.path());
    let patch = Patch::from_buffers(before, from, new_blob.content(), to, Some(&mut options))?;
    told(&patch).map(Some)
}

/// The `h`th hunk of a patch.
fn hunk(patch: &Patch<'_>, h: usize) -> std::result::Result<Hunk, git2::Error> {
    let (head, count) = patch.hunk(h)?;
    let header = String::from_utf8_lossy(head.header()).into_owned();
    let section = header
        .splitn(3, "@@")
        .nth(2)
        .or_bug("a hunk's head without its second `@@`")
        .trim()
        .to_owned();
    let mut lines: Vec<DiffLine> = Vec::with_capacity(count);
    for l in 0..count {
        let line = patch.line_in_hunk(h, l)?;
        let kind = match line.origin() {
            ' ' => DiffKind::Context,
            '+' => DiffKind::Added,
            '-' => DiffKind::Removed,
            // The remark that the line before has no newline.
            _ => {
                if let Some(last) = lines.last_mut() {
                    last.no_newline = true;
                }
                continue;
            }
        };
        let text = String::from_utf8_lossy(line.content());
        lines.push(DiffLine {
            kind,
            old: line.old_lineno(),
            new: line.new_lineno(),
            text: text.strip_suffix('\n').unwrap_or(&text).to_owned(),
            no_newline: false,
        });
    }
    Ok(Hunk {
        old_start: head.old_start(),
        old_len: head.old_lines(),
        new_start: head.new_start(),
        new_len: head.new_lines(),
        section,
        lines,
    })
}
