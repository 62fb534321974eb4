//! Wrapping styled text at words.

use ratatui::text::Span;

use crate::app::wrap::Piece;
use ratatui::style::Style;

/// Styled text in lines, as [`crate::app::wrap::wrap`] breaks them.
pub fn wrap(spans: &[Span<'_>], width: usize) -> Vec<Vec<Span<'static>>> {
    let pieces = spans.iter().map(|span| (span.style, &*span.content));
    let lines = crate::app::wrap::wrap(pieces, width);
    lines.into_iter().map(styled).collect()
}

/// Pieces as spans.
pub(super) fn styled(pieces: Vec<Piece<Style>>) -> Vec<Span<'static>> {
    let span = |(style, text)| Span::styled(text, style);
    pieces.into_iter().map(span).collect()
}
