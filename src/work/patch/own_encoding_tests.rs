//! Tests of files in older encodings and UTF-16: written, taken back, printed.

use super::*;

/// The text of a file before and after a patch, in letters that many encodings have.
const LETTERS: (&str, &str) = (
    "// Größe der Liste, für später; naïve façade\nint a;\n\n\n\nint b;\n",
    "// Größe der Liste, für später; naïve façade\nint größer;\n\n\n\nint b;\n",
);

#[test]
fn files_are_written_back_in_their_own_encoding() {
    use crate::base::encoding::TextEncoding;
    for name in ["windows-1252", "UTF-16LE", "UTF-16BE"] {
        let encoding = TextEncoding::named(name).expect("known");
        let bytes = |text: &str| encoding.encode(text).expect("can be written");
        let place = Place::new(&[]);
        let at = place.root.path().join("a.c");
        fs::write(&at, bytes(LETTERS.0)).expect("written");
        let change = Change {
            files: vec![file("a.c", None, Some(LETTERS.0), Some(LETTERS.1))],
        };
        place.apply(&change).expect("applied");
        assert_eq!(fs::read(&at).expect("read"), bytes(LETTERS.1), "{name}");
        // Another change since, in the same encoding, stays.
        let mine = |text: &str| text.replace("int b", "int bär");
        fs::write(&at, bytes(&mine(LETTERS.1))).expect("written");
        place.undo().expect("undone");
        assert_eq!(
            fs::read(&at).expect("read"),
            bytes(&mine(LETTERS.0)),
            "{name}"
        );
    }
}

#[test]
fn a_letter_that_a_file_cannot_hold_is_refused() {
    let place = Place::new(&[]);
    let at = place.root.path().join("a.c");
    fs::write(&at, b"// Gr\xf6\xdfe der Liste, f\xfcr sp\xe4ter\n").expect("written");
    let before = "// Größe der Liste, für später\n";
    let change = Change {
        files: vec![file("a.c", None, Some(before), Some("// a → b\n"))],
    };
    let failure = place.apply(&change).expect_err("refused");
    assert!(
        failure.to_string().contains("`→` cannot be written"),
        "{failure}"
    );
    assert_eq!(fs::read(&at).expect("read").len(), before.chars().count());
}

#[test]
fn a_printed_diff_is_in_the_encoding_of_its_files() {
    let place = Place::new(&[("u.c", LETTERS.0)]);
    let latin = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
    fs::write(place.root.path().join("a.c"), latin(LETTERS.0)).expect("written");
    let change = Change {
        files: vec![
            file("a.c", None, Some(LETTERS.0), Some(LETTERS.1)),
            file("u.c", None, Some(LETTERS.0), Some(LETTERS.1)),
        ],
    };
    let diff = crate::patch::to_unified_bytes(place.root.path(), &change);
    let halves: Vec<Change> = change
        .files
        .iter()
        .map(|file| Change {
            files: vec![file.clone()],
        })
        .collect();
    let wanted = [
        latin(&halves[0].to_unified()),
        halves[1].to_unified().into_bytes(),
    ];
    assert_eq!(diff, wanted.concat());
}
