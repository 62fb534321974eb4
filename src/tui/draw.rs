//! The look of the transcript's blocks.

use ratatui::style::Style;
use ratatui::text::Span;

use super::diff::lines::Laid;
use super::highlight::Highlighter;
use super::stream::Stream;
use super::styled_rows::{Row, Rows};
use super::text::{MEASURE, bar, plain};
use super::theme::{Role, Theme};
use super::width::{fit, spans_width, width};
use super::{answer, diff, review, welcome};
use crate::app::{
    Block, BlockPart, Body, Download, DownloadEnd, Focus, Millis, Note, Place, Sent, State, Tone,
    UserTurn, help, next_step_here,
};
use crate::base::Failure;
use crate::base::text::{human_bytes, human_time, printable};
use crate::jobs::Fold;

/// Rows with the cells they are moved to the right.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Cells the rows are moved to the right.
    pub indent: u16,
    /// The rows.
    pub rows: Rows,
}

/// The parts of a block as drawn before, by which what is the same is not made again.
#[derive(Debug, Default)]
pub struct Kept {
    /// The text of an answer.
    pub stream: Stream,
    /// The hunks of a patch.
    pub laid: Laid,
}

/// Cells of a bar below which it has a row of its own.
const LEAST_BAR: usize = 8;

/// The context of drawing: room, theme and time.
pub struct Cx<'a> {
    /// Cells there are in a row.
    pub width: usize,
    /// The theme.
    pub theme: &'a Theme,
    /// Colours for code.
    pub highlighter: &'a Highlighter,
    /// The time now, in milliseconds, for figures that run.
    pub now: Millis,
    /// The keymap, for hints.
    pub keymap: &'a crate::app::Keymap,
    /// A number that grows with every change of theme and grammars.
    pub revision: u64,
    /// Seconds since 1970, for ages.
    pub today: u64,
}

impl Cx<'_> {
    /// The style of a role.
    pub fn role(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// A line in a role, cut to the width.
    pub fn line(&self, text: &str, role: Role) -> Row {
        Row::text(vec![Span::styled(
            fit(&printable(text), self.width),
            self.role(role),
        )])
    }

    /// A dim line.
    pub fn dim(&self, text: &str) -> Row {
        self.line(text, Role::Dim)
    }

    /// A few words in a role and a text, wrapped.
    pub fn said(&self, words: &str, text: &str, role: Role) -> Vec<Row> {
        plain(
            &format!("{words}{text}"),
            self.role(role),
            self.width.saturating_sub(2).min(MEASURE),
        )
        .into_iter()
        .map(|row| row.indented(2))
        .collect()
    }

    /// The rows of a failure: what went wrong, why, and what to do.
    pub fn failure(&self, failure: &Failure) -> Vec<Row> {
        let cells = self.width.saturating_sub(4).min(MEASURE);
        let glyphs = self.theme.glyphs();
        let mut rows = Vec::new();
        let mut add = |sign: &str, sign_role: Role, text: &str, role: Role| {
            for (i, mut row) in plain(text, self.role(role), cells).into_iter().enumerate() {
                let mark = if i == 0 { sign } else { "" };
                row.lead.push(Span::styled(
                    super::width::pad(mark, 2),
                    self.role(sign_role),
                ));
                rows.push(row);
            }
        };
        add(
            glyphs.no,
            Role::Error,
            &sentence(failure.what()),
            Role::Error,
        );
        for cause in failure.causes() {
            add("", Role::Dim, &printable(cause), Role::Text);
        }
        if let Some(hint) = next_step_here(failure) {
            add("→", Role::Accent, &sentence(&hint), Role::Text);
        }
        rows
    }
}

/// Gives a text a capital letter, as sentences begin.
fn sentence(text: &str) -> String {
    let text = printable(text);
    let mut chars = text.chars();
    match chars.next() {
        // Names of files and commands stay as they are.
        Some(first) if !text.starts_with('`') => {
            let word_is_name = text
                .split(' ')
                .next()
                .is_some_and(|w| w.contains(['/', '.', '_', ':']));
            if word_is_name {
                text.into_owned()
            } else {
                first.to_uppercase().chain(chars).collect()
            }
        }
        _ => text.into_owned(),
    }
}

