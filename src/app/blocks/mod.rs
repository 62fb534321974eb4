//! The blocks of the transcript.
//!
//! Law: a block holds values alone; its revision grows with every change that is drawn.

pub mod block;
pub mod patch_block;
pub mod patch_marks;
pub mod review_block;
