//! A decoder with drafts, held against the same network without.

use std::path::Path;

use super::*;
use crate::base::CancelSource;
use crate::engine::cache::prefix_cache::Breakpoints;
use crate::engine::{LoadOptions, LocalEngine};
use crate::model::network::Wanted;

/// One whose state can be cut back, and one whose state cannot.
const MODELS: [&str; 2] = ["qwen2-tiny", "qwen35-tiny-mtp"];

/// How far logits may lie from those of a token read alone: on x86 they are the same to the last bit.
const APART: f32 = if cfg!(target_arch = "x86_64") {
    0.0
} else {
    1e-3
};

fn load(name: &str) -> LocalEngine {
    let options = LoadOptions {
        name: name.to_owned(),
        file: Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/models")
            .join(format!("{name}.F32.gguf")),
        ..LoadOptions::default()
    };
    LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model")
}

fn prompt() -> Vec<u32> {
    (0..120).map(|i| i * 37 % 600).collect()
}

/// A part of the prompt with tokens changed, put in and left out.
fn changed_copy() -> Vec<u32> {
    let prompt = prompt();
    let mut copy = prompt[20..70].to_vec();
    copy[12] = 5;
    copy[13] = 6;
    copy.splice(25..25, [1, 2, 3, 4]);
    copy.drain(35..40);
    copy
}

