//! What a model may write when it is asked for edits: what cannot be applied cannot be said.
//!
//! An automaton over bytes. Between edits anything may stand; an edit's head names only files,
//! definitions and lines that are there (new names: only such as may be made); the text to be
//! replaced is whole lines of the file, going on until they stand at one place; new text is free
//! and ends by its fence, which begins no line of the file. An edit that changes nothing cannot
//! end, and no two edits have the same lines.

mod body;
mod ground;
mod head;
mod new_path;
mod sorted;
mod state;
mod step;

use std::collections::BTreeMap;
use std::ops::Range;

use self::ground::Ground;
use self::new_path::NewPaths;
use self::state::{About, State, Verb};
use super::{Edit, Form, Texts};
use crate::base::{ByteSet, LineRange, Mask, Region, RepoPath};

pub use self::ground::ScopeFile;

/// What edits may be made of.
pub struct Scope<'a> {
    /// The files that may be changed.
    pub files: Vec<ScopeFile>,
    /// What tells which new files may be made.
    pub texts: &'a dyn Texts,
    /// The only files that may be changed or made; empty for any.
    pub only: Vec<RepoPath>,
    /// The forms that may be used.
    pub forms: Vec<Form>,
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
/// Bytes by which such a line may still be longer.
const LAST_LINE: usize = 200;
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

/// An edit that is complete.
struct Done {
    /// Where its text begins and ends.
    begun: usize,
    end: usize,
    edit: Edit,
    /// The file and the lines it takes; none where it makes one.
    taken: Option<(u32, Range<u32>)>,
}

/// The mask of an answer with edits.
pub struct EditMask<'a> {
    files: Vec<Ground>,
    new: NewPaths<'a>,
    forms: Vec<Form>,
    must_edit: bool,
    lines: Option<u32>,
    /// Bytes that the text to be replaced may have.
    most: usize,
    /// The files that may be named, by verb, in order of name.
    lists: BTreeMap<Verb, Vec<u32>>,
    /// All that was pushed.
    written: Vec<u8>,
    /// How much of it is settled.
    settled: usize,
    /// The state behind what is settled, and behind each byte since.
    states: Vec<State>,
    /// Edits that are complete.
    edits: Vec<Done>,
    /// How many of them are settled.
    done: usize,
    /// Tokens that may still follow.
    left: usize,
}

impl<'a> EditMask<'a> {
    /// A mask for an answer.
    pub fn new(scope: Scope<'a>) -> Self {
        let new = NewPaths::new(
            scope.texts,
            scope.files.iter().map(|file| &file.path),
            &scope.only,
        );
        let mut files: Vec<Ground> = scope.files.into_iter().map(Ground::new).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        let mut mask = Self {
            files,
            new,
            forms: scope.forms,
            must_edit: scope.must_edit,
            lines: scope.lines,
            most: (scope.limit / 4 * PER_TOKEN).max(64),
            lists: BTreeMap::new(),
            written: Vec::new(),
            settled: 0,
            states: vec![State::start(0)],
            edits: Vec::new(),
            done: 0,
            left: scope.limit,
        };
        for file in &mut mask.files {
            file.settle(mask.most);
        }
        mask.list();
        mask
    }

