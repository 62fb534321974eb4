//! A mask for answers that are filled-in forms: one of some texts, a line of one's own, a block
//! of lines; what comes next is settled by what was said before.

use crate::base::{ByteSet, Letter, Mask, Region};

/// The fence that ends a block.
const FENCE: &[u8] = b">>>>>>>\n";
/// Keys of regions: the beginning of a line of one's own, and its inside; the same in a block.
const LINE_BEGINS: u32 = 0x4000;
const IN_LINE: u32 = 0x4001;
const BLOCK_LINE_BEGINS: u32 = 0x4002;
const IN_BLOCK: u32 = 0x4003;

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// One of these texts, none of which begins another; the answer may end before it where
    /// `may_end` says so. No texts: nothing more may come.
    OneOf { texts: Vec<Vec<u8>>, may_end: bool },
    /// A line of more than blanks, of about so many bytes at the most. What follows must not be
    /// another line. It is cheap where the text before it ends with no blank: most tokens begin
    /// with one.
    Line { most: usize },
    /// Lines up to a fence, of about so many bytes at the most; they must not be `unlike`.
    Block { most: usize, unlike: Vec<u8> },
}

impl Part {
    /// One of some texts.
    pub fn one_of(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::choice(texts, false)
    }

    /// One of some texts, or the end.
    pub fn one_of_or_end(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::choice(texts, true)
    }

    fn choice(texts: impl IntoIterator<Item = Vec<u8>>, may_end: bool) -> Self {
        let mut texts: Vec<Vec<u8>> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        texts.sort();
        texts.dedup();
        Self::OneOf { texts, may_end }
    }
}

/// What settles the parts of a form.
pub(super) trait Form {
    /// The part that follows these; the first where there are none. `left` tokens may still be
    /// written.
    fn next(&self, said: &[Said], left: usize) -> Part;
}

/// A part that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// What was said: the text, the line without its end, the block without its fence.
    pub text: Vec<u8>,
    /// Where in the answer it ends.
    end: usize,
}

/// Where in a part an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Which part.
    part: usize,
    /// Where it begins.
    begun: usize,
    /// The texts that it may still be, by their order.
    low: usize,
    high: usize,
    letter: Letter,
    /// Whether more than blanks has come.
    solid: bool,
    /// Bytes of the fence, at the beginning of a line of a block.
    fence: Option<usize>,
}

/// The mask of a form.
pub(super) struct FormMask<F> {
    form: F,
    /// The parts so far, the last one being filled in.
    parts: Vec<Part>,
    said: Vec<Said>,
    written: Vec<u8>,
    settled: usize,
    /// Behind what is settled, and behind each byte since.
    states: Vec<State>,
    left: usize,
    spelled: ByteSet,
}

impl<F: Form> FormMask<F> {
    /// The mask of a form that may take `left` tokens.
    pub fn new(form: F, left: usize) -> Self {
        let mut mask = Self {
            form,
            parts: Vec::new(),
            said: Vec::new(),
            written: Vec::new(),
            settled: 0,
            states: Vec::new(),
            left,
            spelled: ByteSet::ALL,
        };
        let first = mask.begin();
        mask.states.push(first);
        mask
    }

    /// What was filled in, in order.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The form.
    pub const fn form(&self) -> &F {
        &self.form
    }

    /// Begins the part that follows what was said.
    fn begin(&mut self) -> State {
        let mut part = self.form.next(&self.said, self.left);
        if let Part::OneOf { texts, .. } = &mut part {
            let spelled = self.spelled;
            texts.retain(|text| text.iter().all(|byte| spelled.contains(*byte)));
        }
        let high = match &part {
            Part::OneOf { texts, .. } => texts.len(),
            Part::Line { .. } | Part::Block { .. } => 0,
        };
        self.parts.push(part);
        State {
            part: self.parts.len() - 1,
            begun: self.written.len(),
            low: 0,
            high,
            letter: Letter::WHOLE,
            solid: false,
            fence: Some(0),
        }
    }

    fn state(&self) -> Option<(State, &Part)> {
        let state = *self.states.last()?;
        Some((state, self.parts.get(state.part)?))
    }

