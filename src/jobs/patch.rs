//! The patch job: a request, excerpts, edit blocks, and a change that is planned in memory.
//!
//! What the model writes is only text until it was found to apply: every edit that cannot be
//! used is said with its reason, and when none can, the model is asked once more.

use super::prompt::{PatchValues, RetryValues, fence_for};
use super::texts::RepoTexts;
use super::{Answer, Context, Event, JobCx, Patch, ask::Parts, talk};
use crate::base::text::{human_count, truncated};
use crate::base::{Failure, RepoPath, Result};
use crate::context::{Mention, Wanted, mentions, pack::pack, pick};
use crate::engine::{Finish, Generate, Generated, Message, Role};
use crate::patch::{Change, Edit, Texts, locate::locate, parse, parse_cut};

/// Most tokens of an answer, where the user sets no limit.
const ANSWER: usize = 2048;
/// Tokens the template and the words around excerpts and request take.
const AROUND: usize = 420;
/// Most edits of one answer.
const EDITS: usize = 200;
/// Troubles that the model is told for its second try.
const TOLD: usize = 6;
/// The line that ends an answer.
const END: &str = "\n*** end";

/// See [`super::run`].
pub(super) fn run(
    request: &Patch,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    cx.cancel.check()?;
    let standing = talk::system(cx, true)?;
    let system = standing.message.clone();
    let mut messages = vec![system];
    let held = cx.engine.count_messages(&messages)?;
    let window = cx.engine.facts().context;
    let reserve = reserve(cx.settings.max_tokens, window);
    let parts = Parts {
        repo: cx.repo,
        index: cx.index,
        settings: cx.settings,
        prompts: cx.prompts,
        count: &*cx.engine,
        cancel: &cx.cancel,
    };
    let budget = talk::budget(cx.settings, window, held + reserve, cx.engine.rates());
    let (mut context, sent, notes) = compose(request, &parts, held, window, budget)?;
    standing.tell(&mut context);
    context.index_complete = cx.index_complete;
    emit(Event::Context {
        version: super::event::VERSION,
        context: context.clone(),
    });
    for text in notes {
        emit(Event::Note { text });
    }
    messages.push(Message {
        role: Role::User,
        content: sent,
    });
    let tokens = cx.engine.count_messages(&messages)?;
    if tokens + 64 > window {
        return Err(talk::context_full(tokens, window));
    }
    let first = generate(messages.clone(), cx, emit)?;
    let mut stopped = first.finish == Finish::Cancelled;
    let mut outcome = read(&first, request, cx);
    if outcome.change.is_empty() && !stopped && outcome.is_worth_another_try(&first.text) {
        messages.push(Message {
            role: Role::Assistant,
            content: first.text.clone(),
        });
        let told: Vec<String> = outcome
            .troubles
            .iter()
            .take(TOLD)
            .map(|trouble| truncated(trouble, 1200).to_owned())
            .collect();
        messages.push(Message {
            role: Role::User,
            content: cx.prompts.retry(&RetryValues { troubles: &told })?,
        });
        let tokens = cx.engine.count_messages(&messages)?;
        if tokens + reserve.min(256) <= window {
            emit(Event::Note {
                text: format!(
                    "nothing of that can be applied ({}); the model is asked once more",
                    outcome.troubles.first().map_or("no reason", String::as_str)
                ),
            });
            let second = generate(messages, cx, emit)?;
            stopped = second.finish == Finish::Cancelled;
            let again = read(&second, request, cx);
            // The first answer's reasons say more than a second one that gave up.
            if !again.change.is_empty() || !again.troubles.is_empty() {
                outcome = again;
            }
        }
    }
    for text in outcome.notes {
        emit(Event::Note { text });
    }
    for edit in outcome.edits {
        emit(edit);
    }
    if outcome.change.is_empty() && !stopped {
        emit(Event::Note {
            text: "nothing could be changed".to_owned(),
        });
    }
    Ok(Answer::Patch {
        change: outcome.change,
        prose: outcome.prose,
        troubles: outcome.troubles,
        context,
        stopped,
    })
}

/// Tokens kept for the answer.
pub(super) fn reserve(asked: usize, window: usize) -> usize {
    if asked == 0 {
        ANSWER.min(window / 4)
    } else {
        asked.min(window / 2)
    }
}

