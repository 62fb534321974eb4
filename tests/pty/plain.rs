//! A sitting in lines: for screen readers, and for terminals that only print.

use super::project::{GREET, Project};
use super::sitting::{PATCH, REVIEW};
use super::terminal::{Manner, Terminal};

/// Types a line, once it is asked for.
fn say(terminal: &mut Terminal, line: &str) {
    terminal.send(&format!("{line}\n"));
}

fn open(project: &Project, script: &str, args: &[&str], term: &str) -> Terminal {
    let engine = project.script(script);
    let manner = Manner {
        size: (80, 60),
        env: vec![("TERM", term.to_owned())],
        ..Manner::default()
    };
    let args = [&["--engine", engine.as_str()], args].concat();
    let mut terminal = Terminal::start(&project.path(), &args, &manner);
    terminal.wait("the prompt", 20, |text| text.trim_end().ends_with('>'));
    terminal
}

#[test]
fn a_sitting_in_lines_moves_no_cursor() {
    let project = Project::new();
    let ask = r#"{"when":"greets","steps":[{"text":"By **greet** [1].\nIt greets."}]}"#;
    let script = [ask, PATCH, REVIEW].join("\n");
    let mut terminal = open(&project, &script, &["--plain-ui"], "xterm-256color");

    say(&mut terminal, "who greets in @src/greet.rs?");
    terminal.wait("the answer and the prompt", 20, |text| {
        text.contains("It greets.") && text.contains("source 1: src/greet.rs")
    });

    // One hunk is taken, the other is not.
    say(&mut terminal, "/patch make it louder in @src/greet.rs");
    terminal.wait("the first hunk", 20, |text| text.contains("hunk 1 of 2"));
    terminal.wait("its question", 10, |text| text.contains("take it?"));
    say(&mut terminal, "y");
    terminal.wait("the second hunk", 10, |text| text.contains("hunk 2 of 2"));
    say(&mut terminal, "n");
    terminal.wait("it to be written", 10, |text| {
        text.contains("/undo takes it back")
    });
    assert_eq!(
        project.read("src/greet.rs"),
        GREET.replace("\"Hello, {name}\"", "\"Hello, {name}!\"")
    );
    say(&mut terminal, "/undo");
    terminal.wait("it to be taken back", 10, |text| {
        text.contains("put back as before")
    });

    project.write("src/greet.rs", &GREET.replace("> 20", "> 2"));
    project.stage();
    say(&mut terminal, "/review");
    terminal.wait("the finding", 20, |text| {
        text.contains("1. warning, src/greet.rs:15: everybody is long now")
    });
    // Bytes that are no text end nothing.
    terminal.send_bytes(b"what \xff greets?\n");
    terminal.wait("what was made of it", 20, |text| {
        text.contains("no further answer")
    });
    say(&mut terminal, "/help");
    terminal.wait("help", 10, |text| text.contains("Commands:"));
    terminal.wait("its end", 10, |text| text.trim_end().ends_with('>'));
    let help = String::from_utf8_lossy(terminal.raw()).into_owned();
    for word in ["/stage stages", "/commit commits", "yf and nf"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(!help.contains("Esc"), "there are no keys: {help}");
    terminal.send("\x04");
    assert_eq!(terminal.ended(20), 0);

    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    let raw = raw.split("left with").next().unwrap_or_default();
    assert!(!raw.contains('\x1b'), "{raw:?}");
    assert!(!raw.contains(['─', '│', '❯', '━']), "{raw}");
}

#[test]
fn ctrl_c_stops_and_a_dumb_terminal_gets_lines_by_itself() {
    let project = Project::new();
    let script = r#"{"when":"greets","steps":[{"text":"It begins.\n"},{"wait_ms":60000}]}"#;
    let mut terminal = open(&project, script, &[], "dumb");
    assert!(terminal.text().contains("since TERM is dumb"));
    say(&mut terminal, "what greets?");
    terminal.wait("the answer to begin", 20, |text| {
        text.contains("It begins.")
    });
    terminal.send("\x03");
    terminal.wait("it to stop", 10, |text| text.contains("stopped"));
    terminal.wait("the prompt again", 10, |text| {
        text.trim_end().ends_with('>')
    });
    terminal.send("\x04");
    assert_eq!(terminal.ended(20), 0);
}

/// Where a patch is written in lines, git is given it in lines too.
#[test]
fn what_is_written_is_staged_and_committed_in_lines() {
    let project = Project::new();
    let repo = git2::Repository::open(project.path()).expect("opened");
    let mut config = repo.config().expect("its settings");
    config.set_str("user.name", "A").expect("set");
    config.set_str("user.email", "a@example.com").expect("set");
    let message = r#"{"when":"Commit message:","steps":[{"text":"Greet louder"}]}"#;
    let script = [PATCH, message].join("\n");
    let engine = project.script(&script);
    let manner = Manner {
        size: (80, 60),
        env: vec![("EDITOR", "true".to_owned())],
        ..Manner::default()
    };
    let args = ["--engine", engine.as_str(), "--plain-ui"];
    let mut terminal = Terminal::start(&project.path(), &args, &manner);
    terminal.wait("the prompt", 20, |text| text.trim_end().ends_with('>'));
    say(&mut terminal, "/stage");
    terminal.wait("that there is nothing", 10, |text| {
        text.contains("nothing is applied yet")
    });
    say(&mut terminal, "/patch make it louder in @src/greet.rs");
    terminal.wait("the first hunk", 20, |text| text.contains("hunk 1 of 2"));
    terminal.wait("its question", 10, |text| text.contains("take it?"));
    say(&mut terminal, "n");
    terminal.wait("the second", 10, |text| text.contains("hunk 2 of 2"));
    // A decision can be made anew, and the help of it names all that there is.
    say(&mut terminal, "1");
    terminal.wait("the first once more", 10, |text| {
        text.contains("src/greet.rs, line 2, not taken so far") || text.contains("not taken so far")
    });
    say(&mut terminal, "?");
    terminal.wait("the words", 10, |text| text.contains("/stage stages"));
    say(&mut terminal, "yf");
    terminal.wait("it to be written", 10, |text| {
        text.contains("/undo takes it back")
    });
    say(&mut terminal, "/stage");
    terminal.wait("it to be staged", 10, |text| {
        text.contains("staged: src/greet.rs")
    });
    say(&mut terminal, "/commit");
    terminal.wait("the commit", 30, |text| text.contains(": Greet louder"));
    let head = repo.head().expect("a head").peel_to_commit().expect("it");
    assert_eq!(head.message(), Ok("Greet louder\n"));
    terminal.send("\x04");
    assert_eq!(terminal.ended(20), 0);
}

#[test]
fn lines_are_broken_at_words_by_the_width_of_the_terminal() {
    let project = Project::new();
    let words = "homebody reads whole sentences ".repeat(12);
    let code = format!("    let a = \\\"{}\\\";", "x".repeat(90));
    let script =
        format!(r#"{{"when":"greets","steps":[{{"text":"{words}\n\n```rust\n{code}\n```\n"}}]}}"#);
    let mut terminal = open(&project, &script, &["--plain-ui"], "xterm-256color");
    say(&mut terminal, "what greets?");
    terminal.wait("the end", 20, |text| text.matches("```").count() == 2);
    let raw = String::from_utf8_lossy(terminal.raw()).replace('\r', "");
    let told: Vec<&str> = raw
        .lines()
        .filter(|line| line.contains("sentences"))
        .collect();
    assert!(told.len() > 3, "{raw}");
    for line in told {
        assert!(line.len() <= 80, "{line}");
        assert!(line.split(' ').all(|word| words.contains(word)), "{line}");
    }
    assert!(raw.contains(&"x".repeat(90)), "code is as it is: {raw}");
    terminal.send("\x04");
    assert_eq!(terminal.ended(20), 0);
}
