//! What is told of a candidate before it is ranked: one row of numbers a piece.

use std::collections::{HashMap, HashSet};

use tantivy::Searcher;

pub(super) use super::feature_names::{COUNT, NAMES};
use super::snapshot::Fields;
use super::table::Table;
use super::views::{View, Views, find};
use super::{FileClass, SymbolKind, class, terms};
use crate::base::Result;

/// Candidates that are looked at closely.
const CANDIDATES: usize = 400;
/// A name that is used in more pieces than this says nothing about any of them.
const COMMON: usize = 300;
/// Candidates that are found by their meaning alone.
const NEAREST: usize = 40;
/// How near in meaning a piece must be that holds no word of the query.
const ALONE: f32 = 0.3;
/// Where the first guess stands among them, of the best one.
const FIRST_REL: usize = 19;

/// A candidate.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Its number in the table.
    pub piece: u32,
    /// What is told of it.
    pub row: [f32; COUNT],
}

impl Candidate {
    /// The first guess, of the best one of the query.
    pub(super) fn guessed(&self) -> f32 {
        self.row[FIRST_REL]
    }
}

/// All that the candidates of one query are seen against.
pub(super) struct Scene<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    table: &'a Table,
    views: &'a Views,
    /// How near each piece is in meaning; empty without a model.
    alike: &'a [f32],
    /// The first guess of each piece, by the views alone.
    first: Vec<f32>,
    most: Most,
    /// Pieces named exactly as an identifier of the query.
    exact: HashMap<u32, u32>,
    identifiers: usize,
}

/// What holds for a file as a whole.
#[derive(Default, Clone)]
struct OfFile {
    best: f32,
    three: f32,
    matching: f32,
    sum: f32,
    rank: f32,
    touched: f32,
    last: u64,
    tests: f32,
    folder: f32,
    lines: f32,
}

