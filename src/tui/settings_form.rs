//! The form of settings: a list, what there is to say of the one at the cursor, and its new value.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::overlay::{Drawn, Item, list_above};
use super::text::plain;
use super::theme::Role;
use super::width::{fit, fit_end, pad, width};
use crate::app::settings::Told;
use crate::app::{SettingChange, SettingEntry, SettingRow, SettingsForm};
use crate::base::config::Origin;
use crate::base::text::printable;

/// Rows below the list on screens that have them, and on low ones.
const BELOW: (u16, u16) = (6, 3);
/// Rows of the screen below which it is low.
const LOW: u16 = 16;

/// Draws the form.
pub(super) fn draw(buffer: &mut Buffer, screen: Rect, form: &SettingsForm, cx: &Cx<'_>) -> Drawn {
    let below = if screen.height < LOW {
        BELOW.1
    } else {
        BELOW.0
    };
    let choices = form.change.as_ref().and_then(|change| match &change.entry {
        SettingEntry::Chosen(list) => Some((change, list)),
        SettingEntry::Typed(_) => None,
    });
    let mut drawn = if let Some((change, list)) = choices {
        let words = (change.name.as_str(), "Enter takes it", below);
        list_above(buffer, screen, words, list, cx, |choice, cells| {
            Item::whole(choice, cells)
        })
    } else {
        let words = ("settings", keys(form, screen.width), below);
        list_above(buffer, screen, words, &form.list, cx, setting_item)
    };
    let list = drawn.list;
    let area = Rect::new(list.x, list.bottom() + 1, list.width, below - 1);
    let area = area.intersection(screen);
    let Some(row) = form.list.chosen() else {
        return drawn;
    };
    match &form.change {
        Some(change) => {
            let at = changing(buffer, area, change, &row.told, cx);
            drawn.cursor = at.or(drawn.cursor);
        }
        None => said(buffer, area, form, &row.told, cx),
    }
    drawn
}

/// The keys of the form, as many as fit.
const fn keys(form: &SettingsForm, cells: u16) -> &'static str {
    match (&form.change, cells < 80) {
        (Some(_), _) => "Enter writes it",
        (None, true) => "Enter · Del",
        (None, false) => "Enter changes it · Del takes it back",
    }
}

/// A setting in the list: its name, its value, and who has set it.
fn setting_item(row: &SettingRow, cells: usize) -> Item {
    let told = &row.told;
    let origin = match &told.origin {
        Origin::Default => String::new(),
        Origin::CommandLine => "command line".to_owned(),
        origin => origin.word().to_owned(),
    };
    let most = if cells < 60 { 5 } else { 12 };
    let right = format!(" {}", pad(&fit(&origin, most), most));
    let room = cells.saturating_sub(width(&right));
    let named = (room * 2 / 5).min(30);
    let name = pad(&fit(&told.name, named), named);
    let value = if told.value.is_empty() {
        "not set".to_owned()
    } else {
        printable(&told.as_typed()).into_owned()
    };
    let value_room = room.saturating_sub(named + 1);
    let value = pad(&fit(&value, value_room), value_room);
    Item {
        left: format!("{name} {value}"),
        right,
    }
}

/// Says all there is to say of a setting: what it is for, what it takes, where its value is from.
fn said(buffer: &mut Buffer, area: Rect, form: &SettingsForm, told: &Told, cx: &Cx<'_>) {
    let cells = usize::from(area.width);
    let built_in = if told.built_in.is_empty() {
        "not set"
    } else {
        told.built_in.as_str()
    };
    let mut rows = plain(told.help, cx.role(Role::Text), cells);
    rows.truncate(2);
    let facts = format!("takes {}; built in: {built_in}", told.takes);
    let mut facts = plain(&facts, cx.role(Role::Dim), cells);
    facts.truncate(2);
    rows.extend(facts);
    let (from, role) = match (&form.trouble, &told.origin) {
        (Some(trouble), _) => (trouble.clone(), Role::Warning),
        (None, Origin::Default) => (format!("built in; your own file: {}", form.file), Role::Dim),
        (None, origin) => (format!("from: {origin}"), Role::Dim),
    };
    rows.truncate(usize::from(area.height).saturating_sub(1));
    rows.extend(plain(&fit_end(&from, cells), cx.role(role), cells));
    for (y, row) in (area.top()..area.bottom()).zip(rows) {
        row.draw(buffer, (area.x, y), area.width, 0, cx.role(Role::Accent));
    }
}

/// Draws the value that is typed, with what is wrong with it; returns the cell of the cursor.
fn changing(
    buffer: &mut Buffer,
    area: Rect,
    change: &SettingChange,
    told: &Told,
    cx: &Cx<'_>,
) -> Option<(u16, u16)> {
    let cells = usize::from(area.width);
    let mut y = area.y;
    let mut cursor = None;
    if let SettingEntry::Typed(text) = &change.entry {
        let name = fit(&format!("{} = ", change.name), cells / 2);
        let room = cells.saturating_sub(width(&name) + 1);
        let text = fit_end(&printable(text), room);
        let at = area.x + (width(&name) + width(&text)) as u16;
        let spans = [
            Span::styled(name, cx.role(Role::Accent)),
            Span::styled(text, cx.role(Role::Text)),
        ];
        buffer.set_line(area.x, y, &Line::from_iter(spans), area.width);
        cursor = Some((at.min(area.right().saturating_sub(1)), y));
        y += 1;
    }
    let (text, role) = match &change.wrong {
        Some(wrong) => (wrong.clone(), Role::Error),
        None => (format!("takes {}", told.takes), Role::Dim),
    };
    for row in plain(&text, cx.role(role), cells) {
        if y >= area.bottom() {
            break;
        }
        row.draw(buffer, (area.x, y), area.width, 0, cx.role(Role::Accent));
        y += 1;
    }
    cursor
}
