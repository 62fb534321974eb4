//! What people really have, as it is published: chat templates, vocabularies, and what the
//! programs they were made for make of them. Fetched once, with pip, into a folder of the build.
//!
//! Not a part of the suite, since it needs a network: `cargo test --release --test published`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on should stop where it stands, and tables are read by people"
)]

mod fetched;
mod jobs;
mod renderings;
mod tiny;
mod vocabularies;
