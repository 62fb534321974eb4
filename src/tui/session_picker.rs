//! The choice of a conversation.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::Cx;
use super::overlay::{Drawn, Item, list, typed};
use super::theme::Role;
use super::width::{pad, width};
use crate::app::SessionPicker;
use crate::base::text::{human_ago, printable};
use crate::jobs::session::{SessionEntry, line as one_line};

/// Draws the conversations there are, or the new title of one in place of the filter.
pub(super) fn draw(
    buffer: &mut Buffer,
    screen: Rect,
    picker: &SessionPicker,
    cx: &Cx<'_>,
) -> Drawn {
    let words = match (&picker.title, screen.width < 80) {
        (Some(_), _) => ("a new title", "Enter keeps it"),
        (None, true) => ("conversations", "^O looks in · ^R · Del"),
        (None, false) => (
            "conversations",
            "Enter goes on · ^O looks in · ^R renames · Del deletes",
        ),
    };
    let mut drawn = list(buffer, screen, words, &picker.list, cx, |entry, cells| {
        session_item(entry, picker.found.get(&entry.id), cells, cx.today)
    });
    if let Some((_, title)) = &picker.title {
        let line = Rect::new(
            drawn.list.x,
            drawn.list.y.saturating_sub(1),
            drawn.list.width,
            1,
        );
        for x in line.left()..line.right() {
            buffer.set_string(x, line.y, " ", cx.role(Role::Text));
        }
        drawn.cursor = Some(typed(buffer, line, title, "a title", cx));
    }
    drawn
}

/// A conversation in the list, with the line in which the words of the filter were found; `today`
/// in seconds since 1970.
fn session_item(entry: &SessionEntry, found: Option<&String>, cells: usize, today: u64) -> Item {
    let turns = entry.turns_told();
    let ago = human_ago(today.saturating_sub(entry.changed));
    let right = format!("{turns}  {ago:>10}");
    let room = cells.saturating_sub(width(&right) + 1);
    let title = match found {
        Some(line) if !entry.title.contains(line.trim_start_matches(['#', ' '])) => {
            format!("{}: {}", entry.named(), one_line(line))
        }
        _ => entry.named(),
    };
    Item {
        left: pad(&printable(&title), room),
        right: format!(" {right}"),
    }
}
