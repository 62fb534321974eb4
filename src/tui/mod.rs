//! Floor 6: the terminal. ratatui and crossterm live here and nowhere else.
//!
//! Law: one ring, one direction: Event → State → Command → worker → Event. What is drawn
//! depends on State, the theme and the size alone. Nothing reaches the terminal that has not
//! passed through `base::text::printable`.

mod answer;
mod clipboard;
pub mod color;
mod composer;
#[cfg(any(not(unix), test))]
mod console_input;
mod diff;
mod divider;
mod draw;
mod editor;
mod engine_thread;
mod export_file;
mod find;
mod frame;
pub mod highlight;
mod history;
mod indexer;
mod input;
mod io_worker;
#[cfg(target_os = "linux")]
mod last_words;
pub mod markdown;
mod model_picker;
mod model_rows;
mod notice;
mod opening;
mod overlay;
pub mod pacer;
mod panel;
mod panes;
mod panic_watch;
#[cfg(unix)]
mod paste;
mod plain;
mod reports;
mod review;
mod run;
mod session_picker;
mod settings;
mod settings_form;
mod shared;
mod signals;
mod status;
pub mod stream;
pub mod styled_rows;
mod terminal;
#[cfg(unix)]
mod terminal_input;
mod text;
pub mod theme;
mod theme_picker;
mod toast;
mod transcript;
pub mod view;
mod watcher;
mod welcome;
pub mod width;
mod workers;
pub mod wrap;

use std::path::{Path, PathBuf};

use crate::base::seal::Sealed;
use crate::base::{Config, Places, RepoPath, Result};
use crate::registry::Puller;

/// The things the screen is started with; everything else it finds out behind its first frame.
#[derive(Debug)]
pub struct Start {
    /// The folder to open.
    pub dir: PathBuf,
    /// The user's folders.
    pub places: Places,
    /// Defaults, user file, environment and command line.
    pub config: Config,
    /// A script to play instead of a model (`--engine script:FILE`).
    pub script: Option<PathBuf>,
    /// The process that may download, started before the seal; none where it could not be.
    pub puller: Option<Puller>,
    /// The state of the seal.
    pub sealed: Sealed,
    /// A session to go on with; `Some("")` for the last one.
    pub resume: Option<String>,
    /// Files and folders that all is narrowed to; empty for the whole repository.
    pub within: Vec<RepoPath>,
}

/// Runs the terminal UI until the user quits, and gives the id of the conversation that can be gone
/// on with. The terminal is left as it was found, whatever happens.
pub fn run(start: Start) -> Result<Option<String>> {
    if start.config.plain_ui.value {
        return plain::run(start, None);
    }
    // Such a terminal, as the shell in Emacs is one, shows what would draw a screen as letters.
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        let why = "in lines (--plain-ui), since TERM is dumb: this terminal draws no screen";
        return plain::run(start, Some(why));
    }
    run::run(start)
}

/// Opens a file in the user's editor and waits. The terminal is the caller's to lend.
///
/// # Errors
/// Of kind environment, if the editor cannot be started or ends with a failure.
pub fn edit_file(file: &Path) -> Result<()> {
    editor::edit(file)
}

/// Checks that there is a theme of that name, and that its file is as it should be; `folder` holds
/// the user's own.
///
/// # Errors
/// Of kind config, as the screen tells it.
pub fn check_theme(name: &str, folder: &Path) -> Result<()> {
    theme::Theme::load(name, Some(folder), color::Depth::True).map(|_| ())
}

/// The names of all themes; `folder` holds the user's own.
pub fn theme_names(folder: &Path) -> Vec<String> {
    theme::Theme::names(Some(folder))
}

#[cfg(test)]
#[path = "screens_tests.rs"]
mod screens;
