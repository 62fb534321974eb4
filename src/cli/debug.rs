//! `debug`: for those who work on homebody, and for the tests.

use std::path::{Path, PathBuf};

use super::Code;
use super::args::DebugCommand;
use super::bench::local;
use super::invocation::Invocation;
use super::out::Tone;
use super::sealing::attempts;
use crate::base::{Failure, Result, seal};
use crate::engine::debug;
use crate::jobs::ModelChoice;

/// The JSON schema of the events; a test holds real events against it.
pub(super) const SCHEMA: &str = include_str!("events.schema.json");

/// Runs `debug …`.
pub(super) fn run(command: DebugCommand, invocation: &mut Invocation) -> Result<Code> {
    match command {
        DebugCommand::Schema => {
            invocation.out.raw(SCHEMA);
            Ok(0)
        }
        DebugCommand::Logits { tokens, out } => logits(&tokens, &out, invocation),
        DebugCommand::Tokenize {
            file,
            special,
            time,
        } => tokenize(&file, special, time, invocation),
        DebugCommand::Render { messages, template } => render(&messages, template, invocation),
        DebugCommand::Generate { prompt, max } => generate(&prompt, max as usize, invocation),
        // Carried out before there are settings that could be wrong.
        DebugCommand::Complete { .. } => Ok(0),
        #[cfg(feature = "lab")]
        DebugCommand::Lab(command) => super::lab::run(command, invocation),
        DebugCommand::Seal {
            open,
            child,
            inherited,
        } => seal(open, child, inherited, invocation),
    }
}

/// Runs `debug logits`.
fn logits(tokens: &Path, out: &Path, invocation: &mut Invocation) -> Result<Code> {
    let mut engine = local(invocation, 0)?;
    let cancel = invocation.cancel();
    let (rows, columns) = debug::logits(&mut engine, tokens, out, &cancel)?;
    invocation.out.note(&format!("{rows} rows of {columns}"));
    Ok(0)
}

/// Runs `debug tokenize`.
fn tokenize(file: &Path, special: bool, time: bool, invocation: &mut Invocation) -> Result<Code> {
    let model = file_of_model(invocation)?;
    let (ids, seconds) = debug::tokenize(&model, file, special)?;
    if time {
        let n = ids.len();
        invocation
            .out
            .note(&format!("{n} tokens in {:.1} ms", seconds * 1e3));
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    invocation.out.line(Tone::Plain, &ids.join(" "));
    Ok(0)
}

/// Runs `debug render`.
fn render(messages: &Path, template: Option<PathBuf>, invocation: &mut Invocation) -> Result<Code> {
    let template = match template {
        Some(file) => {
            invocation.seal()?;
            file
        }
        None => file_of_model(invocation)?,
    };
    let text = debug::render(&template, messages)?;
    invocation.out.raw(&text);
    Ok(0)
}

/// Runs `debug generate`.
fn generate(prompt: &Path, max: usize, invocation: &mut Invocation) -> Result<Code> {
    let mut engine = local(invocation, 0)?;
    let cancel = invocation.cancel();
    let text = debug::generate(&mut engine, prompt, max, &cancel)?;
    invocation.out.json(&text)?;
    Ok(0)
}

/// Runs `debug seal`.
fn seal(open: bool, child: bool, inherited: bool, invocation: &mut Invocation) -> Result<Code> {
    if !open {
        invocation.seal()?;
    }
    if inherited {
        for (fd, network) in seal::descriptors() {
            let what = if network { "network" } else { "other" };
            invocation.out.line(Tone::Plain, &format!("{fd}: {what}"));
        }
        return Ok(0);
    }
    let tried = if child {
        seal::probe_child()?
    } else {
        seal::probe()
    };
    for line in attempts(&tried) {
        invocation.out.line(Tone::Plain, &line);
    }
    Ok(0)
}

/// The file of the chosen model.
pub(super) fn file_of_model(invocation: &mut Invocation) -> Result<PathBuf> {
    match invocation.model()? {
        ModelChoice::Installed(installed) => Ok(installed.path),
        ModelChoice::File(file) => Ok(file),
        _ => Err(Failure::usage("tokens need a model")),
    }
}
