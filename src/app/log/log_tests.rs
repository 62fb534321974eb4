use super::*;
use crate::app::sample::*;
use crate::app::{Command, Decision, Event, IoCommand, Options, Phase, Signal};
use crate::base::Failure;
use crate::jobs;
use crate::patch::{Change, FileChange};

/// A record as it comes back from the disk.
pub(in crate::app) fn written_and_read(record: &Record) -> Record {
    let line = session::to_line(record.clone()).expect("JSON");
    session::from_line(&line).expect("a record")
}

#[track_caller]
fn agrees(harness: &Harness) {
    let (made, shown) = harness.made_and_shown();
    let made: Vec<Body> = made.blocks.into_iter().map(|(_, body)| body).collect();
    assert_eq!(made, shown);
}

#[test]
fn everything_that_was_done_is_made_again() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so it is");
    let id = harness.planned();
    harness.press("a r");
    agrees(&harness);
    // A hunk is changed by hand, and a finding is put away.
    harness.press("e");
    harness.event(Event::EditorDone {
        purpose: crate::app::EditorPurpose::PatchFile { block: id, file: 0 },
        result: Ok(Some("by hand\n".to_owned())),
    });
    harness.press("esc");
    harness.reviewed();
    harness.press("d");
    harness.press("esc");
    harness.send("/pin src/lib.rs");
    harness.event(Event::SaveFailed(Failure::environment("full")));
    agrees(&harness);
    let (made, _) = harness.made_and_shown();
    assert_eq!(made.title.as_deref(), Some("why?"));
    assert_eq!(made.files.expect("files").pinned.len(), 1);
    let by_hand = |body: &Body| match body {
        Body::Patch(patch) => {
            let decided = patch
                .hunks
                .iter()
                .any(|h| h.decision != Decision::Undecided);
            decided && patch.change.files[0].after.as_deref() == Some("by hand\n")
        }
        _ => false,
    };
    assert!(made.blocks.iter().any(|(_, body)| by_hand(body)));
    let away = |body: &Body| match body {
        Body::Review(review) => review.findings.iter().any(|row| row.dismissed),
        _ => false,
    };
    assert!(made.blocks.iter().any(|(_, body)| away(body)));
}

#[test]
fn of_an_answer_two_seconds_are_lost_at_most_whenever_it_breaks_off() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    let mut told = vec![(harness.now, 0)];
    for n in 0..40 {
        harness.wait(400);
        harness.token(generation, &format!("word {n} "));
        told.push((harness.now, harness.answer().text.len()));
        let (made, _) = harness.made_and_shown();
        let Some((_, Body::Answer(answer))) = made.blocks.last() else {
            panic!("{made:?}")
        };
        assert_eq!(answer.phase, Phase::Stopped);
        let least = told.iter().rev().find(|(at, _)| at + 2_000 <= harness.now);
        assert!(answer.text.len() >= least.map_or(0, |(_, length)| *length));
        assert!(harness.answer().text.starts_with(&answer.text));
        if answer.text.is_empty() {
            continue;
        }
        // What is there belongs to the conversation.
        let turn = made.turns.last().expect("a turn");
        assert_eq!((&*turn.request, &turn.answer), ("why?", &answer.text));
    }
    let whole: usize = harness.log.iter().map(|r| format!("{r:?}").len()).sum();
    assert!(whole < 30_000, "it grows by what is new: {whole}");
    harness.event(Event::Signal(Signal::Hangup));
    agrees(&harness);
}

#[test]
fn a_log_that_is_cut_anywhere_is_read() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so it is");
    harness.planned();
    harness.press("a A enter esc");
    harness.reviewed();
    for end in 0..harness.log.len() {
        let cut = replay(harness.log[..end].to_vec());
        assert!(cut.blocks.windows(2).all(|two| two[0].0 < two[1].0));
    }
}

#[test]
fn what_could_not_be_written_is_written_later_and_said_once() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    // Nothing of it came to the disk.
    harness.log.clear();
    for _ in 0..3 {
        harness.event(Event::LogFailed(Failure::environment("the disk is full")));
        harness.exchange("and?", "no");
        assert!(harness.log.is_empty(), "it is not tried again at once");
    }
    assert_eq!(harness.errors(), ["the disk is full"]);
    harness.wait(31_000);
    agrees(&harness);
    assert_eq!(harness.made_and_shown().0.turns, harness.state.turns);
}

