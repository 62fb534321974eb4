//! `--json` by the real binary: every command, held against the schema.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::cli::{EDIT, Place, code, fits, schema, stderr};
use crate::repository::Files;

/// The schema, and two readers of it.
struct Schema {
    schema: Value,
    validator: jsonschema::Validator,
}

impl Schema {
    fn of(place: &Place) -> Self {
        let schema = schema(place);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        Self { schema, validator }
    }

    /// Holds all that a command printed against the schema. Returns the type of each object.
    fn types(&self, args: &[&str], output: &Output, status: i32) -> Vec<String> {
        assert_eq!(code(output), status, "{args:?}: {}", stderr(output));
        serde_json::Deserializer::from_slice(&output.stdout)
            .into_iter::<Value>()
            .map(|value| {
                let value = value.expect("JSON");
                let wrong = self.validator.iter_errors(&value);
                let wrong: Vec<String> = wrong.map(|e| e.to_string()).collect();
                let own = fits(&self.schema, &self.schema, &value);
                assert!(
                    wrong.is_empty() && own.is_empty(),
                    "{args:?}: {value} {wrong:?} {own:?}"
                );
                value["type"].as_str().expect("a type").to_owned()
            })
            .collect()
    }
}

#[test]
fn every_command_answers_in_json_by_the_schema() {
    let place = Place::committed();
    let schema = Schema::of(&place);
    let always = |text: &str| {
        let turn = json!({"steps": [{"text": text}], "repeat": true});
        place.script(&format!("{turn}\n"))
    };
    let types = |args: &[&str], status: i32| schema.types(args, &place.run(args), status);
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

#[test]
fn models_and_measurements_are_json_by_the_schema() {
    let place = Place::plain();
    let schema = Schema::of(&place);
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let tiny = models.join("llama-tiny.F32.gguf");
    let server = Files(vec![("M-F32.gguf", fs::read(&tiny).expect("a model"))]).serve();
    let hub = format!("http://127.0.0.1:{}", server.port);
    let types = |args: &[&str], status: i32| {
        let output = place.command(args).env("HF_ENDPOINT", &hub).output();
        schema.types(args, &output.expect("runs"), status)
    };
    let file = tiny.to_string_lossy();
    let add = ["models", "add", &file, "--name", "tiny", "--json"];
    assert_eq!(types(&add, 0), ["model"]);
    assert_eq!(types(&["models", "use", "tiny", "--json"], 0), ["model"]);
    assert_eq!(types(&["models", "verify", "tiny", "--json"], 0), ["model"]);
    assert_eq!(types(&["models", "list", "--json"], 0), ["models"]);
    let bench = ["bench", "--prompt", "8", "--gen", "2", "--json"];
    assert_eq!(types(&bench, 0), ["bench"]);
    let tried = types(&["models", "try", "tiny", "--seed", "3", "--json"], 0);
    assert_eq!(tried.last().map(String::as_str), Some("trial"));
    let listed = types(&["models", "pull", "owner/repo", "--json"], 0);
    assert_eq!(listed, ["models"]);
    let pull = ["models", "pull", "owner/repo:F32", "--json"];
    let pulled = types(&pull, 0);
    assert_eq!(pulled.last().map(String::as_str), Some("model"));
    // A file that has changed since is told as an answer, not as a failure.
    let store = place.home.path().join("data/homebody/models");
    let fetched = fs::read_dir(&store).expect("a folder").flatten();
    let fetched = fetched.map(|entry| entry.path());
    let fetched: Vec<_> = fetched
        .filter(|path| path.extension().is_some_and(|end| end == "gguf"))
        .collect();
    let [fetched] = fetched.as_slice() else {
        panic!("{fetched:?}");
    };
    let mut bytes = fs::read(fetched).expect("there");
    *bytes.last_mut().expect("some") ^= 1;
    fs::write(fetched, bytes).expect("written");
    assert_eq!(
        types(&["models", "verify", "m-f32", "--json"], 1),
        ["model"]
    );
    assert_eq!(
        types(&["models", "remove", "m-f32", "--yes", "--json"], 0),
        ["model"]
    );
    // What is not there is an event, too.
    for args in [
        &["models", "verify", "nope", "--json"][..],
        &["models", "add", "nope.gguf", "--json"],
        &["models", "pull", "nope/nope", "--json"],
        &["bench", "--model", "nope", "--json"],
    ] {
        assert_eq!(types(args, 2), ["error"], "{args:?}");
    }
}
