//! The lines of one file's change, from a patch.

use git2::{DiffDelta, Oid, Patch, Repository};

use super::{DiffKind, DiffLine, Hunk, options};
use crate::base::OrBug as _;
use crate::base::encoding::{TextEncoding, decode};

/// True where the content of a changed file is binary, and its hunks.
pub(super) type Changes = (bool, Vec<Hunk>);

/// The changes that a patch tells.
pub(super) fn told(patch: &Patch<'_>) -> std::result::Result<Changes, git2::Error> {
    let encoding = encoding_of(patch)?;
    let hunks = (0..patch.num_hunks()).map(|h| hunk(patch, h, encoding));
    let hunks: Vec<Hunk> = hunks.collect::<std::result::Result<_, _>>()?;
    let delta = patch.delta();
    // Of the same content nobody asks whether it is binary.
    let (old, new) = (delta.old_file().id(), delta.new_file().id());
    let same = old == new && !new.is_zero();
    Ok((delta.flags().is_binary() && !same, hunks))
}

/// The changes between the contents that git keeps of both sides; an error where it keeps none of
/// the new one.
pub(super) fn staged(
    git: &Repository,
    delta: &DiffDelta<'_>,
    context: u32,
) -> std::result::Result<Changes, git2::Error> {
    let (old, new) = (delta.old_file(), delta.new_file());
    let before = content(git, old.id())?;
    // Of a content that git does not keep nothing is told: it is not empty.
    let after = git.find_blob(new.id())?.content().to_vec();
    let mut options = options(context);
    let (old, new) = (old.path(), new.path());
    let patch = Patch::from_buffers(&before, old, &after, new, Some(&mut options))?;
    told(&patch)
}

/// The content that git keeps under an id; nothing under that of no content.
pub(super) fn content(git: &Repository, id: Oid) -> std::result::Result<Vec<u8>, git2::Error> {
    if id.is_zero() {
        return Ok(Vec::new());
    }
    Ok(git.find_blob(id)?.content().to_vec())
}

/// The encoding of the lines of a patch; UTF-8 where it cannot be told.
fn encoding_of(patch: &Patch<'_>) -> std::result::Result<TextEncoding, git2::Error> {
    let (mut all, mut other) = (Vec::new(), false);
    for h in 0..patch.num_hunks() {
        for l in 0..patch.num_lines_in_hunk(h)? {
            let line = patch.line_in_hunk(h, l)?;
            if std::str::from_utf8(line.content()).is_err() {
                other = true;
                all.extend_from_slice(line.content());
            }
        }
    }
    let told = || decode(&all).filter(|decoded| !decoded.lossy);
    let told = other.then(told).flatten();
    Ok(told.map_or(TextEncoding::UTF_8, |decoded| decoded.encoding))
}

/// The `h`th hunk of a patch, whose lines are in that encoding.
fn hunk(
    patch: &Patch<'_>,
    h: usize,
    encoding: TextEncoding,
) -> std::result::Result<Hunk, git2::Error> {
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
        // Between two sides of different encodings a line may be in either.
        let text = match std::str::from_utf8(line.content()) {
            Ok(text) => text.into(),
            Err(_) => encoding.shown(line.content()),
        };
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
