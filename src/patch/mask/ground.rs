//! A file that edits may be made in: where in it a text stands at one place only.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::lines::lines;
use crate::base::{ByteSet, LineRange, RepoPath};

/// The shortest fence.
const FENCE: u8 = 7;
/// A file whose lines would need a longer one gets no edits but as a whole.
const LONGEST_FENCE: u8 = 40;

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

/// A file whose places are known.
#[derive(Debug)]
pub(super) struct Ground {
    pub path: RepoPath,
    /// Its lines, each with `\n` behind it, whatever stands there in the file.
    pub text: Vec<u8>,
    /// Where each line begins, and where the last one ends.
    starts: Vec<u32>,
    /// Lines in the order of the text from there on.
    order: Vec<u32>,
    /// How many lines from each one on stand at no other place; 0 for none.
    need: Vec<u32>,
    definitions: Vec<(String, LineRange)>,
    shown: Vec<LineRange>,
    /// Whether it is shown and has no lines.
    empty: bool,
    /// The least length of a fence that begins no line.
    pub fence: u8,
    /// The bytes that can be written.
    spelled: ByteSet,
    /// Lines that hold what cannot be written.
    unspelled: Vec<bool>,
    /// Lines that an edit has already, and those beside them.
    taken: Vec<Range<u32>>,
    /// Whether it is to be deleted, or cannot be named.
    pub gone: bool,
    /// Whether an edit has given it another name.
    pub renamed: bool,
    /// The places that may be named: lines in the order of the text from there on.
    pub places: Vec<u32>,
    /// The definitions that may be named, in order of name.
    pub names: Vec<(String, Range<u32>)>,
    /// Lines that may be named by their numbers.
    pub open: Vec<Range<u32>>,
}

impl Ground {
    /// Finds the places of a file.
    pub fn new(file: ScopeFile) -> Self {
        let found = lines(&file.text);
        let mut text = Vec::with_capacity(file.text.len() + 1);
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
            .map(|line| ids.get(line.text).copied().unwrap_or(0))
            .collect();
        let order = suffixes(&ranks);
        let need = needed(&ranks, &order);
        let count = ranks.len() as u32;
        let within = |range: &LineRange| range.end() <= count;
        let empty = count == 0 && !file.shown.is_empty();
        let mut file_names = file.definitions;
        file_names.retain(|(_, range)| within(range));
        let mut ground = Self {
            path: file.path,
            text,
            starts,
            order,
            need,
            definitions: file_names,
            shown: file.shown.into_iter().filter(within).collect(),
            empty,
            fence: u8::try_from(longest + 1).unwrap_or(u8::MAX).max(FENCE),
            spelled: ByteSet::ALL,
            unspelled: vec![false; ranks.len()],
            taken: Vec::new(),
            gone: false,
            renamed: false,
            places: Vec::new(),
            names: Vec::new(),
            open: Vec::new(),
        };
        ground.shown.sort_unstable();
        ground
    }

    /// Says which bytes can be written.
    pub fn spell(&mut self, bytes: &ByteSet) {
        self.spelled = *bytes;
        for line in 0..self.unspelled.len() {
            let range = self.bytes(line as u32..line as u32 + 1);
            let part = self.text.get(range).unwrap_or_default();
            if let Some(slot) = self.unspelled.get_mut(line) {
                *slot = part.iter().any(|byte| !bytes.contains(*byte));
            }
        }
    }

    /// Takes lines for an edit.
    pub fn take(&mut self, lines: Range<u32>) {
        self.taken
            .push(lines.start.saturating_sub(1)..lines.end + 1);
    }

    /// Whether an edit has some of its lines.
    pub fn is_taken(&self) -> bool {
        !self.taken.is_empty()
    }

