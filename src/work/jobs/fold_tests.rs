//! Long conversations over a small repository, in windows of all sizes.

use super::super::trial::{Trial, notes};
use super::super::{Answer, Event, Request};
use super::*;
use crate::base::{Kind, RepoPath};
use crate::engine::{Generate, ScriptedEngine};

/// A repository with a file for each of some topics.
fn trial() -> Trial {
    let file = |topic: &str| {
        let lines =
            (0..30).map(|n| format!("/// The {topic} number {n}.\nfn {topic}_{n}() {{}}\n"));
        lines.collect::<String>()
    };
    let files: Vec<(String, String)> = TOPICS
        .iter()
        .map(|topic| (format!("src/{topic}.rs"), file(topic)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    Trial::plain(&files)
}

const TOPICS: [&str; 6] = ["zebra", "walrus", "otter", "heron", "badger", "lynx"];

/// A conversation that goes on turn by turn, as the screen and the command line have it do.
struct Talk {
    trial: Trial,
    engine: ScriptedEngine,
    history: Vec<Turn>,
    fold: Fold,
    pinned: Vec<Mention>,
    /// The numbers of turns before which it was folded.
    folded: Vec<usize>,
}

impl Talk {
    fn new(window: usize, answer: &str) -> Self {
        let answers: Vec<&str> = std::iter::repeat_n(answer, 100).collect();
        Self {
            trial: trial(),
            engine: ScriptedEngine::saying(&answers).with_context(window),
            history: Vec::new(),
            fold: Fold::default(),
            pinned: Vec::new(),
            folded: Vec::new(),
        }
    }

    fn request(&self, question: &str) -> Request {
        Request::Ask(Ask {
            question: question.to_owned(),
            pinned: self.pinned.clone(),
            history: self.history.clone(),
            fold: self.fold.clone(),
            ..Ask::default()
        })
    }

    fn ask(&mut self, question: &str) -> Result<Vec<Event>> {
        let (answer, events) = self.trial.run(&self.request(question), &mut self.engine);
        for event in &events {
            if let Event::Folded(fold) = event {
                self.fold = fold.clone();
                self.folded.push(self.history.len());
            }
        }
        match answer? {
            Answer::Ask { turn, .. } => self.history.push(turn),
            other => panic!("{other:?}"),
        }
        Ok(events)
    }

    /// Asks about the topics in turn.
    fn go_on(&mut self, turns: usize) {
        for _ in 0..turns {
            let n = self.history.len();
            let question = format!("where is {} number {n}?", TOPICS[n % TOPICS.len()]);
            self.ask(&question).expect("an answer");
        }
    }

    fn prompts(&self) -> Vec<&Generate> {
        self.engine.asked().iter().collect()
    }
}

fn text(generate: &Generate) -> String {
    let all = generate.messages.iter().map(|m| m.content.as_str());
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_conversation_never_runs_into_a_wall() {
    let long = "It stands in the zebra house, as said before. ".repeat(60);
    for window in [2_048, 4_096, 8_192, 32_768] {
        let mut talk = Talk::new(window, &long);
        talk.go_on(24);
        assert!(!talk.folded.is_empty() || window > 32_000, "{window}");
        for asked in talk.prompts() {
            let tokens = talk
                .engine
                .count_messages(&asked.messages)
                .expect("counted");
            assert!(tokens + 64 <= window, "{tokens} of {window}");
        }
    }
}

#[test]
fn with_room_it_is_folded_at_most_once_in_eight_turns_and_the_rest_stays_cached() {
    let mut talk = Talk::new(16_384, &"A sentence about it. ".repeat(60));
    talk.go_on(80);
    assert!(talk.folded.len() >= 2, "{:?}", talk.folded);
    for two in talk.folded.windows(2) {
        assert!(two[1] - two[0] >= EVERY, "{:?}", talk.folded);
    }
    let prompts = talk.prompts();
    for n in 1..prompts.len() {
        let (before, now) = (&prompts[n - 1].messages, &prompts[n].messages);
        // A fold leaves the instructions as they are; else a prompt only adds to the one before.
        let same = if talk.folded.contains(&n) {
            1
        } else {
            before.len()
        };
        assert_eq!(before[..same], now[..same], "{n}");
    }
}

#[test]
fn sources_become_names_before_answers_become_gists() {
    let mut talk = Talk::new(16_384, &"A sentence about it. ".repeat(30));
    talk.go_on(3);
    let first = &talk.history[0];
    let source = first.sources.first().expect("a source").clone();
    let fold = Fold {
        names: 1,
        ..Fold::default()
    };
    let sent = named(&talk.history[..1], &fold.kept());
    assert!(
        sent.contains(&format!("[{}] {}", source.id, source.path)),
        "{sent}"
    );
    assert!(
        !sent.contains("```") && sent.contains("where is zebra number 0?"),
        "{sent}"
    );
    // Pinned files stay as they are.
    let pinned = Fold {
        pinned: vec![Mention {
            path: source.path.clone(),
            range: None,
        }],
        ..fold.clone()
    };
    assert!(named(&talk.history[..1], &pinned.kept()).contains("fn zebra_0()"));
    let mut step = Fold::default();
    let mut seen = Vec::new();
    while step.step(3, true) {
        seen.push((step.names, step.gists, step.gone));
    }
    assert_eq!(seen[..4], [(1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 2, 0)]);
    assert_eq!(seen.last(), Some(&(3, 3, 3)));
}

#[test]
fn what_is_folded_is_shown_again_where_it_is_asked_for_and_numbers_go_on() {
    let mut talk = Talk::new(16_384, "So it is [1].");
    talk.go_on(2);
    let last = talk
        .history
        .iter()
        .flat_map(|turn| &turn.sources)
        .map(|s| s.id)
        .max();
    talk.fold = talk
        .fold
        .by_hand(&talk.history, "", &[], &talk.engine)
        .expect("folded");
    talk.ask("where is zebra number 3?").expect("an answer");
    let asked = talk.prompts();
    let messages = &asked[2].messages;
    assert!(
        messages[1]
            .content
            .starts_with("Earlier in this conversation")
    );
    assert_eq!(messages[2].content, HEARD);
    assert!(
        messages
            .last()
            .expect("one")
            .content
            .contains("fn zebra_3()")
    );
    let new = talk.history[2].sources.iter().map(|s| s.id).max();
    assert!(new > last, "{new:?} {last:?}");
}

#[test]
fn by_hand_keeps_the_lines_that_are_named() {
    let answer = format!(
        "First it walks.\n{}\n```rust\nfn hidden() {{}}\n```\nThe loop_guard stops it.\nThe end.",
        "It goes on and on. ".repeat(40)
    );
    let mut talk = Talk::new(32_768, &answer);
    talk.go_on(3);
    let hand = |keep: &str| talk.fold.by_hand(&talk.history, keep, &[], &talk.engine);
    let fold = hand("").expect("folded");
    assert_eq!((fold.names, fold.gists, fold.at), (2, 2, 3));
    assert!(fold.tokens.1 * 2 < fold.tokens.0, "{:?}", fold.tokens);
    assert!(
        fold.line()
            .starts_with("folded: the first 2 exchanges stand in a few lines: ")
    );
    let text = fold.text(&talk.history);
    assert!(text.contains("First it walks.") && text.contains("where is zebra number 0?"));
    assert!(
        !text.contains("loop_guard") && !text.contains("hidden"),
        "{text}"
    );
    let kept = hand("the loop_guard").expect("folded").text(&talk.history);
    assert!(kept.contains("The loop_guard stops it."), "{kept}");
    let file = hand("src/zebra.rs").expect("folded").text(&talk.history);
    assert!(file.contains("fn zebra_0()"), "{file}");
    // A conversation whose end was lost has less to fold.
    assert!(fold.text(&talk.history[..1]).contains("First it walks."));
    // There is nothing more to fold, or nothing yet.
    assert_eq!(fold.by_hand(&talk.history, "", &[], &talk.engine), None);
    let one = Fold::default().by_hand(&talk.history[..1], "", &[], &talk.engine);
    assert_eq!(one, None);
}

#[test]
fn undone_it_is_not_folded_again_before_it_must_be() {
    let mut talk = Talk::new(16_384, &"A sentence about it. ".repeat(30));
    while talk.folded.is_empty() {
        talk.go_on(1);
    }
    talk.fold = Fold::undone(&talk.history);
    talk.ask("where is otter number 5?").expect("an answer");
    let last = talk.prompts()[talk.history.len() - 1].messages.clone();
    assert_eq!(last[1].content, talk.history[0].sent);
    assert_eq!(talk.folded.len(), 1);
    talk.go_on(20);
    assert!(talk.folded.len() >= 2);
}

#[test]
fn a_smaller_window_takes_a_conversation_over() {
    let mut talk = Talk::new(32_768, &"A sentence about it. ".repeat(60));
    talk.go_on(12);
    for window in [8_192, 2_048] {
        let answers = ["Yes."; 3];
        talk.engine = ScriptedEngine::saying(&answers).with_context(window);
        talk.ask("and where is lynx number 7?").expect("an answer");
        assert!(!talk.fold.is_empty());
        talk.ask("really?").expect("an answer");
    }
}

#[test]
fn pins_that_are_larger_than_the_window_are_left_out_aloud() {
    let mut talk = Talk::new(2_048, &"A sentence about it. ".repeat(20));
    talk.trial
        .put("src/large.rs", &"fn large() {}\n".repeat(2_000));
    talk.trial.reindex();
    talk.pinned = vec![Mention {
        path: RepoPath::new("src/large.rs").expect("a path"),
        range: None,
    }];
    for n in 0..8 {
        let events = talk
            .ask(&format!("where is heron number {n}?"))
            .expect("an answer");
        assert!(!notes(&events).contains("nothing was found"), "{events:?}");
    }
}

#[test]
fn a_message_that_is_too_long_is_told_so_and_nothing_else_is_blamed() {
    let long = "word of a pasted log\n".repeat(2_000);
    for before in [0, 3] {
        let mut talk = Talk::new(8_192, "So it is.");
        talk.go_on(before);
        let (answer, events) = talk.trial.run(&talk.request(&long), &mut talk.engine);
        let failure = answer.expect_err("too long");
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(failure.what().contains("it has 10,500 tokens"), "{failure}");
        let hint = failure.next_step().expect("a hint");
        assert!(
            hint.contains("a part of it") && !hint.contains("/new"),
            "{hint}"
        );
        assert_eq!(notes(&events), "");
        assert_eq!(talk.prompts().len(), before);
    }
}

#[test]
fn where_the_budget_was_the_reason_it_is_not_said_that_nothing_was_found() {
    let mut told = String::new();
    for lines in (600..1_200).step_by(20) {
        let mut talk = Talk::new(2_048, "So it is.");
        let question = format!("where is zebra number 1?\n\n{}", "of it\n".repeat(lines));
        told += &talk
            .ask(&question)
            .map_or(String::new(), |events| notes(&events));
    }
    assert!(told.contains("leaves no room"), "{told}");
    assert!(!told.contains("nothing was found"), "{told}");
    // Where nothing is found the words stand in one line.
    let mut talk = Talk::new(2_048, "So it is.");
    let events = talk.ask("xylophone\nquartz?").expect("an answer");
    let told = notes(&events);
    assert!(
        told.contains("nothing was found for `xylophone quartz?`"),
        "{told}"
    );
}

#[test]
fn an_answer_that_fills_the_context_is_gone_on_with_over_folded_turns() {
    let mut talk = Talk::new(4_096, &"A sentence about it. ".repeat(60));
    talk.go_on(3);
    if let Some(last) = talk.history.last_mut() {
        last.whole = false;
        last.answer = "More and more of it. ".repeat(300);
    }
    let request = Request::Ask(Ask {
        history: talk.history.clone(),
        fold: talk.fold.clone(),
        go_on: true,
        ..Ask::default()
    });
    let (answer, events) = talk.trial.run(&request, &mut talk.engine);
    assert!(answer.is_ok(), "{answer:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Folded(_))));
    let last = talk.prompts().pop().expect("asked");
    assert!(last.prefill.starts_with("More and more"));
    assert!(!text(last).contains("fn zebra_0()"));
}
