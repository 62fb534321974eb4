//! The command line of the real binary: what it prints, where, and its exit codes.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A repository, folders of its own for all that homebody keeps, and a script to play.
pub(crate) struct Place {
    pub(crate) repo: TempDir,
    pub(crate) home: TempDir,
}

impl Place {
    /// A folder with nothing in it; no git.
    pub(crate) fn empty() -> Self {
        Self {
            repo: tempfile::tempdir().expect("a folder"),
            home: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A folder with two files; no git.
    pub(crate) fn plain() -> Self {
        let place = Self::empty();
        place.write(
            "src/walk.rs",
            "//! Walking.\n\n/// Goes on to the next entry.\npub fn next_entry(n: u32) -> u32 {\n    n + 1\n}\n",
        );
        place.write("README.md", "# toy\n\nA toy that walks.\n");
        place
    }

    /// The same as a git repository without a commit.
    pub(crate) fn git() -> Self {
        let place = Self::plain();
        place.run_git(&["init", "-q", "-b", "main"]);
        place
    }

    /// The same with a first commit.
    pub(crate) fn committed() -> Self {
        let place = Self::git();
        place.run_git(&["add", "-A"]);
        place.run_git(&["commit", "-q", "-m", "Begin"]);
        place
    }

    pub(crate) fn run_git(&self, args: &[&str]) -> Output {
        self.git_command(args).output().expect("git runs")
    }

    pub(crate) fn git_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(self.repo.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // A hook starts homebody with what git has.
            .envs(self.folders());
        command
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.repo.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.repo.path().join(name)).expect("there")
    }

    pub(crate) fn settings(&self, text: &str) {
        let dir = self.home.path().join("config/homebody");
        fs::create_dir_all(&dir).expect("made");
        fs::write(dir.join("config.toml"), text).expect("written");
    }

    pub(crate) fn script(&self, text: &str) -> String {
        let file = self.home.path().join("script.jsonl");
        fs::write(&file, text).expect("written");
        format!("--engine=script:{}", file.display())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homebody"));
        command.args(args);
        self.settle(command)
    }

    /// A run behind `ulimit` with these words.
    #[cfg(unix)]
    pub(crate) fn limited(&self, limit: &str, args: &[&str]) -> Output {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("ulimit {limit}; exec \"$0\" \"$@\""))
            .arg(env!("CARGO_BIN_EXE_homebody"))
            .args(args);
        self.settle(command).output().expect("the shell runs")
    }

