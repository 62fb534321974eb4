//! Tests of what the popup offers.

use proptest::prelude::*;

use super::super::places::KnownFiles;
use super::*;
use crate::app::sample::path;
use crate::base::LineRange;
use crate::index::SymbolKind;

fn files() -> Arc<Vec<Place>> {
    KnownFiles::new(
        [
            "README.md",
            "docs/a b.md",
            "src/lib.rs",
            "src/walk.rs",
            "src/walk/deep.rs",
        ]
        .map(path)
        .to_vec(),
        Vec::new(),
    )
    .places(&[])
}

/// What is offered at `|`.
fn offered(text: &str) -> Option<Completion> {
    let at = text.find('|').expect("a cursor");
    let models = [
        ("qwen".to_owned(), "a model".to_owned()),
        ("starter".to_owned(), String::new()),
    ];
    let themes = ["dark".to_owned(), "light".to_owned()];
    let all = files();
    let offers = Offers {
        places: &all,
        names: &[],
        git: false,
        models: &models,
        themes: &themes,
        reviews: &[
            ("staged", "what is staged"),
            ("unstaged", "what is not staged"),
            ("HEAD", "the last commit"),
            ("main..HEAD", "a range"),
        ],
        held: (
            &["src/walk.rs:3-9".to_owned(), "\"a b.md\"".to_owned()],
            &[],
        ),
    };
    complete(&text.replacen('|', "", 1), at, offers, None)
}

fn inserts(text: &str) -> Vec<String> {
    offered(text).map_or_else(Vec::new, |popup| {
        popup.items.into_iter().map(|item| item.insert).collect()
    })
}

#[test]
fn files_are_offered_behind_an_at_that_begins_a_word() {
    // A folder of that name comes first, and its file behind it.
    assert_eq!(inserts("see @walk|")[..2], ["@src/walk/", "@src/walk.rs "]);
    assert_eq!(inserts("(@lib|"), ["@src/lib.rs "]);
    assert_eq!(inserts("me@walk|"), [""; 0]);
    assert_eq!(inserts("@walk.rs:1|"), [""; 0], "lines are typed by hand");
    assert_eq!(inserts("@walk |"), [""; 0]);
    assert_eq!(inserts("@zzz|"), [""; 0]);
    for outside in ["@../s|", "@/s|", "@~/s|", "@src/../s|", "/pin ../s|"] {
        assert_eq!(inserts(outside), [""; 0], "{outside}");
    }
}

#[test]
fn a_bare_at_offers_what_is_nearest_to_the_root() {
    let popup = offered("@|").expect("a popup");
    assert_eq!(popup.items[0].label, "README.md");
    let labels: Vec<&str> = popup.items.iter().map(|item| item.label.as_str()).collect();
    assert_eq!(labels[..3], ["README.md", "src/", "docs/"]);
    assert_eq!(labels.len(), 8);
    assert_eq!(popup.range, 0..1);
}

#[test]
fn names_with_spaces_are_put_in_quotes() {
    assert_eq!(inserts("@a b|"), [""; 0]);
    assert_eq!(inserts("@\"a b|"), ["@\"docs/a b.md\" "]);
    assert_eq!(inserts("@docs|"), ["@docs/", "@\"docs/a b.md\" "]);
}

#[test]
fn what_matched_is_marked() {
    let popup = offered("@lib|").expect("a popup");
    assert_eq!(popup.items[0].matched, [4, 5, 6]);
    assert_eq!(popup.subject, Subject::File);
}

#[test]
fn typing_on_narrows_and_finds_the_same_as_beginning_anew() {
    let all = files();
    let offers = Offers {
        places: &all,
        names: &[],
        git: false,
        models: &[],
        themes: &[],
        reviews: &[],
        held: (&[], &[]),
    };
    let first = complete("@w", 2, offers, None).expect("a popup");
    let narrowed = complete("@wal", 4, offers, Some(&first)).expect("a popup");
    let anew = complete("@wal", 4, offers, None).expect("a popup");
    assert_eq!(narrowed.items, anew.items);
    // Another index has other numbers.
    let other = KnownFiles::new(vec![path("x/walnut.rs")], Vec::new()).places(&[]);
    let offers = Offers {
        places: &other,
        ..offers
    };
    let popup = complete("@wal", 4, offers, Some(&first)).expect("a popup");
    assert_eq!(popup.items[0].label, "x/walnut.rs");
}

#[test]
fn commands_are_offered_with_a_line_each() {
    let popup = offered("/|").expect("a popup");
    assert_eq!(popup.items.len(), slash::TABLE.len());
    assert!(popup.items.iter().all(|item| !item.about.is_empty()));
    assert_eq!(inserts("/re|"), ["/review ", "/resume"]);
    assert_eq!(inserts("/mod|"), ["/model ", "/models"]);
    // A slip still finds it.
    assert_eq!(inserts("/reveiw|"), ["/review "]);
    assert_eq!(inserts("/usr/li|"), [""; 0]);
    assert_eq!(inserts("a /re|"), [""; 0]);
}

#[test]
fn a_command_takes_the_place_of_the_whole_word() {
    let popup = offered("/he|lp").expect("a popup");
    assert_eq!(popup.range, 0..5);
    assert_eq!(offered("/pa|tch it").expect("a popup").range, 0..6);
}

