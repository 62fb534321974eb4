//! No job shows a model a secret, and no edit harms one.

use super::trial::{Trial, staged};
use super::*;
use crate::base::secrets::{MASK, samples};
use crate::engine::ScriptedEngine;
use crate::engine::scripted::ScriptedAnswer;

/// The rows of a private key.
fn rows() -> Vec<String> {
    let letters = "MIIEvQ9+aB3dE6gH/jK2";
    let row = |n: usize| letters.chars().cycle().skip(n).take(64).collect();
    (0..3).map(row).collect()
}

/// The line that holds a sample, of a private key those of all of it.
fn lines_of(number: usize, sample: &str) -> String {
    if sample.starts_with("-----") {
        let end = sample.replace("BEGIN", "END");
        return format!("{sample}\n{}\n{end}\n", rows().join("\n"));
    }
    format!("let k{number} = \"{sample}\";\n")
}

/// A file with a secret of every kind.
fn keys() -> String {
    let samples = samples().into_iter().enumerate();
    let lines: String = samples
        .map(|(number, (_, sample))| lines_of(number, &sample))
        .collect();
    format!("fn keys() {{\n{lines}}}\n")
}

/// Whatever of the secrets must not be seen.
fn hidden() -> Vec<String> {
    let samples = samples().into_iter().map(|(_, sample)| sample);
    samples
        .filter(|sample| !sample.starts_with("-----"))
        .chain(rows())
        .collect()
}

fn none_is_in(text: &str, of: &str) {
    for secret in hidden() {
        assert!(!text.contains(&secret), "{of} shows {secret}:\n{text}");
    }
}

/// All that an engine was asked.
fn asked(engine: &ScriptedEngine) -> String {
    let messages = engine.asked().iter().flat_map(|asked| &asked.messages);
    messages.map(|message| message.content.as_str()).collect()
}

fn always(text: &str) -> ScriptedEngine {
    ScriptedEngine::new(vec![ScriptedAnswer {
        repeat: true,
        ..ScriptedAnswer::text(text)
    }])
}

#[test]
fn no_job_shows_a_model_a_secret() {
    let keys = keys();
    let mut trial = Trial::new(&[("src/keys.rs", &keys), ("AGENTS.md", &keys)]);
    let (_, one) = samples().into_iter().next().expect("one");
    trial.put("notes.md", "notes\n");
    trial.git(&["add", "-A"]);
    trial.git(&["commit", "-q", "-m", &format!("Use {one} for the notes")]);
    trial.reindex();

    for question in ["what does @src/keys.rs do?", "where are keys() of k3 made?"] {
        let mut engine = always("It is so.");
        let ask = Ask {
            question: question.to_owned(),
            ..Ask::default()
        };
        let (answer, events) = trial.run(&Request::Ask(ask), &mut engine);
        answer.expect("an answer");
        assert!(asked(&engine).contains(&format!("let k3 = \"{MASK}\";")));
        none_is_in(&asked(&engine), question);
        none_is_in(&format!("{events:?}"), "an event");
    }
    let mut engine = always("It is so.");
    let ask = Ask {
        question: "what changed in the last commits?".to_owned(),
        ..Ask::default()
    };
    trial
        .run(&Request::Ask(ask), &mut engine)
        .0
        .expect("an answer");
    assert!(asked(&engine).contains(&format!("Use {MASK} for the notes")));
    none_is_in(&asked(&engine), "the history");

    // Each line is changed, so that all are in the diff, on both sides.
    trial.put("src/keys.rs", &keys.replace("let ", "let new_"));
    trial.put("more.rs", &keys);
    trial.git(&["add", "-A"]);
    let mut engine = always("No findings.");
    let (answer, events) = trial.run(&Request::Review(staged()), &mut engine);
    let Ok(Answer::Review { findings, .. }) = answer else {
        panic!("{answer:?}")
    };
    none_is_in(&asked(&engine), "a review");
    none_is_in(&format!("{findings:?}{events:?}"), "a finding");
    let found = findings
        .iter()
        .filter(|f| f.rule.as_deref() == Some("secret"));
    assert!(found.count() > 4, "{findings:?}");

    let mut engine = always("Add keys");
    trial
        .run(&Request::Message, &mut engine)
        .0
        .expect("a message");
    none_is_in(&asked(&engine), "a message");
}

#[test]
fn the_index_keeps_no_secret() {
    let address = format!("postgres://admin:{}@db.internal", "correcthorsebattery");
    let text = format!("fn keys() {{\n    open(\"{address}\");\n}}\n");
    let trial = Trial::new(&[("src/keys.rs", &text)]);
    let found = |words| trial.index.search(words, 5).expect("searched").len();
    assert_eq!((found("keys"), found("open")), (1, 1));
    assert_eq!(found("correcthorsebattery"), 0);
}

