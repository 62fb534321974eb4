//! The whole comparison of one state: first all that homebody says, then what git does.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::compare::{Apart, Blobs, compare as compare_diff};
use super::expected::{Change, fields};
use super::operations::Dice;
use super::state::State;
use super::{Fault, Tally, sets};
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result as Told};
use crate::repo::{Blamed, Diff, DiffSpec, Repo, Status, Walk, WalkRules};

/// Paths of a state that are asked whether git ignores them.
const PATHS: usize = 60;

/// A diff that is asked for on both sides.
struct ComparedDiff {
    name: &'static str,
    spec: DiffSpec,
    git: Vec<String>,
    /// True if git reads the working tree for it.
    files: bool,
}

/// All that homebody says of a state.
struct Said {
    sets: Sets,
    diffs: Vec<Told<Diff>>,
    blamed: Vec<(RepoPath, Told<Vec<Blamed>>)>,
}

/// Sets and counts.
struct Sets {
    status: Told<Status>,
    walk: Told<Walk>,
    ignored: Vec<bool>,
    recent: Told<Vec<String>>,
}

/// Compares a state: all faults.
pub(super) fn compare(state: &State, tally: &mut Tally) -> Vec<Fault> {
    let repo = match Repo::open(&state.root) {
        Ok(repo) => repo,
        Err(failure) => return vec![Fault::new("open", words(&failure))],
    };
    if !repo.is_git() {
        return refused(state, &repo, tally).err().into_iter().collect();
    }
    if let Some(why) = passed_over(state) {
        tally.count(why);
        return Vec::new();
    }
    let asked = asked(state);
    let paths = paths(state);
    let lines = state.names(&["ls-tree", "-r", "-z", "--name-only", "HEAD"]);
    // git was asked until now.
    let _ = std::fs::remove_file(state.ran());
    let said = said(&repo, &asked, &paths, &files_of_lines(state, &lines));
    if state.ran().exists() {
        let text = "a program of the repository ran".to_owned();
        return vec![Fault::new("ran", text)];
    }
    let mut faults = Vec::new();
    let sets = answers(state, said.sets, &paths, tally);
    faults.extend(sets.into_iter().filter_map(Result::err));
    let untracked = state.names(&["ls-files", "-o", "--exclude-standard", "-z"]);
    let (apart, others) = apart(state, &untracked);
    let announced = state.announced(&others);
    for (asked, ours) in asked.iter().zip(said.diffs) {
        let index = announced.as_ref();
        let done = one_diff(state, asked, ours, index, &apart, tally);
        faults.extend(done.err().map(|fault| fault.of(asked.name)));
    }
    for (path, ours) in said.blamed {
        tally.count("files blamed");
        let done = excused(state, ours, tally).and_then(|ours| match ours {
            Some(ours) => sets::blame(state, &path, &ours, tally),
            None => Ok(()),
        });
        faults.extend(done.err().map(|fault| fault.of("blame")));
    }
    faults
}

/// The reason for which a state is not compared, if there is one.
fn passed_over(state: &State) -> Option<&'static str> {
    if !state.ask(&["ls-files"]).status.success() {
        // It has split a sparse index, say.
        return Some("git itself cannot read its index");
    }
    let folded = state.lines(&["config", "--type=bool", "core.ignorecase"]);
    if folded.concat() == "true" {
        // Git itself takes one file for another then.
        return Some("case that counts for nothing, where it does: not compared");
    }
    // known: an ignore file that a sparse checkout leaves out is read by git from the index, and one
    // of attributes is not.
    let known = state.names(&["ls-files", "-v", "-z"]);
    let rules = |name: &str| name.ends_with(".gitignore") || name.ends_with(".gitattributes");
    let mut left_out = known.iter().filter(|name| name.starts_with("S "));
    (left_out.any(|name| rules(name))).then_some("known: a file of rules that is not checked out")
}

/// The untracked files in two parts: those that git cannot announce without forgetting a file that
/// it tracks, and the rest. Files that a filter is set for are apart too.
fn apart(state: &State, untracked: &[String]) -> (Apart, Vec<String>) {
    let tracked = state.names(&["ls-files", "-z"]);
    let below = |path: &str, folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let mut apart = Apart::default();
    let mut others = Vec::new();
    for path in untracked {
        let clash = |known: &String| below(path, known) || below(known, path) || known == path;
        if let Some(folder) = path.strip_suffix('/') {
            apart.inside.insert(folder.to_owned());
        } else if tracked.iter().any(clash) {
            apart.inside.insert(path.clone());
        } else {
            others.push(path.clone());
        }
    }
    let unmerged = state.names(&["ls-files", "-u", "-z"]);
    let unmerged = unmerged.iter().filter_map(|line| line.split_once('\t'));
    apart.unmerged = unmerged.map(|(_, path)| path.to_owned()).collect();
    // known: a file that is announced, though git ignores it, is not told where files are read.
    let announced = state.names(&["diff", "--name-only", "--diff-filter=A", "-z"]);
    let ignored = state.ignored(&announced).unwrap_or_default();
    let both = announced.into_iter().zip(ignored);
    apart.announced = both
        .filter(|(_, ignored)| *ignored)
        .map(|(path, _)| path)
        .collect();
    apart.untracked = untracked.iter().cloned().collect();
    let all: Vec<&str> = tracked
        .iter()
        .chain(untracked)
        .map(String::as_str)
        .collect();
    let input = all.join("\0");
    let asked = ["check-attr", "-z", "--stdin", "filter"];
    let told = fields(&state.ask_with(None, &asked, input.as_bytes()).stdout);
    for told in told.chunks(3) {
        if told[2] == "f" {
            apart.filtered.insert(told[0].clone());
        }
    }
    (apart, others)
}

