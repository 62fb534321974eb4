//! The part of talking to the model that all jobs share: the standing instructions, the budget,
//! and passing on what happens.

use super::prompt::SystemValues;
use super::{Context, Event, JobCx, Settings};
use crate::base::text::human_count;
use crate::base::{Failure, OrBug, Result, TokenCount};
use crate::context::{self, rules::Rules};
use crate::engine::{Finish, Generate, Generated, Message, Role, Sampling, Step};
use crate::grammar::Grammar;
use crate::index::Index;
use crate::repo::Repo;

/// Seconds a prompt may take to be read, if the user says nothing of it.
const READ_S: f64 = 20.0;
/// Tokens of excerpts before anything was measured.
const UNMEASURED: usize = 1000;
/// Fewest tokens of excerpts that are worth a prompt, however slow the machine.
const LEAST: usize = 1000;
/// Most of the context that excerpts may take, in percent.
const SHARE: usize = 60;
/// Most tokens of the rules.
const RULES: usize = 600;
/// Tokens of context that are too few for an answer.
const CLOSE: usize = 32;
/// Most tokens of the map.
const MAP: usize = 300;

/// The standing instructions, which stand before every conversation, and their parts.
pub(super) struct Standing {
    /// The instructions, with rules and map in them.
    pub message: Message,
    /// The project's rules.
    pub rules: Rules,
    /// The map; empty for none.
    pub map: String,
}

impl Standing {
    /// Puts what is known of rules and map into a context.
    pub(super) fn tell(&self, context: &mut Context) {
        context.map.clone_from(&self.map);
        context.rules.clone_from(&self.rules.shown);
        context.left_out.extend(self.rules.left_out.iter().cloned());
    }
}

/// The standing instructions, with the rules in them, and `mapped` with the map.
pub(super) fn system(cx: &JobCx<'_>, mapped: bool) -> Result<Standing> {
    let window = cx.engine.facts().context;
    let rules = context::rules::rules(
        cx.repo,
        &cx.settings.rules_file,
        &*cx.engine,
        most_rules(window),
    )?;
    let map = if mapped {
        map_of(cx.index, window, &*cx.engine)
    } else {
        String::new()
    };
    Ok(Standing {
        message: system_message(cx.repo, cx.prompts, &rules, &map)?,
        rules,
        map,
    })
}

/// The map for a context of `window` tokens. Its size depends on nothing that changes from run to
/// run: it is read once and then kept.
pub(super) fn map_of(index: &Index, window: usize, count: &dyn TokenCount) -> String {
    context::map(index, MAP.min(window / 16), count).unwrap_or_else(|failure| {
        log::warn!("no map: {failure}");
        String::new()
    })
}

/// Most tokens of the rules in a context of `window` tokens.
pub(super) fn most_rules(window: usize) -> usize {
    RULES.min(window / 8)
}

/// The message of the standing instructions, from its parts.
pub(super) fn system_message(
    repo: &Repo,
    prompts: &super::Prompts,
    rules: &Rules,
    map: &str,
) -> Result<Message> {
    // The root of a file system has no name.
    let repository = repo
        .root()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let (path, text) = match &rules.shown {
        Some((path, text)) => (path.to_string(), text.as_str()),
        None => (String::new(), ""),
    };
    let content = prompts.system(&SystemValues {
        repository: &crate::base::text::printable(&repository),
        map: map.trim_end(),
        rules_path: &path,
        rules: text,
    })?;
    Ok(Message {
        role: Role::System,
        content,
    })
}

/// Tokens excerpts may take: what the user says, else what this machine reads in the time the
/// user allows; never more than a share of the context that `used` tokens leave.
pub(super) fn budget(
    settings: &Settings,
    context: usize,
    used: usize,
    rates: Option<(f64, f64)>,
) -> usize {
    let free = context.saturating_sub(used) * SHARE / 100;
    let seconds = match settings.first_token {
        0.0 => READ_S,
        seconds => seconds,
    };
    let wanted = match (settings.budget, rates) {
        (0, Some((reading, _))) if reading > 0.0 => ((reading * seconds) as usize).max(LEAST),
        (0, _) => UNMEASURED,
        (asked, _) => asked,
    };
    wanted.min(free)
}

