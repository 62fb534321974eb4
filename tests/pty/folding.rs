//! A conversation that is longer than the model's window, and a paste that is.

use std::process::Command;
use std::time::Duration;

use super::project::Project;
use super::sitting::{READY, leave, open, say};
use super::terminal::{Manner, Terminal};

const CTRL_O: &str = "\x0f";

/// A model with a small window that says much, whatever it is asked.
fn script() -> String {
    let answer = "It greets whoever it is told to. ".repeat(90);
    format!(
        "{{\"model\":{{\"name\":\"script\",\"context\":4096}}}}\n\
         {{\"steps\":[{{\"text\":\"{answer}\"}}],\"repeat\":true}}"
    )
}

fn asked(terminal: &mut Terminal, number: usize) {
    say(terminal, &format!("who is greeted in number{number}?"));
    terminal.wait("the answer", 20, |text| {
        text.contains(READY) && !text.contains("Esc stops") && text.contains("told to.")
    });
    terminal.settle(Duration::from_millis(700));
}

#[test]
fn it_goes_on_past_the_window_on_the_screen_and_on_the_command_line() {
    let project = Project::new();
    let state = tempfile::tempdir().expect("a folder");
    let manner = Manner::with(
        (100, 40),
        "XDG_STATE_HOME",
        state.path().display().to_string(),
    );
    let mut terminal = open(&project, &script(), &manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    for number in 1..=7 {
        asked(&mut terminal, number);
        assert!(
            !terminal.text().contains("does not fit"),
            "{}",
            terminal.text()
        );
    }
    for _ in 0..3 {
        terminal.send("\x1b[5~");
        terminal.settle(Duration::from_millis(200));
        if terminal.text().contains("folded: ") {
            break;
        }
    }
    assert!(terminal.text().contains("folded: "), "{}", terminal.text());
    say(&mut terminal, "/compact greets");
    terminal.wait("another fold", 10, |text| text.contains("/full undoes it"));
    terminal.send(CTRL_O);
    terminal.wait("what was folded", 10, |text| {
        text.contains("Question: who is greeted")
    });
    terminal.send(CTRL_O);
    // A message that is longer than the window stays in the composer.
    terminal.send(&format!(
        "\x1b[200~{}\x1b[201~",
        "a line of a log\n".repeat(1_500)
    ));
    terminal.wait("the paste", 10, |text| text.contains("[pasted 1,500 lines"));
    terminal.wait("its tokens", 10, |text| text.contains("6,000 tokens]"));
    terminal.send("\r");
    terminal.wait("the reason", 10, |text| {
        text.contains("too long: it has 6,000 tokens") && text.contains("[pasted 1,500 lines")
    });
    terminal.send("\x7f");
    terminal.wait("an empty composer", 10, |text| !text.contains("[pasted"));
    leave(&mut terminal);
    let mut home = Command::new(env!("CARGO_BIN_EXE_homebody"));
    let out = home
        .args([
            "--engine",
            &project.script(&script()),
            "ask",
            "--continue",
            "and who is it?",
        ])
        .current_dir(project.path())
        .env("HOME", state.path())
        .env("XDG_STATE_HOME", state.path())
        .env("XDG_CACHE_HOME", state.path())
        .env("XDG_CONFIG_HOME", state.path())
        .env("XDG_DATA_HOME", state.path())
        .output()
        .expect("run");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{told}");
    assert!(!told.contains("does not fit"), "{told}");
}
