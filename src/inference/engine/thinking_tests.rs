//! Thoughts that do not end by themselves, held against a network that thinks as it is told.

use super::*;
use crate::model::chat::tests::header_with;

/// How a [`Brooder`] thinks.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Always another token.
    Onward,
    /// The same token for ever.
    Circles,
    /// Ends its turn after so many tokens.
    GivesUp(usize),
}

/// A network that thinks until it reads `</think>`, and then says `answer` and ends; where
/// there is none, it says one token for ever.
struct Brooder {
    way: Way,
    close: u32,
    end: u32,
    answer: Vec<u32>,
    thought: usize,
    said: Option<usize>,
    held: usize,
}

impl Network for Brooder {
    fn n_past(&self) -> usize {
        self.held
    }

    fn read(&mut self, tokens: &[u32], _wanted: Wanted, _cancel: &Cancel) -> Result<Vec<f32>> {
        self.held += tokens.len();
        let next = if tokens.contains(&self.close) || self.said.is_some() {
            let said = self.said.map_or(0, |said| said + 1);
            self.said = Some(said);
            match self.answer.get(said) {
                Some(token) => *token,
                None if self.answer.is_empty() => 66,
                None => self.end,
            }
        } else {
            self.thought += 1;
            match self.way {
                Way::GivesUp(most) if self.thought > most => self.end,
                Way::Circles => 65,
                _ => 100 + self.thought as u32,
            }
        };
        let mut logits = vec![0.0; 2300];
        logits[next as usize] = 100.0;
        // Nothing beyond the vocabulary comes up.
        logits[2299] = 200.0;
        Ok(logits)
    }

    fn truncate(&mut self, _tokens: usize) -> usize {
        self.held = 0;
        0
    }
}

/// An engine with a vocabulary and a template that think.
pub(super) fn with_template() -> LocalEngine {
    let mut engine = load("qwen2-tiny");
    let template = "{% if enable_thinking is not defined %}{{ raise_exception('untold') }}{% endif %}\
        {% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
        <|im_start|>assistant\n<think>\n{% if not enable_thinking %}\n</think>\n\n{% endif %}";
    let header = header_with(Some(template));
    engine.tokenizer = Tokenizer::from_header(&header).expect("a tokenizer");
    engine.stops = vec![engine.tokenizer.special("<|im_end|>").expect("a token")];
    engine.allowed = drawable(&engine.tokenizer, &engine.stops);
    engine.template = ChatTemplate::from_header(&header);
    engine
}

/// One that runs a [`Brooder`].
fn brooding(way: Way, answer: &str) -> LocalEngine {
    let mut engine = with_template();
    let special = |text: &str| engine.tokenizer.special(text).expect("a token");
    let end = special("<|im_end|>");
    let brooder = Brooder {
        way,
        close: special("</think>"),
        end,
        answer: engine.tokenizer.encode(answer, Encoding::TEXT),
        thought: 0,
        said: None,
        held: 0,
    };
    engine.prefix_cache = PrefixCache::new(Box::new(brooder), None);
    engine
}

/// The thought, what cut it, and the answer.
fn brooded(
    engine: &mut LocalEngine,
    request: &Generate,
) -> (String, Option<(usize, Cut)>, Generated) {
    let (mut thought, mut cut) = (String::new(), None);
    let done = engine
        .generate(request, None, &Cancel::never(), &mut |step| match step {
            Step::Thinking(text) => thought.push_str(&text),
            Step::ThinkingCut { tokens, why } => cut = Some((tokens, why)),
            _ => {}
        })
        .expect("an answer");
    (thought, cut, done)
}

pub(super) fn brooding_on(limit: Option<usize>, most: usize) -> Generate {
    Generate {
        thinking: true,
        thinking_limit: limit,
        ..ask("why?", most)
    }
}

#[test]
fn a_thought_is_ended_at_its_limit_and_the_answer_follows() {
    let mut engine = brooding(Way::Onward, "ok.");
    // The answer's limit does not count the thought.
    let (thought, cut, done) = brooded(&mut engine, &brooding_on(Some(20), 5));
    assert_eq!(cut, Some((20, Cut::Limit)));
    assert!(thought.contains("limited time"), "{thought}");
    assert!(!thought.contains("</think>"), "{thought}");
    assert_eq!((done.text.as_str(), done.finish), ("ok.", Finish::Stop));
    // What the state holds ends with the closing and the answer.
    let close = engine.tokenizer.special("</think>").expect("a token");
    assert_eq!(
        engine
            .prefix_cache
            .tokens()
            .iter()
            .filter(|id| **id == close)
            .count(),
        1
    );

    // The card's limit, where the request leaves it open.
    let mut engine = brooding(Way::Onward, "ok.");
    engine.card.thinking_limit = Some(30);
    let (_, cut, _) = brooded(&mut engine, &brooding_on(None, 50));
    assert_eq!(cut, Some((30, Cut::Limit)));
}

#[test]
fn a_thought_in_circles_is_ended_and_the_answer_follows() {
    let mut engine = brooding(Way::Circles, "ok.");
    let (_, cut, done) = brooded(&mut engine, &brooding_on(Some(0), 50));
    assert!(matches!(cut, Some((1..300, Cut::Repeated))), "{cut:?}");
    assert_eq!((done.text.as_str(), done.finish), ("ok.", Finish::Stop));
}

#[test]
fn an_answer_in_circles_is_still_ended() {
    let mut engine = brooding(Way::Onward, "");
    let (_, cut, done) = brooded(&mut engine, &brooding_on(Some(9), 3000));
    assert_eq!(cut, Some((9, Cut::Limit)));
    assert_eq!(done.finish, Finish::Repeated);
}

#[test]
fn without_a_limit_room_is_left_for_the_answer() {
    let mut engine = brooding(Way::Onward, "ok.");
    engine.facts.context = 400;
    let (_, cut, done) = brooded(&mut engine, &brooding_on(Some(0), 0));
    assert!(matches!(cut, Some((100..200, Cut::Room))), "{cut:?}");
    assert_eq!((done.text.as_str(), done.finish), ("ok.", Finish::Stop));
}

#[test]
fn who_ends_the_turn_inside_a_thought_still_owes_the_answer() {
    let mut engine = brooding(Way::GivesUp(12), "ok.");
    let (thought, cut, done) = brooded(&mut engine, &brooding_on(None, 50));
    assert_eq!(cut, None);
    assert!(thought.len() > 12, "{thought}");
    assert_eq!((done.text.as_str(), done.finish), ("ok.", Finish::Stop));
}

#[test]
fn the_template_is_always_told_whether_to_think() {
    let mut engine = brooding(Way::Onward, "ok.");
    let request = ask("why?", 50);
    engine.count_messages(&request.messages).expect("told");
    let (thought, cut, done) = brooded(&mut engine, &request);
    assert_eq!(
        (thought.as_str(), cut, done.text.as_str()),
        ("", None, "ok.")
    );
    assert_eq!(done.usage.generated_tokens, 3);
}
