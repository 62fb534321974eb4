//! The form of a script: answers, the steps of each, and facts about the pretended model.
//!
//! A script is JSON lines. Blank lines and lines that begin with `#` are passed over. A line
//! is an answer, given in order, or a text alone, or (anywhere) facts about the pretended model:
//!
//! ```text
//! {"model": {"name": "script", "context": 8192, "rates": [200.0, 20.0]}}
//! "An answer in one piece."
//! {"steps": [{"text": "a"}, {"wait_ms": 50}, {"text": "b"}], "finish": "stop"}
//! {"when": "question", "steps": [{"echo": "last"}], "repeat": true}
//! ```

use serde::Deserialize;

use super::super::{Cut, Finish, Message, Role};
use crate::base::Kind;

/// A step of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Play {
    /// Writes a piece of the answer.
    Text(String),
    /// Writes a text word by word.
    Stream {
        /// The text.
        text: String,
        /// Milliseconds before each word.
        #[serde(default)]
        every_ms: u64,
    },
    /// Writes a piece of a thought.
    Thinking(String),
    /// Says that the thought was ended.
    ThinkingCut {
        /// Tokens of the thought.
        tokens: usize,
        /// The reason.
        why: Cut,
    },
    /// Waits so many milliseconds; a cancel ends it.
    WaitMs(u64),
    /// Tells how far the prompt is read. Without this step the whole prompt is read at once.
    Prefill {
        /// Tokens read.
        done: usize,
        /// Tokens in all.
        total: usize,
        /// Tokens kept from before.
        #[serde(default)]
        cached: usize,
        /// Tokens a second.
        #[serde(default)]
        rate: f64,
    },
    /// Says that the conversation starts over, with this reason.
    StartOver(String),
    /// Ends the generation with a failure.
    Fail {
        /// [`Kind::word`]; `model` where left out.
        #[serde(default)]
        kind: Option<Kind>,
        /// The sentence that tells the failure.
        what: String,
        /// The next step for the user.
        #[serde(default)]
        hint: Option<String>,
    },
    /// Fails unless the prompt holds this text.
    Expect(String),
    /// Fails if the prompt holds this text.
    Refuse(String),
    /// Writes a part of the prompt back.
    Echo(Echo),
}

/// The part of the prompt that is written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Echo {
    /// The last message.
    Last,
    /// The system message.
    System,
    /// All messages, each under its role.
    All,
}

/// An answer of a script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// Text that the last message must hold for the answer to be given.
    #[serde(default)]
    pub when: Option<String>,
    /// The steps, in order.
    pub steps: Vec<Play>,
    /// The reason for which the answer ends.
    #[serde(default = "stop")]
    pub finish: Finish,
    /// True if the answer is given again and again instead of once.
    #[serde(default)]
    pub repeat: bool,
}

const fn stop() -> Finish {
    Finish::Stop
}

impl ScriptedAnswer {
    /// Makes an answer of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::steps(vec![Play::Text(text.into())])
    }

    /// Makes an answer of several steps.
    pub const fn steps(steps: Vec<Play>) -> Self {
        Self {
            when: None,
            steps,
            finish: Finish::Stop,
            repeat: false,
        }
    }
}

/// The facts that a script pretends about its model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pretended {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub context: Option<usize>,
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Tokens a second, reading and writing.
    #[serde(default)]
    pub rates: Option<(f64, f64)>,
}

/// Returns a part of the prompt.
pub(super) fn echoed(messages: &[Message], which: Echo) -> String {
    match which {
        // A request of a test may have no message.
        Echo::Last => messages.last().map_or(String::new(), |m| m.content.clone()),
        Echo::System => messages
            .iter()
            .filter(|m| m.role == Role::System)
            .map(|m| m.content.as_str())
            .collect(),
        Echo::All => messages
            .iter()
            .map(|m| {
                let role = match m.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                };
                format!("[{role}]\n{}\n", m.content)
            })
            .collect(),
    }
}
