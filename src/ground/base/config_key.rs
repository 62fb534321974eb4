//! The kinds of values that keys of the configuration take: how each is read from a file or a
//! variable, written, and named in messages.

use super::config::{ColorChoice, Config, NoticeChoice};
use super::config_file::{Entry, Wrong};
use super::failure::{Failure, Result};
use super::path::RepoPath;
use super::setting::{Origin, Setting};

/// Leads to a setting in the configuration.
type At<T> = fn(&mut Config) -> &mut Setting<T>;

/// A key of the configuration. All that there is to say of it stands in one row of the table in
/// [`super::config`].
pub struct Key {
    /// The name, with dots between its parts.
    pub name: &'static str,
    /// The kind of its value, and the setting that holds it.
    pub(super) takes: Takes,
    /// True if the file of a repository may set it.
    pub by_repository: bool,
    /// The variable of the environment that sets it.
    pub environment: Option<&'static str>,
    /// A sentence about it.
    pub help: &'static str,
}

/// The kind of a value, with its limits and the setting that holds it.
pub(super) enum Takes {
    /// True or false.
    Flag(At<bool>),
    /// A count of `unit`, up to the number.
    Count(At<usize>, &'static str, u64),
    /// The same; nothing is set at first.
    Limit(At<Option<usize>>, &'static str, u64),
    /// Any whole number; nothing is set at first.
    Seed(At<Option<u64>>),
    /// A number from 0 to the last one; nothing is set at first.
    Number(At<Option<f32>>, f64),
    /// A time, in seconds.
    Seconds(At<f64>),
    /// A text that is not empty.
    Text(At<String>),
    /// A text; an empty one is none.
    OptionalText(At<Option<String>>),
    /// One of the choices of colours.
    Color(At<ColorChoice>),
    /// One of the choices of notices.
    Notice(At<NoticeChoice>),
    /// A path inside the repository.
    Path(At<String>),
    /// A list of texts.
    Texts(At<Vec<String>>),
    /// Globs: the user's replace the built-in ones, a repository's are added.
    Globs(At<Vec<String>>),
    /// A table of actions, each with its keys.
    Keys,
}

impl PartialEq for Key {
    /// No two rows have the same name.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Key {
    /// A key that only the user's own file sets; the rest of a row is said in the table.
    pub(super) const USERS: Self = Self {
        name: "",
        takes: Takes::Keys,
        by_repository: false,
        environment: None,
        help: "",
    };

    /// Says what the key takes, its unit with it.
    pub fn kind(&self) -> String {
        match self.takes {
            Takes::Flag(_) => "true or false".to_owned(),
            Takes::Count(_, unit, most) | Takes::Limit(_, unit, most) => {
                format!("{unit}, from 0 to {most}")
            }
            Takes::Seed(_) => "a whole number from 0".to_owned(),
            Takes::Number(_, most) => format!("a number from 0 to {most}"),
            Takes::Seconds(_) => "a time such as \"20s\" or \"2m\"".to_owned(),
            Takes::Text(_) | Takes::OptionalText(_) => "a text".to_owned(),
            Takes::Color(_) | Takes::Notice(_) => {
                let words = self.choices().into_iter();
                let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
                words.join(", ")
            }
            Takes::Path(_) => "a path inside the repository".to_owned(),
            Takes::Texts(_) => "a list of texts".to_owned(),
            Takes::Globs(_) => "a list of globs".to_owned(),
            Takes::Keys => "a table of actions, each with its keys".to_owned(),
        }
    }

    /// The kind of its value in a word or two.
    pub const fn type_word(&self) -> &'static str {
        match self.takes {
            Takes::Flag(_) => "flag",
            Takes::Count(..) | Takes::Limit(..) | Takes::Seed(_) => "whole number",
            Takes::Number(..) => "number",
            Takes::Seconds(_) => "time",
            Takes::Text(_) | Takes::OptionalText(_) => "text",
            Takes::Color(_) | Takes::Notice(_) => "choice",
            Takes::Path(_) => "path",
            Takes::Texts(_) => "list of texts",
            Takes::Globs(_) => "list of globs",
            Takes::Keys => "list of keys",
        }
    }

    /// The unit of its value, where it has one.
    pub const fn unit(&self) -> Option<&'static str> {
        match self.takes {
            Takes::Count(_, unit, _) | Takes::Limit(_, unit, _) => Some(unit),
            Takes::Seconds(_) => Some("seconds"),
            _ => None,
        }
    }

