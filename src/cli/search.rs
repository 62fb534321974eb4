//! `search`: ranked places, for people and for programs.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;

use serde_json::json;

use super::args::{SearchArgs, SearchFormat};
use super::invocation::Invocation;
use super::out::Tone;
use super::{Code, NEGATIVE};
use crate::base::failure::io_failure;
use crate::base::text::counted;
use crate::base::{Failure, Result};
use crate::index::{Hit, Symbol};
use crate::jobs::narrowed;

/// Most bytes of a query that are read from a file.
const MOST_QUERY: u64 = 100_000;

/// Runs `search QUERY…`.
pub(super) fn run(args: &SearchArgs, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let query = query(args)?;
    let index = invocation.index(&workspace, false)?;
    let part = narrowed(&index, &args.part.within()?)?;
    let index = part.unwrap_or(index);
    let hits = index.search(&query, args.top as usize)?;
    if hits.is_empty() {
        invocation.out.note(&format!(
            "nothing fits in {}",
            counted(index.stats().files, "file")
        ));
        return Ok(NEGATIVE);
    }
    let format = if args.json {
        SearchFormat::Json
    } else {
        args.format
    };
    match format {
        SearchFormat::Text => hits.iter().for_each(|hit| text(hit, invocation)),
        SearchFormat::Paths => {
            let mut told = HashSet::new();
            for hit in &hits {
                if told.insert(&hit.path) {
                    invocation.out.line(Tone::Plain, hit.path.as_str());
                }
            }
        }
        SearchFormat::Ranges => {
            for hit in &hits {
                invocation.out.line(
                    Tone::Plain,
                    &format!(
                        "{}:{}-{}",
                        hit.path.as_str(),
                        hit.range.start(),
                        hit.range.end()
                    ),
                );
            }
        }
        SearchFormat::Json => {
            for hit in &hits {
                invocation.out.json(&json!({
                    "type": "hit",
                    "path": hit.path,
                    "start": hit.range.start(),
                    "end": hit.range.end(),
                    "symbol": hit.symbol.as_ref().map(Symbol::full_name),
                    "kind": hit.symbol.as_ref().map(|symbol| symbol.kind),
                    "score": hit.score,
                    "why": hit.why,
                    "namesakes": hit.namesakes,
                }))?;
            }
        }
    }
    Ok(0)
}

/// The query, as typed or from a file.
fn query(args: &SearchArgs) -> Result<String> {
    let query = match &args.query_file {
        None => args.query.join(" "),
        Some(file) => {
            let mut bytes = Vec::new();
            fs::File::open(file)
                .and_then(|opened| opened.take(MOST_QUERY).read_to_end(&mut bytes))
                .map_err(|e| io_failure(format!("cannot read {}", file.display()), &e))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    if query.trim().is_empty() {
        return Err(Failure::usage("there is nothing to look for"));
    }
    Ok(query)
}

/// Prints a hit for people.
fn text(hit: &Hit, invocation: &mut Invocation) {
    let place = format!("{}:{}", hit.path.as_str(), hit.range);
    match &hit.symbol {
        Some(symbol) => {
            let others = match hit.namesakes {
                0 | 1 => String::new(),
                all => format!("  one of {all} of this name"),
            };
            invocation.out.parts(&[
                (Tone::Cyan, &place),
                (Tone::Plain, "  "),
                (Tone::Bold, &symbol.full_name()),
                (Tone::Dim, &others),
            ]);
            invocation
                .out
                .parts(&[(Tone::Plain, "    "), (Tone::Dim, &symbol.signature)]);
        }
        None => invocation.out.parts(&[(Tone::Cyan, &place)]),
    }
}
