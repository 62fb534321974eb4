//! All pieces of an index side by side: which lines of which file, and what they are.

use std::collections::BTreeMap;

use tantivy::columnar::StrColumn;
use tantivy::{DocId, Searcher};

use super::snapshot::{FileRecord, failed};
use super::{FileClass, SymbolKind};
use crate::base::{RepoPath, Result};

/// No file: the piece was taken out.
pub(super) const GONE: u32 = u32::MAX;

/// A piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Its file: a number in [`Table::files`], or [`GONE`].
    pub file: u32,
    /// First line, from 1.
    pub start: u32,
    /// Last line.
    pub end: u32,
    /// What is defined there.
    pub kind: Option<SymbolKind>,
    /// Whether the definition begins here.
    pub head: bool,
    /// Whether it is a test that stands in the file it tests.
    pub test: bool,
    /// Commits that touched it.
    pub touched: u32,
    /// When the last of them was made, in seconds since 1970.
    pub last: u64,
}

/// A file with pieces.
#[derive(Debug, Clone)]
pub(super) struct FileRow {
    /// Where it is.
    pub path: RepoPath,
    /// Its class.
    pub class: FileClass,
    /// Its pieces in order of line: numbers in [`Table::rows`].
    pub rows: Vec<u32>,
}

/// The pieces of an index. A piece's number is its document's, counted on through all
/// segments.
pub(super) struct Table {
    /// The pieces.
    pub rows: Vec<Row>,
    /// The files in order of path.
    pub files: Vec<FileRow>,
    /// The number of each segment's first piece.
    pub bases: Vec<u32>,
    /// When the newest commit that touched anything was made.
    pub newest: u64,
    /// Names by segment.
    pub(super) names: Vec<Option<StrColumn>>,
}

impl Table {
    /// Reads the columns of all segments.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub(super) fn read(
        searcher: &Searcher,
        known: &BTreeMap<RepoPath, FileRecord>,
    ) -> Result<Self> {
        let damaged = |e: &tantivy::TantivyError| failed("the index cannot be read", e);
        let numbers: BTreeMap<&str, u32> = known
            .keys()
            .enumerate()
            .map(|(number, path)| (path.as_str(), number as u32))
            .collect();
        let mut files: Vec<FileRow> = known
            .iter()
            .map(|(path, record)| FileRow {
                path: path.clone(),
                class: record.class,
                rows: Vec::new(),
            })
            .collect();
        let mut rows = Vec::new();
        let mut bases = Vec::new();
        let mut names = Vec::new();
        let mut newest = 0;
        for segment in searcher.segment_readers() {
            bases.push(rows.len() as u32);
            let fast = segment.fast_fields();
            let column = |name| fast.u64(name).map_err(|e| damaged(&e));
            let start = column("start")?.first_or_default_col(0);
            let end = column("end")?.first_or_default_col(0);
            let kind = column("kind")?.first_or_default_col(0);
            let touched = column("touched")?.first_or_default_col(0);
            let last = column("last")?.first_or_default_col(0);
            let paths = fast.str("path").map_err(|e| damaged(&e))?;
            names.push(fast.str("exact").map_err(|e| damaged(&e))?);
            // Each path once, not once a piece.
            let mut of_path: Vec<u32> = Vec::new();
            if let Some(paths) = &paths {
                let mut text = String::new();
                for ord in 0..paths.num_terms() as u64 {
                    text.clear();
                    paths
                        .ord_to_str(ord, &mut text)
                        .map_err(|e| damaged(&e.into()))?;
                    of_path.push(numbers.get(text.as_str()).copied().unwrap_or(GONE));
                }
            }
            for doc in 0..segment.max_doc() {
                let file = match &paths {
                    Some(paths) if !segment.is_deleted(doc) => paths
                        .ords()
                        .first(doc)
                        .and_then(|ord| of_path.get(ord as usize))
                        .copied()
                        .unwrap_or(GONE),
                    _ => GONE,
                };
                let (kind, head, test) = unpacked(kind.get_val(doc));
                let row = Row {
                    file,
                    start: start.get_val(doc) as u32,
                    end: end.get_val(doc) as u32,
                    kind,
                    head,
                    test,
                    touched: touched.get_val(doc) as u32,
                    last: last.get_val(doc),
                };
                newest = newest.max(row.last);
                if let Some(file) = files.get_mut(file as usize) {
                    file.rows.push(rows.len() as u32);
                }
                rows.push(row);
            }
        }
        for file in &mut files {
            file.rows.sort_by_key(|row| {
                rows.get(*row as usize)
                    .map_or((0, 0), |row: &Row| (row.start, row.end))
            });
        }
        Ok(Self {
            rows,
            files,
            bases,
            newest,
            names,
        })
    }

    /// The number of a document of a segment.
    pub(super) fn number(&self, segment: usize, doc: DocId) -> u32 {
        self.bases.get(segment).copied().unwrap_or(0) + doc
    }

    /// Segment and document of a piece.
    pub(super) fn address(&self, row: u32) -> (usize, DocId) {
        let segment = self.bases.partition_point(|base| *base <= row).max(1) - 1;
        (segment, row - self.bases.get(segment).copied().unwrap_or(0))
    }

    /// The name of what begins at a piece.
    pub(super) fn name(&self, row: u32) -> Option<String> {
        let (segment, doc) = self.address(row);
        let names = self.names.get(segment)?.as_ref()?;
        let ord = names.ords().first(doc)?;
        let mut name = String::new();
        names.ord_to_str(ord, &mut name).ok()?.then_some(name)
    }
}

const KINDS: [SymbolKind; 10] = [
    SymbolKind::Function,
    SymbolKind::Method,
    SymbolKind::Type,
    SymbolKind::Enum,
    SymbolKind::Trait,
    SymbolKind::Module,
    SymbolKind::Constant,
    SymbolKind::Macro,
    SymbolKind::Section,
    SymbolKind::Impl,
];

/// A kind, whether it begins here, and whether it is a test, as one number.
pub(super) fn packed(kind: Option<SymbolKind>, head: bool, test: bool) -> u64 {
    let at = kind.and_then(|kind| KINDS.iter().position(|known| *known == kind));
    let kind = at.map_or(0, |at| at as u64 + 1);
    kind * 4 + u64::from(test) * 2 + u64::from(head)
}

fn unpacked(number: u64) -> (Option<SymbolKind>, bool, bool) {
    let kind = (number / 4).checked_sub(1);
    (
        kind.and_then(|at| KINDS.get(at as usize)).copied(),
        number % 2 == 1,
        number / 2 % 2 == 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_back() {
        for kind in KINDS.map(Some).into_iter().chain([None]) {
            for (head, test) in [(true, false), (false, true), (true, true), (false, false)] {
                assert_eq!(unpacked(packed(kind, head, test)), (kind, head, test));
            }
        }
    }
}
