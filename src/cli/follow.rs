//! Following a job: its events become text, progress, or lines of JSON.

use std::sync::Arc;
use std::time::Instant;

use super::invocation::Invocation;
use super::markdown_stream::Stream;
use super::out::{Out, Tone, bar, prefill_line};
use crate::base::text::{counted, human_count};
use crate::base::{CancelSource, Failure, LineRange, OrBug, RepoPath, Result};
use crate::context::Context;
use crate::engine::{Engine, ScriptedEngine};
use crate::index::Index;
use crate::jobs::{self, Answer, Event, JobCx, Request, Source, Usage, Workspace};
use crate::repo::DiffSpec;

/// The things that a job works with, made ready in the fixed order.
pub(super) struct Ready {
    /// The repository.
    pub(super) workspace: Workspace,
    /// The repository's index.
    pub(super) index: Arc<Index>,
    /// The model.
    pub(super) engine: Box<dyn Engine>,
    /// True if there is no model, and what stands for it can read nothing.
    pub(super) no_model: bool,
    /// True if the diff that is wanted has no files.
    pub(super) nothing: bool,
}

/// Makes everything ready: the choice of a model, seal, repository, the model itself, index,
/// engine. `of` is the diff that is wanted, if one is: nothing is fetched for one that cannot be
/// made, and nothing is loaded for one that is empty, since the job will say so without asking a
/// model.
pub(super) fn ready(invocation: &mut Invocation, of: Option<&DiffSpec>) -> Result<Ready> {
    invocation.check_dir()?;
    let chosen = invocation.choose()?;
    let workspace = invocation.open()?;
    if let Some(of) = of
        && workspace.repo.diff(of, 0)?.files.is_empty()
    {
        let mut ready = without_model(workspace, false);
        ready.nothing = true;
        return Ok(ready);
    }
    let choice = invocation.fetched(chosen)?;
    let index = invocation.index(&workspace, false)?;
    let engine = invocation.load(&choice, &workspace.config, &workspace.places.states)?;
    Ok(Ready {
        workspace,
        index,
        engine,
        no_model: false,
        nothing: false,
    })
}

/// Makes everything ready for a git hook: a commit does not wait for a download, and where no model
/// is here or none can be run, that is said and the rest is made ready without.
pub(super) fn ready_for_hook(invocation: &mut Invocation, of: Option<&DiffSpec>) -> Result<Ready> {
    invocation.check_dir()?;
    let failure = match ready_if_here(invocation, of) {
        Err(failure) if !failure.is_interrupted() => failure,
        outcome => return outcome,
    };
    let workspace = invocation.open()?;
    let hint = failure.next_step().map(|hint| format!(" ({hint})"));
    let hint = hint.unwrap_or_default();
    invocation.out.warn(&format!("{failure}{hint}"));
    Ok(without_model(workspace, true))
}

/// Makes everything ready, unless a model would have to be fetched without leave.
fn ready_if_here(invocation: &mut Invocation, of: Option<&DiffSpec>) -> Result<Ready> {
    if invocation.choose()?.is_to_be_fetched() && !invocation.yes {
        return Err(Failure::usage("no model is on this machine")
            .hint("homebody models pull NAME fetches one of homebody models list"));
    }
    ready(invocation, of)
}

/// The things that are ready where no model is asked anything.
fn without_model(workspace: Workspace, no_model: bool) -> Ready {
    Ready {
        workspace,
        index: Arc::new(Index::empty()),
        engine: Box::new(ScriptedEngine::new(Vec::new())),
        no_model,
        nothing: false,
    }
}

/// The way in which a job's events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// The answer as it is written.
    Answer,
    /// Only how far it is; the result is shown by the command.
    Progress,
    /// Every event as a line of JSON.
    Json,
}

/// Runs a job and shows what happens.
pub(super) fn follow(
    invocation: &mut Invocation,
    ready: &mut Ready,
    request: &Request,
    show: Show,
    show_context: bool,
) -> Result<Answer> {
    follow_seeing(
        invocation,
        ready,
        request,
        (show, show_context),
        &mut |_| {},
    )
}

