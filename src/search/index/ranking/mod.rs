//! From candidates to places worth showing: features, forests, arrangement.
//!
//! Law: features have the order in which the forests were learned.

pub(in crate::index) mod arrange;
pub(in crate::index) mod feature_names;
pub(in crate::index) mod features;
pub(in crate::index) mod file_features;
pub(in crate::index) mod named;
mod query_words;
pub(in crate::index) mod rank;
