//! Walking a syntax tree for definitions.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, Parser};

use super::Language;
use super::table::{self, ATTACHED, Name, Rule, WRAPPERS};
use crate::base::LineRange;
use crate::base::text::truncated;
use crate::index::{Symbol, SymbolKind};

/// Longest time for one file.
const LIMIT: Duration = Duration::from_secs(2);
/// Most definitions of one file; generated ones can have more than anybody asks for.
const MOST: usize = 5_000;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// A definition around the node at hand.
struct Scope {
    end: usize,
    name: String,
    /// Whether functions in it are methods.
    owns: bool,
    /// Whether it is a function: what is local to it is left out.
    function: bool,
}

/// The definitions of `text`, in order of line; empty where nothing can be parsed.
pub fn parse(text: &str, language: Language) -> Vec<Symbol> {
    let (grammar, rules) = table::of(language);
    let tree = PARSER.with_borrow_mut(|parser| {
        parser.set_language(&grammar).ok()?;
        let begun = Instant::now();
        let mut go_on = |_: &tree_sitter::ParseState| {
            if begun.elapsed() > LIMIT {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = ParseOptions::new().progress_callback(&mut go_on);
        let bytes = text.as_bytes();
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or(&[]);
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        if tree.is_none() {
            // It would otherwise go on with this text at the next call.
            parser.reset();
        }
        tree
    });
    let Some(tree) = tree else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        while scopes
            .pop_if(|scope| scope.end <= node.start_byte())
            .is_some()
        {}
        let mut descend = true;
        if let Some(rule) = rules.iter().find(|rule| rule.node == node.kind()) {
            let inside = scopes.iter().any(|scope| scope.function);
            if let Some((symbol, local)) = definition(text, node, rule, &scopes)
                && !(local && inside)
            {
                if rule.scope {
                    scopes.push(Scope {
                        end: node.end_byte(),
                        name: symbol.name.clone(),
                        owns: matches!(
                            symbol.kind,
                            SymbolKind::Type
                                | SymbolKind::Impl
                                | SymbolKind::Trait
                                | SymbolKind::Enum
                        ),
                        function: matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method),
                    });
                } else {
                    descend = matches!(language, Language::C | Language::Cpp | Language::Go);
                }
                found.push(symbol);
                if found.len() >= MOST {
                    break;
                }
            }
        }
        if descend && cursor.goto_first_child() {
            continue;
        }
        loop {
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return finished(found);
            }
        }
    }
    finished(found)
}

fn finished(mut found: Vec<Symbol>) -> Vec<Symbol> {
    found.sort_by_key(|symbol| (symbol.range.start, std::cmp::Reverse(symbol.range.end)));
    found.dedup();
    found
}

