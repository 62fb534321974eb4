//! A small repository of git in a temporary folder, for the tests of jobs.

use std::path::Path;
use std::sync::Arc;

use super::review::Dismissed;
use super::{Answer, Event, JobCx, Prompts, Request, Review, ReviewOf, Settings, Severity};
use crate::base::{Cancel, Places, Result};
use crate::engine::Engine;
use crate::index::Index;
use crate::repo::trial::git;
use crate::repo::{DiffSpec, Repo};

/// A repository with its index.
pub(super) struct Trial {
    pub dir: tempfile::TempDir,
    pub repo: Repo,
    pub index: Arc<Index>,
    pub settings: Settings,
    pub cancel: Cancel,
}

impl Trial {
    /// A repository of git with these files committed.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        git(dir.path(), &["init", "-q", "-b", "main"]);
        for (name, text) in files {
            put(dir.path(), name, text);
        }
        git(dir.path(), &["add", "-A"]);
        git(
            dir.path(),
            &["commit", "-q", "--allow-empty", "-m", "Begin with a walk"],
        );
        Self::open(dir)
    }

    /// The same without git.
    pub fn plain(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            put(dir.path(), name, text);
        }
        Self::open(dir)
    }

    fn open(dir: tempfile::TempDir) -> Self {
        let repo = Repo::open(dir.path()).expect("a repository");
        let mut trial = Self {
            dir,
            repo,
            index: Arc::new(Index::empty()),
            settings: Settings {
                rules_file: "AGENTS.md".to_owned(),
                ..Settings::default()
            },
            cancel: Cancel::never(),
        };
        trial.reindex();
        trial
    }

    /// Builds the index anew.
    pub fn reindex(&mut self) {
        let cache = tempfile::tempdir().expect("a folder");
        self.index = crate::index::built(&self.repo, cache.path()).expect("an index");
    }

    /// Writes a file.
    pub fn put(&self, name: &str, text: &str) {
        put(self.dir.path(), name, text);
    }

    /// Runs git.
    pub fn git(&self, arguments: &[&str]) {
        git(self.dir.path(), arguments);
    }

    /// Runs a job and gives its answer and what it told.
    pub fn run(&self, request: &Request, engine: &mut dyn Engine) -> (Result<Answer>, Vec<Event>) {
        let prompts = Prompts::load(None).expect("the embedded prompts");
        let mut cx = JobCx {
            engine,
            repo: &self.repo,
            index: &self.index,
            index_complete: true,
            settings: &self.settings,
            prompts: &prompts,
            cancel: self.cancel.clone(),
        };
        let mut events = Vec::new();
        let answer = super::run(request, &mut cx, &mut |event| events.push(event));
        assert_eq!(events.last(), Some(&Event::Done));
        (answer, events)
    }
}

/// A review of what is staged, by a model.
pub(super) fn staged() -> Review {
    Review {
        diff: ReviewOf::Repo(DiffSpec::Staged),
        least: Severity::Note,
        max_time_s: 0,
        dismissed: Dismissed::default(),
        anew: false,
        within: Vec::new(),
        rules_only: false,
    }
}

/// The notes among events.
pub(super) fn notes(events: &[Event]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Note { text } => Some(format!("{text}\n")),
            _ => None,
        })
        .collect()
}

/// Folders of a user below one folder.
pub(super) fn places(dir: &Path) -> Places {
    Places {
        config: dir.join("config"),
        data: dir.join("data"),
        cache: dir.join("cache"),
        state: dir.join("state"),
    }
}

fn put(root: &Path, name: &str, text: &str) {
    let file = root.join(name);
    std::fs::create_dir_all(file.parent().expect("a folder above")).expect("made");
    std::fs::write(file, text).expect("written");
}
