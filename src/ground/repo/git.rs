//! HEAD, status, commits and folders, as git knows them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Once;

use git2::{ErrorCode, Repository, StatusOptions, StatusShow};

use super::Repo;
use super::conversion::Conversions;
use super::index_view::IndexView;
use super::open::unreadable;
use super::{command_settings, installed, submodules};
use crate::base::encoding::TextEncoding;
use crate::base::{Failure, Result};

/// The branch or commit that HEAD points to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The branch's short name; none when detached or no repository.
    pub branch: Option<String>,
    /// The commit in 40 hex digits; none before the first commit.
    pub commit: Option<String>,
    /// True if HEAD names a commit and no branch.
    pub detached: bool,
}

/// Counts of files that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Files that are staged with a difference to HEAD.
    pub staged: usize,
    /// Files whose content in the working tree differs from the index.
    pub unstaged: usize,
    /// Files that are neither known to git nor ignored.
    pub untracked: usize,
    /// Files that may differ: what git stores of them only a program that it runs can tell.
    pub filtered: usize,
}

/// A commit, for prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit's id, 40 hex digits.
    pub id: String,
    /// The first line of the message.
    pub subject: String,
    /// The message without its first line, trimmed.
    pub body: String,
}

/// The flags of a file that is staged with a difference.
const STAGED: git2::Status = git2::Status::INDEX_NEW
    .union(git2::Status::INDEX_MODIFIED)
    .union(git2::Status::INDEX_DELETED)
    .union(git2::Status::INDEX_RENAMED)
    .union(git2::Status::INDEX_TYPECHANGE);

/// The flags of a file that differs in the working tree.
const UNSTAGED: git2::Status = git2::Status::WT_MODIFIED
    .union(git2::Status::WT_DELETED)
    .union(git2::Status::WT_RENAMED)
    .union(git2::Status::WT_TYPECHANGE)
    .union(git2::Status::CONFLICTED);

/// A failure that puts git's own words under a sentence of ours.
pub(super) fn git_failure(what: impl Into<String>, error: &git2::Error) -> Failure {
    Failure::input(what).because(error.message())
}

impl Repo {
    /// Returns the branch or commit that HEAD points to; all empty in a folder that is no git
    /// repository.
    ///
    /// # Errors
    /// Of kind input, if git's data is broken.
    pub fn head(&self) -> Result<Head> {
        if !self.is_git() {
            return Ok(Head::default());
        }
        let git = self.git()?;
        let failed = |e: &git2::Error| git_failure("cannot read HEAD", e);
        let head = git.find_reference("HEAD").map_err(|e| failed(&e))?;
        let branch = head.symbolic_target_bytes().map(|target| {
            let name = String::from_utf8_lossy(target).into_owned();
            name.strip_prefix("refs/heads/")
                .map_or_else(|| name.clone(), str::to_owned)
        });
        let commit = match git.head() {
            Ok(reference) => Some(
                reference
                    .peel_to_commit()
                    .map_err(|e| failed(&e))?
                    .id()
                    .to_string(),
            ),
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => None,
            Err(e) => return Err(failed(&e)),
        };
        Ok(Head {
            detached: branch.is_none() && commit.is_some(),
            branch,
            commit,
        })
    }

