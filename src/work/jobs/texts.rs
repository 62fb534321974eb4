//! The files that a patch may touch: those of the repository that are text, not ignored, inside,
//! and reached by no link; of these only those that the request allows.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use crate::base::encoding::decode;
use crate::base::{Failure, RepoPath, Result};
use crate::patch::{ScopeFile, Texts};
use crate::repo::{CaseTwins, Confidential, Ignoring, Repo, WalkRules};

/// The texts of a repository, as `patch` sees them.
pub(super) struct RepoTexts<'a> {
    repo: &'a Repo,
    /// The only files that may be touched; empty for any.
    only: &'a [RepoPath],
    rules: WalkRules,
    /// The rules with those of the ignore files, once they were asked for.
    ignoring: RefCell<Option<Ignoring>>,
    /// The files outside a sparse checkout, once they were asked for.
    outside: RefCell<Option<HashSet<String>>>,
    /// The rules of confidential files, once they were asked for.
    confidential: RefCell<Option<Confidential>>,
    twins: RefCell<CaseTwins>,
}

impl<'a> RepoTexts<'a> {
    /// The texts that a request may touch, by the rules of the walk.
    pub fn new(repo: &'a Repo, only: &'a [RepoPath], rules: &WalkRules) -> Self {
        Self {
            repo,
            only,
            rules: rules.clone(),
            ignoring: RefCell::new(None),
            outside: RefCell::new(None),
            confidential: RefCell::new(None),
            twins: RefCell::new(CaseTwins::new(repo)),
        }
    }

    /// Checks that a file is not ignored, by the rules as they are now: the index may be older.
    fn counts(&self, path: &RepoPath) -> Result<()> {
        let mut ignoring = self.ignoring.borrow_mut();
        let ignoring = match &mut *ignoring {
            Some(known) => known,
            none => none.insert(self.repo.ignoring(&self.rules)?),
        };
        if ignoring.leaves_out(path) {
            return Err(
                Failure::input(format!("{path} must not be changed")).because(
                    "it is ignored (.gitignore, .homebodyignore) or excluded by the configuration",
                ),
            );
        }
        Ok(())
    }

    /// Tells whether git has a file of that name, in whatever case, outside a sparse checkout.
    fn is_outside(&self, path: &RepoPath) -> Result<bool> {
        let mut outside = self.outside.borrow_mut();
        let outside = match &mut *outside {
            Some(known) => known,
            none => none.insert(self.repo.outside_checkout()?),
        };
        Ok(outside.contains(&path.as_str().to_lowercase()))
    }

    /// The failure for a path that is reached by a link.
    fn by_a_link(path: &RepoPath) -> Failure {
        Failure::input(format!("{path} is reached by a link"))
            .because("links are never written through")
    }

    /// Checks that the request allows a path.
    fn allowed(&self, path: &RepoPath) -> Result<()> {
        if self.only.is_empty() || self.only.contains(path) {
            return Ok(());
        }
        Err(Failure::input(format!("{path} must not be changed"))
            .because("only the files named in the request may be"))
    }

    /// The folder above a path, below the root, in which another repository begins.
    fn other_repository<'p>(&self, path: &'p RepoPath) -> Option<&'p str> {
        let ends = path.as_str().match_indices('/').map(|(at, _)| at);
        let mut folders = ends.filter_map(|end| path.as_str().get(..end));
        folders.find(|folder| {
            let git = self.repo.root().join(folder).join(".git");
            git.symlink_metadata().is_ok()
        })
    }

    /// Checks that a path lies in no other repository.
    fn own(&self, path: &RepoPath) -> Result<()> {
        match self.other_repository(path) {
            None => Ok(()),
            Some(folder) => Err(Failure::input(format!("{path} must not be changed"))
                .because(format!("{folder} is a repository of its own"))
                .hint("run homebody there")),
        }
    }

    /// Checks that a file is none of keys and passwords, unless the request names it. `start` is its
    /// text, or the beginning of that.
    fn open_to_all(&self, path: &RepoPath, start: &[u8]) -> Result<()> {
        let mut confidential = self.confidential.borrow_mut();
        let confidential = match &mut *confidential {
            Some(known) => known,
            none => none.insert(Confidential::new(self.repo, &self.rules)?),
        };
        if self.only.contains(path) || !confidential.is(path, start) {
            return Ok(());
        }
        Err(Failure::input(format!("{path} must not be changed"))
            .because("it is a file of keys, passwords or tokens (the setting `confidential`)")
            .hint(format!("name it, if it is to be: `--file {path}`")))
    }

    /// Tells whether every folder above a path exists as a folder or not at all, none being a link.
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
}

