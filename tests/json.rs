//! `--json` by the real binary: every command, held against the schema.

use serde_json::{Value, json};

use crate::cli::{EDIT, Place, code, fits, schema, stderr};

#[test]
fn every_command_answers_in_json_by_the_schema() {
    let place = Place::committed();
    let schema = schema(&place);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let always = |text: &str| {
        let turn = json!({"steps": [{"text": text}], "repeat": true});
        place.script(&format!("{turn}\n"))
    };
    let types = |args: &[&str], status: i32| -> Vec<String> {
        let output = place.run(args);
        assert_eq!(code(&output), status, "{args:?}: {}", stderr(&output));
        serde_json::Deserializer::from_slice(&output.stdout)
            .into_iter::<Value>()
            .map(|value| {
                let value = value.expect("JSON");
                let wrong: Vec<String> = validator
                    .iter_errors(&value)
                    .map(|e| e.to_string())
                    .collect();
                let own = fits(&schema, &schema, &value);
                assert!(
                    wrong.is_empty() && own.is_empty(),
                    "{args:?}: {value} {own:?}"
                );
                value["type"].as_str().expect("a type").to_owned()
            })
            .collect()
    };
    for (args, wanted) in [
        (&["doctor", "--json"][..], "doctor"),
        (&["index", "--json"], "index"),
        (&["config", "--json"], "settings"),
        (&["config", "get", "threads", "--json"], "setting"),
        (&["config", "set", "threads", "--json", "2"], "setting"),
        (&["config", "path", "--json"], "path"),
        (&["search", "next_entry", "--json"], "hit"),
        (&["search", "next_entry", "--format", "json"], "hit"),
        (&["context", "ask", "why?", "--json"], "preview"),
        (&["models", "list", "--json"], "models"),
        (&["sessions", "--json"], "sessions"),
    ] {
        let told = types(args, 0);
        assert!(
            told.iter().all(|kind| kind == wanted) && !told.is_empty(),
            "{args:?}: {told:?}"
        );
    }
    let engine = always("A walker.");
    assert_eq!(
        types(&["ask", "what?", "--json", &engine], 0)
            .last()
            .expect("some"),
        "done"
    );
    assert_eq!(
        types(&["sessions", "search", "walker", "--json"], 0),
        ["sessions"]
    );
    let list: Value =
        serde_json::from_slice(&place.run(&["sessions", "--json"]).stdout).expect("ok");
    let id = list["sessions"][0]["id"].as_str().expect("an id");
    assert_eq!(
        types(&["sessions", "show", id, "--json"], 0),
        ["conversation"]
    );
    assert_eq!(
        types(&["sessions", "rename", id, "New", "--json"], 0),
        ["sessions"]
    );
    assert_eq!(
        types(&["sessions", "delete", id, "--json", "--yes"], 0),
        ["sessions"]
    );
    let engine = always(&EDIT.replace("\\n", "\n"));
    let patch = ["patch", "add two", "--apply", "--json", &engine];
    assert_eq!(types(&patch, 0).last().expect("some"), "done");
    assert_eq!(types(&["undo", "--list", "--json"], 0), ["patch"]);
    assert_eq!(types(&["undo", "--json"], 0), ["undone"]);
    assert_eq!(types(&["review", "--json", &engine], 0), ["review"]);
    assert_eq!(
        types(&["review", "--format", "json", &engine], 0),
        ["review"]
    );
    // Failures are events as well.
    for args in [
        &["undo", "--json"][..],
        &["models", "use", "nope", "--json"],
        &["config", "set", "theme", "drak", "--json"],
        &["sessions", "show", "nope", "--json"],
        &["review", "--commit", "nope", "--json", &engine],
    ] {
        assert_eq!(types(args, 2), ["error"], "{args:?}");
    }
    assert!(types(&["forget", "--dry-run", "--json"], 0).contains(&"kept".to_owned()));
    assert!(types(&["forget", "--yes", "--json"], 0).contains(&"kept".to_owned()));
}
