//! The meaning of pieces, as vectors (embeddings): computed where an embedding model is at hand,
//! kept by the content of their files, compared with the vector of a query.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tantivy::{DocAddress, TantivyDocument};

use crate::base::secrets::masked;
use crate::base::{Cancel, Embed, Failure, RepoPath, Result};
use crate::index::checked;
use crate::index::meaning::commit_embeddings::Spoken;
use crate::index::meaning::vectors::{Blob, StoredVector, Vectors, parsed, rounded};
use crate::index::pieces::lines_of;
use crate::index::snapshot::{failed, read_piece};
use crate::index::table::{FileRow, Table};
use crate::index::{FileClass, Index, Symbol};
use crate::repo::{Repo, blob_id};

/// The name of the file in the index's folder.
const FILE: &str = "meaning.bin";
/// Characters of a piece that are looked at: what a model reads at most.
const LONGEST: usize = 700;
/// Pieces that are turned into vectors between two looks at the cancel and the clock.
const BATCH: usize = 64;
/// Time between two saves of the vectors made so far.
const SAVE: Duration = Duration::from_secs(20);
/// Pieces that get vectors at most: comparing more would take longer than all other views.
const MOST: usize = 150_000;
/// The product of two vectors that say nearly the same, in models of this kind: what is nearest
/// and still far gets less than the whole.
const SURE: f32 = 0.4;
/// The product of the vectors of two texts that have nothing to do with each other.
const NOTHING: f32 = 0.15;

/// An embedding model, and the vectors it has made for the pieces of a repository.
pub struct Meaning {
    embed: Arc<dyn Embed>,
    vectors: Vectors,
    spoken: Spoken,
}

/// Nearness in meaning of pieces and files to a query; empty without a model.
#[derive(Debug, Clone, Default)]
pub(in crate::index) struct Alike {
    /// By piece of the table: 1 for the nearest, if it is near at all, 0 for what is no nearer
    /// than most and for what has no vector yet.
    pub pieces: Vec<f32>,
    /// By file of the table: what was said of changes to it, from 0 on.
    pub files: Vec<f32>,
}

/// Number of pieces and commits that have vectors, and of those that should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Pieces and commits that have a vector.
    pub done: usize,
    /// Pieces and commits that should have one.
    pub total: usize,
}

impl Meaning {
    /// Opens what is kept in the folder of an index; nothing where there is none, or where what is
    /// there was made by another model or is damaged: it is made anew.
    pub fn open(dir: &Path, embed: Arc<dyn Embed>) -> Self {
        let vectors = Vectors::read(&place(dir), embed.as_ref()).unwrap_or_default();
        let spoken = Spoken::open(dir, embed.as_ref());
        Self {
            embed,
            vectors,
            spoken,
        }
    }

    /// Name of the model, without the file it was read from.
    pub fn model(&self) -> &str {
        let name = self.embed.name();
        name.split_once(',').map_or(name, |(name, _)| name)
    }

    /// True if there is no vector to compare with.
    pub fn is_empty(&self) -> bool {
        self.vectors.places.is_empty() && self.spoken.is_empty()
    }

    /// Compares a query with the pieces and files of the table.
    ///
    /// # Errors
    /// If the model cannot be run.
    pub(in crate::index) fn alike(
        &self,
        index: &Index,
        table: &Table,
        query: &str,
    ) -> Result<Alike> {
        let texts = [query.chars().take(LONGEST).collect::<String>()];
        let made = self.embed.embed(&texts, &Cancel::never())?;
        let query = made.first();
        let (scale, query) =
            rounded(query.ok_or_else(|| Failure::bug("a model made no vector of a query"))?);
        let files = self.spoken.near(table, (scale, &query), SURE);
        let mut alike = vec![f32::NAN; table.rows.len()];
        for file in &table.files {
            let Some((at, count)) = self.of_file(index, &file.path) else {
                continue;
            };
            if count as usize != file.rows.len() {
                continue;
            }
            for (number, row) in file.rows.iter().enumerate() {
                if let Some(slot) = alike.get_mut(*row as usize)
                    && let Some(product) = self.vectors.product(at, number, scale, &query)
                {
                    *slot = product;
                }
            }
        }
        let known = || alike.iter().copied().filter(|x| x.is_finite());
        let (count, best) = known().fold((0, 0.0_f32), |(n, best), x| (n + 1, best.max(x)));
        let usual = known().sum::<f32>() / (count as f32).max(1.0);
        let most = best.max(SURE) - usual;
        for slot in &mut alike {
            let near = (*slot - usual) / most.max(f32::EPSILON);
            let said = near.is_finite() && *slot > NOTHING;
            *slot = if said { near.max(0.0) } else { 0.0 };
        }
        Ok(Alike {
            pieces: alike,
            files,
        })
    }

    /// Finds the vectors of a file, as [`Vectors::places`] has them; none while it has none.
    fn of_file(&self, index: &Index, path: &RepoPath) -> Option<(usize, u32)> {
        let blob = parsed(&index.files.get(path)?.blob)?;
        self.vectors.places.get(&blob).copied()
    }

