//! Definitions of a source text, by tree-sitter. Pure.
//!
//! The only place that knows tree-sitter. The rules by which nodes are definitions stand in
//! `table`, the walk through the tree in `walk`. The walk is a loop, not a recursion, so that no
//! nesting can exhaust the stack, and parsing stops after a time limit.

mod table;
mod walk;

use crate::base::RepoPath;

pub use walk::{errors, parse};

/// A language homebody can parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript and JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// C.
    C,
    /// C++.
    Cpp,
    /// Java.
    Java,
    /// C#.
    CSharp,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Bash and sh.
    Bash,
}

impl Language {
    /// Tells the language of a file by its name, else by the interpreter its first line names.
    pub fn of(path: &RepoPath, first_line: &str) -> Option<Self> {
        path.extension()
            .and_then(|extension| Self::of_extension(&extension))
            .or_else(|| Self::of_interpreter(first_line))
    }

    /// Tells the language of files with an extension, which is in lower case.
    fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "rs" => Some(Self::Rust),
            "py" | "pyi" | "pyx" => Some(Self::Python),
            "js" | "jsx" | "mjs" | "cjs" => Some(Self::JavaScript),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            "go" => Some(Self::Go),
            "c" | "h" => Some(Self::C),
            "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" | "cu" | "cuh" | "ipp" | "inl" => {
                Some(Self::Cpp)
            }
            "java" => Some(Self::Java),
            "cs" => Some(Self::CSharp),
            "rb" | "rake" | "gemspec" => Some(Self::Ruby),
            "php" => Some(Self::Php),
            "sh" | "bash" => Some(Self::Bash),
            _ => None,
        }
    }

    /// Tells the language of a file by the interpreter its first line names.
    pub fn of_interpreter(first_line: &str) -> Option<Self> {
        let line = first_line.strip_prefix("#!")?;
        let mut words = line.split(['/', ' ', '\t']).filter(|word| !word.is_empty());
        let program = words.rfind(|word| !word.starts_with('-'))?;
        match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
            "python" | "pypy" => Some(Self::Python),
            "node" | "deno" | "bun" => Some(Self::JavaScript),
            "ruby" => Some(Self::Ruby),
            "php" => Some(Self::Php),
            "sh" | "bash" | "dash" | "zsh" | "ksh" => Some(Self::Bash),
            _ => None,
        }
    }

    /// Returns the language's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Tsx => "TSX",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Java => "Java",
            Self::CSharp => "C#",
            Self::Ruby => "Ruby",
            Self::Php => "PHP",
            Self::Bash => "Bash",
        }
    }
}

/// Returns the sections of a Markdown text, each from its heading to the next of the same or a
/// higher rank.
pub fn sections(text: &str) -> Vec<super::Symbol> {
    let mut found: Vec<(usize, super::Symbol)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut fenced = false;
    let mut last = 0;
    for (number, line) in text.lines().enumerate() {
        last = number as u32 + 1;
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        let rank = line.len() - title.len();
        if fenced || !(1..=6).contains(&rank) || !title.starts_with(' ') {
            continue;
        }
        while let Some(index) =
            open.pop_if(|index| found.get(*index).is_some_and(|(r, _)| *r >= rank))
        {
            if let Some((_, symbol)) = found.get_mut(index) {
                symbol.range = symbol.range.up_to(last - 1);
            }
        }
        let title = title.trim().trim_end_matches('#').trim();
        open.push(found.len());
        found.push((
            rank,
            super::Symbol {
                name: crate::base::text::truncated(title, 120).to_owned(),
                within: String::new(),
                kind: super::SymbolKind::Section,
                range: crate::base::LineRange::new(last, last),
                signature: crate::base::text::truncated(line.trim(), 200).to_owned(),
            },
        ));
    }
    for index in open {
        if let Some((_, symbol)) = found.get_mut(index) {
            symbol.range = symbol.range.up_to(last);
        }
    }
    found.into_iter().map(|(_, symbol)| symbol).collect()
}

#[cfg(test)]
mod tests;
