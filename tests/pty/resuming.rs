//! Conversations that are ended by anything, and gone on with.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::project::Project;
use super::sitting::{PATCH, READY, REVIEW, leave, open, say, slow};
use super::terminal::{Manner, Terminal};

/// A large terminal, whose conversations outlive it in `state`.
fn manner(state: &Path) -> Manner {
    Manner::with((100, 60), "XDG_STATE_HOME", state.display().to_string())
}

/// The conversation, without what stands below it.
fn transcript(terminal: &Terminal) -> String {
    let text = terminal.text();
    let rows: Vec<&str> = text.lines().map(str::trim_end).collect();
    let rule = rows.iter().rposition(|row| row.starts_with("──"));
    let end = rule.expect("the rule above the composer");
    rows[..end].join("\n").trim().to_owned()
}

fn end_by(terminal: &mut Terminal, signal: &str) {
    if signal == "KILL" {
        terminal.killed();
    } else {
        terminal.signal(signal);
        terminal.ended(20);
    }
}

fn resumed(project: &Project, script: &str, state: &Path) -> Terminal {
    let engine = project.script(script);
    let args = ["--engine", &engine, "--resume"];
    let mut terminal = Terminal::start(&project.path(), &args, &manner(state));
    terminal.wait("the first frame", 20, |text| text.contains(READY));
    terminal.wait("the conversation", 20, |text| !text.contains("going on"));
    terminal
}

#[test]
fn a_conversation_comes_back_to_the_last_mark_after_any_end() {
    let model = r#"{"model":{"name":"script","context":8192,"rates":[200.0,20.0]}}"#;
    let script = [model, PATCH, REVIEW].join("\n");
    for end in ["KILL", "HUP"] {
        let project = Project::new();
        let state = tempfile::tempdir().expect("a folder");
        let mut terminal = open(&project, &script, &manner(state.path()));
        terminal.wait("the index", 20, |text| !text.contains("indexing"));
        project.write(
            "src/greet.rs",
            &project.read("src/greet.rs").replace("> 20", "> 2"),
        );
        project.stage();
        say(&mut terminal, "/review");
        terminal.wait("the finding", 20, |text| {
            text.contains("everybody is long now")
        });
        terminal.send("d");
        terminal.wait("the finding to go", 10, |text| text.contains("0 findings"));
        terminal.send("\x1b");
        // With what comes right behind it, it is Alt.
        terminal.settle(Duration::from_millis(500));
        say(&mut terminal, "/patch make them louder");
        terminal.wait("the patch", 20, |text| text.contains("Bye, {name}!"));
        terminal.send("a");
        terminal.wait("the mark", 10, |text| {
            text.contains("1 of 2") || text.contains('✓')
        });
        terminal.send("\x1b");
        terminal.settle(Duration::from_millis(500));
        let before = transcript(&terminal);
        end_by(&mut terminal, end);
        let mut terminal = resumed(&project, &script, state.path());
        terminal.wait("the same screen", 10, |text| text.contains("Bye, {name}!"));
        terminal.settle(Duration::from_millis(500));
        assert_eq!(transcript(&terminal), before, "{end}");
        leave(&mut terminal);
        assert!(
            terminal.text().contains("homebody --resume="),
            "{}",
            terminal.text()
        );
    }
}

#[test]
fn an_answer_that_is_being_written_is_there_but_for_two_seconds() {
    for end in ["KILL", "TERM", "HUP"] {
        let project = Project::new();
        let state = tempfile::tempdir().expect("a folder");
        let script = slow("greets");
        let mut terminal = open(&project, &script, &manner(state.path()));
        say(&mut terminal, "what greets?");
        let words = |text: &str| text.matches("word").count();
        terminal.wait("a good part of it", 30, |text| words(text) > 70);
        end_by(&mut terminal, end);
        let mut terminal = resumed(&project, &script, state.path());
        // Twenty words a second.
        terminal.wait("the answer", 10, |text| words(text) > 25);
        terminal.wait("its mark", 10, |text| text.contains("stopped"));
        // It belongs to the conversation that goes on.
        say(&mut terminal, "what greets?");
        terminal.wait("another answer", 20, |text| {
            text.matches("It begins.").count() == 2
        });
        terminal.send("\x1b");
        terminal.settle(Duration::from_millis(500));
        leave(&mut terminal);
    }
}

#[test]
fn a_conversation_that_is_open_is_not_taken_over_or_forgotten() {
    let project = Project::new();
    let state = tempfile::tempdir().expect("a folder");
    let script = "\"Fine.\"\n\"Fine.\"";
    let mut first = open(&project, script, &manner(state.path()));
    say(&mut first, "what greets?");
    first.wait("the answer", 20, |text| text.contains("Fine."));
    first.settle(Duration::from_millis(300));
    let engine = project.script(script);
    let args = ["--engine", &engine, "--resume"];
    let mut second = Terminal::start(&project.path(), &args, &manner(state.path()));
    second.wait("a word of it", 20, |text| {
        text.contains("open in another homebody")
    });
    leave(&mut second);
    let mut forget = Terminal::start(&project.path(), &["forget", "--yes"], &manner(state.path()));
    assert_eq!(forget.ended(20), 2);
    assert!(forget.text().contains("a homebody is running"));
    leave(&mut first);
    let kept = || {
        let all = fs::read_dir(state.path().join("homebody/repositories"));
        all.is_ok_and(|mut all| all.next().is_some())
    };
    assert!(kept());
    let mut forget = Terminal::start(&project.path(), &["forget", "--yes"], &manner(state.path()));
    assert_eq!(forget.ended(20), 0);
    assert!(!kept());
}

/// The files below a folder in which a word stands.
fn holding(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else if fs::read(&path).is_ok_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            text.contains(word)
        }) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_private_conversation_leaves_nothing_on_disk() {
    let project = Project::new();
    let home = tempfile::tempdir().expect("a folder");
    let mut manner = manner(home.path());
    for name in [
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "TMPDIR",
    ] {
        manner.env.push((name, home.path().display().to_string()));
    }
    let script = "\"The okapi greets.\"\n\"The quagga greets.\"";
    let mut terminal = open(&project, script, &manner);
    say(&mut terminal, "/private");
    terminal.wait("the mode", 10, |text| text.contains("private"));
    say(&mut terminal, "does an okapi greet?");
    terminal.wait("the answer", 20, |text| text.contains("The okapi greets."));
    say(&mut terminal, "/new");
    terminal.wait("another", 10, |text| !text.contains("okapi greets"));
    say(&mut terminal, "does a quagga greet?");
    terminal.wait("the answer", 20, |text| text.contains("The quagga greets."));
    terminal.settle(Duration::from_millis(300));
    leave(&mut terminal);
    assert_eq!(holding(home.path(), "okapi"), [""; 0]);
    assert!(holding(home.path(), "quagga").len() >= 2, "log and history");
}
