//! The installed `git`, for the one thing that libgit2 cannot do: reading a sparse or a split
//! index.
//!
//! Law: it is asked so that nothing in the repository can make it run a program: no hooks, no
//! monitor of files, no fetching of what is missing; of its settings only the repository's own are
//! read, and those that name programs are set otherwise. It writes a file of ours and nothing else.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use git2::Index;

use crate::base::failure::io_failure;
use crate::base::file_stamp::FileStamp;
use crate::base::{Failure, Result};

/// The time that git may take to write an index anew; one of a million entries takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that win over those of the repository.
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("index.sparse", "false"),
];

/// An index as libgit2 can read it: as it is, or as git has made it anew. That is kept in memory: of
/// a file nobody would know when to take it away.
#[derive(Clone)]
enum Readable {
    AsItIs,
    Copy(Arc<[u8]>),
}

/// Index files that this process has looked at.
static KNOWN: Mutex<Option<HashMap<PathBuf, (FileStamp, Readable)>>> = Mutex::new(None);

/// Opens an index, or the copy of one that libgit2 cannot read; none where libgit2 is known to read
/// it by itself.
/// `root` is the working tree of the repository at `git_dir`.
///
/// # Errors
/// Of kind input, where the index is in a form that only git reads, and git is not installed or
/// cannot read it either.
pub(super) fn opened_index(git_dir: &Path, root: &Path, file: &Path) -> Result<Option<Index>> {
    // Before the first `git add` there is none.
    let Ok(stamp) = FileStamp::of(file) else {
        return Ok(None);
    };
    let known = |map: &HashMap<PathBuf, (FileStamp, Readable)>| {
        let (then, readable) = map.get(file)?;
        (*then == stamp).then(|| readable.clone())
    };
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lock().as_ref().and_then(known);
    let readable = match found {
        Some(readable) => readable,
        None => {
            let opened = Index::open(file);
            let readable = match &opened {
                Err(error) if needs_git(error) => {
                    Readable::Copy(written_anew(git_dir, root, file, error)?.into())
                }
                // What else is wrong with it, whoever asks for it is told.
                _ => Readable::AsItIs,
            };
            let entry = (stamp, readable.clone());
            lock()
                .get_or_insert_default()
                .insert(file.to_owned(), entry);
            if let Ok(index) = opened {
                // It was read just now, and need not be again.
                return Ok(Some(index));
            }
            readable
        }
    };
    match readable {
        Readable::AsItIs => Ok(None),
        Readable::Copy(bytes) => {
            let copy = tempfile::NamedTempFile::new().map_err(|e| no_room(&e))?;
            fs::write(copy.path(), &*bytes).map_err(|e| no_room(&e))?;
            Index::open(copy.path()).map(Some).map_err(|e| {
                Failure::input("the index that git wrote anew cannot be read").because(e.message())
            })
        }
    }
}

/// Tells whether an error of libgit2's says that the index is a sparse or a split one.
fn needs_git(error: &git2::Error) -> bool {
    error.message().contains("unsupported mandatory extension")
}

/// The failure of a copy that finds no room.
fn no_room(error: &std::io::Error) -> Failure {
    io_failure("cannot copy the index into a file of its own", error)
}

/// The bytes of an index as git writes it without the extensions that libgit2 does not know.
fn written_anew(git_dir: &Path, root: &Path, file: &Path, error: &git2::Error) -> Result<Vec<u8>> {
    let failed = |why: String| {
        Failure::input("the index of this repository is in a form that only git reads")
            .because(error.message())
            .because(why)
            .hint(
                "`git sparse-checkout reapply --no-sparse-index` or `git update-index \
                 --no-split-index` writes it in the common form",
            )
    };
    let program = program(root).ok_or_else(|| failed("no `git` is installed".to_owned()))?;
    let copy = tempfile::NamedTempFile::new().map_err(|e| no_room(&e))?;
    fs::copy(file, copy.path()).map_err(|e| no_room(&e))?;
    let mut command = Command::new(program);
    command.env_clear();
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    // What the repository includes may lie in the home.
    if let Some(home) = std::env::var_os("HOME") {
        command.env("HOME", home);
    }
    let mut child = command
        .args(["update-index", "--no-split-index", "--force-write-index"])
        .env("GIT_DIR", git_dir)
        .env("GIT_WORK_TREE", root)
        .env("GIT_INDEX_FILE", copy.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(format!("`git` cannot be started: {e}")))?;
    if !ended_well(&mut child) {
        return Err(failed("`git update-index` cannot do it".to_owned()));
    }
    // git puts a new file in the old one's place.
    fs::read(copy.path()).map_err(|e| no_room(&e))
}

