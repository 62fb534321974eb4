//! Words of code and of people: how a text becomes the terms that are searched.
//!
//! Law: index and query are cut by the same rules.

pub(in crate::index) mod abbreviations;
pub mod scripts;
pub(in crate::index) mod stem;
pub mod terms;
