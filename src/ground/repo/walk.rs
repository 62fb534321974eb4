//! The walk that finds the files that count.

use std::fs::{self, DirEntry};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Repo;
use super::confidential::{Confidential, holds_one};
use super::ignored::{Kept, Rules};
use super::read::{SNIFF, looks_binary, open_quietly};
use crate::base::bug::bug;
use crate::base::failure::io_failure;
use crate::base::file_stamp::FileStamp;
use crate::base::{Cancel, Failure, RepoPath, Result};

/// Files over this size in bytes are left out and counted.
pub const MAX_FILE: u64 = 1_000_000;

/// Files of a repository at most: more are no repository but a whole disk.
const MAX_FILES: usize = 1_000_000;

/// Unreadable things that are named; the rest is counted.
const NAMED: usize = 20;

/// A file the walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The file's path.
    pub path: RepoPath,
    /// The marks by which it is known again.
    pub stamp: FileStamp,
}

/// Counts of the things that were left out, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Skipped {
    /// Files and folders that a rule ignores: git's, ours, or the configuration's.
    pub ignored: usize,
    /// Files of keys, passwords and tokens.
    pub confidential: usize,
    /// Files with NUL bytes or in no known encoding.
    pub binary: usize,
    /// Files over [`MAX_FILE`].
    pub large: usize,
    /// Names that are not UTF-8.
    pub unnamed: usize,
    /// Symbolic links (never followed).
    pub links: usize,
    /// Pipes, sockets and devices (never opened).
    pub special: usize,
    /// Things that could not be read.
    #[serde(default)]
    pub unreadable: usize,
    /// The first few things that could not be read, with reasons.
    #[serde(default)]
    pub reasons: Vec<String>,
}

impl Skipped {
    /// Returns the counts that are not 0, each with its reason in a few words.
    pub fn counts(&self) -> Vec<(usize, &'static str)> {
        let all = [
            (self.confidential, "with keys, passwords or tokens"),
            (self.binary, "binary"),
            (self.large, "larger than 1 MB"),
            (self.unnamed, "with a name that is not UTF-8"),
            (self.links, "symbolic links"),
            (self.special, "pipes, sockets and devices"),
            (self.unreadable, "unreadable"),
            (self.ignored, "ignored, folders as one"),
        ];
        let any = all.into_iter().filter(|(count, _)| *count > 0);
        any.collect()
    }

    /// Takes note of something that could not be read.
    pub fn unreadable(&mut self, what: String) {
        self.unreadable += 1;
        if self.reasons.len() < NAMED {
            self.reasons.push(what);
        }
    }
}

/// The result of a walk, in order of path.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The files that count.
    pub files: Vec<FileEntry>,
    /// Counts of the things that were left out.
    pub skipped: Skipped,
}

/// Files to leave out besides those that `.gitignore` and `.homebodyignore` name.
#[derive(Debug, Clone, Default)]
pub struct WalkRules {
    /// Globs in gitignore form, from the configuration.
    pub exclude: Vec<String>,
    /// Globs of confidential files, beside [`CONFIDENTIAL_FILES`].
    ///
    /// [`CONFIDENTIAL_FILES`]: crate::base::confidential_files::CONFIDENTIAL_FILES
    pub confidential: Vec<String>,
    /// Folders that are never walked into: those of homebody's own, where they lie in the
    /// repository.
    pub own: Vec<PathBuf>,
}

