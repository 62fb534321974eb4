//! The head of an edit, byte by byte: its verb, and the names and lines that are there.

use super::sorted::{narrow, reaches};
use super::state::{About, State, Verb};
use super::{EditMask, NewPaths};

/// What stands between the two names of a rename.
pub(super) const ARROW: &[u8] = b" -> ";

impl EditMask<'_> {
    pub(super) fn word(&self, begun: u32, verbs: u8, depth: u8, byte: u8) -> Option<State> {
        let mut left = 0;
        for (at, verb) in Verb::ALL.iter().enumerate() {
            if verbs >> at & 1 == 0 || verb.word().get(usize::from(depth)) != Some(&byte) {
                continue;
            }
            if verb.word().len() > usize::from(depth) + 1 {
                left |= 1 << at;
                continue;
            }
            let mut about = About::new(*verb, begun);
            about.name_at = self.written.len() as u32 + 1;
            return Some(match verb {
                Verb::End => State::End,
                Verb::Create => State::New { about },
                verb => State::Path {
                    about,
                    low: 0,
                    high: self.lists.get(verb).map_or(0, |list| list.len() as u32),
                    depth: 0,
                },
            });
        }
        (left != 0).then_some(State::Word {
            begun,
            verbs: left,
            depth: depth + 1,
        })
    }

    /// A byte of the name that stands in a verb's list at a place.
    pub(super) fn path_byte(&self, verb: Verb, at: u32, depth: u32) -> Option<u8> {
        let number = self.lists.get(&verb)?.get(at as usize)?;
        let path = &self.files.get(*number as usize)?.path;
        path.as_str().as_bytes().get(depth as usize).copied()
    }

    pub(super) fn path(
        &mut self,
        mut about: About,
        (low, high): (u32, u32),
        depth: u32,
        byte: u8,
    ) -> Option<State> {
        let verb = about.verb;
        // The shortest comes first.
        let whole = self.path_byte(verb, low, depth).is_none();
        let behind = match verb {
            Verb::Rewrite => b':',
            Verb::Rename => ARROW.first().copied()?,
            _ => b'\n',
        };
        let narrowed = narrow(low, high, byte, |at| self.path_byte(verb, at, depth));
        if let Some((low, high)) = narrowed {
            return Some(State::Path {
                about,
                low,
                high,
                depth: depth + 1,
            });
        }
        if !whole || byte != behind {
            return None;
        }
        about.file = *self.lists.get(&verb)?.get(low as usize)?;
        let file = self.files.get(about.file as usize)?;
        about.fence = file.fence;
        match verb {
            Verb::Rewrite => Some(State::Name {
                about,
                low: 0,
                high: file.names.len() as u32,
                depth: 0,
            }),
            Verb::Rename => Some(State::Arrow { about, depth: 1 }),
            Verb::Delete => {
                let end = self.written.len();
                self.complete(about, end)
                    .then_some(State::start(end as u32 + 1))
            }
            _ => Some(State::Open { about, length: 0 }),
        }
    }

    pub(super) fn new_name(&mut self, mut about: About, byte: u8) -> Option<State> {
        let from = about.name_at as usize;
        // A name begins with a token of its own: nearly every word that has a blank before it
        // might begin one, and to try them all takes a millisecond.
        if self.settled < from {
            return None;
        }
        let name = self.written.get(from..)?;
        let only = self.new.only(name, byte);
        if only == Some(false) {
            return None;
        }
        match byte {
            byte if only.is_some() && byte != b'\n' => Some(State::New { about }),
            // Both take a look at the disk, so once for what is written, and not for each token
            // that might end a part of the name.
            b'/' | b'\n' if self.fresh() > 0 => None,
            b'/' => self.new.enters(name).then_some(State::New { about }),
            b'\n' => {
                self.new.made(name)?;
                about.name_end = self.written.len() as u32;
                if about.verb == Verb::Create {
                    return Some(State::Open { about, length: 0 });
                }
                let end = self.written.len();
                self.complete(about, end)
                    .then_some(State::start(end as u32 + 1))
            }
            byte => {
                let settled = self.settled.saturating_sub(from);
                // What is too long may go on until it can end.
                let may = NewPaths::is_open(settled, name)
                    || byte.is_ascii_alphanumeric()
                        && self.fresh() == 0
                        && self.new.made(name).is_none();
                (may && NewPaths::goes_on(byte)).then_some(State::New { about })
            }
        }
    }

    pub(super) fn name(
        &self,
        mut about: About,
        (low, high): (u32, u32),
        depth: u32,
        byte: u8,
    ) -> Option<State> {
        let file = self.files.get(about.file as usize)?;
        if let Some((low, high)) = narrow(low, high, byte, |at| file.name_byte(at, depth)) {
            return Some(State::Name {
                about,
                low,
                high,
                depth: depth + 1,
            });
        }
        if depth == 0 && byte.is_ascii_digit() {
            return self.first(about, 0, byte);
        }
        let (name, lines) = file.names.get(low as usize)?;
        if byte != b'\n' || low >= high || name.len() != depth as usize || depth == 0 {
            return None;
        }
        (about.first, about.last) = (lines.start, lines.end);
        Some(State::Open { about, length: 0 })
    }

    pub(super) fn first(&self, mut about: About, value: u32, byte: u8) -> Option<State> {
        let open = &self.files.get(about.file as usize)?.open;
        if byte == b'-' && value > 0 {
            about.first = value - 1;
            let may = open.iter().any(|lines| lines.contains(&about.first));
            return may.then_some(State::Last { about, value: 0 });
        }
        let value = digit(value, byte)?;
        let may = open
            .iter()
            .any(|lines| reaches(value, lines.start + 1, lines.end));
        may.then_some(State::First { about, value })
    }

    pub(super) fn last(&self, mut about: About, value: u32, byte: u8) -> Option<State> {
        let file = self.files.get(about.file as usize)?;
        let lines = file
            .open
            .iter()
            .find(|lines| lines.contains(&about.first))?;
        // No more than can be written anew.
        let fits = |last: u32| file.bytes(about.first..last).len() <= 4 * self.most;
        let most = (about.first + 1..=lines.end)
            .take_while(|last| fits(*last))
            .last();
        let most = most.unwrap_or(about.first + 1);
        if byte == b'\n' {
            about.last = value;
            let may = value > about.first && value <= most;
            return may.then_some(State::Open { about, length: 0 });
        }
        let value = digit(value, byte)?;
        reaches(value, about.first + 1, most).then_some(State::Last { about, value })
    }
}

pub(super) fn arrow(mut about: About, depth: u8, byte: u8, written: usize) -> Option<State> {
    if ARROW.get(usize::from(depth)) != Some(&byte) {
        return None;
    }
    if usize::from(depth) + 1 < ARROW.len() {
        let depth = depth + 1;
        return Some(State::Arrow { about, depth });
    }
    about.name_at = written as u32 + 1;
    Some(State::New { about })
}

/// One more digit of a number that does not begin with 0.
fn digit(value: u32, byte: u8) -> Option<u32> {
    let digit = u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
    let value = value.checked_mul(10)?.checked_add(digit)?;
    (value > 0).then_some(value)
}
