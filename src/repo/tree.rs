//! Everything that lies in the working tree, for a copy of it: also what git ignores.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Repo;
use super::ignored::Rules;
use crate::base::failure::io_failure;
use crate::base::{Cancel, Result};

/// Holds what marks a folder as one that a program can make again (the tag's own standard).
const TAG: &str = "CACHEDIR.TAG";

/// Folders that builds and checks write, by name, where git ignores them.
const BUILT: &[&str] = &[
    "target",
    "build",
    "_build",
    "dist",
    "out",
    "obj",
    "builddir",
    "dist-newstyle",
    "zig-out",
    "zig-cache",
    "coverage",
    "htmlcov",
    "__pycache__",
    "tmp",
    "log",
    "logs",
];

/// Parts of the names of hidden folders that are no caches: environments and packages.
const NEEDED: &[&str] = &["env", "yarn", "bundle", "cargo", "mvn"];

/// One thing in the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// From the root; may hold bytes that are no UTF-8.
    pub path: PathBuf,
    /// What it is.
    pub kind: TreeKind,
}

/// What a [`TreeEntry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeKind {
    /// A folder that is walked into.
    Folder,
    /// A folder that git ignores and that is no build's: packages, an environment, settings.
    /// It is walked into where that is asked for.
    Ignored,
    /// A folder that builds and checks write. Only what git tracks in it is walked to.
    Built,
    /// A file.
    File {
        /// Its size.
        bytes: u64,
        /// When it was written.
        modified: Option<SystemTime>,
    },
    /// A link, and what it says.
    Link(PathBuf),
}

impl Repo {
    /// Walks everything but `.git` and what is neither file, folder nor link. `each` is told
    /// every entry, a folder before what is in it, and says whether to go into it.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled, what `each` gives, and of kind environment, if a
    /// folder cannot be read.
    pub fn tree(
        &self,
        cancel: &Cancel,
        each: &mut dyn FnMut(TreeEntry) -> Result<bool>,
    ) -> Result<()> {
        let tracked = self.tracked_folders();
        let mut folders = vec![Folder {
            at: self.root.clone(),
            rules: Some(Rules::new(self, &[])?),
            tracked_only: false,
        }];
        while let Some(folder) = folders.pop() {
            cancel.check()?;
            let failed = |e: &std::io::Error| {
                let at = folder.at.display();
                io_failure(format!("cannot read the folder {at}"), e)
            };
            let mut entries = fs::read_dir(&folder.at)
                .and_then(Iterator::collect::<std::io::Result<Vec<DirEntry>>>)
                .map_err(|e| failed(&e))?;
            entries.sort_by_key(DirEntry::file_name);
            let names: Vec<_> = entries.iter().map(DirEntry::file_name).collect();
            // What we are told to leave out of answers is none the less needed to build.
            let told = names.iter().map(AsRef::as_ref);
            let told = told.filter(|name: &&OsStr| *name != ".homebodyignore");
            let rules = folder.rules.map(|rules| rules.inside(&folder.at, told));
            for entry in entries {
                let full = entry.path();
                let path = full.strip_prefix(&self.root).unwrap_or(&full).to_owned();
                if entry.file_name() == ".git" {
                    continue;
                }
                // What vanishes while we look is not there.
                let Ok(facts) = fs::symlink_metadata(&full) else {
                    continue;
                };
                let kind = if facts.is_symlink() {
                    match fs::read_link(&full) {
                        Ok(says) => TreeKind::Link(says),
                        Err(_) => continue,
                    }
                } else if facts.is_file() {
                    TreeKind::File {
                        bytes: facts.len(),
                        modified: facts.modified().ok(),
                    }
                } else if !facts.is_dir() {
                    continue;
                } else if folder.tracked_only {
                    TreeKind::Built
                } else {
                    match rules.as_ref().map(|rules| rules.leaves_out(&full, true)) {
                        Some(true) if is_built(&full) => TreeKind::Built,
                        Some(true) => TreeKind::Ignored,
                        // In a package `dist` is what it consists of.
                        Some(false) | None => TreeKind::Folder,
                    }
                };
                if folder.tracked_only && !tracked.contains(&path) {
                    continue;
                }
                let kept = kind.clone();
                if !each(TreeEntry { path, kind })? {
                    continue;
                }
                folders.extend(match kept {
                    TreeKind::Folder => Some(Folder {
                        at: full,
                        rules: rules.clone(),
                        tracked_only: false,
                    }),
                    TreeKind::Ignored => Some(Folder {
                        at: full,
                        rules: None,
                        tracked_only: false,
                    }),
                    TreeKind::Built => Some(Folder {
                        at: full,
                        rules: None,
                        tracked_only: true,
                    }),
                    TreeKind::File { .. } | TreeKind::Link(_) => None,
                });
            }
        }
        Ok(())
    }

