//! Lines for a terminal that breaks them where it is full, and words that name what is typed here.

use crate::app::wrap::wrap;

/// Words of the screen that name its keys, and those for what is typed here.
const HERE: [(&str, &str); 13] = [
    (" (also Esc Esc)", ""),
    (
        "look through the settings and keys, and change them",
        "the settings and their values",
    ),
    ("; Esc stops", "; Ctrl-C stops"),
    ("; Esc takes them back", "; Ctrl-C takes them back"),
    ("C on the patch", "/commit"),
    ("R and Enter ask again", "r asks again"),
    (": d puts it away", ": d and its number put it away"),
    ("Esc once more goes back", "/back goes back"),
    ("Esc Esc", "/back"),
    (
        "Enter goes back to this branch",
        "its number goes back to this branch",
    ),
    ("put away; Up brings it back", "it was not sent"),
    ("Enter writes what is accepted", "q writes what is taken"),
    ("a accepts a hunk, A all", "y takes a hunk, a all"),
];

/// A line of the screen with the words for what is typed here.
pub(super) fn here(line: &str) -> String {
    HERE.iter().fold(line.to_owned(), |line, (there, here)| {
        line.replace(there, here)
    })
}

/// A text broken at words into lines of so many columns; what stands in columns of its own, as code
/// does, is left to the terminal.
pub(super) fn broken(text: &str, columns: usize) -> String {
    let line = |line: &str| {
        let own = line.starts_with([' ', '\t', '+', '-', '|', '`']);
        if own || line.len() <= columns {
            return line.to_owned();
        }
        let lines = wrap([((), line)], columns);
        let lines = lines.into_iter().map(|pieces| {
            let text: String = pieces.into_iter().map(|((), text)| text).collect();
            text.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_words_and_code_stays() {
        let told = broken("one two three\n    let a_long_line = 1;\nshort", 8);
        assert_eq!(told, "one two\nthree\n    let a_long_line = 1;\nshort");
        assert_eq!(broken("größer als es ist", 10), "größer als\nes ist");
        assert_eq!(broken("", 10), "");
    }

    #[test]
    fn keys_of_the_screen_are_told_as_what_is_typed() {
        for (there, wanted) in [
            (
                "an answer is being written; Esc stops it",
                "an answer is being written; Ctrl-C stops it",
            ),
            (
                "nothing is committed; C on the patch takes the message up again",
                "nothing is committed; /commit takes the message up again",
            ),
            ("Esc Esc has the other branch", "/back has the other branch"),
            (
                "ask an earlier question again, in a branch (also Esc Esc)",
                "ask an earlier question again, in a branch",
            ),
            (
                "2 files written; /undo takes it back",
                "2 files written; /undo takes it back",
            ),
        ] {
            assert_eq!(here(there), wanted);
        }
    }
}
