//! What a chat template can do.

use serde::{Deserialize, Serialize};

/// What a chat template can and cannot do, found by rendering conversations of stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFacts {
    /// Whose form conversations have: `own`, where the file's template is used, else that of
    /// a family: `chatml`, `llama3`, `mistral`, `gemma`, `phi`, `glm`.
    pub form: String,
    /// Why the file's own template is not used, where it is not.
    pub note: Option<String>,
    /// Where the system message goes.
    pub system: SystemPlace,
    /// Whether user and assistant must take turns.
    pub turns: Turns,
    /// What the template has to say of thinking.
    pub thinking: ThinkingMode,
    /// Whether a direct answer is read again in the next turn, since the template writes the
    /// head of an answer otherwise once it is past.
    pub rereads_direct: Reread,
    /// The same for an answer after thinking.
    pub rereads_thinking: Reread,
    /// Blanks at the ends of messages that the template takes away.
    pub trims: Trims,
}

/// Where the text of a system message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemPlace {
    /// The template has a place for it, at the beginning.
    Own,
    /// It refuses one, drops it or moves it to the last question: the text is put before the
    /// first user message.
    FirstUser,
}

/// Whether neighbours may be of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// They may.
    Free,
    /// The template refuses it or loses one of them: neighbours of one role are joined.
    Strict,
}

/// What a template does about thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingMode {
    /// It knows of none.
    None,
    /// It can be turned on and off.
    Switch,
    /// It opens a thought whatever it is told; for a direct answer the thought is closed at
    /// once.
    Always,
    /// It knows what a thought is and leaves it to the model to begin one.
    Free,
}

/// Whether what was read for one turn begins the prompt of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reread {
    /// It does: only what is new is read.
    Nothing,
    /// All but the answer does: that is read again, as the template writes it once it is past.
    Answer,
    /// The template writes more than the answer anew.
    More,
}

/// What a template takes away at the ends of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trim {
    /// Nothing.
    #[default]
    No,
    /// Line feeds.
    Lines,
    /// All blanks.
    Blanks,
}

/// What it takes away, by role and side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trims {
    /// Of system messages, before and behind.
    pub system: (Trim, Trim),
    /// Of user messages.
    pub user: (Trim, Trim),
    /// Of answers.
    pub assistant: (Trim, Trim),
}

impl Trim {
    /// A text without what goes at its beginning.
    pub(super) fn front(self, text: &str) -> &str {
        match self {
            Self::No => text,
            Self::Lines => text.trim_start_matches('\n'),
            Self::Blanks => text.trim_start_matches(blank),
        }
    }

    /// A text without what goes at its end.
    pub(super) fn back(self, text: &str) -> &str {
        match self {
            Self::No => text,
            Self::Lines => text.trim_end_matches('\n'),
            Self::Blanks => text.trim_end_matches(blank),
        }
    }
}

/// What Python's `strip` takes away.
fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

impl ChatFacts {
    /// What is worth knowing of it, for people, in a line.
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
