//! The patch job: a request, excerpts, edit blocks, and a change that is planned in memory.
//!
//! Only edits that can be used are written at all; what fails is one without end, or one whose
//! file was changed meanwhile. It is said with its reason, and where no edit is left the model is
//! asked again.

pub(in crate::jobs) mod edits;
mod outcome;
mod regressions;

use self::outcome::{Outcome, read};
use super::ask::{Parts, named_in_vain, told_text};
use super::prompt::{PatchValues, RetryValues, fence_for};
use super::texts::{RepoTexts, SeenTexts};
use super::translate::search_words;
use super::{Answer, Context, Event, JobCx, Patch, model_calls};
use crate::base::text::{counted, truncated};
use crate::base::{Failure, RepoPath, Result};
use crate::context::{Mention, Wanted, pack::pack, pick, resolve};
use crate::engine::{Finish, Generate, Generated, Message, Role, Sampling};
use crate::grammar::FormGrammar;
use crate::patch::attributes::losses;
use crate::patch::{EditGrammar, EditKind, EditLanguage, Scope, ScopeFile, Texts};

/// Most tokens of an answer, where the user sets no limit.
const ANSWER: usize = 2048;
/// Tokens the template and the words around excerpts and request take.
const AROUND: usize = 420;
/// Most attempts at an answer: within the grammar what fails is an edit without end.
const ATTEMPTS: usize = 4;
/// The temperature of the later attempts within the grammar: what is likeliest goes in circles, and
/// great heat finds no end either.
const CALM: f32 = 0.7;
/// Bytes of an answer without a usable edit that the model is shown again.
const SAID: usize = 800;
/// The line that ends an answer.
const END: &str = "\n*** end";

/// Runs the job: see [`super::run`].
pub(super) fn run(
    request: &Patch,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    cx.cancel.check()?;
    let (asked, context) = prepare(request, cx, emit)?;
    let texts = RepoTexts::new(cx.repo, &request.files, &cx.settings.rules);
    let files = edits::files(&texts, cx.index, &context, &request.files);
    let attempts = Attempts {
        request,
        context: &context,
        asked: &asked,
        texts: &texts,
        files: &files,
    };
    let (outcome, stopped) = attempts.run(cx, emit)?;
    for text in losses(cx.repo.root(), &outcome.change) {
        emit(Event::Note { text });
    }
    Ok(answer(outcome, context, stopped, emit))
}

/// Composes the conversation that is put to the model, and tells what of the repository is in it.
fn prepare(
    request: &Patch,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<(Vec<Message>, Context)> {
    let standing = model_calls::system(cx, true)?;
    let mut messages = vec![standing.message.clone()];
    let words = search_words(&request.request, &messages, cx, emit)?;
    let held = cx.engine.count_before(&messages)?;
    let window = cx.engine.facts().context;
    let reserve = reserve(cx.settings.max_tokens, window);
    let parts = Parts::of(cx);
    let budget = model_calls::budget(cx.settings, window, held + reserve, cx.engine.rates());
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
        return Err(model_calls::context_full(tokens, window));
    }
    Ok((messages, context))
}

/// A request as it is put to the model, and what its edits may be made of.
struct Attempts<'a> {
    request: &'a Patch,
    context: &'a Context,
    /// The conversation that every attempt begins with.
    asked: &'a [Message],
    texts: &'a RepoTexts<'a>,
    files: &'a [ScopeFile],
}

impl Attempts<'_> {
    /// Asks until an answer can be used, or [`ATTEMPTS`] times. Gives the best outcome, and whether
    /// it was cancelled.
    fn run(&self, cx: &mut JobCx<'_>, emit: &mut dyn FnMut(Event)) -> Result<(Outcome, bool)> {
        let seen = SeenTexts::new(self.texts, self.files);
        let mut best: Option<Outcome> = None;
        let mut stopped = false;
        let mut messages = self.asked.to_vec();
        // Set once an answer was empty: then it is asked for without thinking and drawn otherwise.
        let mut silent = false;
        for attempt in 1..=ATTEMPTS {
            let can = best.as_ref().is_some_and(Outcome::applies);
            let language = self.language(attempt, can, cx)?;
            let mut grammar = FormGrammar::new(language, limit(cx));
            let mut sampling = calmer(&cx.settings.sampling, attempt);
            sampling = model_calls::asked_again(&sampling, self.request.reseed);
            if silent {
                sampling = model_calls::reseeded(&sampling);
            }
            let thinking = cx.settings.thinking && !silent;
            let generated = generate(&messages, thinking, sampling, &mut grammar, cx, emit)?;
            stopped = generated.finish == Finish::Cancelled;
            if model_calls::is_empty(&generated) && !can {
                if silent || attempt == ATTEMPTS {
                    let window = cx.engine.facts().context;
                    return Err(model_calls::no_answer(&generated, thinking, window));
                }
                silent = true;
                emit(Event::Note {
                    text: model_calls::asked_once_more(&generated, thinking),
                });
                messages = self.asked.to_vec();
                continue;
            }
            let this = read(&generated, &grammar, &seen);
            let kept = match best.take() {
                Some(before) if !this.is_better_than(&before) => before,
                _ => this,
            };
            let kept = best.insert(kept);
            if attempt == ATTEMPTS || stopped || !kept.goes_back(attempt) {
                break;
            }
            let Some(next) = self.retry(kept, &generated, attempt, cx)? else {
                break;
            };
            messages = next;
            kept.tell_retry(emit);
        }
        let best = best.ok_or_else(|| Failure::bug("no answer was asked for"))?;
        Ok((best, stopped))
    }

    /// The language of the answer to an attempt. `can` is true if there is already a change that
    /// can be applied.
    fn language(&self, attempt: usize, can: bool, cx: &JobCx<'_>) -> Result<EditLanguage<'_>> {
        let rewrites = cx.engine.facts().rewrites;
        let most = lines(attempt, can);
        let language = EditLanguage::new(Scope {
            files: self.files.to_vec(),
            texts: self.texts,
            only: self.request.files.clone(),
            kinds: edits::kinds(self.request, self.context, rewrites),
            limit: limit(cx),
            lines: Some(most).filter(|most| *most > 0),
            // A small model that may say no does so for no reason.
            must_edit: rewrites || attempt > 1,
        });
        if language.is_useful() {
            Ok(language)
        } else {
            Err(nothing_to_change(self.request, self.texts))
        }
    }

    /// The conversation for the attempt behind this one: the answer, and what is wrong with it.
    /// Where there is no room for that, the request alone is asked again; none if there is a change
    /// to fall back on.
    fn retry(
        &self,
        kept: &Outcome,
        generated: &Generated,
        attempt: usize,
        cx: &JobCx<'_>,
    ) -> Result<Option<Vec<Message>>> {
        let can = kept.applies();
        // What went on without end is no example to go on from.
        let said = if can { usize::MAX } else { SAID };
        let mut messages = self.asked.to_vec();
        messages.push(Message {
            role: Role::Assistant,
            content: truncated(&generated.text, said).to_owned(),
        });
        messages.push(Message {
            role: Role::User,
            content: cx.prompts.retry(&RetryValues {
                troubles: &kept.told(),
                lines: lines(attempt + 1, can),
                worse: can,
            })?,
        });
        let window = cx.engine.facts().context;
        let reserve = reserve(cx.settings.max_tokens, window);
        if cx.engine.count_messages(&messages)? + reserve.min(256) <= window {
            return Ok(Some(messages));
        }
        Ok((!can).then(|| self.asked.to_vec()))
    }
}

