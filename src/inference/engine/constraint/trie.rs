//! The tokens of a vocabulary as a tree of their bytes, and which of them a grammar takes.

use crate::base::OrBug;
use crate::base::bug::bug;
use crate::grammar::{ByteSet, Grammar};
use crate::model::sample::Allowed;

/// Children from which on a grammar is asked at once which may come, and not for each.
const MANY: u16 = 12;

/// A node: one more byte of some tokens.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Index of the next node that is not below this one.
    skip: u32,
    /// Index in `Trie::ids` of the first token that ends here.
    first: u32,
    /// Number of tokens that end here.
    tokens: u16,
    /// Number of nodes right below.
    children: u16,
    /// Bytes of the path from the root, that of this node included.
    depth: u16,
    byte: u8,
}

/// Tokens by their bytes: nodes in order, each before those below it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Trie {
    nodes: Vec<Node>,
    ids: Vec<u32>,
    /// The node right below the root for each byte; `u32::MAX` for none. Empty in an empty tree.
    roots: Vec<u32>,
}

impl Trie {
    /// Makes a tree of tokens, given as id and bytes in any order. Empty tokens are left out, and
    /// so are those longer than 65,535 bytes.
    pub fn new<'a>(tokens: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let mut sorted: Vec<(&[u8], u32)> = tokens
            .filter(|(_, bytes)| !bytes.is_empty() && u16::try_from(bytes.len()).is_ok())
            .map(|(id, bytes)| (bytes, id))
            .collect();
        sorted.sort_unstable();
        let mut trie = Self {
            nodes: Vec::with_capacity(sorted.len() * 2),
            ids: Vec::with_capacity(sorted.len()),
            roots: vec![u32::MAX; 256],
        };
        // The nodes of the token before, from the root on.
        let mut path: Vec<usize> = Vec::new();
        let mut before: &[u8] = &[];
        for (bytes, id) in sorted {
            let common = bytes.iter().zip(before).take_while(|(a, b)| a == b).count();
            trie.close(&mut path, common);
            for (depth, byte) in bytes.iter().enumerate().skip(common) {
                let at = trie.nodes.len();
                if let Some(above) = path.last().and_then(|above| trie.nodes.get_mut(*above)) {
                    above.children += 1;
                } else if let Some(root) = trie.roots.get_mut(usize::from(*byte)) {
                    *root = at as u32;
                }
                trie.nodes.push(Node {
                    skip: 0,
                    first: trie.ids.len() as u32,
                    tokens: 0,
                    children: 0,
                    depth: depth as u16 + 1,
                    byte: *byte,
                });
                path.push(at);
            }
            if let Some(node) = path.last().and_then(|at| trie.nodes.get_mut(*at)) {
                node.tokens = node.tokens.saturating_add(1);
                trie.ids.push(id);
            }
            before = bytes;
        }
        trie.close(&mut path, 0);
        trie
    }

    /// Closes the nodes of `path` that are deeper than `depth`: no node comes below them any more.
    fn close(&mut self, path: &mut Vec<usize>, depth: usize) {
        let end = self.nodes.len() as u32;
        while path.len() > depth {
            if let Some(node) = path.pop().and_then(|at| self.nodes.get_mut(at)) {
                node.skip = end;
            }
        }
    }

    /// Allows the tokens that a grammar takes, all of their bytes.
    pub fn walk(&self, grammar: &mut dyn Grammar, allowed: &mut Allowed) {
        if self.nodes.is_empty() {
            return;
        }
        for byte in grammar.next().iter() {
            self.walk_below(byte, grammar, allowed);
        }
    }

    /// Allows the tokens that begin with `byte` and that a grammar takes.
    fn walk_below(&self, byte: u8, grammar: &mut dyn Grammar, allowed: &mut Allowed) {
        let Some(start) = self.roots.get(usize::from(byte)).copied() else {
            return;
        };
        // No node has the number that stands for none.
        let Some(end) = self.nodes.get(start as usize).map(|node| node.skip) else {
            return;
        };
        let mut at = start;
        let mut depth = 0;
        // The bytes that may come below nodes with many children, by depth.
        let mut sets: Vec<(usize, ByteSet)> = Vec::new();
        while at < end {
            let Some(node) = self.nodes.get(at as usize) else {
                bug("the nodes below one end behind the last", ());
                break;
            };
            let above = usize::from(node.depth) - 1;
            if depth > above {
                grammar.pop(depth - above);
                depth = above;
                while sets.last().is_some_and(|(below, _)| *below > depth) {
                    sets.pop();
                }
            }
            let barred = sets
                .last()
                .is_some_and(|(below, set)| *below == above && !set.contains(node.byte));
            if barred || !grammar.push(node.byte) {
                at = node.skip;
                continue;
            }
            depth += 1;
            let first = node.first as usize;
            let ids = self.ids.get(first..first + usize::from(node.tokens));
            for id in ids.or_bug("the tokens of a node are not there") {
                allowed.set(*id, true);
            }
            if node.children >= MANY {
                sets.push((depth, grammar.next()));
            }
            at += 1;
        }
        grammar.pop(depth);
    }
}
