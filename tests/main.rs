//! The one target of integration tests: a module per subject.

#![expect(
    clippy::expect_used,
    clippy::string_slice,
    reason = "a test that cannot go on should stop where it stands"
)]

mod attack;
mod catalog;
mod cli;
mod commands;
#[cfg(target_os = "linux")]
mod crash;
mod hostile;
mod house;
mod indexing;
mod models;
mod patches;
mod pty;
mod pull;
mod repository;
mod seal;
mod tiny;
