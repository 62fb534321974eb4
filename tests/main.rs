//! The one target of integration tests: a module per subject.

mod house;
