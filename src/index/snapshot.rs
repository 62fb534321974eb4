//! The immutable index: what files there are, and tantivy's view of their pieces.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
    Value as _,
};
use tantivy::tokenizer::WhitespaceTokenizer;
use tantivy::{Searcher, TantivyDocument, Term};

use super::meaning::{Coverage, Meaning};
use super::search::Part;
use super::table::Table;
use super::{FileClass, Hit, Stats, Symbol};
use crate::base::{Failure, RepoPath, Result};

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Bytes.
    pub size: u64,
    /// Last change in nanoseconds since 1970, as it was read.
    pub modified_ns: i128,
    /// Whether that was long enough before the reading to tell a later change.
    pub settled: bool,
    /// The blob id of its content, or `-` where it is left out for its content.
    pub blob: String,
    /// Its class.
    pub class: FileClass,
    /// Its language.
    pub language: String,
    /// Definitions in it.
    pub symbols: u32,
    /// Pieces that it is cut to, each a document of tantivy's.
    pub pieces: u32,
}

impl FileRecord {
    /// Whether the file is in the index: binaries are remembered only to be passed over.
    pub fn is_indexed(&self) -> bool {
        self.blob != "-"
    }
}

/// The fields of a piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub path: Field,
    pub start: Field,
    pub end: Field,
    pub symbol: Field,
    pub exact: Field,
    pub name: Field,
    pub signature: Field,
    pub place: Field,
    pub body: Field,
    /// Neighbouring words of its body.
    pub pairs: Field,
    /// The words of commits that touched it.
    pub told: Field,
    /// See [`super::table::Row`] for these.
    pub kind: Field,
    pub touched: Field,
    pub last: Field,
}

/// The schema of pieces.
pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("words")
                .set_index_option(IndexRecordOption::WithFreqs),
        )
    };
    let fields = Fields {
        path: schema.add_text_field("path", STRING | STORED | FAST),
        start: schema.add_u64_field("start", STORED | FAST),
        end: schema.add_u64_field("end", STORED | FAST),
        symbol: schema.add_text_field("symbol", STORED),
        exact: schema.add_text_field("exact", STRING | FAST),
        name: schema.add_text_field("name", words()),
        signature: schema.add_text_field("signature", words()),
        place: schema.add_text_field("place", words()),
        body: schema.add_text_field("body", words()),
        pairs: schema.add_text_field("pairs", words()),
        told: schema.add_text_field("told", words()),
        kind: schema.add_u64_field("kind", FAST),
        touched: schema.add_u64_field("touched", FAST),
        last: schema.add_u64_field("last", FAST),
    };
    (schema.build(), fields)
}

/// Words are cut by `terms`; tantivy only parts them at blanks.
pub(super) fn register(index: &tantivy::Index) {
    index
        .tokenizers()
        .register("words", WhitespaceTokenizer::default());
}

