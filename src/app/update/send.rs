//! Requests, from what is typed to a job that runs: sending, waiting, starting.

use super::super::blocks::block::{AnswerBlock, BlockId, Body, JobKind, Sent, Tone, UserTurn};
use super::super::blocks::review_block::ReviewBlock;
use super::super::command::{Command, IoCommand};
use super::super::slash::{self, Parsed, Slash};
use super::super::state::{Composing, EngineState, Queued, RunningJob, State};
use super::counting;
use crate::jobs::{Ask, Patch, Request, ReviewOf};
use crate::repo::DiffSpec;

/// Most requests that wait at a time.
const MOST_WAITING: usize = 8;

/// Does Enter in the composer.
pub(super) fn send(state: &mut State, out: &mut Vec<Command>) {
    state.completion = None;
    if let Composing::Remark { block, hunk } = state.composing {
        if is_full(state) {
            return;
        }
        let remark = super::patching::end_remark(state);
        super::patching::ask_again(state, block, hunk, remark.trim(), out);
        return;
    }
    if state.composer.text().trim().is_empty() {
        empty_enter(state);
        return;
    }
    let text = state.composer.whole().trim().to_owned();
    if let Parsed::Unknown(name, near) = slash::parse(&text) {
        // The text stays: a slip is mended, not typed again.
        let hint = near.map_or_else(
            || "/help lists the commands".to_owned(),
            |near| format!("did you mean /{near}?"),
        );
        state.toast(Tone::Warning, format!("/{name} is no command; {hint}"));
        return;
    }
    let is_sent = !matches!(
        slash::parse(&text),
        Parsed::Command(slash, _) if !matches!(slash, Slash::Ask | Slash::Patch)
    );
    if let Some(failure) = counting::is_too_long(state).filter(|_| is_sent) {
        return counting::refuse(state, failure);
    }
    if let Composing::Again { block } = state.composing {
        if is_request(&text) && !super::back::part_before(state, block, out) {
            return;
        }
        state.composing = Composing::Request;
    }
    state.sending = state.composer.pasted();
    state.composer.take();
    if state.history.add(&text) && state.keeps() {
        out.push(Command::Io(IoCommand::SaveHistory(text.clone())));
    }
    let draft = std::mem::take(&mut state.draft);
    dispatch(state, &text, out);
    state.sending.clear();
    // A question that was half typed waited until an earlier one was sent again.
    if !draft.is_empty() && state.composer.is_empty() {
        state.composer.set(&draft);
    }
}

/// Does what a line says: runs a command, or asks.
pub(super) fn dispatch(state: &mut State, text: &str, out: &mut Vec<Command>) {
    match slash::parse(text) {
        Parsed::Command(slash, argument) => super::slash::run(state, slash, argument, text, out),
        Parsed::Plain(_) | Parsed::Unknown(..) => ask(state, text, out),
    }
}

/// Tells whether a line is a request to the model, which stands in the transcript.
fn is_request(text: &str) -> bool {
    use Slash::{Ask, Continue, Message, Patch, Review};
    match slash::parse(text) {
        Parsed::Command(slash, argument) => match slash {
            Ask | Patch => !argument.is_empty(),
            Continue | Review | Message => true,
            _ => false,
        },
        Parsed::Plain(_) => true,
        Parsed::Unknown(..) => false,
    }
}

/// Does Enter where nothing is typed: opens the thinking that runs, else explains the seal where it
/// is not on.
fn empty_enter(state: &mut State) {
    if let Some(job) = &state.job {
        let block = job.block;
        if let Some(Body::Answer(answer)) = state.body_mut(block)
            && answer.thinking.is_some()
        {
            answer.thinking.open = !answer.thinking.open;
        }
    } else if matches!(state.options.sealed, crate::base::seal::Sealed::No(_))
        && state.overlay.is_none()
    {
        super::stop::explain_seal(state);
    }
}

/// Asks a question.
pub(super) fn ask(state: &mut State, text: &str, out: &mut Vec<Command>) {
    submit(
        state,
        Request::Ask(Ask {
            question: text.to_owned(),
            ..Ask::default()
        }),
        text,
        out,
    );
}

