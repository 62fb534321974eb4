//! The thread for what is quick: reading files, asking git, sessions, lists, reports.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::workers::{Shared, guarded};
use crate::app::{Event, Fit, Generation, ModelRow};
use crate::base::failure::io_failure;
use crate::base::places::write_private;
use crate::base::text::{human_bytes, human_count, printable, truncated};
use crate::base::{Failure, LineRange, RepoPath, Result, memory, seal};
use crate::jobs::session::{Sessions, export};
use crate::jobs::{self, Request, Turn};
use crate::models::{Catalog, Store};
use crate::patch::{self, Change, FileChange, UndoDir};

/// How often memory is looked at while a model is loaded.
const LOOK: Duration = Duration::from_secs(3);
/// Lines of history kept on disk.
const MOST_HISTORY: usize = 1_000;
/// Bytes of code shown for one place.
const MOST_CODE: usize = 100_000;

/// What the desk does.
pub enum Task {
    /// What a request would be shown, counted roughly.
    Preview {
        /// To be given back.
        generation: Generation,
        /// For which request.
        request: Box<Request>,
    },
    /// Search the index.
    Search {
        /// To be given back.
        generation: Generation,
        /// The words.
        query: String,
        /// Most places.
        top: usize,
    },
    /// Lines of a file.
    ReadCode {
        /// The file.
        path: RepoPath,
        /// The lines.
        range: LineRange,
    },
    /// Head and status.
    Repo,
    /// The models there are.
    Models,
    /// The sessions there are.
    ListSessions,
    /// The turns of one, or of the newest.
    LoadSession(Option<String>),
    /// The next turn begins a new one.
    NewSession,
    /// Keep a turn.
    SaveTurn(Box<Turn>),
    /// Keep a line of history.
    SaveHistory(String),
    /// The conversation as Markdown.
    Export {
        /// The conversation.
        turns: Vec<Turn>,
        /// Where to.
        file: Option<String>,
    },
    /// The report of a review.
    Report(String),
    /// What was found, and the proof of the seal.
    Doctor,
}

/// The thread's own things.
pub struct Desk {
    shared: Arc<Shared>,
    events: Sender<Event>,
    sessions: Sessions,
    session: Option<String>,
    told: u64,
}

impl Desk {
    /// At the beginning of a session.
    pub fn new(shared: Arc<Shared>, events: Sender<Event>) -> Self {
        Self {
            sessions: Sessions {
                dir: shared.workspace.places.sessions.clone(),
            },
            shared,
            events,
            session: None,
            told: 0,
        }
    }

    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    fn look_at_memory(&mut self) {
        if !self.shared.loaded.load(Ordering::Acquire) {
            return;
        }
        if let Some(bytes) = memory::resident()
            && bytes.abs_diff(self.told) > 50_000_000
        {
            self.told = bytes;
            self.tell(Event::Memory(bytes));
        }
    }

    fn serve(&mut self, task: Task) {
        let event = match task {
            Task::Preview {
                generation,
                request,
            } => Event::Preview {
                generation,
                result: guarded(|| self.preview(&request)).map(Box::new),
            },
            Task::Search {
                generation,
                query,
                top,
            } => Event::Search {
                generation,
                result: guarded(|| self.shared.index().0.search(&query, top)),
            },
            Task::ReadCode { path, range } => {
                let result = guarded(|| self.code(&path, range));
                Event::Code {
                    path,
                    range,
                    result,
                }
            }
            Task::Repo => match guarded(|| self.repo()) {
                Ok(event) => event,
                Err(failure) => Event::Warning(failure),
            },
            Task::Models => Event::Models(guarded(|| model_rows(&self.shared))),
            Task::ListSessions => Event::Sessions(guarded(|| self.sessions.list())),
            Task::LoadSession(id) => {
                let id = match id {
                    Some(id) => Ok(id),
                    None => self.newest(),
                };
                match id {
                    Ok(id) => {
                        let result = guarded(|| self.sessions.load(&id));
                        if result.is_ok() {
                            self.session = Some(id.clone());
                        }
                        Event::SessionLoaded { id, result }
                    }
                    Err(failure) => Event::SessionLoaded {
                        id: String::new(),
                        result: Err(failure),
                    },
                }
            }
            Task::NewSession => {
                self.session = None;
                return;
            }
            Task::SaveTurn(turn) => {
                let id = self
                    .session
                    .get_or_insert_with(|| self.sessions.new_id())
                    .clone();
                match guarded(|| self.sessions.append(&id, &turn)) {
                    Ok(()) => return,
                    Err(failure) => Event::SaveFailed(failure),
                }
            }
            Task::SaveHistory(line) => {
                match guarded(|| save_history(&history_file(&self.shared), &line)) {
                    Ok(()) => return,
                    Err(failure) => Event::SaveFailed(failure),
                }
            }
            Task::Export { turns, file } => Event::Written(guarded(|| {
                self.write(file.as_deref(), "homebody-session", &export(&turns))
            })),
            Task::Report(text) => {
                Event::Written(guarded(|| self.write(None, "homebody-review", &text)))
            }
            Task::Doctor => Event::Doctor(guarded(|| Ok(doctor(&self.shared)))),
        };
        self.tell(event);
    }