    /// Counts the files that differ; all zero in a folder that is no git repository.
    ///
    /// # Errors
    /// Of kind input, if git's data is broken.
    pub fn status(&self) -> Result<Status> {
        if !self.is_git() {
            return Ok(Status::default());
        }
        let git = self.git_with_index()?;
        let failed = |e: &git2::Error| git_failure("cannot compare the files with git's data", e);
        let mut index = IndexView::new(&git).map_err(|e| failed(&e))?;
        let mut status = Status::default();
        // Submodules are asked by themselves whether they moved, and not read as a whole.
        let moved = submodules::moved(&self.root, &index.whole, None);
        let moved = moved.iter().map(|file| file.path.as_str().into());
        let mut unstaged: BTreeSet<Vec<u8>> = moved.chain(index.announced()).collect();
        let mut ignoring = self.ignoring_as_git()?;
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .update_index(false);
        let conversions = Conversions::new(&git, &self.root).map_err(|e| failed(&e))?;
        for show in [StatusShow::Index, StatusShow::Workdir] {
            let files = matches!(show, StatusShow::Workdir);
            let seen = if files {
                index.for_files(&self.root)
            } else {
                index.for_commits()
            };
            let mut other = seen.map_err(|e| failed(&e))?;
            let seen = other.as_mut().unwrap_or(&mut index.whole);
            git.set_index(seen).map_err(|e| failed(&e))?;
            options.show(show).exclude_submodules(files);
            let entries = git.statuses(Some(&mut options)).map_err(|e| failed(&e))?;
            for entry in entries.iter() {
                let (path, mut flags) = (entry.path_bytes(), entry.status());
                if flags.is_wt_deleted() && index.is_staged_only(&self.root, path) {
                    flags.remove(git2::Status::WT_DELETED);
                }
                if flags.is_wt_modified() {
                    match conversions.same(&entry).map_err(|e| failed(&e))? {
                        Some(false) => {}
                        Some(true) => flags.remove(git2::Status::WT_MODIFIED),
                        None => {
                            flags.remove(git2::Status::WT_MODIFIED);
                            status.filtered += 1;
                        }
                    }
                }
                status.staged += usize::from(flags.intersects(STAGED));
                let new = flags.is_wt_new() && !ignoring.leaves_out_found(Some(path));
                status.untracked += usize::from(new);
                if flags.intersects(UNSTAGED) {
                    unstaged.insert(path.to_owned());
                }
            }
        }
        status.unstaged = unstaged.len();
        Ok(status)
    }

    /// The last `n` commits reachable from HEAD, newest first; none before the first commit.
    ///
    /// # Errors
    /// Of kind input, if git's data is broken.
    pub fn recent_commits(&self, n: usize) -> Result<Vec<Commit>> {
        if n == 0 || self.head()?.commit.is_none() {
            return Ok(Vec::new());
        }
        let git = self.git()?;
        let failed = |e: &git2::Error| git_failure("cannot read the history", e);
        let mut walk = git.revwalk().map_err(|e| failed(&e))?;
        // git's own order: sorted by time alone, what a rebase made in one second has none.
        walk.push_head().map_err(|e| failed(&e))?;
        let mut commits = Vec::new();
        for id in walk.take(n) {
            // A shallow clone ends where a parent is missing.
            let Ok(commit) = id.and_then(|id| git.find_commit(id)) else {
                break;
            };
            let (subject, body) = message_of(&commit);
            commits.push(Commit {
                id: commit.id().to_string(),
                subject,
                body,
            });
        }
        Ok(commits)
    }

    /// The folder of git hooks (honours `core.hooksPath` and worktrees).
    ///
    /// # Errors
    /// Of kind input, in a folder that is no git repository.
    pub fn hooks_dir(&self) -> Result<PathBuf> {
        let git = self.git()?;
        let configured = git
            .config()
            .and_then(|mut config| config.snapshot()?.get_path("core.hooksPath"))
            // What is not set is an error to git2.
            .ok()
            .filter(|path| !path.as_os_str().is_empty());
        Ok(match configured {
            // Git takes a relative path from where the hook runs, which is the root.
            Some(path) => self.root.join(path),
            None => git.commondir().join("hooks"),
        })
    }

    /// Tells whether a path, there or not, lies in the working tree or in git's own folders of it
    /// once all links are followed.
    pub fn holds(&self, path: &Path) -> bool {
        let mut there = path;
        let real = loop {
            match there.canonicalize() {
                Ok(real) => break real,
                // A link that leads nowhere yet could lead anywhere later.
                Err(_) if there.is_symlink() => return false,
                Err(_) => match there.parent() {
                    Some(above) => there = above,
                    None => return false,
                },
            }
        };
        let mut own = vec![self.root.clone()];
        if let Ok(git) = self.git() {
            own.extend([git.path().to_owned(), git.commondir().to_owned()]);
        }
        own.iter()
            .filter_map(|folder| folder.canonicalize().ok())
            .any(|folder| real.starts_with(folder))
    }

