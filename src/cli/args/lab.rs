//! The arguments of the lab: subcommands of `debug` that are not in the released program.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};

use super::number;
use crate::index::SearchPart;

/// A language of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GrammarLanguage {
    /// Edits
    Patch,
    /// Findings about the last commit
    Review,
    /// Verdicts of a second look
    Verdict,
}

/// A notation of grammars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GrammarNotation {
    /// That of llama.cpp
    Gbnf,
    /// That of llguidance
    Lark,
}

/// Proofs and measures of parts.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum LabCommand {
    /// Search with a part of it left out, as ranges, to measure what it is good for
    Without {
        /// Which part
        #[arg(value_name = "PART", value_parser = PossibleValuesParser::new(SearchPart::ALL.map(|(name, _)| name)))]
        part: String,
        /// A file that holds the query
        #[arg(value_name = "FILE")]
        query: PathBuf,
        /// So many results
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = number(1, 1000))]
        top: u64,
    },
    /// What is told of the candidates for a query, as JSON, to learn ranking from
    Candidates {
        /// A file that holds the query
        #[arg(value_name = "FILE")]
        query: PathBuf,
    },
    /// Cut the diffs of past commits to pieces and have findings written by pure chance
    Findings {
        /// Commits, from the newest on
        #[arg(long, value_name = "N", default_value_t = 300)]
        commits: u64,
        /// Answers for each piece
        #[arg(long, value_name = "N", default_value_t = 2)]
        walks: u64,
        /// Fill the vocabulary up to so many tokens
        #[arg(long, value_name = "N", default_value_t = 0)]
        vocabulary: u64,
    },
    /// A language of answers as a grammar in text, or texts to hold it against
    Grammar {
        /// Whose answers
        #[arg(value_name = "LANGUAGE")]
        language: GrammarLanguage,
        /// The files that edits may change
        #[arg(value_name = "FILE")]
        files: Vec<String>,
        /// How to write it
        #[arg(long, value_name = "NOTATION", default_value = "gbnf")]
        notation: GrammarNotation,
        /// Print so many texts instead, each with what the automaton says of it, as JSON
        #[arg(long, value_name = "N")]
        strings: Option<u64>,
    },
    /// Answers by chance within the grammar of edits, and whether each edit applies
    Walks {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = number(1, 10_000_000))]
        walks: u64,
        /// Tokens of each
        #[arg(long, value_name = "TOKENS", default_value_t = 600, value_parser = number(1, 100_000))]
        limit: u64,
        /// Tokens that the vocabulary is filled up to
        #[arg(long, value_name = "TOKENS", default_value_t = 0, value_parser = number(0, 2_000_000))]
        vocabulary: u64,
    },
    /// Whether changes that were made can be said as edits: a JSON array of files a line
    Replay {
        /// The changes: path, before, after of each file
        #[arg(value_name = "FILE.jsonl")]
        changes: PathBuf,
    },
    /// A model of a known shape with random weights, to measure with
    Synthesize {
        /// Such as qwen35-9b, qwen3-4b, llama-tiny
        #[arg(value_name = "SHAPE")]
        shape: String,
        /// The file to write; it must not be there yet
        #[arg(value_name = "OUT.gguf")]
        out: PathBuf,
        /// Q4_K_M, Q5_K_M, Q6_K, Q8_0, Q4_0, Q4_1, IQ4_XS or F32; with -pure behind Q5_K, Q4_0,
        /// Q4_1 or IQ4_XS, nothing but that format
        #[arg(long, value_name = "NAME", default_value = "Q4_K_M")]
        quantization: String,
        /// Whose vocabulary it gets, but for tiny shapes [default: the starter's]
        #[arg(long, value_name = "FILE.gguf")]
        vocabulary: Option<PathBuf>,
    },
}