    /// The state behind one more byte: within the part, or with the part ended. None where the
    /// byte may not come.
    fn step(&self, byte: u8) -> Option<Step> {
        let (state, part) = self.state()?;
        let depth = self.written.len() - state.begun;
        match part {
            Part::OneOf { texts, .. } => {
                let list = texts.get(state.low..state.high)?;
                let at = |text: &Vec<u8>| text.get(depth).copied();
                let low = state.low + list.partition_point(|text| at(text) < Some(byte));
                let high = state.low + list.partition_point(|text| at(text) <= Some(byte));
                let first = texts.get(low..high)?.first()?;
                if first.len() == depth + 1 {
                    return Some(Step::Ended(0));
                }
                Some(Step::Within(State { low, high, ..state }))
            }
            Part::Line { most } => {
                if byte == b'\n' {
                    return (state.solid && state.letter.is_whole()).then_some(Step::Ended(1));
                }
                // Blanks alone are no line: something must follow them.
                if state.solid && self.is_over(state, *most) {
                    return None;
                }
                let letter = state.letter.push(byte)?;
                let solid = state.solid || !byte.is_ascii_whitespace();
                Some(Step::Within(State {
                    letter,
                    solid,
                    ..state
                }))
            }
            Part::Block { most, unlike } => {
                let fence = state.fence.filter(|at| FENCE.get(*at) == Some(&byte));
                if let Some(at) = fence {
                    let text = self.written.get(state.begun..self.written.len() - at);
                    if at == 0 && text == Some(unlike.as_slice()) {
                        return None;
                    }
                    if at + 1 == FENCE.len() {
                        return Some(Step::Ended(FENCE.len()));
                    }
                    let fence = Some(at + 1);
                    return Some(Step::Within(State { fence, ..state }));
                }
                // The fence begins nothing else, and behind the most nothing but it may come.
                let in_fence = state.fence.is_some_and(|at| at > 0);
                if in_fence
                    || self.is_over(state, *most) && (state.fence.is_some() || byte != b'\n')
                {
                    return None;
                }
                let letter = state.letter.push(byte)?;
                let fence = (byte == b'\n').then_some(0);
                Some(Step::Within(State {
                    letter,
                    fence,
                    ..state
                }))
            }
        }
    }

    /// Whether what is settled of a part is as long as it may be, at the end of a character.
    fn is_over(&self, state: State, most: usize) -> bool {
        state.letter.is_whole() && self.settled.saturating_sub(state.begun) > most
    }
}

enum Step {
    Within(State),
    /// The part ends, and so many of its last bytes are no part of its text.
    Ended(usize),
}

impl<F: Form> Mask for FormMask<F> {
    fn push(&mut self, byte: u8) -> bool {
        let Some(step) = self.step(byte) else {
            return false;
        };
        let begun = self.states.last().map_or(0, |state| state.begun);
        self.written.push(byte);
        let state = match step {
            Step::Within(state) => state,
            Step::Ended(besides) => {
                let end = self.written.len();
                let text = self.written.get(begun..end - besides);
                self.said.push(Said {
                    text: text.unwrap_or_default().to_vec(),
                    end,
                });
                self.begin()
            }
        };
        self.states.push(state);
        true
    }

    fn pop(&mut self, count: usize) {
        let count = count.min(self.written.len() - self.settled);
        let length = self.written.len() - count;
        self.written.truncate(length);
        self.states.truncate(self.states.len() - count);
        while self.said.last().is_some_and(|said| said.end > length) {
            self.said.pop();
        }
        self.parts.truncate(self.said.len() + 1);
    }

    fn settle(&mut self, left: usize) {
        self.left = left;
        self.settled = self.written.len();
        self.states.drain(..self.states.len() - 1);
        // What may come is known anew where a part has just begun: fewer tokens are left.
        if self
            .states
            .last()
            .is_some_and(|state| state.begun == self.written.len())
        {
            self.parts.pop();
            let state = self.begin();
            self.states = vec![state];
        }
    }

    fn next(&self) -> ByteSet {
        let Some((state, part)) = self.state() else {
            return ByteSet::default();
        };
        match part {
            Part::OneOf { texts, .. } => {
                let depth = self.written.len() - state.begun;
                let list = texts.get(state.low..state.high).unwrap_or_default();
                list.iter()
                    .filter_map(|text| text.get(depth).copied())
                    .collect()
            }
            Part::Line { .. } | Part::Block { .. } => (0..=u8::MAX)
                .filter(|byte| self.step(*byte).is_some())
                .collect(),
        }
    }

    fn may_end(&self) -> bool {
        self.state().is_some_and(|(state, part)| {
            let may = matches!(part, Part::OneOf { may_end: true, .. });
            may && state.begun == self.written.len()
        })
    }

