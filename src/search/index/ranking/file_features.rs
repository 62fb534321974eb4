//! The features of a file, by which it is ranked: one row of numbers, from those of its pieces.

use std::collections::HashMap;

use crate::base::bug::bug;
use crate::index::ranking::features::{COUNT, Candidate, NAMES};
use crate::index::table::Table;

/// Number of features of pieces, from the first on, whose largest value is one of the file's.
const MOST_OF: usize = 16;
/// Files that are looked at closely.
const MOST_FILES: usize = 60;

/// Returns the names of a file's features, in order.
pub(in crate::index) fn file_names() -> Vec<String> {
    let own = NAMES.iter().map(|name| (*name).to_owned());
    let most = NAMES
        .iter()
        .take(MOST_OF)
        .map(|name| format!("most_{name}"));
    let forest = [
        "forest",
        "forest_rel",
        "forest_sum",
        "candidates",
        "forest_rank",
    ];
    own.chain(most).chain(forest.map(str::to_owned)).collect()
}

/// Returns the features of the files of candidates, whose `scores` are given in the same order:
/// for each of the best files, by number, the features of its best candidate, the largest values
/// among all its candidates, and what their scores come to together.
pub(in crate::index) fn file_rows(
    table: &Table,
    candidates: &[Candidate],
    scores: &[f32],
) -> Vec<(u32, Vec<f32>)> {
    let mut order: Vec<(&Candidate, f32)> = candidates.iter().zip(scores.iter().copied()).collect();
    // The sort is stable: the first of equals stays the first.
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some((_, top)) = order.first().copied() else {
        return Vec::new();
    };
    let mut files: Vec<(u32, Vec<f32>)> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for (candidate, score) in order {
        let file = table.row(candidate.piece).file;
        let rank = places.len();
        let place = *places.entry(file).or_insert(rank);
        if place == files.len() && place < MOST_FILES {
            let mut told = candidate.row.to_vec();
            told.extend(candidate.row.iter().take(MOST_OF));
            told.extend([score, score - top, 0.0, 0.0, place as f32]);
            files.push((file, told));
        }
        // Files behind the best ones are left out.
        let Some((_, told)) = files.get_mut(place) else {
            continue;
        };
        for (most, value) in told
            .iter_mut()
            .skip(COUNT)
            .zip(candidate.row.iter().take(MOST_OF))
        {
            *most = most.max(*value);
        }
        match told.as_mut_slice() {
            [.., sum, count, _] => {
                *sum += (score - top).exp();
                *count += 1.0;
            }
            _ => bug("a file has too few features", ()),
        }
    }
    files
}
