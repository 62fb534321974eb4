//! `models`: what there is, what is here, what fits; fetching, adding, checking, choosing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::args::ModelsCommand;
use super::desk::{Desk, origin, pull_line};
use super::out::{Tone, bar};
use super::start::{Code, NEGATIVE};
use crate::base::failure::io_failure;
use crate::base::text::{human_bytes, human_count};
use crate::base::{Failure, Result, memory};
use crate::engine;
use crate::models::{Catalog, Installed, Model, pull};

/// The context that memory is reckoned with where the user sets none.
const CONTEXT: usize = 8192;

/// `models …`.
pub(super) fn run(command: ModelsCommand, desk: &mut Desk) -> Result<Code> {
    match command {
        ModelsCommand::List { json } => list(json, desk),
        ModelsCommand::Pull { name } => fetch(&name, desk),
        ModelsCommand::Add { file, name } => add(&file, name, desk),
        ModelsCommand::Verify { name } => verify(&name, desk),
        ModelsCommand::Remove { name } => remove(&name, desk),
        ModelsCommand::Use { name } => choose(&name, desk),
    }
}

/// A line of the list.
#[derive(Debug)]
struct Row {
    name: String,
    bytes: u64,
    memory: Option<u64>,
    state: String,
    about: String,
    installed: bool,
    used: bool,
    fits: Option<bool>,
}

/// The models of the catalog and those that are here besides.
fn rows(desk: &Desk) -> Result<Vec<Row>> {
    let catalog = Catalog::embedded()?;
    let store = desk.store();
    let installed = store.installed()?;
    let used = desk.config.model.value.clone().or(store.chosen()?);
    let free = memory::available();
    let context = match desk.config.ctx.value {
        0 => CONTEXT,
        n => n,
    };
    let mut rows: Vec<Row> = catalog
        .models
        .iter()
        .map(|model| {
            let here = installed.iter().find(|here| here.name == model.name);
            row_of(model, here, used.as_deref(), free, context)
        })
        .collect();
    for here in &installed {
        if catalog.get(&here.name).is_none() {
            rows.push(added_row(here, used.as_deref(), free, context));
        }
    }
    Ok(rows)
}

fn row_of(
    model: &Model,
    here: Option<&Installed>,
    used: Option<&str>,
    free: u64,
    context: usize,
) -> Row {
    let tokens = context.min(model.context as usize) as u64;
    let memory = here
        .and_then(|here| engine::inspect(&here.path).ok())
        .map_or_else(
            || model.bytes + model.state_bytes_per_token * tokens,
            |found| found.memory_bytes(tokens as usize),
        );
    let used = used == Some(model.name.as_str());
    let fits = memory <= free;
    Row {
        name: model.name.clone(),
        bytes: here.map_or(model.bytes, |here| here.bytes),
        memory: Some(memory),
        state: state(here.is_some(), used, fits, model.runs),
        about: model.about.clone(),
        installed: here.is_some(),
        used,
        fits: Some(fits),
    }
}

fn added_row(here: &Installed, used: Option<&str>, free: u64, context: usize) -> Row {
    let used = used == Some(here.name.as_str());
    let (memory, fits, state, about) = match engine::inspect(&here.path) {
        Ok(found) => {
            let memory = found.memory_bytes(context.min(found.context as usize));
            let fits = memory <= free;
            let about = format!(
                "{} {} {}",
                found.name, found.architecture, found.quantization
            );
            let state = state(true, used, fits, found.supported);
            (Some(memory), Some(fits), state, about)
        }
        Err(failure) => (None, None, "broken".to_owned(), failure.to_string()),
    };
    Row {
        name: here.name.clone(),
        bytes: here.bytes,
        memory,
        state,
        about,
        installed: true,
        used,
        fits,
    }
}

