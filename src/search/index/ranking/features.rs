//! The features of a candidate, by which it is ranked: one row of numbers a piece.

mod row;

use std::collections::{HashMap, HashSet};

use tantivy::Searcher;

use self::row::Most;
use crate::base::{OrBug, Result};
pub(in crate::index) use crate::index::ranking::feature_names::{COUNT, NAMES};
use crate::index::snapshot::Fields;
use crate::index::table::Table;
use crate::index::views::{View, Views, find, score_of};
use crate::index::words::terms;
use crate::index::{FileClass, class};

/// Candidates that are looked at closely.
const CANDIDATES: usize = 400;
/// Candidates that are found by their meaning alone.
const NEAREST: usize = 40;
/// Least nearness in meaning of a candidate that holds no word of the query.
const ALONE: f32 = 0.3;
/// Place of `first_rel` in [`NAMES`]: the first guess, as a share of the best one.
const FIRST_REL: usize = 19;

/// A piece that may be an answer, with its features.
#[derive(Debug, Clone)]
pub(in crate::index) struct Candidate {
    /// Number of the piece in the table.
    pub piece: u32,
    /// Features in the order of [`NAMES`].
    pub row: [f32; COUNT],
}

impl Candidate {
    /// The first guess, as a share of the best one of the query, 0 to 1.
    pub(in crate::index) fn guessed(&self) -> f32 {
        self.row[FIRST_REL]
    }
}

/// All that the candidates of one query are seen against.
pub(in crate::index) struct Scene<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    table: &'a Table,
    views: &'a Views,
    /// Nearness in meaning of each piece; empty without a model.
    alike: &'a [f32],
    /// The first guess of each piece, by the views alone.
    first: Vec<f32>,
    most: Most,
    /// Pieces named exactly as identifiers of the query, and how many of those name it.
    exact: HashMap<u32, u32>,
    /// Number of identifiers in the query.
    identifiers: usize,
}

/// Features of a file as a whole, which each of its pieces takes over.
#[derive(Default, Clone)]
struct OfFile {
    /// The best first guess of the file's pieces.
    best: f32,
    /// Sum of the three best first guesses.
    three: f32,
    /// Number of pieces whose first guess is above 0.
    matching: f32,
    /// Sum of the first guesses of all pieces.
    sum: f32,
    /// Rank among the files of the wanted classes, from 0.
    rank: f32,
    /// Largest number of commits that touched one of the pieces.
    touched: f32,
    /// Time of the last commit that touched a piece, in seconds since 1970.
    last: u64,
    /// Score of the tests that are named after the file.
    tests: f32,
    /// Score of the best file of the folder less the file's own.
    folder: f32,
    /// Number of the last line.
    lines: f32,
}

impl<'a> Scene<'a> {
    /// Makes the first guess for every piece.
    pub(in crate::index) fn new(
        searcher: &'a Searcher,
        fields: Fields,
        table: &'a Table,
        (views, alike): (&'a Views, &'a [f32]),
        query: &str,
    ) -> Result<Self> {
        let mut exact: HashMap<u32, u32> = HashMap::new();
        let identifiers = terms::identifiers(query);
        for name in &identifiers {
            for (piece, _) in find(searcher, fields.exact, table, name)? {
                *exact.entry(piece).or_default() += 1;
            }
        }
        let mut first = vec![0.0; table.rows.len()];
        for (piece, (row, first)) in (0_u32..).zip(table.rows.iter().zip(&mut first)) {
            let words = views.of(View::Body, piece)
                + 0.4 * views.of(View::Name, piece)
                + 0.2 * views.of(View::Signature, piece)
                + 0.2 * views.of(View::Told, piece);
            if words <= 0.0 && !exact.contains_key(&piece) {
                continue;
            }
            // Only pieces that are there have words, and those have a file.
            let of_file = |scores: &[f32]| score_of(scores, row.file);
            *first = words
                + 0.5 * views.of(View::Pairs, piece)
                + 0.3 * score_of(&views.heads, piece)
                + 0.6 * of_file(&views.files)
                + 0.3 * of_file(&views.files_heads)
                + 0.3 * of_file(&views.files_pairs)
                + 0.4 * of_file(&views.places)
                + 0.1 * of_file(&views.files_told)
                + 0.5 * exact.get(&piece).map_or(0.0, |n| (*n as f32).min(2.0));
        }
        Ok(Self {
            searcher,
            fields,
            table,
            views,
            alike,
            most: Most::of(views, &first),
            first,
            exact,
            identifiers: identifiers.len(),
        })
    }

