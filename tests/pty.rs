//! The real binary in a real terminal: whole sittings, and how it is left.
#![cfg(unix)]

mod back;
mod committing;
mod consent;
mod endings;
mod folding;
mod mishaps;
mod notices;
mod plain;
mod project;
mod resuming;
mod settings;
mod sitting;
mod starter;
mod terminal;