/// Has an answer written. An empty one is said to be so and asked for once more, without thinking
/// and with another seed.
///
/// # Errors
/// Those of the engine; of kind model, where the second answer is empty too, with the likely
/// reason.
pub(super) fn answer(
    cx: &mut JobCx<'_>,
    request: &Generate,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    let done = generate(cx, request, None, emit)?;
    if !is_empty(&done) || cx.cancel.is_cancelled() {
        return Ok(done);
    }
    emit(Event::Note {
        text: asked_once_more(&done, request.thinking),
    });
    let again = Generate {
        thinking: false,
        sampling: reseeded(&request.sampling),
        ..request.clone()
    };
    let second = generate(cx, &again, None, emit)?;
    if is_empty(&second) {
        let window = cx.engine.facts().context;
        return Err(no_answer(&done, request.thinking, window));
    }
    Ok(second)
}

/// Tells whether nothing was answered, though nobody stopped it.
pub(super) fn is_empty(done: &Generated) -> bool {
    done.finish != Finish::Cancelled && done.text.trim().is_empty()
}

/// The sampling of something that was asked `times` before.
pub(super) fn asked_again(sampling: &Sampling, times: u32) -> Sampling {
    (0..times).fold(sampling.clone(), |sampling, _| reseeded(&sampling))
}

/// The sampling of a second try: with another seed, and not the likeliest token each time, which
/// would come to the same.
pub(super) fn reseeded(sampling: &Sampling) -> Sampling {
    /// A temperature that leaves a rut.
    const WARM: f32 = 0.7;
    Sampling {
        seed: sampling.seed.map(|seed| seed.wrapping_add(1)),
        temperature: sampling.temperature.map(|t| if t > 0.0 { t } else { WARM }),
        ..sampling.clone()
    }
}

/// The word about an empty answer that is asked for again.
pub(super) fn asked_once_more(done: &Generated, thinking: bool) -> String {
    format!(
        "the model wrote no answer ({}); it is asked once more, without thinking",
        emptiness(done, thinking)
    )
}

/// The way in which an answer is empty, in words.
fn emptiness(done: &Generated, thinking: bool) -> &'static str {
    match (done.usage.generated_tokens, done.finish) {
        (0, _) => "it ended at once",
        (_, Finish::Length) if thinking => "all its tokens went into a thought",
        _ if thinking => "nothing but a thought",
        _ => "nothing but blanks",
    }
}

/// The failure for an answer that stayed empty.
pub(super) fn no_answer(done: &Generated, thinking: bool, window: usize) -> Failure {
    let failure = Failure::model("the model wrote no answer")
        .because(format!("twice: {}", emptiness(done, thinking)));
    let left = window.saturating_sub(done.usage.prompt_tokens);
    if left < 2 * CLOSE {
        return failure
            .because(format!(
                "the conversation takes {} of the context's {} tokens",
                human_count(done.usage.prompt_tokens as u64),
                human_count(window as u64)
            ))
            .hint("begin a new conversation (/new), or give it more room with --ctx");
    }
    if thinking && done.usage.generated_tokens > 0 {
        return failure.hint(
            "`thinking = false` in the settings asks for direct answers, and `thinking_limit` \
             ends a thought sooner",
        );
    }
    failure.hint(
        "`homebody models try` tells whether this model works at all; its chat template may be \
         another model's, or its file damaged (`homebody models verify NAME`)",
    )
}

/// The words for an answer that ended before its end, and how to go on.
pub(super) fn cut_short(done: &Generated, most: usize, window: usize) -> Option<String> {
    let tokens = done.usage.prompt_tokens + done.usage.generated_tokens;
    match done.finish {
        Finish::Length if tokens + CLOSE >= window => Some(
            "the answer ends here because the context is full; /continue, or `homebody ask \
             --continue`, folds what came before and goes on, and --ctx makes more room"
                .to_owned(),
        ),
        Finish::Length => Some(format!(
            "the answer ends here because it reached {} tokens; /continue, or `homebody ask \
             --continue`, goes on",
            human_count(most as u64)
        )),
        Finish::Repeated => Some(
            "the answer was ended because it only repeated itself; a larger model does less of that"
                .to_owned(),
        ),
        Finish::Stop | Finish::Cancelled => None,
    }
}

