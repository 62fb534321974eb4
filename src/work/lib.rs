//! The jobs, and what only they and the user's hands need.
//!
//! - [`patch`]: what edits may be written; edits to new texts; undo
//! - [`registry`]: the models there are; downloads; the only room with a network
//! - [`jobs`]: ask, patch, review, message

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

use homebody_ground::{base, grammar, repo};
use homebody_inference::engine;
use homebody_search::{context, index};

pub mod jobs;
pub mod patch;
pub mod registry;

#[cfg(all(test, target_os = "linux"))]
homebody_ground::tests_serve_as_keepers!();
