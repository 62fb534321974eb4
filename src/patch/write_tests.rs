//! Tests of writing and undoing.
