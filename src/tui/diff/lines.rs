//! The lines of a hunk: with numbers, in the colours of their language, the changed words marked;
//! one below the other, or the old beside the new.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ratatui::style::Style;
use ratatui::text::Span;

use super::colours::{Sides, marked};
use super::words::words;
use crate::app::{BlockPart, DiffLook};
use crate::base::LineRange;
use crate::tui::draw::Cx;
use crate::tui::styled_rows::{Half, Row, Rows};
use crate::tui::theme::Role;
use crate::tui::width::spans_width;
use crate::tui::wrap::wrap;

/// Rows that a line of code is wrapped to at most.
const MOST_ROWS: usize = 20;
/// Lines of a patch that are coloured: more would be waited for.
const MOST_COLOURED: usize = 4_000;
/// Cells below which old and new do not stand side by side.
pub const BESIDE: usize = 116;

/// A hunk to be shown.
#[derive(Debug, Hash)]
pub struct HunkText<'a> {
    /// `+1`, `-1` or `0` for each line, with the text.
    pub lines: &'a [(i8, String)],
    /// The numbers of the first line on the old and on the new side; 0 where they are not known.
    pub starts: (u32, u32),
    /// The number of the hunk in its patch.
    pub number: usize,
    /// The name or the extension of the file, by which its language is known.
    pub language: &'a str,
    /// True if it is to be shown as of no account.
    pub rejected: bool,
}

/// The rows of hunks that were laid out before: what does not change is not laid out again.
#[derive(Debug, Default)]
pub struct Laid {
    rows: HashMap<u64, Rows>,
    /// Those that are in use since the last turn.
    used: HashMap<u64, Rows>,
    coloured: usize,
}

impl Laid {
    /// Begins with the first hunk of a patch.
    pub fn begin(&mut self) {
        self.coloured = 0;
    }

    /// Ends with the last hunk of a patch: what it does not use is forgotten.
    pub fn end(&mut self) {
        self.rows = std::mem::take(&mut self.used);
    }

    /// The rows of a hunk.
    pub fn rows(&mut self, hunk: &HunkText<'_>, look: DiffLook, cx: &Cx<'_>) -> Rows {
        self.coloured += hunk.lines.len();
        let coloured = self.coloured <= MOST_COLOURED && !hunk.rejected;
        let mut hasher = DefaultHasher::new();
        (hunk, look, coloured, cx.width, cx.revision).hash(&mut hasher);
        let key = hasher.finish();
        let rows = match self
            .rows
            .remove(&key)
            .or_else(|| self.used.get(&key).cloned())
        {
            Some(rows) => rows,
            None => rows(hunk, look, coloured, cx).into(),
        };
        self.used.insert(key, Rows::clone(&rows));
        rows
    }
}

/// A line of a hunk in its look.
#[derive(Clone)]
struct StyledLine {
    sign: i8,
    /// Its number on its side.
    number: u32,
    sign_style: Style,
    body: Vec<Span<'static>>,
    /// The ground that it stands on, where it has one.
    ground: Option<Style>,
}

/// The rows of a hunk.
pub fn rows(hunk: &HunkText<'_>, look: DiffLook, coloured: bool, cx: &Cx<'_>) -> Vec<Row> {
    let (old, new) = hunk.starts;
    let last = old.max(new).saturating_add(hunk.lines.len() as u32);
    let digits = last.to_string().len().max(4);
    let lines = styled(hunk, coloured, cx);
    let mut page = Page {
        digits,
        part: BlockPart::Hunk(hunk.number),
        wraps: look.wrap,
        cx,
        rows: Vec::new(),
    };
    if look.beside && cx.width >= BESIDE {
        page.beside(&lines);
    } else {
        for line in &lines {
            page.line(line);
        }
    }
    page.rows
}