/// Waits for git as long as it may take; true if it did what it was asked.
fn ended_well(child: &mut Child) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// The path of the installed git: the first in `PATH` that lies in a folder named from the root of
/// the system, and not in the repository.
fn program(root: &Path) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(format!("git{}", std::env::consts::EXE_SUFFIX)))
        .filter_map(|program| program.canonicalize().ok())
        .find(|program| program.is_file() && !program.starts_with(root))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::repo::diff::tests::{git_repo, write};
    use crate::repo::trial::git;
    use crate::repo::{DiffSpec, Status};

    #[test]
    fn a_sparse_and_a_split_index_are_read_and_run_nothing_of_the_repository() {
        for make in [
            &["sparse-checkout", "set", "--sparse-index", "a"][..],
            &["update-index", "--split-index"],
        ] {
            let (_keep, repo, _git) = git_repo();
            let root = repo.root();
            write(&repo, "a/a.rs", "fn a() {}\n");
            write(&repo, "b/b.rs", "fn b() {}\n");
            git(root, &["add", "-A"]);
            git(root, &["commit", "-qm", "First"]);
            git(root, make);
            write(&repo, "a/a.rs", "fn a() {}\nfn c() {}\n");
            git(root, &["add", "-A"]);
            let read = Index::open(&root.join(".git/index"));
            assert!(needs_git(&read.err().expect("not read by libgit2")));
            // What git would run of a repository, if it were let.
            let trace = root.join(".git/ran");
            let program = format!("#!/bin/sh\necho x > {}\n", trace.display());
            let hooks = root.join(".git/hooks");
            fs::create_dir_all(&hooks).expect("made");
            for name in ["planted", "post-index-change", "reference-transaction"] {
                fs::write(hooks.join(name), &program).expect("written");
                let open = fs::Permissions::from_mode(0o755);
                fs::set_permissions(hooks.join(name), open).expect("set");
            }
            let planted = hooks.join("planted").to_string_lossy().into_owned();
            let config = fs::read_to_string(root.join(".git/config")).expect("read");
            let programs = format!(
                "{config}[core]\nfsmonitor = {planted}\npager = {planted}\neditor = {planted}\n\
                 sshCommand = {planted}\n[alias]\nupdate-index = !{planted}\n"
            );
            fs::write(root.join(".git/config"), programs).expect("written");
            let staged = repo.diff(&DiffSpec::Staged, 3).expect("a diff");
            assert_eq!(staged.files.len(), 1, "{make:?}");
            assert_eq!(staged.line_counts(), (1, 0));
            let expected = Status {
                staged: 1,
                ..Status::default()
            };
            assert_eq!(repo.status().expect("a status"), expected, "{make:?}");
            // Who wrote a file, too, is told without libgit2's reading of the index.
            let path = crate::base::RepoPath::new("b/b.rs").expect("a path");
            fs::create_dir_all(root.join("b")).expect("made");
            fs::write(root.join("b/b.rs"), "fn b() {}\n").expect("written");
            let lines = crate::base::LineRange::new(1, 1);
            let told = repo.blame(&path, lines, &crate::base::Cancel::never());
            assert_eq!(told.expect("told").len(), 1, "{make:?}");
            let changed = repo.diff(&DiffSpec::Unstaged, 3).expect("a diff");
            assert_eq!(changed.files, [], "{make:?}");
            assert!(!trace.exists(), "{make:?}");
        }
    }
}
