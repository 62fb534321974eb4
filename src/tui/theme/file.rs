//! The file of a theme as it is written: roles, each with a colour or a whole look.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::base::{Failure, Result};

/// A theme as its file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThemeFile {
    pub inherits: Option<String>,
    pub syntax: Option<String>,
    /// The least contrast of the colours of code.
    pub contrast: Option<f32>,
    #[serde(default)]
    pub roles: BTreeMap<String, Look>,
    /// Roles for terminals of sixteen colours, laid over the others.
    #[serde(default)]
    pub sixteen: BTreeMap<String, Look>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Look {
    Colour(String),
    Full(Full),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Full {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

impl Look {
    /// The look as a style, in the colours that it is written in.
    pub fn style(&self) -> Result<Style> {
        let full = match self {
            Self::Colour(fg) => Full {
                fg: Some(fg.clone()),
                ..Full::default()
            },
            Self::Full(full) => full.clone(),
        };
        let mut style = Style::new();
        if let Some(fg) = &full.fg {
            style = style.fg(colour(fg)?);
        }
        if let Some(bg) = &full.bg {
            style = style.bg(colour(bg)?);
        }
        for (on, modifier) in [
            (full.bold, Modifier::BOLD),
            (full.dim, Modifier::DIM),
            (full.italic, Modifier::ITALIC),
            (full.underline, Modifier::UNDERLINED),
            (full.reverse, Modifier::REVERSED),
        ] {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }
}

fn colour(word: &str) -> Result<Color> {
    if let Some(hex) = word.strip_prefix('#')
        && hex.len() == 6
        && let Ok(rgb) = u32::from_str_radix(hex, 16)
    {
        return Ok(Color::Rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8));
    }
    if let Ok(index) = word.parse::<u8>() {
        return Ok(Color::Indexed(index));
    }
    Ok(match word {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        other => {
            return Err(Failure::config(format!(
                "`{other}` is no colour: write #rrggbb, 0 to 255, default, red, bright-red …"
            )));
        }
    })
}
