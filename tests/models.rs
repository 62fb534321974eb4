//! Models as people have them: none at first, carried over by hand, with the templates that are
//! published, and such that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use homebody_inference::model::gguf::Value;
use serde_json::Value as Json;

use crate::cli::{Place, code, stderr, stdout};
use crate::tiny::{rewritten, text};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");

fn fixture(name: &str) -> PathBuf {
    Path::new(FIXTURES).join(name)
}

/// A command on a machine where neither the hub nor Python can be reached.
fn cut_off(place: &Place, args: &[&str]) -> Output {
    place
        .command(args)
        .env("HF_ENDPOINT", "http://127.0.0.1:9")
        .env("PATH", "/nowhere")
        .output()
        .expect("runs")
}

#[test]
fn nothing_is_fetched_without_leave() {
    let place = Place::committed();
    for args in [
        &["ask", "x"][..],
        &["-q", "ask", "x"],
        &["patch", "x"],
        &["--model", "qwen3.5-4b", "ask", "x"],
        &["bench"],
    ] {
        let output = cut_off(&place, args);
        let words = stderr(&output);
        assert_eq!(code(&output), 2, "{args:?}: {words}");
        for wanted in [
            "no model",
            "homebody models pull qwen3.5-",
            "--yes",
            "models add FILE.gguf",
        ] {
            assert!(words.contains(wanted), "{args:?}: {wanted}: {words}");
        }
        assert!(!words.contains("fetching"), "{args:?}: {words}");
    }
}