    /// The roots of the other working trees of the repository, the main one first.
    pub fn siblings(&self) -> Vec<PathBuf> {
        let Ok(git) = self.git() else {
            return Vec::new();
        };
        let mut roots = Vec::new();
        let common = git.commondir();
        if let Some(main) = common.parent().filter(|_| common.ends_with(".git")) {
            roots.push(main.to_path_buf());
        }
        let names = git.worktrees();
        for name in names.iter().flat_map(|names| names.iter()).take(100) {
            // A working tree whose name is no UTF-8 cannot be asked for.
            let tree = name.ok().flatten().map(|name| git.find_worktree(name));
            if let Some(Ok(tree)) = tree {
                roots.push(tree.path().to_path_buf());
            }
        }
        let mut roots: Vec<PathBuf> = roots
            .into_iter()
            // Git lists a working tree until it is pruned, also when its folder is gone.
            .filter_map(|root| root.canonicalize().ok())
            .filter(|root| *root != self.root)
            .collect();
        roots.dedup();
        roots
    }

    /// Git's folders of this working tree, if they are its own: they lie in it, or name it in
    /// turn, as those of a linked working tree and of a submodule do. A `.git` that came out of an
    /// archive may name any other repository.
    pub fn own_git_dirs(&self) -> Vec<PathBuf> {
        let real = |path: &Path| path.canonicalize().ok();
        let (Some(root), Some(dir)) = (real(&self.root), self.git_dir.as_deref().and_then(real))
        else {
            return Vec::new();
        };
        let Some(common) = self.common_dir().as_deref().and_then(real) else {
            return Vec::new();
        };
        if common != dir {
            // A folder that names no working tree is nobody's.
            let back = std::fs::read_to_string(dir.join("gitdir"))
                .is_ok_and(|names| real(&dir.join(names.trim_end())) == real(&root.join(".git")));
            let below = dir.parent().and_then(Path::parent) == Some(common.as_path());
            return if back && below {
                vec![dir, common]
            } else {
                Vec::new()
            };
        }
        let named = || {
            let config = git2::Config::open(&dir.join("config")).ok()?;
            let tree = config.get_path("core.worktree").ok()?;
            real(&dir.join(tree))
        };
        if dir.starts_with(&root) || named().as_ref() == Some(&root) {
            vec![dir]
        } else {
            Vec::new()
        }
    }

    /// The folder of git's that all working trees of the repository share; none without git, or
    /// where its data cannot be opened.
    pub fn common_dir(&self) -> Option<PathBuf> {
        Some(self.git().ok()?.commondir().to_path_buf())
    }

    /// The repository as the commit sees it whose hook runs now: git names its own folder, the
    /// working tree and the index to a hook, wherever they lie.
    ///
    /// # Errors
    /// Of kind input, where git commits to another repository than this one.
    pub fn committing(mut self) -> Result<Self> {
        let named = |variable: &str| -> Option<Result<PathBuf>> {
            let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
            let real = Path::new(&value).canonicalize();
            let value = value.to_string_lossy().into_owned();
            Some(real.map_err(|e| {
                Failure::input(format!("git names what is not there: {variable}={value}"))
                    .because(e)
            }))
        };
        let real = |path: &Path| path.canonicalize().ok();
        for (variable, own) in [
            ("GIT_DIR", self.git_dir.as_deref().and_then(real)),
            ("GIT_WORK_TREE", real(&self.root)),
        ] {
            let Some(other) = named(variable).transpose()? else {
                continue;
            };
            if Some(&other) != own.as_ref() {
                return Err(
                    Failure::input("git commits to another repository than this one")
                        .because(format!("{variable} names {}", other.display()))
                        .because(format!("this one is {}", self.root.display())),
                );
            }
        }
        self.index = named("GIT_INDEX_FILE").transpose()?;
        Ok(self)
    }

