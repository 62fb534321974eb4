//! The chat template of a GGUF, rendered, and turned into tokens with nobody's text taken for
//! the template's own control tokens.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

use super::jinja;
use super::tokenizer::{Encoding, Tokenizer};
use crate::base::{Failure, Result};

/// The date told to templates that look for it under this name, the one they have built in.
const DATE: &str = "26 Jul 2024";

/// What is used where a file has no template: ChatML, which most small models were trained on.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Bytes that a template may write by itself: system blocks of some templates have thousands.
const MOST_FRAME: usize = 4 << 20;
/// How often it may repeat what was said.
const MOST_TIMES: usize = 8;

/// One message for the template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// A chat template, ready to render.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    source: String,
    bos: String,
    eos: String,
    /// Whether the file had a template of its own.
    pub own: bool,
}

impl ChatTemplate {
    /// The template of a file, or ChatML.
    ///
    /// # Errors
    /// Of kind model, if the template is no valid Jinja.
    pub fn new(source: Option<&str>, bos: &str, eos: &str) -> Result<Self> {
        let template = Self {
            source: jinja::prepared(source.unwrap_or(CHATML)),
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            own: source.is_some(),
        };
        template.environment()?;
        Ok(template)
    }

    /// Whether the template knows about thinking (`enable_thinking` or `<think>`).
    pub fn thinks(&self) -> bool {
        self.source.contains("<think>") || self.source.contains("enable_thinking")
    }

    fn environment(&self) -> Result<Environment<'_>> {
        let mut environment = jinja::environment().map_err(|e| bad_template(&e))?;
        environment
            .add_template("chat", &self.source)
            .map_err(|e| bad_template(&e))?;
        Ok(environment)
    }

    /// Renders a conversation, with the beginning of the answer if `open` is set.
    ///
    /// A template that refuses a system message gets it as the head of the first user message.
    ///
    /// # Errors
    /// Of kind model, with the template's own words.
    pub fn render(&self, messages: &[ChatMessage], thinking: bool, open: bool) -> Result<String> {
        match self.render_once(messages, thinking, open) {
            Ok(text) => Ok(text),
            Err(failure) => match without_system(messages) {
                Some(merged) => self
                    .render_once(&merged, thinking, open)
                    .map_err(|_| failure),
                None => Err(failure),
            },
        }
    }

    fn render_once(&self, messages: &[ChatMessage], thinking: bool, open: bool) -> Result<String> {
        let environment = self.environment()?;
        let template = environment
            .get_template("chat")
            .map_err(|e| bad_template(&e))?;
        let said: usize = messages.iter().map(|m| m.content.len()).sum();
        let mut rendered = Capped {
            bytes: Vec::new(),
            most: MOST_FRAME + said * MOST_TIMES,
            full: false,
        };
        let context = context! {
                messages => Value::from(Serde(messages)),
                add_generation_prompt => open,
                enable_thinking => thinking,
                bos_token => &self.bos,
                eos_token => &self.eos,
                tools => Value::from(()),
                date_string => DATE,
        };
        template
            .render_captured_to(context, &mut rendered)
            .map_err(|e| {
                if rendered.full {
                    bad_template(&"it writes without end")
                } else {
                    bad_template(&e)
                }
            })?;
        String::from_utf8(rendered.bytes)
            .map_err(|_| Failure::bug("a template has written what is no text"))
    }

    /// The tokens of a conversation. What people, files and models said is never parsed for
    /// control tokens, whatever it holds; the template's own text is. For answers given
    /// before, `known` tells the very tokens they were written with: encoding their text anew
    /// could cut it differently, and the state that is kept would not fit.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
        thinking: bool,
        open: bool,
        known: &dyn Fn(&str) -> Option<Vec<u32>>,
    ) -> Result<Vec<u32>> {
        let guard = Guard::new(tokenizer, messages, known);
        let rendered = self.render(&guard.messages, thinking, open)?;
        let mut tokens = Vec::with_capacity(rendered.len() / 3 + 8);
        for (i, piece) in guard.pieces(&rendered).into_iter().enumerate() {
            match piece {
                Piece::Template(text) => {
                    tokenizer.encode_into(text, Encoding::TEMPLATE, i == 0, &mut tokens);
                }
                Piece::Said(Said::Text(text)) => {
                    tokenizer.encode_into(text, Encoding::TEXT, false, &mut tokens);
                }
                Piece::Said(Said::Tokens(ids)) => tokens.extend_from_slice(ids),
            }
        }
        if let (true, Some(bos)) = (tokenizer.add_bos, tokenizer.bos)
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        Ok(tokens)
    }
}

