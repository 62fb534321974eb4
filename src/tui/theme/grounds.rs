//! The grounds that a theme paints, and its colours on them.

use ratatui::style::{Color, Modifier, Style};

use super::{Role, Theme};
use crate::tui::color::{
    Depth, READABLE, Rgb, down, is_light, least_contrast, mixed, readable_256, rgb,
};

/// The share of the colour of a changed line in its ground, on dark and on light screens.
const SHARES: (f32, f32) = (0.16, 0.13);

impl Theme {
    /// Ordinary text on a ground.
    pub fn on(&self, ground: Role) -> Style {
        self.style(Role::Text).patch(self.style(ground))
    }

    /// The ground of the whole screen; none where it is the terminal's own.
    pub fn ground(&self) -> Option<Rgb> {
        rgb(self.style(Role::Background).bg?)
    }

    /// The grounds that text is drawn on, each once; none where the terminal's own is one of them.
    pub fn grounds(&self) -> Vec<Rgb> {
        if self.ground().is_none() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for role in [Role::Background, Role::Raised, Role::CodeBackground] {
            if let Some(ground) = self.style(role).bg.and_then(rgb)
                && !out.contains(&ground)
            {
                out.push(ground);
            }
        }
        out
    }

    /// The grounds that code is drawn on: those of changed lines are among them.
    pub fn code_grounds(&self) -> Vec<Rgb> {
        let mut out = self.grounds();
        if !out.is_empty()
            && let Some((added, removed)) = self.changed_grounds()
        {
            out.extend([added, removed].into_iter().filter_map(|s| rgb(s.bg?)));
        }
        out
    }

    /// The grounds of added and of removed lines; none where the theme or the terminal has none.
    pub fn changed_grounds(&self) -> Option<(Style, Style)> {
        if self.depth != Depth::True {
            return None;
        }
        let ground = |role| match self.style(role).fg {
            Some(Color::Rgb(r, g, b)) => {
                let [r, g, b] = self.shade([r, g, b]);
                Some(Style::new().bg(Color::Rgb(r, g, b)))
            }
            _ => None,
        };
        Some((ground(Role::Added)?, ground(Role::Removed)?))
    }

    /// The shade of a colour that text is readable on: the ground with a little of it.
    fn shade(&self, colour: Rgb) -> Rgb {
        // Where the ground is the terminal's own, light colours are meant for a dark one.
        let ground = self
            .ground()
            .unwrap_or(if is_light(colour) { [0; 3] } else { [255; 3] });
        let share = if is_light(ground) { SHARES.1 } else { SHARES.0 };
        mixed(ground, colour, share)
    }

    /// Brings the colours down to those that the terminal has.
    pub(super) fn bring_down(&mut self) {
        let depth = self.depth;
        if depth == Depth::True {
            return;
        }
        let written = self.grounds();
        for style in &mut self.styles {
            *style = on_fewer(*style, depth);
        }
        if depth != Depth::Ansi256 {
            return;
        }
        let painted = self.grounds();
        for style in &mut self.styles {
            let Some(fg) = style.fg.and_then(rgb) else {
                continue;
            };
            // A colour stays as readable as it was written.
            let own = style.bg.and_then(rgb).map(|bg| vec![bg]);
            let (grounds, least) = match &own {
                Some(own) => (own, READABLE),
                None => (&painted, least_contrast(fg, &written).min(READABLE)),
            };
            style.fg = Some(Color::Indexed(readable_256(fg, grounds, least)));
        }
    }
}

/// A style whose grounds are those of a terminal with fewer colours, and where it has sixteen, its
/// colours too.
fn on_fewer(style: Style, depth: Depth) -> Style {
    let mut out = style;
    out.bg = style.bg.map(|bg| down(bg, depth));
    if depth == Depth::Ansi256 {
        // The colour is chosen for the grounds as they are then.
        return out;
    }
    out.fg = style.fg.map(|fg| down(fg, depth));
    // Sixteen colours leave no shade of the ground: text and ground could fall together, reverse
    // cannot.
    if style.bg.and_then(rgb).is_some() && out.bg != Some(Color::Black) {
        out.fg = out.fg.or(Some(Color::Reset));
        out.bg = None;
        out = out.add_modifier(Modifier::REVERSED);
    }
    out
}
