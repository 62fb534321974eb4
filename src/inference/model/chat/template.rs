//! The template of a GGUF, compiled and looked into.

use std::collections::HashSet;

use super::facts::{ChatFacts, ThinkingMode};
use super::family::family_of;
use super::probe::{TemplateForm, probe};
use super::thinking::ThinkingTags;
use crate::base::{Failure, Result};
use crate::model::gguf::{self, Header};
use crate::model::jinja;
use crate::model::tokenizer::TokenKind;

/// A chat template whose abilities are known.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    pub(super) source: String,
    pub(super) special: Special,
    pub(super) form: TemplateForm,
    pub(super) tags: Option<ThinkingTags>,
    facts: ChatFacts,
    /// The text behind an answer, where no control token stands there: a stop text.
    end_text: Option<String>,
    /// The control token behind an answer, where one stands there.
    end_token: Option<String>,
}

/// Texts of a vocabulary that templates ask for or write; empty where the file names none.
#[derive(Debug, Clone, Default)]
pub(super) struct Special {
    /// The token a text begins with.
    pub bos: String,
    /// The token a text ends with.
    pub eos: String,
}

impl ChatTemplate {
    /// Takes the template of a file, or the form of its family where it has none that can be used.
    ///
    /// # Errors
    /// Of kind model, where there is neither, with the reason and what to do.
    pub fn from_header(header: &Header) -> Result<Self> {
        // Without a vocabulary there are no control tokens; without types all tokens are ordinary.
        let tokens = header.texts("tokenizer.ggml.tokens").unwrap_or_default();
        let types = header.metadata.get("tokenizer.ggml.token_type");
        let types = types.and_then(|types| types.as_array()).unwrap_or_default();
        let kind = |i: usize| types.get(i).and_then(gguf::Value::as_u64);
        let control: HashSet<&str> = tokens
            .iter()
            .enumerate()
            .filter(|(i, _)| {
                let kind = kind(*i).map_or(TokenKind::Normal, TokenKind::of);
                matches!(kind, TokenKind::Control | TokenKind::UserDefined)
            })
            .map(|(_, text)| *text)
            .collect();
        let token = |key: &str| {
            let id = header.number(&format!("tokenizer.ggml.{key}_token_id"))?;
            tokens.get(id as usize).map(|text| (*text).to_owned())
        };
        let special = Special {
            bos: token("bos").unwrap_or_default(),
            eos: token("eos").unwrap_or_default(),
        };
        let source = header.text("tokenizer.chat_template");
        Self::new(source, &special, &control)
    }

    /// Takes a template from the parts of a header: `control` are the texts of control tokens.
    pub(super) fn new(
        source: Option<&str>,
        special: &Special,
        control: &HashSet<&str>,
    ) -> Result<Self> {
        let own = match source {
            None => Err("it has no chat template".to_owned()),
            Some(source) if source.trim().is_empty() => {
                Err("its chat template is empty".to_owned())
            }
            Some(source) => Self::looked_into(source, "own", None, special, control),
        };
        let why = match own {
            Ok(template) => return Ok(template),
            Err(why) => why,
        };
        let Some(family) = family_of(|text| control.contains(text)) else {
            return Err(Failure::model("the model has no form of conversations")
                .because(why)
                .because("its vocabulary has the control tokens of no family that is known")
                .hint("use a conversion that carries a chat template, or another model"));
        };
        Self::looked_into(family.template, family.name, Some(why), special, control)
            .map_err(|e| Failure::bug("a family's form cannot be rendered").because(e))
    }

    fn looked_into(
        source: &str,
        name: &str,
        note: Option<String>,
        special: &Special,
        control: &HashSet<&str>,
    ) -> std::result::Result<Self, String> {
        let source = jinja::prepared(source);
        let tags = ThinkingTags::of(&source);
        let found = probe(&source, special, tags, control)?;
        Ok(Self {
            special: special.clone(),
            form: found.form,
            facts: ChatFacts {
                form: name.to_owned(),
                note,
                system: found.form.system,
                turns: found.form.turns,
                thinking: found.thinking,
                rereads_direct: found.rereads.0,
                rereads_thinking: found.rereads.1,
                trims: found.form.trims,
            },
            tags,
            end_text: found.end_text,
            end_token: found.end_token,
            source,
        })
    }

    /// Returns the abilities of the template.
    pub fn facts(&self) -> &ChatFacts {
        &self.facts
    }

    /// Tells whether the template knows about thinking.
    pub fn thinks(&self) -> bool {
        self.facts.thinking != ThinkingMode::None
    }

    /// Returns the tags that the template's model puts around a thought, where there are any.
    pub fn thinking_tags(&self) -> Option<ThinkingTags> {
        self.tags
    }

    /// Returns the control token that the template puts behind an answer.
    pub fn end_token(&self) -> Option<&str> {
        self.end_token.as_deref()
    }

    /// Returns the text that the template puts behind an answer where no control token stands: an
    /// answer ends where the model writes that text.
    pub fn end_text(&self) -> Option<&str> {
        self.end_text.as_deref()
    }
}

/// Renders a template with whatever variables, as Python's jinja2 would with the settings of
/// the `transformers` library.
///
/// # Errors
/// Of kind model, with the template's own words.
pub fn render(source: &str, variables: &serde_json::Value) -> Result<String> {
    let source = jinja::prepared(source);
    let compiled = jinja::Compiled::new(&source).map_err(|e| bad_template(&e))?;
    compiled.render(variables).map_err(|e| bad_template(&e))
}

pub(super) fn bad_template(why: &dyn std::fmt::Display) -> Failure {
    Failure::model("the model's chat template cannot be rendered")
        .because(why)
        .hint("use another conversion of the model, or another model")
}