fn styled(hunk: &HunkText<'_>, coloured: bool, cx: &Cx<'_>) -> Vec<StyledLine> {
    let sides = coloured
        .then(|| Sides::of(hunk.lines, hunk.language, cx))
        .flatten();
    let changed = if hunk.rejected {
        vec![None; hunk.lines.len()]
    } else {
        words(hunk.lines)
    };
    let (mut old, mut new) = hunk.starts;
    let mut out = Vec::with_capacity(hunk.lines.len());
    for (at, ((sign, text), changed)) in hunk.lines.iter().zip(changed).enumerate() {
        let (number, role, word) = match sign {
            1.. => (new, Role::Added, Role::AddedWord),
            0 => (new, Role::Text, Role::Text),
            _ => (old, Role::Removed, Role::RemovedWord),
        };
        // Where the numbers are not known, they are 0 throughout.
        new = new.saturating_add(u32::from(*sign >= 0 && new > 0));
        old = old.saturating_add(u32::from(*sign <= 0 && old > 0));
        let plain = cx.role(if hunk.rejected { Role::Dim } else { role });
        let (spans, ground) = match &sides {
            Some(sides) => sides.line(at, *sign, text, plain),
            None => (super::colours::plain(text, plain), None),
        };
        out.push(StyledLine {
            sign: *sign,
            number,
            sign_style: plain,
            body: match changed {
                Some(changed) => marked(spans, text, &changed, cx.role(word)),
                None => spans,
            },
            ground,
        });
    }
    out
}

/// Rows that lines are laid out in.
struct Page<'a> {
    digits: usize,
    part: BlockPart,
    wraps: bool,
    cx: &'a Cx<'a>,
    rows: Vec<Row>,
}

/// The bodies of a line, one for each row that it takes, and whether the only one has a window.
struct Laying {
    bodies: Vec<Vec<Span<'static>>>,
    window: bool,
}

impl Page<'_> {
    /// Lays out a line below those before it.
    fn line(&mut self, line: &StyledLine) {
        let room = self.cx.width.saturating_sub(self.digits + 7).max(4);
        let lead = self.lead(line, 4);
        let margin = spans_width(&lead);
        let laying = self.laid(line, room);
        for (n, body) in laying.bodies.into_iter().enumerate() {
            let from = margin.saturating_sub(2) as u16;
            let ground = line
                .ground
                .map(|style| (from, (margin + room) as u16, style));
            self.rows.push(Row {
                lead: match n {
                    0 => lead.clone(),
                    _ => vec![Span::raw(" ".repeat(margin))],
                },
                body,
                room: laying.window.then_some(room as u16),
                soft: n > 0,
                part: self.part,
                grounds: ground.into_iter().collect(),
                ..Row::default()
            });
        }
    }

    /// Lays out lines with the old ones at the left, and the new ones at the right.
    fn beside(&mut self, lines: &[StyledLine]) {
        let mut rest = lines;
        while let Some((first, behind)) = rest.split_first() {
            if first.sign == 0 {
                self.pair(Some(first), Some(first));
                rest = behind;
                continue;
            }
            let run = |lines: &[StyledLine], sign: i8| {
                lines.iter().take_while(|line| line.sign == sign).count()
            };
            let (removed, behind) = rest.split_at(run(rest, -1));
            let (added, behind) = behind.split_at(run(behind, 1));
            for at in 0..removed.len().max(added.len()) {
                self.pair(removed.get(at), added.get(at));
            }
            rest = behind;
        }
    }

    fn pair(&mut self, old: Option<&StyledLine>, new: Option<&StyledLine>) {
        let lead = self.digits + 5;
        let room = (self.cx.width.saturating_sub(3) / 2)
            .saturating_sub(lead)
            .max(4);
        let halves = [old, new].map(|line| {
            let laying = line.map(|line| self.laid(line, room));
            (line, laying)
        });
        let tall = |laying: &Option<Laying>| laying.as_ref().map_or(0, |l| l.bodies.len());
        let height = halves.iter().map(|(_, laying)| tall(laying)).max();
        for n in 0..height.unwrap_or(0) {
            let [left, right] = halves
                .each_ref()
                .map(|(line, laying)| self.half(*line, laying.as_ref(), n, room));
            let bar = format!(" {} ", self.cx.theme.glyphs().bar);
            let ground = |line: Option<&StyledLine>, from: usize| {
                let style = line.and_then(|line| line.ground)?;
                let from = from + lead - 2;
                Some((from as u16, (from + 2 + room) as u16, style))
            };
            let grounds = [ground(old, 0), ground(new, lead + room + 3)];
            self.rows.push(Row {
                lead: left.lead,
                body: left.body,
                room: left.room,
                tail: vec![Span::styled(bar, self.cx.role(Role::Rule))],
                beside: Some(Box::new(right)),
                soft: n > 0,
                part: self.part,
                grounds: grounds.into_iter().flatten().collect(),
                ..Row::default()
            });
        }
    }

    /// A row of a line as one half of a row of the screen.
    fn half(
        &self,
        line: Option<&StyledLine>,
        laying: Option<&Laying>,
        n: usize,
        room: usize,
    ) -> Half {
        let body = laying.and_then(|laying| laying.bodies.get(n)).cloned();
        let lead = match line {
            Some(line) if n == 0 => self.lead(line, 2),
            _ => vec![Span::raw(" ".repeat(self.digits + 5))],
        };
        let window = laying.is_some_and(|laying| laying.window);
        let mut body = body.unwrap_or_default();
        if !window {
            let blank = room.saturating_sub(spans_width(&body));
            body.push(Span::raw(" ".repeat(blank)));
        }
        Half {
            lead,
            body,
            room: window.then_some(room as u16),
        }
    }

    /// The number and the sign of a line, behind a margin.
    fn lead(&self, line: &StyledLine, margin: usize) -> Vec<Span<'static>> {
        let sign = match line.sign {
            1.. => '+',
            0 => ' ',
            _ => '-',
        };
        let (number, digits) = (line.number, self.digits);
        let number = match number {
            0 => String::new(),
            number => number.to_string(),
        };
        let number = format!("{:margin$}{number:>digits$} ", "");
        vec![
            Span::styled(number, self.cx.role(Role::Dim)),
            Span::styled(format!("{sign} "), line.sign_style),
        ]
    }

    /// Lays out a line in so many cells: wrapped, for nobody accepts what is not seen; one that
    /// would take a screen is scrolled sideways instead.
    fn laid(&self, line: &StyledLine, room: usize) -> Laying {
        let cells = spans_width(&line.body);
        let window = !self.wraps || cells > room * MOST_ROWS;
        let bodies = if window || cells <= room {
            vec![line.body.clone()]
        } else {
            wrap(&line.body, room)
        };
        Laying {
            window: window || bodies.len() == 1,
            bodies,
        }
    }
}

