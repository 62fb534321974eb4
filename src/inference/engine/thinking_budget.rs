//! A model's thought: where it begins, and when it is ended for the model. A small model may
//! never stop thinking by itself; on a CPU that costs an hour and gives no answer.

use super::Cut;
use super::loop_detector::LoopDetector;
use crate::model::chat::ThinkingTags;
use crate::model::tokenizer::{Encoding, Tokenizer};

/// Most tokens of a thought where neither user nor card says.
const USUAL: usize = 2048;
/// The text that ends a thought in the model's place, before the tag that closes it. The sentence
/// is the one Qwen publishes for that purpose.
const CLOSING: &str = "\n\nConsidering the limited time by the user, I have to give \
    the solution based on the thinking directly now.\n";

/// Watches the tokens of a thought.
#[derive(Debug)]
pub(super) struct ThinkingBudget {
    /// Most tokens of the thought.
    limit: usize,
    /// The reason for ending the thought there.
    at_limit: Cut,
    /// Tokens of the thought so far.
    pub tokens: usize,
    /// The text that ends the thought in the model's place.
    pub closing: String,
    /// The tokens of `closing`.
    pub closing_tokens: Vec<u32>,
    repeats: LoopDetector,
}

impl ThinkingBudget {
    /// Begins a thought of at most `limit` tokens (0: no limit, none: the usual one); the `room`
    /// tokens of context must also hold the closing and an answer of `answer` tokens, or half of
    /// the room if that is less.
    pub fn new(
        tokenizer: &Tokenizer,
        tags: ThinkingTags,
        limit: Option<usize>,
        room: usize,
        answer: usize,
    ) -> Self {
        let closing = format!("{CLOSING}{}\n\n", tags.close);
        let closing_tokens = tokenizer.encode_on(&closing, Encoding::TEMPLATE);
        let most = room.saturating_sub(closing_tokens.len() + answer.min(room / 2));
        let limit = match limit.unwrap_or(USUAL) {
            0 => usize::MAX,
            limit => limit,
        };
        Self {
            limit: limit.min(most),
            at_limit: if limit <= most { Cut::Limit } else { Cut::Room },
            tokens: 0,
            closing,
            closing_tokens,
            repeats: LoopDetector::default(),
        }
    }

    /// Takes the next token in; returns the reason if the thought must end here.
    pub fn push(&mut self, token: u32) -> Option<Cut> {
        self.tokens += 1;
        if self.repeats.push(token) {
            Some(Cut::Repeated)
        } else {
            (self.tokens >= self.limit).then_some(self.at_limit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chat::TAGS;
    use crate::model::gguf::Header;

    fn tokenizer() -> Tokenizer {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/tokenizer/crossing.gguf"
        );
        let header = Header::read(std::path::Path::new(file)).expect("the fixture");
        Tokenizer::from_header(&header).expect("a tokenizer")
    }

    fn thought(
        tokenizer: &Tokenizer,
        limit: Option<usize>,
        room: usize,
        answer: usize,
    ) -> ThinkingBudget {
        ThinkingBudget::new(tokenizer, TAGS[0], limit, room, answer)
    }

    /// Tokens taken until it ended, and why.
    fn ended(
        thought: &mut ThinkingBudget,
        mut token: impl FnMut(u32) -> u32,
    ) -> Option<(usize, Cut)> {
        (0..10_000).find_map(|i| {
            let cut = thought.push(token(i))?;
            Some((thought.tokens, cut))
        })
    }

    #[test]
    fn the_closing_closes_the_thought() {
        let tokenizer = tokenizer();
        let thought = thought(&tokenizer, None, 4000, 700);
        let close = tokenizer.special("</think>").expect("a token");
        let closing = &thought.closing_tokens;
        assert_eq!(closing.iter().filter(|id| **id == close).count(), 1);
        assert_eq!(tokenizer.decode(closing), thought.closing);
        assert!(!thought.closing.contains("  "), "{}", thought.closing);
    }

    #[test]
    fn the_limit_is_the_users_the_cards_or_the_usual_one() {
        let tokenizer = tokenizer();
        let fresh = |i: u32| i;
        let of = |limit, room, answer| ended(&mut thought(&tokenizer, limit, room, answer), fresh);
        assert_eq!(of(Some(100), 8000, 700), Some((100, Cut::Limit)));
        assert_eq!(of(None, 8000, 700), Some((USUAL, Cut::Limit)));
        // Room is left for the closing and the answer.
        let closing = thought(&tokenizer, None, 1, 1).closing_tokens.len();
        assert_eq!(of(None, 1000, 700), Some((500 - closing, Cut::Room)));
        assert_eq!(of(Some(0), 4000, 700), Some((3300 - closing, Cut::Room)));
        assert_eq!(of(Some(5), 4, 700), Some((1, Cut::Room)));
    }

    #[test]
    fn a_thought_that_goes_in_circles_ends() {
        let mut thought = thought(&tokenizer(), None, 8000, 700);
        let (at, cut) = ended(&mut thought, |i| i % 10).expect("ended");
        assert!(cut == Cut::Repeated && at < 200, "{at} {cut:?}");
    }
}
