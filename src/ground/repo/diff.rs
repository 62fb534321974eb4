//! Diffs as values, whether git made them or somebody piped them in.

mod hunks;
mod kind;
mod masked;
mod rejoined;
mod sides;
mod wide;
mod working_tree;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use git2::{Delta, DiffDelta, DiffFindOptions, DiffOptions, Oid, Patch, Repository};
use serde::{Deserialize, Serialize};

use self::hunks::{Changes, staged, told};
pub use self::kind::FileKind;
use self::sides::{base_tree, cannot_diff, compared};
use self::working_tree::WorkingTree;
use super::Repo;
use super::git::git_failure;
use super::index_view::IndexView;
use super::read::cannot_read;
use super::submodules;
use super::walk::MAX_FILE;
use crate::base::{Failure, RepoPath, Result};

/// Bytes of a file without lines that are read at most.
const LARGEST: u64 = 16 << 20;

/// The two sides of a diff that git is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffSpec {
    /// Index against HEAD.
    Staged,
    /// Working tree against index, untracked files included as new.
    Unstaged,
    /// A commit against its first parent (or nothing).
    Commit(String),
    /// `A..B` or `A...B` (from the merge base).
    Range(String),
    /// Working tree and index against the merge base with a branch.
    Base(String),
}

/// The sorts of change to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileStatus {
    /// The file is new.
    Added,
    /// The file is gone.
    Deleted,
    /// The content changed, the name did not.
    Modified,
    /// The file has another name, and perhaps other content too.
    Renamed,
    /// Only mode or type changed.
    ModeChanged,
    /// A merge has left the file with both sides.
    Conflicted,
}

/// The sides of a diff that a line stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffKind {
    /// The line stands on both sides.
    Context,
    /// The line stands on the new side alone.
    Added,
    /// The line stands on the old side alone.
    Removed,
}

impl DiffKind {
    /// The character with which such a line begins in a unified diff.
    pub const fn sign(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Added => '+',
            Self::Removed => '-',
        }
    }
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// The side of the line.
    pub kind: DiffKind,
    /// Number on the old side, from 1; none for an added line.
    pub old: Option<u32>,
    /// Number on the new side, from 1; none for a removed line.
    pub new: Option<u32>,
    /// The text without its newline; a carriage return before it stays.
    pub text: String,
    /// True if the file ends with this line and without a newline.
    #[serde(default)]
    pub no_newline: bool,
}

impl DiffLine {
    /// The number by which the line is named: that of the new side, where the line stands there.
    pub const fn number(&self) -> Option<u32> {
        match self.kind {
            DiffKind::Removed => self.old,
            DiffKind::Added | DiffKind::Context => self.new,
        }
    }
}

/// A run of changed lines with context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First line on the old side (0 where there is none).
    pub old_start: u32,
    /// Lines on the old side.
    pub old_len: u32,
    /// First line on the new side (0 where there is none).
    pub new_start: u32,
    /// Lines on the new side.
    pub new_len: u32,
    /// The text that git prints after the second `@@`: the function around the hunk, say.
    pub section: String,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// The changes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// The name before, where it was another or the file is gone.
    pub old_path: Option<RepoPath>,
    /// The name now; the old one for a deleted file.
    pub path: RepoPath,
    /// The sort of change.
    pub status: FileStatus,
    /// The kinds of thing before and after; none for a plain file that was one.
    #[serde(default, skip_serializing_if = "no_kinds")]
    pub kinds: (Option<FileKind>, Option<FileKind>),
    /// True for a binary file, which has no hunks.
    pub binary: bool,
    /// Bytes of a new file as this diff has it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The changes.
    pub hunks: Vec<Hunk>,
    /// The id of the file's content now, where it is known: git need not keep it yet.
    #[serde(skip)]
    pub blob: Option<String>,
    /// Where the file lies below the root, as the system writes it: `path` is text.
    #[serde(skip)]
    pub place: PathBuf,
}

