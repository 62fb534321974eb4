use super::*;
use crate::base::Result;
use crate::grammar::Grammar as _;

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

fn repo() -> Files {
    Files(vec![
        ("src/a.rs", "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n"),
        ("src/a_b.rs", "x\n"),
        ("README.md", "=== title ===\nsame\nsame\n>>> quoted\n"),
    ])
}

fn grammar(repo: &Files) -> EditGrammar<'_> {
    grammar_with(repo, None)
}

fn grammar_with(repo: &Files, lines: Option<u32>) -> EditGrammar<'_> {
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
    let language = EditLanguage::new(Scope {
        files: files.collect(),
        texts: repo,
        only: Vec::new(),
        kinds: EditKind::ALL.to_vec(),
        limit: 1000,
        lines,
        must_edit: true,
    });
    FormGrammar::new(language, 1000)
}

#[test]
fn new_text_has_no_more_lines_than_it_may() {
    let repo = repo();
    let mut grammar = grammar_with(&repo, Some(2));
    let text = "*** replace src/a.rs\n<<<<<<<\n    1\n=======\na\nb\n";
    assert_eq!(taken(&mut grammar, &format!("{text}c")), text.len());
    assert!(grammar.next().iter().eq([b'>']) && grammar.region().is_none());
    assert_eq!(taken(&mut grammar, ">>>>>>>\n"), 8);
}

#[test]
fn the_last_line_that_may_be_is_not_the_old_one() {
    let repo = repo();
    let mut grammar = grammar_with(&repo, Some(1));
    let text = "*** replace src/a.rs\n<<<<<<<\n    1\n=======\n    1";
    assert_eq!(taken(&mut grammar, text), text.len());
    assert!(!grammar.push(b'\n'), "the fence could not follow");
    assert_eq!(taken(&mut grammar, "1\n>>>>>>>\n"), 10);
}

/// How much of a text the grammar takes, each byte committed by itself.
fn taken(grammar: &mut EditGrammar<'_>, text: &str) -> usize {
    for (at, byte) in text.bytes().enumerate() {
        let listed = grammar.next().contains(byte);
        if !grammar.push(byte) {
            return at;
        }
        assert!(listed, "{:?} is taken and not told", text.get(..=at));
        grammar.commit(1000);
    }
    text.len()
}

#[track_caller]
fn takes(text: &str) -> Vec<Edit> {
    let repo = repo();
    let mut grammar = grammar(&repo);
    let count = taken(&mut grammar, text);
    assert_eq!(count, text.len(), "refused at {:?}", text.get(count..));
    grammar.edits().to_vec()
}

#[track_caller]
fn stops(text: &str, rest: &str) {
    let repo = repo();
    let mut grammar = grammar(&repo);
    let count = taken(&mut grammar, text);
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
                kind: EditKind::Replace,
            },
            Edit::Lines {
                path: path("src/a.rs"),
                range: LineRange::new(5, 7),
                old: "fn two() {\n    2\n}\n".to_owned(),
                new: "fn two() {}\n".to_owned(),
                kind: EditKind::Rewrite,
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
                kind: EditKind::Rewrite,
            },
        ]
    );
}

#[test]
fn what_stands_around_edits_is_told_without_them() {
    let repo = repo();
    let mut grammar = grammar(&repo);
    let edit = "*** rewrite src/a.rs:two\n<<<<<<<\nfn two() {}\n>>>>>>>\n";
    let text = format!("I do.\n\n{edit}\n\nAnd more:\n*** delete src/a_b.rs\nDone.\n*** end");
    assert_eq!(taken(&mut grammar, &text), text.len());
    assert_eq!(grammar.words(), "I do.\n\nAnd more:\nDone.");
    let mut grammar = self::grammar(&repo);
    let cut = format!("{edit}Then:\n*** replace src/a.rs\n<<<<<<<\n    1\n");
    assert_eq!(taken(&mut grammar, &cut), cut.len());
    assert_eq!(grammar.words(), "Then:");
    assert_eq!(grammar.begun().as_deref(), Some("*** replace src/a.rs"));
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
    let mut grammar = grammar(&repo);
    let count = taken(&mut grammar, &"word ".repeat(400));
    assert!((PROSE..PROSE + 210).contains(&count), "{count}");
    assert!(!grammar.may_end() && grammar.next().iter().eq([b'\n']));
    assert_eq!(taken(&mut grammar, "\nx"), 1);
    assert_eq!(taken(&mut grammar, "*** delete README.md\nand more"), 29);
    assert!(grammar.may_end());
}

#[test]
fn what_was_tried_is_taken_back() {
    let repo = repo();
    let mut grammar = grammar(&repo);
    assert_eq!(taken(&mut grammar, "*** delete README.m"), 19);
    assert!(!grammar.may_end());
    assert!(grammar.push(b'd') && grammar.push(b'\n') && grammar.may_end());
    assert_eq!(grammar.begun(), None);
    // In the same token no other edit can be begun.
    assert!(grammar.push(b'*') && grammar.push(b'*') && grammar.push(b'*') && !grammar.push(b' '));
    grammar.pop(5);
    assert_eq!(grammar.begun().as_deref(), Some("*** delete README.m"));
    assert!(grammar.push(b'd') && !grammar.push(b'x') && grammar.push(b'\n'));
    grammar.commit(1000);
    assert_eq!(grammar.edits().len(), 1);
    assert_eq!(grammar.begun(), None);
}

#[test]
fn a_head_may_begin_within_one_token() {
    let repo = repo();
    let mut grammar = grammar(&repo);
    for verb in ["create", "delete", "rename", "replace", "rewrite"] {
        let head = format!("*** {verb} ");
        assert!(head.bytes().all(|byte| grammar.push(byte)), "{head}");
        grammar.pop(head.len());
    }
    // But not before the edit before it is written.
    let first = "*** delete src/a_b.rs\n*** ";
    let taken = first.bytes().take_while(|byte| grammar.push(*byte)).count();
    assert_eq!(taken, first.len() - 1);
}

#[test]
fn bytes_that_cannot_be_written_are_not_asked_for() {
    let repo = repo();
    let mut grammar = grammar(&repo);
    let mut bytes = ByteSet::ALL;
    bytes.remove(b'2');
    grammar.set_alphabet(bytes);
    assert_eq!(
        taken(&mut grammar, "*** replace src/a.rs\n<<<<<<<\n    2"),
        33
    );
    let mut grammar = self::grammar(&repo);
    bytes.remove(b'_');
    grammar.set_alphabet(bytes);
    assert_eq!(taken(&mut grammar, "*** replace src/a_"), 17);
}

#[test]
fn new_text_without_end_is_not_ended_by_force() {
    let repo = repo();
    let mut grammar = grammar(&repo);
    let head = "*** replace src/a.rs\n<<<<<<<\n    1\n=======\n";
    assert_eq!(taken(&mut grammar, head), head.len());
    let count = taken(&mut grammar, &"word ".repeat(2_000));
    assert_eq!(count, NEW * 500 + 1);
    assert!(grammar.next().is_empty() && !grammar.may_end() && grammar.edits().is_empty());
    assert_eq!(grammar.begun().as_deref(), Some("*** replace src/a.rs"));
    // At the beginning of a line it may still end by itself.
    let mut grammar = self::grammar(&repo);
    taken(&mut grammar, head);
    taken(&mut grammar, &format!("\n{}", "w\n".repeat(NEW * 250)));
    assert!(grammar.next().iter().eq([b'>']));
    assert_eq!(taken(&mut grammar, ">>>>>>>\n"), 8);
    assert_eq!(grammar.edits().len(), 1);
}
