use super::*;
use crate::base::Result;

struct Files(Vec<(&'static str, &'static str)>);

impl Texts for Files {
    fn text(&self, path: &RepoPath) -> Result<String> {
        let found = self.0.iter().find(|(name, _)| *name == path.as_str());
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| crate::base::Failure::input("no such file"))
    }
    fn exists(&self, path: &RepoPath) -> bool {
        self.text(path).is_ok()
    }
    fn may_create(&self, path: &RepoPath) -> Result<()> {
        if path.as_str().starts_with("target/") {
            return Err(crate::base::Failure::input("ignored"));
        }
        Ok(())
    }
}

const FORMS: [Form; 5] = [
    Form::Replace,
    Form::Rewrite,
    Form::Create,
    Form::Delete,
    Form::Rename,
];

fn repo() -> Files {
    Files(vec![
        ("src/a.rs", "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n"),
        ("src/a_b.rs", "x\n"),
        ("README.md", "=== title ===\nsame\nsame\n>>> quoted\n"),
    ])
}

fn mask(repo: &Files) -> EditMask<'_> {
    let files = repo.0.iter().map(|(name, text)| ScopeFile {
        path: RepoPath::new(name).expect("a path"),
        text: (*text).to_owned(),
        definitions: if text.starts_with("fn") {
            vec![
                ("one".to_owned(), LineRange::new(1, 3)),
                ("two".to_owned(), LineRange::new(5, 7)),
            ]
        } else {
            Vec::new()
        },
        shown: vec![LineRange::new(2, 4)],
    });
    EditMask::new(Scope {
        files: files.collect(),
        texts: repo,
        only: Vec::new(),
        forms: FORMS.to_vec(),
        limit: 1000,
        lines: None,
        must_edit: true,
    })
}

#[test]
fn new_text_has_no_more_lines_than_it_may() {
    let repo = repo();
    let mut mask = mask(&repo);
    mask.lines = Some(2);
    let text = "*** replace src/a.rs\n<<<<<<<\n    1\n=======\na\nb\n";
    assert_eq!(taken(&mut mask, &format!("{text}c")), text.len());
    assert!(mask.next().iter().eq([b'>']) && mask.region().is_none());
    assert_eq!(taken(&mut mask, ">>>>>>>\n"), 8);
}

/// How much of a text the mask takes, each byte settled by itself.
fn taken(mask: &mut EditMask<'_>, text: &str) -> usize {
    for (at, byte) in text.bytes().enumerate() {
        let listed = mask.next().contains(byte);
        if !mask.push(byte) {
            return at;
        }
        assert!(listed, "{:?} is taken and not told", text.get(..=at));
        mask.settle(1000);
    }
    text.len()
}

#[track_caller]
fn takes(text: &str) -> Vec<Edit> {
    let repo = repo();
    let mut mask = mask(&repo);
    let count = taken(&mut mask, text);
    assert_eq!(count, text.len(), "refused at {:?}", text.get(count..));
    mask.edits().cloned().collect()
}

#[track_caller]
fn stops(text: &str, rest: &str) {
    let repo = repo();
    let mut mask = mask(&repo);
    let count = taken(&mut mask, text);
    assert_eq!(text.get(count..), Some(rest));
}

