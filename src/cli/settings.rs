//! `config`: every setting with what it takes, its value and where that comes from; one read, set,
//! taken out again.

use super::args::{ConfigArgs, ConfigCommand};
use super::invocation::Invocation;
use super::out::{Tone, wrapped};
use super::settings_told::{Told, complaints, json_of, json_value, keys, known, settings};
use super::start::Wiring;
use super::{Code, NEGATIVE, settings_edit};
use crate::base::config::Origin;
use crate::base::{Config, Failure, Kind, Result, config_edit};
use crate::repo::Repo;
use serde_json::json;

/// Cells before the meaning of a key.
const COLUMN: usize = 38;

/// Runs `config …`; `wrong` is what is wrong in the settings themselves.
pub(super) fn run(
    args: &ConfigArgs,
    wiring: Wiring,
    wrong: &[Failure],
    invocation: &mut Invocation,
) -> Result<Code> {
    match args.command.as_ref().unwrap_or(&ConfigCommand::List) {
        ConfigCommand::List => list(args, wiring, wrong, invocation),
        ConfigCommand::Get { key } => get(key, args.json, wiring, wrong, invocation),
        ConfigCommand::Set { key, value } => set(key, value, args.json, wiring, invocation),
        ConfigCommand::Unset { key } => unset(key, args.json, wiring, invocation),
        ConfigCommand::Path => {
            let file = invocation.places.settings();
            if args.json {
                invocation.out.json(&json!({
                    "type": "path",
                    "path": file.display().to_string(),
                    "exists": file.exists(),
                }))?;
            } else {
                let path = file.display().to_string();
                invocation.out.line(Tone::Plain, &path);
            }
            Ok(0)
        }
        ConfigCommand::Edit => settings_edit::run(args.json, wiring, invocation),
    }
}

/// The settings in force here: those of the repository added, where there is one.
fn in_force(invocation: &mut Invocation) -> Result<Config> {
    invocation.seal()?;
    let mut config = invocation.config.clone();
    // Outside a repository there is simply no such file to add.
    if let Ok(repo) = Repo::open(&invocation.dir) {
        config.add_repo_file(repo.root())?;
    }
    Ok(config)
}

/// All settings, keys of actions last.
fn all(config: &Config, wiring: Wiring, invocation: &Invocation) -> Vec<Told> {
    let themes = (wiring.theme_names)(&invocation.places.config.join("themes"));
    let mut all = settings(config, &themes);
    all.extend(keys(config));
    all
}

/// Tells failures of the settings. Returns the exit code they ask for.
pub(super) fn tell_wrong<'a>(
    wrong: impl IntoIterator<Item = &'a Failure>,
    as_json: bool,
    invocation: &mut Invocation,
) -> Code {
    let mut code = 0;
    for failure in wrong {
        if as_json {
            // An event can always be written.
            let _ = invocation.out.json(&crate::jobs::Event::error(failure));
        }
        invocation.out.failure(failure);
        code = Kind::Config.exit_code();
    }
    code
}

/// Runs `config list`.
fn list(
    args: &ConfigArgs,
    wiring: Wiring,
    wrong: &[Failure],
    invocation: &mut Invocation,
) -> Result<Code> {
    let config = in_force(invocation)?;
    for note in &config.notes {
        invocation.out.warn(note);
    }
    let told: Vec<Told> = all(&config, wiring, invocation)
        .into_iter()
        .filter(|one| !args.changed || one.is_changed())
        .collect();
    let file = invocation.places.settings();
    if args.json {
        invocation.out.json(&json!({
            "type": "settings",
            "version": 1,
            "file": file.display().to_string(),
            "exists": file.exists(),
            "settings": told.iter().map(json_of).collect::<Vec<_>>(),
        }))?;
    } else if args.changed {
        changed(&told, invocation);
    } else {
        let there = if file.exists() {
            ""
        } else {
            " (not there yet; `homebody config edit` makes it)"
        };
        let head = format!("Your own file: {}{there}", file.display());
        comment(&head, invocation);
        explained(&told, invocation);
    }
    let folder = invocation.places.config.join("themes");
    let found = complaints(&config, wiring, &folder);
    Ok(tell_wrong(
        wrong.iter().chain(&found),
        args.json,
        invocation,
    ))
}

