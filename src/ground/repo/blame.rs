//! Blame: the commits that changed some lines last.
//!
//! Only the lines asked for are followed, through the commits that changed the file: libgit2
//! compares the whole file, which takes seconds where git takes one.

use std::collections::{BTreeMap, HashMap, hash_map};
use std::path::Path;

use git2::{Commit, Delta, DiffOptions, FileMode, ObjectType, Oid, Patch, Repository};

use super::git::git_failure;
use super::history::runs_of;
use super::log::{Logged, logged};
use super::{Repo, Run};
use crate::base::bug::bug;
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result};

/// Lines that are followed at most.
const MOST: u32 = 2_000;

/// Lines that a commit was the last to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// The commit; none for lines that are not committed.
    pub commit: Option<Logged>,
    /// The lines as they are now.
    pub range: LineRange,
}

/// Lines by their numbers now, each with its number in an older form of the file.
type Lines = Vec<(u32, u32)>;

/// Lines that are still to be followed, by commit: by its time first.
type Open = BTreeMap<(i64, Oid), Lines>;

impl Repo {
    /// Returns the commits that were the last to change some lines of a file as it is in the
    /// working tree, in order of line; none for lines that the file does not have. A file that was
    /// renamed is followed to that commit.
    ///
    /// # Errors
    /// Of kind input, if the file is not committed, in a folder without git, or if git's data is
    /// broken; of kind interrupted when cancelled.
    pub fn blame(&self, path: &RepoPath, range: LineRange, cancel: &Cancel) -> Result<Vec<Blamed>> {
        let mut git = self.git_with_index()?;
        let what = format!("cannot tell who wrote {path}");
        let failed = |e: &git2::Error| self.missing(git_failure(&what, e));
        let text = self.read_bytes(path)?;
        let count = text.split_inclusive(|byte| *byte == b'\n').count() as u32;
        let end = range
            .end()
            .min(count)
            .min(range.start().saturating_add(MOST));
        // In a merge that is not committed yet, what is not of HEAD may be of the other side.
        let merging = merged(&mut git);
        let head = git
            .head()
            .and_then(|head| head.peel_to_commit())
            .map_err(|e| failed(&e))?;
        if blob_of(&head, path).is_none() {
            return Err(Failure::input(format!("{path} is not committed")));
        }
        let mut found: BTreeMap<u32, Option<Oid>> = BTreeMap::new();
        let mut left: Vec<u32> = (range.start()..=end).collect();
        let mut open = Open::new();
        let heads = merging.into_iter();
        let heads = heads.filter_map(|id| git.find_commit(id).ok());
        let heads = heads.filter(|commit| blob_of(commit, path).is_some());
        for commit in std::iter::once(head).chain(heads) {
            let edits = edits(&git, &commit, path).map_err(|e| failed(&e))?;
            let mut lines = Lines::new();
            left.retain(|line| match before(*line, &edits) {
                Some(old) => {
                    lines.push((*line, old));
                    false
                }
                None => true,
            });
            pass(&mut open, &commit, lines);
        }
        found.extend(left.into_iter().map(|line| (line, None)));
        follow(&git, open, path, cancel, &mut found).map_err(|e| match e {
            Stopped::Cancelled => Failure::interrupted(),
            Stopped::Git(e) => failed(&e),
        })?;
        grouped(&git, found).map_err(|e| failed(&e))
    }
}

/// The commits that are being merged into HEAD; none where no merge is under way.
fn merged(git: &mut Repository) -> Vec<Oid> {
    let mut ids = Vec::new();
    // That there is no merge is an error to git2.
    let _ = git.mergehead_foreach(|id| {
        ids.push(*id);
        true
    });
    ids
}

/// The runs of lines in which a file differs from that of a commit, as git would commit it: with
/// the line ends that git keeps.
fn edits(
    git: &Repository,
    head: &Commit<'_>,
    path: &RepoPath,
) -> std::result::Result<Vec<Run>, git2::Error> {
    let mut options = narrow();
    options
        .pathspec(path.as_str())
        .disable_pathspec_match(true)
        .update_index(false);
    let diff = git.diff_tree_to_workdir(Some(&head.tree()?), Some(&mut options))?;
    for (number, delta) in diff.deltas().enumerate() {
        if delta.new_file().path_bytes() != Some(path.as_str().as_bytes()) {
            continue;
        }
        if delta.status() != Delta::Modified {
            // A link, say, became a file: no line of it was there before.
            return Ok(vec![Run::from([0, 0, 1, u32::MAX - 1])]);
        }
        let patch = Patch::from_diff(&diff, number)?;
        return Ok(patch.as_ref().map(runs_of).unwrap_or_default());
    }
    Ok(Vec::new())
}

