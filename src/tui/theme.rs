//! Themes: what each role looks like, for as many colours as the terminal has.
//!
//! A theme is a TOML file with a table `roles` and the name of a syntax theme; `inherits`
//! names another one to begin with. Four are built in, others lie in the folder `themes` of
//! the user's configuration. Colours are written for terminals that have all of them and
//! brought down to 256, 16 or none here. Without colour the roles differ by bold, dim,
//! underline and reverse alone, and signs such as `+` and `●` stand beside every colour.

use std::fs;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::color::{Depth, down};
use crate::base::bug::bug;
use crate::base::{Failure, OrBug, Result};

/// The meaning of a piece of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important text.
    Dim,
    /// Text that can be acted on: citations, links, the prompt sign.
    Accent,
    /// The words of the person.
    User,
    /// Lines and frames.
    Rule,
    /// The selected row or text.
    Selection,
    /// An added line.
    Added,
    /// A removed line.
    Removed,
    /// The changed words of an added line.
    AddedWord,
    /// The changed words of a removed line.
    RemovedWord,
    /// A fault.
    Error,
    /// A probable fault.
    Warning,
    /// A thing worth knowing.
    Note,
    /// A thing that is as it should be.
    Ok,
    /// A heading.
    Heading,
    /// Code inside a sentence.
    Code,
    /// The ground of code blocks.
    CodeBackground,
}

const ROLES: [(Role, &str, Modifier); 17] = [
    (Role::Text, "text", Modifier::empty()),
    (Role::Dim, "dim", Modifier::DIM),
    (Role::Accent, "accent", Modifier::BOLD),
    (Role::User, "user", Modifier::BOLD),
    (Role::Rule, "rule", Modifier::DIM),
    (Role::Selection, "selection", Modifier::REVERSED),
    (Role::Added, "added", Modifier::BOLD),
    (Role::Removed, "removed", Modifier::DIM),
    (
        Role::AddedWord,
        "added-word",
        Modifier::BOLD.union(Modifier::UNDERLINED),
    ),
    (
        Role::RemovedWord,
        "removed-word",
        Modifier::DIM.union(Modifier::UNDERLINED),
    ),
    (
        Role::Error,
        "error",
        Modifier::BOLD.union(Modifier::UNDERLINED),
    ),
    (Role::Warning, "warning", Modifier::BOLD),
    (Role::Note, "note", Modifier::empty()),
    (Role::Ok, "ok", Modifier::empty()),
    (Role::Heading, "heading", Modifier::BOLD),
    (Role::Code, "code", Modifier::BOLD),
    (Role::CodeBackground, "code-background", Modifier::empty()),
];

const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("terminal", include_str!("../../themes/terminal.toml")),
];

/// Themes may inherit through at most this many others.
const DEPTH_OF_INHERITANCE: usize = 5;

/// A theme ready to draw with.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// The name of the theme.
    pub name: String,
    /// The syntax theme for code; none where there are no colours.
    pub syntax: Option<String>,
    /// The depth of colour its styles were brought down to.
    pub depth: Depth,
    /// True if only ASCII is drawn.
    pub ascii: bool,
    styles: [Style; ROLES.len()],
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    inherits: Option<String>,
    syntax: Option<String>,
    #[serde(default)]
    roles: std::collections::BTreeMap<String, Look>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Look {
    Colour(String),
    Full(Full),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
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

/// The signs that are drawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// The sign before what the person says.
    pub prompt: &'static str,
    /// A light line.
    pub line: &'static str,
    /// The part of a line that is done.
    pub done: &'static str,
    /// A light line upright.
    pub bar: &'static str,
    /// The crossing of two light lines.
    pub cross: &'static str,
    /// The sign before an item.
    pub bullet: &'static str,
    /// The upper left corner.
    pub top_left: &'static str,
    /// The upper right corner.
    pub top_right: &'static str,
    /// The lower left corner.
    pub bottom_left: &'static str,
    /// The lower right corner.
    pub bottom_right: &'static str,
    /// The sign of what is accepted.
    pub yes: &'static str,
    /// The sign of what is rejected.
    pub no: &'static str,
    /// The sign of what is undecided, and between two words.
    pub dot: &'static str,
    /// The sign of what is folded.
    pub folded: &'static str,
    /// The sign of what is open.
    pub open: &'static str,
    /// The sign of a grave remark.
    pub full: &'static str,
    /// The sign of a light remark.
    pub hollow: &'static str,
    /// The sign before what differs in the working tree.
    pub differs: &'static str,
}

