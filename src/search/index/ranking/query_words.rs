//! The words of a query as they bear on names: which of them may be a name, which say what kind of
//! thing is meant, and which only ask.

use crate::index::SymbolKind;

/// A word of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct QueryWord<'q> {
    /// The word without the punctuation around it.
    pub raw: &'q str,
    /// Its last part: `retry` of `Task.retry`.
    pub name: &'q str,
    /// The parts before that, outermost first.
    pub around: Vec<&'q str>,
    /// The kind of definition that it says is meant.
    pub kind: Option<KindWord>,
    /// False if it only asks, or says a kind.
    pub content: bool,
    /// True if it is written as names are in code.
    pub as_code: bool,
}

impl QueryWord<'_> {
    /// True for a word that may be one of several which are a name together.
    pub fn plain(&self) -> bool {
        self.around.is_empty() && self.raw.len() == self.name.len()
    }
}

/// A kind of definition as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KindWord {
    /// `class`, `struct`, `type`: also what some languages have instead.
    Type,
    /// `trait`, `interface`.
    Trait,
    /// `enum`.
    Enum,
    /// `function`, `method`.
    Function,
    /// `macro`.
    Macro,
    /// `constant`, `variable`.
    Constant,
    /// `module`, `namespace`.
    Module,
}

impl KindWord {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "class" | "struct" | "type" | "record" | "union" | "object" | "typedef" => Self::Type,
            "trait" | "interface" | "protocol" => Self::Trait,
            "enum" | "enumeration" => Self::Enum,
            "fn" | "func" | "fun" | "function" | "def" | "method" | "constructor" | "procedure" => {
                Self::Function
            }
            "macro" => Self::Macro,
            "const" | "constant" | "variable" | "var" | "global" => Self::Constant,
            "module" | "namespace" | "package" | "mod" => Self::Module,
            _ => return None,
        })
    }

    /// Tells whether a definition of this kind is meant.
    pub fn is(self, kind: SymbolKind) -> bool {
        match self {
            Self::Type => matches!(
                kind,
                SymbolKind::Type | SymbolKind::Enum | SymbolKind::Trait
            ),
            Self::Trait => matches!(kind, SymbolKind::Trait),
            Self::Enum => matches!(kind, SymbolKind::Enum),
            Self::Function => matches!(kind, SymbolKind::Function | SymbolKind::Method),
            Self::Macro => matches!(kind, SymbolKind::Macro),
            Self::Constant => matches!(kind, SymbolKind::Constant),
            Self::Module => matches!(kind, SymbolKind::Module),
        }
    }
}

/// Words that hold a sentence together, and name nothing.
#[rustfmt::skip]
const BINDING: &[&str] = &[
    "a", "about", "an", "and", "are", "by", "can", "did", "do", "does", "for", "from", "how", "i",
    "in", "is", "it", "its", "me", "of", "on", "please", "that", "the", "there", "this", "to", "up",
    "was", "we", "what", "what's", "whats", "when", "where", "where's", "which", "who", "why",
    "with", "would", "you",
];

/// Words that ask for what something is or does: names only where there is nothing else.
#[rustfmt::skip]
const ASKING: &[&str] = &[
    "assigned", "call", "called", "caller", "callers", "calls", "code", "define", "defined", "definition", "describe",
    "documentation", "explain", "find", "give", "implementation", "implemented", "look", "mean",
    "means", "purpose", "referenced", "references", "role", "see", "set", "show", "source", "tell", "usage", "usages", "use", "used", "uses",
    "using", "work", "works",
];

/// Tells whether a query asks something of somebody, as a commit's message or a few words do not.
pub(super) fn is_question(query: &str) -> bool {
    const FIRST: &[&str] = &[
        "what", "what's", "how", "where", "where's", "why", "who", "which", "when", "does", "is",
        "can", "explain", "describe", "show",
    ];
    let first = query.trim().lines().next().unwrap_or("");
    let word = first.split_whitespace().next().unwrap_or("");
    first.trim_end().ends_with('?') || is_one_of(FIRST, word)
}

