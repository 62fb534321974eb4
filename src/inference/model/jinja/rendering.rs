//! A template that is compiled and rendered, in a process of its own where there can be one.
//!
//! Steps of a template are counted and what it writes is; how large a text or a list grows is not:
//! one that is doubled forty times takes any machine. A process that may use little memory and
//! little time ends, and no more.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Duration;

use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};

use super::environment;
use crate::base::bug::bug;
use crate::base::seal::worker::{self, Silence, Worker};
use crate::base::text::{printable, truncated};

/// Bytes that a template may write by itself: system blocks of some templates have thousands.
const MOST_FRAME: usize = 4 << 20;
/// Times that a template may repeat what it is given.
const MOST_TIMES: usize = 8;
/// The time that one rendering may take; published templates take milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// A template with its environment.
pub(in crate::model) struct Compiled<'s> {
    at: At<'s>,
}

enum At<'s> {
    /// In this process.
    Here(Box<Environment<'s>>),
    /// In a process of the template's own.
    Apart(RefCell<Worker>),
}

/// A question to a worker.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question<S, V> {
    /// Compile this source.
    Compile(S),
    /// Render the compiled source with these variables.
    Render(V),
}

impl<'s> Compiled<'s> {
    /// Compiles a prepared source.
    pub fn new(source: &'s str) -> Result<Self, String> {
        if !worker::is_offered() {
            let environment = Box::new(compiled(source)?);
            return Ok(Self {
                at: At::Here(environment),
            });
        }
        let mut worker = Worker::start().map_err(|e| e.to_string())?;
        let question = Question::<_, ()>::Compile(source);
        asked(&mut worker, &question)?;
        Ok(Self {
            at: At::Apart(RefCell::new(worker)),
        })
    }

    /// Renders the template with some variables.
    pub fn render<V: Serialize>(&self, variables: &V) -> Result<String, String> {
        match &self.at {
            At::Here(environment) => rendered(environment, variables),
            At::Apart(worker) => {
                let question = Question::<(), _>::Render(variables);
                asked(&mut worker.borrow_mut(), &question)
            }
        }
    }
}

/// Has a worker compile or render.
fn asked(worker: &mut Worker, question: &impl Serialize) -> Result<String, String> {
    let question = serde_json::to_vec(question).map_err(|e| e.to_string())?;
    let answer = worker.ask(&question, LIMIT).map_err(|why| match why {
        Silence::Late => format!("it runs for more than {} s", LIMIT.as_secs()),
        Silence::Gone => "it takes too much memory or stack, and was ended".to_owned(),
    })?;
    let answer: Result<String, String> =
        serde_json::from_slice(&answer).map_err(|e| format!("it has no answer: {e}"))?;
    // The process was given to the template: its words are as hostile as the template is.
    answer.map_err(|why| tamed(&why))
}

/// Answers the questions of [`Compiled`] in a worker's process, see
/// [`worker::serve`](crate::base::seal::worker::serve).
pub fn answer() -> impl FnMut(&[u8]) -> Vec<u8> {
    let mut environment: Option<Environment<'static>> = None;
    move |question| {
        let answer = match serde_json::from_slice(question) {
            Ok(Question::Compile(source)) => {
                let source: String = source;
                compiled(source).map(|compiled| {
                    environment = Some(compiled);
                    String::new()
                })
            }
            Ok(Question::Render(variables)) => match &environment {
                Some(environment) => {
                    let variables: serde_json::Value = variables;
                    rendered(environment, &variables)
                }
                None => Err("nothing was compiled".to_owned()),
            },
            Err(e) => Err(e.to_string()),
        };
        serde_json::to_vec(&answer)
            .unwrap_or_else(|e| bug(&format!("an answer cannot be written: {e}"), Vec::new()))
    }
}

fn compiled<'s>(source: impl Into<Cow<'s, str>>) -> Result<Environment<'s>, String> {
    let mut environment = environment().map_err(|e| words(&e))?;
    environment
        .add_template_owned("chat", source)
        .map_err(|e| words(&e))?;
    Ok(environment)
}

fn rendered<V: Serialize>(environment: &Environment, variables: &V) -> Result<String, String> {
    let template = environment.get_template("chat").map_err(|e| words(&e))?;
    let said = serde_json::to_string(variables).map_err(|e| e.to_string())?;
    let mut rendered = Capped {
        bytes: Vec::new(),
        most: MOST_FRAME + said.len() * MOST_TIMES,
        full: false,
    };
    let outcome = template
        .render_captured_to(Value::from(Serde(variables)), &mut rendered)
        .map(drop);
    if rendered.full {
        return Err("it writes without end".to_owned());
    }
    outcome.map_err(|e| words(&e))?;
    String::from_utf8(rendered.bytes).map_err(|_| "it writes what is no text".to_owned())
}

/// Returns the words of an error, made harmless: a template may say anything in them.
fn words(error: &minijinja::Error) -> String {
    tamed(&error.to_string())
}

fn tamed(words: &str) -> String {
    printable(truncated(words, 400)).into_owned()
}

/// A writer for the text of a template, up to a size that no template of good faith comes near.
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