/// The definition a node is, and whether it is of the kind that counts only outside functions.
fn definition(text: &str, node: Node<'_>, rule: &Rule, scopes: &[Scope]) -> Option<(Symbol, bool)> {
    let mut kind = rule.kind;
    let mut local = matches!(
        rule.node,
        "function_definition" | "function_item" | "function_declaration"
    );
    match rule.node {
        // Only what is given a function counts, and constants at the top.
        "variable_declarator"
        | "field_definition"
        | "public_field_definition"
        | "assignment_expression" => {
            let value = node
                .child_by_field_name("value")
                .or_else(|| node.child_by_field_name("right"));
            let is_function = value.is_some_and(|value| {
                matches!(
                    value.kind(),
                    "arrow_function"
                        | "function_expression"
                        | "function"
                        | "generator_function"
                        | "class"
                )
            });
            if !is_function {
                let top = node
                    .parent()
                    .and_then(|p| p.parent())
                    .is_some_and(|p| matches!(p.kind(), "program" | "export_statement"));
                if rule.node != "variable_declarator" || !top {
                    return None;
                }
                kind = SymbolKind::Constant;
            }
            local = true;
        }
        "struct_specifier" | "union_specifier" | "enum_specifier" | "class_specifier" => {
            // Without a body it only names the type.
            node.child_by_field_name("body")?;
        }
        "preproc_def" => {
            // Include guards and empty switches define nothing to read.
            node.child_by_field_name("value")?;
        }
        "const_spec" => local = true,
        _ => {}
    }
    let name = name_of(text, node, rule)?;
    if kind == SymbolKind::Function && scopes.last().is_some_and(|scope| scope.owns) {
        kind = SymbolKind::Method;
    }
    let mut within: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    let receiver = (rule.node == "method_declaration")
        .then(|| receiver_of(text, node))
        .flatten();
    within.extend(receiver.as_deref());
    let first = first_node(node);
    let code = outermost(node);
    let end = node.end_position();
    // A node that ends with a newline ends on the line before.
    let end_row = if end.column == 0 && end.row > node.start_position().row {
        end.row - 1
    } else {
        end.row
    };
    let signature = text
        .get(code.start_byte()..)
        .and_then(|rest| rest.lines().next())
        .map(|line| truncated(line.trim(), 200).to_owned())
        .unwrap_or_default();
    let symbol = Symbol {
        name,
        within: within.join("::"),
        kind,
        range: LineRange::new(first.start_position().row as u32 + 1, end_row as u32 + 1),
        signature,
    };
    Some((symbol, local))
}

fn name_of(text: &str, node: Node<'_>, rule: &Rule) -> Option<String> {
    let name = match rule.name {
        Name::Field(field) => node.child_by_field_name(field)?,
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
            inner
        }
    };
    let words = text.get(name.byte_range())?;
    // `Foo<T>` is `Foo`; `exports.run` is `run`; `Walk::next` keeps its path.
    let words = words.split(['<', '(', '\n']).next().unwrap_or(words).trim();
    let words = if rule.node == "assignment_expression" {
        words.rsplit('.').next().unwrap_or(words)
    } else {
        words
    };
    (!words.is_empty()).then(|| truncated(words, 120).to_owned())
}

/// The type a Go method belongs to.
fn receiver_of(text: &str, node: Node<'_>) -> Option<String> {
    let receiver = text.get(node.child_by_field_name("receiver")?.byte_range())?;
    let name = receiver
        .trim_matches(['(', ')'])
        .split_whitespace()
        .next_back()?
        .trim_start_matches('*');
    Some(name.split('[').next().unwrap_or(name).to_owned())
}

/// The outermost node that only wraps this definition.
fn outermost(node: Node<'_>) -> Node<'_> {
    let mut outer = node;
    while let Some(parent) = outer.parent() {
        // A declaration of several things wraps none of them.
        let wraps = WRAPPERS.contains(&parent.kind())
            && parent.start_position().row + 3 > outer.start_position().row
            || parent.kind() == "decorated_definition";
        if !wraps {
            break;
        }
        outer = parent;
    }
    outer
}

/// The first of the comments and attributes right before a definition, or itself.
fn first_node(node: Node<'_>) -> Node<'_> {
    let mut first = outermost(node);
    while let Some(before) = before(first) {
        let end = before.end_position();
        let end_row = if end.column == 0 {
            end.row.saturating_sub(1)
        } else {
            end.row
        };
        // A comment behind code on its line belongs to that code.
        let own_line = before.prev_sibling().is_none_or(|p| {
            p.end_position().row < before.start_position().row || p.end_position().column == 0
        });
        if !ATTACHED.contains(&before.kind())
            || end_row + 1 < first.start_position().row
            || !own_line
        {
            break;
        }
        first = before;
    }
    first
}

/// What stands before a node; for the first of a body, what stands before the body (Ruby puts
/// the comments there).
fn before(node: Node<'_>) -> Option<Node<'_>> {
    node.prev_sibling().or_else(|| {
        let parent = node
            .parent()
            .filter(|parent| parent.kind() == "body_statement")?;
        parent.prev_sibling()
    })
}
