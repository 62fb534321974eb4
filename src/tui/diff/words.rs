//! The words that changed within a line, for a removed line and the added one in its place.

use std::ops::Range;

use similar::TextDiff;
use unicode_segmentation::UnicodeSegmentation as _;

/// Pairs of lines longer than this are not compared word by word.
const MAX_WORDS_LINE: usize = 1_000;
/// Pairs less alike than this are shown as wholly changed.
const LEAST_ALIKE: f32 = 0.35;
/// Pairs of a hunk beyond which the rest is not compared.
const MOST_PAIRS: usize = 2_000;

/// The changed stretches of a line, in bytes.
pub type Changed = Vec<Range<usize>>;

/// The changed words of each line; none for a line without a counterpart, or wholly changed.
pub fn words(lines: &[(i8, String)]) -> Vec<Option<Changed>> {
    let run = |lines: &[(i8, String)], sign: i8| {
        let same = lines.iter().take_while(|(s, _)| *s == sign);
        same.count()
    };
    let mut out = Vec::with_capacity(lines.len());
    let mut rest = lines;
    let mut pairs = 0;
    while let Some(at) = rest.iter().position(|(sign, _)| *sign == -1) {
        out.resize(out.len() + at, None);
        let (_, changed) = rest.split_at(at);
        let (removed, after) = changed.split_at(run(changed, -1));
        let (added, after) = after.split_at(run(after, 1));
        let (mut before, mut behind) = (vec![None; removed.len()], vec![None; added.len()]);
        let slots = before.iter_mut().zip(&mut behind);
        for (((_, old), (_, new)), (from, to)) in removed.iter().zip(added).zip(slots) {
            pairs += 1;
            if pairs <= MOST_PAIRS {
                (*from, *to) = compare(old, new).unzip();
            }
        }
        out.append(&mut before);
        out.append(&mut behind);
        rest = after;
    }
    out.resize(lines.len(), None);
    out
}

fn compare(old: &str, new: &str) -> Option<(Changed, Changed)> {
    if old.len().max(new.len()) > MAX_WORDS_LINE {
        return None;
    }
    let (old_words, new_words): (Vec<&str>, Vec<&str>) = (
        old.split_word_bounds().collect(),
        new.split_word_bounds().collect(),
    );
    let diff = TextDiff::from_slices(&old_words, &new_words);
    if diff.ratio() < LEAST_ALIKE {
        return None;
    }
    let (mut before, mut after): (Changed, Changed) = (Vec::new(), Vec::new());
    let add = |to: &mut Changed, stretch: Range<usize>| match to.last_mut() {
        Some(last) if last.end == stretch.start => last.end = stretch.end,
        _ => to.push(stretch),
    };
    let (mut at_old, mut at_new) = (0, 0);
    for change in diff.iter_all_changes() {
        let long = change.value().len();
        match change.tag() {
            similar::ChangeTag::Equal => {
                at_old += long;
                at_new += long;
            }
            similar::ChangeTag::Delete => {
                add(&mut before, at_old..at_old + long);
                at_old += long;
            }
            similar::ChangeTag::Insert => {
                add(&mut after, at_new..at_new + long);
                at_new += long;
            }
        }
    }
    Some((before, after))
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may stop where it stands")]
mod tests {
    use super::*;

    fn marks(old: &str, new: &str) -> Option<String> {
        let lines = [(-1, old.to_owned()), (1, new.to_owned())];
        let changed = words(&lines);
        let show = |text: &str, changed: &Changed| {
            let mut out = String::new();
            let mut at = 0;
            for stretch in changed {
                out += &format!("{}[{}]", &text[at..stretch.start], &text[stretch.clone()]);
                at = stretch.end;
            }
            out + &text[at..]
        };
        let (before, after) = (changed[0].as_ref()?, changed[1].as_ref()?);
        Some(format!("{} | {}", show(old, before), show(new, after)))
    }

    #[test]
    fn changed_words_are_marked_within_lines_that_are_alike() {
        assert_eq!(
            marks("let a = old(x);", "let a = new(x, y);").as_deref(),
            Some("let a = [old](x); | let a = [new](x[, y]);")
        );
        assert_eq!(marks("completely other", "} // nothing 1 2 3 4 5"), None);
    }

    #[test]
    fn a_removed_line_without_a_counterpart_has_no_marks() {
        let lines = [
            (-1, "a b".to_owned()),
            (-1, "c d".to_owned()),
            (1, "a c".to_owned()),
        ];
        let changed = words(&lines);
        assert!(changed[0].is_some() && changed[1].is_none() && changed[2].is_some());
    }
}