/// Holds the answers that are no diffs against git's.
fn answers(
    state: &State,
    said: Sets,
    paths: &[String],
    tally: &mut Tally,
) -> [Result<(), Fault>; 4] {
    let recent = excused(state, said.recent, tally).and_then(|ours| {
        let theirs = state.lines(&["log", "--format=%H", "-n5"]);
        if ours.is_none_or(|ours| ours == theirs) {
            return Ok(());
        }
        Err(Fault::new("commits", format!("{theirs:?} are not told")))
    });
    let walk = excused(state, said.walk, tally).and_then(|walk| match walk {
        Some(walk) => sets::walk(state, &walk),
        None => Ok(()),
    });
    let ignored = ignored(state, paths, &said.ignored, tally);
    let status = excused(state, said.status, tally).and_then(|ours| match ours {
        Some(ours) => sets::status(state, ours, tally),
        None => Ok(()),
    });
    let named = |done: Result<(), Fault>, name| done.map_err(|fault| fault.of(name));
    [
        named(recent, "recent"),
        named(walk, "walk"),
        named(ignored, "ignored"),
        named(status, "status"),
    ]
}

/// Holds one diff against git's.
fn one_diff(
    state: &State,
    asked: &ComparedDiff,
    ours: Told<Diff>,
    announced: Option<&PathBuf>,
    apart: &Apart,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let Some(ours) = excused(state, ours, tally)? else {
        return Ok(());
    };
    if asked.files && announced.is_none() {
        tally.count("git does not announce what is untracked");
        return Ok(());
    }
    let words: Vec<&str> = asked.git.iter().map(String::as_str).collect();
    let Ok(theirs) = state.diff(announced.filter(|_| asked.files), &words) else {
        // A sparse index that is split, say, makes git itself end by a signal.
        tally.count("git itself makes no diff");
        return Ok(());
    };
    if theirs.iter().any(|change| change.path.ends_with('/')) {
        tally.count("git itself tells a folder of a sparse index");
        return Ok(());
    }
    let blobs = blobs(state, &theirs);
    tally.count(&format!("diffs: {}", asked.name));
    compare_diff(&ours, &theirs, &blobs, apart, tally)
}

/// The words of a failure, for a fault.
pub(super) fn words(failure: &Failure) -> String {
    format!("{failure} {:?} {:?}", failure.causes(), failure.next_step())
}

/// An answer; none where homebody rightly says that it cannot tell, and what to type.
fn excused<T>(state: &State, told: Told<T>, tally: &mut Tally) -> Result<Option<T>, Fault> {
    match told {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) => {
            let hint = failure.next_step().unwrap_or_default();
            if state.partial && hint.contains("--refetch") {
                tally.count("refused: content that a partial clone left out");
                return Ok(None);
            }
            Err(Fault::new("failure", words(&failure)))
        }
    }
}

/// Holds against git that a repository is in a form that only git reads.
fn refused(state: &State, repo: &Repo, tally: &mut Tally) -> Result<(), Fault> {
    let format = state.lines(&["rev-parse", "--show-object-format"]).concat();
    let refs = state.lines(&["rev-parse", "--show-ref-format"]).concat();
    let failure = repo.diff(&DiffSpec::Staged, 3).err();
    let words = failure.as_ref().map(words).unwrap_or_default();
    let said = words.contains("in a form that only git reads") && words.contains("--stdin");
    if said && (format == "sha256" || refs == "reftable") {
        tally.count("refused: a form that only git reads");
        return Ok(());
    }
    Err(Fault::new("refused", format!("{format} {refs}: {words}")))
}

