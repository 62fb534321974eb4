//! The ground that all of homebody stands on.
//!
//! - [`base`]: failures, cancellation, paths, configuration, the seal
//! - [`repo`]: files, git, diffs
//! - [`grammar`]: the languages of answers, and what may come next in them

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

pub mod base;
pub mod grammar;
pub mod repo;
