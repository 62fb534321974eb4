//! Forms as text, for engines that take grammars so: GBNF as llama.cpp and xgrammar read it, and
//! Lark as llguidance reads it.
//!
//! A printed form is wider than what its automaton takes: what hangs on the history of an answer
//! or on more than its letters cannot be said in it. [`super::Beyond`] names these rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::form::{Form, Value};
use super::{Choices, NewPaths, Part};
use crate::base::bug::bug;

/// How a form is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// The notation of llama.cpp.
    Gbnf,
    /// The notation of the parser generator Lark, in the variant of llguidance.
    Lark,
}

/// A form as a grammar whose first rule stands for an answer.
pub fn print<F: Form>(form: &F, notation: Notation) -> String {
    let mut printer = Printer {
        form,
        notation,
        names: BTreeMap::new(),
        open: Vec::new(),
        longer: BTreeSet::new(),
        shared: BTreeMap::new(),
        rules: String::new(),
    };
    let first = printer.name(form.start());
    let start = match notation {
        Notation::Gbnf => "root",
        Notation::Lark => "start",
    };
    printer.rule(start, &first);
    while let Some((at, name)) = printer.open.pop() {
        let body = printer.body(&at);
        printer.rule(&name, &body);
    }
    let shared = std::mem::take(&mut printer.shared);
    for (name, body) in shared {
        printer.rule(&name, &body);
    }
    printer.rules
}

struct Printer<'a, F: Form> {
    form: &'a F,
    notation: Notation,
    /// The rule of each place of the form.
    names: BTreeMap<F::At, String>,
    /// Places whose rules are still to be written.
    open: Vec<(F::At, String)>,
    /// Places behind a fence that is longer than it must be.
    longer: BTreeSet<F::At>,
    /// Rules that several places use.
    shared: BTreeMap<String, String>,
    rules: String,
}

