//! Facts about chat templates.

use serde::{Deserialize, Serialize};

/// The abilities of a chat template, found by rendering conversations of stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFacts {
    /// The owner of the conversations' form: `own`, where the file's template is used, else the
    /// name of a family: `chatml`, `llama3`, `mistral`, `gemma`, `phi`, `glm`.
    pub form: String,
    /// The reason why the file's own template is not used, where it is not.
    pub note: Option<String>,
    /// The place of the system message.
    pub system: SystemPlace,
    /// The order of user and assistant.
    pub turns: Turns,
    /// The template's way with thinking.
    pub thinking: ThinkingMode,
    /// The part of a turn with a direct answer that is read again in the next turn, since the
    /// template writes the head of an answer otherwise once it is past.
    pub rereads_direct: Reread,
    /// The part of a turn with an answer after thinking that is read again in the next turn.
    pub rereads_thinking: Reread,
    /// Blanks at the ends of messages that the template takes away.
    pub trims: Trims,
}

/// The place of a system message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemPlace {
    /// The template's own place for a system message, at the beginning.
    Own,
    /// Before the first user message: the template refuses a system message, drops it or moves it
    /// to the last question.
    FirstUser,
}

/// A template's way with neighbours of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// Neighbours may be of one role.
    Free,
    /// The template refuses neighbours of one role or loses one of them: they are joined.
    Strict,
}

/// A template's way with thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingMode {
    /// The template knows of no thinking.
    None,
    /// Thinking can be turned on and off.
    Switch,
    /// The template opens a thought whatever it is told; for a direct answer the thought is closed
    /// at once.
    Always,
    /// The template knows tags of thoughts and leaves it to the model to begin one.
    Free,
}

/// The part of one turn's tokens that the prompt of the next does not begin with, and that is
/// read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reread {
    /// No part: only the new tokens are read.
    Nothing,
    /// The answer, as the template writes it once it is past.
    Answer,
    /// More than the answer.
    More,
}

/// Blanks that a template takes away at an end of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trim {
    /// No blanks.
    #[default]
    No,
    /// Line feeds only.
    Lines,
    /// Blanks of every kind.
    Blanks,
}

/// Blanks that a template takes away, by role and side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trims {
    /// Blanks of system messages, before and behind.
    pub system: (Trim, Trim),
    /// Blanks of user messages, before and behind.
    pub user: (Trim, Trim),
    /// Blanks of answers, before and behind.
    pub assistant: (Trim, Trim),
}

impl Trim {
    /// Takes the blanks away at the beginning of a text.
    pub(super) fn front(self, text: &str) -> &str {
        match self {
            Self::No => text,
            Self::Lines => text.trim_start_matches('\n'),
            Self::Blanks => text.trim_start_matches(blank),
        }
    }

    /// Takes the blanks away at the end of a text.
    pub(super) fn back(self, text: &str) -> &str {
        match self {
            Self::No => text,
            Self::Lines => text.trim_end_matches('\n'),
            Self::Blanks => text.trim_end_matches(blank),
        }
    }
}

/// Tells whether Python's `strip` takes a character away.
fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

impl ChatFacts {
    /// Describes the template for people, in a line.
    pub fn words(&self) -> String {
        let mut words = vec![match self.form.as_str() {
            "own" => "the file's own".to_owned(),
            form => format!("the form of {form}"),
        }];
        words.extend(self.note.clone());
        if self.system == SystemPlace::FirstUser {
            words.push("instructions go before the first question".to_owned());
        }
        words.push(
            match self.thinking {
                ThinkingMode::None => "no thinking",
                ThinkingMode::Switch => "thinking on or off",
                ThinkingMode::Always => "opens with a thought",
                ThinkingMode::Free => "thinks if it wants to",
            }
            .to_owned(),
        );
        let again = match (self.rereads_direct, self.rereads_thinking) {
            (Reread::More, _) => "each turn reads the conversation again",
            (Reread::Answer, _) => "each turn reads the last answer again",
            (Reread::Nothing, Reread::Nothing) => "nothing is read twice",
            (Reread::Nothing, _) => "after a thought the answer is read again",
        };
        words.push(again.to_owned());
        words.join(", ")
    }
}
