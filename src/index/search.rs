//! From a query to ranked places.

use std::collections::HashMap;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{TantivyDocument, Term};

use super::snapshot::{failed, read_piece};
use super::{FileClass, Hit, Index, terms};
use crate::base::{LineRange, RepoPath, Result};

/// Candidates that are looked at more closely.
const CANDIDATES: usize = 300;
/// Most places of one file.
const PER_FILE: usize = 4;
/// Lines between two hits of a file that are merged into one.
const NEAR: u32 = 3;
/// Lines at which a piece counts a little more than half as much as a long one.
const KNEE: f32 = 8.0;
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
/// Longest merged hit in lines.
const LONGEST: u32 = 90;

/// See [`Index::search`].
pub(super) fn search(index: &Index, query: &str, top: usize) -> Result<Vec<Hit>> {
    let Some((searcher, fields)) = &index.searcher else {
        return Ok(Vec::new());
    };
    let words = terms::of_query(query);
    if words.is_empty() || top == 0 {
        return Ok(Vec::new());
    }
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut add = |term: Term, boost: f32| {
        let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
        clauses.push((
            Occur::Should,
            Box::new(BoostQuery::new(Box::new(query), boost)),
        ));
    };
    for word in &words {
        add(Term::from_field_text(fields.body, word), 1.0);
        add(Term::from_field_text(fields.signature, word), 0.8);
        add(Term::from_field_text(fields.name, word), 1.2);
        add(Term::from_field_text(fields.place, word), 0.8);
    }
    for name in terms::identifiers(query) {
        add(Term::from_field_text(fields.exact, name), 3.0);
    }
    let found = searcher
        .search(
            &BooleanQuery::new(clauses),
            &TopDocs::with_limit(CANDIDATES).order_by_score(),
        )
        .map_err(|e| failed("the index cannot be searched", &e))?;
    let asks = Asks::of(query, &words);
    let mut hits = Vec::with_capacity(found.len());
    for (score, address) in found {
        let document: TantivyDocument = searcher
            .doc(address)
            .map_err(|e| failed("the index cannot be read", &e))?;
        if let Some(mut hit) = read_piece(&document, *fields, score) {
            let class = index.class(&hit.path).unwrap_or(FileClass::Source);
            let class = if class == FileClass::Source && is_test(&hit) {
                FileClass::Test
            } else {
                class
            };
            hit.score *= asks.weight(class) * substance(hit.range.len());
            hit.why = why(&hit, &words);
            hits.push(hit);
        }
    }
    with_files(&mut hits);
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (&a.path, a.range).cmp(&(&b.path, b.range)))
    });
    Ok(chosen(hits, top))
}

/// Kinds of files a query is about by its own words.
struct Asks {
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
        let any = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
        Self {
            tests: any(&["test", "spec", "fixtur", "bench"]),
            docs: whole || any(&["doc", "readm", "document", "changelog", "licens"]),
            building: any(&[
                "build",
                "ci",
                "cargo",
                "dependency",
                "dependenc",
                "makefil",
                "docker",
                "config",
                "workflow",
                "npm",
            ]),
        }
    }

    fn weight(&self, class: FileClass) -> f32 {
        let asked = |yes: bool, otherwise: f32| if yes { 1.5 } else { otherwise };
        match class {
            FileClass::Source => 1.0,
            FileClass::Test => asked(self.tests, 0.5),
            FileClass::Docs => asked(self.docs, 0.6),
            FileClass::Build => asked(self.building, 0.5),
            FileClass::Generated | FileClass::Vendored => 0.25,
        }
    }
}

/// Whether a definition is a test that stands in the file it tests.
fn is_test(hit: &Hit) -> bool {
    hit.symbol.as_ref().is_some_and(|symbol| {
        let mut modules = symbol.within.split("::");
        modules.any(|module| matches!(module, "test" | "tests"))
    })
}

/// What the length of a piece says about it. BM25 favours short texts, and a definition of a
/// line or two (a re-export, a field, a constant) names things without showing how they work.
fn substance(lines: u32) -> f32 {
    let lines = lines as f32;
    (lines + 1.0) / (lines + KNEE)
}

fn why(hit: &Hit, words: &[String]) -> String {
    let has = |text: &str| {
        let mut any = false;
        terms::each(text, |word| any |= words.iter().any(|w| w == word));
        any
    };
    if hit.symbol.as_ref().is_some_and(|symbol| has(&symbol.name)) {
        "name".to_owned()
    } else if has(hit.path.as_str()) {
        "path".to_owned()
    } else {
        "text".to_owned()
    }
}

/// A piece counts more in a file where other pieces fit too.
fn with_files(hits: &mut [Hit]) {
    let mut best: HashMap<RepoPath, (f32, f32)> = HashMap::new();
    for hit in hits.iter() {
        let (first, second) = best.entry(hit.path.clone()).or_default();
        if hit.score > *first {
            (*first, *second) = (hit.score, *first);
        } else if hit.score > *second {
            *second = hit.score;
        }
    }
    for hit in hits {
        if let Some((first, second)) = best.get(&hit.path) {
            let other = if hit.score >= *first { *second } else { *first };
            hit.score += 0.2 * other;
        }
    }
}

/// The best places without overlaps: neighbours are merged, no file takes all.
fn chosen(hits: Vec<Hit>, top: usize) -> Vec<Hit> {
    let mut chosen: Vec<Hit> = Vec::new();
    for hit in hits {
        let mut taken = 0;
        let mut merged = false;
        for other in chosen.iter_mut().filter(|other| other.path == hit.path) {
            taken += 1;
            let near = other.range.start <= hit.range.end.saturating_add(NEAR)
                && hit.range.start <= other.range.end.saturating_add(NEAR);
            if !near {
                continue;
            }
            let both = LineRange::new(
                other.range.start.min(hit.range.start),
                other.range.end.max(hit.range.end),
            );
            let same = other.symbol.is_some() && other.symbol == hit.symbol;
            if other.range.overlaps(hit.range) || both.len() <= LONGEST && same {
                if both.len() <= LONGEST {
                    other.range = both;
                }
                merged = true;
                break;
            }
        }
        if merged || taken >= PER_FILE {
            continue;
        }
        chosen.push(hit);
        if chosen.len() >= top {
            break;
        }
    }
    // Merging may have made two of a file meet.
    let mut out: Vec<Hit> = Vec::with_capacity(chosen.len());
    for hit in chosen {
        if !out
            .iter()
            .any(|o| o.path == hit.path && o.range.overlaps(hit.range))
        {
            out.push(hit);
        }
    }
    out
}
