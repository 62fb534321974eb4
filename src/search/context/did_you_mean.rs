//! The path that was probably meant by one that does not exist.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::base::RepoPath;
use crate::base::bug::bug;

/// Least likeness, from 0 to 1, of names that are not the same.
const ALIKE: f64 = 0.66;

/// Finds the file or folder of the repository that `wanted` is most like: first by its name without
/// the extension, then by the whole path. None if no name is like it.
pub fn nearest(wanted: &RepoPath, paths: &[RepoPath]) -> Option<RepoPath> {
    let mut known: BTreeSet<&str> = paths.iter().map(RepoPath::as_str).collect();
    for path in paths {
        let mut folder = path.folder();
        // Where one is known, those above it are too.
        while !folder.is_empty() && known.insert(folder) {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    let name = stem(wanted.as_str());
    let alike = |path: &str| strsim::normalized_damerau_levenshtein(&name, &stem(path));
    let named: Vec<(f64, &str)> = known
        .into_iter()
        .filter(|path| *path != wanted.as_str())
        .map(|path| (alike(path), path))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    let best = named.iter().map(|(alike, _)| *alike).fold(0.0, f64::max);
    named
        .iter()
        .filter(|(alike, _)| *alike >= best)
        .map(|(_, path)| {
            let whole = strsim::normalized_damerau_levenshtein(wanted.as_str(), path);
            (whole, *path)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .and_then(|(_, path)| {
            RepoPath::new(path).map_or_else(|_| bug("a folder's path is no path", None), Some)
        })
}

/// The last part of a path without its extension, in lower case.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = if stem.is_empty() { name } else { stem };
    stem.to_lowercase()
}

/// The path that is spelled with the same letters, marks and letters apart or in one: systems and
/// keyboards differ in that (Unicode Standard Annex 15).
pub(super) fn spelled(path: &RepoPath, paths: Vec<RepoPath>) -> Option<RepoPath> {
    let same = |other: &RepoPath| other.as_str().nfc().eq(path.as_str().nfc());
    paths.into_iter().find(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_more_than_folders() {
        let paths: Vec<RepoPath> = [
            ".gitignore",
            "Makefile",
            "docs/notes.md",
            "src/lib.rs",
            "src/print/mod.rs",
            "src/walk.rs",
            "src/walk/mod.rs",
            "tests/walk.py",
        ]
        .iter()
        .map(|path| RepoPath::new(path).expect("a path"))
        .collect();
        for (wanted, meant) in [
            ("walk.rs", Some("src/walk.rs")),
            ("scr/walk.rs", Some("src/walk.rs")),
            ("src/wlak.rs", Some("src/walk.rs")),
            ("src/Walk.rs", Some("src/walk.rs")),
            ("tests/walk.rs", Some("tests/walk.py")),
            ("src/prnt/mod.rs", Some("src/print/mod.rs")),
            ("doc/note.md", Some("docs/notes.md")),
            ("doc/", Some("docs")),
            (".gitignor", Some(".gitignore")),
            ("src/engine.rs", None),
            ("x.rs", None),
        ] {
            let wanted = RepoPath::new(wanted).expect("a path");
            let found = nearest(&wanted, &paths);
            assert_eq!(found.as_ref().map(RepoPath::as_str), meant, "{wanted}");
        }
        assert_eq!(nearest(&RepoPath::new("a.rs").expect("a path"), &[]), None);
    }

    #[test]
    fn letters_are_the_same_with_their_marks_apart_and_in_one() {
        let path = |text: &str| RepoPath::new(text).expect("a path");
        let there = || vec![path("src/a.rs"), path("src/cafe\u{301}.rs")];
        let found = spelled(&path("src/caf\u{e9}.rs"), there());
        assert_eq!(found, Some(path("src/cafe\u{301}.rs")));
        assert_eq!(spelled(&path("src/cafe.rs"), there()), None);
    }
}
