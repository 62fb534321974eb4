//! What rules find in a diff, whatever a model can read of it.

use super::*;

#[test]
fn what_nobody_can_speak_of_is_still_looked_at() {
    for (name, expected) in [
        ("n\u{200b}.rs", &["hidden-name", "secret"][..]),
        ("n\u{1b}[31m.rs", &["hidden-name", "secret"]),
        ("n\u{e0101}.rs", &["hidden-name", "secret"]),
    ] {
        let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
        trial.put(name, KEY);
        trial.git(&["add", "-A"]);
        let came = play(&trial, staged(), &mut always("No findings."));
        assert_eq!(rules(&came.findings), expected, "{name:?}");
        assert_eq!(came.unread.len(), 1, "{:?}", came.unread);
        assert!(came.failed.is_some(), "no model has read it");
        // A neighbour is read as ever.
        trial.put("b.rs", "fn b() {}\n");
        trial.git(&["add", "-A"]);
        let came = play(&trial, staged(), &mut always("No findings."));
        assert_eq!(rules(&came.findings), expected, "{name:?}");
        assert_eq!((came.unread.len(), came.failed), (1, None));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_utf8_hides_nothing_from_the_rules() {
    use std::os::unix::ffi::OsStrExt as _;
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    let name = std::ffi::OsStr::from_bytes(b"n\xe9.rs");
    std::fs::write(trial.repo.root().join(name), KEY).expect("written");
    trial.git(&["add", "-A"]);
    let came = play(&trial, staged(), &mut always("No findings."));
    assert_eq!(rules(&came.findings), ["secret"]);
    assert!(notes(&came.events).contains("no UTF-8"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_binary_file_with_a_name_that_is_no_utf8_hides_nothing_from_the_rules() {
    use std::os::unix::ffi::OsStrExt as _;
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    let name = std::ffi::OsStr::from_bytes(b"n\xe9.bin");
    let bytes = format!("\0{KEY}");
    std::fs::write(trial.repo.root().join(name), bytes).expect("written");
    for spec in [DiffSpec::Unstaged, DiffSpec::Staged] {
        let review = Review {
            diff: ReviewOf::Repo(spec),
            ..staged()
        };
        let came = play(&trial, review, &mut always("No findings."));
        assert_eq!(rules(&came.findings), ["secret"]);
        trial.git(&["add", "-A"]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_review_goes_on() {
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    trial.put(".gitattributes", "*.key -diff\n");
    let long: String = (0..4_000).map(|n: u32| format!("{}\n", n * n)).collect();
    trial.put("gone.key", &long);
    trial.put("here.key", KEY);
    trial.git(&["add", "-A"]);
    // Of git's own copy of one the middle is damaged (the header is whole).
    let id = std::process::Command::new("git")
        .args(["hash-object", "gone.key"])
        .current_dir(trial.repo.root())
        .output()
        .expect("git runs");
    let id = String::from_utf8(id.stdout).expect("an id");
    let (folder, name) = id.trim().split_at(2);
    let objects = trial.repo.root().join(".git/objects");
    let object = objects.join(folder).join(name);
    let mut bytes = std::fs::read(&object).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    std::fs::remove_file(&object).expect("removed");
    std::fs::write(&object, bytes).expect("written");
    let came = play(&trial, staged(), &mut always("No findings."));
    assert_eq!(rules(&came.findings), ["secret"]);
    let gone: Vec<&str> = (came.unread.iter())
        .filter(|(path, _)| path == "gone.key")
        .map(|(_, reason)| reason.as_str())
        .collect();
    assert!(
        gone.iter().any(|reason| reason.contains("git cannot read")),
        "{gone:?}"
    );
}

#[test]
fn what_needs_no_model_is_found_without_one() {
    let trial = Trial::new(&[("a.js", "one();\n")]);
    let key = format!("AKIA{}", "QX7RZ2LMN4TBWY5V");
    let token = format!("ghp_{}", "aB3".repeat(12));
    let line = format!("const key = \"{key}\", token = \"{token}\";");
    trial.put("a.js", &format!("one();\n{line}\n  debugger;\n"));
    trial.put(
        "b.py",
        "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\nbreakpoint()\n",
    );
    trial.put("c.md", "Title\n=======\nAKIAIOSFODNN7EXAMPLE\n");
    trial.git(&["add", "-A"]);
    let mut engine = always("No findings.");
    let came = play(&trial, staged(), &mut engine);
    let told: Vec<_> = came
        .findings
        .iter()
        .map(|f| (f.path.as_str(), f.line, f.rule.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        told,
        [
            ("a.js", 2, "secret"),
            ("b.py", 1, "conflict-marker"),
            ("a.js", 3, "debug-leftover"),
            ("b.py", 6, "debug-leftover"),
        ]
    );
    // Reports go to places where a key should not, nor a second one in its line.
    let quote = &came.findings[0].quote;
    assert!(!quote.contains(&key) && !quote.contains(&token), "{quote}");
}

#[test]
fn a_new_file_that_is_too_large_is_said_though_nobody_reads_it() {
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    let large = vec![0_u8; (5 << 20) + 1];
    std::fs::write(trial.dir.path().join("big.bin"), large).expect("written");
    trial.git(&["add", "-A"]);
    // What is staged counts.
    std::fs::remove_file(trial.dir.path().join("big.bin")).expect("removed");
    let mut engine = ScriptedEngine::saying(&[]);
    let came = play(&trial, staged(), &mut engine);
    assert_eq!(came.findings[0].rule.as_deref(), Some("large-file"));
    assert_eq!(came.unread[0].0, "big.bin");
    let mut trial = trial;
    trial.settings.review_skip = vec!["*.bin".to_owned()];
    assert!(play(&trial, staged(), &mut engine).findings.is_empty());
}

#[test]
fn files_of_passwords_are_looked_at_by_the_rules_alone() {
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    trial.put(".env", KEY);
    trial.put("b.rs", "fn b() {}\n");
    trial.git(&["add", "-A"]);
    let mut engine = always("No findings.");
    let came = play(&trial, staged(), &mut engine);
    assert_eq!(rules(&came.findings), ["secret"]);
    let (path, why) = &came.unread[0];
    assert_eq!(
        (path.as_str(), why.as_str()),
        (".env", "a file of keys or passwords")
    );
    let shown = |engine: &ScriptedEngine| {
        let asked = engine.asked().iter();
        let texts = asked.flat_map(|asked| &asked.messages);
        let texts: Vec<&str> = texts.map(|message| message.content.as_str()).collect();
        texts.concat()
    };
    let text = shown(&engine);
    assert!(
        text.contains("fn b() {}") && !text.contains("AKIA"),
        "{text}"
    );
    // A message for the change names the file, and no more of it.
    let mut engine = always("Add b");
    let (answer, _) = trial.run(&Request::Message, &mut engine);
    answer.expect("a message");
    let text = shown(&engine);
    assert!(
        text.contains(".env") && text.contains("fn b() {}"),
        "{text}"
    );
    assert!(!text.contains("AKIA"), "{text}");
}
