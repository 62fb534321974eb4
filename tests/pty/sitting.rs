//! A whole sitting with a scripted engine, and what may happen on the way.

use std::time::Duration;

use super::project::{GREET, Project};
use super::terminal::{Manner, Terminal};

const ESC: &str = "\x1b";
const ENTER: &str = "\r";
const CTRL_C: &str = "\x03";

/// What the empty composer says.
pub const READY: &str = "ask, or / for commands, @ for files";

/// An answer that takes so long that a test comes in between.
pub fn slow(when: &str) -> String {
    let text = "word ".repeat(400);
    format!(
        r#"{{"when":"{when}","steps":[{{"text":"It begins. "}},{{"stream":{{"text":"{text}","every_ms":50}}}}]}}"#
    )
}

pub const PATCH: &str = r#"{"when":"louder","steps":[{"text":"Both get an exclamation mark.\n\n*** replace src/greet.rs\n<<<<<<<\n    format!(\"Hello, {name}\")\n=======\n    format!(\"Hello, {name}!\")\n>>>>>>>\n\n*** replace src/greet.rs\n<<<<<<<\n    format!(\"Bye, {name}\")\n=======\n    format!(\"Bye, {name}!\")\n>>>>>>>\n\n*** end\n"}]}"#;

pub const REVIEW: &str = r#"{"when":"letters(name) > 2","steps":[{"text":"src/greet.rs:15: warning: bug: everybody is long now\n>     letters(name) > 2\nNobody has a name of two letters, so this is always true.\n"}]}
{"when":"Somebody says","steps":[{"text":"with any name\nVerdict: stands\n"}]}"#;

/// Types a line and sends it.
pub fn say(terminal: &mut Terminal, line: &str) {
    terminal.send(line);
    // The line is seen before it is sent: a popup that is still to open would take Enter.
    let typed = line.split_whitespace().last().unwrap_or(line).to_owned();
    terminal.wait("what was typed", 10, |text| text.contains(&typed));
    terminal.settle(Duration::from_millis(100));
    terminal.send(ENTER);
}

/// Ctrl-C twice, and the end.
pub fn leave(terminal: &mut Terminal) {
    terminal.send(CTRL_C);
    terminal.wait("the question to end", 10, |text| {
        text.contains("once more ends")
    });
    terminal.send(CTRL_C);
    assert_eq!(terminal.ended(20), 0);
}

/// The binary with a script, up to its first frame with the script loaded.
pub fn open(project: &Project, lines: &str, manner: &Manner) -> Terminal {
    let engine = project.script(lines);
    let mut terminal = Terminal::start(&project.path(), &["--engine", &engine], manner);
    terminal.wait("the first frame", 20, |text| text.contains(READY));
    terminal.wait("the model", 20, |text| text.contains(" script "));
    terminal
}

#[test]
fn a_whole_sitting() {
    let project = Project::new();
    let script = [
        r#"{"model":{"name":"script","context":8192,"rates":[200.0,20.0]}}"#,
        &slow("greets"),
        r#"{"when":"again","steps":[{"expect":"pub fn greet"},{"text":"By `greet` [1]."}]}"#,
        PATCH,
        REVIEW,
    ]
    .join("\n");
    let mut terminal = open(&project, &script, &Manner::default());

    // A mention is completed, the answer stopped.
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    terminal.send("who greets in @gre");
    terminal.wait("the popup", 10, |text| text.contains("src/greet.rs"));
    terminal.send("\t");
    terminal.wait("the mention", 10, |text| text.contains("@src/greet.rs"));
    terminal.send(ENTER);
    terminal.wait("the answer to begin", 20, |text| {
        text.contains("It begins. word")
    });
    terminal.send(ESC);
    terminal.wait("the answer to stop", 10, |text| text.contains("stopped"));

    // What was stopped leaves nothing behind.
    say(&mut terminal, "and once again?");
    terminal.wait("the second answer", 20, |text| {
        text.contains("By greet [1].")
    });

    // One of two hunks is taken.
    say(&mut terminal, "/patch make it louder in @src/greet.rs");
    terminal.wait("the patch", 20, |text| text.contains("1 file, 2 hunks"));
    terminal.wait("its keys", 5, |text| text.contains("Enter apply"));
    terminal.send("n");
    terminal.send("a");
    terminal.wait("one hunk accepted", 5, |text| text.contains("1/2"));
    terminal.send(ENTER);
    terminal.wait("it to be written", 10, |text| {
        text.contains("1 of 2 written, 1 open")
    });
    let one = GREET.replace("\"Hello, {name}\"", "\"Hello, {name}!\"");
    let other = GREET.replace("\"Bye, {name}\"", "\"Bye, {name}!\"");
    let now = project.read("src/greet.rs");
    assert!(now == one || now == other, "one hunk and no other:\n{now}");

    terminal.send(ESC);
    terminal.settle(Duration::from_millis(500));
    say(&mut terminal, "/undo");
    terminal.wait("it to be taken back", 10, |text| {
        text.contains("put back as before")
    });
    assert_eq!(project.read("src/greet.rs"), GREET);

    // A review of what is staged now; its finding is opened.
    project.write("src/greet.rs", &GREET.replace("> 20", "> 2"));
    project.stage();
    say(&mut terminal, "/review");
    terminal.wait("the finding", 20, |text| {
        text.contains("everybody is long now")
    });
    terminal.wait("the review's end", 20, |text| {
        text.contains("1 finding") && !text.contains("so far")
    });
    terminal.send(ENTER);
    terminal.wait("code and reason", 10, |text| {
        text.contains("always true") && text.contains("pub fn is_long")
    });

    leave(&mut terminal);
}

