//! The language of edits: a model cannot say an edit that cannot be applied.
//!
//! Between edits anything may stand; an edit's head names only files, definitions and lines that
//! are there (new names: only such as may be made); the text to be replaced is whole lines of the
//! file, going on until they stand at one place only; new text is free and ends by its fence, which
//! begins no line of the file. An edit that changes nothing cannot end, and no two edits have the
//! same lines.

mod place;
mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use self::place::{EditAt, Target};
pub use self::written::EditAnswer;
use super::{Edit, EditKind, Texts};
use crate::base::bug::bug;
use crate::base::secrets::masked;
use crate::base::{LineRange, OrBug as _, RepoPath};
use crate::grammar::{
    Answer, ByteSet, Choices, FENCE, FileLines, Form, FormGrammar, NewPaths, Part, Said, Value,
};

/// A file that edits may name: its text, the definitions in it, and the lines that are shown.
#[derive(Debug, Clone)]
pub struct ScopeFile {
    /// The file's path.
    pub path: RepoPath,
    /// The file's text.
    pub text: String,
    /// Definitions by name, with their lines.
    pub definitions: Vec<(String, LineRange)>,
    /// Lines that the model sees, and may name by their numbers.
    pub shown: Vec<LineRange>,
}

/// The limits within which edits may be written.
pub struct Scope<'a> {
    /// The files that may be changed.
    pub files: Vec<ScopeFile>,
    /// The source of texts, which tells the new files that may be made.
    pub texts: &'a dyn Texts,
    /// The only files that may be changed or made; empty for any.
    pub only: Vec<RepoPath>,
    /// The kinds of edit that may be used.
    pub kinds: Vec<EditKind>,
    /// Tokens of an answer.
    pub limit: usize,
    /// Lines that new text may have, where there is such a limit: the model is told the number
    /// beforehand, and an edit ends behind its last line.
    pub lines: Option<u32>,
    /// True if an answer must have an edit.
    pub must_edit: bool,
}

/// Bytes of a token, at the least: turns a limit in tokens into one in bytes.
const PER_TOKEN: usize = 2;
/// Bytes of free text before the first edit; beyond them the next line must begin an edit, if there
/// must be one.
const PROSE: usize = 600;
/// Factor from the most bytes of text to be replaced to the most of new text: beyond it new text
/// counts as going on without end.
const NEW: usize = 3;
/// Bytes of a line at the most, where lines are counted.
const LINE: usize = 300;
/// Factor from the bytes of the text that is replaced to the most of new text.
const TIMES: usize = 6;
/// Tokens that must be left for another edit to be begun.
const LEAST: usize = 96;
/// Edits of one answer, at the most.
const MOST_EDITS: usize = 200;
/// Length by which a fence may exceed the shortest that is possible.
const LONGER: u8 = 33;
/// The text between the two names of a rename.
const ARROW: &str = " -> ";

/// The words that may follow `*** `: those that begin an edit, and the end of an answer. A word's
/// place in the table is its number.
const VERBS: [(&str, Option<EditKind>); 6] = [
    ("create ", Some(EditKind::Create)),
    ("delete ", Some(EditKind::Delete)),
    ("end", None),
    ("rename ", Some(EditKind::Rename)),
    ("replace ", Some(EditKind::Replace)),
    ("rewrite ", Some(EditKind::Rewrite)),
];

/// A file that can be changed.
struct File {
    path: RepoPath,
    lines: FileLines,
    /// True if the file is deleted, or cannot be named.
    gone: bool,
    /// True if an edit has given the file another name.
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
    /// The same before any edit was made.
    all: BTreeMap<EditKind, Rc<Choices>>,
    /// The edits that are complete and committed.
    edits: Vec<Edit>,
}

/// An answer with edits as it is written.
pub type EditGrammar<'a> = FormGrammar<EditLanguage<'a>>;