/// The logits behind the prompt and behind each token of the answer, read one by one.
fn plain(engine: &mut LocalEngine, answer: &[u32]) -> Vec<Vec<f32>> {
    let network = engine.prefix_cache.network();
    network.reset();
    let go = Cancel::never();
    let mut all = vec![network.read(&prompt(), Wanted::Last, &go).expect("read")];
    for token in answer {
        all.push(network.read(&[*token], Wanted::Last, &go).expect("read"));
    }
    engine.prefix_cache.reset();
    all
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

fn begun<'a>(engine: &'a mut LocalEngine, drafting: &'a mut Drafting) -> Decoder<'a> {
    engine.prefix_cache.reset();
    let read = engine
        .prefix_cache
        .read(
            &prompt(),
            Breakpoints::default(),
            &Cancel::never(),
            &mut |_| {},
        )
        .expect("read")
        .expect("not cancelled");
    Decoder::new(&mut engine.prefix_cache, read.logits, Some(drafting))
}

#[test]
fn every_row_is_that_of_the_token_read_alone() {
    let answer = changed_copy();
    for name in MODELS {
        let mut engine = load(name);
        let wanted = plain(&mut engine, &answer);
        for length in [1, 2, 3, 7, 15] {
            let mut drafting = Drafting::always(length);
            let mut decoder = begun(&mut engine, &mut drafting);
            for (i, token) in answer.iter().enumerate() {
                let apart = far(decoder.logits(), &wanted[i]);
                assert!(apart <= APART, "{name}, {length}, token {i}: {apart}");
                assert_eq!(decoder.len(), 120 + i);
                let more = answer.len() - i - 1;
                decoder
                    .read_on(&[*token], more, &Cancel::never())
                    .expect("read");
            }
            let apart = far(decoder.logits(), wanted.last().expect("one"));
            assert!(apart <= APART, "{name}, {length}: {apart}");
            let came = decoder.finish();
            // Most was drafted and right, and each change made a draft go wrong.
            assert!(
                came.accepted * 3 > answer.len(),
                "{name}, {length}: {came:?}"
            );
            assert!(came.tokens >= came.accepted + 3, "{came:?}");
            let text = [prompt(), answer.clone()].concat();
            assert_eq!(engine.prefix_cache.tokens(), text);
            assert_eq!(engine.prefix_cache.network().n_past(), text.len());
        }
    }
}

#[test]
fn what_was_drafted_and_not_written_is_not_held() {
    for name in MODELS {
        let mut engine = load(name);
        let wanted = plain(&mut engine, &prompt()[20..30]);
        let mut drafting = Drafting::always(7);
        let mut decoder = begun(&mut engine, &mut drafting);
        for token in &prompt()[20..26] {
            decoder
                .read_on(&[*token], 100, &Cancel::never())
                .expect("read");
        }
        assert!(!decoder.ahead.is_empty(), "in the middle of a draft");
        decoder.finish();
        let text = [&prompt()[..], &prompt()[20..26]].concat();
        assert_eq!(engine.prefix_cache.tokens(), text);
        // And the state is that of this text.
        let go = Cancel::never();
        let logits = engine.prefix_cache.read_on(&prompt()[26..28], &go);
        assert!(far(&logits.expect("read"), &wanted[8]) < 1e-3, "{name}");
    }
}

#[test]
fn tokens_that_the_model_did_not_choose_break_a_draft_off() {
    for name in MODELS {
        let mut engine = load(name);
        let copied = &prompt()[20..26];
        // The next token is the one drafted, but what follows it is forced.
        let forced = [prompt()[26], 400, 401, 402];
        let wanted = plain(&mut engine, &[copied, &forced].concat());
        let mut drafting = Drafting::always(7);
        let mut decoder = begun(&mut engine, &mut drafting);
        for token in copied {
            decoder
                .read_on(&[*token], 100, &Cancel::never())
                .expect("read");
        }
        decoder
            .read_on(&forced, 100, &Cancel::never())
            .expect("read");
        assert_eq!(decoder.len(), 120 + 6 + 4);
        assert!(far(decoder.logits(), &wanted[10]) < 1e-3, "{name}");
    }
}

#[test]
fn a_cancelled_verification_leaves_the_text_as_it_was() {
    for name in MODELS {
        let mut engine = load(name);
        let answer = changed_copy();
        let wanted = plain(&mut engine, &answer);
        // A draft is right up to a change: what follows takes back and verifies anew.
        for stop in [4, 12, 20, 31] {
            let mut drafting = Drafting::always(7);
            let mut decoder = begun(&mut engine, &mut drafting);
            let source = CancelSource::new();
            let cancel = source.token();
            let mut cancelled = None;
            for (i, token) in answer.iter().enumerate() {
                if i == stop {
                    source.cancel();
                }
                match decoder.read_on(&[*token], 100, &cancel) {
                    Ok(()) => {}
                    Err(failure) => {
                        assert!(failure.is_interrupted());
                        cancelled = Some(i);
                        break;
                    }
                }
            }
            let at = cancelled.expect("cancelled");
            assert!(at >= stop);
            decoder.finish();
            assert_eq!(
                engine.prefix_cache.tokens(),
                [&prompt()[..], &answer[..at]].concat()
            );
            let logits = engine.prefix_cache.read_on(&[answer[at]], &Cancel::never());
            let apart = far(&logits.expect("read"), &wanted[at + 1]);
            assert!(apart < 1e-3, "{name}, {at}: {apart}");
        }
    }
}

#[test]
fn a_token_read_among_others_is_read_again_alone_once() {
    for name in MODELS {
        let mut engine = load(name);
        let answer = prompt()[20..40].to_vec();
        let wanted = plain(&mut engine, &answer);
        let mut drafting = Drafting::always(7);
        let mut decoder = begun(&mut engine, &mut drafting);
        let go = Cancel::never();
        assert!(
            !decoder.alone(&go).expect("read"),
            "the prompt's last token"
        );
        let mut again = 0;
        for (i, token) in answer.iter().enumerate() {
            decoder.read_on(&[*token], 100, &go).expect("read");
            if i % 3 > 0 && decoder.alone(&go).expect("read") {
                again += 1;
                assert!(!decoder.alone(&go).expect("read"), "once");
            }
            assert_eq!(decoder.len(), 120 + i + 1);
            assert!(far(decoder.logits(), &wanted[i + 1]) < 1e-3, "{name}, {i}");
        }
        assert!(again > 2, "{again}");
        assert_eq!(decoder.finish().again, again);
    }
}

#[test]
fn a_network_without_a_way_back_is_never_given_drafts() {
    struct OneWay(usize);
    impl crate::model::network::Network for OneWay {
        fn n_past(&self) -> usize {
            self.0
        }
        fn read(&mut self, tokens: &[u32], wanted: Wanted, _: &Cancel) -> Result<Vec<f32>> {
            assert_eq!(wanted, Wanted::Last);
            self.0 += tokens.len();
            Ok(vec![0.0; 8])
        }
        fn truncate(&mut self, tokens: usize) -> usize {
            self.0 = if tokens == self.0 { tokens } else { 0 };
            self.0
        }
    }
    let mut prefix_cache = PrefixCache::new(Box::new(OneWay(0)), None);
    let go = Cancel::never();
    let logits = prefix_cache
        .read_on(&[1, 2, 3, 1, 2, 3, 1, 2], &go)
        .expect("read");
    let mut drafting = Drafting::always(3);
    let mut decoder = Decoder::new(&mut prefix_cache, logits, Some(&mut drafting));
    for token in [3, 1, 2, 3] {
        decoder.read_on(&[token], 100, &go).expect("read");
    }
    assert_eq!(decoder.finish(), Drafted::default());
    assert_eq!(prefix_cache.tokens().len(), 12);
}