    /// Works out which places may be named: such as are free, can be written, and take no more
    /// than `most` bytes to write.
    pub fn settle(&mut self, most: usize) {
        self.places.clear();
        self.names.clear();
        self.open.clear();
        if self.gone || self.fence > LONGEST_FENCE {
            return;
        }
        let places = self.order.iter().copied().filter(|line| {
            let need = self.need.get(*line as usize).copied().unwrap_or(0);
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

    /// Whether no edit has any of these lines.
    fn is_free(&self, lines: &Range<u32>) -> bool {
        !self
            .taken
            .iter()
            .any(|taken| taken.start < lines.end && lines.start < taken.end)
    }

    fn is_spelled(&self, line: u32) -> bool {
        self.unspelled.get(line as usize) == Some(&false)
    }

    /// Whether a run of lines from `first` on may take in `line` too.
    pub fn may_go_on(&self, first: u32, line: u32, most: usize) -> bool {
        (line as usize) < self.unspelled.len()
            && self.is_spelled(line)
            && self.is_free(&(line..line + 1))
            && self.bytes(first..line + 1).len() <= most
    }

    /// The bytes of some lines.
    pub fn bytes(&self, lines: Range<u32>) -> Range<usize> {
        let at = |line: u32| {
            let at = self.starts.get(line as usize).or(self.starts.last());
            at.copied().unwrap_or(0) as usize
        };
        at(lines.start)..at(lines.end)
    }

    /// A byte of the text from a place on: the place by its number among those that may be named.
    pub fn place_byte(&self, place: u32, depth: u32) -> Option<u8> {
        self.byte(*self.places.get(place as usize)?, depth as usize)
    }

    /// A byte of the name of a definition that may be named.
    pub fn name_byte(&self, number: u32, depth: u32) -> Option<u8> {
        let (name, _) = self.names.get(number as usize)?;
        name.as_bytes().get(depth as usize).copied()
    }

    /// The byte so many behind the beginning of a line.
    pub fn byte(&self, line: u32, depth: usize) -> Option<u8> {
        let start = self.starts.get(line as usize).copied()? as usize;
        self.text.get(start + depth).copied()
    }

    /// How many lines from this one on stand at no other place; 0 for none.
    pub fn need(&self, line: u32) -> u32 {
        self.need.get(line as usize).copied().unwrap_or(0)
    }

    /// Whether something can be replaced.
    pub fn has_places(&self) -> bool {
        !self.places.is_empty()
    }

    /// Whether something can be named, and so rewritten.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty() || !self.open.is_empty()
    }
}

/// The positions of a sequence in the order of what follows from there on, the shorter of two
/// that are equal to its end first: by doubling (Manber and Myers 1990).
fn suffixes(ranks: &[u32]) -> Vec<u32> {
    let mut rank: Vec<u32> = ranks.to_vec();
    let mut order: Vec<u32> = (0..ranks.len() as u32).collect();
    let mut width = 0_usize;
    loop {
        let key = |at: &u32| {
            let at = *at as usize;
            let second = match width {
                0 => 0,
                width => rank.get(at + width).map_or(0, |rank| rank + 1),
            };
            (rank.get(at).copied().unwrap_or(0), second)
        };
        order.sort_unstable_by_key(key);
        let mut next = vec![0_u32; rank.len()];
        let mut last = 0;
        let mut before = None;
        for at in &order {
            let this = key(at);
            if before.is_some_and(|before| before != this) {
                last += 1;
            }
            before = Some(this);
            if let Some(slot) = next.get_mut(*at as usize) {
                *slot = last;
            }
        }
        rank = next;
        if last as usize + 1 >= order.len() || width >= order.len() {
            return order;
        }
        width = (width * 2).max(1);
    }
}

/// How many from each position on stand at no other position; 0 where even all that follow
/// do. From what neighbours in order share (Kasai et al. 2001).
fn needed(ranks: &[u32], order: &[u32]) -> Vec<u32> {
    let mut place = vec![0_usize; order.len()];
    for (at, position) in order.iter().enumerate() {
        if let Some(slot) = place.get_mut(*position as usize) {
            *slot = at;
        }
    }
    // What each position shares with the one after it in order.
    let mut shared = vec![0_usize; order.len()];
    let mut held = 0_usize;
    for (position, at) in place.iter().enumerate() {
        let Some(other) = order.get(at + 1).map(|other| *other as usize) else {
            held = 0;
            continue;
        };
        let (a, b) = (
            ranks.get(position + held..).unwrap_or_default(),
            ranks.get(other + held..).unwrap_or_default(),
        );
        held += a.iter().zip(b).take_while(|(a, b)| a == b).count();
        if let Some(slot) = shared.get_mut(*at) {
            *slot = held;
        }
        held = held.saturating_sub(1);
    }
    let mut need = vec![0_u32; order.len()];
    for (position, at) in place.iter().enumerate() {
        let after = shared.get(*at).copied().unwrap_or(0);
        let before = at
            .checked_sub(1)
            .and_then(|at| shared.get(at))
            .copied()
            .unwrap_or(0);
        let this = after.max(before) + 1;
        if position + this <= order.len()
            && let Some(slot) = need.get_mut(position)
        {
            *slot = this as u32;
        }
    }
    need
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ground(text: &str) -> Ground {
        let mut ground = Ground::new(ScopeFile {
            path: RepoPath::new("a.rs").expect("a path"),
            text: text.to_owned(),
            definitions: Vec::new(),
            shown: Vec::new(),
        });
        ground.settle(1000);
        ground
    }

    #[test]
    fn lines_are_as_many_as_make_a_place_unique() {
        let ground = ground("a\nb\na\nc\nc\n");
        // `a b` and `a c` differ in the second; the last `c` is only the beginning of `c c`.
        assert_eq!(ground.need, [2, 1, 2, 2, 0]);
        assert_eq!(ground.places, [0, 2, 1, 3]);
    }

    #[test]
    fn a_fence_begins_no_line() {
        assert_eq!(ground("a\n<<<<<\n").fence, 7);
        assert_eq!(ground("a\n=========\n>>>>>>>> b\n").fence, 10);
        assert!(ground(&"=".repeat(80)).places.is_empty());
    }

    #[test]
    fn what_is_taken_is_not_offered_nor_what_lies_beside_it() {
        let mut ground = ground("a\nb\nc\nd\ne\n");
        ground.take(1..2);
        ground.settle(1000);
        assert_eq!(ground.places, [3, 4]);
        assert!(!ground.may_go_on(3, 2, 1000) && ground.may_go_on(3, 4, 1000));
        assert!(!ground.may_go_on(3, 5, 1000) && !ground.may_go_on(3, 4, 3));
    }

    proptest! {
        #[test]
        fn places_are_found_as_by_looking_everywhere(
            lines in proptest::collection::vec("[ab]{0,2}", 0..40)
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let ground = ground(&text);
            let at = |from: usize, count: usize| lines.get(from..from + count);
            for (line, need) in ground.need.iter().enumerate() {
                let unique = (1..=lines.len() - line).find(|count| {
                    (0..lines.len()).filter(|from| at(*from, *count) == at(line, *count)).count() == 1
                });
                prop_assert_eq!(*need as usize, unique.unwrap_or(0));
            }
            let mut texts: Vec<Vec<u8>> = Vec::new();
            for line in &ground.order {
                texts.push(ground.text.get(ground.bytes(*line..lines.len() as u32)).expect("text").to_vec());
            }
            prop_assert!(texts.is_sorted());
        }
    }
}
