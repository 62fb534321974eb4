//! The ask job: a question about the repository, answered with sources that are checked.

mod cite;
mod told;

pub(super) use told::{named_in_vain, told_text};

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::fold::{Before, Window};
use super::prompt::{AskValues, fence_for};
use super::translate::search_words;
use super::{Answer, Ask, Context, Event, JobCx, Prompts, Settings, Source, Turn, model_calls};
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result, TokenCount};
use crate::context::{
    Mention, Past, Resolved, Wanted, history as git_history, pack::pack, pick, resolve, shows,
};
use crate::engine::{Finish, Generate, Generated, Message, Role};
use crate::index::Index;
use crate::repo::{Diff, Repo};

/// Most tokens of an answer, where the user sets no limit.
pub(super) const ANSWER: usize = 700;
/// Tokens the template and the words around excerpts and question take.
pub(super) const AROUND: usize = 60;

/// Runs the job: see [`super::run`].
pub(super) fn run(
    request: &Ask,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    let standing = model_calls::system(cx, true)?;
    let before = before(&standing.message, request, cx)?;
    if before.new {
        emit(Event::Folded(before.fold.clone()));
    }
    if request.go_on {
        return go_on(request, before.messages, cx, emit);
    }
    let words = search_words(&request.question, &before.messages, cx, emit)?;
    let window = cx.engine.facts().context;
    let parts = Parts::of(cx);
    let used = before.held + ANSWER / 2;
    let budget = model_calls::budget(cx.settings, window, used, cx.engine.rates());
    let (mut context, sent, notes) = parts.compose(request, &words, &before, window, budget)?;
    standing.tell(&mut context);
    context.index_complete = cx.index_complete;
    emit(Event::Context {
        version: super::event::VERSION,
        context: context.clone(),
    });
    for text in notes {
        emit(Event::Note { text });
    }
    let mut messages = before.messages;
    messages.push(Message {
        role: Role::User,
        content: sent.clone(),
    });
    let generate = Generate {
        messages,
        sampling: model_calls::asked_again(&cx.settings.sampling, request.reseed),
        thinking: cx.settings.thinking,
        thinking_limit: cx.settings.thinking_limit,
        ..Generate::default()
    };
    let done = written(generate, cx, emit)?;
    let shown = request.history.iter().map(|turn| turn.sent.as_str());
    let shown: Vec<&str> = shown.chain([sent.as_str()]).collect();
    let sources = checked(
        &done.text,
        (&request.history, &shown),
        &context,
        cx.repo,
        emit,
    );
    Ok(Answer::Ask {
        turn: Turn {
            request: request.question.clone(),
            sent,
            answer: done.text,
            sources,
            continues: false,
            whole: done.finish == Finish::Stop,
        },
        context,
        stopped: done.finish == Finish::Cancelled,
    })
}

/// The conversation before the request, folded where it must be.
fn before(system: &Message, request: &Ask, cx: &JobCx<'_>) -> Result<Before> {
    let window = Window {
        count: &*cx.engine,
        tokens: cx.engine.facts().context,
        settings: cx.settings,
        prompts: cx.prompts,
        rates: cx.engine.rates(),
    };
    window.before(system, request)
}

/// Goes on with the last answer, where it ends.
fn go_on(
    request: &Ask,
    mut before: Vec<Message>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    if request.history.last().is_some_and(|turn| turn.whole) {
        return Err(
            Failure::usage("the last answer is whole: it was not cut off")
                .hint("ask a question to go on with the conversation"),
        );
    }
    let said = before.pop_if(|last| last.role == Role::Assistant);
    let Some(said) = said.filter(|said| !said.content.trim().is_empty()) else {
        return Err(Failure::usage("there is no answer to go on with")
            .hint("ask something first; what is cut off can be gone on with"));
    };
    let generate = Generate {
        messages: before,
        prefill: said.content,
        sampling: model_calls::asked_again(&cx.settings.sampling, request.reseed),
        ..Generate::default()
    };
    let done = written(generate, cx, emit)?;
    let shown: Vec<&str> = request
        .history
        .iter()
        .map(|turn| turn.sent.as_str())
        .collect();
    let nothing = Context::default();
    let known = (request.history.as_slice(), shown.as_slice());
    let sources = checked(&done.text, known, &nothing, cx.repo, emit);
    Ok(Answer::Ask {
        turn: Turn {
            request: "/continue".to_owned(),
            sent: String::new(),
            answer: done.text,
            sources,
            continues: true,
            whole: done.finish == Finish::Stop,
        },
        context: nothing,
        stopped: done.finish == Finish::Cancelled,
    })
}

