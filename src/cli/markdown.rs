//! The Markdown of an answer as lines for a terminal: wrapped at words, in tones.
//!
//! The text is the model's and hostile: every piece of it is made printable behind the parser,
//! which turns entities into characters of any kind.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd, TextMergeStream};

use super::out::Tone;
use crate::app::markdown::{keep_definitions, options};
use crate::app::table::{Table, TableLine};
use crate::app::wrap::wrap;
use crate::base::text::{printable, printable_block};

/// Lists and quotes deeper than this are not indented further.
const DEEPEST: usize = 8;
/// Blanks before a line of code.
const INDENT: &str = "  ";

/// A line: pieces, each in its tone.
pub(super) type Line = Vec<(Tone, String)>;

/// The lines of a text, at most `room` cells each but for code, which stands as it is. Where there
/// are no colours, the signs of code and headings stay.
pub(super) fn lines(text: &str, room: usize, colors: bool) -> Vec<Line> {
    let text = keep_definitions(&printable_block(text));
    let mut writer = Writer {
        room,
        colors,
        lines: Vec::new(),
        marks: Vec::new(),
        lists: Vec::new(),
        inline: Vec::new(),
        tones: Vec::new(),
        links: Vec::new(),
        code: None,
        table: None,
        fresh: true,
    };
    for event in TextMergeStream::new(Parser::new_ext(&text, options())) {
        writer.event(event);
    }
    writer.flush();
    writer.lines
}

/// The beginning of lines inside a list or a quote.
struct Mark {
    /// The sign of an item, until it is written.
    first: Option<String>,
    /// The beginning of every other line.
    rest: String,
}