#[test]
fn every_form_is_taken_and_becomes_its_edit() {
    let edits = takes(
        concat!(
            "I change it.\n*** not bold*** x\n\n",
            "*** replace src/a.rs\n<<<<<<<\n    1\n}\n=======\n    11\n}\n>>>>>>>\n",
            "*** rewrite src/a.rs:two\n<<<<<<<\nfn two() {}\n>>>>>>>\n",
            "*** create src/new/c.rs\n<<<<<<<<\n>>>>>>>\n>>>>>>>>\n",
            "*** rename src/a_b.rs -> src/new/b.rs\n",
            "*** rewrite README.md:2-2\n<<<<<<<\n>>>>>>>\n",
            "*** end"
        )
        .replace("*** not", "***not")
        .as_str(),
    );
    let path = |name: &str| RepoPath::new(name).expect("a path");
    assert_eq!(
        edits,
        [
            Edit::Lines {
                path: path("src/a.rs"),
                range: LineRange::new(2, 3),
                old: "    1\n}\n".to_owned(),
                new: "    11\n}\n".to_owned(),
                form: Form::Replace,
            },
            Edit::Lines {
                path: path("src/a.rs"),
                range: LineRange::new(5, 7),
                old: "fn two() {\n    2\n}\n".to_owned(),
                new: "fn two() {}\n".to_owned(),
                form: Form::Rewrite,
            },
            Edit::Create {
                path: path("src/new/c.rs"),
                text: ">>>>>>>\n".to_owned()
            },
            Edit::Rename {
                path: path("src/a_b.rs"),
                to: path("src/new/b.rs")
            },
            Edit::Lines {
                path: path("README.md"),
                range: LineRange::new(2, 2),
                old: "same\n".to_owned(),
                new: String::new(),
                form: Form::Rewrite,
            },
        ]
    );
}

#[test]
fn what_stands_around_edits_is_told_without_them() {
    let repo = repo();
    let mut mask = mask(&repo);
    let edit = "*** rewrite src/a.rs:two\n<<<<<<<\nfn two() {}\n>>>>>>>\n";
    let text = format!("I do.\n\n{edit}\n\nAnd more:\n*** delete src/a_b.rs\nDone.\n*** end");
    assert_eq!(taken(&mut mask, &text), text.len());
    assert_eq!(mask.words(), "I do.\n\nAnd more:\nDone.");
    let mut mask = super::tests::mask(&repo);
    let cut = format!("{edit}Then:\n*** replace src/a.rs\n<<<<<<<\n    1\n");
    assert_eq!(taken(&mut mask, &cut), cut.len());
    assert_eq!(mask.words(), "Then:");
    assert_eq!(mask.begun().as_deref(), Some("*** replace src/a.rs"));
}

#[test]
fn heads_name_only_what_is_there() {
    stops("*** replace src/b", "b");
    stops("*** replace src/a.rs:", ":");
    stops("*** remove", "move");
    stops("*** rewrite src/a.rs:three", "hree");
    // Shown are lines 2 to 4 alone.
    stops("*** rewrite src/a.rs:1-", "1-");
    stops("*** rewrite src/a.rs:2-5", "5");
    stops("*** rewrite src/a.rs:3-2", "2");
    stops("*** rewrite src/a.rs:3-4\n", "");
    stops("*** delete src/a\n", "\n");
    stops("*** rename src/a.rs -> README.md\n", "\n");
    stops("*** rename src/a.rs -> readme.md\n", "\n");
    stops("*** end", "end");
}

#[test]
fn new_names_are_such_as_may_be_made() {
    stops("*** create target/x", "/x");
    stops("*** create /x", "/x");
    stops("*** create ../x", "/x");
    stops("*** create a/.git/x", "/x");
    stops("*** create src/a.rs\n", "\n");
    stops("*** create src/a.rs/b", "/b");
    stops("*** create SRC/b", "/b");
    stops("*** create con.txt\n", "\n");
    stops("*** create a b", " b");
    stops("*** create x/y/z.rs\n<<<<<<<\n", "");
}

#[test]
fn what_is_replaced_stands_at_one_place() {
    // `}` alone stands at two places.
    stops("*** replace src/a.rs\n<<<<<<<\n}\n=", "=");
    stops("*** replace src/a.rs\n<<<<<<<\n}\n\n=======\n", "");
    stops("*** replace src/a.rs\n<<<<<<<\n1", "1");
    // Not the end of the file: with it, it is no longer one place than `}`.
    stops("*** replace src/a.rs\n<<<<<<<\n    2\n}\nx", "x");
    // A fence of seven begins no line here, and a line that looks like its beginning goes on.
    stops(
        "*** replace README.md\n<<<<<<<\n=== title ===\n=======\n",
        "",
    );
    stops("*** replace README.md\n<<<<<<<\nsame\n>>=", "=");
}

