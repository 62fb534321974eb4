//! The lines of a file that may be spoken of: which texts stand at one place of it only, and what
//! names lines have.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::ByteSet;
use super::part::FENCE;
use super::suffixes::{needed, suffixes};
use crate::base::lines::lines;
use crate::base::{LineRange, OrBug as _};

/// A file whose lines would need a longer one gets no edits but as a whole.
const LONGEST_FENCE: u8 = 40;

/// The lines of a file, and how they may be spoken of.
#[derive(Debug)]
pub struct FileLines {
    /// All of them, each with `\n` behind it, whatever stands there in the file.
    text: Vec<u8>,
    /// Where each line begins, and where the last one ends.
    starts: Vec<u32>,
    /// Lines in the order of the text from there on.
    order: Vec<u32>,
    /// How many lines from each one on stand at no other place; 0 for none.
    need: Vec<u32>,
    definitions: Vec<(String, LineRange)>,
    shown: Vec<LineRange>,
    /// True if it is shown and has no lines.
    empty: bool,
    /// The least length of a fence that begins no line.
    fence: u8,
    /// The bytes that can be written.
    spelled: ByteSet,
    /// Lines that hold what cannot be written.
    unspelled: Vec<bool>,
    /// Lines that an edit has already, and those beside them.
    taken: Vec<Range<u32>>,
    /// The places that may be named: lines in the order of the text from there on.
    pub(super) places: Vec<u32>,
    /// The definitions that may be named, in order of name.
    pub(super) names: Vec<(String, Range<u32>)>,
    /// Lines that may be named by their numbers.
    pub(super) open: Vec<Range<u32>>,
}

impl FileLines {
    /// Of a text in which `definitions` have names, and of which the lines `shown` may be named by
    /// their numbers.
    pub fn new(
        content: &str,
        mut definitions: Vec<(String, LineRange)>,
        mut shown: Vec<LineRange>,
    ) -> Self {
        let found = lines(content);
        let mut text = Vec::with_capacity(content.len() + 1);
        let mut starts = Vec::with_capacity(found.len() + 1);
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut distinct: Vec<&str> = Vec::new();
        let mut longest = 0;
        for line in &found {
            starts.push(text.len() as u32);
            text.extend_from_slice(line.text.as_bytes());
            text.push(b'\n');
            ids.entry(line.text).or_insert_with(|| {
                distinct.push(line.text);
                0
            });
            for sign in ['<', '=', '>'] {
                let rest = line.text.trim_start_matches(sign);
                longest = longest.max(line.text.len() - rest.len());
            }
        }
        starts.push(text.len() as u32);
        // In the order of their bytes with the newline behind them, so that the order of runs
        // of lines is that of the texts they make.
        let with_newline = |line: &&str| {
            let line = *line;
            line.bytes()
                .chain(std::iter::once(b'\n'))
                .collect::<Vec<u8>>()
        };
        distinct.sort_by_cached_key(with_newline);
        for (rank, line) in (0..).zip(&distinct) {
            ids.insert(line, rank);
        }
        let ranks: Vec<u32> = found
            .iter()
            .filter_map(|line| ids.get(line.text).copied())
            .collect();
        debug_assert_eq!(ranks.len(), found.len());
        let order = suffixes(&ranks);
        let need = needed(&ranks, &order);
        let count = ranks.len() as u32;
        let within = |range: &LineRange| range.end() <= count;
        let empty = count == 0 && !shown.is_empty();
        definitions.retain(|(_, range)| within(range));
        shown.retain(within);
        shown.sort_unstable();
        Self {
            text,
            starts,
            order,
            need,
            definitions,
            shown,
            empty,
            fence: u8::try_from(longest + 1).unwrap_or(u8::MAX).max(FENCE),
            spelled: ByteSet::ALL,
            unspelled: vec![false; ranks.len()],
            taken: Vec::new(),
            places: Vec::new(),
            names: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The least length of a fence that begins no line.
    pub const fn fence(&self) -> u8 {
        self.fence
    }

    /// The text of lines, from 0, each with `\n` behind it.
    pub fn lines(&self, lines: Range<u32>) -> &[u8] {
        let bytes = self.text.get(self.bytes(lines));
        bytes.or_bug("there are no such lines")
    }

    /// Its lines, each with `\n` behind it.
    pub(super) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split_inclusive(|byte| *byte == b'\n')
    }

    /// Its text from each line on.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[u8]> {
        let starts = self.starts.iter();
        starts.filter_map(|start| self.text.get(*start as usize..))
    }

