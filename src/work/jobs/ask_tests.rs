//! Questions over a small repository, answered by a script.

use super::*;
use crate::base::Cancel;
use crate::engine::ScriptedEngine;
use std::sync::Arc;

struct Place {
    _dir: tempfile::TempDir,
    repo: Repo,
    index: Arc<Index>,
}

fn place() -> Place {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("src")).expect("made");
    std::fs::write(
        dir.path().join("src/walk.rs"),
        "/// Finds a symlink loop.\nfn check_loop() {}\n",
    )
    .expect("written");
    std::fs::write(
        dir.path().join("src/print.rs"),
        "/// Prints zebras.\nfn print() {}\n",
    )
    .expect("written");
    std::fs::write(dir.path().join("AGENTS.md"), "Answer in rhyme.\n").expect("written");
    let repo = Repo::open(dir.path()).expect("a repository");
    let cache = tempfile::tempdir().expect("a folder");
    let index = crate::index::built(&repo, cache.path()).expect("an index");
    Place {
        _dir: dir,
        repo,
        index,
    }
}

fn run_in(
    place: &Place,
    request: &Ask,
    engine: &mut ScriptedEngine,
) -> (Result<Answer>, Vec<Event>) {
    let settings = Settings {
        rules_file: "AGENTS.md".into(),
        ..Settings::default()
    };
    let prompts = Prompts::load(None).expect("templates");
    let mut events = Vec::new();
    let mut cx = JobCx {
        engine,
        repo: &place.repo,
        index: &place.index,
        index_complete: true,
        settings: &settings,
        prompts: &prompts,
        cancel: Cancel::never(),
    };
    let answer = super::super::run(
        &super::super::Request::Ask(request.clone()),
        &mut cx,
        &mut |event| events.push(event),
    );
    (answer, events)
}

fn ask(question: &str) -> Ask {
    Ask {
        question: question.into(),
        ..Ask::default()
    }
}

