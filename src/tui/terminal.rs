//! The terminal: taken, drawn on, and always given back as it was found.
//!
//! The terminal is given back when the value is dropped, when the thread that owns it panics,
//! when the process is told to end, and while `$EDITOR` runs or the process is stopped.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Frame;
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};

use crate::base::config::ColorChoice;
use crate::base::failure::io_failure;
use crate::base::text::printable;
use crate::base::{Failure, Result};

use super::color::Depth;

/// Longest wait for the terminal to tell its background.
const ASK: Duration = Duration::from_millis(100);

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// Reports of the mouse: buttons, dragging and the wheel. Crossterm would also ask for each movement
/// with no button down, which means nothing here and is much over a slow line.
struct Mouse(bool);

impl crossterm::Command for Mouse {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        let switch = if self.0 { 'h' } else { 'l' };
        for mode in ["1000", "1002", "1006"] {
            write!(f, "\x1b[?{mode}{switch}")?;
        }
        Ok(())
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
        if self.0 {
            EnableMouseCapture.execute_winapi()
        } else {
            DisableMouseCapture.execute_winapi()
        }
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}

/// A terminal that is ours for now.
pub struct Terminal {
    inner: ratatui::Terminal<Backend>,
    hold: Arc<Hold>,
    title: String,
}

/// The settings of the terminal that must be undone, whoever does it.
#[derive(Debug)]
pub struct Hold {
    taken: AtomicBool,
    mouse: bool,
    keyboard: bool,
}

impl Hold {
    fn new(mouse: bool) -> Self {
        let term = std::env::var("TERM").unwrap_or_default();
        let program = std::env::var("TERM_PROGRAM").unwrap_or_default();
        Self {
            taken: AtomicBool::new(false),
            mouse,
            // Asking whether the protocol is understood can take seconds over a slow line;
            // terminals that do not know it pass over it, but for these.
            keyboard: !cfg!(windows)
                && !matches!(term.as_str(), "linux" | "dumb")
                && program != "Apple_Terminal",
        }
    }

    /// One for a terminal that is never taken.
    pub fn never() -> Self {
        Self::new(false)
    }

    fn take(&self, title: &str) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        super::last_words::arm(self.leaving());
        enable_raw_mode()?;
        self.taken.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        // The title that was there is kept on the terminal's own stack.
        queue!(
            out,
            Print("\x1b[22;0t"),
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableFocusChange,
            SetTitle(title),
        )?;
        if self.mouse {
            queue!(out, Mouse(true))?;
        }
        if self.keyboard {
            queue!(
                out,
                PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES)
            )?;
        }
        out.flush()
    }

    /// Gives the terminal back, if it is taken. Never fails: a terminal that is gone needs
    /// nothing.
    pub fn leave(&self) {
        if !self.taken.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut out = io::stdout();
        let _ = out.write_all(&self.leaving());
        let _ = out.flush();
        let _ = disable_raw_mode();
        #[cfg(target_os = "linux")]
        super::last_words::disarm();
    }

    /// The bytes that undo what [`Self::take`] wrote.
    fn leaving(&self) -> Vec<u8> {
        // Writing into memory cannot fail.
        let mut out = Vec::new();
        let _ = queue!(out, EndSynchronizedUpdate);
        if self.keyboard {
            let _ = queue!(out, PopKeyboardEnhancementFlags);
        }
        if self.mouse {
            let _ = queue!(out, Mouse(false));
        }
        let _ = queue!(
            out,
            DisableFocusChange,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Print("\x1b[0m\x1b[23;0t"),
            cursor::Show,
        );
        out
    }

    /// Tells whether the terminal is taken.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::SeqCst)
    }
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Of kind environment, if there is none.
    pub fn take(title: &str, mouse: bool) -> Result<Self> {
        let title = printable(title).into_owned();
        let hold = Arc::new(Hold::new(mouse));
        let failed = |e: &io::Error| io_failure("the terminal cannot be used", e);
        let inner = hold
            .take(&title)
            .and_then(|()| {
                ratatui::Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(
                    1 << 16,
                    io::stdout(),
                )))
            })
            .map_err(|e| {
                hold.leave();
                failed(&e)
            })?;
        Ok(Self { inner, hold, title })
    }

    /// The hold that gives the terminal back, for those who must do so from elsewhere.
    pub fn hold(&self) -> Arc<Hold> {
        Arc::clone(&self.hold)
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        // A terminal that does not tell its size is taken for the usual one.
        self.inner
            .size()
            .map_or((80, 24), |size| (size.width, size.height))
    }

    /// Draws one frame, shown all at once by terminals that can.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.inner.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.inner.draw(render).map(|_| ());
        execute!(self.inner.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Forgets what is on the screen, so that all is drawn anew.
    pub fn forget(&mut self) {
        // ratatui's own `clear` asks where the cursor is: the answer would go to whoever reads the
        // keys, and be waited for in vain.
        let _ = self.inner.backend_mut().clear_region(ClearType::All);
        self.inner.swap_buffers();
    }

    /// Writes a sequence of ours (never foreign text).
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        execute!(self.inner.backend_mut(), Print(sequence))
    }

    /// Gives the terminal back while `work` runs, and takes it again.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        self.hold.leave();
        let done = work();
        self.hold
            .take(&self.title)
            .map_err(|e| io_failure("the terminal could not be taken again", &e))?;
        self.forget();
        Ok(done)
    }

    /// Sets the terminal up again after the process was stopped and something else used it.
    pub fn again(&mut self) -> Result<()> {
        self.lend(|| ())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.hold.leave();
    }
}

