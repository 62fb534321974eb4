//! Settings as programs read them, and what the screen would complain about.

use std::path::Path;

use serde_json::{Value, json};

use super::start::Wiring;
use crate::app::Keymap;
pub(super) use crate::app::settings::{Told, keys, known, settings};
use crate::base::Config;
use crate::base::config::Origin;

/// The value in force as a program reads it; null where nothing is set.
pub(super) fn json_value(one: &Told) -> Value {
    as_json(&one.value)
}

/// The setting as JSON.
pub(super) fn json_of(one: &Told) -> Value {
    json!({
        "type": "setting",
        "key": one.name,
        "value": json_value(one),
        "default": as_json(&one.built_in),
        "value_type": one.key.type_word(),
        "unit": one.key.unit(),
        "choices": if one.choices.is_empty() { Value::Null } else { json!(one.choices) },
        "takes": one.takes,
        "about": one.help,
        "environment": one.key.environment,
        "by_repository": one.key.by_repository,
        "origin": {
            "from": one.origin.word(),
            "file": one.origin.file().map(|file| file.display().to_string()),
            "line": one.origin.line(),
            "variable": match one.origin {
                Origin::Environment(name) => Some(name),
                _ => None,
            },
        },
    })
}

/// A value of TOML as JSON; null for none.
fn as_json(text: &str) -> Value {
    let table: Result<toml::Table, _> = toml::from_str(&format!("x = {text}"));
    let value = table.ok().and_then(|mut table| table.remove("x"));
    value.map_or(Value::Null, |value| json!(value))
}

/// Finds what the screen would complain about: a theme that is not there, keys of no action, keys
/// that are none.
pub(super) fn complaints(
    config: &Config,
    wiring: Wiring,
    folder: &Path,
) -> Vec<crate::base::Failure> {
    let mut found = Vec::new();
    let theme = &config.theme.value;
    if theme != "auto"
        && let Err(failure) = (wiring.check_theme)(theme, folder)
    {
        let themes = (wiring.theme_names)(folder);
        found.push(crate::app::settings::theme_failure(failure, theme, &themes));
    }
    found.extend(Keymap::with(&config.keys.value).1);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_told_to_programs_with_its_default() {
        for one in settings(&Config::default(), &["dark".to_owned()]) {
            assert!(json_of(&one).get("default").is_some(), "{}", one.name);
        }
    }
}
