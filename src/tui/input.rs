//! Keys, pastes and the mouse, read on a thread of their own.
//!
//! A terminal's input is hostile: pastes are cleaned where they are taken in, unknown keys
//! are passed over, and a late answer of the terminal to our own question is not typing.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[cfg(not(unix))]
use self::elsewhere::TerminalInput;
#[cfg(unix)]
use super::terminal_input::TerminalInput;
use crate::app::{Code, Key};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Time between two looks whether the thread should pause.
const LOOK: Duration = Duration::from_millis(100);
/// Time in which a late answer of the terminal may still come.
const LATE: Duration = Duration::from_secs(5);
/// Characters of a late answer at most.
const LONGEST: usize = 48;

/// The things that come from the terminal.
#[derive(Debug)]
pub enum Input {
    /// A key, a paste, the mouse, a new size, the focus.
    Event(event::Event),
    /// The terminal cannot be read: nothing more will come.
    Lost(Failure),
}

#[derive(Debug, Default)]
struct Wish {
    pause: bool,
    paused: bool,
}

/// Lets the reading pause while somebody else has the terminal.
#[derive(Debug, Clone, Default)]
pub struct Pause(Arc<(Mutex<Wish>, Condvar)>);

impl Pause {
    /// Runs `work` while nothing is read.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let (lock, bell) = &*self.0;
        let mut wish = lock.lock().unwrap_or_else(PoisonError::into_inner);
        wish.pause = true;
        // Of a pause that has just ended the thread may not know yet: it says so again. What comes
        // meanwhile would be its own, and somebody else waits for it.
        wish.paused = false;
        bell.notify_all();
        // The thread may have ended; then there is nothing to wait for.
        let until = Instant::now() + LOOK * 10;
        while !wish.paused && Instant::now() < until {
            wish = bell
                .wait_timeout(wish, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(wish);
        let done = work();
        let mut wish = lock.lock().unwrap_or_else(PoisonError::into_inner);
        wish.pause = false;
        bell.notify_all();
        done
    }

    fn wait(&self) {
        let (lock, bell) = &*self.0;
        let mut wish = lock.lock().unwrap_or_else(PoisonError::into_inner);
        while wish.pause {
            wish.paused = true;
            bell.notify_all();
            wish = bell.wait(wish).unwrap_or_else(PoisonError::into_inner);
        }
        wish.paused = false;
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::time::Duration;

    use crossterm::event::{self, Event};

    /// The events of the terminal, as crossterm reads them.
    pub struct TerminalInput;

    impl TerminalInput {
        /// Opens nothing.
        pub const fn open() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the next event; none if there is none in that time.
        pub fn read(&mut self, wait: Duration) -> io::Result<Option<Event>> {
            event::poll(wait)?.then(event::read).transpose()
        }
    }
}

/// Starts the thread. `late`: the terminal still owes an answer.
pub fn start(to: Sender<Input>, pause: Pause, late: bool) -> Result<()> {
    let opened = TerminalInput::open();
    let mut terminal = opened.map_err(|e| io_failure("the terminal cannot be read", &e))?;
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut answer = Answer::new(late);
            loop {
                pause.wait();
                let input = match terminal.read(LOOK) {
                    Ok(None) => continue,
                    Ok(Some(event)) if answer.is_part(&event, Instant::now()) => continue,
                    Ok(Some(event)) => Input::Event(event),
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(e) => Input::Lost(io_failure("the terminal cannot be read", &e)),
                };
                let over = matches!(input, Input::Lost(_));
                if to.send(input).is_err() || over {
                    break;
                }
            }
        })
        .map(|_| ())
        .map_err(|e| io_failure("no thread can be started", &e))
}

/// Knows the terminal's late answer to a question about its colours, which arrives as if
/// somebody typed `Alt-]`, digits and an end.
struct Answer {
    until: Option<Instant>,
    taken: usize,
}

impl Answer {
    fn new(late: bool) -> Self {
        Self {
            until: late.then(|| Instant::now() + LATE),
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

/// A key as the state knows it; none for releases and keys it has no name for.
pub fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let modifiers = event.modifiers;
    let mut shift = modifiers.contains(KeyModifiers::SHIFT);
    let mut ctrl = modifiers.contains(KeyModifiers::CONTROL);
    let code = match event.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => {
            shift = true;
            Code::Tab
        }
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Esc => Code::Esc,
        KeyCode::F(n) => Code::F(n),
        KeyCode::Null => {
            ctrl = true;
            Code::Char(' ')
        }
        _ => return None,
    };
    Some(Key::new(
        code,
        ctrl,
        modifiers.contains(KeyModifiers::ALT),
        shift,
    ))
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
        let mut answer = Answer::new(true);
        assert!(!answer.is_part(&typed('x', KeyModifiers::NONE), now));
        assert!(answer.is_part(&typed(']', KeyModifiers::ALT), now));
        for c in "11;rgb:1e1e/1e1e/1e1e".chars() {
            assert!(answer.is_part(&typed(c, KeyModifiers::NONE), now), "{c}");
        }
        assert!(answer.is_part(&typed('\\', KeyModifiers::ALT), now));
        assert!(!answer.is_part(&typed('1', KeyModifiers::NONE), now));
        let mut nobody_asked = Answer::new(false);
        assert!(!nobody_asked.is_part(&typed(']', KeyModifiers::ALT), now));
    }

    #[test]
    fn keys_have_one_form_and_releases_are_passed_over() {
        let of = |code, modifiers| key(KeyEvent::new(code, modifiers));
        assert_eq!(
            of(KeyCode::BackTab, KeyModifiers::SHIFT),
            Some(Key::new(Code::Tab, false, false, true))
        );
        assert_eq!(
            of(KeyCode::Char('a'), KeyModifiers::SHIFT),
            Some(Key::char('A'))
        );
        assert_eq!(of(KeyCode::CapsLock, KeyModifiers::NONE), None);
        let mut release = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert_eq!(key(release), None);
    }
}
