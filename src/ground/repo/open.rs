//! From a folder to a repository.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use super::Repo;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Does the work of [`Repo::open`].
pub(super) fn open(dir: &Path) -> Result<Repo> {
    let shown = dir.display();
    let dir = dir.canonicalize().map_err(|e| {
        let failure = io_failure(format!("cannot open the folder {shown}"), &e);
        if e.kind() == std::io::ErrorKind::NotFound {
            failure.hint("check the path")
        } else {
            failure
        }
    })?;
    if !dir.is_dir() {
        return Err(Failure::environment(format!("{shown} is not a folder"))
            .hint("name the folder that holds it"));
    }
    // Reading it once tells a folder we may not list from an empty one.
    std::fs::read_dir(&dir)
        .map_err(|e| io_failure(format!("cannot read the folder {shown}"), &e))?;

    if let Some(repo) = named(&dir)? {
        return Ok(repo);
    }
    match Repository::open_ext(&dir, RepositoryOpenFlags::empty(), ceilings()) {
        Ok(repository) => found(&dir, &repository),
        Err(error) if error.code() == ErrorCode::NotFound => match nearest_dot_git(&dir) {
            Some(dot_git) => Err(broken(&dot_git, &error)),
            None => Ok(plain(dir, None)),
        },
        Err(error) if error.code() == ErrorCode::Owner => {
            let whose = nearest_dot_git(&dir)
                .and_then(|dot_git| dot_git.parent().map(Path::to_path_buf))
                .unwrap_or_else(|| dir.clone());
            Err(Failure::environment(format!(
                "the repository at {} belongs to another user",
                whose.display()
            ))
            .because(error.message())
            .hint(format!(
                "if you trust it: git config --global --add safe.directory {}",
                quoted(&whose)
            )))
        }
        Err(error) if is_unsupported(&error) => {
            let root = nearest_dot_git(&dir)
                .and_then(|dot_git| dot_git.parent().map(Path::to_path_buf))
                .unwrap_or(dir);
            let note = format!("in a form that only git reads ({})", error.message());
            Ok(plain(root, Some(note)))
        }
        Err(error) => match nearest_dot_git(&dir) {
            Some(dot_git) => Err(broken(&dot_git, &error)),
            None => Err(
                Failure::input(format!("cannot open the repository at {}", dir.display()))
                    .because(error.message()),
            ),
        },
    }
}

/// Tells whether an error is the one that libgit2 gives for partial clones, reftables and
/// SHA-256, which are all in order but not known to it.
fn is_unsupported(error: &git2::Error) -> bool {
    let text = error.message();
    text.contains("unsupported extension")
        || text.contains("unsupported repository version")
        || text.contains("unsupported object format")
        || text.contains("unknown object format")
}

/// The repository that `GIT_DIR` names, if the files of its working tree (`GIT_WORK_TREE`,
/// `core.worktree`, or those around the process) are those around `dir`; none where it names none,
/// or another one: a hook of one repository may ask about another.
fn named(dir: &Path) -> Result<Option<Repo>> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let Some(git_dir) = variable("GIT_DIR") else {
        return Ok(None);
    };
    let Ok(git_dir) = Path::new(&git_dir).canonicalize() else {
        return Ok(None);
    };
    let Ok(repository) = Repository::open(&git_dir) else {
        return Ok(None);
    };
    let named = variable("GIT_WORK_TREE").map(PathBuf::from);
    let configured = || Some(git_dir.join(worktree_setting(&repository)?));
    let Some(root) = named
        .or_else(configured)
        .unwrap_or_else(|| PathBuf::from("."))
        .canonicalize()
        .ok()
        .filter(|root| dir.starts_with(root))
    else {
        return Ok(None);
    };
    Ok(Some(Repo {
        root,
        git_dir: Some(git_dir),
        index: None,
        note: None,
    }))
}

