//! The rules by which nodes are definitions, language by language, in the words of the grammars.

use std::sync::OnceLock;

use tree_sitter::Language as Grammar;

use super::Language;
use crate::base::bug::bug;
use crate::index::SymbolKind;
use crate::index::SymbolKind::{
    Constant, Enum, Function, Impl, Macro, Method, Module, Trait, Type,
};

/// The place of a definition's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// In the field of that name.
    Field(&'static str),
    /// Somewhere down the chain of `declarator` fields (C, C++).
    Declarator,
}

/// A kind of node that defines something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Kind of the node, in the grammar's words.
    pub node: &'static str,
    /// Kind of the definition.
    pub kind: SymbolKind,
    /// Place of the definition's name.
    pub name: Name,
    /// True if definitions inside this one belong to it.
    pub scope: bool,
    /// True if the definition is left out inside a function.
    pub local: bool,
}

impl Rule {
    /// Makes a rule that leaves the definition out inside functions.
    const fn outside(mut self) -> Self {
        self.local = true;
        self
    }
}

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
    fn new(grammar: Grammar, rules: &'static [Rule]) -> Self {
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
                let mark = if ATTACHED.contains(&kind) {
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

/// Makes a rule for a node whose name is in the field `name`.
const fn rule(node: &'static str, kind: SymbolKind, scope: bool) -> Rule {
    Rule {
        node,
        kind,
        name: Name::Field("name"),
        scope,
        local: false,
    }
}

/// Makes a rule for a node whose name is elsewhere.
const fn named(node: &'static str, kind: SymbolKind, name: Name, scope: bool) -> Rule {
    Rule {
        node,
        kind,
        name,
        scope,
        local: false,
    }
}

const RUST: &[Rule] = &[
    rule("function_item", Function, true).outside(),
    rule("function_signature_item", Function, false),
    rule("struct_item", Type, false),
    rule("union_item", Type, false),
    rule("enum_item", Enum, false),
    rule("trait_item", Trait, true),
    named("impl_item", Impl, Name::Field("type"), true),
    rule("mod_item", Module, true),
    rule("const_item", Constant, false),
    rule("static_item", Constant, false),
    rule("type_item", Type, false),
    rule("macro_definition", Macro, false),
];

const PYTHON: &[Rule] = &[
    rule("function_definition", Function, true).outside(),
    rule("class_definition", Type, true),
    named("assignment", Constant, Name::Field("left"), false).outside(),
];

const JAVASCRIPT: &[Rule] = &[
    rule("function_declaration", Function, true).outside(),
    rule("generator_function_declaration", Function, true).outside(),
    rule("class_declaration", Type, true),
    rule("method_definition", Method, true),
    rule("variable_declarator", Function, true).outside(),
    named("field_definition", Function, Name::Field("property"), true).outside(),
    named("assignment_expression", Function, Name::Field("left"), true).outside(),
];

const TYPESCRIPT: &[Rule] = &[
    rule("function_declaration", Function, true).outside(),
    rule("generator_function_declaration", Function, true).outside(),
    rule("function_signature", Function, false),
    rule("class_declaration", Type, true),
    rule("abstract_class_declaration", Type, true),
    rule("interface_declaration", Trait, true),
    rule("type_alias_declaration", Type, false),
    rule("enum_declaration", Enum, false),
    rule("internal_module", Module, true),
    rule("module", Module, true),
    rule("method_definition", Method, true),
    rule("abstract_method_signature", Method, false),
    rule("method_signature", Method, false),
    rule("variable_declarator", Function, true).outside(),
    rule("public_field_definition", Function, true).outside(),
    named("assignment_expression", Function, Name::Field("left"), true).outside(),
];

const GO: &[Rule] = &[
    rule("function_declaration", Function, true).outside(),
    rule("method_declaration", Method, true),
    rule("type_spec", Type, false),
    rule("type_alias", Type, false),
    rule("const_spec", Constant, false).outside(),
    rule("var_spec", Constant, false).outside(),
];

const C: &[Rule] = &[
    named("function_definition", Function, Name::Declarator, false),
    rule("struct_specifier", Type, false),
    rule("union_specifier", Type, false),
    rule("enum_specifier", Enum, false),
    named("type_definition", Type, Name::Declarator, false),
    rule("preproc_def", Macro, false),
    rule("preproc_function_def", Macro, false),
];

const CPP: &[Rule] = &[
    named("function_definition", Function, Name::Declarator, false),
    rule("class_specifier", Type, true),
    rule("struct_specifier", Type, true),
    rule("union_specifier", Type, true),
    rule("enum_specifier", Enum, false),
    rule("namespace_definition", Module, true),
    named("type_definition", Type, Name::Declarator, false),
    rule("alias_declaration", Type, false),
    rule("concept_definition", Trait, false),
    rule("preproc_def", Macro, false),
    rule("preproc_function_def", Macro, false),
];

const JAVA: &[Rule] = &[
    rule("class_declaration", Type, true),
    rule("record_declaration", Type, true),
    rule("interface_declaration", Trait, true),
    rule("annotation_type_declaration", Trait, true),
    rule("enum_declaration", Enum, true),
    rule("method_declaration", Method, false),
    rule("constructor_declaration", Method, false),
    rule("compact_constructor_declaration", Method, false),
];

const CSHARP: &[Rule] = &[
    rule("namespace_declaration", Module, true),
    rule("file_scoped_namespace_declaration", Module, false),
    rule("class_declaration", Type, true),
    rule("struct_declaration", Type, true),
    rule("record_declaration", Type, true),
    rule("interface_declaration", Trait, true),
    rule("enum_declaration", Enum, false),
    rule("method_declaration", Method, false),
    rule("constructor_declaration", Method, false),
    rule("property_declaration", Method, false),
    rule("delegate_declaration", Type, false),
    rule("local_function_statement", Function, false),
];

const RUBY: &[Rule] = &[
    rule("module", Module, true),
    rule("class", Type, true),
    rule("method", Function, false),
    rule("singleton_method", Method, false),
];

const PHP: &[Rule] = &[
    rule("function_definition", Function, true).outside(),
    rule("class_declaration", Type, true),
    rule("interface_declaration", Trait, true),
    rule("trait_declaration", Trait, true),
    rule("enum_declaration", Enum, true),
    rule("method_declaration", Method, false),
    rule("namespace_definition", Module, false),
];

const BASH: &[Rule] = &[rule("function_definition", Function, false)];

/// Nodes that only wrap one definition: its range begins with theirs.
const SINGLE_WRAPPERS: &[&str] = &[
    "export_statement",
    "decorated_definition",
    "template_declaration",
    "expression_statement",
    "ambient_declaration",
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
const BODIES: &[&str] = &["body_statement", "block"];

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

/// Returns the grammar and the rules of a language.
pub(super) fn of(language: Language) -> &'static Lookup {
    static LOOKUPS: [OnceLock<Lookup>; 13] = [const { OnceLock::new() }; 13];
    let (at, grammar, rules): (usize, fn() -> Grammar, _) = match language {
        Language::Rust => (0, || tree_sitter_rust::LANGUAGE.into(), RUST),
        Language::Python => (1, || tree_sitter_python::LANGUAGE.into(), PYTHON),
        Language::JavaScript => (2, || tree_sitter_javascript::LANGUAGE.into(), JAVASCRIPT),
        Language::TypeScript => (
            3,
            || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            TYPESCRIPT,
        ),
        Language::Tsx => (
            4,
            || tree_sitter_typescript::LANGUAGE_TSX.into(),
            TYPESCRIPT,
        ),
        Language::Go => (5, || tree_sitter_go::LANGUAGE.into(), GO),
        Language::C => (6, || tree_sitter_c::LANGUAGE.into(), C),
        Language::Cpp => (7, || tree_sitter_cpp::LANGUAGE.into(), CPP),
        Language::Java => (8, || tree_sitter_java::LANGUAGE.into(), JAVA),
        Language::CSharp => (9, || tree_sitter_c_sharp::LANGUAGE.into(), CSHARP),
        Language::Ruby => (10, || tree_sitter_ruby::LANGUAGE.into(), RUBY),
        Language::Php => (11, || tree_sitter_php::LANGUAGE_PHP.into(), PHP),
        Language::Bash => (12, || tree_sitter_bash::LANGUAGE.into(), BASH),
    };
    let make = || Lookup::new(grammar(), rules);
    match LOOKUPS.get(at) {
        Some(cell) => cell.get_or_init(make),
        None => {
            let leaked: &'static Lookup = Box::leak(Box::new(make()));
            bug("a language has no place for its grammar", leaked)
        }
    }
}