/// Tells whether nothing is said by the kinds of a file: they are left out then.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn no_kinds(kinds: &(Option<FileKind>, Option<FileKind>)) -> bool {
    let plain = |kind: Option<FileKind>| kind.is_none_or(|kind| kind == FileKind::Plain);
    plain(kinds.0) && plain(kinds.1)
}

/// A diff over files, in order of path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The files.
    pub files: Vec<FileDiff>,
    /// Files whose names are no UTF-8, by the nearest name that is: nobody can speak of them, but
    /// their content can be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<FileDiff>,
    /// Files of the working tree that may have changed and cannot be compared, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<(RepoPath, String)>,
}

impl Diff {
    /// Takes in a file, where a change has one that can be told.
    fn take(&mut self, delta: &DiffDelta<'_>, file: Option<FileDiff>) {
        if is_unnamed(delta) {
            self.unnamed.extend(file);
        } else {
            self.files.extend(file);
        }
    }

    /// Takes note of a file that cannot be compared.
    fn leave(&mut self, delta: &DiffDelta<'_>, why: String) {
        let path = name_of(&delta.new_file());
        self.unread.extend(path.map(|path| (path, why)));
    }

    /// Counts the lines added and removed.
    pub fn line_counts(&self) -> (usize, usize) {
        let lines = || {
            self.files
                .iter()
                .flat_map(|f| &f.hunks)
                .flat_map(|h| &h.lines)
        };
        (
            lines().filter(|l| l.kind == DiffKind::Added).count(),
            lines().filter(|l| l.kind == DiffKind::Removed).count(),
        )
    }
}

impl Repo {
    /// Makes a diff with `context` lines around changes. Binary files and files over
    /// [`super::walk::MAX_FILE`] come without hunks.
    ///
    /// # Errors
    /// Of kind usage, if a revision is not known; of kind input, in a folder that is no git
    /// repository or where git's data is broken.
    pub fn diff(&self, spec: &DiffSpec, context: u32) -> Result<Diff> {
        self.made(spec, context).map_err(|e| self.missing(e))
    }

    /// Does the work of [`Self::diff`].
    fn made(&self, spec: &DiffSpec, context: u32) -> Result<Diff> {
        let git = self.git_with_index()?;
        let failed = |e: git2::Error| cannot_diff(&e);
        let mut options = options(context);
        let mut find = DiffFindOptions::new();
        // Every new file is compared with every lost one, up to the limit that git has too.
        find.renames(true).rename_limit(1000);
        let reads_files = matches!(spec, DiffSpec::Unstaged | DiffSpec::Base(_));
        if reads_files {
            with_files(&mut options);
            find.for_untracked(true);
        }
        let base = match spec {
            DiffSpec::Base(branch) => Some(base_tree(&git, branch)?),
            _ => None,
        };
        let index = IndexView::new(&git).map_err(failed)?;
        let (mut whole, untracked) =
            compared(&git, self.root(), &index, spec, base.as_ref(), &mut options)?;
        let gone = gone(&whole);
        whole.find_similar(Some(&mut find)).map_err(failed)?;

        let tree =
            reads_files.then(|| WorkingTree::new(self, &git, &index, base.is_some(), context));
        let tree = tree.transpose()?;
        let mut all = Diff::default();
        for (i, delta) in whole.deltas().enumerate() {
            let file = match &tree {
                Some(tree) => tree.file(&whole, i, &delta)?,
                None => {
                    let changes = changes(&git, &whole, i, &delta, context).map_err(failed)?;
                    Ok(file_diff(&git, changes, &delta))
                }
            };
            match file {
                Ok(file) => {
                    let wide = |file| self.with_wide_text(&git, &delta, file, context);
                    all.take(&delta, file.map(wide));
                }
                Err(why) => all.leave(&delta, why),
            }
        }
        // A file that git was told to forget and that lies there all the same is gone and new.
        for (i, delta) in untracked.iter().flat_map(|diff| diff.deltas().enumerate()) {
            let name = delta.new_file().path_bytes();
            if let (Some(diff), Delta::Untracked) = (&untracked, delta.status())
                && name.is_some_and(|name| gone.contains(name))
            {
                let changes = changes(&git, diff, i, &delta, context).map_err(failed)?;
                all.take(&delta, file_diff(&git, changes, &delta));
            }
        }
        if reads_files {
            let moved = submodules::moved(self.root(), &index.whole, base.as_ref());
            let other = |file: &FileDiff| moved.iter().all(|moved| moved.path != file.path);
            all.files.retain(other);
            all.files.extend(moved);
        }
        all.files.sort_by(|a, b| a.path.cmp(&b.path));
        if base.is_some() {
            let files = std::mem::take(&mut all.files);
            all.files = rejoined::rejoin(files, &index, context).map_err(failed)?;
        }
        Ok(all)
    }

