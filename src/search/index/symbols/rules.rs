//! The rules by which nodes are definitions, language by language, in the words of the grammars.

use super::Language;
use crate::index::SymbolKind;
use crate::index::SymbolKind::{
    Constant, Enum, Function, Impl, Macro, Method, Module, Section, Trait, Type,
};

/// The place of a definition's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// In the field of that name.
    Field(&'static str),
    /// The first child of that kind, up to the first of these characters.
    Child(&'static str, &'static [char]),
    /// Somewhere down the chain of `declarator` fields (C, C++).
    Declarator,
    /// In the signature, perhaps in two parts (Dart).
    Signature,
    /// The first word of the arguments (Elixir).
    Arguments,
    /// The labels behind the first word (HCL).
    Labels,
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
    /// True if the name may be a path, the last part of which is the name itself.
    pub path: bool,
}

impl Rule {
    /// Makes a rule that leaves the definition out inside functions.
    const fn outside(mut self) -> Self {
        self.local = true;
        self
    }

    /// Makes a rule whose names may be paths.
    const fn path(mut self) -> Self {
        self.path = true;
        self
    }
}

/// Makes a rule for a node whose name is in the field `name`.
const fn rule(node: &'static str, kind: SymbolKind, scope: bool) -> Rule {
    named(node, kind, Name::Field("name"), scope)
}

/// Makes a rule for a node whose name is elsewhere.
const fn named(node: &'static str, kind: SymbolKind, name: Name, scope: bool) -> Rule {
    Rule {
        node,
        kind,
        name,
        scope,
        local: false,
        path: false,
    }
}

/// The rules of a language.
pub(super) const fn of(language: Language) -> &'static [Rule] {
    match language {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::JavaScript => JAVASCRIPT,
        Language::TypeScript | Language::Tsx => TYPESCRIPT,
        Language::Go => GO,
        Language::C => C,
        Language::Cpp => CPP,
        Language::Java => JAVA,
        Language::CSharp => CSHARP,
        Language::Ruby => RUBY,
        Language::Php => PHP,
        Language::Bash => BASH,
        Language::Kotlin => KOTLIN,
        Language::Swift => SWIFT,
        Language::Scala => SCALA,
        Language::Dart => DART,
        Language::Lua => LUA,
        Language::Elixir => ELIXIR,
        Language::Haskell => HASKELL,
        Language::Zig => ZIG,
        Language::Sql => SQL,
        Language::Hcl => HCL,
        Language::Make => MAKE,
        Language::Dockerfile => DOCKERFILE,
        Language::Css => CSS,
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
    named("const_element", Constant, Name::Child("name", &[]), false).outside(),
];

const BASH: &[Rule] = &[rule("function_definition", Function, false)];

const KOTLIN: &[Rule] = &[
    rule("class_declaration", Type, true),
    rule("object_declaration", Type, true),
    rule("function_declaration", Function, true).outside(),
    named("type_alias", Type, Name::Field("type"), false),
    named(
        "property_declaration",
        Constant,
        Name::Child("variable_declaration", &[':', '<', ' ']),
        false,
    )
    .outside(),
];

const SWIFT: &[Rule] = &[
    rule("class_declaration", Type, true),
    rule("protocol_declaration", Trait, true),
    rule("function_declaration", Function, true).outside(),
    rule("init_declaration", Method, true),
    rule("protocol_function_declaration", Method, false),
    rule("typealias_declaration", Type, false),
    rule("macro_declaration", Macro, false),
    rule("property_declaration", Constant, false).outside(),
];

const SCALA: &[Rule] = &[
    rule("class_definition", Type, true),
    rule("object_definition", Type, true),
    rule("package_object", Module, true),
    rule("trait_definition", Trait, true),
    rule("enum_definition", Enum, true),
    rule("function_definition", Function, true).outside(),
    rule("function_declaration", Method, false),
    rule("given_definition", Constant, true).outside(),
    rule("type_definition", Type, false).outside(),
    named("val_definition", Constant, Name::Field("pattern"), false).outside(),
];

const DART: &[Rule] = &[
    rule("class_declaration", Type, true),
    rule("mixin_declaration", Type, true),
    rule("extension_declaration", Impl, true),
    rule("extension_type_declaration", Type, true),
    rule("enum_declaration", Enum, true),
    named("function_declaration", Function, Name::Signature, true).outside(),
    named("method_declaration", Method, Name::Signature, true).path(),
    named("constructor_signature", Method, Name::Signature, false)
        .outside()
        .path(),
    named(
        "type_alias",
        Type,
        Name::Child("type_identifier", &[]),
        false,
    ),
    rule("static_final_declaration", Constant, false).outside(),
];

const LUA: &[Rule] = &[
    rule("function_declaration", Function, true)
        .outside()
        .path(),
    named(
        "assignment_statement",
        Function,
        Name::Child("variable_list", &[',', ' ']),
        true,
    )
    .outside()
    .path(),
];

const ELIXIR: &[Rule] = &[named("call", Function, Name::Arguments, true)];

const HASKELL: &[Rule] = &[
    rule("data_type", Type, false),
    rule("newtype", Type, false),
    rule("type_synomym", Type, false),
    rule("type_synonym", Type, false),
    rule("class", Trait, true),
    rule("instance", Impl, true),
    rule("signature", Function, false).outside(),
    rule("function", Function, true).outside(),
    rule("bind", Function, true).outside(),
];

const ZIG: &[Rule] = &[
    rule("function_declaration", Function, true).outside(),
    named(
        "variable_declaration",
        Type,
        Name::Child("identifier", &[]),
        true,
    )
    .outside(),
];

const SQL: &[Rule] = &[
    named(
        "create_table",
        Type,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named(
        "create_view",
        Type,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named(
        "create_materialized_view",
        Type,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named(
        "create_type",
        Type,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named(
        "create_function",
        Function,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named(
        "create_trigger",
        Function,
        Name::Child("object_reference", &[]),
        false,
    )
    .path(),
    named("create_index", Constant, Name::Field("column"), false),
];

const HCL: &[Rule] = &[named("block", Type, Name::Labels, false)];

const MAKE: &[Rule] = &[
    named("rule", Function, Name::Child("targets", &[]), false),
    rule("define_directive", Macro, false),
    rule("variable_assignment", Constant, false),
];

const DOCKERFILE: &[Rule] = &[named("from_instruction", Module, Name::Field("as"), false)];

const CSS: &[Rule] = &[
    named(
        "rule_set",
        Section,
        Name::Child("selectors", &['\n']),
        false,
    ),
    named(
        "keyframes_statement",
        Section,
        Name::Child("keyframes_name", &[]),
        false,
    ),
];
