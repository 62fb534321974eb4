//! The meaning of commits: the messages of the past as vectors, and the files each of them
//! touched.
//!
//! Who asks often says it in words that are nearer to what somebody wrote of a change than to
//! the code itself, and where such a change was made is a place to look.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Cancel, Embed, Failure, RepoPath, Result};
use crate::index::checked;
use crate::index::history::{self, MOST_FILES, telling};
use crate::index::meaning::vectors::{StoredVector, Vectors, parsed};
use crate::index::table::Table;
use crate::repo::CommitLog;

/// The name of the file of the vectors, which has the form of [`Vectors`]: a commit's id stands
/// where a content's does, and each has one piece.
const FILE: &str = "past.bin";
/// The name of the file that tells which commits touched which files.
const LIST: &str = "touched.json";
/// Characters of a message that are looked at.
const LONGEST: usize = 400;
/// Messages that are turned into vectors between two looks at the cancel.
const BATCH: usize = 64;
/// Commits that a query is answered by: the nearest.
const NEAREST: usize = 30;
/// Share of the way from the usual commit to the nearest one that says nothing yet.
const FAR: f32 = 0.2;
/// Commits of one file that count: a file that everything touches is no better for it.
const OF_FILE: usize = 3;

/// The commits that speak of something, and the files that each touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::index) struct Touched {
    /// Paths of all files that any commit touched.
    paths: Vec<RepoPath>,
    /// Ids of commits, newest first, and the files each touched: numbers in `paths`.
    commits: Vec<(String, Vec<u32>)>,
}

impl Touched {
    /// Takes the commits of a log, but for those that speak of too many files or of nothing.
    pub(in crate::index) fn of(log: &CommitLog) -> Self {
        let mut touched = Self::default();
        let mut numbers: HashMap<RepoPath, u32> = HashMap::new();
        for past in &log.commits {
            if past.files.is_empty() || past.files.len() > MOST_FILES || said(past).is_empty() {
                continue;
            }
            let files = past.files.iter().map(|file| {
                *numbers.entry(file.path.clone()).or_insert_with(|| {
                    touched.paths.push(file.path.clone());
                    touched.paths.len() as u32 - 1
                })
            });
            let files = files.collect();
            touched.commits.push((past.id.clone(), files));
        }
        touched
    }

    /// Writes the list beside the index.
    pub(in crate::index) fn save(&self, dir: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self)
            .map_err(|e| Failure::bug("the list of commits cannot be written").because(e))?;
        checked::write(&dir.join(LIST), bytes)
    }

    /// Reads the list that is kept; nothing where that is damaged.
    fn read(dir: &Path) -> Self {
        let kept = checked::read(&dir.join(LIST)).ok();
        kept.and_then(|bytes| serde_json::from_slice(&bytes).ok())
            // The log that it is made from is larger, and takes longer to read.
            .or_else(|| history::kept(dir).map(|log| Self::of(&log)))
            .unwrap_or_default()
    }
}

/// The past as far as an embedding model has read it: commits with the vectors of their messages.
pub(in crate::index) struct Spoken {
    touched: Touched,
    vectors: Vectors,
}

impl Spoken {
    /// Opens what is kept in the folder of an index and was made by this model; without vectors
    /// where there are none.
    pub(in crate::index) fn open(dir: &Path, embed: &dyn Embed) -> Self {
        Self {
            touched: Touched::read(dir),
            vectors: Vectors::read(&dir.join(FILE), embed).unwrap_or_default(),
        }
    }

    /// True if no commit has a vector to compare with.
    pub(in crate::index) fn is_empty(&self) -> bool {
        self.vectors.places.is_empty()
    }

    /// Counts the commits that have a vector, and those that should.
    pub(in crate::index) fn coverage(&self) -> (usize, usize) {
        let known = |(id, _): &&(String, Vec<u32>)| {
            parsed(id).is_some_and(|id| self.vectors.places.contains_key(&id))
        };
        let commits = &self.touched.commits;
        (commits.iter().filter(known).count(), commits.len())
    }

