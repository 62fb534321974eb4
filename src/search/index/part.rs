//! A part of an index: what lies in some folders, as if nothing else were there.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::snapshot::FileRecord;
use super::{Index, Stats};
use crate::base::RepoPath;

impl Index {
    /// Returns the part of the index that lies in some folders, or is one of these files.
    #[must_use]
    pub fn within(&self, parts: &[RepoPath]) -> Arc<Self> {
        let mut files = BTreeMap::new();
        for part in parts {
            files.extend(
                self.below(part)
                    .map(|(path, at)| (path.clone(), at.clone())),
            );
        }
        let indexed = || files.values().filter(|record| record.is_indexed());
        let stats = Stats {
            files: indexed().count(),
            symbols: indexed().map(|record| record.symbols as usize).sum(),
            ..self.stats.clone()
        };
        Arc::new(Self {
            files,
            stats,
            searcher: self.searcher.clone(),
            table: std::sync::OnceLock::new(),
            meaning: self.meaning.clone(),
        })
    }

    /// True if a file of the index is this path or lies below it.
    pub fn holds(&self, part: &RepoPath) -> bool {
        self.below(part).any(|(_, record)| record.is_indexed())
    }

    /// The file of that path, and the files of the folder of that path.
    fn below<'a>(
        &'a self,
        part: &'a RepoPath,
    ) -> impl Iterator<Item = (&'a RepoPath, &'a FileRecord)> {
        // Paths are ordered by their bytes: those of a folder stand together, but for others that
        // begin as it does (`src-old` before `src/`).
        self.files
            .range((Bound::Included(part.clone()), Bound::Unbounded))
            .take_while(|(path, _)| path.as_str().starts_with(part.as_str()))
            .filter(|(path, _)| path.is_below(part))
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::indexed;
    use super::*;

    #[test]
    fn a_part_searches_and_names_only_its_own() {
        let index = indexed(&[
            (
                "src/a.py",
                "class Door:\n    def shut(self):\n        pass\n",
            ),
            (
                "src-old/a.py",
                "class Door:\n    def shut(self):\n        pass\n",
            ),
            ("src/deep/b.py", "def open_gate():\n    pass\n"),
        ]);
        let paths = |index: &Index| {
            let paths = index.paths();
            paths.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let path = |text: &str| RepoPath::new(text).expect("a path");
        let part = index.within(&[path("src")]);
        assert_eq!(paths(&part), ["src/a.py", "src/deep/b.py"]);
        assert_eq!(part.stats().files, 2);
        assert_eq!(index.named("shut").len(), 2);
        assert_eq!(part.named("shut").len(), 1);
        let hits = part.search("shut the door", 10).expect("searched");
        assert!(!hits.is_empty() && hits.iter().all(|hit| hit.path.as_str() == "src/a.py"));
        let two = index.within(&[path("src/deep"), path("src-old/a.py")]);
        assert_eq!(paths(&two), ["src-old/a.py", "src/deep/b.py"]);
        assert!(index.holds(&path("src/deep")) && !index.holds(&path("sr")));
    }
}
