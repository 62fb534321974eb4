use ratatui::style::Color;

use super::*;
use crate::tui::color::{Rgb, contrast, rgb};
use crate::tui::highlight::Highlighter;

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

/// The themes that paint their grounds.
fn painting(depth: Depth) -> impl Iterator<Item = Theme> {
    BUILT_IN
        .iter()
        .filter(|(name, _)| *name != "terminal")
        .map(move |(name, _)| Theme::load(name, None, depth).expect("loads"))
}

fn ground(theme: &Theme, role: Role) -> Rgb {
    let bg = theme.style(role).bg;
    rgb(bg.unwrap_or_else(|| panic!("{}: {role:?} has no ground", theme.name)))
        .unwrap_or_else(|| panic!("{}: {role:?} is named", theme.name))
}

/// The grounds that a role is drawn on, by where that is done.
fn grounds_of(theme: &Theme, role: Role) -> Vec<Rgb> {
    match role {
        // They bring their own.
        Role::Selection | Role::AddedWord | Role::RemovedWord => vec![ground(theme, role)],
        // Words that are found, and marks where a line is cut, stand on changed lines, too; the
        // signs of changed lines stand on their own.
        Role::Text | Role::Accent => theme.code_grounds(),
        Role::Added | Role::Removed => {
            let mut out = theme.grounds();
            if let Some((added, removed)) = theme.changed_grounds() {
                let own = if role == Role::Added { added } else { removed };
                out.extend(own.bg.and_then(rgb));
            }
            out
        }
        _ => theme.grounds(),
    }
}

#[test]
fn every_colour_is_read_on_every_ground_it_is_drawn_on() {
    let mut faint = Vec::new();
    for depth in [Depth::True, Depth::Ansi256] {
        for theme in painting(depth) {
            let least_of_texts = if theme.name == "high-contrast" {
                7.0
            } else {
                READABLE
            };
            for (role, word, _) in ROLES {
                let least = match role {
                    Role::Background | Role::Raised | Role::CodeBackground => continue,
                    // Lines and frames are no text (WCAG 1.4.11).
                    Role::Rule => 3.0,
                    _ => least_of_texts,
                };
                let fg = theme.style(role).fg.and_then(rgb).expect(word);
                let grounds = grounds_of(&theme, role);
                assert!(!grounds.is_empty(), "{}: {word}", theme.name);
                for ground in grounds {
                    let contrast = contrast(fg, ground);
                    if contrast < least {
                        faint.push(format!("{} {depth:?} {word} {contrast:.2}", theme.name));
                    }
                }
            }
        }
    }
    assert!(faint.is_empty(), "{faint:#?}");
}

#[test]
fn the_colours_of_code_are_read_on_every_ground_of_code() {
    let mut faint = Vec::new();
    for depth in [Depth::True, Depth::Ansi256] {
        for theme in painting(depth) {
            let grounds = theme.code_grounds();
            let colours = Highlighter::new(&theme).colours();
            assert!(colours.len() > 3, "{}: {}", theme.name, colours.len());
            for colour in colours {
                let colour = rgb(colour).expect("a colour of its own");
                for ground in &grounds {
                    let contrast = contrast(colour, *ground);
                    if contrast < theme.contrast {
                        faint.push(format!("{} {depth:?} {colour:?} {contrast:.2}", theme.name));
                    }
                }
            }
        }
    }
    assert!(faint.is_empty(), "{faint:#?}");
}

#[test]
fn what_is_chosen_or_lies_over_the_screen_is_told_from_it() {
    for depth in [Depth::True, Depth::Ansi256] {
        for theme in painting(depth) {
            let chosen = ground(&theme, Role::Selection);
            for under in theme.grounds() {
                let contrast = contrast(chosen, under);
                assert!(contrast >= 1.15, "{} {depth:?}: {contrast:.2}", theme.name);
            }
        }
    }
}

#[test]
fn code_in_a_sentence_does_not_look_removed() {
    let hue = |[r, g, b]: Rgb| {
        let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
        (3.0_f32.sqrt() * (g - b))
            .atan2(2.0 * r - g - b)
            .to_degrees()
    };
    for depth in [Depth::True, Depth::Ansi256] {
        for theme in painting(depth) {
            let hue_of = |role| hue(theme.style(role).fg.and_then(rgb).expect("a colour"));
            let apart = (hue_of(Role::Code) - hue_of(Role::Removed)).rem_euclid(360.0);
            let apart = apart.min(360.0 - apart);
            assert!(apart >= 45.0, "{} {depth:?}: {apart}", theme.name);
        }
    }
    for theme in BUILT_IN.map(|(name, _)| Theme::load(name, None, Depth::Ansi16).expect("loads")) {
        let [code, removed] = [Role::Code, Role::Removed].map(|role| theme.style(role).fg);
        assert_ne!(code, removed, "{}", theme.name);
    }
}

#[test]
fn sixteen_colours_and_none_paint_no_ground_of_their_own() {
    let terminal = Theme::load("terminal", None, Depth::Ansi16).expect("loads");
    for depth in [Depth::Ansi16, Depth::None] {
        for theme in painting(depth) {
            if theme.name == "high-contrast" && depth == Depth::Ansi16 {
                assert_eq!(theme.style(Role::Background).bg, Some(Color::Black));
                assert_eq!(theme.style(Role::Text).fg, Some(Color::White));
                continue;
            }
            for role in [Role::Background, Role::Raised, Role::CodeBackground] {
                assert_eq!(theme.style(role), Style::new(), "{} {role:?}", theme.name);
            }
            if depth == Depth::Ansi16 {
                assert_eq!(theme.styles, terminal.styles, "{}", theme.name);
                assert_eq!(theme.syntax, terminal.syntax, "{}", theme.name);
            }
        }
    }
}
