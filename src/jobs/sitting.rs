//! Trying a model: a repository of a few files, what every job would ask there, and a short
//! real sitting.
//!
//! What a model's file promises is only seen when the jobs' own prompts go through its template
//! and its vocabulary and a token comes out. So it is done when a model is added, and not at the
//! first question.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::{
    Answer, Ask, Event, JobCx, Patch, Preview, Prompts, Reader, Request, Review, ReviewOf,
    Settings, Turn, preview, review,
};
use crate::base::{Cancel, Failure, Result};
use crate::engine::{Engine, Generate, Message, Role, Sampling, Step};
use crate::index::Index;
use crate::repo::{DiffSpec, Repo, WalkRules};

const COUNT: &str = "\"\"\"Counts the words of a text.\"\"\"\n\n\ndef words(text):\n    \"\"\"The words of a text, in lower case.\"\"\"\n    return text.lower().split()\n\n\ndef count(text):\n    \"\"\"How often each word comes.\"\"\"\n    found = {}\n    for word in words(text):\n        found[word] = found.get(word, 0) + 1\n    return found\n";
/// What is staged behind [`COUNT`].
const MOST: &str = "\n\ndef most(text, n):\n    \"\"\"The n words that come most often.\"\"\"\n    found = count(text)\n    return sorted(found, key=found.get)[:n]\n";
const README: &str = "# Word count\n\n`count` tells how often each word of a text comes.\n";

/// Tokens of an answer in a sitting.
const ANSWER: usize = 96;

/// A job, by the word for it.
pub const JOBS: [&str; 4] = ["ask", "patch", "review", "message"];

/// A git repository of a few files with a change staged, in a temporary folder.
pub struct TinyRepository {
    /// Goes when this does.
    _dir: tempfile::TempDir,
    repo: Repo,
    index: Arc<Index>,
    prompts: Prompts,
}

impl TinyRepository {
    /// Makes it and indexes it.
    ///
    /// # Errors
    /// Of kind environment, where no temporary folder can be written.
    pub fn new() -> Result<Self> {
        let failed = |e: std::io::Error| {
            Failure::environment("cannot make a temporary folder")
                .caused_by(&e)
                .hint("TMPDIR names a folder that can be written")
        };
        let dir = tempfile::tempdir().map_err(failed)?;
        let root = dir.path().join("wordcount");
        std::fs::create_dir(&root).map_err(failed)?;
        let repo = Repo::create(
            &root,
            "Count the words of a text",
            &[("README.md", README), ("wordcount/count.py", COUNT)],
            &[("wordcount/count.py", &format!("{COUNT}{MOST}"))],
        )?;
        let index = crate::index::build(
            &repo,
            &dir.path().join("index"),
            &WalkRules::default(),
            false,
            &Cancel::never(),
            &mut |_| {},
        )?;
        Ok(Self {
            _dir: dir,
            repo,
            index,
            prompts: Prompts::load(None)?,
        })
    }

    fn preview(&self, request: &Request, engine: &dyn Engine) -> Result<Preview> {
        let facts = engine.facts();
        preview(
            request,
            &self.repo,
            &self.index,
            &settings(),
            &self.prompts,
            Reader {
                count: engine,
                context: facts.context,
                rewrites: facts.rewrites,
            },
        )
    }

