//! The signs that are drawn, for terminals with all characters and for those with ASCII alone.

/// The signs that are drawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// The sign before what the person says.
    pub prompt: &'static str,
    /// A light line.
    pub line: &'static str,
    /// The part of a line that is done.
    pub done: &'static str,
    /// A light line upright.
    pub bar: &'static str,
    /// The crossing of two light lines.
    pub cross: &'static str,
    /// The sign before an item.
    pub bullet: &'static str,
    /// The upper left corner.
    pub top_left: &'static str,
    /// The upper right corner.
    pub top_right: &'static str,
    /// The lower left corner.
    pub bottom_left: &'static str,
    /// The lower right corner.
    pub bottom_right: &'static str,
    /// The sign of what is accepted.
    pub yes: &'static str,
    /// The sign of what is rejected.
    pub no: &'static str,
    /// The sign of what is undecided, and between two words.
    pub dot: &'static str,
    /// The sign of what is folded.
    pub folded: &'static str,
    /// The sign of what is open.
    pub open: &'static str,
    /// The sign of a grave remark.
    pub full: &'static str,
    /// The sign of a light remark.
    pub hollow: &'static str,
    /// The sign before what differs in the working tree.
    pub differs: &'static str,
}

pub(super) const SIGNS: Glyphs = Glyphs {
    prompt: "❯",
    line: "─",
    done: "━",
    bar: "│",
    cross: "┼",
    bullet: "•",
    top_left: "┌",
    top_right: "┐",
    bottom_left: "└",
    bottom_right: "┘",
    yes: "✓",
    no: "✗",
    dot: "·",
    folded: "▸",
    open: "▾",
    full: "●",
    hollow: "○",
    differs: "±",
};

/// The signs of terminals whose fonts or character sets have no more.
pub(super) const ASCII: Glyphs = Glyphs {
    prompt: ">",
    line: "-",
    done: "=",
    bar: "|",
    cross: "+",
    bullet: "*",
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    yes: "y",
    no: "x",
    dot: ".",
    folded: ">",
    open: "v",
    full: "#",
    hollow: "o",
    differs: "+-",
};