    /// The values it takes, where they can be told one by one.
    pub fn choices(&self) -> Vec<&'static str> {
        match self.takes {
            Takes::Flag(_) => vec!["true", "false"],
            Takes::Color(_) => ColorChoice::ALL.map(ColorChoice::word).to_vec(),
            Takes::Notice(_) => NoticeChoice::ALL.map(NoticeChoice::word).to_vec(),
            _ => Vec::new(),
        }
    }

    /// The built-in value as TOML; empty where nothing is set at first.
    pub fn built_in(&self) -> String {
        let told = self.written(&mut Config::default()).into_iter().next();
        told.map_or_else(String::new, |(_, value, _)| value)
    }

    /// Reads words that were typed as a value of the key, as TOML. A text needs no quotes; of a list
    /// each word is an item, or the one word is the list as TOML.
    ///
    /// # Errors
    /// Of kind config, saying what the key takes; `name` is the key's, whole.
    pub fn typed(&self, name: &str, words: &[String]) -> Result<String> {
        let said = words.join(" ");
        let written = |said: &str| {
            let text = format!("x = {said}");
            let table: std::result::Result<toml::Table, _> = toml::from_str(&text);
            table.ok().and_then(|mut table| table.remove("x"))
        };
        let value = match self.takes {
            Takes::Text(_)
            | Takes::OptionalText(_)
            | Takes::Color(_)
            | Takes::Notice(_)
            | Takes::Path(_) => written(&said).filter(toml::Value::is_str),
            Takes::Texts(_) | Takes::Globs(_) | Takes::Keys => {
                let whole = written(&said).filter(toml::Value::is_array);
                whole.or_else(|| Some(toml::Value::from(words.to_vec())))
            }
            Takes::Flag(_)
            | Takes::Count(..)
            | Takes::Limit(..)
            | Takes::Seed(_)
            | Takes::Number(..)
            | Takes::Seconds(_) => written(&said),
        };
        let value = value.unwrap_or_else(|| toml::Value::from(said));
        let text = value.to_string();
        let mut tried = Config::default();
        self.take(&mut tried, &Entry::alone(name, value), &Origin::CommandLine)
            .map_err(Wrong::said)?;
        Ok(text)
    }

    /// Takes the entry of a file over.
    pub(super) fn take(
        &self,
        config: &mut Config,
        entry: &Entry,
        origin: &Origin,
    ) -> Result<(), Wrong> {
        match self.takes {
            Takes::Flag(at) => over(at(config), entry.flag()?, origin),
            Takes::Count(at, _, most) => over(at(config), entry.count(most)?, origin),
            Takes::Limit(at, _, most) => over(at(config), Some(entry.count(most)?), origin),
            Takes::Seed(at) => over(at(config), Some(entry.whole(u64::MAX)?), origin),
            Takes::Number(at, most) => {
                let value = entry.number(0.0, most)? as f32;
                over(at(config), Some(value), origin);
            }
            Takes::Seconds(at) => over(at(config), entry.seconds()?, origin),
            Takes::Text(at) => over(at(config), entry.text()?, origin),
            Takes::OptionalText(at) => over(at(config), entry.optional_text()?, origin),
            Takes::Color(at) => {
                let words = ColorChoice::ALL.map(|choice| (choice.word(), choice));
                over(at(config), entry.one_of(&words)?, origin);
            }
            Takes::Notice(at) => {
                let words = NoticeChoice::ALL.map(|choice| (choice.word(), choice));
                over(at(config), entry.one_of(&words)?, origin);
            }
            Takes::Path(at) => {
                let path = RepoPath::new(&entry.text()?)
                    .map_err(|failure| entry.wrong(failure.to_string()))?;
                over(at(config), path.into(), origin);
            }
            Takes::Texts(at) => over(at(config), entry.texts()?, origin),
            Takes::Globs(at) => add(at(config), entry, origin)?,
            Takes::Keys => {
                let mut keys = std::mem::take(&mut config.keys.value);
                let taken = entry.keys(&mut keys);
                config.keys.set(keys, origin.clone());
                config.keys_from.insert(taken?, origin.clone());
            }
        }
        Ok(())
    }

    /// Takes the value of the key's variable over.
    ///
    /// # Errors
    /// Of kind config, naming the variable.
    pub(super) fn take_variable(
        &self,
        config: &mut Config,
        name: &'static str,
        value: String,
    ) -> Result<()> {
        let origin = Origin::Environment(name);
        match self.takes {
            Takes::Count(at, _, most) => {
                let number = value.trim().parse().ok().filter(|n: &u64| *n <= most);
                let number = number.ok_or_else(|| {
                    Failure::config(format!("{name} is `{value}`"))
                        .because(format!("it takes a whole number from 0 to {most}"))
                })?;
                at(config).set(number as usize, origin);
            }
            Takes::Text(at) => at(config).set(value, origin),
            Takes::OptionalText(at) => at(config).set(Some(value), origin),
            _ => {
                return Err(Failure::bug(format!(
                    "{name} is of a kind that no variable sets"
                )));
            }
        }
        Ok(())
    }

    /// Writes the value as TOML, empty where nothing is set, with its origin; `config` is left as
    /// it is.
    pub(super) fn written(&self, config: &mut Config) -> Vec<(String, String, Origin)> {
        let (value, origin) = match self.takes {
            Takes::Flag(at) => write(at(config), ToString::to_string),
            Takes::Count(at, ..) => write(at(config), ToString::to_string),
            Takes::Limit(at, ..) => write_set(at(config), ToString::to_string),
            Takes::Seed(at) => write_set(at(config), ToString::to_string),
            Takes::Number(at, _) => write_set(at(config), |x| format!("{x:?}")),
            Takes::Seconds(at) => write(at(config), |x| text(&format!("{x}s"))),
            Takes::Text(at) | Takes::Path(at) => write(at(config), |x| text(x)),
            Takes::OptionalText(at) => write_set(at(config), |x| text(x)),
            Takes::Color(at) => write(at(config), |x| text(x.word())),
            Takes::Notice(at) => write(at(config), |x| text(x.word())),
            Takes::Texts(at) | Takes::Globs(at) => write(at(config), |x| texts(x)),
            Takes::Keys => {
                let keys = config.keys.value.iter();
                let row = |(action, list): (&String, &Vec<String>)| {
                    let name = format!("{}.{action}", self.name);
                    let from = config.keys_from.get(action).unwrap_or(&config.keys.origin);
                    (name, texts(list), from.clone())
                };
                return keys.map(row).collect();
            }
        };
        vec![(self.name.to_owned(), value, origin)]
    }
}