    /// Runs a job on it.
    ///
    /// # Errors
    /// As [`super::run`].
    pub fn run(
        &self,
        request: &Request,
        settings: &Settings,
        engine: &mut dyn Engine,
        cancel: &Cancel,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Answer> {
        let mut cx = JobCx {
            engine,
            repo: &self.repo,
            index: &self.index,
            index_complete: true,
            settings,
            prompts: &self.prompts,
            cancel: cancel.clone(),
        };
        super::run(request, &mut cx, emit)
    }
}

fn settings() -> Settings {
    Settings {
        rules_file: "AGENTS.md".to_owned(),
        max_tokens: ANSWER,
        thinking: false,
        second_look: false,
        ..Settings::default()
    }
}

/// What a job is asked to do with the tiny repository; none for a word that is no job.
pub fn request(job: &str) -> Option<Request> {
    Some(match job {
        "ask" => Request::Ask(Ask {
            question: "How does count treat words that differ only in case?".to_owned(),
            ..Ask::default()
        }),
        "patch" => Request::Patch(Patch {
            request: "Let words part at hyphens too, in @wordcount/count.py".to_owned(),
            ..Patch::default()
        }),
        "review" => Request::Review(Review {
            diff: ReviewOf::Repo(DiffSpec::Staged),
            least: super::Severity::Note,
            max_time_s: 0,
            dismissed: review::Dismissed::default(),
            anew: true,
            rules_only: false,
        }),
        "message" => Request::Message,
        _ => return None,
    })
}

/// What a trial conversation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Tokens of each job's prompt, in the order of [`JOBS`].
    pub prompt_tokens: Vec<usize>,
    /// Tokens that were read to compute one more.
    pub read: usize,
    /// Seconds that took.
    pub seconds: f64,
}

