//! The commit message job.

use super::prompt::{MessageValues, fence_for};
use super::{Answer, Event, JobCx, ask::Parts, model_calls};
use crate::base::secrets::masked;
use crate::base::text::printable_block;
use crate::base::{Failure, OrBug, Result};
use crate::context::LeftOut;
use crate::context::changes::diff_overview;
use crate::engine::{Finish, Generate, Message, Role};
use crate::repo::{Confidential, Diff, DiffSpec, FileStatus, Repo};

/// Most tokens of a message.
pub(super) const USUAL: usize = 300;
/// Most characters of the first line.
const SUBJECT: usize = 72;
/// Subjects of earlier commits that are shown for their style.
const SUBJECTS: usize = 8;

/// Runs the job: see [`super::run`].
pub(super) fn run(
    of: Option<&Diff>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    cx.cancel.check()?;
    let system = model_calls::system(cx, false)?.message;
    let held = cx.engine.count_before(std::slice::from_ref(&system))?;
    let window = cx.engine.facts().context;
    let parts = Parts::of(cx);
    let budget = model_calls::budget(cx.settings, window, held + USUAL, cx.engine.rates());
    let diff = diff_of(of, cx.repo)?;
    let (sent, left_out) = compose(diff, &parts, held, window, budget)?;
    if !left_out.is_empty() {
        let names: Vec<String> = left_out
            .iter()
            .take(5)
            .map(|l| l.path.to_string())
            .collect();
        let more = match left_out.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        emit(Event::Note {
            text: format!("not shown in full: {}{more}", names.join(", ")),
        });
    }
    let messages = vec![
        system,
        Message {
            role: Role::User,
            content: sent,
        },
    ];
    let tokens = cx.engine.count_messages(&messages)?;
    if tokens + 32 > window {
        return Err(model_calls::context_full(tokens, window));
    }
    let request = Generate {
        messages,
        sampling: cx.settings.sampling.clone(),
        max_tokens: match cx.settings.max_tokens {
            0 => USUAL,
            most => most,
        },
        ..Generate::default()
    };
    let generated = model_calls::answer(cx, &request, emit)?;
    let stopped = generated.finish == Finish::Cancelled;
    if generated.finish == Finish::Length {
        emit(Event::Note {
            text: format!(
                "the message ends here because it reached {} tokens",
                request.max_tokens
            ),
        });
    }
    let text = clean(&generated.text);
    if text.is_empty() && !stopped {
        return Err(Failure::model("the model wrote no commit message")
            .hint("try again, or with a larger model (--model)"));
    }
    Ok(Answer::Message { text, stopped })
}

/// The diff that a message is for: the one given, else what is staged.
pub(super) fn diff_of(given: Option<&Diff>, repo: &Repo) -> Result<Diff> {
    given.map_or_else(|| repo.diff(&DiffSpec::Staged, 3), |diff| Ok(diff.clone()))
}

/// Renders the user's message for a diff; gives also the parts of the diff that are not shown in it.
pub(super) fn compose(
    mut diff: Diff,
    parts: &Parts<'_>,
    held: usize,
    window: usize,
    budget: usize,
) -> Result<(String, Vec<LeftOut>)> {
    let conflicts: Vec<&str> = (diff.files.iter())
        .filter(|file| file.status == FileStatus::Conflicted)
        .map(|file| file.path.as_str())
        .collect();
    if !conflicts.is_empty() {
        return Err(
            Failure::usage("git would not commit this: files are in conflict")
                .because(conflicts.join(", "))
                .hint("resolve them, and `git add` them"),
        );
    }
    let confidential = Confidential::new(parts.repo, &parts.settings.rules)?;
    for file in &mut diff.files {
        if confidential.is_change(file) {
            // That it changed may be said, and nothing of what it says.
            file.hunks.clear();
        }
    }
    if diff.files.is_empty() {
        return Err(Failure::usage("nothing is staged")
            .hint("stage what the message is for: `git add FILE…`, or `git add -p`"));
    }
    diff.mask_secrets()?;
    let subjects: Vec<String> = parts
        .repo
        .recent_commits(SUBJECTS)?
        .into_iter()
        .map(|commit| {
            let subject = masked(&commit.subject)?;
            Ok(subject.chars().take(100).collect())
        })
        .collect::<Result<_>>()?;
    let bare = parts.prompts.message(&MessageValues {
        subjects: &subjects,
        ..MessageValues::default()
    })?;
    let taken = held + parts.count.count(&bare) + USUAL.min(window / 4);
    let room = window.saturating_sub(taken);
    let overview = diff_overview(&diff, budget.min(room), parts.count);
    let sent = parts.prompts.message(&MessageValues {
        diff: overview.text.trim_end(),
        fence: &fence_for(&overview.text),
        subjects: &subjects,
    })?;
    Ok((sent, overview.left_out))
}