    /// Reads the content that a file of a diff has now, for a file of which there are no lines to
    /// be told: one that is binary, too large for a diff, or kept out of it by an attribute. Empty
    /// where there is no plain file any more, or it holds more than is read.
    ///
    /// # Errors
    /// Of kind input, where git's data is broken; of kind environment, where the file cannot be
    /// read.
    pub fn content_of(&self, file: &FileDiff) -> Result<Vec<u8>> {
        if file.status == FileStatus::Deleted {
            return Ok(Vec::new());
        }
        let git = self.git()?;
        let id = file.blob.as_deref().map(Oid::from_str).transpose();
        let id = id.map_err(|e| Failure::bug("a diff has an id that is none").caused_by(&e))?;
        // The id of a file that is not staged is known before git keeps the content.
        let header = id.and_then(|id| Some((id, git.odb().ok()?.read_header(id).ok()?)));
        if let Some((id, (bytes, _))) = header {
            if bytes as u64 > LARGEST {
                return Ok(Vec::new());
            }
            let failed = |e| git_failure(format!("git cannot read `{}`", file.path), &e);
            let blob = git.find_blob(id).map_err(|e| self.missing(failed(e)))?;
            return Ok(blob.content().to_vec());
        }
        // The content is in the working tree alone, or was. git keeps of a link where it leads.
        let at = self.root().join(&file.place);
        if !at.symlink_metadata().is_ok_and(|facts| facts.is_file()) {
            return Ok(Vec::new());
        }
        let (opened, bytes) = self.open_at(&at, &file.path)?;
        let mut content = Vec::new();
        if bytes <= LARGEST {
            let read = opened.take(LARGEST).read_to_end(&mut content);
            read.map_err(|e| cannot_read(&file.path, &e))?;
        }
        Ok(content)
    }
}

/// The names of the files that are gone.
fn gone(diff: &git2::Diff<'_>) -> BTreeSet<Vec<u8>> {
    let gone = (diff.deltas()).filter(|delta| delta.status() == Delta::Deleted);
    gone.filter_map(|delta| Some(delta.old_file().path_bytes()?.to_owned()))
        .collect()
}

/// Options of a diff with `context` lines around changes.
fn options(context: u32) -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .context_lines(context)
        .max_size(MAX_FILE as i64)
        .indent_heuristic(true);
    options
}

/// Makes a diff read the working tree.
fn with_files(options: &mut DiffOptions) {
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .show_untracked_content(true)
        // Submodules are asked by themselves whether they moved.
        .ignore_submodules(true)
        .update_index(false);
}

/// Tells whether a change has names that are no UTF-8.
fn is_unnamed(delta: &DiffDelta<'_>) -> bool {
    [delta.old_file(), delta.new_file()]
        .iter()
        .filter_map(git2::DiffFile::path_bytes)
        .any(|name| std::str::from_utf8(name).is_err())
}

/// The name of one side, by the nearest that is text; none for one that no file may have (in
/// `.git`, say).
fn name_of(file: &git2::DiffFile<'_>) -> Option<RepoPath> {
    RepoPath::new(&String::from_utf8_lossy(file.path_bytes()?)).ok()
}

