//! Repositories that mean harm, or are merely broken, against the real binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A repository and folders of its own for everything homebody keeps.
struct Place {
    repo: TempDir,
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            repo: tempfile::tempdir().expect("a folder"),
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = self.repo.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, bytes).expect("written");
    }

    fn git(&self, args: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(self.repo.path())
            .output()
            .expect("git runs");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homebody"));
        command
            .args(args)
            .current_dir(self.repo.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("HOME", self.home.path());
        for (key, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(key, self.home.path().join(folder));
        }
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Answers with a script; `text` is what the model says.
    fn ask(&self, question: &str, text: &str) -> Output {
        let script = self.home.path().join("script.jsonl");
        fs::write(&script, format!("{}\n", serde_json::json!({ "steps": [{ "text": text }], "repeat": true }))).expect("written");
        let engine = format!("script:{}", script.display());
        self.run(&["--engine", &engine, "ask", question])
    }
}

/// No byte that a terminal would take for a command.
fn assert_tame(output: &Output) {
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        let bad = text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}'));
        assert!(bad.is_none(), "{name} holds {bad:?}:\n{text:?}");
    }
}

fn assert_done(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout:\n{}\nstderr:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_tame(output);
}

#[test]
fn names_and_contents_with_escape_sequences_never_reach_the_terminal() {
    let place = Place::new();
    let source = "fn needle() { /* \u{1b}[31m\u{1b}]0;owned\u{7} \u{202e} */ }\n";
    place.write("src/plain.rs", source);
    #[cfg(unix)]
    {
        place.write("src/evil\u{1b}[2J\nname.rs", source);
        place.write("src/\u{202e}sr.rs", source);
    }
    for args in [
        &["search", "needle"][..],
        &["search", "--format", "ranges", "needle"],
        &["search", "--format", "json", "needle"],
        &["search", "--format", "paths", "needle"],
        &["context", "ask", "where is needle?"],
        &["index", "--stats"],
    ] {
        let output = place.run(args);
        assert_done(&output, 0);
    }
    let found = place.run(&["search", "--format", "paths", "needle"]);
    assert!(String::from_utf8_lossy(&found.stdout).contains("src/plain.rs"));
}

#[test]
fn what_the_model_says_is_tamed_too() {
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    let output = place.ask("what is a?", "It is \u{1b}[31mred\u{1b}[0m\u{9b}2J [1].");
    assert_done(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("red"));
}

#[test]
fn giants_binaries_and_broken_text_are_passed_over() {
    let place = Place::new();
    place.write("giant.js", vec![b'x'; 50_000_000]);
    place.write("long.js", format!("var needle = \"{}\";\n", "y".repeat(900_000)));
    place.write("latin1.py", b"def needle():\n    return '\xe9\xe8'\n");
    place.write("picture.rs", b"fn needle() {}\0\x01\x02");
    place.write("good.py", "def needle():\n    return 1\n");
    place.write("empty.py", "");
    let begun = Instant::now();
    let output = place.run(&["search", "--format", "paths", "needle"]);
    assert_done(&output, 0);
    let paths = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(paths.contains("good.py"), "{paths}");
    assert!(!paths.contains("giant.js") && !paths.contains("picture.rs"), "{paths}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    let stats = place.run(&["index", "--stats"]);
    assert_done(&stats, 0);
}

#[cfg(unix)]
#[test]
fn loops_pipes_and_links_out_of_the_repository_do_no_harm() {
    let place = Place::new();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret.rs"), "fn secret_needle() {}\n").expect("written");
    place.write("src/a.rs", "fn needle() {}\n");
    let root = place.repo.path();
    std::os::unix::fs::symlink(root, root.join("src/loop")).expect("linked");
    std::os::unix::fs::symlink("self", root.join("self")).expect("linked");
    std::os::unix::fs::symlink(outside.path(), root.join("out")).expect("linked");
    std::os::unix::fs::symlink(outside.path().join("secret.rs"), root.join("s.rs")).expect("linked");
    assert!(Command::new("mkfifo").arg(root.join("src/pipe.rs")).status().expect("mkfifo").success());
    let output = place.run(&["search", "--format", "paths", "secret_needle"]);
    assert_tame(&output);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("secret"), "{output:?}");
    let shown = place.run(&["context", "ask", "what is in @s.rs and @out/secret.rs and @../x and @src/pipe.rs?"]);
    assert_done(&shown, 0);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("fn secret_needle"), "{shown:?}");
}

#[test]
fn a_repository_without_commits_and_one_without_git() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    assert_done(&place.ask("where is needle?", "In [1]."), 0);
    let nothing = place.run(&["review", "--engine", "script:/dev/null"]);
    assert_done(&nothing, 2);
    place.git(&["init", "-q"]);
    assert_done(&place.ask("where is needle?", "In [1]."), 0);
    place.git(&["add", "a.rs"]);
    place.git(&["commit", "-qm", "first"]);
    place.git(&["checkout", "-q", "--detach"]);
    assert_done(&place.ask("where is needle?", "In [1]."), 0);
}

#[test]
fn a_cache_that_cannot_be_written_still_answers() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    // A file where the folder should be: refused for root too, unlike a missing permission.
    fs::write(place.home.path().join("cache"), "not a folder").expect("written");
    let output = place.run(&["search", "--format", "paths", "needle"]);
    assert_done(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("a.rs"));
}

#[cfg(unix)]
#[test]
fn killed_while_indexing_it_goes_on_from_what_was_good() {
    let place = Place::new();
    for i in 0..400 {
        place.write(&format!("src/m{i}.rs"), format!("/// Number {i}.\nfn needle_{i}() {{}}\n").repeat(20));
    }
    for wait in [1, 5, 20, 50, 100, 200] {
        let mut child = place.command(&["index"]).spawn().expect("started");
        std::thread::sleep(Duration::from_millis(wait));
        // SIGKILL: nothing of the program's own runs any more.
        let _ = child.kill();
        let _ = child.wait();
    }
    let output = place.run(&["search", "--format", "paths", "needle_399"]);
    assert_done(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("src/m399.rs"), "{output:?}");
}

#[test]
fn an_index_that_was_damaged_is_made_again() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    assert_done(&place.run(&["index"]), 0);
    fn damage(dir: &Path) {
        for entry in fs::read_dir(dir).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                damage(&path);
            } else {
                fs::write(&path, b"\x00garbage\xff").expect("written");
            }
        }
    }
    damage(&place.home.path().join("cache"));
    let output = place.run(&["search", "--format", "paths", "needle"]);
    assert_done(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("a.rs"), "{output:?}");
}

#[test]
fn files_that_are_no_models_are_named_for_what_they_are() {
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    for (name, bytes, word) in [
        ("page.gguf", &b"<!DOCTYPE html><html>"[..], "HTML"),
        ("zip.gguf", b"PK\x03\x04xxxxxxxxxxxxxxxx", "zip"),
        ("empty.gguf", b"", "empty"),
        ("cut.gguf", b"GGUF\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f", ""),
        ("lfs.gguf", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "LFS"),
    ] {
        let file = place.home.path().join(name);
        fs::write(&file, bytes).expect("written");
        let output = place.run(&["ask", "--model", &file.to_string_lossy(), "hello"]);
        assert_done(&output, 2);
        let words = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(words.contains(&word.to_lowercase()), "{name}: {words}");
    }
}
