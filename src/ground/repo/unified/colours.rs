//! Diffs in colours, as `git -c color.ui=always` writes them.

/// Lines that a diff begins with.
const HEADS: [&str; 2] = ["diff --git ", "--- "];

/// A diff without its colours; none for one that has none. Which of the sequences in a coloured line
/// were in the file nobody can say, so all go.
pub(super) fn taken_out(text: &str) -> Option<String> {
    let coloured = text.lines().any(|line| {
        line.starts_with('\u{1b}') && {
            let plain = plain(line);
            HEADS.iter().any(|head| plain.starts_with(head))
        }
    });
    coloured.then(|| plain(text))
}

/// A text without the sequences that set colours (SGR) or clear the rest of a line (EL): ECMA-48.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let figures = behind.find(|c: char| !c.is_ascii_digit() && c != ';');
        let (_, end) = behind.split_at(figures.unwrap_or(behind.len()));
        match end.strip_prefix(['m', 'K']) {
            Some(after) => rest = after,
            None => {
                out.push_str("\u{1b}[");
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Diff;

    #[test]
    fn a_diff_in_colours_is_read_as_without() {
        let bare = "diff --git a/a.txt b/a.txt\nindex 1..2 100644\n--- a/a.txt\n+++ b/a.txt\n\
                    @@ -1,2 +1,2 @@ fn a\n x\n-b\n+c  \n";
        let coloured = "\u{1b}[1mdiff --git a/a.txt b/a.txt\u{1b}[m\n\u{1b}[1mindex 1..2 100644\u{1b}[m\n\
             \u{1b}[1m--- a/a.txt\u{1b}[m\n\u{1b}[1m+++ b/a.txt\u{1b}[m\n\
             \u{1b}[36m@@ -1,2 +1,2 @@\u{1b}[m fn a\n x\u{1b}[m\n\u{1b}[31m-b\u{1b}[m\n\
             \u{1b}[32m+\u{1b}[m\u{1b}[32mc\u{1b}[m\u{1b}[41m  \u{1b}[m\n";
        assert_eq!(Diff::parse(coloured), Diff::parse(bare));
        // What stands in a file without colours around it is the file's own.
        let own = bare.replace("+c  ", "+\u{1b}[31mred\u{1b}[0m \u{1b}[2J");
        assert_eq!(taken_out(&own), None);
        assert_eq!(
            plain("a\u{1b}[2Jb\u{1b}[1;31mc\u{1b}[Kd\u{1b}["),
            "a\u{1b}[2Jbcd\u{1b}["
        );
    }
}
