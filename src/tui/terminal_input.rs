//! Events of a terminal on Unix. The sequences are termina's to read; pastes are told apart first,
//! and a sequence that is not gone on with is given up: nothing that a terminal sends, or fails to
//! send, takes the keys away.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crossterm::event::{self as term, Event, KeyEventState, KeyModifiers};
use crossterm::terminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::SIGWINCH;
use termina::event as of;

use super::paste::{InputPart, Pastes};

/// Bytes read at once.
const AT_ONCE: usize = 4096;
/// Time in which a sequence goes on, or it is none.
const BETWEEN: Duration = Duration::from_millis(300);
/// Time in which what follows an escape comes, or it is the key.
const ESCAPE: Duration = Duration::from_millis(20);
/// Bytes of a sequence at most.
const LONGEST: usize = 256;
/// Time in which the signal comes that says that the terminal has closed.
const CLOSING: Duration = Duration::from_millis(500);

/// The events of the terminal.
pub(super) struct TerminalInput {
    terminal: File,
    /// Tells of a new size: written to when the signal comes.
    resized: UnixStream,
    keys: Keys,
}

/// Keys, the mouse and pastes, out of bytes.
#[derive(Default)]
struct Keys {
    pastes: Pastes,
    parser: termina::Parser,
    /// Bytes that the parser has taken since the last event.
    open: usize,
    /// True if the key that is being parsed came with Alt.
    alt: bool,
    /// The time of the last byte.
    last: Option<Instant>,
    ready: VecDeque<Event>,
}

impl TerminalInput {
    /// Opens the terminal that is the standard input ([`super::terminal::require`]).
    pub fn open() -> io::Result<Self> {
        let terminal = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let (resized, writer) = UnixStream::pair()?;
        resized.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGWINCH, writer)?;
        Ok(Self {
            terminal,
            resized,
            keys: Keys::default(),
        })
    }

    /// Waits for the next event; none if there is none in that time.
    ///
    /// # Errors
    /// If the terminal cannot be read, or has closed.
    pub fn read(&mut self, wait: Duration) -> io::Result<Option<Event>> {
        if let Some(event) = self.keys.ready.pop_front() {
            return Ok(Some(event));
        }
        let wait = self
            .keys
            .patience(Instant::now())
            .map_or(wait, |time| time.min(wait));
        let (typed, resized) = self.wait(wait)?;
        if resized {
            let mut signals = [0; 64];
            while matches!(self.resized.read(&mut signals), Ok(1..)) {}
            let (width, height) = terminal::size()?;
            self.keys.ready.push_back(Event::Resize(width, height));
        }
        if typed {
            let mut bytes = self.bytes()?;
            if bytes.last() == Some(&0x1b) && self.wait(ESCAPE)?.0 {
                bytes.extend(self.bytes()?);
            }
            self.keys.take(&bytes, Instant::now());
        } else {
            self.keys.rest(Instant::now());
        }
        Ok(self.keys.ready.pop_front())
    }

    /// Waits for bytes, and for the signal of a new size.
    fn wait(&self, time: Duration) -> io::Result<(bool, bool)> {
        let mut both = [
            PollFd::new(&self.terminal, PollFlags::IN),
            PollFd::new(&self.resized, PollFlags::IN),
        ];
        let time = Timespec {
            tv_sec: time.as_secs() as i64,
            tv_nsec: time.subsec_nanos().into(),
        };
        poll(&mut both, Some(&time))?;
        let [typed, resized] = both.map(|one| !one.revents().is_empty());
        Ok((typed, resized))
    }

    /// The bytes that are there.
    fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; AT_ONCE];
        match self.terminal.read(&mut bytes) {
            Ok(0) => {
                std::thread::sleep(CLOSING);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(read) => Ok(bytes.get(..read).map(<[u8]>::to_vec).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(e) => {
                if e.kind() != io::ErrorKind::Interrupted {
                    std::thread::sleep(CLOSING);
                }
                Err(e)
            }
        }
    }
}

impl Keys {
    /// The time until [`Keys::rest`] is to be called, where something waits for more.
    fn patience(&self, now: Instant) -> Option<Duration> {
        let since = self.last.map(|last| now.duration_since(last));
        let open = since.filter(|_| self.open > 0);
        let open = open.map(|since| BETWEEN.saturating_sub(since));
        self.pastes.patience(now).into_iter().chain(open).min()
    }

    fn take(&mut self, bytes: &[u8], now: Instant) {
        let parts = self.pastes.take(bytes, now);
        self.parts(parts);
        self.last = Some(now);
    }

    /// Gives up what nobody goes on with.
    fn rest(&mut self, now: Instant) {
        let parts = self.pastes.rest(now);
        self.parts(parts);
        let silent = self
            .last
            .is_none_or(|last| now.duration_since(last) >= BETWEEN);
        if self.open > 0 && silent {
            self.give_up();
        }
    }

