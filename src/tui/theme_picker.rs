//! The choice of a theme: the whole screen shows the one at the cursor, and below the list stands
//! a sample of what the screen may not show just then.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::overlay::{Drawn, Item, list_above};
use super::theme::Role;
use crate::app::Picker;

/// Rows of the sample.
const SAMPLE: u16 = 4;
/// Rows of the screen below which the list takes them all.
const LOW: u16 = 16;

/// Draws the list of themes.
pub(super) fn draw(
    buffer: &mut Buffer,
    screen: Rect,
    picker: &Picker<String>,
    cx: &Cx<'_>,
) -> Drawn {
    let below = if screen.height < LOW { 0 } else { SAMPLE };
    let words = ("themes", "Enter keeps it", below);
    let drawn = list_above(buffer, screen, words, picker, cx, |name, cells| {
        Item::whole(name, cells)
    });
    if below > 0 {
        let list = drawn.list;
        let area = Rect::new(list.x, list.bottom() + 1, list.width, SAMPLE - 1);
        sample(buffer, area.intersection(screen), cx);
    }
    drawn
}

/// Draws a few words in each role, on the ground they are seen on most.
fn sample(buffer: &mut Buffer, area: Rect, cx: &Cx<'_>) {
    let prompt = cx.theme.glyphs().prompt;
    let prompt = format!(" {prompt} ");
    let lines: [&[(&str, Role)]; SAMPLE as usize - 1] = [
        &[
            (&prompt, Role::Accent),
            ("a question", Role::User),
            ("  an answer with ", Role::Text),
            ("code()", Role::Code),
            (" from ", Role::Text),
            ("[1]", Role::Accent),
            ("  and what is dim", Role::Dim),
        ],
        &[
            (" + added ", Role::Added),
            ("words", Role::AddedWord),
            ("  - removed ", Role::Removed),
            ("words", Role::RemovedWord),
            ("   ", Role::Text),
            ("selected", Role::Selection),
        ],
        &[
            (" error", Role::Error),
            ("  warning", Role::Warning),
            ("  note", Role::Note),
            ("  ok", Role::Ok),
            ("   a heading", Role::Heading),
        ],
    ];
    buffer.set_style(area, cx.theme.on(Role::Background));
    for (y, words) in (area.y..area.bottom()).zip(lines) {
        let spans = words
            .iter()
            .map(|(text, role)| Span::styled((*text).to_owned(), cx.role(*role)));
        buffer.set_line(area.x, y, &spans.collect::<Line<'_>>(), area.width);
    }
}