/// An immutable snapshot of a repository's index, shared as `Arc<Index>`.
#[derive(Default)]
pub struct Index {
    pub(super) files: BTreeMap<RepoPath, FileRecord>,
    pub(super) stats: Stats,
    pub(super) searcher: Option<(Searcher, Fields)>,
    /// Its pieces side by side, once somebody searches.
    pub(super) table: std::sync::OnceLock<Table>,
    /// What its pieces mean, where a model is at hand.
    pub(super) meaning: Option<Arc<Meaning>>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Index {
    /// An index of nothing, for folders not indexed yet and for tests.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What it holds.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// All files, in order of path.
    pub fn paths(&self) -> Vec<RepoPath> {
        let indexed = self.files.iter().filter(|(_, record)| record.is_indexed());
        indexed.map(|(path, _)| path.clone()).collect()
    }

    /// Whether the file is indexed.
    pub fn contains(&self, path: &RepoPath) -> bool {
        self.files.get(path).is_some_and(FileRecord::is_indexed)
    }

    /// The class of an indexed file.
    pub fn class(&self, path: &RepoPath) -> Option<FileClass> {
        self.files.get(path).map(|record| record.class)
    }

    /// The definitions of one file, in order of line.
    pub fn symbols(&self, path: &RepoPath) -> Vec<Symbol> {
        let Some((_, fields)) = &self.searcher else {
            return Vec::new();
        };
        let mut found: Vec<Symbol> = self
            .pieces(Term::from_field_text(fields.path, path.as_str()))
            .into_iter()
            .filter_map(|hit| hit.symbol)
            .collect();
        found.sort_by_key(|symbol| (symbol.range.start(), std::cmp::Reverse(symbol.range.end())));
        found.dedup();
        found
    }

    /// The definitions of that name, everywhere.
    pub fn named(&self, name: &str) -> Vec<(RepoPath, Symbol)> {
        let Some((_, fields)) = &self.searcher else {
            return Vec::new();
        };
        let mut found: Vec<(RepoPath, Symbol)> = self
            .pieces(Term::from_field_text(fields.exact, name))
            .into_iter()
            .filter_map(|hit| hit.symbol.map(|symbol| (hit.path, symbol)))
            .collect();
        found.sort_by(|a, b| (&a.0, a.1.range).cmp(&(&b.0, b.1.range)));
        found.dedup();
        found
    }

    /// The `top` best places for a query in plain words, code or both, best first, without
    /// overlaps.
    pub fn search(&self, query: &str, top: usize) -> Result<Vec<Hit>> {
        super::search::search(self, query, top, None)
    }

    /// Whether a word of a query that is long enough to mean something stands in a name, a text, a
    /// path or a commit's message.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn knows_any_word(&self, query: &str) -> Result<bool> {
        let Some((searcher, fields)) = &self.searcher else {
            return Ok(false);
        };
        let long = |word: &String| !word.is_ascii() || word.len() >= 4;
        for word in super::terms::of_query(query)
            .iter()
            .filter(|word| long(word))
        {
            for field in [fields.body, fields.name, fields.place, fields.told] {
                let known = searcher.doc_freq(&Term::from_field_text(field, word));
                if known.map_err(|e| failed("the index cannot be read", &e))? > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The same with a part of the search left out, for who measures what it is good for.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_without(&self, query: &str, top: usize, part: Part) -> Result<Vec<Hit>> {
        super::search::search(self, query, top, Some(part))
    }

    /// What is told of the candidates for a query, for who learns to rank them: JSON with
    /// `features` (their names), `files` (path, and each piece's first and last line) and
    /// `candidates` (file, piece, and the features).
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn candidates(&self, query: &str) -> Result<serde_json::Value> {
        super::search::candidates(self, query)
    }

    /// The same index, searched by meaning too.
    #[must_use]
    pub fn with_meaning(self: Arc<Self>, meaning: Arc<Meaning>) -> Arc<Self> {
        let own = Arc::try_unwrap(self).unwrap_or_else(|shared| Self {
            files: shared.files.clone(),
            stats: shared.stats.clone(),
            searcher: shared.searcher.clone(),
            table: std::sync::OnceLock::new(),
            meaning: None,
        });
        Arc::new(Self {
            meaning: Some(meaning),
            ..own
        })
    }

    /// Which model searches it by meaning, and how far that has come; none without one.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn coverage(&self) -> Result<Option<(String, Coverage)>> {
        let Some(meaning) = &self.meaning else {
            return Ok(None);
        };
        Ok(Some((meaning.model().to_owned(), meaning.coverage(self)?)))
    }

    /// Its pieces side by side; none for an index of nothing.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub(super) fn table(&self) -> Result<Option<&Table>> {
        let Some((searcher, _)) = &self.searcher else {
            return Ok(None);
        };
        Ok(Some(match self.table.get() {
            Some(table) => table,
            None => {
                let table = Table::read(searcher, &self.files)?;
                self.table.get_or_init(|| table)
            }
        }))
    }

    /// The pieces that hold a term.
    fn pieces(&self, term: Term) -> Vec<Hit> {
        let Some((searcher, fields)) = &self.searcher else {
            return Vec::new();
        };
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let Ok(found) = searcher.search(&query, &DocSetCollector) else {
            return Vec::new();
        };
        found
            .into_iter()
            .filter_map(|address| {
                let document: TantivyDocument = searcher.doc(address).ok()?;
                read_piece(&document, *fields, 0.0)
            })
            .collect()
    }
}

/// A stored piece as a hit.
pub(super) fn read_piece(document: &TantivyDocument, fields: Fields, score: f32) -> Option<Hit> {
    let path = RepoPath::new(document.get_first(fields.path)?.as_str()?).ok()?;
    let line = |field| {
        document
            .get_first(field)
            .and_then(|v| v.as_u64())
            .map(|n| n as u32)
    };
    let symbol = document
        .get_first(fields.symbol)
        .and_then(|v| v.as_str())
        .and_then(|text| serde_json::from_str(text).ok());
    let range = crate::base::LineRange::new(line(fields.start)?, line(fields.end)?);
    Some(Hit {
        path,
        range,
        core: range,
        symbol,
        score,
        why: String::new(),
    })
}

/// tantivy's errors as ours.
pub(super) fn failed(what: &str, error: &tantivy::TantivyError) -> Failure {
    Failure::environment(what)
        .because(error)
        .hint("`homebody index --rebuild` makes the index anew")
}