impl Repo {
    /// Walks the repository and leaves out binary files, of which it looks at the first
    /// bytes. `progress` is called now and then with the files found so far.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind config, if an exclusion is no glob; of
    /// kind environment, if the root cannot be read.
    pub fn walk(
        &self,
        rules: &WalkRules,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Walk> {
        let mut walk = self.walk_names(rules, cancel, progress)?;
        let mut kept = Vec::with_capacity(walk.files.len());
        for entry in walk.files {
            cancel.check()?;
            match start_of(&entry.path.under(&self.root)) {
                Ok(start) if looks_binary(&start) => walk.skipped.binary += 1,
                Ok(start) if holds_one(&entry.path, &start) => {
                    walk.skipped.confidential += 1;
                }
                Ok(_) => kept.push(entry),
                Err(e) => walk
                    .skipped
                    .unreadable(format!("{}: {e}", entry.path.as_str())),
            }
        }
        walk.files = kept;
        Ok(walk)
    }

    /// Walks as [`Repo::walk`], but by names and sizes only: no file is opened, so binary ones are
    /// among those found.
    ///
    /// # Errors
    /// As [`Repo::walk`].
    pub fn walk_names(
        &self,
        rules: &WalkRules,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Walk> {
        let outermost = Rules::new(self, &rules.exclude)?;
        let confidential = Confidential::new(self, rules)?;
        let own = &rules.own;
        let mut walk = Walk::default();
        let mut folders: Vec<(PathBuf, Rules)> = vec![(self.root.clone(), outermost)];
        let mut told = 0;
        while let Some((dir, rules)) = folders.pop() {
            cancel.check()?;
            let entries = match list(&dir) {
                Ok(entries) => entries,
                Err(e) if dir == self.root => {
                    return Err(io_failure(
                        format!("cannot read the folder {}", dir.display()),
                        &e,
                    ));
                }
                Err(e) => {
                    let name = self.relative(&dir);
                    walk.skipped
                        .unreadable(format!("{}: {e}", name.to_string_lossy()));
                    continue;
                }
            };
            let names: Vec<_> = entries.iter().map(DirEntry::file_name).collect();
            let rules = rules.inside(&dir, names.iter().map(AsRef::as_ref));
            for entry in &entries {
                cancel.check()?;
                if let Some((folder, kept)) = self.take(entry, &rules, &confidential, &mut walk)
                    && !own.contains(&folder)
                {
                    folders.push((folder, rules.below(kept)));
                }
            }
            if walk.files.len() > MAX_FILES {
                return Err(Failure::input(format!(
                    "{} holds more than a million files",
                    self.root.display()
                ))
                .hint("open a folder further down, or leave folders out with .homebodyignore"));
            }
            if walk.files.len() >= told + 256 {
                told = walk.files.len();
                progress(told);
            }
        }
        walk.files.sort_by(|a, b| a.path.cmp(&b.path));
        progress(walk.files.len());
        Ok(walk)
    }

    /// Takes one entry into `walk`, or gives it back when it is a folder to walk into.
    fn take(
        &self,
        entry: &DirEntry,
        rules: &Rules,
        confidential: &Confidential,
        walk: &mut Walk,
    ) -> Option<(PathBuf, Kept)> {
        let name = entry.file_name();
        let full = entry.path();
        let relative = self.relative(&full);
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(e) => {
                walk.skipped
                    .unreadable(format!("{}: {e}", relative.to_string_lossy()));
                return None;
            }
        };
        if name == ".git" {
            return None;
        }
        let kept = rules.keeps(&full, kind.is_dir());
        if kept == Kept::No {
            walk.skipped.ignored += 1;
            return None;
        }
        if kind.is_dir() {
            return Some((full, kept));
        }
        if kind.is_symlink() {
            walk.skipped.links += 1;
            return None;
        }
        if !kind.is_file() {
            walk.skipped.special += 1;
            return None;
        }
        // Spellings of `.git` that some system would take for it are no names of files.
        let Some(path) = slashed(relative).and_then(|path| RepoPath::new(&path).ok()) else {
            walk.skipped.unnamed += 1;
            return None;
        };
        if confidential.is_by_name(&path) {
            walk.skipped.confidential += 1;
            return None;
        }
        match entry.metadata() {
            Ok(meta) if meta.len() > MAX_FILE => walk.skipped.large += 1,
            Ok(meta) => walk.files.push(FileEntry {
                path,
                stamp: FileStamp::from(&meta),
            }),
            // The file went away while we looked.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => walk.skipped.unreadable(format!("{}: {e}", path.as_str())),
        }
        None
    }

    /// The path from the root of something that a walk found below it.
    pub(super) fn relative<'a>(&self, found: &'a Path) -> &'a Path {
        found
            .strip_prefix(&self.root)
            .unwrap_or_else(|_| bug("a walk left its root", found))
    }
}

/// The entries of a folder.
fn list(dir: &Path) -> std::io::Result<Vec<DirEntry>> {
    fs::read_dir(dir)?.collect()
}

/// A relative path with `/` between its parts; none if the path is not UTF-8.
fn slashed(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    Some(if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text.to_owned()
    })
}