#[test]
fn an_answer_comes_with_checked_sources() {
    let place = place();
    let mut engine =
        ScriptedEngine::saying(&["In check_loop [1]; see also [9] and src/walk.rs:77."]);
    let (answer, events) = run_in(&place, &ask("where is a symlink loop found?"), &mut engine);
    let Ok(Answer::Ask { turn, stopped, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert!(!stopped);
    assert_eq!(turn.sources[0].path.as_str(), "src/walk.rs");
    assert!(turn.sources[0].cited);
    assert!(matches!(events.first(), Some(Event::Context { .. })));
    assert!(matches!(events.last(), Some(Event::Done)));
    let note = events.iter().find_map(|e| match e {
        Event::Note { text } => Some(text.as_str()),
        _ => None,
    });
    assert!(
        note.is_some_and(|n| n.contains("[9], src/walk.rs:77")),
        "{note:?}"
    );
    let asked = engine.asked();
    let prompt = &asked[0].messages;
    assert!(prompt[0].content.contains("Answer in rhyme."));
    assert!(prompt[1].content.contains("2| fn check_loop() {}"));
}

#[test]
fn a_second_turn_repeats_the_first_word_for_word_and_shows_nothing_twice() {
    let place = place();
    let mut engine = ScriptedEngine::saying(&["In check_loop [1].", "As said [1]."]);
    let (first, _) = run_in(&place, &ask("where is a symlink loop found?"), &mut engine);
    let Ok(Answer::Ask { turn, .. }) = first else {
        panic!("{first:?}")
    };
    let request = Ask {
        history: vec![turn.clone()],
        ..ask("and why?")
    };
    let (second, _) = run_in(&place, &request, &mut engine);
    let Ok(Answer::Ask { turn: next, .. }) = second else {
        panic!("{second:?}")
    };
    let asked = engine.asked();
    assert_eq!(asked[0].messages[..2], asked[1].messages[..2]);
    assert!(!next.sent.contains("fn check_loop"));
    assert!(next.sources.iter().any(|s| s.id == 1 && s.cited));
}

#[test]
fn what_changed_since_it_was_shown_is_shown_again() {
    let place = place();
    let mut engine = ScriptedEngine::saying(&["In check_loop [1].", "Otherwise [2]."]);
    let (first, _) = run_in(&place, &ask("where is a symlink loop found?"), &mut engine);
    let Ok(Answer::Ask { turn, .. }) = first else {
        panic!("{first:?}")
    };
    let changed = "/// Finds a symlink loop.\nfn check_loop() { by_inode() }\n";
    std::fs::write(place.repo.root().join("src/walk.rs"), changed).expect("written");
    let request = Ask {
        history: vec![turn],
        ..ask("and why?")
    };
    let (second, _) = run_in(&place, &request, &mut engine);
    let Ok(Answer::Ask { turn: next, .. }) = second else {
        panic!("{second:?}")
    };
    assert!(next.sent.contains("by_inode()"), "{}", next.sent);
    assert_eq!(next.sources[0].id, 2);
}

#[test]
fn nothing_found_is_said() {
    let place = place();
    let mut engine = ScriptedEngine::saying(&["I do not know."]);
    let (_, events) = run_in(&place, &ask("xylophone quartz?"), &mut engine);
    assert!(
        events
            .iter()
            .any(|e| matches!(e, Event::Note { text } if text.contains("nothing was found")))
    );
}

#[test]
fn a_question_about_the_past_is_shown_the_history() {
    use crate::repo::trial::git;
    let place = place();
    let root = place.repo.root();
    git(root, &["init", "-q", "-b", "main"]);
    git(root, &["add", "."]);
    git(
        root,
        &[
            "commit",
            "-q",
            "-m",
            "Look for loops\n\nA walk never ended.",
        ],
    );
    let place = Place {
        repo: Repo::open(root).expect("a repository"),
        ..place
    };
    let mut engine = ScriptedEngine::saying(&["See commit 0123456."]);
    let (answer, events) = run_in(&place, &ask("why was check_loop added?"), &mut engine);
    let Ok(Answer::Ask { context, .. }) = answer else {
        panic!("{answer:?}")
    };
    let past = context.past.expect("told");
    assert_eq!(past.title, "1 commit");
    let sent = &engine.asked()[0].messages[1].content;
    assert!(sent.contains("Test: Look for loops"), "{sent}");
    assert!(sent.contains("  A walk never ended."), "{sent}");
    let noted = |words: &str| {
        events
            .iter()
            .any(|e| matches!(e, Event::Note { text } if text.contains(words)))
    };
    assert!(noted("commit 0123456"), "{events:?}");
    let mut engine = ScriptedEngine::saying(&["In check_loop [1]."]);
    let (_, _) = run_in(&place, &ask("where is a symlink loop found?"), &mut engine);
    assert!(
        !engine.asked()[0].messages[1]
            .content
            .contains("Look for loops")
    );
}

#[test]
fn what_points_back_is_searched_with_the_words_before() {
    let turn = |cited| Turn {
        request: "where is a symlink loop found?".to_owned(),
        sent: String::new(),
        answer: String::new(),
        sources: vec![
            Source {
                id: 1,
                path: RepoPath::new("src/walk.rs").expect("a path"),
                start: 1,
                end: 2,
                cited,
            },
            Source {
                id: 2,
                path: RepoPath::new("src/print.rs").expect("a path"),
                start: 1,
                end: 2,
                cited: false,
            },
        ],
        continues: false,
        whole: false,
    };
    let request = |question: &str, cited| Ask {
        history: vec![turn(cited)],
        ..ask(question)
    };
    let words = |question: &str| query_of(&request(question, true)).contains("symlink");
    assert!(words("and why?"));
    assert!(words(
        "in which place of the program does it stop with an error?"
    ));
    assert!(!words("in which place of the program are zebras printed?"));
    let files = |cited| near(&request("and why?", cited)).len();
    assert_eq!((files(true), files(false)), (1, 2));
}

#[test]
fn lines_that_a_file_has_not_are_said() {
    use crate::context::{LeftOut, Mention, Wanted};

    let mention = |from, to| Mention {
        path: RepoPath::new("src/a.rs").expect("a path"),
        range: Some(LineRange::new(from, to)),
    };
    let wanted = Wanted {
        mentions: vec![mention(9_990, 9_999), mention(1, 3)],
        ..Wanted::default()
    };
    let left = |range, tokens, reason: &str| LeftOut {
        path: RepoPath::new("src/a.rs").expect("a path"),
        range,
        tokens,
        reason: reason.to_owned(),
    };
    let context = Context {
        left_out: vec![
            left(wanted.mentions[0].range, 0, "the file has only 12 lines"),
            left(wanted.mentions[1].range, 40, "does not fit"),
        ],
        ..Context::default()
    };
    assert_eq!(
        named_in_vain(&wanted, &context),
        ["@src/a.rs:9990-9999 is not shown: the file has only 12 lines"]
    );
}
