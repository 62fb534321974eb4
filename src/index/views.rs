//! The views of a query on an index: how well each piece and each file fits it, by the words
//! of one field at a time.
//!
//! BM25 (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75), each view divided by the sum of the
//! query's weights, so that values of different queries compare.

use std::collections::HashMap;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings as _;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet as _, Searcher, TERMINATED, Term};

use super::search::Part;
use super::snapshot::{Fields, failed};
use super::table::{GONE, Table};
use super::terms;
use crate::base::{Failure, Result};

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Words of a query that are looked at: as many as a set of bits holds.
pub(super) const MOST_WORDS: usize = 128;

/// The fields of pieces that are views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// All of its words.
    Body,
    /// The name of what is defined, and the names around it.
    Name,
    /// Its first line of code.
    Signature,
    /// The words of commits that touched it.
    Told,
    /// Neighbouring words of its body.
    Pairs,
}

/// All of them.
pub(super) const VIEWS: [View; 5] = [
    View::Body,
    View::Name,
    View::Signature,
    View::Told,
    View::Pairs,
];

/// How everything fits one query.
pub(super) struct Views {
    /// By view, then by piece.
    pub pieces: [Vec<f32>; VIEWS.len()],
    /// By piece: which words are in its body, name or signature.
    pub words: Vec<u128>,
    /// By piece: how many words of its name are words of the query, of how many.
    pub named: HashMap<u32, (u32, u32)>,
    /// By file: all of its words taken together.
    pub files: Vec<f32>,
    /// By file: the words of commits.
    pub files_told: Vec<f32>,
    /// By file: neighbouring words.
    pub files_pairs: Vec<f32>,
    /// By piece: its words, for the first line of the query alone, which says most.
    pub heads: Vec<f32>,
    /// By file: the same.
    pub files_heads: Vec<f32>,
    /// By file: the words of its path.
    pub places: Vec<f32>,
    /// By file: which words are in it or its path.
    pub files_words: Vec<u128>,
    /// By file: which words are in its path.
    pub places_words: Vec<u128>,
    /// The weight of each word, by how few files have it.
    pub weights: Vec<f32>,
}

/// What is looked up: the words of a query as the index has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Its words, each once.
    pub words: Vec<String>,
    /// Which of them are in its first line.
    pub heads: u128,
    /// Its neighbouring words.
    pub pairs: Vec<String>,
}

impl Asked {
    /// Cuts a query into words.
    pub(super) fn new(query: &str) -> Self {
        let mut words = terms::of_query(query);
        words.truncate(MOST_WORDS);
        let first = query.trim_start().lines().next().unwrap_or("");
        let mut heads = 0;
        terms::each(first, |word| {
            if let Some(bit) = words.iter().position(|known| known == word) {
                heads |= 1 << bit;
            }
        });
        Self {
            words,
            heads,
            pairs: terms::pairs_of_query(query),
        }
    }
}

/// A word in one field: pieces that have it, and how often.
type Found = Vec<(u32, f32)>;

