//! The trial of a model: the trial conversation after it was added, and `models try`.

use std::path::Path;

use serde_json::json;

use super::invocation::{Invocation, choice_name};
use super::out::{Tone, bar, wrapped};
use super::{Code, NEGATIVE};
use crate::base::text::{human_bytes, human_count, human_time, printable};
use crate::base::{Config, Failure, Result, memory};
use crate::engine::{self, Engine, Inspection};
use crate::jobs::model_trial::{self, JOBS, Outcome};
use crate::jobs::{Event, ModelChoice, choose_model, load_engine};

/// Tokens of context that a trial needs at most.
const CONTEXT: usize = 8_192;

/// Checks that a model can do jobs, by its header.
///
/// # Errors
/// Of kind model: its architecture, its vocabulary or its form of conversations.
pub(super) fn check(name: &str, found: &Inspection) -> Result<()> {
    let why = found.obstacle.as_ref().or(found.no_chat.as_ref());
    match why {
        Some(why) => Err(Failure::model(format!("`{name}` cannot be used"))
            .because(why)
            .hint(
                "`homebody models list` shows models that run; `homebody models pull \
                   OWNER/REPO` shows other conversions",
            )),
        None => Ok(()),
    }
}

/// Has every job's prompt go through a model's template and vocabulary, and one token computed;
/// says what came of that. A model that does not fit in memory now is not loaded, and that is said.
///
/// # Errors
/// Of kind model, if the model cannot do something, with the reason; interrupted.
pub(super) fn trial(
    name: &str,
    file: &Path,
    found: &Inspection,
    invocation: &mut Invocation,
) -> Result<()> {
    check(name, found)?;
    let Some(chat) = &found.chat else {
        // It searches, and answers nothing.
        return Ok(());
    };
    if let Some(note) = &chat.note {
        let form = chat.form.as_str();
        invocation
            .out
            .note(&format!("{note}: conversations have the form of {form}"));
    }
    invocation.catch_signals();
    let context = CONTEXT.min(found.context as usize);
    let (needed, free) = (found.memory_bytes(context), memory::available());
    if needed > free {
        invocation.out.warn(&format!(
            "not tried: it takes {} of memory, and {} are free now; `homebody models try {name}` \
             does it later",
            human_bytes(needed),
            human_bytes(free)
        ));
        return Ok(());
    }
    let mut engine = load(&ModelChoice::File(file.to_owned()), context, invocation)?;
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let tried = model_trial::trial(engine.as_mut(), &cancel, &mut |done, total| {
        out.progress(&format!(
            "trying it: reading {} {} of {} tokens",
            bar(done as u64, total as u64, 24),
            human_count(done as u64),
            human_count(total as u64)
        ));
    });
    invocation.out.clear();
    let tried = tried?;
    let prompts: Vec<String> = JOBS
        .iter()
        .zip(&tried.prompt_tokens)
        .map(|(job, tokens)| format!("{job} {}", human_count(*tokens as u64)))
        .collect();
    invocation.out.note(&format!(
        "tried: every job can be asked of it ({} tokens), and it computes ({} tokens in {})",
        prompts.join(", "),
        human_count(tried.read as u64),
        human_time(tried.seconds)
    ));
    Ok(())
}

/// Loads a model with `context` tokens of context, with progress.
fn load(
    choice: &ModelChoice,
    context: usize,
    invocation: &mut Invocation,
) -> Result<Box<dyn Engine>> {
    let catalog = invocation.catalog()?;
    let mut config: Config = invocation.config.clone();
    config.ctx.value = context;
    let name = choice_name(choice);
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let engine = load_engine(choice, &catalog, &config, None, &cancel, &mut |part| {
        out.progress(&format!("loading {name} {:.0}%", part * 100.0));
    });
    invocation.out.clear();
    engine
}

