//! `config`: every key with its value and where it comes from.

use std::fmt::Write as _;

use super::Code;
use super::invocation::Invocation;
use super::out::Tone;
use crate::base::Result;
use crate::base::config::{Config, KEYS};
use crate::repo::Repo;

/// Tells every key: its built-in value, a sentence, what it takes, and who else may set it.
pub(super) fn keys_help() -> String {
    let built_in = Config::default().entries();
    let mut out = "Keys of config.toml, with their built-in values:".to_owned();
    for key in KEYS {
        let value = (built_in.iter())
            .find(|(name, ..)| name == key.name)
            .map(|(_, value, _)| value.as_str())
            .filter(|value| !value.is_empty());
        let value = value.map_or_else(String::new, |value| format!(" = {value}"));
        let _ = write!(out, "\n\n  {}{value}\n      {}\n      ", key.name, key.help);
        let _ = write!(out, "Takes {}.", key.kind());
        if let Some(name) = key.environment {
            let _ = write!(out, " {name} sets it, too.");
        }
        if key.by_repository {
            out.push_str(" The .homebody.toml of a repository may set it.");
        }
    }
    out
}

/// Runs `config`.
pub(super) fn run(invocation: &mut Invocation) -> Result<Code> {
    invocation.seal()?;
    let mut config = invocation.config.clone();
    // Outside a repository there is simply no such file to add.
    if let Ok(repo) = Repo::open(&invocation.dir) {
        config.add_repo_file(repo.root())?;
    }
    for note in &config.notes {
        invocation.out.warn(note);
    }
    let entries = config.entries();
    let rows: Vec<(String, String)> = entries
        .iter()
        .map(|(key, value, origin)| {
            let line = if value.is_empty() {
                format!("# {key} is not set")
            } else {
                format!("{key} = {value}")
            };
            (line, format!("# {origin}"))
        })
        .collect();
    let width = rows
        .iter()
        .map(|(line, _)| line.chars().count())
        .filter(|width| *width <= 48)
        .fold(0, usize::max);
    for (line, origin) in rows {
        invocation.out.parts(&[
            (Tone::Plain, &format!("{line:<width$}  ")),
            (Tone::Dim, &origin),
        ]);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_told_with_what_it_takes_and_who_sets_it() {
        let help = keys_help();
        for key in KEYS {
            let at = help.find(&format!("\n  {}", key.name)).expect(key.name);
            let told = help.get(at + 1..).expect("on a border");
            let told = told.split("\n\n").next().expect("a paragraph");
            assert!(told.contains(key.help) && key.help.ends_with('.'), "{told}");
            assert!(told.contains(&key.kind()), "{told}");
            assert_eq!(told.contains(".homebody.toml"), key.by_repository, "{told}");
            assert_eq!(
                told.contains(" sets it"),
                key.environment.is_some(),
                "{told}"
            );
        }
        assert!(help.contains("state_cache = 2048\n"), "{help}");
    }
}