    /// Compares a query with the commits that touched each file of the table: 0 for what no near
    /// commit touched, about 1 to 3 for the nearest. The query is a vector in 8 bits with its
    /// scale; `sure` is the product of two texts that say nearly the same.
    pub(in crate::index) fn near(
        &self,
        table: &Table,
        (scale, query): (f32, &[i8]),
        sure: f32,
    ) -> Vec<f32> {
        let mut commits: Vec<(f32, &[u32])> = Vec::new();
        for (id, files) in &self.touched.commits {
            let place = parsed(id).and_then(|id| self.vectors.places.get(&id));
            if let Some((at, 1..)) = place
                && let Some(near) = self.vectors.product(*at, 0, scale, query)
            {
                commits.push((near, files));
            }
        }
        let mut near = vec![0.0; table.files.len()];
        let usual = commits.iter().map(|(near, _)| near).sum::<f32>() / commits.len() as f32;
        // Newer ones first among equals: the sort is stable.
        commits.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((best, _)) = commits.first() else {
            return near;
        };
        let most = (best.max(sure) - usual).max(f32::EPSILON);
        let mut of_path: HashMap<u32, (usize, f32)> = HashMap::new();
        for (product, files) in commits.iter().take(NEAREST) {
            let said = (product - usual) / most - FAR;
            if !said.is_finite() || said <= 0.0 {
                break;
            }
            // Who touched many files said less of each.
            let each = said / (files.len() as f32).sqrt();
            for file in *files {
                let (count, sum) = of_path.entry(*file).or_default();
                if *count < OF_FILE {
                    *count += 1;
                    *sum += each;
                }
            }
        }
        for (path, (_, sum)) in of_path {
            let Some(path) = self.touched.paths.get(path as usize) else {
                continue;
            };
            let found = table.files.binary_search_by(|file| file.path.cmp(path));
            if let Ok(file) = found
                && let Some(slot) = near.get_mut(file)
            {
                *slot = sum;
            }
        }
        near
    }

    /// Makes the vectors that are missing and keeps them in `dir`, those made until a cancel
    /// too. `progress` is told of each batch how many it were.
    ///
    /// # Errors
    /// As [`crate::index::Meaning::complete`].
    pub(in crate::index) fn complete(
        &mut self,
        dir: &Path,
        embed: &dyn Embed,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<()> {
        let (done, total) = self.coverage();
        if done == total {
            return Ok(());
        }
        let Some(log) = history::kept(dir) else {
            return Ok(());
        };
        // What is kept may be damaged, or an older version may have kept nothing.
        let touched = Touched::of(&log);
        if touched != self.touched {
            touched.save(dir)?;
            self.touched = touched;
        }
        let wanted: BTreeSet<&str> = self.touched.commits.iter().map(|c| c.0.as_str()).collect();
        let (mut missing, mut texts) = (Vec::new(), Vec::new());
        let mut current = BTreeSet::new();
        for past in log.commits.iter().chain(&log.spare) {
            let Some(id) = parsed(&past.id) else {
                continue;
            };
            current.insert(id);
            if wanted.contains(past.id.as_str()) && !self.vectors.places.contains_key(&id) {
                missing.push(id);
                texts.push(said(past));
            }
        }
        self.vectors.keep(&current);
        let mut result = Ok(());
        for (some, texts) in missing.chunks(BATCH).zip(texts.chunks(BATCH)) {
            let made = cancel.check().and_then(|()| embed.embed(texts, cancel));
            match made {
                Ok(made) => {
                    for (id, vector) in some.iter().zip(made) {
                        let piece = StoredVector::new(0, &vector, embed.width());
                        self.vectors.insert(*id, embed.width(), &[piece]);
                    }
                    progress(some.len());
                }
                Err(failure) => {
                    result = Err(failure);
                    break;
                }
            }
        }
        checked::write(&dir.join(FILE), self.vectors.written(embed))?;
        result
    }
}

/// The message of a commit as a model reads it.
fn said(past: &crate::repo::Past) -> String {
    let told = telling(&past.message);
    told.trim().chars().take(LONGEST).collect()
}
