//! The light frame around code, and what stands on it.

use ratatui::text::Span;

use super::theme::{Role, Theme};
use super::width::{fit, fit_end, width};
use crate::base::text::printable;

/// The light frame around code.
pub struct Frame<'a> {
    width: usize,
    theme: &'a Theme,
}

impl<'a> Frame<'a> {
    /// A frame that takes so many cells in all.
    pub fn new(width: usize, theme: &'a Theme) -> Self {
        Self { width, theme }
    }

    /// Cells inside the frame.
    pub fn inner(&self) -> usize {
        self.width.saturating_sub(4).max(1)
    }

    /// The upper edge with a title at the left and a word at the right.
    pub fn top(&self, title: &str, word: &str) -> Vec<Span<'static>> {
        let glyphs = self.theme.glyphs();
        let rule = self.theme.style(Role::Rule);
        let dim = self.theme.style(Role::Dim);
        let room = self.width.saturating_sub(2);
        let word = fit(word, room / 3);
        let word_cells = if word.is_empty() { 0 } else { width(&word) + 3 };
        let title = fit_end(title, room.saturating_sub(word_cells + 4));
        let title_cells = if title.is_empty() {
            0
        } else {
            width(&title) + 2
        };
        let mut out = vec![Span::styled(glyphs.top_left, rule)];
        if !title.is_empty() {
            out.push(Span::styled(format!(" {title} "), dim));
        }
        let fill = room.saturating_sub(title_cells + word_cells);
        out.push(Span::styled(glyphs.line.repeat(fill), rule));
        if !word.is_empty() {
            out.push(Span::styled(format!(" {word} "), dim));
            out.push(Span::styled(glyphs.line, rule));
        }
        out.push(Span::styled(glyphs.top_right, rule));
        out
    }

    /// The left edge.
    pub fn left(&self) -> Vec<Span<'static>> {
        let rule = self.theme.style(Role::Rule);
        vec![Span::styled(format!("{} ", self.theme.glyphs().bar), rule)]
    }

    /// The right edge.
    pub fn right(&self) -> Vec<Span<'static>> {
        let rule = self.theme.style(Role::Rule);
        vec![Span::styled(format!(" {}", self.theme.glyphs().bar), rule)]
    }

    /// The lower edge.
    pub fn bottom(&self) -> Vec<Span<'static>> {
        let glyphs = self.theme.glyphs();
        let line = glyphs.line.repeat(self.width.saturating_sub(2));
        vec![Span::styled(
            format!("{}{line}{}", glyphs.bottom_left, glyphs.bottom_right),
            self.theme.style(Role::Rule),
        )]
    }
}

/// Language and title out of what stands behind a fence: `rust`, `src/a.rs`,
/// `rust src/a.rs:3-9`, `rust title="a b"`, `rust:src/a.rs`.
pub fn info(info: &str) -> (String, String) {
    let safe = printable(info.trim()).into_owned();
    let (first, rest) = safe
        .split_once([' ', ',', '{'])
        .unwrap_or((safe.as_str(), ""));
    let is_path = |word: &str| word.contains('/') || word.contains('.');
    let (language, mut title) = match first.split_once(':') {
        Some((language, path)) if is_path(path) && !is_path(language) => (language, path),
        _ if is_path(first) => ("", first),
        _ => (first, ""),
    };
    let rest = rest.trim_matches(|c| matches!(c, ' ' | '}' | '{'));
    if title.is_empty() {
        title = match rest.split_once('=') {
            Some((_, value)) => value.trim_matches('"'),
            None if is_path(rest) => rest,
            None => "",
        };
    }
    (language.to_owned(), title.to_owned())
}
