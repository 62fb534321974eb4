//! Text that was read before and need not be read again.
//!
//! Law: what is taken up again is the very state that was read, and the last token of a prompt is
//! read by itself: nothing is ever answered from logits that were kept.

pub(in crate::engine) mod checkpoints;
pub(in crate::engine) mod disk_cache;
pub(in crate::engine) mod prefix_cache;
