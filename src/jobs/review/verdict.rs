//! The second look: each finding is put to the model once more, alone, with its evidence.

use super::super::form::{Form, FormMask, Part, Said};
use super::super::prompt::{VerdictValues, fence_for};
use super::super::{Finding, JobCx, Prompts, talk};
use crate::base::Result;
use crate::context::changes::DiffPiece;
use crate::context::pack::pack;
use crate::engine::{Generate, Generated, Message, Role, Sampling};

/// Tokens of a verdict.
const ANSWER: usize = 120;
/// Bytes of the line before it.
const SHOWN: usize = 240;
const STANDS: &str = "Verdict: stands";
const UNSURE: &str = "Verdict: unsure";
const FALLS: &str = "Verdict: falls";

/// What comes of a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Stands,
    /// It may hold.
    Unsure,
    /// It does not.
    Falls,
}

/// A line that says what shows it, and one of three words.
struct Sheet;

impl Form for Sheet {
    fn next(&self, said: &[Said], _: usize) -> Part {
        match said.len() {
            0 => Part::Line { most: SHOWN },
            1 => Part::one_of([STANDS, UNSURE, FALLS].map(Vec::from)),
            _ => Part::one_of_or_end([]),
        }
    }
}

/// The user's message about a finding of a piece.
///
/// # Errors
/// As those of templates.
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

/// Has a finding looked at again. Gives the answer too, for its figures.
///
/// # Errors
/// As [`crate::engine::Engine::generate`].
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
        return Err(talk::context_full(tokens, window));
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
    let mut mask = FormMask::new(Sheet, ANSWER);
    let done = cx
        .engine
        .generate(&request, Some(&mut mask), &cx.cancel, &mut |_| {})?;
    Ok((of(mask.said()), done))
}

/// The verdict of a sheet; none where it was not come to.
fn of(said: &[Said]) -> Option<Verdict> {
    let word = said.get(1)?.text.as_slice();
    [
        (STANDS, Verdict::Stands),
        (UNSURE, Verdict::Unsure),
        (FALLS, Verdict::Falls),
    ]
    .into_iter()
    .find(|(text, _)| text.as_bytes() == word)
    .map(|(_, verdict)| verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Mask as _;

    #[test]
    fn the_mask_takes_a_line_and_a_verdict() {
        let read = |text: &str| {
            let mut mask = FormMask::new(Sheet, 100);
            let all = text.bytes().all(|byte| mask.push(byte)) && mask.may_end();
            (all, of(mask.said()))
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
