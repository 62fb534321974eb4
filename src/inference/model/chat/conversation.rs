//! A conversation as its model reads it: arranged as the template wants it, rendered with
//! stand-ins, and turned into tokens with the texts in their places.

use serde_json::{Value, json};

use super::facts::{SystemPlace, Trim, Trims, Turns};
use super::probe::{ContentForm, TemplateForm, Variables};
use super::template::{ChatTemplate, Special, bad_template};
use crate::base::Result;
use crate::model::jinja::Compiled;
use crate::model::tokenizer::{Encoder, Encoding, Tokenizer};

/// The date told to templates that look for it under some name, the one they have built in.
const DATE: &str = "26 Jul 2024";

/// The speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatRole {
    /// Standing instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl ChatRole {
    /// Returns the name that templates know the role by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// Returns the blanks that a template takes away at the ends of the role's messages.
    pub(super) const fn trims(self, trims: Trims) -> (Trim, Trim) {
        match self {
            Self::System => trims.system,
            Self::User => trims.user,
            Self::Assistant => trims.assistant,
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// The speaker.
    pub role: ChatRole,
    /// The text of the message.
    pub content: String,
}

/// A conversation in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// True if the tokens end inside a thought, which the model goes on with.
    pub in_thought: bool,
}

/// Returns the very tokens that an answer was written with: encoding its text anew could cut it
/// differently, and the state that is kept would not fit.
pub type KnownAnswer<'a> = &'a dyn Fn(&str) -> Option<Vec<u32>>;

/// Two characters of the private use areas, around the number of the text they stand for.
const MARKS: (char, char) = ('\u{f0000}', '\u{f0001}');

/// Makes the stand-in of a text, by its number, for while a template is rendered.
pub(super) fn stand_in(number: usize) -> String {
    format!("{}{number}{}", MARKS.0, MARKS.1)
}

/// A piece of a rendered template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MessagePiece<'r> {
    /// The template's own text.
    Template(&'r str),
    /// The place of a text, by its number.
    Said(usize),
}

/// Parts a rendered template at its stand-ins; the last piece is always one of the template.
pub(super) fn pieces(rendered: &str) -> Vec<MessagePiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = rendered;
    while let Some((before, after)) = rest.split_once(MARKS.0) {
        pieces.push(MessagePiece::Template(before));
        rest = after;
        if let Some((number, behind)) = after.split_once(MARKS.1)
            && let Ok(number) = number.parse()
        {
            pieces.push(MessagePiece::Said(number));
            rest = behind;
        }
    }
    pieces.push(MessagePiece::Template(rest));
    pieces
}

/// A message as it is given to the template: its texts by number, a blank line between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arranged {
    pub role: ChatRole,
    pub texts: Vec<usize>,
}

impl Arranged {
    /// Returns the content that the template is given: stand-ins.
    pub(super) fn content(&self) -> String {
        let texts: Vec<String> = self.texts.iter().map(|n| stand_in(*n)).collect();
        texts.join("\n\n")
    }
}

/// Puts messages into the order and the roles that a template takes. The texts of the result are
/// numbers of messages.
pub(super) fn arrange(roles: &[ChatRole], form: &TemplateForm) -> Vec<Arranged> {
    let mut arranged: Vec<Arranged> = Vec::new();
    let mut waiting = Vec::new();
    for (number, role) in roles.iter().enumerate() {
        let mut texts = vec![number];
        match (role, form.system) {
            (ChatRole::System, SystemPlace::FirstUser) => {
                waiting.push(number);
                continue;
            }
            (ChatRole::User, _) => {
                waiting.append(&mut texts);
                texts = std::mem::take(&mut waiting);
            }
            _ => {}
        }
        match arranged.last_mut() {
            Some(last) if last.role == *role && form.turns == Turns::Strict => {
                last.texts.append(&mut texts);
            }
            _ => arranged.push(Arranged { role: *role, texts }),
        }
    }
    if !waiting.is_empty() {
        arranged.push(Arranged {
            role: ChatRole::User,
            texts: waiting,
        });
    }
    arranged
}