/// The columns of the terminal that is printed to; none where they are not told.
pub fn columns() -> Option<usize> {
    let size = crossterm::terminal::size().ok()?;
    Some(usize::from(size.0)).filter(|columns| *columns > 0)
}

/// Refuses to go on where there is no terminal.
pub fn require() -> Result<()> {
    let missing = match (io::stdin().is_terminal(), io::stdout().is_terminal()) {
        (true, true) => return Ok(()),
        (false, true) => "standard input is",
        (true, false) => "standard output is",
        (false, false) => "standard input and output are",
    };
    Err(
        Failure::environment(format!("the screen needs a terminal, and {missing} none")).hint(
            "`homebody ask \"…\"` answers without one; `homebody --help` shows what else does",
        ),
    )
}

/// The depth of colour to use.
pub fn depth(choice: ColorChoice) -> Depth {
    let var = |name: &str| std::env::var(name).ok();
    match choice {
        ColorChoice::Never => Depth::None,
        ColorChoice::Auto => Depth::find(var),
        ColorChoice::Always => {
            Depth::find(|name| if name == "NO_COLOR" { None } else { var(name) }).max(Depth::Ansi16)
        }
    }
}

/// Tells whether only ASCII can be relied on.
pub fn only_ascii() -> bool {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    if matches!(var("TERM").as_str(), "linux" | "dumb") {
        return true;
    }

    // An unset locale says nothing; one that is set to something else than UTF-8 does.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .map(var)
        .find(|v| !v.is_empty());
    cfg!(unix)
        && locale.is_some_and(|l| {
            let l = l.to_ascii_lowercase();
            (l == "c" || l == "posix") || (l.contains('.') && !l.contains("utf"))
        })
}

/// Asks the terminal whether its background is light; one that does not say so is dark. Call before
/// it is taken.
pub fn is_light() -> bool {
    if let Some(light) = std::env::var("COLORFGBG")
        .ok()
        .as_deref()
        .and_then(from_palette)
    {
        return light;
    }
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = ASK;
    matches!(
        terminal_colorsaurus::theme_mode(options),
        Ok(terminal_colorsaurus::ThemeMode::Light)
    )
}

/// Reads `COLORFGBG`: `15;0` is dark, `0;15` is light.
fn from_palette(value: &str) -> Option<bool> {
    let ground: u8 = value.rsplit(';').next()?.parse().ok()?;
    Some(matches!(ground, 7 | 9..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_variable_tells_the_ground() {
        assert_eq!(from_palette("15;0"), Some(false));
        assert_eq!(from_palette("0;default;15"), Some(true));
        assert_eq!(from_palette("x"), None);
    }

    #[test]
    fn leaving_what_is_not_taken_writes_nothing() {
        let hold = Hold::new(true);
        hold.leave();
        assert!(!hold.is_taken());
    }
}
