//! The whole screen: where things lie, what is drawn there, and what the mouse means.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::composer as typing;
use super::divider;
use super::draw::Cx;
use super::highlight::Highlighter;
use super::overlay;
use super::panel;
use super::status;
use super::text::PlainRows;
use super::theme::{Role, Theme};
use super::toast;
use super::transcript::Transcript;
use super::width::width;
use crate::app::{BlockId, Find, Focus, Layout, Match, MouseTarget, Place, Selection, State};
use crate::base::seal::Sealed;
use crate::base::text::printable;

/// Columns of the screen from which on the panel stands beside the transcript.
const BESIDE: u16 = 120;
/// Columns and rows below which nothing useful can be drawn.
const LEAST: (u16, u16) = (20, 5);
/// Rows of the screen up to which the status line gives its own to the transcript.
pub(super) const LOW: u16 = 12;

/// Draws states, and remembers what it drew.
#[derive(Debug)]
pub struct View {
    theme: Theme,
    highlighter: Highlighter,
    /// A number that grows with every change of look.
    revision: u64,
    /// True once the grammars were seen to be open.
    open: bool,
    transcript: Transcript,
    composer_top: usize,
    /// Seconds since 1970, for ages.
    pub today: u64,
    hits: Hits,
    /// The text that lies over the transcript.
    over: PlainRows,
}

/// The places of what was drawn last, for the mouse.
#[derive(Debug, Default)]
struct Hits {
    transcript: Rect,
    composer: Rect,
    completion: Option<(Rect, usize)>,
    panel: Option<panel::Drawn>,
    overlay: Option<overlay::Drawn>,
    status: Vec<(u16, u16, MouseTarget)>,
    status_row: u16,
}

/// The places of things on a screen.
struct Areas {
    /// The rows above the rule.
    whole: Rect,
    transcript: Rect,
    /// The panel, beside the transcript or over it; none while it is closed.
    panel: Option<Rect>,
    rule: Rect,
    composer: Rect,
    /// The status line; none on a low screen.
    status: Option<Rect>,
}

impl Areas {
    fn of(screen: Rect, state: &State) -> Self {
        let status_rows = u16::from(screen.height > LOW);
        let wanted = state.composer.layout(composer_cells(screen.width)).len();
        let most = usize::from((screen.height / 3).max(1));
        let composer_rows = wanted.clamp(1, most) as u16;
        let composer = Rect::new(
            screen.x,
            screen.bottom() - status_rows - composer_rows,
            screen.width,
            composer_rows,
        );
        let rule = Rect::new(screen.x, composer.y - 1, screen.width, 1);
        let whole = Rect::new(screen.x, screen.y, screen.width, rule.y - screen.y);
        let mut transcript = whole;
        let mut panel = None;
        if state.panel.is_some() {
            if screen.width >= BESIDE {
                let cells = (screen.width * 2 / 5).clamp(48, 96);
                transcript.width -= cells;
                panel = Some(Rect::new(transcript.right(), whole.y, cells, whole.height));
            } else {
                panel = Some(whole);
            }
        }
        let bottom = Rect::new(screen.x, screen.bottom() - 1, screen.width, 1);
        Self {
            whole,
            transcript,
            panel,
            rule,
            composer,
            status: (status_rows > 0).then_some(bottom),
        }
    }
}

/// Columns of the composer's text on a screen of so many.
const fn composer_cells(width: u16) -> u16 {
    width.saturating_sub(2)
}

/// The outcome of drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The sizes of what was drawn, for the state.
    pub layout: Layout,
    /// The cell of the cursor; none to hide it.
    pub cursor: Option<Position>,
}

impl View {
    /// A view with a theme.
    pub fn new(theme: Theme) -> Self {
        Self {
            highlighter: Highlighter::new(&theme),
            theme,
            revision: 0,
            open: false,
            transcript: Transcript::default(),
            composer_top: 0,
            today: 0,
            hits: Hits::default(),
            over: PlainRows::default(),
        }
    }

