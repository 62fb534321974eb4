//! Definitions of texts that need no grammar: sections of Markdown, keys of YAML, and programs
//! inside of pages.

use crate::base::LineRange;
use crate::base::text::truncated;
use crate::index::{Symbol, SymbolKind};

/// Returns the sections of a Markdown text, each from its heading to the next of the same or a
/// higher rank.
pub fn sections(text: &str) -> Vec<Symbol> {
    let mut found: Vec<(usize, Symbol)> = Vec::new();
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
            Symbol {
                name: truncated(title, 120).to_owned(),
                within: String::new(),
                kind: SymbolKind::Section,
                range: LineRange::new(last, last),
                signature: truncated(line.trim(), 200).to_owned(),
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

/// Returns the keys of a YAML text: those at the left margin, and those one step in below them,
/// each up to the next.
pub fn keys(text: &str) -> Vec<Symbol> {
    let mut keys = Keys::default();
    // Indentation of the keys one step in, below the last one at the margin.
    let mut inner: Option<usize> = None;
    // Lines of a block of text are indented deeper than its key.
    let mut block: Option<usize> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let words = line.trim();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        if block.is_some_and(|outer| indent > outer) {
            keys.last = number;
            continue;
        }
        block = None;
        if indent == 0 {
            inner = None;
            // A list at the margin belongs to the key before it.
            if words == "---" || !words.starts_with('-') {
                keys.close(0);
            }
        } else if inner.is_none_or(|known| indent < known) {
            inner = Some(indent);
        }
        let depth = usize::from(indent > 0);
        if let Some((name, value)) = key(words)
            && (indent == 0 || inner == Some(indent))
        {
            keys.open(depth, name, number, words);
            block = value.starts_with(['|', '>']).then_some(indent);
        }
        keys.last = number;
    }
    keys.close(0);
    keys.found
}

/// Keys of a text while it is read.
#[derive(Default)]
struct Keys {
    found: Vec<Symbol>,
    /// Indices of the keys that the line at hand stands in, outermost first.
    open: Vec<usize>,
    /// The last line that was read and holds something.
    last: u32,
}

impl Keys {
    /// Begins a key that stands in `depth` others; one that stands in none of those that are
    /// known is passed over.
    fn open(&mut self, depth: usize, name: &str, line: u32, words: &str) {
        self.close(depth);
        if self.open.len() < depth {
            return;
        }
        let outer = self.open.first().and_then(|at| self.found.get(*at));
        // A key at the margin stands in none.
        let within = outer.map_or_else(String::new, |outer| outer.name.clone());
        self.open.push(self.found.len());
        self.found.push(Symbol {
            name: truncated(name, 120).to_owned(),
            within,
            kind: SymbolKind::Section,
            range: LineRange::new(line, line),
            signature: truncated(words, 200).to_owned(),
        });
    }

    /// Ends the keys that are open, but for the outermost `depth`.
    fn close(&mut self, depth: usize) {
        while self.open.len() > depth {
            let at = self.open.pop();
            if let Some(symbol) = at.and_then(|at| self.found.get_mut(at)) {
                symbol.range = symbol.range.up_to(self.last.max(symbol.range.start()));
            }
        }
    }
}

/// The key that a line of YAML begins with, and what stands behind it.
fn key(words: &str) -> Option<(&str, &str)> {
    // An item of a list is no key, though it may hold some.
    let (name, value) = words
        .split_once(':')
        .filter(|(name, _)| !name.starts_with('-'))?;
    let plain = |c: char| c.is_alphanumeric() || " _-./*$".contains(c);
    let name = name.trim().trim_matches(['"', '\'']);
    let is_key = value.is_empty() || value.starts_with([' ', '\t']);
    (is_key && !name.is_empty() && name.chars().all(plain)).then(|| (name, value.trim()))
}

/// Returns a page of HTML, Vue or Svelte with all but its scripts put out, each line in its place;
/// none where it has no script.
pub fn scripts(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let mut out = String::with_capacity(page.len());
    let (mut at, mut some) = (0, false);
    while let Some(tag) = lower.get(at..).and_then(|rest| rest.find("<script")) {
        let Some(open) = lower.get(at + tag..).and_then(|rest| rest.find('>')) else {
            break;
        };
        let from = at + tag + open + 1;
        let to = lower.get(from..).and_then(|rest| rest.find("</script"));
        let to = to.map_or(page.len(), |to| from + to);
        blank(&mut out, page.get(at..from).unwrap_or(""));
        out.push_str(page.get(from..to).unwrap_or(""));
        some |= to > from;
        at = to;
    }
    blank(&mut out, page.get(at..).unwrap_or(""));
    some.then_some(out)
}

/// Adds the newlines of a text, and as many blanks as it has other bytes.
fn blank(out: &mut String, text: &str) {
    out.extend(
        text.bytes()
            .map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
    );
}
