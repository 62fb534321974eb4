//! Markdown as rows of styled text.
//!
//! The text is the model's and hostile: it passes through `printable` piece by piece, raw
//! HTML is shown as it stands, and links show where they lead.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd, TextMergeStream};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::frame::{Frame, info};
use super::highlight::{Grown, Highlighter};
use super::styled_rows::Row;
use super::text::{MEASURE, citations};
use super::theme::{Role, Theme};
use super::width::{code_line, spans_width, width};
use super::wrap::{styled, wrap};
use crate::app::BlockPart;
use crate::app::table::{Table, TableLine};
use crate::base::text::{printable, printable_block};

/// Lists and quotes deeper than this are not indented further.
const DEEPEST: usize = 8;

/// The room and the look that rows are made with.
pub struct Look<'a> {
    /// Cells there are in a row.
    pub width: usize,
    /// The theme.
    pub theme: &'a Theme,
    /// Colours for code.
    pub highlighter: &'a Highlighter,
}

/// The rows of a text. `codes` counts the code blocks on; `grown` is the last code block as it
/// was the time before.
pub fn render(text: &str, look: &Look<'_>, codes: &mut usize, grown: &mut Grown) -> Vec<Row> {
    let text = crate::app::markdown::keep_definitions(&printable_block(text));
    let mut writer = Writer {
        look,
        rows: Vec::new(),
        prefixes: Vec::new(),
        lists: Vec::new(),
        inline: Vec::new(),
        styles: Vec::new(),
        links: Vec::new(),
        code: None,
        table: None,
        fresh: true,
        codes,
        grown,
    };
    for event in TextMergeStream::new(Parser::new_ext(&text, crate::app::markdown::options())) {
        writer.event(event);
    }
    writer.flush();
    writer.rows
}

struct Prefix {
    first: Option<Vec<Span<'static>>>,
    rest: Vec<Span<'static>>,
}

struct Code {
    info: String,
    text: String,
}

struct Writer<'a> {
    look: &'a Look<'a>,
    rows: Vec<Row>,
    prefixes: Vec<Prefix>,
    lists: Vec<Option<u64>>,
    inline: Vec<Span<'static>>,
    styles: Vec<Style>,
    links: Vec<(String, usize)>,
    code: Option<Code>,
    table: Option<Table<Style>>,
    /// True if nothing stands in the open container yet: no blank row before the next block.
    fresh: bool,
    codes: &'a mut usize,
    grown: &'a mut Grown,
}