/// Tells what came of it, and makes the answer of that.
fn answer(
    mut outcome: Outcome,
    context: Context,
    stopped: bool,
    emit: &mut dyn FnMut(Event),
) -> Answer {
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
    Answer::Patch {
        change: outcome.change,
        prose: outcome.prose,
        troubles: outcome.left_out,
        context,
        stopped,
    }
}

/// Tokens kept for the answer.
pub(super) fn reserve(asked: usize, window: usize) -> usize {
    if asked == 0 {
        ANSWER.min(window / 4)
    } else {
        asked.min(window / 2)
    }
}

/// Chooses the excerpts and renders the user's message; `words` are searched with besides. `held`,
/// `window` and `budget` are tokens: of the conversation so far, of the context, of the excerpts.
/// Gives also what should be said.
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
    let (piped, note) = model_calls::piped(request.piped.as_deref(), room / 3, parts.count);
    notes.extend(note);
    let (refused, remark) = request.again.as_ref().map_or(("", ""), |(hunk, remark)| {
        (truncated(hunk, 8000), remark.as_str())
    });
    let taken = parts.count.count(&piped)
        + parts.count.count(&request.request)
        + parts.count.count(refused)
        + AROUND
        + reserve(parts.settings.max_tokens, window);
    let mut found = resolve(&request.request, parts.repo, parts.index);
    notes.append(&mut found.notes);
    let budget_of_changes = budget.min(room.saturating_sub(taken)) / 2;
    let within = &request.within;
    let (changes, left_out) =
        parts.changes(&found.changes, within, budget_of_changes, &mut notes)?;
    let told: usize = changes.iter().map(|told| told.tokens).sum();
    let budget = budget.saturating_sub(told);
    let taken = taken + told;
    let wanted = Wanted {
        query: format!("{} {remark} {words}", request.request)
            .trim_end()
            .to_owned(),
        mentions: named(request, found.mentions),
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
    context.told.splice(0..0, changes);
    context.left_out.extend(left_out);
    notes.extend(named_in_vain(&wanted, &context));
    notes.extend(why_nothing(parts, &wanted, &context)?);
    let files: Vec<String> = request.files.iter().map(RepoPath::to_string).collect();
    let sent = parts.prompts.patch(&PatchValues {
        request: &request.request,
        told: &told_text(&context.told),
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

/// The word about a context without excerpts, where there is one to say.
fn why_nothing(parts: &Parts<'_>, wanted: &Wanted, context: &Context) -> Result<Option<String>> {
    Ok(parts.why_nothing(wanted, context)?.map(|(why, nothing)| {
        if nothing {
            let files = counted(parts.index.stats().files, "file");
            format!("nothing was found for this request in {files}; name a file with @path")
        } else {
            why
        }
    }))
}

/// The files that a request names. Those that may be changed come first: without them nothing can
/// be.
fn named(request: &Patch, mentions: Vec<Mention>) -> Vec<Mention> {
    let whole = |path: &RepoPath| Mention {
        path: path.clone(),
        range: None,
    };
    let mut named: Vec<Mention> = request.files.iter().map(whole).collect();
    for mention in mentions {
        if !named.contains(&mention) {
            named.push(mention);
        }
    }
    named
}

/// Most tokens of an answer.
fn limit(cx: &JobCx<'_>) -> usize {
    match cx.settings.max_tokens {
        0 => ANSWER,
        most => most,
    }
}

/// The failure where no edit can be written, before a model tries.
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

/// Lines that new text may have within the grammar at an attempt; 0 for no limit. `after` is true
/// if there is already a change that can be applied.
const fn lines(attempt: usize, after: bool) -> u32 {
    match attempt {
        1 => 0,
        _ if after => 0,
        2 => 12,
        _ => 1,
    }
}

/// The sampling of an attempt.
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
    model_calls::generate(cx, &request, Some(grammar), emit)
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
