//! The texts that a view compares with a query, and which of them have a word.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings as _;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet as _, Searcher, TERMINATED, Term};

use super::View;
use crate::base::{Failure, OrBug, Result};
use crate::index::snapshot::failed;
use crate::index::table::{GONE, Table};

/// The pieces that have a word in one field, and how often each has it.
pub(super) type Found = Vec<(u32, f32)>;

/// A word of a query, and the pieces that have it in the field at hand.
pub(super) struct Word {
    /// Place of the word in the query: its bit in sets of words.
    pub bit: usize,
    /// True if the scores of the query's first line count it too.
    pub head: bool,
    /// The pieces that have the word.
    pub found: Found,
}

/// The texts that one view compares with a query: pieces, and files as one text each.
pub(super) struct Texts<'a> {
    table: &'a Table,
    /// The view at hand.
    pub view: View,
    lengths: Lengths,
    /// Words of a piece on average, at least 1.
    pub average: f32,
    /// Words of each file; empty for views that have no files.
    pub of_files: Vec<f32>,
    /// Words of a file on average, at least 1.
    pub average_file: f32,
    /// For each file, how often it has the word at hand; all 0 between two words.
    sums: Vec<f32>,
}

impl<'a> Texts<'a> {
    /// Reads the lengths of the texts of a view, whose field this is.
    pub(super) fn read(
        searcher: &Searcher,
        field: Field,
        table: &'a Table,
        view: View,
    ) -> Result<Self> {
        let lengths = Lengths::read(searcher, field)?;
        let pieces = table.rows.len() as f32;
        let average = (lengths.total as f32 / pieces.max(1.0)).max(1.0);
        let files = if view.has_files() {
            table.files.len()
        } else {
            0
        };
        let mut of_files = vec![0_f32; files];
        if view.has_files() {
            for (piece, row) in table.rows.iter().enumerate() {
                // Pieces that were taken out have no file.
                if let Some(length) = of_files.get_mut(row.file as usize) {
                    *length += lengths.of(table, piece as u32) as f32;
                }
            }
        }
        let count = of_files.len() as f32;
        let average_file = (of_files.iter().sum::<f32>() / count.max(1.0)).max(1.0);
        Ok(Self {
            table,
            view,
            lengths,
            average,
            sums: vec![0.0; of_files.len()],
            of_files,
            average_file,
        })
    }

    /// Number of words that a piece has in the view's field.
    pub(super) fn length(&self, piece: u32) -> f32 {
        self.lengths.of(self.table, piece) as f32
    }

    /// Number of pieces.
    pub(super) fn pieces(&self) -> f32 {
        self.table.rows.len() as f32
    }

    /// Number of files; 0 for views that have none.
    pub(super) fn files(&self) -> f32 {
        self.of_files.len() as f32
    }

    /// Adds up by file how often its pieces have a word: files in the order in which they are
    /// first met, and the sums.
    pub(super) fn by_file(&mut self, found: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let mut touched: Vec<u32> = Vec::new();
        for (piece, times) in found {
            let file = self.table.row(*piece).file;
            if let Some(sum) = self.sums.get_mut(file as usize) {
                if *sum == 0.0 {
                    touched.push(file);
                }
                *sum += times;
            }
        }
        touched
            .into_iter()
            .filter_map(|file| {
                let sum = self.sums.get_mut(file as usize)?;
                Some((file, std::mem::take(sum)))
            })
            .collect()
    }
}

/// Numbers of words that pieces have in a field.
struct Lengths {
    readers: Vec<FieldNormReader>,
    /// Words of all pieces together.
    total: u64,
}

impl Lengths {
    fn read(searcher: &Searcher, field: Field) -> Result<Self> {
        let damaged = |e: tantivy::TantivyError| failed("the index cannot be read", &e);
        let mut readers = Vec::new();
        let mut total = 0;
        for segment in searcher.segment_readers() {
            readers.push(segment.get_fieldnorms_reader(field).map_err(damaged)?);
            total += segment
                .inverted_index(field)
                .map_err(damaged)?
                .total_num_tokens();
        }
        if readers.is_empty() && !searcher.segment_readers().is_empty() {
            return Err(Failure::bug("a field has no lengths"));
        }
        Ok(Self { readers, total })
    }

    fn of(&self, table: &Table, piece: u32) -> u32 {
        let (segment, doc) = table.address(piece);
        let length = self
            .readers
            .get(segment)
            .map(|reader| reader.fieldnorm(doc));
        length.or_bug("a segment has no lengths")
    }
}

/// Returns the pieces that have a word in a field; those that were taken out are left out.
pub(in crate::index) fn find(
    searcher: &Searcher,
    field: Field,
    table: &Table,
    word: &str,
) -> Result<Found> {
    let damaged = |e: tantivy::TantivyError| failed("the index cannot be read", &e);
    let term = Term::from_field_text(field, word);
    let mut found = Vec::new();
    for (number, segment) in searcher.segment_readers().iter().enumerate() {
        let inverted = segment.inverted_index(field).map_err(damaged)?;
        let Some(mut postings) = inverted
            .read_postings(&term, IndexRecordOption::WithFreqs)
            .map_err(|e| damaged(e.into()))?
        else {
            continue;
        };
        let mut doc = postings.doc();
        while doc != TERMINATED {
            let piece = table.number(number, doc);
            if table.row(piece).file != GONE {
                found.push((piece, postings.term_freq() as f32));
            }
            doc = postings.advance();
        }
    }
    Ok(found)
}