/// Prints a comment, broken at words.
fn comment(text: &str, invocation: &mut Invocation) {
    let room = invocation.out.width().saturating_sub(2);
    for line in wrapped(text, room) {
        invocation.out.line(Tone::Dim, &format!("# {line}"));
    }
}

/// Prints settings a line each, with where each value comes from.
fn changed(told: &[Told], invocation: &mut Invocation) {
    let lines: Vec<String> = told.iter().map(Told::line).collect();
    let widths = lines.iter().map(|line| line.chars().count());
    let width = widths.filter(|width| *width <= 48).fold(0, usize::max);
    for (one, line) in told.iter().zip(lines) {
        invocation.out.parts(&[
            (Tone::Plain, &format!("{line:<width$}  ")),
            (Tone::Dim, &format!("# {}", one.origin)),
        ]);
    }
    if told.is_empty() {
        invocation.out.note("all is as it is built in");
    }
}

/// Prints settings with what there is to say of each.
fn explained(told: &[Told], invocation: &mut Invocation) {
    let mut place = None;
    for one in told {
        if one.place.is_some() {
            if one.place != place {
                invocation.out.line(Tone::Plain, "");
                if place.is_none() {
                    comment(&format!("Keys. Takes {}.", one.takes), invocation);
                    invocation.out.line(Tone::Plain, "");
                }
                place = one.place;
                let title = format!("# {}", place.unwrap_or_default());
                invocation.out.line(Tone::Bold, &title);
            }
            bound(one, invocation);
            continue;
        }
        invocation.out.line(Tone::Plain, "");
        comment(one.help, invocation);
        comment(&facts(one), invocation);
        let from = match &one.origin {
            Origin::Default => String::new(),
            origin => format!("  # {origin}"),
        };
        let tone = if one.is_changed() {
            Tone::Cyan
        } else {
            Tone::Plain
        };
        invocation
            .out
            .parts(&[(tone, &one.line()), (Tone::Dim, &from)]);
    }
}

/// Says what a setting takes, what is built in, and who else may set it, in a sentence or two.
pub(super) fn facts(one: &Told) -> String {
    let built_in = if one.built_in.is_empty() {
        "not set"
    } else {
        &one.built_in
    };
    let mut text = format!("Takes {}. Built in: {built_in}.", one.takes);
    if let Some(name) = one.key.environment {
        text.push_str(&format!(" {name} sets it, too."));
    }
    if one.key.by_repository {
        text.push_str(" The .homebody.toml of a repository may set it.");
    }
    text
}

/// Prints the keys of an action, with what it does behind them.
fn bound(one: &Told, invocation: &mut Invocation) {
    let line = one.line();
    let mut about = one.help.to_owned();
    if one.is_changed() {
        about.push_str(&format!(" ({})", one.origin));
    }
    let room = invocation.out.width().saturating_sub(COLUMN + 2).max(20);
    let tone = if one.is_changed() {
        Tone::Cyan
    } else {
        Tone::Plain
    };
    let mut before = line;
    for about in wrapped(&about, room) {
        if before.chars().count() >= COLUMN {
            invocation.out.line(tone, &before);
            before = String::new();
        }
        invocation.out.parts(&[
            (tone, &format!("{before:<COLUMN$}")),
            (Tone::Dim, &format!("# {about}")),
        ]);
        before = String::new();
    }
}

