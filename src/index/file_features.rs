//! What is told of a file before it is ranked: one row of numbers, from those of its pieces.

use std::collections::HashMap;

use super::features::{COUNT, Candidate, NAMES};
use super::table::Table;

/// So many of the numbers of its pieces are told of a file as the most that any of them has.
const MOST_OF: usize = 16;
/// Files that are looked at closely.
const MOST_FILES: usize = 60;

/// The names of what is told of a file.
pub(super) fn file_names() -> Vec<String> {
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

/// What is told of the files of candidates, of which `scores` says what they are worth: for each
/// of the best files, by number, the best candidate's row, the most of all its rows, and the
/// scores taken together.
pub(super) fn file_rows(
    table: &Table,
    candidates: &[Candidate],
    scores: &[f32],
) -> Vec<(u32, Vec<f32>)> {
    let mut order: Vec<usize> = (0..candidates.len().min(scores.len())).collect();
    let score = |at: usize| scores.get(at).copied().unwrap_or(f32::MIN);
    order.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
    let top = order.first().map_or(0.0, |at| score(*at));
    let mut files: Vec<(u32, Vec<f32>)> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for at in order {
        let Some(candidate) = candidates.get(at) else {
            continue;
        };
        let Some(row) = table.rows.get(candidate.piece as usize) else {
            continue;
        };
        let rank = places.len();
        let place = *places.entry(row.file).or_insert(rank);
        if place == files.len() && place < MOST_FILES {
            let mut told = candidate.row.to_vec();
            told.extend(candidate.row.iter().take(MOST_OF));
            told.extend([score(at), score(at) - top, 0.0, 0.0, place as f32]);
            files.push((row.file, told));
        }
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
        if let Some([sum, count]) = told.get_mut(COUNT + MOST_OF + 2..COUNT + MOST_OF + 4) {
            *sum += (score(at) - top).exp();
            *count += 1.0;
        }
    }
    files
}
