//! The frame of an excerpt, which stands around it and belongs to it: the first line of each
//! definition it lies in, and the imports that it uses.

use crate::base::{LineRange, RepoPath};
use crate::index::{Symbol, SymbolKind, lines_of};

use super::FrameLine;

/// Most definitions around an excerpt that are named: the nearest say the most.
const LEVELS: usize = 3;
/// Most lines of imports of one excerpt.
const IMPORTS: usize = 8;
/// Lines at the beginning of a file among which imports are looked for.
const HEAD: usize = 400;
/// Longest line that is shown, in bytes: beyond are lists that somebody's tool wrote.
const LONGEST: usize = 200;

/// Returns the first lines of the definitions that the range lies in and that it does not show,
/// outermost first. The symbols may be older than the text: what is not there is left out.
pub(super) fn around(text: &[&str], symbols: &[Symbol], range: LineRange) -> Vec<FrameLine> {
    let mut lines: Vec<FrameLine> = symbols
        .iter()
        .filter(|symbol| {
            symbol.range.start() < range.start() && symbol.range.end() >= range.start()
        })
        .filter(|symbol| symbol.kind != SymbolKind::Constant)
        .filter_map(|symbol| {
            let first = symbol.range.start() as usize;
            let own = text.get(first.checked_sub(1)?..range.start() as usize - 1)?;
            let at = own
                .iter()
                .position(|line| line.trim_start().starts_with(symbol.signature.as_str()))?;
            frame_line(text, first + at)
        })
        .collect();
    lines.sort_by_key(|line| line.number);
    lines.dedup();
    let over = lines.len().saturating_sub(LEVELS);
    lines.split_off(over)
}

/// Returns the imports of a file that the lines of a range use, at most so many that they stay
/// beside the point; none for languages whose imports do not say what they bring (C, Ruby, shells).
pub(super) fn imports(path: &RepoPath, text: &[&str], range: LineRange) -> Vec<FrameLine> {
    let Some(form) = ImportSyntax::of(path) else {
        return Vec::new();
    };
    let shown = lines_of(text, range);
    let used = |name: &str| shown.iter().any(|line| has_word(line, name));
    let mut lines = Vec::new();
    for statement in statements(form, text) {
        // What lies in the range is shown there.
        if statement.end >= range.start() as usize && statement.start <= range.end() as usize {
            continue;
        }
        let mut of_statement: Vec<usize> = (1..)
            .zip(text)
            .take(statement.end)
            .skip(statement.start - 1)
            .filter(|(_, line)| names(form, line).into_iter().any(used))
            .map(|(number, _)| number)
            .collect();
        let Some(first) = of_statement.first().copied() else {
            continue;
        };
        if first != statement.start {
            // Without its first line one does not see where the names come from.
            of_statement.insert(0, statement.start);
        }
        if form == ImportSyntax::Script && of_statement.last() != Some(&statement.end) {
            // There it stands behind them.
            of_statement.push(statement.end);
        }
        if lines.len() + of_statement.len() > IMPORTS {
            break;
        }
        lines.extend(
            of_statement
                .into_iter()
                .filter_map(|number| frame_line(text, number)),
        );
    }
    lines
}

/// Takes line `number`, from 1, into a frame; none if it is empty or too long.
fn frame_line(text: &[&str], number: usize) -> Option<FrameLine> {
    let line = text.get(number.checked_sub(1)?)?.trim_end();
    (line.len() <= LONGEST && !line.is_empty()).then(|| FrameLine {
        number: number as u32,
        text: line.to_owned(),
    })
}

/// The form in which a language writes imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImportSyntax {
    /// `use a::{b, c};`
    Rust,
    /// `from a import (b, c)`
    Python,
    /// `import { b, c } from 'a'`
    Script,
    /// `import ( "a/b" )`
    Go,
    /// `import a.b.C;`, `using A.B;`, `use A\B;`
    Dotted,
}

impl ImportSyntax {
    /// Tells the form by a file's extension.
    fn of(path: &RepoPath) -> Option<Self> {
        Some(match path.extension()?.as_str() {
            "rs" => Self::Rust,
            "py" | "pyi" => Self::Python,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => {
                Self::Script
            }
            "go" => Self::Go,
            "java" | "kt" | "kts" | "scala" | "cs" | "php" | "swift" | "groovy" => Self::Dotted,
            _ => return None,
        })
    }

    /// Tells whether an import begins in a line.
    fn begins(self, line: &str) -> bool {
        let words: &[&str] = match self {
            Self::Rust => &["use ", "pub use ", "pub(crate) use ", "pub(super) use "],
            Self::Python => &["import ", "from "],
            Self::Script => &["import ", "import{"],
            Self::Go => &["import "],
            Self::Dotted => &["import ", "using ", "use "],
        };
        let require = self == Self::Script
            && (line.starts_with("const ") || line.starts_with("var ") || line.starts_with("let "))
            && line.contains("require(");
        require || words.iter().any(|word| line.starts_with(word))
    }
}

/// First and last line of a statement, from 1.
struct Statement {
    start: usize,
    end: usize,
}

/// Finds the imports at the beginning of a file; brackets say how far each goes.
fn statements(form: ImportSyntax, text: &[&str]) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text).take(HEAD);
    while let Some((start, line)) = lines.next() {
        if !form.begins(line) {
            continue;
        }
        let mut end = start;
        let mut open = depth(line);
        while open > 0
            && let Some((number, line)) = lines.next()
        {
            open += depth(line);
            end = number;
        }
        found.push(Statement { start, end });
    }
    found
}