impl Texts for RepoTexts<'_> {
    fn text(&self, path: &RepoPath) -> Result<String> {
        self.allowed(path)?;
        let link = path
            .under(self.repo.root())
            .symlink_metadata()
            .is_ok_and(|facts| facts.is_symlink());
        if link || !self.plain_folders(path) {
            return Err(Self::by_a_link(path));
        }
        self.own(path)?;
        let bytes = self.repo.read_bytes(path)?;
        self.counts(path)?;
        self.open_to_all(path, &bytes)?;
        let not_text = |why: &str| {
            Failure::input(format!("{path} cannot be changed as text")).because(why.to_owned())
        };
        match decode(&bytes) {
            None => Err(not_text("it is binary")),
            Some(decoded) if decoded.lossy => Err(not_text(
                "its encoding cannot be told, and it would not come back as it is",
            )),
            Some(decoded) => Ok(decoded.text),
        }
    }

    fn can_hold(&self, path: &RepoPath, text: &str) -> Result<()> {
        let Some(decoded) = decode(&self.repo.read_bytes(path)?) else {
            return Ok(());
        };
        match decoded.encoding.first_unmappable(text) {
            None => Ok(()),
            Some(c) => Err(Failure::input(format!(
                "{path} is in {}, in which `{c}` cannot be written",
                decoded.encoding.name()
            ))),
        }
    }

    fn newline(&self, path: &RepoPath) -> Result<&'static str> {
        let crlf = self.repo.form_of_new(path)?.crlf;
        Ok(if crlf { "\r\n" } else { "\n" })
    }

    fn exists(&self, path: &RepoPath) -> bool {
        path.under(self.repo.root()).symlink_metadata().is_ok()
    }

    fn may_create(&self, path: &RepoPath) -> Result<()> {
        self.allowed(path)?;
        if self.exists(path) {
            return match self.text(path) {
                Ok(text) if text.is_empty() => Ok(()),
                _ => Err(Failure::input(format!("{path} exists already"))),
            };
        }
        if !self.plain_folders(path) {
            return Err(Failure::input(format!("{path} cannot be made"))
                .because("a folder above it is a link or a file"));
        }
        self.own(path)?;
        self.counts(path)?;
        self.open_to_all(path, &[])?;
        let refused = |why: String| Failure::input(format!("{path} cannot be made")).because(why);
        if let Some(twin) = self.twins.borrow_mut().of(path) {
            let why = format!("`{twin}` is there, and many systems take the two for one");
            return Err(refused(why));
        }
        if let Some(encoding) = self.repo.form_of_new(path)?.encoding {
            let why = format!("git has such files in {encoding} (`working-tree-encoding`)");
            return Err(refused(why).hint("make it by hand; it can be changed then"));
        }
        if self.is_outside(path)? {
            let failure = refused("git has it, outside the sparse checkout".to_owned());
            let folder = match path.folder() {
                "" => path.as_str(),
                folder => folder,
            };
            return Err(failure.hint(format!(
                "`git sparse-checkout add {folder}` lays it into the working tree"
            )));
        }
        Ok(())
    }
}

/// Texts as they were when an answer was asked for: what is planned on them is merged with what
/// has changed since when it is written.
pub(super) struct SeenTexts<'a> {
    now: &'a dyn Texts,
    seen: BTreeMap<&'a RepoPath, &'a str>,
}

impl<'a> SeenTexts<'a> {
    /// The texts of `files` as they are given, and others as they are `now`.
    pub fn new(now: &'a dyn Texts, files: &'a [ScopeFile]) -> Self {
        let seen = files.iter().map(|file| (&file.path, file.text.as_str()));
        Self {
            now,
            seen: seen.collect(),
        }
    }
}

impl Texts for SeenTexts<'_> {
    fn text(&self, path: &RepoPath) -> Result<String> {
        match self.seen.get(path) {
            Some(text) => Ok((*text).to_owned()),
            None => self.now.text(path),
        }
    }

    fn can_hold(&self, path: &RepoPath, text: &str) -> Result<()> {
        self.now.can_hold(path, text)
    }

    fn newline(&self, path: &RepoPath) -> Result<&'static str> {
        self.now.newline(path)
    }

    fn exists(&self, path: &RepoPath) -> bool {
        self.now.exists(path)
    }

    fn may_create(&self, path: &RepoPath) -> Result<()> {
        self.now.may_create(path)
    }
}
