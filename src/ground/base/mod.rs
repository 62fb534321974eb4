//! Floor 0: the words every room shares, and nothing that knows about a repository,
//! a model or a screen.
//!
//! Law: imports nothing of ours; no printing, no exiting, no global state but the
//! logger. The parts are small, pure where they can be, and stable.

pub mod architectures;
pub mod beneath;
pub mod bug;
pub mod cancel;
pub mod confidential_files;
pub mod config;
pub mod config_edit;
mod config_file;
mod config_key;
pub mod count;
pub mod embed;
pub mod encoding;
pub mod failure;
pub mod file_stamp;
pub mod lines;
pub mod memory;
pub mod path;
pub mod places;
pub mod seal;
pub mod secrets;
mod setting;
pub mod shard_names;
pub mod text;

pub use bug::OrBug;
pub use cancel::{Cancel, CancelSource};
pub use config::Config;
pub use count::TokenCount;
pub use embed::Embed;
pub use failure::{Failure, Kind, Result};
pub use path::{LineRange, RepoPath};
pub use places::{Places, RepoPlaces};

/// Says that a test is left out, past what catches the output of tests; where `CI` is set, none
/// may be.
#[cfg(any(test, feature = "lab"))]
pub fn left_out(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "left out: {why}");
    assert!(std::env::var_os("CI").is_none(), "left out: {why}");
}
