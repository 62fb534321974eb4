//! Chat templates: the abilities of one, found out once when a model is opened, and a conversation
//! as the tokens that its model was trained on.
//!
//! Law: only whole conversations are rendered, a system message where there is one, then user
//! and assistant in turns, ending with the user. The template never sees what is said: stand-ins
//! go through it, and the texts come in their places afterwards. So nothing that people,
//! files or models write steers a conversation, and nothing a template does changes it.

mod conversation;
mod facts;
mod family;
mod probe;
mod template;
mod thinking;

#[cfg(test)]
pub(crate) mod tests;

pub use conversation::{ChatMessage, ChatRole, KnownAnswer, Prompt};
pub use facts::{ChatFacts, Reread, SystemPlace, ThinkingMode, Trim, Trims, Turns};
pub use template::{ChatTemplate, render};
pub use thinking::{TAGS, ThinkingTags};
