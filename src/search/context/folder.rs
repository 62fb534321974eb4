//! The outline of a folder that a request names: its files with their sizes and what they define,
//! as far as there is room; folders in it are summed up first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::changes::most;
use super::{Told, ToldKind};
use crate::base::text::{counted, human_count, printable};
use crate::base::{RepoPath, Result, TokenCount};
use crate::index::{Index, Outlined};

/// Most names of a file, in the order tried.
const NAMES: [usize; 4] = [8, 5, 3, 1];
/// Most files that are listed, whatever the room: among more nobody finds anything.
const MOST: usize = 200;
/// Fewest tokens that are worth an outline.
const LEAST: usize = 40;

/// Draws the outline of a folder, of which `index` is the part of the whole, in at most `budget`
/// tokens; none where there is no room or nothing to show.
///
/// # Errors
/// As [`Index::outline`].
pub(super) fn folder_told(
    folder: &RepoPath,
    index: &Index,
    budget: usize,
    count: &dyn TokenCount,
) -> Result<Option<Told>> {
    let files = index.outline_of_all()?;
    if files.is_empty() || budget < LEAST {
        return Ok(None);
    }
    let lines: u64 = files.iter().map(|file| u64::from(file.lines)).sum();
    let title = format!("{folder}/: {}", counted(files.len(), "file"));
    let head = format!(
        "Outline of the folder {title}, {} lines; what files define is named in part.\n",
        human_count(lines)
    );
    let room = budget.saturating_sub(count.count(&head));
    let body = best(folder, &files, room, count);
    if body.is_empty() {
        return Ok(None);
    }
    let text = format!("{head}{body}");
    Ok(Some(Told {
        kind: ToldKind::Folder,
        title,
        tokens: count.count(&text),
        text,
    }))
}

/// The fullest body that fits: all files with many names or few; else what lies in the folder
/// itself, folders summed up, and below it the files that matter most.
fn best(folder: &RepoPath, files: &[Outlined], room: usize, count: &dyn TokenCount) -> String {
    let fits = |text: &String| count.count(text) <= room;
    let mut by_weight: Vec<&Outlined> = files.iter().collect();
    by_weight.sort_by(|a, b| {
        let weight = b.weight.total_cmp(&a.weight);
        weight.then_with(|| a.path.cmp(&b.path))
    });
    if files.len() <= MOST {
        for names in NAMES {
            let all = drawn(folder, &by_weight, names);
            if fits(&all) {
                return all;
            }
        }
    }
    let sums = summed(folder, files);
    // With half of the room for folders there is some left for files.
    let shown = most(sums.len(), |n| {
        count.count(&sums.iter().take(n).map(String::as_str).collect::<String>()) <= room / 2
    });
    let mut head: String = sums.iter().take(shown).map(String::as_str).collect();
    if shown < sums.len() {
        let _ = writeln!(head, "  … {} more", counted(sums.len() - shown, "folder"));
    }
    let left = room.saturating_sub(count.count(&head) + 12);
    // The folder's own files stand before those of folders in it.
    by_weight.sort_by_key(|file| file.path.folder() != folder.as_str());
    by_weight.truncate(MOST);
    let first = |n: usize, names| drawn(folder, by_weight.split_at(n).0, names);
    let mut body = String::new();
    for names in [4, 2] {
        let fits = most(by_weight.len(), |n| count.count(&first(n, names)) <= left);
        body = first(fits, names);
        if fits * 2 >= by_weight.len() {
            break;
        }
    }
    let listed = body.lines().filter(|line| line.starts_with("  ")).count();
    let rest = files.len().saturating_sub(listed);
    if rest > 0 {
        let _ = writeln!(body, "… {} not listed", counted(rest, "file"));
    }
    let text = format!("{head}{body}");
    if fits(&text) { text } else { String::new() }
}

/// The folders right below a folder, a line each, with what is in them.
fn summed(folder: &RepoPath, files: &[Outlined]) -> Vec<String> {
    let mut sums: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for file in files {
        let rest = file.path.as_str().strip_prefix(folder.as_str());
        let rest = rest.and_then(|rest| rest.strip_prefix('/'));
        if let Some((child, _)) = rest.and_then(|rest| rest.split_once('/')) {
            let sum = sums.entry(child).or_default();
            sum.0 += 1;
            sum.1 += u64::from(file.lines);
        }
    }
    let line = |(child, (files, lines)): (&str, (usize, u64))| {
        let (files, lines) = (counted(files, "file"), human_count(lines));
        format!("{}/ ({files}, {lines} lines)\n", printable(child))
    };
    sums.into_iter().map(line).collect()
}

/// Writes files out in order of path, each folder below the named one named once.
fn drawn(folder: &RepoPath, files: &[&Outlined], names: usize) -> String {
    let mut files = files.to_vec();
    files.sort_by(|a, b| (a.path.folder(), &a.path).cmp(&(b.path.folder(), &b.path)));
    let mut out = String::new();
    let mut before = folder.as_str();
    for file in files {
        let own = file.path.folder();
        if own != before {
            let _ = writeln!(out, "{}/", printable(own));
        }
        before = own;
        let lines = human_count(u64::from(file.lines));
        let _ = write!(out, "  {} ({lines})", printable(file.path.name()));
        let some: Vec<&str> = file.names.iter().take(names).map(String::as_str).collect();
        if !some.is_empty() {
            let _ = write!(out, ": {}", printable(&some.join(", ")));
        }
        out.push('\n');
    }
    out
}