/// The hints of a place, as many as fit: `a accept  r reject`.
pub fn hint_spans(cx: &Cx<'_>, place: Place, room: usize) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    let mut used = 0;
    let mut hints = help::hints(cx.keymap, place);
    // Where two have room, they are the ones that bring a patch to its end.
    if cx.width < diff::NARROW
        && let Some(apply) = hints.iter().position(|(_, word)| *word == "apply")
    {
        let apply = hints.remove(apply);
        hints.insert(1.min(hints.len()), apply);
    }
    for (key, word) in hints {
        let cells = width(&key) + width(word) + 3;
        if used + cells > room + 2 {
            break;
        }
        if used > 0 {
            out.push(Span::raw("  "));
        }
        out.push(Span::styled(format!("{key} "), cx.role(Role::Accent)));
        out.push(Span::styled(word, cx.role(Role::Dim)));
        used += cells;
    }
    out
}

/// A row with something at the left and something at the right; the left gives way.
pub fn sides(left: Vec<Span<'static>>, right: Vec<Span<'static>>, cells: usize) -> Row {
    let right_cells = spans_width(&right);
    let room = cells.saturating_sub(right_cells + usize::from(right_cells > 0));
    let mut body = Vec::new();
    let mut used = 0;
    for span in left {
        let text = fit(&span.content, room - used);
        used += width(&text);
        body.push(Span::styled(text, span.style));
    }
    if right_cells > 0 {
        body.push(Span::raw(
            " ".repeat(cells.saturating_sub(used + right_cells)),
        ));
        body.extend(right);
    }
    Row::text(body)
}

/// The rows of a block.
pub fn block(block: &Block, state: &State, cx: &Cx<'_>, kept: &mut Kept) -> Vec<Chunk> {
    let chunk = |indent: u16, rows: Vec<Row>| Chunk {
        indent,
        rows: rows.into(),
    };
    match &block.body {
        Body::Welcome => vec![chunk(0, welcome::rows(state, cx))],
        Body::User(turn) => vec![chunk(0, user(turn, cx))],
        Body::Answer(answer) => {
            let inner = narrower(cx, 2);
            answer::chunks(answer, state, &inner, kept)
                .into_iter()
                .map(|rows| Chunk { indent: 2, rows })
                .collect()
        }
        Body::Patch(patch) => {
            let focused = state.overlay.is_none() && state.focus == Focus::Patch(block.id);
            let look = state.diff_look;
            diff::chunks(patch, focused, look, &mut kept.laid, cx)
                .into_iter()
                .map(|rows| Chunk { indent: 0, rows })
                .collect()
        }
        Body::Review(review) => {
            let focused = state.overlay.is_none() && state.focus == Focus::Review(block.id);
            vec![chunk(0, review::rows(review, focused, state, cx))]
        }
        Body::Download(download) => vec![chunk(2, self::download(download, &narrower(cx, 2)))],
        Body::Fold(fold) => vec![chunk(2, folded(fold, &narrower(cx, 2)))],
        Body::Note(note) => vec![chunk(2, self::note(note, &narrower(cx, 2)))],
        Body::Error(failure) => vec![chunk(0, cx.failure(failure))],
    }
}

fn narrower<'a>(cx: &Cx<'a>, cells: usize) -> Cx<'a> {
    Cx {
        width: cx.width.saturating_sub(cells),
        ..*cx
    }
}

fn user(turn: &UserTurn, cx: &Cx<'_>) -> Vec<Row> {
    let style = match turn.sent {
        Sent::Withdrawn => cx.role(Role::Dim),
        _ => cx.role(Role::User),
    };
    let mut rows = Vec::new();
    let text = turn.shown().replace('·', cx.theme.glyphs().dot);
    let text = if turn.pastes.is_empty() {
        &turn.text
    } else {
        &text
    };
    for (i, mut row) in plain(text, style, cx.width.saturating_sub(2).min(MEASURE))
        .into_iter()
        .enumerate()
    {
        let mark = if i == 0 {
            cx.theme.glyphs().prompt
        } else {
            " "
        };
        row.lead = vec![Span::styled(format!("{mark} "), cx.role(Role::Accent))];
        rows.push(if turn.pastes.is_empty() {
            row
        } else {
            row.part(BlockPart::Folded)
        });
    }
    let word = match turn.sent {
        Sent::Yes => return rows,
        Sent::WaitsForModel => "waits for the model",
        Sent::WaitsForJob => "waits for the job before it",
        Sent::Withdrawn => "taken back",
    };
    rows.push(cx.dim(word).indented(2));
    rows
}