    /// The edits that are complete, in order.
    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter().map(|done| &done.edit)
    }

    /// What stands around the edits, without runs of empty lines: words for people.
    pub fn words(&self) -> String {
        let mut out = String::new();
        let mut at = 0;
        let rest = self
            .state()
            .begun()
            .map_or(self.written.len(), |at| at as usize);
        let ends = self.edits.iter().map(|done| (done.begun, done.end));
        for (begun, end) in ends.chain([(rest, rest)]) {
            let part = self.written.get(at..begun).unwrap_or_default();
            out.push_str(&String::from_utf8_lossy(part));
            at = end;
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in out.lines().filter(|line| *line != "*** end") {
            let blank = line.trim().is_empty();
            if !blank || lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(line);
            }
        }
        lines.join("\n").trim().to_owned()
    }

    /// What of the text so far is an edit that has begun and not ended.
    pub fn begun(&self) -> Option<String> {
        let from = self.state().begun()?;
        let head = self.written.get(from as usize..)?;
        let line = head.split(|byte| *byte == b'\n').next()?;
        Some(String::from_utf8_lossy(line).into_owned())
    }

    /// Whether the text of an edit went on without end, so that nothing may follow.
    pub fn is_over(&self) -> bool {
        matches!(self.state(), State::Text { about, .. } if self.is_endless(about))
    }

    /// Whether any edit can be written at all.
    pub fn is_useful(&self) -> bool {
        self.lists.values().any(|list| !list.is_empty()) || self.may_create()
    }

    fn may_create(&self) -> bool {
        self.allows(Form::Create) && self.new.any()
    }

    fn allows(&self, form: Form) -> bool {
        self.forms.contains(&form)
    }

    /// Works out which files may be named behind each verb.
    fn list(&mut self) {
        self.lists.clear();
        for verb in Verb::OF_FILES {
            let mut list: Vec<u32> = Vec::new();
            for (number, file) in (0_u32..).zip(&self.files) {
                let name = file.path.as_str();
                let sayable = !name.contains([':', '\n']) && !name.contains(char::is_control);
                let may = match verb {
                    Verb::Replace => file.has_places(),
                    Verb::Rewrite => file.has_names(),
                    Verb::Rename if !self.new.any() => false,
                    _ => !file.is_taken() && !file.renamed && !name.contains(" -> "),
                };
                if sayable && may && !file.gone && self.allows(verb.form()) {
                    list.push(number);
                }
            }
            let name = |number: &u32| self.files.get(*number as usize).map(|file| &file.path);
            list.sort_by(|a, b| name(a).cmp(&name(b)));
            self.lists.insert(verb, list);
        }
    }

    fn state(&self) -> State {
        self.states.last().copied().unwrap_or(State::End)
    }

    /// The state behind the settled text.
    fn base(&self) -> State {
        self.states.first().copied().unwrap_or(State::End)
    }

    /// Bytes that are tried and not settled.
    fn fresh(&self) -> usize {
        self.written.len() - self.settled
    }

    /// Whether free text has gone on long enough without an edit.
    fn is_long(&self, begun: u32, by: usize) -> bool {
        self.must_edit
            && self.done == 0
            && self.is_useful()
            && self.settled.saturating_sub(begun as usize) > by
    }

    /// Whether new text has gone on so long that it must end: a model that finds no end writes
    /// until its limit, and none of it can be used.
    fn is_endless(&self, about: About) -> bool {
        let old = self
            .files
            .get(about.file as usize)
            .map_or(0, |file| file.bytes(about.first..about.last).len());
        let most = match (about.verb, self.lines) {
            (_, Some(lines)) => lines as usize * LINE,
            (Verb::Create, _) => 4 * NEW * self.most,
            _ => (NEW * self.most).max(TIMES * old),
        };
        self.settled.saturating_sub(about.new_at as usize) > most
    }

    /// Whether new text has all the lines that it may have.
    fn is_full(&self, about: About) -> bool {
        let written = self
            .written
            .get(about.new_at as usize..)
            .unwrap_or_default();
        self.lines
            .is_some_and(|most| written.split(|byte| *byte == b'\n').count() as u32 > most)
    }

    /// Whether another edit may be begun.
    fn may_begin(&self) -> bool {
        self.edits.len() == self.done
            && self.done < MOST_EDITS
            && (self.left >= LEAST || self.done == 0)
    }

    /// The verbs that may be used now, as bits by [`Verb::ALL`].
    fn verbs(&self) -> u8 {
        let may_end = self.done > 0 || !self.must_edit;
        let mut bits = 0;
        for (at, verb) in Verb::ALL.iter().enumerate() {
            let may = match verb {
                Verb::End => may_end,
                Verb::Create => self.may_begin() && self.may_create(),
                verb => {
                    self.may_begin() && self.lists.get(verb).is_some_and(|list| !list.is_empty())
                }
            };
            bits |= u8::from(may) << at;
        }
        bits
    }

    /// Takes down an edit whose last byte is being pushed.
    fn complete(&mut self, about: About, new_end: usize) -> bool {
        let text = |range: Range<usize>| {
            let bytes = self.written.get(range)?;
            String::from_utf8(bytes.to_vec()).ok()
        };
        let new = || text(about.new_at as usize..new_end);
        let file = self.files.get(about.file as usize);
        let path = || file.map(|file| file.path.clone());
        let lines = about.first..about.last;
        let edit = match about.verb {
            Verb::Replace | Verb::Rewrite => {
                let old = file.and_then(|file| {
                    let bytes = file.text.get(file.bytes(lines.clone()))?;
                    String::from_utf8(bytes.to_vec()).ok()
                });
                path()
                    .zip(old)
                    .zip(new())
                    .map(|((path, old), new)| Edit::Lines {
                        path,
                        range: LineRange::new(lines.start + 1, lines.end),
                        old,
                        new,
                        form: about.verb.form(),
                    })
            }
            Verb::Delete => path().map(|path| Edit::Delete { path }),
            Verb::Create => {
                let name = self.written.get(about.name());
                let path = name.and_then(|name| std::str::from_utf8(name).ok());
                let path = path.and_then(|name| RepoPath::new(name).ok());
                path.zip(new())
                    .map(|(path, text)| Edit::Create { path, text })
            }
            Verb::Rename => {
                let name = self.written.get(about.name());
                let to = name.and_then(|name| std::str::from_utf8(name).ok());
                let to = to.and_then(|name| RepoPath::new(name).ok());
                path().zip(to).map(|(path, to)| Edit::Rename { path, to })
            }
            Verb::End => None,
        };
        let Some(edit) = edit else {
            return false;
        };
        let taken = (about.verb != Verb::Create).then_some((about.file, lines));
        self.edits.push(Done {
            begun: about.begun as usize,
            end: self.written.len() + 1,
            edit,
            taken,
        });
        true
    }
}