/// Runs `models try`.
pub(super) fn run(name: Option<&str>, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    invocation.catch_signals();
    invocation.seal()?;
    let choice = chosen(name, invocation)?;
    let context = context_for(&choice, invocation.config.ctx.value)?;
    let mut engine = load(&choice, context, invocation)?;
    let seed = invocation.config.seed.value;
    let cancel = invocation.cancel();
    let facts = engine.facts().clone();
    if !as_json {
        invocation.out.note(&format!(
            "{} ({}), loaded in {}, on a repository of three files",
            facts.name,
            facts.architecture,
            human_time(facts.load_s)
        ));
    }
    let out = std::cell::RefCell::new(&mut invocation.out);
    let outcomes = model_trial::sitting(
        engine.as_mut(),
        seed,
        &cancel,
        &mut |job, event| {
            if let Event::Prefill { done, total, .. } = event {
                out.borrow_mut()
                    .progress(&format!("{job}: reading {done} of {total} tokens"));
            }
        },
        &mut |outcome| {
            let mut out = out.borrow_mut();
            out.clear();
            if !as_json {
                show(outcome, &mut out);
            }
        },
    );
    invocation.out.clear();
    let outcomes = outcomes?;
    let works = outcomes.iter().all(|outcome| outcome.works);
    if as_json {
        invocation.out.json_pretty(&json!({
            "type": "trial",
            "model": facts.name,
            "works": works,
            "jobs": outcomes,
        }))?;
    }
    Ok(if works { 0 } else { NEGATIVE })
}

/// The model that is tried: the one named, else the one in use; it must be here.
fn chosen(name: Option<&str>, invocation: &Invocation) -> Result<ModelChoice> {
    let wanted = name.or(invocation.config.model.value.as_deref());
    let choice = choose_model(
        wanted,
        &invocation.catalog()?,
        &invocation.store(),
        memory::available(),
    )?;
    match (choice, invocation.script.clone()) {
        (_, Some(script)) => Ok(ModelChoice::Script(script)),
        (ModelChoice::Fetch(model), None) => {
            Err(Failure::usage(format!("`{}` is not here", model.name))
                .hint(format!("homebody models pull {}", model.name)))
        }
        (choice, None) => Ok(choice),
    }
}

/// Tokens of context that a model is tried with; `asked` are those of the configuration, 0 for
/// none.
///
/// # Errors
/// If the model can answer nothing, by its header.
fn context_for(choice: &ModelChoice, asked: usize) -> Result<usize> {
    let file = match choice {
        ModelChoice::Installed(here) => &here.path,
        ModelChoice::File(file) => file,
        ModelChoice::Fetch(_) | ModelChoice::Script(_) => return Ok(asked),
    };
    let found = engine::inspect(file)?;
    check(&choice_name(choice), &found)?;
    if found.chat.is_none() {
        return Err(Failure::usage(
            "an embedding model searches and cannot answer",
        ));
    }
    Ok(match asked {
        0 => CONTEXT.min(found.context as usize),
        asked => asked,
    })
}

/// Prints how a job of the sitting went, in a line or two.
fn show(outcome: &Outcome, out: &mut super::out::Out) {
    let rate = |tps: f64| {
        if tps > 0.0 {
            format!(" at {tps:.0}/s")
        } else {
            String::new()
        }
    };
    let figures = format!(
        "read {}{}, wrote {}{}",
        human_count(outcome.read as u64),
        rate(outcome.prefill_tps),
        human_count(outcome.written as u64),
        rate(outcome.decode_tps)
    );
    let (tone, word) = if outcome.works {
        (Tone::Green, "works")
    } else {
        (Tone::Red, "fails")
    };
    out.parts(&[
        (Tone::Bold, &format!("{:<8}", outcome.job)),
        (tone, word),
        (Tone::Plain, &format!("  {figures}")),
    ]);
    let words = match (&outcome.failure, &outcome.hint) {
        (Some(failure), Some(hint)) => format!("{failure}; {hint}"),
        (Some(failure), None) => failure.clone(),
        (None, _) => outcome.first_words.clone(),
    };
    let room = out.width().saturating_sub(9);
    for line in wrapped(&printable(&words), room) {
        out.line(Tone::Dim, &format!("        {line}"));
    }
}
