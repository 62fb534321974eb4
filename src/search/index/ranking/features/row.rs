//! The numbers of one candidate, in the order of [`super::NAMES`].

use super::{COUNT, OfFile, Scene};
use crate::base::bug::bug;
use crate::base::{Failure, Result};
use crate::index::SymbolKind;
use crate::index::table::{FileRow, PieceRow};
use crate::index::views::{View, Views, find, score_of};
use crate::index::words::terms;

/// A name that is used in more pieces than this says nothing about any of them.
const COMMON: usize = 300;

/// A candidate, and what is known of its place and its file.
struct Subject<'a> {
    piece: u32,
    row: &'a PieceRow,
    /// The file of the piece, with its path and pieces.
    file: &'a FileRow,
    /// Features of the file as a whole.
    of_file: &'a OfFile,
    /// Rank among all candidates, from 0.
    rank: usize,
    /// Rank among the candidates of the same file, from 0.
    rank_in_file: usize,
}

impl Scene<'_> {
    /// Returns the features of a piece, whose ranks among all candidates and among those of its
    /// file are given; `files` holds the features of files by number.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub(super) fn row(
        &self,
        piece: u32,
        (rank, rank_in_file): (usize, usize),
        files: &[OfFile],
    ) -> Result<[f32; COUNT]> {
        let row = self.table.row(piece);
        let no_file = || Failure::bug("a candidate has no file");
        let of = Subject {
            piece,
            row,
            file: self.table.file_of(row).ok_or_else(no_file)?,
            of_file: files.get(row.file as usize).ok_or_else(no_file)?,
            rank,
            rank_in_file,
        };
        let groups: [&[f32]; 11] = [
            &self.by_words(&of),
            &self.by_guess(&of),
            &self.by_name(&of),
            &shape(row),
            &self.past(&of),
            &self.users(&of)?,
            &self.surroundings(&of),
            &self.of_query(),
            &[
                of.of_file.lines.ln_1p(),
                (of.file.rows.len() as f32).ln_1p(),
            ],
            &self.by_pairs_and_heads(&of),
            &[
                (row.start as f32).ln(),
                row.start as f32 / of.of_file.lines.max(1.0),
                f32::from(u8::from(row.start == 1)),
            ],
        ];
        let count = || Failure::bug("a candidate has more or fewer features than names");
        groups.concat().try_into().map_err(|_| count())
    }

    /// `body` to `words_place`: the views of words, absolute and as shares of the best, and the
    /// shares of the query's words that are there.
    fn by_words(&self, of: &Subject<'_>) -> [f32; 18] {
        let (views, most) = (self.views, &self.most);
        let file = of.row.file;
        let body = views.of(View::Body, of.piece);
        let name = views.of(View::Name, of.piece);
        let signature = views.of(View::Signature, of.piece);
        let told = views.of(View::Told, of.piece);
        let place = score_of(&views.places, file);
        let whole = score_of(&views.files, file);
        let whole_told = score_of(&views.files_told, file);
        let words = score_of(&views.words, of.piece);
        let words_file = score_of(&views.files_words, file);
        let words_place = score_of(&views.places_words, file);
        [
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
        ]
    }

    /// `first` to `share_of_file`: the first guess, and the ranks by it.
    fn by_guess(&self, of: &Subject<'_>) -> [f32; 9] {
        let first = self.guess(of.piece);
        let most = self.most.first;
        [
            first,
            relative(first, most),
            (of.rank as f32).ln_1p(),
            of.of_file.rank.ln_1p(),
            (of.rank_in_file as f32).ln_1p(),
            relative(of.of_file.best, most),
            relative(of.of_file.three, 3.0 * most),
            of.of_file.matching.ln_1p(),
            relative(first, of.of_file.sum),
        ]
    }

    /// `exact` to `placed`: how well names and path meet the query.
    fn by_name(&self, of: &Subject<'_>) -> [f32; 3] {
        let named = self.views.named.get(&of.piece);
        let words_place = score_of(&self.views.places_words, of.row.file);
        let path_words = terms::count(of.file.path.as_str());
        [
            self.exact.get(&of.piece).map_or(0.0, |n| *n as f32),
            named.map_or(0.0, |(some, all)| *some as f32 / (*all).max(1) as f32),
            words_place.count_ones() as f32 / path_words.max(1) as f32,
        ]
    }

    /// `touched` to `file_age`: how often and how lately commits touched the piece and its file.
    fn past(&self, of: &Subject<'_>) -> [f32; 4] {
        let age = |last: u64| {
            if last == 0 {
                30.0
            } else {
                (self.table.newest.saturating_sub(last) as f32 / 86_400.0).ln_1p()
            }
        };
        [
            (of.row.touched as f32).ln_1p(),
            age(of.row.last),
            of.of_file.touched.ln_1p(),
            age(of.of_file.last),
        ]
    }

    /// `used` to `users_best`: how many other pieces name what is defined here, and how well the
    /// three best and the best of them fit. Names of one word are too common for that.
    fn users(&self, of: &Subject<'_>) -> Result<[f32; 3]> {
        let Some(name) = self.table.name(of.piece) else {
            return Ok([0.0; 3]);
        };
        let Some(whole) = terms::whole(&name) else {
            return Ok([0.0; 3]);
        };
        let found = find(self.searcher, self.fields.body, self.table, &whole)?;
        if found.len() > COMMON {
            return Ok([(found.len() as f32).ln_1p(), 0.0, 0.0]);
        }
        let mut guesses: Vec<f32> = found
            .iter()
            .filter(|(user, _)| *user != of.piece)
            .map(|(user, _)| {
                // Others of the same file share its words in any case.
                let same = self.table.row(*user).file == of.row.file;
                self.guess(*user) * if same { 0.5 } else { 1.0 }
            })
            .collect();
        guesses.sort_by(|a, b| b.total_cmp(a));
        // What nobody else names has no best user.
        let best = guesses.first().copied().unwrap_or(0.0);
        let three: f32 = guesses.iter().take(3).sum();
        Ok([(guesses.len() as f32).ln_1p(), three / 3.0, best])
    }

    /// `folder` to `tests`: the best file of the folder, the pieces before and after, the tests.
    fn surroundings(&self, of: &Subject<'_>) -> [f32; 4] {
        let (before, after) = self.neighbours(of);
        [of.of_file.folder, before, after, of.of_file.tests]
    }

    /// First guesses of the pieces before and after a piece in its file; 0 at its ends.
    fn neighbours(&self, of: &Subject<'_>) -> (f32, f32) {
        let rows = &of.file.rows;
        let Some(at) = rows.iter().position(|other| *other == of.piece) else {
            return bug("a piece is not in its file", (0.0, 0.0));
        };
        let guess = |at: Option<usize>| {
            let piece = at.and_then(|at| rows.get(at));
            piece.map_or(0.0, |piece| self.guess(*piece))
        };
        (guess(at.checked_sub(1)), guess(at.checked_add(1)))
    }

    /// `query_words` to `query_weight`: the same for all candidates of a query.
    fn of_query(&self) -> [f32; 3] {
        let weights = &self.views.weights;
        [
            (weights.len() as f32).ln_1p(),
            (self.identifiers as f32).min(4.0),
            weights.iter().sum::<f32>() / (weights.len() as f32).max(1.0),
        ]
    }

    /// `pairs` to `file_head_words_rel`: neighbouring words, and the first line of the query.
    fn by_pairs_and_heads(&self, of: &Subject<'_>) -> [f32; 8] {
        let (views, most) = (self.views, &self.most);
        let pairs = views.of(View::Pairs, of.piece);
        let file_pairs = score_of(&views.files_pairs, of.row.file);
        let heads = score_of(&views.heads, of.piece);
        let file_heads = score_of(&views.files_heads, of.row.file);
        [
            pairs,
            relative(pairs, most.pairs),
            file_pairs,
            relative(file_pairs, most.file_pairs),
            heads,
            relative(heads, most.heads),
            file_heads,
            relative(file_heads, most.file_heads),
        ]
    }
}

/// `lines` to `head`: length and kind of a piece.
fn shape(row: &PieceRow) -> [f32; 6] {
    let is = |kinds: &[SymbolKind]| {
        f32::from(u8::from(row.kind.is_some_and(|kind| kinds.contains(&kind))))
    };
    [
        ((row.end + 1).saturating_sub(row.start) as f32).ln(),
        is(&[SymbolKind::Function, SymbolKind::Method, SymbolKind::Macro]),
        is(&[SymbolKind::Type, SymbolKind::Enum, SymbolKind::Trait]),
        is(&[SymbolKind::Constant]),
        f32::from(u8::from(row.kind.is_none())),
        f32::from(u8::from(row.head)),
    ]
}

/// The best value of each view for one query.
pub(super) struct Most {
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
    /// Finds the best values; `first` holds the first guess of each piece.
    pub(super) fn of(views: &Views, first: &[f32]) -> Self {
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

/// A value as a share of the best one; 0 where nothing is any good.
fn relative(value: f32, most: f32) -> f32 {
    if most > 0.0 { value / most } else { 0.0 }
}
