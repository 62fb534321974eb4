//! Tests of planning and of hunks.

use std::collections::BTreeMap;

use super::super::EditKind;
use super::*;
use proptest::prelude::*;

fn path(name: &str) -> RepoPath {
    RepoPath::new(name).expect("a path")
}

/// Texts in a map; nothing may be made below `ignored/`.
struct Map(BTreeMap<RepoPath, String>);

impl Texts for Map {
    fn text(&self, path: &RepoPath) -> Result<String> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| Failure::input(format!("`{path}` is not there")))
    }
    fn exists(&self, path: &RepoPath) -> bool {
        self.0.contains_key(path)
    }
    fn may_create(&self, path: &RepoPath) -> Result<()> {
        if path.as_str().starts_with("ignored/") {
            return Err(Failure::input("it is ignored"));
        }
        Ok(())
    }
}

fn map(files: &[(&str, &str)]) -> Map {
    Map(files
        .iter()
        .map(|(name, text)| (path(name), (*text).to_owned()))
        .collect())
}

/// Lines that read so, the first ones that do.
fn replace(old: &str, new: &str) -> Edit {
    Edit::Lines {
        path: path("a"),
        range: LineRange::new(1, old.lines().count().max(1) as u32),
        old: old.to_owned(),
        new: new.to_owned(),
        kind: EditKind::Replace,
    }
}

#[test]
fn the_first_line_of_an_empty_file_stands_behind_its_byte_order_mark() {
    for (before, after) in [("", "x\n"), ("\u{feff}", "\u{feff}x\n")] {
        let change =
            Change::plan(&[rewrite(1, 1, "x\n")], &map(&[("a", before)])).expect("planned");
        assert_eq!(change.files[0].after.as_deref(), Some(after));
    }
}

/// These lines, however they read.
fn rewrite(start: u32, end: u32, new: &str) -> Edit {
    Edit::Lines {
        path: path("a"),
        range: LineRange::new(start, end),
        old: String::new(),
        new: new.to_owned(),
        kind: EditKind::Rewrite,
    }
}

/// The edits of a text as the grammar would give them: with their lines, and how these read.
fn located(text: &str, edits: &[Edit]) -> Vec<Edit> {
    let file: Vec<&str> = lines(text).iter().map(|line| line.text).collect();
    let mut edits = edits.to_vec();
    for edit in &mut edits {
        let Edit::Lines {
            range, old, kind, ..
        } = edit
        else {
            continue;
        };
        let (start, end) = (range.start() as usize - 1, range.end() as usize);
        if *kind == EditKind::Rewrite {
            let stands = file.get(start..end).unwrap_or_default();
            *old = stands.iter().flat_map(|line| [*line, "\n"]).collect();
        } else {
            let wanted: Vec<&str> = old.lines().collect();
            let at = file
                .windows(wanted.len())
                .position(|window| *window == wanted);
            let first = at.unwrap_or(0) as u32 + 1;
            *range = LineRange::new(first, first + wanted.len() as u32 - 1);
        }
    }
    edits
}

fn create(name: &str) -> Edit {
    Edit::Create {
        path: path(name),
        text: "x\n".to_owned(),
    }
}

fn rename(from: &str, to: &str) -> Edit {
    Edit::Rename {
        path: path(from),
        to: path(to),
    }
}

fn delete(name: &str) -> Edit {
    Edit::Delete { path: path(name) }
}

fn after(text: &str, edits: &[Edit]) -> String {
    let edits = located(text, edits);
    let change = Change::plan(&edits, &map(&[("a", text)])).expect("a plan");
    assert_eq!(change.files.len(), 1);
    change.files[0].after.clone().expect("a text")
}

fn refused(text: &str, edits: &[Edit]) -> String {
    let edits = located(text, edits);
    let failure = Change::plan(&edits, &map(&[("a", text), ("b", "1\n")])).expect_err("refused");
    failure.to_string()
}