/// Runs a job and shows what happens; `see` is told of it as well.
pub(super) fn follow_seeing(
    invocation: &mut Invocation,
    ready: &mut Ready,
    request: &Request,
    (show, show_context): (Show, bool),
    see: &mut dyn FnMut(&Event),
) -> Result<Answer> {
    let cancel = invocation.cancel();
    let mut follower = Follower {
        stop: invocation.stop.clone(),
        out: &mut invocation.out,
        show,
        show_context,
        written: 0,
        thought: 0,
        began: None,
        stream: None,
    };
    let mut cx = JobCx {
        engine: ready.engine.as_mut(),
        repo: &ready.workspace.repo,
        index: &ready.index,
        index_complete: true,
        settings: &ready.workspace.settings,
        prompts: &ready.workspace.prompts,
        cancel,
    };
    let outcome = jobs::run(request, &mut cx, &mut |event| {
        see(&event);
        follower.take(event);
    });
    follower.end_answer();
    invocation.out.end_pieces();
    invocation.out.clear();
    outcome
}

struct Follower<'a> {
    out: &'a mut Out,
    stop: CancelSource,
    show: Show,
    show_context: bool,
    written: usize,
    thought: usize,
    began: Option<Instant>,
    /// The answer as a terminal shows it.
    stream: Option<Stream>,
}

impl Follower<'_> {
    fn take(&mut self, event: Event) {
        if let Event::Error { .. } = event {
            self.out.told = true;
        }
        if self.show == Show::Json {
            // The command says Done itself, once, when there is nothing more to do.
            if event != Event::Done {
                // An event always can be written; if not, the failure is told by the job's end.
                let _ = self.out.json(&event);
            }
        } else {
            self.text(event);
        }
        // Nobody reads on: the model need not go on either.
        if self.out.closed() {
            self.stop.cancel();
        }
    }

    fn text(&mut self, event: Event) {
        match event {
            Event::Context { context, .. } => self.context(&context),
            Event::Prefill {
                done,
                total,
                cached,
                rate,
            } => self.out.progress(&prefill_line(done, total, cached, rate)),
            Event::Folded(fold) => self.out.note(&fold.line()),
            Event::Note { text } => self.out.note(&text),
            Event::Thinking { text } => {
                self.thought += 1;
                if self.out.verbose() {
                    self.out.aside(&text);
                } else {
                    let line = self.rate_line("thinking", self.thought);
                    self.out.progress(&line);
                }
            }
            Event::ThinkingCut { tokens, why } => self.out.note(&format!(
                "thinking was ended after {} tokens {}",
                human_count(tokens as u64),
                why.words()
            )),
            Event::Token { text } => {
                self.written += 1;
                if self.show == Show::Answer {
                    self.answer(&text);
                } else {
                    let line = self.rate_line("writing", self.written);
                    self.out.progress(&line);
                }
            }
            Event::Progress {
                done,
                total,
                path,
                range,
            } => {
                let place = path.map(|path| (path, range));
                self.out.progress(&review_line(done, total, place));
            }
            Event::Finding(finding) => self.out.progress(&format!(
                "{} {} {}",
                finding.severity.word(),
                finding.place(),
                finding.title
            )),
            Event::Usage(usage) => self.out.detail(&usage_line(&usage)),
            // Sources, edits and failures are shown by the command, in its own place.
            Event::Source(_)
            | Event::Edit { .. }
            | Event::Diff { .. }
            | Event::Check(_)
            | Event::Error { .. }
            | Event::Done => {}
        }
    }

    /// Shows a piece of the answer: on a terminal as it is read, elsewhere as it is written.
    fn answer(&mut self, text: &str) {
        if !self.out.on_terminal() {
            self.out.piece(text);
            return;
        }
        let (room, colors) = (self.out.measure(), self.out.colors());
        let stream = self.stream.get_or_insert_with(|| Stream::new(room, colors));
        let text = stream.take(text);
        self.out.rendered(&text);
    }

    /// Shows what was held back of an answer.
    fn end_answer(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            self.out.rendered(&stream.end());
        }
    }

    fn context(&mut self, context: &Context) {
        let line = format!(
            "shown to the model: {} excerpts, {} of {} tokens",
            context.excerpts.len(),
            human_count(context.tokens as u64),
            human_count(context.budget as u64)
        );
        if self.show_context || self.out.verbose() {
            self.out.note(&line);
            for text in context_lines(context) {
                self.out.note(&text);
            }
            return;
        }
        if context.left_out.is_empty() {
            self.out.detail(&line);
            return;
        }
        // What stays out is always said, in one line.
        const MOST: usize = 3;
        let mut named: Vec<String> = context
            .left_out
            .iter()
            .take(MOST)
            .map(left_out_line)
            .collect();
        if context.left_out.len() > MOST {
            named.push(format!("and {} more", context.left_out.len() - MOST));
        }
        self.out
            .note(&format!("{line}; left out: {}", named.join(", ")));
    }

    fn rate_line(&mut self, what: &str, pieces: usize) -> String {
        let began = *self.began.get_or_insert_with(Instant::now);
        let seconds = began.elapsed().as_secs_f64();
        let mut line = format!("{what} · {} tokens", human_count(pieces as u64));
        if seconds > 0.5 {
            line.push_str(&format!(" · {:.1}/s", pieces as f64 / seconds));
        }
        line
    }
}