/// Makes the variables of a template for a conversation whose answer comes next.
pub(super) fn variables(
    messages: &[(ChatRole, String)],
    thinking: bool,
    form: &TemplateForm,
    special: &Special,
) -> Value {
    let messages: Vec<Value> = messages
        .iter()
        .map(|(role, content)| {
            let content = match form.content {
                ContentForm::Text => json!(content),
                ContentForm::Parts => json!([{ "type": "text", "text": content }]),
            };
            json!({ "role": role.name(), "content": content })
        })
        .collect();
    let mut variables = json!({
        "messages": messages,
        "add_generation_prompt": true,
        "bos_token": special.bos,
        "eos_token": special.eos,
    });
    let more = match form.variables {
        Variables::Usual => json!({
            "tools": null,
            "enable_thinking": thinking,
            "thinking": thinking,
            "date_string": DATE,
        }),
        Variables::NoTools => json!({ "enable_thinking": thinking, "thinking": thinking }),
        Variables::Demanded => json!({
            "tools": [],
            "functions": "[]",
            "documents": [],
            "datetime": DATE,
            "current_date": DATE,
            "date_string": DATE,
            "enable_thinking": thinking,
            "thinking": thinking,
        }),
        Variables::Bare => json!({}),
    };
    // Only where answers are direct: past answers without thoughts are no example for one that is
    // to think.
    let kept = if form.keeps_thoughts && !thinking {
        json!({
            "preserve_thinking": true,
            "keep_past_thinking": true,
            "clear_thinking": false,
            "drop_thinking": false,
            "truncate_history_thinking": false,
        })
    } else {
        json!({})
    };
    for more in [more, kept] {
        if let (Value::Object(all), Value::Object(more)) = (&mut variables, more) {
            all.extend(more);
        }
    }
    variables
}

/// Returns the text that closes a thought nobody asked for, inside which a prompt ends: as in
/// Qwen's own form for direct answers.
pub(super) fn closing(opened: &str, close: &str) -> String {
    let line = if opened.ends_with('\n') { "\n" } else { "\n\n" };
    format!("{line}{close}\n\n")
}

impl ChatTemplate {
    /// Returns the tokens of a whole conversation with the answer begun. The texts of people,
    /// files and models are never parsed for control tokens, whatever they hold; the template's
    /// own text is.
    ///
    /// # Errors
    /// Of kind model, with the template's own words.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
        thinking: bool,
        known: KnownAnswer<'_>,
    ) -> Result<Prompt> {
        let thinking = thinking && self.thinks();
        let answers: Vec<Option<Vec<u32>>> = messages
            .iter()
            .map(|message| match message.role {
                ChatRole::Assistant => known(&message.content),
                ChatRole::System | ChatRole::User => None,
            })
            .collect();
        let texts = self.texts(messages, &answers);
        let rendered = self.rendered(messages, &texts, thinking)?;
        let mut encoder = Encoder::new(tokenizer);
        for piece in pieces(&rendered) {
            match piece {
                MessagePiece::Template(text) => encoder.text(text, Encoding::TEMPLATE),
                MessagePiece::Said(number) => match answers.get(number) {
                    Some(Some(ids)) => encoder.ids(ids),
                    // A template may write the stand-in of a text that there is not.
                    _ => encoder.text(texts.get(number).copied().unwrap_or(""), Encoding::TEXT),
                },
            }
        }
        let opened = self.opened(&rendered);
        if let (Some((behind, close)), false) = (opened, thinking) {
            encoder.text(&closing(behind, close), Encoding::TEMPLATE);
        }
        let mut tokens = encoder.finish();
        if let (true, Some(bos)) = (tokenizer.add_bos, tokenizer.bos)
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        Ok(Prompt {
            tokens,
            in_thought: thinking && opened.is_some(),
        })
    }

    /// Returns the text of each message, as much of it as the template lets stand.
    fn texts<'m>(&self, messages: &'m [ChatMessage], answers: &[Option<Vec<u32>>]) -> Vec<&'m str> {
        messages
            .iter()
            .zip(answers)
            .map(|(message, answer)| {
                let (front, back) = message.role.trims(self.form.trims);
                match answer {
                    // The tokens of this answer are known, with the blanks at its ends.
                    Some(_) => message.content.as_str(),
                    None => back.back(front.front(&message.content)),
                }
            })
            .collect()
    }

    /// Renders the conversation with stand-ins for its texts.
    fn rendered(&self, messages: &[ChatMessage], texts: &[&str], thinking: bool) -> Result<String> {
        let roles: Vec<ChatRole> = messages.iter().map(|message| message.role).collect();
        let given: Vec<(ChatRole, String)> = arrange(&roles, &self.form)
            .into_iter()
            .map(|mut message| {
                // A template may ask whether a message is empty, so an empty text has no stand-in.
                message
                    .texts
                    .retain(|n| texts.get(*n).is_some_and(|text| !text.is_empty()));
                (message.role, message.content())
            })
            .collect();
        let variables = variables(&given, thinking, &self.form, &self.special);
        let compiled = Compiled::new(&self.source).map_err(|e| bad_template(&e))?;
        compiled.render(&variables).map_err(|e| bad_template(&e))
    }

    /// Returns the text behind the tag of a thought that the template leaves open, and the tag
    /// that would close the thought; none where none is open.
    fn opened<'r>(&self, rendered: &'r str) -> Option<(&'r str, &'static str)> {
        let last = rendered.rsplit_once(MARKS.1);
        let last = last.map_or(rendered, |(_, last)| last);
        let tags = self.tags?;
        Some((tags.opened(last)?, tags.close))
    }
}