    /// Draws with another theme from now on.
    pub fn set_theme(&mut self, theme: Theme) {
        self.highlighter.set_theme(&theme);
        self.theme = theme;
        self.revision += 1;
    }

    /// The theme in use.
    pub const fn theme(&self) -> &Theme {
        &self.theme
    }

    /// The highlighter of code; open a clone of it on another thread.
    pub const fn highlighter(&self) -> &Highlighter {
        &self.highlighter
    }

    /// Draws a state.
    pub fn draw(&mut self, buffer: &mut Buffer, state: &State) -> Drawn {
        if !self.open && self.highlighter.is_open() {
            self.open = true;
            self.revision += 1;
        }
        let screen = buffer.area;
        buffer.set_style(screen, self.theme.on(Role::Background));
        self.hits = Hits::default();
        if screen.width < LEAST.0 || screen.height < LEAST.1 {
            return self.too_small(buffer, screen);
        }
        let (theme, highlighter) = (self.theme.clone(), self.highlighter.clone());
        let (revision, today) = (self.revision, self.today);
        let cx = |width: u16| Cx {
            width: usize::from(width),
            theme: &theme,
            highlighter: &highlighter,
            now: state.now,
            keymap: &state.keymap,
            revision,
            today,
        };
        let areas = Areas::of(screen, state);
        let text_width = areas.transcript.width.saturating_sub(2).max(10);
        let cx_text = cx(text_width);
        let heights = self.transcript.measure(state, &cx_text);
        let searched = state.find.as_ref().filter(|_| state.overlay.is_none());
        let find = |find: &Find| self.transcript.find(&find.words, &heights);
        let mut matches = searched.map_or_else(Vec::new, find);
        self.transcript
            .draw(buffer, areas.transcript, state, &heights, &cx_text);
        self.hits.transcript = areas.transcript;
        if let (Some(panel), Some(area)) = (state.panel, areas.panel) {
            let area = panel_ground(buffer, area, screen.width >= BESIDE, &cx_text);
            self.hits.panel = Some(panel::draw(buffer, area, panel, state, &cx(area.width)));
        }
        let cx_all = cx(screen.width);
        let keys = self.rule_keys(state, text_width);
        let below = self.transcript.below();
        divider::rule(buffer, areas.rule, state, below, keys, &cx_all);
        let at = self.draw_composer(buffer, areas.composer, state, &cx_all);
        if let Some(area) = areas.status {
            self.hits.status = status::status(buffer, area, state, &cx_all);
            self.hits.status_row = area.y;
        } else {
            say_seal(buffer, areas.rule, state, &cx_all);
        }
        let at = (state.focus == Focus::Composer).then_some(at);
        let cursor = self.draw_over(buffer, &areas, state, (at, &mut matches), &cx_all);
        let rows = areas.transcript.height;
        Drawn {
            layout: self.layout(
                state,
                text_width,
                composer_cells(screen.width),
                rows,
                heights,
                matches,
            ),
            cursor: cursor.map(Position::from),
        }
    }

    /// Draws the popup, the overlay, the line of a search, and a toast that has no room in the rule;
    /// returns the cell of the cursor, which is in the composer where none of them has it.
    /// `matches`: those of the search, filled by a text that lies over the transcript.
    fn draw_over(
        &mut self,
        buffer: &mut Buffer,
        areas: &Areas,
        state: &State,
        (mut cursor, matches): (Option<(u16, u16)>, &mut Vec<Match>),
        cx: &Cx<'_>,
    ) -> Option<(u16, u16)> {
        self.hits.completion = typing::completion(buffer, areas.whole, state, cx);
        self.hits.overlay =
            overlay::draw(buffer, areas.whole, state, (matches, &mut self.over), cx);
        if let Some(drawn) = &self.hits.overlay {
            cursor = drawn.cursor;
        }
        if let Some(find) = &state.find {
            let at = divider::find(buffer, areas.rule, find, matches, cx);
            cursor = if find.typing { Some(at) } else { cursor };
        }
        toast::above(buffer, areas.rule, state, cx);
        cursor
    }

