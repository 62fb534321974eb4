//! Counting the tokens of whole conversations.

use std::path::Path;

use super::prompt::chat_messages;
use super::{Message, Role};
use crate::base::count::RoughCount;
use crate::base::{Result, TokenCount};
use crate::model::chat::ChatTemplate;
use crate::model::gguf::Header;
use crate::model::tokenizer::{Encoding, Tokenizer};

/// Tokens a template is taken to add around a message, where none is at hand.
pub(super) const PER_MESSAGE: usize = 8;

/// Counts the tokens that a model would read of a conversation.
pub trait CountMessages: TokenCount {
    /// Counts the tokens of a whole conversation, rendered by the model's template with the answer
    /// begun: a system message where there is one, then user and assistant in turns, the user last.
    ///
    /// # Errors
    /// Of kind model, where the template refuses it.
    fn count_messages(&self, messages: &[Message]) -> Result<usize>;

    /// Counts the tokens that a conversation takes beside the text of the user's message that comes
    /// next.
    ///
    /// # Errors
    /// As [`CountMessages::count_messages`].
    fn count_before(&self, before: &[Message]) -> Result<usize> {
        let mut whole = before.to_vec();
        whole.push(Message {
            role: Role::User,
            content: "\u{b7}".to_owned(),
        });
        self.count_messages(&whole)
    }
}

impl CountMessages for RoughCount {
    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(roughly(messages, self))
    }
}

/// Sums up the tokens of all messages, each with what a template is taken to add.
pub(super) fn roughly(messages: &[Message], count: &dyn TokenCount) -> usize {
    messages
        .iter()
        .map(|message| count.count(&message.content) + PER_MESSAGE)
        .sum()
}

/// Returns a counter with vocabulary and template of a GGUF, without loading its weights.
///
/// # Errors
/// Of kind input or model, where the file cannot be read or used.
pub fn counter(model: &Path) -> Result<Box<dyn CountMessages>> {
    let header = Header::read(model)?;
    Ok(Box::new(Counter {
        tokenizer: Tokenizer::from_header(&header)?,
        template: ChatTemplate::from_header(&header)?,
    }))
}

/// The vocabulary and the template of a model.
struct Counter {
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl TokenCount for Counter {
    fn count(&self, text: &str) -> usize {
        self.tokenizer.encode(text, Encoding::TEXT).len()
    }
}

impl CountMessages for Counter {
    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        let messages = chat_messages(messages);
        let prompt = self
            .template
            .encode(&self.tokenizer, &messages, false, &|_| None)?;
        Ok(prompt.tokens.len())
    }
}
