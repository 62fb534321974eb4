//! Floor 1: which models there are, which are here, and how to fetch them.
//!
//! Law: the only room that may use the network or start a download; it reads no repository.
//! A file counts once its size and checksum are right, never before.

mod address;
mod card;
pub mod catalog;
mod catalog_file;
mod checksum;
mod endpoints;
mod environment;
mod hub;
pub mod listing;
mod manifest;
mod network_errors;
mod progress;
pub mod pull;
pub mod puller;
pub mod repository;
pub mod store;
mod transfer;
mod wheel;

pub use card::CardSampling;
pub use catalog::{Catalog, EditForm, Model, Source};
pub use listing::{ListedModel, rows};
pub use progress::Progress;
pub use pull::{Route, pull, pull_by};
pub use puller::Puller;
pub use repository::{Address, RemoteModel};
pub use store::{Installed, Store, Verified};