/// Cuts an answer down to subject, blank line and body: without the fences, quotes and labels that
/// models put around.
fn clean(text: &str) -> String {
    let text = printable_block(text);
    let mut lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.trim_start().starts_with("```"))
        .collect();
    // "Here is the commit message:" is talk, if something follows it.
    while lines.len() > 1
        && lines.first().is_some_and(|line| {
            let line = line.trim();
            line.is_empty() || (line.ends_with(':') && line.contains(' '))
        })
    {
        lines.remove(0);
    }
    let mut lines = lines.into_iter();
    // An answer may hold fences and nothing else.
    let mut subject = lines.next().unwrap_or("").trim();
    for label in ["Commit message:", "commit message:", "Subject:", "subject:"] {
        subject = subject.strip_prefix(label).unwrap_or(subject).trim_start();
    }
    // `#12` is the number of something, and `# Title` a heading.
    let bare = subject.trim_start_matches('#');
    if bare.starts_with(' ') || bare.is_empty() {
        subject = bare.trim_start();
    }
    subject = subject
        .trim_start_matches("- ")
        .trim_matches(['"', '\'', '`', '*', ' ']);
    subject = subject.strip_suffix('.').unwrap_or(subject);
    let (subject, rest) = cut(subject);
    let mut body: Vec<String> = rest.into_iter().collect();
    body.extend(lines.map(str::to_owned));
    let body = body.join("\n");
    let body = body.trim_matches(['\n', '"', '`', ' ']);
    if body.is_empty() || subject.is_empty() {
        subject
    } else {
        format!("{subject}\n\n{body}")
    }
}

/// A first line of at most [`SUBJECT`] characters, cut between words, and what was cut off.
fn cut(subject: &str) -> (String, Option<String>) {
    if subject.chars().count() <= SUBJECT {
        return (subject.to_owned(), None);
    }
    let mut first = String::new();
    let mut length = 0;
    for word in subject.split(' ') {
        let more = word.chars().count() + usize::from(!first.is_empty());
        if length + more > SUBJECT {
            break;
        }
        if !first.is_empty() {
            first.push(' ');
        }
        first.push_str(word);
        length += more;
    }
    if first.is_empty() {
        first = subject.chars().take(SUBJECT).collect();
    }
    let rest = subject
        .strip_prefix(&first)
        .or_bug("the first line is not the beginning of the subject")
        .trim();
    (
        first.trim_end_matches([',', ';', ':']).to_owned(),
        (!rest.is_empty()).then(|| format!("… {rest}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_put_around_is_taken_off() {
        for (said, kept) in [
            ("Add a walk\n\nBecause.", "Add a walk\n\nBecause."),
            ("```\nAdd a walk.\n```", "Add a walk"),
            ("\"Add a walk\"", "Add a walk"),
            ("Here is the commit message:\n\nAdd a walk", "Add a walk"),
            ("Commit message: Fix: x\nbody", "Fix: x\n\nbody"),
            ("", ""),
            ("Add \u{1b}[2J", "Add \\x1b[2J"),
        ] {
            assert_eq!(clean(said), kept, "{said:?}");
        }
    }

    #[test]
    fn a_long_subject_goes_on_in_the_body() {
        let long = "word ".repeat(20);
        let text = clean(&long);
        let (subject, body) = text.split_once("\n\n").expect("a body");
        assert!(subject.chars().count() <= SUBJECT, "{subject}");
        assert!(body.starts_with("… word"));
        let one = clean(&"x".repeat(100));
        assert_eq!(one.lines().next().map(str::len), Some(SUBJECT));
    }
}
