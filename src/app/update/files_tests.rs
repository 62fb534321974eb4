//! Tests of pins, drops and what all is narrowed to.

use super::*;
use crate::app::sample::*;
use crate::base::LineRange;
use crate::jobs::Request;

fn said(mentions: &[Mention]) -> Vec<String> {
    mentions.iter().map(super::told).collect()
}

#[test]
fn pins_and_drops_are_listed_and_only_forgotten_by_name() {
    let mut harness = Harness::ready();
    harness.send("/pin src/lib.rs:1-20 src/lib.rs:30-40");
    assert!(
        harness
            .toast()
            .contains("src/lib.rs:1-20, src/lib.rs:30-40")
    );
    harness.send("/drop README.md");
    harness.send("/pin");
    let Some(Overlay::Text { text, .. }) = &harness.state.overlay else {
        panic!("a list: {:?}", harness.state.overlay)
    };
    assert!(
        text.contains("  src/lib.rs:1-20\n  src/lib.rs:30-40\n"),
        "{text}"
    );
    assert!(
        text.contains("Dropped: never shown\n  README.md\n"),
        "{text}"
    );
    harness.press("esc");
    assert_eq!(
        said(&harness.state.pins),
        ["src/lib.rs:1-20", "src/lib.rs:30-40"]
    );
    harness.send("/unpin src/lib.rs:30-40");
    assert_eq!(said(&harness.state.pins), ["src/lib.rs:1-20"]);
    harness.send("/unpin src/walk.rs");
    assert!(
        harness.toast().contains("is not pinned"),
        "{}",
        harness.toast()
    );
    harness.send("/unpin");
    assert_eq!(said(&harness.state.pins), ["src/lib.rs:1-20"]);
    harness.press("ctrl-u");
    harness.send("/unpin all");
    harness.send("/undrop README.md");
    assert!(harness.state.pins.is_empty() && harness.state.drops.is_empty());
}

#[test]
fn all_is_narrowed_until_it_is_widened_and_the_log_keeps_it() {
    let mut harness = Harness::ready();
    harness.send("/in srx");
    assert!(harness.state.within.is_empty());
    assert!(
        harness.toast().contains("did you mean src?"),
        "{}",
        harness.toast()
    );
    harness.press("ctrl-u");
    harness.send("/in src/ docs");
    assert_eq!(said_paths(&harness), ["src", "docs"]);
    assert!(harness.toast().contains("3 files"), "{}", harness.toast());
    harness.type_text("@");
    let popup = harness.state.completion.as_ref().expect("a popup");
    assert!(popup.items.iter().all(|item| item.label != "README.md"));
    harness.press("esc ctrl-u");
    let request = started(&harness.send("why?")).expect("a job").1;
    let Request::Ask(ask) = request else {
        panic!("a question")
    };
    assert_eq!(ask.within.len(), 2);
    let (made, _) = harness.made_and_shown();
    assert_eq!(made.files.expect("files").within.len(), 2);
    harness.send("/in all");
    assert!(harness.state.within.is_empty());
}

fn said_paths(harness: &Harness) -> Vec<String> {
    harness
        .state
        .within
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn paths_are_read_as_they_are_mentioned() {
    let mention = |name: &str, range: Option<(u32, u32)>| Mention {
        path: path(name),
        range: range.map(|(from, to)| LineRange::new(from, to)),
    };
    assert_eq!(
        mentions("a.rs @b.rs:3 c.rs:4-9 @\"d e.rs\":5-6 \"f g\" h:x"),
        Ok(vec![
            mention("a.rs", None),
            mention("b.rs", Some((3, 3))),
            mention("c.rs", Some((4, 9))),
            mention("d e.rs", Some((5, 6))),
            mention("f g", None),
            mention("h:x", None),
        ])
    );
    assert!(mentions("../x").is_err());
    assert!(mentions("/etc/passwd").is_err());
}
