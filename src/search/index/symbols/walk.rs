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
use super::node::{Around, kind_of, name_of, receiver_of};
use super::rules::Rule;
use super::table::{self, Lookup, Mark};
use crate::base::LineRange;
use crate::base::bug::bug;
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
    /// The byte behind the definition.
    end: usize,
    name: String,
    /// True if functions in the definition are methods.
    owns: bool,
    /// True for a function: what is local to it is left out.
    function: bool,
}

/// The siblings among which the walk is, of one node that is open: what is carried along.
#[derive(Default)]
struct ScopeLevel {
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
    /// Row at which the wrapper's code begins.
    row: usize,
    /// Byte at which that code begins.
    byte: usize,
    /// True if the node wraps one definition only, so that its rows are the definition's wherever
    /// that begins.
    single: bool,
}

/// Parses a text; none where it takes too long.
fn tree(text: &str, language: Language, begun: Instant) -> Option<Tree> {
    PARSER.with_borrow_mut(|parser| {
        if parser.set_language(&table::of(language).grammar).is_err() {
            return bug("a grammar is of another version than the parser", None);
        }
        let mut go_on = |_: &tree_sitter::ParseState| {
            if begun.elapsed() > LIMIT {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = ParseOptions::new().progress_callback(&mut go_on);
        let bytes = text.as_bytes();
        // The parser asks behind the end too.
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or(&[]);
        let tree = parser.parse_with_options(&mut read, None, Some(options));
        if tree.is_none() {
            // It would otherwise go on with this text at the next call.
            parser.reset();
        }
        tree
    })
}

/// Returns the lines, from 1, at which the grammar cannot make sense of `text`: those of nodes that
/// are errors, and of such as had to be added. None where it takes too long to tell.
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

/// Returns the definitions of `text`, in order of line; empty where nothing can be parsed.
pub fn parse(text: &str, language: Language) -> Vec<Symbol> {
    let begun = Instant::now();
    let Some(tree) = tree(text, language, begun) else {
        return Vec::new();
    };
    let mut walk = Walk {
        text,
        language,
        lookup: table::of(language),
        found: Vec::new(),
        scopes: Vec::new(),
        functions: 0,
        levels: vec![ScopeLevel::default()],
    };
    let mut cursor = tree.walk();
    let mut nodes = 0_usize;
    'tree: loop {
        nodes += 1;
        if nodes.is_multiple_of(CLOCK) && begun.elapsed() > LIMIT {
            break;
        }
        let inside = walk.visit(cursor.node());
        if walk.found.len() >= MOST {
            break;
        }
        if let Some(inside) = inside
            && cursor.goto_first_child()
        {
            walk.levels.push(inside);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'tree;
            }
            walk.levels.pop();
        }
    }
    let mut found = walk.found;
    found.sort_by_key(|symbol| (symbol.range.start(), std::cmp::Reverse(symbol.range.end())));
    found.dedup();
    if language == Language::Haskell {
        join_equations(&mut found);
    }
    found
}

/// Makes one definition of the signature and the equations of a function, which follow each other.
fn join_equations(found: &mut Vec<Symbol>) {
    found.dedup_by(|next, before| {
        let same = next.name == before.name && next.within == before.within;
        let follows = next.range.start() <= before.range.end() + 1;
        let joins = same && follows && next.kind == before.kind;
        if joins {
            before.range = before.range.hull(next.range);
        }
        joins
    });
}

/// One walk through a tree: what was found, and what is carried along.
struct Walk<'t> {
    text: &'t str,
    language: Language,
    lookup: &'static Lookup,
    found: Vec<Symbol>,
    /// Definitions around the node at hand, outermost first.
    scopes: Vec<Scope>,
    /// Number of functions among `scopes`.
    functions: usize,
    /// One level for each node that is open, and one for the root.
    levels: Vec<ScopeLevel>,
}

