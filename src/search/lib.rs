//! Finds in a repository what a model is to be shown.
//!
//! - [`index`]: definitions, words and embeddings, on disk
//! - [`context`]: excerpts chosen, ordered and cut to a budget

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

use homebody_ground::{base, repo};

pub mod context;
pub mod index;