#[test]
fn with_leave_it_is_said_what_is_fetched_and_what_is_taken_instead() {
    let place = Place::committed();
    let output = cut_off(&place, &["--yes", "ask", "x"]);
    let words = stderr(&output);
    assert_eq!(code(&output), 2, "{words}");
    for wanted in [
        "fetching qwen3.5-",
        "from Hugging Face",
        "falling back to starter",
        "fetching starter",
        "there is no model to run",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    // Who names one gets that one or none.
    let output = cut_off(&place, &["--yes", "--model", "qwen3.5-4b", "ask", "x"]);
    let words = stderr(&output);
    assert_eq!(code(&output), 2, "{words}");
    assert!(
        words.contains("fetching qwen3.5-4b") && !words.contains("falling back"),
        "{words}"
    );
}

#[test]
fn a_hook_without_a_model_lets_the_rules_decide() {
    let place = Place::committed();
    assert_eq!(code(&place.run(&["review", "--install-hook"])), 0);
    place.write(
        "src/key.rs",
        &format!("const KEY: &str = \"AKIA{}\";\n", "QX7RZ2LMN4TBWY5V"),
    );
    place.run_git(&["add", "-A"]);
    let output = place.run_git(&["commit", "-m", "A key"]);
    let words = stderr(&output);
    assert_ne!(code(&output), 0, "{words}");
    assert!(words.contains("no model has read this change"), "{words}");
    assert!(!words.contains("fetching"), "{words}");

    place.write(
        "src/key.rs",
        "const KEY: &str = \"from the environment\";\n",
    );
    place.run_git(&["add", "-A"]);
    let output = place.run_git(&["commit", "-m", "No key"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("no model has read this change"));
    // Without the hook the same is refused: whoever asks for a review wants one.
    place.write("src/key.rs", "const KEY: &str = \"\";\n");
    place.run_git(&["add", "-A"]);
    for args in [
        &["review"][..],
        &["-q", "review"],
        &["message"],
        &["-q", "message"],
    ] {
        let output = cut_off(&place, args);
        let words = stderr(&output);
        assert_eq!(code(&output), 2, "{args:?}: {words}");
        let said = words.contains("no model") && words.contains("homebody models pull ");
        assert!(said && !words.contains("fetching"), "{args:?}: {words}");
    }
}

/// Wherever git stages what is committed, and whatever is left to others to read: the rules look.
#[test]
fn a_hook_looks_at_what_is_committed_and_at_all_of_it() {
    let key = format!("AKIA{}", "QX7RZ2LMN4TBWY5V");
    let text = format!("key = \"{key}\"\n");
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let files: [(&str, Vec<u8>); 8] = [
        ("vendor/lib.js", text.clone().into_bytes()),
        ("node_modules/x/i.js", text.clone().into_bytes()),
        ("gen/foo.pb.go", text.clone().into_bytes()),
        ("Cargo.lock", text.clone().into_bytes()),
        ("kept/out.dat", text.clone().into_bytes()),
        ("wide.txt", wide),
        (
            "large.txt",
            format!("{}{text}", "x y z\n".repeat(300_000)).into_bytes(),
        ),
        ("skipped/a.rs", text.clone().into_bytes()),
    ];
    for (name, bytes) in files {
        let place = Place::committed();
        assert_eq!(code(&place.run(&["review", "--install-hook"])), 0);
        place.write(".gitattributes", "kept/* -diff\n");
        place.write(".homebody.toml", "[review]\nskip = [\"skipped/**\"]\n");
        place.write(name, "");
        std::fs::write(place.repo.path().join(name), bytes).expect("written");
        place.run_git(&["add", "-fA"]);
        let output = place.run_git(&["commit", "-qm", "A key"]);
        assert_ne!(code(&output), 0, "{name}: {}", stderr(&output));
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(told.contains("AWS access key"), "{name}: {told}");
    }
    let place = Place::committed();
    assert_eq!(code(&place.run(&["review", "--install-hook"])), 0);
    let index = place.home.path().join("index");
    place.write("a.rs", &text);
    let staged = |args: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(args)
            .current_dir(place.repo.path())
            .env("GIT_INDEX_FILE", &index)
            .env("HOME", place.home.path())
            .env("XDG_DATA_HOME", place.home.path().join("data"));
        git.output().expect("git runs")
    };
    assert!(staged(&["read-tree", "HEAD"]).status.success());
    assert!(staged(&["add", "a.rs"]).status.success());
    let output = staged(&["commit", "-qm", "A key"]);
    assert_ne!(code(&output), 0, "{}", stderr(&output));
    // Another repository than the one that the hook's folder lies in.
    let other = place.home.path().join("other.git");
    let other = other.to_string_lossy();
    place.run_git(&["init", "-q", "--bare", &other]);
    let hooks = place.repo.path().join(".git/hooks/pre-commit");
    std::fs::copy(hooks, place.home.path().join("other.git/hooks/pre-commit")).expect("copied");
    let tree = format!("--work-tree={}", place.repo.path().display());
    let dir = format!("--git-dir={other}");
    place.run_git(&[&dir, &tree, "add", "a.rs"]);
    let output = place.run_git(&[&dir, &tree, "commit", "-qm", "A key"]);
    assert_ne!(code(&output), 0, "{}", stderr(&output));
    // git names it, so it is that one's commit that is looked at.
    let told = format!("{}{}", stdout(&output), stderr(&output));
    assert!(told.contains("AWS access key"), "{told}");
}

/// The binary and one GGUF file, carried over by hand: no network, no pip, no Python, no question.
#[test]
fn an_installation_without_any_network_works() {
    let file = fixture("llama-tiny.F32.gguf");
    let by_path = Place::committed();
    let path = file.to_string_lossy().into_owned();
    let output = cut_off(
        &by_path,
        &["--model", &path, "ask", "what does next_entry do?"],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!stdout(&output).trim().is_empty());

    let added = Place::committed();
    let output = cut_off(&added, &["models", "add", &path, "--name", "carried"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("tried: every job can be asked of it"),
        "{}",
        stderr(&output)
    );

    let dropped = Place::committed();
    let models = dropped.home.path().join("data/homebody/models");
    fs::create_dir_all(&models).expect("made");
    fs::copy(&file, models.join("dropped.gguf")).expect("copied");

    for place in [&added, &dropped] {
        for args in [
            &["ask", "what does next_entry do?"][..],
            &["patch", "add two"],
            &["message"],
        ] {
            place.write(
                "src/walk.rs",
                "pub fn next_entry(n: u32) -> u32 {\n    n + 9\n}\n",
            );
            place.run_git(&["add", "-A"]);
            let output = cut_off(place, args);
            let words = stderr(&output);
            assert!(matches!(code(&output), 0 | 1), "{args:?}: {words}");
            assert!(!words.contains("fetch"), "{args:?}: {words}");
        }
    }
}

const BODY: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Guards as published templates have them.
const GUARDS: [(&str, &str); 4] = [
    (
        "wants a user",
        "{% set ns = namespace(user=false) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.user = true %}{% endif %}{% endfor %}{% if not ns.user %}{{ raise_exception('No user query found in messages.') }}{% endif %}",
    ),
    (
        "no system",
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
    ),
    (
        "strict turns",
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}",
    ),
    ("cannot be compiled", "{% if %}"),
];

#[test]
fn every_job_works_with_templates_that_refuse_things() {
    let place = Place::committed();
    place.write(
        "src/walk.rs",
        "pub fn next_entry(n: u32) -> u32 {\n    n + 9\n}\n",
    );
    place.run_git(&["add", "-A"]);
    for (name, guard) in GUARDS {
        let model = place.home.path().join("guarded.gguf");
        let template = format!("{guard}{BODY}");
        let changes = [("tokenizer.chat_template", text(&template))];
        rewritten(&fixture("qwen35-tiny-bq.Q4_K_M.gguf"), &model, &changes);
        let model = model.to_string_lossy().into_owned();
        for args in [
            &["ask", "what does next_entry do?"][..],
            &["ask", "--continue", "and why?"],
            &["patch", "add one more"],
            &["review"],
            &["message"],
        ] {
            let args = [&["--model", &model, "--seed", "1"], args].concat();
            let output = place.run(&args);
            assert!(
                matches!(code(&output), 0 | 1),
                "{name} {args:?}: {}",
                stderr(&output)
            );
        }
        let added = place.run(&["models", "add", &model, "--name", "guarded"]);
        assert_eq!(code(&added), 0, "{name}: {}", stderr(&added));
        let list = place.run(&["models", "list", "--json"]);
        let list: Json = serde_json::from_slice(&list.stdout).expect("JSON");
        let models = list["models"].as_array().expect("a list");
        let chat = models
            .iter()
            .find(|m| m["name"] == "guarded")
            .expect("listed")["chat"]
            .clone();
        let wanted = match name {
            "no system" => chat["system"] == "first_user",
            "strict turns" => chat["turns"] == "strict",
            "cannot be compiled" => {
                chat["form"] == "chatml"
                    && stderr(&added).contains("conversations have the form of chatml")
            }
            _ => chat["form"] == "own" && chat["system"] == "own",
        };
        assert!(wanted, "{name}: {chat}");
        let doctor = stdout(&place.run(&["doctor", "--model", "guarded"]));
        assert!(doctor.contains("its form"), "{doctor}");
        assert_eq!(code(&place.run(&["models", "remove", "guarded"])), 0);
    }
}

#[test]
fn what_cannot_be_used_is_told_when_it_is_added() {
    let place = Place::committed();
    let strip = |name: &str| {
        // No token steers any more, so that no family can be told.
        let header =
            homebody_inference::model::gguf::Header::read(&fixture(name)).expect("a model");
        let count = header.metadata["tokenizer.ggml.token_type"]
            .as_array()
            .map_or(0, <[Value]>::len);
        Value::Array(vec![Value::Signed(1); count])
    };
    let normal = strip("llama-tiny.F32.gguf");
    for (what, changes) in [
        (
            "the pre-tokenizer `martian` is not supported",
            vec![("tokenizer.ggml.pre", text("martian"))],
        ),
        (
            "`tokenizer.ggml.pre` is missing",
            vec![("tokenizer.ggml.pre", None)],
        ),
        (
            "it has no chat template",
            vec![
                ("tokenizer.chat_template", None),
                ("tokenizer.ggml.token_type", Some(normal)),
            ],
        ),
        (
            "a tokenizer of the family `martian`",
            vec![("tokenizer.ggml.model", text("martian"))],
        ),
    ] {
        let model = place.home.path().join("odd.gguf");
        rewritten(&fixture("llama-tiny.F32.gguf"), &model, &changes);
        let model = model.to_string_lossy().into_owned();
        let output = place.run(&["models", "add", &model, "--name", "odd"]);
        assert_eq!(code(&output), 2, "{what}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(what),
            "{what}: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains("hint:"), "{}", stderr(&output));
        assert_eq!(code(&place.run(&["models", "use", "odd"])), 2, "{what}");
    }
}

#[test]
fn a_model_is_tried_on_a_repository_of_its_own() {
    let place = Place::plain();
    let model = fixture("llama-tiny.F32.gguf")
        .to_string_lossy()
        .into_owned();
    let output = place.run(&["models", "try", &model, "--seed", "3", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    let jobs = told["jobs"].as_array().expect("jobs");
    let names: Vec<&str> = jobs.iter().filter_map(|job| job["job"].as_str()).collect();
    assert_eq!(names, ["ask", "patch", "review", "message"]);
    for job in jobs {
        assert_eq!(job["works"], true, "{job}");
        assert!(job["read"].as_u64() > Some(100), "{job}");
        assert!(job["first_words"].as_str().is_some(), "{job}");
    }
    assert_eq!((code(&output), &told["works"]), (0, &Json::Bool(true)));
    let output = place.run(&["models", "try", &model, "--seed", "3"]);
    assert_eq!(code(&output), 0);
    let shown = stdout(&output);
    assert!(shown.contains("ask     works  read "), "{shown}");
    assert_eq!(code(&place.run(&["models", "try"])), 2);
}

/// Templates that grow by doubling: few steps, and more than any machine has.
const GROWING: [(&str, &str); 6] = [
    (
        "a list",
        "{% set ns = namespace(l=[1, 2]) %}{% for i in range(40) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l | length }}{{ ns.l | join }}",
    ),
    (
        "a text",
        "{% set ns = namespace(t='ab') %}{% for i in range(40) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t | length }}",
    ),
    (
        "what is said again",
        "{% set ns = namespace(t='ab') %}{% for i in range(40) %}{% set ns.t = ns.t | replace('a', ns.t) %}{% endfor %}{{ ns.t | length }}",
    ),
    (
        "lists of lists",
        "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson | length }}",
    ),
    (
        "a deep list",
        "{% set ns = namespace(l=[1]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson | length }}",
    ),
    (
        "a block",
        "{% set t0 = 'ab' %}{% set ns = namespace(t=t0) %}{% for i in range(40) %}{% set t %}{{ ns.t }}{{ ns.t }}{% endset %}{% set ns.t = t %}{% endfor %}{{ ns.t | length }}",
    ),
];

#[test]
fn a_template_that_grows_without_end_takes_nothing_down() {
    let place = Place::committed();
    let said = place.home.path().join("said.json");
    std::fs::write(&said, r#"[{"role": "user", "content": "x"}]"#).expect("written");
    std::thread::scope(|scope| {
        for (name, growing) in GROWING {
            let (place, said) = (&place, said.to_string_lossy().into_owned());
            scope.spawn(move || {
                let file = place.home.path().join(format!("{name}.jinja"));
                std::fs::write(&file, growing).expect("written");
                let file = file.to_string_lossy().into_owned();
                let args = ["--model", &file, "debug", "render", "--messages", &said];
                let output = place.run(&args);
                let words = stderr(&output);
                assert_eq!(code(&output), 2, "{name}: {words}");
                assert!(words.contains("cannot be rendered"), "{name}: {words}");
            });
        }
    });
    // A model that has one is spoken to in the form of its family, and asked all the same.
    let model = place.home.path().join("growing.gguf");
    let changes = [(
        "tokenizer.chat_template",
        text(&format!("{}{BODY}", GROWING[1].1)),
    )];
    rewritten(&fixture("qwen35-tiny-bq.Q4_K_M.gguf"), &model, &changes);
    let model = model.to_string_lossy().into_owned();
    let output = place.run(&["--model", &model, "ask", "what does next_entry do?"]);
    assert!(matches!(code(&output), 0 | 1), "{}", stderr(&output));
}