/// Asks for the rest of the last answer.
pub(super) fn go_on(state: &mut State, out: &mut Vec<Command>) {
    submit(
        state,
        Request::Ask(Ask {
            go_on: true,
            ..Ask::default()
        }),
        "/continue",
        out,
    );
}

/// Asks for a change; `shown` is its text in the transcript.
pub(super) fn patch(state: &mut State, text: &str, shown: &str, out: &mut Vec<Command>) {
    submit(
        state,
        Request::Patch(Patch {
            request: text.to_owned(),
            ..Patch::default()
        }),
        shown,
        out,
    );
}

/// The words that ask the same as a request whose text is none that was typed.
fn asks(request: &Request, text: &str) -> Option<String> {
    match request {
        // Another version of a hunk means nothing without its patch.
        Request::Patch(patch) if patch.again.is_none() => {
            let typed = matches!(slash::parse(text), Parsed::Command(..));
            (!typed).then(|| format!("/patch {}", patch.request))
        }
        _ => None,
    }
}

/// Returns the kind of job of a request.
pub(super) const fn kind(request: &Request) -> JobKind {
    match request {
        Request::Ask(_) => JobKind::Ask,
        Request::Patch(_) => JobKind::Patch,
        Request::Review(_) => JobKind::Review,
        Request::Message | Request::MessageOf(_) => JobKind::Message,
    }
}

/// Tells whether no more requests can wait; says so to the person.
fn is_full(state: &mut State) -> bool {
    let full = state.queue.len() >= MOST_WAITING;
    if full {
        state.toast(
            Tone::Warning,
            format!("{MOST_WAITING} requests wait already; Esc takes them back"),
        );
    }
    full
}

/// Puts a request that was not sent into an empty composer, so that Enter sends the same again.
pub(super) fn put_back(state: &mut State, request: &Request, shown: &str) {
    if !state.composer.is_empty() || state.composing != Composing::Request {
        return;
    }
    let text = match request {
        Request::Ask(ask) if ask.go_on => shown.to_owned(),
        Request::Ask(ask) if matches!(slash::parse(&ask.question), Parsed::Plain(_)) => {
            ask.question.clone()
        }
        Request::Ask(ask) => format!("/ask {}", ask.question),
        // A remark means nothing without the hunk it is on.
        Request::Patch(patch) if patch.again.is_some() => return,
        Request::Patch(patch) => format!("/patch {}", patch.request),
        // It means nothing without the patch that it is for.
        Request::MessageOf(_) => return,
        Request::Review(_) | Request::Message => shown.to_owned(),
    };
    state.composer.set(&text);
}

/// Sends a request, or has it wait for the model or the job before it, aloud.
pub(super) fn submit(state: &mut State, mut request: Request, text: &str, out: &mut Vec<Command>) {
    match &mut request {
        Request::Ask(ask) => ask.reseed = state.branches.reseed,
        Request::Patch(patch) => patch.reseed = state.branches.reseed,
        _ => {}
    }
    if is_full(state) {
        put_back(state, &request, text);
        return;
    }
    // The first request takes the place of the welcome.
    if let [only] = state.blocks.as_slice()
        && matches!(only.body, Body::Welcome)
    {
        state.blocks.clear();
    }
    let ready = matches!(state.engine, EngineState::Ready(_));
    let sent = if !ready {
        Sent::WaitsForModel
    } else if state.job.is_some() || !state.queue.is_empty() {
        Sent::WaitsForJob
    } else {
        Sent::Yes
    };
    let block = state.push(Body::User(UserTurn {
        text: text.to_owned(),
        job: kind(&request),
        sent,
        pastes: counting::places(text, &state.sending),
        open: false,
        before: None,
        reseed: state.branches.reseed,
        asks: asks(&request, text),
    }));
    state.queue.push_back(Queued {
        block,
        request,
        text: text.to_owned(),
    });
    state.cursor = None;
    super::scroll::to_bottom(state);
    match &state.engine {
        // The model being fetched is loaded next, and this is sent to it.
        EngineState::Missing if state.pulling.is_some() => {}
        EngineState::Missing => super::models::open_models(state, true, out),
        EngineState::Failed { name } => {
            let what = format!("`{name}` is not loaded; choose a model and this is sent");
            state.toast(Tone::Warning, what);
            super::models::open_models(state, false, out);
        }
        _ => {}
    }
    advance(state, out);
}

