//! Tests of diffs in pieces and overviews.

use super::*;
use crate::base::count::RoughCount;
use crate::index::Index;
use crate::repo::Repo;

fn diff(files: &[(&str, usize)]) -> Diff {
    let mut text = String::new();
    for (name, lines) in files {
        text.push_str(&format!(
            "diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -10,2 +10,{} @@ fn section() {{\n context\n-removed line\n",
            lines + 1
        ));
        for at in 0..*lines {
            text.push_str(&format!("+added line number {at}\n"));
        }
    }
    Diff::parse(&text).expect("a diff")
}

fn lines_in(pieces: &DiffPieces, diff: &Diff) -> Vec<DiffLine> {
    pieces
        .pieces
        .iter()
        .flat_map(|piece| &piece.parts)
        .flat_map(|p| diff.files[p.file].hunks[p.hunk].lines[p.lines.clone()].to_vec())
        .collect()
}

/// The pieces of a diff with what is around them, its excerpts numbered from 7.
fn with_surroundings(diff: &Diff, repo: &Repo, index: &Index, budget: usize) -> DiffPieces {
    let mut cut = diff_pieces(diff, true, budget, &RoughCount);
    let mut surroundings = Surroundings::new(diff, repo, index, 7);
    for piece in &mut cut.pieces {
        surroundings.add(piece, budget, &RoughCount);
    }
    cut
}

#[test]
fn lines_carry_their_numbers() {
    let diff = diff(&[("src/a.rs", 2)]);
    let pieces = diff_pieces(&diff, false, 1000, &RoughCount);
    assert_eq!(pieces.pieces.len(), 1);
    assert_eq!(
        pieces.pieces[0].text,
        "--- src/a.rs (modified, +2 -1)\n@@ fn section() {\n10  context\n11- removed line\n11+ added line number 0\n12+ added line number 1\n"
    );
    let part = &pieces.pieces[0].parts[0];
    assert_eq!(part.new, Some(LineRange::new(10, 12)));
    assert_eq!(part.old, Some(LineRange::new(10, 11)));
}

#[test]
fn what_is_no_plain_file_is_said_and_so_is_a_missing_newline() {
    let text = "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n\
        diff --git a/a.sh b/a.sh\nnew file mode 120000\nindex 0000000..5626abf\n--- /dev/null\n\
        +++ b/a.sh\n@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n\
        diff --git a/b.sh b/b.sh\nold mode 100755\nnew mode 100644\nindex 5626abf..6626abf\n\
        --- a/b.sh\n+++ b/b.sh\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+b\n";
    let diff = Diff::parse(text).expect("a diff");
    let titles: Vec<String> = diff.files.iter().map(title).collect();
    assert_eq!(
        titles,
        [
            "a.sh (new, a link, +1 -0)",
            "b.sh (modified, no longer executable, +1 -1)",
            "run.sh (mode changed, now executable, +0 -0)",
        ]
    );
    let shown = diff_pieces(&diff, false, 1000, &RoughCount);
    let shown: String = shown.pieces.into_iter().map(|piece| piece.text).collect();
    assert!(
        shown.contains("1+ target\n\\ no newline at the end of the file\n"),
        "{shown}"
    );
    assert!(
        shown.ends_with("1- b\n\\ no newline at the end of the file\n1+ b\n"),
        "{shown}"
    );
}

#[test]
fn a_line_that_is_too_long_is_left_out_aloud() {
    let mut diff = diff(&[("a", 3)]);
    diff.files[0].hunks[0].lines[3].text = "x".repeat(5000);
    let pieces = diff_pieces(&diff, false, 100, &RoughCount);
    assert_eq!(pieces.left_out.len(), 1);
    assert_eq!(pieces.left_out[0].range, Some(LineRange::new(12, 12)));
    assert_eq!(lines_in(&pieces, &diff).len(), 4);
}

#[test]
fn content_cannot_pass_for_a_heading() {
    let mut diff = diff(&[("a", 1)]);
    diff.files[0].hunks[0].lines[2].text = "\u{1b}[2J\n--- b (new, +1 -0)".to_owned();
    let text = diff_pieces(&diff, false, 1000, &RoughCount).pieces[0]
        .text
        .clone();
    assert!(!text.contains('\u{1b}'));
    assert_eq!(text.lines().filter(|l| l.starts_with("---")).count(), 1);
}