    /// The sizes of what was drawn, for the state.
    fn layout(
        &self,
        state: &State,
        width: u16,
        composer_width: u16,
        rows: u16,
        heights: Vec<(BlockId, u32)>,
        matches: Vec<Match>,
    ) -> Layout {
        let find = state.find.as_ref();
        let words = find.map_or_else(String::new, |find| find.words.clone());
        Layout {
            width,
            rows,
            heights,
            cursor_rows: self.transcript.cursor_rows(state),
            composer_width,
            panel_rows: self.hits.panel.map_or(0, |p| p.list.height),
            overlay_rows: self
                .hits
                .overlay
                .map_or(0, |o| o.list.height / o.step.max(1)),
            overlay_total: self.hits.overlay.map_or(0, |o| o.total),
            matches: (words, matches),
        }
    }

    /// The place whose keys the rule shows, if any.
    fn rule_keys(&self, state: &State, text_width: u16) -> Option<Place> {
        // A patch says at its head which keys it takes and a review at its foot; where that is
        // out of sight, the rule does.
        match state.focus {
            _ if state.overlay.is_some() || state.find.is_some() => None,
            // One that is written takes few keys, and says them.
            Focus::Patch(id) if !state.is_open(id) => None,
            Focus::Patch(id) => (usize::from(text_width) < super::diff::NARROW
                || !self.transcript.sees_edge(id, false))
            .then_some(Place::Patch),
            Focus::Review(id) => (!self.transcript.sees_edge(id, true)).then_some(Place::Review),
            Focus::Transcript => Some(Place::Transcript),
            // Over the code of a row the panel shows them itself.
            Focus::Panel => state.panel_rows().is_empty().then_some(Place::Panel),
            Focus::Composer => None,
        }
    }

    /// Draws the composer, scrolled so that its cursor is in sight; returns the cell of the
    /// cursor.
    fn draw_composer(
        &mut self,
        buffer: &mut Buffer,
        area: Rect,
        state: &State,
        cx: &Cx<'_>,
    ) -> (u16, u16) {
        let rows = state.composer.layout(composer_cells(area.width));
        let (row, _) = state.composer.cursor_cell(&rows);
        let tall = usize::from(area.height);
        self.composer_top = self
            .composer_top
            .clamp((row + 1).saturating_sub(tall), row)
            .min(rows.len().saturating_sub(tall));
        self.hits.composer = area;
        typing::composer(buffer, area, state, self.composer_top, cx)
    }

    fn too_small(&self, buffer: &mut Buffer, screen: Rect) -> Drawn {
        for (i, line) in ["too small:", "20x5 is the least"].iter().enumerate() {
            if (i as u16) < screen.height {
                buffer.set_stringn(
                    screen.x,
                    screen.y + i as u16,
                    line,
                    usize::from(screen.width),
                    self.theme.style(Role::Warning),
                );
            }
        }
        Drawn {
            layout: Layout::default(),
            cursor: None,
        }
    }

    /// The target under a cell, as drawn last.
    pub fn target(&self, column: u16, row: u16, state: &State) -> MouseTarget {
        let at = Position::new(column, row);
        if let Some(overlay) = &self.hits.overlay {
            if overlay.list.contains(at) {
                let line = usize::from((row - overlay.list.y) / overlay.step.max(1));
                return MouseTarget::OverlayRow(overlay.top + line);
            }
            return if overlay.area.contains(at) {
                MouseTarget::Overlay
            } else {
                MouseTarget::Nothing
            };
        }
        if let Some((area, top)) = self.hits.completion
            && area.contains(at)
        {
            return MouseTarget::Completion(top + usize::from(row - area.y));
        }
        if let Some(panel) = &self.hits.panel
            && panel.area.contains(at)
        {
            let i = panel.top + usize::from(row.saturating_sub(panel.list.y));
            return if panel.list.contains(at) && i < state.panel_rows().len() {
                MouseTarget::PanelRow(i)
            } else {
                MouseTarget::Panel
            };
        }
        if self.hits.composer.contains(at) {
            let cells = composer_cells(self.hits.composer.width);
            let rows = state.composer.layout(cells);
            let line = usize::from(row - self.hits.composer.y) + self.composer_top;
            return MouseTarget::Composer(state.composer.offset_at(
                &rows,
                line,
                column.saturating_sub(2),
            ));
        }
        if row == self.hits.status_row
            && let Some((_, _, target)) = self
                .hits
                .status
                .iter()
                .find(|(from, to, _)| (*from..*to).contains(&column))
        {
            return target.clone();
        }
        let area = self.hits.transcript;
        if area.contains(at) {
            return match self.transcript.at(column, row) {
                Some((spot, part)) => MouseTarget::Transcript { spot, part },
                None => MouseTarget::Beyond(1),
            };
        }
        if row < area.y {
            MouseTarget::Beyond(-1)
        } else {
            MouseTarget::Nothing
        }
    }