impl<F: Form> Printer<'_, F> {
    fn rule(&mut self, name: &str, body: &str) {
        let sign = match self.notation {
            Notation::Gbnf => "::=",
            Notation::Lark => ":",
        };
        let _ = writeln!(self.rules, "{name} {sign} {body}");
    }

    /// The rule of a place.
    fn name(&mut self, at: F::At) -> String {
        let number = self.names.len();
        if let Some(name) = self.names.get(&at) {
            return name.clone();
        }
        let name = format!("at{number}");
        self.names.insert(at.clone(), name.clone());
        self.open.push((at, name.clone()));
        name
    }

    /// The rule of what follows a part.
    fn behind(&mut self, at: &F::At, value: Value) -> String {
        let next = self.form.after(at, value);
        self.name(next)
    }

    /// The texts that may be written from a place on.
    fn body(&mut self, at: &F::At) -> String {
        match self.form.widest(at) {
            Part::OneOf { choices, may_end } => self.one_of(at, &choices, may_end),
            Part::Words { may_end, .. } => {
                let line = self.words();
                let head = self.behind(at, Value::Text);
                let end = if may_end {
                    format!(" | {line}")
                } else {
                    String::new()
                };
                format!("({line} \"\\n\")* (\"*** \" {head}{end})")
            }
            Part::Line { .. } => {
                let (blank, solid, any) = (self.class(&BLANK), self.class(&SOLID), self.any());
                let next = self.behind(at, Value::Text);
                format!("{blank}* {solid} {any}* \"\\n\" {next}")
            }
            Part::Fence { byte, least, most } => self.fence(at, byte, least, most),
            Part::LinesOf { file, fence, .. } => self.lines_of(at, file, fence),
            Part::LinesBy { file, .. } => self.lines_by(at, file),
            Part::NewPath => {
                let next = self.behind(at, Value::Text);
                let only = self.form.new_paths().and_then(NewPaths::names);
                let path = only.map_or_else(
                    || format!("{}+", self.class(&PATH)),
                    |names| alternatives(names.iter().map(|name| name.as_str().as_bytes())),
                );
                format!("{path} \"\\n\" {next}")
            }
            Part::Block { fence, .. } => {
                let next = self.behind(at, Value::Text);
                let (line, most) = if self.longer.contains(at) {
                    (format!("{}*", self.any()), u8::MAX)
                } else {
                    (self.line_before(fence), fence)
                };
                let fence = fence_line(b'>', fence, most);
                format!("({line} \"\\n\")* {fence} {next}")
            }
        }
    }

    /// One of some texts, by the places they lead to.
    fn one_of(&mut self, at: &F::At, choices: &Choices, may_end: bool) -> String {
        let mut groups: BTreeMap<F::At, Vec<&[u8]>> = BTreeMap::new();
        for (text, number) in choices.iter() {
            let next = self.form.after(at, Value::Chosen(number));
            groups.entry(next).or_default().push(text);
        }
        let mut ways: Vec<String> = Vec::new();
        for (next, texts) in groups {
            let texts = alternatives(texts.into_iter());
            ways.push(format!("{texts} {}", self.name(next)));
        }
        if may_end || ways.is_empty() {
            ways.push("\"\"".to_owned());
        }
        ways.join(" | ")
    }

    /// A fence of the length it must have, or a longer one.
    fn fence(&mut self, at: &F::At, byte: u8, least: u8, most: u8) -> String {
        let next = self.behind(at, Value::Count(least));
        let fence = fence_line(byte, least, least);
        // All longer ones are one: how long exactly cannot be said.
        let longer = least.saturating_add(1);
        let behind = self.form.after(at, Value::Count(longer));
        self.longer.insert(behind.clone());
        let behind = self.name(behind);
        let long = fence_line(byte, longer, most);
        format!("{fence} {next} | {long} {behind}")
    }

    /// Lines of a file, and the fence behind them.
    fn lines_of(&mut self, at: &F::At, file: u32, fence: u8) -> String {
        let value = Value::Lines(0, 0);
        let longer = self.longer.contains(at);
        if longer {
            self.longer.insert(self.form.after(at, value));
        }
        let next = self.behind(at, value);
        let lines = self.lines(file);
        let fence = fence_line(b'=', fence, if longer { u8::MAX } else { fence });
        format!("{lines} {fence} {next}")
    }

    /// The name of a definition, or two numbers.
    fn lines_by(&mut self, at: &F::At, file: u32) -> String {
        let next = self.behind(at, Value::Lines(0, 0));
        let number = format!("{} {}*", self.class(&FIRST), self.class(&DIGIT));
        self.share("number", number);
        let names = self.form.file(file).map(|file| &file.names);
        let names = names.into_iter().flatten().map(|(name, _)| name.as_bytes());
        let names: Vec<String> = names.map(literal).collect();
        let ways = ["number \"-\" number".to_owned()].into_iter().chain(names);
        format!("({}) \"\\n\" {next}", ways.collect::<Vec<_>>().join(" | "))
    }

    fn share(&mut self, name: &str, body: String) {
        self.shared.entry(name.to_owned()).or_insert(body);
    }

    /// A line of a block: such as does not begin with its fence.
    fn line_before(&mut self, fence: u8) -> String {
        let (any, other) = (self.any(), self.class(&NO_FENCE));
        let name = format!("line{fence}");
        let part = fence.saturating_sub(1);
        let body = format!("({other} {any}* | \">\"{{1,{part}}} ({other} {any}*)?)?");
        self.share(&name, body);
        name
    }

    /// A line of words: such as does not begin with the head of something else.
    fn words(&mut self) -> String {
        let any = self.any();
        let (no_star, no_blank) = (self.class(&NO_STAR), self.class(&NO_BLANK));
        self.share(
            "words",
            format!(
                "({no_star} {any}* | \"*\" ({no_star} {any}*)? | \"**\" ({no_star} {any}*)? | \
                 \"***\" ({no_blank} {any}*)?)?"
            ),
        );
        "words".to_owned()
    }

    /// Whole lines of a file, one after the other.
    fn lines(&mut self, number: u32) -> String {
        let Some(file) = self.form.file(number) else {
            return bug("a form speaks of a file that it has not", "\"\"".to_owned());
        };
        let name = format!("file{number}");
        let lines: Vec<&[u8]> = file.all().collect();
        let each = |line: usize| format!("{name}l{line}");
        let all: Vec<String> = (0..lines.len()).map(each).collect();
        self.share(&name, all.join(" | "));
        for (at, line) in lines.iter().enumerate() {
            let mut body = literal(line);
            if at + 1 < lines.len() {
                let _ = write!(body, " {}?", each(at + 1));
            }
            self.share(&each(at), body);
        }
        name
    }

    fn any(&self) -> String {
        self.class(&ANY)
    }

    /// One character of a class.
    fn class(&self, ranges: &[(char, char)]) -> String {
        let (open, close) = match self.notation {
            Notation::Gbnf => ("[", "]"),
            Notation::Lark => ("/[", "]/"),
        };
        let mut out = open.to_owned();
        for (low, high) in ranges {
            for (at, c) in [low, high].into_iter().enumerate() {
                let code = u32::from(*c);
                if at == 1 {
                    if low == high {
                        continue;
                    }
                    out.push('-');
                }
                let _ = match self.notation {
                    Notation::Gbnf if code > 0xffff => write!(out, "\\U{code:08X}"),
                    Notation::Gbnf => write!(out, "\\u{code:04X}"),
                    Notation::Lark => write!(out, "\\u{{{code:X}}}"),
                };
            }
        }
        out.push_str(close);
        out
    }
}

/// The characters that may be written, and some classes of them.
const ANY: [(char, char); 3] = [('\t', '\t'), (' ', '~'), ('\u{a0}', char::MAX)];
const NO_STAR: [(char, char); 4] = [('\t', '\t'), (' ', ')'), ('+', '~'), ('\u{a0}', char::MAX)];
const NO_FENCE: [(char, char); 4] = [('\t', '\t'), (' ', '='), ('?', '~'), ('\u{a0}', char::MAX)];
const NO_BLANK: [(char, char); 3] = [('\t', '\t'), ('!', '~'), ('\u{a0}', char::MAX)];
const BLANK: [(char, char); 2] = [('\t', '\t'), (' ', ' ')];
const SOLID: [(char, char); 2] = [('!', '~'), ('\u{a0}', char::MAX)];
const FIRST: [(char, char); 1] = [('1', '9')];
const DIGIT: [(char, char); 1] = [('0', '9')];
const PATH: [(char, char); 6] = [
    ('+', '+'),
    ('-', '9'),
    ('@', 'Z'),
    ('_', '_'),
    ('a', 'z'),
    ('~', '~'),
];

/// A line of one byte, of a length from `least` to `most`; of any from `least` on, where that is
/// 255.
fn fence_line(byte: u8, least: u8, most: u8) -> String {
    let sign = literal(&[byte]);
    let most = if most == u8::MAX {
        String::new()
    } else {
        most.to_string()
    };
    format!("{sign}{{{least},{most}}} \"\\n\"")
}

/// One of some texts.
fn alternatives<'a>(texts: impl Iterator<Item = &'a [u8]>) -> String {
    format!("({})", texts.map(literal).collect::<Vec<_>>().join(" | "))
}

/// A text in quotation marks.
fn literal(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
