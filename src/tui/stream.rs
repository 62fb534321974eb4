//! Text that is still being written, drawn as it comes.
//!
//! The text is cut into stretches that stand for themselves: at blank lines outside fences
//! and lists, and behind fences. A stretch that is over is laid out once and kept; only the
//! last one is laid out again. A text that comes at once is cut at the same places, so the
//! final picture is the same however it came.

use super::highlight::{Grown, Highlighter};
use super::markdown::{self, Look};
use super::styled_rows::{Row, Rows};
use super::theme::Theme;
use crate::base::OrBug;

/// A growing text and its picture.
#[derive(Debug, Default)]
pub struct Stream {
    seen: String,
    key: (usize, u64),
    cutter: Cutter,
    closed: Vec<Rows>,
    codes: usize,
    grown: Grown,
}

/// Finds the ends of stretches, a line at a time.
#[derive(Debug, Clone, Default)]
struct Cutter {
    /// Bytes of whole lines that were looked at.
    read: usize,
    /// The byte at which the open stretch begins.
    start: usize,
    /// The fence that is open: its character and length.
    fence: Option<(char, usize)>,
    /// True if the open stretch is a list or indented code: blank lines do not end it.
    loose: bool,
    /// True if the open stretch has a line that is not blank.
    begun: bool,
    /// True if the last line was blank.
    blank: bool,
}

impl Cutter {
    /// Looks at the next line (with its newline). Returns the byte at which that line begins, if
    /// a stretch has ended before it.
    fn line(&mut self, line: &str) -> Option<usize> {
        let at = self.read;
        self.read += line.len();
        let text = line.trim_end();
        let body = text.trim_start();
        let indent = text.len() - body.len();
        if let Some((mark, length)) = self.fence {
            let run = body.chars().take_while(|c| *c == mark).count();
            if run >= length && body.chars().all(|c| c == mark) {
                self.fence = None;
            }
            self.blank = false;
            return None;
        }
        if body.is_empty() {
            self.blank = true;
            return None;
        }
        let item = is_item(body);
        let goes_on = self.loose && (indent >= 2 || item);
        let cut = (self.blank && self.begun && !goes_on).then_some(at);
        if cut.is_some() || !self.begun {
            if cut.is_some() {
                self.start = at;
            }
            self.begun = true;
            self.loose = item || indent >= 4;
        } else if item {
            self.loose = true;
        }
        self.blank = false;
        if indent < 4 || self.loose {
            self.fence = fence(body);
        }
        cut
    }
}

/// The character and length of the fence that a line opens, if it does.
fn fence(body: &str) -> Option<(char, usize)> {
    let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = body.trim_start_matches(mark);
    let run = body.len() - info.len();
    (run >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, run))
}