    fn parts(&mut self, parts: Vec<InputPart>) {
        for part in parts {
            match part {
                InputPart::Pasted(text) => self.ready.push_back(Event::Paste(text)),
                InputPart::Typed(bytes) => self.typed(&bytes),
            }
        }
    }

    fn typed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            // Some terminals send a key with Alt as Escape and the key's own sequence.
            let alt = self.open == 0 && matches!(behind, [0x1b, b'[' | b'O', ..]);
            if *byte == 0x1b && alt {
                self.alt = true;
                continue;
            }
            // Byte by byte, to know how much of a sequence has come.
            self.parser.parse(&[*byte], !behind.is_empty());
            self.open += 1;
            while let Some(event) = self.parser.pop() {
                // The parser takes Escape twice for one.
                let twice = self.open == 2 && *byte == 0x1b;
                self.open = 0;
                let mut event = event_of(event);
                if std::mem::take(&mut self.alt)
                    && let Some(Event::Key(key)) = &mut event
                {
                    key.modifiers |= KeyModifiers::ALT;
                }
                self.ready.extend(event.clone().filter(|_| twice));
                self.ready.extend(event);
            }
            if self.open > LONGEST {
                self.give_up();
            }
        }
    }

    fn give_up(&mut self) {
        self.parser = termina::Parser::default();
        self.open = 0;
        self.alt = false;
    }
}

/// An event in the words of crossterm, which reads the terminal elsewhere; none for answers to
/// questions that nobody has.
fn event_of(event: termina::Event) -> Option<Event> {
    match event {
        termina::Event::Key(key) => key_of(key).map(Event::Key),
        termina::Event::Mouse(mouse) => Some(Event::Mouse(mouse_of(mouse))),
        termina::Event::FocusIn => Some(Event::FocusGained),
        termina::Event::FocusOut => Some(Event::FocusLost),
        termina::Event::Paste(text) => Some(Event::Paste(text)),
        _ => None,
    }
}

/// A key; none for those that nothing is bound to.
fn key_of(key: of::KeyEvent) -> Option<term::KeyEvent> {
    use term::KeyCode;
    let code = match key.code {
        of::KeyCode::Char(c) => KeyCode::Char(c),
        of::KeyCode::Enter => KeyCode::Enter,
        of::KeyCode::Backspace => KeyCode::Backspace,
        of::KeyCode::Tab => KeyCode::Tab,
        of::KeyCode::Escape => KeyCode::Esc,
        of::KeyCode::Left => KeyCode::Left,
        of::KeyCode::Right => KeyCode::Right,
        of::KeyCode::Up => KeyCode::Up,
        of::KeyCode::Down => KeyCode::Down,
        of::KeyCode::Home => KeyCode::Home,
        of::KeyCode::End => KeyCode::End,
        of::KeyCode::BackTab => KeyCode::BackTab,
        of::KeyCode::PageUp => KeyCode::PageUp,
        of::KeyCode::PageDown => KeyCode::PageDown,
        of::KeyCode::Insert => KeyCode::Insert,
        of::KeyCode::Delete => KeyCode::Delete,
        of::KeyCode::Function(number) => KeyCode::F(number),
        of::KeyCode::Null => KeyCode::Null,
        _ => return None,
    };
    Some(term::KeyEvent {
        code,
        modifiers: modifiers_of(key.modifiers),
        kind: match key.kind {
            of::KeyEventKind::Press => term::KeyEventKind::Press,
            of::KeyEventKind::Release => term::KeyEventKind::Release,
            of::KeyEventKind::Repeat => term::KeyEventKind::Repeat,
        },
        state: KeyEventState::NONE,
    })
}

fn mouse_of(mouse: of::MouseEvent) -> term::MouseEvent {
    use term::MouseEventKind;
    let button = |button| match button {
        of::MouseButton::Left => term::MouseButton::Left,
        of::MouseButton::Right => term::MouseButton::Right,
        of::MouseButton::Middle => term::MouseButton::Middle,
    };
    term::MouseEvent {
        kind: match mouse.kind {
            of::MouseEventKind::Down(which) => MouseEventKind::Down(button(which)),
            of::MouseEventKind::Up(which) => MouseEventKind::Up(button(which)),
            of::MouseEventKind::Drag(which) => MouseEventKind::Drag(button(which)),
            of::MouseEventKind::Moved => MouseEventKind::Moved,
            of::MouseEventKind::ScrollDown => MouseEventKind::ScrollDown,
            of::MouseEventKind::ScrollUp => MouseEventKind::ScrollUp,
            of::MouseEventKind::ScrollLeft => MouseEventKind::ScrollLeft,
            of::MouseEventKind::ScrollRight => MouseEventKind::ScrollRight,
        },
        column: mouse.column,
        row: mouse.row,
        modifiers: modifiers_of(mouse.modifiers),
    }
}