    fn newest(&self) -> Result<String> {
        let newest = self.sessions.list()?.into_iter().next();
        newest.map(|entry| entry.id).ok_or_else(|| {
            Failure::usage("there is no conversation to go on with in this repository")
        })
    }

    fn preview(&self, request: &Request) -> Result<jobs::Preview> {
        let workspace = &self.shared.workspace;
        jobs::preview(
            request,
            &workspace.repo,
            &self.shared.index().0,
            &workspace.settings,
            &workspace.prompts,
            &crate::base::count::RoughCount,
            0,
        )
    }

    fn code(&self, path: &RepoPath, range: LineRange) -> Result<String> {
        let text = self.shared.workspace.repo.read(path)?.text;
        let lines: Vec<&str> = text
            .lines()
            .skip(range.start as usize - 1)
            .take(range.len() as usize)
            .collect();
        if lines.is_empty() {
            return Err(Failure::input(format!(
                "{path} has no line {}",
                range.start
            )));
        }
        Ok(truncated(&lines.join("\n"), MOST_CODE).to_owned())
    }

    fn repo(&self) -> Result<Event> {
        let repo = &self.shared.workspace.repo;
        if !repo.is_git() {
            return Ok(Event::Repo {
                head: None,
                status: crate::repo::Status::default(),
            });
        }
        Ok(Event::Repo {
            head: Some(repo.head()?),
            status: repo.status()?,
        })
    }

    /// Writes a file that was not there before, where the user wants it or under a name of
    /// its own in the folder homebody was started in.
    fn write(&self, wanted: Option<&str>, stem: &str, text: &str) -> Result<String> {
        let mut names: VecDeque<PathBuf> = match wanted {
            Some(name) => VecDeque::from([self.shared.dir.join(expand(name))]),
            None => (1..1_000)
                .map(|n| {
                    let number = if n == 1 {
                        String::new()
                    } else {
                        format!("-{n}")
                    };
                    self.shared.dir.join(format!("{stem}{number}.md"))
                })
                .collect(),
        };
        while let Some(path) = names.pop_front() {
            match fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(mut file) => {
                    return file
                        .write_all(text.as_bytes())
                        .map(|()| printable(&path.display().to_string()).into_owned())
                        .map_err(|e| io_failure(format!("cannot write {}", path.display()), &e));
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && !names.is_empty() => {}
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                    return Err(
                        Failure::usage(format!("{} is there already", path.display()))
                            .hint("name another file"),
                    );
                }
                Err(e) => {
                    return Err(io_failure(format!("cannot write {}", path.display()), &e));
                }
            }
        }
        Err(Failure::bug("no name was left for a file"))
    }
}

/// `~/` as the shell would have it.
fn expand(name: &str) -> PathBuf {
    match (name.strip_prefix("~/"), dirs::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(name),
    }
}

