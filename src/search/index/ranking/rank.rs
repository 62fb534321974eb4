//! Ranking candidates by what is told of them: two small forests of decision trees, one for
//! pieces and one for files.
//!
//! Learned by `tests/bench/retrieval/learn.py` from commits and doc comments of other
//! repositories (LambdaMART: Burges 2010, Microsoft Research TR-2010-82). A tree a line:
//! inner nodes as `feature threshold left right`, parted by commas, then `|`, then the values
//! of the leaves; a child below zero is the leaf `-child - 1`. A row goes left where its value
//! is not above the threshold.

use std::sync::OnceLock;

use crate::base::bug::bug;
use crate::base::{Failure, OrBug, Result};
use crate::index::ranking::features::NAMES;
use crate::index::ranking::file_features::file_names;

/// The forest for pieces, as text.
const PIECES: &str = include_str!("rank/pieces.txt");
/// The forest for files, as text.
const FILES: &str = include_str!("rank/files.txt");

/// An inner node: it asks whether a feature is above a threshold.
#[derive(Debug, Clone, Copy)]
struct Node {
    feature: usize,
    threshold: f32,
    /// Child for values up to the threshold: a node, or below zero the leaf `-child - 1`.
    left: i32,
    /// Child for values above the threshold, in the same form.
    right: i32,
}

/// A decision tree; the root is the first node, or the first leaf where there are no nodes.
#[derive(Debug, Clone, Default)]
struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<f32>,
}

/// The sum of many trees.
#[derive(Debug, Clone, Default)]
pub(in crate::index) struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    /// Returns the forest for pieces that comes with the program.
    pub(in crate::index) fn of_pieces() -> &'static Self {
        static LEARNED: OnceLock<Forest> = OnceLock::new();
        LEARNED.get_or_init(|| Self::own(PIECES, &NAMES.map(str::to_owned)))
    }

    /// Returns the forest for files that comes with the program.
    pub(in crate::index) fn of_files() -> &'static Self {
        static LEARNED: OnceLock<Forest> = OnceLock::new();
        LEARNED.get_or_init(|| Self::own(FILES, &file_names()))
    }

    /// Reads a forest that comes with the program. Without it all are worth the same, by the
    /// forest.
    fn own(text: &str, names: &[String]) -> Self {
        Self::parse(text, names)
            .unwrap_or_else(|failure| bug(&failure.to_string(), Self::default()))
    }

    /// Reads a forest that was learned with features of these names.
    ///
    /// # Errors
    /// If it is damaged, or made for other features.
    fn parse(text: &str, names: &[String]) -> Result<Self> {
        let damaged = || Failure::bug("the forest for ranking is damaged");
        let mut lines = text.lines();
        let theirs: Vec<&str> = lines.next().ok_or_else(damaged)?.split(' ').collect();
        if theirs != names {
            return Err(damaged().because("it was learned with other features"));
        }
        let mut trees = Vec::new();
        for line in lines {
            let (nodes, leaves) = line.split_once('|').ok_or_else(damaged)?;
            let mut tree = Tree::default();
            for node in nodes.split(',').filter(|node| !node.is_empty()) {
                let mut parts = node.split(' ');
                let mut next = || parts.next().ok_or_else(damaged);
                let node = Node {
                    feature: next()?.parse().map_err(|_| damaged())?,
                    threshold: next()?.parse().map_err(|_| damaged())?,
                    left: next()?.parse().map_err(|_| damaged())?,
                    right: next()?.parse().map_err(|_| damaged())?,
                };
                tree.nodes.push(node);
            }
            for leaf in leaves.split(' ') {
                tree.leaves.push(leaf.parse().map_err(|_| damaged())?);
            }
            let sound = tree.nodes.iter().enumerate().all(|(at, node)| {
                node.feature < names.len()
                    && [node.left, node.right].into_iter().all(|child| {
                        // Children stand behind their parents, so that no walk is endless.
                        match usize::try_from(child) {
                            Ok(child) => child > at && child < tree.nodes.len(),
                            Err(_) => (-1 - child) < tree.leaves.len() as i32,
                        }
                    })
            });
            if !sound {
                return Err(damaged());
            }
            trees.push(tree);
        }
        Ok(Self { trees })
    }

    /// Returns the score of a row of features; comparable within one query.
    pub(in crate::index) fn score(&self, row: &[f32]) -> f32 {
        self.trees.iter().map(|tree| tree.value(row)).sum()
    }
}

impl Tree {
    /// Walks from the root to a leaf, and returns that leaf's value.
    fn value(&self, row: &[f32]) -> f32 {
        let mut at = 0_usize;
        let mut leaf = 0;
        while let Some(node) = self.nodes.get(at) {
            let value = row.get(node.feature).copied();
            let value = value.or_bug("a row has fewer features than the forest asks for");
            let child = if value <= node.threshold {
                node.left
            } else {
                node.right
            };
            match usize::try_from(child) {
                Ok(child) => at = child,
                Err(_) => {
                    leaf = (-1 - child) as usize;
                    break;
                }
            }
        }
        let value = self.leaves.get(leaf).copied();
        value.or_bug("a tree has no such leaf")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest(trees: &str) -> Result<Forest> {
        Forest::parse(&format!("a b\n{trees}"), &["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn the_forests_that_come_along_are_sound() {
        Forest::parse(PIECES, &NAMES.map(str::to_owned)).expect("a forest");
        Forest::parse(FILES, &file_names()).expect("a forest");
        assert!(Forest::of_pieces().trees.len() > 20);
        assert!(Forest::of_files().trees.len() > 20);
    }

    #[test]
    fn rows_go_left_up_to_the_threshold() {
        let forest = forest("0 0.5 1 -3,1 2 -1 -2|1 2 4\n|0.25").expect("a forest");
        for (row, value) in [([0.0, 0.0], 1.25), ([0.5, 3.0], 2.25), ([0.75, 3.0], 4.25)] {
            assert!((forest.score(&row) - value).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn damaged_forests_are_refused() {
        for trees in [
            "0 0.5 1 -3|1 2 4",
            "99 0.5 -1 -2|1 2",
            "0 x -1 -2|1 2",
            "0 0.5 0 -2|1 2",
            "0 0.5 -1 -2",
            "0 0.5 -1|1 2",
        ] {
            assert!(forest(trees).is_err(), "{trees}");
        }
        assert!(Forest::parse("", &[]).is_err());
        assert!(Forest::parse("a c\n|1", &["a".to_owned(), "b".to_owned()]).is_err());
    }
}
