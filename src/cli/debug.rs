//! `debug`: for those who work on homebody, and for the tests.

use std::path::{Path, PathBuf};

use super::args::DebugCommand;
use super::bench::local;
use super::invocation::Invocation;
use super::out::Tone;
use super::sealing::attempts;
use super::start::Code;
use crate::base::{Failure, Result, seal};
use crate::engine::debug;
use crate::jobs::ModelChoice;

/// The JSON schema of the events; a test holds real events against it.
pub(super) const SCHEMA: &str = include_str!("events.schema.json");

/// Runs `debug …`.
pub(super) fn run(command: DebugCommand, desk: &mut Invocation) -> Result<Code> {
    match command {
        DebugCommand::Schema => {
            desk.out.raw(SCHEMA);
            Ok(0)
        }
        DebugCommand::Logits { tokens, out } => logits(&tokens, &out, desk),
        DebugCommand::Tokenize {
            file,
            special,
            time,
        } => tokenize(&file, special, time, desk),
        DebugCommand::Render { messages, template } => render(&messages, template, desk),
        DebugCommand::Generate { prompt, max } => generate(&prompt, max as usize, desk),
        #[cfg(feature = "lab")]
        DebugCommand::Lab(command) => super::lab::run(command, desk),
        DebugCommand::Seal {
            open,
            child,
            inherited,
        } => seal(open, child, inherited, desk),
    }
}

/// Runs `debug logits`.
fn logits(tokens: &Path, out: &Path, desk: &mut Invocation) -> Result<Code> {
    let mut engine = local(desk, 0)?;
    let cancel = desk.cancel();
    let (rows, columns) = debug::logits(&mut engine, tokens, out, &cancel)?;
    desk.out.note(&format!("{rows} rows of {columns}"));
    Ok(0)
}

/// Runs `debug tokenize`.
fn tokenize(file: &Path, special: bool, time: bool, desk: &mut Invocation) -> Result<Code> {
    let model = file_of_model(desk)?;
    let (ids, seconds) = debug::tokenize(&model, file, special)?;
    if time {
        let n = ids.len();
        desk.out
            .note(&format!("{n} tokens in {:.1} ms", seconds * 1e3));
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    desk.out.line(Tone::Plain, &ids.join(" "));
    Ok(0)
}

/// Runs `debug render`.
fn render(messages: &Path, template: Option<PathBuf>, desk: &mut Invocation) -> Result<Code> {
    let template = match template {
        Some(file) => {
            desk.seal()?;
            file
        }
        None => file_of_model(desk)?,
    };
    let text = debug::render(&template, messages)?;
    desk.out.raw(&text);
    Ok(0)
}

/// Runs `debug generate`.
fn generate(prompt: &Path, max: usize, desk: &mut Invocation) -> Result<Code> {
    let mut engine = local(desk, 0)?;
    let cancel = desk.cancel();
    let text = debug::generate(&mut engine, prompt, max, &cancel)?;
    desk.out.json(&text)?;
    Ok(0)
}

/// Runs `debug seal`.
fn seal(open: bool, child: bool, inherited: bool, desk: &mut Invocation) -> Result<Code> {
    if !open {
        desk.seal()?;
    }
    if inherited {
        for (fd, network) in seal::descriptors() {
            let what = if network { "network" } else { "other" };
            desk.out.line(Tone::Plain, &format!("{fd}: {what}"));
        }
        return Ok(0);
    }
    let tried = if child {
        seal::probe_child()?
    } else {
        seal::probe()
    };
    for line in attempts(&tried) {
        desk.out.line(Tone::Plain, &line);
    }
    Ok(0)
}

/// The file of the chosen model.
pub(super) fn file_of_model(desk: &mut Invocation) -> Result<PathBuf> {
    match desk.model()? {
        ModelChoice::Installed(installed) => Ok(installed.path),
        ModelChoice::File(file) => Ok(file),
        _ => Err(Failure::usage("tokens need a model")),
    }
}