impl<'a> EditLanguage<'a> {
    /// Makes the language of an answer, within the limits of `scope`.
    pub fn new(scope: Scope<'a>) -> Self {
        let texts = scope.texts;
        let new = NewPaths::new(
            Box::new(|path| texts.may_create(path).is_ok()),
            // One that holds nothing has no lines to be named, and is written as if it were new.
            (scope.files.iter())
                .filter(|file| !file.text.is_empty())
                .map(|file| &file.path),
            &scope.only,
        );
        let mut files: Vec<File> = scope
            .files
            .into_iter()
            .map(|file| File {
                path: file.path,
                lines: FileLines::new(&shown(&file.text), file.definitions, file.shown),
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
            all: BTreeMap::new(),
            edits: Vec::new(),
        };
        for file in &mut language.files {
            file.lines.settle(language.most);
        }
        language.list();
        language
    }

    /// Tells whether any edit can be written at all.
    pub fn is_useful(&self) -> bool {
        self.lists.values().any(|list| !list.is_empty()) || self.may_create()
    }

    fn may_create(&self) -> bool {
        self.kinds.contains(&EditKind::Create) && self.new.any()
    }

    fn file_of(&self, number: u32) -> Option<&File> {
        let file = self.files.get(number as usize);
        file.or_else(|| bug("there is no file of that number", None))
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
        if self.edits.is_empty() {
            self.all.clone_from(&self.lists);
        }
    }

    /// The words that may stand behind `*** `, with their numbers. That opens nothing before all
    /// edits are committed.
    fn verbs(&self, answer: &Answer<'_, EditAt>) -> impl Iterator<Item = (u32, &'static str)> {
        let edits = self.edits.len();
        let begins = edits < MOST_EDITS && (answer.left >= LEAST || edits == 0);
        self.words_of(&self.lists, begins, self.may_be_done())
    }

    /// Tells whether an answer may end with the edits that are committed.
    fn may_be_done(&self) -> bool {
        !self.edits.is_empty() || !self.must_edit
    }

    /// The words by which an edit of a listed file begins, and the one that ends the answer.
    fn words_of(
        &self,
        lists: &BTreeMap<EditKind, Rc<Choices>>,
        begins: bool,
        ends: bool,
    ) -> impl Iterator<Item = (u32, &'static str)> {
        (0..).zip(VERBS).filter_map(move |(number, (word, kind))| {
            let may = match kind {
                None => ends,
                Some(EditKind::Create) => begins && self.may_create(),
                Some(kind) => begins && lists.get(&kind).is_some_and(|list| !list.is_empty()),
            };
            may.then_some((number, word))
        })
    }

    /// The part that is new text at a target.
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

    /// The edit that a part completes, if it does; `earlier` are the parts before it.
    fn edit(
        &self,
        answer: &Answer<'_, EditAt>,
        earlier: &[Said<EditAt>],
        said: &Said<EditAt>,
    ) -> Option<Edit> {
        let text = || String::from_utf8_lossy(answer.text(said)).into_owned();
        let named = |said: &Said<EditAt>| {
            let name = std::str::from_utf8(answer.text(said)).ok();
            let path = name.and_then(|name| RepoPath::new(name).ok());
            path.or_else(|| bug("a path that is none was written", None))
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
                // Before the text stand the name and the fence.
                let [.., name, _fence] = earlier else {
                    return bug("a new file has no name", None);
                };
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

    /// Takes an edit that is complete: no later one may have its lines or its name.
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
            return bug("an edit of a file that there is not", ());
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

/// A text as the model is shown it: edits are said of what stands there.
fn shown(text: &str) -> Cow<'_, str> {
    masked(text).unwrap_or_else(|failure| bug(&failure.to_string(), Cow::Borrowed("")))
}

/// The choice among some words by their numbers.
fn one_of(words: impl Iterator<Item = (u32, &'static str)>) -> Part {
    let words = words.map(|(number, word)| (word.as_bytes().to_vec(), number));
    Part::OneOf {
        choices: Rc::new(Choices::numbered(words)),
        may_end: false,
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
            // What opened it counts: a token later too few may be left.
            EditAt::Verb => one_of(self.words_of(&self.lists, true, self.may_be_done())),
            EditAt::Path(kind) => {
                let list = self.lists.get(&kind).cloned();
                Part::OneOf {
                    choices: list.or_bug("a kind of edit that names no file that is there"),
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
            (EditAt::Verb, Value::Chosen(number)) => match VERBS.get(number as usize) {
                Some((_, None)) => EditAt::End,
                Some((_, Some(Create))) => EditAt::NewPath(None),
                Some((_, Some(kind))) => EditAt::Path(*kind),
                None => bug("there is no verb of that number", EditAt::End),
            },
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
            (EditAt::End, _) => EditAt::End,
            (at, value) => {
                let what = format!("{value:?} is no value of the part at {at:?}");
                bug(&what, EditAt::End)
            }
        }
    }

    fn widest(&self, at: &EditAt) -> Part {
        match *at {
            EditAt::Words => Part::Words {
                may_end: true,
                opens: true,
                most: None,
            },
            EditAt::Verb => one_of(self.words_of(&self.all, true, true)),
            EditAt::Path(kind) => Part::OneOf {
                choices: self.all.get(&kind).cloned().or_bug("no file is listed"),
                may_end: false,
            },
            _ => self.part(at, &Answer::unwritten()),
        }
    }

    fn commit(&mut self, answer: &Answer<'_, EditAt>, before: usize) {
        let edits = self.edits.len();
        for (number, said) in answer.said.iter().enumerate().skip(before) {
            let (earlier, _) = answer.said.split_at(number);
            if let Some(edit) = self.edit(answer, earlier, said) {
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

#[cfg(test)]
#[path = "edit_language_tests.rs"]
mod tests;