#[test]
fn the_manner_of_a_file_is_kept() {
    assert_eq!(
        after("1\r\n2\r\n3\r\n", &[replace("2\n", "x\ny\n")]),
        "1\r\nx\r\ny\r\n3\r\n"
    );
    assert_eq!(after("1\n2", &[replace("2\n", "x\ny\n")]), "1\nx\ny");
    assert_eq!(after("1\n2", &[replace("2\n", "")]), "1");
    assert_eq!(after("1\n2", &[replace("1\n", "0\n")]), "0\n2");
    assert_eq!(after("1\r\n2", &[replace("2\n", "2\n3\n")]), "1\r\n2\r\n3");
    assert_eq!(
        after("\u{feff}1\n2\n", &[replace("1\n", "x\n")]),
        "\u{feff}x\n2\n"
    );
    assert_eq!(
        after("\u{feff}1\r\n", &[rewrite(1, 1, "x\n")]),
        "\u{feff}x\r\n"
    );
    // Lines that stay keep their own newline, in a file that mixes them too.
    assert_eq!(
        after("1\n2\r\n3\r\n", &[replace("1\n2\n3\n", "1\n2\nx\n")]),
        "1\n2\r\nx\r\n"
    );
    assert_eq!(after("", &[rewrite(1, 1, "x\n")]), "x\n");
    assert_eq!(after("1\n", &[replace("1\n", "")]), "");
    assert_eq!(after("x", &[replace("x", "x\ny\n")]), "x\ny");
    // An only line that becomes an empty one.
    assert_eq!(after("x\n", &[replace("x\n", "\n")]), "\n");
    assert_eq!(after("x\r\n", &[rewrite(1, 1, "\n")]), "\r\n");
    assert_eq!(after("x", &[rewrite(1, 1, "\n")]), "");
}

#[test]
fn several_edits_are_all_located_in_the_text_as_it_is() {
    let edits = [
        rewrite(3, 3, "x\ny\n"),
        replace("1\n", "one\n2\n2\n"),
        rewrite(5, 5, ""),
    ];
    assert_eq!(after("1\n2\n3\n4\n5\n", &edits), "one\n2\n2\n2\nx\ny\n4\n");
    // Both may show a line that neither changes.
    let edits = [replace("1\n2\n", "x\n2\n"), replace("2\n3\n", "2\ny\n")];
    assert_eq!(after("1\n2\n3\n", &edits), "x\n2\ny\n");
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let text = "1\n2\n3\n2\n";
    for (edits, why) in [
        (
            vec![replace("9\n", "x\n")],
            "was changed meanwhile: line 1 reads `1`",
        ),
        (
            vec![replace("2\n4\n", "x\n")],
            "was changed meanwhile: line 1 reads `1`",
        ),
        (vec![replace("1\n", "1\n")], "changes nothing"),
        (vec![rewrite(2, 9, "x\n")], "only 4"),
        (
            vec![rewrite(1, 2, "x\n"), replace("2\n3\n", "y\n")],
            "overlaps with edit 1",
        ),
        (
            vec![replace("1\n", "1\nx\n"), replace("1\n", "1\ny\n")],
            "overlaps",
        ),
        (
            vec![create("a")],
            "exists already; change it with replace, or with `*** rewrite a:1-4`",
        ),
        (vec![create("c"), create("c")], "earlier edit"),
        (
            vec![create("ignored/c")],
            "may be made there: it is ignored",
        ),
        (vec![create("a/b")], "no folder"),
        (vec![create("c"), create("c/d")], "no folder"),
        (vec![create("c/d"), create("c")], "folder of that name"),
        (vec![create("c\u{1b}[2J")], "cannot be seen"),
        (vec![create("new\nfolder/c")], "cannot be seen"),
        (vec![rename("a", "x\u{202e}sr.a")], "cannot be seen"),
        (vec![delete("none")], "not there"),
        (vec![delete("a"), delete("a")], "already deletes"),
        (vec![delete("a"), replace("1\n", "x\n")], "deletes the file"),
        (vec![replace("1\n", "x\n"), delete("a")], "same file"),
        (vec![rename("a", "b")], "exists already"),
        (vec![rename("a", "ignored/b")], "it is ignored"),
        (vec![rename("a", "c"), rename("a", "d")], "already renames"),
        (vec![rename("a", "c"), create("c")], "earlier edit"),
    ] {
        let found = refused(text, &edits);
        assert!(found.contains(why), "{edits:?}: {found}");
    }
    let found = refused(
        text,
        &[create("new"), rewrite(9, 9, ""), replace("7\n", "")],
    );
    assert!(
        found.starts_with("2 of 3 edits")
            && found.contains("edit 2 (rewrite a)")
            && found.contains("edit 3"),
        "{found}"
    );
}