fn modifiers_of(modifiers: of::Modifiers) -> KeyModifiers {
    [
        (of::Modifiers::SHIFT, KeyModifiers::SHIFT),
        (of::Modifiers::ALT, KeyModifiers::ALT),
        (of::Modifiers::CONTROL, KeyModifiers::CONTROL),
        (of::Modifiers::SUPER, KeyModifiers::SUPER),
        (of::Modifiers::HYPER, KeyModifiers::HYPER),
        (of::Modifiers::META, KeyModifiers::META),
    ]
    .into_iter()
    .filter(|(one, _)| modifiers.contains(*one))
    .fold(KeyModifiers::NONE, |all, (_, one)| all | one)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEventKind};

    use super::*;

    fn events(bytes: &str) -> Vec<Event> {
        let mut keys = Keys::default();
        keys.take(bytes.as_bytes(), Instant::now());
        keys.ready.into_iter().collect()
    }

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn sequences_of_terminals_are_keys() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        for (bytes, code, modifiers) in [
            ("a", KeyCode::Char('a'), NONE),
            ("Ü", KeyCode::Char('Ü'), KeyModifiers::SHIFT),
            ("\r", KeyCode::Enter, NONE),
            ("\n", KeyCode::Char('j'), KeyModifiers::CONTROL),
            ("\t", KeyCode::Tab, NONE),
            ("\x7f", KeyCode::Backspace, NONE),
            ("\x03", KeyCode::Char('c'), KeyModifiers::CONTROL),
            ("\x1b", KeyCode::Esc, NONE),
            ("\x1ba", KeyCode::Char('a'), KeyModifiers::ALT),
            ("\x1b\r", KeyCode::Enter, KeyModifiers::ALT),
            ("\x1b[A", KeyCode::Up, NONE),
            ("\x1b\x1b[A", KeyCode::Up, KeyModifiers::ALT),
            ("\x1b\x1bOD", KeyCode::Left, KeyModifiers::ALT),
            ("\x1bOB", KeyCode::Down, NONE),
            ("\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            ("\x1b[1;2D", KeyCode::Left, KeyModifiers::SHIFT),
            ("\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
            ("\x1b[3~", KeyCode::Delete, NONE),
            ("\x1b[5~", KeyCode::PageUp, NONE),
            ("\x1b[H", KeyCode::Home, NONE),
            ("\x1bOP", KeyCode::F(1), NONE),
            ("\x1b[15~", KeyCode::F(5), NONE),
            ("\x1b[13;2u", KeyCode::Enter, KeyModifiers::SHIFT),
            ("\x1b[97;5u", KeyCode::Char('a'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(events(bytes), [key(code, modifiers)], "{bytes:?}");
        }
        let escape = key(KeyCode::Esc, NONE);
        assert_eq!(events("\x1b\x1b"), [escape.clone(), escape]);
        let mouse = |kind, column, row| {
            Event::Mouse(term::MouseEvent {
                kind,
                column,
                row,
                modifiers: NONE,
            })
        };
        assert_eq!(
            events("\x1b[<0;3;4M\x1b[<65;1;1M\x1b[I"),
            [
                mouse(MouseEventKind::Down(MouseButton::Left), 2, 3),
                mouse(MouseEventKind::ScrollDown, 0, 0),
                Event::FocusGained,
            ]
        );
        assert_eq!(
            events("\x1b[200~a\x1b[A\x1b[201~b"),
            [
                Event::Paste("a\x1b[A".to_owned()),
                key(KeyCode::Char('b'), NONE)
            ]
        );
    }

    #[test]
    fn a_sequence_without_an_end_takes_no_later_key() {
        for begun in [
            "\x1b[",
            "\x1b[1;",
            "\x1b]11;rgb:",
            "\x1bP1",
            "\x1b[<0;",
            "\u{fc}",
        ] {
            let mut begun = begun.as_bytes();
            if begun == "ü".as_bytes() {
                begun = &begun[..1];
            }
            let (mut keys, now) = (Keys::default(), Instant::now());
            keys.take(begun, now);
            assert_eq!(keys.ready, [], "{begun:?}");
            let later = now + BETWEEN;
            assert_eq!(keys.patience(later), Some(Duration::ZERO), "{begun:?}");
            keys.rest(later);
            keys.take(b"q", later);
            assert_eq!(
                keys.ready,
                [key(KeyCode::Char('q'), KeyModifiers::NONE)],
                "{begun:?}"
            );
            assert_eq!(keys.patience(later), None);
        }
        // Nor does one that goes on and on.
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.take("\x1b]".as_bytes(), now);
        keys.take("7".repeat(10_000).as_bytes(), now);
        assert!(
            keys.ready
                .contains(&key(KeyCode::Char('7'), KeyModifiers::NONE))
        );
    }
}