/// The numbers of the first lines of a hunk with these ranges on its sides.
pub fn starts(old: Option<LineRange>, new: Option<LineRange>) -> (u32, u32) {
    // A side without lines, of a file that is new or goes, counts from 1.
    let start = |range: Option<LineRange>| range.map_or(1, LineRange::start);
    (start(old), start(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Keymap;
    use crate::tui::color::Depth;
    use crate::tui::highlight::Highlighter;
    use crate::tui::theme::Theme;

    #[test]
    fn a_hunk_is_laid_out_again_only_where_it_looks_otherwise() {
        let theme = Theme::load("dark", None, Depth::True).expect("loads");
        let (highlighter, keymap) = (Highlighter::new(&theme), Keymap::default());
        let cx = Cx {
            width: 80,
            theme: &theme,
            highlighter: &highlighter,
            now: 0,
            keymap: &keymap,
            revision: 0,
            today: 0,
        };
        let lines = [(0, "a".to_owned()), (1, "b".to_owned())];
        let text = |rejected| HunkText {
            lines: &lines,
            starts: (7, 7),
            number: 0,
            language: "rs",
            rejected,
        };
        let mut laid = Laid::default();
        let mut turn = |rejected, look| {
            laid.begin();
            let rows = laid.rows(&text(rejected), look, &cx);
            laid.end();
            rows
        };
        let look = DiffLook::default();
        let first = turn(false, look);
        assert!(Rows::ptr_eq(&first, &turn(false, look)));
        assert!(!Rows::ptr_eq(&first, &turn(true, look)));
        let wide = DiffLook {
            wrap: false,
            ..look
        };
        assert!(!Rows::ptr_eq(&turn(false, look), &turn(false, wide)));
        assert_eq!(laid.rows.len(), 1, "what is not seen is forgotten");
    }
}