impl Writer<'_> {
    fn role(&self, role: Role) -> Style {
        self.look.theme.style(role)
    }

    fn style(&self) -> Style {
        self.styles
            .last()
            .copied()
            .unwrap_or_else(|| self.role(Role::Text))
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                if let Some(code) = &mut self.code {
                    code.text.push_str(&text);
                } else {
                    self.text(&text);
                }
            }
            Event::Code(text) => {
                let style = self.style().patch(self.role(Role::Code));
                self.push(Span::styled(printable(&text).into_owned(), style));
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                let style = self.style().patch(self.role(Role::Dim));
                self.push(Span::styled(
                    printable_block(text.trim_end_matches('\n')).into_owned(),
                    style,
                ));
                if text.ends_with('\n') {
                    self.push(Span::raw("\n"));
                }
            }
            Event::SoftBreak => self.push(Span::styled(" ", self.style())),
            Event::HardBreak => self.push(Span::raw("\n")),
            Event::Rule => {
                self.gap();
                let line = self.look.theme.glyphs().line.repeat(self.room());
                let lead = self.lead();
                let style = self.role(Role::Rule);
                let mut row = Row::decoration(lead);
                row.lead.push(Span::styled(line, style));
                self.rows.push(row);
            }
            Event::TaskListMarker(done) => {
                let mark = if done { "[x] " } else { "[ ] " };
                self.push(Span::styled(mark, self.role(Role::Accent)));
            }
            Event::FootnoteReference(text) => {
                self.push(Span::styled(
                    format!("[^{}]", printable(&text)),
                    self.role(Role::Accent),
                ));
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.push(Span::styled(printable(&text).into_owned(), self.style()));
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => {
                self.flush();
                self.gap();
            }
            Tag::Heading { level, .. } => self.open_heading(level),
            Tag::BlockQuote(_) => self.open_quote(),
            Tag::CodeBlock(kind) => {
                self.flush();
                self.gap();
                self.code = Some(Code {
                    info: match kind {
                        CodeBlockKind::Fenced(info) => info.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    },
                    text: String::new(),
                });
            }
            Tag::List(start) => {
                let nested = !self.lists.is_empty();
                self.flush();
                if !nested {
                    self.gap();
                }
                self.lists.push(start);
                self.fresh = true;
            }
            Tag::Item => self.open_item(),
            Tag::Emphasis => self.modify(Modifier::ITALIC),
            Tag::Strong => self.modify(Modifier::BOLD),
            Tag::Strikethrough => self.modify(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.open_link(&dest_url),
            Tag::Table(alignments) => {
                self.flush();
                self.gap();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead => {
                let style = self.style().patch(self.role(Role::Heading));
                self.styles.push(style);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.prefixes.pop();
                self.styles.pop();
                self.fresh = false;
            }
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.code_block(&code);
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.fresh = false;
            }
            TagEnd::Item => self.close_item(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => self.close_link(),
            TagEnd::TableHead => {
                self.styles.pop();
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                if let Some(table) = &mut self.table {
                    let piece = |span: Span<'_>| (span.style, span.content.into_owned());
                    table.cell(cell.into_iter().map(piece).collect());
                }
            }
            TagEnd::Table => self.close_table(),
            _ => {}
        }
    }

    fn open_heading(&mut self, level: HeadingLevel) {
        self.flush();
        self.gap();
        let mut style = self.role(Role::Heading);
        if level == HeadingLevel::H1 {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        self.styles.push(style);
    }

    fn open_quote(&mut self) {
        self.flush();
        self.gap();
        let bar = Span::styled(
            format!("{} ", self.look.theme.glyphs().bar),
            self.role(Role::Rule),
        );
        let shallow = self.prefixes.len() < DEEPEST;
        self.prefixes.push(Prefix {
            first: None,
            rest: if shallow { vec![bar] } else { Vec::new() },
        });
        let style = self.style().patch(self.role(Role::Dim));
        self.styles.push(style);
        self.fresh = true;
    }

    fn open_item(&mut self) {
        self.flush();
        self.fresh = true;
        let mark = match self.lists.last_mut() {
            Some(Some(n)) => {
                let mark = format!("{n}. ");
                *n = n.saturating_add(1);
                mark
            }
            _ => format!("{} ", self.look.theme.glyphs().bullet),
        };
        let cells = width(&mark);
        let indent = if self.prefixes.len() < DEEPEST {
            cells
        } else {
            0
        };
        self.prefixes.push(Prefix {
            first: (indent > 0).then(|| vec![Span::styled(mark, self.role(Role::Accent))]),
            rest: vec![Span::raw(" ".repeat(indent))],
        });
    }

    fn close_item(&mut self) {
        self.flush();
        // An item with nothing in it still shows its mark.
        if self.prefixes.last().is_some_and(|p| p.first.is_some()) {
            let lead = self.lead();
            self.rows.push(Row {
                lead,
                ..Row::default()
            });
        }
        self.prefixes.pop();
        self.fresh = false;
    }

    fn open_link(&mut self, to: &str) {
        self.links
            .push((printable(to).into_owned(), self.inline.len()));
        let style = self
            .style()
            .patch(self.role(Role::Accent))
            .add_modifier(Modifier::UNDERLINED);
        self.styles.push(style);
    }

    fn close_link(&mut self) {
        self.styles.pop();
        if let Some((to, from)) = self.links.pop() {
            let said: String = self
                .inline
                .iter()
                .skip(from)
                .map(|s| s.content.as_ref())
                .collect();
            // A link never hides where it leads.
            if !to.is_empty() && said != to && to.strip_prefix("mailto:") != Some(&said) {
                let style = self.style().patch(self.role(Role::Dim));
                self.push(Span::styled(format!(" ({to})"), style));
            }
        }
    }

    fn close_table(&mut self) {
        if let Some(table) = self.table.take() {
            let (room, glyphs) = (self.room(), self.look.theme.glyphs());
            let rule = self.role(Role::Rule);
            let bar = (rule, format!(" {} ", glyphs.bar));
            for line in table.lines(room, Style::default(), &bar) {
                let mut lead = self.lead();
                self.rows.push(match line {
                    // A table too wide for any wrapping scrolls sideways as code does.
                    TableLine::Row(pieces) => Row {
                        lead,
                        body: styled(pieces),
                        room: Some(room as u16),
                        ..Row::default()
                    },
                    TableLine::Rule(widths) => {
                        let columns = widths.iter().map(|width| glyphs.line.repeat(*width));
                        let columns: Vec<String> = columns.collect();
                        let joint = format!("{0}{1}{0}", glyphs.line, glyphs.cross);
                        let line = super::width::fit(&columns.join(&joint), room);
                        lead.push(Span::styled(line, rule));
                        Row::decoration(lead)
                    }
                });
            }
            self.fresh = false;
        }
    }

    fn modify(&mut self, modifier: Modifier) {
        let style = self.style().add_modifier(modifier);
        self.styles.push(style);
    }

    fn push(&mut self, span: Span<'static>) {
        self.inline.push(span);
    }

    /// Text with its citations `[1]`, `[2, 3]` in the accent.
    fn text(&mut self, text: &str) {
        let safe = printable_block(text).replace('\t', "    ");
        let style = self.style();
        let cited = style.patch(self.role(Role::Accent));
        for (piece, is_citation) in citations(&safe) {
            let style = if is_citation { cited } else { style };
            self.push(Span::styled(piece.to_owned(), style));
        }
    }

    /// Cells left beside the prefixes.
    fn room(&self) -> usize {
        let used: usize = self.prefixes.iter().map(|p| spans_width(&p.rest)).sum();
        self.look.width.min(MEASURE).saturating_sub(used).max(8)
    }

    /// The prefixes of the next row; marks of items are shown once.
    fn lead(&mut self) -> Vec<Span<'static>> {
        let mut lead = Vec::new();
        for prefix in &mut self.prefixes {
            match prefix.first.take() {
                Some(first) => lead.extend(first),
                None => lead.extend(prefix.rest.iter().cloned()),
            }
        }
        lead
    }

    /// A blank row before a block, unless it is the first of its container.
    fn gap(&mut self) {
        if !self.fresh && !self.rows.is_empty() {
            let lead: Vec<_> = self
                .prefixes
                .iter()
                .flat_map(|p| p.rest.iter().cloned())
                .collect();
            self.rows.push(Row {
                lead,
                ..Row::default()
            });
        }
        self.fresh = false;
    }

    fn flush(&mut self) {
        let mut inline = std::mem::take(&mut self.inline);
        while inline
            .last()
            .is_some_and(|s| s.content.trim_end_matches('\n').is_empty())
        {
            inline.pop();
        }
        if inline.is_empty() {
            return;
        }
        self.fresh = false;
        for (i, body) in wrap(&inline, self.room()).into_iter().enumerate() {
            let lead = self.lead();
            self.rows.push(Row {
                lead,
                body,
                soft: i > 0,
                ..Row::default()
            });
        }
    }

    fn code_block(&mut self, code: &Code) {
        let part = BlockPart::Code(*self.codes);
        *self.codes += 1;
        let (language, title) = info(&code.info);
        let text = code.text.strip_suffix('\n').unwrap_or(&code.text);
        let lines: Vec<String> = text.split('\n').map(code_line).collect();
        let plain = self.role(Role::Text).patch(self.role(Role::CodeBackground));
        let by = if language.is_empty() {
            title.rsplit_once('.').map_or("", |(_, ext)| {
                ext.split_once(':').map_or(ext, |(ext, _)| ext)
            })
        } else {
            &language
        };
        let coloured = self.look.highlighter.lines(&lines, by, plain, self.grown);
        let room = self.room();
        let frame = Frame::new(room, self.look.theme);
        let lead = self.lead();
        let mut top = Row::decoration(lead).part(part);
        top.lead.extend(frame.top(&title, &language));
        self.rows.push(top);
        let ground = self.role(Role::CodeBackground);
        for body in coloured {
            let mut lead = self.lead();
            lead.extend(frame.left());
            let from = spans_width(&lead) as u16;
            let cells = (from.saturating_sub(1), from + frame.inner() as u16 + 1);
            self.rows.push(Row {
                grounds: ground
                    .bg
                    .map(|_| (cells.0, cells.1, ground))
                    .into_iter()
                    .collect(),
                lead,
                body,
                tail: frame.right(),
                room: Some(frame.inner() as u16),
                part,
                ..Row::default()
            });
        }
        let lead = self.lead();
        let mut bottom = Row::decoration(lead).part(part);
        bottom.lead.extend(frame.bottom());
        self.rows.push(bottom);
        self.fresh = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    fn shown(text: &str, width: usize) -> String {
        let theme = Theme::load("dark", None, Depth::True).expect("loads");
        let look = Look {
            width,
            theme: &theme,
            highlighter: &Highlighter::default(),
        };
        let rows = render(text, &look, &mut 0, &mut Grown::default());
        for row in &rows {
            let line = row.line(0, Style::new());
            assert!(line.width() <= width.max(30), "{}", row.shown().len());
        }
        let lines: Vec<String> = rows.iter().map(Row::shown).collect();
        lines.join("\n")
    }

    #[test]
    fn paragraphs_headings_and_lists() {
        insta::assert_snapshot!(shown(
            "# One\nText that is *wrapped* at words, with `code` and a citation [1].\n\n\
             ## Two\n- first\n- second that is long enough to be wrapped\n  - nested\n    1. deep\n\
             - third\n\n10. ten\n11. eleven\n\n- [x] done\n- [ ] open\n\n---\nend  \nhard",
            34
        ));
    }

    #[test]
    fn code_in_frames() {
        insta::assert_snapshot!(shown(
            "See:\n```rust src/walk.rs:1480-1502\nfn check() {\n\tlet x = \"漢字\"; // a long line that is cut\n}\n```\n\
             ```src/a.py\nx\n```\n- item\n  ```\n  in a list\n  ```\n",
            40
        ));
    }

    #[test]
    fn tables_fit_or_wrap() {
        let table = "| name | what it does | n |\n|:--|:--:|--:|\n| `walk` | goes through all the folders there are | 12 |\n| x | y | 3 |\n";
        insta::assert_snapshot!(format!("{}\n\n{}", shown(table, 60), shown(table, 30)));
    }

    #[test]
    fn quotes_links_and_html() {
        insta::assert_snapshot!(shown(
            "> quoted text that goes on\n> - item\n\n[site](https://example.org) and <https://a.b>\n\nVec<String> & <b>bold</b>\n\n[1]: src/a.rs:3\n",
            40
        ));
    }

    #[test]
    fn nothing_hostile_comes_through() {
        let text = shown(
            "a\u{1b}[2Jb `\u{9b}c` [x](\u{202e}y)\n```\u{1b}]0;t\n\u{7}\n```\n",
            60,
        );
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && crate::base::text::is_hostile(c)),
            "{text:?}"
        );
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let quotes = format!("{}x", ">".repeat(5_000));
        assert!(shown(&quotes, 40).contains('x'));
        let list: String = (0..60)
            .map(|i| format!("{}- x\n", "  ".repeat(i)))
            .collect();
        assert_eq!(shown(&list, 40).matches('x').count(), 60);
    }

    #[test]
    fn what_stands_behind_a_fence() {
        let of = |text: &str| {
            let (language, title) = info(text);
            format!("{language}|{title}")
        };
        assert_eq!(of("rust"), "rust|");
        assert_eq!(of("rust src/a.rs:3-9"), "rust|src/a.rs:3-9");
        assert_eq!(of("src/a.rs"), "|src/a.rs");
        assert_eq!(of("rust:src/a.rs"), "rust|src/a.rs");
        assert_eq!(of("rust title=\"a b\""), "rust|a b");
        assert_eq!(of("rust,ignore"), "rust|");
    }
}
