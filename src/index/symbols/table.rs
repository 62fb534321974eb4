//! What is a definition, language by language, in the words of the grammars.

use tree_sitter::Language as Grammar;

use super::Language;
use crate::index::SymbolKind;

/// Where a definition's name stands.
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
    /// The node's kind.
    pub node: &'static str,
    /// What it defines.
    pub kind: SymbolKind,
    /// Where its name stands.
    pub name: Name,
    /// Whether definitions inside it belong to it.
    pub scope: bool,
}

const fn rule(node: &'static str, kind: SymbolKind, scope: bool) -> Rule {
    Rule {
        node,
        kind,
        name: Name::Field("name"),
        scope,
    }
}

const fn named(node: &'static str, kind: SymbolKind, name: Name, scope: bool) -> Rule {
    Rule {
        node,
        kind,
        name,
        scope,
    }
}

use SymbolKind::{Constant, Enum, Function, Impl, Macro, Method, Module, Trait, Type};

const RUST: &[Rule] = &[
    rule("function_item", Function, true),
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
    rule("function_definition", Function, true),
    rule("class_definition", Type, true),
];

const JAVASCRIPT: &[Rule] = &[
    rule("function_declaration", Function, true),
    rule("generator_function_declaration", Function, true),
    rule("class_declaration", Type, true),
    rule("method_definition", Method, true),
    rule("variable_declarator", Function, true),
    named("field_definition", Function, Name::Field("property"), true),
    named("assignment_expression", Function, Name::Field("left"), true),
];

const TYPESCRIPT: &[Rule] = &[
    rule("function_declaration", Function, true),
    rule("generator_function_declaration", Function, true),
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
    rule("variable_declarator", Function, true),
    rule("public_field_definition", Function, true),
    named("assignment_expression", Function, Name::Field("left"), true),
];

const GO: &[Rule] = &[
    rule("function_declaration", Function, false),
    rule("method_declaration", Method, false),
    rule("type_spec", Type, false),
    rule("type_alias", Type, false),
    rule("const_spec", Constant, false),
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
];

const CSHARP: &[Rule] = &[
    rule("namespace_declaration", Module, true),
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
    rule("function_definition", Function, true),
    rule("class_declaration", Type, true),
    rule("interface_declaration", Trait, true),
    rule("trait_declaration", Trait, true),
    rule("enum_declaration", Enum, true),
    rule("method_declaration", Method, false),
    rule("namespace_definition", Module, false),
];

const BASH: &[Rule] = &[rule("function_definition", Function, false)];

/// Nodes that only wrap a definition: its range begins with theirs.
pub(super) const WRAPPERS: &[&str] = &[
    "export_statement",
    "decorated_definition",
    "template_declaration",
    "lexical_declaration",
    "variable_declaration",
    "expression_statement",
    "type_declaration",
    "const_declaration",
    "ambient_declaration",
];

/// Nodes that stand before a definition and belong to it.
pub(super) const ATTACHED: &[&str] = &[
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

/// The grammar and the rules of a language.
pub(super) fn of(language: Language) -> (Grammar, &'static [Rule]) {
    match language {
        Language::Rust => (tree_sitter_rust::LANGUAGE.into(), RUST),
        Language::Python => (tree_sitter_python::LANGUAGE.into(), PYTHON),
        Language::JavaScript => (tree_sitter_javascript::LANGUAGE.into(), JAVASCRIPT),
        Language::TypeScript => (
            tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            TYPESCRIPT,
        ),
        Language::Tsx => (tree_sitter_typescript::LANGUAGE_TSX.into(), TYPESCRIPT),
        Language::Go => (tree_sitter_go::LANGUAGE.into(), GO),
        Language::C => (tree_sitter_c::LANGUAGE.into(), C),
        Language::Cpp => (tree_sitter_cpp::LANGUAGE.into(), CPP),
        Language::Java => (tree_sitter_java::LANGUAGE.into(), JAVA),
        Language::CSharp => (tree_sitter_c_sharp::LANGUAGE.into(), CSHARP),
        Language::Ruby => (tree_sitter_ruby::LANGUAGE.into(), RUBY),
        Language::Php => (tree_sitter_php::LANGUAGE_PHP.into(), PHP),
        Language::Bash => (tree_sitter_bash::LANGUAGE.into(), BASH),
    }
}
