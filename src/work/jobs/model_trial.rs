//! The trial of a model: a repository of a few files, what every job would ask there, and a short
//! real sitting.
//!
//! Whatever a model's file promises, only the jobs' own prompts show whether its template and its
//! vocabulary work and a token comes out. So they are tried when a model is added, and not at the
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

/// The module of the tiny repository, as it is committed.
const COUNT: &str = "\"\"\"Counts the words of a text.\"\"\"\n\n\ndef words(text):\n    \"\"\"The words of a text, in lower case.\"\"\"\n    return text.lower().split()\n\n\ndef count(text):\n    \"\"\"How often each word comes.\"\"\"\n    found = {}\n    for word in words(text):\n        found[word] = found.get(word, 0) + 1\n    return found\n";
/// The definition that is staged behind [`COUNT`].
const MOST: &str = "\n\ndef most(text, n):\n    \"\"\"The n words that come most often.\"\"\"\n    found = count(text)\n    return sorted(found, key=found.get)[:n]\n";
const README: &str = "# Word count\n\n`count` tells how often each word of a text comes.\n";

/// Tokens of an answer in a sitting.
const ANSWER: usize = 96;

/// The jobs, by the words for them.
pub const JOBS: [&str; 4] = ["ask", "patch", "review", "message"];

/// A git repository of a few files with a change staged, in a temporary folder.
pub struct TinyRepository {
    /// The temporary folder, which is removed with this.
    _dir: tempfile::TempDir,
    repo: Repo,
    index: Arc<Index>,
    prompts: Prompts,
}

impl TinyRepository {
    /// Makes the repository and indexes it.
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

    /// Runs a job on the repository.
    ///
    /// # Errors
    /// Those of [`super::run`].
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

/// The request of a job on the tiny repository; none for a word that is no job.
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
            within: Vec::new(),
            rules_only: false,
        }),
        "message" => Request::Message,
        _ => return None,
    })
}

/// The request of one of [`JOBS`].
fn known_request(job: &str) -> Result<Request> {
    request(job).ok_or_else(|| Failure::bug(format!("there is no request for the job `{job}`")))
}

/// The outcome of a trial conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Tokens of each job's prompt, in the order of [`JOBS`].
    pub prompt_tokens: Vec<usize>,
    /// Tokens that were read to compute one more.
    pub read: usize,
    /// Seconds that the trial took.
    pub seconds: f64,
}

/// The trial conversation of a model: every job's prompt is rendered and tokenized, a second
/// turn too, and behind the shortest one token is computed. `on` is told how many tokens of
/// how many are read.
///
/// # Errors
/// Those of a job: which one, the reason, and what to do; interrupted, if cancelled.
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
        let request = known_request(job)?;
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

/// A failure of a job as one of the model.
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

/// The outcome of one job of a sitting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The job: one of [`JOBS`].
    pub job: String,
    /// True if the job came to an answer of the right form.
    pub works: bool,
    /// The failure that stood in the way.
    pub failure: Option<String>,
    /// The next step that the failure names.
    pub hint: Option<String>,
    /// Tokens read anew.
    pub read: usize,
    /// Tokens read a second; 0 where too few were.
    pub prefill_tps: f64,
    /// Tokens written.
    pub written: usize,
    /// Tokens written a second; 0 where too few were.
    pub decode_tps: f64,
    /// The first words of the answer.
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
        let request = known_request(job)?;
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

/// The first words of an answer, in a line.
fn first_words(answer: &Answer) -> String {
    let text = match answer {
        Answer::Ask { turn, .. } => turn.answer.clone(),
        Answer::Patch { change, prose, .. } => {
            let mut new = change.files.iter().filter_map(|file| {
                let after = file.after.as_deref()?;
                // A new file has no text before.
                let before = file.before.as_deref().unwrap_or("");
                after
                    .lines()
                    .find(|line| !before.lines().any(|old| old == *line))
                    .map(|line| format!("+ {}", line.trim()))
            });
            new.next().unwrap_or_else(|| prose.clone())
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
