//! Tests of reading answers.

use super::*;
use crate::base::LineRange;

fn path(name: &str) -> RepoPath {
    RepoPath::new(name).expect("a path")
}

fn replace(name: &str, old: &str, new: &str) -> Edit {
    Edit::Replace {
        path: path(name),
        old: old.to_owned(),
        new: new.to_owned(),
    }
}

/// The one edit of an answer without troubles.
fn one(answer: &str) -> Edit {
    let parsed = parse(answer);
    assert_eq!(parsed.troubles, Vec::<String>::new(), "{answer}");
    assert_eq!(parsed.edits.len(), 1, "{answer}");
    parsed.edits.into_iter().next().expect("one")
}

/// The one trouble of an answer without edits.
fn trouble(answer: &str) -> String {
    let parsed = parse(answer);
    assert_eq!(parsed.edits, Vec::<Edit>::new(), "{answer}");
    assert_eq!(parsed.troubles.len(), 1, "{answer}: {:?}", parsed.troubles);
    parsed.troubles.into_iter().next().expect("one")
}

#[test]
fn all_five_forms_and_the_prose_around_them() {
    let parsed = parse(
        "First I change it.\n\n*** replace src/a.rs\n<<<<<<<\nold\n=======\nnew\n>>>>>>>\n*** rewrite src/a.rs:10-24\n<<<<<<<\nx\n>>>>>>>\nThen more.\n*** create src/n.rs\n<<<<<<<\ntext\n>>>>>>>\n*** delete src/o.rs\n*** rename src/a.rs -> src/b.rs\nDone.",
    );
    assert_eq!(parsed.troubles, Vec::<String>::new());
    assert_eq!(
        parsed.edits,
        [
            replace("src/a.rs", "old\n", "new\n"),
            Edit::Rewrite {
                path: path("src/a.rs"),
                range: LineRange::new(10, 24),
                new: "x\n".to_owned()
            },
            Edit::Create {
                path: path("src/n.rs"),
                text: "text\n".to_owned()
            },
            Edit::Delete {
                path: path("src/o.rs")
            },
            Edit::Rename {
                path: path("src/a.rs"),
                to: path("src/b.rs")
            },
        ]
    );
    assert_eq!(parsed.prose, "First I change it.\n\nThen more.\nDone.");
}

#[test]
fn code_fences_around_and_inside() {
    let wanted = replace("a.rs", "old\n", "new\n");
    for answer in [
        "Here:\n```rust\n*** replace a.rs\n<<<<<<<\nold\n=======\nnew\n>>>>>>>\n```\nDone.",
        "Here:\n*** replace a.rs\n```rust\n<<<<<<<\nold\n=======\nnew\n>>>>>>>\n```\nDone.",
        "Here:\n*** replace `a.rs`:\n<<<<<<<\n```rust\nold\n```\n=======\n```rust\nnew\n```\n>>>>>>>\nDone.",
        "Here:\na.rs\n```rust\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```\nDone.",
        "Here:\n```\na.rs\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```\nDone.",
        "Here:\n**`a.rs`**\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\nDone.",
        "Here:\n```rust:a.rs\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```\nDone.",
        "Here:\r\n*** replace a.rs\r\n<<<<<<<\r\nold\r\n=======\r\nnew\r\n>>>>>>>\r\nDone.",
    ] {
        let parsed = parse(answer);
        assert_eq!(
            parsed.edits.as_slice(),
            std::slice::from_ref(&wanted),
            "{answer}"
        );
        assert_eq!(parsed.prose.replace('\r', ""), "Here:\nDone.", "{answer}");
    }
    // In Markdown a code fence may be the text itself.
    let edit = one("*** replace a.md\n<<<<<<<\n```\nold\n```\n=======\n```\nnew\n```\n>>>>>>>");
    assert_eq!(edit, replace("a.md", "```\nold\n```\n", "```\nnew\n```\n"));
}

#[test]
fn further_blocks_of_one_file_and_longer_fences() {
    let parsed = parse(
        "*** replace a.rs\n<<<<<<<\n1\n=======\n2\n>>>>>>>\n\n<<<<<<<\n3\n=======\n>>>>>>>\n",
    );
    assert_eq!(
        parsed.edits,
        [replace("a.rs", "1\n", "2\n"), replace("a.rs", "3\n", "")]
    );
    let edit =
        one("*** replace a.rs\n<<<<<<<<<\n<<<<<<<\n=======\n=========\n>>>>>>>\n>>>>>>>>>\n");
    assert_eq!(edit, replace("a.rs", "<<<<<<<\n=======\n", ">>>>>>>\n"));
}

#[test]
fn numbers_that_lines_were_shown_with_are_taken_off() {
    let edit = one(
        "*** replace a.rs\n<<<<<<<\n9| fn a() {\n10|     b();\n=======\n9| fn c() {\n10|     b();\n>>>>>>>",
    );
    assert_eq!(
        edit,
        replace("a.rs", "fn a() {\n    b();\n", "fn c() {\n    b();\n")
    );
    // Where not all lines have one, they are the text.
    let edit = one("*** replace a.rs\n<<<<<<<\n9| x\ny\n=======\nz\n>>>>>>>");
    assert_eq!(edit, replace("a.rs", "9| x\ny\n", "z\n"));
}

