//! Changed lines in groups, which a diff shows and which can be taken or left by themselves.

use std::collections::HashMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, DiffTag};

use super::section::section;
use super::{Change, FileChange};
use crate::base::{LineRange, OrBug as _};

/// A run of changed lines that can be taken or left by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedHunk {
    /// The number of the file in the change, from 0.
    pub file: usize,
    /// Lines on the old side with context (`None` for a new file).
    pub old: Option<LineRange>,
    /// Lines on the new side with context (`None` for a deleted file).
    pub new: Option<LineRange>,
    /// `+1`, `-1` or `0` for each line, with the text without newline.
    pub lines: Vec<(i8, String)>,
    /// The definition that the hunk stands in, as it stands behind `@@`; empty where there is none.
    pub section: String,
}

/// Pairs of lines beyond which a stretch is shown as replaced whole: comparing is quadratic at
/// worst, and nobody reads such a diff.
const MOST_PAIRS: usize = 400_000_000;

/// A line of a diff, its newline included.
pub(super) struct DiffRow<'a> {
    /// `1` added, `-1` removed, `0` on both sides.
    pub sign: i8,
    pub text: &'a str,
}

/// Changes that lie close together, with the lines around them. Lines count from 0.
pub(super) struct Group<'a> {
    pub old: Range<usize>,
    pub new: Range<usize>,
    pub rows: Vec<DiffRow<'a>>,
    /// The definition that they stand in; empty where there is none.
    pub section: String,
}

/// The groups of changes from `before` to `after`, in order, with `context` lines around.
pub(super) fn groups<'a>(before: &'a str, after: &'a str, context: usize) -> Vec<Group<'a>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let ops = compare(&old, &new);
    if ops.iter().all(|op| op.tag() == DiffTag::Equal) {
        return Vec::new();
    }
    similar::group_diff_ops(ops, context)
        .iter()
        .filter_map(|ops| group(ops, &old, &new))
        .collect()
}

/// The operations between two texts' lines. The same texts always give the same ones.
fn compare(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    // Numbers instead of texts: each line is hashed once, and compared as a number after.
    let (mut a, mut b) = (vec![0_u32; old.len()], vec![0_u32; new.len()]);
    for (side, lines) in [(&mut a, old), (&mut b, new)] {
        for (id, line) in side.iter_mut().zip(lines) {
            let next = ids.len() as u32;
            *id = *ids.entry(line).or_insert(next);
        }
    }
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(a.len().min(b.len()) - start)
        .take_while(|(x, y)| x == y)
        .count();
    let (old_len, new_len) = (a.len() - start - end, b.len() - start - end);
    if old_len.saturating_mul(new_len) > MOST_PAIRS {
        let mut ops = Vec::new();
        if start > 0 {
            ops.push(DiffOp::Equal {
                old_index: 0,
                new_index: 0,
                len: start,
            });
        }
        ops.push(DiffOp::Replace {
            old_index: start,
            old_len,
            new_index: start,
            new_len,
        });
        if end > 0 {
            ops.push(DiffOp::Equal {
                old_index: start + old_len,
                new_index: start + new_len,
                len: end,
            });
        }
        return ops;
    }
    similar::capture_diff_slices(Algorithm::Myers, &a, &b)
}