/// Generates, within a grammar where there is one, passing on what happens as events; the figures
/// come as an event too.
pub(super) fn generate(
    cx: &mut JobCx<'_>,
    request: &Generate,
    grammar: Option<&mut dyn Grammar>,
    emit: &mut dyn FnMut(Event),
) -> Result<Generated> {
    let cancel = cx.cancel.clone();
    let mut on = |step| emit(event_of(step));
    let done = cx.engine.generate(request, grammar, &cancel, &mut on)?;
    emit(Event::Usage(done.usage));
    Ok(done)
}

/// A step of the engine as an event.
pub(super) fn event_of(step: Step) -> Event {
    match step {
        Step::Prefill {
            done,
            total,
            cached,
            rate,
        } => Event::Prefill {
            done,
            total,
            cached,
            rate,
        },
        Step::StartOver(text) => Event::Note { text },
        Step::ReadAnew { tokens, why } => Event::Note {
            text: format!(
                "read anew: {} tokens, because {why}",
                human_count(tokens as u64)
            ),
        },
        Step::Thinking(text) => Event::Thinking { text },
        Step::ThinkingCut { tokens, why } => Event::ThinkingCut { tokens, why },
        Step::Text(text) => Event::Token { text },
    }
}

/// A piped text, cut to its first lines where it has more than `most` tokens, and the word about
/// that.
pub(super) fn piped(
    text: Option<&str>,
    most: usize,
    count: &dyn TokenCount,
) -> (String, Option<String>) {
    let Some(text) = text.map(str::trim_end).filter(|text| !text.is_empty()) else {
        return (String::new(), None);
    };
    let text = crate::base::text::printable_block(text).into_owned();
    if text.len() / 8 <= most && count.count(&text) <= most {
        return (text, None);
    }
    let lines: Vec<&str> = text.lines().collect();
    let first = |count: usize| {
        let first = lines.get(..count).or_bug("a text has fewer lines than fit");
        first.join("\n")
    };
    // The most lines that are known to fit, and the fewest that are known not to.
    let (mut fits, mut too_many) = (0, lines.len() + 1);
    while too_many > fits + 1 {
        let middle = fits + (too_many - fits) / 2;
        let part = first(middle);
        if part.len() / 8 <= most && count.count(&part) <= most {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    let kept = first(fits);
    let note = format!(
        "of the piped text {} of {} lines are shown; the rest does not fit",
        human_count(fits as u64),
        human_count(lines.len() as u64)
    );
    (kept, Some(note))
}

/// The failure for a request that does not fit the context.
pub(super) fn context_full(tokens: usize, context: usize) -> Failure {
    Failure::model("the request does not fit the model's context")
        .because(format!(
            "it has {} tokens of {}",
            human_count(tokens as u64),
            human_count(context as u64)
        ))
        .hint(
            "make the context larger (--ctx), show less (--budget, unpinned files), or choose a \
             model with a larger one (/model)",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::count::RoughCount;

    #[test]
    fn the_budget_follows_the_machine_and_the_context() {
        let budget = |asked, seconds, context, used, rates| {
            let settings = Settings {
                budget: asked,
                first_token: seconds,
                ..Settings::default()
            };
            budget(&settings, context, used, rates)
        };
        assert_eq!(budget(0, 0.0, 8192, 200, None), 1000);
        assert_eq!(budget(0, 0.0, 8192, 200, Some((300.0, 10.0))), 4795);
        assert_eq!(budget(0, 10.0, 8192, 200, Some((300.0, 10.0))), 3000);
        assert_eq!(budget(0, 0.0, 8192, 200, Some((10.0, 10.0))), 1000);
        assert_eq!(budget(500, 10.0, 8192, 200, Some((300.0, 10.0))), 500);
        assert_eq!(budget(0, 0.0, 2048, 1000, None), 628);
        assert_eq!(budget(0, 0.0, 100, 1000, None), 0);
    }

    #[test]
    fn piped_text_is_cut_aloud() {
        let text = "a line of text\n".repeat(100);
        let (kept, note) = piped(Some(&text), 100, &RoughCount);
        assert!(RoughCount.count(&kept) <= 100 && !kept.is_empty());
        assert!(note.is_some_and(|note| note.contains("of 100 lines")));
        assert_eq!(piped(Some("x\n"), 100, &RoughCount), ("x".into(), None));
        assert_eq!(piped(None, 100, &RoughCount), (String::new(), None));
    }
}
