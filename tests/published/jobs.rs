//! Every job runs with every published template, on every architecture in turn, and what was
//! read for one turn is kept for the next, or it is said how much is not.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use homebody_ground::base::Cancel;
use homebody_inference::engine::{LocalEngine, Reread, Sampling, ThinkingMode, Usage};
use homebody_inference::model::chat::{ChatFacts, ChatMessage, ChatRole, ChatTemplate};
use homebody_inference::model::gguf::Header;
use homebody_inference::model::tokenizer::{TokenKind, Tokenizer};
use homebody_work::jobs::model_trial::{JOBS, TinyRepository, request, second_question};
use homebody_work::jobs::session::{Record, Sessions};
use homebody_work::jobs::{Answer, Ask, Event, Request, Settings, Turn};

use crate::fetched::{Published, templates};
use crate::tiny::{architectures, control_words, load, vocabulary, write};

/// Tokens that a turn's head and tail may have, besides what was said.
const FRAME: usize = 40;

/// What is measured of a template for the table.
struct Row {
    name: String,
    architecture: &'static str,
    facts: String,
    /// Whether direct answers are read twice.
    twice: bool,
    /// Tokens of the second turn's prompt, and of these not read again; without and with
    /// thinking.
    second: Vec<(usize, usize)>,
}

/// Families of models that people run, and whether a direct answer is read again in the next turn.
const FAMILIES: [(&str, bool); 17] = [
    ("Qwen-Qwen2.5-7B-Instruct", false),
    ("unsloth-qwen25", false),
    ("Qwen-Qwen3-0.6B", true),
    ("unsloth-qwen3", true),
    ("unsloth-qwen3_instruct", false),
    ("Qwen3-Coder", false),
    ("Qwen3.5-4B", true),
    ("meta-llama-Llama-3.1-8B-Instruct", false),
    ("meta-llama-Llama-3.2-3B-Instruct", false),
    ("meta-llama-Llama-3.3-70B-Instruct", false),
    ("mistralai-Mistral-Nemo-Instruct-2407", false),
    ("Mistral-Small-3.2-24B-Instruct-2506", false),
    ("unsloth-gemma3", false),
    ("microsoft-Phi-3.5-mini-instruct", false),
    ("unsloth-phi3", false),
    ("unsloth-phi4", false),
    ("HuggingFaceTB-SmolLM3-3B", false),
];

#[test]
fn every_job_runs_with_every_template() {
    let (templates, architectures) = (templates(), architectures());
    let (next, rows, wrong) = (
        AtomicUsize::new(0),
        Mutex::new(Vec::new()),
        Mutex::new(Vec::new()),
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let tiny = TinyRepository::new().expect("a repository");
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(template) = templates.get(at) else {
                        break;
                    };
                    let architecture = architectures[at % architectures.len()];
                    match sit(&tiny, template, architecture) {
                        Ok(row) => rows.lock().expect("rows").push(row),
                        Err(why) => wrong
                            .lock()
                            .expect("faults")
                            .push(format!("{} on {architecture}: {why}", template.name)),
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("rows");
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    for row in &rows {
        eprintln!("{row}");
    }
    let wrong = wrong.into_inner().expect("faults");
    assert!(
        wrong.is_empty(),
        "{} fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for (name, twice) in FAMILIES {
        let row = rows.iter().find(|row| row.name == name);
        assert_eq!(row.map(|row| row.twice), Some(twice), "{name}");
    }
    eprintln!(
        "{} of {} templates: two turns of ask, one more in another process, patch, review and \
         message, with thinking and without",
        rows.len(),
        templates.len()
    );
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second: Vec<String> = self
            .second
            .iter()
            .map(|(prompt, cached)| format!("{cached} of {prompt}"))
            .collect();
        write!(
            f,
            "{:44} {:7} {:34} {}",
            self.name,
            self.architecture,
            second.join(", thinking "),
            self.facts
        )
    }
}

/// All jobs with a template.
fn sit(
    tiny: &TinyRepository,
    template: &Published,
    architecture: &'static str,
) -> Result<Row, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("model.gguf");
    let vocabulary = vocabulary(&template.source);
    let words = control_words(&template.source);
    write(architecture, &vocabulary, &file);
    let form = Form::new(&vocabulary)?;
    form.said_stays_text(&words.join(" "))?;
    // What the template itself writes around a question, behind it too.
    let frame = form.tokens(&TWO_TURNS[..2], "x", false).len();
    let states = dir.path().join("states");
    let sessions = Sessions {
        dir: dir.path().join("sessions"),
    };
    let mut second = Vec::new();
    for thinking in [false, true] {
        let mut engine = load(&file, &states);
        let run = |engine: &mut LocalEngine, job: &str, request: &Request| {
            run(tiny, engine, request, thinking)
                .map_err(|why| format!("{job}, thinking {thinking}: {why}"))
        };
        let first = Request::Ask(Ask {
            question: format!("What does count do, and what is {}?", words.join(" ")),
            ..Ask::default()
        });
        let one = run(&mut engine, "ask", &first)?;
        let two = run(&mut engine, "a second ask", &second_question(turn(&one)?))?;
        second.push(kept(&one, &two, thinking, frame)?);
        // In another process, as `--continue` has it.
        let id = sessions.new_id();
        let turns = [turn(&one)?, turn(&two)?].map(|turn| Record::<()>::Turn {
            turn: Box::new(turn),
            shown: true,
        });
        let mut log = sessions.open(&id).expect("a session");
        log.append(turns.into(), true).expect("kept");
        drop(log);
        drop(engine);
        let mut engine = load(&file, &states);
        let third = Request::Ask(Ask {
            question: "Is it tested?".to_owned(),
            history: sessions.turns(&id).expect("a session").0,
            ..Ask::default()
        });
        let three = run(&mut engine, "ask --continue", &third)?;
        kept(&two, &three, thinking, frame)?;
        for job in JOBS.iter().skip(1) {
            run(&mut engine, job, &request(job).expect("a job"))?;
        }
    }
    Ok(Row {
        name: template.name.clone(),
        architecture,
        facts: form.facts().words(),
        twice: form.facts().rereads_direct != Reread::Nothing,
        second,
    })
}

