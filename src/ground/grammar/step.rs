//! From one byte of a part to the next.

use super::form::{Form, Value};
use super::part::HEAD;
use super::sorted::{narrow, reaches};
use super::{Choices, FileLines, NewPaths, Part, Utf8State};
use crate::base::bug::bug;

/// Bytes by which the last line of words may still be longer than words may be.
pub(super) const LAST_LINE: usize = 200;

/// How much of what begins a line specially has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// So many bytes of it, from the line's beginning on.
    At(u8),
    /// The line is another one.
    Not,
}

/// Where in a part a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// The texts that it may still be, by their order.
    Choice { low: u32, high: u32 },
    /// In words; the mark is the head.
    Words { mark: Mark, utf8: Utf8State },
    /// In a line; whether more than blanks has come.
    Line { utf8: Utf8State, solid: bool },
    /// So many bytes of a fence.
    Fence { length: u8 },
    /// In lines of a file that may still be at several places; how many are whole.
    Several { low: u32, high: u32, lines: u32 },
    /// In lines of a file at one place: where they begin, in which line and how far, and how much
    /// of the fence these bytes could be.
    Single {
        first: u32,
        line: u32,
        depth: u32,
        mark: Mark,
    },
    /// In the fence behind lines.
    Behind { first: u32, last: u32, length: u8 },
    /// In the name of a definition: those that it may be.
    Name { low: u32, high: u32 },
    /// In the number of the first line, from 1.
    First { value: u32 },
    /// In the number of the last line, from 1.
    Last { first: u32, value: u32 },
    /// In a new path.
    NewPath,
    /// In a block; the mark is its fence. `same` are bytes as in what it must not be; none once it
    /// differs.
    Block {
        mark: Mark,
        utf8: Utf8State,
        same: Option<u32>,
    },
}

impl Inside {
    /// The beginning of a part.
    pub fn start(part: &Part, file: Option<&FileLines>) -> Self {
        match part {
            Part::OneOf { choices, .. } => Self::Choice {
                low: 0,
                high: choices.len() as u32,
            },
            Part::Words { .. } => Self::Words {
                mark: Mark::At(0),
                utf8: Utf8State::BOUNDARY,
            },
            Part::Line { .. } => Self::Line {
                utf8: Utf8State::BOUNDARY,
                solid: false,
            },
            Part::Fence { .. } => Self::Fence { length: 0 },
            Part::LinesOf { .. } => Self::Several {
                low: 0,
                high: file.map_or(0, |file| file.places.len() as u32),
                lines: 0,
            },
            Part::LinesBy { .. } => Self::Name {
                low: 0,
                high: file.map_or(0, |file| file.names.len() as u32),
            },
            Part::NewPath => Self::NewPath,
            Part::Block { unlike, .. } => Self::Block {
                mark: Mark::At(0),
                utf8: Utf8State::BOUNDARY,
                same: unlike.is_some().then_some(0),
            },
        }
    }
}

/// The step that a byte leads to.
pub(super) enum Step {
    /// On in the part.
    Within(Inside),
    /// The part ends. So many of its last bytes, this one counted, are no part of its text.
    Ended(Value, usize),
}

/// A part being written.
pub(super) struct Open<'a, F> {
    pub form: &'a F,
    pub part: &'a Part,
    /// The text of the part so far.
    pub text: &'a [u8],
    /// How many of these bytes are committed; `fresh` are those that are not, of the answer.
    pub committed: usize,
    pub fresh: usize,
    /// True if it begins within what is committed, or at its end.
    pub begun: bool,
    pub inside: Inside,
}

