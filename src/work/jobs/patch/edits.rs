//! The material of the edits of an answer: the files of the repository, what is defined in those
//! that are shown, and the kinds of edits that suit the model.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Patch;
use super::super::texts::RepoTexts;
use crate::base::{LineRange, RepoPath};
use crate::context::Context;
use crate::index::symbols::{Language, parse};
use crate::index::{FileClass, Index};
use crate::patch::{EditKind, ScopeFile, Texts};

/// Files that can be named in an edit, at most; those shown come first.
const MOST_FILES: usize = 2_000;
/// Most bytes of all files that can be named.
const MOST_BYTES: usize = 24 << 20;
/// Most bytes of a file that is not shown.
const MOST_OF_FILE: usize = 1 << 20;

/// The kinds of edits that an answer to this request may have. A model that rewrites is a small
/// one: it makes, takes away and renames files only where that is asked for, or where it is shown
/// nothing that it may change.
pub(super) fn kinds(request: &Patch, context: &Context, rewrites: bool) -> Vec<EditKind> {
    let may = |path: &RepoPath| request.files.is_empty() || request.files.contains(path);
    let nothing = !context.excerpts.iter().any(|excerpt| may(&excerpt.path));
    let words: Vec<String> = request
        .request
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .collect();
    let says = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    let of_files = says(&["file", "files", "module", "folder"]);
    let main = if rewrites {
        EditKind::Rewrite
    } else {
        EditKind::Replace
    };
    let mut kinds = vec![main];
    if !rewrites || nothing || of_files && says(&["create", "new", "add", "write", "make", "split"])
    {
        kinds.push(EditKind::Create);
    }
    if !rewrites || of_files && says(&["delete", "remove", "drop"]) {
        kinds.push(EditKind::Delete);
    }
    if !rewrites || of_files && says(&["rename", "move"]) {
        kinds.push(EditKind::Rename);
    }
    if !rewrites {
        kinds.push(EditKind::Rewrite);
    }
    kinds
}

/// The files that an answer to a request that shows `context` may change. `only` are those that
/// it may, empty for any.
pub(super) fn files(
    texts: &RepoTexts<'_>,
    index: &Index,
    context: &Context,
    only: &[RepoPath],
) -> Vec<ScopeFile> {
    let mut shown: BTreeMap<&RepoPath, Vec<LineRange>> = BTreeMap::new();
    for excerpt in &context.excerpts {
        let ranges = shown.entry(&excerpt.path).or_default();
        ranges.push(excerpt.range);
    }
    let mut names: Vec<RepoPath> = shown.keys().map(|path| (*path).clone()).collect();
    names.extend(only.iter().cloned());
    if only.is_empty() {
        let written = |path: &RepoPath| {
            !matches!(
                index.class(path),
                Some(FileClass::Generated | FileClass::Vendored)
            )
        };
        names.extend(index.paths().into_iter().filter(written));
    } else {
        names.retain(|path| only.contains(path));
    }
    let mut seen: BTreeSet<RepoPath> = BTreeSet::new();
    let mut files = Vec::new();
    let mut bytes = 0;
    for path in names {
        if files.len() >= MOST_FILES || bytes >= MOST_BYTES {
            log::info!("edits can name {} files, and no more", files.len());
            break;
        }
        if !seen.insert(path.clone()) {
            continue;
        }
        let Ok(text) = texts.text(&path) else {
            continue;
        };
        let ranges = shown.get(&path).cloned();
        if ranges.is_none() && text.len() > MOST_OF_FILE {
            continue;
        }
        bytes += text.len();
        // A file that is named and has no lines is as good as shown.
        let empty = text.is_empty() && only.contains(&path);
        let ranges = ranges.or_else(|| empty.then(|| vec![LineRange::new(1, 1)]));
        let definitions = if ranges.is_some() || only.contains(&path) {
            definitions(&path, &text)
        } else {
            Vec::new()
        };
        files.push(ScopeFile {
            path,
            text,
            definitions,
            // Of a file that can be named and is not shown there are none.
            shown: joined(ranges.unwrap_or_default()),
        });
    }
    files
}

/// The definitions of a text by name; by the names around them too, for where a name alone
/// stands for several.
pub(in crate::jobs) fn definitions(path: &RepoPath, text: &str) -> Vec<(String, LineRange)> {
    // An empty text has no first line.
    let first = text.lines().next().unwrap_or("");
    let Some(language) = Language::of(path, first) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for symbol in parse(text, language) {
        if !symbol.within.is_empty() {
            let name = format!("{}::{}", symbol.within, symbol.name);
            found.push((name, symbol.range));
        }
        found.push((symbol.name, symbol.range));
    }
    found
}

/// Ranges in order, those that touch as one.
fn joined(mut ranges: Vec<LineRange>) -> Vec<LineRange> {
    ranges.sort_unstable();
    let mut out: Vec<LineRange> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start() <= last.end().saturating_add(1) => {
                *last = last.hull(range);
            }
            _ => out.push(range),
        }
    }
    out
}
