//! The I/O worker, a thread for what is quick: reading files, asking git, sessions, lists, reports.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::export_file;
use super::history;
use super::model_rows::model_rows;
use super::reports::doctor;
use super::settings;
use super::shared::{Shared, guarded};
use crate::app::log::{Record, export, find, replay};
use crate::app::{Conversation, Event, IoCommand};
use crate::base::failure::io_failure;
use crate::base::text::truncated;
use crate::base::{Failure, LineRange, RepoPath, Result, memory};
use crate::index::Index;
use crate::jobs::review::Dismissed;
use crate::jobs::session::{SessionLog, Sessions};
use crate::jobs::{self, Finding, Request};

/// Time between two looks at memory while a model is loaded.
const LOOK: Duration = Duration::from_secs(3);
/// Definitions that are offered at most.
const NAMES: usize = 30;
/// Bytes of code shown for one place.
const MOST_CODE: usize = 100_000;
/// Bytes of the line shown with a session that was found.
const MOST_LINE: usize = 200;

/// The I/O worker: the things its thread holds between commands.
pub struct IoWorker {
    shared: Arc<Shared>,
    events: Sender<Event>,
    sessions: Sessions,
    /// The session that goes on; none before its first record.
    log: Option<SessionLog>,
    /// The session that was loaded last, until the screen goes on with it.
    loaded: Option<SessionLog>,
    /// Says to others that the sessions are in use, where anything is kept.
    _in_use: Option<File>,
    told: u64,
    /// The part of an index that was looked at last: of which, where, and the part itself.
    part: Option<(Arc<Index>, Vec<RepoPath>, Arc<Index>)>,
}