/// Has the answer written, and says where it ends before its end.
fn written(
    mut generate: Generate,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    let window = cx.engine.facts().context;
    let prefilled = cx.engine.count(&generate.prefill);
    let tokens = cx.engine.count_messages(&generate.messages)? + prefilled;
    if tokens + 64 > window {
        let full = model_calls::context_full(tokens, window);
        return Err(if prefilled > 0 {
            full.hint("ask for the rest in a question of its own, for which this answer is folded")
        } else {
            full
        });
    }
    generate.max_tokens = match cx.settings.max_tokens {
        0 => ANSWER,
        most => most,
    };
    let done = model_calls::answer(cx, &generate, emit)?;
    if let Some(text) = model_calls::cut_short(&done, generate.max_tokens, window) {
        emit(Event::Note { text });
    }
    Ok(done)
}

/// The things that composing a message needs, with or without an engine.
pub(super) struct Parts<'a> {
    pub repo: &'a Repo,
    pub index: &'a Index,
    pub settings: &'a Settings,
    pub prompts: &'a Prompts,
    pub count: &'a dyn TokenCount,
    pub cancel: &'a Cancel,
}

impl<'a> Parts<'a> {
    /// The parts of a job that runs.
    pub fn of(cx: &'a JobCx<'_>) -> Self {
        Self {
            repo: cx.repo,
            index: cx.index,
            settings: cx.settings,
            prompts: cx.prompts,
            count: &*cx.engine,
            cancel: &cx.cancel,
        }
    }

    /// Chooses the excerpts and renders the user's message; `words` are searched with besides.
    /// `window` and `budget` are tokens: of the context, and of the excerpts. Gives also what should
    /// be said.
    pub fn compose(
        &self,
        request: &Ask,
        words: &str,
        before: &Before,
        window: usize,
        budget: usize,
    ) -> Result<(Context, String, Vec<String>)> {
        let mut notes = Vec::new();
        let room = window.saturating_sub(before.held);
        let (piped, note) = model_calls::piped(request.piped.as_deref(), room / 3, self.count);
        notes.extend(note);
        let mut named = resolve(&request.question, self.repo, self.index);
        notes.append(&mut named.notes);
        let named_changes = std::mem::take(&mut named.changes);
        let (changes, left_out) = self.changes(
            &named_changes,
            &request.within,
            budget.min(room) / 2,
            &mut notes,
        )?;
        let told = changes.iter().map(|told| told.tokens).sum::<usize>();
        let (past, note) = self.past(
            request,
            &named,
            budget.min(room / 2).saturating_sub(told) / 2,
        )?;
        notes.extend(note);
        let told = told + past.as_ref().map_or(0, |past| past.tokens);
        let taken = self.count.count(&piped) + self.count.count(&request.question) + AROUND + told;
        let budget = budget.saturating_sub(told);
        let wanted = Wanted {
            query: format!("{} {words}", query_of(request))
                .trim_end()
                .to_owned(),
            mentions: named.mentions,
            pinned: request.pinned.clone(),
            dropped: request.dropped.clone(),
            near: near(request),
            shown: self.still_shown(&request.history, &before.shown()),
            first_id: next_id(&request.history),
            whole: false,
            budget: budget.min(room.saturating_sub(taken + 128)),
            most: 0,
        };
        let mut context = pick(&wanted, self.repo, self.index, self.count)?;
        context.budget = budget;
        context.past = past;
        context.told.splice(0..0, changes);
        context.left_out.extend(left_out);
        notes.extend(named_in_vain(&wanted, &context));
        let note = self.why_nothing(&wanted, &context)?;
        let nothing = note.as_ref().is_some_and(|(_, nothing)| *nothing);
        notes.extend(note.map(|(note, _)| note));
        let nothing = nothing && request.history.is_empty();
        let sent = self.prompts.ask(&AskValues {
            question: &request.question,
            past: context
                .past
                .as_ref()
                .map_or("", |past| past.text.trim_end()),
            told: &told_text(&context.told),
            excerpts: &pack(&context.excerpts),
            piped: &piped,
            fence: &fence_for(&piped),
            nothing_found: nothing,
        })?;
        Ok((context, sent, notes))
    }

    /// The excerpts of earlier turns that need not be shown again: file, first line, last line.
    /// What has changed since it was shown, or is folded, is not among them.
    fn still_shown(&self, history: &[Turn], sent: &[&str]) -> BTreeSet<(String, u32, u32)> {
        history
            .iter()
            .flat_map(|turn| &turn.sources)
            .filter(|s| self.still_stands(s, sent))
            .map(|s| (s.path.as_str().to_owned(), s.start, s.end))
            .collect()
    }

