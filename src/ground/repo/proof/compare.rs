//! A diff of homebody's held against git's: names, sorts of change, and lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::expected::{Change, GitHunk};
use super::{Fault, Tally};
use crate::repo::walk::MAX_FILE;
use crate::repo::{Diff, FileDiff, FileStatus, Hunk};

/// Contents of blobs by id.
pub(super) type Blobs = HashMap<String, Vec<u8>>;

/// A line as it is compared: its text, and true where the file ends here without a newline.
type Line = (String, bool);

/// A hunk in the form in which both sides are compared.
#[derive(Debug, PartialEq, Eq)]
struct ComparedHunk {
    range: [u32; 4],
    lines: Vec<(u8, Line)>,
}

/// The name and the sort of a change, with the name before of a renamed file.
type Named = (String, FileStatus, Option<String>);

/// Paths that are compared in their own way.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// Repositories that git does not know, and new files in the place of a folder that git
    /// tracks, or the other way round.
    pub inside: BTreeSet<String>,
    /// Files with a conflict.
    pub unmerged: BTreeSet<String>,
    /// Files that are announced, though git ignores them.
    pub announced: BTreeSet<String>,
    /// Files that git does not track.
    pub untracked: BTreeSet<String>,
    /// Files whose content goes through a filter.
    pub filtered: BTreeSet<String>,
}

/// Holds one diff against git's.
pub(super) fn compare(
    ours: &Diff,
    theirs: &[Change],
    blobs: &Blobs,
    apart: &Apart,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let mut conflicts = (theirs.iter())
        .filter(|change| change.letter == 'U')
        .map(|change| change.path.clone())
        .collect();
    // Files that are told in a way of their own, and those that were there before them.
    let mut passed = BTreeSet::clone(&conflicts);
    let mut mine = BTreeMap::new();
    for file in ours.files.iter().chain(&ours.unnamed) {
        if let Some(why) = own_way(file, apart, &mut conflicts) {
            tally.count(&why);
            passed.insert(file.path.as_str().to_owned());
            let before = file.old_path.iter().map(|path| path.as_str().to_owned());
            passed.extend(before);
        } else if mine.insert(named(file), file).is_some() {
            return Err(Fault::new("twice", format!("{} is told twice", file.path)));
        }
    }
    if !conflicts.is_empty() {
        let text = format!("conflicts that are not told: {conflicts:?}");
        return Err(Fault::new("conflict", text));
    }
    // A repository inside that was in the index is gone from it, and told as new too.
    mine.retain(|(path, status, _), _| {
        *status != FileStatus::Deleted || !passed.contains(path) || !apart.inside.contains(path)
    });
    let each = theirs.iter().flat_map(|change| of_types(change, tally));
    let each: Vec<Change> = each.collect();
    let mut git: BTreeMap<Named, &Change> = BTreeMap::new();
    let mut loose = BTreeSet::new();
    for change in &each {
        if change.letter == 'A' && apart.announced.contains(&change.path) {
            tally.count("known: announced, though ignored: not told");
        } else if change
            .old_path
            .as_ref()
            .is_some_and(|old| passed.contains(old))
        {
            tally.count("renamed from what has a conflict: told as new");
            mine.remove(&(change.path.clone(), FileStatus::Added, None));
        } else if !passed.contains(&change.path) {
            git.insert(told(change), change);
        } else if let Some(old) = &change.old_path {
            // The file that it was before is gone, or became another one.
            loose.insert(old.clone());
        }
    }
    let git = without_forgotten(&mut mine, git, apart, tally);
    same_names(&mine, &git, &loose, tally)?;
    for (name, change) in &git {
        if apart.filtered.contains(&change.path) {
            tally.count("lines of a file with a filter, which is not run");
        } else if let Some(file) = mine.get(name) {
            same_lines(file, change, blobs, tally)?;
        }
    }
    Ok(())
}