/// Writes the value of a setting with its origin.
fn write<T>(setting: &Setting<T>, write: impl Fn(&T) -> String) -> (String, Origin) {
    (write(&setting.value), setting.origin.clone())
}

/// The same for a value that may not be set: TOML has no word for that.
fn write_set<T>(setting: &Setting<Option<T>>, write: impl Fn(&T) -> String) -> (String, Origin) {
    let value = setting.value.as_ref().map(write);
    (value.unwrap_or_default(), setting.origin.clone())
}

/// Writes a text as TOML.
fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}

/// Writes a list of texts as TOML.
fn texts(values: &[String]) -> String {
    toml::Value::from(values.to_vec()).to_string()
}

/// Takes the value of a file over. A setting of the command line or the environment stands over any
/// file, also when a repository is opened after they were read.
fn over<T>(setting: &mut Setting<T>, value: T, origin: &Origin) {
    if !matches!(setting.origin, Origin::CommandLine | Origin::Environment(_)) {
        setting.set(value, origin.clone());
    }
}

/// Takes a list of a file over: the user's replaces the built-in one, a repository's is added.
///
/// # Errors
/// Where the value is no list of texts; where a repository's glob may be none, or might take back
/// what the user leaves out.
fn add(setting: &mut Setting<Vec<String>>, entry: &Entry, origin: &Origin) -> Result<(), Wrong> {
    let values = entry.texts()?;
    if matches!(origin, Origin::Repo(..)) {
        let special = |glob: &&String| glob.contains(['!', '[', ']', '{', '}', '\\']);
        if let Some(glob) = values.iter().find(special) {
            return Err(entry.wrong(format!(
                "`{}`: `{glob}`: the globs of a repository have no `!`, brackets, braces or `\\`",
                entry.name()
            )));
        }
        setting.value.extend(values);
    } else {
        setting.value = values;
    }
    setting.origin = origin.clone();
    Ok(())
}