/// The group of some operations that follow each other; none where they change nothing.
fn group<'a>(ops: &[DiffOp], old: &[&'a str], new: &[&'a str]) -> Option<Group<'a>> {
    if ops.iter().all(|op| op.tag() == DiffTag::Equal) {
        return None;
    }
    let (first, last) = (ops.first()?, ops.last()?);
    let mut rows = Vec::new();
    let mut push = |sign: i8, lines: &[&'a str], range: Range<usize>| {
        rows.extend(
            lines
                .get(range)
                .or_bug("a diff has lines that its texts have not")
                .iter()
                .map(|text| DiffRow { sign, text }),
        );
    };
    for op in ops {
        match op.tag() {
            DiffTag::Equal => push(0, old, op.old_range()),
            DiffTag::Delete => push(-1, old, op.old_range()),
            DiffTag::Insert => push(1, new, op.new_range()),
            DiffTag::Replace => {
                push(-1, old, op.old_range());
                push(1, new, op.new_range());
            }
        }
    }
    let start = first.old_range().start;
    let changed = rows.iter().find(|row| row.sign != 0);
    Some(Group {
        section: section(old, start, changed.map_or("", |row| row.text)),
        old: start..last.old_range().end,
        new: first.new_range().start..last.new_range().end,
        rows,
    })
}

/// The texts before and after of a file whose changes can be taken one by one; none for a file
/// that is taken or left as one: new, deleted, or renamed and nothing else.
fn texts(file: &FileChange) -> Option<(&str, &str)> {
    match (&file.before, &file.after) {
        (Some(before), Some(after)) if before != after => Some((before, after)),
        _ => None,
    }
}

/// The hunk of a file, the `at`th of its change, that is taken or left as one.
fn whole(at: usize, file: &FileChange) -> ChangedHunk {
    let (sign, text) = match (&file.before, &file.after) {
        (None, Some(after)) => (1, after.as_str()),
        (Some(before), None) => (-1, before.as_str()),
        // A merely renamed file has no changed lines.
        _ => (0, ""),
    };
    let lines: Vec<(i8, String)> = text
        .split_inclusive('\n')
        .map(|line| (sign, bare(line)))
        .collect();
    let range = lines_of(&(0..lines.len()));
    ChangedHunk {
        file: at,
        old: range.filter(|_| sign < 0),
        new: range.filter(|_| sign > 0),
        lines,
        section: String::new(),
    }
}

/// Lines counted from 0 as a range from 1; none for no lines.
fn lines_of(range: &Range<usize>) -> Option<LineRange> {
    (!range.is_empty()).then(|| LineRange::new(range.start as u32 + 1, range.end as u32))
}

/// A line without its newline.
fn bare(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}

impl Change {
    /// The hunks, with `context` lines around, in order of file and line. A new, a deleted and a
    /// merely renamed file are one hunk each.
    pub fn hunks(&self, context: usize) -> Vec<ChangedHunk> {
        let mut all = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let Some((before, after)) = texts(file) else {
                all.push(whole(at, file));
                continue;
            };
            all.extend(groups(before, after, context).iter().map(|group| {
                ChangedHunk {
                    file: at,
                    old: lines_of(&group.old),
                    new: lines_of(&group.new),
                    section: group.section.clone(),
                    lines: group
                        .rows
                        .iter()
                        .map(|row| (row.sign, bare(row.text)))
                        .collect(),
                }
            }));
        }
        all
    }

    /// The change that takes this one back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let files = self.files.iter().map(|file| FileChange {
            path: file.renamed_to.clone().unwrap_or_else(|| file.path.clone()),
            renamed_to: file.renamed_to.as_ref().map(|_| file.path.clone()),
            before: file.after.clone(),
            after: file.before.clone(),
        });
        Self {
            files: files.collect(),
        }
    }

    /// The change with only those hunks of [`Change::hunks`] (same `context`) whose flag is
    /// set; a flag that is missing counts as not set. Files left without a hunk are left out; a
    /// rename stays with any hunk of its file.
    #[must_use]
    pub fn select(&self, context: usize, keep: &[bool]) -> Self {
        let mut flags = keep.iter().copied();
        let mut files = Vec::new();
        for file in &self.files {
            let Some((before, after)) = texts(file) else {
                if flags.next() == Some(true) {
                    files.push(file.clone());
                }
                continue;
            };
            let groups = groups(before, after, context);
            let kept: Vec<bool> = groups
                .iter()
                .map(|_| flags.next().unwrap_or(false))
                .collect();
            if kept.iter().all(|k| *k) {
                files.push(file.clone());
            } else if kept.contains(&true) {
                files.push(FileChange {
                    after: Some(partial(before, &groups, &kept)),
                    ..file.clone()
                });
            }
        }
        Self { files }
    }
}

/// The text before with only the kept groups applied.
fn partial(before: &str, groups: &[Group<'_>], kept: &[bool]) -> String {
    const GROUPS: &str = "groups of changes that are not in order, or not of this text";
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let mut out = String::with_capacity(before.len());
    let mut at = 0;
    for (group, _) in groups.iter().zip(kept).filter(|(_, kept)| **kept) {
        let stays = old.get(at..group.old.start).or_bug(GROUPS);
        out.extend(stays.iter().copied());
        out.extend(group.rows.iter().filter(|r| r.sign >= 0).map(|r| r.text));
        at = group.old.end;
    }
    out.extend(old.get(at..).or_bug(GROUPS).iter().copied());
    out
}
