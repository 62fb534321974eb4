//! From a query to ranked places.

use std::collections::HashMap;
use std::panic::resume_unwind;

use serde_json::{Value, json};
use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::meaning::embeddings::Alike;
use super::ranking::arrange::{self, Scored};
use super::ranking::features::{Candidate, NAMES, Scene};
use super::ranking::file_features::file_rows;
use super::ranking::named::{NamedPiece, named};
use super::ranking::rank::Forest;
use super::snapshot::{Fields, failed, read_piece};
use super::table::Table;
use super::views::{Asked, View, Views, score_of};
use super::{FileClass, Hit, Index};
use crate::base::bug::bug;
use crate::base::{Failure, Kind, Result};

/// A part of the search that can be left out, to see what it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchPart {
    /// The names of definitions.
    Name,
    /// The signatures of definitions.
    Signature,
    /// The words of commits that touched a piece.
    Told,
    /// Neighbouring words.
    Pairs,
    /// The first line of the query, counted apart.
    Heads,
    /// The paths of files.
    Paths,
    /// Files as a whole.
    Files,
    /// The meaning of pieces and of commits.
    Meaning,
    /// The meaning of commits.
    Past,
    /// Definitions, files and texts that the query names come first.
    Named,
    /// The learned order: the first guess alone decides.
    Ranker,
}

impl SearchPart {
    /// All parts, by the names they are asked for.
    pub const ALL: [(&'static str, Self); 11] = [
        ("name", Self::Name),
        ("signature", Self::Signature),
        ("told", Self::Told),
        ("pairs", Self::Pairs),
        ("heads", Self::Heads),
        ("paths", Self::Paths),
        ("files", Self::Files),
        ("meaning", Self::Meaning),
        ("past", Self::Past),
        ("named", Self::Named),
        ("ranker", Self::Ranker),
    ];
}

/// Searches an index; see [`Index::search`] and [`Index::search_without`].
pub(super) fn search(
    index: &Index,
    query: &str,
    top: usize,
    without: Option<SearchPart>,
) -> Result<Vec<Hit>> {
    let Some(mut stage) = Stage::new(index, query)? else {
        return Ok(Vec::new());
    };
    stage.without = without;
    match without {
        Some(SearchPart::Meaning) => stage.alike = Alike::default(),
        Some(SearchPart::Past) => stage.alike.files.clear(),
        Some(part) => stage.views.forget(part),
        None => {}
    }
    if top == 0 {
        return Ok(Vec::new());
    }
    let scene = stage.scene(query)?;
    let asks = Asks::of(query);
    let mut scored: Vec<Scored> = Vec::new();
    // What is no source is ranked apart: it would otherwise take the places of what is.
    for source in [true, false] {
        let candidates = scene.candidates(|class| (class == FileClass::Source) == source)?;
        stage.rank(&candidates, &asks, &mut scored);
    }
    let named = if without == Some(SearchPart::Named) {
        Vec::new()
    } else {
        named(
            stage.searcher,
            stage.fields,
            stage.table,
            &stage.views,
            (query, asks.tests),
        )?
    };
    put_first(&named, &mut scored);
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
            let own = named.iter().find(|named| named.piece == place.piece);
            hit.namesakes = own.map_or(0, |named| named.namesakes);
            hit.why = match own {
                Some(named) if named.defines => "name".to_owned(),
                _ => stage.why(place.piece),
            };
            hits.push(hit);
        }
    }
    Ok(hits)
}

/// Puts what the query names before the rest, the likeliest first. How the others stand to each
/// other, and how far behind, stays as it was.
fn put_first(named: &[NamedPiece], scored: &mut Vec<Scored>) {
    let best = scored.iter().map(|one| one.score).max_by(f32::total_cmp);
    // Where nothing else was found, any score will do.
    let best = best.unwrap_or(0.0);
    for (at, named) in named.iter().rev().enumerate() {
        let order = STEP * (at + 1) as f32;
        // What is perhaps meant comes behind the best of what fits all words.
        let score = if named.sure {
            best + order
        } else {
            best - 1.0 + order
        };
        match scored.iter_mut().find(|one| one.piece == named.piece) {
            Some(one) => one.score = one.score.max(score),
            None => scored.push(Scored {
                piece: named.piece,
                score,
            }),
        }
    }
}

