//! llama.cpp on the files that homebody runs, and the yardsticks that both are held to.
//!
//! | file | subject |
//! | --- | --- |
//! | [`llama`] | llama.cpp: loading, reading, writing |
//! | [`logits`] | files of logits, and how far two of them are apart |
//! | [`npz`] | the reference arrays of the numeric fixtures |
//! | [`load`] | what else the machine does meanwhile |
//! | [`memory`] | what a process holds, as the kernel counts it |
//! | [`machine`] | the most this processor can do: int8 products, bytes read |
//! | [`homebody`] | homebody's binary, run as a person would |
//! | [`pairs`] | both on one file, in turns |
//! | [`spin`] | busy threads that take the cores from both |
//! | [`rows`] | what the table holds: models, and what is measured on them |

pub mod homebody;
pub mod llama;
pub mod load;
pub mod logits;
pub mod machine;
pub mod memory;
pub mod npz;
pub mod pairs;
pub mod rows;
pub mod spin;

/// What every part here answers: a value, or words on what went wrong.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