const SIGNS: Glyphs = Glyphs {
    prompt: "❯",
    line: "─",
    done: "━",
    bar: "│",
    cross: "┼",
    bullet: "•",
    top_left: "┌",
    top_right: "┐",
    bottom_left: "└",
    bottom_right: "┘",
    yes: "✓",
    no: "✗",
    dot: "·",
    folded: "▸",
    open: "▾",
    full: "●",
    hollow: "○",
    differs: "±",
};

/// The signs of terminals whose fonts or character sets have no more.
const ASCII: Glyphs = Glyphs {
    prompt: ">",
    line: "-",
    done: "=",
    bar: "|",
    cross: "+",
    bullet: "*",
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    yes: "y",
    no: "x",
    dot: ".",
    folded: ">",
    open: "v",
    full: "#",
    hollow: "o",
    differs: "+-",
};

impl Theme {
    /// The signs to draw with.
    pub const fn glyphs(&self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &SIGNS }
    }

    /// The theme of that name, from `folder` (the user's) or built in.
    ///
    /// # Errors
    /// Of kind config: no such theme (with those there are), or what is wrong in its file.
    pub fn load(name: &str, folder: Option<&Path>, depth: Depth) -> Result<Self> {
        let mut theme = Self {
            name: name.to_owned(),
            syntax: None,
            depth,
            ascii: false,
            styles: ROLES.map(|(_, _, plain)| {
                if depth == Depth::None {
                    Style::new().add_modifier(plain)
                } else {
                    Style::new()
                }
            }),
        };
        theme.lay(name, folder, DEPTH_OF_INHERITANCE)?;
        if depth == Depth::None {
            theme.syntax = None;
        }
        Ok(theme)
    }

    /// The dark theme, which cannot fail to load.
    pub fn fallback(depth: Depth) -> Self {
        Self::load("dark", None, depth).unwrap_or_else(|failure| {
            let plain = Self {
                name: "plain".to_owned(),
                syntax: None,
                depth: Depth::None,
                ascii: false,
                styles: ROLES.map(|(_, _, plain)| Style::new().add_modifier(plain)),
            };
            bug(&format!("the dark theme does not load: {failure}"), plain)
        })
    }

    /// The names of all themes, built-in ones first.
    pub fn names(folder: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(n, _)| (*n).to_owned()).collect();
        // A folder that is not there or cannot be read adds none.
        let mut own: Vec<String> = folder
            .and_then(|folder| fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                Some(name.strip_suffix(".toml")?.to_owned())
            })
            .filter(|name| !names.contains(name))
            .collect();
        own.sort();
        names.extend(own);
        names
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let style = self.styles.get(role as usize);
        style.copied().or_bug("every role has a style")
    }

    /// Lays the theme of that name over this one, after those it inherits from.
    fn lay(&mut self, name: &str, folder: Option<&Path>, left: usize) -> Result<()> {
        let (text, place) = find(name, folder)?;
        let file: ThemeFile = toml::from_str(&text)
            .map_err(|e| Failure::config(format!("the theme {place} is wrong")).because(e))?;
        if let Some(base) = &file.inherits {
            if left == 0 {
                return Err(Failure::config(format!(
                    "the theme {place} inherits through too many others"
                ))
                .hint("look for a circle of `inherits`"));
            }
            self.lay(base, folder, left - 1)?;
        }
        if let Some(syntax) = file.syntax {
            self.syntax = (syntax != "none").then_some(syntax);
        }
        for (role, look) in &file.roles {
            let mut slots = ROLES.iter().zip(&mut self.styles);
            let Some((_, slot)) = slots.find(|((_, word, _), _)| word == role) else {
                let all: Vec<&str> = ROLES.iter().map(|(_, word, _)| *word).collect();
                return Err(Failure::config(format!(
                    "the theme {place} names an unknown role `{role}`"
                ))
                .hint(format!("the roles are: {}", all.join(", "))));
            };
            // Without colours the built-in modifiers tell the roles apart; a theme written
            // for colours would take the difference away.
            if self.depth == Depth::None {
                continue;
            }
            *slot = look.style(self.depth).map_err(|f| {
                Failure::config(format!("the theme {place}, role `{role}`")).because(f.what())
            })?;
        }
        Ok(())
    }
}

