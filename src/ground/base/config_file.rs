//! Reading a configuration file: entries with their places, and errors that name them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::config::KEYS;
use super::failure::{Failure, Result, io_failure};
use super::text::printable;

/// The name of the repository's file.
pub(super) const REPO_FILE: &str = ".homebody.toml";

/// The most bytes of a file.
const MOST_BYTES: u64 = 1_000_000;
/// The most texts in a list.
const MOST_TEXTS: usize = 1_000;

/// A key of a file with its value and place.
#[derive(Debug)]
pub(super) struct Entry {
    /// The parts of the key.
    pub(super) path: Vec<String>,
    value: toml::Value,
    /// Line and column, from 1.
    key_place: (usize, usize),
    /// Line and column, from 1.
    value_place: (usize, usize),
}

/// A mistake at one place of a file.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Line and column, from 1.
    place: (usize, usize),
    what: String,
    hint: Option<String>,
}

impl Wrong {
    /// Turns the mistake into a failure that names the file.
    pub(super) fn failure(self, file: &Path) -> Failure {
        let (line, column) = self.place;
        let failure = Failure::config(format!("{}:{line}:{column}: {}", file.display(), self.what));
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Turns the mistake into a failure of what was typed, where there is no file to name.
    pub(super) fn said(self) -> Failure {
        let failure = Failure::config(self.what);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Writes the mistake as a note about the repository's file.
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place;
        write!(f, "{REPO_FILE}:{line}:{column}: {}", printable(&self.what))?;
        if let Some(hint) = &self.hint {
            write!(f, "; {}", printable(hint))?;
        }
        Ok(())
    }
}

/// Reads the text of a file; none if it is not there. Only a plain file of sensible size is read:
/// a repository may hold a link to a device.
pub(super) fn read(file: &Path) -> Result<Option<String>> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot read {}", file.display()), e);
    // The user's own file may well be a link into a folder of dotfiles.
    let own = file.file_name().is_none_or(|name| name != REPO_FILE);
    let facts = if own {
        fs::metadata(file)
    } else {
        fs::symlink_metadata(file)
    };
    let facts = match facts {
        Ok(facts) => facts,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(&e)),
    };
    let refuse =
        |why: String| Err(Failure::config(format!("cannot read {}", file.display())).because(why));
    if !facts.is_file() {
        return refuse("it is not a plain file".to_owned());
    }
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|opened| opened.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| failed(&e))?;
    if bytes.len() as u64 > MOST_BYTES {
        return refuse(format!("it is larger than {MOST_BYTES} bytes"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => refuse("it is not UTF-8".to_owned()),
    }
}

/// Parses the entries of a file, tables taken apart, in order of place.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Wrong> {
    // A mistake without a place is told at the beginning.
    let root = DeTable::parse(text).map_err(|e| Wrong {
        place: place(text, e.span().map_or(0, |span| span.start)),
        what: e.message().replace('\n', ", "),
        hint: None,
    })?;
    let mut out = Vec::new();
    flatten(text, root.get_ref(), &mut Vec::new(), &mut out);
    out.sort_by_key(|entry| entry.key_place);
    Ok(out)
}

/// Collects the entries of a table. The entries of known tables are taken out, one level down.
fn flatten(text: &str, table: &DeTable<'_>, above: &mut Vec<String>, out: &mut Vec<Entry>) {
    for (key, value) in table {
        above.push(key.get_ref().clone().into_owned());
        match value.get_ref() {
            // A table of which no key is known is told as unknown whole.
            DeValue::Table(inner)
                if above.len() == 1
                    && KEYS.iter().any(|known| {
                        known.name.split('.').next() == above.first().map(String::as_str)
                    }) =>
            {
                flatten(text, inner, above, out);
            }
            other => out.push(Entry {
                path: above.clone(),
                value: plain(other),
                key_place: place(text, key.span().start),
                value_place: place(text, value.span().start),
            }),
        }
        above.pop();
    }
}

/// Returns a value without its spans. Depth is bounded by the parser.
fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_or_else(|_| toml::Value::String(n.to_string()), toml::Value::Integer),
        DeValue::Float(x) => x
            .as_str()
            .parse()
            .map_or_else(|_| toml::Value::String(x.to_string()), toml::Value::Float),
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        DeValue::Datetime(when) => toml::Value::Datetime(*when),
        DeValue::Array(items) => {
            toml::Value::Array(items.iter().map(|item| plain(item.get_ref())).collect())
        }
        DeValue::Table(table) => toml::Value::Table(
            table
                .iter()
                .map(|(key, value)| (key.get_ref().clone().into_owned(), plain(value.get_ref())))
                .collect(),
        ),
    }
}

/// Returns line and column of a byte, from 1.
fn place(text: &str, byte: usize) -> (usize, usize) {
    // The parser may point behind the end.
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit_once('\n').map_or(before, |(_, last)| last);
    (line, last.chars().count() + 1)
}

impl Entry {
    /// Makes an entry that stands in no file.
    pub(super) fn alone(name: &str, value: toml::Value) -> Self {
        Self {
            path: name.split('.').map(str::to_owned).collect(),
            value,
            key_place: (1, 1),
            value_place: (1, 1),
        }
    }

    /// Returns the line of the key, from 1.
    pub(super) const fn line(&self) -> usize {
        self.key_place.0
    }

    /// Returns the whole key, with dots between its parts.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }

