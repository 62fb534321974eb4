//! The second look: each finding is put to the model once more, alone, with its evidence.

use super::super::form::{Form, FormMask, Part, Said};
use super::super::prompt::{VerdictValues, fence_for};
use super::super::{Finding, JobCx, Prompts, talk};
use crate::base::{Mask, Result};
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
    let within = cx.engine.masks();
    let mask = within.then_some(&mut mask as &mut dyn Mask);
    let done = cx
        .engine
        .generate_within(&request, mask, &cx.cancel, &mut |_| {})?;
    Ok((read(&done.text), done))
}

/// The last verdict in an answer, if there is any.
fn read(answer: &str) -> Option<Verdict> {
    let mut verdict = None;
    for line in answer.lines() {
        let line = line.trim().trim_matches(['*', '`', '.']).to_lowercase();
        let Some(word) = line.strip_prefix("verdict:") else {
            continue;
        };
        verdict = Some(match word.trim() {
            word if word.starts_with("stand") => Verdict::Stands,
            word if word.starts_with("fall") => Verdict::Falls,
            _ => Verdict::Unsure,
        });
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_from_the_form_and_near_it() {
        assert_eq!(read("x = 0\nVerdict: stands"), Some(Verdict::Stands));
        assert_eq!(read("none\n**Verdict: Falls.**"), Some(Verdict::Falls));
        assert_eq!(
            read("Verdict: stands\nno\nverdict: falls"),
            Some(Verdict::Falls)
        );
        assert_eq!(read("who knows"), None);
    }

    #[test]
    fn the_mask_takes_a_line_and_a_verdict() {
        let takes = |text: &str| {
            let mut mask = FormMask::new(Sheet, 100);
            text.bytes().all(|byte| mask.push(byte)) && mask.may_end()
        };
        for verdict in [STANDS, UNSURE, FALLS] {
            assert!(takes(&format!("with an empty list\n{verdict}")));
        }
        assert!(!takes("Verdict: maybe"));
        assert!(!takes("x\nVerdict: maybe"));
    }
}