    /// Reads what git's history says, if the question is about it; gives the reason instead, where
    /// that fails.
    fn past(
        &self,
        request: &Ask,
        named: &Resolved,
        budget: usize,
    ) -> Result<(Option<Past>, Option<String>)> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock may stand before 1970.
        let now = now.map_or(0, |now| now.as_secs() as i64);
        let known = |name: &str| self.repo.knows_revision(name);
        let mentions = with_past(named, &request.question);
        let asked = git_history::asks(&request.question, &mentions, now, &known);
        let Some(mut asked) = asked else {
            return Ok((None, None));
        };
        if asked.paths.is_empty() {
            asked.paths.clone_from(&request.within);
        }
        match git_history::past(&asked, self.repo, budget, self.count, self.cancel) {
            Ok(past) => Ok((past, None)),
            Err(failure) if failure.is_interrupted() => Err(failure),
            Err(failure) => Ok((None, Some(format!("the history is not shown: {failure}")))),
        }
    }

    /// Tells whether a source still is as one of these messages shows it.
    fn still_stands(&self, source: &Source, sent: &[&str]) -> bool {
        let lines = LineRange::new(source.start, source.end);
        self.repo.shown_text(&source.path).is_ok_and(|text| {
            let shows = |sent: &&str| shows(sent, source.id, &source.path, lines, &text);
            sent.iter().any(shows)
        })
    }
}

/// The mentions of which the past may be asked for. `why` asks for it where lines are named, but
/// not where a definition is: it is about the code then.
fn with_past(named: &Resolved, question: &str) -> Vec<Mention> {
    const PAST: &[&str] = &[
        "who", "when", "blame", "author", "changed", "commit", "commits",
    ];
    let mut words = question.split(|c: char| !c.is_alphanumeric());
    let past = words.any(|word| PAST.iter().any(|known| word.eq_ignore_ascii_case(known)));
    let mut mentions = named.mentions.clone();
    mentions.retain(|mention| past || !named.definitions.contains(mention));
    mentions
}

/// The number of the next source of a conversation; 1 where there is none yet.
fn next_id(history: &[Turn]) -> u32 {
    let sources = history.iter().flat_map(|turn| &turn.sources);
    sources.map(|source| source.id).max().unwrap_or(0) + 1
}

/// The words to search with. A short question within a conversation, or one that points back
/// (`why does it do that?`), means what was talked about before, so the last question's words
/// help.
fn query_of(request: &Ask) -> String {
    const BACK: &[&str] = &[
        "it", "its", "that", "this", "they", "them", "these", "those", "there", "instead",
    ];
    let question = request.question.as_str();
    let Some(last) = request.history.iter().rfind(|turn| !turn.continues) else {
        return question.to_owned();
    };
    let words: Vec<&str> = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let back = |word: &&str| BACK.iter().any(|known| word.eq_ignore_ascii_case(known));
    if words.len() < 6 || words.len() < 14 && words.iter().any(back) {
        format!("{question} {}", last.request)
    } else {
        question.to_owned()
    }
}

/// The files that are being talked about: those that the last answer named (or was shown, if it
/// named none), and those of a diff that was piped in.
fn near(request: &Ask) -> Vec<RepoPath> {
    let sources = request
        .history
        .last()
        .map_or(&[] as &[Source], |turn| &turn.sources);
    let cited = sources.iter().any(|source| source.cited);
    let mut near: Vec<RepoPath> = sources
        .iter()
        .filter(|source| source.cited || !cited)
        .map(|source| source.path.clone())
        .collect();
    let piped = request.piped.as_deref().map(Diff::parse);
    if let Some(Ok(diff)) = piped {
        near.extend(diff.files.into_iter().map(|file| file.path));
    }
    near.sort();
    near.dedup();
    near
}

/// Checks the answer's citations and tells the sources of this turn.
fn checked(
    answer: &str,
    (history, sent): (&[Turn], &[&str]),
    context: &Context,
    repo: &Repo,
    emit: &mut dyn FnMut(Event),
) -> Vec<Source> {
    let mut sources: Vec<Source> = context
        .excerpts
        .iter()
        .map(|e| Source {
            id: e.id,
            path: e.path.clone(),
            start: e.range.start(),
            end: e.range.end(),
            cited: false,
        })
        .collect();
    let known: Vec<Source> = history
        .iter()
        .flat_map(|turn| turn.sources.iter().cloned())
        .chain(sources.iter().cloned())
        .collect();
    let mut citations = cite::check(answer, &known, repo);
    citations.wrong.extend(
        cite::commits(answer)
            .filter(|id| !sent.iter().any(|text| text.contains(id.as_str())))
            .map(|id| format!("commit {id}")),
    );
    for source in &mut sources {
        source.cited = citations.cited.contains(&source.id);
    }
    // Sources of earlier turns that this answer leans on are named again.
    for source in known.iter().filter(|s| citations.cited.contains(&s.id)) {
        if !sources.iter().any(|s| s.id == source.id) {
            sources.push(Source {
                cited: true,
                ..source.clone()
            });
        }
    }
    for source in &sources {
        emit(Event::Source(source.clone()));
    }
    if !citations.wrong.is_empty() {
        let list: Vec<&str> = citations.wrong.iter().take(5).map(String::as_str).collect();
        emit(Event::Note {
            text: format!(
                "the answer cites what was not shown or does not exist: {}",
                list.join(", ")
            ),
        });
    }
    sources
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
