//! Repositories that mean harm, or are merely broken, against the real binary.

use std::fs;
use std::path::{Path, PathBuf};
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
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args)
            .current_dir(self.repo.path())
            .output()
            .expect("git runs");
        assert!(
            done.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
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
        fs::write(
            &script,
            format!(
                "{}\n",
                serde_json::json!({ "steps": [{ "text": text }], "repeat": true })
            ),
        )
        .expect("written");
        let engine = format!("script:{}", script.display());
        self.run(&["--engine", &engine, "ask", question])
    }
}

/// No byte that a terminal would take for a command.
fn assert_tame(output: &Output) {
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        let bad = text.chars().find(|c| {
            c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}')
        });
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
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"src/not-utf8-\xff\x9b2J.rs");
        fs::write(place.repo.path().join(name), source).expect("written");
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
    place.write(
        "long.js",
        format!("var needle = \"{}\";\n", "y".repeat(900_000)),
    );
    place.write("latin1.py", b"def needle():\n    return '\xe9\xe8'\n");
    place.write("picture.rs", b"fn needle() {}\0\x01\x02");
    place.write("good.py", "def needle():\n    return 1\n");
    place.write("empty.py", "");
    let begun = Instant::now();
    let output = place.run(&["search", "--format", "paths", "needle"]);
    assert_done(&output, 0);
    let paths = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(paths.contains("good.py"), "{paths}");
    assert!(
        !paths.contains("giant.js") && !paths.contains("picture.rs"),
        "{paths}"
    );
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
    std::os::unix::fs::symlink(outside.path().join("secret.rs"), root.join("s.rs"))
        .expect("linked");
    assert!(
        Command::new("mkfifo")
            .arg(root.join("src/pipe.rs"))
            .status()
            .expect("mkfifo")
            .success()
    );
    let output = place.run(&["search", "--format", "paths", "secret_needle"]);
    assert_tame(&output);
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains("secret"),
        "{output:?}"
    );
    let shown = place.run(&[
        "context",
        "ask",
        "what is in @s.rs and @out/secret.rs and @../x and @src/pipe.rs?",
    ]);
    assert_done(&shown, 0);
    assert!(
        !String::from_utf8_lossy(&shown.stdout).contains("fn secret_needle"),
        "{shown:?}"
    );
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
        place.write(
            &format!("src/m{i}.rs"),
            format!("/// Number {i}.\nfn needle_{i}() {{}}\n").repeat(20),
        );
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
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("src/m399.rs"),
        "{output:?}"
    );
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
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("a.rs"),
        "{output:?}"
    );
}

#[test]
fn files_that_are_no_models_are_named_for_what_they_are() {
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    for (name, bytes, word) in [
        ("page.gguf", &b"<!DOCTYPE html><html>"[..], "HTML"),
        ("zip.gguf", b"PK\x03\x04xxxxxxxxxxxxxxxx", "zip"),
        ("empty.gguf", b"", "empty"),
        (
            "cut.gguf",
            b"GGUF\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f",
            "",
        ),
        (
            "lfs.gguf",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
            "LFS",
        ),
    ] {
        let file = place.home.path().join(name);
        fs::write(&file, bytes).expect("written");
        let output = place.run(&["ask", "--model", &file.to_string_lossy(), "hello"]);
        assert_done(&output, 2);
        let words = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(words.contains(&word.to_lowercase()), "{name}: {words}");
    }
}

/// Every command that needs files says what is wrong and what to do, and none makes a folder
/// of its own in there.
#[test]
fn a_bare_repository_is_told_for_what_it_is() {
    let place = Place::new();
    place.git(&["init", "-q", "--bare"]);
    let before = fs::read_dir(place.repo.path()).expect("readable").count();
    for args in [
        &["search", "needle"][..],
        &["index"],
        &["--engine", "script:/dev/null", "ask", "hello"],
        &["--engine", "script:/dev/null", "review"],
        &["context", "ask", "hello"],
        &["undo"],
        &["forget", "--yes"],
    ] {
        let output = place.run(args);
        assert_done(&output, 2);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(
            words.contains("bare") && words.contains("hint: "),
            "{args:?}: {words}"
        );
    }
    assert_done(&place.run(&["doctor"]), 0);
    let after = fs::read_dir(place.repo.path()).expect("readable").count();
    assert_eq!(before, after);
}

