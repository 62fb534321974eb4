//! The composer: its text and cursor, its keys, its history, and what completes a word.
//!
//! Law: offsets are bytes between graphemes; nothing here knows the terminal.

pub mod complete;
pub mod composer;
pub mod history;
pub mod motion;
pub mod pastes;
pub mod places;
pub mod vim;
pub mod wrapped_rows;