    /// Gives a command the folders of this place.
    fn settle(&self, mut command: Command) -> Command {
        command
            .current_dir(self.repo.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("COLUMNS", "100")
            .envs(self.folders());
        command
    }

    /// Where everything that homebody keeps lies, as variables of the environment.
    fn folders(&self) -> [(&'static str, PathBuf); 5] {
        [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ]
        .map(|(key, folder)| (key, self.home.path().join(folder)))
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("runs")
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("taken");
        drop(stdin);
        child.wait_with_output().expect("ends")
    }

    /// Status and both outputs as one text, with this test's folders by name.
    pub(crate) fn told(&self, args: &[&str]) -> String {
        self.tell(args, &self.run(args))
    }

    pub(crate) fn tell(&self, args: &[&str], output: &Output) -> String {
        let shown: Vec<String> = args
            .iter()
            .map(|arg| {
                if arg.starts_with("--engine") {
                    "--engine=…".to_owned()
                } else {
                    (*arg).to_owned()
                }
            })
            .collect();
        let mut text = format!("$ homebody {}\n", shown.join(" "));
        let _ = writeln!(text, "status {}", code(output));
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let _ = write!(text, "── {name}\n{}", String::from_utf8_lossy(bytes));
        }
        let canonical = |path: &Path| {
            path.canonicalize()
                .expect("there")
                .to_string_lossy()
                .into_owned()
        };
        text.replace(&canonical(self.repo.path()), "REPO")
            .replace(&canonical(self.home.path()), "HOME")
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) const EDIT: &str = "Adding two now.\\n\\n*** replace src/walk.rs\\n<<<<<<<\\n    n + 1\\n=======\\n    n + 2\\n>>>>>>>\\n";

#[test]
fn help_and_version_need_nothing() {
    let place = Place::plain();
    place.settings("this is = = broken");
    let mut all = String::new();
    for args in [
        &["-h"][..],
        &["ask", "-h"],
        &["patch", "-h"],
        &["review", "-h"],
        &["models", "-h"],
    ] {
        all.push_str(&place.told(args));
        all.push('\n');
    }
    insta::assert_snapshot!(all);
    let said = |args: &[&str]| stdout(&place.run(args));
    assert_eq!(said(&["help", "ask"]), said(&["ask", "--help"]));
    assert_eq!(said(&["help"]), said(&["--help"]));
    let unknown = place.run(&["help", "nosuch"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("no command `nosuch`"));
    let version = place.run(&["--version"]);
    assert_eq!(
        stdout(&version),
        format!("homebody {}\n", env!("CARGO_PKG_VERSION"))
    );
    for args in [
        &["completions", "bash"][..],
        &["completions", "elvish"],
        &["completions", "fish"],
        &["completions", "powershell"],
        &["completions", "zsh"],
        &["man"],
    ] {
        let output = place.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        assert!(stdout(&output).contains("homebody"), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
    }
    let page = stdout(&place.run(&["man"]));
    for command in ["ask", "review", "models pull", "context patch", "doctor"] {
        assert!(
            page.contains(&format!(".SS \"homebody {command}\"\n")),
            "{command}"
        );
    }
    for chapter in ["SETTINGS", "KEYS", "FILES", "PRIVACY"] {
        assert!(page.contains(&format!(".SH {chapter}\n")), "{chapter}");
    }
    assert!(page.contains(".SH \"EXIT CODES\"\n"), "{page}");
    // Each option of all once, and no empty value.
    assert_eq!(page.matches("Same seed, same text").count(), 1);
    assert!(
        !page.contains("[\\-C ]") && !page.contains("\\-\\-engine"),
        "{page}"
    );
}

#[test]
fn what_cannot_be_understood_is_said_with_the_next_step() {
    let place = Place::plain();
    let mut all = String::new();
    for args in [
        &["aks", "why"][..],
        &["aks"],
        &["."],
        &["ask"],
        &["ask", "x", "--temperature", "warm"],
        &["patch", "x", "--rounds", "21"],
        &["patch", "x", "--file", "../x"],
        &["review", "--range", "main"],
        &["review", "--staged", "--unstaged"],
        &["-C", "nowhere", "ask", "x"],
        &["nowhere", "index"],
        &["ask", "x", "--model", "qwen3.5-4c"],
        &["models", "pull", "startr"],
        &["models", "use", "starter"],
        &["models", "verify", "nothing"],
        &["models", "lst"],
        &["doctor", "--modell", "x"],
        &["review", "--fail-on", "warn"],
        &["completions", "basch"],
        &["models", "add", "src/walk.rs"],
    ] {
        let output = place.run(args);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}: {}", stdout(&output));
        all.push_str(&place.tell(args, &output));
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn settings_are_told_with_their_origin_and_wrong_ones_with_their_place() {
    let place = Place::git();
    place.settings("threads = 2\nmodel = \"starter\"\n");
    place.write(
        ".homebody.toml",
        "budget = 900\ncheck = \"touch /tmp/owned\"\nexclude = [\"gen/\"]\n",
    );
    let told = place.told(&["config", "--seed", "7"]);
    // The keys are told by the same table that the screen has.
    let (settings, keys) = told.split_once("\n# Keys. ").expect("keys behind settings");
    insta::assert_snapshot!("config", settings);
    assert!(
        keys.contains("keys.send = [\"enter\"]                 # send\n"),
        "{keys}"
    );
    insta::assert_snapshot!(
        "config_changed",
        place.told(&["config", "--changed", "--seed", "7"])
    );
    place.settings("threads = 2\ntheem = \"dark\"\nthreads.x = 1\n");
    assert_eq!(code(&place.run(&["config"])), 2);
    // All that is wrong is said, in the words of the screen.
    place.settings("theem = 1\ntheme = \"drak\"\n[keys]\nsned = [\"f5\"]\nsend = [\"hyper-x\"]\n");
    insta::assert_snapshot!("config_wrong", place.told(&["config", "--changed"]));
    // Mistakes keep nobody from mending them.
    assert_eq!(code(&place.run(&["ask", "why?"])), 2);
    for key in ["theem", "theme", "keys.sned", "keys.send"] {
        let output = place.run(&["config", "unset", key]);
        assert_eq!(code(&output), 0, "{key}: {}", stderr(&output));
    }
    assert_eq!(code(&place.run(&["config"])), 0);
    // A theme that was chosen on the screen is told as such.
    fs::create_dir_all(place.home.path().join("state/homebody")).expect("made");
    fs::write(place.home.path().join("state/homebody/theme"), "light").expect("written");
    let told = stdout(&place.run(&["config", "--changed"]));
    assert!(
        told.contains("theme = \"light\"") && told.contains("kept by /theme"),
        "{told}"
    );
}

#[test]
fn a_question_is_answered_with_sources() {
    let place = Place::committed();
    let engine = place.script("\"It goes on by one [1].\"\n");
    insta::assert_snapshot!(place.told(&["ask", "what does next_entry do?", &engine]));
}

#[test]
fn what_is_piped_in_is_added_to_the_question() {
    let place = Place::committed();
    let engine = place.script(
        "{\"steps\":[{\"expect\":\"a line from a pipe\"},{\"expect\":\"why this?\"},{\"text\":\"seen\"}]}\n",
    );
    let output = place.run_with(&["ask", "why this?", &engine], "a line from a pipe\n");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("seen"));
    // The pipe alone is the question.
    let engine = place.script("{\"steps\":[{\"expect\":\"what is it?\"},{\"text\":\"a toy\"}]}\n");
    for args in [&["ask", &engine][..], &["ask", "-", &engine]] {
        let output = place.run_with(args, "what is it?\n");
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
}

#[test]
fn a_conversation_goes_on_and_no_save_leaves_nothing() {
    let place = Place::committed();
    let engine = place.script("\"first answer\"\n");
    let state = place.home.path().join("state/homebody/repositories");
    assert_eq!(code(&place.run(&["ask", "one?", "--no-save", &engine])), 0);
    let kept = |name: &str| {
        let mut found = false;
        let mut open = vec![state.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else if fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(name)) {
                    found = true;
                }
            }
        }
        found
    };
    assert!(!kept("first answer"));
    assert_eq!(code(&place.run(&["ask", "one?", &engine])), 0);
    assert!(kept("first answer"));
    let engine =
        place.script("{\"steps\":[{\"expect\":\"first answer\"},{\"text\":\"second\"}]}\n");
    let output = place.run(&["ask", "--continue", "two?", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    // What is kept can be forgotten, and then it is gone.
    let output = place.run(&["forget", "--yes"]);
    assert_eq!(code(&output), 0);
    assert!(
        stdout(&output).contains("removed sessions"),
        "{}",
        stdout(&output)
    );
    assert!(!kept("first answer"));
    let output = place.run(&["forget", "--all", "--yes"]);
    assert_eq!(code(&output), 0);
    assert!(!place.home.path().join("state/homebody").exists());
}

#[test]
fn a_failing_model_is_told_in_three_parts() {
    let place = Place::committed();
    let engine = place.script(
        "{\"steps\":[{\"text\":\"half \"},{\"fail\":{\"kind\":\"model\",\"what\":\"the arithmetic failed\",\"hint\":\"try another\"}}]}\n",
    );
    let output = place.run(&["ask", "why?", &engine]);
    assert_eq!(code(&output), 2);
    let words = stderr(&output);
    assert!(words.contains("error: the arithmetic failed\n"), "{words}");
    assert!(words.contains("  hint: try another\n"), "{words}");
    assert!(stdout(&output).starts_with("half"), "{}", stdout(&output));
}

#[test]
fn every_event_of_a_job_fits_the_schema() {
    let place = Place::committed();
    let schema = schema(&place);
    let good = place.script("{\"steps\":[{\"thinking\":\"hm\"},{\"thinking_cut\":{\"tokens\":1024,\"why\":\"limit\"}},{\"text\":\"by one [1]\"}]}\n");
    let output = place.run(&["ask", "what does next_entry do?", "--json", &good]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let types = check_events(&schema, &output);
    for wanted in [
        "context",
        "prefill",
        "thinking_cut",
        "token",
        "source",
        "usage",
        "done",
    ] {
        assert!(
            types.iter().any(|kind| kind == wanted),
            "{wanted}: {types:?}"
        );
    }
    assert_eq!(types.last().map(String::as_str), Some("done"));
    assert_eq!(types.iter().filter(|kind| *kind == "done").count(), 1);

    let edit = place.script(&format!("\"{EDIT}\"\n"));
    let output = place.run(&["patch", "add two in next_entry", "--json", &edit]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        check_events(&schema, &output)
            .iter()
            .any(|kind| kind == "edit")
    );

    // A failure is told as an event too, whether it comes from the job or before it.
    let bad = place.script("{\"steps\":[{\"fail\":{\"what\":\"no\"}}]}\n");
    for engine in [bad.as_str(), "--engine=script:/nowhere"] {
        let output = place.run(&["ask", "why?", "--json", engine]);
        assert_eq!(code(&output), 2);
        let types = check_events(&schema, &output);
        assert_eq!(
            types.iter().filter(|kind| *kind == "error").count(),
            1,
            "{types:?}"
        );
        assert_eq!(types.last().map(String::as_str), Some("done"));
    }
}

#[test]
fn a_patch_is_shown_applied_checked_and_taken_back() {
    let place = Place::committed();
    let before = place.read("src/walk.rs");
    let engine = place.script(&format!("\"{EDIT}\"\n"));
    insta::assert_snapshot!(
        "patch",
        place.told(&["patch", "add two in next_entry", &engine])
    );
    assert_eq!(place.read("src/walk.rs"), before, "nothing is written");

    let output = place.run(&[
        "patch",
        "add two",
        "--apply",
        "--check",
        "grep -q 'n + 2' src/walk.rs",
        &engine,
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("check passed"),
        "{}",
        stderr(&output)
    );
    assert!(place.read("src/walk.rs").contains("n + 2"));
    let output = place.run(&["undo"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(place.read("src/walk.rs"), before);
    assert_eq!(code(&place.run(&["undo"])), 2, "nothing is left to undo");

    // The diff on standard output is what git takes.
    let output = place.run(&["patch", "add two", &engine]);
    fs::write(place.repo.path().join("x.diff"), &output.stdout).expect("written");
    let applied = place.run_git(&["apply", "--check", "x.diff"]);
    assert!(applied.status.success(), "{}", stderr(&applied));
}

#[test]
fn git_takes_the_diff_of_a_file_in_an_older_encoding() {
    let place = Place::committed();
    let file = place.repo.path().join("src/old.rs");
    let text = |name: &[u8]| {
        let head = b"// Gr\xf6\xdfe, f\xfcr sp\xe4ter\npub fn ";
        [&head[..], name, b"() {}\n"].concat()
    };
    fs::write(&file, text(b"size")).expect("written");
    let edit = "*** replace src/old.rs\\n<<<<<<<\\npub fn size() {}\\n=======\\npub fn größe() {}\\n>>>>>>>\\n";
    let engine = place.script(&format!("\"{edit}\"\n"));
    let output = place.run(&["patch", "rename size", "--file", "src/old.rs", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    fs::write(place.repo.path().join("x.diff"), &output.stdout).expect("written");
    let applied = place.run_git(&["apply", "x.diff"]);
    assert!(applied.status.success(), "{}", stderr(&applied));
    assert_eq!(fs::read(&file).expect("read"), text(b"gr\xf6\xdfe"));
}

#[test]
fn a_failing_check_writes_nothing_and_a_second_round_hears_of_it() {
    let place = Place::committed();
    let before = place.read("src/walk.rs");
    let engine = place.script(&format!("\"{EDIT}\"\n"));
    let broken = "if grep -q 'n + 2' src/walk.rs; then echo broke; exit 3; fi";
    let output = place.run(&["patch", "add two", "--apply", "--check", broken, &engine]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("broke") && said.contains("nothing was written"),
        "{said}"
    );
    assert_eq!(place.read("src/walk.rs"), before);
    assert_eq!(code(&place.run(&["undo"])), 2, "there is nothing to undo");

    // What fails without the change as well is no reason not to write it, and is said.
    let output = place.run(&["patch", "add two", "--apply", "--check", "exit 3", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("with the change as without it"), "{said}");
    assert!(place.read("src/walk.rs").contains("n + 2"));
    assert_eq!(code(&place.run(&["undo"])), 0);

    // The second try begins where the first did, and knows of it.
    let second = EDIT.replace("n + 2", "n + 3");
    let engine = place.script(&format!(
        "\"{EDIT}\"\n{{\"steps\":[{{\"expect\":\"three is wanted\"}},{{\"expect\":\"+    n + 2\"}},\
         {{\"text\":\"{second}\"}}]}}\n"
    ));
    let wanted = "grep -q 'n + 3' src/walk.rs || { echo three is wanted; exit 1; }";
    let output = place.run(&[
        "patch", "add more", "--rounds", "2", "--check", wanted, &engine,
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let diff = stdout(&output);
    assert!(diff.contains("n + 3") && !diff.contains("n + 2"), "{diff}");
    assert_eq!(place.read("src/walk.rs"), before, "--apply was not said");
    let output = place.run(&[
        "patch", "add more", "--apply", "--rounds", "2", "--check", wanted, &engine,
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(place.read("src/walk.rs").contains("n + 3"));
}

#[test]
fn processes_that_write_at_once_take_turns() {
    let place = Place::plain();
    let children: Vec<_> = (0..4)
        .map(|at| {
            let answer = format!("*** create made/{at}.txt\n<<<<<<<\n{at}\n>>>>>>>\n");
            let script = place.home.path().join(format!("{at}.jsonl"));
            fs::write(&script, json!(answer).to_string()).expect("written");
            let script = format!("--engine=script:{}", script.display());
            place
                .command(&[&script, "patch", "make it", "--apply"])
                .spawn()
                .expect("runs")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("ends");
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    for left in (0..4).rev() {
        let made = fs::read_dir(place.repo.path().join("made")).map_or(0, Iterator::count);
        assert_eq!(made, left + 1);
        assert_eq!(code(&place.run(&["undo"])), 0);
    }
    assert!(!place.repo.path().join("made").exists());
}

#[test]
fn an_answer_without_a_change_is_a_negative_answer() {
    let place = Place::committed();
    // Asked again it has to say an edit, and comes to no end with it.
    let never = "*** replace src/walk.rs\n<<<<<<<\n    n + 1\n=======\n";
    let engine = place.script(&format!(
        "\"I would rather not.\"\n{}\n",
        json!({"steps": [{"text": never}], "finish": "length", "repeat": true})
    ));
    let output = place.run(&["patch", "add two @src/walk.rs", "--apply", &engine]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    assert!(
        stderr(&output).contains("nothing could be changed"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn search_speaks_to_people_and_to_programs() {
    let place = Place::committed();
    insta::assert_snapshot!(
        "search",
        ["text", "paths", "ranges"]
            .map(|format| place.told(&["search", "next_entry", "--top", "1", "--format", format]))
            .join("\n")
    );
    let output = place.run(&["search", "next_entry", "--format", "json"]);
    let first: Value =
        serde_json::from_str(stdout(&output).lines().next().expect("a line")).expect("json");
    assert_eq!(first["path"], "src/walk.rs");
    assert_eq!(first["symbol"], "next_entry");
    let output = place.run(&["search", "zyzzyva"]);
    assert_eq!((code(&output), output.stdout.len()), (1, 0));
    fs::write(place.home.path().join("query"), "next entry").expect("written");
    let file = place.home.path().join("query");
    let output = place.run(&[
        "search",
        "--query-file",
        &file.to_string_lossy(),
        "--format",
        "paths",
    ]);
    assert!(
        stdout(&output).starts_with("src/walk.rs\n"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_folder_without_git_can_be_asked_about_but_not_reviewed() {
    let place = Place::plain();
    let engine = place.script("\"fine\"\n");
    let output = place.run(&["ask", "next_entry?", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = place.run(&["review", &engine]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(
        stderr(&output).starts_with("error: "),
        "{}",
        stderr(&output)
    );
    assert_eq!(code(&place.run(&["review", "--install-hook"])), 2);
}

#[test]
fn a_repository_without_commits_works() {
    let place = Place::git();
    let engine = place.script("{\"steps\":[{\"text\":\"fine\"}],\"repeat\":true}\n");
    let output = place.run(&["ask", "next_entry?", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = place.run(&["doctor"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("no commit yet"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn folders_that_cannot_be_written_cost_only_what_they_must() {
    let place = Place::committed();
    let engine = place.script("\"fine\"\n");
    // A file where the folder should be: that stops even a superuser.
    for name in ["cache", "state"] {
        fs::write(place.home.path().join(name), "in the way").expect("written");
    }
    let output = place.run(&["ask", "next_entry?", &engine]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("fine"));
    assert!(
        stderr(&output).contains("is not kept"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::committed();
    let engine = place.script(&format!(
        "{{\"steps\":[{{\"stream\":{{\"text\":\"{}\",\"every_ms\":5}}}}]}}\n",
        "word ".repeat(2000)
    ));
    let began = Instant::now();
    let mut child = place
        .command(&["ask", "why?", &engine])
        .spawn()
        .expect("runs");
    let mut first = [0; 4];
    let mut pipe = child.stdout.take().expect("piped");
    pipe.read_exact(&mut first).expect("a word");
    drop(pipe);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(began.elapsed() < Duration::from_secs(8), "it stops early");
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_job_and_what_is_written_stands() {
    let place = Place::committed();
    let engine = place
        .script("{\"steps\":[{\"text\":\"so far \"},{\"wait_ms\":60000},{\"text\":\"never\"}]}\n");
    let mut child = place
        .command(&["ask", "why?", &engine])
        .spawn()
        .expect("runs");
    let mut pipe = child.stdout.take().expect("piped");
    let mut first = [0; 6];
    pipe.read_exact(&mut first).expect("a piece");
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let began = Instant::now();
    let mut rest = String::new();
    pipe.read_to_string(&mut rest).expect("text");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(!rest.contains("never"));
    assert!(
        stderr(&output).contains("what was written stands"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_hook_is_put_in_and_taken_out_and_never_over_another() {
    let place = Place::committed();
    let hook = place.repo.path().join(".git/hooks/pre-commit");
    let output = place.run(&["review", "--install-hook"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        fs::read_to_string(&hook)
            .expect("there")
            .contains("review --staged")
    );
    assert_eq!(code(&place.run(&["review", "--install-hook"])), 0, "again");
    assert_eq!(code(&place.run(&["review", "--remove-hook"])), 0);
    assert!(!hook.exists());
    fs::write(&hook, "#!/bin/sh\nexit 0\n").expect("written");
    for flag in ["--install-hook", "--remove-hook"] {
        let output = place.run(&["review", flag]);
        assert_eq!(code(&output), 2, "{flag}");
        assert!(
            stderr(&output).contains("not homebody's"),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(
        fs::read_to_string(&hook).expect("there"),
        "#!/bin/sh\nexit 0\n"
    );
    // Not where other repositories look for theirs, or where a link leads.
    let outside = place.home.path().join("elsewhere");
    place.run_git(&["config", "core.hooksPath", &outside.to_string_lossy()]);
    let output = place.run(&["review", "--install-hook"]);
    assert_eq!(code(&output), 2);
    let words = stderr(&output);
    assert!(words.contains("outside of this repository"), "{words}");
    assert!(!outside.exists());
}

#[cfg(unix)]
#[test]
fn no_escape_sequence_of_the_repository_or_the_model_gets_out() {
    let place = Place::committed();
    place.write(
        "src/e\u{1b}]0;owned\u{7}vil.rs",
        "pub fn zebra_crossing() {}\n",
    );
    let engine = place.script("\"a \\u001b[2J b \\u202e c\"\n");
    for args in [
        &["search", "zebra_crossing"][..],
        &["search", "zebra_crossing", "--format", "paths"],
        &["search", "zebra_crossing", "--format", "json"],
        &["ask", "zebra_crossing?", &engine],
        &["ask", "zebra_crossing?", "--json", &engine],
        &["ask", "@src/e\u{1b}[1mx", "--show-context", &engine],
        &["context", "--full", "ask", "zebra_crossing?"],
        &["aks\u{1b}[2J"],
    ] {
        let output = place.run(args);
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            assert!(
                !text.contains(['\u{1b}', '\u{7}', '\u{202e}']),
                "{args:?} {name}: {text:?}"
            );
        }
    }
}

#[test]
fn the_schema_knows_every_event() {
    use homebody_ground::base::{Failure, LineRange, RepoPath};
    use homebody_ground::repo::DiffKind;
    use homebody_inference::engine::{Cut, Usage};
    use homebody_search::context::{Context, Excerpt, FrameLine, LeftOut, Past, Why};
    use homebody_work::jobs::event::VERSION;
    use homebody_work::jobs::{Event, Finding, Severity, Source};
    use homebody_work::patch::EditKind;

    let place = Place::plain();
    let schema = schema(&place);
    let path = RepoPath::new("src/a.rs").expect("good");
    let range = LineRange::new(1, 2);
    let context = Context {
        excerpts: vec![Excerpt {
            id: 1,
            path: path.clone(),
            range,
            text: "x\n".to_owned(),
            frame: vec![FrameLine {
                number: 1,
                text: "use x;".to_owned(),
            }],
            symbol: None,
            why: Why::Search,
            tokens: 3,
        }],
        left_out: vec![LeftOut {
            path: path.clone(),
            range: Some(range),
            tokens: 0,
            reason: "binary".to_owned(),
        }],
        rules: Some((path.clone(), "be kind".to_owned())),
        map: "src/\n  a.rs: x\n".to_owned(),
        past: Some(Past {
            title: "1 commit".to_owned(),
            text: "commit 1a2b3c4\n".to_owned(),
            commits: vec!["1a2b3c4".to_owned()],
            tokens: 4,
        }),
        ..Context::default()
    };
    let finding = Finding {
        path: path.clone(),
        line: 1,
        side: DiffKind::Added,
        severity: Severity::Note,
        category: "style".to_owned(),
        quote: "x".to_owned(),
        title: "t".to_owned(),
        reason: "r".to_owned(),
        verified: true,
        rule: None,
        suggestion: None,
        secret: None,
    };
    let events = [
        Event::Context {
            version: VERSION,
            context,
        },
        Event::Prefill {
            done: 1,
            total: 2,
            cached: 0,
            rate: 0.0,
        },
        Event::Note {
            text: String::new(),
        },
        Event::Thinking {
            text: String::new(),
        },
        Event::ThinkingCut {
            tokens: 1024,
            why: Cut::Room,
        },
        Event::Token {
            text: String::new(),
        },
        Event::Source(Source {
            id: 1,
            path: path.clone(),
            start: 1,
            end: 2,
            cited: false,
        }),
        Event::Edit {
            path: path.clone(),
            form: EditKind::Replace,
            start: 1,
            end: 2,
        },
        Event::Finding(finding),
        Event::Progress {
            done: 0,
            total: 1,
            path: Some(path),
            range: Some(range),
        },
        Event::Progress {
            done: 1,
            total: 1,
            path: None,
            range: None,
        },
        Event::Usage(Usage {
            prompt_tokens: 1,
            cached_tokens: 0,
            generated_tokens: 1,
            prefill_s: 0.1,
            decode_s: 0.1,
            drafted_tokens: 0,
            accepted_tokens: 0,
        }),
        Event::error(&Failure::model("no").hint("yes")),
        Event::error(&Failure::interrupted()),
        Event::Done,
    ];
    for event in &events {
        let value = serde_json::to_value(event).expect("json");
        let problems = fits(&schema, &schema, &value);
        assert!(problems.is_empty(), "{value}: {problems:?}");
    }
    // The check itself can fail.
    for wrong in [
        serde_json::json!({"type": "token"}),
        serde_json::json!({"type": "token", "text": 3}),
        serde_json::json!({"type": "tokens", "text": "x"}),
        serde_json::json!({"type": "prefill", "done": -1, "total": 1, "cached": 0, "rate": 0}),
    ] {
        assert!(!fits(&schema, &schema, &wrong).is_empty(), "{wrong}");
    }
}

pub(crate) fn schema(place: &Place) -> Value {
    let output = place.run(&["debug", "schema"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("json")
}

/// Holds each line against the schema; the events' types in order.
pub(crate) fn check_events(schema: &Value, output: &Output) -> Vec<String> {
    stdout(output)
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("json");
            let problems = fits(schema, schema, &event);
            assert!(problems.is_empty(), "{line}: {problems:?}");
            event["type"].as_str().expect("a type").to_owned()
        })
        .collect()
}

/// What of `value` does not fit, for as much of JSON Schema as the events need.
pub(crate) fn fits(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).expect("defined");
        wrong.extend(fits(root, target, value));
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| fits(root, choice, value).is_empty())
            .count();
        if fitting != 1 {
            wrong.push(format!("{fitting} of {} forms fit {value}", choices.len()));
        }
    }
    if let Some(wanted) = schema.get("const")
        && wanted != value
    {
        wrong.push(format!("{value} is not {wanted}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        wrong.push(format!("{value} is none of {choices:?}"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let of_kind = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| of_kind(kind)) {
        wrong.push(format!("{value} is no {kinds:?}"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < least
    {
        wrong.push(format!("{number} is less than {least}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            wrong.push(format!("{name} is missing"));
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            wrong.extend(fits(root, inner, value));
        }
    }
    if let Some(items) = schema.get("items") {
        for value in value.as_array().into_iter().flatten() {
            wrong.extend(fits(root, items, value));
        }
    }
    wrong
}
