//! The views of a query on an index: how well each piece and each file fits it, by the words
//! of one field at a time.
//!
//! BM25 (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75), each view divided by the sum of the
//! query's weights, so that values of different queries compare.

mod texts;

use std::collections::HashMap;

use tantivy::Searcher;

use self::texts::{Texts, Word};
use super::search::SearchPart;
use super::snapshot::Fields;
use super::table::Table;
use super::words::terms;
use crate::base::{OrBug, Result};

pub(super) use self::texts::find;

/// BM25's `k1`: how soon more of the same word says no more.
const K1: f32 = 1.2;
/// BM25's `b`: how much the length of a text counts.
const B: f32 = 0.75;
/// Words of a query that are looked at: as many as a set of bits holds.
pub(super) const MOST_WORDS: usize = 128;

/// The fields of pieces that are views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// All words of the piece.
    Body,
    /// The name of what is defined, and the names around it.
    Name,
    /// The first line of code of what is defined.
    Signature,
    /// The words of commits that touched the piece.
    Told,
    /// Neighbouring words of the body.
    Pairs,
}

impl View {
    /// True for views that see each file as one text too.
    const fn has_files(self) -> bool {
        matches!(self, Self::Body | Self::Told | Self::Pairs)
    }
}

/// All views, in the order of [`Views::pieces`].
pub(super) const VIEWS: [View; 5] = [
    View::Body,
    View::Name,
    View::Signature,
    View::Told,
    View::Pairs,
];

/// Scores of all pieces and files for one query.
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
    /// By piece: its body, for the first line of the query alone, which says most.
    pub heads: Vec<f32>,
    /// By file: all of its words, for the first line of the query alone.
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

/// The words of a query as the index has them: what is looked up.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Words of the query, each once.
    pub words: Vec<String>,
    /// Set of the words that are in the query's first line: bit `i` for word `i`.
    pub heads: u128,
    /// Neighbouring words of the query.
    pub pairs: Vec<String>,
}