/// Joins neighbouring lines of one commit, and reads each commit once.
fn grouped(
    git: &Repository,
    found: BTreeMap<u32, Option<Oid>>,
) -> std::result::Result<Vec<Blamed>, git2::Error> {
    let mut known: HashMap<Oid, Logged> = HashMap::new();
    let mut blamed: Vec<Blamed> = Vec::new();
    for (line, id) in found {
        let commit = match id.map(|id| known.entry(id)) {
            None => None,
            Some(hash_map::Entry::Occupied(entry)) => Some(entry.get().clone()),
            Some(hash_map::Entry::Vacant(entry)) => {
                let commit = logged(&git.find_commit(*entry.key())?);
                Some(entry.insert(commit).clone())
            }
        };
        match blamed.last_mut() {
            Some(last) if last.commit == commit => last.range = last.range.up_to(line),
            _ => blamed.push(Blamed {
                commit,
                range: LineRange::new(line, line),
            }),
        }
    }
    Ok(blamed)
}

/// The reasons for which following lines ends early.
enum Stopped {
    Cancelled,
    Git(git2::Error),
}

impl From<git2::Error> for Stopped {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// Follows lines from commits back to those that brought them, the newest commit first, so that
/// each is looked at once. `found` takes the lines, each with the commit that brought it.
fn follow(
    git: &Repository,
    mut open: Open,
    path: &RepoPath,
    cancel: &Cancel,
    found: &mut BTreeMap<u32, Option<Oid>>,
) -> std::result::Result<(), Stopped> {
    while let Some(((_, id), lines)) = open.pop_last() {
        if cancel.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        if lines.is_empty() {
            continue;
        }
        let commit = git.find_commit(id)?;
        let Some(own) = blob_of(&commit, path) else {
            continue;
        };
        let link = is_link(&commit, path);
        let parents: Vec<(Commit<'_>, Oid)> = parents_of(&commit)?
            .into_iter()
            .filter(|parent| is_link(parent, path) == link)
            .filter_map(|parent| blob_of(&parent, path).map(|blob| (parent, blob)))
            .collect();
        let mut left = lines;
        let same = parents.iter().find(|(_, blob)| *blob == own);
        if let Some((parent, _)) = same {
            pass(&mut open, parent, std::mem::take(&mut left));
        }
        for (parent, blob) in &parents {
            if left.is_empty() {
                break;
            }
            let (old, new) = (git.find_blob(*blob)?, git.find_blob(own)?);
            let patch = Patch::from_blobs(&old, None, &new, None, Some(&mut narrow()))?;
            let runs = runs_of(&patch);
            let mut older = Lines::new();
            left.retain(|(now, here)| match before(*here, &runs) {
                Some(there) => {
                    older.push((*now, there));
                    false
                }
                None => true,
            });
            pass(&mut open, parent, older);
        }
        found.extend(left.into_iter().map(|(now, _)| (now, Some(id))));
    }
    Ok(())
}

/// The parents of a commit that are there: a shallow clone ends where one is missing.
///
/// # Errors
/// Those of git, where a parent cannot be read: whoever brought a line would be told wrongly.
fn parents_of<'a>(commit: &Commit<'a>) -> std::result::Result<Vec<Commit<'a>>, git2::Error> {
    let mut parents = Vec::new();
    for number in 0..commit.parent_count() {
        match commit.parent(number) {
            Ok(parent) => parents.push(parent),
            Err(e) if e.code() == git2::ErrorCode::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(parents)
}

/// Passes lines on to a parent, to be followed from there.
fn pass(open: &mut Open, to: &Commit<'_>, lines: Lines) {
    let key = (to.time().seconds(), to.id());
    open.entry(key).or_default().extend(lines);
}

/// The number that a line had before some changes, in order; none if one of them brought the
/// line.
fn before(line: u32, runs: &[Run]) -> Option<u32> {
    let mut shift = 0_i64;
    for run in runs {
        // A run without new lines names the line before it, which stays.
        let first = run.new_start + u32::from(run.new_len == 0);
        if line < first {
            break;
        }
        if line < first + run.new_len {
            return None;
        }
        shift += i64::from(run.old_len) - i64::from(run.new_len);
    }
    u32::try_from(i64::from(line) + shift)
        .map_or_else(|_| bug("a line stood before the first one", None), Some)
}

/// The blob of a file in a commit; none where the commit does not have the file.
fn blob_of(commit: &Commit<'_>, path: &RepoPath) -> Option<Oid> {
    let tree = commit.tree().ok()?;
    let entry = tree.get_path(Path::new(path.as_str())).ok()?;
    // There may have been a folder of that name.
    (entry.kind() == Some(ObjectType::Blob)).then(|| entry.id())
}

/// Tells whether a commit has a link where others have a file: what it names is no line of it.
fn is_link(commit: &Commit<'_>, path: &RepoPath) -> bool {
    let tree = commit.tree();
    let entry = tree.and_then(|tree| tree.get_path(Path::new(path.as_str())));
    entry.is_ok_and(|entry| entry.filemode() == i32::from(FileMode::Link))
}

/// Options for diffs without the lines around changes.
fn narrow() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .context_lines(0)
        .indent_heuristic(true)
        // Git, too, takes any file for text here.
        .force_text(true);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::trial::git;

    struct Place {
        dir: tempfile::TempDir,
        repo: Repo,
        path: RepoPath,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            git(dir.path(), &["init", "-q", "-b", "main"]);
            let place = Self {
                repo: Repo::open(dir.path()).expect("a repository"),
                path: RepoPath::new("a.rs").expect("a path"),
                dir,
            };
            place.commit("one\ntwo\nthree\n", "Begin");
            Self {
                repo: Repo::open(place.dir.path()).expect("a repository"),
                ..place
            }
        }

        fn git(&self, arguments: &[&str]) {
            git(self.dir.path(), arguments);
        }

        fn write(&self, text: &str) {
            std::fs::write(self.dir.path().join("a.rs"), text).expect("written");
        }

        fn commit(&self, text: &str, message: &str) {
            self.write(text);
            self.git(&["add", "."]);
            self.git(&["commit", "-q", "-m", message]);
        }

        fn told(&self, start: u32, end: u32) -> Vec<String> {
            let range = LineRange::new(start, end);
            let blamed = self.repo.blame(&self.path, range, &Cancel::never());
            blamed
                .expect("told")
                .iter()
                .map(|part| {
                    let subject = part.commit.as_ref().map_or("-", |c| c.subject.as_str());
                    format!("{} {subject}", part.range)
                })
                .collect()
        }
    }