#[test]
fn a_new_file_may_stand_in_a_code_fence() {
    let edit = one("*** create a.rs\n```rust\nfn a() {}\n```\n");
    assert_eq!(
        edit,
        Edit::Create {
            path: path("a.rs"),
            text: "fn a() {}\n".to_owned()
        }
    );
    assert!(trouble("*** create a.md\n```\nx\n```\n").contains("<<<<<<<"));
}

#[test]
fn unified_diffs_become_replacements() {
    let parsed = parse(
        "So:\n```diff\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n\n@@ -9 +9 @@\n-x\n+y\n```\nDone.",
    );
    assert_eq!(parsed.troubles, Vec::<String>::new());
    assert_eq!(
        parsed.edits,
        [
            replace("src/a.rs", "one\ntwo\n\n", "one\n2\n\n"),
            replace("src/a.rs", "x\n", "y\n")
        ]
    );
    assert_eq!(parsed.prose, "So:\nDone.");
    let parsed = parse(
        "diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -1 +1 @@\n-x\n+y\ndiff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n--- /dev/null\n+++ b/c\n@@ -0,0 +1,2 @@\n+1\n+2\n",
    );
    assert_eq!(
        parsed.edits,
        [
            replace("o", "x\n", "y\n"),
            Edit::Rename {
                path: path("o"),
                to: path("n")
            },
            Edit::Delete { path: path("g") },
            Edit::Create {
                path: path("c"),
                text: "1\n2\n".to_owned()
            },
        ],
        "{:?}",
        parsed.troubles
    );
}

#[test]
fn diffs_that_are_not_certain_are_refused() {
    for (answer, why) in [
        (
            "--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two\nthree\n+2\n",
            "begins with none",
        ),
        (
            "--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two",
            "ends before",
        ),
        ("--- a/a\n+++ b/a\n@@ -1,0 +1,1 @@\n+two\n", "not certain"),
        ("--- a/../a\n+++ b/../a\n@@ -1 +1 @@\n-1\n+2\n", "leads out"),
    ] {
        let found = trouble(answer);
        assert!(found.contains(why), "{found}");
    }
}

#[test]
fn troubles_say_what_to_do() {
    for (answer, why) in [
        (
            "*** replace a.rs\n<<<<<<<\nold\n=======\nnew\n",
            "the answer ends before",
        ),
        (
            "*** replace a.rs\n<<<<<<<\nold\n=====",
            "the answer ends before",
        ),
        (
            "*** replace a.rs\n<<<<<<<\nold\n>>>>>>>\n",
            "no line `=======`",
        ),
        (
            "*** replace a.rs\n<<<<<<<\na\n=======\nb\n=======\nc\n>>>>>>>\n",
            "more characters",
        ),
        ("*** replace a.rs\n<<<<<<<\n=======\nb\n>>>>>>>\n", "empty"),
        ("*** replace a.rs\nsome words\n", "no line `<<<<<<<`"),
        ("*** rewrite a.rs\n<<<<<<<\nb\n>>>>>>>\n", "which lines"),
        ("*** rewrite a.rs:2-1\n<<<<<<<\nb\n>>>>>>>\n", "which lines"),
        (
            "*** rewrite a.rs:1-2\n<<<<<<<\na\n=======\nb\n>>>>>>>\n",
            "only the new lines",
        ),
        ("*** delete ../a.rs\n", "leads out"),
        (
            "*** create .git/hooks/x\n<<<<<<<\nb\n>>>>>>>\n",
            "git's own folder",
        ),
        ("*** rename a.rs\n", "new name"),
        (
            "Some words.\n\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
            "which file",
        ),
    ] {
        let found = trouble(answer);
        assert!(found.contains(why), "{answer}: {found}");
        assert!(found.starts_with("edit 1 ("), "{found}");
    }
}

#[test]
fn an_unfinished_block_does_not_swallow_the_next() {
    let parsed = parse(
        "*** replace a.rs\n<<<<<<<\nold\n=======\nnew\n*** replace b.rs\n<<<<<<<\n1\n=======\n2\n>>>>>>>\n",
    );
    assert_eq!(parsed.edits, [replace("b.rs", "1\n", "2\n")]);
    assert!(parsed.troubles[0].contains("another block begins"));
}

#[test]
fn an_answer_that_was_cut_off_gives_nothing_of_its_last_line() {
    let parsed = parse_cut("*** delete a.rs\n*** delete b.r");
    assert_eq!(parsed.edits, [Edit::Delete { path: path("a.rs") }]);
    assert!(parsed.troubles[0].contains("cut off"));
    let parsed = parse_cut("Words and wor");
    assert_eq!(
        (parsed.prose.as_str(), parsed.troubles.len()),
        ("Words and wor", 0)
    );
    assert_eq!(parse_cut("One.\n\nTwo.\nThr").prose, "One.\n\nTwo.\nThr");
}