    /// Makes a mistake in the value.
    pub(super) fn wrong(&self, what: String) -> Wrong {
        Wrong {
            place: self.value_place,
            what,
            hint: None,
        }
    }

    /// Makes the mistake of a value that is not of the kind the key takes.
    fn takes(&self, what: &str) -> Wrong {
        self.wrong(format!("`{}` takes {what}", self.name()))
    }

    /// Makes the mistake of a key that is not known, with the nearest one that is.
    pub(super) fn unknown(&self, repo: bool) -> Wrong {
        let name = self.name();
        let nearest = KEYS
            .iter()
            .filter(|key| key.by_repository || !repo)
            .map(|key| (strsim::damerau_levenshtein(key.name, &name), key.name))
            .min()
            // More than a third of it changed is another word.
            .filter(|(distance, key)| *distance <= (key.len() / 3).max(2));
        Wrong {
            place: self.key_place,
            what: format!("unknown key `{name}`"),
            hint: nearest.map(|(_, key)| format!("did you mean `{key}`?")),
        }
    }

    /// Makes the mistake of a key that is the user's alone.
    pub(super) fn forbidden(&self) -> Wrong {
        Wrong {
            place: self.key_place,
            what: format!(
                "`{}` is not taken from a repository, only from your own config.toml or the command line",
                self.name()
            ),
            hint: None,
        }
    }

    /// Returns the value as a text that is not empty.
    pub(super) fn text(&self) -> Result<String, Wrong> {
        match &self.value {
            toml::Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(self.takes("a text in quotes")),
        }
    }

    /// Returns the value as a text; an empty one is none.
    pub(super) fn optional_text(&self) -> Result<Option<String>, Wrong> {
        match &self.value {
            toml::Value::String(text) => Ok((!text.is_empty()).then(|| text.clone())),
            _ => Err(self.takes("a text in quotes")),
        }
    }

    /// Returns the value as a whole number from 0 to `most`.
    pub(super) fn whole(&self, most: u64) -> Result<u64, Wrong> {
        match &self.value {
            toml::Value::Integer(n) => u64::try_from(*n).ok().filter(|n| *n <= most),
            _ => None,
        }
        .ok_or_else(|| {
            if most == u64::MAX {
                self.takes("a whole number from 0")
            } else {
                self.takes(&format!("a whole number from 0 to {most}"))
            }
        })
    }

    /// Returns the value as a count of things, `most` at most.
    pub(super) fn count(&self, most: u64) -> Result<usize, Wrong> {
        self.whole(most).map(|n| n as usize)
    }

    /// Returns the value as a number from `least` to `most`.
    pub(super) fn number(&self, least: f64, most: f64) -> Result<f64, Wrong> {
        match self.value {
            toml::Value::Integer(n) => Some(n as f64),
            toml::Value::Float(x) => Some(x),
            _ => None,
        }
        .filter(|x| (least..=most).contains(x))
        .ok_or_else(|| self.takes(&format!("a number from {least} to {most}")))
    }

    /// Returns the value as a time in seconds: a number of them, or a text such as `20s`, `1.5s` or
    /// `2m`.
    pub(super) fn seconds(&self) -> Result<f64, Wrong> {
        let said = match self.value {
            toml::Value::Integer(n) => Some(n as f64),
            toml::Value::Float(x) => Some(x),
            toml::Value::String(ref text) => match text
                .trim()
                .split_at_checked(text.trim().len().saturating_sub(1))
            {
                Some((number, "s")) => number.trim().parse().ok(),
                Some((number, "m")) => number.trim().parse().ok().map(|n: f64| n * 60.0),
                _ => None,
            },
            _ => None,
        };
        said.filter(|seconds| (0.1..=3_600.0).contains(seconds))
            .ok_or_else(|| self.takes("a time such as \"20s\" or \"2m\", up to an hour"))
    }

    /// Returns the value as true or false.
    pub(super) fn flag(&self) -> Result<bool, Wrong> {
        self.value
            .as_bool()
            .ok_or_else(|| self.takes("true or false"))
    }

    /// Returns the thing that the value names, one of `words`.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Wrong> {
        self.value
            .as_str()
            .and_then(|said| words.iter().find(|(word, _)| *word == said))
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let quoted: Vec<String> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
                match quoted.split_last() {
                    Some((last, [])) => self.takes(last),
                    Some((last, rest)) => self.takes(&format!("{} or {last}", rest.join(", "))),
                    None => self.takes("nothing"),
                }
            })
    }

    /// Returns the value as a list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.value
            .as_array()
            .filter(|items| items.len() <= MOST_TEXTS)
            .and_then(|items| {
                items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect()
            })
            .ok_or_else(|| self.takes("a list of texts in quotes"))
    }

    /// Adds `keys.ACTION = "ctrl-q"`, or a list of such keys, to `keys`.
    /// Returns the action.
    pub(super) fn keys(&self, keys: &mut BTreeMap<String, Vec<String>>) -> Result<String, Wrong> {
        let [_, action] = self.path.as_slice() else {
            return Err(self.takes("a table of actions and their keys"));
        };
        let list = match &self.value {
            toml::Value::String(key) => vec![key.clone()],
            _ => self
                .texts()
                .map_err(|_| self.takes("a key or a list of keys in quotes"))?,
        };
        keys.insert(action.clone(), list);
        Ok(action.clone())
    }
}
