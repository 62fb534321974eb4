//! `config`: every key with its value and where it comes from.

use super::invocation::Invocation;
use super::out::Tone;
use super::start::Code;
use crate::base::Result;
use crate::repo::Repo;

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
