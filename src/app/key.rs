//! Keys as the state knows them, whatever terminal they come from.

use std::fmt;

/// The key pressed, without modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character as typed: upper case where Shift made it so.
    Char(char),
    /// The Enter (Return) key.
    Enter,
    /// The Tab key; with `shift` set what terminals call back-tab.
    Tab,
    /// The Backspace key.
    Backspace,
    /// The Delete key.
    Delete,
    /// The Insert key.
    Insert,
    /// The left arrow.
    Left,
    /// The right arrow.
    Right,
    /// The up arrow.
    Up,
    /// The down arrow.
    Down,
    /// The Home key.
    Home,
    /// The End key.
    End,
    /// The Page Up key.
    PageUp,
    /// The Page Down key.
    PageDown,
    /// The Escape key.
    Esc,
    /// A function key, from 1.
    F(u8),
}

/// A key with its modifiers.
///
/// Made with [`Key::new`], which brings the forms terminals send to one. A character carries
/// its own shift (`A`, never Shift+a); with Ctrl it is lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The key pressed.
    pub code: Code,
    /// True if Control is held.
    pub ctrl: bool,
    /// True if Alt, Option or Meta is held.
    pub alt: bool,
    /// True if Shift is held; never set on characters.
    pub shift: bool,
}

impl Key {
    /// Makes a key in its normal form.
    pub fn new(code: Code, ctrl: bool, alt: bool, shift: bool) -> Self {
        match code {
            Code::Char(c) => {
                let c = if ctrl {
                    c.to_ascii_lowercase()
                } else if shift && c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c
                };
                Self {
                    code: Code::Char(c),
                    ctrl,
                    alt,
                    shift: false,
                }
            }
            code => Self {
                code,
                ctrl,
                alt,
                shift,
            },
        }
    }

    /// Makes a key without modifiers.
    pub fn plain(code: Code) -> Self {
        Self::new(code, false, false, false)
    }

    /// Makes a character without modifiers.
    pub fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// Makes a character with Control.
    pub fn ctrl(c: char) -> Self {
        Self::new(Code::Char(c), true, false, false)
    }

    /// Returns the character this key types into a text, if any.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt && !c.is_control() => Some(c),
            _ => None,
        }
    }

    /// Parses `ctrl-x`, `alt-enter`, `shift-tab`, `f1`, `?`, `space`, `ctrl-space`.
    /// Modifiers may also be joined with `+` and be called `control`, `c`, `meta`, `m`,
    /// `option`, `s`. None for what is no key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        // A last `-` or `+` is the key itself.
        while let Some((word, after)) = rest.split_once(['-', '+']) {
            if word.is_empty() || after.is_empty() {
                break;
            }
            let word = word.trim().to_ascii_lowercase();
            match word.as_str() {
                "ctrl" | "control" | "c" => ctrl = true,
                "alt" | "meta" | "option" | "m" => alt = true,
                "shift" | "s" => shift = true,
                _ => return None,
            }
            rest = after;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Code::Char(c),
            (Some(_), Some(_)) => Self::code_named(&rest.trim().to_ascii_lowercase())?,
            _ => return None,
        };
        Some(Self::new(code, ctrl, alt, shift))
    }

    fn code_named(name: &str) -> Option<Code> {
        if let Some((_, code)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(*code);
        }
        let number: u8 = name.strip_prefix('f')?.parse().ok()?;
        (1..=24).contains(&number).then_some(Code::F(number))
    }

    /// The names that [`Key::parse`] knows besides single characters and `f1` to `f24`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// Names and their keys. The first name of a key is the one it is shown by.
const NAMES: [(&str, Code); 22] = [
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("del", Code::Delete),
    ("insert", Code::Insert),
    ("ins", Code::Insert),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PageUp),
    ("pageup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("pagedown", Code::PageDown),
    ("esc", Code::Esc),
    ("escape", Code::Esc),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
];

impl fmt::Display for Key {
    /// Writes the key as help shows it and [`Key::parse`] reads it: `Ctrl-O`, `Alt-Enter`,
    /// `PgUp`, `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if self.shift {
            f.write_str("Shift-")?;
        }
        match self.code {
            Code::Char(' ') => f.write_str("Space"),
            Code::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            Code::Char(c) => write!(f, "{c}"),
            Code::PageUp => f.write_str("PgUp"),
            Code::PageDown => f.write_str("PgDn"),
            Code::F(n) => write!(f, "F{n}"),
            code => write!(f, "{code:?}"),
        }
    }
}
