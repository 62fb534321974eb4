//! Definitions by name, as people write it: `retry`, `Task.retry`, `Walk::next`.

use std::collections::BTreeSet;

use super::{FileClass, Index, Symbol, SymbolKind};
use crate::base::{RepoPath, Result};

/// Names read of each segment and spelling at most, from which the nearest are taken.
const NAMES: usize = 500;
/// Definitions of one name at most, where a list of names is wanted.
const OF_NAME: usize = 8;
/// Definitions looked at to find what lies in a type of a name.
const HOLDERS: usize = 40;

/// The size of a file in the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Number of lines.
    pub lines: u32,
    /// Number of bytes.
    pub bytes: u64,
}

/// The parts of a name with the names around it, outermost first: of `Task.retry`, `Task::retry`
/// and `Task#retry`, `Task` and `retry`. None where the text is no name.
pub fn name_parts(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text
        .split("::")
        .flat_map(|part| part.split(['.', '#']))
        .collect();
    let is_name = |part: &&str| {
        part.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'))
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || "_$?!".contains(c))
    };
    parts.iter().all(is_name).then_some(parts)
}

impl Index {
    /// Returns the definitions that a name means, as [`name_parts`] takes it apart, likeliest
    /// first: code before tests, types and functions before the blocks that implement them.
    /// Sections of documents are no definitions here.
    pub fn defined(&self, name: &str) -> Vec<(RepoPath, Symbol)> {
        let Some((last, around)) = name_parts(name).and_then(|mut parts| {
            let last = parts.pop()?;
            Some((last, parts))
        }) else {
            return Vec::new();
        };
        let mut found = self.named(last);
        found.retain(|(_, symbol)| is_of(symbol, &around, false));
        self.order(&mut found);
        found
    }

    /// Returns at most `most` definitions whose name begins with what is typed, the shortest
    /// first; behind a dot (`Task.`, `Walk::ne`) those within a type of that name. Letters may
    /// have the other case.
    pub fn starting(&self, typed: &str, most: usize) -> Vec<(RepoPath, Symbol)> {
        let (around, last) = match typed.rfind(['.', ':', '#']) {
            Some(at) => {
                let (around, last) = typed.split_at(at + 1);
                let around = around.trim_end_matches(['.', ':', '#']);
                let Some(around) = name_parts(around) else {
                    return Vec::new();
                };
                (around, last)
            }
            None => (Vec::new(), typed),
        };
        if !last.is_empty() && name_parts(last).is_none() || around.is_empty() && last.is_empty() {
            return Vec::new();
        }
        if around.is_empty() {
            return self.of_names(last, most);
        }
        let mut found = self.held(&around, last);
        found.sort_by_key(|(_, symbol)| (symbol.name != last, symbol.name.len()));
        found.truncate(most);
        found
    }

    /// Returns the sizes of all files, in the order of [`Index::paths`].
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn sizes(&self) -> Result<Vec<FileSize>> {
        let Some(table) = self.table()? else {
            return Ok(Vec::new());
        };
        let all = table.files.iter().zip(self.files.values());
        let indexed = all.filter(|(_, record)| record.is_indexed());
        Ok(indexed
            .map(|(file, record)| FileSize {
                lines: table.lines(file),
                bytes: record.stamp.bytes(),
            })
            .collect())
    }

    /// Definitions whose name begins with a text.
    fn of_names(&self, start: &str, most: usize) -> Vec<(RepoPath, Symbol)> {
        let low = start.to_lowercase();
        let mut names: Vec<String> = self.terms(start).into_iter().collect();
        names.sort_by_cached_key(|name| {
            let same = name != start;
            let other_case = !name.starts_with(start);
            (
                same,
                name.to_lowercase() != low,
                other_case,
                name.len(),
                name.clone(),
            )
        });
        let mut found = Vec::new();
        for name in names {
            let mut of_name = self.named_at_most(&name, OF_NAME);
            of_name.retain(|(_, symbol)| symbol.kind != SymbolKind::Section);
            self.order(&mut of_name);
            found.append(&mut of_name);
            if found.len() >= most {
                break;
            }
        }
        found.truncate(most);
        found
    }

    /// Names of the index that begin with a text, in its spelling or with another case of its
    /// letters: a function, a type, a constant.
    fn terms(&self, start: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let Some((searcher, fields)) = &self.searcher else {
            return found;
        };
        let mut chars = start.chars();
        let capital: String = chars
            .next()
            .map(|first| first.to_uppercase().chain(chars).collect())
            .unwrap_or_default();
        let spellings = [
            start.to_owned(),
            start.to_lowercase(),
            start.to_uppercase(),
            capital,
        ];
        for segment in searcher.segment_readers() {
            // A broken segment has no names: whoever builds finds the damage and says it.
            let Ok(inverted) = segment.inverted_index(fields.exact) else {
                continue;
            };
            for spelling in &spellings {
                let names = inverted
                    .terms()
                    .range()
                    .ge(spelling.as_bytes())
                    .into_stream();
                let Ok(mut names) = names else { continue };
                for _ in 0..NAMES {
                    if !names.advance() || !names.key().starts_with(spelling.as_bytes()) {
                        break;
                    }
                    if let Ok(name) = std::str::from_utf8(names.key()) {
                        found.insert(name.to_owned());
                    }
                }
            }
        }
        found
    }

