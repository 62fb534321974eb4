//! The one way out: data to standard output, words for people to standard error.
//!
//! Nothing that goes to a terminal holds a control sequence that is not ours. A closed pipe
//! is remembered and everything after it swallowed; the program then ends with 0.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use super::json_text::safe_json;
use super::lines::{fitted, folded};
use crate::base::config::ColorChoice;
use crate::base::text::{printable, printable_block};
use crate::base::{Failure, failure::io_failure};

pub(super) use super::json_text::typed;
pub(super) use super::lines::{bar, prefill_line, wrapped};
pub(super) use super::tone::Tone;

/// Standard output and standard error.
pub(super) struct Out {
    data: io::BufWriter<io::Stdout>,
    words: io::Stderr,
    failed: Option<io::Error>,
    color_data: bool,
    color_words: bool,
    tty_data: bool,
    live: bool,
    quiet: bool,
    verbose: bool,
    /// True if a line of progress stands on the terminal.
    line: bool,
    drawn: Option<Instant>,
    /// True if the last character of the stream was a newline.
    fresh: bool,
    /// True if a carriage return is held back, which may be the first half of a line's end.
    held: bool,
    /// True if thinking stands on standard error, its line not ended.
    thinking: bool,
    /// True if an event has told the failure already.
    pub(super) told: bool,
    /// The sections of a report that is wanted as JSON, and is not printed.
    report: Option<Vec<Section>>,
}

/// A section of a report: a title, and facts.
#[derive(Debug, serde::Serialize)]
pub(super) struct Section {
    title: String,
    facts: Vec<Fact>,
}

/// A fact of a report.
#[derive(Debug, serde::Serialize)]
struct Fact {
    what: String,
    value: String,
}

