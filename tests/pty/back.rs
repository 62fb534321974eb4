//! Going back to an earlier question, and the branches that are left.

use std::process::Command;
use std::time::Duration;

use super::project::Project;
use super::sitting::{READY, leave, open, say};
use super::terminal::{Manner, Terminal};

const SCRIPT: &str = r#"{"model":{"name":"script","context":8192}}
{"when":"who greets","steps":[{"text":"The first one."}]}
{"when":"and who waves","steps":[{"text":"The second one."}]}
{"when":"and who bows","steps":[{"text":"The third one."}],"repeat":true}"#;

fn answered(terminal: &mut Terminal, question: &str, answer: &str) {
    say(terminal, question);
    terminal.wait("the answer", 20, |text| {
        text.contains(answer) && text.contains(READY)
    });
    terminal.settle(Duration::from_millis(300));
}

#[test]
fn an_earlier_question_is_asked_again_and_the_other_branch_is_listed() {
    let project = Project::new();
    let state = tempfile::tempdir().expect("a folder");
    let manner = Manner::with(
        (100, 40),
        "XDG_STATE_HOME",
        state.path().display().to_string(),
    );
    let mut terminal = open(&project, SCRIPT, &manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    answered(&mut terminal, "who greets?", "The first one.");
    answered(&mut terminal, "and who waves?", "The second one.");
    // As fast as a terminal sends it, and key by key.
    terminal.send("\x1b\x1b");
    terminal.wait("the choice", 10, |text| text.contains("Enter edits"));
    terminal.send("\x1b");
    terminal.wait("it to close", 10, |text| !text.contains("Enter edits"));
    for _ in 0..2 {
        terminal.send("\x1b");
        terminal.settle(Duration::from_millis(500));
    }
    terminal.wait("the choice", 10, |text| text.contains("Enter edits"));
    terminal.send("\r");
    terminal.wait("the question", 10, |text| text.contains("Esc leaves it"));
    terminal.send("\x15");
    answered(&mut terminal, "and who bows?", "The third one.");
    let text = terminal.text();
    assert!(text.contains("The first one."), "{text}");
    assert!(!text.contains("The second one."), "{text}");
    assert!(text.contains("a branch begins before"), "{text}");
    // Answered anew, it is asked once more of the model.
    say(&mut terminal, "/again");
    terminal.wait("the second branch", 20, |text| {
        text.contains("before “and who bows?”") && text.contains("The third one.")
    });
    terminal.settle(Duration::from_millis(300));
    // The first branch is gone on with from the list.
    say(&mut terminal, "/sessions");
    terminal.wait("the list", 10, |text| {
        text.contains("branch: and who bows? · who greets?")
    });
    assert_eq!(
        terminal
            .text()
            .matches("branch: and who bows? · who greets?")
            .count(),
        2
    );
    terminal.send("\x1b[F\r");
    terminal.wait("the first branch", 10, |text| {
        text.contains("The second one.")
    });
    leave(&mut terminal);
    let mut list = Command::new(env!("CARGO_BIN_EXE_homebody"));
    list.args(["sessions", "list"]).current_dir(project.path());
    for (name, value) in &manner.env {
        list.env(name, value);
    }
    let told = list.output().expect("it runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(
        told.matches("branch: and who bows? · who greets?").count(),
        2,
        "{told}"
    );
    assert_eq!(told.lines().count(), 3, "{told}");
}