#[test]
fn renaming_and_changing_go_together_by_either_name() {
    for name in ["a", "c"] {
        let edits = [
            Edit::Lines {
                path: path(name),
                range: LineRange::new(1, 1),
                old: "1\n".to_owned(),
                new: "x\n".to_owned(),
                kind: EditKind::Replace,
            },
            rename("a", "c"),
        ];
        let change = Change::plan(&edits, &map(&[("a", "1\n2\n")])).expect("a plan");
        assert_eq!(change.files.len(), 1);
        assert_eq!(change.files[0].path, path("a"));
        assert_eq!(change.files[0].renamed_to, Some(path("c")));
        assert_eq!(change.files[0].after.as_deref(), Some("x\n2\n"));
    }
}

/// A change of each kind.
pub(in crate::patch) fn every_kind() -> Change {
    let edits = [
        replace("1\n", "x\n"),
        rewrite(12, 12, "y\n"),
        create("new"),
        delete("old"),
        rename("was", "is"),
    ];
    let text: String = (1..=12).map(|n| format!("{n}\n")).collect();
    let texts = map(&[("a", &text), ("old", "o\n"), ("was", "w\n")]);
    Change::plan(&located(&text, &edits), &texts).expect("a plan")
}

#[test]
fn hunks_of_every_kind() {
    let change = every_kind();
    let hunks = change.hunks(3);
    let shape: Vec<(usize, Option<LineRange>, Option<LineRange>, usize)> = hunks
        .iter()
        .map(|h| (h.file, h.old, h.new, h.lines.len()))
        .collect();
    let range = |a, b| Some(LineRange::new(a, b));
    assert_eq!(
        shape,
        [
            (0, range(1, 4), range(1, 4), 5),
            (0, range(9, 12), range(9, 12), 5),
            (1, None, range(1, 1), 1),
            (2, range(1, 1), None, 1),
            (3, None, None, 0),
        ]
    );
    assert_eq!(change.line_counts(), (3, 3));
    let first = change.select(3, &[true]);
    assert_eq!(first.files.len(), 1);
    assert!(
        first.files[0]
            .after
            .as_ref()
            .is_some_and(|t| t.starts_with("x\n2\n") && t.ends_with("12\n"))
    );
    assert_eq!(
        change.select(3, &[false, false, false, false, true]).files[0].renamed_to,
        Some(path("is"))
    );
}

pub(in crate::patch) fn text() -> impl Strategy<Value = String> {
    (
        proptest::collection::vec("[abc]{0,2}(\r)?", 0..30),
        any::<bool>(),
    )
        .prop_map(|(lines, end)| {
            let mut text = lines.join("\n");
            if end && !text.is_empty() {
                text.push('\n');
            }
            text
        })
}

pub(in crate::patch) fn a_change(before: &str, after: &str) -> Change {
    Change {
        files: vec![FileChange {
            path: path("a"),
            renamed_to: None,
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        }],
    }
}