impl Mask for EditMask<'_> {
    fn push(&mut self, byte: u8) -> bool {
        let Some(state) = self.step(self.state(), byte) else {
            return false;
        };
        self.written.push(byte);
        self.states.push(state);
        true
    }

    fn pop(&mut self, count: usize) {
        let count = count.min(self.fresh());
        let length = self.written.len() - count;
        self.written.truncate(length);
        self.states.truncate(self.states.len() - count);
        while self.edits.last().is_some_and(|done| done.end > length) {
            self.edits.pop();
        }
    }

    fn settle(&mut self, left: usize) {
        self.left = left;
        self.settled = self.written.len();
        self.states.drain(..self.states.len() - 1);
        if self.done == self.edits.len() {
            return;
        }
        for Done { edit, taken, .. } in self.edits.iter().skip(self.done) {
            match edit {
                Edit::Create { path, .. } | Edit::Rename { to: path, .. } => self.new.add(path),
                _ => {}
            }
            let Some((number, lines)) = taken else {
                continue;
            };
            if let Some(file) = self.files.get_mut(*number as usize) {
                match edit {
                    Edit::Delete { .. } => file.gone = true,
                    // From here on it is called by its new name.
                    Edit::Rename { to, .. } => {
                        file.path = to.clone();
                        file.renamed = true;
                    }
                    _ => file.take(lines.clone()),
                }
                file.settle(self.most);
            }
        }
        self.done = self.edits.len();
        self.list();
    }

    fn next(&self) -> ByteSet {
        self.following()
    }

    fn may_end(&self) -> bool {
        let enough = !self.edits.is_empty() || !self.must_edit || !self.is_useful();
        enough && self.state().is_between()
    }

    fn region(&self) -> Option<Region> {
        self.free()
    }

    fn spell(&mut self, bytes: ByteSet) {
        for file in &mut self.files {
            file.spell(&bytes);
            if file.path.as_str().bytes().any(|byte| !bytes.contains(byte)) {
                file.gone = true;
            }
            file.settle(self.most);
        }
        self.list();
    }
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