    fn region(&self) -> Option<Region> {
        let (state, part) = self.state()?;
        let fresh = self.written.len() > self.settled;
        let (key, guard) = match part {
            Part::OneOf { .. } => return None,
            Part::Line { .. } | Part::Block { .. } if !state.letter.is_whole() => return None,
            Part::Line { most } if state.solid && self.is_over(state, *most) => return None,
            Part::Block { most, .. } if self.is_over(state, *most) => return None,
            Part::Line { .. } if state.solid => (IN_LINE, None),
            Part::Line { .. } => (LINE_BEGINS, None),
            // What may be the fence is looked at each time.
            Part::Block { .. } => match state.fence {
                None => (IN_BLOCK, None),
                Some(0) if !fresh => (BLOCK_LINE_BEGINS, Some(b'>')),
                Some(_) => return None,
            },
        };
        Some(Region {
            key,
            plain: true,
            guard,
            exits: match key {
                BLOCK_LINE_BEGINS => b">",
                _ => b"",
            },
        })
    }

    fn spell(&mut self, bytes: ByteSet) {
        self.spelled = bytes;
        self.parts.clear();
        self.said.clear();
        let first = self.begin();
        self.states = vec![first];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path, a word, a line, and perhaps a block; twice at the most.
    struct Letters;

    impl Form for Letters {
        fn next(&self, said: &[Said], left: usize) -> Part {
            let texts = |texts: &[&str]| -> Vec<Vec<u8>> {
                texts.iter().map(|text| text.as_bytes().to_vec()).collect()
            };
            match said.len() {
                0 => Part::one_of(texts(&["a:1: ", "a:12: ", "é: ", "none"])),
                1 if said[0].text == b"none" => Part::one_of_or_end([]),
                1 => Part::Line { most: 20 },
                2 if left > 5 => Part::one_of_or_end(texts(&["<<<\n", "more"])),
                3 if said[2].text == b"<<<\n" => Part::Block {
                    most: 30,
                    unlike: b"same\n".to_vec(),
                },
                _ => Part::one_of_or_end([]),
            }
        }
    }

    fn takes(text: &str) -> Option<bool> {
        let mut mask = FormMask::new(Letters, 100);
        let all = text.bytes().all(|byte| {
            let may = mask.next().contains(byte);
            let pushed = mask.push(byte);
            assert!(may || !pushed, "{text:?}");
            mask.settle(50);
            pushed
        });
        all.then(|| mask.may_end())
    }

    #[test]
    fn a_form_takes_what_it_says_and_ends_where_it_may() {
        assert_eq!(takes("none"), Some(true));
        assert_eq!(takes("nonea"), None);
        assert_eq!(takes("a:1: title\n"), Some(true));
        assert_eq!(takes("a:12: title"), Some(false));
        assert_eq!(takes("a:2: "), None);
        assert_eq!(takes("é: x\nmore"), Some(true));
        assert_eq!(takes("a:1:  x\n"), Some(true), "a blank first");
        assert_eq!(takes("a:1:   \n"), None, "nothing but blanks");
        let blanks = " ".repeat(60);
        assert_eq!(
            takes(&format!("a:1: {blanks}x\n")),
            Some(true),
            "it can always end"
        );
        assert_eq!(takes("a:1: \n"), None, "an empty line");
        assert_eq!(takes("a:1: x\n<<<\nnew\n>>>>>>>\n"), Some(true));
        assert_eq!(
            takes("a:1: x\n<<<\n>>>>>>>\n"),
            Some(true),
            "nothing is a block"
        );
        assert_eq!(takes("a:1: x\n<<<\nsame\n>>>>>>>\n"), None);
        assert_eq!(takes("a:1: x\n<<<\nsame\nand\n>>>>>>>\n"), Some(true));
        assert_eq!(takes("a:1: x\n<<<\n>> 1\n"), None);
        assert_eq!(takes("a:1: \u{1b}[1m\n"), None);
        let long = "y".repeat(21);
        assert_eq!(takes(&format!("a:1: {long}\n")), Some(true));
        assert_eq!(takes(&format!("a:1: {long}z")), None);
    }

    #[test]
    fn what_was_tried_is_taken_back() {
        let mut mask = FormMask::new(Letters, 100);
        let before = (mask.parts.clone(), mask.states.clone());
        for length in 0..30 {
            let text = "a:1: x\n<<<\nnew\n>>>>>>>\n".as_bytes();
            let pushed = text
                .iter()
                .take(length)
                .take_while(|b| mask.push(**b))
                .count();
            mask.pop(pushed);
            assert_eq!((mask.parts.clone(), mask.states.clone()), before);
            assert!(mask.said().is_empty());
        }
    }
}
