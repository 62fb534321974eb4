//! A grammar with its rules, looked up by the numbers of its nodes.

use std::sync::OnceLock;

use tree_sitter::Language as Grammar;

use super::Language;
use super::rules::{self, Rule};
use crate::base::bug::bug;

/// The meaning of a node to the definitions around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A node without a meaning of this sort.
    None,
    /// A comment or an attribute: it stands before a definition and belongs to it.
    Attached,
    /// A node that only wraps definitions: one, or perhaps several.
    Wrapper {
        /// True if the node wraps one definition only.
        single: bool,
    },
    /// The inside of a definition: comments before it lead to the first thing in it.
    Body,
    /// A newline, where the grammar counts it.
    Blank,
}

/// A grammar with its rules by the numbers of its nodes.
pub(super) struct Lookup {
    /// Grammar of the language, for the parser.
    pub grammar: Grammar,
    rules: &'static [Rule],
    /// For each kind of node: one more than the place of its rule in `rules` (0 for none), and its
    /// mark.
    kinds: Vec<(u8, Mark)>,
}

impl Lookup {
    fn new(grammar: Grammar, rules: &'static [Rule], attached: &[&str]) -> Self {
        let kinds = (0..grammar.node_kind_count())
            .map(|id| {
                let id = id as u16;
                // A number without a name is that of no node that could be met.
                let kind = grammar.node_kind_for_id(id).unwrap_or("");
                if !grammar.node_kind_is_named(id) {
                    let blank = !kind.is_empty() && kind.trim().is_empty();
                    return (0, if blank { Mark::Blank } else { Mark::None });
                }
                let rule = rules.iter().position(|rule| rule.node == kind);
                let mark = if ATTACHED.contains(&kind) || attached.contains(&kind) {
                    Mark::Attached
                } else if SINGLE_WRAPPERS.contains(&kind) {
                    Mark::Wrapper { single: true }
                } else if WRAPPERS.contains(&kind) {
                    Mark::Wrapper { single: false }
                } else if BODIES.contains(&kind) {
                    Mark::Body
                } else {
                    Mark::None
                };
                (rule.map_or(0, |at| at as u8 + 1), mark)
            })
            .collect();
        Self {
            grammar,
            rules,
            kinds,
        }
    }

    /// Returns the rule and the mark of a kind of node.
    pub fn at(&self, kind: u16) -> (Option<&'static Rule>, Mark) {
        // The number of an error lies beyond those of the grammar.
        let (rule, mark) = self
            .kinds
            .get(usize::from(kind))
            .copied()
            .unwrap_or((0, Mark::None));
        let rule = usize::from(rule).checked_sub(1);
        (rule.and_then(|at| self.rules.get(at)), mark)
    }
}

/// Nodes that only wrap one definition: its range begins with theirs.
const SINGLE_WRAPPERS: &[&str] = &[
    "export_statement",
    "decorated_definition",
    "template_declaration",
    "expression_statement",
    "ambient_declaration",
    "statement",
    "member_declaration",
];

/// Nodes that wrap one definition or several.
const WRAPPERS: &[&str] = &[
    "lexical_declaration",
    "variable_declaration",
    "type_declaration",
    "const_declaration",
    "var_declaration",
];

/// Nodes that hold the inside of a definition; some grammars put a comment on the first
/// thing in it before it.
const BODIES: &[&str] = &["body_statement", "block", "declarations", "body"];

/// Nodes that stand before a definition and belong to it.
const ATTACHED: &[&str] = &[
    "line_comment",
    "block_comment",
    "comment",
    "attribute_item",
    "attribute_list",
    "decorator",
    "marker_annotation",
    "annotation",
    "attribute",
];

/// Comments before a definition, in the words of one grammar, that mean something else in others.
const fn attached(language: Language) -> &'static [&'static str] {
    match language {
        Language::Swift => &["multiline_comment"],
        Language::Dart => &["documentation_comment"],
        Language::Haskell => &["haddock"],
        // `@doc "…"`
        Language::Elixir => &["unary_operator"],
        _ => &[],
    }
}

fn grammar(language: Language) -> Grammar {
    match language {
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::C => tree_sitter_c::LANGUAGE.into(),
        Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::CSharp => tree_sitter_c_sharp::LANGUAGE.into(),
        Language::Ruby => tree_sitter_ruby::LANGUAGE.into(),
        Language::Php => tree_sitter_php::LANGUAGE_PHP.into(),
        Language::Bash => tree_sitter_bash::LANGUAGE.into(),
        Language::Kotlin => tree_sitter_kotlin_ng::LANGUAGE.into(),
        Language::Swift => tree_sitter_swift::LANGUAGE.into(),
        Language::Scala => tree_sitter_scala::LANGUAGE.into(),
        Language::Dart => tree_sitter_dart::LANGUAGE.into(),
        Language::Lua => tree_sitter_lua::LANGUAGE.into(),
        Language::Elixir => tree_sitter_elixir::LANGUAGE.into(),
        Language::Haskell => tree_sitter_haskell::LANGUAGE.into(),
        Language::Zig => tree_sitter_zig::LANGUAGE.into(),
        Language::Sql => tree_sitter_sequel::LANGUAGE.into(),
        Language::Hcl => tree_sitter_hcl::LANGUAGE.into(),
        Language::Make => tree_sitter_make::LANGUAGE.into(),
        Language::Dockerfile => tree_sitter_containerfile::LANGUAGE.into(),
        Language::Css => tree_sitter_css::LANGUAGE.into(),
    }
}

/// Returns the grammar and the rules of a language.
pub(super) fn of(language: Language) -> &'static Lookup {
    static LOOKUPS: [OnceLock<Lookup>; 26] = [const { OnceLock::new() }; 26];
    let make = || Lookup::new(grammar(language), rules::of(language), attached(language));
    match LOOKUPS.get(language as usize) {
        Some(cell) => cell.get_or_init(make),
        None => {
            let leaked: &'static Lookup = Box::leak(Box::new(make()));
            bug("a language has no place for its grammar", leaked)
        }
    }
}