impl Asked {
    /// Cuts a query into words.
    pub(super) fn new(query: &str) -> Self {
        let mut words = terms::of_query(query);
        words.truncate(MOST_WORDS);
        // An empty query has no line.
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
    pub(super) fn forget(&mut self, part: SearchPart) {
        match part {
            SearchPart::Name => {
                self.scores_mut(View::Name).fill(0.0);
                self.named.clear();
            }
            SearchPart::Signature => self.scores_mut(View::Signature).fill(0.0),
            SearchPart::Told => {
                self.scores_mut(View::Told).fill(0.0);
                self.files_told.fill(0.0);
            }
            SearchPart::Pairs => {
                self.scores_mut(View::Pairs).fill(0.0);
                self.files_pairs.fill(0.0);
            }
            SearchPart::Heads => {
                self.heads.fill(0.0);
                self.files_heads.fill(0.0);
            }
            SearchPart::Paths => {
                self.places.fill(0.0);
                self.places_words.fill(0);
            }
            SearchPart::Files => self.files.fill(0.0),
            SearchPart::Meaning | SearchPart::Past | SearchPart::Named | SearchPart::Ranker => {}
        }
    }

    /// Returns the weight of a set of words as a share of the weight of all words, 0 to 1.
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

    /// Looks up all words of a query in the field of one view.
    fn look(
        &mut self,
        searcher: &Searcher,
        fields: Fields,
        table: &Table,
        asked: &Asked,
        view: View,
    ) -> Result<()> {
        let (words, field) = match view {
            View::Body => (&asked.words, fields.body),
            View::Name => (&asked.words, fields.name),
            View::Signature => (&asked.words, fields.signature),
            View::Told => (&asked.words, fields.told),
            View::Pairs => (&asked.pairs, fields.pairs),
        };
        let mut texts = Texts::read(searcher, field, table, view)?;
        let mut totals = Totals::default();
        for (bit, word) in words.iter().enumerate() {
            let word = Word {
                bit,
                head: view == View::Body && asked.heads >> bit & 1 == 1,
                found: find(searcher, field, table, word)?,
            };
            if word.found.is_empty() {
                self.add_unknown(&texts, &word, &mut totals);
                continue;
            }
            self.add_to_pieces(&texts, &word, &mut totals);
            if view.has_files() {
                self.add_to_files(&mut texts, &word, &mut totals);
            }
        }
        self.divide(view, &totals);
        Ok(())
    }

    /// Counts a word that is nowhere like one that is in one place, so that what holds the other
    /// words does not look complete.
    fn add_unknown(&mut self, texts: &Texts<'_>, word: &Word, totals: &mut Totals) {
        let (of_pieces, of_files) = (weight(texts.pieces(), 1.0), weight(texts.files(), 1.0));
        totals.pieces += of_pieces;
        totals.files += of_files;
        if word.head {
            totals.heads += of_pieces;
            totals.files_heads += of_files;
        }
        if texts.view == View::Body {
            self.set_weight(word.bit, of_files);
        }
    }

    /// Adds to each piece that has a word what it says of that piece.
    fn add_to_pieces(&mut self, texts: &Texts<'_>, word: &Word, totals: &mut Totals) {
        let view = texts.view;
        let this = weight(texts.pieces(), word.found.len() as f32);
        totals.pieces += this;
        totals.heads += if word.head { this } else { 0.0 };
        for (piece, times) in &word.found {
            let at = *piece as usize;
            let length = texts.length(*piece);
            let value = this * saturated(*times, length / texts.average);
            if let Some(score) = self.scores_mut(view).get_mut(at) {
                *score += value;
            }
            if word.head
                && let Some(score) = self.heads.get_mut(at)
            {
                *score += value;
            }
            if !matches!(view, View::Told | View::Pairs)
                && let Some(words) = self.words.get_mut(at)
            {
                *words |= 1 << word.bit;
            }
            if view == View::Name {
                let named = self.named.entry(*piece).or_insert((0, length as u32));
                named.0 += 1;
            }
        }
    }

    /// Adds to each file that has a word what it says of the file as one text.
    fn add_to_files(&mut self, texts: &mut Texts<'_>, word: &Word, totals: &mut Totals) {
        let view = texts.view;
        let touched = texts.by_file(&word.found);
        let this = weight(texts.files(), touched.len() as f32);
        totals.files += this;
        totals.files_heads += if word.head { this } else { 0.0 };
        if view == View::Body {
            self.set_weight(word.bit, this);
        }
        for (file, times) in touched {
            let at = file as usize;
            let Some(length) = texts.of_files.get(at) else {
                continue;
            };
            let value = this * saturated(times, length / texts.average_file);
            if word.head
                && let Some(score) = self.files_heads.get_mut(at)
            {
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
                *words |= 1 << word.bit;
            }
        }
    }

    /// Divides the scores of a view by the sums of the weights of the query's words.
    fn divide(&mut self, view: View, totals: &Totals) {
        scale(self.scores_mut(view), totals.pieces);
        match view {
            View::Body => {
                scale(&mut self.files, totals.files);
                scale(&mut self.heads, totals.heads);
                scale(&mut self.files_heads, totals.files_heads);
            }
            View::Pairs => scale(&mut self.files_pairs, totals.files),
            View::Told => scale(&mut self.files_told, totals.files),
            View::Name | View::Signature => {}
        }
    }

    /// Compares the paths of files with the words of a query. Paths are few and short: they are
    /// read as they are.
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
                let length = score_of(&lengths, *number);
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

    /// Scores of all pieces by one view.
    fn scores(&self, view: View) -> &[f32] {
        let [body, name, signature, told, pairs] = &self.pieces;
        match view {
            View::Body => body.as_slice(),
            View::Name => name.as_slice(),
            View::Signature => signature.as_slice(),
            View::Told => told.as_slice(),
            View::Pairs => pairs.as_slice(),
        }
    }

    /// Scores of all pieces by one view, to be changed.
    fn scores_mut(&mut self, view: View) -> &mut [f32] {
        let [body, name, signature, told, pairs] = &mut self.pieces;
        match view {
            View::Body => body.as_mut_slice(),
            View::Name => name.as_mut_slice(),
            View::Signature => signature.as_mut_slice(),
            View::Told => told.as_mut_slice(),
            View::Pairs => pairs.as_mut_slice(),
        }
    }

    fn set_weight(&mut self, bit: usize, weight: f32) {
        if let Some(slot) = self.weights.get_mut(bit) {
            *slot = weight;
        }
    }

    /// Returns how well a piece fits by one view.
    pub(super) fn of(&self, view: View, piece: u32) -> f32 {
        score_of(self.scores(view), piece)
    }
}

/// Returns the entry of a piece or a file in a list that has one for each of them.
pub(super) fn score_of<T: Copy + Default>(scores: &[T], number: u32) -> T {
    let score = scores.get(number as usize).copied();
    score.or_bug("a piece or a file has no score")
}

/// Weight of a word that is in `with` texts of `all` (the inverse document frequency of BM25).
fn weight(all: f32, with: f32) -> f32 {
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

/// Returns how much it says that a text of `length` average lengths has a word `times` times (the
/// saturated term frequency of BM25).
fn saturated(times: f32, length: f32) -> f32 {
    times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length))
}

/// Divides scores by the sum of the weights, where there are any.
fn scale(scores: &mut [f32], total: f32) {
    if total > 0.0 {
        for score in scores {
            *score /= total;
        }
    }
}

/// Sums of the weights of a query's words, by which scores are divided.
#[derive(Default)]
struct Totals {
    pieces: f32,
    files: f32,
    /// Sums over the words of the first line alone.
    heads: f32,
    files_heads: f32,
}
