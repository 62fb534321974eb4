//! Themes: what each role looks like, for as many colours as the terminal has.
//!
//! A theme is a TOML file with a table `roles` and the name of a syntax theme; `inherits`
//! names another one to begin with. Those of [`BUILT_IN`] are always there, others lie in the
//! folder `themes` of the user's configuration. All but `terminal` paint the ground of the whole
//! screen, for a text is readable on the ground that it was made for.
//!
//! Colours are written for terminals that have all of them and brought down to 256, 16 or none
//! here. In 256 a text keeps the contrast that it has to its grounds. Sixteen colours are the
//! user's own palette, which no theme knows: one that paints a ground looks like `terminal` there,
//! unless it has a table `sixteen`. Without colour the roles differ by bold, dim, underline and
//! reverse alone, and signs such as `+` and `●` stand beside every colour.

mod file;
mod glyphs;
mod grounds;

use std::fs;
use std::path::Path;

use ratatui::style::{Modifier, Style};

use self::file::{Look, ThemeFile};
pub use self::glyphs::Glyphs;
use super::color::{Depth, READABLE};
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
    /// The ground of the whole screen.
    Background,
    /// The ground of what lies over it: lists, texts, questions.
    Raised,
}

const ROLES: [(Role, &str, Modifier); 19] = [
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
    (Role::Background, "background", Modifier::empty()),
    (Role::Raised, "raised", Modifier::empty()),
];

macro_rules! built_in {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../themes/", $name, ".toml")))),*]
    };
}

const BUILT_IN: [(&str, &str); 12] = built_in!(
    "dark" "light" "high-contrast" "terminal" "gruvbox" "gruvbox-light" "morning" "nord" "pastel"
    "solarized-dark" "solarized-light" "violet"
);

/// The theme that takes the place of those that paint a ground where there are sixteen colours.
const OF_SIXTEEN: &str = "terminal";

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
    /// The least contrast of the colours of code, as the WCAG defines it.
    pub contrast: f32,
    styles: [Style; ROLES.len()],
}

impl Theme {
    /// The signs to draw with.
    pub const fn glyphs(&self) -> &'static Glyphs {
        if self.ascii {
            &glyphs::ASCII
        } else {
            &glyphs::SIGNS
        }
    }

    /// The theme of that name, from `folder` (the user's) or built in.
    ///
    /// # Errors
    /// Of kind config: no such theme (with those there are), or what is wrong in its file.
    pub fn load(name: &str, folder: Option<&Path>, depth: Depth) -> Result<Self> {
        let mut theme = Self::plain(name, depth);
        theme.styles = [Style::new(); ROLES.len()];
        let sixteen = theme.lay(name, folder, DEPTH_OF_INHERITANCE)?;
        if depth == Depth::None {
            return Ok(Self::plain(name, depth));
        }
        if depth == Depth::Ansi16 && !sixteen && theme.ground().is_some() {
            theme.styles = [Style::new(); ROLES.len()];
            theme.lay(OF_SIXTEEN, None, 0)?;
        }
        theme.bring_down();
        Ok(theme)
    }

    /// A theme without colours.
    fn plain(name: &str, depth: Depth) -> Self {
        Self {
            name: name.to_owned(),
            syntax: None,
            depth,
            ascii: false,
            contrast: READABLE,
            styles: ROLES.map(|(_, _, plain)| Style::new().add_modifier(plain)),
        }
    }

    /// The dark theme, which cannot fail to load.
    pub fn fallback(depth: Depth) -> Self {
        Self::load("dark", None, depth).unwrap_or_else(|failure| {
            let plain = Self::plain("plain", Depth::None);
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

    /// Lays the theme of that name over this one, after those it inherits from, in the colours it
    /// is written in. Returns whether it says how it looks in sixteen, which are laid over the
    /// others where there are no more.
    fn lay(&mut self, name: &str, folder: Option<&Path>, left: usize) -> Result<bool> {
        let (text, place) = find(name, folder)?;
        let file: ThemeFile = toml::from_str(&text)
            .map_err(|e| Failure::config(format!("the theme {place} is wrong")).because(e))?;
        let mut sixteen = !file.sixteen.is_empty();
        if let Some(base) = &file.inherits {
            if left == 0 {
                return Err(Failure::config(format!(
                    "the theme {place} inherits through too many others"
                ))
                .hint("look for a circle of `inherits`"));
            }
            sixteen |= self.lay(base, folder, left - 1)?;
        }
        if let Some(syntax) = file.syntax {
            self.syntax = (syntax != "none").then_some(syntax);
        }
        if let Some(contrast) = file.contrast {
            self.contrast = contrast.clamp(1.0, 21.0);
        }
        for (role, look) in &file.roles {
            *self.slot(role, &place)? = look_of(look, role, &place)?;
        }
        let sixteen_only = self.depth == Depth::Ansi16;
        for (role, look) in &file.sixteen {
            let style = look_of(look, role, &place)?;
            let slot = self.slot(role, &place)?;
            if sixteen_only {
                *slot = style;
            }
        }
        Ok(sixteen)
    }

    /// The place of a role's style. `place`: the theme that names it.
    fn slot(&mut self, role: &str, place: &str) -> Result<&mut Style> {
        let mut slots = ROLES.iter().zip(&mut self.styles);
        match slots.find(|((_, word, _), _)| *word == role) {
            Some((_, slot)) => Ok(slot),
            None => {
                let all: Vec<&str> = ROLES.iter().map(|(_, word, _)| *word).collect();
                Err(
                    Failure::config(format!("the theme {place} names an unknown role `{role}`"))
                        .hint(format!("the roles are: {}", all.join(", "))),
                )
            }
        }
    }
}

fn look_of(look: &Look, role: &str, place: &str) -> Result<Style> {
    look.style()
        .map_err(|f| Failure::config(format!("the theme {place}, role `{role}`")).because(f.what()))
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

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;
