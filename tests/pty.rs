//! The real binary in a real terminal: whole sittings, and how it is left.
#![cfg(unix)]

mod terminal;