/// The changes in the content of the file of `delta`, the `i`th of a diff; none where it is not
/// looked at.
fn changes(
    git: &Repository,
    diff: &git2::Diff<'_>,
    i: usize,
    delta: &DiffDelta<'_>,
    context: u32,
) -> std::result::Result<Option<Changes>, git2::Error> {
    // Ids that are not known yet are known behind this.
    match Patch::from_diff(diff, i) {
        // A file of which only the mode or the name changed is not asked whether it is binary.
        _ if matches!(delta.status(), Delta::Modified | Delta::Renamed)
            && has_same_content(git, delta) =>
        {
            Ok(Some((false, Vec::new())))
        }
        Ok(None) => Ok(None),
        Ok(Some(patch)) => told(&patch).map(Some),
        // It is not checked out or taken at its word, and what is staged of it counts.
        Err(e) => staged(git, delta, context).map(Some).map_err(|_| e),
    }
}

/// The file of `delta`, with the changes in its content; none for one that has no changes, or a
/// name that no file may have (in `.git`, say).
fn file_diff(
    git: &Repository,
    changes: Option<Changes>,
    delta: &DiffDelta<'_>,
) -> Option<FileDiff> {
    let (old, new) = (name_of(&delta.old_file()), name_of(&delta.new_file()));
    let path = if delta.status() == Delta::Deleted {
        old.clone()
    } else {
        new
    }?;
    let (binary, hunks) = changes.unwrap_or((delta.flags().is_binary(), Vec::new()));
    let status = status(delta, binary, hunks.is_empty())?;
    Some(FileDiff {
        old_path: match status {
            FileStatus::Renamed | FileStatus::Deleted => old,
            _ => None,
        },
        path,
        status,
        kinds: FileKind::worth_telling(
            FileKind::of_mode(delta.old_file().mode().into()),
            FileKind::of_mode(delta.new_file().mode().into()),
        ),
        binary,
        bytes: (status == FileStatus::Added).then(|| bytes(git, &delta.new_file())),
        blob: blob(&delta.new_file()),
        // Of a file that is gone nothing is read.
        place: delta.new_file().path().unwrap_or(Path::new("")).to_owned(),
        hunks,
    })
}

/// The sort of a change, of which there may be no lines; none for one that is no change.
fn status(delta: &DiffDelta<'_>, binary: bool, no_lines: bool) -> Option<FileStatus> {
    let (old, new) = (delta.old_file(), delta.new_file());
    let mode = old.mode() != new.mode();
    let sort = match delta.status() {
        // Gone, and come again behind what is staged in its place.
        Delta::Renamed if old.path_bytes() == new.path_bytes() => Delta::Modified,
        sort => sort,
    };
    Some(match sort {
        Delta::Added | Delta::Untracked | Delta::Copied => FileStatus::Added,
        Delta::Deleted => FileStatus::Deleted,
        Delta::Renamed => FileStatus::Renamed,
        Delta::Typechange => FileStatus::ModeChanged,
        // Staged, it has no text of its own; unstaged, its text has markers that are looked for.
        Delta::Conflicted if no_lines => FileStatus::Conflicted,
        Delta::Unmodified | Delta::Ignored | Delta::Unreadable => return None,
        Delta::Modified if no_lines && !binary && mode => FileStatus::ModeChanged,
        // What was staged and taken back in the working tree differs from no base.
        Delta::Modified if no_lines && !binary => return None,
        Delta::Modified | Delta::Conflicted => FileStatus::Modified,
    })
}

/// Tells whether both sides of a change have the same content. Of a file that an attribute keeps
/// out of diffs libgit2 does not look.
fn has_same_content(git: &Repository, delta: &DiffDelta<'_>) -> bool {
    let (old, new) = (delta.old_file(), delta.new_file());
    if !new.id().is_zero() {
        return old.id() == new.id();
    }
    let place = git.workdir().zip(new.path());
    let Some(at) = place.map(|(root, path)| root.join(path)) else {
        return false;
    };
    let plain = at.symlink_metadata().is_ok_and(|facts| facts.is_file());
    let id = || Oid::hash_file(git2::ObjectType::Blob, at);
    // A file of another length is another one.
    plain && bytes(git, &old) == new.size() && id().is_ok_and(|id| id == old.id())
}