fn state(installed: bool, used: bool, fits: bool, runs: bool) -> String {
    let first = match (installed, used) {
        (true, true) => "in use",
        (true, false) => "installed",
        (false, _) => "",
    };
    let second = if !runs {
        "does not run yet"
    } else if !fits {
        "does not fit"
    } else if first.is_empty() {
        "fits"
    } else {
        ""
    };
    [first, second]
        .iter()
        .filter(|word| !word.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(", ")
}

fn list(as_json: bool, desk: &mut Desk) -> Result<Code> {
    let rows = rows(desk)?;
    let free = memory::available();
    if as_json {
        let models: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "bytes": row.bytes,
                    "memory_bytes": row.memory,
                    "fits": row.fits,
                    "installed": row.installed,
                    "in_use": row.used,
                    "about": row.about,
                })
            })
            .collect();
        desk.out
            .json_pretty(&json!({"free_bytes": free, "models": models}))?;
        return Ok(0);
    }
    let width = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(4)
        .max(4);
    let states = rows
        .iter()
        .map(|row| row.state.chars().count())
        .max()
        .unwrap_or(5)
        .max(5);
    desk.out.line(
        Tone::Bold,
        &format!(
            "{:<width$}  {:>8}  {:>8}  {:<states$}  ABOUT",
            "NAME", "SIZE", "MEMORY", "STATE"
        ),
    );
    for row in &rows {
        let tone = match (row.used, row.fits) {
            (true, _) => Tone::Green,
            (false, Some(true)) => Tone::Plain,
            _ => Tone::Dim,
        };
        desk.out.parts(&[
            (tone, &format!("{:<width$}", row.name)),
            (
                Tone::Plain,
                &format!(
                    "  {:>8}  {:>8}  ",
                    human_bytes(row.bytes),
                    row.memory.map_or_else(|| "?".to_owned(), human_bytes)
                ),
            ),
            (tone, &format!("{:<states$}", row.state)),
            (Tone::Dim, &format!("  {}", row.about)),
        ]);
    }
    desk.out.note(&format!(
        "{} of memory are free; MEMORY is with a context of {} tokens",
        human_bytes(free),
        human_count(match desk.config.ctx.value {
            0 => CONTEXT as u64,
            n => n as u64,
        })
    ));
    Ok(0)
}

/// The catalog's model of that name, or the nearest as a hint.
fn known<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Model> {
    catalog
        .get(name)
        .ok_or_else(|| unknown(name, catalog.models.iter().map(|model| model.name.as_str())))
}

fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::usage(format!("there is no model `{name}`"));
    let nearest = names
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(2));
    match nearest {
        Some((_, known)) => failure.hint(format!("did you mean `{known}`?")),
        None => failure.hint("`homebody models list` names them"),
    }
}

fn here(name: &str, desk: &Desk) -> Result<Installed> {
    let store = desk.store();
    let installed = store.installed()?;
    installed
        .iter()
        .find(|model| model.name == name)
        .cloned()
        .ok_or_else(|| {
            let catalog = Catalog::embedded().ok();
            if catalog.is_some_and(|catalog| catalog.get(name).is_some()) {
                Failure::usage(format!("{name} is not installed"))
                    .hint(format!("fetch it with `homebody models pull {name}`"))
            } else {
                unknown(name, installed.iter().map(|model| model.name.as_str()))
            }
        })
}

/// The one command with a network: it reads no repository and is not sealed.
fn fetch(name: &str, desk: &mut Desk) -> Result<Code> {
    let catalog = Catalog::embedded()?;
    let model = known(&catalog, name)?;
    let store = desk.store();
    if let Some(here) = store.get(name)? {
        desk.out
            .note(&format!("{name} is here already: {}", here.path.display()));
        return Ok(0);
    }
    desk.out.note(&format!(
        "fetching {name} ({}, {}) from {}",
        human_bytes(model.bytes),
        model.license,
        origin(&model.source)
    ));
    desk.catch_signals();
    desk.watch();
    let cancel = desk.stop.token();
    let out = &mut desk.out;
    let pulled = pull(model, &store, &cancel, &mut |progress| {
        out.progress(&pull_line(progress));
    });
    desk.out.clear();
    let installed = pulled?;
    desk.out.note(&format!(
        "{name} is here: {} ({})",
        installed.path.display(),
        human_bytes(installed.bytes)
    ));
    if !model.runs {
        desk.out
            .warn("this build of homebody cannot run that architecture yet");
    }
    Ok(0)
}

fn add(file: &Path, name: Option<String>, desk: &mut Desk) -> Result<Code> {
    desk.seal()?;
    let path = file
        .canonicalize()
        .map_err(|e| io_failure(format!("cannot read {}", file.display()), &e))?;
    let found = engine::inspect(&path)?;
    let name = match name {
        Some(name) => name,
        None => path
            .file_stem()
            .map(|stem| stem.to_string_lossy().to_lowercase())
            .unwrap_or_default(),
    };
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    {
        return Err(Failure::usage(format!("`{name}` is no name for a model"))
            .because("letters, digits, `-`, `_` and `.` make one")
            .hint("give one with --name"));
    }
    if Catalog::embedded()?.get(&name).is_some() {
        return Err(Failure::usage(format!("`{name}` is a name of the catalog"))
            .hint("give another with --name"));
    }
    let added = desk.store().add(&name, &path)?;
    let context = CONTEXT.min(found.context as usize);
    desk.out.note(&format!(
        "{} is known now: {} {}, {} parameters, {} of memory with {} tokens of context",
        added.name,
        found.architecture,
        found.quantization,
        human_count(found.parameters),
        human_bytes(found.memory_bytes(context)),
        human_count(context as u64)
    ));
    if !found.supported {
        desk.out.warn(&format!(
            "this build cannot run the architecture `{}` yet",
            found.architecture
        ));
    }
    if !found.has_template {
        desk.out
            .warn("the file holds no chat template: answers may be poor");
    }
    desk.out
        .note(&format!("use it with `homebody models use {}`", added.name));
    Ok(0)
}