impl Walk<'_> {
    /// Takes note of a node. Returns the level of its children, if they are to be visited.
    fn visit(&mut self, node: Node<'_>) -> Option<ScopeLevel> {
        while let Some(scope) = self.scopes.pop_if(|scope| scope.end <= node.start_byte()) {
            self.functions -= usize::from(scope.function);
        }
        let (rule, mark) = self.lookup.at(node.kind_id());
        let (first, last) = (node.start_position().row, last_row(node));
        let depth = self.levels.len();
        let Some(level) = self.levels.last_mut() else {
            return bug("a node has no level", None);
        };
        match mark {
            Mark::Blank => return None,
            Mark::Attached => {
                level.attach(first, last);
                return None;
            }
            Mark::None | Mark::Wrapper { .. } | Mark::Body => {}
        }
        let lead = level.lead.take().filter(|(_, to)| to + 1 >= first);
        let (first_row, byte) = level.begin(node, lead);
        let place = NodePlace {
            first_row,
            byte,
            depth,
            local: self.functions > 0,
        };
        level.last_row = Some(last);
        let mut descend = true;
        if let Some(rule) = rule
            && let Some(symbol) = definition(self.text, node, rule, &self.scopes, &place)
        {
            level.outer = None;
            descend = self.add(node, rule, symbol);
        }
        descend.then(|| ScopeLevel {
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
        })
    }

    /// Takes in the definition that a node is. Tells whether its children are to be visited.
    fn add(&mut self, node: Node<'_>, rule: &Rule, symbol: Symbol) -> bool {
        if rule.scope {
            let scope = Scope {
                end: node.end_byte(),
                name: symbol.name.clone(),
                owns: matches!(
                    symbol.kind,
                    SymbolKind::Type | SymbolKind::Impl | SymbolKind::Trait | SymbolKind::Enum
                ),
                function: matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method),
            };
            self.functions += usize::from(scope.function);
            self.scopes.push(scope);
        }
        self.found.push(symbol);
        // Broken code and macros make one function of several in these languages.
        rule.scope || matches!(self.language, Language::C | Language::Cpp)
    }
}

impl ScopeLevel {
    /// Takes note of a comment or an attribute, which may lead to the next sibling.
    fn attach(&mut self, first: usize, last: usize) {
        // A comment behind code on its line belongs to that code.
        let own_line = self.last_row.is_none_or(|row| row < first);
        self.lead = match self.lead {
            Some((from, to)) if first <= to + 1 => Some((from, last)),
            _ => own_line.then_some((first, last)),
        };
        self.last_row = Some(last);
    }

    /// Tells where a node begins, with what leads to it and with the node that wraps it.
    fn begin(&self, node: Node<'_>, lead: Option<(usize, usize)>) -> (usize, usize) {
        let row = node.start_position().row;
        let (mut first_row, mut byte) = (lead.map_or(row, |(from, _)| from), node.start_byte());
        if let Some(outer) = self.outer
            && (outer.single || outer.row == row)
            && node.is_named()
        {
            first_row = first_row.min(outer.first_row);
            if outer.row == row {
                byte = outer.byte;
            }
        }
        (first_row, byte)
    }
}

/// The place of a node in the text and in the tree.
struct NodePlace {
    /// First row of the node, with what leads to it.
    first_row: usize,
    /// Byte at which the node's code begins.
    byte: usize,
    /// Number of nodes that are open, the root among them.
    depth: usize,
    /// True if the node stands inside a function.
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

/// The number of the last line of a node that holds anything: some grammars count the empty lines
/// behind it too.
fn last_line(text: &str, node: Node<'_>) -> u32 {
    let own = text.get(node.byte_range()).unwrap_or("");
    let behind = own.get(own.trim_end().len()..).unwrap_or("");
    let empty = behind.matches('\n').count();
    (node.end_position().row.saturating_sub(empty) as u32 + 1)
        .max(node.start_position().row as u32 + 1)
}

/// Reads the definition that a node is; none where it defines nothing.
fn definition(
    text: &str,
    node: Node<'_>,
    rule: &Rule,
    scopes: &[Scope],
    place: &NodePlace,
) -> Option<Symbol> {
    let around = Around {
        depth: place.depth,
        outermost: scopes.is_empty(),
    };
    let mut kind = kind_of(text, node, rule, &around)?;
    if rule.local && place.local {
        return None;
    }
    let (path, name) = name_of(text, node, rule)?;
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
    if !path.is_empty() {
        within.push(&path);
    }
    Some(Symbol {
        name,
        within: within.join("::"),
        kind,
        range: LineRange::new(place.first_row as u32 + 1, last_line(text, node)),
        signature: signature(text, place.byte),
    })
}

/// Returns the first line of code from `byte` on that is no annotation.
fn signature(text: &str, byte: usize) -> String {
    // Where a node begins is the grammar's word: nothing is promised of characters, or of the end.
    let lines = || text.get(byte..).unwrap_or("").lines().map(str::trim);
    lines()
        .take(8)
        .find(|line| !line.is_empty() && !line.starts_with(['@', '[']) && !line.starts_with("#["))
        .or_else(|| lines().next())
        .map(|line| truncated(line, 200).to_owned())
        .unwrap_or_default()
}
