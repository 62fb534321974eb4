//! Walking a syntax tree for definitions.
//!
//! One pass with a cursor. What a definition needs to know of its surroundings (the comments
//! and attributes before it, the node that wraps it) is carried along, since asking a node
//! for its parent or its neighbour costs a search from the root: on a file of a million
//! comments that would take days.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::Language;
use super::table::{self, Mark, Name, Rule};
use crate::base::LineRange;
use crate::base::text::truncated;
use crate::index::{Symbol, SymbolKind};

/// Longest time for one file.
const LIMIT: Duration = Duration::from_secs(2);
/// Most definitions of one file; generated ones can have more than anybody asks for.
const MOST: usize = 5_000;
/// Most names in [`Symbol::within`].
const DEEPEST: usize = 12;
/// Nodes between two looks at the clock.
const CLOCK: usize = 8_192;

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

/// What is carried along for each node that is open.
#[derive(Default)]
struct Level {
    /// Comments and attributes that lead to the next sibling: their first and last row.
    lead: Option<(usize, usize)>,
    /// The last row of the sibling before.
    last_row: Option<usize>,
    /// The wrapper these siblings stand in.
    outer: Option<Outer>,
}

/// A node that only wraps a definition.
#[derive(Clone, Copy)]
struct Outer {
    /// The first row, leading comments included.
    first_row: usize,
    /// Where its code begins.
    row: usize,
    byte: usize,
    /// Whether it wraps one definition only, so that its rows are the definition's wherever
    /// that begins.
    single: bool,
}

/// The syntax tree of a text; none where it takes too long.
fn tree(text: &str, language: Language, begun: Instant) -> Option<Tree> {
    PARSER.with_borrow_mut(|parser| {
        parser.set_language(&table::of(language).grammar).ok()?;
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
    })
}

/// The lines, from 1, at which the grammar cannot make sense of `text`: those of nodes that are
/// errors, and of such as had to be added. None where it takes too long to tell.
pub fn errors(text: &str, language: Language) -> Option<Vec<u32>> {
    let begun = Instant::now();
    let tree = tree(text, language, begun)?;
    let mut cursor = tree.walk();
    let (mut errors, mut nodes) = (Vec::new(), 0_usize);
    loop {
        let node = cursor.node();
        nodes += 1;
        if nodes.is_multiple_of(CLOCK) && begun.elapsed() > LIMIT {
            return None;
        }
        if node.is_error() || node.is_missing() {
            errors.push(node.start_position().row as u32 + 1);
        }
        // Only what holds errors is looked into.
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(errors);
            }
        }
    }
}

/// The definitions of `text`, in order of line; empty where nothing can be parsed.
pub fn parse(text: &str, language: Language) -> Vec<Symbol> {
    let lookup = table::of(language);
    let begun = Instant::now();
    let Some(tree) = tree(text, language, begun) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut functions = 0_usize;
    let mut levels = vec![Level::default()];
    let mut cursor = tree.walk();
    let mut nodes = 0_usize;
    'tree: loop {
        let node = cursor.node();
        nodes += 1;
        if nodes.is_multiple_of(CLOCK) && begun.elapsed() > LIMIT {
            break;
        }
        while let Some(scope) = scopes.pop_if(|scope| scope.end <= node.start_byte()) {
            functions -= usize::from(scope.function);
        }
        let depth = levels.len();
        let Some(level) = levels.last_mut() else {
            break;
        };
        let (rule, mark) = lookup.at(node.kind_id());
        let first = node.start_position().row;
        let last = last_row(node);
        let mut inside = None;
        if mark == Mark::Attached {
            // A comment behind code on its line belongs to that code.
            let own_line = level.last_row.is_none_or(|row| row < first);
            level.lead = match level.lead {
                Some((from, to)) if first <= to + 1 => Some((from, last)),
                _ => own_line.then_some((first, last)),
            };
            level.last_row = Some(last);
        } else if mark != Mark::Blank {
            let lead = level.lead.take().filter(|(_, to)| to + 1 >= first);
            let mut place = Place {
                first_row: lead.map_or(first, |(from, _)| from),
                byte: node.start_byte(),
                depth,
                local: functions > 0,
            };
            if let Some(outer) = level.outer
                && (outer.single || outer.row == first)
                && node.is_named()
            {
                place.first_row = place.first_row.min(outer.first_row);
                if outer.row == first {
                    place.byte = outer.byte;
                }
            }
            level.last_row = Some(last);
            let mut descend = true;
            if let Some(rule) = rule
                && let Some(symbol) = definition(text, node, rule, &scopes, &place)
            {
                level.outer = None;
                if rule.scope {
                    let scope = Scope {
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
                    };
                    functions += usize::from(scope.function);
                    scopes.push(scope);
                } else {
                    // Broken code and macros make one function of several in these.
                    descend = matches!(language, Language::C | Language::Cpp);
                }
                found.push(symbol);
                if found.len() >= MOST {
                    break;
                }
            }
            if descend {
                inside = Some(Level {
                    lead: lead.filter(|_| mark == Mark::Body),
                    last_row: None,
                    outer: match mark {
                        Mark::Wrapper { single } => Some(Outer {
                            first_row: place.first_row,
                            row: first,
                            byte: place.byte,
                            single,
                        }),
                        _ => None,
                    },
                });
            }
        }
        if let Some(inside) = inside
            && cursor.goto_first_child()
        {
            levels.push(inside);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'tree;
            }
            levels.pop();
        }
    }
    found.sort_by_key(|symbol| (symbol.range.start(), std::cmp::Reverse(symbol.range.end())));
    found.dedup();
    found
}

