//! Changes that were really made, said as edits: whether the grammar takes each of them, and
//! whether what it took makes the same files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Failure, LineRange, OrBug, RepoPath, Result, lines};
use crate::engine::Walker;
use crate::grammar::FormGrammar;
use crate::patch::{
    Change, Edit, EditAnswer as _, EditKind, EditLanguage, FileChange, Scope, ScopeFile, Texts,
};

/// Most tokens of an answer: as many as a change may need.
const LIMIT: usize = 400_000;

/// One file of a change.
#[derive(Debug, Clone, Deserialize)]
pub struct Pair {
    /// The path before the change; of a new file, the path after it.
    pub path: RepoPath,
    /// The path after the change, where that is another.
    #[serde(default)]
    pub to: Option<RepoPath>,
    /// The text before; none for a new file.
    pub before: Option<String>,
    /// The text after; none for a file that is taken away.
    pub after: Option<String>,
}

/// The outcome of a replayed change.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// The reason why the files are not the same; empty if they are.
    pub refused: String,
    /// The number of edits.
    pub edits: usize,
    /// Tokens that the edits took.
    pub tokens: usize,
}

/// Writes a change as edits whose texts are changed by `kind`, and compares what they make.
pub fn replay(pairs: &[Pair], kind: EditKind, walker: &mut Walker) -> Replayed {
    let texts = Before(
        pairs
            .iter()
            .filter_map(|pair| Some((pair.path.clone(), pair.before.clone()?)))
            .collect(),
    );
    let files = texts.0.iter().map(|(path, text)| ScopeFile {
        path: path.clone(),
        text: text.clone(),
        definitions: Vec::new(),
        shown: vec![LineRange::new(1, lines(text).len().max(1) as u32)],
    });
    let language = EditLanguage::new(Scope {
        files: files.collect(),
        texts: &texts,
        only: Vec::new(),
        kinds: crate::patch::EditKind::ALL.to_vec(),
        limit: LIMIT,
        lines: None,
        must_edit: true,
    });
    let mut grammar = FormGrammar::new(language, LIMIT);
    let answer: String = pairs.iter().map(|pair| said(pair, kind)).collect();
    let (taken, tokens) = walker.spell(&mut grammar, answer.as_bytes(), LIMIT);
    let edits: Vec<Edit> = grammar.edits().to_vec();
    let refused = if taken < answer.len() {
        // Where that is inside a character, the beginning is told instead.
        let rest = answer.get(taken.saturating_sub(80)..).unwrap_or(&answer);
        let rest: String = rest.chars().take(120).collect();
        format!("the grammar does not take {rest:?}")
    } else {
        match Change::plan(&edits, &texts) {
            Ok(change) => differs(pairs, &change),
            Err(failure) => failure.to_string(),
        }
    };
    Replayed {
        refused,
        edits: edits.len(),
        tokens,
    }
}

/// The texts before the change.
struct Before(BTreeMap<RepoPath, String>);

impl Texts for Before {
    fn text(&self, path: &RepoPath) -> Result<String> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| Failure::input(format!("there is no {path}")))
    }

    fn exists(&self, path: &RepoPath) -> bool {
        self.0.contains_key(path)
    }

    fn may_create(&self, _: &RepoPath) -> Result<()> {
        Ok(())
    }
}

/// The lines of a text, without their newlines.
fn lines(text: &str) -> Vec<&str> {
    lines::lines(text)
        .into_iter()
        .map(|line| line.text)
        .collect()
}

/// The difference between the change and what the edits make, in words; empty for none.
fn differs(pairs: &[Pair], change: &Change) -> String {
    for pair in pairs {
        let made = change.files.iter().find(|file| file.path == pair.path);
        let after = made.and_then(|file| file.after.as_ref());
        let to = made.and_then(|file| file.renamed_to.as_ref());
        if after != pair.after.as_ref() || to != pair.to.as_ref() {
            return format!("{} is not as it was made", pair.path);
        }
    }
    String::new()
}

/// The change of one file as an answer would say it.
fn said(pair: &Pair, kind: EditKind) -> String {
    let path = pair.path.as_str();
    match (&pair.before, &pair.after) {
        (None, Some(after)) => {
            let fence = fence(None, after);
            let (open, close) = ("<".repeat(fence), ">".repeat(fence));
            let text: String = lines(after)
                .iter()
                .map(|line| format!("{line}\n"))
                .collect();
            format!("*** create {path}\n{open}\n{text}{close}\n")
        }
        (Some(_), None) => format!("*** delete {path}\n"),
        (Some(before), Some(after)) => {
            let name = pair.to.as_ref().map_or(path, RepoPath::as_str);
            let mut out = match &pair.to {
                Some(to) => format!("*** rename {path} -> {to}\n"),
                None => String::new(),
            };
            let fence = fence(Some(before), after);
            if before == after {
                return out;
            }
            if before.is_empty() && !after.is_empty() {
                let new: Vec<String> = lines(after).into_iter().map(str::to_owned).collect();
                return out + &block(name, (&(0..1), &new), before, EditKind::Rewrite, fence);
            }
            for (old, new) in places(pair, before, after) {
                out.push_str(&block(name, (&old, &new), before, kind, fence));
            }
            out
        }
        (None, None) => String::new(),
    }
}