    /// Counts the pieces of an index and the commits of its past that have a vector.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn coverage(&self, index: &Index) -> Result<Coverage> {
        let Some(table) = index.table()? else {
            return Ok(Coverage { done: 0, total: 0 });
        };
        let (done, total) = self.spoken.coverage();
        let mut coverage = Coverage { done, total };
        for file in wanted(table) {
            coverage.total += file.rows.len();
            let has = |(_, count): &(usize, u32)| *count as usize == file.rows.len();
            if self.of_file(index, &file.path).as_ref().is_some_and(has) {
                coverage.done += file.rows.len();
            }
        }
        Ok(coverage)
    }

    /// Makes the vectors that are missing, those of commits and of code first, and keeps them in
    /// `dir`; what was made until a cancel is kept too. `progress` is told after each batch how
    /// many there are.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind model, if the model cannot be run; of kind
    /// environment, if nothing can be written.
    pub fn complete(
        mut self,
        index: &Index,
        repo: &Repo,
        dir: &Path,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Coverage),
    ) -> Result<Self> {
        self.add(index, repo, dir, cancel, progress)?;
        Ok(self)
    }

    fn add(
        &mut self,
        index: &Index,
        repo: &Repo,
        dir: &Path,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Coverage),
    ) -> Result<()> {
        let Some(table) = index.table()? else {
            return Ok(());
        };
        let mut how_far = self.coverage(index)?;
        let embed = self.embed.as_ref();
        self.spoken.complete(dir, embed, cancel, &mut |made| {
            how_far.done += made;
            progress(how_far);
        })?;
        self.vectors.recall();
        let mut saved = Instant::now();
        let mut batch = Batch::default();
        let mut added = false;
        let files = wanted(table);
        let mut asked = BTreeSet::new();
        let mut result = Ok(());
        for (number, file) in files.iter().enumerate() {
            if let Some(blob) = index.files.get(&file.path).and_then(|f| parsed(&f.blob))
                && self.vectors.places.get(&blob).map(|p| p.1 as usize) != Some(file.rows.len())
                && asked.insert(blob)
            {
                let texts = texts_of(index, table, file, repo, &blob)?;
                how_far.total -= file.rows.len() - texts.len();
                batch.add(blob, texts);
            }
            let last = number + 1 == files.len();
            if batch.texts.len() < BATCH && !last {
                continue;
            }
            match batch.embedded(self.embed.as_ref(), &self.vectors, cancel) {
                Ok(made) => {
                    for (blob, pieces) in made {
                        how_far.done += pieces.len();
                        added |= !pieces.is_empty();
                        self.vectors.insert(blob, self.embed.width(), &pieces);
                    }
                }
                Err(failure) => {
                    result = Err(failure);
                    break;
                }
            }
            progress(how_far);
            if saved.elapsed() > SAVE {
                self.save(index, dir)?;
                (saved, added) = (Instant::now(), false);
            }
        }
        if added {
            self.save(index, dir)?;
        }
        result
    }

    /// Writes all vectors in one step, those of contents that are gone left out once they are
    /// the larger part.
    fn save(&mut self, index: &Index, dir: &Path) -> Result<()> {
        let current: BTreeSet<Blob> = index
            .files
            .values()
            .filter_map(|f| parsed(&f.blob))
            .collect();
        let size = |places: &mut dyn Iterator<Item = &(usize, u32)>| -> usize {
            places.map(|(_, count)| *count as usize).sum()
        };
        let all = size(&mut self.vectors.places.values());
        let live = size(
            &mut self
                .vectors
                .places
                .iter()
                .filter(|(blob, _)| current.contains(*blob))
                .map(|(_, place)| place),
        );
        if all > 3 * live + BATCH {
            self.vectors.keep(&current);
        }
        checked::write(&place(dir), self.vectors.written(self.embed.as_ref()))
    }
}

/// Chooses the files whose pieces get vectors: code first, then what is written about it and its
/// tests, at most [`MOST`] pieces.
fn wanted(table: &Table) -> Vec<&FileRow> {
    let order = |class| match class {
        FileClass::Source => Some(0),
        FileClass::Docs => Some(1),
        FileClass::Test => Some(2),
        FileClass::Build | FileClass::Generated | FileClass::Vendored => None,
    };
    let mut files: Vec<(u8, &FileRow)> = table
        .files
        .iter()
        .filter(|file| !file.rows.is_empty())
        .filter_map(|file| order(file.class).map(|order| (order, file)))
        .collect();
    // The sort is stable: files of one class stay in the order of the table.
    files.sort_by_key(|(order, _)| *order);
    let mut room = MOST;
    files
        .into_iter()
        .map(|(_, file)| file)
        .take_while(|file| {
            let pieces = file.rows.len();
            let fits = pieces <= room;
            room = room.saturating_sub(pieces);
            fits
        })
        .collect()
}

