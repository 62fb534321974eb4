//! Events of a terminal elsewhere than on Unix, as crossterm reads them. A late answer of the
//! terminal to our question about its colours is not typing.

use std::time::{Duration, Instant};

use crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers};

/// Time behind the start in which a late answer of the terminal may still come.
const LATE: Duration = Duration::from_secs(5);
/// Characters of a late answer at most.
const LONGEST: usize = 48;

/// The events of the terminal.
#[cfg(not(unix))]
pub(super) struct ConsoleInput {
    answer: Answer,
}

#[cfg(not(unix))]
impl ConsoleInput {
    /// Begins to read.
    pub fn open() -> std::io::Result<Self> {
        Ok(Self {
            answer: Answer::new(),
        })
    }

    /// Waits for the next event; none if there is none in that time.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub fn read(&mut self, wait: Duration) -> std::io::Result<Option<event::Event>> {
        if !event::poll(wait)? {
            return Ok(None);
        }
        let event = event::read()?;
        Ok((!self.answer.is_part(&event, Instant::now())).then_some(event))
    }
}

/// Knows the terminal's late answer to a question about its colours, which arrives as if
/// somebody typed `Alt-]`, digits and an end.
struct Answer {
    until: Option<Instant>,
    taken: usize,
}

impl Answer {
    fn new() -> Self {
        Self {
            until: Some(Instant::now() + LATE),
            taken: 0,
        }
    }

    fn is_part(&mut self, event: &event::Event, now: Instant) -> bool {
        if self.until.is_none_or(|until| now > until) {
            return false;
        }
        let event::Event::Key(KeyEvent {
            code: KeyCode::Char(c),
            modifiers,
            ..
        }) = event
        else {
            return false;
        };
        let alt = modifiers.contains(KeyModifiers::ALT);
        if self.taken == 0 {
            if alt && *c == ']' {
                self.taken = 1;
                return true;
            }
            return false;
        }
        self.taken += 1;
        let end = (alt && *c == '\\') || (modifiers.contains(KeyModifiers::CONTROL) && *c == 'g');
        let fits = end || c.is_ascii_hexdigit() || matches!(c, ';' | ':' | '/' | 'r' | 'g' | 'b');
        if end || !fits || self.taken > LONGEST {
            self.until = None;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(c: char, modifiers: KeyModifiers) -> event::Event {
        event::Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    #[test]
    fn a_late_answer_is_not_typing_and_typing_is() {
        let now = Instant::now();
        let mut answer = Answer::new();
        assert!(!answer.is_part(&typed('x', KeyModifiers::NONE), now));
        assert!(answer.is_part(&typed(']', KeyModifiers::ALT), now));
        for c in "11;rgb:1e1e/1e1e/1e1e".chars() {
            assert!(answer.is_part(&typed(c, KeyModifiers::NONE), now), "{c}");
        }
        assert!(answer.is_part(&typed('\\', KeyModifiers::ALT), now));
        assert!(!answer.is_part(&typed('1', KeyModifiers::NONE), now));
        // Long after the start nobody owes one.
        let mut old = Answer::new();
        let later = now + LATE * 2;
        assert!(!old.is_part(&typed(']', KeyModifiers::ALT), later));
    }
}
