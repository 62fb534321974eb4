//! Parting the text of a model into thinking and answer, and ending it at a stop text.
//!
//! Tags and stop texts may come in several pieces, so text that could be the beginning of one is
//! held back until that is known.

use super::Step;
use crate::model::chat::ThinkingTags;

/// The phase of the answer that the model is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing but blanks so far: thinking may still open.
    Start,
    Thinking,
    Text,
}

/// Turns the pieces of a text into steps.
#[derive(Debug)]
pub(super) struct AnswerStream {
    phase: Phase,
    /// Text that was not told yet.
    held: String,
    tags: ThinkingTags,
    stops: Vec<String>,
    /// The answer so far.
    text: String,
    /// True while newlines at the beginning of a part are left out.
    trim: bool,
    /// True once a stop text has come; nothing after it counts.
    pub stopped: bool,
    /// True once the model has been thinking.
    pub thought: bool,
}

impl AnswerStream {
    /// Begins a stream; `thinking` says that the prompt ended inside a thought, `tags` are those
    /// around one.
    pub fn new(thinking: bool, tags: ThinkingTags, stops: &[String]) -> Self {
        Self {
            phase: if thinking {
                Phase::Thinking
            } else {
                Phase::Start
            },
            held: String::new(),
            tags,
            stops: stops
                .iter()
                .filter(|stop| !stop.is_empty())
                .cloned()
                .collect(),
            text: String::new(),
            trim: false,
            stopped: false,
            thought: thinking,
        }
    }

    /// Tells whether the model is inside a thought.
    pub fn thinks(&self) -> bool {
        self.phase == Phase::Thinking
    }

    /// Returns the answer so far, thinking left out.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the next piece of the text in.
    pub fn push(&mut self, piece: &str, on: &mut dyn FnMut(Step)) {
        self.held.push_str(piece);
        self.drain(false, on);
    }

    /// Tells the text that was held back, since nothing more comes.
    pub fn finish(&mut self, on: &mut dyn FnMut(Step)) {
        self.drain(true, on);
    }

    /// Tells the text held, but for an end that must wait for more unless this is the `last` call.
    fn drain(&mut self, last: bool, on: &mut dyn FnMut(Step)) {
        while !self.stopped && !self.held.is_empty() {
            let next_phase = match self.phase {
                Phase::Start => self.drain_start(last),
                Phase::Thinking => self.drain_thinking(last, on),
                Phase::Text => {
                    self.drain_text(last, on);
                    return;
                }
            };
            match next_phase {
                Some(phase) => self.phase = phase,
                None => return,
            }
        }
    }

    /// Looks for a thought at the beginning. Returns the part that follows; none while it is not
    /// known.
    fn drain_start(&mut self, last: bool) -> Option<Phase> {
        let begun = self.held.trim_start();
        if let Some(rest) = begun.strip_prefix(self.tags.open) {
            self.held = rest.to_owned();
            self.thought = true;
            self.trim = true;
            return Some(Phase::Thinking);
        }
        let unknown = !last && (begun.is_empty() || self.tags.open.starts_with(begun));
        (!unknown).then_some(Phase::Text)
    }

    /// Tells a thought. Returns the part that follows where the thought is closed.
    fn drain_thinking(&mut self, last: bool, on: &mut dyn FnMut(Step)) -> Option<Phase> {
        if !self.trimmed() {
            return None;
        }
        if let Some((before, after)) = self.held.split_once(self.tags.close) {
            if !before.is_empty() {
                on(Step::Thinking(before.to_owned()));
            }
            self.held = after.to_owned();
            self.trim = true;
            return Some(Phase::Text);
        }
        let keep = if last {
            0
        } else {
            could_begin(&self.held, &[self.tags.close])
        };
        let out = self.release(keep);
        if !out.is_empty() {
            on(Step::Thinking(out));
        }
        None
    }

    /// Tells the answer, up to a stop text.
    fn drain_text(&mut self, last: bool, on: &mut dyn FnMut(Step)) {
        if !self.trimmed() {
            return;
        }
        let stop = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop))
            .min();
        let keep = if let Some(at) = stop {
            self.stopped = true;
            self.held.len() - at
        } else if last {
            0
        } else {
            let stops: Vec<&str> = self.stops.iter().map(String::as_str).collect();
            could_begin(&self.held, &stops)
        };
        let out = self.release(keep);
        if !out.is_empty() {
            self.text.push_str(&out);
            on(Step::Text(out));
        }
    }

    /// Leaves out newlines at the beginning of a part: those between a thought and the answer
    /// belong to neither. False while nothing else has come.
    fn trimmed(&mut self) -> bool {
        if self.trim {
            self.held = self.held.trim_start_matches('\n').to_owned();
            self.trim = self.held.is_empty();
        }
        !self.trim
    }

    /// Takes out all but the last `keep` bytes.
    fn release(&mut self, keep: usize) -> String {
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }
}

/// Counts the bytes at the end of `text` that could be the beginning of one of `words`.
fn could_begin(text: &str, words: &[&str]) -> usize {
    words
        .iter()
        .flat_map(|word| {
            let ends = |at: &usize| word.get(..*at).is_some_and(|head| text.ends_with(head));
            word.char_indices().map(|(at, _)| at).filter(ends)
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chat::TAGS;

    fn run(pieces: &[&str], thinking: bool, stops: &[&str]) -> (String, String, bool) {
        let stops: Vec<String> = stops.iter().map(|s| (*s).to_owned()).collect();
        let mut stream = AnswerStream::new(thinking, TAGS[0], &stops);
        let (mut thought, mut said) = (String::new(), String::new());
        let mut on = |step| match step {
            Step::Thinking(text) => thought.push_str(&text),
            Step::Text(text) => said.push_str(&text),
            _ => {}
        };
        for piece in pieces {
            stream.push(piece, &mut on);
        }
        stream.finish(&mut on);
        assert_eq!(stream.text(), said);
        (thought, said, stream.stopped)
    }

    fn expect(
        pieces: &[&str],
        thinking: bool,
        stops: &[&str],
        thought: &str,
        said: &str,
        stopped: bool,
    ) {
        assert_eq!(
            run(pieces, thinking, stops),
            (thought.into(), said.into(), stopped),
            "{pieces:?}"
        );
        // However it is cut, the outcome is the same.
        let letters: Vec<String> = pieces.concat().chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(
            run(&letters, thinking, stops),
            (thought.into(), said.into(), stopped),
            "{letters:?}"
        );
    }

    #[test]
    fn plain_answers_pass() {
        expect(&["Hello ", "wörld"], false, &[], "", "Hello wörld", false);
        expect(&["a < b and <th"], false, &[], "", "a < b and <th", false);
    }

    #[test]
    fn thinking_is_parted() {
        expect(
            &["<think>\nhm</think>\n\nyes"],
            false,
            &[],
            "hm",
            "yes",
            false,
        );
        expect(&["hm", "</thi", "nk>yes"], true, &[], "hm", "yes", false);
        expect(&["never done"], true, &[], "never done", "", false);
    }

    #[test]
    fn stop_texts_end_it_and_are_left_out() {
        expect(&["one\nEN", "D two"], false, &["\nEND"], "", "one", true);
        expect(&["one\nENT"], false, &["\nEND"], "", "one\nENT", false);
    }
}
