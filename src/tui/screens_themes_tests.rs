//! Every theme on screens with most of what is drawn: all cells have its ground, and all texts are
//! read on it.

use ratatui::style::Color;

use super::*;
use crate::app::Overlay;
use crate::tui::color::{contrast, rgb};

/// Screens with most of what is drawn.
fn screens(theme: &Theme) -> Vec<(&'static str, Screen)> {
    let ready = || {
        let mut screen = Screen::ready(SMALL);
        screen.view.set_theme(theme.clone());
        screen.view.highlighter().open();
        screen
    };
    let mut answer = ready();
    answered(&mut answer, ANSWER);
    let mut patch = ready();
    planned(&mut patch);
    patch.keys(&["a"]);
    let mut found = ready();
    answered(&mut found, ANSWER);
    found.keys(&["tab", "/"]);
    found.text("walk");
    let mut help = ready();
    help.keys(&["?"]);
    let mut slash = ready();
    slash.text("/");
    let mut picker = ready();
    picker.event(Event::Themes(Theme::names(None)));
    picker.say("/theme");
    assert!(matches!(picker.state.overlay, Some(Overlay::Themes(_))));
    let mut panel = ready();
    answered(&mut panel, ANSWER);
    panel.keys(&["ctrl-o"]);
    vec![
        ("answer", answer),
        ("patch", patch),
        ("found", found),
        ("help", help),
        ("slash", slash),
        ("picker", picker),
        ("panel", panel),
    ]
}

#[test]
fn every_theme_paints_all_of_the_screen_and_is_readable_there() {
    let mut faint = std::collections::BTreeSet::new();
    for name in Theme::names(None) {
        for depth in [Depth::True, Depth::Ansi256] {
            let theme = Theme::load(&name, None, depth).expect("loads");
            let paints = theme.ground().is_some();
            assert_eq!(paints, name != "terminal", "{name}");
            for (what, mut screen) in screens(&theme) {
                let buffer = screen.measure();
                for (at, cell) in buffer.content.iter().enumerate() {
                    if !paints {
                        assert_eq!(cell.bg, Color::Reset, "{name} {what} {at}");
                        continue;
                    }
                    let bg = rgb(cell.bg).unwrap_or_else(|| {
                        panic!("{name} {what}: no ground at {} of row {}", at % 80, at / 80)
                    });
                    if cell.symbol().trim().is_empty() {
                        continue;
                    }
                    let fg = rgb(cell.fg).expect("a text has a colour");
                    let is_rule = Some(cell.fg) == theme.style(Role::Rule).fg;
                    let least = if is_rule { 3.0 } else { 4.5 };
                    if contrast(fg, bg) < least {
                        let shown = contrast(fg, bg);
                        faint.insert(format!(
                            "{name} {depth:?} {what} {:?} {fg:?} on {bg:?} {shown:.2}",
                            cell.symbol()
                        ));
                    }
                }
            }
        }
    }
    assert!(faint.is_empty(), "{faint:#?}");
}

#[test]
fn without_colours_no_ground_is_painted() {
    for name in Theme::names(None) {
        let theme = Theme::load(&name, None, Depth::None).expect("loads");
        for (what, mut screen) in screens(&theme) {
            let buffer = screen.measure();
            for cell in &buffer.content {
                let colours = (cell.fg, cell.bg);
                assert_eq!(colours, (Color::Reset, Color::Reset), "{name} {what}");
            }
        }
    }
}

#[test]
fn the_choice_of_a_theme_shows_a_sample() {
    let mut screen = Screen::ready(SMALL);
    screen.event(Event::Themes(Theme::names(None)));
    screen.say("/theme");
    seen!("themes", screen.looks());
    screen.resize(40, 12);
    seen!("themes_narrow", screen.picture());
}
