//! From edits to new texts, in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::refused::{self, Refused, Why};
use super::{Edit, Texts};
use crate::base::lines::{Line, bytes, lines, with_newlines, without_newline};
use crate::base::secrets::{masked_copy, restored};
use crate::base::text::{is_hostile, printable, truncated};
use crate::base::{Failure, LineRange, OrBug as _, RepoPath, Result};

/// The change of one file: its name and text before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The name before; for a new file, the new one.
    pub path: RepoPath,
    /// The name after, where the file is renamed.
    pub renamed_to: Option<RepoPath>,
    /// The text before; none for a new file.
    pub before: Option<String>,
    /// The text after; none for a deleted file.
    pub after: Option<String>,
}

/// A whole patch: every file it touches, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The files, in the order in which edits first name them.
    pub files: Vec<FileChange>,
}

/// Lines of a file (from 0) and the text to stand there.
struct Splice {
    /// The number of the edit.
    edit: usize,
    lines: Range<usize>,
    new: String,
}

/// The edits of one file that is there.
struct Work {
    before: String,
    /// The text as it was shown, where that was without its secrets.
    shown: Option<String>,
    splices: Vec<Splice>,
    renamed_to: Option<RepoPath>,
    deleted: bool,
    /// The number of the edit that renames or deletes it.
    by: usize,
}

/// The edits as far as they have been looked at.
#[derive(Default)]
struct EditPlan<'n> {
    /// The number by which each edit is called.
    numbers: &'n [usize],
    /// Files that are there and are edited, by the names they have now.
    work: BTreeMap<RepoPath, Work>,
    /// New files, with their texts.
    created: BTreeMap<RepoPath, String>,
    /// New names of renamed files, with the old ones.
    moved: BTreeMap<RepoPath, RepoPath>,
    /// The edits that cannot be applied.
    refused: Vec<Refused>,
}

impl Change {
    /// Works out the new texts. All edits hold or none does; edits of one file all name lines of
    /// its text as it is now, which must read as they did when the edit was written, and must not
    /// overlap. Where an edit shows the mask of a secret, what stands there in the file is put back
    /// ([`crate::base::secrets`]), or the edit is refused. Newlines of the file are kept (CRLF), and so are its byte-order mark and whether it
    /// ends with a newline.
    ///
    /// # Errors
    /// Of kind input; the causes name edit, file and reason, one for each that cannot be.
    pub fn plan(edits: &[Edit], texts: &dyn Texts) -> Result<Self> {
        let numbers: Vec<usize> = (1..=edits.len()).collect();
        Self::plan_some(edits, &numbers, texts).map_err(|refused| refused::failure(&refused, edits))
    }

    /// Works out the new texts as [`Change::plan`] does, where the edits are some of an answer's:
    /// `numbers` are those by which the model is told of them.
    ///
    /// # Errors
    /// The edits that cannot be, in their order.
    pub fn plan_some(
        edits: &[Edit],
        numbers: &[usize],
        texts: &dyn Texts,
    ) -> Result<Self, Vec<Refused>> {
        let mut plan = EditPlan {
            numbers,
            ..EditPlan::default()
        };
        // Renames first: later blocks may use the new name for a file.
        for (at, edit) in edits.iter().enumerate() {
            if let Edit::Rename { path, to } = edit {
                plan.rename(at, path, to, texts);
            }
        }
        for (at, edit) in edits.iter().enumerate() {
            match edit {
                Edit::Rename { .. } => {}
                Edit::Create { path, text } => plan.create(at, path, text, texts),
                Edit::Delete { path } => plan.delete(at, path, texts),
                Edit::Lines {
                    path,
                    range,
                    old,
                    new,
                    ..
                } => plan.splice(at, path, texts, (*range, old, new)),
            }
        }
        plan.finish(edits)
    }

    /// Counts the lines added and removed.
    pub fn line_counts(&self) -> (usize, usize) {
        let hunks = self.hunks(0);
        let count = |sign: i8| {
            hunks
                .iter()
                .flat_map(|h| &h.lines)
                .filter(|(s, _)| *s == sign)
                .count()
        };
        (count(1), count(-1))
    }

