//! The settings in force, and the user's file of them: read anew, checked, written.

use super::color::Depth;
use super::opening::theme_file;
use super::shared::Shared;
use super::theme::Theme;
use crate::app::settings::{self as told, Settings};
use crate::base::config::Origin;
use crate::base::places::write_private;
use crate::base::text::printable;
use crate::base::{Config, Failure, Places, Result, config_edit, memory};
use crate::jobs::choose_model;
use crate::registry::{Catalog, Store};

/// All settings as they would be in force at a start now; what the command line said stays said.
pub fn all(shared: &Shared) -> Result<Settings> {
    let (places, workspace) = (&shared.places, &shared.workspace);
    let file = places.settings();
    let mut config = Config::default();
    let mut wrong = match Config::read_user_file(&file) {
        Ok(Some(text)) => config.add_user_text(&text, &file),
        Ok(None) => Vec::new(),
        Err(failure) => vec![failure],
    };
    let variables = config.add_environment(&|name| std::env::var(name).ok());
    wrong.extend(variables.err());
    config.add_kept_theme(&places.theme());
    config.add_repo_file(workspace.repo.root())?;
    let themes = Theme::names(Some(&places.config.join("themes")));
    let mut rows = told::settings(&config, &themes);
    rows.extend(told::keys(&config));
    for (name, value, origin) in workspace.config.entries() {
        if origin == Origin::CommandLine
            && let Some(row) = rows.iter_mut().find(|row| row.name == name)
        {
            (row.value, row.origin) = (value, origin);
        }
    }
    Ok(Settings {
        rows,
        keys: config.keys.value,
        file: printable(&file.display().to_string()).into_owned(),
        trouble: wrong.first().map(ToString::to_string),
    })
}

/// Sets a setting in the user's file, or takes it out, as `homebody config` does; returns the
/// settings as they are then.
///
/// # Errors
/// Of kind config for a value that the setting does not take, and for a file that is no TOML: it
/// stays as it is.
pub fn save(shared: &Shared, name: &str, value: Option<&str>) -> Result<Settings> {
    let file = shared.places.settings();
    let text = Config::read_user_file(&file)?.unwrap_or_default();
    let new = match value {
        Some(typed) => {
            let value = told::value_typed(name, typed)?;
            check(shared, &told::check_alone(name, &value, &file)?, name)?;
            config_edit::set(&text, name, &value)?
        }
        None => config_edit::unset(&text, name)?
            .ok_or_else(|| Failure::config(format!("{name} is not set in {}", file.display())))?,
    };
    Config::write_user_file(&file, &new)?;
    all(shared)
}

/// Keeps a theme that was chosen on the screen: in the user's file where that names one, which would
/// win otherwise, else in a file of the screen's own.
pub fn keep_theme(places: &Places, name: &str) -> Result<()> {
    let file = places.settings();
    // A file that cannot be read as settings says nothing of themes.
    let text = Config::read_user_file(&file)
        .ok()
        .flatten()
        .unwrap_or_default();
    let mut config = Config::default();
    config.add_user_text(&text, &file);
    if matches!(config.theme.origin, Origin::User(..))
        && let Ok(value) = told::value_typed("theme", name)
    {
        return Config::write_user_file(&file, &config_edit::set(&text, "theme", &value)?);
    }
    write_private(&theme_file(places), name.as_bytes())
}

/// Checks what names something outside of the settings: a theme, a model.
fn check(shared: &Shared, alone: &Config, name: &str) -> Result<()> {
    let places = &shared.places;
    if name == "theme" && alone.theme.value != "auto" {
        let folder = places.config.join("themes");
        let theme = &alone.theme.value;
        if let Err(failure) = Theme::load(theme, Some(&folder), Depth::True) {
            let themes = Theme::names(Some(&folder));
            return Err(told::theme_failure(failure, theme, &themes));
        }
    }
    if name == "model"
        && let Some(model) = &alone.model.value
    {
        let catalog = Catalog::load(&places.config)?;
        let store = Store::new(places.models());
        choose_model(Some(model), &catalog, &store, memory::available())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_kept_where_it_counts_at_the_next_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let [config, data, cache, state] =
            ["config", "data", "cache", "state"].map(|name| dir.path().join(name));
        let places = Places {
            config,
            data,
            cache,
            state,
        };
        let kept = || std::fs::read_to_string(theme_file(&places)).unwrap_or_default();
        let file = places.settings();
        let own = || std::fs::read_to_string(&file).unwrap_or_default();
        keep_theme(&places, "nord").expect("kept");
        assert_eq!((kept().as_str(), own().as_str()), ("nord", ""));
        Config::write_user_file(&file, "theme = \"dark\" # mine\n").expect("written");
        keep_theme(&places, "light").expect("kept");
        assert_eq!(own(), "theme = \"light\" # mine\n");
        Config::write_user_file(&file, "threads = 2\n").expect("written");
        keep_theme(&places, "pastel").expect("kept");
        assert_eq!(
            (kept().as_str(), own().as_str()),
            ("pastel", "threads = 2\n")
        );
    }
}