#[test]
fn an_edit_that_changes_nothing_cannot_end() {
    stops(
        "*** replace src/a.rs\n<<<<<<<\n    1\n=======\n    1\n>",
        ">",
    );
    stops(
        "*** replace src/a.rs\n<<<<<<<\n    1\n=======\n    1\n\n>>>>>>>\n",
        "",
    );
    stops(
        "*** rewrite src/a.rs:one\n<<<<<<<\nfn one() {\n    1\n}\n>",
        ">",
    );
}

#[test]
fn no_two_edits_have_the_same_lines() {
    let first = "*** rewrite src/a.rs:one\n<<<<<<<\nfn one() {}\n>>>>>>>\n";
    stops(&format!("{first}*** rewrite src/a.rs:o"), "o");
    stops(&format!("{first}*** delete src/a."), ".");
    // Line 4 lies beside it.
    stops(&format!("{first}*** replace src/a.rs\n<<<<<<<\n\n"), "\n");
    stops(
        &format!("{first}*** replace src/a.rs\n<<<<<<<\n    2\n=======\n"),
        "",
    );
    stops("*** delete src/a.rs\n*** replace src/a.rs", ".rs");
    stops("*** create b.rs\n<<<<<<<\n>>>>>>>\n*** create b.rs\n", "\n");
}

#[test]
fn prose_does_not_go_on_for_ever() {
    let repo = repo();
    let mut mask = mask(&repo);
    let count = taken(&mut mask, &"word ".repeat(400));
    assert!((PROSE..PROSE + LAST_LINE + 10).contains(&count), "{count}");
    assert!(!mask.may_end() && mask.next().iter().eq([b'\n']));
    assert_eq!(taken(&mut mask, "\nx"), 1);
    assert_eq!(taken(&mut mask, "*** delete README.md\nand more"), 29);
    assert!(mask.may_end());
}

#[test]
fn what_was_tried_is_taken_back() {
    let repo = repo();
    let mut mask = mask(&repo);
    assert_eq!(taken(&mut mask, "*** delete README.m"), 19);
    assert!(!mask.may_end());
    assert!(mask.push(b'd') && mask.push(b'\n') && mask.may_end());
    assert_eq!(mask.edits().count(), 1);
    // In the same token no other edit can be begun.
    assert!(mask.push(b'*') && mask.push(b'*') && mask.push(b'*') && !mask.push(b' '));
    mask.pop(5);
    assert_eq!(mask.edits().count(), 0);
    assert!(mask.push(b'd') && !mask.push(b'x') && mask.push(b'\n'));
    mask.settle(1000);
    assert_eq!(mask.edits().count(), 1);
    assert_eq!(mask.begun(), None);
}

#[test]
fn bytes_that_cannot_be_written_are_not_asked_for() {
    let repo = repo();
    let mut mask = mask(&repo);
    let mut bytes = ByteSet::ALL;
    bytes.remove(b'2');
    mask.spell(bytes);
    assert_eq!(taken(&mut mask, "*** replace src/a.rs\n<<<<<<<\n    2"), 33);
    let mut mask = self::mask(&repo);
    bytes.remove(b'_');
    mask.spell(bytes);
    assert_eq!(taken(&mut mask, "*** replace src/a_"), 17);
}

#[test]
fn new_text_without_end_is_not_ended_by_force() {
    let repo = repo();
    let mut mask = mask(&repo);
    let head = "*** replace src/a.rs\n<<<<<<<\n    1\n=======\n";
    assert_eq!(taken(&mut mask, head), head.len());
    let count = taken(&mut mask, &"word ".repeat(2_000));
    assert_eq!(count, NEW * 500 + 1);
    assert!(mask.next().is_empty() && !mask.may_end() && mask.edits().count() == 0);
    assert_eq!(mask.begun().as_deref(), Some("*** replace src/a.rs"));
    // At the beginning of a line it may still end by itself.
    let mut mask = self::mask(&repo);
    taken(&mut mask, head);
    taken(&mut mask, &format!("\n{}", "w\n".repeat(NEW * 250)));
    assert!(mask.next().iter().eq([b'>']));
    assert_eq!(taken(&mut mask, ">>>>>>>\n"), 8);
    assert_eq!(mask.edits().count(), 1);
}