/// Reads the texts of a file's pieces as a model reads them; none if the file is another now than
/// the index has seen.
fn texts_of(
    index: &Index,
    table: &Table,
    file: &FileRow,
    repo: &Repo,
    blob: &Blob,
) -> Result<Vec<String>> {
    let Some((searcher, fields)) = &index.searcher else {
        return Ok(Vec::new());
    };
    let Ok(bytes) = repo.read_bytes(&file.path) else {
        return Ok(Vec::new());
    };
    if parsed(&blob_id(&bytes).0).as_ref() != Some(blob) {
        return Ok(Vec::new());
    }
    let Some(text) = crate::base::encoding::decode(&bytes) else {
        return Ok(Vec::new());
    };
    let text = masked(&text.text)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut texts = Vec::with_capacity(file.rows.len());
    for row in &file.rows {
        let (segment, doc) = table.address(*row);
        let document: TantivyDocument = searcher
            .doc(DocAddress::new(segment as u32, doc))
            .map_err(|e| failed("the index cannot be read", &e))?;
        let Some(piece) = read_piece(&document, *fields, 0.0) else {
            return Ok(Vec::new());
        };
        let own = lines_of(&lines, piece.range);
        texts.push(told(&file.path, piece.symbol.as_ref(), own));
    }
    Ok(texts)
}

/// Writes the words of a piece as an embedding model reads them best: where it stands and what it
/// is called, then its text; identifiers cut into words, signs left out. Empty for lines that say
/// nothing.
fn told(path: &RepoPath, symbol: Option<&Symbol>, lines: &[&str]) -> String {
    if !lines
        .iter()
        .any(|line| line.contains(char::is_alphanumeric))
    {
        return String::new();
    }
    let mut out = String::with_capacity(LONGEST + 32);
    let mut left = LONGEST;
    words(path.as_str(), &mut out, &mut left);
    out.push_str(". ");
    if let Some(symbol) = symbol {
        words(&symbol.within, &mut out, &mut left);
        words(&symbol.name, &mut out, &mut left);
        out.push_str(": ");
    }
    for line in lines {
        if left == 0 {
            break;
        }
        words(line, &mut out, &mut left);
    }
    out
}

/// Adds the words of a text, at most `left` characters of them.
fn words(text: &str, out: &mut String, left: &mut usize) {
    let mut before = ' ';
    for c in text.chars().chain([' ']) {
        if *left == 0 {
            return;
        }
        let part = !c.is_alphanumeric();
        let begins = c.is_uppercase() && before.is_lowercase();
        if (part || begins) && !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
            *left -= 1;
        }
        if !part {
            out.extend(c.to_lowercase());
            *left = left.saturating_sub(1);
        }
        before = c;
    }
}

/// Texts of several files that are turned into vectors at once.
#[derive(Default)]
struct Batch {
    /// Texts of all pieces, file after file.
    texts: Vec<String>,
    /// Content of each file, and the number of its texts.
    files: Vec<(Blob, usize)>,
}

impl Batch {
    fn add(&mut self, blob: Blob, texts: Vec<String>) {
        if !texts.is_empty() {
            self.files.push((blob, texts.len()));
            self.texts.extend(texts);
        }
    }

    /// Turns the texts into what is kept of each file's pieces; only words that are new go to the
    /// model.
    fn embedded(
        &mut self,
        embed: &dyn Embed,
        vectors: &Vectors,
        cancel: &Cancel,
    ) -> Result<Vec<(Blob, Vec<StoredVector>)>> {
        let (texts, files) = (
            std::mem::take(&mut self.texts),
            std::mem::take(&mut self.files),
        );
        if texts.is_empty() {
            cancel.check()?;
            return Ok(Vec::new());
        }
        let width = embed.width();
        let pieces: Vec<(u64, Option<StoredVector>)> = texts
            .iter()
            .map(|text| {
                let hash = hash_of(text);
                // What says nothing is like nothing, whatever a model would make of it.
                let nothing = || text.is_empty().then(|| StoredVector::new(hash, &[], width));
                (hash, vectors.like(hash).or_else(nothing))
            })
            .collect();
        let said: Vec<String> = texts
            .into_iter()
            .zip(&pieces)
            .filter_map(|(text, (_, known))| known.is_none().then_some(text))
            .collect();
        let mut made = Vec::with_capacity(said.len());
        for some in said.chunks(BATCH) {
            cancel.check()?;
            made.extend(embed.embed(some, cancel)?);
        }
        let mut made = made.into_iter();
        let mut all = Vec::with_capacity(pieces.len());
        for (hash, known) in pieces {
            let piece = match known {
                Some(piece) => piece,
                None => {
                    let vector = made.next();
                    let few = || Failure::bug("a model made fewer vectors than there are texts");
                    StoredVector::new(hash, &vector.ok_or_else(few)?, width)
                }
            };
            all.push(piece);
        }
        let mut all = all.into_iter();
        Ok(files
            .into_iter()
            .map(|(blob, count)| (blob, all.by_ref().take(count).collect()))
            .collect())
    }
}

/// The first 8 bytes of a text's SHA-256, little-endian.
fn hash_of(text: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Path of the file of vectors in the folder of an index.
fn place(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
#[path = "embeddings_tests.rs"]
mod tests;
