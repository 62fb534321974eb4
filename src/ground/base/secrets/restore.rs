//! The way back: lines that were shown with the mask, and are written anew, get what stood there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::super::lines::lines;
use super::super::{Failure, OrBug as _, Result};
use super::{MASK, places, without};

/// A line of the text before that holds secrets.
struct SecretLine<'t> {
    /// The line as it was shown.
    shown: Cow<'t, str>,
    /// The secrets, in order.
    secrets: Vec<&'t str>,
    /// True if the line is one of those that are replaced.
    replaced: bool,
}

/// Puts the secrets back into `new`, which is written for the lines `replaced`, counted from 0, of
/// the text `before` (an empty range for lines that are only added; `None` for a new file).
///
/// A line that reads as one did that was shown gets the secrets of that one. A line that was
/// changed gets those of the replaced line that has the same words right before each mask, or that
/// is the only one with a secret.
///
/// # Errors
/// Of kind input, where it cannot be told which secret a mask stands for, and where a new file has
/// one; of kind bug, as [`super::secrets`].
pub fn restored<'n>(
    before: Option<&str>,
    replaced: Range<usize>,
    new: &'n str,
) -> Result<Cow<'n, str>> {
    if !new.contains(MASK) {
        return Ok(Cow::Borrowed(new));
    }
    let Some(before) = before else {
        return Err(Failure::input(format!(
            "`{MASK}` stands for a text that is not shown, and none can stand in a new file"
        )));
    };
    let known = with_secrets(before, &replaced)?;
    let mut out = String::with_capacity(new.len());
    // How many lines of each text were restored.
    let mut met: Vec<&str> = Vec::new();
    for (number, whole) in (1..).zip(new.split_inclusive('\n')) {
        let line = whole.trim_end_matches(['\n', '\r']);
        if !line.contains(MASK) {
            out.push_str(whole);
            continue;
        }
        let turn = met.iter().filter(|other| **other == line).count();
        let like = new.lines().filter(|other| *other == line).count();
        let secrets = unchanged(&known, line, turn, like).or_else(|| changed(&known, line));
        let Some(secrets) = secrets else {
            return Err(Failure::input(format!(
                "line {number} of the new text: it cannot be told which text `{MASK}` stands for"
            ))
            .hint("lines that show it are to be left as they are, or left out"));
        };
        met.push(line);
        let mut secrets = secrets.iter().copied();
        let mut rest = whole;
        while let Some((part, behind)) = rest.split_once(MASK) {
            out.push_str(part);
            out.push_str(secrets.next().or_bug("a line has fewer secrets than masks"));
            rest = behind;
        }
        out.push_str(rest);
    }
    Ok(Cow::Owned(out))
}

/// The lines of a text that hold secrets.
fn with_secrets<'t>(before: &'t str, replaced: &Range<usize>) -> Result<Vec<SecretLine<'t>>> {
    let places = places(before)?;
    let mut next = places.as_slice();
    let mut known = Vec::new();
    for (number, line) in lines(before).into_iter().enumerate() {
        let end = line.start + line.text.len();
        let count = next.iter().take_while(|place| place.end <= end).count();
        if count == 0 {
            continue;
        }
        let (own, rest) = next.split_at(count);
        next = rest;
        let own: Vec<Range<usize>> = own
            .iter()
            .map(|place| place.start - line.start..place.end - line.start)
            .collect();
        let secrets = own.iter().map(|place| {
            let secret = line.text.get(place.clone());
            secret.or_bug("a secret lies outside of its line")
        });
        known.push(SecretLine {
            secrets: secrets.collect(),
            shown: without(line.text, &own),
            replaced: replaced.contains(&number),
        });
    }
    Ok(known)
}

/// The secrets of the lines that were shown like this one; `turn` is how many such lines stand
/// before it in the new text, `like` how many there are.
fn unchanged<'k>(
    known: &'k [SecretLine<'_>],
    line: &str,
    turn: usize,
    like: usize,
) -> Option<&'k [&'k str]> {
    let same = || known.iter().filter(|known| known.shown == line);
    let replaced: Vec<&SecretLine<'_>> = same().filter(|known| known.replaced).collect();
    if replaced.len() == like {
        return replaced.get(turn).map(|known| known.secrets.as_slice());
    }
    only(same())
}

/// The secrets of the replaced line that this one was made of.
fn changed<'k>(known: &'k [SecretLine<'_>], line: &str) -> Option<&'k [&'k str]> {
    let masks = line.matches(MASK).count();
    let replaced = || {
        let may = |known: &&SecretLine<'_>| known.replaced && known.secrets.len() == masks;
        known.iter().filter(may)
    };
    only(replaced().filter(|known| words(&known.shown) == words(line)))
        .or_else(|| only(replaced()).filter(|_| known.iter().filter(|k| k.replaced).count() == 1))
}

/// The secrets of lines that all have the same.
fn only<'k, 't: 'k>(lines: impl Iterator<Item = &'k SecretLine<'t>>) -> Option<&'k [&'k str]> {
    let all: BTreeSet<&[&str]> = lines.map(|line| line.secrets.as_slice()).collect();
    let mut all = all.into_iter();
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// The word right before each mask of a line; empty where there is none.
fn words(line: &str) -> Vec<&str> {
    let parts = line.split(MASK);
    let masks = line.matches(MASK).count();
    let word = |part: &'_ str| -> Range<usize> {
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        let end = part.trim_end_matches(|c| !letter(c)).len();
        let start = part
            .get(..end)
            .map_or(0, |p| p.trim_end_matches(letter).len());
        start..end
    };
    parts
        .take(masks)
        .map(|part| part.get(word(part)).or_bug("a word is cut in a letter"))
        .collect()
}
