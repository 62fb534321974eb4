//! Where in a file the text to be replaced stands: at one place, or nowhere.
//!
//! Exactly first, then equal but for blanks at the ends of lines, then but for one indentation
//! that all lines have more or less of. Each only if there is one such place; the new text's
//! indentation is then changed the same way, and it is said. Nothing else is ever guessed.
//! Lines become numbers first, so that the search is linear in both texts.

use std::collections::HashMap;
use std::ops::Range;

use super::lines::{Line, indentation, is_blank, lines};
use crate::base::text::{printable, truncated};
use crate::base::{Failure, Result};

/// How many line comparisons a search for another indentation may take.
const MOST_WORK: usize = 20_000_000;
/// How many places are listed in a message.
const MOST_LISTED: usize = 8;

/// Where an edit goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The lines, counted from 0.
    pub lines: Range<usize>,
    /// The new text, indented as the place asks.
    pub new: String,
    /// What is to be said about it.
    pub note: Option<String>,
}

/// The bytes of `text` that `old` names: whole lines, exactly one place. `\r\n` and `\n` count
/// as the same, and so does a missing newline at the end.
///
/// # Errors
/// Of kind input: nowhere (with the nearest lines) or at several places (with their lines).
pub fn locate(text: &str, old: &str) -> Result<Range<usize>> {
    let file = lines(text);
    let old = lines(old);
    match found(&file, &old, |line| line).as_slice() {
        [] => Err(nowhere(&file, &old)),
        [at] => Ok(bytes(&file, *at..*at + old.len())),
        several => Err(ambiguous(several, old.len(), "")),
    }
}