    /// The names of definitions, whether they may be written now or not.
    pub(super) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|(name, _)| name.as_str())
    }

    /// Says which bytes can be written.
    pub fn set_alphabet(&mut self, bytes: &ByteSet) {
        self.spelled = *bytes;
        for line in 0..self.unspelled.len() {
            let part = self.lines(line as u32..line as u32 + 1);
            let cannot = part.iter().any(|byte| !bytes.contains(*byte));
            if let Some(slot) = self.unspelled.get_mut(line) {
                *slot = cannot;
            }
        }
    }

    /// Takes lines for an edit.
    pub fn take(&mut self, lines: Range<u32>) {
        self.taken
            .push(lines.start.saturating_sub(1)..lines.end + 1);
    }

    /// Tells whether some of its lines are taken.
    pub fn is_taken(&self) -> bool {
        !self.taken.is_empty()
    }

    /// Works out which places may be named: such as are free, can be written, and take no more
    /// than `most` bytes to write.
    pub fn settle(&mut self, most: usize) {
        self.places.clear();
        self.names.clear();
        self.open.clear();
        if self.fence > LONGEST_FENCE {
            return;
        }
        let places = self.order.iter().copied().filter(|line| {
            let need = self.need(*line);
            let lines = *line..line + need;
            need > 0
                && self.bytes(lines.clone()).len() <= most
                && lines.clone().all(|line| self.is_spelled(line))
                && self.is_free(&lines)
        });
        self.places = places.collect();
        let mut names: Vec<(String, Range<u32>)> = self
            .definitions
            .iter()
            .map(|(name, range)| (name.clone(), range.start() - 1..range.end()))
            .collect();
        names.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.start.cmp(&b.1.start)));
        // A name that stands for two definitions names none.
        let twice: HashSet<String> = names
            .windows(2)
            .filter_map(|pair| match pair {
                [(a, _), (b, _)] if a == b => Some(a.clone()),
                _ => None,
            })
            .collect();
        names.retain(|(name, lines)| {
            !twice.contains(name)
                && !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && !name.contains(char::is_control)
                && name.bytes().all(|byte| self.spelled.contains(byte))
                && self.bytes(lines.clone()).len() <= 4 * most
                && self.is_free(lines)
        });
        self.names = names;
        // A file without lines can be written anew as a whole.
        if self.empty && self.taken.is_empty() {
            self.open.push(0..1);
        }
        for range in &self.shown {
            let mut at = range.start() - 1;
            while at < range.end() {
                let length = (at..range.end())
                    .take_while(|line| self.is_free(&(*line..line + 1)))
                    .count() as u32;
                if length > 0 {
                    self.open.push(at..at + length);
                }
                at += length + 1;
            }
        }
    }

    /// Tells whether no edit has any of these lines.
    fn is_free(&self, lines: &Range<u32>) -> bool {
        !self
            .taken
            .iter()
            .any(|taken| taken.start < lines.end && lines.start < taken.end)
    }

    fn is_spelled(&self, line: u32) -> bool {
        self.unspelled.get(line as usize) == Some(&false)
    }

    /// Tells whether a line may be named by its number.
    pub(super) fn is_open(&self, line: u32) -> bool {
        self.open.iter().any(|lines| lines.contains(&line))
    }

    /// The last line, from 1, of those from `first` on that may be named by their numbers and take
    /// no more than four times `most` bytes.
    pub(super) fn last_line(&self, first: u32, most: usize) -> Option<u32> {
        let lines = self.open.iter().find(|lines| lines.contains(&first))?;
        // No more than can be written anew.
        let fits = |last: &u32| self.bytes(first..*last).len() <= 4 * most;
        let last = (first + 1..=lines.end).take_while(fits).last();
        Some(last.unwrap_or(first + 1))
    }

    /// Tells whether a run of lines from `first` on may take in `line` too.
    pub(super) fn may_go_on(&self, first: u32, line: u32, most: usize) -> bool {
        (line as usize) < self.unspelled.len()
            && self.is_spelled(line)
            && self.is_free(&(line..line + 1))
            && self.bytes(first..line + 1).len() <= most
    }

    /// The bytes of some lines.
    fn bytes(&self, lines: Range<u32>) -> Range<usize> {
        let at = |line: u32| {
            let at = self.starts.get(line as usize).or(self.starts.last());
            at.copied().or_bug("there is no last line") as usize
        };
        at(lines.start)..at(lines.end)
    }

    /// A byte of the text from a place on: the place by its number among those that may be named.
    pub(super) fn place_byte(&self, place: u32, depth: u32) -> Option<u8> {
        self.byte(*self.places.get(place as usize)?, depth as usize)
    }

    /// A byte of the name of a definition that may be named.
    pub(super) fn name_byte(&self, number: u32, depth: u32) -> Option<u8> {
        let (name, _) = self.names.get(number as usize)?;
        name.as_bytes().get(depth as usize).copied()
    }

    /// The byte so many behind the beginning of a line.
    pub(super) fn byte(&self, line: u32, depth: usize) -> Option<u8> {
        let start = self.starts.get(line as usize).copied()? as usize;
        self.text.get(start + depth).copied()
    }

    /// How many lines from this one on stand at no other place; 0 for none.
    pub(super) fn need(&self, line: u32) -> u32 {
        self.need
            .get(line as usize)
            .copied()
            .or_bug("there is no such line")
    }

    /// Tells whether some lines can be told from all others.
    pub fn has_places(&self) -> bool {
        !self.places.is_empty()
    }

    /// Tells whether some lines have a name or a number.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty() || !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(text: &str) -> FileLines {
        let mut file = FileLines::new(text, Vec::new(), Vec::new());
        file.settle(1000);
        file
    }

    #[test]
    fn lines_are_as_many_as_make_a_place_unique() {
        let file = file("a\nb\na\nc\nc\n");
        // `a b` and `a c` differ in the second; the last `c` is only the beginning of `c c`.
        assert_eq!(file.need, [2, 1, 2, 2, 0]);
        assert_eq!(file.places, [0, 2, 1, 3]);
    }

    #[test]
    fn a_fence_begins_no_line() {
        assert_eq!(file("a\n<<<<<\n").fence, 7);
        assert_eq!(file("a\n=========\n>>>>>>>> b\n").fence, 10);
        assert!(file(&"=".repeat(80)).places.is_empty());
    }

    #[test]
    fn what_is_taken_is_not_offered_nor_what_lies_beside_it() {
        let mut file = file("a\nb\nc\nd\ne\n");
        file.take(1..2);
        file.settle(1000);
        assert_eq!(file.places, [3, 4]);
        assert!(!file.may_go_on(3, 2, 1000) && file.may_go_on(3, 4, 1000));
        assert!(!file.may_go_on(3, 5, 1000) && !file.may_go_on(3, 4, 3));
    }

    proptest! {
        #[test]
        fn places_are_found_as_by_looking_everywhere(
            lines in proptest::collection::vec("[ab]{0,2}", 0..40)
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let file = file(&text);
            let at = |from: usize, count: usize| lines.get(from..from + count);
            for (line, need) in file.need.iter().enumerate() {
                let unique = (1..=lines.len() - line).find(|count| {
                    (0..lines.len()).filter(|from| at(*from, *count) == at(line, *count)).count() == 1
                });
                prop_assert_eq!(*need as usize, unique.unwrap_or(0));
            }
            let mut texts: Vec<Vec<u8>> = Vec::new();
            for line in &file.order {
                texts.push(file.text.get(file.bytes(*line..lines.len() as u32)).expect("text").to_vec());
            }
            prop_assert!(texts.is_sorted());
        }
    }
}