/// The value of `core.worktree`, relative to git's folder; none where it is not set.
fn worktree_setting(repository: &Repository) -> Option<PathBuf> {
    let config = repository.config().ok()?.snapshot().ok()?;
    config.get_path("core.worktree").ok()
}

/// The folder of the working tree of a repository that was found from `dir`: the one that holds
/// the `.git`, be that a folder, a link or a file, unless it is set to be another. libgit2 takes
/// what lies around the folder that the link leads to.
fn work_tree(dir: &Path, repository: &Repository) -> Option<PathBuf> {
    let work = repository.workdir()?;
    if worktree_setting(repository).is_none()
        && let Some(dot_git) = nearest_dot_git(dir)
        && dot_git.canonicalize().ok() == repository.path().canonicalize().ok()
    {
        return dot_git.parent().map(Path::to_path_buf);
    }
    Some(work.to_path_buf())
}

/// The repository that git found for `dir`, if its files are those around `dir`.
fn found(dir: &Path, repository: &Repository) -> Result<Repo> {
    let git_dir = repository.path().to_path_buf();
    let Some(work) = work_tree(dir, repository) else {
        return Err(Failure::input(format!(
            "{} is a bare repository: it has no files to read",
            git_dir.display()
        ))
        .hint("make a working tree of it with `git worktree add PATH`, and open that"));
    };
    let root = work
        .canonicalize()
        .map_err(|e| io_failure(format!("cannot open the folder {}", work.display()), &e))?;
    if !dir.starts_with(&root) {
        // `core.worktree` can name any folder; opening one place must not read another.
        return Err(Failure::input(format!(
            "the repository at {} keeps its files elsewhere, in {}",
            git_dir.display(),
            root.display()
        ))
        .hint("open that folder, if it is the one you mean"));
    }
    // libgit2 passes over a `.git` that it cannot make sense of and takes the next one above.
    if let Some(dot_git) = nearest_dot_git(dir)
        && dot_git
            .parent()
            .is_some_and(|near| near != root && near.starts_with(&root))
    {
        return Err(broken(
            &dot_git,
            &git2::Error::from_str("it holds no repository"),
        ));
    }
    Ok(Repo {
        root,
        git_dir: Some(git_dir),
        index: None,
        note: None,
    })
}

/// A folder without git, or one whose git cannot be read.
const fn plain(root: PathBuf, note: Option<String>) -> Repo {
    Repo {
        root,
        git_dir: None,
        index: None,
        note,
    }
}

fn broken(dot_git: &Path, error: &git2::Error) -> Failure {
    if let Some((file, error)) = unreadable(dot_git) {
        let what = format!("cannot read {} of the repository", file.display());
        return io_failure(what, &error);
    }
    Failure::input(format!("the repository at {} is broken", dot_git.display()))
        .because(error.message())
        .hint("`git status` may say more; without its `.git` it is used as a plain folder")
}

/// The part of git's own data that the user may not read, with the error; libgit2 says of it that
/// it is not there, or is damaged.
pub(super) fn unreadable(dot_git: &Path) -> Option<(PathBuf, std::io::Error)> {
    let names = [
        "",
        "HEAD",
        "config",
        "refs",
        "objects",
        "index",
        "packed-refs",
    ];
    names.into_iter().find_map(|name| {
        let file = match name {
            "" => dot_git.to_path_buf(),
            name => dot_git.join(name),
        };
        let denied = |e: &std::io::Error| e.kind() == std::io::ErrorKind::PermissionDenied;
        let read = match file.metadata() {
            Ok(there) if there.is_dir() => std::fs::read_dir(&file).map(drop),
            Ok(_) => std::fs::File::open(&file).map(drop),
            Err(error) => Err(error),
        };
        read.err().filter(denied).map(|error| (file, error))
    })
}

