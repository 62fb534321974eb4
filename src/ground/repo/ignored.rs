//! Rules by which the walk leaves files out: git's ignore files, ours, and the configured globs.
//!
//! The files are read here and not by the `ignore` crate, since one of them may be a pipe,
//! a device or gigabytes long, and its globs have braces and no classes, unlike git's.

mod pattern;
mod tracked;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use self::pattern::Patterns;
use self::tracked::Tracked;
use super::read::open_quietly;
use super::{Repo, WalkRules, command_settings};
use crate::base::{Failure, RepoPath, Result};

/// Our own ignore file, in gitignore form; it wins over git's.
const OWN: &str = ".homebodyignore";

/// Bytes of an ignore file that are read at most: none of this length was written by hand.
const MAX_RULES: u64 = 1_000_000;

/// The rules in force in one folder. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Rules of `.homebodyignore` files.
    own: Option<Arc<IgnoreLevel>>,
    /// Rules of `.gitignore` files.
    git: Option<Arc<IgnoreLevel>>,
    /// True below a folder that git ignores: only what it tracks all the same is kept.
    tracked_only: bool,
    everywhere: Arc<Everywhere>,
}

/// The decision on an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The entry is left out.
    No,
    /// The entry is kept.
    Yes,
    /// The entry is kept since git tracks it, or something in it, though it ignores its name.
    Tracked,
}

/// Rules of one folder, and of those above it.
#[derive(Debug)]
struct IgnoreLevel {
    here: Patterns,
    above: Option<Arc<IgnoreLevel>>,
}

/// The rules that do not depend on the folder.
#[derive(Debug)]
struct Everywhere {
    /// The globs in `exclude` of the configuration.
    configured: Gitignore,
    /// The patterns of `.git/info/exclude`, where there are any.
    exclude: Option<Patterns>,
    /// The user's own patterns for all repositories (`core.excludesFile`).
    global: Option<Patterns>,
    /// True where upper and lower case are the same to git.
    folded: bool,
    tracked: Tracked,
    /// True where our own ignore files count too.
    own: bool,
}

impl Rules {
    /// The rules of the root folder's surroundings.
    pub(super) fn new(repo: &Repo, configured: &[String]) -> Result<Self> {
        let root = repo.root();
        let Globs(configured) = Globs::new(root, configured, "exclude")?;
        let config = settings(repo);
        let folded = config.as_ref().is_some_and(|config| {
            // What is not set is an error to git2.
            config.get_bool("core.ignoreCase").unwrap_or(false)
        });
        // Neither of the two files has to be there. The user's own may be a link into a folder of
        // dotfiles.
        let linked = |path: PathBuf| load(root, &path.canonicalize().ok()?, folded);
        let exclude = repo.common_dir().map(|dir| dir.join("info/exclude"));
        Ok(Self {
            own: None,
            git: None,
            tracked_only: false,
            everywhere: Arc::new(Everywhere {
                configured,
                exclude: exclude.and_then(linked),
                global: excludes_file(config.as_ref(), root).and_then(linked),
                folded,
                tracked: Tracked::of(repo),
                own: true,
            }),
        })
    }

    /// The rules of git's alone.
    fn of_git(repo: &Repo) -> Result<Self> {
        let mut rules = Self::new(repo, &[])?;
        if let Some(everywhere) = Arc::get_mut(&mut rules.everywhere) {
            everywhere.own = false;
        }
        Ok(rules)
    }