/// The trial conversation of a model: every job's prompt is rendered and tokenized, a second
/// turn too, and behind the shortest one token is computed. `on` is told how many tokens of
/// how many are read.
///
/// # Errors
/// As the job's own: which one, the reason, and what to do; interrupted, if cancelled.
pub fn trial(
    engine: &mut dyn Engine,
    cancel: &Cancel,
    on: &mut dyn FnMut(usize, usize),
) -> Result<Tried> {
    let begun = Instant::now();
    let tiny = TinyRepository::new()?;
    let mut prompts: Vec<(usize, Vec<Message>)> = Vec::new();
    for job in JOBS {
        cancel.check()?;
        let Some(request) = request(job) else {
            continue;
        };
        let failed = |failure: Failure| told(job, &failure);
        let seen = tiny.preview(&request, engine).map_err(failed)?;
        // Of a review the first piece.
        let messages: Vec<Message> = seen.messages.into_iter().take(2).collect();
        let tokens = engine.count_messages(&messages).map_err(failed)?;
        let say = |role, content: &str| Message {
            role,
            content: content.to_owned(),
        };
        let turns = [say(Role::Assistant, "In `count`."), say(Role::User, "Why?")];
        let longer: Vec<Message> = messages.iter().cloned().chain(turns).collect();
        if engine.count_messages(&longer).map_err(failed)? <= tokens {
            return Err(told(
                job,
                &Failure::model("a second turn is no longer than the first"),
            ));
        }
        prompts.push((tokens, messages));
    }
    let shortest = prompts.iter().min_by_key(|(tokens, _)| *tokens);
    let (_, messages) = shortest.ok_or_else(|| Failure::bug("no job was tried"))?;
    let generate = Generate {
        messages: messages.clone(),
        max_tokens: 1,
        sampling: Sampling {
            temperature: Some(0.0),
            ..Sampling::default()
        },
        ..Generate::default()
    };
    let done = engine.generate(&generate, None, cancel, &mut |step| {
        if let Step::Prefill { done, total, .. } = step {
            on(done, total);
        }
    })?;
    cancel.check()?;
    Ok(Tried {
        prompt_tokens: prompts.iter().map(|(tokens, _)| *tokens).collect(),
        read: done.usage.prompt_tokens,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

fn told(job: &str, failure: &Failure) -> Failure {
    let mut told = Failure::new(
        failure.kind(),
        format!("`{job}` cannot be asked of this model"),
    );
    told = told.because(failure.what());
    for cause in failure.causes() {
        told = told.because(cause);
    }
    match failure.next_step() {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// How one job of a sitting went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The job: one of [`JOBS`].
    pub job: String,
    /// Whether it came to an answer of the right form.
    pub works: bool,
    /// What stood in the way.
    pub failure: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Tokens read anew.
    pub read: usize,
    /// Tokens read a second; 0 where too few were.
    pub prefill_tps: f64,
    /// Tokens written.
    pub written: usize,
    /// Tokens written a second; 0 where too few were.
    pub decode_tps: f64,
    /// What was answered begins with.
    pub first_words: String,
}

/// Runs every job once, for real and short. `on` is told of each as it ends.
///
/// # Errors
/// Of kind environment, where no temporary folder can be written; interrupted, if cancelled.
pub fn sitting(
    engine: &mut dyn Engine,
    seed: Option<u64>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&str, &Event),
    on: &mut dyn FnMut(&Outcome),
) -> Result<Vec<Outcome>> {
    let tiny = TinyRepository::new()?;
    let mut settings = settings();
    settings.sampling.seed = seed;
    let mut outcomes = Vec::new();
    for job in JOBS {
        cancel.check()?;
        let Some(request) = request(job) else {
            continue;
        };
        let mut usages = Vec::new();
        let answer = tiny.run(&request, &settings, engine, cancel, &mut |event| {
            if let Event::Usage(usage) = &event {
                usages.push(*usage);
            }
            progress(job, &event);
        });
        cancel.check()?;
        let read: usize = usages
            .iter()
            .map(|u| u.prompt_tokens - u.cached_tokens)
            .sum();
        let written: usize = usages.iter().map(|u| u.generated_tokens).sum();
        let rate = |n: usize, seconds: f64| {
            if n >= 8 && seconds > 0.0 {
                n as f64 / seconds
            } else {
                0.0
            }
        };
        let failure = answer.as_ref().err();
        let outcome = Outcome {
            job: job.to_owned(),
            works: answer.is_ok(),
            failure: failure.map(ToString::to_string),
            hint: failure.and_then(Failure::next_step).map(str::to_owned),
            read,
            prefill_tps: rate(read, usages.iter().map(|u| u.prefill_s).sum()),
            written,
            decode_tps: rate(written, usages.iter().map(|u| u.decode_s).sum()),
            first_words: answer.as_ref().map(first_words).unwrap_or_default(),
        };
        on(&outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// What an answer begins with, in a line.
fn first_words(answer: &Answer) -> String {
    let text = match answer {
        Answer::Ask { turn, .. } => turn.answer.clone(),
        Answer::Patch { change, prose, .. } => {
            let new = change.files.iter().filter_map(|file| {
                let after = file.after.as_deref()?;
                let before = file.before.as_deref().unwrap_or("");
                after
                    .lines()
                    .find(|line| !before.lines().any(|old| old == *line))
                    .map(|line| format!("+ {}", line.trim()))
            });
            new.chain([prose.clone()]).next().unwrap_or_default()
        }
        Answer::Review { findings, .. } => match findings.first() {
            Some(finding) => format!("{}:{} {}", finding.path, finding.line, finding.title),
            None => "no findings".to_owned(),
        },
        Answer::Message { text, .. } => text.clone(),
    };
    let words: Vec<&str> = text.split_whitespace().take(12).collect();
    words.join(" ")
}

/// The second question of a conversation on the tiny repository.
pub fn second_question(first: Turn) -> Request {
    Request::Ask(Ask {
        question: "And where are the words parted?".to_owned(),
        history: vec![first],
        ..Ask::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CountMessages as _, ScriptedEngine};

    #[test]
    fn every_job_is_tried_and_one_token_computed() {
        let mut engine = ScriptedEngine::saying(&["ok"]);
        let mut seen = 0;
        let tried = trial(&mut engine, &Cancel::never(), &mut |_, _| seen += 1).expect("tried");
        assert_eq!(tried.prompt_tokens.len(), JOBS.len());
        assert!(tried.prompt_tokens.iter().all(|tokens| *tokens > 50));
        assert!(seen > 0);
        let asked = engine.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].max_tokens, 1);
        assert_eq!(
            engine.count_messages(&asked[0].messages).ok(),
            tried.prompt_tokens.iter().min().copied()
        );
    }

    #[test]
    fn the_staged_change_is_there_to_review() {
        let tiny = TinyRepository::new().expect("made");
        let mut engine = ScriptedEngine::saying(&["No findings."]);
        let request = request("review").expect("a job");
        let cancel = Cancel::never();
        let answer = tiny.run(&request, &settings(), &mut engine, &cancel, &mut |_| {});
        assert!(matches!(answer, Ok(Answer::Review { ref unread, .. }) if unread.is_empty()));
        let shown = &engine.asked()[0].messages[1].content;
        assert!(shown.contains("def most(text, n):"), "{shown}");
    }
}