/// The file after an answer, or why it was refused.
fn after(trial: &Trial, edit: &str) -> std::result::Result<Vec<(String, Option<String>)>, String> {
    let mut engine = always(&format!("So.\n\n{edit}*** end\n"));
    let patch = Patch {
        request: "change k in the file @src/keys.rs".to_owned(),
        ..Patch::default()
    };
    let (answer, events) = trial.run(&Request::Patch(patch), &mut engine);
    none_is_in(&asked(&engine), "a patch");
    match answer {
        Ok(Answer::Patch {
            change, troubles, ..
        }) if troubles.is_empty() => Ok(change
            .files
            .into_iter()
            .map(|file| (file.path.to_string(), file.after))
            .collect()),
        Ok(Answer::Patch {
            change, troubles, ..
        }) => {
            assert!(change.is_empty(), "{change:?}");
            none_is_in(&troubles.join("\n"), "a trouble");
            Err(troubles.join("\n"))
        }
        Err(failure) => Err(format!("{failure} {:?} {events:?}", failure.causes())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_secret_keeps_its_bytes_in_every_form_of_edit() {
    let text = keys();
    let trial = Trial::new(&[("src/keys.rs", &text)]);
    let one = |after: Vec<(String, Option<String>)>| -> String {
        let [(_, Some(text))] = after.as_slice() else {
            panic!("{after:?}")
        };
        text.clone()
    };
    let end = text.lines().count();
    let fenced = |head: &str, old: Option<&str>, new: &str| match old {
        Some(old) => format!("*** {head}\n<<<<<<<\n{old}=======\n{new}>>>>>>>\n"),
        None => format!("*** {head}\n<<<<<<<\n{new}>>>>>>>\n"),
    };
    for (number, (kind, sample)) in samples().into_iter().enumerate() {
        let line = lines_of(number, &sample);
        let key = sample.starts_with("-----");
        let masked = if key {
            line.replace(&rows().join("\n"), &[MASK; 3].join("\n"))
        } else {
            line.replace(&sample, MASK)
        };
        let at = text.split_once(&line).expect("there").0.lines().count() + 1;
        let last = at + line.lines().count() - 1;
        let rewrite = format!("rewrite src/keys.rs:{at}-{last}");
        // A line beside it, and the line itself, by both forms.
        let with = |new: &str| format!("// here\n{new}");
        let done = after(&trial, &fenced(&rewrite, None, &with(&masked))).expect(kind);
        assert_eq!(one(done), text.replace(&line, &with(&line)), "{kind}");
        if !key {
            let done = after(
                &trial,
                &fenced("replace src/keys.rs", Some(&masked), &with(&masked)),
            );
            assert_eq!(
                one(done.expect(kind)),
                text.replace(&line, &with(&line)),
                "{kind}"
            );
            let changed = |line: &str| line.replace("let k", "    let the_key_");
            let done = after(
                &trial,
                &fenced("replace src/keys.rs", Some(&masked), &changed(&masked)),
            );
            assert_eq!(
                one(done.expect(kind)),
                text.replace(&line, &changed(&line)),
                "{kind}"
            );
            let gone = format!("let k{number} = env();\n");
            let done = after(&trial, &fenced("replace src/keys.rs", Some(&masked), &gone));
            assert_eq!(one(done.expect(kind)), text.replace(&line, &gone), "{kind}");
        }
        // Nobody knows what it stands for in a new file, nor on a line that had none.
        let told = after(&trial, &fenced("create src/new.rs", None, &masked));
        let told = told.expect_err(kind);
        assert!(told.contains("new file"), "{kind}: {told}");
        let told = after(
            &trial,
            &fenced("rewrite src/keys.rs:1-1", None, &format!("use({MASK});\n")),
        );
        let told = told.expect_err(kind);
        assert!(told.contains("cannot be told"), "{kind}: {told}");
    }
    // The whole of it at once, and the file under another name.
    let shown = crate::base::secrets::masked(&text).expect("masked");
    let whole = format!("rewrite src/keys.rs:1-{end}");
    let done = after(
        &trial,
        &fenced(&whole, None, &shown.replace("fn keys", "pub fn keys")),
    );
    assert_eq!(
        one(done.expect("whole")),
        text.replace("fn keys", "pub fn keys")
    );
    let done = after(&trial, "*** rename src/keys.rs -> src/other.rs\n").expect("renamed");
    assert_eq!(one(done), text);
    let done = after(&trial, "*** delete src/keys.rs\n").expect("deleted");
    assert_eq!(done, [("src/keys.rs".to_owned(), None)]);
}
