//! The patch job: a request, excerpts, edit blocks, and a change that is planned in memory.
//!
//! Only edits that can be used are written at all; what fails is one without end, or one whose
//! file was changed meanwhile. It is said with its reason, and where no edit is left the model is
//! asked again.

use super::prompt::{PatchValues, RetryValues, fence_for};
use super::texts::{RepoTexts, SeenTexts};
use super::translate::search_words;
use super::worse::worse;
use super::{Answer, Context, Event, JobCx, Patch, ask::Parts, edits, talk};
use crate::base::text::{human_count, printable, truncated};
use crate::base::{Failure, RepoPath, Result};
use crate::context::{Mention, Wanted, mentions, pack::pack, pick};
use crate::engine::{Finish, Generate, Generated, Message, Role, Sampling};
use crate::grammar::FormGrammar;
use crate::patch::{Change, Edit, EditGrammar, EditKind, EditLanguage, Scope, Texts};

/// Most tokens of an answer, where the user sets no limit.
const ANSWER: usize = 2048;
/// Tokens the template and the words around excerpts and request take.
const AROUND: usize = 420;
/// Troubles that the model is told for its second try.
const TOLD: usize = 6;
/// How often the model is asked, at most: within the grammar what fails is an edit without end.
const ATTEMPTS: usize = 4;
/// How hot the later attempts within the grammar are: what is likeliest goes in circles, and great
/// heat finds no end either.
const CALM: f32 = 0.7;
/// Bytes of an answer without a usable edit that the model is shown again.
const SAID: usize = 800;
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
    let words = search_words(&request.request, &messages, cx, emit)?;
    let held = cx.engine.count_before(&messages)?;
    let window = cx.engine.facts().context;
    let reserve = reserve(cx.settings.max_tokens, window);
    let parts = Parts::of(cx);
    let budget = talk::budget(cx.settings, window, held + reserve, cx.engine.rates());
    let rewrites = cx.engine.facts().rewrites;
    let (mut context, sent, notes) =
        compose(request, &words, &parts, held, window, budget, rewrites)?;
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
    let texts = RepoTexts::new(cx.repo, &request.files, &cx.settings.exclude);
    let files = edits::files(&texts, cx.index, &context, &request.files);
    let seen = SeenTexts::new(&texts, &files);
    let mut outcome: Option<Outcome> = None;
    let mut stopped = false;
    let asked = messages;
    let mut messages = asked.clone();
    // Set once an answer was empty: then it is asked for without thinking and drawn otherwise.
    let mut silent = false;
    for attempt in 1..=ATTEMPTS {
        let can = outcome.as_ref().is_some_and(|kept| !kept.change.is_empty());
        let most = lines(attempt, can);
        let language = EditLanguage::new(Scope {
            files: files.clone(),
            texts: &texts,
            only: request.files.clone(),
            kinds: edits::kinds(request, &context, rewrites),
            limit: limit(cx),
            lines: Some(most).filter(|most| *most > 0),
            // A small model that may say no does so for no reason.
            must_edit: rewrites || attempt > 1,
        });
        if !language.is_useful() {
            return Err(nothing_to_change(request, &texts));
        }
        let mut grammar = FormGrammar::new(language, limit(cx));
        let mut sampling = calmer(&cx.settings.sampling, attempt);
        if silent {
            sampling = talk::reseeded(&sampling);
        }
        let thinking = cx.settings.thinking && !silent;
        let generated = generate(&messages, thinking, sampling, &mut grammar, cx, emit)?;
        stopped = generated.finish == Finish::Cancelled;
        if talk::is_empty(&generated) && !can {
            if silent || attempt == ATTEMPTS {
                return Err(talk::no_answer(&generated, thinking, window));
            }
            silent = true;
            emit(Event::Note {
                text: talk::asked_once_more(&generated, thinking),
            });
            messages.clone_from(&asked);
            continue;
        }
        let this = read(&generated, &grammar, &seen);
        let kept = match outcome.take() {
            Some(before) if !this.is_better_than(&before) => before,
            _ => this,
        };
        let kept = outcome.insert(kept);
        let can = !kept.change.is_empty();
        let last = attempt == ATTEMPTS;
        // What applies and leaves something worse goes back once.
        let again = !can || attempt == 1 && !kept.worse.is_empty();
        if last || stopped || !again {
            break;
        }
        let troubles = if can { &kept.worse } else { &kept.troubles };
        let mut told: Vec<String> = troubles
            .iter()
            .take(TOLD)
            .map(|trouble| truncated(trouble, 1200).to_owned())
            .collect();
        if told.is_empty() {
            told.push("there is no edit in it".to_owned());
        }
        // What went on without end is no example to go on from.
        let said = if can { usize::MAX } else { SAID };
        messages.clone_from(&asked);
        messages.push(Message {
            role: Role::Assistant,
            content: truncated(&generated.text, said).to_owned(),
        });
        messages.push(Message {
            role: Role::User,
            content: cx.prompts.retry(&RetryValues {
                troubles: &told,
                lines: lines(attempt + 1, can),
                worse: can,
            })?,
        });
        if cx.engine.count_messages(&messages)? + reserve.min(256) > window {
            if can {
                break;
            }
            messages.clone_from(&asked);
        }
        let reason = told.first().map_or("", String::as_str);
        let what = if can {
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
    let mut outcome = outcome.unwrap_or_default();
    let worse = std::mem::take(&mut outcome.worse);
    let stays = worse.into_iter().map(|what| format!("beware: {what}"));
    outcome.notes.extend(stays);
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

/// Chooses the excerpts and renders the user's message; `words` are searched with besides. Gives
/// also what should be said.
pub(super) fn compose(
    request: &Patch,
    words: &str,
    parts: &Parts<'_>,
    held: usize,
    window: usize,
    budget: usize,
    rewrites: bool,
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
        query: format!("{} {remark} {words}", request.request)
            .trim_end()
            .to_owned(),
        mentions: named,
        pinned: request.pinned.clone(),
        near: Vec::new(),
        dropped: request.dropped.clone(),
        shown: std::collections::BTreeSet::new(),
        first_id: 1,
        whole: true,
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
        rewrites,
        whole: edits::kinds(request, &context, rewrites).contains(&EditKind::Create),
        refused: refused.trim_end(),
        refused_fence: &fence_for(refused),
        remark,
    })?;
    Ok((context, sent, notes))
}