/// Folders that the search does not climb above: the home folder's own parent, and what
/// `GIT_CEILING_DIRECTORIES` names.
fn ceilings() -> Vec<PathBuf> {
    let mut ceilings: Vec<PathBuf> = std::env::var_os("GIT_CEILING_DIRECTORIES")
        .map(|list| {
            std::env::split_paths(&list)
                .filter(|p| p.is_absolute())
                .collect()
        })
        .unwrap_or_default();
    // A user without a home, or with one that is not there, has no ceiling.
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    if let Some(above) = home.as_deref().and_then(Path::parent)
        && above.parent().is_some()
    {
        ceilings.push(above.to_path_buf());
    }
    // The list is joined with a separator that a path could hold.
    ceilings.retain(|path| std::env::join_paths([path]).is_ok());
    ceilings
}

/// The nearest `.git` at or above `dir`, below the ceilings and on the same file system; none
/// where no folder holds one.
fn nearest_dot_git(dir: &Path) -> Option<PathBuf> {
    let ceilings = ceilings();
    let device = device(dir);
    for (i, folder) in dir.ancestors().enumerate() {
        if i > 0 && (ceilings.iter().any(|c| c == folder) || self::device(folder) != device) {
            return None;
        }
        let dot_git = folder.join(".git");
        if dot_git.symlink_metadata().is_ok() {
            return Some(dot_git);
        }
    }
    None
}

/// The number of the file system that a folder lies on; none where the system does not tell.
#[cfg(unix)]
fn device(dir: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    dir.metadata().ok().map(|meta| meta.dev())
}

#[cfg(not(unix))]
const fn device(_: &Path) -> Option<u64> {
    None
}

