//! `ask`: a question, an answer as it is written, and its sources.

use std::io::Read as _;

use super::Code;
use super::args::AskArgs;
use super::follow::{Show, follow_seeing, ready, sources};
use super::invocation::Invocation;
use crate::base::secrets::{places_of_part, without};
use crate::base::text::human_bytes;
use crate::base::{Failure, Kind, Result};
use crate::jobs::session::{Record, Sessions};
use crate::jobs::{Answer, Ask, Event, Fold, Request, Turn};

/// Most bytes that are read from standard input.
const MOST_PIPED: u64 = 1_000_000;

/// Runs `ask QUESTION…`.
pub(super) fn run(args: &AskArgs, invocation: &mut Invocation) -> Result<Code> {
    let bare = args.question.is_empty() && !input_is_given();
    if bare && !args.go_on {
        return Err(no_question());
    }
    let mut ready = ready(invocation, None)?;
    // Read behind the seal: what is piped in may come from the repository.
    let (question, piped) = if bare {
        (String::new(), None)
    } else {
        question(&args.question, invocation)?
    };
    let sessions = Sessions {
        dir: ready.workspace.places.sessions.clone(),
    };
    let (id, history, fold) = conversation(args.go_on, &sessions, invocation)?;
    let request = Request::Ask(Ask {
        question,
        piped,
        within: args.part.within()?,
        history: history.clone(),
        fold: fold.clone(),
        go_on: bare,
        ..Ask::default()
    });
    let show = if args.json { Show::Json } else { Show::Answer };
    let mut folded = None;
    let see = &mut |event: &Event| {
        if let Event::Folded(fold) = event {
            folded = Some(fold.clone());
        }
    };
    let shown = (show, args.show_context);
    let answer = follow_seeing(invocation, &mut ready, &request, shown, see)?;
    let Answer::Ask { turn, stopped, .. } = answer else {
        return Err(Failure::bug("a question was answered with something else"));
    };
    if !args.json {
        sources(&mut invocation.out, &turn.sources);
    }
    if ready.workspace.config.save.value && !turn.answer.is_empty() {
        // The answer stands; that it cannot be kept is worth a word, not a failure.
        let before = (history, fold);
        if let Err(failure) = save(&sessions, id, before, (turn, folded)) {
            invocation
                .out
                .warn(&format!("the conversation is not kept: {failure}"));
        }
    }
    if stopped && !invocation.out.closed() {
        invocation.out.note("stopped; what was written stands");
        return Ok(Kind::Interrupted.exit_code());
    }
    Ok(0)
}

/// Keeps a turn in the session that it goes on with, or in a new one, with the turns before it
/// where the session is open elsewhere.
fn save(
    sessions: &Sessions,
    id: Option<String>,
    (before, fold): (Vec<Turn>, Fold),
    (this, folded): (Turn, Option<Fold>),
) -> Result<()> {
    let going_on = id.map(|id| sessions.open(&id)).filter(Result::is_ok);
    let (mut log, before, fold) = match going_on {
        Some(log) => (log?, Vec::new(), folded),
        None => {
            let fold = folded.unwrap_or(fold);
            let fold = (!fold.is_empty()).then_some(fold);
            (sessions.open(&sessions.new_id())?, before, fold)
        }
    };
    let turn = |turn: Turn| Record::<()>::Turn {
        turn: Box::new(turn),
        shown: false,
    };
    let mut records: Vec<Record<()>> = before.into_iter().map(turn).collect();
    records.extend(fold.map(|fold| Record::Fold { fold, shown: false }));
    records.push(turn(this));
    log.append(records, true)
}

/// The conversation to go on with: its id, its turns and how they are folded; nothing for a new one.
fn conversation(
    go_on: bool,
    sessions: &Sessions,
    invocation: &mut Invocation,
) -> Result<(Option<String>, Vec<Turn>, Fold)> {
    let none = (None, Vec::new(), Fold::default());
    if !go_on {
        return Ok(none);
    }
    match sessions.list()?.into_iter().next() {
        Some(last) => {
            let (turns, fold) = sessions.turns(&last.id)?;
            Ok((Some(last.id), turns, fold))
        }
        None => {
            let some =
                std::fs::read_dir(&sessions.dir).is_ok_and(|mut files| files.next().is_some());
            invocation.out.note(if some {
                "the earlier conversations here cannot be read; this begins a new one"
            } else {
                "there is no earlier conversation here; this begins one"
            });
            Ok(none)
        }
    }
}

/// Reads words and piped text as question and addition; piped text alone is the question.
pub(super) fn question(
    words: &[String],
    invocation: &mut Invocation,
) -> Result<(String, Option<String>)> {
    let said = words.join(" ");
    let piped = piped(invocation)?;
    match (said.trim(), piped) {
        ("" | "-", Some(text)) => Ok((text, None)),
        ("" | "-", None) => Err(no_question()),
        (said, piped) => Ok((said.to_owned(), piped)),
    }
}

fn no_question() -> Failure {
    Failure::usage("there is nothing to ask")
        .hint("say it: `homebody ask \"where are the settings read?\"`, or pipe it in")
}

/// Tells whether something was piped or redirected into this process. A terminal, `/dev/null` or
/// nothing at all is no input.
pub(super) fn input_is_given() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        use std::os::unix::fs::FileTypeExt as _;
        std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(std::fs::File::from)
            .and_then(|file| file.metadata())
            .is_ok_and(|facts| {
                let kind = facts.file_type();
                kind.is_file() || kind.is_fifo() || kind.is_socket()
            })
    }
    #[cfg(not(unix))]
    {
        use std::io::IsTerminal as _;
        !std::io::stdin().is_terminal()
    }
}

/// Reads the text that was piped in, up to [`MOST_PIPED`] bytes; none if nothing was.
pub(super) fn piped(invocation: &mut Invocation) -> Result<Option<String>> {
    if !input_is_given() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MOST_PIPED + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::environment("cannot read standard input").caused_by(&e))?;
    if bytes.len() as u64 > MOST_PIPED {
        bytes.truncate(MOST_PIPED as usize);
        invocation.out.warn(&format!(
            "of standard input only the first {} are read",
            human_bytes(MOST_PIPED)
        ));
    }
    let text = String::from_utf8_lossy(&bytes);
    // What is piped in comes out of files and logs.
    let text = without(&text, &places_of_part(&text)?).into_owned();
    Ok((!text.trim().is_empty()).then_some(text))
}
