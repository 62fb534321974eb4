//! What a model may write when it is asked for edits: what cannot be applied cannot be said.
//!
//! Between edits anything may stand; an edit's head names only files, definitions and lines that
//! are there (new names: only such as may be made); the text to be replaced is whole lines of the
//! file, going on until they stand at one place; new text is free and ends by its fence, which
//! begins no line of the file. An edit that changes nothing cannot end, and no two edits have the
//! same lines.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Edit, EditKind, Texts};
use crate::base::{LineRange, RepoPath};
use crate::grammar::{
    Answer, ByteSet, Choices, FileLines, Form, FormGrammar, NewPaths, Part, Said, Value,
};

/// A file as it is given: its text, what is defined in it, and what of it is shown.
#[derive(Debug, Clone)]
pub struct ScopeFile {
    /// Where it is.
    pub path: RepoPath,
    /// Its text.
    pub text: String,
    /// Definitions by name, with their lines.
    pub definitions: Vec<(String, LineRange)>,
    /// Lines that the model sees, and may name by their numbers.
    pub shown: Vec<LineRange>,
}

/// What edits may be made of.
pub struct Scope<'a> {
    /// The files that may be changed.
    pub files: Vec<ScopeFile>,
    /// What tells which new files may be made.
    pub texts: &'a dyn Texts,
    /// The only files that may be changed or made; empty for any.
    pub only: Vec<RepoPath>,
    /// The kinds that may be used.
    pub kinds: Vec<EditKind>,
    /// Tokens of an answer.
    pub limit: usize,
    /// Lines that new text may have, where there is such a limit: it is told beforehand, and an
    /// edit ends behind its last line.
    pub lines: Option<u32>,
    /// Whether an answer without an edit is none.
    pub must_edit: bool,
}

/// Bytes of a token, at the least: by it a limit in tokens becomes one in bytes.
const PER_TOKEN: usize = 2;
/// Bytes of free text before the first edit, from which on the next line must begin one.
const PROSE: usize = 600;
/// As many times the text to be replaced may have new text has, before it counts as one that goes
/// on without end.
const NEW: usize = 3;
/// Bytes of a line at the most, where lines are counted.
const LINE: usize = 300;
/// As many times the text it replaces new text may have.
const TIMES: usize = 6;
/// Tokens that must be left for another edit to be begun.
const LEAST: usize = 96;
/// Edits of one answer.
const MOST_EDITS: usize = 200;
/// The shortest fence, and by how much one may be longer than it must.
const FENCE: u8 = 7;
const LONGER: u8 = 33;
/// What stands between the two names of a rename.
const ARROW: &str = " -> ";

/// What an edit's head begins with, and the end of an answer, by their numbers.
const VERBS: [(&str, Option<EditKind>); 6] = [
    ("create ", Some(EditKind::Create)),
    ("delete ", Some(EditKind::Delete)),
    ("end", None),
    ("rename ", Some(EditKind::Rename)),
    ("replace ", Some(EditKind::Replace)),
    ("rewrite ", Some(EditKind::Rewrite)),
];

/// What new text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A new file.
    File,
    /// Lines of a file, from 0, the last number behind them.
    Lines(EditKind, u32, u32, u32),
    /// Lines of a file that are still to be said.
    Place(u32),
}

/// Where in an answer with edits a text is. Files are told by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditAt {
    /// Between edits.
    Words,
    /// Behind `*** `.
    Verb,
    /// In the name of a file that is there.
    Path(EditKind),
    /// In the name of a new file, or in the new name of one.
    NewPath(Option<u32>),
    /// In the name of a definition, or in numbers of lines.
    Lines(u32),
    /// In the fence before a text.
    Fence(Target),
    /// In the lines to be replaced; with the length of the fence.
    Old(u32, u8),
    /// In new text; with the length of the fence.
    New(Target, u8),
    /// Behind the last edit.
    End,
}

/// A file that can be changed.
struct File {
    path: RepoPath,
    lines: FileLines,
    /// Whether it is deleted, or cannot be named.
    gone: bool,
    /// Whether an edit has given it another name.
    renamed: bool,
}

/// The form of an answer with edits.
pub struct EditLanguage<'a> {
    files: Vec<File>,
    new: NewPaths<'a>,
    kinds: Vec<EditKind>,
    must_edit: bool,
    lines: Option<u32>,
    /// Bytes that the text to be replaced may have.
    most: usize,
    /// The files that may be named, by kind.
    lists: BTreeMap<EditKind, Rc<Choices>>,
    /// The edits that are complete and committed.
    edits: Vec<Edit>,
}

