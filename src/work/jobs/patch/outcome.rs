//! The outcome of one answer: those of its edits that can be used.

use super::super::Event;
use super::regressions::worse;
use crate::base::text::{human_count, printable, truncated};
use crate::engine::{Finish, Generated};
use crate::patch::{Change, Edit, EditAnswer as _, EditGrammar, Refused, Texts};

/// Most troubles that the model is told for its next try.
const TOLD: usize = 6;

/// The outcome of an answer: the edits of it that can be used, and why others cannot.
#[derive(Default)]
pub(super) struct Outcome {
    pub change: Change,
    /// The words around the edits.
    pub prose: String,
    /// The edits that cannot be used, each with the reason, for the model.
    pub troubles: Vec<String>,
    /// The same for people.
    pub left_out: Vec<String>,
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

    /// The first of some reasons.
    fn first(reasons: &[String]) -> &str {
        let reason = reasons.first();
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
        let told = std::iter::once(Self::first(self.reasons())).chain(others);
        told.map(str::to_owned).collect()
    }

    /// Says why the model is asked again.
    pub fn tell_retry(&self, emit: &mut dyn FnMut(Event)) {
        let (what, reasons) = if self.applies() {
            ("that would leave the code worse", &self.worse)
        } else {
            ("nothing of that can be applied", &self.left_out)
        };
        let reason = Self::first(reasons);
        emit(Event::Note {
            text: format!("{what} ({reason}); the model is asked again"),
        });
        // What comes now is another answer.
        emit(Event::Token {
            text: "\n\n".to_owned(),
        });
    }

    /// Takes in that the edit of a head was cut off.
    fn cut_off(&mut self, head: &str, number: usize) {
        let head = printable(truncated(head, 200)).into_owned();
        // The place stands behind the signs and the kind; the answer may end before it.
        let place = head
            .splitn(3, ' ')
            .nth(2)
            .map(str::trim)
            .unwrap_or_default();
        let change = match place {
            "" => "a change".to_owned(),
            place => format!("the change to {place}"),
        };
        self.left_out.push(format!(
            "{change} is left out: the answer was cut off there"
        ));
        self.troubles.push(format!(
            "edit {number} ({head}): the answer was cut off there, and the edit is dropped"
        ));
    }

    /// Takes in that edits do not hold together with those before them.
    fn refuse(&mut self, refused: &[Refused], edits: &[Edit], numbers: &[usize]) {
        let (mut told, mut left_out) = (Vec::new(), Vec::new());
        for one in refused {
            let place = edits.get(one.at).zip(numbers.get(one.at));
            let (edit, number) = match place {
                Some((edit, number)) => (edit, *number),
                None => continue,
            };
            told.push(one.told(number, edit));
            left_out.push(one.left_out(edit));
        }
        self.troubles.push(told.join("; "));
        self.left_out.append(&mut left_out);
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
    let mut outcome = Outcome {
        prose: grammar.words(),
        ..Outcome::default()
    };
    if let Some(head) = grammar.begun() {
        outcome.cut_off(&head, edits.len() + 1);
    }
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
                    Err(refused) => {
                        outcome.refuse(&refused, &kept, &numbers);
                        kept.pop();
                        numbers.pop();
                    }
                }
            }
        }
    }
    if outcome.change.is_empty() && !kept.is_empty() {
        let same = "the new lines are the same as the old ones";
        outcome.troubles.push(same.to_owned());
        outcome.left_out.push(format!("nothing is changed: {same}"));
        kept.clear();
    }
    outcome.worse = worse(&outcome.change);
    outcome.edits = kept.iter().map(event).collect();
    outcome
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