#[test]
fn a_repository_that_git_itself_cannot_read_is_searched_all_the_same() {
    for (name, bytes) in [
        ("HEAD", &b"garbage"[..]),
        ("index", b"garbage"),
        ("config", b"[["),
        ("HEAD", b""),
    ] {
        let place = Place::new();
        place.write("a.rs", "fn needle() {}\n");
        place.git(&["init", "-q"]);
        place.git(&["add", "a.rs"]);
        place.git(&["commit", "-qm", "first"]);
        fs::write(place.repo.path().join(".git").join(name), bytes).expect("written");
        let output = place.run(&["search", "--format", "paths", "needle"]);
        assert_tame(&output);
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "{name}: {output:?}"
        );
        let output = place.run(&["review", "--engine", "script:/dev/null"]);
        assert_done(&output, 2);
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with("error: "),
            "{name}: {output:?}"
        );
        assert_tame(&place.run(&["doctor"]));
    }
}

/// The files below a folder.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn a_conversation_that_was_damaged_is_passed_over_and_never_written_over() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    assert_done(&place.ask("where is needle?", "In [1]."), 0);
    let sessions = || -> Vec<PathBuf> {
        files_below(&place.home.path().join("state"))
            .into_iter()
            .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
            .collect()
    };
    let file = sessions().pop().expect("one was kept");
    let garbage = b"\xff\xfe{\"version\":1,\"turn\":\x1b[2J\n";
    fs::write(&file, garbage).expect("written");
    let script = place.home.path().join("again.jsonl");
    fs::write(&script, "\"again\"\n").expect("written");
    let engine = format!("script:{}", script.display());
    let output = place.run(&["ask", "--continue", "and now, needle?", "--engine", &engine]);
    assert_done(&output, 0);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("cannot be read"), "{words}");
    assert_eq!(fs::read(&file).expect("still there"), garbage);
    assert_eq!(sessions().len(), 2);
}

#[test]
fn an_undo_record_that_was_damaged_undoes_nothing() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    let script = place.home.path().join("patch.jsonl");
    let answer = "*** replace a.rs\n<<<<<<<\nfn needle() {}\n=======\nfn other() {}\n>>>>>>>\n";
    fs::write(&script, serde_json::json!(answer).to_string()).expect("written");
    let engine = format!("script:{}", script.display());
    assert_done(
        &place.run(&["patch", "rename needle", "--apply", "--engine", &engine]),
        0,
    );
    let changed = fs::read(place.repo.path().join("a.rs")).expect("there");
    for file in files_below(&place.home.path().join("state")) {
        fs::write(file, b"\x00garbage\xff").expect("written");
    }
    let output = place.run(&["undo"]);
    assert_done(&output, 2);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("broken"),
        "{output:?}"
    );
    assert_eq!(
        fs::read(place.repo.path().join("a.rs")).expect("there"),
        changed
    );
}

#[test]
fn settings_that_were_damaged_are_named_and_those_of_a_clone_stop_nothing() {
    let place = Place::new();
    place.write("a.rs", "fn needle() {}\n");
    let user = place.home.path().join("config/homebody");
    fs::create_dir_all(&user).expect("made");
    for (name, bytes, args) in [
        (
            "config.toml",
            &b"\xff\xfe\x00"[..],
            &["search", "needle"][..],
        ),
        ("config.toml", b"theme = = \x1b[2J", &["search", "needle"]),
        (
            "config.toml",
            b"threads = 99999999999999999999",
            &["search", "needle"],
        ),
        ("models.toml", b"[[model]\nname", &["models", "list"]),
        ("models.toml", b"\xff", &["models", "list"]),
    ] {
        fs::write(user.join(name), bytes).expect("written");
        let output = place.run(args);
        assert_done(&output, 2);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(name), "{words}");
        assert_done(&place.run(&["--version"]), 0);
        fs::remove_file(user.join(name)).expect("removed");
    }
    for bytes in [
        &b"\xff"[..],
        b"exclude = \x1b[2J",
        b"model = \"/bin/sh\"\n",
        &vec![b'['; 100_000],
    ] {
        fs::write(place.repo.path().join(".homebody.toml"), bytes).expect("written");
        let output = place.run(&["search", "--format", "paths", "needle"]);
        assert_done(&output, 0);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(".homebody.toml"), "{words}");
    }
    let models = place.home.path().join("data/homebody/models");
    fs::create_dir_all(&models).expect("made");
    for bytes in [
        &b"garbage"[..],
        b"",
        b"{\"version\":1,\"models\":[{}]}",
        b"\xff",
    ] {
        fs::write(models.join("models.json"), bytes).expect("written");
        assert_done(&place.run(&["models", "list"]), 0);
        assert_done(&place.run(&["doctor"]), 0);
    }
}

