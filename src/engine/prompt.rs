//! A request as tokens: what the template makes of it, where the next prompt may part from it,
//! and what of an earlier turn has to be read again.

use super::local::LocalEngine;
use super::recall::{Marks, common};
use super::{Generate, Message, Role, Step};
use crate::base::text::human_count;
use crate::base::{Failure, Result};
use crate::model::chat::{ChatMessage, ChatRole, ChatTemplate, Prompt, ThinkingMode};
use crate::model::tokenizer::Encoding;

/// Fewer tokens than this that are read again are not worth a word.
const WORTH_A_WORD: usize = 32;

/// What stands for a text that is not known yet.
const STAND_IN: &str = "\u{b7}";

impl LocalEngine {
    /// The form of conversations.
    ///
    /// # Errors
    /// Of kind model, where the file has none that can be used.
    pub(super) fn chat(&self) -> Result<&ChatTemplate> {
        self.template.as_ref().map_err(Clone::clone)
    }

    /// A whole conversation in tokens, with the answer begun.
    pub(super) fn prompt_of(&self, messages: &[Message], thinking: bool) -> Result<Prompt> {
        let messages = chat_messages(messages);
        let known = |text: &str| self.known_answer(text);
        self.chat()?
            .encode(&self.tokenizer, &messages, thinking, &known)
    }

    /// The tokens that an answer was written with, where it was written here.
    fn known_answer(&self, text: &str) -> Option<Vec<u32>> {
        let text = text.trim();
        let found = self.answers.iter().find(|(said, _)| said.trim() == text);
        found.map(|(_, ids)| ids.clone())
    }

    /// The tokens of what an answer begins with: the very ones, where it is gone on with.
    pub(super) fn prefilled(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        self.known_answer(text)
            .unwrap_or_else(|| self.tokenizer.encode_on(text, Encoding::TEXT))
    }

    /// Tokens that a prompt begins with as another conversation does; none for no token. The
    /// last token is read in any case, for its logits: so the same prompt once more can begin
    /// there too.
    fn shared(&self, tokens: &[u32], other: &[Message], thinking: bool) -> Option<usize> {
        let other = self.prompt_of(other, thinking).ok()?.tokens;
        let most = tokens.len().saturating_sub(1);
        Some(common(&other, tokens).min(most)).filter(|n| *n > 0)
    }

    /// Where the next prompt of this conversation, or of one with the same system block, may
    /// part from this one: found by rendering such conversations, since only the template knows.
    pub(super) fn marks(&self, request: &Generate, tokens: &[u32]) -> Marks {
        let thinking = request.thinking;
        let first = request.messages.first();
        let system = first
            .filter(|first| first.role == Role::System)
            .and_then(|first| {
                self.shared(tokens, &[first.clone(), stand_in(Role::User)], thinking)
            });
        // Where the state can be cut back, the next prompt finds its own place.
        if self.recall.can_cut() {
            return Marks {
                system,
                ..Marks::default()
            };
        }
        let mut longer = request.messages.clone();
        longer.extend([stand_in(Role::Assistant), stand_in(Role::User)]);
        Marks {
            system,
            answer: self.shared(tokens, &longer, thinking),
            next: Some(&request.next)
                .filter(|next| !next.is_empty())
                .and_then(|next| self.shared(tokens, next, thinking)),
        }
    }

    /// What of a conversation that goes on is to be read although it was there before, once it
    /// is known how many tokens are `cached`; none where it is not worth a word.
    pub(super) fn read_anew(
        &self,
        request: &Generate,
        tokens: &[u32],
        held: &[u32],
        cached: usize,
    ) -> Option<Step> {
        let (_, before) = request.messages.split_last()?;
        if !before.iter().any(|message| message.role == Role::Assistant) {
            return None;
        }
        let mut past = before.to_vec();
        past.push(stand_in(Role::User));
        let past = self.shared(tokens, &past, request.thinking)?;
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

    /// The failure for a conversation of so many tokens.
    pub(super) fn too_long(&self, tokens: usize) -> Failure {
        Failure::model("the conversation does not fit the model's context")
            .because(format!(
                "it has {} tokens, and the context holds {}",
                human_count(tokens as u64),
                human_count(self.facts.context as u64)
            ))
            .hint("begin anew (/new), show fewer files, or set a smaller budget")
    }
}

/// Messages as the template takes them.
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

fn stand_in(role: Role) -> Message {
    Message {
        role,
        content: STAND_IN.to_owned(),
    }
}