proptest! {
    #[test]
    fn all_hunks_are_the_whole_and_none_is_nothing(before in text(), after in text(), context in 0_usize..4) {
        prop_assume!(before != after);
        let change = a_change(&before, &after);
        let n = change.hunks(context).len();
        prop_assert!(n > 0);
        prop_assert_eq!(&change.select(context, &vec![true; n]), &change);
        prop_assert!(change.select(context, &vec![false; n]).is_empty());
    }

    /// What is taken and what is left make the whole: taking some hunks and then, from there,
    /// all the rest gives the same text.
    #[test]
    fn any_subset_is_a_text_between(before in text(), after in text(), keep in proptest::collection::vec(any::<bool>(), 40), context in 0_usize..4) {
        prop_assume!(before != after);
        let change = a_change(&before, &after);
        let hunks = change.hunks(context);
        let some = change.select(context, keep.get(..hunks.len().min(40)).unwrap_or(&[]));
        let (plus, minus) = some.line_counts();
        let wanted = |sign: i8| -> usize {
            hunks.iter().zip(&keep).filter(|(_, k)| **k).flat_map(|(h, _)| &h.lines).filter(|(s, _)| *s == sign).count()
        };
        prop_assert!(plus <= wanted(1) && minus <= wanted(-1));
        prop_assert_eq!(plus as isize - minus as isize, wanted(1) as isize - wanted(-1) as isize);
    }

    /// An edit puts exactly its lines where it says. A text is lines parted by newlines; one
    /// that ends in a newline, and is not empty, has one behind each line, so that an only line
    /// that becomes an empty one leaves a newline.
    #[test]
    fn splices_put_the_new_lines_where_they_belong(count in 1_usize..30, at in 0_usize..30, len in 1_usize..5, new in proptest::collection::vec("[a-z]{0,3}", 0..4), crlf in any::<bool>(), end in any::<bool>(), mark in any::<bool>()) {
        // A text without any newline has no manner of its own.
        let newline = if crlf && (count > 1 || end) { "\r\n" } else { "\n" };
        let mut lines: Vec<String> = (0..count).map(|n| format!("L{n}")).collect();
        let start = at % count;
        let stop = (start + len).min(count);
        let join = |lines: &[String]| {
            let text = lines.join(newline);
            let text = if end && !lines.is_empty() { text + newline } else { text };
            if mark { format!("\u{feff}{text}") } else { text }
        };
        let before = join(&lines);
        let edit = rewrite(start as u32 + 1, stop as u32, &new.iter().map(|l| format!("{l}\n")).collect::<String>());
        lines.splice(start..stop, new);
        prop_assert_eq!(super::tests::after(&before, &[edit]), join(&lines));
    }
}

#[test]
fn files_stand_in_the_order_in_which_edits_name_them() {
    let texts = map(&[("a", "1\n"), ("b", "1\n"), ("c", "1\n")]);
    let edits = [
        create("z"),
        rename("c", "n"),
        Edit::Lines {
            path: path("n"),
            range: LineRange::new(1, 1),
            old: "1\n".to_owned(),
            new: "2\n".to_owned(),
            kind: EditKind::Replace,
        },
        delete("b"),
        located("1\n", &[replace("1\n", "2\n")]).remove(0),
    ];
    let change = Change::plan(&edits, &texts).expect("a plan");
    let names: Vec<&str> = change.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["z", "c", "b", "a"]);
}

#[test]
fn edits_are_called_by_the_numbers_they_are_given() {
    let edits = located("1\n2\n", &[replace("1\n", "x\n"), replace("1\n", "y\n")]);
    let refused = Change::plan_some(&edits, &[2, 7], &map(&[("a", "1\n2\n")]));
    let refused = refused.expect_err("they overlap");
    let told = refused[0].told(7, &edits[refused[0].at]);
    assert!(
        told.contains("edit 7 (replace a): it overlaps with edit 2"),
        "{told}"
    );
}

#[test]
fn people_are_told_what_is_left_out_by_file_and_lines() {
    let text = "1\n2\n3\n";
    let cases = [
        (
            located(text, &[replace("1\n2\n", "x\n"), replace("2\n3\n", "y\n")]),
            "the change to a:2-3 is left out: an earlier edit changes line 2, too",
        ),
        (
            vec![create("a")],
            "the new file a is left out: it exists already",
        ),
        (
            vec![rename("a", "b")],
            "the renaming of a to b is left out: `b`: it exists already",
        ),
        (
            vec![delete("a"), delete("a")],
            "the deletion of a is left out: an earlier edit already deletes it",
        ),
    ];
    let texts = map(&[("a", text), ("b", text)]);
    for (edits, wanted) in cases {
        let numbers: Vec<usize> = (1..=edits.len()).collect();
        let refused = Change::plan_some(&edits, &numbers, &texts).expect_err("one cannot be");
        let told: Vec<String> = refused
            .iter()
            .map(|one| one.left_out(&edits[one.at]))
            .collect();
        assert_eq!(told, [wanted]);
    }
}
