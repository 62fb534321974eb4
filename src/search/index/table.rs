//! All pieces of an index side by side: which lines of which file, and what they are.

use std::collections::BTreeMap;

use tantivy::columnar::StrColumn;
use tantivy::{DocId, Searcher, SegmentReader};

use super::snapshot::{FileRecord, failed};
use super::{FileClass, SymbolKind};
use crate::base::bug::bug;
use crate::base::{OrBug, RepoPath, Result};

/// No file: the piece was taken out.
pub(super) const GONE: u32 = u32::MAX;

/// One piece: its lines, and what the columns of the index tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PieceRow {
    /// Number of the piece's file in [`Table::files`], or [`GONE`].
    pub file: u32,
    /// First line, from 1.
    pub start: u32,
    /// Last line, included.
    pub end: u32,
    /// Kind of the definition that the piece is or belongs to; none for other text.
    pub kind: Option<SymbolKind>,
    /// True if that definition begins in this piece.
    pub head: bool,
    /// True for a test that stands in the file it tests.
    pub test: bool,
    /// Number of commits that touched the piece.
    pub touched: u32,
    /// Time of the last commit that touched the piece, in seconds since 1970; 0 for none.
    pub last: u64,
}

/// The row that stands in for one that is not there.
const NO_ROW: PieceRow = PieceRow {
    file: GONE,
    start: 1,
    end: 1,
    kind: None,
    head: false,
    test: false,
    touched: 0,
    last: 0,
};

/// A file with its pieces.
#[derive(Debug, Clone)]
pub(super) struct FileRow {
    /// Path in the repository.
    pub path: RepoPath,
    /// Class of the file.
    pub class: FileClass,
    /// Pieces of the file in order of line: numbers in [`Table::rows`].
    pub rows: Vec<u32>,
}

/// The pieces of an index. A piece's number is its document's, counted on through all
/// segments.
pub(super) struct Table {
    /// Row of each piece.
    pub rows: Vec<PieceRow>,
    /// The files in order of path.
    pub files: Vec<FileRow>,
    /// The number of each segment's first piece.
    pub bases: Vec<u32>,
    /// Time of the newest commit that touched anything, in seconds since 1970.
    pub newest: u64,
    /// Column of names of each segment.
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
        let numbers: BTreeMap<&str, u32> = known
            .keys()
            .enumerate()
            .map(|(number, path)| (path.as_str(), number as u32))
            .collect();
        let files = known
            .iter()
            .map(|(path, record)| FileRow {
                path: path.clone(),
                class: record.class,
                rows: Vec::new(),
            })
            .collect();
        let mut table = Self {
            rows: Vec::new(),
            files,
            bases: Vec::new(),
            newest: 0,
            names: Vec::new(),
        };
        for segment in searcher.segment_readers() {
            table.add_segment(segment, &numbers)?;
        }
        let rows = &table.rows;
        for file in &mut table.files {
            file.rows.sort_by_key(|piece| {
                let row = rows.get(*piece as usize);
                row.map(|row| (row.start, row.end))
                    .or_bug("a file has a piece that the table has not")
            });
        }
        Ok(table)
    }

    /// Adds the pieces of a segment; `numbers` are those of the files, by path.
    fn add_segment(
        &mut self,
        segment: &SegmentReader,
        numbers: &BTreeMap<&str, u32>,
    ) -> Result<()> {
        let damaged = |e: &tantivy::TantivyError| failed("the index cannot be read", e);
        self.bases.push(self.rows.len() as u32);
        let fast = segment.fast_fields();
        let column = |name| fast.u64(name).map_err(|e| damaged(&e));
        let start = column("start")?.first_or_default_col(0);
        let end = column("end")?.first_or_default_col(0);
        let kind = column("kind")?.first_or_default_col(0);
        let touched = column("touched")?.first_or_default_col(0);
        let last = column("last")?.first_or_default_col(0);
        let paths = fast.str("path").map_err(|e| damaged(&e))?;
        self.names.push(fast.str("exact").map_err(|e| damaged(&e))?);
        let of_path = match &paths {
            Some(paths) => files_by_term(paths, numbers)?,
            None => Vec::new(),
        };
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
            let row = PieceRow {
                file,
                start: start.get_val(doc) as u32,
                end: end.get_val(doc) as u32,
                kind,
                head,
                test,
                touched: touched.get_val(doc) as u32,
                last: last.get_val(doc),
            };
            self.newest = self.newest.max(row.last);
            // No file has the number of those that are gone.
            if let Some(file) = self.files.get_mut(file as usize) {
                file.rows.push(self.rows.len() as u32);
            }
            self.rows.push(row);
        }
        Ok(())
    }

    /// Returns the row of a piece. Who has a piece's number has it from this table, so there is
    /// one.
    pub(super) fn row(&self, piece: u32) -> &PieceRow {
        self.rows
            .get(piece as usize)
            .unwrap_or_else(|| bug("there is no such piece", &NO_ROW))
    }

    /// Returns the file that a piece is of; none for a piece that was taken out.
    pub(super) fn file_of(&self, row: &PieceRow) -> Option<&FileRow> {
        self.files.get(row.file as usize)
    }

    /// Returns the number of a file's lines: every line is in a piece.
    pub(super) fn lines(&self, file: &FileRow) -> u32 {
        let ends = file.rows.iter().map(|piece| self.row(*piece).end);
        ends.max().unwrap_or(0)
    }

    /// Returns the number of a document of a segment.
    pub(super) fn number(&self, segment: usize, doc: DocId) -> u32 {
        let base = self.bases.get(segment).copied();
        base.or_bug("there is no such segment") + doc
    }

    /// Returns segment and document of a piece.
    pub(super) fn address(&self, piece: u32) -> (usize, DocId) {
        let segment = self.bases.partition_point(|base| *base <= piece).max(1) - 1;
        let base = self.bases.get(segment).copied();
        (segment, piece - base.or_bug("there is no such segment"))
    }

    /// Returns the name of what begins at a piece; none where nothing begins, or where the name
    /// cannot be read.
    pub(super) fn name(&self, piece: u32) -> Option<String> {
        let (segment, doc) = self.address(piece);
        let names = self.names.get(segment)?.as_ref()?;
        let ord = names.ords().first(doc)?;
        let mut name = String::new();
        names.ord_to_str(ord, &mut name).ok()?.then_some(name)
    }
}

/// Returns the number of the file for each term of the column of paths, so that each path is
/// looked up once, not once a piece. The column still has the paths of files that are gone.
fn files_by_term(paths: &StrColumn, numbers: &BTreeMap<&str, u32>) -> Result<Vec<u32>> {
    let mut files = Vec::with_capacity(paths.num_terms());
    let mut text = String::new();
    for ord in 0..paths.num_terms() as u64 {
        text.clear();
        paths
            .ord_to_str(ord, &mut text)
            .map_err(|e| failed("the index cannot be read", &e.into()))?;
        files.push(numbers.get(text.as_str()).copied().unwrap_or(GONE));
    }
    Ok(files)
}

/// The kinds by the numbers they are stored under: one more than the place here.
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

/// Packs a kind (0 for none), and the flags `head` and `test` of [`PieceRow`], into one number.
pub(super) fn packed(kind: Option<SymbolKind>, head: bool, test: bool) -> u64 {
    let number = kind.map_or(0, |kind| {
        let at = KINDS.iter().position(|known| *known == kind);
        at.or_bug("a kind has no number") as u64 + 1
    });
    number * 4 + u64::from(test) * 2 + u64::from(head)
}

/// Unpacks the number that [`packed`] made: kind, `head`, `test`.
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