    /// The rules inside `dir`, whose entries are `names`.
    pub(super) fn inside<'a>(&self, dir: &Path, names: impl Iterator<Item = &'a OsStr>) -> Self {
        let (mut git, mut own, mut border) = (false, false, false);
        for name in names {
            git |= name == ".gitignore";
            own |= name == OWN;
            border |= name == ".git";
        }
        let mut rules = self.clone();
        if border {
            // Another repository begins here (a submodule, say): git's rules from above end.
            rules.git = None;
            rules.tracked_only = false;
        }
        let read = |file: &str| load(dir, &dir.join(file), self.everywhere.folded);
        let deepen = |above: Option<Arc<IgnoreLevel>>, file: &str| match read(file) {
            Some(here) => Some(Arc::new(IgnoreLevel { here, above })),
            None => above,
        };
        if git {
            rules.git = deepen(rules.git.take(), ".gitignore");
        }
        if own && self.everywhere.own {
            rules.own = deepen(rules.own.take(), OWN);
        }
        rules
    }

    /// Decides on an entry, which is a `folder` or not. Our own files win over git's, and those of
    /// deeper folders over those above; what git tracks it never ignores.
    pub(super) fn keeps(&self, path: &Path, folder: bool) -> Kept {
        if self.everywhere.configured.matched(path, folder).is_ignore() {
            return Kept::No;
        }
        match decision(self.own.as_deref(), path, folder) {
            Some(true) => Kept::No,
            Some(false) => Kept::Yes,
            None if !self.tracked_only && !self.is_ignored(path, folder) => Kept::Yes,
            None if self.everywhere.tracked.has(path, folder) => Kept::Tracked,
            None => Kept::No,
        }
    }

    /// The rules below a folder that is kept in that way.
    pub(super) fn below(&self, kept: Kept) -> Self {
        Self {
            tracked_only: kept == Kept::Tracked,
            ..self.clone()
        }
    }

    /// Tells whether the names of an entry alone are a reason to leave it out.
    pub(super) fn leaves_out(&self, path: &Path, folder: bool) -> bool {
        self.everywhere.configured.matched(path, folder).is_ignore()
            || decision(self.own.as_deref(), path, folder)
                .unwrap_or_else(|| self.is_ignored(path, folder))
    }

    /// Tells whether git ignores the name of an entry.
    fn is_ignored(&self, path: &Path, folder: bool) -> bool {
        decision(self.git.as_deref(), path, folder)
            .or_else(|| self.everywhere.exclude.as_ref()?.verdict(path, folder))
            .or_else(|| self.everywhere.global.as_ref()?.verdict(path, folder))
            // An entry of which no rule speaks stays.
            .unwrap_or(false)
    }
}

/// The rules of the walk, to be asked about many paths: each ignore file is read once.
#[derive(Debug)]
pub struct Ignoring {
    root: PathBuf,
    everywhere: Rules,
    /// The rules inside each folder that was asked about.
    folders: HashMap<String, Rules>,
}

impl Ignoring {
    /// Tells whether a new file that libgit2 found is one that git ignores: where a deeper file
    /// keeps what a higher one leaves out, libgit2 looks at the deeper one alone.
    pub(super) fn leaves_out_found(&mut self, path: Option<&[u8]>) -> bool {
        let name = path.and_then(|path| std::str::from_utf8(path).ok());
        let path = name.and_then(|name| RepoPath::new(name).ok());
        path.is_some_and(|path| self.leaves_out(&path))
    }

    /// Tells whether the walk leaves out a file of that path, which need not be there: git ignores
    /// it, `.homebodyignore` does, or an exclusion of the configuration.
    pub fn leaves_out(&mut self, path: &RepoPath) -> bool {
        let mut rules = self.everywhere.clone();
        let mut at = self.root.clone();
        let mut folder = String::new();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            rules = match self.folders.get(&folder) {
                Some(known) => known.clone(),
                None => {
                    let told = [".gitignore", OWN, ".git"].map(OsStr::new);
                    let there = told
                        .into_iter()
                        .filter(|name| at.join(name).symlink_metadata().is_ok());
                    let inside = rules.inside(&at, there);
                    self.folders.insert(folder.clone(), inside.clone());
                    inside
                }
            };
            at.push(part);
            match rules.keeps(&at, parts.peek().is_some()) {
                Kept::No => return true,
                kept => rules = rules.below(kept),
            }
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(part);
        }
        false
    }
}

impl Repo {
    /// Returns the rules by which git alone leaves files out.
    pub(super) fn ignoring_as_git(&self) -> Result<Ignoring> {
        Ok(Ignoring {
            root: self.root().to_owned(),
            everywhere: Rules::of_git(self)?,
            folders: HashMap::new(),
        })
    }