struct Writer {
    room: usize,
    colors: bool,
    lines: Vec<Line>,
    marks: Vec<Mark>,
    lists: Vec<Option<u64>>,
    inline: Line,
    tones: Vec<Tone>,
    links: Vec<(String, usize)>,
    /// The language and the text of the code block that is open.
    code: Option<(String, String)>,
    table: Option<Table<Tone>>,
    /// True if nothing stands in the open container yet: no blank line before the next block.
    fresh: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.push(self.tone(), &text),
            },
            Event::Code(text) if self.colors => self.push(Tone::Cyan, &text),
            Event::Code(text) => {
                let sign = if text.contains('`') { "``" } else { "`" };
                self.push(Tone::Plain, &format!("{sign}{text}{sign}"));
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                self.push(Tone::Dim, text.trim_end_matches('\n'));
                if text.ends_with('\n') {
                    self.inline.push((Tone::Plain, "\n".to_owned()));
                }
            }
            Event::SoftBreak => self.push(self.tone(), " "),
            Event::HardBreak => self.inline.push((Tone::Plain, "\n".to_owned())),
            Event::Rule => {
                self.flush();
                self.gap();
                let lead = self.lead();
                let room = self.room.saturating_sub(lead.chars().count());
                self.lines.push(vec![
                    (Tone::Plain, lead),
                    (Tone::Dim, "-".repeat(room.min(40))),
                ]);
            }
            Event::TaskListMarker(done) => {
                self.push(Tone::Plain, if done { "[x] " } else { "[ ] " });
            }
            Event::FootnoteReference(text) => self.push(Tone::Dim, &format!("[^{text}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push(self.tone(), &text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.open(),
            Tag::Heading { level, .. } => {
                self.open();
                self.tones.push(Tone::Bold);
                if !self.colors {
                    self.push(Tone::Plain, &format!("{} ", "#".repeat(level as usize)));
                }
            }
            Tag::BlockQuote(_) => {
                self.open();
                self.mark(None, "> ".to_owned());
                self.fresh = true;
            }
            Tag::CodeBlock(kind) => {
                self.open();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(start) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(start);
            }
            Tag::Item => {
                self.flush();
                self.fresh = true;
                let mark = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        let mark = format!("{n}. ");
                        *n = n.saturating_add(1);
                        mark
                    }
                    _ => "- ".to_owned(),
                };
                let blank = " ".repeat(mark.chars().count());
                self.mark(Some(mark), blank);
            }
            Tag::Emphasis => self.tones.push(Tone::Italic),
            Tag::Strong => self.tones.push(Tone::Bold),
            Tag::Strikethrough => self.tones.push(Tone::Dim),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push((dest_url.to_string(), self.inline.len()));
            }
            Tag::Table(alignments) => {
                self.open();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead => self.tones.push(Tone::Bold),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.tones.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.marks.pop();
                self.fresh = false;
            }
            TagEnd::CodeBlock => self.close_code(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.fresh = false;
            }
            TagEnd::Item => {
                self.flush();
                // An item with nothing in it still shows its sign.
                if self.marks.last().is_some_and(|mark| mark.first.is_some()) {
                    let lead = self.lead();
                    self.lines
                        .push(vec![(Tone::Plain, lead.trim_end().to_owned())]);
                }
                self.marks.pop();
                self.fresh = false;
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.tones.pop();
            }
            TagEnd::Link | TagEnd::Image => self.close_link(),
            TagEnd::TableHead | TagEnd::TableRow => {
                if tag == TagEnd::TableHead {
                    self.tones.pop();
                }
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::Table => self.close_table(),
            _ => {}
        }
    }

    fn tone(&self) -> Tone {
        self.tones.last().copied().unwrap_or(Tone::Plain)
    }

    fn push(&mut self, tone: Tone, text: &str) {
        // A newline inside is a break of the line, and nothing else of the kind gets through.
        let mut first = true;
        for line in text.split('\n') {
            if !std::mem::take(&mut first) {
                self.inline.push((Tone::Plain, "\n".to_owned()));
            }
            self.inline.push((tone, printable(line).into_owned()));
        }
    }

    /// Begins a block.
    fn open(&mut self) {
        self.flush();
        self.gap();
    }

    /// A blank line before a block that has others before it.
    fn gap(&mut self) {
        if !std::mem::replace(&mut self.fresh, false) && !self.lines.is_empty() {
            let marks = self.marks.iter().map(|mark| mark.rest.as_str());
            let lead: String = marks.collect();
            self.lines
                .push(vec![(Tone::Dim, lead.trim_end().to_owned())]);
        }
    }

    fn mark(&mut self, first: Option<String>, rest: String) {
        let shallow = self.marks.len() < DEEPEST;
        self.marks.push(Mark {
            first,
            rest: if shallow { rest } else { String::new() },
        });
    }

    /// The beginning of the next line; the sign of an item is written once.
    fn lead(&mut self) -> String {
        let part = |mark: &mut Mark| mark.first.take().unwrap_or_else(|| mark.rest.clone());
        self.marks.iter_mut().map(part).collect()
    }

    /// Writes the text that was collected.
    fn flush(&mut self) {
        if self.inline.is_empty() {
            return;
        }
        let inline = std::mem::take(&mut self.inline);
        let taken: usize = self
            .marks
            .iter()
            .map(|mark| mark.rest.chars().count())
            .sum();
        let pieces = inline.iter().map(|(tone, text)| (*tone, &**text));
        for line in wrap(pieces, self.room.saturating_sub(taken)) {
            let mut whole = vec![(Tone::Plain, self.lead())];
            whole.extend(line);
            self.lines.push(whole);
        }
        self.fresh = false;
    }

    fn close_link(&mut self) {
        let Some((to, at)) = self.links.pop() else {
            return;
        };
        let said: String = (self.inline.iter().skip(at))
            .map(|(_, text)| text.as_str())
            .collect();
        // One sees where a link leads, whatever it says.
        if printable(&to) != said {
            self.push(Tone::Dim, &format!(" ({to})"));
        }
    }

    fn close_code(&mut self) {
        let Some((language, code)) = self.code.take() else {
            return;
        };
        let diff = language.trim() == "diff";
        for line in code.lines() {
            let lead = self.lead();
            let tone = match line.as_bytes().first() {
                Some(b'+') if diff => Tone::Green,
                Some(b'-') if diff => Tone::Red,
                _ => Tone::Cyan,
            };
            let line = printable_block(line).into_owned();
            self.lines
                .push(vec![(Tone::Plain, format!("{lead}{INDENT}")), (tone, line)]);
        }
        self.fresh = false;
    }

    fn close_table(&mut self) {
        let Some(table) = self.table.take() else {
            return;
        };
        let taken: usize = self
            .marks
            .iter()
            .map(|mark| mark.rest.chars().count())
            .sum();
        let bar = (Tone::Dim, " | ".to_owned());
        for line in table.lines(self.room.saturating_sub(taken), Tone::Plain, &bar) {
            let mut whole = vec![(Tone::Plain, self.lead())];
            match line {
                TableLine::Row(pieces) => whole.extend(pieces),
                TableLine::Rule(widths) => {
                    let columns = widths.iter().map(|width| "-".repeat(*width));
                    let columns: Vec<String> = columns.collect();
                    whole.push((Tone::Dim, columns.join("-|-")));
                }
            }
            self.lines.push(whole);
        }
        self.fresh = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, room: usize, colors: bool) -> String {
        let joined = |line: &Line| {
            let text: String = line.iter().map(|(_, text)| text.as_str()).collect();
            text.trim_end().to_owned() + "\n"
        };
        lines(text, room, colors).iter().map(joined).collect()
    }

    #[test]
    fn an_answer_is_wrapped_and_its_signs_are_gone() {
        let text = "# Walking\n\nIt **goes on** by `one`, as the [manual](https://x.y) says.\n\n\
            1. first\n2. second item that is long\n   - inner\n\n> quoted\n\n\
            ```rust\nfn a() { 1 + 1 + 1 + 1 + 1 + 1 }\n```\n\n| a | b |\n|---|--:|\n| x | 10 |\n";
        let told = plain(text, 24, true);
        assert_eq!(
            told,
            "Walking\n\nIt goes on by one, as\nthe manual (https://x.y)\nsays.\n\n\
             1. first\n2. second item that is\n   long\n   - inner\n\n> quoted\n\n  \
             fn a() { 1 + 1 + 1 + 1 + 1 + 1 }\n\na |  b\n--|---\nx | 10\n"
        );
        let told = plain(text, 80, false);
        assert!(
            told.starts_with("# Walking\n\nIt goes on by `one`, as"),
            "{told}"
        );
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        let text = "a&#27;[31m b\u{9b}2J `c\u{1b}]0;x\u{7}` <b\u{1b}[2J>\n\n\
            ```&#27;\nd\u{1b}[0m\n```\n\n[e&#27;](http://f&#155;)\n\n| g&#27; |\n|---|\n| &#8238; |\n";
        let told = plain(text, 60, true);
        let hostile = |c: char| c != '\n' && crate::base::text::is_hostile(c);
        assert!(!told.contains(hostile), "{told:?}");
        assert!(told.contains("a\\x1b[31m"), "{told}");
    }
}
