//! The things the screen opens with: its theme, its options, the day.

use std::path::{Path, PathBuf};

use super::color::Depth;
use super::terminal;
use super::theme::Theme;
use super::{Start, history};
use crate::app::Options;
use crate::base::{Failure, Places};
use crate::jobs::Workspace;

/// The theme of that name, or the one that is always there and a warning.
pub fn load_theme(name: &str, folder: &Path, depth: Depth, warnings: &mut Vec<Failure>) -> Theme {
    let mut theme = Theme::load(name, Some(folder), depth).unwrap_or_else(|failure| {
        warnings.push(failure);
        Theme::fallback(depth)
    });
    theme.ascii = terminal::only_ascii();
    theme
}

/// The name of a folder as it is shown; the root of a file system has but its path.
pub fn folder_name(root: &Path) -> String {
    root.file_name().map_or_else(
        || root.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    )
}

/// The options of the state. `size`: columns and rows of the terminal.
pub fn options(
    start: &Start,
    workspace: &Workspace,
    folder: String,
    theme: String,
    size: (u16, u16),
) -> Options {
    let history = if workspace.config.save.value {
        history::load(&workspace.places.state)
    } else {
        Vec::new()
    };
    Options {
        folder,
        git: workspace.repo.is_git(),
        vim: workspace.config.vim.value,
        save: workspace.config.save.value,
        keys: workspace.config.keys.value.clone(),
        check: workspace.config.check.value.clone(),
        theme,
        sealed: start.sealed.clone(),
        no_pull: start
            .puller
            .is_none()
            .then(|| "the process that may use the network could not be started".to_owned()),
        resume: start.resume.clone(),
        within: start.within.clone(),
        history,
        size,
    }
}

/// Seconds since 1970; 0 where the clock stands before that.
pub fn today() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// The name of the theme to begin with; the terminal is asked where nothing else says it.
pub fn theme_wanted(workspace: &Workspace, depth: Depth) -> String {
    let set = &workspace.config.theme;
    if set.value != "auto" {
        return set.value.clone();
    }
    let light = depth != Depth::None && terminal::is_light();
    if light { "light" } else { "dark" }.to_owned()
}

/// The file that keeps the theme chosen on the screen.
pub(super) fn theme_file(places: &Places) -> PathBuf {
    places.theme()
}