/// The bytes of some lines.
pub(super) fn bytes(file: &[Line<'_>], range: Range<usize>) -> Range<usize> {
    let start = file
        .get(range.start)
        .map_or_else(|| file.last().map_or(0, |l| l.end), |l| l.start);
    let end = range
        .end
        .checked_sub(1)
        .and_then(|last| file.get(last))
        .map_or(start, |l| l.end);
    start..end.max(start)
}

/// As [`locate`], with the two tolerated differences.
pub(super) fn place(file: &[Line<'_>], old: &str, new: &str) -> Result<Place> {
    let old = lines(old);
    let exact = found(file, &old, |line| line);
    match exact.as_slice() {
        [at] => {
            return Ok(Place {
                lines: *at..*at + old.len(),
                new: new.to_owned(),
                note: None,
            });
        }
        [] => {}
        several => return Err(ambiguous(several, old.len(), "")),
    }
    if old.iter().all(|l| is_blank(l.text)) {
        return Err(nowhere(file, &old));
    }
    let trimmed = found(file, &old, str::trim_end);
    match trimmed.as_slice() {
        [at] => {
            return Ok(Place {
                lines: *at..*at + old.len(),
                new: new.to_owned(),
                note: Some("blanks at the ends of lines differ".to_owned()),
            });
        }
        [] => {}
        several => {
            return Err(ambiguous(
                several,
                old.len(),
                " but for blanks at the ends of lines",
            ));
        }
    }
    indented(file, &old, new)
}

/// How a place's indentation differs from what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift<'a> {
    /// The file has this much more.
    More(&'a str),
    /// The file has this much less.
    Less(&'a str),
}

fn indented(file: &[Line<'_>], old: &[Line<'_>], new: &str) -> Result<Place> {
    let mut places: Vec<(usize, Shift<'_>)> = Vec::new();
    let mut work = 0;
    for at in found(file, old, str::trim) {
        work += old.len();
        if work > MOST_WORK {
            return Err(Failure::input(
                "its lines stand in the file at too many places with another indentation",
            ));
        }
        let window = file.get(at..at + old.len()).unwrap_or(&[]);
        if let Some(shift) = uniform(old, window) {
            places.push((at, shift));
        }
    }
    let (at, shift) = match places.as_slice() {
        [] => return Err(nowhere(file, old)),
        [one] => *one,
        several => {
            let starts: Vec<usize> = several.iter().map(|(at, _)| *at).collect();
            return Err(ambiguous(&starts, old.len(), " with another indentation"));
        }
    };
    let mut shifted = String::with_capacity(new.len() + 64);
    for line in new.split_inclusive('\n') {
        match shift {
            _ if is_blank(line) => shifted.push_str(line),
            Shift::More(by) => {
                shifted.push_str(by);
                shifted.push_str(line);
            }
            Shift::Less(by) => match line.strip_prefix(by) {
                Some(line) => shifted.push_str(line),
                None => {
                    return Err(Failure::input(format!(
                        "the old text stands at line {} with less indentation, and the new text cannot be moved there: `{}` is not indented so far",
                        at + 1,
                        shown(line)
                    )));
                }
            },
        }
    }
    let (Shift::More(by) | Shift::Less(by)) = shift;
    let than = if matches!(shift, Shift::More(_)) {
        "more"
    } else {
        "less"
    };
    Ok(Place {
        lines: at..at + old.len(),
        new: shifted,
        note: Some(format!(
            "it stands there with {} {than} of indentation, and so does the new text now",
            blanks(by)
        )),
    })
}

fn blanks(by: &str) -> String {
    let tabs = by.matches('\t').count();
    match (tabs, by.len() - tabs) {
        (0, 1) => "1 blank".to_owned(),
        (0, n) => format!("{n} blanks"),
        (1, 0) => "1 tab".to_owned(),
        (n, 0) => format!("{n} tabs"),
        (t, n) => format!("{t} tabs and {n} blanks"),
    }
}

/// The one indentation that all lines of the window have more or less of.
fn uniform<'a>(old: &[Line<'a>], window: &[Line<'a>]) -> Option<Shift<'a>> {
    let mut shift = None;
    for (said, stands) in old.iter().zip(window) {
        if is_blank(said.text) {
            continue;
        }
        let (said, stands) = (indentation(said.text), indentation(stands.text));
        let this = match (stands.strip_suffix(said), said.strip_suffix(stands)) {
            (Some(more), _) => Shift::More(more),
            (None, Some(less)) => Shift::Less(less),
            (None, None) => return None,
        };
        // The indentation is put in front of new lines: what is in front must be it.
        let fits = match this {
            Shift::More(by) => stands.starts_with(by),
            Shift::Less(by) => said.starts_with(by),
        };
        if !fits || shift.is_some_and(|before| before != this) {
            return None;
        }
        shift = Some(this);
    }
    shift
}

/// The lines at which `old` begins in the file, lines compared as `key` leaves them.
fn found<'a>(file: &[Line<'a>], old: &[Line<'a>], key: impl Fn(&'a str) -> &'a str) -> Vec<usize> {
    if old.is_empty() || old.len() > file.len() {
        return Vec::new();
    }
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let wanted: Vec<u32> = old
        .iter()
        .map(|line| {
            let next = ids.len() as u32 + 1;
            *ids.entry(key(line.text)).or_insert(next)
        })
        .collect();
    // For each beginning of `wanted`: how long a shorter one ends there.
    let mut border = vec![0_usize; wanted.len()];
    let mut held = 0;
    for at in 1..wanted.len() {
        while held > 0 && wanted.get(at) != wanted.get(held) {
            held = border.get(held - 1).copied().unwrap_or(0);
        }
        if wanted.get(at) == wanted.get(held) {
            held += 1;
        }
        if let Some(slot) = border.get_mut(at) {
            *slot = held;
        }
    }
    let mut starts = Vec::new();
    held = 0;
    for (at, line) in file.iter().enumerate() {
        let id = ids.get(key(line.text)).copied().unwrap_or(0);
        while held > 0 && wanted.get(held) != Some(&id) {
            held = border.get(held - 1).copied().unwrap_or(0);
        }
        if wanted.get(held) == Some(&id) {
            held += 1;
        }
        if held == wanted.len() {
            starts.push(at + 1 - held);
            held = border.get(held - 1).copied().unwrap_or(0);
        }
    }
    starts
}

fn ambiguous(starts: &[usize], length: usize, how: &str) -> Failure {
    let mut places: Vec<String> = starts
        .iter()
        .take(MOST_LISTED)
        .map(|at| match length {
            1 => format!("{}", at + 1),
            _ => format!("{}-{}", at + 1, at + length),
        })
        .collect();
    if starts.len() > MOST_LISTED {
        places.push(format!("{} more", starts.len() - MOST_LISTED));
    }
    Failure::input(format!(
        "the old text stands in the file at {} places{how}: lines {}; add lines around it that stand at one of them only",
        starts.len(),
        places.join(", ")
    ))
}

fn shown(line: &str) -> String {
    printable(truncated(line.trim(), 120)).into_owned()
}

/// The old text stands nowhere: where the nearest lines are, and the first that differs.
fn nowhere(file: &[Line<'_>], old: &[Line<'_>]) -> Failure {
    let what = "the old text does not stand in the file";
    if file.is_empty() {
        return Failure::input(format!("{what}, which is empty"));
    }
    let Some(start) = nearest(file, old) else {
        return Failure::input(what);
    };
    let end = (start + old.len()).min(file.len());
    let mut text = format!("{what}; the nearest is at lines {}-{end}", start + 1);
    let differs = old
        .iter()
        .enumerate()
        .find_map(|(at, said)| match file.get(start + at) {
            Some(stands) if stands.text.trim() == said.text.trim() => None,
            Some(stands) => Some(format!(
                ": line {} is `{}`, and the edit says `{}`",
                start + at + 1,
                shown(stands.text),
                shown(said.text)
            )),
            None => Some(format!(
                ": the file ends there, and the edit goes on with `{}`",
                shown(said.text)
            )),
        });
    text.push_str(
        &differs
            .unwrap_or_else(|| ", with an indentation that differs from line to line".to_owned()),
    );
    Failure::input(text)
}

/// The line at which most lines of `old` stand where they should; failing that, the line most
/// like the first one.
fn nearest(file: &[Line<'_>], old: &[Line<'_>]) -> Option<usize> {
    // A line that stands everywhere says nothing about the place, and would cost much.
    const MOST_PLACES: usize = 16;
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in file.iter().enumerate() {
        let at_these = places.entry(line.text.trim()).or_default();
        if at_these.len() <= MOST_PLACES {
            at_these.push(at);
        }
    }
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (offset, line) in old.iter().enumerate() {
        let text = line.text.trim();
        if text.len() < 2 {
            continue;
        }
        let known = places.get(text).map_or(&[][..], Vec::as_slice);
        if known.len() <= MOST_PLACES {
            for start in known.iter().filter_map(|at| at.checked_sub(offset)) {
                *votes.entry(start).or_default() += 1;
            }
        }
    }
    let best = votes
        .into_iter()
        .max_by_key(|(start, count)| (*count, std::cmp::Reverse(*start)))
        .map(|(start, _)| start);
    best.or_else(|| alike(file, old))
}

/// The line most like the first of `old` that says something.
fn alike(file: &[Line<'_>], old: &[Line<'_>]) -> Option<usize> {
    let (offset, wanted) = old
        .iter()
        .enumerate()
        .find(|(_, line)| line.text.trim().len() > 3)?;
    let pairs = |line: &str| -> Vec<[char; 2]> {
        let chars: Vec<char> = line.trim().chars().take(200).collect();
        let mut pairs: Vec<[char; 2]> = chars
            .iter()
            .zip(chars.iter().skip(1))
            .map(|(a, b)| [*a, *b])
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    };
    let wanted = pairs(wanted.text);
    let mut best: Option<(usize, f64)> = None;
    for (at, line) in file.iter().enumerate() {
        let here = pairs(line.text);
        let shared = here
            .iter()
            .filter(|p| wanted.binary_search(p).is_ok())
            .count();
        let score = 2.0 * shared as f64 / (here.len() + wanted.len()).max(1) as f64;
        if score > best.map_or(0.4, |(_, score)| score) {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at.saturating_sub(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "fn a() {\n    one();\n    two();\n}\n\nfn b() {\n    one();\n}\n";

    fn placed(old: &str, new: &str) -> Result<Place> {
        place(&lines(FILE), old, new)
    }

    #[test]
    fn whole_lines_at_one_place() {
        let range = locate(FILE, "    two();\n}\n").expect("found");
        assert_eq!(FILE.get(range), Some("    two();\n}\n"));
        assert!(locate(FILE, "two();\n").is_err(), "half a line is none");
        assert!(locate(FILE, "").is_err());
    }

    #[test]
    fn several_places_are_named() {
        let why = locate(FILE, "    one();").expect_err("twice").to_string();
        assert!(
            why.contains("2 places") && why.contains("lines 2, 7"),
            "{why}"
        );
        // Places that overlap count too.
        let why = locate("x\nx\nx\n", "x\nx\n")
            .expect_err("twice")
            .to_string();
        assert!(why.contains("lines 1-2, 2-3"), "{why}");
    }

    #[test]
    fn newlines_do_not_matter() {
        let text = "\u{feff}a\r\nb\r\nc";
        assert_eq!(locate(text, "a\nb\n").expect("found"), 3..9);
        assert_eq!(locate(text, "c\n").expect("found"), 9..10);
    }

    #[test]
    fn another_indentation_is_followed_and_said() {
        let place = placed("two();\n", "two(2);\n\n  three();\n").expect("found");
        assert_eq!(place.new, "    two(2);\n\n      three();\n");
        assert!(place.note.is_some_and(|n| n.contains("4 blanks more")));
        let place = placed("        two();\n    }\n", "        2;\n    }\n").expect("found");
        assert_eq!((place.lines, place.new.as_str()), (2..4, "    2;\n}\n"));
        // Uneven: refused.
        assert!(placed("two();\n  }\n", "x\n").is_err());
        // New text that cannot move left: refused.
        assert!(placed("        two();\n    }\n", "x\n").is_err());
    }

    #[test]
    fn blanks_at_the_ends_of_lines_are_said() {
        let place = placed("    two();  \n", "x\n").expect("found");
        assert_eq!(place.lines, 2..3);
        assert!(place.note.is_some());
        assert!(placed("    one(); \n", "x\n").is_err(), "at two places");
    }

    #[test]
    fn the_nearest_lines_are_named() {
        let why = placed("    one();\n    three();\n}\n", "x")
            .expect_err("not there")
            .to_string();
        assert!(
            why.contains("lines 2-4") && why.contains("line 3 is `two();`"),
            "{why}"
        );
        let why = placed("fn bb() {\n", "x")
            .expect_err("not there")
            .to_string();
        assert!(why.contains("line 6 is `fn b() {`"), "{why}");
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        let blank = "\n".repeat(300_000);
        let old = format!("{}x\n", "\n".repeat(150_000));
        assert!(place(&lines(&blank), &old, "").is_err());
        let begun = "a\n".repeat(200_000);
        let old = format!(" {}", "a\n ".repeat(100_000));
        assert!(place(&lines(&begun), &old, "").is_err());
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_a_plain_search(file in "[ab\n]{0,40}", old in "[ab\n]{0,6}") {
            let (f, o) = (lines(&file), lines(&old));
            let plain: Vec<usize> = (0..f.len())
                .filter(|at| !o.is_empty() && at + o.len() <= f.len()
                    && (0..o.len()).all(|i| f[at + i].text == o[i].text))
                .collect();
            proptest::prop_assert_eq!(found(&f, &o, |l| l), plain);
        }
    }
}
