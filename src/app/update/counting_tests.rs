use crate::app::sample::*;
use crate::app::{Body, Command, Event, Sent};
use crate::base::Failure;
use crate::jobs::fold::too_long;

fn long(lines: usize) -> String {
    "a line of it\n".repeat(lines)
}

fn texts(commands: &[Command]) -> Option<&[String]> {
    commands.iter().find_map(|command| match command {
        Command::CountTokens { texts } => Some(texts.as_slice()),
        _ => None,
    })
}

fn counted(harness: &mut Harness, bytes: usize, tokens: &[usize]) -> Vec<Command> {
    let tokens = tokens.to_vec();
    harness.event(Event::Counted { bytes, tokens })
}

#[test]
fn a_long_text_is_counted_one_at_a_time_and_estimated_meanwhile() {
    let mut harness = Harness::ready();
    assert_eq!(texts(&harness.type_text("why?")), None);
    assert_eq!(harness.state.composer_tokens(), None);
    let out = harness.event(Event::Paste(long(50)));
    let asked = texts(&out).expect("counted");
    assert_eq!(asked, [format!("why?{}", long(50)), long(50)]);
    assert_eq!(harness.state.composer_tokens(), Some((164, false)));
    // What is typed meanwhile is counted when the answer is there.
    assert_eq!(texts(&harness.type_text(" x")), None);
    let out = counted(&mut harness, 654, &[327, 320]);
    assert_eq!(harness.state.composer_tokens(), Some((328, false)));
    assert_eq!(texts(&out).expect("again").len(), 1);
    counted(&mut harness, 656, &[329]);
    assert_eq!(harness.state.composer_tokens(), Some((329, true)));
    let label = harness.state.composer.pasted()[0].label();
    assert_eq!(label, "[pasted 50 lines · 320 tokens]");
}

#[test]
fn a_message_that_is_too_long_stays_where_it_is() {
    // The model has a context of 1,000 tokens.
    let mut harness = Harness::ready();
    harness.event(Event::Paste(long(500)));
    counted(&mut harness, 6_500, &[1_700, 1_700]);
    for _ in 0..2 {
        let out = harness.press("enter");
        assert!(started(&out).is_none());
        assert_eq!(harness.state.composer.whole(), long(500));
        let errors = harness.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains("it has 1,700 tokens, and the model takes 938"),
            "{errors:?}"
        );
    }
    // A command that sends no such message is not kept from anything.
    harness.press("ctrl-u");
    assert!(started(&harness.send("why?")).is_some());
}

#[test]
fn where_only_the_job_finds_it_too_long_it_comes_back() {
    let mut harness = Harness::ready();
    let text = long(60);
    let generation = harness.ask(&text);
    harness.event(Event::JobDone {
        generation,
        result: Err(too_long((900, true), 800, 1_000)),
    });
    assert_eq!(harness.state.composer.whole(), text.trim());
    let sent = harness
        .state
        .blocks
        .iter()
        .find_map(|block| match &block.body {
            Body::User(turn) => Some(turn.sent),
            _ => None,
        });
    assert_eq!(sent, Some(Sent::Withdrawn));
    // Another failure leaves the composer alone.
    harness.press("ctrl-u");
    let generation = harness.ask("why?");
    harness.event(Event::JobDone {
        generation,
        result: Err(Failure::model("no")),
    });
    assert!(harness.text().is_empty());
}

#[test]
fn a_sent_paste_is_folded_in_the_transcript_and_opened_by_a_key() {
    let mut harness = Harness::ready();
    harness.type_text("explain ");
    harness.event(Event::Paste(long(30)));
    let ask = started(&harness.press("enter")).expect("sent").1;
    let whole = format!("explain {}", long(30).trim());
    assert!(matches!(&ask, crate::jobs::Request::Ask(ask) if ask.question == whole));
    let shown = |harness: &Harness| match &harness.state.blocks[0].body {
        Body::User(turn) => turn.shown().into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&harness), "explain [pasted 30 lines · 98 tokens]");
    harness.press("home enter");
    harness.state.cursor = Some(crate::app::state::Cursor {
        block: harness.state.blocks[0].id,
        code: None,
    });
    harness.state.focus = crate::app::Focus::Transcript;
    harness.press("enter");
    assert_eq!(shown(&harness), whole);
    harness.press("enter");
    assert_eq!(shown(&harness), "explain [pasted 30 lines · 98 tokens]");
    // The log has it folded too, and a text that was masked is shown whole.
    let (made, bodies) = harness.made_and_shown();
    assert_eq!(made.blocks[0].1, bodies[0]);
    if let Body::User(turn) = &mut harness.state.blocks[0].body {
        turn.text.push('x');
    }
    assert_eq!(shown(&harness), format!("{whole}x"));
}

#[test]
fn alt_o_opens_a_paste_in_the_composer() {
    let mut harness = Harness::ready();
    harness.event(Event::Paste(long(30)));
    assert_eq!(
        harness.toast(),
        "Alt-o opens what was pasted, Backspace deletes it"
    );
    harness.press("alt-o");
    assert_eq!(harness.text(), long(30));
    harness.press("ctrl-_");
    assert_eq!(harness.state.composer.pasted().len(), 1);
    harness.press("backspace");
    assert!(harness.state.composer.is_empty());
}

#[test]
fn a_late_count_is_that_of_no_other_paste() {
    let mut harness = Harness::ready();
    harness.event(Event::Paste(long(50)));
    harness.press("enter");
    harness.event(Event::Paste(long(60)));
    counted(&mut harness, 650, &[327, 320]);
    assert_eq!(harness.state.composer.pasted()[0].tokens, None);
    // What cannot be counted is not asked for again and again.
    let mut harness = Harness::ready();
    harness.event(Event::Paste(long(60)));
    assert_eq!(texts(&counted(&mut harness, 780, &[])), None);
}
