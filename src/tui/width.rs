//! The width of text on a terminal, and how it is cut there.
//!
//! Everything counts cells of whole grapheme clusters, as ratatui does when it draws, so
//! that what was measured is what is shown.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr;

use crate::base::text::printable;

/// Cells between tab stops in code.
pub const TAB: usize = 4;

/// Cells a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Cells several spans take together.
pub fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

/// The longest beginning of `text` that takes at most `cells`, and the cells it takes.
pub fn prefix(text: &str, cells: usize) -> (&str, usize) {
    let (mut end, mut used) = (0, 0);
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide > cells {
            break;
        }
        end += grapheme.len();
        used += wide;
    }
    (text.split_at(end).0, used)
}

/// `text` in at most `cells`; what does not fit ends in `…`.
pub fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    match cells {
        0 => String::new(),
        1 => "…".to_owned(),
        _ => format!("{}…", prefix(text, cells - 1).0),
    }
}

/// `text` in at most `cells`, its beginning left out if it does not fit: for paths, whose
/// end tells more.
pub fn fit_end(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let (mut start, mut used) = (text.len(), 1);
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > cells {
            break;
        }
        start = at;
    }
    format!("…{}", text.split_at(start).1)
}

/// `text` followed by as many spaces as `cells` leaves, cut if it is longer.
pub fn pad(text: &str, cells: usize) -> String {
    let mut out = fit(text, cells);
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(used)));
    out
}

/// One line of code made safe: tabs become spaces up to the next stop, the rest is as
/// [`printable`] says.
pub fn code_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for (i, part) in text.split('\t').enumerate() {
        if i > 0 {
            let blanks = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        }
        let safe = printable(part);
        column += width(&safe);
        out.push_str(&safe);
    }
    out
}

/// `room` cells of a line from cell `from` on, padded to that width. Where something is cut
/// off, the first or last cell shows a marker in `marker`'s style.
pub fn window(
    spans: &[Span<'static>],
    from: usize,
    room: usize,
    marker: Style,
) -> Vec<Span<'static>> {
    let total = spans_width(spans);
    if room == 0 {
        return Vec::new();
    }
    let cut_left = from > 0 && total > 0 && room > 1;
    let cut_right = total > from + room;
    let start = from + usize::from(cut_left);
    let end = from + room - usize::from(cut_right);
    let mut out = Vec::with_capacity(spans.len() + 3);
    if cut_left {
        out.push(Span::styled("‹", marker));
    }
    let (mut at, mut used) = (0, usize::from(cut_left));
    for span in spans {
        let mut kept = String::new();
        for grapheme in span.content.graphemes(true) {
            let wide = grapheme.width();
            // Half a wide character at an edge becomes a blank, so that columns stay put.
            if at >= start && at + wide <= end {
                kept.push_str(grapheme);
                used += wide;
            } else {
                let seen = (at + wide).min(end).saturating_sub(at.max(start));
                kept.extend(std::iter::repeat_n(' ', seen));
                used += seen;
            }
            at += wide;
        }
        if !kept.is_empty() {
            out.push(Span::styled(kept, span.style));
        }
    }
    let blank = room.saturating_sub(used + usize::from(cut_right));
    if blank > 0 {
        out.push(Span::raw(" ".repeat(blank)));
    }
    if cut_right {
        out.push(Span::styled("›", marker));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|s| s.content.as_ref()).collect()
    }

    #[test]
    fn wide_and_combining_characters_count_as_shown() {
        assert_eq!(width("漢字"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(width("👩\u{200d}💻"), 2);
        assert_eq!(width("שלום"), 4);
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(prefix("漢字x", 3), ("漢", 2));
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit_end("src/tui/width.rs", 9), "…width.rs");
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn tabs_go_to_the_next_stop_and_escapes_are_seen() {
        assert_eq!(code_line("\ta\tb"), "    a   b");
        assert_eq!(code_line("\u{1b}[2J"), "\\x1b[2J");
    }

    #[test]
    fn a_window_is_always_as_wide_as_asked() {
        let line = [Span::raw("漢字abc"), Span::raw("def漢")];
        for from in 0..16 {
            for room in 1..14 {
                let cut = window(&line, from, room, Style::new());
                assert_eq!(spans_width(&cut), room, "{from} {room} {:?}", text(&cut));
            }
        }
        assert_eq!(text(&window(&line, 0, 5, Style::new())), "漢字›");
        assert_eq!(text(&window(&line, 4, 5, Style::new())), "‹bcd›");
    }
}
