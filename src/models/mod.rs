//! Floor 1: which models there are, which are here, and how to fetch them.
//!
//! Law: the only room that may use the network or start a download; it reads no repository.
//! A file counts once its size and checksum are right, never before.

pub mod catalog;
pub mod pull;
pub mod puller;
pub mod store;

pub use catalog::{Catalog, Model, Source};
pub use pull::{Progress, pull};
pub use puller::Puller;
pub use store::{Installed, Store};
