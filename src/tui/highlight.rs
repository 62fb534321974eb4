//! Code in colours, by syntect with the grammars of two-face.
//!
//! The grammars take some tens of milliseconds to open, so a thread does it; until then, and
//! for what is too large or of no known language, code is plain.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use syntect::easy::HighlightLines;
use syntect::highlighting::{FontStyle, HighlightState, Theme as SyntaxTheme};
use syntect::parsing::{ParseState, SyntaxSet};
use two_face::theme::EmbeddedLazyThemeSet;

use super::color::{Depth, down, lifted, readable_256, rgb};
use super::theme::Theme;

/// Code of more lines is not coloured.
const MAX_LINES: usize = 2_000;
/// A longer line is not coloured, nor what follows it.
const MAX_LINE: usize = 2_000;

/// Colours code in the look of a theme.
#[derive(Debug, Clone, Default)]
pub struct Highlighter {
    syntaxes: Arc<OnceLock<SyntaxSet>>,
    theme: Option<Palette>,
}

/// A syntax theme, and the colour depth it is brought down to.
#[derive(Debug, Clone)]
struct Palette {
    theme: Arc<SyntaxTheme>,
    depth: Depth,
}

/// A code block that grows: its lines so far and where the grammar stands, so that only new
/// lines are read.
#[derive(Debug, Clone, Default)]
pub struct Grown {
    language: String,
    lines: Vec<(String, Vec<Span<'static>>)>,
    state: Option<(HighlightState, ParseState)>,
}

impl Highlighter {
    /// A highlighter that leaves everything plain until [`Highlighter::open`] has been called
    /// on it or a clone of it.
    pub fn new(theme: &Theme) -> Self {
        let mut this = Self::default();
        this.set_theme(theme);
        this
    }

    /// Opens the grammars: slow, call it on another thread. Clones share them.
    pub fn open(&self) {
        self.syntaxes.get_or_init(two_face::syntax::extra_newlines);
    }

    /// Tells whether the grammars are there.
    pub fn is_open(&self) -> bool {
        self.syntaxes.get().is_some()
    }

    /// Tells whether code in a language, by its name or the extension of a file, gets colours.
    pub fn knows(&self, language: &str) -> bool {
        let known = |syntaxes: &SyntaxSet| syntaxes.find_syntax_by_token(language).is_some();
        self.theme.is_some() && !language.is_empty() && self.syntaxes.get().is_some_and(known)
    }

    /// Colours in the look of this theme from now on.
    pub fn set_theme(&mut self, theme: &Theme) {
        let depth = theme.depth;
        self.theme = theme.syntax.as_ref().and_then(|name| {
            let known = EmbeddedLazyThemeSet::theme_names()
                .iter()
                .find(|known| known.as_name() == name)?;
            let mut colours = two_face::theme::extra().get(*known).clone();
            lift(&mut colours, theme);
            Some(Palette {
                theme: Arc::new(colours),
                depth,
            })
        });
    }

    /// The colours of the theme, for tests.
    #[cfg(test)]
    pub(super) fn colours(&self) -> Vec<Color> {
        let Some(palette) = &self.theme else {
            return Vec::new();
        };
        let scopes = palette.theme.scopes.iter();
        let colours = scopes.filter_map(|scope| scope.style.foreground);
        let all = palette.theme.settings.foreground.into_iter().chain(colours);
        all.map(|c| down(Color::Rgb(c.r, c.g, c.b), palette.depth))
            .collect()
    }

    /// The lines of `code` (made safe before) as styled text. `language` is a name or the
    /// extension of a file. `grown` remembers what was done for the same block before.
    pub fn lines(
        &self,
        code: &[String],
        language: &str,
        plain: Style,
        grown: &mut Grown,
    ) -> Vec<Vec<Span<'static>>> {
        let raw = |line: &String| vec![Span::styled(line.clone(), plain)];
        let (Some(syntaxes), Some(palette)) = (self.syntaxes.get(), &self.theme) else {
            return code.iter().map(raw).collect();
        };
        let theme = &palette.theme;
        let syntax = (code.len() <= MAX_LINES && !language.is_empty())
            .then(|| syntaxes.find_syntax_by_token(language))
            .flatten();
        let Some(syntax) = syntax else {
            return code.iter().map(raw).collect();
        };
        // The last line may still grow: it is coloured, but its state is not kept.
        let settled = code.len().saturating_sub(1);
        let same = grown.language == language
            && grown.lines.len() <= settled
            && grown.lines.iter().zip(code).all(|((a, _), b)| a == b);
        if !same {
            *grown = Grown {
                language: language.to_owned(),
                ..Grown::default()
            };
        }
        let mut out: Vec<_> = grown.lines.iter().map(|(_, spans)| spans.clone()).collect();
        let mut colours = match grown.state.clone() {
            Some((highlight, parse)) => HighlightLines::from_state(theme, highlight, parse),
            None => HighlightLines::new(syntax, theme),
        };
        for (i, line) in code.iter().enumerate().skip(out.len()) {
            if line.len() > MAX_LINE {
                out.extend(code.iter().skip(i).map(raw));
                return out;
            }
            let spans = match colours.highlight_line(&format!("{line}\n"), syntaxes) {
                Ok(pieces) => pieces
                    .into_iter()
                    .map(|(style, text)| {
                        Span::styled(
                            text.trim_end_matches('\n').to_owned(),
                            palette.style(style, plain),
                        )
                    })
                    .filter(|span| !span.content.is_empty())
                    .collect(),
                // A grammar that fails on a line leaves it plain.
                Err(_) => raw(line),
            };
            if i < settled {
                grown.lines.push((line.clone(), spans.clone()));
                if i + 1 == settled {
                    let (highlight, parse) = colours.state();
                    grown.state = Some((highlight.clone(), parse.clone()));
                    colours = HighlightLines::from_state(theme, highlight, parse);
                }
            }
            out.push(spans);
        }
        out
    }
}

