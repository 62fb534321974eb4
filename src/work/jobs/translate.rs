//! Search words for a question in another language: code is nearly always in English, so where
//! no word of a question stands in the index, the model is asked for the words to look for.

use super::{Event, JobCx, model_calls};
use crate::base::Result;
use crate::engine::{Generate, Message, Role, Sampling, Step};
use crate::index::is_english;

/// Most tokens of the model's answer.
const WORDS: usize = 32;
/// Most words that are searched with.
const MOST: usize = 10;

/// English words to search with besides those of the question, where that has none that the
/// index knows; empty for none. `before` is the conversation that the question belongs to: what
/// is read of it is read anyway.
///
/// # Errors
/// Interrupted, if cancelled. That the model finds no words is no failure.
pub(super) fn search_words(
    question: &str,
    before: &[Message],
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<String> {
    if is_english(question) || cx.index.stats().files == 0 || cx.index.knows_any_word(question)? {
        return Ok(String::new());
    }
    let with = |content: String| {
        let mut messages = before.to_vec();
        messages.push(Message {
            role: Role::User,
            content,
        });
        messages
    };
    let messages = with(cx.prompts.translate(question)?);
    let window = cx.engine.facts().context;
    if cx.engine.count_messages(&messages)? + WORDS > window {
        return Ok(String::new());
    }
    let request = Generate {
        messages,
        sampling: Sampling {
            temperature: Some(0.0),
            ..cx.settings.sampling.clone()
        },
        max_tokens: WORDS,
        stop: vec!["\n".to_owned()],
        next: with("\u{b7}".to_owned()),
        ..Generate::default()
    };
    let cancel = cx.cancel.clone();
    let done = cx.engine.generate(&request, None, &cancel, &mut |step| {
        if matches!(step, Step::Prefill { .. }) {
            emit(model_calls::event_of(step));
        }
    })?;
    cancel.check()?;
    emit(Event::Usage(done.usage));
    let words = words_of(&done.text);
    if !words.is_empty() {
        emit(Event::Note {
            text: format!("no word of the question stands in the code; looked for: {words}"),
        });
    }
    Ok(words)
}

/// The words of what a model wrote: names and words of Latin letters, each once.
fn words_of(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let line = text.lines().find(|line| !line.trim().is_empty());
    let parts = line
        .unwrap_or("")
        .split(|c: char| !c.is_alphanumeric() && c != '_');
    for word in parts {
        let good = word.is_ascii() && word.len() > 1 && word.len() <= 40;
        if good && !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(word);
        }
    }
    words.truncate(MOST);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, notes};
    use super::super::{Answer, Ask, Request};
    use super::*;
    use crate::engine::ScriptedEngine;

    #[test]
    fn only_words_are_taken() {
        assert_eq!(
            words_of("\n 1. walk, directory; Walk begin_walk 走査 \u{1b}[2J\nmore"),
            "walk directory begin_walk 2J"
        );
        assert_eq!(words_of(""), "");
    }

    fn trial() -> Trial {
        Trial::new(&[
            (
                "src/walk.rs",
                "/// Begins the walk of a directory.\nfn begin_walk() {}\n",
            ),
            ("src/print.rs", "/// Prints a line.\nfn print_line() {}\n"),
        ])
    }

    fn ask(question: &str) -> Request {
        Request::Ask(Ask {
            question: question.to_owned(),
            ..Ask::default()
        })
    }

    #[test]
    fn questions_in_other_languages_find_english_code() {
        for question in [
            "Wo beginnt der Durchlauf durch die Verzeichnisse?",
            "目录遍历从哪里开始？",
            "走査はどこで始まりますか。",
            "איפה מתחיל המעבר?",
        ] {
            let trial = trial();
            let mut engine = ScriptedEngine::saying(&["begin walk directory", "Here [1]."]);
            let (answer, events) = trial.run(&ask(question), &mut engine);
            let Ok(Answer::Ask { context, turn, .. }) = answer else {
                panic!("{question}: {answer:?}");
            };
            let found: Vec<_> = context.excerpts.iter().map(|e| e.path.as_str()).collect();
            assert_eq!(found.first(), Some(&"src/walk.rs"), "{question}");
            assert_eq!(turn.answer, "Here [1].");
            assert!(turn.sent.ends_with(question), "{}", turn.sent);
            assert!(notes(&events).contains("looked for: begin walk directory"));
            // What both read begins alike.
            let asked = engine.asked();
            assert_eq!(asked[0].messages[0], asked[1].messages[0]);
            assert!(asked[0].messages[1].content.contains(question));
        }
    }

    #[test]
    fn a_question_that_the_index_knows_costs_nothing_more() {
        for question in [
            "where does the walk begin?",
            "Was macht begin_walk?",
            "走査 begin_walkは何をしますか",
            "what about photosynthesis and its consequences?",
        ] {
            let trial = trial();
            let mut engine = ScriptedEngine::saying(&["Here."]);
            let (answer, _) = trial.run(&ask(question), &mut engine);
            assert!(answer.is_ok(), "{question}");
            assert_eq!(engine.asked().len(), 1, "{question}");
        }
    }
}