    /// Returns the rules by which the walk leaves files out.
    ///
    /// # Errors
    /// Of kind config, if an exclusion is no glob.
    pub fn ignoring(&self, rules: &WalkRules) -> Result<Ignoring> {
        Ok(Ignoring {
            root: self.root().to_owned(),
            everywhere: Rules::new(self, &rules.exclude)?,
            folders: HashMap::new(),
        })
    }
}

/// The verdict of the deepest folder whose patterns speak of an entry: true to leave it out; none
/// where none of them do.
fn decision(mut level: Option<&IgnoreLevel>, path: &Path, folder: bool) -> Option<bool> {
    while let Some(here) = level {
        if let Some(verdict) = here.here.verdict(path, folder) {
            return Some(verdict);
        }
        level = here.above.as_deref();
    }
    None
}

/// The settings of the repository, or of its user alone in a folder without git.
fn settings(repo: &Repo) -> Option<git2::Config> {
    let mut config = match repo.git() {
        Ok(git) => git.config().ok()?,
        Err(_) => {
            let mut config = git2::Config::open_default().ok()?;
            command_settings::add_to(&mut config).ok()?;
            config
        }
    };
    // Of settings that cannot be read none counts.
    config.snapshot().ok()
}

/// The file of the user's own patterns for all repositories: `core.excludesFile`, which a
/// repository may set too, or git's own place for it.
fn excludes_file(config: Option<&git2::Config>, root: &Path) -> Option<PathBuf> {
    let set = config.and_then(|config| config.get_path("core.excludesFile").ok());
    if let Some(path) = set {
        // Git takes a relative path from where it runs, which is the root.
        return Some(root.join(path));
    }
    let named = std::env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty());
    let folder = match named {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()?.join(".config"),
    };
    Some(folder.join("git/ignore"))
}

/// The globs of a key of the configuration, in gitignore's form.
#[derive(Debug)]
pub struct Globs(Gitignore);

impl Globs {
    /// The globs of `key`, which count from `root`.
    ///
    /// # Errors
    /// Of kind configuration, where one is no glob.
    pub fn new(root: &Path, globs: &[String], key: &str) -> Result<Self> {
        let mut builder = GitignoreBuilder::new(root);
        for glob in globs {
            builder.add_line(None, glob).map_err(|e| {
                Failure::config(format!("`{glob}` in `{key}` is not a glob")).because(e)
            })?;
        }
        let cannot = |e| Failure::config(format!("the globs in `{key}` cannot be used")).because(e);
        Ok(Self(builder.build().map_err(cannot)?))
    }

    /// Tells whether a file is meant, by itself or by a folder above it.
    pub fn mean(&self, path: &RepoPath) -> bool {
        let path = Path::new(path.as_str());
        self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Reads an ignore file whose patterns count from `base`; none where there is no plain file that
/// can be read.
fn load(base: &Path, file: &Path, folded: bool) -> Option<Patterns> {
    let opened = open_quietly(file).ok()?;
    if !opened.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    opened.take(MAX_RULES).read_to_end(&mut bytes).ok()?;
    Some(Patterns::new(base, &bytes, folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_of_the_configuration_mean_what_gitignore_means() {
        for (glob, path, expected) in [
            ("*.lock", "a/b/Cargo.lock", true),
            ("*.lock", "Cargo.lock.rs", false),
            ("dist/", "web/dist/a.js", true),
            ("dist/", "web/dist", false),
            ("/dist", "web/dist/a.js", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("src/**/*.rs", "src/a/b/c.rs", true),
            ("src/**", "src/a/b", true),
            ("**/gen", "x/gen/y.rs", true),
            ("a?c", "abc", true),
            ("[ab].rs", "b.rs", true),
            ("\\#a", "#a", true),
            ("", "abc", false),
        ] {
            let globs = Globs::new(Path::new("/r"), &[glob.to_owned()], "exclude").expect("a glob");
            let path = RepoPath::new(path).expect("a path");
            assert_eq!(globs.mean(&path), expected, "{glob} {path}");
        }
        let globs = ["*.md".to_owned(), "!README.md".to_owned()];
        let globs = Globs::new(Path::new("/r"), &globs, "exclude").expect("globs");
        let means = |path: &str| globs.mean(&RepoPath::new(path).expect("a path"));
        assert!(means("a.md") && !means("README.md"));
    }
}