fn find(name: &str, folder: Option<&Path>) -> Result<(String, String)> {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    if let Some(folder) = folder.filter(|_| plain) {
        let path = folder.join(format!("{name}.toml"));
        if let Ok(text) = fs::read_to_string(&path) {
            return Ok((text, path.display().to_string()));
        }
    }
    BUILT_IN
        .iter()
        .find(|(built_in, _)| *built_in == name)
        .map(|(name, text)| ((*text).to_owned(), format!("`{name}`")))
        .ok_or_else(|| {
            Failure::config(format!("there is no theme `{name}`")).hint(format!(
                "the themes are: {}",
                Theme::names(folder).join(", ")
            ))
        })
}

impl Look {
    fn style(&self, depth: Depth) -> Result<Style> {
        let full = match self {
            Self::Colour(fg) => Full {
                fg: Some(fg.clone()),
                ..Full::default()
            },
            Self::Full(full) => full.clone(),
        };
        let mut style = Style::new();
        if let Some(fg) = &full.fg {
            style = style.fg(down(colour(fg)?, depth));
        }
        if let Some(bg) = &full.bg {
            style = style.bg(down(colour(bg)?, depth));
            // Sixteen colours leave no shade of the ground: text and ground could fall
            // together, reverse cannot.
            if depth == Depth::Ansi16 && !matches!(colour(bg)?, Color::Black | Color::Reset) {
                style = Style::new()
                    .fg(style.fg.unwrap_or(Color::Reset))
                    .add_modifier(Modifier::REVERSED);
                if full.bg.as_deref() == Some("#000000") {
                    style = style.remove_modifier(Modifier::REVERSED);
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_loads_at_every_depth() {
        for (name, _) in BUILT_IN {
            for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16, Depth::None] {
                let theme = Theme::load(name, None, depth).expect(name);
                assert_eq!(theme.name, name);
            }
        }
    }

    #[test]
    fn without_colour_only_modifiers_are_used_and_what_matters_differs() {
        for (name, _) in BUILT_IN {
            let theme = Theme::load(name, None, Depth::None).expect("loads");
            for (role, word, _) in ROLES {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{word}");
            }
            assert_ne!(theme.style(Role::Added), theme.style(Role::Removed));
            assert_ne!(theme.style(Role::Text), theme.style(Role::Selection));
            assert_ne!(theme.style(Role::Text), theme.style(Role::Error));
            assert!(theme.syntax.is_none());
        }
    }

    #[test]
    fn the_terminal_theme_uses_the_sixteen_colours_only() {
        let theme = Theme::load("terminal", None, Depth::True).expect("loads");
        for (role, ..) in ROLES {
            for colour in [theme.style(role).fg, theme.style(role).bg] {
                assert!(!matches!(
                    colour,
                    Some(Color::Rgb(..) | Color::Indexed(16..))
                ));
            }
        }
    }

    #[test]
    fn a_theme_of_ones_own_inherits_and_says_what_is_wrong() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).expect("written");
        };
        write(
            "mine.toml",
            "inherits = 'light'\n[roles]\nuser = '#010203'\n",
        );
        write("loop.toml", "inherits = 'loop'\n");
        write("bad.toml", "[roles]\nuser = 'reddish'\n");
        write("role.toml", "[roles]\nuzer = 'red'\n");
        let load = |name: &str| Theme::load(name, Some(dir.path()), Depth::True);
        let mine = load("mine").expect("loads");
        assert_eq!(mine.style(Role::User).fg, Some(Color::Rgb(1, 2, 3)));
        let light = Theme::load("light", None, Depth::True).expect("loads");
        assert_eq!(mine.style(Role::Error), light.style(Role::Error));
        assert_eq!(mine.syntax, light.syntax);
        for (name, said) in [
            ("loop", "circle"),
            ("bad", "reddish"),
            ("role", "uzer"),
            ("../mine", "no theme"),
        ] {
            let failure = load(name).expect_err(name);
            let all = format!("{failure} {:?}", failure.next_step());
            assert!(all.contains(said), "{all}");
        }
        assert!(Theme::names(Some(dir.path())).contains(&"mine".to_owned()));
    }
}
