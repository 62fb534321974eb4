//! From one byte of an answer to the next.

use super::body::middle;
use super::head::{ARROW, arrow};
use super::sorted::each;
use super::state::{Mark, State, Verb};
use super::{EditMask, LAST_LINE, NewPaths, PROSE};
use crate::base::Letter;
use crate::base::{ByteSet, Region};

/// What a head begins with.
const HEAD: &[u8] = b"*** ";

impl EditMask<'_> {
    /// The state behind one more byte; none where it may not come.
    pub(super) fn step(&mut self, state: State, byte: u8) -> Option<State> {
        match state {
            State::Prose {
                begun,
                mark,
                letter,
            } => self.prose(begun, mark, letter, byte),
            State::Word {
                begun,
                verbs,
                depth,
            } => self.word(begun, verbs, depth, byte),
            State::Path {
                about,
                low,
                high,
                depth,
            } => self.path(about, (low, high), depth, byte),
            State::Arrow { about, depth } => arrow(about, depth, byte, self.written.len()),
            State::New { about } => self.new_name(about, byte),
            State::Name {
                about,
                low,
                high,
                depth,
            } => self.name(about, (low, high), depth, byte),
            State::First { about, value } => self.first(about, value, byte),
            State::Last { about, value } => self.last(about, value, byte),
            State::Open { about, length } => self.open(about, length, byte),
            State::Old {
                about,
                low,
                high,
                depth,
                lines,
            } => self.old(about, (low, high), depth, lines, byte),
            State::Only {
                about,
                line,
                depth,
                mark,
            } => self.only(about, line, depth, mark, byte),
            State::Middle { about, length } => middle(about, length, byte, self.written.len()),
            State::Text {
                about,
                mark,
                letter,
                same,
            } => self.text(about, mark, letter, same, byte),
            State::End => None,
        }
    }

    fn prose(&self, begun: u32, mark: Mark, letter: Letter, byte: u8) -> Option<State> {
        if let Mark::At(at) = mark
            && HEAD.get(usize::from(at)) == Some(&byte)
        {
            if usize::from(at) + 1 < HEAD.len() {
                let mark = Mark::At(at + 1);
                return Some(State::Prose {
                    begun,
                    mark,
                    letter,
                });
            }
            let verbs = self.verbs();
            let from = (self.written.len() + 1 - HEAD.len()) as u32;
            // What an edit changes is known when its last token is written.
            return (verbs != 0 && self.edits.len() == self.done).then_some(State::Word {
                begun: from,
                verbs,
                depth: 0,
            });
        }
        let long = self.is_long(begun, PROSE);
        match mark {
            Mark::At(_) if long => return None,
            Mark::Not
                if byte != b'\n' && letter.is_whole() && self.is_long(begun, PROSE + LAST_LINE) =>
            {
                return None;
            }
            _ => {}
        }
        let letter = letter.push(byte)?;
        let mark = if byte == b'\n' {
            Mark::At(0)
        } else {
            Mark::Not
        };
        Some(State::Prose {
            begun,
            mark,
            letter,
        })
    }

    /// See [`crate::base::Mask::region`].
    pub(super) fn free(&self) -> Option<Region> {
        match self.state() {
            State::Prose {
                begun,
                mark,
                letter,
            } if letter.is_whole() => {
                let long = self.is_long(begun, PROSE);
                let (key, guard) = match mark {
                    // What may be a head is looked at each time.
                    Mark::At(1..) if self.fresh() > 0 => return None,
                    Mark::At(_) if long => return None,
                    Mark::At(at) => {
                        let guard = HEAD.get(usize::from(at)).copied();
                        (u32::from(guard == Some(b' ')), guard)
                    }
                    Mark::Not if self.is_long(begun, PROSE + LAST_LINE) => return None,
                    Mark::Not => (2 + u32::from(long), None),
                };
                Some(region(key, guard))
            }
            State::Text {
                about,
                mark,
                letter,
                ..
            } if letter.is_whole() && !self.is_endless(about) && !self.is_full(about) => {
                // As long as it is the old text, the fence may not come at its end; and where
                // lines are counted, nothing else behind the last.
                let was_same = matches!(self.base(), State::Text { same: Some(_), .. });
                let strict = was_same || self.lines.is_some();
                let same = u32::from(strict) << 1;
                match mark {
                    // What may be the fence is looked at each time.
                    Mark::At(1..) if self.fresh() > 0 => None,
                    Mark::At(_) if self.fresh() > 0 && strict => None,
                    Mark::At(length) if length == about.fence => None,
                    Mark::At(_) => Some(region(4 | same, Some(b'>'))),
                    Mark::Not => Some(region(5 | same, None)),
                }
            }
            State::New { about } if !self.new.is_narrow() => {
                let name = self.written.get(about.name_at as usize..)?;
                let settled = self.settled.saturating_sub(about.name_at as usize);
                NewPaths::is_open(settled, name).then_some(Region {
                    key: u32::MAX,
                    plain: false,
                    guard: None,
                    exits: b"/\n",
                })
            }
            _ => None,
        }
    }

    /// See [`crate::base::Mask::next`].
    pub(super) fn following(&self) -> ByteSet {
        let mut set = ByteSet::default();
        match self.state() {
            State::Word { verbs, depth, .. } => {
                for (at, verb) in Verb::ALL.iter().enumerate() {
                    if verbs >> at & 1 == 1
                        && let Some(byte) = verb.word().get(usize::from(depth))
                    {
                        set.insert(*byte);
                    }
                }
            }
            State::Path {
                about,
                low,
                high,
                depth,
            } => {
                each(
                    low,
                    high,
                    |at| self.path_byte(about.verb, at, depth),
                    &mut set,
                );
                for byte in b"\n: " {
                    set.insert(*byte);
                }
            }
            State::Arrow { depth, .. } => {
                set.extend(ARROW.get(usize::from(depth)));
            }
            State::New { .. } => {
                set.extend(b' '..=b'~');
                set.insert(b'\n');
                // In names that the user gives.
                set.extend(0x80..=0xff);
            }
            State::Name {
                about,
                low,
                high,
                depth,
            } => {
                set.extend(b'0'..=b'9');
                set.insert(b'\n');
                if let Some(file) = self.files.get(about.file as usize) {
                    each(low, high, |at| file.name_byte(at, depth), &mut set);
                }
            }
            State::First { .. } | State::Last { .. } => {
                set.extend(b'0'..=b'9');
                set.extend(b"-\n");
            }
            State::Open { .. } => set.extend(b"<\n"),
            State::Old {
                about,
                low,
                high,
                depth,
                ..
            } => {
                if let Some(file) = self.files.get(about.file as usize) {
                    each(low, high, |at| file.place_byte(at, depth), &mut set);
                }
            }
            State::Only {
                about, line, depth, ..
            } => {
                set.insert(b'=');
                let file = self.files.get(about.file as usize);
                if let Some(byte) = file.and_then(|file| file.byte(line, depth as usize)) {
                    set.insert(byte);
                }
            }
            State::Middle { .. } => set.extend(b"=\n"),
            State::Text {
                about,
                mark: Mark::At(length),
                ..
            } if length == about.fence => set.insert(b'\n'),
            State::Text { about, mark, .. } if self.is_endless(about) || self.is_full(about) => {
                if matches!(mark, Mark::At(_)) {
                    set.insert(b'>');
                }
            }
            State::Prose {
                begun,
                mark: Mark::At(at),
                ..
            } if self.is_long(begun, PROSE) => set.extend(HEAD.get(usize::from(at))),
            State::Prose {
                begun,
                mark: Mark::Not,
                letter,
            } if letter.is_whole() && self.is_long(begun, PROSE + LAST_LINE) => set.insert(b'\n'),
            State::Prose { letter, .. } | State::Text { letter, .. } => {
                set = (0..=u8::MAX)
                    .filter(|byte| letter.push(*byte).is_some())
                    .collect();
            }
            State::End => {}
        }
        set
    }
}

/// A region of free text. Whether what begins with the guard may come hangs on more than the
/// key.
const fn region(key: u32, guard: Option<u8>) -> Region {
    Region {
        key,
        plain: true,
        guard,
        exits: match guard {
            Some(b'>') => b">",
            Some(b'*') => b"*",
            Some(_) => b" ",
            None => b"",
        },
    }
}