    /// The target as [`View::target`] tells it, while the button is down over the transcript: what
    /// is off its edge is beyond it.
    pub fn drag_target(&self, column: u16, row: u16, state: &State) -> MouseTarget {
        let area = self.hits.transcript;
        if row <= area.y && area.height > 3 && row == 0 {
            return MouseTarget::Beyond(-1);
        }
        if row >= area.bottom() {
            return MouseTarget::Beyond(1);
        }
        let column = column.min(area.right().saturating_sub(1));
        self.target(column, row, state)
    }

    /// Scrolls the code under a cell sideways.
    pub fn aside(&mut self, column: u16, row: u16, by: i32) {
        if let Some((spot, _)) = self.transcript.at(column, row) {
            self.transcript.aside(spot, by);
        }
    }

    /// Scrolls the code at the cursor sideways.
    pub fn aside_at_cursor(&mut self, state: &State, by: i32) {
        self.transcript.aside_at_cursor(state, by);
    }

    /// The text of a selection in the transcript.
    pub fn text_of(&self, selection: Selection, state: &State) -> String {
        self.transcript.text_of(selection, state)
    }
}

/// Says on the rule what the status line would say first, where there is none: that the process is
/// not sealed, whatever else stands there; the model and the seal where nothing does.
fn say_seal(buffer: &mut Buffer, rule: Rect, state: &State, cx: &Cx<'_>) {
    let model = state.facts().map(|facts| printable(&facts.name));
    let (words, role) = match (&state.options.sealed, model) {
        (Sealed::No(_), _) => (vec![" not sealed ".to_owned()], Role::Warning),
        (Sealed::Yes, None) => (vec![" sealed ".to_owned()], Role::Dim),
        (Sealed::Yes, Some(model)) => {
            let dot = cx.theme.glyphs().dot;
            let both = format!(" {model} {dot} sealed ");
            (vec![both, " sealed ".to_owned()], Role::Dim)
        }
    };
    for word in words {
        let Some(x) = rule.right().checked_sub(width(&word) as u16 + 1) else {
            continue;
        };
        let line = cx.theme.glyphs().line;
        let free = |x| {
            buffer
                .cell((x, rule.y))
                .is_some_and(|cell| cell.symbol() == line)
        };
        if role == Role::Warning || (x > rule.x && (x - 1..rule.right()).all(free)) {
            buffer.set_string(x, rule.y, word, cx.role(role));
            return;
        }
    }
}

/// Empties the ground of the panel, with a line before it where it is `beside` the transcript;
/// returns what is left for the panel.
fn panel_ground(buffer: &mut Buffer, mut area: Rect, beside: bool, cx: &Cx<'_>) -> Rect {
    clear(buffer, area, Role::Background, cx);
    if beside {
        for y in area.y..area.bottom() {
            buffer.set_string(area.x, y, cx.theme.glyphs().bar, cx.role(Role::Rule));
        }
        area.x += 1;
        area.width -= 1;
    }
    area
}

/// Empties an area, so that what lies under it does not show through, and paints its ground.
pub(super) fn clear(buffer: &mut Buffer, area: Rect, ground: Role, cx: &Cx<'_>) {
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    buffer.set_style(area, cx.theme.on(ground));
}
