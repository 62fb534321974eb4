//! Keys, pastes and the mouse, read on a thread of their own.
//!
//! A terminal's input is hostile: pastes are cleaned where they are taken in, and unknown keys are
//! passed over.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[cfg(not(unix))]
use super::console_input::ConsoleInput as TerminalInput;
#[cfg(unix)]
use super::terminal_input::TerminalInput;
use crate::app::{Code, Key};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Time between two looks whether the thread should pause.
const LOOK: Duration = Duration::from_millis(100);

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

/// Starts the thread.
pub fn start(to: Sender<Input>, pause: Pause) -> Result<()> {
    let opened = TerminalInput::open();
    let mut terminal = opened.map_err(|e| io_failure("the terminal cannot be read", &e))?;
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            loop {
                pause.wait();
                let input = match terminal.read(LOOK) {
                    Ok(None) => continue,
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
