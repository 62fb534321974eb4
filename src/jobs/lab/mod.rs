//! Proofs and measures of jobs without a model.
//!
//! Law: nothing of it is in the released program.

pub mod finding_walks;
pub mod grammar_walks;
pub mod replays;
pub mod walks;