impl<F: Form> Open<'_, F> {
    /// Returns what one more byte leads to; none where it may not come.
    #[inline]
    pub fn step(&self, byte: u8) -> Option<Step> {
        match (self.part, self.inside) {
            (Part::OneOf { choices, .. }, Inside::Choice { low, high }) => {
                self.choice(choices, low, high, byte)
            }
            (Part::Words { opens, most, .. }, Inside::Words { mark, utf8 }) => {
                self.words(*opens, *most, mark, utf8, byte)
            }
            (Part::Line { most }, Inside::Line { utf8, solid }) => {
                self.line(*most, utf8, solid, byte)
            }
            (
                Part::Fence {
                    byte: sign,
                    least,
                    most,
                },
                Inside::Fence { length },
            ) => match byte {
                b'\n' => (length >= *least).then_some(Step::Ended(Value::Count(length), 1)),
                byte => (byte == *sign && length < *most)
                    .then_some(Step::Within(Inside::Fence { length: length + 1 })),
            },
            (Part::LinesOf { file, most, fence }, inside) => {
                self.lines_of(self.form.file(*file)?, *most, *fence, inside, byte)
            }
            (Part::LinesBy { file, most }, inside) => {
                self.lines_by(self.form.file(*file)?, *most, inside, byte)
            }
            (Part::NewPath, Inside::NewPath) => self.new_path(byte),
            (Part::Block { .. }, Inside::Block { mark, utf8, same }) => {
                self.block(mark, utf8, same, byte)
            }
            _ => bug("a state belongs to another part", None),
        }
    }

    fn choice(&self, choices: &Choices, low: u32, high: u32, byte: u8) -> Option<Step> {
        let depth = self.text.len();
        let (low, high) = narrow(low, high, byte, |at| choices.byte(at, depth))?;
        let (text, number) = choices.get(low)?;
        Some(if text.len() == depth + 1 {
            Step::Ended(Value::Chosen(number), 0)
        } else {
            Step::Within(Inside::Choice { low, high })
        })
    }

    fn words(
        &self,
        opens: bool,
        most: Option<usize>,
        mark: Mark,
        utf8: Utf8State,
        byte: u8,
    ) -> Option<Step> {
        if let Mark::At(at) = mark
            && HEAD.get(usize::from(at)) == Some(&byte)
        {
            if usize::from(at) + 1 < HEAD.len() {
                let mark = Mark::At(at + 1);
                return Some(Step::Within(Inside::Words { mark, utf8 }));
            }
            // What was said counts when its last token is written.
            return (opens && self.begun).then_some(Step::Ended(Value::Text, HEAD.len()));
        }
        match mark {
            Mark::At(_) if self.is_longer(most, 0) => return None,
            Mark::Not if byte != b'\n' && utf8.is_boundary() && self.is_longer(most, LAST_LINE) => {
                return None;
            }
            _ => {}
        }
        let utf8 = utf8.push(byte)?;
        let mark = if byte == b'\n' {
            Mark::At(0)
        } else {
            Mark::Not
        };
        Some(Step::Within(Inside::Words { mark, utf8 }))
    }

    /// Tells whether what is committed of the part is longer than this.
    pub fn is_longer(&self, most: Option<usize>, by: usize) -> bool {
        most.is_some_and(|most| self.committed > most + by)
    }

    fn line(&self, most: usize, utf8: Utf8State, solid: bool, byte: u8) -> Option<Step> {
        if byte == b'\n' {
            let ends = solid && utf8.is_boundary();
            return ends.then_some(Step::Ended(Value::Text, 1));
        }
        // Blanks alone are no line: something must follow them.
        if solid && utf8.is_boundary() && self.committed > most {
            return None;
        }
        let utf8 = utf8.push(byte)?;
        let solid = solid || !byte.is_ascii_whitespace();
        Some(Step::Within(Inside::Line { utf8, solid }))
    }

    fn lines_of(
        &self,
        file: &FileLines,
        most: usize,
        fence: u8,
        inside: Inside,
        byte: u8,
    ) -> Option<Step> {
        match inside {
            Inside::Several { low, high, lines } => {
                let depth = self.text.len() as u32;
                let (low, high) = narrow(low, high, byte, |at| file.place_byte(at, depth))?;
                let lines = lines + u32::from(byte == b'\n');
                let first = *file.places.get(low as usize)?;
                let single = byte == b'\n' && high - low == 1 && lines >= file.need(first);
                Some(Step::Within(if single {
                    Inside::Single {
                        first,
                        line: first + lines,
                        depth: 0,
                        mark: Mark::At(0),
                    }
                } else {
                    Inside::Several { low, high, lines }
                }))
            }
            Inside::Single {
                first,
                line,
                depth,
                mark,
            } => {
                let goes_on = file.byte(line, depth as usize) == Some(byte)
                    && (depth > 0 || file.may_go_on(first, line, most));
                let mark = match mark {
                    Mark::At(length) if byte == b'=' && length < fence => Mark::At(length + 1),
                    _ => Mark::Not,
                };
                single(first, line, depth, mark, byte, goes_on)
            }
            Inside::Behind {
                first,
                last,
                length,
            } => match byte {
                b'=' if length < fence => Some(Step::Within(Inside::Behind {
                    first,
                    last,
                    length: length + 1,
                })),
                b'\n' if length == fence => Some(Step::Ended(
                    Value::Lines(first, last),
                    usize::from(fence) + 1,
                )),
                _ => None,
            },
            _ => None,
        }
    }

    fn lines_by(&self, file: &FileLines, most: usize, inside: Inside, byte: u8) -> Option<Step> {
        match inside {
            Inside::Name { low, high } => {
                let depth = self.text.len() as u32;
                if let Some((low, high)) = narrow(low, high, byte, |at| file.name_byte(at, depth)) {
                    return Some(Step::Within(Inside::Name { low, high }));
                }
                if depth == 0 && byte.is_ascii_digit() {
                    return first_line(file, 0, byte);
                }
                let (name, lines) = file.names.get(low as usize)?;
                let whole = low < high && name.len() == depth as usize && depth > 0;
                (whole && byte == b'\n')
                    .then_some(Step::Ended(Value::Lines(lines.start, lines.end), 1))
            }
            Inside::First { value } => first_line(file, value, byte),
            Inside::Last { first, value } => {
                let last = file.last_line(first, most)?;
                if byte == b'\n' {
                    let may = value > first && value <= last;
                    return may.then_some(Step::Ended(Value::Lines(first, value), 1));
                }
                let value = digit(value, byte)?;
                reaches(value, first + 1, last)
                    .then_some(Step::Within(Inside::Last { first, value }))
            }
            _ => None,
        }
    }

    fn new_path(&self, byte: u8) -> Option<Step> {
        // A path begins with a token of its own: nearly every word that has a blank before it
        // might begin one, and to try them all takes a millisecond.
        if !self.begun {
            return None;
        }
        let paths = self.form.new_paths()?;
        let name = self.text;
        let only = paths.only(name, byte);
        let within = Some(Step::Within(Inside::NewPath));
        match byte {
            _ if only == Some(false) => None,
            byte if only.is_some() && byte != b'\n' => within,
            // Both take a look at the disk, so once for what is written, and not for each token
            // that might end a part of the name.
            b'/' | b'\n' if self.fresh > 0 => None,
            b'/' => paths.enters(name).then_some(()).and(within),
            b'\n' => {
                paths.made(name)?;
                Some(Step::Ended(Value::Text, 1))
            }
            byte => {
                if !NewPaths::goes_on(byte) {
                    return None;
                }
                // What is too long may go on until it can end.
                let may = NewPaths::is_open(self.committed, name)
                    || byte.is_ascii_alphanumeric()
                        && self.fresh == 0
                        && paths.made(name).is_none();
                may.then_some(()).and(within)
            }
        }
    }

    fn block(&self, mark: Mark, utf8: Utf8State, same: Option<u32>, byte: u8) -> Option<Step> {
        let Part::Block {
            fence,
            forced,
            unlike,
            ..
        } = self.part
        else {
            return None;
        };
        let unlike = unlike.as_deref().unwrap_or_default();
        if let Mark::At(length) = mark {
            if length == *fence {
                let besides = usize::from(length) + 1;
                return (byte == b'\n').then_some(Step::Ended(Value::Text, besides));
            }
            if byte == b'>' && length == 0 && same.map(|same| same as usize) == Some(unlike.len()) {
                return None;
            }
        }
        // Then nothing but its end may come, and where that cannot, nothing may.
        let ends = byte == b'>' && matches!(mark, Mark::At(_))
            || *forced && byte == b'\n' && mark == Mark::Not;
        if !ends && (self.is_endless(utf8) || self.is_full()) {
            return None;
        }
        // As its last line it would leave nothing that may come.
        let same = same.filter(|same| unlike.get(*same as usize) == Some(&byte));
        let same = same.map(|same| same + 1);
        if byte == b'\n' && self.is_last_line_of(same, unlike) {
            return None;
        }
        let utf8 = utf8.push(byte)?;
        let mark = match mark {
            _ if byte == b'\n' => Mark::At(0),
            Mark::At(length) if byte == b'>' => Mark::At(length + 1),
            _ => Mark::Not,
        };
        Some(Step::Within(Inside::Block { mark, utf8, same }))
    }

    /// Tells whether a block has gone on so long that it must end: a model that finds no end writes
    /// until its limit, and none of it can be used.
    pub fn is_endless(&self, utf8: Utf8State) -> bool {
        matches!(self.part, Part::Block { most, forced, .. }
            if self.committed > *most && (utf8.is_boundary() || !forced))
    }

    /// Tells whether a block would have all the lines that it may have, and be what it must not be.
    fn is_last_line_of(&self, same: Option<u32>, unlike: &[u8]) -> bool {
        same.map(|same| same as usize) == Some(unlike.len())
            && matches!(self.part, Part::Block { lines: Some(most), .. } if self.lines() + 1 >= *most)
    }

    /// The lines of a block that are whole.
    fn lines(&self) -> u32 {
        self.text.split(|byte| *byte == b'\n').count() as u32 - 1
    }

    /// Tells whether a block has all the lines that it may have.
    pub fn is_full(&self) -> bool {
        matches!(self.part, Part::Block { lines: Some(most), .. } if self.lines() >= *most)
    }

    /// Tells whether words have all but gone on too long: see [`super::Part::Words`].
    pub fn is_last_line(&self, most: Option<usize>) -> bool {
        self.is_longer(most, LAST_LINE)
    }
}

