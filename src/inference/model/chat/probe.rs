//! Finding out the abilities of a template, by conversations of stand-ins.

use std::collections::HashSet;

use super::conversation::{ChatRole, MessagePiece, arrange, closing, pieces, stand_in, variables};
use super::facts::{Reread, SystemPlace, ThinkingMode, Trim, Trims, Turns};
use super::template::Special;
use super::thinking::ThinkingTags;
use crate::base::OrBug as _;
use crate::base::bug::bug;
use crate::model::jinja::Compiled;

use ChatRole::{Assistant, System, User};

/// The form in which a template takes conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TemplateForm {
    pub variables: Variables,
    pub content: ContentForm,
    pub system: SystemPlace,
    pub turns: Turns,
    pub trims: Trims,
    /// True if the template is asked to leave thoughts where they were, by the names that
    /// published templates have for that.
    pub keeps_thoughts: bool,
}

/// The variables that a template is given besides the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    /// The variables of the `transformers` library: no tools, whether to think, a date.
    Usual,
    /// Only whether to think: no word on tools or dates.
    NoTools,
    /// Everything that a template was seen to demand: empty tools and documents, dates.
    Demanded,
    /// No variables but the messages.
    Bare,
}

/// The form in which a template takes the content of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentForm {
    /// The text alone.
    Text,
    /// A list of parts, one of which is a text.
    Parts,
}

/// The findings about a template.
pub(super) struct Found {
    pub form: TemplateForm,
    pub thinking: ThinkingMode,
    /// The part that is read again in the next turn: after a direct answer, and after thinking.
    pub rereads: (Reread, Reread),
    pub end_token: Option<String>,
    pub end_text: Option<String>,
}

/// Finds out the abilities of a template. `source` is prepared.
///
/// # Errors
/// The reason why no conversation of two turns can be rendered, in the template's words.
pub(super) fn probe(
    source: &str,
    special: &Special,
    tags: Option<ThinkingTags>,
    control: &HashSet<&str>,
) -> Result<Found, String> {
    let compiled = Compiled::new(source)?;
    let mut prober = Prober {
        compiled,
        special,
        form: TemplateForm {
            variables: Variables::Usual,
            content: ContentForm::Text,
            system: SystemPlace::Own,
            turns: Turns::Free,
            trims: Trims::default(),
            keeps_thoughts: false,
        },
    };
    prober.settle_variables()?;
    prober.settle_system();
    prober.render(&TWO_TURNS, false).and_then(|text| {
        let lost = "it loses what was said before";
        if in_order(&text, 4) {
            Ok(())
        } else {
            Err(lost.to_owned())
        }
    })?;
    prober.settle_turns();
    prober.settle_trims();
    let thinking = prober.thinking(tags)?;
    let rereads = (
        prober.settle_thoughts(thinking, tags)?,
        prober.rereads(true, thinking, tags)?,
    );
    let between = prober.behind_answer()?;
    let end_token = first_control(&between, control);
    let end_text = match end_token {
        Some(_) => None,
        None => Some(between.trim_end().to_owned()).filter(|text| !text.is_empty()),
    };
    Ok(Found {
        form: prober.form,
        thinking,
        rereads,
        end_token,
        end_text,
    })
}

/// A conversation of instructions, a question, an answer, and a question.
const TWO_TURNS: [ChatRole; 4] = [System, User, Assistant, User];

struct Prober<'s> {
    compiled: Compiled<'s>,
    special: &'s Special,
    form: TemplateForm,
}