/// A line that says how far a review is: pieces, and the place of the one that is read.
fn review_line(done: usize, total: usize, place: Option<(RepoPath, Option<LineRange>)>) -> String {
    let mut line = format!(
        "reviewing {} {done} of {total}",
        bar(done as u64, total as u64, 24)
    );
    if let Some((path, range)) = place {
        line.push_str(&format!(" · {path}"));
        if let Some(range) = range {
            line.push_str(&format!(":{range}"));
        }
    }
    line
}

/// The figures of an answer in a line: tokens, and tokens a second.
fn usage_line(usage: &Usage) -> String {
    let per = |tokens: usize, seconds: f64| {
        if seconds > 0.0 {
            format!("{:.1}/s", tokens as f64 / seconds)
        } else {
            "at once".to_owned()
        }
    };
    let drafted = match usage.drafted_tokens {
        0 => String::new(),
        drafted => format!(
            ", {} of {} drafted held",
            human_count(usage.accepted_tokens as u64),
            human_count(drafted as u64)
        ),
    };
    format!(
        "read {} tokens ({} kept) at {}, wrote {} at {}{drafted}",
        human_count(usage.prompt_tokens as u64),
        human_count(usage.cached_tokens as u64),
        per(
            usage.prompt_tokens.saturating_sub(usage.cached_tokens),
            usage.prefill_s
        ),
        human_count(usage.generated_tokens as u64),
        per(usage.generated_tokens, usage.decode_s)
    )
}

/// One line for each excerpt and for what stays out.
pub(super) fn context_lines(context: &Context) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((path, _)) = &context.rules {
        lines.push(format!("  rules {path}"));
    }
    if !context.map.is_empty() {
        let files = context.map.lines().filter(|line| !line.ends_with('/'));
        lines.push(format!("  map of {}", counted(files.count(), "file")));
    }
    if let Some(past) = &context.past {
        lines.push(format!(
            "  history: {}  {} tokens",
            past.title,
            human_count(past.tokens as u64)
        ));
    }
    for told in &context.told {
        lines.push(format!(
            "  {}: {}  {} tokens",
            told.kind.word(),
            told.title,
            human_count(told.tokens as u64)
        ));
    }
    for excerpt in &context.excerpts {
        let symbol = excerpt
            .symbol
            .as_ref()
            .map(|symbol| format!("  {symbol}"))
            .unwrap_or_default();
        let why = serde_json::to_value(excerpt.why).ok();
        let why = why.as_ref().and_then(serde_json::Value::as_str);
        let why = why.or_bug("a reason is not written as a word");
        lines.push(format!(
            "  [{}] {}:{}{symbol}  {} tokens, {why}",
            excerpt.id,
            excerpt.path,
            excerpt.range,
            human_count(excerpt.tokens as u64)
        ));
    }
    for left in &context.left_out {
        lines.push(format!("  left out: {}", left_out_line(left)));
    }
    lines
}

fn left_out_line(left: &crate::context::LeftOut) -> String {
    let range = left
        .range
        .map(|range| format!(":{range}"))
        .unwrap_or_default();
    format!("{}{range} ({})", left.path, left.reason)
}

/// The sources of an answer: those it names, or, where it names none, all that were shown.
pub(super) fn sources(out: &mut Out, sources: &[Source]) {
    let cited: Vec<&Source> = sources.iter().filter(|source| source.cited).collect();
    let (title, listed) = if cited.is_empty() {
        (
            "Shown to the model (the answer names none of them)",
            sources.iter().collect(),
        )
    } else {
        ("Sources", cited)
    };
    let listed: Vec<&Source> = listed;
    if listed.is_empty() {
        return;
    }
    out.line(Tone::Plain, "");
    out.line(Tone::Bold, title);
    for source in listed {
        out.parts(&[
            (Tone::Dim, &format!("[{}] ", source.id)),
            (
                Tone::Cyan,
                &format!(
                    "{}:{}",
                    source.path.as_str(),
                    LineRange::new(source.start, source.end)
                ),
            ),
        ]);
    }
}
