//! A sitting with the smallest real model, where it is installed. What it says is not judged,
//! only that the screen copes with it.

use super::project::{GREET, Project};
use super::sitting::{READY, leave, say};
use super::terminal::{Manner, Terminal, installed_models};

/// Enough for a machine that does much else.
const SECONDS: u64 = 420;

#[test]
fn a_sitting_with_the_starter_model() {
    if installed_models().is_none() {
        return crate::left_out("the starter is not installed (homebody models pull starter)");
    }
    let project = Project::new();
    let args = [
        "--model",
        "starter",
        "--budget",
        "200",
        "--ctx",
        "1024",
        "--temperature",
        "0",
    ];
    let mut terminal = Terminal::start(&project.path(), &args, &Manner::default());
    terminal.wait("the first frame", 20, |text| text.contains(READY));
    terminal.wait("the model", SECONDS, |text| text.contains("starter ·"));

    say(&mut terminal, "What does @src/greet.rs:4-6 do?");
    terminal.wait("the answer to be written", SECONDS, |text| {
        text.contains("writing")
    });
    terminal.send("\x1b");
    terminal.wait("the answer to stop", SECONDS, |text| {
        text.contains("stopped")
    });

    say(&mut terminal, "/patch say Hi in @src/greet.rs:4-6");
    // A model this small seldom writes an edit that can be used: either is an honest end.
    terminal.wait("a patch, or why there is none", SECONDS, |text| {
        text.contains("Enter apply") || text.contains("no change was planned")
    });
    assert_eq!(
        project.read("src/greet.rs"),
        GREET,
        "nothing is written without being asked"
    );

    leave(&mut terminal);
    assert_eq!(project.read("src/greet.rs"), GREET);
}