/// The diffs that git can make here.
fn asked(state: &State) -> Vec<ComparedDiff> {
    let one = |name, spec, git: &[&str], files| ComparedDiff {
        name,
        spec,
        git: git.iter().map(|&word| word.to_owned()).collect(),
        files,
    };
    let mut asked = vec![
        one("staged", DiffSpec::Staged, &["--cached"], false),
        one("unstaged", DiffSpec::Unstaged, &["--ours"], true),
    ];
    let commits = state.lines(&["rev-list", "-n6", "HEAD"]);
    if commits.is_empty() {
        return asked;
    }
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned();
    let parents = state.lines(&["rev-parse", "HEAD^1"]);
    let before = parents.first().unwrap_or(&empty);
    let commit = DiffSpec::Commit("HEAD".to_owned());
    asked.push(one("commit", commit, &[before, "HEAD"], false));
    if let Some(first) = commits.last() {
        let range = DiffSpec::Range(format!("{first}..HEAD"));
        asked.push(one("range", range, &[first, "HEAD"], false));
    }
    for branch in ["side", "main"] {
        let bases = state.lines(&["merge-base", "--all", "HEAD", branch]);
        // Of several bases git picks one.
        let [base] = &bases[..] else { continue };
        let spec = DiffSpec::Base(branch.to_owned());
        asked.push(one("base", spec, &[base], true));
        let range = DiffSpec::Range(format!("{branch}...HEAD"));
        asked.push(one("from base", range, &[base, "HEAD"], false));
        break;
    }
    asked
}

/// Paths to ask whether git ignores them: where a file may lie.
fn paths(state: &State) -> Vec<String> {
    let mut dice = Dice::new(state.root.as_os_str().len() as u64);
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for _ in 0..PATHS {
        let path = match dice.below(3) {
            0 => dice.path(),
            1 => dice.any_path(),
            _ => format!("{}/{}", dice.any_path(), dice.any_path()),
        };
        let folder = state.root.join(&path).is_dir();
        if !folder && !sets::is_elsewhere(&state.root, &path) {
            paths.insert(path);
        }
    }
    paths.into_iter().collect()
}

/// Files of which git is asked who wrote them: some that git has and that lie there as files.
fn files_of_lines(state: &State, names: &[String]) -> Vec<RepoPath> {
    let fit = names.iter().filter(|path| {
        let facts = state.root.join(path).symlink_metadata();
        let plain = facts.is_ok_and(|facts| facts.is_file() && facts.len() < 100_000);
        plain && !path.contains(['"', '\\', '\t']) && !sets::is_elsewhere(&state.root, path)
    });
    fit.filter_map(|path| RepoPath::new(path).ok())
        .take(3)
        .collect()
}

/// Asks homebody all that is compared.
fn said(repo: &Repo, asked: &[ComparedDiff], paths: &[String], files: &[RepoPath]) -> Said {
    let cancel = Cancel::never();
    let rules = WalkRules::default();
    let mut ignoring = repo.ignoring(&rules).expect("rules");
    let ignored = paths.iter().map(|path| {
        let path = RepoPath::new(path).expect("a path");
        ignoring.leaves_out(&path)
    });
    let all = LineRange::new(1, u32::MAX);
    let sets = Sets {
        ignored: ignored.collect(),
        status: repo.status(),
        walk: repo.walk_names(&rules, &cancel, &mut |_| {}),
        recent: repo
            .recent_commits(5)
            .map(|commits| commits.into_iter().map(|commit| commit.id).collect()),
    };
    let diffs = asked.iter().map(|asked| repo.diff(&asked.spec, 3));
    let blamed = files
        .iter()
        .map(|path| (path.clone(), repo.blame(path, all, &cancel)));
    Said {
        sets,
        diffs: diffs.collect(),
        blamed: blamed.collect(),
    }
}

/// Holds what is ignored against git's word.
fn ignored(state: &State, paths: &[String], ours: &[bool], tally: &mut Tally) -> Result<(), Fault> {
    let Some(theirs) = state.ignored(paths) else {
        tally.count("ignored: git does not tell");
        return Ok(());
    };
    for ((path, ours), theirs) in paths.iter().zip(ours).zip(theirs) {
        tally.count("paths asked whether git ignores them");
        if *ours
            && !theirs
            && !state
                .lines(&["--literal-pathspecs", "ls-files", "--", path])
                .is_empty()
        {
            // No file of that name is there: git speaks of the folder that its index has.
            tally.count("a folder of the index, asked about as a file");
        } else if *ours != theirs {
            let text = format!("{path:?}: homebody says {ours}");
            return Err(Fault::new("path", text));
        }
    }
    Ok(())
}

/// The contents of both sides of a diff, as far as git has them.
pub(super) fn blobs(state: &State, changes: &[Change]) -> Blobs {
    let mut ids = BTreeSet::new();
    for change in changes {
        for (id, mode) in [
            (&change.old_id, &change.old_mode),
            (&change.new_id, &change.new_mode),
        ] {
            if mode != "160000" && id.bytes().any(|digit| digit != b'0') {
                ids.insert(id.clone());
            }
        }
    }
    state.blobs(&ids)
}
