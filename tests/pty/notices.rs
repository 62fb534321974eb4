//! The notice of a long job that has ended while the window was not in focus.

use super::project::Project;
use super::sitting::{leave, open, say};
use super::terminal::Manner;

#[test]
fn a_long_job_that_nobody_watches_is_told_by_the_terminal_in_our_words() {
    let project = Project::new();
    // Longer than the ten seconds from which an end is told.
    let script = r#"{"when":"greets","steps":[{"wait_ms":10200},{"text":"A secret of yours."}]}"#;
    let mut manner = Manner::default();
    manner.env.extend([
        ("TERM_PROGRAM", "WezTerm".to_owned()),
        ("STY", String::new()),
        ("ZELLIJ", String::new()),
    ]);
    let mut terminal = open(&project, script, &manner);
    say(&mut terminal, "what greets?");
    terminal.send("\x1b[O");
    terminal.wait("the answer", 30, |text| text.contains("A secret of yours."));
    leave(&mut terminal);
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    let told = "\x1b]9;homebody: the answer is there\x07";
    assert_eq!(raw.matches(told).count(), 1);
    assert!(raw.contains("\x1b[?1004h") && raw.rfind("\x1b[?1004l") > raw.rfind("\x1b[?1004h"));
    // Movements of the mouse with no button down mean nothing, and are not asked for.
    assert!(!raw.contains("\x1b[?1003h"));
}
