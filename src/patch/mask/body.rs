//! The body of an edit, byte by byte: its fences, the text to be replaced, and the new text.

use super::EditMask;
use super::sorted::narrow;
use super::state::{About, Mark, State, Verb};
use crate::base::Letter;

/// By how much a fence may be longer than it must.
const LONGER: u8 = 33;

impl EditMask<'_> {
    pub(super) fn open(&self, mut about: About, length: u8, byte: u8) -> Option<State> {
        if byte == b'<' {
            let most = about.fence.saturating_add(LONGER);
            return (length < most).then_some(State::Open {
                about,
                length: length + 1,
            });
        }
        if byte != b'\n' || length < about.fence {
            return None;
        }
        about.fence = length;
        let behind = self.written.len() as u32 + 1;
        if about.verb == Verb::Replace {
            let file = self.files.get(about.file as usize)?;
            return Some(State::Old {
                about,
                low: 0,
                high: file.places.len() as u32,
                depth: 0,
                lines: 0,
            });
        }
        about.new_at = behind;
        Some(State::Text {
            about,
            mark: Mark::At(0),
            letter: Letter::WHOLE,
            same: (about.verb == Verb::Rewrite).then_some(0),
        })
    }

    pub(super) fn old(
        &self,
        mut about: About,
        (low, high): (u32, u32),
        depth: u32,
        lines: u32,
        byte: u8,
    ) -> Option<State> {
        let file = self.files.get(about.file as usize)?;
        let (low, high) = narrow(low, high, byte, |at| file.place_byte(at, depth))?;
        let lines = lines + u32::from(byte == b'\n');
        let first = *file.places.get(low as usize)?;
        if byte == b'\n' && high - low == 1 && lines >= file.need(first) {
            about.first = first;
            return Some(State::Only {
                about,
                line: first + lines,
                depth: 0,
                mark: Mark::At(0),
            });
        }
        Some(State::Old {
            about,
            low,
            high,
            depth: depth + 1,
            lines,
        })
    }

    pub(super) fn only(
        &self,
        mut about: About,
        line: u32,
        depth: u32,
        mark: Mark,
        byte: u8,
    ) -> Option<State> {
        let file = self.files.get(about.file as usize)?;
        let goes_on = file.byte(line, depth as usize) == Some(byte)
            && (depth > 0 || file.may_go_on(about.first, line, self.most));
        let mark = match mark {
            Mark::At(length) if byte == b'=' && length < about.fence => Mark::At(length + 1),
            _ => Mark::Not,
        };
        if goes_on {
            let ends = byte == b'\n';
            return Some(State::Only {
                about,
                line: line + u32::from(ends),
                depth: if ends { 0 } else { depth + 1 },
                mark: if ends { Mark::At(0) } else { mark },
            });
        }
        let Mark::At(length) = mark else {
            return None;
        };
        about.last = line;
        Some(State::Middle { about, length })
    }

    pub(super) fn text(
        &mut self,
        about: About,
        mark: Mark,
        letter: Letter,
        same: Option<u32>,
        byte: u8,
    ) -> Option<State> {
        if let Mark::At(length) = mark {
            if length == about.fence {
                let end = self.written.len() - usize::from(length);
                let ends = byte == b'\n' && self.complete(about, end);
                return ends.then_some(State::start(self.written.len() as u32 + 1));
            }
            if byte == b'>' && length == 0 && self.is_same(about, same) {
                return None;
            }
        }
        // Then nothing but its end may come, and where that cannot, nothing may.
        let ends = byte == b'>' && matches!(mark, Mark::At(_));
        if !ends && (self.is_endless(about) || self.is_full(about)) {
            return None;
        }
        let letter = letter.push(byte)?;
        let mark = match mark {
            _ if byte == b'\n' => Mark::At(0),
            Mark::At(length) if byte == b'>' => Mark::At(length + 1),
            _ => Mark::Not,
        };
        let same = same.filter(|same| self.old_byte(about, *same) == Some(byte));
        Some(State::Text {
            about,
            mark,
            letter,
            same: same.map(|same| same + 1),
        })
    }

    /// A byte of the lines that an edit is about.
    fn old_byte(&self, about: About, at: u32) -> Option<u8> {
        let file = self.files.get(about.file as usize)?;
        let bytes = file.bytes(about.first..about.last);
        file.text.get(bytes)?.get(at as usize).copied()
    }

    /// Whether the new text, as far as it is written, is the old one.
    fn is_same(&self, about: About, same: Option<u32>) -> bool {
        let Some((file, same)) = self.files.get(about.file as usize).zip(same) else {
            return false;
        };
        file.bytes(about.first..about.last).len() == same as usize
    }
}

pub(super) fn middle(mut about: About, length: u8, byte: u8, written: usize) -> Option<State> {
    if byte == b'=' && length < about.fence {
        let length = length + 1;
        return Some(State::Middle { about, length });
    }
    if byte != b'\n' || length != about.fence {
        return None;
    }
    about.new_at = written as u32 + 1;
    Some(State::Text {
        about,
        mark: Mark::At(0),
        letter: Letter::WHOLE,
        same: Some(0),
    })
}