    /// Returns the likeliest pieces of files of the wanted classes, with their features.
    pub(in crate::index) fn candidates(
        &self,
        wanted: impl Fn(FileClass) -> bool,
    ) -> Result<Vec<Candidate>> {
        let pieces = self.likeliest(&wanted);
        let files = self.files(&wanted);
        let mut in_file: HashMap<u32, usize> = HashMap::new();
        let mut candidates = Vec::with_capacity(pieces.len());
        for (rank, piece) in pieces.into_iter().enumerate() {
            let seen = in_file.entry(self.table.row(piece).file).or_default();
            let row = self.row(piece, (rank, *seen), &files)?;
            *seen += 1;
            candidates.push(Candidate { piece, row });
        }
        Ok(candidates)
    }

    /// Returns the pieces with the best first guesses, best first; behind them those that no word
    /// finds, but meaning does.
    fn likeliest(&self, wanted: &impl Fn(FileClass) -> bool) -> Vec<u32> {
        let of_class = |piece: &u32| {
            let file = self.table.file_of(self.table.row(*piece));
            file.is_some_and(|file| wanted(file.class))
        };
        let mut pieces: Vec<u32> = (0..self.table.rows.len() as u32)
            .filter(|piece| self.guess(*piece) > 0.0 && of_class(piece))
            .collect();
        let better = |a: &u32, b: &u32| {
            self.guess(*b)
                .total_cmp(&self.guess(*a))
                .then_with(|| self.place(*a).cmp(&self.place(*b)))
        };
        if pieces.len() > CANDIDATES {
            pieces.select_nth_unstable_by(CANDIDATES, better);
            pieces.truncate(CANDIDATES);
        }
        pieces.sort_by(better);
        let known: HashSet<u32> = pieces.iter().copied().collect();
        let mut nearest: Vec<(u32, f32)> = (0_u32..)
            .zip(self.alike.iter().copied())
            .filter(|(piece, alike)| *alike >= ALONE && !known.contains(piece) && of_class(piece))
            .collect();
        nearest.sort_by(|a, b| {
            b.1.total_cmp(&a.1)
                .then_with(|| self.place(a.0).cmp(&self.place(b.0)))
        });
        pieces.extend(nearest.iter().take(NEAREST).map(|(piece, _)| *piece));
        pieces
    }

    /// The first guess of a piece.
    fn guess(&self, piece: u32) -> f32 {
        score_of(&self.first, piece)
    }

    /// File and lines of a piece, for an order that does not depend on how the index came about.
    fn place(&self, piece: u32) -> (u32, u32, u32) {
        let row = self.table.row(piece);
        (row.file, row.start, row.end)
    }

    /// Returns the features of each file of the table. Ranks, folders and tests are told only of
    /// files of the wanted classes.
    fn files(&self, wanted: &impl Fn(FileClass) -> bool) -> Vec<OfFile> {
        let mut files = vec![OfFile::default(); self.table.files.len()];
        let mut folders: HashMap<&str, f32> = HashMap::new();
        let mut tests: HashMap<String, f32> = HashMap::new();
        let mut order: Vec<(f32, usize)> = Vec::new();
        let scored = self.table.files.iter().zip(&self.views.files);
        for (number, ((file, score), of)) in scored.zip(&mut files).enumerate() {
            let score = *score;
            let mut best: [f32; 3] = [0.0; 3];
            for piece in &file.rows {
                let row = self.table.row(*piece);
                of.touched = of.touched.max(row.touched as f32);
                of.last = of.last.max(row.last);
                of.lines = of.lines.max(row.end as f32);
                let guess = self.guess(*piece);
                of.sum += guess;
                of.matching += f32::from(u8::from(guess > 0.0));
                let mut rest = guess;
                for slot in &mut best {
                    if rest > *slot {
                        std::mem::swap(slot, &mut rest);
                    }
                }
            }
            of.best = best[0];
            of.three = best.iter().sum();
            if wanted(file.class) {
                order.push((score, number));
                let folder = folders.entry(file.path.folder()).or_default();
                *folder = folder.max(score);
            } else if file.class == FileClass::Test {
                let slot = tests.entry(class::subject(file.path.as_str())).or_default();
                *slot = slot.max(score);
            }
        }
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        for (rank, (score, number)) in order.into_iter().enumerate() {
            if let (Some(of), Some(file)) = (files.get_mut(number), self.table.files.get(number)) {
                of.rank = rank as f32;
                let best = folders.get(file.path.folder()).copied();
                of.folder = best.or_bug("a file stands in no folder") - score;
                // Most files have no tests that are named after them.
                of.tests = tests
                    .get(&class::subject(file.path.as_str()))
                    .copied()
                    .unwrap_or(0.0);
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_guess_stands_where_it_is_looked_for() {
        assert_eq!(NAMES[FIRST_REL], "first_rel");
    }
}