    #[test]
    fn each_line_has_the_commit_that_changed_it_last() {
        let place = Place::new();
        place.commit("one\n2\nthree\n", "Count in digits");
        place.commit("zero\none\n2\nthree\n", "Begin earlier");
        place.commit("zero\n2\nthree\n", "Drop one");
        assert_eq!(
            place.told(1, 9),
            ["1 Begin earlier", "2 Count in digits", "3 Begin"]
        );
        assert_eq!(place.told(3, 3), ["3 Begin"]);
        assert_eq!(place.told(7, 9), [""; 0]);
        // What is not committed has nobody, and moves the others.
        place.write("new\nzero\n2\n3\n");
        assert_eq!(
            place.told(1, 4),
            ["1 -", "2 Begin earlier", "3 Count in digits", "4 -"]
        );
    }

    #[test]
    fn lines_that_a_merge_brought_are_those_of_their_branch() {
        let place = Place::new();
        place.git(&["checkout", "-q", "-b", "side"]);
        place.commit("one\ntwo\nthree\nfour\n", "On the side");
        place.git(&["checkout", "-q", "main"]);
        place.commit("1\ntwo\nthree\n", "On main");
        place.git(&["merge", "-q", "--no-edit", "side"]);
        assert_eq!(
            place.told(1, 4),
            ["1 On main", "2-3 Begin", "4 On the side"]
        );
    }

    #[test]
    fn in_a_merge_the_lines_of_the_other_side_are_its_own() {
        let place = Place::new();
        place.git(&["checkout", "-q", "-b", "side"]);
        place.commit("one\ntwo\nthree\nfour\n", "On the side");
        place.git(&["checkout", "-q", "main"]);
        place.commit("1\ntwo\nthree\n", "On main");
        place.git(&["merge", "-q", "--no-commit", "side"]);
        place.write("1\ntwo\nthree\nfour\nfive\n");
        let expected = ["1 On main", "2-3 Begin", "4 On the side", "5 -"];
        assert_eq!(place.told(1, 5), expected);
    }

    #[test]
    fn what_was_a_folder_or_a_link_before_has_no_past_there() {
        let place = Place::new();
        place.git(&["rm", "-q", "a.rs"]);
        std::fs::create_dir(place.dir.path().join("a.rs")).expect("made");
        std::fs::write(place.dir.path().join("a.rs/x"), "one\n").expect("written");
        place.git(&["add", "."]);
        place.git(&["commit", "-q", "-m", "A folder"]);
        place.git(&["rm", "-qr", "a.rs"]);
        place.commit("one\n", "A file");
        assert_eq!(place.told(1, 1), ["1 A file"]);
        #[cfg(unix)]
        {
            place.git(&["rm", "-q", "a.rs"]);
            let link = place.dir.path().join("a.rs");
            std::os::unix::fs::symlink("one", &link).expect("a link");
            place.git(&["add", "."]);
            place.git(&["commit", "-q", "-m", "A link"]);
            std::fs::remove_file(link).expect("removed");
            place.write("one\n");
            assert_eq!(place.told(1, 1), ["1 -"]);
        }
    }