/// Tells whether a word asks who uses something, or where it gets its value.
pub(super) fn is_about_use(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "call",
        "called",
        "caller",
        "callers",
        "calls",
        "use",
        "used",
        "user",
        "users",
        "uses",
        "usage",
        "usages",
        "set",
        "sets",
        "assigned",
        "changed",
        "modified",
        "referenced",
        "references",
        "instantiated",
        "constructed",
        "written",
        "read",
    ];
    is_one_of(WORDS, word)
}

/// Cuts a query into words.
pub(super) fn words_of(query: &str) -> Vec<QueryWord<'_>> {
    let raw = query.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';'
                    | '"'
                    | '`'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | '<'
                    | '>'
                    | '“'
                    | '”'
                    | '…'
            )
    });
    let mut words: Vec<QueryWord<'_>> = raw.filter_map(word).collect();
    // A query of nothing but such words means the last of them: “what does find do?”, “class”.
    if !words.iter().any(|word| word.content) {
        let kind = words.iter().position(|word| word.kind.is_some());
        let last = words
            .iter()
            .rposition(|word| is_one_of(ASKING, word.raw))
            // `method from`, `class`, `from`.
            .or_else(|| kind.filter(|at| at + 2 == words.len()).map(|at| at + 1))
            .or(kind)
            .or_else(|| (words.len() == 1).then_some(0));
        if let Some(word) = last.and_then(|at| words.get_mut(at)) {
            word.content = true;
        }
    }
    words
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn word(text: &str) -> Option<QueryWord<'_>> {
    let raw = text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'));
    if raw.is_empty() {
        return None;
    }
    let mut parts: Vec<&str> = raw
        .split([':', '.', '#', '/', '\\'])
        .flat_map(|part| part.split("->"))
        .filter(|part| !part.is_empty())
        .collect();
    let name = parts.pop()?;
    let low = raw.to_lowercase();
    let kind = KindWord::of(&low);
    let inner =
        name.chars().skip(1).any(char::is_uppercase) && name.chars().any(char::is_lowercase);
    let as_code = !parts.is_empty() || name.trim_matches('_').contains('_') || inner;
    Some(QueryWord {
        raw,
        name,
        around: parts,
        kind,
        content: kind.is_none() && !is_one_of(BINDING, raw) && !is_one_of(ASKING, raw),
        as_code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(query: &str) -> Vec<&str> {
        let words = words_of(query);
        let content = words.into_iter().filter(|word| word.content);
        content.map(|word| word.raw).collect()
    }

    #[test]
    fn words_that_only_ask_are_told_from_names() {
        assert_eq!(content("what does the class Flask do?"), ["Flask"]);
        assert_eq!(content("How does `retry` of Task work?"), ["retry", "Task"]);
        assert_eq!(
            content("where is crate::walk::Walk defined"),
            ["crate::walk::Walk"]
        );
        // Where there is nothing else, they are the name.
        assert_eq!(content("find"), ["find"]);
        assert_eq!(content("what does find do?"), ["find"]);
        assert_eq!(content("class"), ["class"]);
        assert_eq!(content("from"), ["from"]);
        assert_eq!(content("method from"), ["from"]);
        assert!(content("what is it?").is_empty());
    }

    #[test]
    fn names_are_taken_apart() {
        let words = words_of("Task.retry() crate::walk::Walk get_name getName name HTTP");
        let parts: Vec<_> = words
            .iter()
            .map(|word| (word.name, word.around.len(), word.as_code))
            .collect();
        assert_eq!(
            parts,
            [
                ("retry", 1, true),
                ("Walk", 2, true),
                ("get_name", 0, true),
                ("getName", 0, true),
                ("name", 0, false),
                ("HTTP", 0, false),
            ]
        );
        assert_eq!(words_of("struct Editor")[0].kind, Some(KindWord::Type));
        assert_eq!(words_of(" ?! … "), []);
    }
}