/// An answer with edits as it is written.
pub type EditGrammar<'a> = FormGrammar<EditLanguage<'a>>;

impl<'a> EditLanguage<'a> {
    /// For an answer.
    pub fn new(scope: Scope<'a>) -> Self {
        let texts = scope.texts;
        let new = NewPaths::new(
            Box::new(|path| texts.may_create(path).is_ok()),
            scope.files.iter().map(|file| &file.path),
            &scope.only,
        );
        let mut files: Vec<File> = scope
            .files
            .into_iter()
            .map(|file| File {
                path: file.path,
                lines: FileLines::new(&file.text, file.definitions, file.shown),
                gone: false,
                renamed: false,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        let mut language = Self {
            files,
            new,
            kinds: scope.kinds,
            must_edit: scope.must_edit,
            lines: scope.lines,
            most: (scope.limit / 4 * PER_TOKEN).max(64),
            lists: BTreeMap::new(),
            edits: Vec::new(),
        };
        for file in &mut language.files {
            file.lines.settle(language.most);
        }
        language.list();
        language
    }

    /// Whether any edit can be written at all.
    pub fn is_useful(&self) -> bool {
        self.lists.values().any(|list| !list.is_empty()) || self.may_create()
    }

    fn may_create(&self) -> bool {
        self.kinds.contains(&EditKind::Create) && self.new.any()
    }

    fn file_of(&self, number: u32) -> Option<&File> {
        let file = self.files.get(number as usize);
        debug_assert!(file.is_some(), "there is no file {number}");
        file
    }

    /// Works out which files may be named by each kind.
    fn list(&mut self) {
        use EditKind::{Delete, Rename, Replace, Rewrite};
        self.lists.clear();
        for kind in [Delete, Rename, Replace, Rewrite] {
            let may = |file: &File| match kind {
                Replace => file.lines.has_places(),
                Rewrite => file.lines.has_names(),
                Rename if !self.new.any() => false,
                _ => !file.lines.is_taken() && !file.renamed,
            };
            let behind = match kind {
                Rewrite => ":",
                Rename => ARROW,
                _ => "\n",
            };
            let texts = (0_u32..).zip(&self.files).filter_map(|(number, file)| {
                let name = file.path.as_str();
                let sayable = !name.contains(':')
                    && !name.contains(char::is_control)
                    && (kind != Rename || !name.contains(" ->"));
                let can = sayable && !file.gone && may(file) && self.kinds.contains(&kind);
                can.then(|| (format!("{name}{behind}").into_bytes(), number))
            });
            self.lists.insert(kind, Rc::new(Choices::numbered(texts)));
        }
    }

    /// What may stand behind `*** `, which opens nothing before all edits are committed.
    fn verbs(&self, answer: &Answer<'_, EditAt>) -> impl Iterator<Item = u32> {
        let edits = self.edits.len();
        let begins = edits < MOST_EDITS && (answer.left >= LEAST || edits == 0);
        let ends = edits > 0 || !self.must_edit;
        (0..).zip(VERBS).filter_map(move |(number, (_, kind))| {
            let may = match kind {
                None => ends,
                Some(EditKind::Create) => begins && self.may_create(),
                Some(kind) => begins && self.lists.get(&kind).is_some_and(|list| !list.is_empty()),
            };
            may.then_some(number)
        })
    }

    /// New text at a target.
    fn new_text(&self, target: Target, fence: u8) -> Part {
        let old: Option<Rc<[u8]>> = match target {
            Target::Lines(_, file, first, last) => self
                .file_of(file)
                .map(|file| Rc::from(file.lines.lines(first..last))),
            Target::File | Target::Place(_) => None,
        };
        let most = match (&old, self.lines) {
            (_, Some(lines)) => lines as usize * LINE,
            (None, None) => 4 * NEW * self.most,
            (Some(old), None) => (NEW * self.most).max(TIMES * old.len()),
        };
        Part::Block {
            fence,
            most,
            forced: false,
            lines: self.lines,
            unlike: old,
        }
    }

    /// The edit that a part completes, if it does.
    fn edit(&self, answer: &Answer<'_, EditAt>, number: usize) -> Option<Edit> {
        let said = answer.said.get(number)?;
        let text = || String::from_utf8_lossy(answer.text(said)).into_owned();
        let named = |said: &Said<EditAt>| {
            let name = std::str::from_utf8(answer.text(said)).ok()?;
            let path = RepoPath::new(name).ok();
            debug_assert!(path.is_some(), "a path that is none was written");
            path
        };
        let path = |file: u32| Some(self.file_of(file)?.path.clone());
        match (said.at, said.value) {
            (EditAt::Path(EditKind::Delete), Value::Chosen(file)) => {
                Some(Edit::Delete { path: path(file)? })
            }
            (EditAt::NewPath(Some(file)), _) => Some(Edit::Rename {
                path: path(file)?,
                to: named(said)?,
            }),
            (EditAt::New(Target::File, _), _) => {
                // Its name, the fence, and the text.
                let name = answer.said.get(number.checked_sub(2)?)?;
                Some(Edit::Create {
                    path: named(name)?,
                    text: text(),
                })
            }
            (EditAt::New(Target::Lines(kind, file, first, last), _), _) => {
                let old = self.file_of(file)?.lines.lines(first..last);
                Some(Edit::Lines {
                    path: path(file)?,
                    range: LineRange::new(first + 1, last),
                    old: String::from_utf8_lossy(old).into_owned(),
                    new: text(),
                    kind,
                })
            }
            _ => None,
        }
    }

    /// An edit is made: nothing else may have its lines or its name.
    fn take(&mut self, edit: &Edit, at: EditAt, value: Value) {
        if let Edit::Create { path, .. } | Edit::Rename { to: path, .. } = edit {
            self.new.add(path);
        }
        let ((EditAt::New(Target::Lines(_, number, ..), _) | EditAt::NewPath(Some(number)), _)
        | (EditAt::Path(_), Value::Chosen(number))) = (at, value)
        else {
            return;
        };
        let Some(file) = self.files.get_mut(number as usize) else {
            return;
        };
        match (edit, at) {
            (Edit::Delete { .. }, _) => file.gone = true,
            // From here on it is called by its new name.
            (Edit::Rename { to, .. }, _) => {
                file.path = to.clone();
                file.renamed = true;
            }
            (_, EditAt::New(Target::Lines(_, _, first, last), _)) => file.lines.take(first..last),
            _ => {}
        }
        file.lines.settle(self.most);
    }
}

impl Form for EditLanguage<'_> {
    type At = EditAt;

    fn start(&self) -> EditAt {
        EditAt::Words
    }

    fn part(&self, at: &EditAt, answer: &Answer<'_, EditAt>) -> Part {
        match *at {
            EditAt::Words => {
                let edited = !answer.said.is_empty();
                let must = self.must_edit && !edited && self.is_useful();
                Part::Words {
                    may_end: !must,
                    opens: self.verbs(answer).next().is_some(),
                    most: must.then_some(PROSE),
                }
            }
            EditAt::Verb => {
                let word = |number: u32| {
                    let (word, _) = VERBS.get(number as usize)?;
                    Some((word.as_bytes().to_vec(), number))
                };
                Part::OneOf {
                    choices: Rc::new(Choices::numbered(self.verbs(answer).filter_map(word))),
                    may_end: false,
                }
            }
            EditAt::Path(kind) => {
                let list = self.lists.get(&kind);
                debug_assert!(list.is_some(), "{kind:?} names no file that is there");
                Part::OneOf {
                    choices: list.cloned().unwrap_or_default(),
                    may_end: false,
                }
            }
            EditAt::NewPath(_) => Part::NewPath,
            EditAt::Lines(file) => Part::LinesBy {
                file,
                most: self.most,
            },
            EditAt::Fence(target) => {
                let file = match target {
                    Target::File => None,
                    Target::Lines(_, file, ..) | Target::Place(file) => self.file_of(file),
                };
                let least = file.map_or(FENCE, |file| file.lines.fence());
                Part::Fence {
                    byte: b'<',
                    least,
                    most: least.saturating_add(LONGER),
                }
            }
            EditAt::Old(file, fence) => Part::LinesOf {
                file,
                most: self.most,
                fence,
            },
            EditAt::New(target, fence) => self.new_text(target, fence),
            EditAt::End => Part::end(),
        }
    }

    fn after(&self, at: &EditAt, value: Value) -> EditAt {
        use EditKind::{Create, Delete, Rename, Replace, Rewrite};
        match (*at, value) {
            (EditAt::Words, _) => EditAt::Verb,
            (EditAt::Verb, Value::Chosen(number)) => {
                match VERBS.get(number as usize).and_then(|(_, kind)| *kind) {
                    None => EditAt::End,
                    Some(Create) => EditAt::NewPath(None),
                    Some(kind) => EditAt::Path(kind),
                }
            }
            (EditAt::Path(kind), Value::Chosen(file)) => match kind {
                Rename => EditAt::NewPath(Some(file)),
                Rewrite => EditAt::Lines(file),
                Replace => EditAt::Fence(Target::Place(file)),
                Delete | Create => EditAt::Words,
            },
            (EditAt::NewPath(None), _) => EditAt::Fence(Target::File),
            (EditAt::Lines(file), Value::Lines(first, last)) => {
                EditAt::Fence(Target::Lines(Rewrite, file, first, last))
            }
            (EditAt::Fence(Target::Place(file)), Value::Count(fence)) => EditAt::Old(file, fence),
            (EditAt::Fence(target), Value::Count(fence)) => EditAt::New(target, fence),
            (EditAt::Old(file, fence), Value::Lines(first, last)) => {
                EditAt::New(Target::Lines(Replace, file, first, last), fence)
            }
            (EditAt::NewPath(Some(_)) | EditAt::New(..), _) => EditAt::Words,
            (at, value) => {
                debug_assert!(
                    at == EditAt::End,
                    "{value:?} is no value of the part at {at:?}"
                );
                EditAt::End
            }
        }
    }

    fn widest(&self, at: &EditAt) -> Part {
        let answer = Answer::unwritten();
        match self.part(at, &answer) {
            Part::Words { .. } => Part::Words {
                may_end: true,
                opens: true,
                most: None,
            },
            Part::OneOf { .. } if *at == EditAt::Verb => {
                let end = |(_, (_, kind)): &(u32, (&str, Option<EditKind>))| kind.is_none();
                let ends = (0..).zip(VERBS).filter(end).map(|(number, _)| number);
                let all = self.verbs(&answer).chain(ends);
                let word = |number: u32| {
                    let (word, _) = VERBS.get(number as usize)?;
                    Some((word.as_bytes().to_vec(), number))
                };
                Part::OneOf {
                    choices: Rc::new(Choices::numbered(all.filter_map(word))),
                    may_end: false,
                }
            }
            part => part,
        }
    }

    fn commit(&mut self, answer: &Answer<'_, EditAt>, before: usize) {
        let edits = self.edits.len();
        for (number, said) in answer.said.iter().enumerate().skip(before) {
            if let Some(edit) = self.edit(answer, number) {
                self.take(&edit, said.at, said.value);
                self.edits.push(edit);
            }
        }
        if edits < self.edits.len() {
            self.list();
        }
    }

    fn set_alphabet(&mut self, bytes: ByteSet) {
        for file in &mut self.files {
            file.lines.set_alphabet(&bytes);
            if file.path.as_str().bytes().any(|byte| !bytes.contains(byte)) {
                file.gone = true;
            }
            file.lines.settle(self.most);
        }
        self.list();
    }

    fn file(&self, number: u32) -> Option<&FileLines> {
        self.file_of(number).map(|file| &file.lines)
    }

    fn new_paths(&self) -> Option<&NewPaths<'_>> {
        Some(&self.new)
    }
}

