//! Every command of the command line with its flags, its output and its exit codes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{EDIT, Place, check_events, code, schema, stderr, stdout};

/// A model that is a model, and small enough to be run in no time.
const TINY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/models/llama-tiny.F32.gguf"
);

/// A model that says one thing of the change that [`changed`] makes, and stands by it.
fn reviewer(place: &Place) -> String {
    let finding = "src/walk.rs:5: warning: bug: it panics at the largest number\n>     \
        n.checked_add(1).unwrap()\nThe largest number has no next. Return an error.\n";
    let verdict = "with the largest one\nVerdict: stands";
    let line = |when: &str, text: &str| {
        json!({"when": when, "steps": [{"text": text}], "repeat": true}).to_string()
    };
    place.script(&format!(
        "{}\n{}\n",
        line("Somebody says", verdict),
        line("", finding)
    ))
}

/// A repository with a change that is staged and can be reviewed.
fn changed() -> Place {
    let place = Place::committed();
    let text = place
        .read("src/walk.rs")
        .replace("n + 1", "n.checked_add(1).unwrap()");
    place.write("src/walk.rs", &text);
    place.run_git(&["add", "-A"]);
    place
}

/// A script that answers every request with this text.
fn always(place: &Place, text: &str) -> String {
    place.script(&format!(
        "{{\"steps\":[{{\"text\":\"{text}\"}}],\"repeat\":true}}\n"
    ))
}

#[test]
fn a_review_speaks_to_people_and_to_programs() {
    let place = changed();
    let engine = reviewer(&place);
    let told = ["text", "json", "sarif"]
        .map(|format| place.told(&["review", "--format", format, &engine]))
        .join("\n")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(told);
}

#[test]
fn for_a_diff_that_is_empty_no_model_is_fetched_or_loaded() {
    // No model is here, and none is named: anything but an empty diff would fetch one.
    let place = Place::committed();
    let review = place.run(&["review"]);
    assert_eq!(code(&review), 0, "{}", stderr(&review));
    assert!(
        stderr(&review).contains("nothing is staged"),
        "{}",
        stderr(&review)
    );
    let message = place.run(&["message"]);
    assert_eq!(code(&message), 2);
    for output in [review, message] {
        assert!(!stderr(&output).contains("fetching"), "{}", stderr(&output));
    }
}