    /// What git tracks, with all folders above it.
    fn tracked_folders(&self) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        let Some(index) = self.git().ok().and_then(|git| git.index().ok()) else {
            return all;
        };
        for entry in index.iter() {
            let Some(path) = path_of(&entry.path) else {
                continue;
            };
            let mut above = path.parent();
            while let Some(folder) = above.filter(|f| !f.as_os_str().is_empty()) {
                if !all.insert(folder.to_owned()) {
                    break;
                }
                above = folder.parent();
            }
            all.insert(path);
        }
        all
    }
}

struct Folder {
    at: PathBuf,
    /// What git ignores below; none inside what it ignores.
    rules: Option<Rules>,
    tracked_only: bool,
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not every name is one")]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// Whether an ignored folder is one that builds and checks write.
fn is_built(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && !NEEDED.iter().any(|part| name.contains(part));
    let built = BUILT.contains(&name.as_ref()) || name.starts_with("cmake-build");
    hidden || built || folder.join(TAG).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::trial::git;

    #[test]
    fn everything_is_told_and_what_builds_write_is_told_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        let put = |name: &str| {
            let file = root.join(name);
            fs::create_dir_all(file.parent().expect("above")).expect("made");
            fs::write(file, "x").expect("written");
        };
        git(root, &["init", "-q"]);
        for name in [
            "src/a.rs",
            "target/debug/x",
            "build/kept.mk",
            "build/x.o",
            "node_modules/p/dist/i.js",
            ".venv/bin/python",
            ".cache/x",
            "made/CACHEDIR.TAG",
            "notes.md",
            "secret.env",
        ] {
            put(name);
        }
        let ignored = "target/\nbuild/\nnode_modules/\n.venv\n.cache\nmade/\n*.env\n";
        fs::write(root.join(".gitignore"), ignored).expect("written");
        fs::write(root.join(".homebodyignore"), "notes.md\n").expect("written");
        git(root, &["add", "src", ".gitignore"]);
        git(root, &["add", "-f", "build/kept.mk"]);
        let repo = Repo::open(root).expect("opens");
        let mut told = Vec::new();
        repo.tree(&Cancel::never(), &mut |entry| {
            let word = match entry.kind {
                TreeKind::Folder => "folder",
                TreeKind::Ignored => "ignored",
                TreeKind::Built => "built",
                TreeKind::File { .. } => "file",
                TreeKind::Link(_) => "link",
            };
            told.push(format!("{word} {}", entry.path.display()));
            Ok(entry.path != Path::new(".venv"))
        })
        .expect("walked");
        told.sort();
        assert_eq!(
            told,
            [
                "built .cache",
                "built build",
                "built made",
                "built target",
                "file .gitignore",
                "file .homebodyignore",
                "file build/kept.mk",
                "file node_modules/p/dist/i.js",
                "file notes.md",
                "file secret.env",
                "file src/a.rs",
                "folder node_modules/p",
                "folder node_modules/p/dist",
                "folder src",
                "ignored .venv",
                "ignored node_modules",
            ]
        );
    }
}
