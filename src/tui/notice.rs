//! Notices of the desktop, by the sequence that the terminal is known to understand.

use crate::base::config::NoticeChoice;
use crate::base::text::printable;

/// The sequence that shows a notice, or rings; empty where nothing is wanted. `var`: a variable of
/// the environment, empty where it is not set.
pub fn sequence(choice: NoticeChoice, text: &str, var: impl Fn(&str) -> String) -> String {
    // A semicolon would begin the next field.
    let text = printable(text).replace(';', ",");
    let plain = match choice {
        NoticeChoice::Off => return String::new(),
        NoticeChoice::Bell => Way::Bell,
        NoticeChoice::Osc9 => Way::Osc9,
        NoticeChoice::Osc777 => Way::Osc777,
        NoticeChoice::Auto => way(&var),
    };
    match plain {
        Way::Bell => "\x07".to_owned(),
        Way::Osc9 => format!("\x1b]9;{text}\x07"),
        Way::Osc777 => format!("\x1b]777;notify;homebody;{text}\x07"),
    }
}

/// A way to call somebody back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Bell,
    Osc9,
    Osc777,
}

/// The way that the terminal understands. A multiplexer passes on nothing but the bell unless its
/// user has said otherwise, which cannot be asked; it marks the window that rang.
fn way(var: &impl Fn(&str) -> String) -> Way {
    let inside = |name| !var(name).is_empty();
    let term = var("TERM");
    if inside("TMUX") || inside("STY") || inside("ZELLIJ") || term.starts_with("screen") {
        return Way::Bell;
    }
    let program = var("TERM_PROGRAM");
    let nine = ["iTerm.app", "WezTerm", "ghostty", "WarpTerminal"];
    if nine.contains(&program.as_str())
        || term.contains("kitty")
        || term.contains("ghostty")
        || inside("ConEmuPID")
    {
        return Way::Osc9;
    }
    if term.starts_with("foot") || term.starts_with("rxvt-unicode") || inside("VTE_VERSION") {
        return Way::Osc777;
    }
    Way::Bell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(choice: NoticeChoice, set: &[(&str, &str)]) -> String {
        sequence(choice, "homebody: done; all", |name| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map_or(String::new(), |(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_terminal_is_told_in_its_own_way() {
        let nine = "\x1b]9;homebody: done, all\x07";
        let other = "\x1b]777;notify;homebody;homebody: done, all\x07";
        for (set, expected) in [
            (&[("TERM", "xterm-kitty")][..], nine),
            (&[("TERM_PROGRAM", "WezTerm")], nine),
            (&[("VTE_VERSION", "7600")], other),
            (&[("TERM", "foot")], other),
            (&[("TERM", "xterm-256color")], "\x07"),
            (&[("TERM", "linux")], "\x07"),
            (&[("TMUX", "/tmp/x"), ("TERM_PROGRAM", "WezTerm")], "\x07"),
        ] {
            assert_eq!(told(NoticeChoice::Auto, set), expected, "{set:?}");
        }
        assert_eq!(told(NoticeChoice::Off, &[("TERM", "foot")]), "");
        assert_eq!(told(NoticeChoice::Osc9, &[("TMUX", "x")]), nine);
    }

    #[test]
    fn nothing_in_a_notice_is_obeyed() {
        let told = sequence(NoticeChoice::Osc9, "a\x07\x1b]0;b", |_| String::new());
        assert_eq!(told.matches('\x1b').count(), 1, "{told:?}");
        assert_eq!(told.matches('\x07').count(), 1, "{told:?}");
    }
}
