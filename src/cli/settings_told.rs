//! Everything there is to say of a setting, in one table: `config`, its JSON, the file that
//! `config edit` begins with, and the manual are made from it.

use std::path::Path;

use serde_json::{Value, json};

use super::start::Wiring;
use crate::app::keymap::TABLE;
use crate::app::{Keymap, Place};
use crate::base::Config;
use crate::base::config::{KEYS, Key, Origin};

/// The key of the table of keys.
const KEYS_KEY: &str = "keys";

/// A setting with all that there is to say of it.
pub(super) struct Told {
    /// The whole name.
    pub(super) name: String,
    /// A sentence about it.
    pub(super) help: &'static str,
    /// The values it takes, in words.
    pub(super) takes: String,
    /// The values it takes, where they can be told one by one.
    pub(super) choices: Vec<String>,
    /// The value in force as TOML; empty where nothing is set.
    pub(super) value: String,
    /// The built-in value as TOML; empty where nothing is set at first.
    pub(super) built_in: String,
    /// The origin of the value in force.
    pub(super) origin: Origin,
    /// The row of the table of settings.
    pub(super) key: &'static Key,
    /// For keys of an action, the place where they are pressed.
    pub(super) place: Option<&'static str>,
}

impl Told {
    /// Tells whether the value is another than the built-in one, or is set to it by somebody.
    pub(super) fn is_changed(&self) -> bool {
        self.origin != Origin::Default
    }

    /// The setting as a line of TOML.
    pub(super) fn line(&self) -> String {
        if self.value.is_empty() {
            format!("# {} is not set", self.name)
        } else {
            format!("{} = {}", self.name, self.value)
        }
    }

    /// The value in force as a program reads it; null where nothing is set.
    pub(super) fn json_value(&self) -> Value {
        as_json(&self.value)
    }

    /// The setting as JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "type": "setting",
            "key": self.name,
            "value": self.json_value(),
            "default": as_json(&self.built_in),
            "value_type": self.key.type_word(),
            "unit": self.key.unit(),
            "choices": if self.choices.is_empty() { Value::Null } else { json!(self.choices) },
            "takes": self.takes,
            "about": self.help,
            "environment": self.key.environment,
            "by_repository": self.key.by_repository,
            "origin": {
                "from": self.origin.word(),
                "file": self.origin.file().map(|file| file.display().to_string()),
                "line": self.origin.line(),
                "variable": match self.origin {
                    Origin::Environment(name) => Some(name),
                    _ => None,
                },
            },
        })
    }
}

/// A value of TOML as JSON; null for none.
fn as_json(text: &str) -> Value {
    let table: Result<toml::Table, _> = toml::from_str(&format!("x = {text}"));
    let value = table.ok().and_then(|mut table| table.remove("x"));
    value.map_or(Value::Null, |value| json!(value))
}

/// Tells every setting but the keys of actions, in the order of the table.
pub(super) fn settings(config: &Config, themes: &[String]) -> Vec<Told> {
    let all = config.entries();
    let of = |key: &'static Key| {
        let (_, value, origin) = all.iter().find(|(name, ..)| name == key.name)?;
        let mut choices: Vec<String> = key.choices().into_iter().map(str::to_owned).collect();
        let mut takes = key.kind();
        if key.name == "theme" && !themes.is_empty() {
            choices = themes.to_vec();
            choices.insert(0, "auto".to_owned());
            takes = choices.join(", ");
        }
        Some(Told {
            name: key.name.to_owned(),
            help: key.help,
            takes,
            choices,
            value: value.clone(),
            built_in: key.built_in(),
            origin: origin.clone(),
            key,
            place: None,
        })
    };
    KEYS.iter().filter_map(of).collect()
}

/// Tells the keys of every action, by place.
pub(super) fn keys(config: &Config) -> Vec<Told> {
    let Some(key) = KEYS.iter().find(|key| key.name == KEYS_KEY) else {
        return Vec::new();
    };
    let (keymap, _) = Keymap::with(&config.keys.value);
    let mut all = Vec::new();
    for (place, heading) in Place::ALL {
        for entry in TABLE.iter().filter(|entry| entry.place == place) {
            // A default may be taken by another action that the user gave it to.
            let bound = keymap.keys(entry.action);
            let stands =
                |text: &&&str| crate::app::Key::parse(text).is_some_and(|key| bound.contains(&key));
            let (value, origin) = match config.keys.value.get(entry.name) {
                Some(own) => (list(own), config.keys_from.get(entry.name).cloned()),
                None => (list(entry.keys.iter().filter(stands)), None),
            };
            all.push(Told {
                name: format!("{KEYS_KEY}.{}", entry.name),
                help: entry.about,
                takes: "keys such as \"ctrl-x\", \"alt-enter\", \"f1\"; [] for none".to_owned(),
                choices: Vec::new(),
                value,
                built_in: list(entry.keys),
                origin: origin.unwrap_or(Origin::Default),
                key,
                place: Some(heading),
            });
        }
    }
    all
}

/// Texts as a list of TOML.
fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    toml::Value::from(items).to_string()
}

/// Finds what the screen would complain about: a theme that is not there, keys of no action, keys
/// that are none.
pub(super) fn complaints(
    config: &Config,
    wiring: Wiring,
    folder: &Path,
) -> Vec<crate::base::Failure> {
    let mut found = Vec::new();
    if config.theme.value != "auto" {
        let near = near_theme(&config.theme.value, &(wiring.theme_names)(folder));
        found.extend(
            (wiring.check_theme)(&config.theme.value, folder)
                .err()
                .map(|failure| {
                    let all = failure.next_step().map(|all| format!(" ({all})"));
                    match near {
                        Some(near) => failure
                            .clone()
                            .hint(format!("did you mean `{near}`?{}", all.unwrap_or_default())),
                        None => failure,
                    }
                }),
        );
    }
    found.extend(Keymap::with(&config.keys.value).1);
    found
}

/// The theme that was meant by a name that is none.
fn near_theme(name: &str, themes: &[String]) -> Option<String> {
    themes
        .iter()
        .map(|theme| (strsim::damerau_levenshtein(theme, name), theme))
        .filter(|(distance, theme)| (1..=theme.len() / 3).contains(distance))
        .min()
        .map(|(_, theme)| theme.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_and_every_action_is_told_with_what_it_takes() {
        let config = Config::default();
        let told = settings(&config, &["dark".to_owned()]);
        assert_eq!(told.len() + 1, KEYS.len(), "all but the keys of actions");
        for one in &told {
            assert!(
                one.help.ends_with('.') && !one.takes.is_empty(),
                "{}",
                one.name
            );
            assert!(!one.is_changed(), "{}", one.name);
            assert!(one.json().get("default").is_some());
        }
        let theme = told.iter().find(|one| one.name == "theme").expect("told");
        assert_eq!(theme.choices, ["auto", "dark"]);
        let keys = keys(&config);
        assert_eq!(keys.len(), TABLE.len());
        assert!(
            keys.iter()
                .any(|one| one.line() == "keys.send = [\"enter\"]")
        );
    }

    #[test]
    fn a_key_that_was_given_away_is_not_told_twice() {
        let mut config = Config::default();
        let file = Path::new("/c.toml");
        let wrong = config.add_user_text("# x\n[keys]\nnew-line = [\"enter\"]\n", file);
        assert!(wrong.is_empty());
        let keys = keys(&config);
        let line = |name: &str| keys.iter().find(|one| one.name == name).expect("told");
        assert_eq!(line("keys.send").line(), "keys.send = []");
        assert_eq!(line("keys.new-line").origin.line(), Some(3));
    }
}
