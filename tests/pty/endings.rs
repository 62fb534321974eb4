//! How the terminal is left when somebody else ends it, or nothing begins.

use super::project::Project;
use super::sitting::{open, say};
use super::terminal::{Manner, Terminal};

const STREAM: &str = r#"{"steps":[{"text":"It begins. "},{"wait_ms":60000}]}"#;

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_before() {
    let mut signals = vec![("TERM", 15), ("HUP", 1), ("QUIT", 3), ("ABRT", 6)];
    if cfg!(target_os = "linux") {
        // As from a file that is read in memory and was cut short.
        signals.push(("BUS", 7));
    }
    for (name, number) in signals {
        let project = Project::new();
        let mut terminal = open(&project, STREAM, &Manner::default());
        say(&mut terminal, "what greets?");
        terminal.wait("the answer to begin", 20, |text| {
            text.contains("It begins.")
        });
        terminal.signal(name);
        // The shell's word for an end by a signal.
        assert_eq!(terminal.ended(20), 128 + number, "{name}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_said_on_the_plain_screen() {
    let project = Project::new();
    let missing = project.path().join("nowhere");
    let mut terminal = Terminal::start(
        &project.path(),
        &["-C", &missing.display().to_string()],
        &Manner {
            size: (200, 24),
            ..Manner::default()
        },
    );
    assert_ne!(terminal.ended(20), 0);
    let text = terminal.text();
    assert!(text.contains("nowhere"), "{text}");
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    assert!(
        !raw.contains("\x1b[?1049h"),
        "the screen was taken all the same"
    );
}
