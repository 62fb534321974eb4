//! Slash commands, carried out.

use super::super::blocks::block::{Body, Tone};
use super::super::branches::Branches;
use super::super::command::{Command, IoCommand, WriteCommand};
use super::super::log;
use super::super::overlay::{Confirm, Overlay, Picker, SessionPicker};
use super::super::slash::Slash;
use super::super::state::{EngineState, State};
use super::{
    back, committing, files, folding, models, overlay, panel, scroll, send, stop, undoing,
};
use crate::jobs::{Ask, Request, Review, ReviewOf, Severity};
use crate::repo::DiffSpec;

/// Most places a search asks for.
const TOP: usize = 50;

/// Does a command. `text` is the whole line as typed.
pub(super) fn run(
    state: &mut State,
    slash: Slash,
    argument: &str,
    text: &str,
    out: &mut Vec<Command>,
) {
    match slash {
        Slash::Ask if argument.is_empty() => needs(state, "/ask", "a question"),
        Slash::Ask => send::ask(state, argument, out),
        Slash::Continue if state.turns.is_empty() => {
            state.toast(Tone::Warning, "there is no answer to go on with".to_owned());
        }
        Slash::Continue => send::go_on(state, out),
        Slash::Patch if argument.is_empty() => needs(state, "/patch", "what to change"),
        Slash::Patch => send::patch(state, argument, text, out),
        Slash::Review => review(state, argument, text, out),
        Slash::Message => {
            if git(state, "a commit message") {
                send::submit(state, Request::Message, text, out);
            }
        }
        Slash::Stage => committing::stage_last(state, out),
        Slash::Commit => committing::begin_last(state, out),
        Slash::Undo => undoing::undo(state, out),
        Slash::Context => context(state, argument, out),
        Slash::Add | Slash::Drop | Slash::Pin => files::take(state, slash, argument),
        Slash::Unpin | Slash::Undrop => files::forget(state, slash, argument),
        Slash::In => files::narrow(state, argument),
        Slash::Search if argument.is_empty() => needs(state, "/search", "words to look for"),
        Slash::Search => search(state, argument, out),
        Slash::Model if argument.is_empty() => models::open_models(state, false, out),
        Slash::Model => models::take_model(state, argument, out),
        Slash::Models => models::open_models(state, false, out),
        Slash::Theme => theme(state, argument, out),
        Slash::Settings => super::settings::open(state, out),
        Slash::New => new(state, false, out),
        Slash::Private => new(state, true, out),
        Slash::Back => back::open(state),
        Slash::Again => back::anew_last(state, argument, out),
        Slash::Fork => back::fork_here(state, out),
        Slash::Compact => folding::compact(state, argument),
        Slash::Full => folding::full(state),
        Slash::Sessions => {
            state.overlay = Some(Overlay::Sessions(SessionPicker::loading()));
            out.push(Command::Io(IoCommand::ListSessions));
        }
        Slash::Resume => resume(state, given(argument), out),
        Slash::Copy => copy_last(state, out),
        Slash::Export => export(state, given(argument), out),
        Slash::Init => out.push(Command::Write(WriteCommand::WriteInit)),
        Slash::Doctor => doctor(state, out),
        Slash::Help => overlay::help(state),
        Slash::Quit => stop::ask_quit(state, out),
    }
}

fn export(state: &mut State, file: Option<String>, out: &mut Vec<Command>) {
    let text = log::export(state.blocks.iter().map(|block| &block.body));
    if text.is_empty() {
        state.toast(Tone::Warning, "there is no conversation to export yet");
    } else {
        out.push(Command::Io(IoCommand::Export { text, file }));
    }
}

/// The argument, where one is given.
fn given(argument: &str) -> Option<String> {
    (!argument.is_empty()).then(|| argument.to_owned())
}

fn search(state: &mut State, query: &str, out: &mut Vec<Command>) {
    let generation = state.next_generation();
    state.awaited.search = Some(generation);
    let mut picker = Picker::loading();
    picker.filter = query.to_owned();
    state.overlay = Some(Overlay::Search(picker));
    out.push(Command::Io(IoCommand::Search {
        generation,
        query: query.to_owned(),
        top: TOP,
        within: state.within.clone(),
    }));
}

fn doctor(state: &mut State, out: &mut Vec<Command>) {
    state.overlay = Some(Overlay::Text {
        title: "doctor".to_owned(),
        text: "looking…".to_owned(),
        top: 0,
    });
    out.push(Command::Io(IoCommand::Doctor));
}

/// Puts a command without its argument back into the composer, to be completed.
pub(super) fn needs(state: &mut State, command: &str, what: &str) {
    state.composer.set(&format!("{command} "));
    state.toast(Tone::Warning, format!("{command} needs {what}"));
}

fn git(state: &mut State, what: &str) -> bool {
    if !state.options.git {
        state.toast(
            Tone::Warning,
            format!("{what} needs a git repository, and this folder is none"),
        );
    }
    state.options.git
}

pub(super) fn idle(state: &mut State) -> bool {
    let busy = state.job.is_some() || !state.queue.is_empty();
    if busy {
        state.toast(Tone::Warning, "an answer is being written; Esc stops it");
    }
    !busy
}

/// Parses the argument of `/review`.
pub(super) fn review_of(argument: &str) -> DiffSpec {
    match argument {
        "" | "staged" | "--staged" => DiffSpec::Staged,
        "unstaged" | "--unstaged" => DiffSpec::Unstaged,
        other => {
            if let Some(base) = other
                .strip_prefix("--base ")
                .or_else(|| other.strip_prefix("base "))
            {
                DiffSpec::Base(base.trim().to_owned())
            } else if other.contains("..") {
                DiffSpec::Range(other.to_owned())
            } else {
                DiffSpec::Commit(other.to_owned())
            }
        }
    }
}