    /// Tells whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The lines that an edit names, counted from 0, if they still read as they did.
fn named(file: &[Line<'_>], range: LineRange, old: &str) -> Result<Range<usize>> {
    let (start, end) = (range.start() as usize, range.end() as usize);
    // An empty file has no line, and its first is the only one that can be meant.
    if file.is_empty() && start == 1 && old.is_empty() {
        return Ok(0..0);
    }
    let stands = file.get(start - 1..end).ok_or_else(|| {
        Failure::input(format!(
            "it says lines {range}, and the file has {}",
            match file.len() {
                0 => "none".to_owned(),
                1 => "only one".to_owned(),
                n => format!("only {n}"),
            }
        ))
    })?;
    let old = lines(old);
    let differs = stands
        .iter()
        .map(|line| Some(line.text))
        .chain(std::iter::repeat(None))
        .zip(old.iter().map(|line| Some(line.text)).chain([None]))
        .position(|(stands, said)| stands != said);
    match differs {
        Some(at) if at < stands.len() || at < old.len() => {
            // The text that the edit names may have more lines than its range.
            let reads = stands.get(at).map_or("", |line| line.text.trim());
            Err(Failure::input(format!(
                "the file was changed meanwhile: line {} reads `{}`",
                start + at,
                printable(truncated(reads, 120))
            )))
        }
        _ => Ok(start - 1..end),
    }
}

impl EditPlan<'_> {
    /// The number by which the edit at an index is called.
    fn number(&self, at: usize) -> usize {
        self.numbers.get(at).copied().unwrap_or(at + 1)
    }

    fn refuse(&mut self, at: usize, why: impl Into<Why>) {
        let why = why.into();
        self.refused.push(Refused { at, why });
    }

    /// The work on a file that is there, its text read at the first call.
    fn work(&mut self, path: &RepoPath, texts: &dyn Texts) -> Result<&mut Work, String> {
        use std::collections::btree_map::Entry;
        match self.work.entry(path.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => match texts.text(path) {
                Ok(before) => Ok(entry.insert(Work {
                    shown: masked_copy(&before).map_err(|failure| failure.to_string())?,
                    before,
                    splices: Vec::new(),
                    renamed_to: None,
                    deleted: false,
                    by: 0,
                })),
                Err(failure) => Err(failure.to_string()),
            },
        }
    }

    /// Checks that something new may stand at `path`; if not, says why.
    fn room_for(&self, path: &RepoPath, texts: &dyn Texts) -> Result<(), Why> {
        if texts.exists(path) {
            // A folder, and a file that is no text, have no lines that an edit could name.
            let lines = texts.text(path).map_or(0, |text| lines(&text).len());
            let why = Why::from("it exists already");
            return Err(match lines {
                0 => why,
                n => why.mended_by(format!(
                    "change it with replace, or with `*** rewrite {path}:1-{n}`"
                )),
            });
        }
        if path.as_str().chars().any(is_hostile) {
            return Err("a new name must not hold characters that cannot be seen".into());
        }
        if self.created.contains_key(path) || self.moved.contains_key(path) {
            return Err("an earlier edit already puts a file there".into());
        }
        texts
            .may_create(path)
            .map_err(|failure| format!("no file may be made there: {failure}"))?;
        let below = format!("{}/", path.as_str());
        let new = || self.created.keys().chain(self.moved.keys());
        if new().any(|other| other.as_str().starts_with(&below)) {
            return Err("an earlier edit makes a folder of that name".into());
        }
        let mut folder = path.folder();
        while !folder.is_empty() {
            let parent = RepoPath::new(folder).map_err(|failure| failure.to_string())?;
            if new().any(|other| *other == parent)
                || (texts.exists(&parent) && texts.text(&parent).is_ok())
            {
                return Err(format!("`{parent}` is a file, and no folder").into());
            }
            // Above the last one lies the root.
            folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        }
        Ok(())
    }

    fn rename(&mut self, at: usize, path: &RepoPath, to: &RepoPath, texts: &dyn Texts) {
        if let Err(why) = self.room_for(to, texts) {
            return self.refuse(at, why.of(to));
        }
        match self.work(path, texts) {
            Err(why) => self.refuse(at, why),
            Ok(work) if work.renamed_to.is_some() => {
                self.refuse(at, "an earlier edit already renames it");
            }
            Ok(work) => {
                work.renamed_to = Some(to.clone());
                work.by = at;
                self.moved.insert(to.clone(), path.clone());
            }
        }
    }

    fn create(&mut self, at: usize, path: &RepoPath, text: &str, texts: &dyn Texts) {
        let is_empty = || texts.text(path).is_ok_and(|text| text.is_empty());
        if texts.exists(path) && is_empty() {
            return self.splice(at, path, texts, (LineRange::new(1, 1), "", text));
        }
        let made = self.room_for(path, texts).and_then(|()| {
            // No secret can be put back into it.
            let text = restored(None, 0..0, text);
            let newline = text.and_then(|text| Ok((text, texts.newline(path)?)));
            newline.map_err(|failure| Why::from(failure.to_string()))
        });
        match made {
            Ok((text, newline)) => {
                let text = with_newlines(&text, newline);
                self.created.insert(path.clone(), text);
            }
            Err(why) => self.refuse(at, why),
        }
    }

    fn delete(&mut self, at: usize, path: &RepoPath, texts: &dyn Texts) {
        match self.work(path, texts) {
            Err(why) => self.refuse(at, why),
            Ok(work) if work.deleted => self.refuse(at, "an earlier edit already deletes it"),
            Ok(work) if work.renamed_to.is_some() || !work.splices.is_empty() => {
                self.refuse(at, "an earlier edit changes the same file");
            }
            Ok(work) => {
                work.deleted = true;
                work.by = at;
            }
        }
    }

    fn splice(
        &mut self,
        at: usize,
        path: &RepoPath,
        texts: &dyn Texts,
        (range, old, new): (LineRange, &str, &str),
    ) {
        if self.created.contains_key(path) {
            let why = Why::from("an earlier edit creates the file");
            return self.refuse(at, why.mended_by("put its whole text there"));
        }
        // A renamed file may be called by its new name.
        let path = self.moved.get(path).unwrap_or(path).clone();
        let work = match self.work(&path, texts) {
            Ok(work) => work,
            Err(why) => return self.refuse(at, why),
        };
        if work.deleted {
            return self.refuse(at, "an earlier edit deletes the file");
        }
        let file = lines(&work.before);
        let shown = work.shown.as_deref().map(lines);
        let lines = match named(shown.as_ref().unwrap_or(&file), range, old) {
            Ok(lines) => lines,
            Err(failure) => return self.refuse(at, failure.to_string()),
        };
        let new = match restored(Some(&work.before), lines.clone(), new) {
            Ok(new) => new,
            Err(failure) => return self.refuse(at, failure.to_string()),
        };
        let new = new.as_ref();
        if let Err(failure) = texts.can_hold(&path, new) {
            return self.refuse(at, failure.to_string());
        }
        let Some(splice) = trimmed(at, &file, lines, new) else {
            return self.refuse(at, "it changes nothing: the new text is the old one");
        };
        let other = work
            .splices
            .iter()
            .find(|other| clash(&other.lines, &splice.lines))
            .map(|other| other.edit);
        let Some(other) = other else {
            return work.splices.push(splice);
        };
        let (other, line) = (self.number(other), splice.lines.start + 1);
        self.refuse(
            at,
            Why {
                told: format!("it overlaps with edit {other} at line {line}"),
                mend: Some("say both as one edit".to_owned()),
                plain: Some(format!("an earlier edit changes line {line}, too")),
            },
        );
    }

    /// The change, if no edit was refused.
    fn finish(mut self, edits: &[Edit]) -> Result<Change, Vec<Refused>> {
        let mut files: Vec<FileChange> = self
            .created
            .iter()
            .map(|(path, text)| FileChange {
                path: path.clone(),
                renamed_to: None,
                before: None,
                after: Some(text.clone()),
            })
            .collect();
        for (path, work) in std::mem::take(&mut self.work) {
            let after = (!work.deleted).then(|| spliced(&work.before, &work.splices));
            if after.as_ref() == Some(&work.before) && work.renamed_to.is_none() {
                // An edit that was refused leaves work with nothing to do.
                if let Some(splice) = work.splices.first() {
                    self.refuse(
                        splice.edit,
                        "the edits of this file together change nothing",
                    );
                }
                continue;
            }
            files.push(FileChange {
                path,
                renamed_to: work.renamed_to,
                before: Some(work.before),
                after,
            });
        }
        if !self.refused.is_empty() {
            self.refused.sort_by_key(|refused| refused.at);
            return Err(self.refused);
        }
        let named = |edit: &Edit| self.moved.get(edit.path()).unwrap_or(edit.path()).clone();
        let mut order: BTreeMap<RepoPath, usize> = BTreeMap::new();
        for (at, edit) in edits.iter().enumerate() {
            order.entry(named(edit)).or_insert(at);
        }
        files.sort_by_key(|file| order.get(&file.path).copied());
        Ok(Change { files })
    }
}

/// The splice without the lines that stay as they are at its beginning and end: they keep
/// their own newlines, and two edits may both show them. `None` if nothing is left.
fn trimmed(edit: usize, file: &[Line<'_>], range: Range<usize>, new: &str) -> Option<Splice> {
    let old = file
        .get(range.clone())
        .or_bug("an edit of lines that its file has not");
    let new: Vec<&str> = new.split_inclusive('\n').map(without_newline).collect();
    let start = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old.text == **new)
        .count();
    let end = old
        .iter()
        .skip(start)
        .rev()
        .zip(new.iter().skip(start).rev())
        .take_while(|(old, new)| old.text == **new)
        .count();
    let lines = range.start + start..range.start + old.len() - end;
    let new = new
        .get(start..new.len() - end)
        .or_bug("a line that stays at both ends of an edit");
    if lines.is_empty() && new.is_empty() {
        return None;
    }
    Some(Splice {
        edit,
        lines,
        new: new.iter().flat_map(|line| [*line, "\n"]).collect(),
    })
}

/// Tells whether two splices exclude each other: they share a line, or which new text comes first
/// is not certain.
fn clash(a: &Range<usize>, b: &Range<usize>) -> bool {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => a.start == b.start,
        (true, false) => b.start < a.start && a.start < b.end,
        (false, true) => a.start < b.start && b.start < a.end,
        (false, false) => a.start < b.end && b.start < a.end,
    }
}