fn is_item(body: &str) -> bool {
    let digits = body.chars().take_while(char::is_ascii_digit).count();
    let rest = if digits > 0 && digits < 10 {
        body.get(digits..)
            .and_then(|rest| rest.strip_prefix(['.', ')']))
    } else {
        body.strip_prefix(['-', '*', '+'])
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

impl Stream {
    /// The picture of `text`, which is what was seen before and more; any other text begins
    /// anew. `revision` stands for the look: theme and whether grammars are there.
    pub fn rows(
        &mut self,
        text: &str,
        width: usize,
        theme: &Theme,
        highlighter: &Highlighter,
        revision: u64,
    ) -> Vec<Rows> {
        let same = self.key == (width, revision);
        let more = match text.strip_prefix(self.seen.as_str()) {
            Some(more) if same => more,
            _ => {
                *self = Self {
                    key: (width, revision),
                    ..Self::default()
                };
                text
            }
        };
        let look = Look {
            width,
            theme,
            highlighter,
        };
        self.seen.push_str(more);
        let unread = text.get(self.cutter.read..).or_bug("whole lines were read");
        // The last line, while it is not whole yet.
        let mut open = "";
        for line in unread.split_inclusive('\n') {
            if !line.ends_with('\n') {
                open = line;
                break;
            }
            let start = self.cutter.start;
            if let Some(end) = self.cutter.line(line) {
                let stretch = text.get(start..end).or_bug("a stretch ends at a line");
                self.close(stretch, &look);
            }
        }
        let tail = text
            .get(self.cutter.start..)
            .or_bug("a stretch begins at a line");
        let mut out = self.closed.clone();
        if !tail.trim().is_empty() {
            // The open line may already end the stretch before it.
            let mut cutter = self.cutter.clone();
            let ends = !open.is_empty() && cutter.line(open).is_some();
            let (first, rest) = if ends {
                tail.split_at(tail.len() - open.len())
            } else {
                (tail, "")
            };
            let mut codes = self.codes;
            for (i, piece) in [first, rest].into_iter().enumerate() {
                if piece.trim().is_empty() {
                    continue;
                }
                let mut fresh = Grown::default();
                let grown = if i == 0 { &mut self.grown } else { &mut fresh };
                let rows = markdown::render(piece, &look, &mut codes, grown);
                push(&mut out, rows);
            }
        }
        out
    }

    fn close(&mut self, stretch: &str, look: &Look<'_>) {
        let rows = markdown::render(stretch, look, &mut self.codes, &mut self.grown);
        self.grown = Grown::default();
        push(&mut self.closed, rows);
    }
}

/// Adds the rows of a stretch, a blank row before it unless it is the first.
fn push(out: &mut Vec<Rows>, mut rows: Vec<Row>) {
    if rows.is_empty() {
        return;
    }
    if !out.is_empty() {
        rows.insert(0, Row::blank());
    }
    out.push(rows.into());
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may stop where it stands")]
mod tests {
    use super::*;
    use crate::tui::color::Depth;
    use proptest::prelude::*;

    const PIECES: &[&str] = &[
        "A paragraph with `code` and **bold** text [1] that goes on for a while.\n",
        "\n",
        "\n\n",
        "# Heading\n",
        "- item\n",
        "  - nested\n",
        "1. first\n\n",
        "2. second\n",
        "```rust\n",
        "fn main() { let x = \"y\"; }\n",
        "```\n",
        "> quote\n",
        "| a | b |\n",
        "|---|---|\n",
        "| 1 | 2 |\n",
        "    indented\n",
        "~~~\n",
        "[1]: src/a.rs\n",
        "<b>html</b>\n",
        "half a li",
        "* * *\n",
        "=====\n",
        "漢字 e\u{301} \u{1b}[2J\n",
    ];

    fn theme() -> Theme {
        Theme::load("dark", None, Depth::True).expect("loads")
    }

    fn flat(rows: &[Rows]) -> Vec<Row> {
        rows.iter().flat_map(|rows| rows.iter().cloned()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_final_picture_does_not_depend_on_how_it_came(
            pieces in proptest::collection::vec(0..PIECES.len(), 0..24),
            steps in proptest::collection::vec(1usize..30, 1..60),
        ) {
            let text: String = pieces.iter().map(|i| PIECES[*i]).collect();
            let (theme, highlighter) = (theme(), Highlighter::default());
            let once = Stream::default().rows(&text, 40, &theme, &highlighter, 0);
            let mut stream = Stream::default();
            let mut end = 0;
            for step in steps {
                end = (end + step).min(text.len());
                while !text.is_char_boundary(end) { end += 1; }
                stream.rows(&text[..end], 40, &theme, &highlighter, 0);
            }
            let grown = stream.rows(&text, 40, &theme, &highlighter, 0);
            prop_assert_eq!(flat(&grown), flat(&once));
        }
    }

    #[test]
    fn closed_stretches_are_kept_as_they_are() {
        let (theme, highlighter) = (theme(), Highlighter::default());
        let mut stream = Stream::default();
        let first = stream.rows("One.\n\nTwo.\n\nThr", 40, &theme, &highlighter, 0);
        let second = stream.rows("One.\n\nTwo.\n\nThree", 40, &theme, &highlighter, 0);
        assert!(std::rc::Rc::ptr_eq(&first[0], &second[0]));
        assert!(!std::rc::Rc::ptr_eq(&first[2], &second[2]));
    }

    #[test]
    fn lists_and_fences_are_not_torn() {
        let (theme, highlighter) = (theme(), Highlighter::default());
        let text = "1. one\n\n   more\n\n2. two\n\n```\na\n\nb\n```\n\nend\n";
        let rows = Stream::default().rows(text, 40, &theme, &highlighter, 0);
        assert_eq!(rows.len(), 3);
    }
}