/// Runs `config get KEY`.
fn get(
    name: &str,
    as_json: bool,
    wiring: Wiring,
    wrong: &[Failure],
    invocation: &mut Invocation,
) -> Result<Code> {
    known(name)?;
    let config = in_force(invocation)?;
    let told = all(&config, wiring, invocation);
    let one = told
        .iter()
        .find(|one| one.name == name)
        .ok_or_else(|| Failure::bug("a key that is known is not told"))?;
    // A file that is wrong elsewhere still says this much.
    for failure in wrong {
        invocation.out.warn(&failure.to_string());
    }
    if as_json {
        invocation.out.json(&json_of(one))?;
        return Ok(0);
    }
    let value = json_value(one);
    let lines: Vec<String> = match &value {
        serde_json::Value::Null => return Ok(NEGATIVE),
        serde_json::Value::Array(items) => items.iter().map(plain).collect(),
        value => vec![plain(value)],
    };
    for line in lines {
        invocation.out.line(Tone::Plain, &line);
    }
    Ok(0)
}

/// A value as a shell reads it: a text without quotes.
fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Runs `config set KEY VALUE…`.
fn set(
    name: &str,
    words: &[String],
    as_json: bool,
    wiring: Wiring,
    invocation: &mut Invocation,
) -> Result<Code> {
    let value = known(name)?.typed(name, words)?;
    let file = invocation.places.settings();
    let line = format!("{name} = {value}");
    let mut alone = Config::default();
    let folder = invocation.places.config.join("themes");
    let mut wrong = alone.add_user_text(&line, &file);
    wrong.extend(complaints(&alone, wiring, &folder));
    if let Some(failure) = wrong.into_iter().next() {
        return Err(failure);
    }
    check_model(name, &alone, invocation)?;
    let text = Config::read_user_file(&file)?.unwrap_or_default();
    Config::write_user_file(&file, &config_edit::set(&text, name, &value)?)?;
    done(
        name,
        &format!("{line}, in {}", file.display()),
        as_json,
        wiring,
        invocation,
    )
}

/// Checks that a model that is set is one of the catalog or of this machine.
fn check_model(name: &str, alone: &Config, invocation: &Invocation) -> Result<()> {
    match &alone.model.value {
        Some(model) if name == "model" => {
            let (catalog, store) = (invocation.catalog()?, invocation.store());
            let free = crate::base::memory::available();
            crate::jobs::choose_model(Some(model), &catalog, &store, free).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Runs `config unset KEY`.
fn unset(name: &str, as_json: bool, wiring: Wiring, invocation: &mut Invocation) -> Result<Code> {
    let file = invocation.places.settings();
    let text = Config::read_user_file(&file)?.unwrap_or_default();
    let Some(new) = config_edit::unset(&text, name)? else {
        // A word that no version knows may stand in the file, and be taken out.
        known(name)?;
        invocation
            .out
            .note(&format!("{name} is not set in {}", file.display()));
        return Ok(NEGATIVE);
    };
    Config::write_user_file(&file, &new)?;
    done(
        name,
        &format!("{name} is taken out of {}", file.display()),
        as_json,
        wiring,
        invocation,
    )
}

/// Says what was done to a key, and what stands over it.
fn done(
    name: &str,
    note: &str,
    as_json: bool,
    wiring: Wiring,
    invocation: &mut Invocation,
) -> Result<Code> {
    let file = invocation.places.settings();
    let mut config = Config::default();
    let text = Config::read_user_file(&file)?.unwrap_or_default();
    let wrong = config.add_user_text(&text, &file);
    config.add_environment(&|name| std::env::var(name).ok())?;
    config.add_kept_theme(&invocation.places.theme());
    invocation.out.note(note);
    for failure in &wrong {
        invocation.out.warn(&failure.to_string());
    }
    let told = all(&config, wiring, invocation);
    if let Some(one) = told.iter().find(|one| one.name == name) {
        if let Origin::Environment(_) | Origin::Kept(_) = one.origin {
            invocation
                .out
                .warn(&format!("in force is {}: {}", one.value, one.origin));
        }
        if as_json {
            invocation.out.json(&json_of(one))?;
        }
    }
    Ok(0)
}
