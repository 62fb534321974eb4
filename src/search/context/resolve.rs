//! From the words behind `@` to what is there: files, folders, lines, definitions, changes; and
//! what must be said of those that are not.

use super::did_you_mean::{nearest, spelled};
use super::{Changes, Mention, Named, named};
use crate::base::RepoPath;
use crate::base::text::{counted, printable, truncated};
use crate::index::{Index, Symbol, SymbolKind, name_parts};
use crate::repo::Repo;

/// Definitions of one name that are shown at most.
const SHOWN: usize = 3;
/// Definitions of one name that are listed at most where they are too many to show.
const LISTED: usize = 4;
/// Bytes of a word that are said again.
const LONGEST: usize = 80;

/// The things that a text names behind `@`, found in the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Files, folders and lines, in the order named; definitions by their lines.
    pub mentions: Vec<Mention>,
    /// Those of them that are definitions.
    pub definitions: Vec<Mention>,
    /// Changes that git knows.
    pub changes: Vec<Changes>,
    /// Words that name nothing, or more than one thing, said in sentences.
    pub notes: Vec<String>,
}

/// Finds what a text names. Bare words that are nothing here (`@Override`, `@app.task`) are no
/// mentions, and nothing is said of them.
pub fn resolve(text: &str, repo: &Repo, index: &Index) -> Resolved {
    let mut resolver = Resolver {
        repo,
        index,
        found: Resolved::default(),
    };
    for named in named(text) {
        match named {
            Named::Path(mention) => resolver.path(mention),
            Named::Changes { of, sure } => resolver.changes(of, sure),
            Named::Outside(path) => resolver.outside(&path),
        }
    }
    resolver.found
}

struct Resolver<'a> {
    repo: &'a Repo,
    index: &'a Index,
    found: Resolved,
}

impl Resolver<'_> {
    fn note(&mut self, word: &str, what: &str) {
        let word = printable(truncated(word, LONGEST)).into_owned();
        self.found.notes.push(format!("@{word} {what}"));
    }

    fn take(&mut self, mention: Mention) {
        if !self.found.mentions.contains(&mention) {
            self.found.mentions.push(mention);
        }
    }

    /// Takes a word that may be a path: one of the repository, else the name of a definition, else
    /// a revision.
    fn path(&mut self, mention: Mention) {
        let full = mention.path.under(self.repo.root());
        if full.symlink_metadata().is_ok() || self.index.holds(&mention.path) {
            return self.take(mention);
        }
        let word = mention.path.as_str().to_owned();
        if mention.range.is_none() && name_parts(&word).is_some() && self.definition(&word) {
            return;
        }
        if let Some(path) = spelled(&mention.path, self.index.paths()) {
            return self.take(Mention { path, ..mention });
        }
        let is_commit = word.contains(|c: char| c.is_ascii_digit()) && !word.contains('/');
        if mention.range.is_none() && is_commit && self.repo.knows_revision(&word) {
            return self.found.changes.push(Changes::Commit(word));
        }
        if mention.looks_like_path() {
            let near = nearest(&mention.path, &self.index.paths());
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            self.note(&word, &format!("is not in the repository{near}"));
        }
    }

    /// Takes what a path names that leads out of the repository, or into it by its full name.
    fn outside(&mut self, path: &str) {
        let root = self.repo.root().to_string_lossy();
        let inside = path.strip_prefix(root.as_ref());
        // Others take the root of the repository for that of the file system.
        let inside = inside.or_else(|| path.strip_prefix('/'));
        let inside = inside.and_then(|rest| RepoPath::new(rest.trim_start_matches('/')).ok());
        match inside {
            Some(path) if path.under(self.repo.root()).symlink_metadata().is_ok() => {
                self.take(Mention { path, range: None });
            }
            _ if path.split('/').any(|part| part == ".git") => {
                self.note(path, "is git's own, and is not shown");
            }
            _ => self.note(path, "is outside of the repository, and is not shown"),
        }
    }

    fn changes(&mut self, of: Changes, sure: bool) {
        let ends: Vec<&str> = match &of {
            Changes::Uncommitted | Changes::Staged => Vec::new(),
            Changes::Commit(revision) => vec![revision],
            Changes::Range(range) => range.split("..").map(|end| end.trim_matches('.')).collect(),
        };
        let mut ends = ends.into_iter().filter(|end| !end.is_empty());
        let unknown = ends.find(|end| !self.repo.knows_revision(end));
        match unknown.map(str::to_owned) {
            _ if !self.repo.is_git() => {
                if sure {
                    self.note(of.word(), "needs a git repository, and this folder is none");
                }
            }
            None => {
                if !self.found.changes.contains(&of) {
                    self.found.changes.push(of);
                }
            }
            Some(end) if sure => {
                let end = printable(&end).into_owned();
                self.note(
                    of.word(),
                    &format!("is not shown: git knows no revision {end}"),
                );
            }
            Some(_) => {}
        }
    }

    /// Takes the definitions of a name; false if there are none. Several are said.
    fn definition(&mut self, name: &str) -> bool {
        let all = self.index.defined(name);
        if all.is_empty() {
            return false;
        }
        let own: Vec<&(RepoPath, Symbol)> = all
            .iter()
            .filter(|(_, symbol)| symbol.kind != SymbolKind::Impl)
            .collect();
        if own.len() > 1 {
            let listed: Vec<String> = own.iter().take(LISTED).map(|one| place(one)).collect();
            let more = match own.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let shown = if own.len() > SHOWN {
                format!("; the first {SHOWN} are shown")
            } else {
                String::new()
            };
            let count = counted(own.len(), "definition");
            let listed = listed.join(", ");
            self.note(
                name,
                &format!("names {count}: {listed}{more}{shown}; @PATH:FROM-TO names one"),
            );
        }
        for (path, symbol) in all.iter().take(SHOWN) {
            let mention = Mention {
                path: path.clone(),
                range: Some(symbol.range),
            };
            self.found.definitions.push(mention.clone());
            self.take(mention);
        }
        true
    }
}

/// A definition and where it stands, in words.
fn place((path, symbol): &(RepoPath, Symbol)) -> String {
    let name = printable(&symbol.full_name()).into_owned();
    format!("{name} ({path}:{})", symbol.range)
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
