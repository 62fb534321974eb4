//! Settings from the user's file, the environment and the command line.

use super::args::Global;
use crate::base::{Config, Failure, Places, Result};

/// Reads the settings from the user's file, the environment and the command line.
pub(super) fn settings(places: &Places, global: &Global, theme: Option<String>) -> Result<Config> {
    let (config, wrong) = settings_as_far_as_they_go(places, global, theme);
    match wrong.into_iter().next() {
        Some(failure) => Err(failure),
        None => Ok(config),
    }
}

/// Reads the same, with all that is wrong in them.
pub(super) fn settings_as_far_as_they_go(
    places: &Places,
    global: &Global,
    theme: Option<String>,
) -> (Config, Vec<Failure>) {
    let mut config = Config::default();
    let file = places.settings();
    let mut wrong = match Config::read_user_file(&file) {
        Ok(Some(text)) => config.add_user_text(&text, &file),
        Ok(None) => Vec::new(),
        Err(failure) => vec![failure],
    };
    // A variable that is not set, or is no text, says nothing.
    wrong.extend(
        config
            .add_environment(&|name| std::env::var(name).ok())
            .err(),
    );
    config.add_command_line(global.overrides(theme));
    config.add_kept_theme(&places.theme());
    (config, wrong)
}