/// The reason for which a file is told in a way of its own, if it is; a conflict is taken from
/// those that are still to be told.
fn own_way(file: &FileDiff, apart: &Apart, conflicts: &mut BTreeSet<String>) -> Option<String> {
    let path = file.path.as_str();
    let inside = apart.inside.contains(path);
    let why = match file.status {
        FileStatus::Added if inside => "a repository inside, or a file for a folder: told as new",
        FileStatus::Renamed if inside => "a file for a folder: told as renamed",
        status if conflicts.remove(path) => return Some(format!("conflict, told as {status:?}")),
        FileStatus::Conflicted if apart.unmerged.contains(path) => {
            "conflict against a base: told as such, not by its text"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// Takes out files that git was told to forget and that lie there all the same: they are told as
/// gone and new, where git, once they are announced, tells of one change or none.
fn without_forgotten<'a>(
    mine: &mut BTreeMap<Named, &FileDiff>,
    mut git: BTreeMap<Named, &'a Change>,
    apart: &Apart,
    tally: &mut Tally,
) -> BTreeMap<Named, &'a Change> {
    for path in &apart.untracked {
        let named = |status| (path.clone(), status, None);
        let told_new = mine.contains_key(&named(FileStatus::Added));
        if !told_new || git.contains_key(&named(FileStatus::Added)) {
            continue;
        }
        let went = mine
            .keys()
            .find(|(.., old)| old.as_ref() == Some(path))
            .cloned();
        if let Some((to, ..)) = &went {
            git.remove(&(to.clone(), FileStatus::Added, None));
        } else if !mine.contains_key(&named(FileStatus::Deleted)) {
            continue;
        }
        tally.count("forgotten and still there: told as gone and new");
        mine.retain(|name, _| name.0 != *path && Some(name) != went.as_ref());
        git.retain(|name, _| name.0 != *path);
    }
    git
}

fn named(file: &FileDiff) -> Named {
    let old = match file.status {
        FileStatus::Renamed => file.old_path.as_ref().map(|path| path.as_str().to_owned()),
        _ => None,
    };
    (file.path.as_str().to_owned(), file.status, old)
}

/// A change to another type as two, a file that is gone and one that is new: so git prints its
/// lines too.
fn of_types(change: &Change, tally: &mut Tally) -> Vec<Change> {
    let Some(hunks) = &change.replaced else {
        return vec![change.clone()];
    };
    tally.count("another type: told as gone and new");
    let nothing = "0".repeat(40);
    let gone = Change {
        letter: 'D',
        new_id: nothing.clone(),
        replaced: None,
        binary: change.binary && change.hunks.is_empty(),
        ..change.clone()
    };
    let new = Change {
        letter: 'A',
        old_id: nothing,
        replaced: None,
        old_mode: "000000".to_owned(),
        hunks: hunks.clone(),
        binary: change.binary && hunks.is_empty(),
        ..change.clone()
    };
    vec![gone, new]
}

fn told(change: &Change) -> Named {
    let status = match change.letter {
        'A' => FileStatus::Added,
        'D' => FileStatus::Deleted,
        'R' => FileStatus::Renamed,
        'M' if change.same_content() && change.old_mode != change.new_mode => {
            FileStatus::ModeChanged
        }
        'M' => FileStatus::Modified,
        other => panic!("a status of git's that is not known: {other}"),
    };
    (change.path.clone(), status, change.old_path.clone())
}

/// Orders sorts of change, so that they can stand in a set.
impl Ord for FileStatus {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl PartialOrd for FileStatus {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Holds the names against each other. Which lost file is paired with which new one is an
/// estimate: where the two pair otherwise, what was lost and what is new must be the same.
fn same_names(
    mine: &BTreeMap<Named, &FileDiff>,
    git: &BTreeMap<Named, &Change>,
    loose: &BTreeSet<String>,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let ours: BTreeSet<&Named> = mine.keys().collect();
    let theirs: BTreeSet<&Named> = git.keys().collect();
    if ours == theirs {
        return Ok(());
    }
    let apart = |names: &BTreeSet<&Named>| -> BTreeSet<(String, FileStatus)> {
        let each = names.iter().flat_map(|(path, status, old)| match old {
            Some(old) => vec![
                (old.clone(), FileStatus::Deleted),
                (path.clone(), FileStatus::Added),
            ],
            None => vec![(path.clone(), *status)],
        });
        let gone = |path: &String| loose.contains(path);
        each.filter(|(path, status)| *status != FileStatus::Deleted || !gone(path))
            .collect()
    };
    if apart(&ours) == apart(&theirs) {
        tally.count("renames paired otherwise");
        return Ok(());
    }
    let only = |a: &BTreeSet<&Named>, b: &BTreeSet<&Named>| -> Vec<Named> {
        a.difference(b).map(|&name| name.clone()).collect()
    };
    let (here, there) = (only(&ours, &theirs), only(&theirs, &ours));
    Err(Fault::new(
        "names",
        format!("only homebody: {here:?}\n  only git: {there:?}"),
    ))
}

/// Holds the lines of one file against each other.
fn same_lines(
    file: &FileDiff,
    change: &Change,
    blobs: &Blobs,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let fault = |kind: &str, text: String| Err(Fault::new(kind, format!("{}: {text}", file.path)));
    let old = content(&change.old_id, &change.old_mode, blobs);
    let new = content(&change.new_id, &change.new_mode, blobs);
    let known = change.new_id.bytes().any(|digit| digit != b'0');
    if let (Some(blob), true, false) = (&file.blob, known, change.of_submodule())
        && *blob != change.new_id
    {
        return fault("blob", format!("{blob} and not {}", change.new_id));
    }
    if file.binary != change.binary {
        let empty = old.as_ref().is_none_or(Vec::is_empty);
        // Of a file that git does not keep the lines say how large it is.
        let added = |hunk: &GitHunk| -> usize {
            let new = hunk.lines.iter().filter(|(sign, ..)| *sign != b'-');
            new.map(|(_, text, _)| text.len() + 1).sum()
        };
        let lines: usize = change.hunks.iter().map(added).sum();
        let most = [&old, &new].into_iter().flatten().map(Vec::len).max();
        let most = most.unwrap_or(0).max(lines) as u64;
        let wide = [&old, &new].into_iter().flatten().all(|side| {
            side.is_empty() || side.starts_with(b"\xff\xfe") || side.starts_with(b"\xfe\xff")
        });
        if !file.binary && wide {
            tally.count("UTF-16, which is text here and binary to git");
            return Ok(());
        }
        let Some(why) = without_lines(file, change, empty, most) else {
            return fault("binary", format!("homebody says {}", file.binary));
        };
        tally.count(why);
        return Ok(());
    }
    let Some(old) = old else {
        tally.count("content that git does not have");
        return Ok(());
    };
    let theirs: Vec<ComparedHunk> = change.hunks.iter().map(from_git).collect();
    let ours: Vec<ComparedHunk> = file.hunks.iter().map(from_ours).collect();
    if file.binary {
        if !ours.is_empty() {
            return fault("binary", "it has lines".to_owned());
        }
        return Ok(());
    }
    let old = lines(&old);
    let expected = applied(&theirs, &old);
    let expected = expected.unwrap_or_else(|e| panic!("git's own lines: {e}"));
    if let (true, Some(new)) = (known, new) {
        assert_eq!(expected, lines(&new), "git's own lines of {}", file.path);
    }
    if ours == theirs {
        return Ok(());
    }
    if change
        .hunks
        .iter()
        .flat_map(|hunk| &hunk.lines)
        .any(|line| is_no_text(&line.1))
    {
        tally.count("lines of no encoding, which git takes for text");
        return Ok(());
    }
    match applied(&ours, &old) {
        Err(e) => return fault("lines", e),
        Ok(made) if made != expected => {
            let differs = made.iter().zip(&expected).position(|(a, b)| a != b);
            let at = differs.unwrap_or_else(|| made.len().min(expected.len()));
            let [a, b] = [made.get(at), expected.get(at)];
            return fault("lines", format!("line {} is {a:?}, and not {b:?}", at + 1));
        }
        Ok(_) => {}
    }
    tally.count("hunks slid");
    Ok(())
}

/// The reason for which a file has no lines here, though git does not call it binary.
fn without_lines(file: &FileDiff, change: &Change, empty: bool, most: u64) -> Option<&'static str> {
    let modes = [change.old_mode.as_str(), change.new_mode.as_str()];
    let kept_out = modes.contains(&"120000") || modes.contains(&"160000");
    match file.binary {
        true if most.max(file.bytes.unwrap_or(0)) > MAX_FILE => Some("over 1 MB: without lines"),
        // Git says nothing of what holds nothing.
        true if change.same_content() && empty => {
            Some("empty, and kept out of diffs by an attribute: binary")
        }
        true if kept_out => {
            Some("a link or submodule that an attribute keeps out of diffs: without lines")
        }
        _ => None,
    }
}

/// The content of one side; empty where there is none, none where git does not have it.
fn content(id: &str, mode: &str, blobs: &Blobs) -> Option<Vec<u8>> {
    if mode == "160000" {
        return Some(format!("Subproject commit {id}\n").into_bytes());
    }
    if id.bytes().all(|digit| digit == b'0') {
        return Some(Vec::new());
    }
    blobs.get(id).cloned()
}

/// The lines of a content.
fn lines(bytes: &[u8]) -> Vec<Line> {
    let each = bytes.split_inclusive(|byte| *byte == b'\n');
    each.map(|line| {
        let text = line.strip_suffix(b"\n");
        (shown(text.unwrap_or(line)), text.is_none())
    })
    .collect()
}

/// A line as homebody shows it: what is no UTF-8 here is Latin-1.
fn shown(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) if line.contains(&0) => String::from_utf8_lossy(line).into_owned(),
        Err(_) => line.iter().copied().map(char::from).collect(),
    }
}