fn verify(name: &str, desk: &mut Desk) -> Result<Code> {
    let model = here(name, desk)?;
    let failed =
        |e: &std::io::Error| io_failure(format!("cannot read {}", model.path.display()), e);
    desk.catch_signals();
    desk.seal()?;
    let cancel = desk.stop.token();
    let mut file = File::open(&model.path).map_err(|e| failed(&e))?;
    let size = file.metadata().map_err(|e| failed(&e))?.len();
    let mut problems = Vec::new();
    if size != model.bytes {
        problems.push(format!(
            "it has {} bytes and had {} when it was installed",
            human_count(size),
            human_count(model.bytes)
        ));
    }
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let (mut done, began) = (0u64, Instant::now());
    loop {
        cancel.check()?;
        let read = file.read(&mut buffer).map_err(|e| failed(&e))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        digest.update(bytes);
        done += read as u64;
        let rate = done as f64 / began.elapsed().as_secs_f64().max(0.001);
        desk.out.progress(&format!(
            "checking {} {} of {} · {}/s",
            bar(done, size, 24),
            human_bytes(done),
            human_bytes(size),
            human_bytes(rate as u64)
        ));
    }
    desk.out.clear();
    let sum: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let catalog = Catalog::embedded()?;
    let wanted = model
        .sha256
        .clone()
        .or_else(|| catalog.get(name).and_then(|known| known.sha256.clone()));
    match &wanted {
        Some(wanted) if !wanted.eq_ignore_ascii_case(&sum) => {
            problems.push(format!("its sha256 is {sum} and should be {wanted}"));
        }
        Some(_) => {}
        None => desk
            .out
            .note("no checksum was recorded for it; only size and header are checked"),
    }
    if let Err(failure) = engine::inspect(&model.path) {
        problems.push(failure.to_string());
    }
    if problems.is_empty() {
        desk.out
            .line(Tone::Plain, &format!("{name}: good, sha256 {sum}"));
        return Ok(0);
    }
    for problem in &problems {
        desk.out
            .line(Tone::Red, &format!("{name}: not good: {problem}"));
    }
    desk.out.note(&format!(
        "fetch it again: `homebody models remove {name}`, then `homebody models pull {name}`"
    ));
    Ok(NEGATIVE)
}

fn remove(name: &str, desk: &mut Desk) -> Result<Code> {
    here(name, desk)?;
    let removed = desk.store().remove(name)?;
    desk.out.note(&if removed.owned {
        format!(
            "removed {name}: {} is deleted ({})",
            removed.path.display(),
            human_bytes(removed.bytes)
        )
    } else {
        format!(
            "{name} is forgotten; its file stays where it is: {}",
            removed.path.display()
        )
    });
    Ok(0)
}

fn choose(name: &str, desk: &mut Desk) -> Result<Code> {
    here(name, desk)?;
    desk.store().choose(name)?;
    desk.out.note(&format!("{name} is used from now on"));
    if let Some(over) = desk
        .config
        .model
        .value
        .as_deref()
        .filter(|over| *over != name)
    {
        desk.out.warn(&format!(
            "but `model = {over}` stands over that: {}",
            desk.config.model.origin
        ));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_well() {
        assert_eq!(state(false, false, true, true), "fits");
        assert_eq!(state(true, true, true, true), "in use");
        assert_eq!(state(true, false, false, true), "installed, does not fit");
        assert_eq!(state(false, false, true, false), "does not run yet");
    }

    #[test]
    fn an_unknown_model_comes_with_the_nearest() {
        let names = ["starter", "qwen3.5-4b"];
        let failure = unknown("startr", names.into_iter());
        assert_eq!(failure.next_step(), Some("did you mean `starter`?"));
        let failure = unknown("gpt", names.into_iter());
        assert!(
            failure
                .next_step()
                .is_some_and(|hint| hint.contains("models list"))
        );
    }
}