#[test]
fn figures_that_come_alone_are_kept_at_the_end() {
    for request in ["/review", "why?"] {
        let mut harness = Harness::ready();
        let generation = started(&harness.send(request)).expect("a job").0;
        harness.wait(2_500);
        harness.token(generation, "");
        harness.event(Event::Signal(Signal::Terminate));
        agrees(&harness);
    }
}

#[test]
fn a_review_that_was_stopped_is_kept_with_what_its_end_tells() {
    let mut harness = Harness::ready();
    let generation = started(&harness.send("/review")).expect("a job").0;
    harness.job(generation, jobs::Event::Finding(a_finding("src/lib.rs", 3)));
    harness.press("esc");
    agrees(&harness);
    let answer = jobs::Answer::Review {
        findings: vec![a_finding("src/walk.rs", 2)],
        unread: Vec::new(),
        stopped: true,
        failed: None,
    };
    harness.done(generation, answer);
    agrees(&harness);
}

#[test]
fn nothing_is_kept_before_the_first_request_or_where_nothing_may_be() {
    let mut harness = Harness::ready();
    harness.event(Event::Warning(Failure::config("an odd setting")));
    assert!(harness.log.is_empty());
    harness.ask("why?");
    agrees(&harness);
    let mut harness = Harness::ready_with(Options {
        save: false,
        ..Options::default()
    });
    harness.exchange("why?", "so");
    harness.planned();
    harness.event(Event::Signal(Signal::Terminate));
    assert!(harness.log.is_empty());
}

#[test]
fn what_is_loaded_goes_on_where_it_ended() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.planned();
    harness.press("a");
    let log = harness.log.clone();
    let mut later = Harness::ready();
    later.kept.clone_from(&log);
    let out = later.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Ok(Box::new(replay(log.clone()))),
    });
    assert!(has!(out, Command::Io(IoCommand::GoOn)));
    assert_eq!(later.log, log, "nothing is written anew");
    later.exchange("and?", "no");
    agrees(&later);
    let number = |record: &Record| match record {
        Record::Screen(Screen::Block { block, .. }) => Some(*block),
        _ => None,
    };
    let new: Vec<u64> = later.log[log.len()..].iter().filter_map(number).collect();
    assert_eq!(new.iter().min(), Some(&(replay(log).last + 1)));
}

#[test]
fn turns_of_the_command_line_are_shown() {
    let made = a_conversation(&[("one?", "1"), ("two?", "2")]);
    assert_eq!((made.blocks.len(), made.turns.len()), (4, 2));
    assert_eq!(made.title.as_deref(), Some("one?"));
}

#[test]
fn an_export_reads_as_a_document() {
    let mut harness = Harness::ready();
    harness.exchange("why?\nsay more", "esc \u{1b}[31m\n\n```rust\nx\n```");
    let generation = started(&harness.send("/patch fix it")).expect("a job").0;
    harness.job(
        generation,
        jobs::Event::Source(a_source(1, "src/walk.rs", true)),
    );
    harness.done(generation, patched(a_change()));
    harness.press("esc");
    harness.reviewed();
    insta::assert_snapshot!(export(harness.state.blocks.iter().map(|block| &block.body)));
}