#[test]
fn commands_offer_what_they_take() {
    assert_eq!(inserts("/model q|"), ["qwen"]);
    assert_eq!(inserts("/theme |"), ["dark", "light"]);
    assert_eq!(inserts("/theme dark|"), [""; 0], "it is there already");
    assert_eq!(inserts("/review st|"), ["staged", "unstaged"]);
    // A whole word is sent as it is, although it stands in another.
    assert!(inserts("/review staged|").is_empty());
    assert!(inserts("/review HEAD|").is_empty());
    assert_eq!(inserts("/add lib|"), ["src/lib.rs "]);
    assert_eq!(
        inserts("/add src/lib.rs walk.|")
            .first()
            .map(String::as_str),
        Some("src/walk.rs ")
    );
    assert_eq!(inserts("/ask lib|"), [""; 0]);
    assert_eq!(inserts("/patch @lib|"), ["@src/lib.rs "]);
    assert_eq!(inserts("/nonsense x|"), [""; 0]);
}

#[test]
fn folders_are_offered_and_what_is_typed_in_full_comes_first() {
    assert_eq!(inserts("@src|").first().map(String::as_str), Some("@src/"));
    assert_eq!(inserts("@src/|").first().map(String::as_str), Some("@src/"));
    assert_eq!(
        inserts("@src/walk|").first().map(String::as_str),
        Some("@src/walk/")
    );
    assert_eq!(
        inserts("/add src/walk.rs|").first().map(String::as_str),
        Some("src/walk.rs ")
    );
    let popup = offered("@src|").expect("a popup");
    assert_eq!(
        (popup.items[0].label.as_str(), popup.items[0].about.as_str()),
        ("src/", "3 files")
    );
    // Behind a path a blank asks for nothing more.
    assert_eq!(inserts("/pin src/walk.rs |"), [""; 0]);
    assert_eq!(inserts("/pin |").len(), 8);
}

#[test]
fn definitions_and_changes_are_offered_among_the_files() {
    let symbol = |name: &str, within: &str, line| Symbol {
        name: name.to_owned(),
        within: within.to_owned(),
        kind: SymbolKind::Method,
        range: LineRange::new(line, line + 4),
        signature: String::new(),
    };
    let names = [
        (path("src/task.py"), symbol("walk", "Task", 10)),
        (path("src/a.py"), symbol("walk_all", "", 1)),
        (path("src/b.py"), symbol("walk_all", "", 7)),
    ];
    let all = files();
    let offers = Offers {
        places: &all,
        names: &names,
        git: true,
        models: &[],
        themes: &[],
        reviews: &[],
        held: (&[], &[]),
    };
    let inserts = |text: &str| -> Vec<String> {
        let popup = complete(text, text.len(), offers, None);
        popup.map_or_else(Vec::new, |popup| {
            popup.items.into_iter().map(|item| item.insert).collect()
        })
    };
    let walk = inserts("@walk");
    assert_eq!(walk[0], "@Task.walk ");
    assert!(walk.contains(&"@src/walk.rs ".to_owned()), "{walk:?}");
    // A name of two definitions is told by its lines.
    assert!(walk.contains(&"@src/b.py:7-11 ".to_owned()), "{walk:?}");
    assert_eq!(inserts("@di")[0], "@diff ");
    // Written as it is in other languages; behind one colon come lines.
    assert_eq!(typed_name("see @Task::wa"), Some("Task::wa"));
    assert_eq!(inserts("@Task::walk")[0], "@Task.walk ");
    assert_eq!(typed_name("see @src/a.rs:1"), None);
    assert!(inserts("@HEAD")[..2].iter().all(|i| i.starts_with("@HEAD")));
    assert!(inserts("@").contains(&"@staged ".to_owned()));
}

#[test]
fn a_file_says_its_size_and_that_lines_may_follow() {
    let size = crate::index::FileSize {
        lines: 812,
        bytes: 30_000,
    };
    let all = KnownFiles::new(vec![path("src/a.rs"), path("diff")], vec![size, size]).places(&[]);
    assert_eq!(all[1].about(), "812 lines · ~7k tokens · :FROM-TO");
    assert_eq!(all[0].about(), "1 file");
    // Its bare name would mean changes.
    assert_eq!(all[2].insert(true), "@\"diff\" ");
}

proptest! {
    #[test]
    fn any_text_is_fine_and_what_is_replaced_lies_within(
        text in "[/@a-d \"\n:ä日.]{0,20}",
        at in 0..30usize,
    ) {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let all = files();
        let offers = Offers { places: &all,
        names: &[],
        git: false, models: &[], themes: &[], reviews: &[], held: (&[], &[]) };
        if let Some(popup) = complete(&text, at, offers, None) {
            prop_assert!(!popup.items.is_empty());
            prop_assert!(text.get(popup.range.clone()).is_some());
            prop_assert!(popup.range.start <= at && at <= popup.range.end);
        }
    }
}

#[test]
fn what_is_held_alone_is_offered_to_be_let_go() {
    assert_eq!(
        inserts("/unpin |"),
        ["src/walk.rs:3-9", "\"a b.md\"", "all"]
    );
    assert_eq!(inserts("/unpin wa|"), ["src/walk.rs:3-9"]);
    // Those that are typed already are not offered again, nor all beside one.
    assert_eq!(inserts("/unpin src/walk.rs:3-9 |"), ["\"a b.md\""]);
    assert!(offered("/unpin src/walk.rs:3-9|").is_none(), "it is whole");
    assert!(
        offered("/unpin main|").is_none(),
        "a file that is not pinned"
    );
    assert!(offered("/undrop |").is_none(), "nothing is dropped");
}
