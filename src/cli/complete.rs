//! `debug complete`: the values that may stand where somebody presses Tab. The scripts of
//! `completions` call it.
//!
//! Nothing here may be slow, print a failure or need a repository: where there is nothing to offer,
//! nothing is printed, and the shell offers what it knows by itself.

use std::ffi::OsString;
use std::path::Path;

use super::args::definition;
use super::complete_word::{Typed, typed};
use super::out::Out;
use super::settings_told::{Told, keys, settings};
use super::start::Wiring;
use crate::base::text::{printable, truncated};
use crate::base::{Config, Places, Result, seal};
use crate::jobs::session::Sessions;
use crate::registry::{Catalog, Store};
use crate::repo::Repo;

/// Values that are offered at most.
const MOST: usize = 200;
/// Bytes of what is said of a value.
const ABOUT: usize = 60;

/// A value, and what is said of it.
type Offer = (String, String);

/// Runs `debug complete -- WORD…`.
pub(super) fn run(words: &[OsString], wiring: Wiring, out: &mut Out) {
    let words = words.iter().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let Some(typed) = typed(&definition(), &words) else {
        return;
    };
    let mut text = String::new();
    for (value, about) in offers(&typed, wiring).unwrap_or_default() {
        if value.starts_with(&typed.text) && is_plain(&value) {
            let about = printable(&about);
            let about = truncated(&about, ABOUT);
            text.push_str(&format!("{value}\t{about}\n"));
        }
    }
    out.raw(&text);
}

/// Tells whether a shell takes a value for what it says. The names of branches come from others, and
/// what is completed is run at Enter: `$(…)` must not come in by Tab.
fn is_plain(value: &str) -> bool {
    let mut letters = value.chars();
    !value.starts_with('-') && letters.all(|c| c.is_alphanumeric() || "_-./@+~:,".contains(c))
}

/// The values for a place.
fn offers(typed: &Typed, wiring: Wiring) -> Result<Vec<Offer>> {
    let path: Vec<&str> = typed.path.iter().map(String::as_str).collect();
    let places = Places::find()?;
    let config_key = typed.before.first().map(String::as_str);
    match (path.as_slice(), typed.arg.as_str()) {
        (_, "model") | (["models", "try"], "name") => models(&places, true, true),
        (["models", "use" | "verify" | "remove"], "name") => models(&places, true, false),
        (["models", "pull"], "name") => models(&places, false, true),
        ([], "theme") => Ok(of_key("theme", &places, wiring)),
        (["config", "get" | "set" | "unset"], "key") => Ok(all_keys()),
        (["config", "set"], "value") => match config_key {
            Some("model") => models(&places, true, true),
            Some(key) => Ok(of_key(key, &places, wiring)),
            None => Ok(Vec::new()),
        },
        (["sessions", ..], "id" | "ids") | ([], "resume") => {
            let repo = opened(typed)?;
            let dir = places.for_repo(repo.root()).sessions;
            let mut found = Sessions { dir }.ids_like(&typed.text, MOST);
            found.retain(|(id, _)| !typed.before.contains(id));
            Ok(found)
        }
        (_, "commit" | "base") => revisions(typed, "", &typed.text),
        (_, "range") => match typed.text.rsplit_once("..") {
            Some((from, to)) => revisions(typed, &format!("{from}.."), to),
            None => revisions(typed, "", &typed.text),
        },
        _ => Ok(Vec::new()),
    }
}

/// The repository that the command would work in, sealed.
fn opened(typed: &Typed) -> Result<Repo> {
    seal::put_on()?;
    let dir = typed.dir.as_deref().unwrap_or(Path::new("."));
    Repo::open(dir)
}

/// The names of models: those that are here, those of the catalog, or both.
fn models(places: &Places, here: bool, known: bool) -> Result<Vec<Offer>> {
    let installed = Store::new(places.models()).installed().unwrap_or_default();
    let catalog = Catalog::load(&places.config).or_else(|_| Catalog::embedded())?;
    let is_here = |name: &str| installed.iter().any(|one| one.name == name);
    let mut found: Vec<Offer> = Vec::new();
    if here {
        let about = |name: &str| {
            let about = catalog.get(name).map(|model| model.about.as_str());
            about.map_or_else(
                || "on this machine".to_owned(),
                |about| format!("on this machine: {about}"),
            )
        };
        found.extend(
            installed
                .iter()
                .map(|one| (one.name.clone(), about(&one.name))),
        );
    }
    if known {
        // A model for search answers nothing, but it can be fetched.
        let lacking = catalog.models.iter().filter(|model| !is_here(&model.name));
        let wanted = lacking.filter(|model| model.runs && (!here || !model.embeds));
        found.extend(wanted.map(|model| (model.name.clone(), model.about.clone())));
    }
    Ok(found)
}

/// The names of all settings, keys of actions last.
fn all_keys() -> Vec<Offer> {
    let config = Config::default();
    let mut all = settings(&config, &[]);
    all.extend(keys(&config));
    let offer = |one: Told| (one.name, one.help.to_owned());
    all.into_iter().map(offer).collect()
}

/// The values that a setting takes, where they can be told one by one.
fn of_key(name: &str, places: &Places, wiring: Wiring) -> Vec<Offer> {
    let themes = (wiring.theme_names)(&places.config.join("themes"));
    let all = settings(&Config::default(), &themes);
    let Some(one) = all.into_iter().find(|one| one.name == name) else {
        return Vec::new();
    };
    let built_in = one.built_in.trim_matches('"').to_owned();
    let about = |value: &str| {
        let word = if *value == built_in { "built in" } else { "" };
        word.to_owned()
    };
    let offer = |value: String| (value.clone(), about(&value));
    one.choices.into_iter().map(offer).collect()
}

/// Names of commits behind `before`.
fn revisions(typed: &Typed, before: &str, text: &str) -> Result<Vec<Offer>> {
    let found = opened(typed)?.revisions_like(text, MOST)?;
    let offer = |one: crate::repo::RevisionName| (format!("{before}{}", one.name), one.about);
    Ok(found.into_iter().map(offer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_shell_would_run_is_offered() {
        for good in [
            "main",
            "fix/walk-2",
            "v1.0..HEAD~1",
            "größe",
            "qwen3.5-0.8b",
        ] {
            assert!(is_plain(good), "{good}");
        }
        for wrong in [
            "$(id)", "a;b", "`id`", "a b", "a'b", "a\nb", "-x", "a&b", "a>b",
        ] {
            assert!(!is_plain(wrong), "{wrong}");
        }
    }
}
