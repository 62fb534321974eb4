//! What a patch may touch: the files of the repository that are text, not ignored, inside,
//! and reached by no link; of these only those that the request allows.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::index::Index;
use crate::patch::Texts;
use crate::repo::{Repo, WalkRules};

/// The texts of a repository, as `patch` sees them.
pub(super) struct RepoTexts<'a> {
    repo: &'a Repo,
    index: &'a Index,
    /// The only files that may be touched; empty for any.
    only: &'a [RepoPath],
    rules: WalkRules,
    cancel: Cancel,
    /// The files there are now, where the index does not know.
    walked: OnceCell<BTreeSet<RepoPath>>,
}

impl<'a> RepoTexts<'a> {
    /// The texts that a request may touch. `exclude` are configured exclusions.
    pub fn new(
        repo: &'a Repo,
        index: &'a Index,
        only: &'a [RepoPath],
        exclude: &[String],
        cancel: &Cancel,
    ) -> Self {
        Self {
            repo,
            index,
            only,
            rules: WalkRules {
                exclude: exclude.to_vec(),
            },
            cancel: cancel.clone(),
            walked: OnceCell::new(),
        }
    }

    /// The files that the walk finds now: the index may be older.
    fn walked(&self) -> &BTreeSet<RepoPath> {
        self.walked.get_or_init(|| {
            self.repo
                .walk_names(&self.rules, &self.cancel, &mut |_| {})
                .map(|walk| walk.files.into_iter().map(|entry| entry.path).collect())
                .unwrap_or_default()
        })
    }

    fn allowed(&self, path: &RepoPath) -> Result<()> {
        if self.only.is_empty() || self.only.contains(path) {
            return Ok(());
        }
        Err(Failure::input(format!("{path} must not be changed"))
            .because("only the files named in the request may be"))
    }

    /// Whether every folder above exists as a folder or not at all, none being a link.
    fn plain_folders(&self, path: &RepoPath) -> bool {
        let mut at = self.repo.root().to_owned();
        for part in path.folder().split('/').filter(|part| !part.is_empty()) {
            at.push(part);
            match at.symlink_metadata() {
                Ok(facts) if facts.is_dir() => {}
                Ok(_) => return false,
                Err(e) => return e.kind() == std::io::ErrorKind::NotFound,
            }
        }
        true
    }

    /// Whether the nearest folder that exists holds files and all of them are ignored.
    fn in_ignored_folder(&self, path: &RepoPath) -> bool {
        let mut folder = path.folder();
        while !folder.is_empty() {
            let inside = format!("{folder}/");
            let dir = self.repo.root().join(folder);
            if let Ok(mut entries) = dir.read_dir() {
                let holds_files = entries.next().is_some();
                let known = self
                    .walked()
                    .iter()
                    .any(|file| file.as_str().starts_with(&inside));
                return holds_files && !known;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
        false
    }
}

impl Texts for RepoTexts<'_> {
    fn text(&self, path: &RepoPath) -> Result<String> {
        self.allowed(path)?;
        let link = path
            .under(self.repo.root())
            .symlink_metadata()
            .is_ok_and(|facts| facts.is_symlink());
        if link || !self.plain_folders(path) {
            return Err(Failure::input(format!("{path} is reached by a link"))
                .because("links are never written through"));
        }
        let bytes = self.repo.read_bytes(path)?;
        if !self.index.contains(path) && !self.walked().contains(path) {
            return Err(Failure::input(format!("{path} must not be changed"))
                .because("it is ignored or excluded"));
        }
        let not_text = |why: &str| {
            Failure::input(format!("{path} cannot be changed as text")).because(why.to_owned())
        };
        if bytes.contains(&0) {
            return Err(not_text("it is binary"));
        }
        String::from_utf8(bytes).map_err(|_| not_text("it is not UTF-8"))
    }

    fn exists(&self, path: &RepoPath) -> bool {
        path.under(self.repo.root()).symlink_metadata().is_ok()
    }

    fn may_create(&self, path: &RepoPath) -> bool {
        self.allowed(path).is_ok()
            && !self.exists(path)
            && self.plain_folders(path)
            && !self.in_ignored_folder(path)
    }
}