impl Views {
    /// Looks up all words of a query.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub(super) fn new(
        searcher: &Searcher,
        fields: Fields,
        table: &Table,
        asked: &Asked,
    ) -> Result<Self> {
        let words = &asked.words;
        let pieces = table.rows.len();
        let files = table.files.len();
        let mut views = Self {
            pieces: std::array::from_fn(|_| vec![0.0; pieces]),
            words: vec![0; pieces],
            named: HashMap::new(),
            files: vec![0.0; files],
            files_told: vec![0.0; files],
            files_pairs: vec![0.0; files],
            heads: vec![0.0; pieces],
            files_heads: vec![0.0; files],
            places: vec![0.0; files],
            files_words: vec![0; files],
            places_words: vec![0; files],
            weights: vec![0.0; words.len()],
        };
        for view in VIEWS {
            views.look(searcher, fields, table, asked, view)?;
        }
        views.look_at_paths(table, words);
        Ok(views)
    }

    /// Takes out what one part of the search adds.
    pub(super) fn forget(&mut self, part: Part) {
        let mut clear = |view: View| {
            if let Some(scores) = self.pieces.get_mut(view as usize) {
                scores.fill(0.0);
            }
        };
        match part {
            Part::Name => {
                clear(View::Name);
                self.named.clear();
            }
            Part::Signature => clear(View::Signature),
            Part::Told => {
                clear(View::Told);
                self.files_told.fill(0.0);
            }
            Part::Pairs => {
                clear(View::Pairs);
                self.files_pairs.fill(0.0);
            }
            Part::Heads => {
                self.heads.fill(0.0);
                self.files_heads.fill(0.0);
            }
            Part::Paths => {
                self.places.fill(0.0);
                self.places_words.fill(0);
            }
            Part::Files => self.files.fill(0.0),
            Part::Meaning | Part::Past | Part::Ranker => {}
        }
    }

    /// The weight of a set of words, of that of all.
    pub(super) fn share(&self, words: u128) -> f32 {
        let all: f32 = self.weights.iter().sum();
        let some: f32 = self
            .weights
            .iter()
            .enumerate()
            .filter(|(bit, _)| words >> bit & 1 == 1)
            .map(|(_, weight)| weight)
            .sum();
        if all > 0.0 { some / all } else { 0.0 }
    }

    fn look(
        &mut self,
        searcher: &Searcher,
        fields: Fields,
        table: &Table,
        asked: &Asked,
        view: View,
    ) -> Result<()> {
        let words = match view {
            View::Pairs => &asked.pairs,
            _ => &asked.words,
        };
        let field = match view {
            View::Body => fields.body,
            View::Name => fields.name,
            View::Signature => fields.signature,
            View::Told => fields.told,
            View::Pairs => fields.pairs,
        };
        let lengths = Lengths::read(searcher, field)?;
        let whole = matches!(view, View::Body | View::Told | View::Pairs);
        let pieces = table.rows.len() as f32;
        let average = (lengths.total as f32 / pieces.max(1.0)).max(1.0);
        // Files as one text each.
        let mut of_files = vec![0_f32; if whole { table.files.len() } else { 0 }];
        if whole {
            for (piece, row) in table.rows.iter().enumerate() {
                if let Some(length) = of_files.get_mut(row.file as usize) {
                    *length += lengths.of(table, piece as u32) as f32;
                }
            }
        }
        let count = of_files.len() as f32;
        let average_file = (of_files.iter().sum::<f32>() / count.max(1.0)).max(1.0);
        let mut sums = vec![0_f32; of_files.len()];
        let mut total = 0.0;
        let mut total_files = 0.0;
        let (mut total_heads, mut total_files_heads) = (0.0, 0.0);
        for (bit, word) in words.iter().enumerate() {
            let head = view == View::Body && asked.heads >> bit & 1 == 1;
            let found = find(searcher, field, table, word)?;
            if found.is_empty() {
                // A word that is nowhere weighs like one that is in one place, so that what
                // holds the other words does not look complete.
                total += weight(pieces, 1.0);
                total_files += weight(count, 1.0);
                if head {
                    total_heads += weight(pieces, 1.0);
                    total_files_heads += weight(count, 1.0);
                }
                if view == View::Body {
                    self.set_weight(bit, weight(count, 1.0));
                }
                continue;
            }
            let this = weight(pieces, found.len() as f32);
            total += this;
            total_heads += if head { this } else { 0.0 };
            for (piece, times) in &found {
                let length = lengths.of(table, *piece) as f32;
                let value = this * saturated(*times, length / average);
                if let Some(score) = self.score(view, *piece) {
                    *score += value;
                }
                if head && let Some(score) = self.heads.get_mut(*piece as usize) {
                    *score += value;
                }
                if !matches!(view, View::Told | View::Pairs)
                    && let Some(words) = self.words.get_mut(*piece as usize)
                {
                    *words |= 1 << bit;
                }
                if view == View::Name {
                    let named = self.named.entry(*piece).or_insert((0, length as u32));
                    named.0 += 1;
                }
            }
            if !whole {
                continue;
            }
            let mut touched: Vec<u32> = Vec::new();
            for (piece, times) in &found {
                let Some(row) = table.rows.get(*piece as usize) else {
                    continue;
                };
                if let Some(sum) = sums.get_mut(row.file as usize) {
                    if *sum == 0.0 {
                        touched.push(row.file);
                    }
                    *sum += times;
                }
            }
            let this = weight(count, touched.len() as f32);
            total_files += this;
            total_files_heads += if head { this } else { 0.0 };
            if view == View::Body {
                self.set_weight(bit, this);
            }
            for file in touched {
                let at = file as usize;
                let (Some(sum), Some(length)) = (sums.get_mut(at), of_files.get(at)) else {
                    continue;
                };
                let value = this * saturated(std::mem::take(sum), length / average_file);
                if head && let Some(score) = self.files_heads.get_mut(at) {
                    *score += value;
                }
                let scores = match view {
                    View::Body => &mut self.files,
                    View::Told => &mut self.files_told,
                    _ => &mut self.files_pairs,
                };
                if let Some(score) = scores.get_mut(at) {
                    *score += value;
                }
                if view == View::Body
                    && let Some(words) = self.files_words.get_mut(at)
                {
                    *words |= 1 << bit;
                }
            }
        }
        let scores = self.pieces.get_mut(view as usize);
        scale(scores.map_or(&mut [], Vec::as_mut_slice), total);
        match view {
            View::Body => {
                scale(&mut self.files, total_files);
                scale(&mut self.heads, total_heads);
                scale(&mut self.files_heads, total_files_heads);
            }
            View::Pairs => scale(&mut self.files_pairs, total_files),
            View::Told => scale(&mut self.files_told, total_files),
            _ => {}
        }
        Ok(())
    }

    /// Paths are few and short: they are read as they are.
    fn look_at_paths(&mut self, table: &Table, words: &[String]) {
        let numbers: HashMap<&str, usize> = words
            .iter()
            .enumerate()
            .map(|(bit, word)| (word.as_str(), bit))
            .collect();
        let mut found: Vec<Vec<(u32, f32)>> = vec![Vec::new(); words.len()];
        let mut lengths = Vec::with_capacity(table.files.len());
        for (number, file) in table.files.iter().enumerate() {
            let mut length = 0_u32;
            terms::each(file.path.as_str(), |word| {
                length += 1;
                let Some(bit) = numbers.get(word) else {
                    return;
                };
                if let Some(list) = found.get_mut(*bit) {
                    match list.last_mut() {
                        Some((last, times)) if *last == number as u32 => *times += 1.0,
                        _ => list.push((number as u32, 1.0)),
                    }
                }
            });
            lengths.push(length as f32);
        }
        let count = lengths.len() as f32;
        let average = (lengths.iter().sum::<f32>() / count.max(1.0)).max(1.0);
        let mut total = 0.0;
        for (bit, list) in found.iter().enumerate() {
            let this = weight(count, (list.len() as f32).max(1.0));
            total += this;
            for (number, times) in list {
                let at = *number as usize;
                let length = lengths.get(at).copied().unwrap_or(1.0);
                if let Some(score) = self.places.get_mut(at) {
                    *score += this * saturated(*times, length / average);
                }
                for sets in [&mut self.places_words, &mut self.files_words] {
                    if let Some(words) = sets.get_mut(at) {
                        *words |= 1 << bit;
                    }
                }
            }
        }
        scale(&mut self.places, total);
    }

    fn score(&mut self, view: View, piece: u32) -> Option<&mut f32> {
        self.pieces.get_mut(view as usize)?.get_mut(piece as usize)
    }

    fn set_weight(&mut self, bit: usize, weight: f32) {
        if let Some(slot) = self.weights.get_mut(bit) {
            *slot = weight;
        }
    }

    /// How a piece fits by one view.
    pub(super) fn of(&self, view: View, piece: u32) -> f32 {
        self.pieces
            .get(view as usize)
            .and_then(|scores| scores.get(piece as usize))
            .copied()
            .unwrap_or(0.0)
    }
}

/// What a word says that is in `with` texts of `all`.
fn weight(all: f32, with: f32) -> f32 {
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

/// How much it says that a text of `length` average lengths has a word so many times.
fn saturated(times: f32, length: f32) -> f32 {
    times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length))
}

fn scale(scores: &mut [f32], total: f32) {
    if total > 0.0 {
        for score in scores {
            *score /= total;
        }
    }
}

/// The pieces that have a word in a field.
pub(super) fn find(searcher: &Searcher, field: Field, table: &Table, word: &str) -> Result<Found> {
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
            if table
                .rows
                .get(piece as usize)
                .is_some_and(|row| row.file != GONE)
            {
                found.push((piece, postings.term_freq() as f32));
            }
            doc = postings.advance();
        }
    }
    Ok(found)
}

/// How many words pieces have in a field.
struct Lengths {
    readers: Vec<FieldNormReader>,
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
        self.readers
            .get(segment)
            .map_or(0, |reader| reader.fieldnorm(doc))
    }
}
