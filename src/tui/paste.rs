//! Pastes, told from keys: a terminal puts marks around them (bracketed paste, xterm), and the
//! mark at the end may never come, for the terminal or what lies between may lose it.

use std::time::{Duration, Instant};

/// The mark before a paste.
const BEGIN: &[u8] = b"\x1b[200~";
/// The mark behind a paste.
const END: &[u8] = b"\x1b[201~";
/// Time without a byte after which a paste is over, its mark or not.
const SILENCE: Duration = Duration::from_secs(2);
/// Time without a byte after which a key that stands alone is none of a paste's.
const ALONE: Duration = Duration::from_millis(200);
/// Bytes of a key, at most.
const KEY: usize = 4;
/// Keys that come alone within a paste, one after another, before it is taken to be over.
const KEYS: u8 = 3;
/// Time in which more of a paste may come that was taken to be over.
const LATE: Duration = Duration::from_secs(30);
/// Bytes that come at once and are no typing, behind a paste that was taken to be over.
const BURST: usize = 8;
/// Bytes of a paste that are passed on before its end, at least.
const MUCH: usize = 4 << 20;

/// A part of what a terminal sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputPart {
    /// Bytes of keys, the mouse, answers.
    Typed(Vec<u8>),
    /// Text that was pasted; a large one comes in several.
    Pasted(String),
}

/// The kind of the bytes that come next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    #[default]
    Typed,
    /// Between the marks.
    Pasted,
    /// Behind a paste whose end did not come: more of it may, until then.
    Torn(Instant),
}

/// Parts what a terminal sends into keys and pastes.
#[derive(Debug, Default)]
pub(super) struct Pastes {
    mode: Mode,
    /// Bytes of a paste, or the beginning of a mark.
    held: Vec<u8>,
    /// How often few bytes came by themselves within a paste, one time after another.
    keys: u8,
    /// The time of the last byte.
    last: Option<Instant>,
}

impl Pastes {
    /// Takes in bytes that came at once.
    pub fn take(&mut self, bytes: &[u8], now: Instant) -> Vec<InputPart> {
        let mut out = Vec::new();
        let alone = self
            .last
            .is_some_and(|last| now.duration_since(last) >= ALONE);
        let typed = self.mode == Mode::Pasted && alone && bytes.len() <= KEY;
        self.keys = if typed { self.keys + 1 } else { 0 };
        if typed && (matches!(bytes, [0x03 | 0x04 | 0x1b]) || self.keys >= KEYS) {
            // Somebody types, or wants out.
            self.tear(now, &mut out);
        }
        self.last = Some(now);
        if let Mode::Torn(until) = self.mode {
            let more = bytes.len() >= BURST && !bytes.starts_with(b"\x1b");
            if now > until {
                self.mode = Mode::Typed;
            } else if more || find(bytes, END).is_some() {
                self.mode = Mode::Pasted;
            }
        }
        self.held.extend_from_slice(bytes);
        while self.step(&mut out) {}
        out
    }

    /// Goes on to the next mark; false where there is none.
    fn step(&mut self, out: &mut Vec<InputPart>) -> bool {
        let pasted = self.mode == Mode::Pasted;
        let (mark, next) = if pasted {
            (END, Mode::Typed)
        } else {
            (BEGIN, Mode::Pasted)
        };
        if let Some(at) = find(&self.held, mark) {
            let rest = self.held.split_off(at + mark.len());
            let mut part = std::mem::replace(&mut self.held, rest);
            part.truncate(at);
            self.mode = next;
            push(out, part, pasted);
            return true;
        }
        // Escape by itself is a key; more of a mark may be one that comes in parts.
        let least = if pasted { 1 } else { 2 };
        let begun = (least..mark.len()).rev().find(|length| {
            let begin = mark.get(..*length);
            begin.is_some_and(|begin| self.held.ends_with(begin))
        });
        let end = self.held.len() - begun.unwrap_or(0);
        if !pasted || end >= MUCH {
            let keep = self
                .held
                .split_off(if pasted { whole(&self.held, end) } else { end });
            let part = std::mem::replace(&mut self.held, keep);
            push(out, part, pasted);
        }
        false
    }

    /// The time until [`Pastes::rest`] is to be called, where something waits for more.
    pub fn patience(&self, now: Instant) -> Option<Duration> {
        let silence = match self.mode {
            Mode::Pasted => SILENCE,
            _ if self.held.is_empty() => return None,
            _ => ALONE,
        };
        let since = self.last.map(|last| now.duration_since(last));
        Some(silence.saturating_sub(since.unwrap_or(silence)))
    }

    /// The parts that nothing more is waited for, after some silence.
    pub fn rest(&mut self, now: Instant) -> Vec<InputPart> {
        let mut out = Vec::new();
        if self.patience(now) == Some(Duration::ZERO) {
            if self.mode == Mode::Pasted {
                self.tear(now, &mut out);
            } else {
                push(&mut out, std::mem::take(&mut self.held), false);
            }
        }
        out
    }

    /// Takes a paste to be over.
    fn tear(&mut self, now: Instant, out: &mut Vec<InputPart>) {
        push(out, std::mem::take(&mut self.held), true);
        self.mode = Mode::Torn(now + LATE);
        self.keys = 0;
    }
}