/// Takes what a template writes, up to a size that no template of good faith comes near.
struct Capped {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() > self.most - self.bytes.len() {
            self.full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn bad_template(error: &dyn std::fmt::Display) -> Failure {
    Failure::model("the model's chat template cannot be rendered")
        .because(error)
        .hint("use another conversion of the model, or another model")
}

/// The conversation with the system message put before the first user message.
fn without_system(messages: &[ChatMessage]) -> Option<Vec<ChatMessage>> {
    let (system, rest) = messages
        .split_first()
        .filter(|(first, _)| first.role == "system")?;
    let mut rest = rest.to_vec();
    let user = rest.iter_mut().find(|message| message.role == "user")?;
    user.content = format!("{}\n\n{}", system.content, user.content);
    Some(rest)
}

/// Conversations whose control-token texts have been taken out, each leaving a mark that the
/// template passes through untouched.
struct Guard {
    messages: Vec<ChatMessage>,
    mark: (char, char),
    said: Vec<Said>,
}

/// What stands where a mark is.
enum Said {
    Text(String),
    Tokens(Vec<u32>),
}

enum Piece<'a> {
    Template(&'a str),
    Said(&'a Said),
}

impl Guard {
    fn new(
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
        known: &dyn Fn(&str) -> Option<Vec<u32>>,
    ) -> Self {
        // Two characters of the private use areas that nobody says here.
        let mut free = ('\u{f0000}'..='\u{ffffd}')
            .filter(|c| !messages.iter().any(|message| message.content.contains(*c)));
        let mark = (
            free.next().unwrap_or('\u{f0000}'),
            free.next().unwrap_or('\u{f0001}'),
        );
        let mut said = Vec::new();
        let mut marked = |what: Said, content: &mut String| {
            content.push(mark.0);
            content.push_str(&said.len().to_string());
            content.push(mark.1);
            said.push(what);
        };
        let messages = messages
            .iter()
            .map(|message| {
                let mut content = String::with_capacity(message.content.len());
                if message.role == "assistant"
                    && let Some(ids) = known(&message.content)
                {
                    marked(Said::Tokens(ids), &mut content);
                } else {
                    let mut last = 0;
                    for (start, end) in tokenizer.control_texts(&message.content) {
                        content.push_str(message.content.get(last..start).unwrap_or(""));
                        let text = message.content.get(start..end).unwrap_or("");
                        marked(Said::Text(text.to_owned()), &mut content);
                        last = end;
                    }
                    content.push_str(message.content.get(last..).unwrap_or(""));
                }
                ChatMessage {
                    role: message.role.clone(),
                    content,
                }
            })
            .collect();
        Self {
            messages,
            mark,
            said,
        }
    }

    fn pieces<'a>(&'a self, rendered: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = rendered;
        while let Some((before, after)) = rest.split_once(self.mark.0) {
            pieces.push(Piece::Template(before));
            let Some((number, after)) = after.split_once(self.mark.1) else {
                rest = after;
                continue;
            };
            let said = number.parse().ok().and_then(|i: usize| self.said.get(i));
            pieces.extend(said.map(Piece::Said));
            rest = after;
        }
        pieces.push(Piece::Template(rest));
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(role: &str, content: &str) -> ChatMessage {
        ChatMessage {
            role: role.into(),
            content: content.into(),
        }
    }

    #[test]
    fn chatml_where_there_is_no_template() {
        let template = ChatTemplate::new(None, "", "").expect("good");
        let text = template
            .render(&[say("user", "hi")], false, true)
            .expect("rendered");
        assert_eq!(
            text,
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
        );
        assert!(!template.own);
    }

    #[test]
    fn a_refused_system_message_goes_to_the_user() {
        let source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% for m in messages %}[{{ m.content }}]{% endfor %}";
        let template = ChatTemplate::new(Some(source), "", "").expect("good");
        let text = template.render(&[say("system", "be kind"), say("user", "hi")], false, true);
        assert_eq!(text.expect("rendered"), "[be kind\n\nhi]");
    }

    #[test]
    fn the_template_may_say_why_not() {
        let template =
            ChatTemplate::new(Some("{{ raise_exception('only tea') }}"), "", "").expect("good");
        let failure = template
            .render(&[say("user", "hi")], false, true)
            .expect_err("refused");
        assert!(failure.to_string().contains("only tea"), "{failure}");
    }

    #[test]
    fn an_endless_template_ends() {
        let source =
            "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
        let template = ChatTemplate::new(Some(source), "", "").expect("good");
        assert!(template.render(&[say("user", "hi")], false, true).is_err());
    }

    #[test]
    fn what_a_template_writes_has_an_end() {
        let long = "x".repeat(1000);
        let source = format!("{{% for a in range(99999) %}}{long}{{% endfor %}}");
        let template = ChatTemplate::new(Some(&source), "", "").expect("good");
        let failure = template
            .render(&[say("user", "hi")], false, true)
            .expect_err("refused");
        assert!(failure.to_string().contains("without end"), "{failure}");
    }

    #[test]
    fn the_thinking_switch_is_always_told() {
        let source =
            "{% if enable_thinking is defined and enable_thinking %}T{% else %}N{% endif %}";
        let template = ChatTemplate::new(Some(source), "", "").expect("good");
        assert_eq!(template.render(&[], true, true).expect("rendered"), "T");
        assert_eq!(template.render(&[], false, true).expect("rendered"), "N");
    }
}
