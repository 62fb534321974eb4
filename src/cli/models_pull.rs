//! `models pull`: a model of the catalog, or one of any GGUF repository.

use serde_json::json;

use super::Code;
use super::invocation::{Invocation, pull_line};
use super::out::Tone;
use super::{models, models_try};
use crate::base::text::{human_bytes, printable};
use crate::base::{Failure, Result, memory};
use crate::engine;
use crate::registry::repository::{chosen, models_of, pull_remote};
use crate::registry::{Address, Installed, RemoteModel, Route, pull};

/// Runs `models pull`, the one command with a network: it reads no repository of the user's, and is
/// sealed before what it has fetched is opened.
pub(super) fn run(name: &str, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    if let Some(address) = Address::read(name) {
        return fetch_from(&address, as_json, invocation);
    }
    let catalog = invocation.catalog()?;
    let model = catalog.find(name)?;
    let store = invocation.store();
    if let Some(here) = store.get(name)? {
        invocation
            .out
            .note(&format!("{name} is here already: {}", here.path.display()));
        models::done("here", &here, as_json, invocation)?;
        return Ok(0);
    }
    invocation.out.note(&format!("fetching {}", model.offer()));
    invocation.catch_signals();
    invocation.watch();
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let pulled = pull(model, &store, &cancel, &mut |progress| {
        out.progress(&pull_line(progress));
    });
    invocation.out.clear();
    let installed = pulled?;
    models::done("fetched", &installed, as_json, invocation)?;
    if model.embeds {
        told(&installed, invocation);
        invocation.out.note(
            "repositories are searched by meaning from now on; `homebody index` reads one at \
             once, the app does it while it is idle",
        );
        return Ok(0);
    }
    fetched(&installed, invocation)
}

/// Fetches a model of any GGUF repository; without a file, lists what there is.
fn fetch_from(address: &Address, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    let route = Route::from_env();
    invocation.catch_signals();
    invocation.watch();
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let models = models_of(&route, &address.repo, &cancel, &mut |progress| {
        out.progress(&pull_line(progress));
    });
    invocation.out.clear();
    let models = models?;
    let Some(wanted) = &address.file else {
        if as_json {
            let free = memory::available();
            let object = |one: &RemoteModel| {
                json!({
                    "name": one.label(),
                    "bytes": one.bytes(),
                    "memory_bytes": one.memory_bytes(),
                    "fits": one.memory_bytes() <= free,
                    "installed": false,
                })
            };
            let models: Vec<_> = models.iter().map(object).collect();
            let told = json!({"type": "models", "free_bytes": free, "models": models});
            invocation.out.json_pretty(&told)?;
        } else {
            offer(&models, invocation)?;
        }
        return Ok(0);
    };
    let model = chosen(&models, wanted)?;
    let name = model.name();
    let store = invocation.store();
    if let Some(here) = store.get(&name)?
        && is_same(&here, model, &name)?
    {
        invocation
            .out
            .note(&format!("{name} is here already: {}", here.path.display()));
        models::done("here", &here, as_json, invocation)?;
        return Ok(0);
    }
    if invocation.catalog()?.get(&name).is_some() {
        return Err(Failure::usage(format!("`{name}` is a name of the catalog"))
            .hint(format!("homebody models pull {name}")));
    }
    invocation.out.note(&format!("fetching {}", model.offer()));
    warn_of_memory(model.memory_bytes(), invocation);
    let out = &mut invocation.out;
    let pulled = pull_remote(&route, model, &store, &cancel, &mut |progress| {
        out.progress(&pull_line(progress));
    });
    invocation.out.clear();
    let installed = pulled?;
    models::done("fetched", &installed, as_json, invocation)?;
    fetched(&installed, invocation)
}

/// Tells whether the file that is here under a name is that of a repository; another one is in its
/// way.
fn is_same(here: &Installed, model: &RemoteModel, name: &str) -> Result<bool> {
    let stated = match model.files.as_slice() {
        [one] => one.sha256.as_deref(),
        _ => None,
    };
    let other = matches!((stated, here.sha256.as_deref()), (Some(a), Some(b)) if a != b);
    if here.bytes == model.bytes() && !other {
        return Ok(true);
    }
    if here.owned && here.sha256.is_none() {
        return Ok(false);
    }
    Err(Failure::usage(format!(
        "another file is here by the name `{name}`: {}",
        here.path.display()
    ))
    .hint(format!(
        "`homebody models remove {name}` makes room for that of {}",
        printable(&model.repo)
    )))
}

/// Warns that a model does not fit, before it is fetched.
fn warn_of_memory(needed: u64, invocation: &mut Invocation) {
    let free = memory::available();
    if needed > free {
        invocation.out.warn(&format!(
            "it needs about {} of memory, and {} are free here",
            human_bytes(needed),
            human_bytes(free)
        ));
    }
}

/// Lists the models of a repository, with what fits.
fn offer(models: &[RemoteModel], invocation: &mut Invocation) -> Result<()> {
    let free = memory::available();
    let widths = models.iter().map(|one| one.label().chars().count());
    let width = widths.fold(4, usize::max);
    invocation.out.line(
        Tone::Bold,
        &format!("{:<width$}  {:>8}  {:>9}  STATE", "FILE", "SIZE", "MEMORY"),
    );
    for one in models {
        let fits = one.memory_bytes() <= free;
        let parts = match one.files.len() {
            1 => String::new(),
            n => format!(", {n} parts"),
        };
        invocation.out.line(
            if fits { Tone::Plain } else { Tone::Dim },
            &format!(
                "{:<width$}  {:>8}  {:>9}  {}{parts}",
                printable(&one.label()),
                human_bytes(one.bytes()),
                format!("~{}", human_bytes(one.memory_bytes())),
                if fits { "fits" } else { "does not fit" }
            ),
        );
    }
    let first = models.first();
    let first = first.ok_or_else(|| Failure::bug("a repository without models is offered"))?;
    let repo = first.repo.as_str();
    let best = models.iter().rfind(|one| one.memory_bytes() <= free);
    let file = best.map_or_else(|| "FILE".to_owned(), RemoteModel::label);
    invocation
        .out
        .note(&format!("fetch one: homebody models pull {repo}:{file}"));
    Ok(())
}

/// Says that a model is here.
fn told(installed: &Installed, invocation: &mut Invocation) {
    invocation.out.note(&format!(
        "{} is here: {} ({})",
        installed.name,
        installed.path.display(),
        human_bytes(installed.bytes)
    ));
}

/// Opens and tries a model that was fetched, sealed.
fn fetched(installed: &Installed, invocation: &mut Invocation) -> Result<Code> {
    told(installed, invocation);
    invocation.seal()?;
    let name = &installed.name;
    let found = engine::inspect(&installed.path)?;
    models_try::trial(name, &installed.path, &found, invocation).map_err(|failure| {
        if failure.is_interrupted() {
            return failure;
        }
        let hint = failure.next_step().map(|hint| format!("{hint}; "));
        let hint = hint.unwrap_or_default();
        failure.hint(format!("{hint}`homebody models remove {name}` deletes it"))
    })?;
    invocation
        .out
        .note(&format!("use it with `homebody models use {name}`"));
    Ok(0)
}
