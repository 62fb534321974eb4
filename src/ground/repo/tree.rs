//! Everything that lies in the working tree, for a copy of it: also files that git ignores.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::Repo;
use super::ignored::Rules;
use crate::base::failure::io_failure;
use crate::base::file_stamp::FileStamp;
use crate::base::{Cancel, Result};

/// Name of the file that marks a folder as one that a program can make again (Cache Directory
/// Tagging Specification).
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

/// A file, folder or link in the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The path from the root; may hold bytes that are no UTF-8.
    pub path: PathBuf,
    /// The sort of the entry.
    pub kind: TreeKind,
}

/// The sorts of a [`TreeEntry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeKind {
    /// A folder that is walked into.
    Folder,
    /// A folder that git ignores and that is no build's: packages, an environment, settings.
    /// Such a folder is walked into where that is asked for.
    Ignored,
    /// A folder that builds and checks write. Only files in it that git tracks are walked to.
    Built,
    /// A file.
    File {
        /// The marks by which it is known again.
        stamp: FileStamp,
        /// Time of the last change; none where the system does not tell.
        modified: Option<SystemTime>,
    },
    /// A link, and the path it names.
    Link(PathBuf),
}

impl Repo {
    /// Walks all files, folders and links but those in `.git`. `each` is told
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
        while let Some(mut folder) = folders.pop() {
            cancel.check()?;
            let entries = folder.list()?;
            folder.narrow(&entries);
            for entry in entries {
                let Some(kind) = folder.kind_of(&entry) else {
                    continue;
                };
                let full = entry.path();
                let path = self.relative(&full).to_owned();
                if folder.tracked_only && !tracked.contains(&path) {
                    continue;
                }
                let below = folder.below(full, &kind);
                if each(TreeEntry { path, kind })? {
                    folders.extend(below);
                }
            }
        }
        Ok(())
    }

    /// The paths that git tracks, with all folders above them; empty in a folder without git.
    fn tracked_folders(&self) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        let Some(index) = self.git_with_index().ok().and_then(|git| git.index().ok()) else {
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

/// A folder that is still to be walked.
struct Folder {
    at: PathBuf,
    /// Git's rules in force in the folder; none below a folder that git ignores.
    rules: Option<Rules>,
    /// True if only entries that git tracks are of interest.
    tracked_only: bool,
}

impl Folder {
    /// The entries of the folder, in order of name.
    fn list(&self) -> Result<Vec<DirEntry>> {
        let mut entries = fs::read_dir(&self.at)
            .and_then(Iterator::collect::<std::io::Result<Vec<DirEntry>>>)
            .map_err(|e| {
                let at = self.at.display();
                io_failure(format!("cannot read the folder {at}"), &e)
            })?;
        entries.sort_by_key(DirEntry::file_name);
        Ok(entries)
    }

    /// Adds the folder's own ignore files to the rules.
    fn narrow(&mut self, entries: &[DirEntry]) {
        let names: Vec<_> = entries.iter().map(DirEntry::file_name).collect();
        // Files that we are told to leave out of answers are none the less needed to build.
        let told = names.iter().map(AsRef::as_ref);
        let told = told.filter(|name: &&OsStr| *name != ".homebodyignore");
        self.rules = self.rules.take().map(|rules| rules.inside(&self.at, told));
    }

    /// The sort of an entry; none for one that is not told.
    fn kind_of(&self, entry: &DirEntry) -> Option<TreeKind> {
        let (name, full) = (entry.file_name(), entry.path());
        if name == ".git" {
            return None;
        }
        // An entry that vanishes while we look is not there.
        let facts = fs::symlink_metadata(&full).ok()?;
        if facts.is_symlink() {
            return fs::read_link(&full).ok().map(TreeKind::Link);
        }
        if facts.is_file() {
            return Some(TreeKind::File {
                stamp: FileStamp::from(&facts),
                modified: facts.modified().ok(),
            });
        }
        if !facts.is_dir() {
            return None;
        }
        if self.tracked_only {
            return Some(TreeKind::Built);
        }
        let ignored = self.rules.as_ref().map(|r| r.leaves_out(&full, true));
        Some(match ignored {
            Some(true) if is_built(&full, &name) => TreeKind::Built,
            Some(true) => TreeKind::Ignored,
            // In a package `dist` is the package itself, and no build's.
            Some(false) | None => TreeKind::Folder,
        })
    }

    /// The folder `at` in this one, to be walked in its turn; none for a file or a link.
    fn below(&self, at: PathBuf, kind: &TreeKind) -> Option<Self> {
        let (rules, tracked_only) = match kind {
            TreeKind::Folder => (self.rules.clone(), false),
            TreeKind::Ignored => (None, false),
            TreeKind::Built => (None, true),
            TreeKind::File { .. } | TreeKind::Link(_) => return None,
        };
        Some(Self {
            at,
            rules,
            tracked_only,
        })
    }
}

/// A path from the bytes in which git keeps it; none where this system has no such name.
pub(super) fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    let path = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes);
    #[cfg(not(unix))]
    let path = std::str::from_utf8(bytes).ok()?;
    let path = PathBuf::from(path);
    let names = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (names && !bytes.is_empty()).then_some(path)
}

/// Tells whether an ignored folder of that name is one that builds and checks write.
fn is_built(folder: &Path, name: &OsStr) -> bool {
    let name = name.to_string_lossy();
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