/// The first bytes of a file, as many as tell text from binary.
fn start_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(SNIFF);
    open_quietly(path)?
        .take(SNIFF as u64)
        .read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CancelSource;

    fn repo(files: &[(&str, &str)]) -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("a folder");
        git2::Repository::init(dir.path()).expect("init");
        for (path, text) in files {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().expect("folder")).expect("dirs");
            fs::write(file, text).expect("written");
        }
        let repo = Repo::open(dir.path()).expect("opened");
        (dir, repo)
    }

    fn found(repo: &Repo, exclude: &[&str]) -> Vec<String> {
        let rules = WalkRules {
            exclude: exclude.iter().map(|&glob| glob.to_owned()).collect(),
            ..WalkRules::default()
        };
        repo.walk(&rules, &Cancel::never(), &mut |_| {})
            .expect("walked")
            .files
            .into_iter()
            .map(|entry| entry.path.into())
            .collect()
    }

    /// Whether a file is ignored is known of each as the walk knows it, also of those that are
    /// not there.
    fn agrees(dir: &Path, repo: &Repo, exclude: &[&str]) {
        let rules = WalkRules {
            exclude: exclude.iter().map(|&glob| glob.to_owned()).collect(),
            ..WalkRules::default()
        };
        let kept = found(repo, exclude);
        let mut folders = vec![dir.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in list(&folder).expect("listed") {
                let at = entry.path();
                let Ok(path) = at
                    .strip_prefix(dir)
                    .map_err(|_| ())
                    .and_then(|path| slashed(path).ok_or(()))
                    .and_then(|path| RepoPath::new(&path).map_err(|_| ()))
                else {
                    continue;
                };
                if at.is_dir() {
                    folders.push(at);
                    continue;
                }
                let ignored = || repo.ignoring(&rules).expect("rules").leaves_out(&path);
                let wanted = !kept.contains(&path.as_str().to_owned());
                assert_eq!(ignored(), wanted, "{path}");
                if !path.name().ends_with("ignore") {
                    fs::remove_file(&at).expect("removed");
                    assert_eq!(ignored(), wanted, "{path}, removed");
                }
            }
        }
    }

    #[test]
    fn a_file_that_git_tracks_belongs_to_the_repository_whatever_a_rule_says() {
        use crate::repo::trial::git;
        let (_dir, repo) = repo(&[
            ("a.rs", "a\n"),
            ("deep/er/b.rs", "b\n"),
            ("deep/er/c.rs", "c\n"),
            ("notes.md", "n\n"),
        ]);
        let root = repo.root();
        git(root, &["add", "a.rs", "deep/er/b.rs"]);
        for rule in ["*", "/*", "deep/\na.rs\nnotes.md"] {
            fs::write(root.join(".gitignore"), format!("{rule}\n")).expect("written");
            let mut wanted = vec!["a.rs", "deep/er/b.rs"];
            if !rule.contains('*') {
                wanted.insert(0, ".gitignore");
            }
            assert_eq!(found(&repo, &[]), wanted, "{rule}");
            let mut ignoring = repo.ignoring(&WalkRules::default()).expect("rules");
            let mut out = |path| ignoring.leaves_out(&RepoPath::new(path).expect("a path"));
            assert!(!out("a.rs") && !out("deep/er/b.rs"), "{rule}");
            assert!(out("deep/er/c.rs") && out("notes.md"), "{rule}");
        }
        // Our own rules win.
        fs::write(root.join(".homebodyignore"), "deep/\n").expect("written");
        assert_eq!(found(&repo, &["a.rs"]), [".gitignore", ".homebodyignore"]);
    }

    #[test]
    fn homebodys_own_folders_are_not_walked_into() {
        let (_dir, repo) = repo(&[("cache/homebody/a.txt", "a\n"), ("cache/b.txt", "b\n")]);
        let rules = WalkRules {
            own: vec![repo.root().join("cache/homebody")],
            ..WalkRules::default()
        };
        let walk = repo
            .walk(&rules, &Cancel::never(), &mut |_| {})
            .expect("a walk");
        let names: Vec<&str> = walk.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["cache/b.txt"]);
    }

    #[test]
    fn ignore_files_are_honoured_in_their_order() {
        let (keep, repo) = repo(&[
            (".gitignore", "*.log\n/out\nsub/kept.tmp\n"),
            (".git/info/exclude", "private.txt\n"),
            (".homebodyignore", "!wanted.log\nfixtures/\n"),
            (".github/ci.yml", "x"),
            ("a.log", "x"),
            ("wanted.log", "x"),
            ("out/x.rs", "x"),
            ("deep/out/x.rs", "x"),
            ("private.txt", "x"),
            ("fixtures/f.rs", "x"),
            ("sub/.gitignore", "*.tmp\n!kept.tmp\n"),
            ("sub/a.tmp", "x"),
            ("sub/kept.tmp", "x"),
            ("gen/big.json", "x"),
        ]);
        assert_eq!(
            found(&repo, &["gen/*.json"]),
            [
                ".github/ci.yml",
                ".gitignore",
                ".homebodyignore",
                "deep/out/x.rs",
                "sub/.gitignore",
                "sub/kept.tmp",
                "wanted.log",
            ]
        );
        agrees(keep.path(), &repo, &["gen/*.json"]);
    }

    #[test]
    fn ignore_files_count_without_git_and_stop_at_a_repository_inside() {
        let dir = tempfile::tempdir().expect("a folder");
        for (path, text) in [
            (".gitignore", "*.tmp\n"),
            ("a.tmp", ""),
            ("b.rs", ""),
            ("inner/.git", "gitdir: nowhere"),
            ("inner/c.tmp", ""),
        ] {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().expect("folder")).expect("dirs");
            fs::write(file, text).expect("written");
        }
        let repo = Repo::open(dir.path()).expect("opened");
        assert_eq!(found(&repo, &[]), [".gitignore", "b.rs", "inner/c.tmp"]);
        fs::write(dir.path().join("inner/d.tmp"), "").expect("written");
        agrees(dir.path(), &repo, &["d.*"]);
    }

    #[test]
    fn a_repository_may_name_an_ignore_file_of_its_own() {
        let (keep, repo) = repo(&[("a.log", "x"), ("b.txt", "x"), (".git/rules", "*.log\n")]);
        let config = keep.path().join(".git/config");
        let mut text = fs::read_to_string(&config).expect("read");
        text.push_str("[core]\n\texcludesFile = .git/rules\n");
        fs::write(config, text).expect("written");
        assert_eq!(found(&repo, &[]), ["b.txt"]);
    }

    #[test]
    fn a_bad_exclusion_is_named() {
        let (_keep, repo) = repo(&[]);
        let rules = WalkRules {
            exclude: vec!["a/{b".to_owned()],
            ..WalkRules::default()
        };
        let failure = repo
            .walk(&rules, &Cancel::never(), &mut |_| {})
            .expect_err("refused");
        assert_eq!(failure.kind(), crate::base::Kind::Config);
        assert!(failure.what().contains("a/{b"), "{failure}");
    }

    #[test]
    fn binaries_and_large_files_are_left_out_and_counted() {
        let (dir, repo) = repo(&[("a.rs", "fn a() {}\n"), ("b.bin", "a\0b")]);
        fs::write(dir.path().join("large"), vec![b'x'; MAX_FILE as usize + 1]).expect("written");
        fs::write(dir.path().join("wide.txt"), b"\xff\xfea\0").expect("written");
        let walk = repo
            .walk(&WalkRules::default(), &Cancel::never(), &mut |_| {})
            .expect("walked");
        let names: Vec<_> = walk.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, ["a.rs", "wide.txt"]);
        assert_eq!((walk.skipped.binary, walk.skipped.large), (1, 1));
        assert!(walk.files.iter().all(|f| f.stamp.last_change() > 0));
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_odd_names_do_no_harm() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::symlink;
        let (dir, repo) = repo(&[("a\n\u{1b}[2J.rs", "x"), ("d/b.rs", "x")]);
        symlink("..", dir.path().join("d/up")).expect("link");
        symlink("self", dir.path().join("self")).expect("link");
        let bad = std::ffi::OsStr::from_bytes(b"bad\xff.rs");
        let odd = fs::write(dir.path().join(bad), "x").is_ok();
        let pipes = ["pipe", ".gitignore"].iter().all(|name| {
            std::process::Command::new("mkfifo")
                .arg(dir.path().join(name))
                .status()
                .is_ok_and(|status| status.success())
        });
        let walk = repo
            .walk(&WalkRules::default(), &Cancel::never(), &mut |_| {})
            .expect("walked");
        let names: Vec<_> = walk.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, ["a\n\u{1b}[2J.rs", "d/b.rs"]);
        assert_eq!(walk.skipped.links, 2);
        assert_eq!(walk.skipped.unnamed, usize::from(odd));
        assert_eq!(walk.skipped.special, if pipes { 2 } else { 0 });
    }

    #[test]
    fn cancelling_stops_it() {
        let (_keep, repo) = repo(&[("a", ""), ("b", "")]);
        let source = CancelSource::new();
        let cancel = source.token();
        source.cancel();
        let failure = repo
            .walk(&WalkRules::default(), &cancel, &mut |_| {})
            .expect_err("stopped");
        assert!(failure.is_interrupted());
    }

    #[test]
    fn only_the_first_unreadable_things_are_named() {
        let mut skipped = Skipped::default();
        for i in 0..25 {
            skipped.unreadable(format!("{i}"));
        }
        assert_eq!((skipped.unreadable, skipped.reasons.len()), (25, NAMED));
        assert_eq!(skipped.reasons.last().map(String::as_str), Some("19"));
    }
}