impl EditGrammar<'_> {
    /// The edits that are complete and committed, in order.
    pub fn edits(&self) -> &[Edit] {
        &self.form().edits
    }

    /// What stands around the edits, without runs of empty lines: words for people.
    pub fn words(&self) -> String {
        let answer = self.answer();
        let whole = answer.said.iter().filter(|said| said.at == EditAt::Words);
        let mut out: Vec<u8> = whole.flat_map(|said| answer.text(said)).copied().collect();
        if let Some((EditAt::Words, begun)) = self.at() {
            out.extend(answer.written.get(begun..).unwrap_or_default());
        }
        let out = String::from_utf8_lossy(&out);
        let mut lines: Vec<&str> = Vec::new();
        for line in out.lines() {
            let blank = line.trim().is_empty();
            if !blank || lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(line);
            }
        }
        lines.join("\n").trim().to_owned()
    }

    /// The head of an edit that has begun and not ended.
    pub fn begun(&self) -> Option<String> {
        let (at, _) = self.at()?;
        if matches!(at, EditAt::Words | EditAt::End) {
            return None;
        }
        let answer = self.answer();
        let words = answer.said.iter().rfind(|said| said.at == EditAt::Words)?;
        let head = answer.written.get(words.text.end..)?;
        let line = head.split(|byte| *byte == b'\n').next()?;
        Some(String::from_utf8_lossy(line).into_owned())
    }
}

#[cfg(test)]
#[path = "edit_language_tests.rs"]
mod tests;
