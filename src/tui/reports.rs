//! Texts about the repository and the machine: a first `AGENTS.md`, the doctor's report.

use std::fmt::Write as _;

use super::shared::Shared;
use crate::base::text::{counted, human_bytes, printable};
use crate::base::{Failure, RepoPath, Result, memory, seal};
use crate::patch::{self, Change, FileChange, UndoDir};

/// Writes a first `AGENTS.md`, as a patch that `/undo` takes back.
pub fn init(shared: &Shared, undo: &UndoDir) -> Result<RepoPath> {
    let path = RepoPath::new(&shared.workspace.settings.rules_file)?;
    let root = shared.workspace.repo.root();
    if path.under(root).symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("{path} is there already")));
    }
    let (index, _) = shared.index();
    let stats = index.stats();
    // The root of a file system has no name.
    let name = root
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    let mut text = format!(
        "# {name}\n\nWhat an assistant must know about this repository. homebody shows it with \
         every question, so keep it short.\n\n## Languages\n\n"
    );
    for (language, files) in stats.languages.iter().take(6) {
        let _ = writeln!(text, "- {language}: {}", counted(*files, "file"));
    }
    text.push_str("\n## Where things are\n\n");
    let mut folders: Vec<(String, usize)> = Vec::new();
    for file in index.paths() {
        let folder = file.as_str().split_once('/').map_or(".", |(top, _)| top);
        match folders.iter_mut().find(|(name, _)| name == folder) {
            Some((_, n)) => *n += 1,
            None => folders.push((folder.to_owned(), 1)),
        }
    }
    folders.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (folder, files) in folders.iter().take(12) {
        let _ = writeln!(
            text,
            "- `{}/`: {}; what for?",
            printable(folder),
            counted(*files, "file")
        );
    }
    text.push_str("\n## How we work\n\n- Build and test with: …\n- Style: …\n- Do not touch: …\n");
    let change = Change {
        files: vec![FileChange {
            path: path.clone(),
            renamed_to: None,
            before: None,
            after: Some(text),
        }],
    };
    patch::write::apply(root, &change, undo)?;
    Ok(path)
}

/// The doctor's report: what was found here, and the seal tried.
pub fn doctor(shared: &Shared) -> String {
    let mut out = String::new();
    let workspace = &shared.workspace;
    let mut fact = |what: &str, value: String| {
        let _ = writeln!(out, "{what:<12} {value}");
    };
    fact("homebody", env!("CARGO_PKG_VERSION").to_owned());
    fact("repository", workspace.repo.root().display().to_string());
    fact(
        "git",
        if workspace.repo.is_git() {
            "yes".to_owned()
        } else {
            let why = workspace.repo.note().unwrap_or("no");
            format!("{why}: no diffs, no reviews")
        },
    );
    let (index, complete) = shared.index();
    let stats = index.stats();
    fact(
        "index",
        format!(
            "{}, {}, {}{}",
            counted(stats.files, "file"),
            counted(stats.symbols, "definition"),
            human_bytes(stats.disk_bytes),
            if complete { "" } else { " (not complete)" }
        ),
    );
    fact("meaning", crate::jobs::meaning_line(&index));
    // Where the system does not tell what is held, 0 stands.
    fact(
        "memory",
        format!(
            "{} free, {} held",
            human_bytes(memory::available()),
            human_bytes(memory::resident().unwrap_or(0))
        ),
    );
    fact("models", shared.places.models().display().to_string());
    fact("config", shared.places.config.display().to_string());
    fact("sessions", workspace.places.sessions.display().to_string());
    let var = |name: &str| std::env::var(name).unwrap_or_else(|_| "not set".to_owned());
    fact(
        "terminal",
        format!("TERM {}, COLORTERM {}", var("TERM"), var("COLORTERM")),
    );
    out.push_str("\nThe seal, tried just now:\n");
    for (what, refused, words) in seal::probe() {
        let verdict = if refused { "refused" } else { "NOT refused" };
        let _ = writeln!(out, "  {what}: {verdict} ({words})");
    }
    out.push_str("\n`homebody doctor` says more.\n");
    out
}
