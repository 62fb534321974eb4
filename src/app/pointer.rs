//! The mouse as the state knows it: what it did, and what lies under it.

use super::blocks::block::BlockId;

/// The kind of a mouse event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The wheel turned by so many lines; negative is up.
    Scroll(i32),
    /// The left button went down.
    Down,
    /// The mouse moved with the left button down.
    Drag,
    /// The left button went up.
    Up,
}

/// A mouse event, with the target under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mouse {
    /// The kind of event.
    pub kind: MouseKind,
    /// Column on the screen, from 0.
    pub column: u16,
    /// Row on the screen, from 0.
    pub row: u16,
    /// The target under the mouse, by the layout last drawn.
    pub target: MouseTarget,
}

/// A cell of the transcript as laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spot {
    /// The block the cell belongs to.
    pub block: BlockId,
    /// The line within the block as drawn, from 0.
    pub line: u32,
    /// The column within the transcript, from 0.
    pub column: u16,
}

/// The thing under the mouse, as known to the one who draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MouseTarget {
    /// Nothing that can be clicked (a rule, an empty part).
    Nothing,
    /// A cell of the transcript, and the part of the block shown there.
    Transcript {
        /// The cell under the mouse.
        spot: Spot,
        /// The part of the block.
        part: BlockPart,
    },
    /// The transcript's empty rest, or a row above (`-1`) or below (`1`) it while dragging.
    Beyond(i8),
    /// The composer, at the byte offset of the character under the mouse.
    Composer(usize),
    /// A row of the completion popup, counted as in `Completion::items`.
    Completion(usize),
    /// A row of the side panel, counted as in [`super::State::panel_rows`].
    PanelRow(usize),
    /// The side panel, between rows.
    Panel,
    /// A row of the overlay, counted as the overlay's own rows.
    OverlayRow(usize),
    /// The overlay, between rows.
    Overlay,
    /// The status line's mark of the seal.
    Seal,
    /// The status line's model name.
    Model,
    /// The status line's context figure.
    ContextFigure,
    /// The status line's `?`.
    Help,
}

/// The part of a block at a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPart {
    /// Plain text, with no action of its own.
    Text,
    /// The folded or open line of thinking.
    Thinking,
    /// A source of the answer, by its number.
    Source(u32),
    /// Something folded: long pastes of a request, or earlier turns.
    Folded,
    /// A fenced code block of the answer, from 0.
    Code(usize),
    /// The heading of a file of a patch, from 0.
    PatchFile(usize),
    /// A hunk of a patch, from 0.
    Hunk(usize),
    /// A finding of a review, from 0.
    Finding(usize),
}

/// A stretch of the transcript, as drawn; both ends included, in the order dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The cell where the button went down.
    pub from: Spot,
    /// The cell where the mouse is, or was when the button went up.
    pub to: Spot,
}
