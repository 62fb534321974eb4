//! Tests of reading answers.
