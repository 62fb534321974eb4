//! Patches, case by case, by the real binary: see `fixtures/patches/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{Place, code, stderr, stdout};

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that can be read") {
            let at = entry.expect("an entry").path();
            let name = at.strip_prefix(root).expect("below");
            let name = name.to_string_lossy().into_owned();
            if at.is_symlink() || name == ".git" || name == ".gitignore" {
                continue;
            } else if at.is_dir() {
                folders.push(at);
            } else {
                found.insert(name, fs::read(&at).expect("a file that can be read"));
            }
        }
    }
    found
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A repository with the files of a case.
fn place(case: &Path) -> Place {
    let place = Place::empty();
    let root = place.repo.path();
    for (name, text) in files(&case.join("input")) {
        let at = root.join(name);
        fs::create_dir_all(at.parent().expect("a parent")).expect("a folder");
        fs::write(at, text).expect("written");
    }
    for link in lines(&case.join("links.txt")) {
        let (from, to) = link.split_once(" -> ").expect("name -> target");
        #[cfg(unix)]
        std::os::unix::fs::symlink(to, root.join(from)).expect("a link");
        #[cfg(not(unix))]
        let _ = (from, to);
    }
    let ignored = lines(&case.join("ignored.txt")).join("\n");
    if !ignored.is_empty() {
        place.write(".gitignore", &ignored);
    }
    place.run_git(&["init", "-q"]);
    place.run_git(&["add", "-A"]);
    place.run_git(&["commit", "-q", "-m", "Begin"]);
    place
}

/// What became of a case: the first word of `outcome.txt`, and everything that was said.
fn play(case: &Path, place: &Place) -> (&'static str, String) {
    let answer = fs::read_to_string(case.join("answer.md")).expect("an answer");
    let cut = !answer.ends_with("*** end\n");
    let script = json!({
        "steps": [{"text": answer}],
        "finish": if cut { "length" } else { "stop" },
        "repeat": true,
    });
    let engine = place.script(&script.to_string());
    // All files are shown, so that their lines can be named.
    let mut args = vec!["patch".to_owned(), "--apply".to_owned(), engine];
    let named = files(place.repo.path()).into_keys();
    let named = named.filter(|name| !name.contains(' '));
    args.push(format!(
        "change {}",
        named
            .map(|name| format!("@{name}"))
            .collect::<Vec<_>>()
            .join(" ")
    ));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = place.run(&args);
    let said = format!("{}{}", stdout(&output), stderr(&output));
    let outcome = match code(&output) {
        0 => "applied",
        2 if said.contains("the script says what the grammar does not allow") => "barred",
        _ => "nothing",
    };
    (outcome, said)
}

#[test]
fn every_case_comes_out_as_written() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/patches");
    let mut cases: Vec<PathBuf> = fs::read_dir(all)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|at| at.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 15, "{} cases", cases.len());
    for case in cases {
        let name = case.file_name().expect("a name").to_string_lossy();
        let place = place(&case);
        let root = place.repo.path();
        let input = files(root);
        let (outcome, said) = play(&case, &place);
        let wanted = lines(&case.join("outcome.txt"));
        let first = wanted.first().map(String::as_str);
        assert_eq!(Some(outcome), first, "{name}: {said}");
        for words in wanted.iter().filter_map(|line| line.strip_prefix("says: ")) {
            assert!(
                said.contains(words),
                "{name} does not say `{words}`: {said}"
            );
        }
        let now = files(root);
        assert!(
            now == files(&case.join("expected")),
            "{name}: {now:?}\n{said}"
        );
        if outcome == "applied" {
            let output = place.run(&["undo"]);
            assert_eq!(code(&output), 0, "{name}: {}", stderr(&output));
            let now = files(root);
            assert!(now == input, "{name} after undo: {now:?}");
        }
    }
}

/// An edit of several that cannot be used leaves the others unwritten too.
#[test]
fn a_patch_is_written_whole_or_not_at_all() {
    let place = Place::git();
    let key = format!("ghp_{}", "aB3".repeat(12));
    let text = format!("fn a() {{}}\nlet k = \"{key}\";\n");
    place.write("a.rs", &text);
    place.run_git(&["add", "-A"]);
    place.run_git(&["commit", "-q", "-m", "Begin"]);
    let answer = "So.\n\n*** rewrite a.rs:2-2\n<<<<<<<\nlet k = env();\n>>>>>>>\n\
         *** create b.rs\n<<<<<<<\nlet k = \"‹secret›\";\n>>>>>>>\n*** end\n";
    let engine = place.script(&format!("{}\n", json!(answer)));
    let output = place.run(&["patch", "move the key to a file @a.rs", "--apply", &engine]);
    let said = stderr(&output);
    assert_eq!(code(&output), 1, "{said}");
    assert!(
        said.contains("1 edit cannot be used") && said.contains("new file"),
        "{said}"
    );
    assert_eq!(place.read("a.rs"), text);
    assert!(!place.repo.path().join("b.rs").exists());
}
