//! Settings changed on the screen: written to the user's file, in force at once where that can be.

use std::fs;
use std::time::Duration;

use super::project::Project;
use super::sitting::{leave, open, say};
use super::terminal::{Manner, Terminal};

const SCRIPT: &str = r#"{"model":{"name":"script","context":8192}}"#;

/// Types, and then takes it: together they would look like a paste.
fn take(terminal: &mut Terminal, text: &str) {
    terminal.send(text);
    terminal.settle(Duration::from_millis(300));
    terminal.send("\r");
}

#[test]
fn settings_are_changed_in_a_form_and_the_file_keeps_its_comments() {
    let project = Project::new();
    let config = tempfile::tempdir().expect("a folder");
    let file = config.path().join("homebody/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, "# mine\nthreads = 2 # enough\n").expect("written");
    let manner = Manner::with(
        (100, 40),
        "XDG_CONFIG_HOME",
        config.path().display().to_string(),
    );
    let mut terminal = open(&project, SCRIPT, &manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    say(&mut terminal, "/settings");
    terminal.wait("the form", 10, |text| text.contains("Enter changes it"));
    take(&mut terminal, "threads");
    terminal.wait("the value", 10, |text| text.contains("threads = 2"));
    take(&mut terminal, "x");
    terminal.wait("the refusal", 10, |text| text.contains("whole number"));
    take(&mut terminal, "\x153");
    terminal.wait("the word", 10, |text| text.contains("from the next start"));
    assert_eq!(
        fs::read_to_string(&file).expect("there"),
        "# mine\nthreads = 3 # enough\n"
    );
    // A theme is painted at once: its ground is sent to the terminal.
    take(&mut terminal, "\x15the theme");
    terminal.wait("the choices", 10, |text| text.contains("Enter takes it"));
    take(&mut terminal, "solarized-light");
    terminal.wait("the word", 10, |text| text.contains("from now on"));
    terminal.settle(Duration::from_millis(300));
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    assert!(raw.contains("48;2;253;246;227"), "the ground is painted");
    let text = fs::read_to_string(&file).expect("there");
    assert!(text.contains("theme = \"solarized-light\""), "{text}");
    // Taken back, and a file that is no TOML stays as it is.
    terminal.send("\x15threads");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\x1b[3~");
    terminal.wait("the word", 10, |text| text.contains("is taken out"));
    let text = fs::read_to_string(&file).expect("there");
    assert!(
        text.starts_with("# mine\n") && !text.contains("threads"),
        "{text}"
    );
    fs::write(&file, "threads = = 2\n").expect("written");
    terminal.send("\r");
    terminal.wait("the value", 10, |text| text.contains("threads = "));
    take(&mut terminal, "\x154");
    terminal.wait("the refusal", 10, |text| text.contains("is no TOML"));
    assert_eq!(fs::read_to_string(&file).expect("there"), "threads = = 2\n");
    terminal.send("\x1b");
    terminal.settle(Duration::from_millis(600));
    terminal.send("\x1b");
    terminal.settle(Duration::from_millis(600));
    leave(&mut terminal);
}