/// One more byte of lines at one place, or the first of the fence behind them.
fn single(first: u32, line: u32, depth: u32, mark: Mark, byte: u8, goes_on: bool) -> Option<Step> {
    if goes_on {
        let ends = byte == b'\n';
        return Some(Step::Within(Inside::Single {
            first,
            line: line + u32::from(ends),
            depth: if ends { 0 } else { depth + 1 },
            mark: if ends { Mark::At(0) } else { mark },
        }));
    }
    let Mark::At(length) = mark else {
        return None;
    };
    Some(Step::Within(Inside::Behind {
        first,
        last: line,
        length,
    }))
}

fn first_line(file: &FileLines, value: u32, byte: u8) -> Option<Step> {
    if byte == b'-' && value > 0 {
        let (first, value) = (value - 1, 0);
        return file
            .is_open(first)
            .then_some(Step::Within(Inside::Last { first, value }));
    }
    let value = digit(value, byte)?;
    let may = |lines: &std::ops::Range<u32>| reaches(value, lines.start + 1, lines.end);
    let may = file.open.iter().any(may);
    may.then_some(Step::Within(Inside::First { value }))
}

/// One more digit of a number that does not begin with 0.
fn digit(value: u32, byte: u8) -> Option<u32> {
    let digit = u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
    let value = value.checked_mul(10)?.checked_add(digit)?;
    (value > 0).then_some(value)
}
