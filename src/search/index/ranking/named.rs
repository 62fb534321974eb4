//! Definitions and texts that a query names: `class Flask`, `Task.retry`, `crate::walk::Walk`,
//! "what does get user name do?", `walk.rs`, the words of an error.
//!
//! Names are looked up in the index by their folded form, so that every case style finds them, and
//! what the query says of them (their kind, what they lie in, their spelling) tells those of one
//! name apart. Nothing is walked through: a query costs a few look-ups for each of its words.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::query_words::{QueryWord, is_about_use, is_question, words_of};
use crate::base::Result;
use crate::index::snapshot::{Fields, failed, read_piece};
use crate::index::table::{PieceRow, Table};
use crate::index::views::{Views, find};
use crate::index::words::terms;
use crate::index::{FileClass, Symbol, SymbolKind};

/// Words of a query that names are looked for in.
const MOST_WORDS: usize = 40;
/// Most words that are one name: `get user name by id`.
const LONGEST_NAME: usize = 6;
/// Words of a query that may mean something for a name to explain all of it.
const FEW: usize = 8;
/// Definitions of one name that are looked at; those of code come first.
const LOOKED_AT: usize = 60;
/// Definitions among which the more used come first. Others of a name are everywhere.
const COUNTED: usize = 12;
/// Definitions that are put first.
const FIRST: usize = 5;
/// Definitions that are put first where it is asked who uses them.
const DEFINED: usize = 2;
/// Pieces that may hold a word of one part, which anything may hold, for it to say something.
const RARE: usize = 12;
/// Pairs of words that stand behind each other in a piece as they do in the query, from which on
/// they are no accident.
const RUN: usize = 3;
/// Pieces with such words from which on they say nothing.
const COMMON: usize = 5;

/// Share of a query, in percent, that has to stand in a piece as it is: of a text that is pasted.
const ALL: usize = 90;
/// The same of a question, which has words of its own.
const MOST: usize = 60;

/// A piece that the query names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::index) struct NamedPiece {
    /// Number of the piece in the table.
    pub piece: u32,
    /// True if the query says nothing else: the piece comes before all others.
    pub sure: bool,
    /// True for a definition of the name.
    pub defines: bool,
    /// Number of definitions of this name, those of other spellings only where none has this one;
    /// 0 for what only implements or holds it.
    pub namesakes: u32,
}

/// Finds what a query names, likeliest first. `tests` says that the query is about tests.
///
/// # Errors
/// Of kind environment, if the index is damaged.
pub(in crate::index) fn named(
    searcher: &Searcher,
    fields: Fields,
    table: &Table,
    views: &Views,
    (query, tests): (&str, bool),
) -> Result<Vec<NamedPiece>> {
    let mut words = words_of(query);
    words.truncate(MOST_WORDS);
    let lookup = Lookup {
        searcher,
        fields,
        table,
        views,
        words: &words,
        question: is_question(query),
        tests,
    };
    let mut found = lookup.definitions()?;
    // A type may well be called `User`.
    let asks = |word: &QueryWord<'_>| !word.content && is_about_use(word.raw);
    let asked = is_question(query) && words.iter().any(asks);
    if asked {
        // Who asks where a name is used knows what it is.
        found.truncate(DEFINED);
    }
    if asked || found.is_empty() {
        found.extend(lookup.mentions()?);
    }
    found.extend(lookup.files());
    found.extend(lookup.texts(query)?);
    let mut seen = HashSet::new();
    found.retain(|named| seen.insert(named.piece));
    Ok(found)
}

/// A definition that may be meant.
struct Meant {
    piece: u32,
    symbol: Symbol,
    file: u32,
    /// Evidence that it is the one.
    evidence: f32,
    /// Content words of the query that neither its name nor what it lies in explains.
    left: usize,
    /// True if a question writes it as names are written in code.
    as_code: bool,
    namesakes: u32,
}

struct Lookup<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    table: &'a Table,
    views: &'a Views,
    words: &'a [QueryWord<'a>],
    /// True if the query is a question.
    question: bool,
    tests: bool,
}