/// Tokens of an answer.
fn limit(cx: &JobCx<'_>) -> usize {
    match cx.settings.max_tokens {
        0 => ANSWER,
        most => most,
    }
}

/// Why no edit can be written, before a model tries.
fn nothing_to_change(request: &Patch, texts: &RepoTexts<'_>) -> Failure {
    let failure = Failure::input("there is no file that may be changed");
    let reasons = request
        .files
        .iter()
        .filter_map(|path| texts.text(path).err());
    reasons
        .fold(failure, Failure::because)
        .hint("name another file, or none: `homebody search` tells what there is")
}

/// Lines that new text may have within the grammar at an attempt; 0 for no limit. `after` says
/// whether there is already a change that can be applied.
const fn lines(attempt: usize, after: bool) -> u32 {
    match attempt {
        1 => 0,
        _ if after => 0,
        2 => 12,
        _ => 1,
    }
}

/// How tokens are drawn at an attempt.
fn calmer(asked: &Sampling, attempt: usize) -> Sampling {
    let mut sampling = asked.clone();
    if attempt > 1 {
        sampling.temperature = Some(CALM);
    }
    sampling
}

fn generate(
    messages: &[Message],
    thinking: bool,
    sampling: Sampling,
    grammar: &mut EditGrammar<'_>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    let request = Generate {
        messages: messages.to_vec(),
        sampling,
        max_tokens: limit(cx),
        stop: vec![END.to_owned()],
        thinking,
        thinking_limit: cx.settings.thinking_limit,
        ..Generate::default()
    };
    talk::generate(cx, &request, Some(grammar), emit)
}

/// What an answer comes to.
#[derive(Default)]
struct Outcome {
    change: Change,
    prose: String,
    troubles: Vec<String>,
    /// What the change would leave worse.
    worse: Vec<String>,
    notes: Vec<String>,
    edits: Vec<Event>,
}

impl Outcome {
    /// Whether it is to be taken in the place of what came before.
    fn is_better_than(&self, before: &Self) -> bool {
        if self.change.is_empty() || before.change.is_empty() {
            // The first answer's reasons say more than a later one that gave up.
            return before.change.is_empty()
                && (!self.change.is_empty() || !self.troubles.is_empty());
        }
        self.worse.len() < before.worse.len()
    }
}

/// Takes the edits of an answer and plans as many of them as hold together.
fn read(generated: &Generated, grammar: &EditGrammar<'_>, texts: &dyn Texts) -> Outcome {
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
            // One by one: those that hold together with the ones before them are taken.
            for edit in edits {
                kept.push(edit);
                match Change::plan(&kept, texts) {
                    Ok(change) => outcome.change = change,
                    Err(failure) => {
                        outcome.troubles.push(reason(&failure));
                        kept.pop();
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

/// Why an edit cannot be, without the count of edits in front.
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

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
