//! Definitions of a source text, by tree-sitter. Pure.

use super::Symbol;

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

/// The definitions of `text`, in order of line; empty where nothing can be parsed.
pub fn parse(text: &str, language: Language) -> Vec<Symbol> {
    let _ = (text, language);
    Vec::new()
}
