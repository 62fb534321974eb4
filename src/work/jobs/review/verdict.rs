//! The second look: each finding is put to the model once more, alone, with its evidence.

use super::super::prompt::{VerdictValues, fence_for};
use super::super::{Finding, JobCx, Prompts, model_calls};
use crate::base::Result;
use crate::context::changes::DiffPiece;
use crate::context::pack::pack;
use crate::engine::{Generate, Generated, Message, Role, Sampling};
use crate::grammar::{Answer, Form, FormGrammar, Part, Said, Value};

/// Tokens of a verdict.
const ANSWER: usize = 120;
/// Bytes of the line before the verdict.
const SHOWN: usize = 240;
const STANDS: &str = "Verdict: stands";
const UNSURE: &str = "Verdict: unsure";
const FALLS: &str = "Verdict: falls";

/// The outcome of a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The finding holds.
    Stands,
    /// The finding may hold.
    Unsure,
    /// The finding does not hold.
    Falls,
}

/// The verdicts, in the order of their words.
const VERDICTS: [(&str, Verdict); 3] = [
    (STANDS, Verdict::Stands),
    (UNSURE, Verdict::Unsure),
    (FALLS, Verdict::Falls),
];

/// A place in the text of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::jobs) enum VerdictAt {
    /// In the line before the verdict.
    Reason,
    /// In the verdict.
    Word,
    /// Behind the verdict.
    End,
}

/// The form of a verdict: a line that says what shows it, and one of three words.
pub(in crate::jobs) struct VerdictForm;

impl Form for VerdictForm {
    type At = VerdictAt;

    fn start(&self) -> VerdictAt {
        VerdictAt::Reason
    }

    fn part(&self, at: &VerdictAt, _: &Answer<'_, VerdictAt>) -> Part {
        match at {
            VerdictAt::Reason => Part::Line { most: SHOWN },
            VerdictAt::Word => Part::one_of(VERDICTS.map(|(text, _)| text.into())),
            VerdictAt::End => Part::end(),
        }
    }

    fn after(&self, at: &VerdictAt, _: Value) -> VerdictAt {
        match at {
            VerdictAt::Reason => VerdictAt::Word,
            VerdictAt::Word | VerdictAt::End => VerdictAt::End,
        }
    }
}

/// The user's message about a finding of a piece.
///
/// # Errors
/// Those of templates.
pub(super) fn message(piece: &DiffPiece, finding: &Finding, prompts: &Prompts) -> Result<Message> {
    let content = prompts.verdict(&VerdictValues {
        diff: piece.text.trim_end(),
        around: pack(&piece.around).trim_end(),
        fence: &fence_for(&piece.text),
        place: &finding.place(),
        severity: finding.severity.word(),
        category: &finding.category,
        title: &finding.title,
        quote: &finding.quote,
        reason: &finding.reason,
    })?;
    Ok(Message {
        role: Role::User,
        content,
    })
}

/// Has a finding looked at again. Gives the verdict, if one was come to, and the answer for its
/// figures.
///
/// # Errors
/// Those of [`crate::engine::Engine::generate`].
pub(super) fn look(
    piece: &DiffPiece,
    finding: &Finding,
    system: &Message,
    cx: &mut JobCx<'_>,
) -> Result<(Option<Verdict>, Generated)> {
    let messages = vec![system.clone(), message(piece, finding, cx.prompts)?];
    let tokens = cx.engine.count_messages(&messages)?;
    let window = cx.engine.facts().context;
    if tokens + ANSWER > window {
        return Err(model_calls::context_full(tokens, window));
    }
    let request = Generate {
        next: messages.clone(),
        messages,
        // What it thinks likeliest, and not what chance brings.
        sampling: Sampling {
            temperature: Some(0.0),
            ..cx.settings.sampling.clone()
        },
        max_tokens: ANSWER,
        thinking: false,
        ..Generate::default()
    };
    let mut grammar = FormGrammar::new(VerdictForm, ANSWER);
    let done = cx
        .engine
        .generate(&request, Some(&mut grammar), &cx.cancel, &mut |_| {})?;
    Ok((of(grammar.answer().said), done))
}

/// The verdict that was come to, if one was.
fn of(said: &[Said<VerdictAt>]) -> Option<Verdict> {
    let word = said.iter().find(|said| said.at == VerdictAt::Word)?;
    let Value::Chosen(number) = word.value else {
        return None;
    };
    Some(VERDICTS.get(number as usize)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar as _;

    #[test]
    fn the_form_takes_a_line_and_a_verdict() {
        let read = |text: &str| {
            let mut grammar = FormGrammar::new(VerdictForm, 100);
            let all = text.bytes().all(|byte| grammar.push(byte)) && grammar.may_end();
            (all, of(grammar.answer().said))
        };
        for (text, verdict) in [
            (STANDS, Verdict::Stands),
            (UNSURE, Verdict::Unsure),
            (FALLS, Verdict::Falls),
        ] {
            let text = format!("with an empty list\n{text}");
            assert_eq!(read(&text), (true, Some(verdict)));
        }
        assert_eq!(read("Verdict: maybe"), (false, None));
        assert_eq!(read("x\nVerdict: maybe"), (false, None));
    }
}
