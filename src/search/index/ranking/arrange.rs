//! From ranked pieces to places that are worth showing.
//!
//! A definition comes whole; one of a few lines comes with its neighbours, the likelier first,
//! since lines around it cost less to read than another place and often hold what is meant.

use std::collections::HashMap;

use crate::base::LineRange;
use crate::base::bug::bug;
use crate::index::table::{FileRow, Table};

/// Lines below which one of the first places takes in its neighbours.
const ENOUGH: u32 = 40;
/// Lines below which a place behind the first ones does.
const ENOUGH_LATER: u32 = 25;
/// Number of places that count as the first.
const FIRST: usize = 3;
/// Most lines of a place that has taken in neighbours.
const LONGEST: u32 = 60;
/// Most places of one file.
const PER_FILE: usize = 8;
/// Number of places that may be anywhere; those behind them show other files.
const FREE: usize = 10;

/// A piece and what it is worth.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) struct Scored {
    /// Number of the piece in the table.
    pub piece: u32,
    /// Score of the piece, comparable within one query.
    pub score: f32,
}

/// Lines of a file that are worth showing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::index) struct RankedLines {
    /// The best piece in these lines.
    pub piece: u32,
    /// The lines, at most those of the piece and its neighbours.
    pub range: LineRange,
    /// Score of that piece.
    pub score: f32,
}

/// Chooses the best places, best first, without overlaps.
pub(in crate::index) fn places(
    table: &Table,
    mut scored: Vec<Scored>,
    top: usize,
) -> Vec<RankedLines> {
    scored.sort_by(|a, b| {
        let place = |one: &Scored| {
            let row = table.row(one.piece);
            (row.file, row.start)
        };
        b.score
            .total_cmp(&a.score)
            .then_with(|| place(a).cmp(&place(b)))
    });
    let scores: HashMap<u32, f32> = scored.iter().map(|one| (one.piece, one.score)).collect();
    let mut of_file: HashMap<u32, Vec<LineRange>> = HashMap::new();
    let mut places: Vec<RankedLines> = Vec::new();
    for one in &scored {
        if places.len() >= top {
            break;
        }
        let row = table.row(one.piece);
        let Some(file) = table.file_of(row) else {
            continue;
        };
        let taken = of_file.entry(row.file).or_default();
        let own = LineRange::new(row.start, row.end);
        let shown_already = places.len() >= FREE && !taken.is_empty();
        if shown_already || taken.len() >= PER_FILE || taken.iter().any(|range| range.overlaps(own))
        {
            continue;
        }
        let enough = if places.len() < FIRST {
            ENOUGH
        } else {
            ENOUGH_LATER
        };
        let range = Growth {
            table,
            file,
            taken,
            scores: &scores,
        }
        .grown(one.piece, own, enough);
        taken.push(range);
        places.push(RankedLines {
            piece: one.piece,
            range,
            score: one.score,
        });
    }
    places
}

/// The file in which a piece takes in its neighbours.
struct Growth<'a> {
    table: &'a Table,
    file: &'a FileRow,
    /// Lines of the file that other places show.
    taken: &'a [LineRange],
    /// Scores by piece; not every piece has one.
    scores: &'a HashMap<u32, f32>,
}

