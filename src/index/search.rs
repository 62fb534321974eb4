//! From a query to ranked places.

use std::collections::HashMap;

use serde_json::{Value, json};
use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::arrange::{self, Scored};
use super::features::{Candidate, NAMES, Scene};
use super::file_features::file_rows;
use super::rank::Forest;
use super::snapshot::{Fields, failed, read_piece};
use super::table::Table;
use super::views::{Asked, View, Views};
use super::{FileClass, Hit, Index, terms};
use crate::base::{Failure, Result};

/// Words for all that is in the repository.
const WHOLE: &[&str] = &[
    "project",
    "repository",
    "repo",
    "codebase",
    "overview",
    "architecture",
    "program",
];

/// See [`Index::search`].
pub(super) fn search(index: &Index, query: &str, top: usize) -> Result<Vec<Hit>> {
    let Some(stage) = Stage::new(index, query)? else {
        return Ok(Vec::new());
    };
    if top == 0 {
        return Ok(Vec::new());
    }
    let scene = stage.scene(query)?;
    let asks = Asks::of(query, &stage.asked.words);
    let mut scored: Vec<Scored> = Vec::new();
    // What is no source is ranked apart: it would otherwise take the places of what is.
    for source in [true, false] {
        let candidates = scene.candidates(|class| (class == FileClass::Source) == source)?;
        stage.rank(&candidates, &asks, &mut scored);
    }
    let places = arrange::places(stage.table, scored, top);
    let best = places.first().map_or(0.0, |place| place.score);
    let mut hits = Vec::with_capacity(places.len());
    for place in places {
        let (segment, doc) = stage.table.address(place.piece);
        let document: TantivyDocument = stage
            .searcher
            .doc(DocAddress::new(segment as u32, doc))
            .map_err(|e| failed("the index cannot be read", &e))?;
        if let Some(mut hit) = read_piece(&document, stage.fields, (place.score - best).exp()) {
            hit.range = place.range;
            hit.why = stage.why(place.piece);
            hits.push(hit);
        }
    }
    Ok(hits)
}

/// What is told of the candidates for a query; see [`Index::candidates`].
pub(super) fn candidates(index: &Index, query: &str) -> Result<Value> {
    let Some(stage) = Stage::new(index, query)? else {
        return Err(Failure::usage("the query has no words"));
    };
    let scene = stage.scene(query)?;
    let mut files: Vec<Value> = Vec::new();
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    let mut rows: Vec<Value> = Vec::new();
    for candidate in scene.candidates(|class| class == FileClass::Source)? {
        let Some(row) = stage.table.rows.get(candidate.piece as usize) else {
            continue;
        };
        let Some(file) = stage.table.files.get(row.file as usize) else {
            continue;
        };
        let number = *numbers.entry(row.file).or_insert_with(|| {
            let pieces: Vec<Value> = file
                .rows
                .iter()
                .filter_map(|piece| stage.table.rows.get(*piece as usize))
                .map(|row| json!([row.start, row.end]))
                .collect();
            files.push(json!({"path": file.path, "pieces": pieces}));
            files.len() - 1
        });
        let at = file.rows.iter().position(|piece| *piece == candidate.piece);
        let mut values = vec![json!(number), json!(at)];
        values.extend(candidate.row.iter().map(|value| json!(value)));
        rows.push(Value::Array(values));
    }
    Ok(json!({"features": NAMES.as_slice(), "files": files, "candidates": rows}))
}

/// A query on an index.
struct Stage<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    table: &'a Table,
    asked: Asked,
    views: Views,
}

impl<'a> Stage<'a> {
    fn new(index: &'a Index, query: &str) -> Result<Option<Self>> {
        let Some((searcher, fields)) = &index.searcher else {
            return Ok(None);
        };
        let asked = Asked::new(query);
        if asked.words.is_empty() {
            return Ok(None);
        }
        let table = match index.table.get() {
            Some(table) => table,
            None => {
                let table = Table::read(searcher, &index.files)?;
                index.table.get_or_init(|| table)
            }
        };
        let views = Views::new(searcher, *fields, table, &asked)?;
        Ok(Some(Self {
            searcher,
            fields: *fields,
            table,
            asked,
            views,
        }))
    }

