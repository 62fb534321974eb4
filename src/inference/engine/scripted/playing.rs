//! An answer of a script as it is played: one step after another.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::{Finish, Message, Step};
use super::script::{Echo, Play, ScriptedAnswer, echoed};
use super::writing::Writing;
use crate::base::{Cancel, Failure, Kind, Result};

/// Longest time between two looks at the cancel token.
const SLICE: Duration = Duration::from_millis(5);

/// The playing of one answer.
pub(super) struct Playing<'a, 'g> {
    /// The conversation of the request.
    pub messages: &'a [Message],
    /// The answer as it grows.
    pub writing: Writing<'a, 'g>,
    pub cancel: &'a Cancel,
    pub on: &'a mut dyn FnMut(Step),
}

impl Playing<'_, '_> {
    /// Plays all steps and tells the rest of the text. Returns why the answer ended.
    ///
    /// # Errors
    /// The failure of the script itself; of kind model, where the grammar does not allow the answer
    /// or the prompt is not the one expected.
    pub fn play(&mut self, line: &ScriptedAnswer) -> Result<Finish> {
        let mut finish = line.finish;
        for step in &line.steps {
            if self.cancel.is_cancelled() {
                finish = Finish::Cancelled;
                break;
            }
            match self.step(step)? {
                None => {}
                // By a stop text: the script says why it ends.
                Some(Finish::Stop) => break,
                Some(why) => {
                    finish = why;
                    break;
                }
            }
        }
        if finish == Finish::Stop {
            self.writing.may_end()?;
        }
        self.writing.tell(self.writing.text.len(), self.on);
        Ok(finish)
    }

    /// Plays one step. Returns why the answer ends with it, if it does.
    fn step(&mut self, step: &Play) -> Result<Option<Finish>> {
        match step {
            Play::Text(text) => return self.writing.add(text, self.on),
            Play::Stream { text, every_ms } => return self.stream(text, *every_ms),
            Play::Echo(which) => {
                let text = echoed(self.messages, *which);
                return self.writing.add(&text, self.on);
            }
            Play::WaitMs(ms) => {
                let whole = wait(*ms, self.cancel);
                return Ok((!whole).then_some(Finish::Cancelled));
            }
            Play::Fail { kind, what, hint } => {
                let failure = Failure::new(kind.unwrap_or(Kind::Model), what);
                return Err(match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                });
            }
            Play::Expect(text) => self.check_prompt(text, true)?,
            Play::Refuse(text) => self.check_prompt(text, false)?,
            Play::Thinking(text) => (self.on)(Step::Thinking(text.clone())),
            Play::ThinkingCut { tokens, why } => (self.on)(Step::ThinkingCut {
                tokens: *tokens,
                why: *why,
            }),
            Play::Prefill {
                done,
                total,
                cached,
                rate,
            } => (self.on)(Step::Prefill {
                done: *done,
                total: *total,
                cached: *cached,
                rate: *rate,
            }),
            Play::StartOver(why) => (self.on)(Step::StartOver(why.clone())),
        }
        Ok(None)
    }

    /// Writes a text word by word, waiting before each.
    fn stream(&mut self, text: &str, every_ms: u64) -> Result<Option<Finish>> {
        for word in text.split_inclusive(char::is_whitespace) {
            let ended = if wait(every_ms, self.cancel) {
                self.writing.add(word, self.on)?
            } else {
                Some(Finish::Cancelled)
            };
            if ended.is_some() {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    /// Checks that the prompt holds a text, where that is `wanted`, and else that it does not.
    fn check_prompt(&self, text: &str, wanted: bool) -> Result<()> {
        let prompt = echoed(self.messages, Echo::All);
        if prompt.contains(text) == wanted {
            return Ok(());
        }
        let what = if wanted {
            format!("the script expects {text:?} in the prompt")
        } else {
            format!("the script does not want {text:?} in the prompt")
        };
        Err(Failure::model(what).because(format!("it is {prompt:?}")))
    }
}

/// Waits; `false` when cancelled on the way.
fn wait(ms: u64, cancel: &Cancel) -> bool {
    let end = Instant::now() + Duration::from_millis(ms);
    loop {
        if cancel.is_cancelled() {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        sleep(left.min(SLICE));
    }
}