    #[test]
    fn line_ends_that_git_converts_and_bytes_that_look_binary_are_lines_all_the_same() {
        let place = Place::new();
        place.git(&["config", "core.autocrlf", "true"]);
        place.write("one\r\ntwo\r\nthree\r\n");
        assert_eq!(place.told(1, 3), ["1-3 Begin"]);
        place.write("one\r\n2\r\nthree\r\n");
        assert_eq!(place.told(1, 3), ["1 Begin", "2 -", "3 Begin"]);
        place.commit("one\n\0\nthree\n", "Bytes");
        place.write("one\n\0\n3\n");
        assert_eq!(place.told(1, 3), ["1 Begin", "2 Bytes", "3 -"]);
    }

    #[test]
    fn what_has_no_past_says_so_and_a_cancel_stops() {
        let place = Place::new();
        std::fs::write(place.dir.path().join("new.rs"), "x\n").expect("written");
        let new = RepoPath::new("new.rs").expect("a path");
        let range = LineRange::new(1, 1);
        let failure = place.repo.blame(&new, range, &Cancel::never());
        assert!(failure.is_err_and(|e| e.what().contains("not committed")));
        let source = crate::base::CancelSource::new();
        let token = source.token();
        source.cancel();
        let stopped = place.repo.blame(&place.path, range, &token);
        assert!(stopped.is_err_and(|e| e.is_interrupted()));
    }

    #[test]
    fn it_says_what_git_says() {
        let place = Place::new();
        let mut lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
        let mut state = 7_usize;
        for step in 0..30 {
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
            let at = state % lines.len();
            match step % 3 {
                0 => lines[at] = format!("changed in {step}"),
                1 => lines.insert(at, format!("put in at {step}")),
                _ => drop(lines.remove(at)),
            }
            place.commit(&(lines.join("\n") + "\n"), &format!("step {step}"));
        }
        let told = place.told(1, lines.len() as u32);
        let out = std::process::Command::new("git")
            .current_dir(place.dir.path())
            .args(["blame", "--porcelain", "a.rs"])
            .output()
            .expect("git runs");
        let text = String::from_utf8(out.stdout).expect("text");
        let mut subjects: HashMap<&str, &str> = HashMap::new();
        let mut ids = Vec::new();
        for line in text.lines() {
            let first = line.split(' ').next().unwrap_or("");
            if first.len() == 40 && first.bytes().all(|b| b.is_ascii_hexdigit()) {
                ids.push(first);
            } else if let (Some(subject), Some(id)) = (line.strip_prefix("summary "), ids.last()) {
                subjects.insert(id, subject);
            }
        }
        let mut expected: Vec<String> = Vec::new();
        let mut start = 0;
        for (at, id) in ids.iter().enumerate() {
            if at + 1 == ids.len() || ids[at + 1] != *id {
                let range = LineRange::new(start as u32 + 1, at as u32 + 1);
                expected.push(format!("{range} {}", subjects[id]));
                start = at + 1;
            }
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn a_commit_that_cannot_be_read_ends_no_history_in_silence() {
        let dir = tempfile::tempdir().expect("a folder");
        let said = |args: &[&str]| {
            let mut command = std::process::Command::new("git");
            let output = command.current_dir(dir.path()).args(args).output();
            let output = output.expect("git runs");
            String::from_utf8(output.stdout)
                .expect("text")
                .trim()
                .to_owned()
        };
        git(dir.path(), &["init", "-q"]);
        std::fs::write(dir.path().join("a"), "a\n").expect("written");
        git(dir.path(), &["add", "-A"]);
        git(dir.path(), &["commit", "-qm", "First"]);
        let (tree, mut top) = (
            said(&["rev-parse", "HEAD^{tree}"]),
            said(&["rev-parse", "HEAD"]),
        );
        // Whoever wrote the middle one has no address.
        for who in ["Nobody 1700000000 +0000", "A <a@b> 1700000000 +0000"] {
            let text = format!("tree {tree}\nparent {top}\nauthor {who}\ncommitter {who}\n\nx\n");
            std::fs::write(dir.path().join(".git/text"), text).expect("written");
            top = said(&[
                "hash-object",
                "-t",
                "commit",
                "-w",
                "--literally",
                ".git/text",
            ]);
        }
        git(dir.path(), &["update-ref", "HEAD", &top]);
        let repo = Repo::open(dir.path()).expect("opened");
        let path = RepoPath::new("a").expect("a path");
        let blamed = repo.blame(&path, LineRange::new(1, 1), &Cancel::never());
        assert!(blamed.is_err(), "{blamed:?}");
        let log = repo.log(&crate::repo::Since::Beginning, &[], 9, &Cancel::never());
        assert!(log.is_err(), "{log:?}");
    }
}