/// The text with all splices done, in the file's own manner.
fn spliced(before: &str, splices: &[Splice]) -> String {
    const APART: &str = "splices that overlap, or lie outside of their file";
    let file = lines(before);
    let crlf = file
        .iter()
        .filter(|line| {
            before
                .get(line.start..line.end)
                .is_some_and(|l| l.ends_with("\r\n"))
        })
        .count();
    let newline = if crlf * 2 > file.len() || (crlf > 0 && crlf * 2 == file.len()) {
        "\r\n"
    } else {
        "\n"
    };
    let mut order: Vec<&Splice> = splices.iter().collect();
    order.sort_by_key(|splice| (splice.lines.start, splice.lines.end));
    let mut out = String::with_capacity(before.len() + 256);
    let mut at = 0;
    for splice in order {
        let bytes = if file.is_empty() {
            // Behind a byte-order mark, where there is nothing but one.
            before.len()..before.len()
        } else {
            bytes(&file, splice.lines.clone())
        };
        out.push_str(before.get(at..bytes.start).or_bug(APART));
        if !out.is_empty() && out != "\u{feff}" && !out.ends_with('\n') && !splice.new.is_empty() {
            out.push_str(newline);
        }
        // Each of them ends.
        out.push_str(&with_newlines(&splice.new, newline));
        at = bytes.end;
    }
    out.push_str(before.get(at..).or_bug(APART));
    let body = file.last().is_some();
    let ended = before.ends_with('\n');
    if body && !ended && out.ends_with('\n') {
        out.truncate(without_newline(&out).len());
    } else if body && ended && !out.is_empty() && !out.ends_with('\n') && out != "\u{feff}" {
        out.push_str(newline);
    }
    out
}

#[cfg(test)]
#[path = "apply_tests.rs"]
pub(super) mod tests;
