//! The colours of code in a diff: those of its language, on a ground that tells added from removed.
//!
//! A ground is made from the theme's own colours for added and removed lines, where the terminal
//! has all colours. Elsewhere changed lines keep those colours, and only the lines around them have
//! those of the language: a shade of sixteen or 256 would hide one or the other.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::Span;

use crate::tui::draw::Cx;
use crate::tui::highlight::Grown;
use crate::tui::theme::Role;
use crate::tui::width::code_line;

/// The lines of a hunk in the colours of their language.
pub struct Sides {
    lines: Vec<Vec<Span<'static>>>,
    grounds: Option<(Style, Style)>,
}

impl Sides {
    /// Colours the lines of a hunk, each side as a text of its own; none where the language is not
    /// known, or the theme has no colours for it.
    pub fn of(lines: &[(i8, String)], language: &str, cx: &Cx<'_>) -> Option<Self> {
        if !cx.highlighter.knows(language) {
            return None;
        }
        let side = |on: fn(i8) -> bool| {
            let text: Vec<String> = lines
                .iter()
                .filter(|(sign, _)| on(*sign))
                .map(|(_, text)| code_line(text))
                .collect();
            let plain = cx.role(Role::Text);
            cx.highlighter
                .lines(&text, language, plain, &mut Grown::default())
        };
        let mut old = side(|sign| sign <= 0).into_iter();
        let mut new = side(|sign| sign >= 0).into_iter();
        let lines = lines.iter().map(|(sign, _)| {
            let (old, new) = match sign {
                1.. => (None, new.next()),
                0 => (old.next(), new.next()),
                _ => (old.next(), None),
            };
            new.or(old).unwrap_or_default()
        });
        Some(Self {
            lines: lines.collect(),
            grounds: cx.theme.changed_grounds(),
        })
    }

    /// A line in its colours, and its ground. `style` is the look of a changed line without a
    /// ground.
    pub fn line(
        &self,
        at: usize,
        sign: i8,
        text: &str,
        style: Style,
    ) -> (Vec<Span<'static>>, Option<Style>) {
        let coloured = self.lines.get(at).cloned().unwrap_or_default();
        match (sign, self.grounds) {
            (0, _) => (coloured, None),
            (_, None) => (plain(text, style), None),
            (1.., Some((added, _))) => (coloured, Some(added)),
            (_, Some((_, removed))) => (coloured, Some(removed)),
        }
    }
}

/// A line in one look.
pub fn plain(text: &str, style: Style) -> Vec<Span<'static>> {
    vec![Span::styled(code_line(text), style)]
}

/// Spans of a line that reads `text`, with its changed stretches in `style`.
pub fn marked(
    spans: Vec<Span<'static>>,
    text: &str,
    changed: &[Range<usize>],
    style: Style,
) -> Vec<Span<'static>> {
    // Tabs and what cannot be shown take more room on the screen than in the text.
    let shown = |end: usize| {
        text.get(..end)
            .map_or(usize::MAX, |before| code_line(before).len())
    };
    let stretches: Vec<Range<usize>> = changed
        .iter()
        .map(|stretch| shown(stretch.start)..shown(stretch.end))
        .collect();
    let mut out = Vec::with_capacity(spans.len() + 2 * stretches.len());
    let mut at = 0;
    for span in spans {
        let end = at + span.content.len();
        let mut cuts: Vec<usize> = stretches
            .iter()
            .flat_map(|stretch| [stretch.start, stretch.end])
            .filter(|cut| (at + 1..end).contains(cut) && span.content.is_char_boundary(cut - at))
            .collect();
        cuts.push(end);
        let mut from = at;
        for to in cuts {
            let Some(piece) = span
                .content
                .get(from - at..to - at)
                .filter(|p| !p.is_empty())
            else {
                continue;
            };
            let is_changed = stretches.iter().any(|s| s.start <= from && to <= s.end);
            let style = if is_changed { style } else { span.style };
            out.push(Span::styled(piece.to_owned(), style));
            from = to;
        }
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn marks_stand_on_the_words_also_behind_tabs_and_over_several_colours() {
        let word = Style::new().bg(Color::Red);
        let blue = Style::new().fg(Color::Blue);
        let text = "\tlet old = 1;";
        let spans = vec![Span::raw("    let "), Span::styled("old = 1;", blue)];
        let out = marked(spans, text, std::slice::from_ref(&(1..8)), word);
        let shown: Vec<(&str, Style)> = out
            .iter()
            .map(|span| (span.content.as_ref(), span.style))
            .collect();
        assert_eq!(
            shown,
            [
                ("    ", Style::new()),
                ("let ", word),
                ("old", word),
                (" = 1;", blue)
            ]
        );
    }
}
