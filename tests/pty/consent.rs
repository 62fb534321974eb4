//! Where no model is here, it is asked before one is fetched, and the answer is kept to.

use std::path::Path;

use super::project::Project;
use super::terminal::{Manner, Terminal};

/// Asks a question where there is neither a model nor a hub nor Python, and answers the one that
/// comes. Gives the exit code and what stands on the screen.
fn asked(keys: &str, args: &[&str]) -> (u32, String) {
    let project = Project::new();
    let programs = tempfile::tempdir().expect("a folder");
    for name in ["sh", "stty", "sleep"] {
        let program = ["/bin", "/usr/bin"].map(|dir| Path::new(dir).join(name));
        let program = program.iter().find(|path| path.exists()).expect("there");
        std::os::unix::fs::symlink(program, programs.path().join(name)).expect("a link");
    }
    let mut manner = Manner {
        size: (120, 24),
        models: false,
        ..Manner::default()
    };
    manner.env.extend([
        ("PATH", programs.path().display().to_string()),
        ("HF_ENDPOINT", "http://127.0.0.1:9".to_owned()),
    ]);
    let mut terminal = Terminal::start(&project.path(), args, &manner);
    terminal.wait("the question", 20, |text| text.contains("[Y/n"));
    terminal.send(keys);
    let code = terminal.ended(20);
    (code, terminal.text())
}

#[test]
fn a_no_fetches_nothing_and_says_what_to_type() {
    for keys in ["n\r", "what?\r", "\x04"] {
        let (code, text) = asked(keys, &["ask", "what greets?"]);
        assert_eq!(code, 2, "{text}");
        for part in [
            "no model is on this machine yet",
            "GB from Hugging Face",
            "data/homebody/models",
            "s for starter: tiny, ",
            "homebody models pull qwen3.5-",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("fetching"), "{text}");
    }
}

#[test]
fn an_interrupt_ends_the_question() {
    let (code, text) = asked("\x03", &["ask", "what greets?"]);
    assert_eq!(code, 130, "{text}");
    assert!(!text.contains("fetching"), "{text}");
}

/// What is agreed to is tried, and nothing else.
#[test]
fn a_yes_fetches_what_was_offered() {
    for (keys, fetched, not) in [
        ("\r", "fetching qwen3.5-", "fetching starter"),
        ("s\r", "fetching starter", "fetching qwen3.5-"),
    ] {
        let (code, text) = asked(keys, &["ask", "what greets?"]);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(fetched) && !text.contains(not), "{text}");
    }
    // Who named one is not offered another.
    let (code, text) = asked("y\r", &["--model", "qwen3-4b", "ask", "what greets?"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("fetching qwen3-4b") && !text.contains("s for starter"),
        "{text}"
    );
}