/// Lifts the colours of a syntax theme until they can be read on all grounds of code. One that is
/// made for another ground, or with faint comments, keeps its hues.
fn lift(colours: &mut SyntaxTheme, theme: &Theme) {
    let grounds = theme.code_grounds();
    if grounds.is_empty() {
        return;
    }
    let readable = |written| {
        let read = lifted(written, &grounds, theme.contrast);
        if theme.depth != Depth::Ansi256 {
            return read;
        }
        let index = readable_256(read, &grounds, theme.contrast);
        rgb(Color::Indexed(index)).unwrap_or(read)
    };
    // Hundreds of scopes share a few colours.
    let mut known = HashMap::new();
    let mut lift = |colour: &mut syntect::highlighting::Color| {
        // Smaller values of alpha mean colours of the terminal.
        if colour.a < 2 {
            return;
        }
        let written = [colour.r, colour.g, colour.b];
        let read = known.entry(written).or_insert_with(|| readable(written));
        [colour.r, colour.g, colour.b] = *read;
    };
    if let Some(colour) = &mut colours.settings.foreground {
        lift(colour);
    }
    for scope in &mut colours.scopes {
        if let Some(colour) = &mut scope.style.foreground {
            lift(colour);
        }
    }
}

impl Palette {
    fn style(&self, style: syntect::highlighting::Style, plain: Style) -> Style {
        let c = style.foreground;
        // Themes for sixteen colours say "number r of the palette" with an alpha of 0, and
        // "the terminal's own" with 1.
        let colour = match c.a {
            0 => numbered(c.r),
            1 => Color::Reset,
            _ => Color::Rgb(c.r, c.g, c.b),
        };
        let mut out = plain.fg(down(colour, self.depth));
        for (font, modifier) in [
            (FontStyle::BOLD, Modifier::BOLD),
            (FontStyle::ITALIC, Modifier::ITALIC),
            (FontStyle::UNDERLINE, Modifier::UNDERLINED),
        ] {
            if style.font_style.contains(font) {
                out = out.add_modifier(modifier);
            }
        }
        out
    }
}

/// The colour of a number in the terminal's palette.
const fn numbered(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        other => Color::Indexed(other),
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may stop where it stands")]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_block_that_grows_looks_as_one_that_came_at_once() {
        let theme = Theme::load("dark", None, Depth::True).expect("loads");
        let highlighter = Highlighter::new(&theme);
        let code = "/* a\n comment */\nfn main() {\n    let s = \"x\n y\";\n}\n";
        let plain = highlighter.lines(&lines(code), "rust", Style::new(), &mut Grown::default());
        assert!(
            plain.iter().all(|line| line.len() == 1),
            "plain while closed"
        );
        highlighter.open();
        let once = highlighter.lines(&lines(code), "rust", Style::new(), &mut Grown::default());
        assert!(once.iter().any(|line| line.len() > 1), "coloured when open");
        let mut grown = Grown::default();
        for end in (0..=code.len()).step_by(3) {
            let part = lines(&code[..end]);
            highlighter.lines(&part, "rust", Style::new(), &mut grown);
        }
        let at_last = highlighter.lines(&lines(code), "rust", Style::new(), &mut grown);
        assert_eq!(at_last, once);
    }

    #[test]
    fn every_theme_of_ours_names_a_syntax_theme_that_exists() {
        for name in Theme::names(None) {
            let theme = Theme::load(&name, None, Depth::True).expect("loads");
            assert!(Highlighter::new(&theme).theme.is_some(), "{name}");
        }
    }
}