impl Out {
    /// The outputs of this process.
    pub(super) fn new(color: ColorChoice, quiet: bool, verbose: bool) -> Self {
        let tty_data = io::stdout().is_terminal();
        let tty_words = io::stderr().is_terminal();
        let wanted = |tty: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                tty && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            data: io::BufWriter::new(io::stdout()),
            words: io::stderr(),
            failed: None,
            color_data: wanted(tty_data),
            color_words: wanted(tty_words),
            tty_data,
            live: tty_words && !quiet,
            quiet,
            verbose,
            line: false,
            drawn: None,
            fresh: true,
            held: false,
            thinking: false,
            told: false,
            report: None,
        }
    }

    /// Collects a report from now on, instead of printing it.
    pub(super) fn collect_report(&mut self) {
        self.report = Some(Vec::new());
    }

    /// The report that was collected.
    pub(super) fn collected(&mut self) -> Vec<Section> {
        self.report.take().unwrap_or_default()
    }

    /// Begins a section of a report.
    pub(super) fn head(&mut self, title: &str) {
        match &mut self.report {
            Some(sections) => sections.push(Section {
                title: title.to_owned(),
                facts: Vec::new(),
            }),
            None => self.line(Tone::Bold, title),
        }
    }

    /// Takes a fact into the report that is collected. Returns false where none is.
    fn collects(&mut self, what: &str, value: &str) -> bool {
        let Some(sections) = &mut self.report else {
            return false;
        };
        if let Some(section) = sections.last_mut() {
            section.facts.push(Fact {
                what: what.trim().to_owned(),
                value: value.trim().to_owned(),
            });
        }
        true
    }

    /// Tells whether more is to be said.
    pub(super) const fn verbose(&self) -> bool {
        self.verbose
    }

    /// Tells whether nobody reads standard output any more.
    pub(super) const fn closed(&self) -> bool {
        self.failed.is_some()
    }

    /// Tells whether standard output is a terminal.
    pub(super) const fn on_terminal(&self) -> bool {
        self.tty_data
    }

    fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.data.write_all(bytes)
        {
            self.failed = Some(error);
        }
    }

    fn push(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.data.flush()
        {
            self.failed = Some(error);
        }
    }

    /// Writes a line of data, in a tone.
    pub(super) fn line(&mut self, tone: Tone, text: &str) {
        let text = printable(text).into_owned();
        self.styled(tone, &text);
        self.write("\n");
    }

    /// Writes a line of data in parts, each of its own tone.
    pub(super) fn parts(&mut self, parts: &[(Tone, &str)]) {
        if self.report.is_some()
            && let Some(((_, what), rest)) = parts.split_first()
        {
            let rest: Vec<&str> = rest.iter().map(|(_, text)| text.trim()).collect();
            self.collects(what, &rest.join(" "));
            return;
        }
        for (tone, text) in parts {
            let text = printable(text).into_owned();
            self.styled(*tone, &text);
        }
        self.write("\n");
    }

    /// Writes a label and a value beside it, broken at blanks so that it stays in its column.
    pub(super) fn fact(&mut self, what: &str, value: &str) {
        if self.collects(what, value) {
            return;
        }
        let value = printable(value).into_owned();
        let room = self.width().saturating_sub(LABEL + 3);
        let mut label = what;
        for line in wrapped(&value, room) {
            self.parts(&[
                (Tone::Dim, &format!("  {label:<LABEL$} ")),
                (Tone::Plain, line.as_str()),
            ]);
            label = "";
        }
    }

    /// Cells in a line of standard output; 80 where it is no terminal.
    pub(super) fn width(&self) -> usize {
        terminal_size::terminal_size_of(self.data.get_ref())
            .map_or(80, |(width, _)| usize::from(width.0).clamp(40, 100))
    }

    fn styled(&mut self, tone: Tone, text: &str) {
        self.clear();
        if self.color_data && tone != Tone::Plain && !text.is_empty() {
            self.write(tone.code());
            self.write(text);
            self.write("\x1b[0m");
        } else {
            self.write(text);
        }
    }

    /// Writes several lines of data, a newline put at the end if there is none.
    pub(super) fn block(&mut self, text: &str) {
        self.clear();
        let text = printable_block(text).into_owned();
        self.write(&text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.write("\n");
        }
    }

    /// Writes a piece of an answer, shown at once.
    pub(super) fn piece(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.clear();
        self.end_thinking();
        let mut whole = String::with_capacity(text.len() + 1);
        if std::mem::take(&mut self.held) {
            whole.push('\r');
        }
        whole.push_str(text);
        if whole.ends_with('\r') {
            whole.pop();
            self.held = true;
        }
        let safe = printable_block(&whole).into_owned();
        if let Some(last) = safe.chars().last() {
            self.fresh = last == '\n';
        }
        self.write(&safe);
        self.push();
    }

    /// Writes a piece of an answer as it was made for this terminal, shown at once.
    pub(super) fn rendered(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.clear();
        self.end_thinking();
        self.fresh = text.ends_with('\n');
        self.write(text);
        self.push();
    }

    /// Cells that an answer may take in a line of this terminal.
    pub(super) fn measure(&self) -> usize {
        terminal_size::terminal_size_of(self.data.get_ref())
            .map_or(80, |(width, _)| usize::from(width.0).clamp(20, 100))
    }

    /// Tells whether data is coloured.
    pub(super) const fn colors(&self) -> bool {
        self.color_data
    }

    /// Ends the line of an answer that was written in pieces.
    pub(super) fn end_pieces(&mut self) {
        self.held = false;
        if !self.fresh {
            self.write("\n");
            self.fresh = true;
        }
        self.push();
    }

    /// Writes a unified diff: exact where a program reads it, safe and coloured on a terminal.
    pub(super) fn diff(&mut self, text: &str) {
        self.clear();
        if !self.is_read() {
            self.write(text);
            self.push();
            return;
        }
        for line in text.lines() {
            let tone = match line.as_bytes().first() {
                _ if line.starts_with("+++") || line.starts_with("---") => Tone::Bold,
                Some(b'+') => Tone::Green,
                Some(b'-') => Tone::Red,
                Some(b'@') => Tone::Cyan,
                Some(b' ') | None => Tone::Plain,
                Some(_) => Tone::Bold,
            };
            let safe = printable_block(line).into_owned();
            self.styled(tone, &safe);
            self.write("\n");
        }
        self.push();
    }

    /// Tells whether data goes to somebody who reads it, and not to a program.
    pub(super) const fn is_read(&self) -> bool {
        self.tty_data || self.color_data
    }

    /// Writes data for a program, as it is.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.clear();
        self.write_bytes(bytes);
        self.push();
    }

    /// Writes text made by ourselves, as it is (help, schema, completions, the manual page).
    pub(super) fn raw(&mut self, text: &str) {
        self.write(text);
        self.push();
    }

    /// Writes a value as one line of JSON; what a terminal could take for a command is escaped.
    pub(super) fn json<T: serde::Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|e| Failure::bug("a value cannot be written as JSON").caused_by(&e))?;
        let safe = safe_json(&text);
        self.clear();
        self.write(&safe);
        self.write("\n");
        self.push();
        Ok(())
    }

    /// Writes a value as [`Out::json`] does, on several lines.
    pub(super) fn json_pretty<T: serde::Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Failure::bug("a value cannot be written as JSON").caused_by(&e))?;
        let safe = safe_json(&text);
        self.clear();
        self.write(&safe);
        self.write("\n");
        self.push();
        Ok(())
    }

    fn say(&mut self, tone: Tone, text: &str) {
        // Both outputs may be the same terminal: words begin on a line of their own.
        self.end_pieces();
        self.clear();
        self.end_thinking();
        let mut text = printable_block(text).into_owned();
        if self.words.is_terminal() {
            text = folded(&text, width_of(&self.words));
        }
        // Where standard error is closed there is nobody left to tell.
        let _ = if self.color_words && tone != Tone::Plain {
            writeln!(self.words, "{}{text}\x1b[0m", tone.code())
        } else {
            writeln!(self.words, "{text}")
        };
    }

    /// Tells whether notes are kept back.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Asks a question whose answer is typed behind it.
    pub(super) fn ask(&mut self, text: &str) {
        self.clear();
        let _ = write!(self.words, "{}", printable_block(text));
        let _ = self.words.flush();
    }

    /// Says something the user should know.
    pub(super) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.say(Tone::Plain, text);
        }
    }

    /// Says something the user should look at.
    pub(super) fn warn(&mut self, text: &str) {
        self.say(Tone::Yellow, &format!("warning: {text}"));
    }

    /// Says something for `-v`.
    pub(super) fn detail(&mut self, text: &str) {
        if self.verbose {
            self.say(Tone::Dim, text);
        }
    }

    /// Writes a piece of thinking, dim, beside the answer.
    pub(super) fn aside(&mut self, text: &str) {
        self.clear();
        self.thinking = true;
        let safe = printable_block(text);
        let _ = if self.color_words {
            write!(self.words, "{}{safe}\x1b[0m", Tone::Dim.code())
        } else {
            write!(self.words, "{safe}")
        };
    }

    fn end_thinking(&mut self) {
        if std::mem::take(&mut self.thinking) {
            let _ = self.words.write_all(b"\n\n");
        }
    }

    /// Tells a failure in its three parts.
    pub(super) fn failure(&mut self, failure: &Failure) {
        self.end_pieces();
        self.clear();
        self.end_thinking();
        let (start, end) = if self.color_words {
            (Tone::Red.code(), "\x1b[0m")
        } else {
            ("", "")
        };
        let mut text = format!("error: {}", printable(failure.what()));
        for cause in failure.causes() {
            text.push_str(&format!("\n  because: {}", printable(cause)));
        }
        if let Some(hint) = failure.next_step() {
            text.push_str(&format!("\n  hint: {}", printable(hint)));
        }
        if self.words.is_terminal() {
            text = folded(&text, width_of(&self.words));
        }
        let text = text.replacen("error:", &format!("{start}error:{end}"), 1);
        let _ = writeln!(self.words, "{text}");
    }

    /// Rewrites the line of progress, on a terminal, at most twenty times a second.
    pub(super) fn progress(&mut self, text: &str) {
        const PAUSE: Duration = Duration::from_millis(50);
        if !self.live || self.drawn.is_some_and(|then| then.elapsed() < PAUSE) {
            return;
        }
        // A line begun on the same terminal must not be written over.
        if self.tty_data && !self.fresh {
            return;
        }
        self.drawn = Some(Instant::now());
        self.line = true;
        let text = fitted(&printable(text), width_of(&self.words).saturating_sub(1));
        let _ = write!(self.words, "\r\x1b[2K{text}");
        let _ = self.words.flush();
    }

    /// Takes the line of progress away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.line) {
            let _ = write!(self.words, "\r\x1b[2K");
            let _ = self.words.flush();
            self.drawn = None;
        }
    }

    /// Writes out what is left. Returns the failure of standard output, if it had one on the way.
    pub(super) fn finish(&mut self) -> Option<Failure> {
        self.clear();
        self.push();
        match &self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Some(io_failure("cannot write to standard output", error))
            }
            _ => None,
        }
    }
}

/// Cells of the labels of [`Out::fact`].
const LABEL: usize = 14;

/// Cells in a line of a terminal; 80 where it is none.
fn width_of(words: &io::Stderr) -> usize {
    terminal_size::terminal_size_of(words).map_or(80, |(width, _)| usize::from(width.0).max(20))
}