    /// Says with a failure for want of an object why git may not have it, and what brings it.
    pub(super) fn missing(&self, failure: Failure) -> Failure {
        let wanting = |cause: &String| cause.contains("object not found");
        if !failure.causes().iter().any(wanting) {
            return failure;
        }
        let Ok(git) = self.git() else {
            return failure;
        };
        let partial = || {
            let config = git.config()?.snapshot()?;
            let mut names =
                config.entries(Some(r"^(remote\..*\.promisor|extensions\.partialclone)$"))?;
            Ok::<_, git2::Error>(names.next().is_some())
        };
        if let Some((file, _)) = unreadable(git.commondir()) {
            return failure.hint(format!("{} may not be read", file.display()));
        }
        failure.hint(if git.is_shallow() {
            "the history is cut off here (a shallow clone): git fetch --unshallow"
        } else if matches!(partial(), Ok(true)) {
            "this clone leaves out what was not needed yet (a partial clone): \
             git fetch --refetch --no-filter"
        } else {
            "git's data may be damaged: git fsck --full"
        })
    }

    /// The failure of whatever needs git, where git's data is not there, or is in a form that is
    /// not read here.
    pub fn no_git(&self) -> Failure {
        let root = self.root.display();
        let failure = match &self.note {
            Some(note) => Failure::input(format!("git's data of {root} is {note}")),
            None => Failure::input(format!("{root} is not a git repository")),
        };
        failure.hint(match self.note {
            Some(_) => {
                "questions, search and patches work; a diff can be piped in: \
                 `git diff --staged | homebody review --stdin`"
            }
            None => {
                "`git init` makes one; a question works without, and a diff can be piped in: \
                 `diff -u old new | homebody review --stdin`"
            }
        })
    }

    /// [`Self::git`] with the index that git would use; of one in a form that only git reads, what
    /// git makes of it.
    pub(super) fn git_with_index(&self) -> Result<Repository> {
        let git = self.git()?;
        let failed = |e: &git2::Error| git_failure("cannot read the index", e);
        let named = self.named_index(git.path());
        let own = || git.path().join("index");
        let file = named.clone().unwrap_or_else(own);
        let index = match installed::opened_index(git.path(), &self.root, &file)? {
            None if named.is_some() => Some(git2::Index::open(&file).map_err(|e| failed(&e))?),
            copy => copy,
        };
        if let Some(mut index) = index {
            git.set_index(&mut index).map_err(|e| failed(&e))?;
        }
        Ok(git)
    }

    /// The index that is used in place of git's own, where there is one.
    fn named_index(&self, git_dir: &Path) -> Option<PathBuf> {
        let named = || index_of_the_environment(git_dir, &self.root);
        self.index.clone().or_else(named)
    }

    /// Opens git's data. Each call opens anew: a handle cannot be shared between threads.
    pub(super) fn git(&self) -> Result<Repository> {
        let Some(dir) = &self.git_dir else {
            return Err(self.no_git());
        };
        let failed = |e: &git2::Error| {
            git_failure(
                format!("cannot open the repository at {}", dir.display()),
                e,
            )
        };
        // Hashing every object again as it is read takes an eighth of the time of reading the
        // history; git leaves that check to fsck.
        static TRUSTED: Once = Once::new();
        TRUSTED.call_once(|| git2::opts::strict_hash_verification(false));
        let git = Repository::open(dir).map_err(|e| failed(&e))?;
        // Opened by itself, git's folder would take what lies around it for the working tree.
        git.set_workdir(&self.root, false).map_err(|e| failed(&e))?;
        // A handle of the settings is one of those that the repository itself asks.
        command_settings::add_to(&mut git.config().map_err(|e| failed(&e))?)?;
        Ok(git)
    }
}

/// The index that `GIT_INDEX_FILE` names, where git would use it too for this repository: while
/// `git commit -a` or `git commit FILE` runs its hooks, what is being committed is staged in a file
/// of git's folder; a file elsewhere counts for the repository that the process stands in.
fn index_of_the_environment(git_dir: &Path, root: &Path) -> Option<PathBuf> {
    let named = std::env::var_os("GIT_INDEX_FILE").filter(|value| !value.is_empty())?;
    let file = Path::new(&named).canonicalize().ok()?;
    let own = git_dir.canonicalize().ok()?;
    let inside = file.parent() == Some(&own);
    let here = || {
        let stands = std::env::current_dir().is_ok_and(|at| at.starts_with(root));
        let git_dir = std::env::var_os("GIT_DIR").filter(|value| !value.is_empty());
        stands && git_dir.is_none_or(|dir| Path::new(&dir).canonicalize().ok() == Some(own))
    };
    (file.is_file() && (inside || here())).then_some(file)
}