#[test]
fn definitions_around_a_change_are_shown_where_the_file_is_current() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = String::from("fn first() {}\n\nfn second() {\n");
    for at in 0..20 {
        text.push_str(&format!("    call({at});\n"));
    }
    text.push_str("}\n");
    std::fs::write(dir.path().join("a.rs"), &text).expect("written");
    let repo = Repo::open(dir.path()).expect("a repository");
    let indexed = || crate::index::built(&repo, &dir.path().join("index")).expect("an index");
    let index = indexed();
    let hunk = "--- a/a.rs\n+++ b/a.rs\n@@ -10,3 +10,3 @@\n     call(6);\n-    call(70);\n+    call(7);\n     call(8);\n";
    let diff = Diff::parse(hunk).expect("a diff");
    let pieces = with_surroundings(&diff, &repo, &index, 1000);
    let around = &pieces.pieces[0].around;
    assert_eq!(around.len(), 1);
    assert_eq!((around[0].id, around[0].range), (7, LineRange::new(3, 24)));
    assert_eq!(around[0].symbol.as_deref(), Some("second"));
    let stale = Diff::parse(&hunk.replace("call(7)", "call(71)")).expect("a diff");
    let pieces = with_surroundings(&stale, &repo, &index, 1000);
    assert!(pieces.pieces[0].around.is_empty());
    // Who uses it is shown too, where there is room.
    let user = "/// Uses it.\nfn third() {\n    if ready() {\n        second();\n    }\n}\n";
    std::fs::write(dir.path().join("b.rs"), user).expect("written");
    let index = indexed();
    let pieces = with_surroundings(&diff, &repo, &index, 1000);
    let around = &pieces.pieces[0].around;
    assert_eq!(around.len(), 2, "{around:?}");
    assert_eq!(around[1].path.as_str(), "b.rs");
    assert!(around[1].text.contains("second();"));
    let little = pieces.pieces[0].tokens - 1;
    let pieces = with_surroundings(&diff, &repo, &index, little);
    assert!(pieces.pieces[0].around.len() < 2);
}

#[test]
fn an_overview_names_every_file_and_shares_the_room() {
    let diff = diff(&[("big.rs", 500), ("small.rs", 2), ("third.rs", 3)]);
    let overview = diff_overview(&diff, 300, &RoughCount);
    assert!(overview.tokens <= 300);
    assert!(
        overview
            .text
            .starts_with("big.rs (modified, +500 -1)\nsmall.rs")
    );
    assert!(overview.text.contains("--- small.rs") && overview.text.contains("--- third.rs"));
    assert!(overview.text.contains("--- big.rs"));
    assert_eq!(overview.left_out.len(), 1);
    assert!(overview.left_out[0].reason.contains("in part"));
    let tiny = diff_overview(&diff, 3, &RoughCount);
    assert!(tiny.tokens <= 3);
    assert_eq!(tiny.left_out.len(), 3);
}

proptest::proptest! {
    #[test]
    fn pieces_hold_every_line_once_and_stay_within_the_budget(
        sizes in proptest::collection::vec(0_usize..40, 1..6),
        budget in 40_usize..400,
    ) {
        let names: Vec<String> = (0..sizes.len()).map(|at| format!("f{at}.rs")).collect();
        let files: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(sizes).collect();
        let diff = diff(&files);
        let pieces = diff_pieces(&diff, false, budget, &RoughCount);
        for piece in &pieces.pieces {
            proptest::prop_assert!(piece.tokens <= budget);
            proptest::prop_assert_eq!(piece.tokens, RoughCount.count(&piece.text));
        }
        let all: Vec<DiffLine> = diff.files.iter().flat_map(|f| &f.hunks).flat_map(|h| h.lines.clone()).collect();
        proptest::prop_assert!(pieces.left_out.is_empty());
        proptest::prop_assert_eq!(lines_in(&pieces, &diff), all);
        proptest::prop_assert_eq!(diff_pieces(&diff, false, budget, &RoughCount), pieces);
        let overview = diff_overview(&diff, budget, &RoughCount);
        proptest::prop_assert!(overview.tokens <= budget);
    }
}