/// A path in the spelling that a shell reads as one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+'))
    {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;
    use std::fs;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().canonicalize().expect("canonical");
        (dir, path)
    }

    #[test]
    fn a_folder_below_the_root_opens_the_root() {
        let (_keep, dir) = folder();
        Repository::init(&dir).expect("init");
        fs::create_dir_all(dir.join("a/b")).expect("dirs");
        let repo = Repo::open(&dir.join("a/b")).expect("opened");
        assert_eq!(repo.root(), dir);
        assert!(repo.is_git());
    }

    #[test]
    fn a_plain_folder_works() {
        let (_keep, dir) = folder();
        let repo = Repo::open(&dir).expect("opened");
        assert_eq!(repo.root(), dir);
        assert!(!repo.is_git());
        assert_eq!(repo.head().expect("head"), crate::repo::Head::default());
    }

    #[test]
    fn bare_broken_and_missing_are_told_apart() {
        let (_keep, dir) = folder();
        Repository::init_bare(dir.join("bare")).expect("init");
        let bare = Repo::open(&dir.join("bare")).expect_err("bare");
        assert_eq!(bare.kind(), Kind::Input);
        assert!(bare.what().contains("bare"), "{bare}");

        fs::create_dir_all(dir.join("broken")).expect("dir");
        fs::write(dir.join("broken/.git"), "nonsense\n").expect("written");
        let broken = Repo::open(&dir.join("broken")).expect_err("broken");
        assert_eq!(broken.kind(), Kind::Input);
        assert!(broken.what().contains("broken"), "{broken}");

        let missing = Repo::open(&dir.join("missing")).expect_err("missing");
        assert_eq!(missing.kind(), Kind::Environment);
        fs::write(dir.join("file"), "").expect("written");
        assert!(Repo::open(&dir.join("file")).is_err());
    }

    #[test]
    fn an_empty_dot_git_is_not_passed_over_for_the_one_above() {
        let (_keep, dir) = folder();
        Repository::init(&dir).expect("init");
        fs::create_dir_all(dir.join("inner/.git")).expect("dir");
        assert!(Repo::open(&dir.join("inner")).is_err());
        assert!(Repo::open(&dir).is_ok());
    }

    #[test]
    #[cfg(unix)]
    fn the_files_are_those_beside_the_dot_git_wherever_it_leads() {
        use crate::repo::trial::git as run;
        use crate::repo::{DiffSpec, Status};
        let (_keep, dir) = folder();
        // Another project lies around git's folder.
        fs::create_dir_all(dir.join("gits")).expect("made");
        fs::write(dir.join("gits/notes.txt"), "of another project\n").expect("written");
        for sort in ["file", "link"] {
            let root = dir.join(sort);
            let data = dir.join("gits").join(format!("{sort}.git"));
            fs::create_dir_all(root.join("sub")).expect("made");
            match sort {
                "file" => {
                    let data = data.to_string_lossy();
                    run(&root, &["init", "-q", "--separate-git-dir", &data]);
                }
                _ => {
                    run(&root, &["init", "-q"]);
                    fs::rename(root.join(".git"), &data).expect("moved");
                    std::os::unix::fs::symlink(&data, root.join(".git")).expect("linked");
                }
            }
            fs::write(root.join("a.rs"), "fn a() {}\n").expect("written");
            run(&root, &["add", "-A"]);
            run(&root, &["commit", "-qm", "First"]);
            fs::write(root.join("a.rs"), "fn b() {}\n").expect("written");
            let repo = Repo::open(&root.join("sub")).expect("opened");
            assert_eq!(repo.root(), root, "{sort}");
            let expected = Status {
                unstaged: 1,
                ..Status::default()
            };
            assert_eq!(repo.status().expect("a status"), expected, "{sort}");
            for spec in [DiffSpec::Unstaged, DiffSpec::Base("HEAD".to_owned())] {
                let diff = repo.diff(&spec, 3).expect("a diff");
                let paths: Vec<&str> = diff.files.iter().map(|file| file.path.as_str()).collect();
                assert_eq!(paths, ["a.rs"], "{sort}");
                assert_eq!(diff.line_counts(), (1, 1), "{sort}");
            }
        }
    }

    #[test]
    fn a_work_tree_elsewhere_is_refused() {
        let (_keep, dir) = folder();
        let (_other, elsewhere) = folder();
        let repository = Repository::init(&dir).expect("init");
        repository
            .config()
            .and_then(|mut c| c.set_str("core.worktree", &elsewhere.display().to_string()))
            .expect("set");
        let failure = Repo::open(&dir).expect_err("refused");
        assert!(failure.what().contains("elsewhere"), "{failure}");
    }

    #[test]
    fn a_partial_clone_is_used_as_a_plain_folder_and_says_so() {
        let (_keep, dir) = folder();
        let repository = Repository::init(&dir).expect("init");
        let mut config = repository.config().expect("config");
        config
            .set_i32("core.repositoryformatversion", 1)
            .and_then(|()| config.set_str("extensions.partialclone", "origin"))
            .expect("set");
        let repo = Repo::open(&dir).expect("opened");
        assert!(!repo.is_git());
        assert!(
            repo.note()
                .is_some_and(|note| note.contains("partialclone"))
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn data_that_may_not_be_read_is_not_called_broken() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let dot_git = folder.path().join(".git");
        Repository::init(folder.path()).expect("a repository");
        let mode = |path: &Path, mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, permissions).expect("set");
        };
        mode(folder.path(), 0o755);
        for name in ["HEAD", "objects", ""] {
            let part = dot_git.join(name);
            mode(&part, 0);
            let of = dot_git.clone();
            let found = std::thread::spawn(move || {
                let nobody = rustix::thread::Uid::from_raw(65534);
                // Whoever is not root is bound by permissions as it is.
                let _ = rustix::thread::set_thread_res_uid(nobody, nobody, nobody);
                unreadable(&of).map(|(file, error)| (file, error.kind()))
            })
            .join()
            .expect("joined");
            mode(&part, 0o755);
            let (file, kind) = found.expect("something");
            assert_eq!(file, part);
            assert_eq!(kind, std::io::ErrorKind::PermissionDenied);
            let failure = broken(&dot_git, &git2::Error::from_str("x")).to_string();
            assert!(failure.contains("is broken"), "{failure}");
        }
    }
}