/// Tells whether a line is no text in any encoding: it has signs of control beside letters that
/// are no UTF-8.
fn is_no_text(line: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !b"\t\r\x0c\x1b".contains(byte);
    std::str::from_utf8(line).is_err() && line.iter().any(control)
}

fn from_git(hunk: &GitHunk) -> ComparedHunk {
    let lines = hunk
        .lines
        .iter()
        .map(|(sign, text, end)| (*sign, (shown(text), *end)));
    ComparedHunk {
        range: hunk.range,
        lines: lines.collect(),
    }
}

fn from_ours(hunk: &Hunk) -> ComparedHunk {
    let lines = hunk.lines.iter().map(|line| {
        let sign = line.kind.sign() as u8;
        (sign, (line.text.clone(), line.no_newline))
    });
    ComparedHunk {
        range: [hunk.old_start, hunk.old_len, hunk.new_start, hunk.new_len],
        lines: lines.collect(),
    }
}

/// The new side that hunks make of the old one.
fn applied(hunks: &[ComparedHunk], old: &[Line]) -> Result<Vec<Line>, String> {
    let mut made: Vec<Line> = Vec::new();
    let mut at = 0;
    for hunk in hunks {
        let [old_start, old_len, new_start, new_len] = hunk.range.map(|n| n as usize);
        let first = if old_len == 0 {
            old_start
        } else {
            old_start.wrapping_sub(1)
        };
        let before = old.get(at..first);
        made.extend_from_slice(before.ok_or_else(|| format!("{:?} is not there", hunk.range))?);
        at = first;
        let start = if new_len == 0 {
            made.len()
        } else {
            made.len() + 1
        };
        if start != new_start {
            return Err(format!("{:?} begins at {start}", hunk.range));
        }
        let (from, until) = (at, made.len());
        for (sign, line) in &hunk.lines {
            if *sign != b'+' {
                if old.get(at) != Some(line) {
                    return Err(format!("the old line {} is not {line:?}", at + 1));
                }
                at += 1;
            }
            if *sign != b'-' {
                made.push(line.clone());
            }
        }
        if (at - from, made.len() - until) != (old_len, new_len) {
            return Err(format!("{:?} holds other counts of lines", hunk.range));
        }
    }
    made.extend_from_slice(&old[at..]);
    Ok(made)
}