#[test]
fn nothing_that_a_terminal_fails_to_send_takes_the_keys_away() {
    let project = Project::new();
    let mut terminal = open(&project, PATCH, &Manner::default());
    let mut shown = String::new();
    for (sent, text) in [
        // A paste without an end.
        ("\x1b[200~abc", "abc"),
        ("d", "d"),
        // Half a sequence, and an answer to a question about colours that comes late.
        ("\x1b[", ""),
        ("e", "e"),
        ("\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\", ""),
        ("f", "f"),
        // All is drawn anew, and the terminal is asked nothing that it need not answer.
        ("\x0c", ""),
        ("g", "g"),
    ] {
        terminal.send(sent);
        shown.push_str(text);
        if text.is_empty() {
            terminal.settle(Duration::from_millis(500));
        }
        let typed = format!("❯ {shown}");
        terminal.wait(&typed, 10, |screen| {
            screen.lines().any(|line| line.trim_end() == typed)
        });
    }
    let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
    assert!(!raw.contains("\x1b[6n"), "it asks where the cursor is");
    leave(&mut terminal);
}

#[test]
fn the_size_changes_while_it_streams() {
    let project = Project::new();
    let mut terminal = open(&project, &slow("greets"), &Manner::default());
    say(&mut terminal, "what greets?");
    terminal.wait("the answer to begin", 20, |text| {
        text.contains("It begins. word")
    });
    for (columns, rows) in [(120, 40), (40, 12), (10, 3), (200, 60), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.settle(Duration::from_millis(250));
    }
    terminal.wait("a whole screen again", 10, |text| {
        text.contains("It begins.") && text.contains("writing") && text.contains("script ·")
    });
    terminal.send(ESC);
    terminal.wait("the answer to stop", 10, |text| text.contains("stopped"));
    leave(&mut terminal);
}

#[test]
fn without_colour_none_is_sent() {
    let project = Project::new();
    for env in [
        vec![
            ("TERM", "xterm-256color".to_owned()),
            ("NO_COLOR", "1".to_owned()),
        ],
        vec![("TERM", "linux".to_owned()), ("NO_COLOR", "1".to_owned())],
    ] {
        let manner = Manner {
            env,
            ..Manner::default()
        };
        let mut terminal = open(
            &project,
            "\"Fine: `x`.\\n\\n```rust\\nfn x() {}\\n```\"",
            &manner,
        );
        say(&mut terminal, "what greets?");
        terminal.wait("the answer", 20, |text| text.contains("fn x() {}"));
        leave(&mut terminal);
        let coloured = colours(terminal.raw());
        assert!(
            coloured.is_empty(),
            "{:?} sends colours: {coloured:?}",
            manner.env
        );
    }
}

#[test]
fn a_console_of_sixteen_colours_gets_no_more() {
    let project = Project::new();
    let manner = Manner {
        env: vec![("TERM", "linux".to_owned())],
        ..Manner::default()
    };
    let mut terminal = open(&project, "\"Fine: `x`.\"", &manner);
    say(&mut terminal, "what greets?");
    terminal.wait("the answer", 20, |text| text.contains("Fine"));
    leave(&mut terminal);
    let many: Vec<String> = colours(terminal.raw())
        .into_iter()
        .filter(|code| {
            code.contains("38;2;")
                || code.contains("48;2;")
                || code.starts_with("38") && !is_low(code)
        })
        .collect();
    assert!(many.is_empty(), "{many:?}");
}

/// Whether a code names one of the sixteen colours: `38;5;N`, and no `38;2;R;G;B`.
fn is_low(code: &str) -> bool {
    let mut numbers = code.split(';').skip(1).map(str::parse::<u8>);
    numbers.next() == Some(Ok(5)) && matches!(numbers.next(), Some(Ok(0..16)))
}

/// The codes for colours that were sent.
fn colours(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    for piece in text.split("\x1b[").skip(1) {
        let Some(end) = piece.find(|c: char| !c.is_ascii_digit() && c != ';') else {
            continue;
        };
        let code = &piece[..end];
        let first: u16 = code
            .split(';')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let is_colour = matches!(first, 30..=38 | 40..=48 | 90..=97 | 100..=107);
        if piece[end..].starts_with('m') && is_colour {
            found.push(code.to_owned());
        }
    }
    found
}