/// Chooses the excerpts and renders the user's message. Gives also what should be said.
pub(super) fn compose(
    request: &Patch,
    parts: &Parts<'_>,
    held: usize,
    window: usize,
    budget: usize,
) -> Result<(Context, String, Vec<String>)> {
    let mut notes = Vec::new();
    let room = window.saturating_sub(held);
    let (piped, note) = talk::piped(request.piped.as_deref(), room / 3, parts.count);
    notes.extend(note);
    let (refused, remark) = request.again.as_ref().map_or(("", ""), |(hunk, remark)| {
        (truncated(hunk, 8000), remark.as_str())
    });
    let taken = parts.count.count(&piped)
        + parts.count.count(&request.request)
        + parts.count.count(refused)
        + AROUND
        + reserve(parts.settings.max_tokens, window);
    // The files that may be changed come first: without them nothing can be.
    let mut named: Vec<Mention> = request
        .files
        .iter()
        .map(|path| Mention {
            path: path.clone(),
            range: None,
        })
        .collect();
    for mention in mentions(&request.request) {
        if !named.contains(&mention) {
            named.push(mention);
        }
    }
    let wanted = Wanted {
        query: format!("{} {remark}", request.request),
        mentions: named,
        pinned: request.pinned.clone(),
        near: Vec::new(),
        dropped: request.dropped.clone(),
        shown: std::collections::BTreeSet::new(),
        first_id: 1,
        budget: budget.min(room.saturating_sub(taken)),
        most: 0,
    };
    let mut context = pick(&wanted, parts.repo, parts.index, parts.count)?;
    context.budget = budget;
    if context.excerpts.is_empty() {
        notes.push(format!(
            "nothing was found for this request in {} files; name a file with @path",
            human_count(parts.index.stats().files as u64)
        ));
    }
    let files: Vec<String> = request.files.iter().map(RepoPath::to_string).collect();
    let sent = parts.prompts.patch(&PatchValues {
        request: &request.request,
        excerpts: &pack(&context.excerpts),
        piped: &piped,
        fence: &fence_for(&piped),
        files: &files.join(", "),
        refused: refused.trim_end(),
        refused_fence: &fence_for(refused),
        remark,
    })?;
    Ok((context, sent, notes))
}

fn generate(
    messages: Vec<Message>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    let request = Generate {
        messages,
        sampling: cx.settings.sampling.clone(),
        max_tokens: match cx.settings.max_tokens {
            0 => ANSWER,
            most => most,
        },
        stop: vec![END.to_owned()],
        thinking: cx.settings.thinking,
        thinking_limit: cx.settings.thinking_limit,
        ..Generate::default()
    };
    talk::generate(cx, &request, emit)
}

/// What an answer comes to.
#[derive(Default)]
struct Outcome {
    change: Change,
    prose: String,
    troubles: Vec<String>,
    notes: Vec<String>,
    edits: Vec<Event>,
}

impl Outcome {
    /// Blocks that could not be used, or code with no place to go; not a plain "no".
    fn is_worth_another_try(&self, answer: &str) -> bool {
        !self.troubles.is_empty() || answer.contains("```")
    }
}

/// Reads an answer and plans as much of it as holds together.
fn read(generated: &Generated, request: &Patch, cx: &JobCx<'_>) -> Outcome {
    let parsed = match generated.finish {
        Finish::Stop => parse(&generated.text),
        Finish::Length | Finish::Repeated | Finish::Cancelled => parse_cut(&generated.text),
    };
    let texts = RepoTexts::new(cx.repo, &request.files, &cx.settings.exclude);
    let mut outcome = Outcome {
        prose: parsed.prose,
        troubles: parsed.troubles,
        ..Outcome::default()
    };
    if generated.finish == Finish::Repeated {
        outcome
            .notes
            .push("the answer was ended because it only repeated itself".to_owned());
    }
    if generated.finish == Finish::Length {
        outcome.notes.push(format!(
            "the answer ends after {} tokens; a block may be missing",
            human_count(generated.usage.generated_tokens as u64)
        ));
    }
    let mut edits = parsed.edits;
    if edits.len() > EDITS {
        outcome.troubles.push(format!(
            "the answer has {} edits; only the first {EDITS} are looked at",
            edits.len()
        ));
        edits.truncate(EDITS);
    }
    let mut kept: Vec<Edit> = Vec::new();
    match Change::plan_noted(&edits, &texts) {
        Ok((change, notes)) => {
            outcome.change = change;
            outcome.notes.extend(notes);
            kept = edits;
        }
        Err(_) => {
            // One by one: those that hold together with the ones before them are taken.
            for edit in edits {
                kept.push(edit);
                match Change::plan_noted(&kept, &texts) {
                    Ok((change, _)) => outcome.change = change,
                    Err(failure) => {
                        outcome.troubles.push(reason(&failure));
                        kept.pop();
                    }
                }
            }
            if let Ok((_, notes)) = Change::plan_noted(&kept, &texts) {
                outcome.notes.extend(notes);
            }
        }
    }
    if outcome.change.is_empty() && !kept.is_empty() {
        outcome
            .troubles
            .push("the new lines are the same as the old ones".to_owned());
        kept.clear();
    }
    outcome.edits = kept.iter().map(|edit| event(edit, &texts)).collect();
    outcome
}

/// Why an edit cannot be, without the count of edits in front.
fn reason(failure: &Failure) -> String {
    match failure.causes() {
        [] => failure.what().to_owned(),
        causes => causes.join("; "),
    }
}

/// An edit as an event, with the lines it concerns.
fn event(edit: &Edit, texts: &RepoTexts<'_>) -> Event {
    let (start, end) = match edit {
        Edit::Rewrite { range, .. } => (range.start, range.end),
        Edit::Replace { path, old, .. } => texts
            .text(path)
            .ok()
            .and_then(|text| {
                let bytes = locate(&text, old).ok()?;
                let lines = |part: &str| part.lines().count() as u32;
                let before = lines(text.get(..bytes.start)?);
                Some((before + 1, before + lines(text.get(bytes)?).max(1)))
            })
            .unwrap_or((0, 0)),
        Edit::Create { .. } | Edit::Delete { .. } | Edit::Rename { .. } => (0, 0),
    };
    Event::Edit {
        path: edit.path().clone(),
        form: edit.form(),
        start,
        end,
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
