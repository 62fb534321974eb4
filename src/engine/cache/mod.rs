//! Text that was read before and need not be read again.
//!
//! Law: what is taken up again gives the same logits, to the last bit, as reading it anew.

pub(in crate::engine) mod disk_cache;
pub(in crate::engine) mod prefix_cache;
