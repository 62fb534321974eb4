//! git itself, for tests.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "it is a part of tests, also of those of other packages"
)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs git in a folder, whatever its user has set. Each commit is a second later than the one
/// before: those of one second have no order.
pub fn git(root: &Path, arguments: &[&str]) {
    static CLOCK: AtomicU64 = AtomicU64::new(1_700_000_000);
    let now = format!("{} +0000", CLOCK.fetch_add(1, Ordering::Relaxed));
    let done = Command::new("git")
        .current_dir(root)
        .args(["-c", "user.name=Test", "-c", "user.email=test@localhost"])
        .args(["-c", "commit.gpgsign=false"])
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .env("GIT_AUTHOR_DATE", &now)
        .env("GIT_COMMITTER_DATE", &now)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git runs");
    assert!(done.status.success(), "git {arguments:?}: {done:?}");
}
