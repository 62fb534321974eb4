//! The one target of integration tests: a module per subject.

#![expect(
    clippy::expect_used,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "a test that cannot go on should stop where it stands"
)]

mod attack;
mod catalog;
mod cli;
mod commands;
mod completing;
#[cfg(target_os = "linux")]
mod crash;
mod git_forms;
mod hostile;
mod house;
mod indexing;
mod json;
mod models;
mod patches;
mod pty;
mod pull;
mod repository;
mod seal;
mod settings;
mod tiny;

/// Says that a test is left out, past what catches the output of tests; where `CI` is set, none
/// may be.
fn left_out(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "left out: {why}");
    assert!(std::env::var_os("CI").is_none(), "left out: {why}");
}
