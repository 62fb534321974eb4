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

use super::meaning::embeddings::{Coverage, Meaning};
use super::search::SearchPart;
use super::table::Table;
use super::{FileClass, Hit, Stats, Symbol};
use crate::base::file_stamp::FileStamp;
use crate::base::{Failure, RepoPath, Result};

/// The record of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The marks of the file as it was read.
    pub stamp: FileStamp,
    /// True if its last change was long enough before the reading to tell a later one.
    pub settled: bool,
    /// The blob id of the content, or `-` where the file is left out for its content.
    pub blob: String,
    /// Class of the file.
    pub class: FileClass,
    /// Name of the file's language.
    pub language: String,
    /// Number of definitions in the file.
    pub symbols: u32,
    /// Number of pieces that the file is cut into, each a document of tantivy's.
    pub pieces: u32,
}

impl FileRecord {
    /// True if the file is in the index: binaries are remembered only to be passed over.
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
    /// The name without case and separators.
    pub folded: Field,
    pub name: Field,
    pub signature: Field,
    pub place: Field,
    pub body: Field,
    /// Neighbouring words of the body.
    pub pairs: Field,
    /// Words of commits that touched the piece.
    pub told: Field,
    /// Kind of the definition, and two flags, as [`super::table::packed`] packs them.
    pub kind: Field,
    /// As [`super::table::PieceRow::touched`].
    pub touched: Field,
    /// As [`super::table::PieceRow::last`].
    pub last: Field,
}

/// Makes the schema of pieces.
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
        folded: schema.add_text_field("folded", STRING),
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

/// Registers the tokenizer. Words are cut by `terms`; tantivy only parts them at blanks.
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
    /// The pieces side by side, once somebody searches.
    pub(super) table: std::sync::OnceLock<Table>,
    /// The meaning of the pieces, where a model is at hand.
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
    /// Makes an index of nothing, for folders not indexed yet and for tests.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Sums up what the index holds.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Returns the paths of all files, in order.
    pub fn paths(&self) -> Vec<RepoPath> {
        let indexed = self.files.iter().filter(|(_, record)| record.is_indexed());
        indexed.map(|(path, _)| path.clone()).collect()
    }

    /// True if the file is indexed.
    pub fn contains(&self, path: &RepoPath) -> bool {
        self.files.get(path).is_some_and(FileRecord::is_indexed)
    }

    /// Returns the class of an indexed file.
    pub fn class(&self, path: &RepoPath) -> Option<FileClass> {
        self.files.get(path).map(|record| record.class)
    }

    /// Returns the definitions of one file, in order of line; none if the index is damaged.
    pub fn symbols(&self, path: &RepoPath) -> Vec<Symbol> {
        let Some((_, fields)) = &self.searcher else {
            return Vec::new();
        };
        let mut found: Vec<Symbol> = self
            .pieces(
                Term::from_field_text(fields.path, path.as_str()),
                usize::MAX,
            )
            .into_iter()
            .filter_map(|hit| hit.symbol)
            .collect();
        found.sort_by_key(|symbol| (symbol.range.start(), std::cmp::Reverse(symbol.range.end())));
        found.dedup();
        found
    }

    /// Returns the definitions of that name, everywhere; none if the index is damaged.
    pub fn named(&self, name: &str) -> Vec<(RepoPath, Symbol)> {
        self.named_at_most(name, usize::MAX)
    }

    /// As [`Index::named`], from so many pieces at most: some names are everywhere.
    pub(super) fn named_at_most(&self, name: &str, most: usize) -> Vec<(RepoPath, Symbol)> {
        let Some((_, fields)) = &self.searcher else {
            return Vec::new();
        };
        let mut found: Vec<(RepoPath, Symbol)> = self
            .pieces(Term::from_field_text(fields.exact, name), most)
            .into_iter()
            .filter_map(|hit| hit.symbol.map(|symbol| (hit.path, symbol)))
            .collect();
        found.sort_by(|a, b| (&a.0, a.1.range).cmp(&(&b.0, b.1.range)));
        found.dedup();
        found
    }

    /// Finds the `top` best places for a query in plain words, code or both, best first, without
    /// overlaps.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn search(&self, query: &str, top: usize) -> Result<Vec<Hit>> {
        super::search::search(self, query, top, None)
    }

    /// Tells whether a word of a query that is long enough to mean something stands in a name, a
    /// text, a path or a commit's message.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn knows_any_word(&self, query: &str) -> Result<bool> {
        let Some((searcher, fields)) = &self.searcher else {
            return Ok(false);
        };
        let long = |word: &String| !word.is_ascii() || word.len() >= 4;
        for word in super::words::terms::of_query(query)
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

    /// Searches with a part of the search left out, to measure what that part is good for.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn search_without(&self, query: &str, top: usize, part: SearchPart) -> Result<Vec<Hit>> {
        super::search::search(self, query, top, Some(part))
    }

    /// Returns the candidates for a query with their features, for who learns to rank them: JSON
    /// with `features` (their names), `files` (path, and each piece's first and last line) and
    /// `candidates` (file, piece, and the features).
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn candidates(&self, query: &str) -> Result<serde_json::Value> {
        super::search::candidates(self, query)
    }

    /// Adds the meaning of its pieces to an index, so that they are searched by it too.
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

    /// Names the model that searches by meaning, and how far it has come; none without a model.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn coverage(&self) -> Result<Option<(String, Coverage)>> {
        let Some(meaning) = &self.meaning else {
            return Ok(None);
        };
        Ok(Some((meaning.model().to_owned(), meaning.coverage(self)?)))
    }

    /// Returns the pieces side by side; none for an index of nothing.
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

    /// Returns the pieces that hold a term, `most` at most. Those that cannot be read are left out: whoever builds
    /// or searches finds the damage and says it.
    fn pieces(&self, term: Term, most: usize) -> Vec<Hit> {
        let Some((searcher, fields)) = &self.searcher else {
            return Vec::new();
        };
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let Ok(found) = searcher.search(&query, &DocSetCollector) else {
            return Vec::new();
        };
        // In one order, so that the same ones are taken where there are many.
        let found: std::collections::BTreeSet<_> = found.into_iter().collect();
        found
            .into_iter()
            .filter_map(|address| {
                let document: TantivyDocument = searcher.doc(address).ok()?;
                read_piece(&document, *fields, 0.0)
            })
            // The pieces of other parts of the repository are in the same index.
            .filter(|hit| self.contains(&hit.path))
            .take(most)
            .collect()
    }
}

/// Reads a stored piece as a hit; none if a field is missing.
pub(super) fn read_piece(document: &TantivyDocument, fields: Fields, score: f32) -> Option<Hit> {
    let path = RepoPath::new(document.get_first(fields.path)?.as_str()?).ok()?;
    let line = |field| {
        document
            .get_first(field)
            .and_then(|v| v.as_u64())
            .map(|n| n as u32)
    };
    // Not every piece is of a definition, and the longest ones are not stored.
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
        namesakes: 0,
    })
}

/// Puts an error of tantivy's under a sentence that says what was being done.
pub(super) fn failed(what: &str, error: &tantivy::TantivyError) -> Failure {
    Failure::environment(what)
        .because(error)
        .hint("`homebody index --rebuild` makes the index anew")
}