impl Growth<'_> {
    /// Returns the lines of a short piece with as many of its neighbours as make it long enough.
    fn grown(&self, piece: u32, own: LineRange, enough: u32) -> LineRange {
        let rows = &self.file.rows;
        let Some(at) = rows.iter().position(|other| *other == piece) else {
            return bug("a piece is not in its file", own);
        };
        let mut range = own;
        let (mut first, mut last) = (at, at);
        while range.len() < enough {
            let before = first.checked_sub(1).and_then(|at| self.with(range, at));
            let after = last.checked_add(1).and_then(|at| self.with(range, at));
            match (before, after) {
                (Some((b, lines)), other) if other.is_none_or(|(a, _)| b >= a) => {
                    first -= 1;
                    range = lines;
                }
                (_, Some((_, lines))) => {
                    last += 1;
                    range = lines;
                }
                _ => break,
            }
        }
        range
    }

    /// Tells the score of the file's piece number `at`, and the lines with it taken in; none if
    /// there is no such piece, or no room for it.
    fn with(&self, range: LineRange, at: usize) -> Option<(f32, LineRange)> {
        let piece = *self.file.rows.get(at)?;
        let row = self.table.row(piece);
        let both = range.hull(LineRange::new(row.start, row.end));
        let free = !self.taken.iter().any(|other| other.overlaps(both));
        let score = self.scores.get(&piece).copied().unwrap_or(f32::MIN);
        (free && both.len() <= LONGEST).then_some((score, both))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::index::FileClass;
    use crate::index::table::PieceRow;

    /// Files of so many pieces, each of so many lines.
    fn table(files: &[(usize, u32)]) -> Table {
        let mut table = Table {
            rows: Vec::new(),
            files: Vec::new(),
            bases: vec![0],
            newest: 0,
            names: Vec::new(),
        };
        for (number, (pieces, lines)) in files.iter().enumerate() {
            let mut rows = Vec::new();
            for at in 0..*pieces as u32 {
                rows.push(table.rows.len() as u32);
                table.rows.push(PieceRow {
                    file: number as u32,
                    start: at * lines + 1,
                    end: (at + 1) * lines,
                    kind: None,
                    head: false,
                    test: false,
                    touched: 0,
                    last: 0,
                });
            }
            table.files.push(FileRow {
                path: RepoPath::new(&format!("{number}.rs")).expect("a path"),
                class: FileClass::Source,
                rows,
            });
        }
        table
    }

    fn arranged(table: &Table, scores: &[(u32, f32)], top: usize) -> Vec<String> {
        let scored = scores
            .iter()
            .map(|(piece, score)| Scored {
                piece: *piece,
                score: *score,
            })
            .collect();
        places(table, scored, top)
            .iter()
            .map(|place| {
                let row = table.rows[place.piece as usize];
                format!("{}:{}", row.file, place.range)
            })
            .collect()
    }

    #[test]
    fn short_pieces_take_in_the_likelier_neighbours() {
        let table = table(&[(9, 12)]);
        // From piece 4 on: first 5, for its score, then 3, then 6.
        assert_eq!(
            arranged(&table, &[(4, 3.0), (5, 2.0), (3, 1.0), (6, 0.5)], 5),
            ["0:37-84"]
        );
        // At the edge of a file only one side is there.
        assert_eq!(arranged(&table, &[(0, 3.0)], 5), ["0:1-48"]);
    }

    #[test]
    fn places_do_not_overlap_and_long_pieces_stay_as_they_are() {
        let table = table(&[(4, 50), (2, 3)]);
        assert_eq!(
            arranged(&table, &[(1, 3.0), (5, 2.5), (2, 2.0), (4, 1.0)], 9),
            ["0:51-100", "1:1-6", "0:101-150"]
        );
        assert_eq!(arranged(&table, &[(1, 3.0), (5, 2.5)], 1), ["0:51-100"]);
        assert!(arranged(&table, &[], 3).is_empty());
    }

    #[test]
    fn behind_the_first_places_come_other_files() {
        let table = table(&[(30, 60), (1, 60), (30, 60)]);
        let scores: Vec<(u32, f32)> = (0..61).map(|piece| (piece, -(piece as f32))).collect();
        let found = arranged(&table, &scores, 20);
        assert_eq!(
            found.iter().filter(|place| place.starts_with("0:")).count(),
            8
        );
        assert_eq!(found.get(8).map(String::as_str), Some("1:1-60"));
        assert_eq!(
            found.iter().filter(|place| place.starts_with("2:")).count(),
            1
        );
        assert_eq!(found.len(), 10);
    }
}