/// A place that changes: lines of the old text, from 0, and those to stand there.
type ReplacedLines = (std::ops::Range<usize>, Vec<String>);

/// One edit of a file's text.
fn block(
    path: &str,
    (old, new): (&std::ops::Range<usize>, &[String]),
    before: &str,
    kind: EditKind,
    fence: usize,
) -> String {
    let (open, middle, close) = ("<".repeat(fence), "=".repeat(fence), ">".repeat(fence));
    let new: String = new.iter().map(|line| format!("{line}\n")).collect();
    if kind == EditKind::Rewrite {
        let (start, end) = (old.start + 1, old.end);
        return format!("*** rewrite {path}:{start}-{end}\n{open}\n{new}{close}\n");
    }
    let lines = lines(before);
    let old = lines.get(old.clone()).or_bug("a place is of another text");
    let old: String = old.iter().map(|line| format!("{line}\n")).collect();
    format!("*** replace {path}\n{open}\n{old}{middle}\n{new}{close}\n")
}

/// A length of fence that begins no line of the old text, and ends none of the new.
fn fence(before: Option<&String>, after: &str) -> usize {
    let run = |line: &str, sign: char| line.len() - line.trim_start_matches(sign).len();
    let old = before.into_iter().flat_map(|text| text.lines());
    let old = old.flat_map(|line| ['<', '=', '>'].map(|sign| run(line, sign)));
    let new = after.lines().map(|line| run(line, '>'));
    old.chain(new)
        .max()
        .map_or(7, |longest| (longest + 1).max(7))
}

/// The places where a file changes, each going on until it is the only one of its kind.
fn places(pair: &Pair, before: &str, after: &str) -> Vec<ReplacedLines> {
    let change = Change {
        files: vec![FileChange {
            path: pair.path.clone(),
            renamed_to: None,
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        }],
    };
    let old = lines(before);
    let mut places: Vec<ReplacedLines> = Vec::new();
    for hunk in change.hunks(1) {
        // An empty text has no old lines.
        let range = hunk.old.map_or(0..0, |range| {
            range.start() as usize - 1..(range.end() as usize).min(old.len())
        });
        let new: Vec<String> = hunk
            .lines
            .iter()
            .filter(|(sign, _)| *sign >= 0)
            .map(|(_, text)| text.strip_suffix('\r').unwrap_or(text).to_owned())
            .collect();
        places.push((range, new));
    }
    let unique = |range: &std::ops::Range<usize>| {
        let wanted = old.get(range.clone()).or_bug("a place is of another text");
        old.windows(wanted.len().max(1))
            .filter(|window| *window == wanted)
            .count()
            == 1
    };
    // Places do not overlap: one that reaches the next takes it in.
    let mut done: Vec<ReplacedLines> = Vec::new();
    let mut later = places.into_iter().peekable();
    while let Some((mut range, mut new)) = later.next() {
        loop {
            if let Some((next, more)) = later.next_if(|(next, _)| next.start <= range.end) {
                range.end = next.end;
                new.extend(more);
            } else if let Some((before, mut more)) = done.pop_if(|(one, _)| one.end >= range.start)
            {
                range.start = before.start;
                more.append(&mut new);
                new = more;
            } else if unique(&range) || range.len() == old.len() {
                break;
            } else if let Some(line) = old.get(range.end) {
                new.push((*line).to_owned());
                range.end += 1;
            } else if let Some(line) = range.start.checked_sub(1).and_then(|at| old.get(at)) {
                new.insert(0, (*line).to_owned());
                range.start -= 1;
            }
        }
        done.push((range, new));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(path: &str, before: Option<&str>, after: Option<&str>) -> Pair {
        Pair {
            path: RepoPath::new(path).expect("a path"),
            to: None,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn changes_are_taken_by_every_kind_and_make_the_same_files() {
        let before: String = (0..60).map(|n| format!("line {}\n", n % 9)).collect();
        let after = before
            .replacen("line 3\n", "line three\nand more\n", 2)
            .replacen("line 7\n", "", 1);
        let mut moved = pair("old.txt", Some("a\nb\nc\n"), Some("a\nB\nc\n"));
        moved.to = Some(RepoPath::new("new/old.txt").expect("a path"));
        let pairs = [
            pair("a/b.txt", Some(&before), Some(&after)),
            pair("crlf.txt", Some("a\r\nb\r\nc"), Some("a\r\nc\r\nd")),
            pair("new.txt", None, Some("<<<<<<<\n=======\n>>>>>>>\n")),
            pair("gone.txt", Some("x\n"), None),
            moved,
        ];
        let mut walker = Walker::new((0..=255).map(|byte| vec![byte]).collect());
        for kind in [EditKind::Replace, EditKind::Rewrite] {
            let replayed = replay(&pairs, kind, &mut walker);
            assert_eq!(replayed.refused, "", "{kind:?}");
            assert!(replayed.edits >= 6, "{replayed:?}");
        }
    }
}
