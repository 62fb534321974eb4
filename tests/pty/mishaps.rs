//! What goes wrong on the way, and what is said of it where the eye is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use super::project::{GREET, Project};
use super::sitting::{PATCH, READY, leave, open, say, slow};
use super::terminal::{Manner, Terminal};

const ESC: &str = "\x1b";
const MODEL: &str = r#"{"model":{"name":"script","context":8192,"rates":[200.0,20.0]}}"#;

/// A terminal in which files are edited by a script.
fn edited_by(folder: &tempfile::TempDir, script: &str) -> Manner {
    let editor: PathBuf = folder.path().join("edit.sh");
    std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("set");
    Manner::with((100, 40), "EDITOR", editor.display().to_string())
}

fn esc(terminal: &mut Terminal) {
    terminal.send(ESC);
    // With what comes right behind it, it is Alt.
    terminal.settle(Duration::from_millis(500));
}

fn patched(project: &Project, manner: &Manner) -> Terminal {
    let mut terminal = open(project, &[MODEL, PATCH, PATCH].join("\n"), manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    say(&mut terminal, "/patch make it louder in @src/greet.rs");
    terminal.wait("the patch", 20, |text| text.contains("1 file, 2 hunks"));
    terminal.wait("its keys", 5, |text| text.contains("Enter apply"));
    terminal
}

#[test]
fn what_is_left_of_a_patch_stays_open_with_what_was_typed_into_it() {
    let project = Project::new();
    let folder = tempfile::tempdir().expect("a folder");
    let manner = edited_by(&folder, "sed -i 's/Bye, {name}!/Bye bye, {name}/' \"$1\"");
    let mut terminal = patched(&project, &manner);
    // Its request is told from a question.
    assert!(terminal.text().contains("/patch make it louder"));
    terminal.send("a");
    terminal.wait("the mark", 5, |text| text.contains("1 of 2"));
    terminal.send("e");
    terminal.wait("the edit", 10, |text| text.contains("Bye bye, {name}"));
    assert!(terminal.text().contains("1 of 2"), "the mark stays");
    terminal.send("\r");
    terminal.wait("it to be written", 10, |text| {
        text.contains("1 of 2 written, 1 open")
    });
    let one = GREET.replace("\"Hello, {name}\"", "\"Hello, {name}!\"");
    assert_eq!(project.read("src/greet.rs"), one);
    assert!(terminal.text().contains("Bye bye, {name}"));
    esc(&mut terminal);
    say(&mut terminal, "/undo");
    terminal.wait("it to be taken back", 10, |text| {
        text.contains("put back as before")
    });
    assert_eq!(project.read("src/greet.rs"), GREET);
    // All of it is open again; F6 goes to it.
    terminal.send("\x1b[17~");
    terminal.settle(Duration::from_millis(300));
    terminal.send("A");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\r");
    terminal.wait("all to be written", 10, |text| text.contains("applied"));
    let both = one.replace("\"Bye, {name}\"", "\"Bye bye, {name}\"");
    assert_eq!(project.read("src/greet.rs"), both);
    // An undecided patch is asked about at the end.
    leave(&mut terminal);
}

#[test]
fn what_fails_is_said_beside_the_hunk() {
    let project = Project::new();
    let mut terminal = patched(&project, &Manner::with((80, 24), "EDITOR", "nosuchedit"));
    terminal.send("e");
    terminal.wait("the word about it", 10, |text| text.contains("nosuchedit"));
    // The same lines are others by now.
    let other = GREET.replace("\"Hello, {name}\"", "\"Good day, {name}\"");
    project.write("src/greet.rs", &other);
    terminal.settle(Duration::from_millis(500));
    terminal.send("A");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\r");
    terminal.wait("why not", 10, |text| text.contains("has changed since"));
    assert_eq!(project.read("src/greet.rs"), other);
    project.write("src/greet.rs", GREET);
    terminal.settle(Duration::from_millis(500));
    terminal.send("\r");
    terminal.wait("it to be written", 10, |text| text.contains("applied"));
    // What was changed elsewhere since stays when it is taken back; what was changed there does not go.
    let now = project.read("src/greet.rs");
    project.write(
        "src/greet.rs",
        &now.replace("//! Says hello.", "//! Says hello and more."),
    );
    terminal.settle(Duration::from_millis(500));
    esc(&mut terminal);
    say(&mut terminal, "/undo");
    terminal.wait("it to be taken back", 10, |text| {
        text.contains("put back as before")
    });
    let back = GREET.replace("//! Says hello.", "//! Says hello and more.");
    assert_eq!(project.read("src/greet.rs"), back);
}

#[test]
fn names_are_taken_as_they_are_typed() {
    let project = Project::new();
    project.write("src/long name.rs", "pub fn other() {}\n");
    project.stage();
    let answers = r#"{"when":"what","steps":[{"text":"So it is."}],"repeat":true}"#;
    let manner = Manner {
        size: (120, 40),
        ..Manner::default()
    };
    let mut terminal = open(&project, &[MODEL, answers].join("\n"), &manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    // A folder is offered, and what is typed in full is sent by one Enter.
    terminal.send("what is in @sr");
    terminal.wait("the folder", 10, |text| text.contains("src/ "));
    terminal.send("c/");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\r");
    terminal.wait("the answer", 20, |text| text.contains("So it is."));
    assert!(
        terminal.text().contains("what is in @src/"),
        "{}",
        terminal.text()
    );
    // A range is typed right behind a completion, and a definition is named.
    terminal.send("what is @gree");
    terminal.wait("the rows", 10, |text| {
        text.contains("src/greet.rs") && text.contains("greet  ")
    });
    terminal.send("t.rs");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\t:4-6");
    terminal.wait("the range", 10, |text| text.contains("@src/greet.rs:4-6"));
    // The popup shows the beginning of what it names.
    terminal.send("\x15@greet.r");
    terminal.wait("its lines", 10, |text| text.contains("//! Says hello."));
    terminal.send("\x15");
    // What is nowhere is said, and so is what lies outside.
    say(&mut terminal, "what is @../x and @src/nope.rs");
    terminal.wait("the words about it", 20, |text| {
        text.contains("outside") && text.contains("nope.rs")
    });
    terminal.settle(Duration::from_millis(500));
    // Pins are listed and counted.
    say(&mut terminal, "/pin src/greet.rs:4-6");
    terminal.wait("the count", 10, |text| text.contains("1 pinned"));
    say(&mut terminal, "/pin");
    terminal.wait("the list", 10, |text| {
        text.matches("src/greet.rs:4-6").count() > 1
    });
    leave(&mut terminal);
}

#[test]
fn a_slip_costs_neither_the_model_nor_the_text() {
    let project = Project::new();
    let mut terminal = open(
        &project,
        &[MODEL, &slow("why")].join("\n"),
        &Manner::default(),
    );
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    say(&mut terminal, "/model strater");
    terminal.wait("the word about it", 10, |text| text.contains("strater"));
    assert!(terminal.text().contains(" script "), "the model stays");
    terminal.send("\x15");
    say(&mut terminal, "/model nosuch/thing.gguf");
    terminal.wait("why not", 10, |text| text.contains("thing.gguf"));
    terminal.wait("the model", 10, |text| text.contains(" script "));
    terminal.send("\x15");
    // Esc puts a text away, and Up brings it back.
    terminal.send("a long question about much");
    terminal.wait("the text", 5, |text| text.contains("about much"));
    esc(&mut terminal);
    terminal.wait("it to go", 5, |text| text.contains(READY));
    terminal.send("\x1b[A");
    terminal.wait("it to come back", 5, |text| text.contains("about much"));
    terminal.send("\x15");
    // Commands are found by their words, words in what is shown.
    terminal.send("\x1bOQ");
    terminal.wait("the palette", 5, |text| text.contains("commands and keys"));
    terminal.send("doctor\r");
    terminal.wait("the report", 30, |text| {
        text.contains("the seal") || text.contains("memory")
    });
    esc(&mut terminal);
    terminal.wait("it to close", 5, |text| text.contains(READY));
    say(&mut terminal, "why so?");
    terminal.wait("the answer to begin", 20, |text| {
        text.contains("It begins.")
    });
    esc(&mut terminal);
    terminal.wait("the answer to stop", 10, |text| text.contains("stopped"));
    terminal.send("\x1bOR");
    terminal.settle(Duration::from_millis(300));
    terminal.send("begins");
    terminal.wait("the place", 5, |text| text.contains("1 of 1"));
    esc(&mut terminal);
    leave(&mut terminal);
}
