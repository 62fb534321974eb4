//! Everything there is to say of a setting, in one table: the screen's form, `config`, its JSON,
//! the file that `config edit` begins with, and the manual are made from it.

use std::collections::BTreeMap;

use super::keymap::{Keymap, Place, TABLE};
use crate::base::config::{KEYS, Key, Origin};
use crate::base::{Config, Failure, Result};

/// All settings as they are in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The settings, keys of actions last.
    pub rows: Vec<Told>,
    /// Keys of actions that the user has set.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The user's own file, for people.
    pub file: String,
    /// The first thing that is wrong in it, if anything is.
    pub trouble: Option<String>,
}

/// The key of the table of keys.
const KEYS_KEY: &str = "keys";

/// A setting with all that there is to say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The whole name.
    pub name: String,
    /// A sentence about it.
    pub help: &'static str,
    /// The values it takes, in words.
    pub takes: String,
    /// The values it takes, where they can be told one by one.
    pub choices: Vec<String>,
    /// The value in force as TOML; empty where nothing is set.
    pub value: String,
    /// The built-in value as TOML; empty where nothing is set at first.
    pub built_in: String,
    /// The origin of the value in force.
    pub origin: Origin,
    /// The row of the table of settings.
    pub key: &'static Key,
    /// For keys of an action, the place where they are pressed.
    pub place: Option<&'static str>,
}

impl Told {
    /// Tells whether the value is another than the built-in one, or is set to it by somebody.
    pub fn is_changed(&self) -> bool {
        self.origin != Origin::Default
    }

    /// The setting as a line of TOML.
    pub fn line(&self) -> String {
        if self.value.is_empty() {
            format!("# {} is not set", self.name)
        } else {
            format!("{} = {}", self.name, self.value)
        }
    }

    /// Tells whether it is switched on and off.
    pub fn is_flag(&self) -> bool {
        self.choices == ["true", "false"]
    }

    /// The value in force as one types it: a text without quotes.
    pub fn as_typed(&self) -> String {
        let bare = self.value.trim();
        let inner = bare
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) if !inner.contains(['"', '\\']) => inner.to_owned(),
            _ => bare.to_owned(),
        }
    }
}

/// Tells every setting but the keys of actions, in the order of the table.
pub fn settings(config: &Config, themes: &[String]) -> Vec<Told> {
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
pub fn keys(config: &Config) -> Vec<Told> {
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
                |text: &&&str| super::key::Key::parse(text).is_some_and(|key| bound.contains(&key));
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

/// The key of a name, be it a setting or `keys.ACTION`.
///
/// # Errors
/// Of kind config, with the nearest name.
pub fn known(name: &str) -> Result<&'static Key> {
    let failure = match Key::find(name) {
        Ok(key) if key.name != KEYS_KEY => return Ok(key),
        Ok(key) => {
            let only = std::iter::once((name.trim_start_matches("keys.").to_owned(), Vec::new()));
            match Keymap::with(&only.collect()).1.into_iter().next() {
                None => return Ok(key),
                Some(failure) => failure,
            }
        }
        Err(failure) if TABLE.iter().any(|entry| entry.name == name) => {
            failure.hint(format!("did you mean `keys.{name}`?"))
        }
        Err(failure) => failure,
    };
    match failure.next_step() {
        Some(_) => Err(failure),
        None => Err(failure.hint("`homebody config` lists them all")),
    }
}

/// Reads a value that was typed into the screen's form, as TOML, and checks all that can be checked
/// without looking at files. A list is typed as words, or as TOML.
///
/// # Errors
/// Of kind config, saying what the setting takes.
pub fn value_typed(name: &str, typed: &str) -> Result<String> {
    let key = known(name)?;
    let typed = typed.trim();
    let is_list = key.type_word().starts_with("list");
    let words: Vec<String> = if is_list && !typed.starts_with('[') {
        typed.split_whitespace().map(str::to_owned).collect()
    } else {
        vec![typed.to_owned()]
    };
    let value = key.typed(name, &words)?;
    check_alone(name, &value, std::path::Path::new("config.toml"))?;
    Ok(value)
}

/// Checks a value as the only one of a file.
///
/// # Errors
/// Of kind config, for what the file or the table of keys would complain about.
pub fn check_alone(name: &str, value: &str, file: &std::path::Path) -> Result<Config> {
    let mut alone = Config::default();
    let mut wrong = alone.add_user_text(&format!("{name} = {value}"), file);
    wrong.extend(Keymap::with(&alone.keys.value).1);
    wrong.into_iter().next().map_or(Ok(alone), Err)
}

/// The theme that was meant by a name that is none.
pub fn near_theme(name: &str, themes: &[String]) -> Option<String> {
    themes
        .iter()
        .map(|theme| (strsim::damerau_levenshtein(theme, name), theme))
        .filter(|(distance, theme)| (1..=theme.len() / 3).contains(distance))
        .min()
        .map(|(_, theme)| theme.clone())
}

/// Says that a theme does not load, with the nearest name where one was meant.
pub fn theme_failure(failure: Failure, name: &str, themes: &[String]) -> Failure {
    let all = failure.next_step().map(|all| format!(" ({all})"));
    match near_theme(name, themes) {
        Some(near) => failure.hint(format!("did you mean `{near}`?{}", all.unwrap_or_default())),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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

    #[test]
    fn what_is_typed_is_checked_as_config_set_does() {
        for (name, typed, value) in [
            ("threads", " 4 ", "4"),
            ("theme", "dark", "\"dark\""),
            ("vim", "true", "true"),
            ("exclude", "*.min.js dist/", "[\"*.min.js\", \"dist/\"]"),
            ("exclude", "[\"a b\"]", "[\"a b\"]"),
            ("keys.send", "ctrl-s f5", "[\"ctrl-s\", \"f5\"]"),
            ("keys.send", "[]", "[]"),
        ] {
            assert_eq!(value_typed(name, typed).expect(name), value, "{name}");
        }
        for (name, typed) in [
            ("threads", "many"),
            ("vim", "perhaps"),
            ("color", "red"),
            ("keys.send", "hyper-x"),
            ("nosuch", "1"),
        ] {
            assert!(value_typed(name, typed).is_err(), "{name}");
        }
    }

    #[test]
    fn a_text_is_typed_without_quotes() {
        let told = settings(&Config::default(), &[]);
        let theme = told.iter().find(|one| one.name == "theme").expect("told");
        assert_eq!(theme.as_typed(), "auto");
        let vim = told.iter().find(|one| one.name == "vim").expect("told");
        assert!(vim.is_flag() && vim.as_typed() == "false");
    }
}