/// The message of a commit, from the encoding that the commit names.
pub(super) fn text_of(commit: &git2::Commit<'_>) -> String {
    // A name that is no text, or no encoding's, is passed over, as git does.
    let encoding = commit.message_encoding().ok().flatten();
    let encoding = encoding.and_then(TextEncoding::named);
    let encoding = encoding.unwrap_or(TextEncoding::UTF_8);
    encoding.shown(commit.message_bytes()).into_owned()
}

/// The subject and the body of a commit's message; one of a single line has no body.
pub(super) fn message_of(commit: &git2::Commit<'_>) -> (String, String) {
    let message = text_of(commit);
    let message = message.trim();
    let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
    (subject.trim().to_owned(), body.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::diff::tests::{commit, git_repo, write};

    #[test]
    fn commits_of_one_second_come_in_the_order_of_git() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        let time = git2::Time::new(1_700_000_000, 0);
        let who = git2::Signature::new("A", "a@example.org", &time).expect("signature");
        let first = commit(&git, "0");
        let tree = git
            .find_commit(first)
            .expect("a commit")
            .tree()
            .expect("a tree");
        for n in 1..12 {
            let head = git.head().and_then(|head| head.peel_to_commit());
            let head = head.expect("a commit");
            git.commit(Some("HEAD"), &who, &who, &n.to_string(), &tree, &[&head])
                .expect("commit");
        }
        let told = repo.recent_commits(12).expect("commits");
        let told: Vec<&str> = told.iter().map(|commit| commit.subject.as_str()).collect();
        let expected: Vec<String> = (0..12).rev().map(|n| n.to_string()).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn messages_are_read_in_the_encoding_that_the_commit_names() {
        use crate::repo::trial::git as run;
        let (_keep, repo, _git) = git_repo();
        write(&repo, "a", "a\n");
        run(repo.root(), &["add", "-A"]);
        std::fs::write(repo.root().join(".git/m"), b"Gr\xfc\xdfe an alle\n").expect("written");
        let commit = [
            "-c",
            "i18n.commitEncoding=ISO-8859-1",
            "commit",
            "-q",
            "-F",
            ".git/m",
        ];
        run(repo.root(), &commit);
        let commits = repo.recent_commits(1).expect("commits");
        assert_eq!(commits[0].subject, "Grüße an alle");
    }

    #[test]
    fn before_the_first_commit() {
        let (_keep, repo, _git) = git_repo();
        let head = repo.head().expect("head");
        assert!(head.branch.is_some() && head.commit.is_none() && !head.detached);
        assert_eq!(repo.recent_commits(3).expect("commits"), []);
        assert_eq!(repo.status().expect("status"), Status::default());
    }

    #[test]
    fn git_folders_are_those_that_name_the_working_tree_in_turn() {
        use crate::repo::trial::git as run;
        let all = tempfile::tempdir().expect("a folder");
        let root = all.path().canonicalize().expect("there");
        for name in ["one", "two"] {
            std::fs::create_dir(root.join(name)).expect("made");
            run(&root.join(name), &["init", "-q"]);
            run(
                &root.join(name),
                &["commit", "-q", "--allow-empty", "-m", "First"],
            );
        }
        let own = |name: &str| {
            let repo = Repo::open(&root.join(name)).expect("a repository");
            assert!(repo.is_git(), "{name}");
            repo.own_git_dirs()
        };
        assert_eq!(own("one"), [root.join("one/.git")]);
        run(&root.join("one"), &["worktree", "add", "-q", "../tree"]);
        let linked = root.join("one/.git/worktrees/tree");
        assert_eq!(own("tree"), [linked, root.join("one/.git")]);
        let other = root.join("two").to_string_lossy().into_owned();
        let allow = ["-c", "protocol.file.allow=always"];
        let add = ["submodule", "add", "-q", &other, "sub"];
        run(&root.join("one"), &[&allow[..], &add].concat());
        assert_eq!(own("one/sub"), [root.join("one/.git/modules/sub")]);
        // What came out of an archive.
        std::fs::create_dir(root.join("three")).expect("made");
        std::fs::write(root.join("three/.git"), "gitdir: ../two/.git\n").expect("written");
        assert!(own("three").is_empty());
        std::fs::write(root.join("two/.git/commondir"), "../../one/.git\n").expect("written");
        assert!(own("two").is_empty());
    }

    #[test]
    fn working_trees_know_each_other() {
        let (keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        commit(&git, "First");
        assert_eq!(repo.siblings(), Vec::<PathBuf>::new());
        let beside = tempfile::tempdir().expect("a folder");
        let root = beside.path().join("second");
        git.worktree("second", &root, None).expect("a working tree");
        let root = root.canonicalize().expect("there");
        assert_eq!(repo.siblings(), std::slice::from_ref(&root));
        let second = Repo::open(&root).expect("a repository");
        assert_eq!(second.siblings(), [repo.root().to_path_buf()]);
        drop(keep);
    }

    #[test]
    fn branch_detached_and_history() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        let first = commit(&git, "First\n\nwhy\n");
        write(&repo, "a", "2\n");
        let second = commit(&git, "Second");
        let head = repo.head().expect("head");
        assert_eq!(head.commit, Some(second.to_string()));
        let commits = repo.recent_commits(5).expect("commits");
        let shown: Vec<_> = commits
            .iter()
            .map(|c| (c.subject.as_str(), c.body.as_str()))
            .collect();
        assert_eq!(shown, [("Second", ""), ("First", "why")]);
        git.set_head_detached(first).expect("detached");
        let head = repo.head().expect("head");
        assert!(head.detached && head.branch.is_none());
        assert_eq!(head.commit, Some(first.to_string()));
    }

    #[test]
    fn status_counts_each_side() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        write(&repo, "b", "1\n");
        commit(&git, "First");
        write(&repo, "a", "staged\n");
        let mut index = git.index().expect("index");
        index.add_path(Path::new("a")).expect("added");
        index.write().expect("written");
        write(&repo, "b", "changed and longer\n");
        write(&repo, "new/x", "");
        write(&repo, "new/y", "");
        assert_eq!(
            repo.status().expect("status"),
            Status {
                staged: 1,
                unstaged: 1,
                untracked: 2,
                filtered: 0,
            }
        );
    }

    #[test]
    fn hooks_are_found_where_git_looks_for_them() {
        let (_keep, repo, git) = git_repo();
        assert_eq!(
            repo.hooks_dir().expect("dir"),
            git.commondir().join("hooks")
        );
        git.config()
            .and_then(|mut c| c.set_str("core.hooksPath", "tools/hooks"))
            .expect("set");
        assert_eq!(
            repo.hooks_dir().expect("dir"),
            repo.root().join("tools/hooks")
        );
        assert!(repo.holds(&repo.root().join("tools/hooks")));
        assert!(repo.holds(&git.commondir().join("hooks")));
        let outside = tempfile::tempdir().expect("a folder");
        assert!(!repo.holds(&outside.path().join("tools")));
        assert!(!repo.holds(&repo.root().join("..").join("tools")));
        #[cfg(unix)]
        for (name, says) in [("out", outside.path()), ("nowhere", Path::new("/none/x"))] {
            std::os::unix::fs::symlink(says, repo.root().join(name)).expect("linked");
            assert!(!repo.holds(&repo.root().join(name).join("deep")), "{name}");
        }
    }

    #[test]
    fn a_linked_working_tree_has_its_own_head_and_the_common_hooks() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        commit(&git, "First");
        let beside = tempfile::tempdir().expect("a folder");
        let tree = beside.path().join("tree");
        git.worktree("tree", &tree, None).expect("worktree");
        let linked = Repo::open(&tree).expect("opened");
        assert!(linked.is_git());
        assert_eq!(linked.head().expect("head").branch.as_deref(), Some("tree"));
        assert_eq!(
            linked.hooks_dir().expect("dir"),
            git.commondir().canonicalize().expect("there").join("hooks")
        );
        write(&linked, "a", "2 and more\n");
        assert_eq!(linked.status().expect("status").unstaged, 1);
        assert_eq!(repo.status().expect("status").unstaged, 0);
    }
}