impl<'a> Scene<'a> {
    /// Makes the first guess for every piece.
    pub(super) fn new(
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
        for (piece, (row, first)) in table.rows.iter().zip(&mut first).enumerate() {
            let piece = piece as u32;
            let file = row.file as usize;
            let of_file = |scores: &[f32]| scores.get(file).copied().unwrap_or(0.0);
            let words = views.of(View::Body, piece)
                + 0.4 * views.of(View::Name, piece)
                + 0.2 * views.of(View::Signature, piece)
                + 0.2 * views.of(View::Told, piece);
            if words <= 0.0 && !exact.contains_key(&piece) {
                continue;
            }
            *first = words
                + 0.5 * views.of(View::Pairs, piece)
                + 0.3 * views.heads.get(piece as usize).copied().unwrap_or(0.0)
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

    /// The likeliest pieces of files of these classes, with what is told of them.
    pub(super) fn candidates(&self, wanted: impl Fn(FileClass) -> bool) -> Result<Vec<Candidate>> {
        let of_class = |piece: &u32| {
            let row = self.table.rows.get(*piece as usize);
            row.and_then(|row| self.table.files.get(row.file as usize))
                .is_some_and(|file| wanted(file.class))
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
        // What no word finds, meaning may.
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
        let files = self.files(&wanted);
        let query = [
            (self.views.weights.len() as f32).ln_1p(),
            (self.identifiers as f32).min(4.0),
            self.views.weights.iter().sum::<f32>() / (self.views.weights.len() as f32).max(1.0),
        ];
        let mut in_file: HashMap<u32, u32> = HashMap::new();
        let mut candidates = Vec::with_capacity(pieces.len());
        for (rank, piece) in pieces.iter().enumerate() {
            let row = self.row(*piece, rank, &mut in_file, &files, query)?;
            candidates.push(Candidate { piece: *piece, row });
        }
        Ok(candidates)
    }

    fn guess(&self, piece: u32) -> f32 {
        self.first.get(piece as usize).copied().unwrap_or(0.0)
    }

    /// For an order that does not depend on how the index came about.
    fn place(&self, piece: u32) -> (u32, u32, u32) {
        self.table
            .rows
            .get(piece as usize)
            .map_or((0, 0, 0), |row| (row.file, row.start, row.end))
    }

    fn files(&self, wanted: &impl Fn(FileClass) -> bool) -> Vec<OfFile> {
        let mut files = vec![OfFile::default(); self.table.files.len()];
        let mut folders: HashMap<&str, f32> = HashMap::new();
        let mut tests: HashMap<String, f32> = HashMap::new();
        let mut order: Vec<(f32, usize)> = Vec::new();
        for (number, (file, of)) in self.table.files.iter().zip(&mut files).enumerate() {
            let score = self.views.files.get(number).copied().unwrap_or(0.0);
            let mut best: [f32; 3] = [0.0; 3];
            for piece in &file.rows {
                let Some(row) = self.table.rows.get(*piece as usize) else {
                    continue;
                };
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
                of.folder = folders.get(file.path.folder()).copied().unwrap_or(0.0) - score;
                of.tests = tests
                    .get(&class::subject(file.path.as_str()))
                    .copied()
                    .unwrap_or(0.0);
            }
        }
        files
    }

    fn row(
        &self,
        piece: u32,
        rank: usize,
        in_file: &mut HashMap<u32, u32>,
        files: &[OfFile],
        query: [f32; 3],
    ) -> Result<[f32; COUNT]> {
        let mut out = [0.0; COUNT];
        let Some(row) = self.table.rows.get(piece as usize) else {
            return Ok(out);
        };
        let at = row.file as usize;
        let (views, most) = (self.views, &self.most);
        let file = files.get(at).cloned().unwrap_or_default();
        let of_file = |scores: &[f32]| scores.get(at).copied().unwrap_or(0.0);
        let body = views.of(View::Body, piece);
        let name = views.of(View::Name, piece);
        let signature = views.of(View::Signature, piece);
        let told = views.of(View::Told, piece);
        let pairs = views.of(View::Pairs, piece);
        let heads = views.heads.get(piece as usize).copied().unwrap_or(0.0);
        let (place, whole) = (of_file(&views.places), of_file(&views.files));
        let whole_told = of_file(&views.files_told);
        let words = views.words.get(piece as usize).copied().unwrap_or(0);
        let words_file = views.files_words.get(at).copied().unwrap_or(0);
        let words_place = views.places_words.get(at).copied().unwrap_or(0);
        let seen = in_file.entry(row.file).or_default();
        let rank_in_file = *seen as f32;
        *seen += 1;
        let first = self.guess(piece);
        let age = |last: u64| {
            if last == 0 {
                30.0
            } else {
                (self.table.newest.saturating_sub(last) as f32 / 86_400.0).ln_1p()
            }
        };
        let (used, users, users_best) = self.users(piece, row.file)?;
        let (before, after) = self.neighbours(piece, at);
        let named = views
            .named
            .get(&piece)
            .map_or(0.0, |(some, all)| *some as f32 / (*all).max(1) as f32);
        let path_words = self
            .table
            .files
            .get(at)
            .map_or(1, |file| terms::count(file.path.as_str()));
        let is = |kinds: &[SymbolKind]| {
            f32::from(u8::from(row.kind.is_some_and(|kind| kinds.contains(&kind))))
        };
        let values = [
            body,
            name,
            signature,
            told,
            place,
            whole,
            whole_told,
            relative(body, most.body),
            relative(name, most.name),
            relative(signature, most.signature),
            relative(told, most.told),
            relative(place, most.place),
            relative(whole, most.file),
            relative(whole_told, most.file_told),
            views.share(words),
            views.share(words_file),
            views.share(words | words_place),
            views.share(words_place),
            first,
            relative(first, most.first),
            (rank as f32).ln_1p(),
            file.rank.ln_1p(),
            rank_in_file.ln_1p(),
            relative(file.best, most.first),
            relative(file.three, 3.0 * most.first),
            file.matching.ln_1p(),
            relative(first, file.sum),
            self.exact.get(&piece).map_or(0.0, |n| *n as f32),
            named,
            words_place.count_ones() as f32 / path_words.max(1) as f32,
            ((row.end + 1).saturating_sub(row.start) as f32).ln(),
            is(&[SymbolKind::Function, SymbolKind::Method, SymbolKind::Macro]),
            is(&[SymbolKind::Type, SymbolKind::Enum, SymbolKind::Trait]),
            is(&[SymbolKind::Constant]),
            f32::from(u8::from(row.kind.is_none())),
            f32::from(u8::from(row.head)),
            (row.touched as f32).ln_1p(),
            age(row.last),
            file.touched.ln_1p(),
            age(file.last),
            used,
            users,
            users_best,
            file.folder,
            before,
            after,
            file.tests,
            query[0],
            query[1],
            query[2],
            file.lines.ln_1p(),
            (self.table.files.get(at).map_or(0, |f| f.rows.len()) as f32).ln_1p(),
            pairs,
            relative(pairs, most.pairs),
            of_file(&views.files_pairs),
            relative(of_file(&views.files_pairs), most.file_pairs),
            heads,
            relative(heads, most.heads),
            of_file(&views.files_heads),
            relative(of_file(&views.files_heads), most.file_heads),
            (row.start as f32).ln(),
            row.start as f32 / file.lines.max(1.0),
            f32::from(u8::from(row.start == 1)),
        ];
        out.copy_from_slice(&values);
        Ok(out)
    }

    /// Who else names what is defined here: how many, and how well the best of them fit.
    /// Names of one word are too common for that.
    fn users(&self, piece: u32, file: u32) -> Result<(f32, f32, f32)> {
        let Some(name) = self.table.name(piece) else {
            return Ok((0.0, 0.0, 0.0));
        };
        let Some(whole) = terms::whole(&name) else {
            return Ok((0.0, 0.0, 0.0));
        };
        let found = find(self.searcher, self.fields.body, self.table, &whole)?;
        if found.len() > COMMON {
            return Ok(((found.len() as f32).ln_1p(), 0.0, 0.0));
        }
        let mut guesses: Vec<f32> = found
            .iter()
            .filter(|(user, _)| *user != piece)
            .map(|(user, _)| {
                // Others of the same file share its words in any case.
                let same = self
                    .table
                    .rows
                    .get(*user as usize)
                    .is_some_and(|row| row.file == file);
                self.guess(*user) * if same { 0.5 } else { 1.0 }
            })
            .collect();
        guesses.sort_by(|a, b| b.total_cmp(a));
        let best = guesses.first().copied().unwrap_or(0.0);
        let three: f32 = guesses.iter().take(3).sum();
        Ok(((guesses.len() as f32).ln_1p(), three / 3.0, best))
    }

    /// How well the pieces before and after this one fit.
    fn neighbours(&self, piece: u32, file: usize) -> (f32, f32) {
        let rows = self
            .table
            .files
            .get(file)
            .map_or(&[] as &[u32], |file| &file.rows);
        let Some(at) = rows.iter().position(|other| *other == piece) else {
            return (0.0, 0.0);
        };
        let of = |at: Option<usize>| {
            at.and_then(|at| rows.get(at))
                .map_or(0.0, |piece| self.guess(*piece))
        };
        (of(at.checked_sub(1)), of(at.checked_add(1)))
    }
}

/// The best values of a query.
struct Most {
    body: f32,
    name: f32,
    signature: f32,
    told: f32,
    place: f32,
    file: f32,
    file_told: f32,
    pairs: f32,
    file_pairs: f32,
    heads: f32,
    file_heads: f32,
    first: f32,
}

impl Most {
    fn of(views: &Views, first: &[f32]) -> Self {
        let most = |scores: &[f32]| scores.iter().copied().fold(0.0, f32::max);
        let [body, name, signature, told, pairs] = &views.pieces;
        Self {
            body: most(body),
            name: most(name),
            signature: most(signature),
            told: most(told),
            place: most(&views.places),
            file: most(&views.files),
            file_told: most(&views.files_told),
            pairs: most(pairs),
            file_pairs: most(&views.files_pairs),
            heads: most(&views.heads),
            file_heads: most(&views.files_heads),
            first: most(first),
        }
    }
}

fn relative(value: f32, most: f32) -> f32 {
    if most > 0.0 { value / most } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_guess_stands_where_it_is_looked_for() {
        assert_eq!(NAMES[FIRST_REL], "first_rel");
    }
}