/// A rate in as many digits as matter.
pub fn rate_text(rate: f64) -> String {
    if rate < 9.95 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn download(download: &Download, cx: &Cx<'_>) -> Vec<Row> {
    let name = printable(&download.name);
    let sizes = if download.total > 0 {
        format!(
            "{} of {}",
            human_bytes(download.done),
            human_bytes(download.total)
        )
    } else {
        human_bytes(download.done)
    };
    match download.end {
        DownloadEnd::Done => vec![cx.line(
            &format!(
                "{} fetched {name}, {}",
                cx.theme.glyphs().yes,
                human_bytes(download.done)
            ),
            Role::Ok,
        )],
        DownloadEnd::Stopped => vec![cx.line(
            &format!("stopped fetching {name} at {sizes}; fetching it again goes on from there"),
            Role::Warning,
        )],
        DownloadEnd::Failed => vec![cx.line(
            &format!("fetching {name} failed at {sizes}; what is here is kept"),
            Role::Warning,
        )],
        DownloadEnd::Running => running(download, &sizes, cx),
    }
}

/// The rows of a download that goes on: its stage, a bar, and how to stop it.
fn running(download: &Download, sizes: &str, cx: &Cx<'_>) -> Vec<Row> {
    let dot = cx.theme.glyphs().dot;
    let name = printable(&download.name);
    let mut rows = vec![cx.line(
        &format!("fetching {name}: {}", printable(&download.stage)),
        Role::Text,
    )];
    let mut after = format!("  {sizes}");
    if download.rate > 0.0 {
        after.push_str(&format!(" {dot} {}/s", human_bytes(download.rate as u64)));
    }
    if let Some(left) = download.left_s() {
        after.push_str(&format!(" {dot} {} left", human_time(left)));
    }
    let most = cx.width.min(MEASURE);
    let beside = width(&after) + LEAST_BAR <= most;
    let cells = most.saturating_sub(if beside { width(&after) } else { 0 });
    let part = download.done as f64 / download.total.max(1) as f64;
    let mut body = bar(part, cells.min(40), cx.theme);
    if beside {
        body.push(Span::styled(after, cx.role(Role::Dim)));
        rows.push(Row::text(body));
    } else {
        rows.push(Row::text(body));
        rows.extend(plain(after.trim_start(), cx.role(Role::Dim), most));
    }
    let mut say = |text: &str| {
        rows.extend(plain(text, cx.role(Role::Dim), cx.width.min(MEASURE)));
    };
    if download.resumed > 0 {
        let bytes = human_bytes(download.resumed);
        say(&format!("goes on from {bytes} that were here before"));
    }
    say("Esc stops it; it can go on later from where it was");
    rows
}

/// The line that tells of a fold, with what can be done about it.
fn folded(fold: &Fold, cx: &Cx<'_>) -> Vec<Row> {
    let mut text = fold.line();
    let key = cx.keymap.hint(crate::app::Action::TogglePanel);
    if !key.is_empty() {
        text += &format!(" · {key} shows it");
    }
    text += " · /full undoes it";
    let text = text.replace('·', cx.theme.glyphs().dot);
    let rows = plain(&text, cx.role(Role::Dim), cx.width.min(MEASURE));
    rows.into_iter()
        .map(|row| row.part(BlockPart::Folded))
        .collect()
}

fn note(note: &Note, cx: &Cx<'_>) -> Vec<Row> {
    let (sign, role) = tone(note.tone);
    let mut rows = plain(
        &format!("{sign}{}", note.text),
        cx.role(role),
        cx.width.min(MEASURE),
    );
    if rows.len() > 400 {
        rows.truncate(400);
        rows.push(plain("…", cx.role(Role::Dim), 10).remove(0));
    }
    rows
}

/// Sign and role of a tone.
pub const fn tone(tone: Tone) -> (&'static str, Role) {
    match tone {
        Tone::Plain => ("", Role::Dim),
        Tone::Good => ("", Role::Ok),
        Tone::Warning => ("! ", Role::Warning),
        Tone::Bad => ("! ", Role::Error),
    }
}