/// Counts the brackets that a line opens and does not close; below 0 where it closes more.
fn depth(line: &str) -> i32 {
    line.chars()
        .map(|c| match c {
            '(' | '{' => 1,
            ')' | '}' => -1,
            _ => 0,
        })
        .sum()
}

/// Returns the names that one line of an import brings.
fn names(form: ImportSyntax, line: &str) -> Vec<&str> {
    let code = match form {
        ImportSyntax::Rust | ImportSyntax::Dotted => line.split_once("//").map(|(code, _)| code),
        ImportSyntax::Python => line.split_once('#').map(|(code, _)| code),
        // What is quoted is where it comes from.
        ImportSyntax::Script => line.split_once(['\'', '"', '`']).map(|(code, _)| code),
        ImportSyntax::Go => return names_in_go(line),
    };
    let code = code.unwrap_or(line);
    let code = match (form, code.split_once(" import ")) {
        (ImportSyntax::Python, Some((_, names))) => names,
        _ => code,
    };
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 1 && !is_keyword(word))
        .filter(|word| {
            let at = word.as_ptr() as usize - code.as_ptr() as usize;
            let (before, from) = code.split_at(at);
            let (_, rest) = from.split_at(word.len());
            // A path goes on behind its inner parts; only a leaf is a name of its own. In Python
            // `import a.b` brings `a`.
            if form == ImportSyntax::Python {
                !before.ends_with('.')
            } else {
                let rest = rest.trim_start();
                !(rest.starts_with("::") || rest.starts_with('\\') || rest.starts_with('.'))
            }
        })
        .collect()
}

/// Returns the names that one line of an import of Go brings: the alias, and the last part of the
/// path that is no version.
fn names_in_go(line: &str) -> Vec<&str> {
    let code = line.trim().trim_start_matches("import").trim();
    // Without quotes there is no path: `import (`.
    let (alias, quoted) = code.split_once('"').unwrap_or((code, ""));
    let path = quoted.split_once('"').map_or(quoted, |(path, _)| path);
    let last = path
        .rsplit('/')
        .find(|part| !part.starts_with('v') || part.len() > 3)
        .unwrap_or(path);
    [alias.trim(), last]
        .into_iter()
        .filter(|name| name.chars().any(char::is_alphanumeric))
        .collect()
}

/// Tells whether a word of an import is one of the language's own.
fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "use"
            | "pub"
            | "crate"
            | "super"
            | "self"
            | "import"
            | "from"
            | "as"
            | "using"
            | "static"
            | "const"
            | "let"
            | "var"
            | "require"
            | "type"
            | "function"
    )
}

/// Tells whether a line holds a name as a whole word.
fn has_word(line: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + name.len()..)
            .and_then(|text| text.chars().next());
        !part(before) && !part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(name: &str, text: &str, start: u32) -> Vec<u32> {
        let path = RepoPath::new(name).expect("a path");
        let lines: Vec<&str> = text.lines().collect();
        let range = LineRange::new(start, lines.len() as u32);
        imports(&path, &lines, range)
            .iter()
            .map(|line| line.number)
            .collect()
    }

    #[test]
    fn imports_that_are_used_are_found_in_each_form() {
        let rust = "use std::fs::File;\nuse std::io::{\n    Read,\n    Write,\n};\nuse a::b as cc;\n\nfn f(x: impl Write) { File::open(cc) }\n";
        assert_eq!(used("a.rs", rust, 8), [1, 2, 4, 6]);
        let python = "import os.path\nimport sys\nfrom a.b import (\n    One,\n    Two,\n)\n\ndef f():\n    return os.path.join(Two)\n";
        assert_eq!(used("a.py", python, 8), [1, 3, 5]);
        let script = "import fs from 'fs'\nimport {\n  one,\n  two as other,\n} from './one'\nconst path = require('path')\n\nexport const f = () => other(path)\n";
        assert_eq!(used("a.ts", script, 8), [2, 4, 5, 6]);
        let go = "package a\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n\tx \"example.org/thing/v2\"\n)\n\nfunc f() { http.Get(x.Y) }\n";
        assert_eq!(used("a.go", go, 9), [3, 5, 6]);
        let java =
            "import java.util.List;\nimport java.util.Map;\n\nclass A { Map<String, String> m; }\n";
        assert_eq!(used("A.java", java, 4), [2]);
        assert_eq!(
            used("a.c", "#include <stdio.h>\nint f() { return 1; }\n", 2),
            [0; 0]
        );
    }

    #[test]
    fn what_is_shown_already_is_no_frame() {
        let text = "use a::B;\nfn f() { B }\n";
        assert_eq!(used("a.rs", text, 1), [0; 0]);
    }

    #[test]
    fn definitions_around_are_named_by_their_first_lines() {
        let text = "/// Doc.\nimpl Walk {\n    /// Doc.\n    #[inline]\n    fn next(&mut self) {\n        one();\n        two();\n    }\n}\n";
        let lines: Vec<&str> = text.lines().collect();
        let symbol = |start, end, signature: &str| Symbol {
            name: "x".to_owned(),
            within: String::new(),
            kind: SymbolKind::Method,
            range: LineRange::new(start, end),
            signature: signature.to_owned(),
        };
        let symbols = [
            symbol(1, 9, "impl Walk {"),
            symbol(3, 8, "fn next(&mut self) {"),
            symbol(3, 8, "fn older() {"),
        ];
        let numbers = |start, end| -> Vec<u32> {
            around(&lines, &symbols, LineRange::new(start, end))
                .iter()
                .map(|line| line.number)
                .collect()
        };
        assert_eq!(numbers(7, 7), [2, 5]);
        assert_eq!(numbers(4, 7), [2]);
        assert_eq!(numbers(1, 9), [0; 0]);
    }
}
