//! A change planned on a text that was changed meanwhile: both changes in one text.

use similar::{DiffTag, TextDiff};

use crate::base::LineRange;

/// The text with both changes of `before` in it: the one that made `now`, and the planned one to
/// `after`.
///
/// # Errors
/// Where the two changes meet, with the lines of `now` that are concerned.
pub fn merged(before: &str, now: &str, after: &str) -> Result<String, Vec<LineRange>> {
    diffy::merge(before, now, after).map_err(|_| {
        let theirs = TextDiff::from_lines(before, now);
        let ours = TextDiff::from_lines(before, after);
        let mut meet = Vec::new();
        for their in theirs.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
            let (old, new) = (their.old_range(), their.new_range());
            let touched = ours.ops().iter().any(|our| {
                let our_old = our.old_range();
                our.tag() != DiffTag::Equal && our_old.start <= old.end && old.start <= our_old.end
            });
            if touched {
                let start = new.start as u32 + 1;
                meet.push(LineRange::new(start, start.max(new.end as u32)));
            }
        }
        meet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

    #[test]
    fn changes_apart_come_together_whatever_their_newlines() {
        let now = TEXT.replace("2\n", "two\nand a half\n");
        let after = TEXT.replace("8\n", "");
        let both = now.replace("8\n", "");
        assert_eq!(merged(TEXT, &now, &after), Ok(both.clone()));
        let crlf = |text: &str| text.replace('\n', "\r\n");
        assert_eq!(
            merged(&crlf(TEXT), &crlf(&now), &crlf(&after)),
            Ok(crlf(&both))
        );
        // The same change twice is one.
        assert_eq!(merged(TEXT, &after, &after), Ok(after));
        // A last line without a newline.
        let now = TEXT.replace("1\n", "one\n");
        let after = TEXT.replace("9\n", "nine");
        assert_eq!(
            merged(TEXT, &now, &after).as_deref(),
            Ok("one\n2\n3\n4\n5\n6\n7\n8\nnine")
        );
    }

    #[test]
    fn where_they_meet_is_told_by_the_lines_that_stand_there() {
        let now = format!("0\n{}", TEXT.replace("5\n", "five\n5 and a half\n"));
        let after = TEXT.replace("5\n", "fünf\n").replace("1\n", "eins\n");
        let meet = merged(TEXT, &now, &after).expect_err("they meet");
        assert_eq!(meet, [LineRange::new(1, 1), LineRange::new(6, 7)]);
    }
}
