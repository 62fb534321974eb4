//! homebody's binary and this package's own, run from outside and watched.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::memory::{Watched, watch};
use crate::{Result, logits};

/// What one run of a benchmark gave.
#[derive(Debug)]
pub struct Run {
    /// What the program printed, as JSON.
    pub report: Value,
    /// What it held at most and how busy the machine was otherwise, seen from outside.
    pub watched: Watched,
    /// Seconds from its start to its end.
    pub wall: f64,
}

impl Run {
    /// A number of the report; none if it has no such key.
    pub fn number(&self, key: &str) -> f64 {
        self.report[key].as_f64().unwrap_or(f64::NAN)
    }
}

/// Runs a program that prints one JSON object, with some variables set, and watches it.
///
/// # Errors
/// When it cannot be started, fails, or prints something else.
pub fn measured(program: &Path, arguments: &[String], set: &[(&str, &str)]) -> Result<Run> {
    let named = |e: &dyn std::fmt::Display| format!("{} {arguments:?}: {e}", program.display());
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .envs(set.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| named(&e))?;
    // A reader of its own, so that a full pipe cannot hold up what is measured.
    let mut pipe = child.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let watched = watch(&mut child)?;
    let wall = begun.elapsed().as_secs_f64();
    let text = reader.join().map_err(|_| "reading failed")??;
    if !watched.ended.success() {
        return Err(named(&watched.ended).into());
    }
    let report = serde_json::from_str(&text).map_err(|e| named(&e))?;
    Ok(Run {
        report,
        watched,
        wall,
    })
}

/// homebody's logits of `tokens`, a row of the vocabulary each.
///
/// # Errors
/// When homebody fails.
pub fn its_logits(homebody: &Path, model: &Path, tokens: &[i32], threads: i32) -> Result<Vec<f32>> {
    let folder = tempfile::tempdir()?;
    let (ids, out): (PathBuf, PathBuf) = (folder.path().join("ids"), folder.path().join("f32"));
    let words: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    std::fs::write(&ids, words.join(" "))?;
    let ended = Command::new(homebody)
        .args(["debug", "logits", "--quiet", "--model"])
        .arg(model)
        .args(["--threads", &threads.to_string(), "--tokens"])
        .arg(&ids)
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .status()?;
    if !ended.success() {
        return Err(format!("{} debug logits: {ended}", homebody.display()).into());
    }
    logits::read(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Run> {
        measured(Path::new("sh"), &["-c".to_owned(), script.to_owned()], &[])
    }

    #[test]
    fn a_run_is_read_timed_and_watched() {
        let run = shell("sleep 0.1; echo '{\"prefill_tps\": 2.5}'").expect("runs");
        assert!((run.number("prefill_tps") - 2.5).abs() < 1e-9);
        assert!(run.number("other").is_nan());
        assert!(
            run.wall >= 0.1 && run.watched.held.peak > 100_000,
            "{run:?}"
        );
    }

    #[test]
    fn failing_or_printing_something_else_is_an_error() {
        assert!(shell("echo '{}'; exit 3").is_err());
        assert!(shell("echo no").is_err());
    }
}
