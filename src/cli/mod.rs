//! Floor 6: the command line. clap lives here and nowhere else.
//!
//! Law: validate first, act then; data to standard output, words for people to standard
//! error; the kind of a failure decides the exit code; help, version, completions and man work
//! with no repository and no model.