#[test]
fn a_review_fails_as_it_is_told_to() {
    let place = changed();
    let engine = reviewer(&place);
    for (level, wanted) in [("note", 1), ("warning", 1), ("error", 0)] {
        let output = place.run(&["review", "--fail-on", level, &engine]);
        assert_eq!(code(&output), wanted, "{level}: {}", stderr(&output));
    }
    let clean = always(&place, "No findings.");
    let output = place.run(&["review", "--fail-on", "note", &clean]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let broken = place.script("{\"steps\":[{\"fail\":{\"what\":\"no\"}}],\"repeat\":true}\n");
    for format in ["text", "json", "sarif"] {
        let output = place.run(&["review", "--format", format, &broken]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
    }
}

#[test]
fn a_review_is_of_the_diff_that_was_asked_for() {
    let place = Place::committed();
    let edit = |n: u32| {
        let text = format!("pub fn next_entry(n: u32) -> u32 {{\n    n + {n}\n}}\n");
        place.write("src/walk.rs", &text);
    };
    edit(22);
    place.run_git(&["commit", "-q", "-a", "-m", "Second"]);
    place.run_git(&["branch", "side"]);
    edit(33);
    place.run_git(&["commit", "-q", "-a", "-m", "Third"]);
    edit(44);
    place.run_git(&["add", "-A"]);
    edit(55);
    place.write("new.rs", "fn brand_new() {}\n");
    // Each is answered only where the right lines, and not those of another, are in the prompt.
    let diff = stdout(&place.run_git(&["diff", "HEAD~1", "HEAD"]));
    for (args, here, not) in [
        (&["review"][..], "n + 44", "n + 55"),
        (&["review", "--staged"], "n + 44", "n + 55"),
        (&["review", "--unstaged"], "n + 55", "n + 33"),
        (&["review", "--unstaged"], "brand_new", "n + 33"),
        (&["review", "--commit", "HEAD"], "n + 33", "n + 44"),
        (&["review", "--commit", "side"], "n + 22", "n + 33"),
        (&["review", "--range", "HEAD~2..HEAD"], "n + 33", "n + 44"),
        (&["review", "--base", "side"], "n + 55", "n + 44"),
        (&["review", "--stdin"], "n + 33", "n + 44"),
    ] {
        let file = match here {
            "brand_new" => "new.rs",
            _ => "src/walk.rs",
        };
        let engine = place.script(&format!(
            "{{\"when\":\"--- {file}\",\"steps\":[{{\"expect\":\"{here}\"}},\
             {{\"refuse\":\"+     {not}\"}},{{\"text\":\"No findings.\"}}],\"repeat\":true}}\n\
             {{\"steps\":[{{\"refuse\":\"--- {file}\"}},{{\"text\":\"No findings.\"}}],\
             \"repeat\":true}}\n"
        ));
        let mut args: Vec<&str> = args.to_vec();
        args.push(&engine);
        let output = place.run_with(&args, &diff);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        // What is said to be shown is what is shown.
        let shown = [&["context", "--full"], args.as_slice()].concat();
        let shown = stdout(&place.run_with(&shown, &diff));
        assert!(shown.contains(here), "{args:?}: {shown}");
        assert!(
            !shown.contains(&format!("+     {not}")),
            "{args:?}: {shown}"
        );
    }
    for wrong in [
        &["review", "--commit", "nothing"][..],
        &["review", "--base", "nothing"],
        &["review", "--range", "nothing..HEAD"],
    ] {
        let output = place.run(wrong);
        assert_eq!(code(&output), 2, "{wrong:?}");
    }
}

#[test]
fn a_review_ends_in_time_and_says_what_it_did_not_read() {
    let place = Place::committed();
    for i in 0..12 {
        let lines: String = (0..400)
            .map(|n| format!("pub fn f{i}_{n}() {{}}\n"))
            .collect();
        place.write(&format!("src/m{i}.rs"), &lines);
    }
    place.run_git(&["add", "-A"]);
    let engine = place
        .script("{\"steps\":[{\"wait_ms\":600},{\"text\":\"No findings.\"}],\"repeat\":true}\n");
    let began = Instant::now();
    let output = place.run(&["review", "--max-time", "1s", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    assert!(stderr(&output).contains("not read"), "{}", stderr(&output));
}

#[test]
fn a_finding_is_fixed_by_its_number() {
    let place = changed();
    let engine = reviewer(&place);
    assert_eq!(code(&place.run(&["review", "--apply", "1", &engine])), 2);
    assert_eq!(code(&place.run(&["review", &engine])), 0);
    let fix = "*** replace src/walk.rs\\n<<<<<<<\\n    n.checked_add(1).unwrap()\\n=======\\n    n.saturating_add(1)\\n>>>>>>>\\n*** end";
    let engine = always(&place, fix);
    let output = place.run(&["review", "--apply", "9", &engine]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let output = place.run(&["review", "--apply", "1", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(place.read("src/walk.rs").contains("saturating_add"));
}

#[test]
fn findings_come_with_the_code_around_them_and_no_secret() {
    let place = Place::committed();
    let token = format!("ghp_{}", "aB3".repeat(12));
    place.write(
        "a.js",
        &format!("one();\nlet t = \"{token}\";\ndebugger;\nfour();\nfive();\nsix();\n"),
    );
    place.run_git(&["add", "-A"]);
    let engine = always(&place, "No findings.");
    let said = stdout(&place.run(&["review", &engine]));
    assert!(
        said.contains("        1| one();\n   >    2| let t = \"‹secret›\";"),
        "{said}"
    );
    assert!(
        said.contains("   >    3| debugger;\n        4| four();\n        5| five();\n"),
        "{said}"
    );
    assert!(!said.contains("six") && !said.contains(&token), "{said}");
    // What is staged reads otherwise by now: its line alone is shown.
    place.write("a.js", "none();\n");
    let said = stdout(&place.run(&["review", &engine]));
    assert!(
        said.contains("debugger;") && !said.contains("none"),
        "{said}"
    );
}

/// A diff that is piped in may begin within a key.
#[cfg(unix)]
#[test]
fn what_is_piped_in_shows_no_part_of_a_key() {
    let place = Place::committed();
    let row = "MIIEvQ9+aB3dE6gH/jK2"
        .repeat(4)
        .chars()
        .take(64)
        .collect::<String>();
    let piped = place.home.path().join("piped");
    fs::write(&piped, format!("@@ -9,2 +9,2 @@\n {row}\n-{row}\n+{row}\n")).expect("written");
    let engine = place.script("{\"steps\":[{\"echo\":\"last\"}],\"repeat\":true}\n");
    let mut command = place.command(&["ask", "what is this?", &engine]);
    let piped = fs::File::open(piped).expect("opened");
    let output = command.stdin(piped).output().expect("run");
    let said = stdout(&output);
    assert!(said.contains("‹secret›") && !said.contains(&row), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn settings_that_git_hands_down_count_as_they_do_for_git() {
    let place = Place::committed();
    place.write("zebra.md", "About zebras.\n");
    let rules = place.home.path().join("rules");
    fs::write(&rules, "zebra.md\n").expect("written");
    let search = |variables: &[(&str, String)]| {
        let mut command = place.command(&["search", "zebras"]);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.output().expect("run")
    };
    assert!(stdout(&search(&[])).contains("zebra.md"));
    let rules = rules.display().to_string();
    let counted = [
        ("GIT_CONFIG_COUNT", "1".to_owned()),
        ("GIT_CONFIG_KEY_0", "core.excludesFile".to_owned()),
        ("GIT_CONFIG_VALUE_0", rules.clone()),
    ];
    let quoted = [(
        "GIT_CONFIG_PARAMETERS",
        format!("'core.excludesfile'='{rules}'"),
    )];
    for variables in [&counted[..], &quoted[..]] {
        let output = search(variables);
        assert!(!stdout(&output).contains("zebra.md"), "{variables:?}");
    }
    let broken = search(&[("GIT_CONFIG_COUNT", "many".to_owned())]);
    assert!(stderr(&broken).contains("GIT_CONFIG_COUNT=many"));
}

#[test]
fn conversations_are_listed_searched_shown_renamed_and_deleted() {
    let place = Place::committed();
    let told = |args: &[&str]| stdout(&place.run(args));
    let none = place.run(&["sessions"]);
    assert_eq!((code(&none), stdout(&none)), (0, String::new()));
    assert!(stderr(&none).contains("no conversation"));
    for (question, answer) in [
        ("what walks?", "The walker."),
        ("and what runs?", "A runner."),
    ] {
        let engine = always(&place, answer);
        assert_eq!(code(&place.run(&["ask", question, &engine])), 0);
    }
    let all: Value = serde_json::from_str(&told(&["sessions", "--json"])).expect("JSON");
    let of = |title: &str| -> String {
        let all = all["sessions"].as_array().expect("a list");
        let entry = all.iter().find(|entry| entry["title"] == title);
        entry.expect("it is listed")["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let walks = of("what walks?");
    let found = told(&["sessions", "search", "A RUNNER"]);
    assert!(
        found.contains("and what runs?") && !found.contains("walker"),
        "{found}"
    );
    assert_eq!(
        code(&place.run(&["sessions", "search", "nobody said it"])),
        1
    );
    let shown = told(&["sessions", "show", &walks]);
    assert!(
        shown.starts_with("## what walks?\n\nThe walker."),
        "{shown}"
    );
    let whole: Value =
        serde_json::from_str(&told(&["sessions", "show", "--json", &walks])).expect("JSON");
    assert_eq!(whole["turns"][0]["answer"], "The walker.");
    assert_eq!(
        code(&place.run(&["sessions", "export", &walks, "kept.md"])),
        0
    );
    assert!(place.read("kept.md").contains("The walker."));
    let again = place.run(&["sessions", "export", &walks, "kept.md"]);
    assert_eq!(code(&again), 2, "nothing is written over");
    assert_eq!(
        code(&place.run(&["sessions", "rename", &walks, "About", "walking"])),
        0
    );
    assert!(told(&["sessions"]).contains("About walking"));
    // Nobody can be asked here.
    assert_eq!(code(&place.run(&["sessions", "delete", &walks])), 2);
    assert_eq!(
        code(&place.run(&["sessions", "delete", "--dry-run", "--all"])),
        0
    );
    assert_eq!(
        code(&place.run(&["sessions", "delete", "--yes", &walks])),
        0
    );
    let left = told(&["sessions"]);
    assert!(
        left.contains("and what runs?") && !left.contains("walking"),
        "{left}"
    );
    assert_eq!(code(&place.run(&["sessions", "show", &walks])), 2);
}

#[test]
fn what_is_said_of_a_whole_file_names_no_line_and_is_no_edit() {
    let place = Place::committed();
    let engine = always(&place, "No findings.");
    place.write("big.bin", &"0".repeat(6_000_000));
    place.run_git(&["add", "-A"]);
    let output = place.run(&["review", &engine]);
    let said = stdout(&output);
    assert!(said.contains("big.bin  a new file of 6.0 MB"), "{said}");
    let output = place.run(&["review", "--apply", "1", &engine]);
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(said.contains("whole of `big.bin`"), "{said}");
    let said = stderr(&place.run(&["review", "--dismiss", "1"]));
    assert!(said.contains("put aside: big.bin: a new file"), "{said}");
}

#[test]
fn findings_are_put_aside_by_number_and_by_a_file() {
    let place = changed();
    let engine = reviewer(&place);
    let output = place.run(&["review", "--dismiss", "1"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert_eq!(
        code(&place.run(&["review", "--baseline", "none.json", &engine])),
        2
    );
    let output = place.run(&["review", "--write-baseline", "known.json", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("src/walk.rs:5"),
        "{}",
        stdout(&output)
    );
    let known = [
        "review",
        "--baseline",
        "known.json",
        "--fail-on",
        "note",
        &engine,
    ];
    let output = place.run(&known);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stderr(&output).contains("put aside"), "{}", stderr(&output));
    // By hand, and for good.
    assert_eq!(
        code(&place.run(&["review", "--fail-on", "note", &engine])),
        1
    );
    let output = place.run(&["review", "--dismiss", "1"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(
        code(&place.run(&["review", "--fail-on", "note", &engine])),
        0
    );
}

#[test]
fn a_commit_message_is_all_that_is_printed() {
    let place = changed();
    let engine = always(
        &place,
        "Go on with care\\n\\nThe largest number has no next.",
    );
    insta::assert_snapshot!(place.told(&["message", &engine]));
    let output = place.run(&["message", "--json", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let types = check_events(&schema(&place), &output);
    assert!(types.iter().any(|kind| kind == "token"), "{types:?}");
    assert_eq!(types.last().map(String::as_str), Some("done"));
    // Nothing is staged: there is nothing to say.
    let place = Place::committed();
    let engine = always(&place, "no");
    let output = place.run(&["message", &engine]);
    assert_ne!(code(&output), 0, "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_context_is_shown_and_its_tokens_counted_by_the_model_that_is_here() {
    let place = changed();
    let told = [
        &["context", "ask", "what does next_entry do?"][..],
        &["context", "patch", "add two in @src/walk.rs"],
        &["context", "review"],
    ]
    .map(|args| place.told(args))
    .join("\n");
    insta::assert_snapshot!(told);
    let output = place.run(&["context", "ask", "next_entry?", "--model", TINY]);
    assert!(
        stdout(&output).contains("counted by the tokenizer of llama-tiny.F32.gguf"),
        "{}",
        stdout(&output)
    );
    let shown = |args: &[&str]| -> Value {
        let output = place.run(args);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).expect("json")
    };
    let rough = shown(&["context", "ask", "next_entry?", "--json"]);
    assert_eq!(
        (&rough["exact"], &rough["counted_by"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(
        code(&place.run(&["models", "add", TINY, "--name", "tiny"])),
        0
    );
    let exact = shown(&["context", "--full", "ask", "next_entry?", "--json"]);
    assert_eq!(
        (&exact["exact"], &exact["counted_by"]),
        (&json!(true), &json!("tiny"))
    );
    assert_ne!(rough["tokens"], exact["tokens"]);
    // The tokens of an excerpt are those that the model's own tokenizer makes of it.
    let excerpt = &exact["context"]["excerpts"][0];
    assert!(excerpt["tokens"].as_u64() > rough["context"]["excerpts"][0]["tokens"].as_u64());
    assert_eq!(exact["messages"].as_array().map(Vec::len), Some(2));
    let output = place.run(&["context", "ask", "x", "--model", "tinny"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("did you mean tiny"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_answer_is_shown_with_what_the_model_saw() {
    let place = Place::committed();
    let engine = always(&place, "By one [1].");
    let question = "what does next_entry do?";
    insta::assert_snapshot!(
        "ask_show_context",
        place.told(&["ask", question, "--show-context", &engine])
    );
    insta::assert_snapshot!(
        "ask_continue",
        place.told(&["ask", "and next_entry?", "--continue", &engine])
    );
    insta::assert_snapshot!(
        "ask_json",
        place.told(&["ask", question, "--json", "--no-save", &engine])
    );
    // Quiet is quiet, and colour is where it is asked for.
    let output = place.run(&["-q", "ask", question, &engine]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    let output = place.run(&["--color", "always", "ask", question, &engine]);
    assert!(
        stdout(&output).contains("\u{1b}[1mSources\u{1b}[0m"),
        "{:?}",
        stdout(&output)
    );
    // From another folder.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let output = place
        .command(&[
            "-C",
            &place.repo.path().to_string_lossy(),
            "ask",
            question,
            &engine,
        ])
        .current_dir(elsewhere.path())
        .output()
        .expect("runs");
    assert!(
        stdout(&output).contains("src/walk.rs:1-6"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn patches_keep_to_the_files_that_are_named() {
    let place = Place::committed();
    let engine = always(&place, EDIT);
    // What is not named cannot even be said.
    let barred = |file: &str| {
        let output = place.run(&["patch", "add two", "--file", file, &engine]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        let words = stderr(&output);
        assert!(words.contains("the grammar does not allow"), "{words}");
        assert!(output.stdout.is_empty(), "{}", stdout(&output));
    };
    barred("README.md");
    let output = place.run(&["patch", "add two", "--file", "src/walk.rs", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("+    n + 2"));
    // It may be made, so it need not be there; nothing else may be touched.
    barred("nowhere.rs");
}

#[test]
fn patches_are_taken_back_one_by_one() {
    let place = Place::committed();
    let first = place.read("src/walk.rs");
    let engine = always(&place, EDIT);
    let mut all = place.told(&["patch", "add two", "--apply", "--check", "true", &engine]);
    let second = place.read("src/walk.rs");
    let engine = always(
        &place,
        &EDIT.replace("n + 2", "n + 3").replace("n + 1", "n + 2"),
    );
    all.push_str(&place.told(&["patch", "add three", "--apply", "--json", &engine]));
    let third = place.read("src/walk.rs");
    assert!(third.contains("n + 3"), "{all}");
    for wanted in [&second, &first] {
        all.push('\n');
        all.push_str(&place.told(&["undo"]));
        assert_eq!(&place.read("src/walk.rs"), wanted);
    }
    all.push('\n');
    all.push_str(&place.told(&["undo"]));
    // How long a check took differs from run to run.
    let (before, after) = all.split_once("check passed in ").expect("it passed");
    let (_, after) = after.split_once(": true").expect("the command");
    insta::assert_snapshot!(format!("{before}check passed in TIME: true{after}"));
}

#[test]
fn a_patch_as_events_fits_the_schema_through_apply_check_and_rounds() {
    let place = Place::committed();
    let engine = always(&place, EDIT);
    let output = place.run(&[
        "patch",
        "add two",
        "--json",
        "--apply",
        "--rounds",
        "2",
        "--check",
        "! grep -q 'n + 2' src/walk.rs",
        &engine,
    ]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let types = check_events(&schema(&place), &output);
    for (wanted, times) in [("context", 2), ("diff", 2), ("check", 2), ("done", 1)] {
        let count = types.iter().filter(|kind| *kind == wanted).count();
        assert_eq!(count, times, "{wanted} in {types:?}");
    }
}

#[test]
fn the_index_says_what_it_holds() {
    let place = Place::committed();
    place.write("picture.rs", "fn x() {}\0\u{1}");
    let output = place.run(&["index", "--stats"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for wanted in [
        "2 files, 2 definitions",
        "of source",
        "rust",
        "markdown",
        "left out: 1 binary",
        "kept in ",
    ] {
        assert!(text.to_lowercase().contains(wanted), "{wanted}: {text}");
    }
    let output = place.run(&["index", "--rebuild", "-q"]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[test]
fn a_home_folder_is_read_with_leave_alone() {
    let place = Place::committed();
    let home = place.home.path();
    fs::write(home.join("a.rs"), "fn in_my_home() {}\n").expect("written");
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        command.current_dir(home).output().expect("runs")
    };
    let refused = run(&["search", "in_my_home"]);
    assert_eq!(code(&refused), 2);
    let said = stderr(&refused);
    assert!(said.contains("it is your home folder"), "{said}");
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(code(&run(&["--yes", "search", "in_my_home"])), 0);
    // Leave was given, and what homebody keeps there is no part of it.
    let read = run(&["index"]);
    assert!(stdout(&read).starts_with("1 file,"), "{}", stdout(&read));
}

#[test]
fn where_no_file_counts_the_reason_is_said() {
    let place = Place::plain();
    place.run_git(&["init", "-q"]);
    place.write(".gitignore", "*\n");
    let said = stderr(&place.run(&["index"]));
    assert!(said.contains("no file here is read: "), "{said}");
    assert!(
        said.contains("`git check-ignore -v PATH` names the rule"),
        "{said}"
    );
    // What git tracks belongs to the repository, whatever a rule says.
    place.run_git(&["add", "-f", "src/walk.rs"]);
    let output = place.run(&["index"]);
    assert!(
        stdout(&output).starts_with("1 file,"),
        "{}",
        stdout(&output)
    );
    assert!(
        !stderr(&output).contains("no file here"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn nobody_reading_on_is_no_failure_of_any_command() {
    let place = changed();
    let engine = reviewer(&place);
    for args in [
        &["search", "next_entry"][..],
        &["search", "next_entry", "--format", "json"],
        &["review", &engine],
        &["review", "--format", "sarif", &engine],
        &["context", "--full", "ask", "next_entry?"],
        &["message", &engine],
        &["config"],
        &["doctor"],
        &["models", "list"],
        &["completions", "zsh"],
        &["man"],
        &["debug", "schema"],
    ] {
        // The pipe's reader ends at once.
        let mut gone = Command::new("true")
            .stdin(Stdio::piped())
            .spawn()
            .expect("true runs");
        let pipe = gone.stdin.take().expect("piped");
        gone.wait().expect("ends");
        let output = place
            .command(args)
            .stdout(Stdio::from(pipe))
            .output()
            .expect("runs");
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130_for_every_job_and_writes_nothing() {
    let place = changed();
    let before = place.read("src/walk.rs");
    let engine = place.script("{\"steps\":[{\"wait_ms\":60000}],\"repeat\":true}\n");
    for args in [
        &["patch", "x", "--apply", &engine][..],
        &["patch", "x", "--json", &engine],
        &["review", &engine],
        &["review", "--format", "json", &engine],
        &["message", &engine],
        &["ask", "x", "--json", &engine],
    ] {
        let mut child = place.command(args).arg("-v").spawn().expect("runs");
        // The model is loaded: what follows is the job.
        let mut words = BufReader::new(child.stderr.take().expect("piped")).lines();
        let loaded = words
            .by_ref()
            .any(|line| line.expect("text").starts_with("model: "));
        assert!(loaded, "{args:?}");
        let began = Instant::now();
        let killed = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(killed.success());
        let told: Vec<String> = words.map_while(Result::ok).collect();
        let output = child.wait_with_output().expect("ends");
        assert_eq!(code(&output), 130, "{args:?}: {told:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
        if args.contains(&"--json") {
            let types = check_events(&schema(&place), &output);
            assert_eq!(types.last().map(String::as_str), Some("done"), "{args:?}");
        }
    }
    assert_eq!(place.read("src/walk.rs"), before);
}

#[test]
fn a_model_of_random_weights_can_be_made_and_run() {
    let place = Place::plain();
    let here = |name: &str| place.home.path().join(name).to_string_lossy().into_owned();
    fs::write(here("text"), "the words").expect("written");
    let made = here("made.gguf");
    let make = [
        "debug",
        "synthesize",
        "qwen3-tiny",
        &made,
        "--quantization",
        "q8_0",
    ];
    let output = place.run(&make);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("is written"),
        "{}",
        stderr(&output)
    );
    let prompt = here("text");
    let run = [
        "--model", &made, "debug", "generate", "--prompt", &prompt, "--max", "4",
    ];
    let output = place.run(&run);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    // It is not written over, and what there is not is said with what there is.
    let refused = |args: &[&str], word: &str| {
        let output = place.run(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    };
    refused(&make, "is there already");
    let other = here("other.gguf");
    refused(&["debug", "synthesize", "gpt-9", &other], "qwen35-9b");
    let wrong = [
        "debug",
        "synthesize",
        "qwen3-tiny",
        &other,
        "--quantization",
        "Q9",
    ];
    refused(&wrong, "Q4_K_M");
    refused(&["debug", "synthesize", "qwen3-4b", &other], "--vocabulary");
    assert!(!Path::new(&other).exists());
}

#[test]
fn the_engine_can_be_looked_into() {
    let place = Place::plain();
    let here = |name: &str| place.home.path().join(name).to_string_lossy().into_owned();
    fs::write(here("text"), "fn main() {}\n").expect("written");
    let output = place.run(&["--model", TINY, "debug", "tokenize", &here("text")]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let ids: Vec<u64> = stdout(&output)
        .split_whitespace()
        .map(|id| id.parse().expect("a number"))
        .collect();
    assert!(ids.len() > 3, "{ids:?}");
    let output = place.run(&[
        "--model",
        TINY,
        "debug",
        "generate",
        "--prompt",
        &here("text"),
        "--max",
        "5",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text: Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(text["prompt_ids"], json!(ids));
    assert!(
        (1..=5).contains(&text["ids"].as_array().map_or(0, Vec::len)),
        "{text}"
    );
    assert!(text["text"].is_string());
    fs::write(
        here("ids"),
        stdout(&place.run(&["--model", TINY, "debug", "tokenize", &here("text")])),
    )
    .expect("written");
    let output = place.run(&[
        "--model",
        TINY,
        "debug",
        "logits",
        "--tokens",
        &here("ids"),
        "--out",
        &here("rows.f32"),
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let bytes = fs::metadata(here("rows.f32")).expect("written").len() as usize;
    assert_eq!(bytes % (4 * ids.len()), 0);
    assert!(bytes > 0);
}

#[test]
fn a_bench_tells_speed_and_memory() {
    let place = Place::plain();
    let run = |more: &[&str]| {
        let mut args = vec!["--model", TINY, "bench", "--prompt", "16", "--gen", "4"];
        args.extend(more);
        let output = place.run(&args);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output)
    };
    let report: Value = serde_json::from_str(&run(&["--json"])).expect("json");
    for field in [
        "prefill_tps",
        "prefill_gops",
        "decode_tps",
        "decode_gb_s",
        "load_s",
        "peak_rss_mb",
    ] {
        assert!(
            report[field].as_f64().is_some_and(|n| n > 0.0),
            "{field}: {report}"
        );
    }
    let tokens = |report: &Value| {
        ["prompt_tokens", "depth_tokens", "gen_tokens"].map(|field| report[field].clone())
    };
    assert_eq!(tokens(&report), [json!(16), json!(16), json!(4)]);
    let text = run(&[]);
    for word in ["prefill", "decode", "load", "peak memory", "tokens/s"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // Writing behind more than the prompt, and no writing at all.
    let report = run(&["--depth", "40", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("json");
    assert_eq!(tokens(&report), [json!(16), json!(40), json!(4)]);
    assert!(run(&["--depth", "40"]).contains("4 tokens behind 40;"));
    let reading = ["--model", TINY, "bench", "--prompt", "16", "--gen", "0"];
    let output = place.run(&reading);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("prefill") && !text.contains("decode"),
        "{text}"
    );
    for (flag, n) in [("--prompt", "999999"), ("--depth", "999999")] {
        let output = place.run(&["--model", TINY, "--ctx", "512", "bench", flag, n]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(
            stderr(&output).contains("do not fit the context of 512"),
            "{}",
            stderr(&output)
        );
    }
}

/// A GGUF file of nothing but a header that names an architecture.
fn empty_model(file: &Path, architecture: &str) {
    let text = |text: &str| {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(text("general.architecture"));
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend(text(architecture));
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(file, bytes).expect("written");
}

#[test]
fn models_are_added_listed_used_checked_and_removed() {
    let place = Place::plain();
    let models = place.home.path().join("data/homebody/models");
    let mut all = String::new();
    let mut tell = |args: &[&str], wanted: i32| {
        let output = place.run(args);
        assert_eq!(code(&output), wanted, "{args:?}: {}", stderr(&output));
        let told = place.tell(args, &output);
        // How long a trial takes is no matter.
        let told: Vec<&str> = told
            .lines()
            .map(|line| line.split(", and it computes").next().unwrap_or(line))
            .collect();
        all.push_str(&told.join("\n"));
        all.push_str("\n\n");
    };
    empty_model(&place.home.path().join("snake.gguf"), "mamba");
    let snake = place
        .home
        .path()
        .join("snake.gguf")
        .to_string_lossy()
        .into_owned();
    tell(&["models", "add", TINY, "--name", "tiny"], 0);
    tell(&["models", "add", TINY, "--name", "starter"], 2);
    tell(&["models", "add", TINY, "--name", "../x"], 2);
    tell(&["models", "add", &snake], 2);
    tell(&["models", "use", "tiny"], 0);
    tell(&["models", "verify", "tiny"], 0);
    tell(&["models", "verify", "tinny"], 2);
    fs::write(models.join("junk.gguf"), "junk").expect("written");
    tell(&["models", "verify", "junk"], 1);
    tell(&["models", "use", "junk"], 2);
    tell(&["models", "remove", "tiny"], 0);
    tell(&["models", "remove", "tiny"], 2);
    assert!(
        Path::new(TINY).is_file(),
        "a file that was not fetched stays"
    );
    insta::assert_snapshot!(all.replace(env!("CARGO_MANIFEST_DIR"), "HERE"));
}

#[test]
fn the_list_of_models_fits_the_screen_and_says_what_would_be_run() {
    let place = Place::plain();
    let list = || {
        let output = place.run(&["models", "list"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        for line in stdout(&output).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        (stdout(&output), stderr(&output))
    };
    let state = |name: &str| -> Value {
        let output = place.run(&["models", "list", "--json"]);
        let all: Value = serde_json::from_slice(&output.stdout).expect("json");
        let found = all["models"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["name"] == name);
        found.cloned().expect(name)
    };
    let (text, words) = list();
    for column in [
        "NAME",
        "SIZE",
        "MEMORY",
        "STATE",
        "FROM",
        "Hugging Face",
        "pip",
    ] {
        assert!(text.contains(column), "{column}: {text}");
    }
    // Whatever this machine's memory holds, it is one that the build runs.
    assert!(
        words.contains("none is here") || words.contains("no model fits"),
        "{words}"
    );
    for one in ["qwen3.5-9b", "qwen3.5-4b"] {
        if state(one)["runs"] == json!(false) {
            assert!(!words.contains(one), "{words}");
        }
    }
    // Broken, unknown and good ones: only the last is taken unasked.
    let models = place.home.path().join("data/homebody/models");
    empty_model(&models.join("snake.gguf"), "mamba");
    fs::write(models.join("qwen3-4b.gguf"), "junk").expect("written");
    fs::copy(TINY, models.join("tiny.gguf")).expect("copied");
    let (text, words) = list();
    assert!(!words.contains("none is here"), "{words}");
    assert!(
        text.contains("broken") && text.contains("cannot run"),
        "{text}"
    );
    assert_eq!(state("tiny")["in_use"], json!(true), "{text}");
    for other in ["snake", "qwen3-4b"] {
        assert_eq!(state(other)["in_use"], json!(false), "{text}");
    }
    assert_eq!(state("snake")["runs"], json!(false));
    // What is asked for on the command line is what is shown.
    let output = place.run(&["models", "list", "--model", TINY]);
    assert!(stderr(&output).contains("in use: "), "{}", stderr(&output));
}

#[test]
fn the_catalog_and_the_engine_agree_on_what_runs() {
    let place = Place::plain();
    let file = place.home.path().join("snake.gguf");
    empty_model(&file, "mamba");
    let output = place.run(&["ask", "x", "--model", &file.to_string_lossy()]);
    let words = stderr(&output);
    let (_, runs) = words
        .split_once("this build runs ")
        .expect("they are named");
    let runs = runs.lines().next().unwrap_or_default();
    let dir: PathBuf = place.home.path().join("config/homebody");
    fs::create_dir_all(&dir).expect("made");
    let entry = |architecture: &str| {
        format!(
            "[[model]]\nname = \"m-{architecture}\"\narchitecture = \"{architecture}\"\nbytes = 1\n\
             hub = {{ repo = \"a/b\", file = \"c.gguf\" }}\n"
        )
    };
    let all: String = runs.split(", ").chain(["mamba"]).map(entry).collect();
    fs::write(dir.join("models.toml"), all).expect("written");
    let output = place.run(&["models", "list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("json");
    for one in list["models"].as_array().into_iter().flatten() {
        let name = one["name"].as_str().unwrap_or_default();
        if let Some(architecture) = name.strip_prefix("m-") {
            assert_eq!(one["runs"], json!(architecture != "mamba"), "{name}");
        }
    }
}

#[test]
fn the_doctor_proves_the_seal_and_says_what_it_does_not_cover() {
    let place = Place::committed();
    let output = place
        .command(&["doctor"])
        .env("SSH_AUTH_SOCK", "/nowhere")
        .output()
        .expect("runs");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for line in text.lines() {
        // A path is not broken; everything else is.
        let whole = line
            .split_whitespace()
            .any(|word| word.chars().count() > 60);
        assert!(line.chars().count() <= 80 || whole, "{line}");
    }
    for wanted in [
        "system",
        "folders",
        "models",
        "fits",
        "repository",
        "on main at",
        "terminal",
        "the seal",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let rows = text
            .lines()
            .filter(|line| line.ends_with("refused   refused"))
            .count();
        assert_eq!(rows, 16, "{text}");
        for wanted in [
            "Operation not permitted",
            "unix sockets",
            "Found here: an ssh agent",
            "/proc/PID/mem",
            "ptrace_scope",
            "read by other programs later",
            "sealed: no network socket can be opened",
            "writing the repository refused",
            "a process left behind refused",
        ] {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(wanted), "{wanted}: {text}");
        }
        assert!(!text.contains("POSSIBLE"), "{text}");
    }
}

/// Without a model, and with a hub and a Python that can be reached by nobody.
#[test]
fn nothing_is_fetched_for_what_cannot_be_done() {
    let plain = Place::plain();
    let bare = Place::plain();
    bare.run_git(&["init", "-q", "--bare", "."]);
    let git = Place::committed();
    for (place, args) in [
        (&plain, &["review"][..]),
        (&plain, &["message"]),
        (&git, &["review", "--commit", "nothing"]),
        (&git, &["review", "--base", "nothing"]),
        (
            &git,
            &["review", "--apply", "1", "--model", "/nowhere.gguf"],
        ),
        (&bare, &["ask", "x"]),
        (&bare, &["patch", "x"]),
    ] {
        let mut command = place.command(&[&["--yes"], args].concat());
        command
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env("PATH", "/nowhere");
        let output = command.output().expect("runs");
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        let words = stderr(&output);
        assert!(!words.contains("fetching"), "{args:?}: {words}");
    }
}

#[cfg(unix)]
#[test]
fn answer_thinking_and_remarks_never_share_a_line() {
    let place = Place::committed();
    let engine = place.script(
        "{\"steps\":[{\"thinking\":\"hm\"},{\"thinking_cut\":{\"tokens\":1024,\"why\":\"limit\"}},{\"text\":\"cut off\"}],\"finish\":\"length\"}\n",
    );
    let inner = place.command(&["ask", "what does next_entry do?", "-v", &engine]);
    let mut both = Command::new("sh");
    both.args(["-c", "exec \"$@\" 2>&1", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(place.repo.path())
        .stdin(Stdio::null())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    let output = both.output().expect("runs");
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    for whole in ["hm", "cut off"] {
        assert!(text.lines().any(|line| line == whole), "{whole}: {text}");
    }
    for begun in [
        "thinking was ended after 1,024 tokens at its limit",
        "read ",
        "the answer ends here",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(begun)),
            "{begun}: {text}"
        );
    }
}
