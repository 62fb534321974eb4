//! Cutting a file into the pieces that are searched: definitions, and windows of what lies
//! between them.

use super::symbols::{self, Language};
use super::{Symbol, SymbolKind};
use crate::base::{LineRange, RepoPath};

/// Lines of a window of text that is no definition.
const WINDOW: u32 = 40;
/// Longest definition that stays in one piece, in lines.
const LONGEST: u32 = 60;
/// Lines of each part of a longer one.
const PART: u32 = 40;
/// Most pieces of one file.
const MOST: usize = 4_000;

/// A piece of a file, which is searched as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Lines of the piece.
    pub range: LineRange,
    /// The definition that the piece is or belongs to.
    pub symbol: Option<Symbol>,
    /// True if the piece begins that definition.
    pub head: bool,
}

/// Returns the lines of a range, as far as the file has them.
pub(crate) fn lines_of<'a, 'b>(file: &'a [&'b str], range: LineRange) -> &'a [&'b str] {
    let (until, _) = file.split_at(file.len().min(range.end() as usize));
    let (_, own) = until.split_at(until.len().min(range.start() as usize - 1));
    own
}

/// Returns the definitions of a file and the name of its language.
pub fn definitions(path: &RepoPath, text: &str) -> (Vec<Symbol>, &'static str) {
    // An empty file has no first line.
    let first = text.lines().next().unwrap_or("");
    if let Some(language) = Language::of(path, first) {
        return (symbols::parse(text, language), language.name());
    }
    match path.extension().as_deref() {
        Some("md" | "markdown" | "mdx") => (symbols::sections(text), "Markdown"),
        Some("yml" | "yaml") => (symbols::keys(text), "YAML"),
        Some(page @ ("vue" | "svelte" | "html" | "htm" | "astro")) => {
            let name = match page {
                "vue" => "Vue",
                "svelte" => "Svelte",
                "astro" => "Astro",
                _ => "HTML",
            };
            let scripts = symbols::scripts(text);
            // What is no TypeScript is JavaScript, which the grammar of the former reads too.
            let found = scripts.map(|text| symbols::parse(&text, Language::TypeScript));
            (found.unwrap_or_default(), name)
        }
        _ => (Vec::new(), "text"),
    }
}

/// Cuts a file of `lines` lines. Every line is in at least one piece; a definition that holds
/// others is a piece only up to the first of them.
pub fn cut(lines: u32, found: &[Symbol]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut covered = 1_u32;
    for (i, symbol) in found.iter().enumerate() {
        let inner = found
            .iter()
            .skip(i + 1)
            .take_while(|next| next.range.start() <= symbol.range.end())
            .map(|next| next.range.start())
            .min();
        let container = inner.is_some()
            && !matches!(
                symbol.kind,
                SymbolKind::Function | SymbolKind::Method | SymbolKind::Constant
            );
        let end = match inner {
            Some(start) if container => start.saturating_sub(1).max(symbol.range.start()),
            _ => symbol.range.end(),
        };
        windows(
            &mut pieces,
            covered,
            symbol.range.start().saturating_sub(1),
            WINDOW,
            None,
        );
        covered = covered.max(end + 1);
        let step = if end - symbol.range.start() < LONGEST {
            LONGEST
        } else {
            PART
        };
        windows(&mut pieces, symbol.range.start(), end, step, Some(symbol));
        if pieces.len() > MOST {
            break;
        }
    }
    windows(&mut pieces, covered, lines, WINDOW, None);
    pieces.truncate(MOST);
    pieces
}

/// Adds pieces of `step` lines that cover the lines `from` to `to`; none if `to` lies before
/// `from`.
fn windows(pieces: &mut Vec<Piece>, from: u32, to: u32, step: u32, symbol: Option<&Symbol>) {
    let mut start = from.max(1);
    while start <= to && pieces.len() <= MOST {
        let mut end = to.min(start + step - 1);
        // A short rest belongs to the last piece.
        if to - end < step / 4 {
            end = to;
        }
        pieces.push(Piece {
            range: LineRange::new(start, end),
            symbol: symbol.cloned(),
            head: start == from,
        });
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symbol(start: u32, end: u32, kind: SymbolKind) -> Symbol {
        Symbol {
            name: "x".into(),
            within: String::new(),
            kind,
            range: LineRange::new(start, end),
            signature: String::new(),
        }
    }

    #[test]
    fn a_container_gives_way_to_what_it_holds() {
        let found = [
            symbol(3, 20, SymbolKind::Impl),
            symbol(5, 9, SymbolKind::Method),
            symbol(11, 20, SymbolKind::Method),
        ];
        let ranges: Vec<String> = cut(25, &found)
            .iter()
            .map(|p| p.range.to_string())
            .collect();
        assert_eq!(ranges, ["1-2", "3-4", "5-9", "10", "11-20", "21-25"]);
    }

    #[test]
    fn long_definitions_are_parted() {
        let pieces = cut(200, &[symbol(1, 200, SymbolKind::Function)]);
        assert_eq!(pieces.len(), 5);
        assert!(pieces[0].head && !pieces[1].head);
    }

    proptest! {
        #[test]
        fn every_line_is_somewhere(lines in 0_u32..400, spans in proptest::collection::vec((1_u32..400, 0_u32..120), 0..20)) {
            let mut found: Vec<Symbol> = spans
                .into_iter()
                .map(|(start, n)| symbol(start.min(lines.max(1)), (start + n).min(lines.max(1)), SymbolKind::Type))
                .collect();
            found.sort_by_key(|s| (s.range.start(), std::cmp::Reverse(s.range.end())));
            let pieces = cut(lines, &found);
            for line in 1..=lines {
                prop_assert!(pieces.iter().any(|p| p.range.contains(line)), "line {line}");
            }
        }
    }
}