/// Starts the next request in the queue, unless a job runs or no model is loaded.
pub(super) fn advance(state: &mut State, out: &mut Vec<Command>) {
    let ready = matches!(state.engine, EngineState::Ready(_));
    if state.job.is_some() || !ready {
        relabel(state, ready);
        return;
    }
    let Some(queued) = state.queue.pop_front() else {
        return;
    };
    let before = state.turns.len();
    if let Some(Body::User(turn)) = state.body_mut(queued.block) {
        (turn.sent, turn.before) = (Sent::Yes, Some(before));
    }
    // A person's words and the answer belong together, also when something came between.
    bring_down(state, queued.block);
    let mut request = queued.request;
    fill_in(state, &mut request);
    let kind = kind(&request);
    let now = state.now;
    let block = state.push(match &request {
        Request::Review(review) => Body::Review(Box::new(ReviewBlock::new(
            review.diff.clone(),
            label(&review.diff),
            now,
        ))),
        _ => Body::Answer(Box::new(AnswerBlock::new(kind, now))),
    });
    let generation = state.next_generation();
    state.job = Some(RunningJob {
        generation,
        kind,
        block,
        request: request_words(&request, &queued.text),
        commits: matches!(request, Request::MessageOf(_)),
        stopping: false,
    });
    state.preview = None;
    relabel(state, ready);
    out.push(Command::StartJob {
        generation,
        request: Box::new(request),
    });
}

/// Returns the words of a request without the command before them.
fn request_words(request: &Request, shown: &str) -> String {
    match request {
        Request::Ask(ask) => ask.question.clone(),
        Request::Patch(patch) => patch.request.clone(),
        Request::Review(_) | Request::Message | Request::MessageOf(_) => shown.to_owned(),
    }
}

/// Moves a request that waited down to where its answer will begin. Its block gets a new
/// id, since blocks stand in the order of their ids.
fn bring_down(state: &mut State, user: BlockId) {
    let Some(at) = state.index_of(user) else {
        return;
    };
    if at + 1 == state.blocks.len() {
        return;
    }
    let moved = state.blocks.remove(at);
    state.push(moved.body);
}

/// Marks all requests in the queue with what they wait for.
pub(super) fn relabel(state: &mut State, ready: bool) {
    let waits: Vec<_> = state.queue.iter().map(|queued| queued.block).collect();
    let sent = if ready {
        Sent::WaitsForJob
    } else {
        Sent::WaitsForModel
    };
    for id in waits {
        let differs = matches!(
            state.block(id).map(|block| &block.body),
            Some(Body::User(turn)) if turn.sent != sent
        );
        if differs && let Some(Body::User(turn)) = state.body_mut(id) {
            turn.sent = sent;
        }
    }
}

/// Adds the conversation, pins and drops to a request, as they are when it is sent.
pub(super) fn fill_in(state: &mut State, request: &mut Request) {
    let mut pinned = state.pins.clone();
    match request {
        Request::Ask(ask) => {
            pinned.append(&mut state.added);
            ask.pinned = pinned;
            ask.dropped.clone_from(&state.drops);
            ask.within.clone_from(&state.within);
            ask.history.clone_from(&state.turns);
            ask.fold.clone_from(&state.fold);
        }
        Request::Patch(patch) => {
            pinned.append(&mut state.added);
            patch.pinned = pinned;
            patch.dropped.clone_from(&state.drops);
            patch.within.clone_from(&state.within);
        }
        Request::Review(_) | Request::Message | Request::MessageOf(_) => {}
    }
}

/// Names the diff of a review, for people.
pub(super) fn label(of: &ReviewOf) -> String {
    match of {
        ReviewOf::Repo(DiffSpec::Staged) => "what is staged".to_owned(),
        ReviewOf::Repo(DiffSpec::Unstaged) => "what is not staged".to_owned(),
        ReviewOf::Repo(DiffSpec::Commit(rev)) => format!("commit {rev}"),
        ReviewOf::Repo(DiffSpec::Range(range)) => range.clone(),
        ReviewOf::Repo(DiffSpec::Base(base)) => format!("everything since {base}"),
        ReviewOf::Given(_) => "a diff".to_owned(),
    }
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