/// A file with a secret of each kind above the line that a patch changes, as it comes back from
/// its log: its path, and what is written where it is accepted.
#[test]
fn no_secret_is_kept_and_none_is_lost_in_a_patch_that_goes_on() {
    for (kind, mut secret) in crate::base::secrets::samples() {
        // Of a key the rows are the secret, and not its first line.
        let mut unseen = secret.clone();
        if secret.starts_with("-----BEGIN") {
            unseen = "MIIEvQ9+aB3dE6gH/jK2".repeat(3);
            secret += &format!("\n{unseen}\n{}", secret.replace("BEGIN", "END"));
        }
        let file = |last: &str| format!("{secret}\na\nb\nc\nd\n{last}\n");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("f.txt"), file("old")).expect("written");
        for (after, whole) in [(file("new"), true), (file(&secret), false)] {
            let mut harness = Harness::ready();
            let generation = started(&harness.send("/patch x")).expect("a job").0;
            let change = Change {
                files: vec![FileChange {
                    path: path("f.txt"),
                    renamed_to: None,
                    before: Some(file("old")),
                    after: Some(after.clone()),
                }],
            };
            harness.done(generation, patched(change));
            harness.event(Event::Signal(Signal::Terminate));
            let lines = harness.log.iter().cloned().map(session::to_line);
            let kept: String = lines.map(|line| line.expect("a line")).collect();
            assert!(!kept.contains(&unseen), "{kind}: {kept}");
            let mut again = Harness::ready();
            again.event(Event::SessionLoaded {
                id: "7".to_owned(),
                result: Ok(Box::new(replay(harness.log.clone()))),
            });
            let id = again.last_patch();
            assert_eq!(again.patch(id).is_open(), whole, "{kind}");
            if !whole {
                continue;
            }
            again.state.focus = crate::app::Focus::Patch(id);
            let out = again.press("A enter");
            let written = out.into_iter().find_map(|command| match command {
                Command::Write(crate::app::WriteCommand::Apply { change, .. }) => Some(change),
                _ => None,
            });
            let records = tempfile::tempdir().expect("a folder");
            let [dir, key] = ["undo", "key"].map(|name| records.path().join(name));
            let undo = crate::patch::UndoDir::new(dir, key);
            let change = written.expect("a change");
            crate::patch::write::apply(folder.path(), &change, &undo).expect("written");
            let now = std::fs::read_to_string(folder.path().join("f.txt")).expect("read");
            assert_eq!(now, after, "{kind}");
            std::fs::write(folder.path().join("f.txt"), file("old")).expect("written");
        }
    }
}

#[test]
fn a_conversation_that_begins_with_a_review_tells_of_it_in_its_title() {
    let title = |harness: &Harness| harness.made_and_shown().0.title;
    let begun = "review of what is staged";
    let mut harness = Harness::ready();
    let generation = started(&harness.send("/review")).expect("a job").0;
    assert_eq!(title(&harness).as_deref(), Some(begun));
    let progress = |path: &str, done| jobs::Event::Progress {
        done,
        total: 5,
        path: Some(crate::base::RepoPath::new(path).expect("a path")),
        range: None,
    };
    for (done, name) in ["a.rs", "b.rs", "x/c.rs", "d.rs", "e.rs"]
        .iter()
        .enumerate()
    {
        harness.job(generation, progress(name, done));
    }
    harness.done(
        generation,
        jobs::Answer::Review {
            findings: vec![a_finding("b.rs", 2)],
            unread: Vec::new(),
            stopped: false,
            failed: None,
        },
    );
    agrees(&harness);
    let whole = format!("{begun} (5 files, 1 finding): a.rs, b.rs, c.rs, d.rs …");
    assert_eq!(title(&harness).as_deref(), Some(whole.as_str()));
    // The first review stays the title, and so does a question that was asked before one.
    harness.press("esc");
    harness.reviewed();
    assert_eq!(title(&harness).as_deref(), Some(whole.as_str()));
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.reviewed();
    assert_eq!(title(&harness).as_deref(), Some("why?"));
}

#[test]
fn a_title_that_the_person_gave_outlives_the_review() {
    let mut harness = Harness::ready();
    harness.event(Event::SessionBegun("s1".to_owned()));
    let generation = started(&harness.send("/review")).expect("a job").0;
    harness.send("/sessions");
    let entry = session::SessionEntry {
        id: "s1".to_owned(),
        title: "review of what is staged".to_owned(),
        ..session::SessionEntry::default()
    };
    harness.event(Event::Sessions(Ok(vec![entry])));
    harness.press("ctrl-r ctrl-u");
    harness.type_text("mine");
    harness.press("enter esc");
    let answer = jobs::Answer::Review {
        findings: vec![a_finding("b.rs", 2)],
        unread: Vec::new(),
        stopped: false,
        failed: None,
    };
    harness.done(generation, answer);
    let title = harness.made_and_shown().0.title;
    assert_eq!(
        title.as_deref(),
        Some("review of what is staged"),
        "none after it"
    );
}