impl IoWorker {
    /// A worker at the beginning of a session.
    pub fn new(shared: Arc<Shared>, events: Sender<Event>) -> Self {
        let workspace = &shared.workspace;
        let sessions = Sessions {
            dir: workspace.places.sessions.clone(),
        };
        let keeps = workspace.config.save.value;
        // Where it cannot be said, nothing can be kept either, and that is told then.
        let in_use = keeps.then(|| sessions.in_use().ok()).flatten();
        Self {
            sessions,
            _in_use: in_use,
            shared,
            events,
            log: None,
            loaded: None,
            told: 0,
            part: None,
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

    fn serve(&mut self, command: IoCommand) {
        if let Some(event) = self.outcome(command) {
            self.tell(event);
        }
    }

    /// Carries a command out and returns what is to be told of it, if anything is.
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn outcome(&mut self, command: IoCommand) -> Option<Event> {
        Some(match command {
            IoCommand::Preview {
                generation,
                request,
            } => Event::Preview {
                generation,
                result: guarded(|| self.preview(&request)).map(Box::new),
            },
            IoCommand::Search {
                generation,
                query,
                top,
                within,
            } => Event::Search {
                generation,
                result: guarded(|| self.index(&within)?.search(&query, top)),
            },
            IoCommand::FindNames { typed, within } => {
                let found = guarded(|| Ok(self.index(&within)?.starting(&typed, NAMES)));
                // Nothing is offered where nothing can be found.
                Event::Names {
                    found: found.unwrap_or_default(),
                    typed,
                }
            }
            IoCommand::ReadCode { path, range } => {
                let result = guarded(|| self.code(&path, range));
                Event::Code {
                    path,
                    range,
                    result,
                }
            }
            IoCommand::RefreshRepo => guarded(|| self.repo()).unwrap_or_else(Event::Warning),
            IoCommand::ListModels => Event::Models(guarded(|| model_rows(&self.shared))),
            IoCommand::ListSessions => Event::Sessions(guarded(|| self.sessions.list())),
            IoCommand::LoadSession { id } => self.load_session(id),
            IoCommand::ShowSession { id } => Event::SessionShown(guarded(|| self.shown(&id))),
            IoCommand::FindSessions { words } => {
                return self.find_sessions(words).err().map(Event::Warning);
            }
            IoCommand::RenameSession { id, title } => {
                return guarded(|| self.rename(&id, title))
                    .err()
                    .map(Event::Warning);
            }
            IoCommand::RemoveSession { id } => {
                let removed = guarded(|| self.sessions.remove(&id));
                return removed.err().map(Event::Warning);
            }
            IoCommand::GoOn => {
                // None was opened where it is the one that goes on already.
                self.log = self.loaded.take().or_else(|| self.log.take());
                return None;
            }
            IoCommand::NewSession => {
                self.log = None;
                return None;
            }
            IoCommand::Log { records, sync } => {
                return self.append(records, sync).err().map(Event::LogFailed);
            }
            IoCommand::SaveHistory(line) => {
                let file = history::file(&self.shared.workspace.places.state);
                return unsaved(guarded(|| history::save(&file, &line)));
            }
            IoCommand::Export { text, file } => Event::Written(guarded(|| match &file {
                Some(file) => export_file::named(&self.shared.dir, file, &text),
                None => export_file::own(self.exports(), "homebody-session", &text),
            })),
            IoCommand::WriteReport(text) => Event::Written(guarded(|| {
                export_file::own(self.exports(), "homebody-review", &text)
            })),
            IoCommand::Dismiss { finding, aside } => {
                return unsaved(guarded(|| self.dismiss(&finding, aside)));
            }
            IoCommand::Suggest(finding) => Event::Suggested {
                change: finding.change(&self.shared.workspace.repo),
                finding,
            },
            IoCommand::ListSettings => Event::Settings(guarded(|| settings::all(&self.shared))),
            IoCommand::SaveSetting { name, value } => {
                let saved = || settings::save(&self.shared, &name, value.as_deref());
                let result = guarded(saved);
                Event::SettingSaved { name, result }
            }
            IoCommand::Doctor => Event::Doctor(guarded(|| Ok(doctor(&self.shared)))),
        })
    }

    /// The folder for what is written out without a place of the user's own.
    fn exports(&self) -> &Path {
        &self.shared.workspace.places.exports
    }

    /// The newest index, or of it what lies in some files and folders.
    fn index(&mut self, within: &[RepoPath]) -> Result<Arc<Index>> {
        let (index, _) = self.shared.index();
        if within.is_empty() {
            return Ok(index);
        }
        if let Some((whole, parts, part)) = &self.part
            && Arc::ptr_eq(whole, &index)
            && parts == within
        {
            return Ok(Arc::clone(part));
        }
        let part = jobs::narrowed(&index, within)?.unwrap_or_else(|| Arc::clone(&index));
        self.part = Some((index, within.to_vec(), Arc::clone(&part)));
        Ok(part)
    }

    fn load_session(&mut self, id: Option<String>) -> Event {
        let id = match id {
            Some(id) => self.sessions.find(&id),
            None => self.newest(),
        };
        match id {
            Ok(id) => {
                let result = self.conversation(&id).map(Box::new);
                Event::SessionLoaded { id, result }
            }
            Err(failure) => Event::SessionLoaded {
                id: String::new(),
                result: Err(failure),
            },
        }
    }

    /// Loads a session, and keeps others from it.
    fn conversation(&mut self, id: &str) -> Result<Conversation> {
        let sessions = &self.sessions;
        let same = self.log.as_ref().is_some_and(|log| log.id == id);
        let (loaded, conversation) = guarded(|| {
            let records = sessions.load(id)?;
            // Nobody but this process has the one open that goes on.
            let log = if same { None } else { Some(sessions.open(id)?) };
            Ok((log, replay(records)))
        })?;
        self.loaded = loaded;
        Ok(conversation)
    }

    /// A session's title, and all of it as a document.
    fn shown(&self, id: &str) -> Result<(String, String)> {
        let conversation = replay(self.sessions.load(id)?);
        let text = export(conversation.blocks.iter().map(|(_, body)| body));
        Ok((conversation.title.unwrap_or_else(|| id.to_owned()), text))
    }

    /// Looks through the texts of all sessions, on a thread of its own: what is said meanwhile
    /// has to be written.
    fn find_sessions(&self, words: String) -> Result<()> {
        let (sessions, events) = (self.sessions.clone(), self.events.clone());
        let look = move || {
            let result = guarded(|| found(&sessions, &words));
            let _ = events.send(Event::SessionsFound { words, result });
        };
        let builder = std::thread::Builder::new().name("find".to_owned());
        let started = builder.spawn(look).map(drop);
        started.map_err(|e| io_failure("no thread can be started", &e))
    }

    /// Gives a session a title.
    fn rename(&mut self, id: &str, title: String) -> Result<()> {
        match &mut self.log {
            Some(log) if log.id == id => log.rename(title),
            _ => self.sessions.open(id)?.rename(title),
        }
    }

    fn append(&mut self, records: Vec<Record>, sync: bool) -> Result<()> {
        let log = match &mut self.log {
            Some(log) => log,
            None => {
                let id = self.sessions.new_id();
                let log = self.sessions.open(&id)?;
                let _ = self.events.send(Event::SessionBegun(id));
                let log = self.log.insert(log);
                // What cannot be removed today can be another day.
                let config = &self.shared.workspace.config;
                let (keep, size) = (config.sessions_keep.value, config.sessions_size.value);
                if let Err(failure) = self.sessions.prune(keep, size) {
                    log::info!("{failure}");
                }
                log
            }
        };
        guarded(|| log.append(records, sync))
    }

    fn dismiss(&self, finding: &Finding, aside: bool) -> Result<()> {
        let file = &self.shared.workspace.places.dismissed;
        let mut all = Dismissed::read(file)?;
        if aside {
            all.add(finding);
        } else {
            all.remove(finding);
        }
        all.write(file)
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
            jobs::Reader {
                count: &crate::base::count::RoughCount,
                context: 0,
                rewrites: false,
            },
        )
    }

    fn code(&self, path: &RepoPath, range: LineRange) -> Result<String> {
        let text = self.shared.workspace.repo.read(path)?.text;
        let lines: Vec<&str> = text
            .lines()
            .skip(range.start() as usize - 1)
            .take(range.len() as usize)
            .collect();
        if lines.is_empty() {
            return Err(Failure::input(format!(
                "{path} has no line {}",
                range.start()
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
}

/// The sessions in whose titles or texts all of some words stand, each with a line.
fn found(sessions: &Sessions, words: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in sessions.list()? {
        // One that was removed meanwhile is none.
        let Ok(records) = sessions.load(&entry.id) else {
            continue;
        };
        let text = export(replay(records).blocks.iter().map(|(_, body)| body));
        if let Some(lines) = find(&entry.title, &text, words) {
            let line = lines.first().copied().unwrap_or_default();
            let line = truncated(line, MOST_LINE).to_owned();
            found.push((entry.id, line));
        }
    }
    Ok(found)
}

/// The event of a thing that was to be kept, if it could not be.
fn unsaved(saved: Result<()>) -> Option<Event> {
    saved.err().map(Event::SaveFailed)
}

/// Carries commands out until nobody can send any.
pub fn serve(mut worker: IoWorker, commands: &Receiver<IoCommand>) {
    loop {
        match commands.recv_timeout(LOOK) {
            Ok(command) => worker.serve(command),
            Err(RecvTimeoutError::Timeout) => worker.look_at_memory(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