fn review(state: &mut State, argument: &str, text: &str, out: &mut Vec<Command>) {
    if !git(state, "a review") {
        return;
    }
    let diff = review_of(argument);
    let one = matches!(diff, DiffSpec::Commit(_) | DiffSpec::Range(_));
    if one && argument.contains(char::is_whitespace) {
        state.composer.set(text);
        state.toast(
            Tone::Warning,
            "/review takes staged, unstaged, a commit, or a range such as main..HEAD",
        );
        return;
    }
    send::submit(
        state,
        Request::Review(Review {
            diff: ReviewOf::Repo(diff),
            least: Severity::Note,
            max_time_s: 0,
            dismissed: crate::jobs::review::Dismissed::default(),
            anew: false,
            within: state.within.clone(),
            rules_only: false,
        }),
        text,
        out,
    );
}

/// Asks for the context of a question: the words given, else the last question.
fn context(state: &mut State, argument: &str, out: &mut Vec<Command>) {
    stop::show_context(state);
    let question = if argument.is_empty() {
        match state.turns.last() {
            // The context of the last question is known: there is nothing to ask for.
            Some(_) if state.panel_block().is_some() => {
                state.preview = None;
                panel::clamp(state);
                return;
            }
            Some(turn) => turn.request.clone(),
            None => String::new(),
        }
    } else {
        argument.to_owned()
    };
    let generation = state.next_generation();
    state.awaited.preview = Some(generation);
    out.push(Command::Io(IoCommand::Preview {
        generation,
        request: Box::new(Request::Ask(Ask {
            question,
            piped: None,
            pinned: state.pins.iter().chain(&state.added).cloned().collect(),
            dropped: state.drops.clone(),
            within: state.within.clone(),
            history: state.turns.clone(),
            fold: state.fold.clone(),
            ..Ask::default()
        })),
    }));
}

fn theme(state: &mut State, argument: &str, out: &mut Vec<Command>) {
    if argument.is_empty() {
        overlay::open_themes(state, out);
        return;
    }
    if argument == "auto" {
        let text = "auto asks the terminal at the start: /settings sets it, under theme";
        return state.toast(Tone::Plain, text);
    }
    if !state.themes.is_empty() && !state.themes.iter().any(|name| name == argument) {
        let near = super::super::keymap::nearest(argument, state.themes.iter().map(String::as_str));
        let hint = near.map_or_else(
            || format!("there are {}", state.themes.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        let text = format!("{argument} is no theme; {hint}");
        state.toast(Tone::Warning, text);
        return;
    }
    out.push(Command::SetTheme {
        name: argument.to_owned(),
        keep: true,
    });
}

/// Begins a conversation; a private one leaves nothing on disk.
fn new(state: &mut State, private: bool, out: &mut Vec<Command>) {
    if idle(state) && !asks(state, "Begin anew", Confirm::New { private }) {
        begin_anew(state, private, out);
    }
}

/// Goes on with a session, none for the newest.
pub(super) fn resume(state: &mut State, id: Option<String>, out: &mut Vec<Command>) {
    if idle(state) && !asks(state, "Go on with another", Confirm::Resume(id.clone())) {
        out.push(Command::Io(IoCommand::LoadSession { id }));
    }
}

/// Asks first, where a patch stands open that would go.
fn asks(state: &mut State, what: &str, about: Confirm) -> bool {
    let open = state.has_open_patch();
    if open {
        let goes = if state.keeps() {
            "/sessions brings it back"
        } else {
            "it would be gone"
        };
        state.overlay = Some(Overlay::Confirm {
            question: format!("A patch is not applied yet; {goes}. {what} all the same?"),
            about,
        });
    }
    open
}

/// Empties the conversation; pins, drops, the model and what is typed stay.
pub(super) fn begin_anew(state: &mut State, private: bool, out: &mut Vec<Command>) {
    let pulling = state.pulling;
    state.blocks.retain(|block| Some(block.id) == pulling);
    state.turns.clear();
    state.fold = crate::jobs::Fold::default();
    state.session = None;
    state.branches = Branches::default();
    state.log = log::Log::default();
    state.added.clear();
    state.preview = None;
    state.code.clear();
    state.context_used = 0;
    state.selection = None;
    if let Some(panel) = &mut state.panel {
        panel.cursor = 0;
        panel.top = 0;
    }
    scroll::leave(state);
    scroll::to_bottom(state);
    state.push(Body::Welcome);
    out.push(Command::Io(IoCommand::NewSession));
    // A model that is loaded later must know too.
    if matches!(state.engine, EngineState::Ready(_)) || private != state.private {
        out.push(Command::ResetEngine { private });
    }
    state.private = private;
    if private {
        let text = "nothing of this conversation is kept; /new or /resume ends that";
        state.toast(Tone::Plain, text);
    }
}

fn copy_last(state: &mut State, out: &mut Vec<Command>) {
    let last = state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            Body::Answer(answer) if !answer.text.is_empty() => Some(answer.text.clone()),
            _ => None,
        });
    match last {
        Some(text) => out.push(Command::Copy(text)),
        None => state.toast(Tone::Warning, "there is no answer to copy yet"),
    }
}

#[cfg(test)]
#[path = "slash_tests.rs"]
mod tests;