/// A job that came to a result.
struct Seen {
    answer: Answer,
    usages: Vec<Usage>,
    notes: Vec<String>,
}

impl Seen {
    /// The figures of the last answer.
    fn usage(&self) -> Usage {
        *self.usages.last().expect("figures")
    }
}

fn run(
    tiny: &TinyRepository,
    engine: &mut LocalEngine,
    request: &Request,
    thinking: bool,
) -> Result<Seen, String> {
    let settings = Settings {
        sampling: Sampling {
            seed: Some(11),
            ..Sampling::default()
        },
        max_tokens: 96,
        thinking,
        thinking_limit: Some(24),
        second_look: true,
        ..Settings::default()
    };
    let (mut usages, mut notes) = (Vec::new(), Vec::new());
    let cancel = Cancel::never();
    let answer = tiny.run(
        request,
        &settings,
        engine,
        &cancel,
        &mut |event| match event {
            Event::Usage(usage) => usages.push(usage),
            Event::Note { text } => notes.push(text),
            _ => {}
        },
    );
    let answer = answer.map_err(|failure| {
        let causes: Vec<String> = failure.causes().iter().map(ToString::to_string).collect();
        format!("{failure} {}", causes.join("; "))
    })?;
    Ok(Seen {
        answer,
        usages,
        notes,
    })
}

fn turn(seen: &Seen) -> Result<Turn, String> {
    match &seen.answer {
        Answer::Ask { turn, .. } if !turn.answer.trim().is_empty() => Ok(turn.clone()),
        other => Err(format!("no answer: {other:?}")),
    }
}

/// What was read for the first turn need not be read for the second, or the note tells how
/// much is. Gives the second's tokens, and those that were kept.
fn kept(one: &Seen, two: &Seen, thinking: bool, frame: usize) -> Result<(usize, usize), String> {
    let (first, second) = (one.usage(), two.usage());
    let told: usize = two
        .notes
        .iter()
        .filter_map(|note| note.strip_prefix("read anew: "))
        .filter_map(|note| note.split(' ').next())
        .filter_map(|number| number.replace(',', "").parse::<usize>().ok())
        .sum();
    // A thought is in no later prompt; what was answered is.
    let written = if thinking { 0 } else { first.generated_tokens };
    let known = first.prompt_tokens + written;
    // Some templates write much behind the last question, and nowhere else.
    let behind = second.prompt_tokens - second.cached_tokens - told.min(second.prompt_tokens);
    let asked = turn(two)?.sent.len();
    if second.cached_tokens + told + FRAME < known && behind > asked / 2 + frame {
        return Err(format!(
            "{known} tokens were there, {} are kept, and {told} are told of: {:?}",
            second.cached_tokens, two.notes
        ));
    }
    if second.cached_tokens + told > second.prompt_tokens {
        return Err(format!("{told} tokens are told of that are not read"));
    }
    Ok((second.prompt_tokens, second.cached_tokens))
}

/// A template with the vocabulary it is used with.
struct Form {
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Form {
    fn new(header: &Header) -> Result<Self, String> {
        let form = Self {
            tokenizer: Tokenizer::from_header(header).map_err(|e| e.to_string())?,
            template: ChatTemplate::from_header(header).map_err(|e| e.to_string())?,
        };
        match form.facts().form.as_str() {
            "own" => Ok(form),
            _ => Err(format!("its own is not used: {:?}", form.facts().note)),
        }
    }

    fn facts(&self) -> &ChatFacts {
        self.template.facts()
    }

    /// The tokens of a conversation in which each says the same.
    fn tokens(&self, roles: &[ChatRole], content: &str, thinking: bool) -> Vec<u32> {
        let messages: Vec<ChatMessage> = roles
            .iter()
            .map(|role| ChatMessage {
                role: *role,
                content: content.to_owned(),
            })
            .collect();
        let prompt = self
            .template
            .encode(&self.tokenizer, &messages, thinking, &|_| None);
        prompt.expect("a prompt").tokens
    }

    /// What people say is text, whatever words of the template it holds.
    fn said_stays_text(&self, words: &str) -> Result<(), String> {
        for thinking in [false, self.facts().thinking != ThinkingMode::None] {
            let steering = |tokens: &[u32]| {
                let control = |id: &u32| self.tokenizer.kind(*id) == TokenKind::Control;
                tokens.iter().copied().filter(control).collect::<Vec<u32>>()
            };
            let [plain, said] =
                ["be kind", words].map(|content| self.tokens(&TWO_TURNS, content, thinking));
            if steering(&plain) != steering(&said) {
                return Err("what was said steers".to_owned());
            }
            let bytes: Vec<u8> = said
                .iter()
                .flat_map(|id| self.tokenizer.printed(*id).to_vec())
                .collect();
            if String::from_utf8_lossy(&bytes).matches(words).count() != TWO_TURNS.len() {
                return Err("what was said is not there as it was said".to_owned());
            }
        }
        Ok(())
    }
}

const TWO_TURNS: [ChatRole; 4] = [
    ChatRole::System,
    ChatRole::User,
    ChatRole::Assistant,
    ChatRole::User,
];