impl Prober<'_> {
    /// Renders a conversation of stand-ins, each for one message.
    fn render(&self, roles: &[ChatRole], thinking: bool) -> Result<String, String> {
        self.render_padded(roles, thinking, "")
    }

    /// Renders a conversation of stand-ins with `blanks` around each message.
    fn render_padded(
        &self,
        roles: &[ChatRole],
        thinking: bool,
        blanks: &str,
    ) -> Result<String, String> {
        let messages: Vec<(ChatRole, String)> = arrange(roles, &self.form)
            .into_iter()
            .map(|message| {
                (
                    message.role,
                    format!("{blanks}{}{blanks}", message.content()),
                )
            })
            .collect();
        let variables = variables(&messages, thinking, &self.form, self.special);
        self.compiled.render(&variables)
    }

    /// Finds the variables and the form of content with which a question can be asked at all.
    fn settle_variables(&mut self) -> Result<(), String> {
        let mut first = None;
        let plain: [&[ChatRole]; 2] = [&[User], &[System, User]];
        for roles in plain {
            for variables in [
                Variables::Usual,
                Variables::NoTools,
                Variables::Demanded,
                Variables::Bare,
            ] {
                for content in [ContentForm::Text, ContentForm::Parts] {
                    self.form.variables = variables;
                    self.form.content = content;
                    match self.render(roles, false) {
                        Ok(text) if text.contains(&stand_in(roles.len() - 1)) => return Ok(()),
                        Ok(_) => {
                            first.get_or_insert("it leaves out what is asked".to_owned());
                        }
                        Err(why) => {
                            first.get_or_insert(why);
                        }
                    }
                }
            }
        }
        Err(first.or_bug("no variables were tried"))
    }

    /// Finds out whether the system message has a place of its own, and keeps it.
    fn settle_system(&mut self) {
        let keeps = |roles: &[ChatRole]| {
            let text = self.render(roles, false);
            text.is_ok_and(|text| in_order(&text, roles.len()))
        };
        if !(keeps(&[System, User]) && keeps(&TWO_TURNS)) {
            self.form.system = SystemPlace::FirstUser;
        }
    }

    /// Finds out whether neighbours may be of one role.
    fn settle_turns(&mut self) {
        let keeps = |roles: &[ChatRole]| {
            let text = self.render(roles, false);
            text.is_ok_and(|text| in_order(&text, roles.len()))
        };
        if !(keeps(&[System, User, User, Assistant, User])
            && keeps(&[System, User, Assistant, Assistant, User]))
        {
            self.form.turns = Turns::Strict;
        }
    }

    /// Finds out which blanks the template takes away at the ends of messages.
    fn settle_trims(&mut self) {
        // Blanks that no template writes by itself in this order.
        const PADDING: &str = "\n \n";
        let Ok(text) = self.render_padded(&TWO_TURNS, false, PADDING) else {
            return;
        };
        let around = |number: usize| {
            let mark = stand_in(number);
            let (before, behind) = text.split_once(&mark)?;
            let front = match before {
                _ if before.ends_with(PADDING) => Trim::No,
                _ if before.ends_with(" \n") => Trim::Lines,
                _ => Trim::Blanks,
            };
            let back = match behind {
                _ if behind.starts_with(PADDING) => Trim::No,
                _ if behind.starts_with("\n ") => Trim::Lines,
                _ => Trim::Blanks,
            };
            Some((front, back))
        };
        // A message that the template loses for its blanks counts as one that it lets stand.
        let user = around(3).unwrap_or_default();
        self.form.trims = Trims {
            // Instructions that stand before a question lose what the question loses in front.
            system: match self.form.system {
                SystemPlace::Own => around(0).unwrap_or_default(),
                SystemPlace::FirstUser => (user.0, Trim::No),
            },
            user,
            assistant: around(2).unwrap_or_default(),
        };
    }

    /// Finds out the template's way with thinking.
    fn thinking(&self, tags: Option<ThinkingTags>) -> Result<ThinkingMode, String> {
        let Some(tags) = tags else {
            return Ok(ThinkingMode::None);
        };
        let roles = [System, User];
        let (on, off) = (self.render(&roles, true)?, self.render(&roles, false)?);
        Ok(if on != off {
            ThinkingMode::Switch
        } else if tags.opened(behind_last(&off)).is_some() {
            ThinkingMode::Always
        } else {
            ThinkingMode::Free
        })
    }

    /// Finds out whether past answers keep the head of a thought when the template is asked to
    /// leave it there, so that a direct answer need not be read again. Returns the part that is.
    fn settle_thoughts(
        &mut self,
        mode: ThinkingMode,
        tags: Option<ThinkingTags>,
    ) -> Result<Reread, String> {
        let usual = self.rereads(false, mode, tags)?;
        if usual == Reread::Nothing || mode == ThinkingMode::None {
            return Ok(usual);
        }
        self.form.keeps_thoughts = true;
        if self.rereads(false, mode, tags) == Ok(Reread::Nothing) {
            return Ok(Reread::Nothing);
        }
        self.form.keeps_thoughts = false;
        Ok(usual)
    }

    /// Finds out how much of a turn's tokens is read again, as the next turn's prompt does not
    /// begin with it.
    fn rereads(
        &self,
        thinking: bool,
        mode: ThinkingMode,
        tags: Option<ThinkingTags>,
    ) -> Result<Reread, String> {
        let thinking = thinking && mode != ThinkingMode::None;
        let mut asked = self.render(&[System, User], thinking)?;
        if let Some(tags) = tags.filter(|_| !thinking)
            && let Some(opened) = tags.opened(behind_last(&asked))
        {
            let more = closing(opened, tags.close);
            asked.push_str(&more);
        }
        let next = self.render(&TWO_TURNS, thinking)?;
        // A template may lose the question when it is to think; the search then begins in front.
        let question = asked.find(&stand_in(1)).unwrap_or(0) + stand_in(1).len();
        let same = asked.bytes().zip(next.bytes()).take_while(|(a, b)| a == b);
        if same.count() < question {
            return Ok(Reread::More);
        }
        Ok(match next.strip_prefix(asked.as_str()) {
            // A thought stands in no later prompt.
            Some(answer) if !thinking && answer.starts_with(&stand_in(2)) => Reread::Nothing,
            _ => Reread::Answer,
        })
    }

    /// Returns the template's text between an answer and the next question.
    fn behind_answer(&self) -> Result<String, String> {
        let text = self.render(&TWO_TURNS, false)?;
        // Asked to keep thoughts, a template may lose messages that it kept before; then no end of
        // an answer is found.
        let behind = text
            .split_once(&stand_in(2))
            .map_or("", |(_, behind)| behind);
        let between = behind
            .split_once(&stand_in(3))
            .map_or("", |(between, _)| between);
        Ok(between.to_owned())
    }
}

/// Returns the text behind the last stand-in.
fn behind_last(rendered: &str) -> &str {
    match pieces(rendered).pop() {
        Some(MessagePiece::Template(text)) => text,
        _ => bug("the last piece of a rendered template is none of it", ""),
    }
}

/// Tells whether a rendered template has stand-ins 0 to `count` in order, each once.
fn in_order(rendered: &str, count: usize) -> bool {
    let numbers = pieces(rendered)
        .into_iter()
        .filter_map(|piece| match piece {
            MessagePiece::Said(number) => Some(number),
            MessagePiece::Template(_) => None,
        });
    numbers.eq(0..count)
}

/// Finds the longest control token that a text begins with, but for blanks.
fn first_control(text: &str, control: &HashSet<&str>) -> Option<String> {
    let text = text.trim_start();
    let found = control
        .iter()
        .filter(|token| !token.trim().is_empty() && text.starts_with(**token));
    found
        .max_by_key(|token| token.len())
        .map(|token| (*token).to_owned())
}