/// Where a node stands.
struct Place {
    /// Its first row, with what leads to it.
    first_row: usize,
    /// Where its code begins.
    byte: usize,
    /// Nodes that are open, the root among them.
    depth: usize,
    /// Whether it stands inside a function.
    local: bool,
}

/// The last row of a node. One that ends with a newline ends on the line before.
fn last_row(node: Node<'_>) -> usize {
    let end = node.end_position();
    if end.column == 0 && end.row > node.start_position().row {
        end.row - 1
    } else {
        end.row
    }
}

/// The definition a node is.
fn definition(
    text: &str,
    node: Node<'_>,
    rule: &Rule,
    scopes: &[Scope],
    place: &Place,
) -> Option<Symbol> {
    let mut kind = rule.kind;
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
                // Root, perhaps `export`, declaration, and this.
                if rule.node != "variable_declarator" || place.depth > 4 || !scopes.is_empty() {
                    return None;
                }
                kind = SymbolKind::Constant;
            }
        }
        // Python's names at the top of a module: root, statement, and this.
        "assignment" => {
            let plain = node
                .child_by_field_name("left")
                .is_some_and(|left| left.kind() == "identifier");
            if place.depth > 3 || !plain {
                return None;
            }
        }
        "struct_specifier" | "union_specifier" | "enum_specifier" | "class_specifier" => {
            // Without a body it only names the type.
            node.child_by_field_name("body")?;
        }
        "preproc_def" => {
            // Include guards and empty switches define nothing to read.
            node.child_by_field_name("value")?;
        }
        _ => {}
    }
    if rule.local && place.local {
        return None;
    }
    let name = name_of(text, node, rule)?;
    if kind == SymbolKind::Function && scopes.last().is_some_and(|scope| scope.owns) {
        kind = SymbolKind::Method;
    }
    let mut within: Vec<&str> = scopes
        .iter()
        .take(DEEPEST)
        .map(|scope| scope.name.as_str())
        .collect();
    let receiver = (rule.node == "method_declaration")
        .then(|| receiver_of(text, node))
        .flatten();
    within.extend(receiver.as_deref());
    Some(Symbol {
        name,
        within: within.join("::"),
        kind,
        range: LineRange::new(place.first_row as u32 + 1, last_row(node) as u32 + 1),
        signature: signature(text, place.byte),
    })
}

/// The first line of code from `byte` on that is no annotation.
fn signature(text: &str, byte: usize) -> String {
    let lines = || text.get(byte..).unwrap_or("").lines().map(str::trim);
    lines()
        .take(8)
        .find(|line| !line.is_empty() && !line.starts_with(['@', '[']) && !line.starts_with("#["))
        .or_else(|| lines().next())
        .map(|line| truncated(line, 200).to_owned())
        .unwrap_or_default()
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