    fn scene(&'a self, query: &str) -> Result<Scene<'a>> {
        Scene::new(self.searcher, self.fields, self.table, &self.views, query)
    }

    /// Scores candidates: each for itself, and with its file.
    fn rank(&self, candidates: &[Candidate], asks: &Asks, scored: &mut Vec<Scored>) {
        let forest = Forest::of_pieces();
        let scores: Vec<f32> = candidates
            .iter()
            .map(|candidate| forest.score(&candidate.row))
            .collect();
        let forest = Forest::of_files();
        let files: HashMap<u32, f32> = file_rows(self.table, candidates, &scores)
            .into_iter()
            .map(|(file, row)| (file, forest.score(&row)))
            .collect();
        let least = files.values().copied().fold(0.0, f32::min);
        for (candidate, score) in candidates.iter().zip(scores) {
            let Some(row) = self.table.rows.get(candidate.piece as usize) else {
                continue;
            };
            let class = match self.table.files.get(row.file as usize) {
                Some(file) if file.class == FileClass::Source && row.test => FileClass::Test,
                Some(file) => file.class,
                None => continue,
            };
            let file = files.get(&row.file).copied().unwrap_or(least);
            scored.push(Scored {
                piece: candidate.piece,
                score: score + OF_FILE * file + asks.weight(class),
            });
        }
    }

    fn why(&self, piece: u32) -> String {
        let file = self.table.rows.get(piece as usize).map(|row| row.file);
        let place = file
            .and_then(|file| self.views.places_words.get(file as usize))
            .is_some_and(|words| *words != 0);
        let why = if self.views.named.contains_key(&piece) {
            "name"
        } else if place {
            "path"
        } else if self.views.of(View::Body, piece) > 0.0 {
            "text"
        } else {
            "history"
        };
        why.to_owned()
    }
}

/// Kinds of files a query is about by its own words.
struct Asks {
    whole: bool,
    tests: bool,
    docs: bool,
    building: bool,
}

impl Asks {
    fn of(query: &str, words: &[String]) -> Self {
        // Who asks about the whole wants what was written about the whole. The words are taken
        // as typed, since they say too little to search with.
        let whole = query
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| WHOLE.iter().any(|known| word.eq_ignore_ascii_case(known)));
        let any = |names: &[&str]| {
            names
                .iter()
                .any(|name| words.contains(&terms::joined(name)))
        };
        Self {
            whole,
            tests: any(&["test", "spec", "fixture", "bench"]),
            docs: any(&["doc", "readme", "documentation", "changelog", "license"]),
            building: any(&[
                "build",
                "ci",
                "cargo",
                "dependency",
                "makefile",
                "docker",
                "config",
                "workflow",
                "npm",
            ]),
        }
    }

    /// What the class of a file adds to a score.
    fn weight(&self, class: FileClass) -> f32 {
        let asked = |yes: bool, otherwise: f32| if yes { ASKED } else { otherwise };
        match class {
            FileClass::Source => 0.0,
            FileClass::Test => asked(self.tests, -NOT_ASKED),
            FileClass::Docs if self.whole => 6.0 * ASKED,
            FileClass::Docs => asked(self.docs, -NOT_ASKED),
            // Their words stand in code as often as not.
            FileClass::Build if self.building => -ASKED,
            FileClass::Build => -NOT_ASKED,
            FileClass::Generated | FileClass::Vendored => -1.5 * NOT_ASKED,
        }
    }
}

/// How much a file counts beside a piece of it.
const OF_FILE: f32 = 0.5;
/// What is added where a query asks for a class of files, in the forest's own units.
const ASKED: f32 = 0.5;
/// What is taken off where it does not.
const NOT_ASKED: f32 = 3.5;
