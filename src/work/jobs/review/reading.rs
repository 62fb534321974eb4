//! One piece of a diff: read once, and each finding looked at again.

use super::super::{Event, Finding, JobCx, Severity, model_calls};
use super::finding_form::FindingForm;
use super::memory::{Known, Memory};
use super::tally::Tally;
use super::verdict::{self, Verdict};
use super::{ANSWER, fixes, message};
use crate::base::{Failure, Result};
use crate::context::changes::DiffPiece;
use crate::engine::{Finish, Generate, Generated, Message, Step};
use crate::grammar::FormGrammar;
use crate::repo::{Diff, DiffKind};

/// Has one piece read, and each finding looked at again. Gives the findings that stand, and true
/// if the reading came to the end.
pub(super) fn read(
    piece: &DiffPiece,
    diff: &Diff,
    system: &Message,
    memory: &Memory,
    tally: &mut Tally,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<(Vec<Finding>, bool)> {
    let request = asked(piece, system, cx)?;
    let key = Memory::key(&request, cx.engine.facts());
    if let Some(known) = memory.get(&key) {
        tally.remembered += 1;
        tally.saved += known.tokens;
        tally.fallen += known.fallen;
        return Ok((known.findings, true));
    }
    let tokens = cx.engine.count_messages(&request.messages)?;
    let window = cx.engine.facts().context;
    if tokens + 64 > window {
        return Err(model_calls::context_full(tokens, window));
    }
    let form = FindingForm::new(piece, diff, fixes(cx.engine.facts().rewrites));
    if form.is_empty() {
        return Err(Failure::input("no line of it can be spoken of"));
    }
    let mut grammar = FormGrammar::new(form, request.max_tokens);
    let done = written(&request, &mut grammar, cx, emit)?;
    tally.add(done.usage);
    let mut found = grammar.form().findings(&grammar.answer());
    let mut whole = done.finish != Finish::Cancelled;
    let mut used = done.usage.prompt_tokens + done.usage.generated_tokens;
    let fallen = tally.fallen;
    if whole && cx.settings.second_look {
        whole = look_again(piece, system, &mut found, &mut used, tally, cx)?;
    }
    if whole {
        let known = Known {
            findings: found.clone(),
            fallen: tally.fallen - fallen,
            tokens: used,
        };
        memory.put(&key, &known);
    }
    Ok((found, whole))
}

/// The request for the findings of a piece.
fn asked(piece: &DiffPiece, system: &Message, cx: &JobCx<'_>) -> Result<Generate> {
    Ok(Generate {
        messages: vec![system.clone(), message(piece, cx.prompts)?],
        sampling: cx.settings.sampling.clone(),
        max_tokens: match cx.settings.max_tokens {
            0 => ANSWER,
            most => most,
        },
        thinking: false,
        next: second(piece, system, cx)?,
        ..Generate::default()
    })
}

/// Has the findings of a piece written. Pieces differ from each other, so a fresh start is no news;
/// and what is written is only raw material until it was looked at again: nothing but how far the
/// reading is goes to `emit`.
fn written(
    request: &Generate,
    grammar: &mut FormGrammar<FindingForm>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    cx.engine
        .generate(request, Some(grammar), &cx.cancel, &mut |step| {
            if matches!(step, Step::Prefill { .. }) {
                emit(model_calls::event_of(step));
            }
        })
}

/// The prompt of a second look, as far as it is known beforehand.
fn second(piece: &DiffPiece, system: &Message, cx: &JobCx<'_>) -> Result<Vec<Message>> {
    if !cx.settings.second_look {
        return Ok(Vec::new());
    }
    let part = piece.parts.first();
    let path = part.map(|part| part.path.clone());
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let any = Finding {
        path,
        line: 1,
        side: DiffKind::Added,
        severity: Severity::Note,
        category: String::new(),
        quote: String::new(),
        title: String::new(),
        reason: String::new(),
        verified: true,
        rule: None,
        suggestion: None,
        secret: None,
    };
    Ok(vec![
        system.clone(),
        verdict::message(piece, &any, cx.prompts)?,
    ])
}

/// Puts each finding to the model once more: what falls goes, what is unsure is a note. Returns
/// false if the model was stopped on the way.
fn look_again(
    piece: &DiffPiece,
    system: &Message,
    found: &mut Vec<Finding>,
    used: &mut usize,
    tally: &mut Tally,
    cx: &mut JobCx<'_>,
) -> Result<bool> {
    let mut kept = Vec::new();
    let mut whole = true;
    for mut finding in found.drain(..) {
        if !whole || cx.cancel.is_cancelled() {
            whole = false;
            finding.verified = false;
            kept.push(finding);
            continue;
        }
        let (verdict, done) = match verdict::look(piece, &finding, system, cx) {
            Ok(looked) => looked,
            Err(failure) if failure.is_interrupted() => return Err(failure),
            Err(failure) => {
                // It was found all the same.
                log::warn!("no second look: {failure}");
                finding.verified = false;
                kept.push(finding);
                continue;
            }
        };
        tally.add(done.usage);
        *used += done.usage.prompt_tokens - done.usage.cached_tokens + done.usage.generated_tokens;
        match verdict {
            Some(Verdict::Falls) => {
                tally.fallen += 1;
                continue;
            }
            Some(Verdict::Unsure) => finding.severity = Severity::Note,
            Some(Verdict::Stands) => {}
            None => finding.verified = false,
        }
        whole = done.finish != Finish::Cancelled;
        kept.push(finding);
    }
    *found = kept;
    Ok(whole)
}
