//! A request as tokens: its rendering by the template, the places where the next prompt may part
//! from it, and the part of an earlier turn that has to be read again.

use super::cache::prefix_cache::{Breakpoints, common};
use super::local::LocalEngine;
use super::{Generate, Message, Role, Step};
use crate::base::text::human_count;
use crate::base::{Failure, Result};
use crate::model::chat::{ChatMessage, ChatRole, ChatTemplate, Prompt, ThinkingMode};
use crate::model::tokenizer::Encoding;

/// The least number of tokens read again that is worth a word.
const WORTH_A_WORD: usize = 32;

/// The text in place of one that is not known yet.
const STAND_IN: &str = "\u{b7}";

impl LocalEngine {
    /// Returns the chat template.
    ///
    /// # Errors
    /// Of kind model, where the file has none that can be used.
    pub(super) fn chat(&self) -> Result<&ChatTemplate> {
        self.template.as_ref().map_err(Clone::clone)
    }

    /// Renders a whole conversation as tokens, with the answer begun.
    pub(super) fn prompt_of(&self, messages: &[Message], thinking: bool) -> Result<Prompt> {
        let messages = chat_messages(messages);
        let known = |text: &str| self.known_answer(text);
        self.chat()?
            .encode(&self.tokenizer, &messages, thinking, &known)
    }

    /// Returns the tokens that an answer was written with, where it was written here.
    fn known_answer(&self, text: &str) -> Option<Vec<u32>> {
        let text = text.trim();
        let found = self.answers.iter().find(|(said, _)| said.trim() == text);
        found.map(|(_, ids)| ids.clone())
    }

    /// Returns the tokens of an answer's given beginning: the very ones it was written with, where
    /// an earlier answer is gone on with.
    pub(super) fn prefilled(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        self.known_answer(text)
            .unwrap_or_else(|| self.tokenizer.encode_on(text, Encoding::TEXT))
    }

    /// Counts the tokens of the common prefix of a prompt and another conversation; none for no
    /// token. The last token is read in any case, for its logits: so the same prompt once more can
    /// begin there too.
    fn shared(&self, tokens: &[u32], other: &[Message], thinking: bool) -> Option<usize> {
        // A template may refuse a conversation that is made up.
        let other = self.prompt_of(other, thinking).ok()?.tokens;
        let most = tokens.len().saturating_sub(1);
        Some(common(&other, tokens).min(most)).filter(|n| *n > 0)
    }

    /// Finds the places where the next prompt of this conversation, or of one with the same system
    /// block, may part from this one: by rendering such conversations, since only the template
    /// knows.
    pub(super) fn breakpoints(&self, request: &Generate, tokens: &[u32]) -> Breakpoints {
        let thinking = request.thinking;
        let first = request.messages.first();
        let system = first
            .filter(|first| first.role == Role::System)
            .and_then(|first| {
                self.shared(tokens, &[first.clone(), stand_in(Role::User)], thinking)
            });
        // Where the state can be cut back, the next prompt finds its own place.
        if self.prefix_cache.can_truncate() {
            return Breakpoints {
                system,
                ..Breakpoints::default()
            };
        }
        let mut longer = request.messages.clone();
        longer.extend([stand_in(Role::Assistant), stand_in(Role::User)]);
        Breakpoints {
            system,
            question: self.past(request, tokens),
            answer: self.shared(tokens, &longer, thinking),
            next: Some(&request.next)
                .filter(|next| !next.is_empty())
                .and_then(|next| self.shared(tokens, next, thinking)),
        }
    }

    /// Counts the tokens before the last question of a conversation that goes on: the place where
    /// another question would part from it.
    fn past(&self, request: &Generate, tokens: &[u32]) -> Option<usize> {
        let (_, before) = request.messages.split_last()?;
        if !before.iter().any(|message| message.role == Role::Assistant) {
            return None;
        }
        let mut past = before.to_vec();
        past.push(stand_in(Role::User));
        self.shared(tokens, &past, request.thinking)
    }

    /// Tells that a part of a conversation that goes on is to be read again, once it is known how
    /// many of its tokens are `cached`; none where that is not worth a word.
    pub(super) fn read_anew(
        &self,
        request: &Generate,
        tokens: &[u32],
        held: &[u32],
        cached: usize,
    ) -> Option<Step> {
        let (_, before) = request.messages.split_last()?;
        let past = self.past(request, tokens)?;
        let again = past.saturating_sub(cached);
        if again < WORTH_A_WORD {
            return None;
        }
        let same = common(held, tokens);
        let last_question = before
            .iter()
            .rposition(|message| message.role == Role::User)
            .and_then(|at| before.get(..at))
            .and_then(|earlier| {
                let mut asked = earlier.to_vec();
                asked.push(stand_in(Role::User));
                self.shared(tokens, &asked, request.thinking)
            });
        let thinks = self
            .chat()
            .is_ok_and(|chat| chat.facts().thinking != ThinkingMode::None);
        let why = if held.is_empty() {
            "nothing of the conversation is kept"
        } else if same > cached {
            "the model's state cannot be taken back to where it parts"
        } else if last_question.is_some_and(|asked| same < asked) {
            "the template writes what was said before otherwise"
        } else if thinks {
            "the template leaves old thinking out"
        } else {
            "the template writes an answer that is past otherwise"
        };
        Some(Step::ReadAnew {
            tokens: again,
            why: why.to_owned(),
        })
    }

    /// Makes the failure for a conversation of so many tokens.
    pub(super) fn too_long(&self, tokens: usize) -> Failure {
        Failure::model("the conversation does not fit the model's context")
            .because(format!(
                "it has {} tokens, and the context holds {}",
                human_count(tokens as u64),
                human_count(self.facts.context as u64)
            ))
            .hint("ask something shorter, show fewer files, or make the context larger (--ctx)")
    }
}

/// Turns messages into those of the template.
pub(super) fn chat_messages(messages: &[Message]) -> Vec<ChatMessage> {
    messages
        .iter()
        .map(|message| ChatMessage {
            role: match message.role {
                Role::System => ChatRole::System,
                Role::User => ChatRole::User,
                Role::Assistant => ChatRole::Assistant,
            },
            content: message.content.clone(),
        })
        .collect()
}

/// Makes a message whose text is not known yet.
fn stand_in(role: Role) -> Message {
    Message {
        role,
        content: STAND_IN.to_owned(),
    }
}