fn push(out: &mut Vec<InputPart>, bytes: Vec<u8>, pasted: bool) {
    if bytes.is_empty() {
        return;
    }
    out.push(if pasted {
        InputPart::Pasted(String::from_utf8_lossy(&bytes).into_owned())
    } else {
        InputPart::Typed(bytes)
    });
}

/// The end, at or before `end`, that cuts no character.
fn whole(bytes: &[u8], end: usize) -> usize {
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (end.saturating_sub(3)..=end)
        .rev()
        .find(begins)
        .unwrap_or(end)
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|part| part == mark)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str) -> InputPart {
        InputPart::Typed(text.as_bytes().to_vec())
    }

    fn pasted(text: &str) -> InputPart {
        InputPart::Pasted(text.to_owned())
    }

    /// Parts joined: however the bytes came.
    fn joined(parts: Vec<InputPart>) -> Vec<InputPart> {
        let mut out: Vec<InputPart> = Vec::new();
        for part in parts {
            match (out.last_mut(), part) {
                (Some(InputPart::Typed(before)), InputPart::Typed(more)) => before.extend(more),
                (_, part) => out.push(part),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn marks_are_found_however_they_are_cut(cuts in proptest::collection::vec(1_usize..9, 0..20)) {
            let all = "a\x1b[A\x1b[200~one\r\ntwo ü\x1b[201~\x1b[200~three\x1b[201~b\x1b";
            let (mut pastes, now) = (Pastes::default(), Instant::now());
            let mut rest = all.as_bytes();
            let mut parts = Vec::new();
            for cut in cuts {
                let (part, more) = rest.split_at(cut.min(rest.len()));
                // Escape alone is a key: it is left with what follows.
                if part.ends_with(b"\x1b") || part.is_empty() {
                    continue;
                }
                parts.extend(pastes.take(part, now));
                rest = more;
            }
            parts.extend(pastes.take(rest, now));
            prop_assert_eq!(
                joined(parts),
                [typed("a\x1b[A"), pasted("one\r\ntwo ü"), pasted("three"), typed("b\x1b")]
            );
        }
    }

    #[test]
    fn a_paste_without_an_end_is_over_after_some_silence() {
        let (mut pastes, now) = (Pastes::default(), Instant::now());
        assert_eq!(pastes.take(b"\x1b[200~abc", now), []);
        assert_eq!(pastes.patience(now), Some(SILENCE));
        assert_eq!(pastes.rest(now + ALONE), []);
        let later = now + SILENCE;
        assert_eq!(pastes.rest(later), [pasted("abc")]);
        assert_eq!(pastes.take(b"d", later), [typed("d")]);
        assert_eq!(pastes.take(b"\x03", later), [typed("\x03")]);
        // What comes late is no typing: a newline in it sends nothing.
        assert_eq!(
            pastes.take(b"rest of it\r\n\x1b[201~e", later),
            [pasted("rest of it\r\n"), typed("e")]
        );
        assert_eq!(
            pastes.take(b"rest of it\r\n", later),
            [typed("rest of it\r\n")]
        );
    }

    #[test]
    fn whoever_wants_out_gets_out_of_a_paste() {
        for key in ["\x03", "\x1b"] {
            let (mut pastes, now) = (Pastes::default(), Instant::now());
            assert_eq!(pastes.take(b"\x1b[200~abc", now), []);
            assert_eq!(
                pastes.take(key.as_bytes(), now + ALONE),
                [pasted("abc"), typed(key)]
            );
        }
        // Nor does it take what somebody types on and on.
        let (mut pastes, now) = (Pastes::default(), Instant::now());
        assert_eq!(pastes.take(b"\x1b[200~abc", now), []);
        assert_eq!(pastes.take(b"d", now + ALONE), []);
        assert_eq!(pastes.take(b"e", now + ALONE * 2), []);
        let told = pastes.take(b"f", now + ALONE * 3);
        assert_eq!(told, [pasted("abcde"), typed("f")]);
        // One that comes with the text belongs to it.
        let (mut pastes, now) = (Pastes::default(), Instant::now());
        assert_eq!(
            pastes.take(b"\x1b[200~a\x03b\x1b[201~", now),
            [pasted("a\u{3}b")]
        );
    }

    #[test]
    fn a_large_paste_comes_in_parts_and_no_character_is_cut() {
        let (mut pastes, now) = (Pastes::default(), Instant::now());
        let text = "ü".repeat(MUCH / 2 + 1000);
        let mut parts = pastes.take(BEGIN, now);
        for part in text.as_bytes().chunks(4095) {
            parts.extend(pastes.take(part, now));
        }
        assert!(!parts.is_empty());
        parts.extend(pastes.take(END, now));
        let whole: String = parts
            .iter()
            .map(|part| match part {
                InputPart::Pasted(text) => text.as_str(),
                InputPart::Typed(_) => panic!("{part:?}"),
            })
            .collect();
        assert!(whole == text);
    }

    #[test]
    fn half_a_mark_is_given_on_after_a_while() {
        let (mut pastes, now) = (Pastes::default(), Instant::now());
        assert_eq!(pastes.take(b"\x1b[20", now), []);
        assert_eq!(pastes.rest(now + ALONE), [typed("\x1b[20")]);
        assert_eq!(pastes.take(b"\x1b", now), [typed("\x1b")]);
    }
}