/// The id of the content of one side, where it is known; a submodule's is no content.
fn blob(file: &git2::DiffFile<'_>) -> Option<String> {
    let none = file.id().is_zero() || file.mode() == git2::FileMode::Commit;
    (!none).then(|| file.id().to_string())
}

/// Size in bytes of one side: of the blob, where there is one, or of the file in the working tree.
fn bytes(git: &Repository, file: &git2::DiffFile<'_>) -> u64 {
    let blob = git.odb().and_then(|odb| odb.read_header(file.id()));
    blob.map_or(file.size(), |(bytes, _)| bytes as u64)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// A repository of its own with an author set.
    pub(in crate::repo) fn git_repo() -> (tempfile::TempDir, Repo, Repository) {
        let dir = tempfile::tempdir().expect("a folder");
        let git = Repository::init(dir.path()).expect("init");
        let mut config = git.config().expect("config");
        config.set_str("user.name", "A").expect("set");
        config.set_str("user.email", "a@example.org").expect("set");
        config.set_bool("core.autocrlf", false).expect("set");
        let repo = Repo::open(dir.path()).expect("opened");
        (dir, repo, git)
    }

    pub(in crate::repo) fn write(repo: &Repo, path: &str, text: impl AsRef<[u8]>) {
        let file = repo.root().join(path);
        fs::create_dir_all(file.parent().expect("folder")).expect("dirs");
        fs::write(file, text).expect("written");
    }

    pub(in crate::repo) fn stage(git: &Repository) {
        let mut index = git.index().expect("index");
        index
            .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
            .expect("added");
        index.update_all(["*"], None).expect("updated");
        index.write().expect("written");
    }

    pub(in crate::repo) fn commit(git: &Repository, message: &str) -> git2::Oid {
        stage(git);
        let tree = git
            .index()
            .and_then(|mut index| index.write_tree())
            .and_then(|id| git.find_tree(id))
            .expect("tree");
        let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let time = git2::Time::new(1_700_000_000 + i64::from(parent.is_some()), 0);
        let who = git2::Signature::new("A", "a@example.org", &time).expect("signature");
        git.commit(
            Some("HEAD"),
            &who,
            &who,
            message,
            &tree,
            &parent.iter().collect::<Vec<_>>(),
        )
        .expect("commit")
    }

    fn shape(diff: &Diff) -> Vec<(String, FileStatus, bool, usize)> {
        diff.files
            .iter()
            .map(|f| (f.path.clone().into(), f.status, f.binary, f.hunks.len()))
            .collect()
    }

    #[test]
    fn staged_before_the_first_commit_is_against_nothing() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a.rs", "fn a() {}\nlast");
        stage(&git);
        let diff = repo.diff(&DiffSpec::Staged, 3).expect("diff");
        assert_eq!(shape(&diff), [("a.rs".into(), FileStatus::Added, false, 1)]);
        assert_eq!(diff.line_counts(), (2, 0));
        let lines = &diff.files[0].hunks[0].lines;
        assert_eq!(
            (lines[1].text.as_str(), lines[1].no_newline),
            ("last", true)
        );
        assert_eq!((lines[1].old, lines[1].new), (None, Some(2)));
        assert!(repo.diff(&DiffSpec::Base("main".into()), 3).is_err());
    }

    #[test]
    fn unstaged_holds_changes_new_and_lost_files() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\r\n2\r\n");
        write(&repo, "gone", "entirely other\nlines\n");
        write(&repo, ".gitignore", "out\n");
        commit(&git, "First");
        write(&repo, "a", "1\r\n3\r\n");
        fs::remove_file(repo.root().join("gone")).expect("removed");
        write(&repo, "new/file", "new\n");
        write(&repo, "out/ignored", "x");
        write(&repo, "pic.bin", b"\x89PNG\0\0");
        write(&repo, "large", vec![b'x'; MAX_FILE as usize + 10]);
        let diff = repo.diff(&DiffSpec::Unstaged, 3).expect("diff");
        assert_eq!(
            shape(&diff),
            [
                ("a".into(), FileStatus::Modified, false, 1),
                ("gone".into(), FileStatus::Deleted, false, 1),
                ("large".into(), FileStatus::Added, true, 0),
                ("new/file".into(), FileStatus::Added, false, 1),
                ("pic.bin".into(), FileStatus::Added, true, 0),
            ]
        );
        assert_eq!(diff.files[0].hunks[0].lines[0].text, "1\r");
        assert_eq!(diff.files[1].old_path, Some(diff.files[1].path.clone()));
        assert_eq!(
            repo.diff(&DiffSpec::Staged, 3).expect("diff"),
            Diff::default()
        );
    }

    #[test]
    fn renames_are_found_and_commits_ranges_and_bases_compared() {
        let (_keep, repo, git) = git_repo();
        let body: String = (0..40).map(|i| format!("line {i}\n")).collect();
        write(&repo, "old.rs", &body);
        let first = commit(&git, "First");
        fs::remove_file(repo.root().join("old.rs")).expect("removed");
        write(&repo, "new.rs", body.replace("line 7\n", "line seven\n"));
        let second = commit(&git, "Second");
        let renamed = |spec: DiffSpec| {
            let diff = repo.diff(&spec, 1).expect("diff");
            assert_eq!(
                shape(&diff),
                [("new.rs".into(), FileStatus::Renamed, false, 1)],
                "{spec:?}"
            );
            assert_eq!(
                diff.files[0].old_path.as_ref().map(RepoPath::as_str),
                Some("old.rs")
            );
            assert_eq!(diff.files[0].hunks[0].old_len, 3);
        };
        renamed(DiffSpec::Commit("HEAD".into()));
        renamed(DiffSpec::Commit(
            second.to_string().chars().take(8).collect(),
        ));
        renamed(DiffSpec::Range(format!("{first}..{second}")));
        renamed(DiffSpec::Range(format!("{first}...")));
        renamed(DiffSpec::Base(first.to_string()));
        let root = repo
            .diff(&DiffSpec::Commit(first.to_string()), 3)
            .expect("diff");
        assert_eq!(root.line_counts(), (40, 0));
        write(&repo, "unsaved", "x\n");
        let base = repo.diff(&DiffSpec::Base("HEAD".into()), 3).expect("diff");
        assert_eq!(
            shape(&base),
            [("unsaved".into(), FileStatus::Added, false, 1)]
        );
    }

    #[test]
    fn a_base_diff_tells_what_is_there_now() {
        let (_keep, repo, git) = git_repo();
        for name in ["forgotten", "taken-back"] {
            write(&repo, name, format!("{name}\n"));
        }
        write(&repo, "bin", "some bytes, and one\0".repeat(20));
        let first = commit(&git, "First").to_string();
        // Staged, and taken back in the working tree.
        write(&repo, "taken-back", "other\n");
        stage(&git);
        write(&repo, "taken-back", "taken-back\n");
        // git forgets a file that stays and has another text.
        write(&repo, "forgotten", "new text\n");
        crate::repo::trial::git(repo.root(), &["rm", "-q", "--cached", "forgotten"]);
        // A binary file with another name has the same content.
        fs::rename(repo.root().join("bin"), repo.root().join("bin2")).expect("renamed");
        let told = repo.diff(&DiffSpec::Base(first), 3).expect("a diff");
        assert_eq!(
            shape(&told),
            [
                ("bin2".into(), FileStatus::Renamed, false, 0),
                ("forgotten".into(), FileStatus::Deleted, false, 1),
                ("forgotten".into(), FileStatus::Added, false, 1),
            ]
        );
        assert_eq!(told.files[2].hunks[0].lines[0].text, "new text");
    }

    #[test]
    fn what_is_no_revision_is_named_with_a_near_one() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "1\n");
        let id = commit(&git, "First");
        git.branch("feature", &git.find_commit(id).expect("commit"), false)
            .expect("branch");
        for spec in [
            DiffSpec::Commit("featur".into()),
            DiffSpec::Range("featur..HEAD".into()),
            DiffSpec::Base("featur".into()),
        ] {
            let failure = repo.diff(&spec, 3).expect_err("unknown");
            assert_eq!(failure.kind(), crate::base::Kind::Usage);
            assert!(
                failure
                    .next_step()
                    .is_some_and(|hint| hint.contains("feature"))
            );
        }
        let failure = repo
            .diff(&DiffSpec::Range("HEAD".into()), 3)
            .expect_err("no range");
        assert_eq!(failure.kind(), crate::base::Kind::Usage);
    }

    #[cfg(unix)]
    #[test]
    fn modes_links_conflicts_and_submodules_do_no_harm() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let (_keep, repo, git) = git_repo();
        write(&repo, "run.sh", "echo\n");
        write(&repo, "file", "text\n");
        commit(&git, "First");
        let script = repo.root().join("run.sh");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("mode");
        fs::remove_file(repo.root().join("file")).expect("removed");
        symlink("run.sh", repo.root().join("file")).expect("link");
        // A repository inside, as a submodule that git does not know yet.
        let inner = Repository::init(repo.root().join("inner")).expect("init");
        fs::write(repo.root().join("inner/x"), "x\n").expect("written");
        drop(inner);
        let diff = repo.diff(&DiffSpec::Unstaged, 3).expect("diff");
        let found = shape(&diff);
        assert!(
            found.contains(&("run.sh".into(), FileStatus::ModeChanged, false, 0)),
            "{found:?}"
        );
        assert!(found.iter().any(|f| f.0 == "file"), "{found:?}");

        let mut index = git.index().expect("index");
        let entry = index.get_path(Path::new("run.sh"), 0).expect("entry");
        index.remove(Path::new("run.sh"), 0).expect("removed");
        for stage in 1..=3 {
            let mut side = git2::IndexEntry {
                path: b"run.sh".to_vec(),
                ..entry_like(&entry)
            };
            side.flags = stage << 12;
            index.add(&side).expect("added");
        }
        index.write().expect("written");
        assert!(repo.diff(&DiffSpec::Unstaged, 3).is_ok());
        let staged = repo.diff(&DiffSpec::Staged, 3).expect("a diff");
        let found = shape(&staged);
        assert!(
            found.contains(&("run.sh".into(), FileStatus::Conflicted, false, 0)),
            "{found:?}"
        );
        assert!(repo.status().expect("status").unstaged >= 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_a_name_that_is_no_utf8_is_kept_apart() {
        use std::os::unix::ffi::OsStrExt as _;
        let (_keep, repo, git) = git_repo();
        write(&repo, "a", "text\n");
        commit(&git, "First");
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        fs::write(repo.root().join(name), "x\n").expect("written");
        write(&repo, "a", "other\n");
        let diff = repo.diff(&DiffSpec::Unstaged, 3).expect("diff");
        assert_eq!((diff.files.len(), diff.unnamed.len()), (1, 1));
        assert_eq!(diff.unnamed[0].path.as_str(), "caf\u{fffd}.txt");
        assert_eq!(diff.unnamed[0].hunks[0].lines[0].text, "x");
    }

    #[test]
    fn a_content_that_git_does_not_keep_is_not_told_as_empty() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a.txt", "a\n");
        commit(&git, "First");
        write(&repo, "a.txt", "other\n");
        let diff = git.diff_index_to_workdir(None, None).expect("a diff");
        let delta = diff.get_delta(0).expect("a change");
        assert!(delta.new_file().id().is_zero());
        assert!(staged(&git, &delta, 3).is_err());
    }

    #[test]
    fn lines_are_read_in_the_encoding_of_their_file() {
        let (_keep, repo, _git) = git_repo();
        let latin = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
        write(&repo, "a.c", latin("// Größe der Liste\nint a;\n"));
        write(&repo, "u.c", "// Größe der Liste\nint a;\n");
        let diff = repo.diff(&DiffSpec::Unstaged, 3).expect("diff");
        for file in &diff.files {
            assert_eq!(
                file.hunks[0].lines[0].text, "// Größe der Liste",
                "{}",
                file.path
            );
        }
    }

    fn entry_like(entry: &git2::IndexEntry) -> git2::IndexEntry {
        git2::IndexEntry {
            ctime: entry.ctime,
            mtime: entry.mtime,
            dev: entry.dev,
            ino: entry.ino,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            file_size: entry.file_size,
            id: entry.id,
            flags: entry.flags,
            flags_extended: entry.flags_extended,
            path: entry.path.clone(),
        }
    }

    #[test]
    fn a_plain_folder_has_no_diffs_and_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let repo = Repo::open(dir.path()).expect("opened");
        let failure = repo.diff(&DiffSpec::Staged, 3).expect_err("no git");
        assert!(failure.what().contains("not a git repository"), "{failure}");
    }

    /// libgit2 lays what was staged over the base, and the working tree over that.
    #[cfg(unix)]
    #[test]
    fn behind_a_staged_file_of_another_type_the_working_tree_counts_against_a_base() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "f", "one\ntwo\nthree\n");
        commit(&git, "First");
        let file = repo.root().join("f");
        fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink("nowhere", &file).expect("linked");
        stage(&git);
        fs::remove_file(&file).expect("removed");
        let told = || {
            let diff = repo.diff(&DiffSpec::Base("HEAD".into()), 3).expect("diff");
            let each = diff.files.into_iter().map(|file| {
                let lines = file.hunks.into_iter().flat_map(|hunk| hunk.lines);
                (file.status, lines.map(|line| line.text).collect())
            });
            each.collect::<Vec<(FileStatus, Vec<String>)>>()
        };
        let gone: Vec<String> = ["one", "two", "three"].map(str::to_owned).into();
        assert_eq!(told(), [(FileStatus::Deleted, gone)]);
        write(&repo, "f", "one\ntwo\nthree\n");
        assert_eq!(told(), []);
        write(&repo, "f", "nothing\nlike\nit\n");
        let lines = ["one", "two", "three", "nothing", "like", "it"];
        let lines: Vec<String> = lines.map(str::to_owned).into();
        assert_eq!(told(), [(FileStatus::Modified, lines)]);
        write(&repo, "f", "one\ntwo\n3\n");
        let lines: Vec<String> = ["one", "two", "three", "3"].map(str::to_owned).into();
        assert_eq!(told(), [(FileStatus::Modified, lines)]);
    }

    #[test]
    fn a_file_that_is_forgotten_and_announced_again_is_tracked() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "f", "one\n");
        commit(&git, "First");
        crate::repo::trial::git(repo.root(), &["rm", "-q", "--cached", "f"]);
        crate::repo::trial::git(repo.root(), &["add", "-N", "f"]);
        let base = DiffSpec::Base("HEAD".into());
        assert_eq!(shape(&repo.diff(&base, 3).expect("diff")), []);
        write(&repo, "f", "two\n");
        let told = shape(&repo.diff(&base, 3).expect("diff"));
        assert_eq!(told, [("f".into(), FileStatus::Modified, false, 1)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_in_place_of_a_link_is_told_as_it_is_now_whatever_is_staged() {
        for driver in ["", "f diff=word\n"] {
            let (_keep, repo, git) = git_repo();
            write(&repo, ".gitattributes", driver);
            let file = repo.root().join("f");
            std::os::unix::fs::symlink("nowhere", &file).expect("linked");
            commit(&git, "First");
            fs::remove_file(&file).expect("removed");
            write(&repo, "f", "staged\n");
            stage(&git);
            write(&repo, "f", "changed since\n");
            let diff = repo.diff(&DiffSpec::Base("HEAD".into()), 3).expect("diff");
            let added = diff.files.iter().find(|f| f.status == FileStatus::Added);
            let line = &added.expect("the file").hunks[0].lines[0];
            assert_eq!(line.text, "changed since", "{driver}");
        }
    }
}
