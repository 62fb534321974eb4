//! Floor 1: which models there are, which are here, and how to fetch them.
//!
//! Law: the only room that may use the network or start a download; it reads no repository.
//! A file counts once its size and checksum are right, never before.

pub mod catalog;
mod checksum;
pub mod listing;
mod meter;
pub mod pull;
pub mod puller;
mod register;
pub mod store;

pub use catalog::{Catalog, Model, Source};
pub use listing::{Row, rows};
pub use meter::Progress;
pub use pull::pull;
pub use puller::Puller;
pub use store::{Installed, Store, Verified};