/// Returns the candidates for a query with their features, as JSON; see [`Index::candidates`].
pub(super) fn candidates(index: &Index, query: &str) -> Result<Value> {
    let Some(stage) = Stage::new(index, query)? else {
        return Err(Failure::usage("the query has no words"));
    };
    let scene = stage.scene(query)?;
    let mut files: Vec<Value> = Vec::new();
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    let mut rows: Vec<Value> = Vec::new();
    for candidate in scene.candidates(|class| class == FileClass::Source)? {
        let row = stage.table.row(candidate.piece);
        let Some(file) = stage.table.file_of(row) else {
            continue;
        };
        let number = *numbers.entry(row.file).or_insert_with(|| {
            let pieces: Vec<Value> = file
                .rows
                .iter()
                .map(|piece| stage.table.row(*piece))
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
    views: Views,
    /// Nearness in meaning of pieces and files to the query.
    alike: Alike,
    without: Option<SearchPart>,
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
        let Some(table) = index.table()? else {
            return Ok(None);
        };
        // The model is as busy as the words are, so both at once.
        let (views, alike) = std::thread::scope(|scope| {
            let meaning = index.meaning.as_ref().filter(|meaning| !meaning.is_empty());
            let alike = meaning.map(|meaning| scope.spawn(|| meaning.alike(index, table, query)));
            let views = Views::new(searcher, *fields, table, &asked);
            // A bug there is one here.
            let alike = alike.map(|alike| alike.join().unwrap_or_else(|bug| resume_unwind(bug)));
            (views, alike)
        });
        // Words alone find most; a model that fails, or that there is none, is no reason to find
        // nothing.
        let alike = alike.and_then(|alike| {
            let told = |e: &Failure| match e.kind() {
                Kind::Bug => bug(&e.to_string(), ()),
                _ => log::warn!("{e}"),
            };
            alike.inspect_err(told).ok()
        });
        Ok(Some(Self {
            searcher,
            fields: *fields,
            table,
            views: views?,
            alike: alike.unwrap_or_default(),
            without: None,
        }))
    }

    fn scene(&'a self, query: &str) -> Result<Scene<'a>> {
        Scene::new(
            self.searcher,
            self.fields,
            self.table,
            (&self.views, &self.alike.pieces),
            query,
        )
    }

    /// Scores candidates: each for itself, and with its file.
    fn rank(&self, candidates: &[Candidate], asks: &Asks, scored: &mut Vec<Scored>) {
        let forest = Forest::of_pieces();
        let meant = |candidate: &Candidate| {
            // Without a model there is no nearness.
            let alike = self.alike.pieces.get(candidate.piece as usize);
            MEANT * alike.copied().unwrap_or(0.0)
        };
        // Files are judged by what is made of their pieces, so meaning counts in both.
        let scores: Vec<f32> = candidates
            .iter()
            .map(|candidate| forest.score(&candidate.row) + meant(candidate))
            .collect();
        let forest = Forest::of_files();
        let files: HashMap<u32, f32> = file_rows(self.table, candidates, &scores)
            .into_iter()
            .map(|(file, row)| (file, forest.score(&row)))
            .collect();
        let least = files.values().copied().fold(0.0, f32::min);
        for (candidate, score) in candidates.iter().zip(scores) {
            let row = self.table.row(candidate.piece);
            let class = match self.table.file_of(row) {
                Some(file) if file.class == FileClass::Source && row.test => FileClass::Test,
                Some(file) => file.class,
                None => continue,
            };
            let score = match class {
                // The forests have seen code only.
                _ if self.without == Some(SearchPart::Ranker) => {
                    guessed(candidate) + meant(candidate)
                }
                FileClass::Docs | FileClass::Build => guessed(candidate) + meant(candidate),
                // Files behind the best ones have no score of their own.
                _ => score + OF_FILE * files.get(&row.file).copied().unwrap_or(least),
            };
            // Nor is there one for what commits said.
            let past = self.alike.files.get(row.file as usize);
            scored.push(Scored {
                piece: candidate.piece,
                score: score + asks.weight(class) + SPOKEN * past.copied().unwrap_or(0.0),
            });
        }
    }

    /// Returns why a piece was found, as [`Hit::why`] says it.
    fn why(&self, piece: u32) -> String {
        let file = self.table.row(piece).file;
        let place = score_of(&self.views.places_words, file) != 0;
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

/// Turns the first guess of a candidate into a score in the forests' own units.
fn guessed(candidate: &Candidate) -> f32 {
    GUESSED * candidate.guessed() + UNGUESSED
}

/// Kinds of files a query is about by its own words.
struct Asks {
    /// True for a query about the repository as a whole: prose about it is wanted then.
    whole: bool,
    /// True for a query about tests.
    tests: bool,
    /// True for a query about documentation.
    docs: bool,
    /// True for a query about building.
    building: bool,
}

impl Asks {
    fn of(query: &str) -> Self {
        // The words are taken as typed: `document` and `documentation` are one to a search, but
        // only who says `documentation` means files of that sort.
        let any = |names: &[&str]| {
            query
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
        };
        Self {
            whole: any(&[
                "project",
                "repository",
                "repo",
                "codebase",
                "overview",
                "architecture",
                "program",
            ]),
            tests: any(&[
                "test",
                "tests",
                "testing",
                "tested",
                "spec",
                "specs",
                "fixture",
                "fixtures",
                "bench",
                "benchmark",
                "benchmarks",
            ]),
            docs: any(&["docs", "documentation", "readme", "changelog", "license"]),
            building: any(&[
                "build",
                "ci",
                "cargo",
                "dependency",
                "dependencies",
                "makefile",
                "docker",
                "workflow",
                "workflows",
                "npm",
            ]),
        }
    }

    /// Returns what the class of a file adds to a score.
    fn weight(&self, class: FileClass) -> f32 {
        let asked = |yes: bool, otherwise: f32| if yes { ASKED } else { otherwise };
        match class {
            FileClass::Source => 0.0,
            FileClass::Test => asked(self.tests, -NOT_ASKED),
            FileClass::Docs if self.whole => 2.0 * ASKED,
            FileClass::Docs => asked(self.docs, -NOT_ASKED),
            // Their words stand in code as often as not.
            FileClass::Build if self.building => -6.0 * ASKED,
            FileClass::Build => -NOT_ASKED,
            FileClass::Generated | FileClass::Vendored => -1.5 * NOT_ASKED,
        }
    }
}

/// Amount by which what is named comes before what is not, and one before the next.
const STEP: f32 = 0.05;
/// Slope of the line that gives, for the first guess of a piece of code, the score that the
/// forests give it on average.
const GUESSED: f32 = 10.5;
/// Height of that line at a first guess of 0.
const UNGUESSED: f32 = -7.0;
/// Weight of a file's score beside that of a piece of it.
const OF_FILE: f32 = 0.5;
/// Amount added where a query asks for a class of files, in the forests' own units.
const ASKED: f32 = 0.5;
/// Amount taken off for a class other than source that the query does not ask for.
const NOT_ASKED: f32 = 4.5;
/// Amount added for the nearest piece in meaning. As a part of the first guess it did harm: the
/// forests have learned what that guess is worth, and it would be another.
const MEANT: f32 = 2.0;
/// Amount added, for one commit that says the same, to the pieces of the one file it touched.
const SPOKEN: f32 = 1.0;