impl Lookup<'_> {
    /// Finds the definitions that are named.
    fn definitions(&self) -> Result<Vec<NamedPiece>> {
        let mut meant: HashMap<u32, Meant> = HashMap::new();
        for from in 0..self.words.len() {
            for to in from + 1..=(from + LONGEST_NAME).min(self.words.len()) {
                for one in self.of_span(from, to)? {
                    // Explained by more words it is the likelier reading.
                    let better = meant.get(&one.piece).is_none_or(|known| {
                        (one.left, -one.evidence) < (known.left, -known.evidence)
                    });
                    if better {
                        meant.insert(one.piece, one);
                    }
                }
            }
        }
        let mut meant: Vec<Meant> = meant.into_values().collect();
        // A name among other words, in the message of a commit say, is weighed as they are: put
        // first, it did harm.
        meant.retain(|one| one.left == 0 || one.as_code);
        self.count_uses(&mut meant)?;
        meant.sort_by(|a, b| {
            let place = |one: &Meant| (one.file, one.symbol.range.start());
            let sure = |one: &Meant| one.left == 0;
            sure(b)
                .cmp(&sure(a))
                .then_with(|| b.evidence.total_cmp(&a.evidence))
                .then_with(|| place(a).cmp(&place(b)))
        });
        let named = meant.iter().map(|one| NamedPiece {
            piece: one.piece,
            sure: one.left == 0,
            defines: true,
            namesakes: one.namesakes,
        });
        Ok(named.take(FIRST).collect())
    }

    /// Finds the definitions whose name is the words `from..to`.
    fn of_span(&self, from: usize, to: usize) -> Result<Vec<Meant>> {
        let span = self.words.get(from..to).unwrap_or(&[]);
        // Words that say nothing are no name, and paths are none with other words. Among many
        // words a name is one where it is written so.
        let content = self.words.iter().filter(|word| word.content).count();
        let says = span
            .iter()
            .any(|word| word.content && (content <= FEW || word.as_code));
        if !says || span.len() > 1 && !span.iter().all(QueryWord::plain) {
            return Ok(Vec::new());
        }
        let key: String = span.iter().map(|word| folded(word.name)).collect();
        let mut pieces: Vec<u32> = find(self.searcher, self.fields.folded, self.table, &key)?
            .into_iter()
            .map(|(piece, _)| piece)
            .filter(|piece| self.table.row(*piece).kind != Some(SymbolKind::Section))
            .collect();
        let namesakes = self.namesakes(&pieces, span)?;
        // Of a name that is everywhere, those that lie in what the query says besides.
        pieces.sort_by_key(|piece| {
            let words = self.views.named.get(piece).map_or(0, |(words, _)| *words);
            (Reverse(words), self.aside(self.table.row(*piece)))
        });
        let mut meant = Vec::new();
        for piece in pieces.into_iter().take(LOOKED_AT) {
            let Some(symbol) = self.symbol(piece)? else {
                continue;
            };
            let mut one = Meant {
                piece,
                file: self.table.row(piece).file,
                evidence: 0.0,
                left: 0,
                as_code: self.question && span.iter().any(|word| word.as_code),
                namesakes: match symbol.kind {
                    SymbolKind::Impl => 0,
                    _ => namesakes,
                },
                symbol,
            };
            self.weigh(&mut one, (from, to));
            meant.push(one);
        }
        Ok(meant)
    }

    /// Counts the definitions among the pieces of a name.
    fn namesakes(&self, pieces: &[u32], span: &[QueryWord<'_>]) -> Result<u32> {
        let defines = |piece: u32| {
            let kind = self.table.row(piece).kind;
            !matches!(kind, Some(SymbolKind::Impl | SymbolKind::Section))
        };
        let spelled = match span {
            [word] => find(self.searcher, self.fields.exact, self.table, word.name)?,
            _ => Vec::new(),
        };
        let same = spelled.into_iter().filter(|(piece, _)| defines(*piece));
        let all = pieces.iter().filter(|piece| defines(**piece));
        Ok(match same.count() {
            0 => all.count() as u32,
            same => same as u32,
        })
    }

    /// Weighs what the query says of a definition besides its name.
    fn weigh(&self, one: &mut Meant, (from, to): (usize, usize)) {
        let row = self.table.row(one.piece);
        let span = self.words.get(from..to).unwrap_or(&[]);
        let path = self.table.file_of(row).map(|file| file.path.as_str());
        let holders: Vec<String> = one.symbol.within.split("::").map(folded).collect();
        let mut around = holders.clone();
        around.extend(path.unwrap_or("").split(['/', '.']).map(folded));
        if let [word] = span {
            one.evidence += match word.name {
                name if name == one.symbol.name => 3.0,
                name if name.eq_ignore_ascii_case(&one.symbol.name) => 1.0,
                _ => 0.0,
            };
            for part in &word.around {
                let known = around.contains(&folded(part)) || is_root(part);
                one.evidence += if known { 4.0 } else { -4.0 };
                // A type says more than a folder.
                one.evidence += if holders.contains(&folded(part)) {
                    1.0
                } else {
                    0.0
                };
                one.left += usize::from(!known);
            }
        }
        let covered = span.iter().filter(|word| word.content).count();
        one.evidence += 2.0 * covered as f32;
        for (at, word) in self.words.iter().enumerate() {
            if (from..to).contains(&at) {
                continue;
            }
            // `class Flask`, `Flask class`.
            let beside = at + 1 == from || at == to;
            if let Some(kind) = word.kind
                && beside
            {
                one.evidence += if kind.is(one.symbol.kind) { 4.0 } else { -2.0 };
            }
            if word.content {
                let own = std::iter::once(word.name).chain(word.around.iter().copied());
                if own.map(folded).all(|part| around.contains(&part)) {
                    one.evidence += 3.0;
                } else {
                    one.left += 1;
                }
            }
        }
        one.evidence -= self.aside(row) as f32;
        one.evidence -= match one.symbol.kind {
            SymbolKind::Impl => 1.5,
            SymbolKind::Constant | SymbolKind::Module => 0.5,
            _ => 0.0,
        };
        let depth = one
            .symbol
            .within
            .split("::")
            .filter(|part| !part.is_empty());
        one.evidence -= 0.1 * depth.count().min(5) as f32;
    }

    /// Adds to definitions of one name how many files know them: those that hold the name, and a
    /// word of the path by which it is imported.
    fn count_uses(&self, meant: &mut [Meant]) -> Result<()> {
        if !(2..=COUNTED).contains(&meant.len()) {
            return Ok(());
        }
        let mut files: HashMap<String, HashSet<u32>> = HashMap::new();
        for one in meant.iter_mut() {
            let row = self.table.row(one.piece);
            let Some(file) = self.table.file_of(row) else {
                continue;
            };
            let stem = file.path.name().split('.').next().unwrap_or("");
            // `walk/mod.rs`, `walk/index.ts` and `walk/__init__.py` are known by their folder.
            let stem = if matches!(stem, "mod" | "index" | "__init__" | "lib" | "main") {
                file.path.folder().rsplit('/').next().unwrap_or("")
            } else {
                stem
            };
            let words = [stem, one.symbol.name.as_str(), one.symbol.within.as_str()];
            for word in words {
                if !files.contains_key(word) {
                    let known = self.files_with(word)?;
                    files.insert(word.to_owned(), known);
                }
            }
            let of = |word: &str| files.get(word);
            let [of_stem, of_name, of_outer] = words.map(of);
            let knows = |file: &u32| {
                let by = |set: Option<&HashSet<u32>>| set.is_some_and(|set| set.contains(file));
                *file != one.file && (by(of_stem) || by(of_outer))
            };
            let uses = of_name.map_or(0, |files| files.iter().filter(|file| knows(file)).count());
            one.evidence += 0.4 * (1.0 + uses as f32).ln();
        }
        Ok(())
    }

    /// The files in which all words of a name stand.
    fn files_with(&self, name: &str) -> Result<HashSet<u32>> {
        let word = terms::whole(name);
        let word = word.or_else(|| terms::of_query(name).into_iter().next_back());
        let Some(word) = word else {
            return Ok(HashSet::new());
        };
        let found = find(self.searcher, self.fields.body, self.table, &word)?;
        let file = |(piece, _): (u32, f32)| self.table.row(piece).file;
        Ok(found.into_iter().map(file).collect())
    }

    /// The pieces in which the one name of the query stands: who uses it, or, where no definition
    /// has the name, something local, a field, a key.
    fn mentions(&self) -> Result<Vec<NamedPiece>> {
        let mut content = self.words.iter().filter(|word| word.content);
        let (Some(word), None) = (content.next(), content.next()) else {
            return Ok(Vec::new());
        };
        let whole = terms::whole(word.name);
        let is_whole = whole.is_some();
        let part = || terms::of_query(word.name).into_iter().next_back();
        let Some(term) = whole.or_else(part) else {
            return Ok(Vec::new());
        };
        let mut found = find(self.searcher, self.fields.body, self.table, &term)?;
        // A word that anything may hold says something only where few do.
        if !is_whole && found.len() > RARE {
            return Ok(Vec::new());
        }
        found.sort_by(|(a, a_times), (b, b_times)| {
            let aside = |piece: &u32| self.aside(self.table.row(*piece));
            aside(a).cmp(&aside(b)).then(b_times.total_cmp(a_times))
        });
        let found = found.into_iter().take(FIRST);
        Ok(found
            .map(|(piece, _)| NamedPiece {
                piece,
                sure: true,
                defines: false,
                namesakes: 0,
            })
            .collect())
    }

    /// The files that are named by themselves: `walk.rs`, `src/walk.rs`.
    fn files(&self) -> Vec<NamedPiece> {
        let mut found = Vec::new();
        let mut content = self.words.iter().filter(|word| word.content);
        if let (Some(word), None) = (content.next(), content.next())
            && word.raw.contains('.')
        {
            let is_it = |path: &str| {
                let before = path.strip_suffix(word.raw);
                before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
            };
            let files = self.table.files.iter();
            let mut files: Vec<_> = files.filter(|file| is_it(file.path.as_str())).collect();
            files.sort_by_key(|file| file.path.as_str().len());
            let first = files.iter().filter_map(|file| file.rows.first());
            found.extend(first.take(FIRST).map(|piece| NamedPiece {
                piece: *piece,
                sure: true,
                defines: false,
                namesakes: 0,
            }));
        }
        found
    }

    /// The pieces in which the query's words stand one behind the other as they do in the query: an
    /// error's text, a message, with or without quotes.
    fn texts(&self, query: &str) -> Result<Vec<NamedPiece>> {
        let first = query.trim_start().lines().next().unwrap_or("");
        let pairs = terms::pairs_of_text(first);
        // For each piece: the pair that it had last, and how many before it without a gap.
        let mut runs: HashMap<u32, (usize, usize)> = HashMap::new();
        let mut longest: HashMap<u32, (usize, usize)> = HashMap::new();
        for (at, pair) in pairs.iter().enumerate() {
            for (piece, _) in find(self.searcher, self.fields.pairs, self.table, pair)? {
                let run = runs.entry(piece).or_insert((at, 0));
                let length = if run.0 + 1 == at { run.1 + 1 } else { 1 };
                *run = (at, length);
                let most = longest.entry(piece).or_insert((length, at));
                *most = (*most).max((length, at));
            }
        }
        let most = longest.values().copied().max().unwrap_or((0, 0));
        let mut best: Vec<u32> = longest
            .into_iter()
            .filter_map(|(piece, run)| (run == most).then_some(piece))
            .collect();
        let (length, last) = most;
        let run = pairs.get((last + 1).saturating_sub(length)..=last);
        let share = if self.question { MOST } else { ALL };
        let said = said(first, run.unwrap_or(&[]));
        if length < RUN || best.len() > COMMON || said < share {
            return Ok(Vec::new());
        }
        best.sort_by_key(|piece| (self.aside(self.table.row(*piece)), *piece));
        let named = best.into_iter().map(|piece| NamedPiece {
            piece,
            sure: true,
            defines: false,
            namesakes: 0,
        });
        Ok(named.collect())
    }

    /// The distance of a piece from the code that is asked about: tests, documents and copies are
    /// meant less often.
    fn aside(&self, row: &PieceRow) -> u32 {
        let class = self.table.file_of(row).map(|file| file.class);
        match class {
            Some(FileClass::Source) if row.test && !self.tests => 3,
            Some(FileClass::Test) if !self.tests => 3,
            Some(FileClass::Source | FileClass::Test) => 0,
            Some(FileClass::Docs | FileClass::Build) => 3,
            Some(FileClass::Generated | FileClass::Vendored) | None => 5,
        }
    }

    fn symbol(&self, piece: u32) -> Result<Option<Symbol>> {
        let (segment, doc) = self.table.address(piece);
        let document: TantivyDocument = self
            .searcher
            .doc(DocAddress::new(segment as u32, doc))
            .map_err(|e| failed("the index cannot be read", &e))?;
        Ok(read_piece(&document, self.fields, 0.0).and_then(|hit| hit.symbol))
    }
}

/// The share of a query's words that mean something which are in some of its pairs, in percent.
fn said(query: &str, run: &[String]) -> usize {
    let known: HashSet<&str> = run.iter().flat_map(|pair| pair.split('_')).collect();
    let words = terms::of_query(query);
    let own = words.iter().filter(|word| known.contains(word.as_str()));
    own.count() * 100 / words.len().max(1)
}

/// Roots of paths, which name no place: `crate::walk`, `self.walk`.
fn is_root(part: &str) -> bool {
    matches!(part, "crate" | "self" | "Self" | "super" | "this" | "std")
}

/// A name without its case and what parts its words: `get_user_name` and `getUserName` are one.
pub(in crate::index) fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
