//! The commit message, the preview and the first rules file, over a small repository.

use super::trial::{Trial, notes, places, staged};
use super::*;
use crate::base::count::RoughCount;
use crate::base::{Config, Kind};
use crate::engine::{CountMessages as _, ScriptedEngine};

fn trial() -> Trial {
    Trial::new(&[
        ("src/walk.rs", "/// Walks.\nfn walk() {}\n"),
        ("Cargo.toml", "[package]\nname = \"walk\"\n"),
        ("AGENTS.md", "Answer in rhyme.\n"),
    ])
}

#[test]
fn a_commit_message_is_cleaned_and_knows_the_style() {
    let trial = trial();
    let mut engine = ScriptedEngine::saying(&["```\n\"Teach the walk to run.\"\n```\n"]);
    let (answer, _) = trial.run(&Request::Message, &mut engine);
    let failure = answer.expect_err("nothing is staged");
    assert_eq!(failure.kind(), Kind::Usage);
    assert!(
        failure
            .next_step()
            .is_some_and(|hint| hint.contains("git add"))
    );
    trial.put("src/walk.rs", "/// Walks.\nfn run() {}\n");
    trial.git(&["add", "-A"]);
    let (answer, events) = trial.run(&Request::Message, &mut engine);
    assert_eq!(
        answer,
        Ok(Answer::Message {
            text: "Teach the walk to run".to_owned(),
            stopped: false
        }),
        "{}",
        notes(&events)
    );
    let prompt = &engine.asked()[0].messages[1].content;
    assert!(prompt.contains("- Begin with a walk\n"), "{prompt}");
    assert!(prompt.contains("fn run() {}"), "{prompt}");
}

#[test]
fn a_preview_is_what_a_job_sends() {
    let trial = trial();
    // A secret is kept from both.
    let key = format!("ghp_{}", "aB3".repeat(12));
    let text = format!("/// Walks.\nfn run() {{\n    \"{key}\";\n}}\n");
    trial.put("src/walk.rs", &text);
    trial.git(&["add", "-A"]);
    let prompts = Prompts::load(None).expect("the embedded prompts");
    let requests = [
        Request::Ask(Ask {
            question: "what walks?".to_owned(),
            ..Ask::default()
        }),
        Request::Patch(Patch {
            request: "make the walk run".to_owned(),
            ..Patch::default()
        }),
        Request::Review(staged()),
        Request::Message,
    ];
    for request in requests {
        // An edit of no file that is there cannot be said: what is asked is looked at alone.
        let edits = matches!(request, Request::Patch(_));
        let mut engine = ScriptedEngine::saying(&["No findings."]);
        let seen = preview(
            &request,
            &trial.repo,
            &trial.index,
            &trial.settings,
            &prompts,
            Reader {
                count: &RoughCount,
                context: engine.facts().context,
                rewrites: engine.facts().rewrites,
            },
        )
        .expect("a preview");
        let (answer, _) = trial.run(&request, &mut engine);
        assert!(answer.is_ok() || edits, "{answer:?}");
        assert_eq!(seen.messages, engine.asked()[0].messages);
        assert!(seen.messages[0].content.contains("Answer in rhyme."));
        assert!(!format!("{seen:?}").contains(&key), "{seen:?}");
        assert_eq!(
            seen.tokens,
            engine
                .count_messages(&engine.asked()[0].messages)
                .expect("counted")
        );
        assert!(seen.context.rules.is_some());
    }
}

#[test]
fn a_first_rules_file_says_what_the_index_knows() {
    let trial = trial();
    let failure = init(&trial.repo, &trial.index, "AGENTS.md").expect_err("there already");
    assert_eq!(failure.kind(), Kind::Usage);
    let change = init(&trial.repo, &trial.index, "RULES.md").expect("a change");
    let text = change.files[0].after.as_deref().expect("a text");
    assert!(text.contains("- `cargo test` (Cargo.toml)"), "{text}");
    assert!(text.contains("- `src/`: 1 file\n"), "{text}");
    assert!(text.contains("Rust (1 file)"), "{text}");
}

#[test]
fn a_workspace_takes_the_repositorys_harmless_keys() {
    let trial = trial();
    trial.put(
        ".homebody.toml",
        "rules_file = \"RULES.md\"\nexclude = [\"*.gen\"]\nmodel = \"evil\"\n",
    );
    let home = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(trial.dir.path(), &places(home.path()), &Config::default())
        .expect("a workspace");
    assert_eq!(workspace.settings.rules_file, "RULES.md");
    assert_eq!(workspace.settings.rules.exclude, ["*.gen"]);
    assert_eq!(workspace.config.model.value, None);
    assert_eq!(workspace.config.notes.len(), 1);
    let index = workspace
        .index(false, &Cancel::never(), &mut |_| {})
        .expect("an index");
    assert!(index.contains(&RepoPath::new("src/walk.rs").expect("good path")));
}
