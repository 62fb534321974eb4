//! The kind and the name of the definition that a node is.

use tree_sitter::Node;

use super::rules::{Name, Rule};
use crate::base::text::truncated;
use crate::index::SymbolKind;

/// The surroundings of a node that decide whether it defines anything.
pub(super) struct Around {
    /// Number of nodes that are open, the root among them.
    pub depth: usize,
    /// True if no definition is around the node.
    pub outermost: bool,
}

/// Returns the kind of definition a node is by its rule and its place; none where it defines
/// nothing after all.
pub(super) fn kind_of(
    text: &str,
    node: Node<'_>,
    rule: &Rule,
    around: &Around,
) -> Option<SymbolKind> {
    let words = || text.get(node.byte_range()).unwrap_or("");
    match rule.node {
        // Only what is given a function counts, and constants at the top.
        "variable_declarator"
        | "field_definition"
        | "public_field_definition"
        | "assignment_expression"
        | "assignment_statement" => {
            if is_given_function(node) {
                return Some(rule.kind);
            }
            // Root, perhaps `export`, declaration, and this.
            let at_top = around.depth <= 4 && around.outermost;
            let holds = matches!(rule.node, "variable_declarator" | "assignment_statement");
            (holds && at_top).then_some(SymbolKind::Constant)
        }
        // Python's names at the top of a module: root, statement, and this.
        "assignment" => {
            let left = node.child_by_field_name("left")?;
            let plain = left.kind() == "identifier";
            (around.depth <= 3 && plain).then_some(rule.kind)
        }
        "struct_specifier" | "union_specifier" | "enum_specifier" | "class_specifier" => {
            // Without a body it only names the type.
            node.child_by_field_name("body").map(|_| rule.kind)
        }
        "preproc_def" => {
            // Include guards and empty switches define nothing to read.
            node.child_by_field_name("value").map(|_| rule.kind)
        }
        // Kotlin and Swift have one node for all types.
        "class_declaration" => Some(type_kind(text, node).unwrap_or(rule.kind)),
        "property_declaration" if rule.kind == SymbolKind::Constant => {
            property_kind(text, node, around)
        }
        "val_definition" => {
            let name = node.child_by_field_name("pattern")?;
            let first = text.get(name.byte_range())?.chars().next();
            let named_so = first.is_some_and(char::is_uppercase);
            (around.outermost || named_so).then_some(rule.kind)
        }
        // Zig gives types names as it does values.
        "variable_declaration" if rule.kind == SymbolKind::Type => zig_kind(node, around),
        // Elixir defines by calls.
        "call" => call_kind(text, node),
        "block" => block_kind(text, node, rule, around),
        // `.PHONY` and its like are no targets.
        "rule" => (!words().starts_with('.')).then_some(rule.kind),
        _ => Some(rule.kind),
    }
}

/// The kind of a type by the words before its name.
fn type_kind(text: &str, node: Node<'_>) -> Option<SymbolKind> {
    let name = node.child_by_field_name("name")?;
    let before = text.get(node.start_byte()..name.start_byte())?;
    let mut words = before.split_whitespace();
    words.find_map(|word| match word {
        "enum" => Some(SymbolKind::Enum),
        "interface" => Some(SymbolKind::Trait),
        "extension" => Some(SymbolKind::Impl),
        _ => None,
    })
}

/// The kind of a property of Kotlin or Swift: values that a type holds are many, those that stand
/// alone, or are constants, are looked for by name.
fn property_kind(text: &str, node: Node<'_>, around: &Around) -> Option<SymbolKind> {
    let words = text.get(node.byte_range())?;
    let lasting = ["const ", "static let ", "public static let "];
    if around.outermost || lasting.iter().any(|word| words.starts_with(word)) {
        return Some(SymbolKind::Constant);
    }
    let computed = node.child_by_field_name("computed_value");
    computed.map(|_| SymbolKind::Method)
}

/// The kind of what a call of Elixir defines; none where it defines nothing.
fn call_kind(text: &str, node: Node<'_>) -> Option<SymbolKind> {
    let target = node.child_by_field_name("target")?;
    match text.get(target.byte_range())? {
        "defmodule" => Some(SymbolKind::Module),
        "defprotocol" => Some(SymbolKind::Trait),
        "defimpl" => Some(SymbolKind::Impl),
        "def" | "defp" | "defguard" | "defguardp" | "defdelegate" | "test" => {
            Some(SymbolKind::Function)
        }
        "defmacro" | "defmacrop" => Some(SymbolKind::Macro),
        _ => None,
    }
}

/// The kind of a block of HCL. One inside of others sets something up: root, body, and this.
fn block_kind(text: &str, node: Node<'_>, rule: &Rule, around: &Around) -> Option<SymbolKind> {
    let word = node.named_child(0)?;
    (around.depth <= 3).then(|| match text.get(word.byte_range()) {
        Some("variable" | "output" | "locals") => SymbolKind::Constant,
        Some("module") => SymbolKind::Module,
        _ => rule.kind,
    })
}

