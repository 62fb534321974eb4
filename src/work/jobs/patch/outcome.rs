//! The outcome of one answer: those of its edits that can be used.

use super::super::Event;
use super::regressions::worse;
use crate::base::Failure;
use crate::base::text::{human_count, printable, truncated};
use crate::engine::{Finish, Generated};
use crate::patch::{Change, Edit, EditAnswer as _, EditGrammar, Texts};

/// Most troubles that the model is told for its next try.
const TOLD: usize = 6;

/// The outcome of an answer: the edits of it that can be used, and why others cannot.
#[derive(Default)]
pub(super) struct Outcome {
    pub change: Change,
    /// The words around the edits.
    pub prose: String,
    /// The edits that cannot be used, each with the reason.
    pub troubles: Vec<String>,
    /// Complaints about what the change would leave worse.
    pub worse: Vec<String>,
    /// Sentences for the user, about how the answer ended.
    pub notes: Vec<String>,
    /// The edits that are in the change, as events.
    pub edits: Vec<Event>,
}

impl Outcome {
    /// Tells whether there is a change that can be applied.
    pub fn applies(&self) -> bool {
        !self.change.is_empty()
    }

    /// Tells whether the outcome of an attempt goes back to the model. What applies and leaves
    /// something worse goes back once.
    pub fn goes_back(&self, attempt: usize) -> bool {
        !self.applies() || attempt == 1 && !self.worse.is_empty()
    }

    /// The reason for which the model is asked again.
    fn reason(&self) -> &str {
        let reason = self.reasons().first();
        reason.map_or("there is no edit in it", |reason| truncated(reason, 1200))
    }

    fn reasons(&self) -> &[String] {
        if self.applies() {
            &self.worse
        } else {
            &self.troubles
        }
    }

    /// The reasons that the model is told for its next try.
    pub fn told(&self) -> Vec<String> {
        let others = self.reasons().iter().take(TOLD).skip(1);
        let others = others.map(|reason| truncated(reason, 1200));
        let told = std::iter::once(self.reason()).chain(others);
        told.map(str::to_owned).collect()
    }

    /// Says why the model is asked again.
    pub fn tell_retry(&self, emit: &mut dyn FnMut(Event)) {
        let reason = self.reason();
        let what = if self.applies() {
            "that would leave the code worse"
        } else {
            "nothing of that can be applied"
        };
        emit(Event::Note {
            text: format!("{what} ({reason}); the model is asked again"),
        });
        // What comes now is another answer.
        emit(Event::Token {
            text: "\n\n".to_owned(),
        });
    }

    /// Tells whether the outcome is to be taken in the place of the one before.
    pub fn is_better_than(&self, before: &Self) -> bool {
        if !self.applies() || !before.applies() {
            // The first answer's reasons say more than a later one that gave up.
            return !before.applies() && (self.applies() || !self.troubles.is_empty());
        }
        self.worse.len() < before.worse.len()
    }
}

/// Takes the edits of an answer and plans as many of them as hold together.
pub(super) fn read(generated: &Generated, grammar: &EditGrammar<'_>, texts: &dyn Texts) -> Outcome {
    let edits: Vec<Edit> = grammar.edits().to_vec();
    let cut_off = |head: String| {
        let head = printable(truncated(&head, 200)).into_owned();
        let number = edits.len() + 1;
        format!("edit {number} ({head}): the answer was cut off there, and the edit is dropped")
    };
    let mut outcome = Outcome {
        prose: grammar.words(),
        troubles: grammar.begun().map(cut_off).into_iter().collect(),
        ..Outcome::default()
    };
    if generated.finish == Finish::Repeated {
        outcome
            .notes
            .push("the answer was ended because it only repeated itself".to_owned());
    }
    if generated.finish == Finish::Length {
        outcome.notes.push(format!(
            "the answer ends after {} tokens; a block may be missing: ask for less at once, or \
             for the rest",
            human_count(generated.usage.generated_tokens as u64)
        ));
    }
    let mut kept: Vec<Edit> = Vec::new();
    match Change::plan(&edits, texts) {
        Ok(change) => {
            outcome.change = change;
            kept = edits;
        }
        Err(_) => {
            // One by one: those that hold together with the ones before them are taken. Each keeps
            // the number that it has in the answer.
            let mut numbers = Vec::new();
            for (number, edit) in (1..).zip(edits) {
                kept.push(edit);
                numbers.push(number);
                match Change::plan_some(&kept, &numbers, texts) {
                    Ok(change) => outcome.change = change,
                    Err(failure) => {
                        outcome.troubles.push(reason(&failure));
                        kept.pop();
                        numbers.pop();
                    }
                }
            }
        }
    }
    if outcome.change.is_empty() && !kept.is_empty() {
        outcome
            .troubles
            .push("the new lines are the same as the old ones".to_owned());
        kept.clear();
    }
    outcome.worse = worse(&outcome.change);
    outcome.edits = kept.iter().map(event).collect();
    outcome
}

/// The reason why an edit cannot be, without the count of edits in front.
fn reason(failure: &Failure) -> String {
    match failure.causes() {
        [] => failure.what().to_owned(),
        causes => causes.join("; "),
    }
}

/// An edit as an event, with the lines it concerns.
fn event(edit: &Edit) -> Event {
    let (start, end) = match edit {
        Edit::Lines { range, .. } => (range.start(), range.end()),
        Edit::Create { .. } | Edit::Delete { .. } | Edit::Rename { .. } => (0, 0),
    };
    Event::Edit {
        path: edit.path().clone(),
        form: edit.kind(),
        start,
        end,
    }
}