/// Runs a program with a small file system of its own over a folder, gone when it ends.
#[cfg(target_os = "linux")]
fn on_a_small_disk(folder: &Path, how: &str, fill: bool, command: &Command) -> Output {
    fs::create_dir_all(folder).expect("made");
    let fill = if fill {
        "head -c 4000000 /dev/zero >\"$1/fill\" 2>/dev/null"
    } else {
        ""
    };
    let mut small = Command::new("unshare");
    small
        .args(["-rm", "sh", "-c"])
        .arg(format!(
            "mount -t tmpfs -o {how} none \"$1\" || exit 99\n{fill}\nshift; exec \"$@\""
        ))
        .arg("sh")
        .arg(folder)
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    if let Some(dir) = command.get_current_dir() {
        small.current_dir(dir);
    }
    small.output().expect("unshare runs")
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_one_that_is_read_only_cost_only_what_they_must() {
    let place = Place::new();
    for i in 0..50 {
        place.write(&format!("src/m{i}.rs"), format!("fn needle_{i}() {{}}\n"));
    }
    let script = place.home.path().join("patch.jsonl");
    let answer = "It is here [1].\n\n*** replace src/m7.rs\n<<<<<<<\nfn needle_7() {}\n=======\nfn other() {}\n>>>>>>>\n";
    fs::write(&script, serde_json::json!(answer).to_string()).expect("written");
    let engine = format!("script:{}", script.display());
    let (cache, state) = (
        place.home.path().join("cache"),
        place.home.path().join("state"),
    );
    let has_unshare = Command::new("unshare").arg("--version").output().is_ok();
    if !has_unshare
        || !on_a_small_disk(&cache, "size=8k", false, &Command::new("true"))
            .status
            .success()
    {
        // Written past the test's own capture, so that it is seen.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"SKIPPED: no file system can be mounted here\n",
        );
        return;
    }
    for (how, fill) in [("size=16k", true), ("size=200k", true), ("ro", false)] {
        let small =
            |folder: &Path, args: &[&str]| on_a_small_disk(folder, how, fill, &place.command(args));
        // The index: kept in memory, and said.
        let output = small(&cache, &["index", "--rebuild"]);
        assert_done(&output, 0);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains("in memory only"), "{how}: {words}");
        let output = small(&cache, &["search", "--format", "paths", "needle_7"]);
        assert_done(&output, 0);
        assert!(
            String::from_utf8_lossy(&output.stdout).starts_with("src/m7.rs\n"),
            "{how}: {output:?}"
        );
        // The conversation: answered, not kept, and said.
        let output = small(&state, &["ask", "needle_7?", "--engine", &engine]);
        assert_done(&output, 0);
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("is not kept"),
            "{how}: {output:?}"
        );
        // A patch that could not be undone is not applied.
        let output = small(
            &state,
            &["patch", "needle_7", "--apply", "--engine", &engine],
        );
        assert_done(&output, 2);
        assert_eq!(
            fs::read_to_string(place.repo.path().join("src/m7.rs")).expect("there"),
            "fn needle_7() {}\n"
        );
    }
    let data = place.home.path().join("data");
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/models/llama-tiny.F32.gguf"
    );
    for (how, fill) in [("size=8k", true), ("ro", false)] {
        let output = on_a_small_disk(&data, how, fill, &place.command(&["models", "add", model]));
        assert_done(&output, 2);
    }
    // Standard output on a full disk.
    let output = place
        .command(&["search", "needle_7"])
        .stdout(fs::File::create("/dev/full").expect("there"))
        .output()
        .expect("runs");
    assert_done(&output, 2);
}
