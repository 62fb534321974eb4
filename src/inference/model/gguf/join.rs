//! The parts of a split model, joined to one header.
//!
//! Every part says how many there are (`split.count`) and which it is (`split.no`, from 0),
//! and lists its own tensors; the first one alone carries the model's metadata.

use std::collections::HashSet;
use std::path::Path;

use super::{Header, read};
use crate::base::shard_names::{ShardName, listed};
use crate::base::text::{human_count, printable, truncated};
use crate::base::{Failure, Result};

/// Reads a file's header, and where it is a part of a split model, those of all parts.
pub(super) fn header(file: &Path) -> Result<Header> {
    let given = read::header(file)?;
    let header = match given.number("split.count") {
        Some(count) if count > 1 => joined(file, count, given)?,
        _ => given,
    };
    unique(file, &header)?;
    Ok(header)
}

/// Joins the headers of `count` parts, of which `given` is that of `file`.
fn joined(file: &Path, count: u64, given: Header) -> Result<Header> {
    let name = name_of(file, count)?;
    all_there(file, count, &name)?;
    let given_number = name.number;
    let mut given = Some(given);
    let mut whole: Option<Header> = None;
    for number in 1..=name.count {
        let path = name.path(number);
        let next = match given.take_if(|_| number == given_number) {
            Some(given) => given,
            None => read::header(&path)?,
        };
        is_part(&path, &next, number as u64, count)?;
        match &mut whole {
            None => whole = Some(next),
            Some(whole) => add(whole, next),
        }
    }
    let whole = whole.ok_or_else(|| Failure::bug("a model of no parts"))?;
    let have = whole.tensors.len() as u64;
    match whole.number("split.tensors.count") {
        Some(wanted) if wanted != have => Err(Failure::input(format!(
            "the parts of the model {} do not belong together",
            name.stem
        ))
        .because(format!(
            "they hold {} tensors where {} should be",
            human_count(have),
            human_count(wanted)
        ))
        .hint("fetch all parts anew, from one place")),
        _ => Ok(whole),
    }
}

/// Returns the name of a part, from which those of the others follow.
fn name_of(file: &Path, count: u64) -> Result<ShardName> {
    ShardName::of(file)
        .filter(|name| name.count as u64 == count)
        .ok_or_else(|| {
            Failure::input(format!(
                "{} is one of {} parts of a model, and its name does not say which",
                file.display(),
                human_count(count)
            ))
            .hint(format!(
                "give the parts the names they were published with: \
                 NAME-00001-of-{count:05}.gguf and so on"
            ))
        })
}

/// Checks that no part is missing beside `file`.
fn all_there(file: &Path, count: u64, name: &ShardName) -> Result<()> {
    let missing = name.missing();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::input(format!(
        "parts of the model {} are missing: {} of {count}",
        name.stem,
        missing.len()
    ))
    .because(format!(
        "{} should lie beside {}",
        listed(&missing),
        file.display()
    ))
    .hint("fetch them into the same folder"))
}

/// Checks that a header says that it is that of part `number`, from 1, of `count`.
fn is_part(path: &Path, header: &Header, number: u64, count: u64) -> Result<()> {
    let says = (header.number("split.no"), header.number("split.count"));
    if says == (Some(number - 1), Some(count)) {
        return Ok(());
    }
    Err(Failure::input(format!(
        "{} is not part {number} of {count} of its model",
        path.display()
    ))
    .because(match says {
        (Some(no), Some(count)) => {
            format!(
                "it says that it is part {} of {count}",
                no.saturating_add(1)
            )
        }
        _ => "it does not say which part it is".to_owned(),
    })
    .hint("was it renamed? fetch all parts anew, from one place"))
}

/// Adds the next part's tensors; its metadata says nothing but which part it is.
fn add(whole: &mut Header, next: Header) {
    let part = whole.parts.len();
    whole.parts.extend(next.parts);
    whole
        .tensors
        .extend(next.tensors.into_iter().map(|mut tensor| {
            tensor.part = part;
            tensor
        }));
}

/// Checks that no two tensors have one name.
fn unique(file: &Path, header: &Header) -> Result<()> {
    let mut names = HashSet::with_capacity(header.tensors.len());
    let twice = header
        .tensors
        .iter()
        .find(|tensor| !names.insert(tensor.name.as_str()));
    match twice {
        None => Ok(()),
        Some(tensor) => Err(
            Failure::input(format!("{} is a broken GGUF", file.display()))
                .because(format!(
                    "the tensor `{}` stands twice",
                    printable(truncated(&tensor.name, 80))
                ))
                .hint("download it again, or `homebody models verify` it"),
        ),
    }
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
