//! Completions in the shells themselves, as far as they are here.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cli::{Place, code, stderr, stdout};

/// Presses Tab in bash behind the words, as readline would have them. Returns what is offered.
fn offered(place: &Place, words: &[&str]) -> Vec<String> {
    let script = place.home.path().join("homebody.bash");
    fs::write(&script, place.run(&["completions", "bash"]).stdout).expect("written");
    let current = match words.last().expect("a word") {
        &"=" => "",
        word => word,
    };
    let program = env!("CARGO_BIN_EXE_homebody");
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let told = format!(
        "source '{}'; COMP_WORDS=('{program}' {}); COMP_CWORD={}; \
         $(complete -p homebody | sed 's/.*-F \\([a-z_]*\\).*/\\1/') '{program}' '{current}' x; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        quoted.join(" "),
        words.len(),
    );
    // The folders and the working folder of the place are those of its commands.
    let like = place.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &told])
        .current_dir(like.get_current_dir().expect("set"))
        .env_clear()
        .envs(
            like.get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    let output = bash.output().expect("bash runs");
    assert_eq!(stderr(&output), "", "{words:?}");
    let lines = stdout(&output);
    let lines = lines.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn bash_offers_what_homebody_knows() {
    let place = Place::committed();
    place.run_git(&["branch", "fix/walk"]);
    place.run_git(&["branch", "fix/$(touch owned)"]);
    place.run_git(&["tag", "v1.0"]);
    assert_eq!(offered(&place, &["review", "--commit", "HE"]), ["HEAD"]);
    assert_eq!(offered(&place, &["review", "--base", "fix"]), ["fix/walk"]);
    assert_eq!(
        offered(&place, &["review", "--range", "v1.0..m"]),
        ["v1.0..main"]
    );
    let keys = offered(&place, &["config", "get", "the"]);
    assert_eq!(keys, ["theme"]);
    assert_eq!(offered(&place, &["config", "set", "color", "n"]), ["never"]);
    let themes = offered(&place, &["--theme", "=", ""]);
    assert_eq!(themes.first().map(String::as_str), Some("auto"));
    assert_eq!(offered(&place, &["config", "set", "theme", ""]), themes);
    assert_eq!(offered(&place, &["--theme", "="]), themes);
    assert_eq!(offered(&place, &["models", "pull", "star"]), ["starter"]);
    // Where no value is known, the options are what there is.
    let none = offered(&place, &["models", "remove", ""]);
    assert!(!none.iter().any(|one| one == "starter"), "{none:?}");
    // Options are offered as before, and none that is hidden.
    let options = offered(&place, &["ask", "--"]);
    assert!(options.contains(&"--seed".to_owned()), "{options:?}");
    assert!(!options.contains(&"--engine".to_owned()), "{options:?}");
    let commands = offered(&place, &["se"]);
    assert_eq!(commands, ["search", "sessions"]);
    assert!(!place.repo.path().join("owned").exists());
}

#[test]
fn conversations_are_offered_by_their_ids() {
    let place = Place::committed();
    let engine = place.script("{\"steps\": [{\"text\": \"A walker.\"}], \"repeat\": true}\n");
    assert_eq!(code(&place.run(&["ask", "what walks?", &engine])), 0);
    let ids = offered(&place, &["sessions", "show", ""]);
    let [id] = ids.as_slice() else {
        panic!("{ids:?}");
    };
    let list = stdout(&place.run(&["sessions"]));
    assert!(list.contains(id.as_str()), "{list}");
    assert_eq!(offered(&place, &["--resume", "=", "2"]), ids);
    assert!(!offered(&place, &["sessions", "delete", id, ""]).contains(id));
    let told = stdout(&place.run(&["debug", "complete", "--", "sessions", "show", ""]));
    assert_eq!(told, format!("{id}\twhat walks?\n"));
}

#[test]
fn where_there_is_nothing_to_offer_nothing_is_said() {
    let place = Place::empty();
    place.settings("thraeds = 2\n");
    for words in [
        &["sessions", "show", ""][..],
        &["review", "--commit", ""],
        &["-C", "nowhere", "review", "--range", "a.."],
        &["config", "set", "nothing", ""],
        &["ask", "why"],
        &[],
    ] {
        let args: Vec<&str> = ["debug", "complete", "--"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        let began = Instant::now();
        let output = place.run(&args);
        assert!(began.elapsed() < Duration::from_secs(2));
        assert_eq!(
            (code(&output), stdout(&output), stderr(&output)),
            (0, String::new(), String::new()),
            "{words:?}"
        );
    }
}