#[test]
fn a_block_that_might_go_on_is_not_taken() {
    let diff = "--- a/b.rs\n+++ b/b.rs\n@@ @@\n one\n-two\n+three\n";
    for (cut, whole) in [
        (diff.to_owned(), format!("{diff}\nThat is all.\n")),
        (format!("{diff}+fou"), format!("{diff}+four\n\n.\n")),
        (format!("{diff}\n"), format!("{diff}\n\n.\n")),
        (
            "*** create n.rs\n<<<<<<<\nx\n>>>>>>>".to_owned(),
            "*** create n.rs\n<<<<<<<\nx\n>>>>>>>\n".to_owned(),
        ),
        (
            "*** create n.rs\n```\nx\n``".to_owned(),
            "*** create n.rs\n```\nx\n```\n".to_owned(),
        ),
    ] {
        let parsed = parse_cut(&cut);
        assert!(parsed.edits.is_empty(), "{cut}: {:?}", parsed.edits);
        assert!(parsed.troubles[0].contains("the answer ends"), "{cut}");
        assert_eq!(parse(&whole).edits.len(), 1, "{whole}");
    }
}

#[test]
fn odd_names_in_diffs_are_what_they_say_or_nothing() {
    let diff = |name: &str| format!("--- \"a/{name}\"\n+++ \"b/{name}\"\n@@ -1 +1 @@\n-x\n+y\n");
    for (written, name) in [
        ("line\\nbreak", "line\nbreak"),
        ("esc\\033[2J", "esc\u{1b}[2J"),
        ("gr\\303\\266\\303\\237e", "größe"),
        ("q\\\"\\\\", "q\"\\"),
    ] {
        let parsed = parse(&diff(written));
        assert_eq!(parsed.edits, [replace(name, "x\n", "y\n")], "{written}");
    }
    // No UTF-8, cut in the middle of a character, NUL, and ways out.
    for written in [
        "bad\\377",
        "gr\\303",
        "nul\\000",
        "..\\057up",
        ".git\\057config",
    ] {
        let parsed = parse(&diff(written));
        assert!(parsed.edits.is_empty(), "{written}: {:?}", parsed.edits);
        assert_eq!(parsed.troubles.len(), 1, "{written}");
        let said = &parsed.troubles[0];
        assert!(!said.contains(char::is_control), "{said:?}");
    }
}

#[test]
fn prose_is_left_alone() {
    for text in [
        "No change is needed.",
        "*** note\n---\n+++ x",
        "a << b\n<<<<<<<T as X>>::y",
        "***bold***",
    ] {
        let parsed = parse(text);
        assert!(
            parsed.edits.is_empty() && parsed.troubles.is_empty(),
            "{text}"
        );
        assert_eq!(parsed.prose, text);
    }
}

#[test]
fn hostile_answers_are_read_in_linear_time() {
    for piece in [
        "<<<<<<<\n",
        "*** replace a.rs\n<<<<<<<\n",
        "*** replace a.rs\n\n",
        "=======\n",
        "--- a\n+++ b\n@@\n",
        "diff --git a b\n",
        "```\n",
        "a.rs\n<<<<<<<\n=======\n",
        "@@\n\n",
        "\n",
    ] {
        let text = format!("{}{}", piece.repeat(30_000), "<<<<<<<\n".repeat(30_000));
        let start = std::time::Instant::now();
        let _ = parse(&text);
        assert!(
            start.elapsed().as_secs() < 5,
            "{piece}: {:?}",
            start.elapsed()
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_pieces_are_read_without_harm(parts in proptest::collection::vec(
        "(\\*\\*\\* (replace|rewrite|create|delete|rename) |a\\.rs|:1-2| -> |<{6,8}|={6,8}|>{6,8}|```|--- |\\+\\+\\+ |@@ -1 \\+1 @@|diff --git |[-+ ]x|ü|\n|\n|\n|\r\n|/dev/null|\"\\\\30)", 0..60)) {
        let _ = parse(&parts.concat());
    }

    /// Cut anywhere, an answer never yields an edit that the whole one does not hold.
    #[test]
    fn a_truncated_answer_yields_no_other_edits(cut in 0_usize..400) {
        let whole = "Words.\n*** replace src/a.rs\n<<<<<<<\nold one\nold two\n=======\nnew one\nnew two\n>>>>>>>\n*** create src/n.rs\n<<<<<<<<\ntext\n>>>>>>>\nmore\n>>>>>>>>\n*** rewrite src/a.rs:10-24\n<<<<<<<\nx\ny\n>>>>>>>\n--- a/b.rs\n+++ b/b.rs\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n";
        let all = parse(whole).edits;
        proptest::prop_assert_eq!(all.len(), 4);
        let cut = cut.min(whole.len());
        for edit in parse_cut(whole.get(..cut).unwrap_or(whole)).edits {
            proptest::prop_assert!(all.contains(&edit), "{:?}", edit);
        }
    }
}