fn zig_kind(node: Node<'_>, around: &Around) -> Option<SymbolKind> {
    let mut cursor = node.walk();
    let value = node.named_children(&mut cursor).last()?;
    match value.kind() {
        "struct_declaration" | "union_declaration" | "opaque_declaration" => Some(SymbolKind::Type),
        "enum_declaration" | "error_set_declaration" => Some(SymbolKind::Enum),
        // Imports are names of what is defined elsewhere.
        "builtin_function" => None,
        _ => around.outermost.then_some(SymbolKind::Constant),
    }
}

/// Tells whether an assignment or a declaration gives its name a function or a class.
fn is_given_function(node: Node<'_>) -> bool {
    let value = node
        .child_by_field_name("value")
        .or_else(|| node.child_by_field_name("right"))
        // Lua has lists on both sides.
        .or_else(|| node.named_child(1)?.named_child(0));
    value.is_some_and(|value| {
        matches!(
            value.kind(),
            "arrow_function"
                | "function_expression"
                | "function"
                | "generator_function"
                | "class"
                | "function_definition"
        )
    })
}

/// The name of the definition that a node is, and the path before it: `M` and `open` of `M.open`
/// where the rule says that names are paths.
pub(super) fn name_of(text: &str, node: Node<'_>, rule: &Rule) -> Option<(String, String)> {
    let words = match rule.name {
        Name::Labels => labels(text, node)?,
        Name::Signature => text.get(signature_name(node)?)?.to_owned(),
        _ => text.get(name_node(node, rule)?.byte_range())?.to_owned(),
    };
    let stops: &[char] = match rule.name {
        Name::Child(_, stops) => stops,
        // `next(a) when a > 1`, `none, do: 1`.
        Name::Arguments => &['(', ' ', ',', '\n'],
        // `Foo<T>` is `Foo`; `exports.run` is `run`; `Walk::next` keeps its path.
        _ => &['<', '(', '\n'],
    };
    let words = words.split(stops).next().unwrap_or(&words).trim();
    let (path, name) = match rule.node {
        "assignment_expression" => {
            let (path, name) = words.rsplit_once('.').unwrap_or(("", words));
            // `Walk.prototype.next` is a function of `Walk`; `exports.run` is one of nothing.
            let path = path.strip_suffix(".prototype").unwrap_or(path);
            let own = matches!(
                path,
                "exports" | "module.exports" | "this" | "self" | "window"
            );
            (if own { "" } else { path }, name)
        }
        _ if rule.path => words.rsplit_once(['.', ':']).unwrap_or(("", words)),
        _ => ("", words),
    };
    let short = |words: &str| truncated(words, 120).to_owned();
    (!name.is_empty()).then(|| (short(path), short(name)))
}

fn name_node<'t>(node: Node<'t>, rule: &Rule) -> Option<Node<'t>> {
    match rule.name {
        Name::Field(field) => node.child_by_field_name(field),
        Name::Child(kind, _) => {
            let mut cursor = node.walk();
            let mut children = node.named_children(&mut cursor);
            children.find(|child| child.kind() == kind)
        }
        Name::Arguments => {
            let mut cursor = node.walk();
            let mut children = node.named_children(&mut cursor);
            children.find(|child| child.kind() == "arguments")
        }
        Name::Declarator => {
            let mut inner = node.child_by_field_name("declarator")?;
            // Pointers, arrays and parentheses wrap the name; hostile depth is bounded.
            for _ in 0..64 {
                match inner.child_by_field_name("declarator").or_else(|| {
                    (inner.kind() == "parenthesized_declarator")
                        .then(|| inner.named_child(0))
                        .flatten()
                }) {
                    Some(deeper) => inner = deeper,
                    None => break,
                }
            }
            Some(inner)
        }
        Name::Labels | Name::Signature => None,
    }
}

/// The labels of a block of HCL, joined by dots; its first word where it has none.
fn labels(text: &str, node: Node<'_>) -> Option<String> {
    let mut cursor = node.walk();
    let labels = node
        .named_children(&mut cursor)
        .skip(1)
        .take_while(|child| matches!(child.kind(), "string_lit" | "identifier"));
    let labels: Vec<&str> = labels
        .filter_map(|child| text.get(child.byte_range()))
        .map(|label| label.trim_matches('"'))
        .collect();
    if labels.is_empty() {
        let word = node.named_child(0)?;
        return text.get(word.byte_range()).map(str::to_owned);
    }
    Some(labels.join("."))
}

/// The bytes of the name in a signature of Dart, which may have two parts: `Walk.named`.
fn signature_name(node: Node<'_>) -> Option<std::ops::Range<usize>> {
    let mut signature = node.child_by_field_name("signature").unwrap_or(node);
    if signature.kind() == "method_signature" {
        signature = signature.named_child(0)?;
    }
    let mut cursor = signature.walk();
    let mut names = signature.children_by_field_name("name", &mut cursor);
    let first = names.next()?;
    let last = names.last().unwrap_or(first);
    Some(first.start_byte()..last.end_byte())
}

/// Returns the type that a Go method belongs to.
pub(super) fn receiver_of(text: &str, node: Node<'_>) -> Option<String> {
    let receiver = text.get(node.child_by_field_name("receiver")?.byte_range())?;
    let name = receiver
        .trim_matches(['(', ')'])
        .split_whitespace()
        .next_back()?
        .trim_start_matches('*');
    Some(name.split('[').next().unwrap_or(name).to_owned())
}