    /// Definitions within those of a name whose own name begins with a text, in any case.
    fn held(&self, around: &[&str], start: &str) -> Vec<(RepoPath, Symbol)> {
        let Some(holder) = around.last() else {
            return Vec::new();
        };
        let mut files = BTreeSet::new();
        for name in self.terms(holder) {
            if name.eq_ignore_ascii_case(holder) {
                let of_name = self.named_at_most(&name, HOLDERS);
                files.extend(of_name.into_iter().map(|(path, _)| path));
            }
        }
        let low = start.to_lowercase();
        let mut found = Vec::new();
        for path in files.into_iter().take(HOLDERS) {
            for symbol in self.symbols(&path) {
                if symbol.name.to_lowercase().starts_with(&low) && is_of(&symbol, around, true) {
                    found.push((path.clone(), symbol));
                }
            }
        }
        self.order(&mut found);
        found
    }

    /// Puts the likeliest first.
    fn order(&self, found: &mut [(RepoPath, Symbol)]) {
        found.sort_by_cached_key(|(path, symbol)| {
            let class = match self.class(path) {
                Some(FileClass::Source) => 0,
                Some(FileClass::Build | FileClass::Docs) => 1,
                Some(FileClass::Test) => 2,
                _ => 3,
            };
            let inner =
                symbol.within.matches("::").count() + usize::from(!symbol.within.is_empty());
            let kind = u8::from(symbol.kind == SymbolKind::Impl);
            (class, kind, inner, path.clone(), symbol.range)
        });
    }
}

/// Tells whether a definition that is none of a document lies in those of these names, the last
/// being the nearest.
fn is_of(symbol: &Symbol, around: &[&str], any_case: bool) -> bool {
    let mut own = symbol.within.rsplit("::").filter(|part| !part.is_empty());
    let same =
        |own: &str, wanted: &str| own == wanted || any_case && own.eq_ignore_ascii_case(wanted);
    symbol.kind != SymbolKind::Section
        && around
            .iter()
            .rev()
            .all(|wanted| own.next().is_some_and(|own| same(own, wanted)))
}

#[cfg(test)]
mod tests {
    use super::super::trial::indexed;
    use super::*;

    const TASK: &str =
        "class Task:\n    def retry(self):\n        pass\n\n    def run(self):\n        pass\n";

    fn names(found: &[(RepoPath, Symbol)]) -> Vec<String> {
        let name = |(path, symbol): &(RepoPath, Symbol)| {
            format!("{path}:{} {}", symbol.range, symbol.full_name())
        };
        found.iter().map(name).collect()
    }

    fn index() -> std::sync::Arc<Index> {
        indexed(&[
            ("app/task.py", TASK),
            ("tests/test_task.py", "def retry():\n    pass\n"),
            (
                "app/other.py",
                "def retry_all():\n    pass\n\n\nRETRY_MAX = 3\n",
            ),
            ("docs/retry.md", "# retry\n\nWords.\n"),
            (
                "src/walk.rs",
                "pub struct Walk;\n\nimpl Walk {\n    pub fn next(&self) {}\n}\n",
            ),
        ])
    }

    #[test]
    fn a_name_with_what_is_around_it_is_one_definition() {
        let index = index();
        for name in ["Task.retry", "Task::retry", "Task#retry"] {
            let found = names(&index.defined(name));
            assert_eq!(found, ["app/task.py:2-3 Task::retry"], "{name}");
        }
        assert_eq!(
            names(&index.defined("retry")),
            [
                "app/task.py:2-3 Task::retry",
                "tests/test_task.py:1-2 retry"
            ]
        );
        assert!(index.defined("Other.retry").is_empty());
        assert!(index.defined("retry()").is_empty());
        let walk = names(&index.defined("Walk"));
        assert_eq!(walk, ["src/walk.rs:1 Walk", "src/walk.rs:3-5 Walk"]);
    }

    #[test]
    fn what_is_typed_finds_names_that_begin_so_in_any_case() {
        let index = index();
        let starting = |typed: &str| names(&index.starting(typed, 10));
        assert_eq!(
            starting("ret"),
            [
                "app/task.py:2-3 Task::retry",
                "tests/test_task.py:1-2 retry",
                "app/other.py:1-2 retry_all",
                "app/other.py:5 RETRY_MAX"
            ]
        );
        assert_eq!(
            starting("task.r"),
            ["app/task.py:5-6 Task::run", "app/task.py:2-3 Task::retry"]
        );
        assert_eq!(starting("Task.").len(), 2);
        assert_eq!(starting("walk::ne"), ["src/walk.rs:4 Walk::next"]);
        assert_eq!(index.starting("ret", 2).len(), 2);
        assert!(starting("").is_empty() && starting(".").is_empty() && starting("a b").is_empty());
    }

    #[test]
    fn sizes_are_in_the_order_of_paths() {
        let index = index();
        let sizes = index.sizes().expect("sizes");
        let at = index
            .paths()
            .iter()
            .position(|path| path.as_str() == "app/task.py");
        let size = sizes[at.expect("there")];
        assert_eq!((size.lines, size.bytes), (6, TASK.len() as u64));
        assert_eq!(sizes.len(), index.paths().len());
    }
}
