//! The names that the files of a repository define.

use super::table::{FileRow, Table};
use super::{FileClass, Index, SymbolKind};
use crate::base::{RepoPath, Result};

/// Names of one file at most.
const NAMES: usize = 12;

/// A file of code and what it defines.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlined {
    /// Path of the file.
    pub path: RepoPath,
    /// Names of its definitions: types first, then functions, in order of line; at most 12.
    pub names: Vec<String>,
    /// Weight of the file beside the others, larger where it is changed often and defines much.
    pub weight: f32,
    /// Number of lines.
    pub lines: u32,
}

impl Index {
    /// Returns the files of code that are changed often and hold much, the first of them first: a
    /// way in for whoever does not know the repository. Names are read of these alone.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn notable(&self, most: usize) -> Result<Vec<Outlined>> {
        let Some(table) = self.table()? else {
            return Ok(Vec::new());
        };
        let code = (table.files.iter()).filter(|file| file.class == FileClass::Source);
        let mut weighed: Vec<(f32, &FileRow)> = code
            .map(|file| {
                let touched = file.rows.iter().map(|row| table.row(*row).touched).max();
                // A file of no piece was never touched.
                let touched = touched.unwrap_or_default() as f32;
                let pieces = (file.rows.len() as f32).ln_1p();
                (touched.ln_1p() + 0.5 * pieces, file)
            })
            .collect();
        weighed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let outlined = weighed.iter().map(|(_, file)| outlined(table, file));
        let named = outlined.filter(|file| !file.names.is_empty());
        Ok(named.take(most).collect())
    }

    /// Returns the files of code that define something, in order of path.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn outline(&self) -> Result<Vec<Outlined>> {
        let Some(table) = self.table()? else {
            return Ok(Vec::new());
        };
        let code = (table.files.iter()).filter(|file| file.class == FileClass::Source);
        let outlined = code.map(|file| outlined(table, file));
        Ok(outlined.filter(|file| !file.names.is_empty()).collect())
    }

    /// Returns all files that are indexed, of whatever class, in order of path.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub fn outline_of_all(&self) -> Result<Vec<Outlined>> {
        let Some(table) = self.table()? else {
            return Ok(Vec::new());
        };
        let all = table.files.iter().zip(self.files.values());
        let indexed = all.filter(|(_, record)| record.is_indexed());
        Ok(indexed.map(|(file, _)| outlined(table, file)).collect())
    }
}

/// Returns what a file defines.
fn outlined(table: &Table, file: &FileRow) -> Outlined {
    let (names, touched) = names(table, &file.rows);
    Outlined {
        path: file.path.clone(),
        weight: (touched as f32).ln_1p() + 0.5 * (names.len() as f32).ln_1p(),
        names: names.into_iter().take(NAMES).collect(),
        lines: table.lines(file),
    }
}

/// Returns the names that pieces define, and how many commits touched the most touched of them.
fn names(table: &Table, pieces: &[u32]) -> (Vec<String>, u32) {
    let mut named: Vec<(u8, u32, String)> = Vec::new();
    let mut touched = 0;
    for piece in pieces {
        let row = table.row(*piece);
        touched = touched.max(row.touched);
        let order = match row.kind {
            Some(SymbolKind::Type | SymbolKind::Trait | SymbolKind::Enum | SymbolKind::Module) => 0,
            Some(SymbolKind::Function | SymbolKind::Macro) => 1,
            // A method is found by its type, and constants seldom say what a file is about.
            _ => continue,
        };
        if row.head
            && !row.test
            && let Some(name) = table.name(*piece)
        {
            // By custom, in several languages, of no use outside the file.
            let inner = u8::from(name.starts_with('_'));
            named.push((2 * inner + order, row.start, name));
        }
    }
    named.sort_unstable();
    let mut names: Vec<String> = Vec::new();
    for (_, _, name) in named {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names, touched)
}