/// Serves tasks until nobody can send any.
pub fn serve(mut desk: Desk, tasks: &Receiver<Task>) {
    loop {
        match tasks.recv_timeout(LOOK) {
            Ok(task) => desk.serve(task),
            Err(RecvTimeoutError::Timeout) => desk.look_at_memory(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The file the composer's history is kept in.
fn history_file(shared: &Shared) -> PathBuf {
    shared.workspace.places.state.join("history")
}

/// The history on disk, oldest first; none where it cannot be read.
pub fn load_history(state: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(state.join("history")) else {
        return Vec::new();
    };
    let all: Vec<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let from = all.len().saturating_sub(MOST_HISTORY);
    all.into_iter().skip(from).collect()
}

fn save_history(file: &Path, line: &str) -> Result<()> {
    let mut all = load_history(file.parent().unwrap_or(Path::new(".")));
    all.push(line.to_owned());
    let from = all.len().saturating_sub(MOST_HISTORY);
    let mut text = String::new();
    for line in all.iter().skip(from) {
        let json = serde_json::to_string(line)
            .map_err(|e| Failure::bug("a line of history cannot be written").because(e))?;
        text.push_str(&json);
        text.push('\n');
    }
    write_private(file, text.as_bytes())
}

/// The models that are here or could be fetched, as the picker shows them.
pub fn model_rows(shared: &Shared) -> Result<Vec<ModelRow>> {
    let catalog = Catalog::load(&shared.places.config)?;
    let store = Store::new(shared.places.models());
    let installed = store.installed()?;
    let chosen = store.chosen()?;
    let free = memory::available();
    let best = catalog.best_that_fits(free).map(|m| m.name.clone());
    let rows = crate::models::rows(&catalog, &installed, chosen.as_deref(), free);
    Ok(rows
        .into_iter()
        .map(|row| {
            let facts = match (&row.memory, &row.installed) {
                (None, Some(file)) => crate::engine::inspect(&file.path).ok(),
                _ => None,
            };
            let bytes_needed = row
                .memory
                .or_else(|| facts.as_ref().map(|f| f.memory_bytes(8_192)))
                .unwrap_or(0);
            let runs = row
                .runs
                .or_else(|| facts.as_ref().map(|f| f.supported))
                .unwrap_or(true);
            let fits = row.fits.unwrap_or(bytes_needed <= free);
            ModelRow {
                about: row.model.as_ref().map_or_else(
                    || {
                        facts.as_ref().map_or(String::new(), |f| {
                            format!("{} {}, {}", f.architecture, f.quantization, f.name)
                        })
                    },
                    |m| m.about.clone(),
                ),
                bytes: row
                    .model
                    .as_ref()
                    .filter(|_| row.installed.is_none())
                    .map_or(row.bytes, |m| m.download_bytes),
                memory: bytes_needed,
                free,
                fit: match (runs, fits) {
                    (false, _) => Fit::Unsupported,
                    (true, false) => Fit::No,
                    (true, true) => Fit::Yes,
                },
                installed: row.installed.is_some(),
                partial: 0,
                from: match (&row.installed, &row.model) {
                    (Some(file), None) => file.path.display().to_string(),
                    (_, Some(model)) => model.source.to_string(),
                    (None, None) => String::new(),
                },
                license: row
                    .model
                    .as_ref()
                    .map_or(String::new(), |m| m.license.clone()),
                recommended: best.as_deref() == Some(row.name.as_str()),
                name: row.name,
            }
        })
        .collect())
}

/// Writes a first `AGENTS.md`, as a patch that `/undo` takes back.
pub fn init(shared: &Shared, undo: &UndoDir) -> Result<RepoPath> {
    let path = RepoPath::new(&shared.workspace.settings.rules_file)?;
    let root = shared.workspace.repo.root();
    if path.under(root).symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("{path} is there already")));
    }
    let (index, _) = shared.index();
    let stats = index.stats();
    let name = root
        .file_name()
        .map_or(String::new(), |n| n.to_string_lossy().into_owned());
    let mut text = format!(
        "# {name}\n\nWhat an assistant must know about this repository. homebody shows it with \
         every question, so keep it short.\n\n## Languages\n\n"
    );
    for (language, files) in stats.languages.iter().take(6) {
        let _ = writeln!(text, "- {language}: {files} files");
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
        let _ = writeln!(text, "- `{}/`: {files} files; what for?", printable(folder));
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

fn doctor(shared: &Shared) -> String {
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
            "yes"
        } else {
            "no: no diffs, no reviews"
        }
        .to_owned(),
    );
    let (index, complete) = shared.index();
    let stats = index.stats();
    fact(
        "index",
        format!(
            "{} files, {} definitions, {}{}",
            human_count(stats.files as u64),
            human_count(stats.symbols as u64),
            human_bytes(stats.disk_bytes),
            if complete { "" } else { " (not complete)" }
        ),
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_private_ordered_and_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("history");
        for i in 0..5 {
            save_history(&file, &format!("line {i}\nof two")).expect("saved");
        }
        let all = load_history(dir.path());
        assert_eq!(all.len(), 5);
        assert_eq!(all[4], "line 4\nof two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&file, "not json\n\"fine\"\n").expect("written");
        assert_eq!(load_history(dir.path()), ["fine"]);
    }
}
