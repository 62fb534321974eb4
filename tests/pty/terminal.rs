//! A terminal for tests: a pseudo terminal, the real binary in it under a shell, and a screen
//! that understands what it writes.

use std::fs;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtyPair, PtySize, native_pty_system};

/// The binary in a terminal. Dropping it kills what still runs.
pub struct Terminal {
    pair: PtyPair,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    raw: Vec<u8>,
    home: tempfile::TempDir,
}

/// How the terminal presents itself.
pub struct Manner {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Environment besides the usual.
    pub env: Vec<(&'static str, String)>,
    /// Whether the starter model is there where this machine has it.
    pub models: bool,
}

impl Manner {
    /// The usual with one more variable of the environment, in a terminal of that size.
    pub fn with(size: (u16, u16), name: &'static str, value: impl Into<String>) -> Self {
        let mut manner = Self {
            size,
            ..Self::default()
        };
        manner.env.push((name, value.into()));
        manner
    }
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            size: (80, 24),
            env: vec![
                ("TERM", "xterm-256color".into()),
                ("COLORTERM", "truecolor".into()),
            ],
            models: true,
        }
    }
}

impl Terminal {
    /// Starts `homebody ARGS…` in `dir`, with folders of its own for configuration, models,
    /// indexes and sessions; the starter model is linked in where it is installed.
    pub fn start(dir: &Path, args: &[&str], manner: &Manner) -> Self {
        let home = tempfile::tempdir().expect("a home folder");
        if let Some(models) = installed_models().filter(|_| manner.models) {
            let data = home.path().join("data/homebody");
            fs::create_dir_all(&data).expect("a data folder");
            copy_models(&models, &data.join("models"));
        }
        let size = PtySize {
            cols: manner.size.0,
            rows: manner.size.1,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo terminal");
        let quoted: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_homebody"))
            .chain(args.iter().copied())
            .map(|arg| format!("'{}'", arg.replace('\'', "'\\''")))
            .collect();
        let home_path = home.path().display();
        let script = format!(
            "trap : INT; stty -g > '{home_path}/before'; sh -c 'echo $$ > \"{home_path}/pid\"; exec \"$@\"' sh {}; \
             code=$?; stty -g > '{home_path}/after'; echo \"left with $code\"; sleep 1",
            quoted.join(" ")
        );
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &script]);
        command.cwd(dir);
        command.env_clear();
        for (key, value) in std::env::vars() {
            let of_ours = key.starts_with("HOMEBODY_") || key.starts_with("XDG_");
            let of_terminals = matches!(
                key.as_str(),
                "TERM" | "COLORTERM" | "NO_COLOR" | "TMUX" | "EDITOR" | "VISUAL"
            );
            if !of_ours && !of_terminals {
                command.env(key, value);
            }
        }
        for (key, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(key, home.path().join(folder));
        }
        command.env("HOME", home.path());
        for (key, value) in &manner.env {
            command.env(key, value);
        }
        let child = pair.slave.spawn_command(command).expect("the shell starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n) = reader.read(&mut piece) {
                if n == 0 || send.send(piece[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        Self {
            pair,
            child,
            keys,
            output,
            parser: vt100::Parser::new(
                manner.size.1.try_into().expect("rows"),
                manner.size.0.try_into().expect("columns"),
                0,
            ),
            raw: Vec::new(),
            home,
        }
    }

    /// Types. Escape sequences are written as they are.
    pub fn send(&mut self, keys: &str) {
        self.send_bytes(keys.as_bytes());
    }

    /// Types bytes, text or not.
    pub fn send_bytes(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("typed");
        self.keys.flush().expect("typed");
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Everything the program has written so far.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Waits until the screen is as wanted; shows the screen and stops the test otherwise.
    pub fn wait(&mut self, what: &str, seconds: u64, wanted: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if wanted(&self.text()) {
                return;
            }
            assert!(
                Instant::now() < end,
                "after {seconds} s still not: {what}\n---- the screen:\n{}\n----",
                self.text()
            );
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => {
                    self.raw.extend_from_slice(&bytes);
                    self.parser.process(&bytes);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(
                        wanted(&self.text()),
                        "the program ended before: {what}\n{}",
                        self.text()
                    );
                    return;
                }
            }
        }
    }

    /// Takes in what comes for a while.
    pub fn settle(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(bytes) = self.output.recv_timeout(left) {
                self.raw.extend_from_slice(&bytes);
                self.parser.process(&bytes);
            }
        }
    }

    /// Changes the size, as dragging a window's border does.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.pair
            .master
            .resize(PtySize {
                cols: columns,
                rows,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("resized");
        self.parser.set_size(
            rows.try_into().expect("rows"),
            columns.try_into().expect("columns"),
        );
    }

    /// Sends a signal to the program itself, not to the shell around it.
    pub fn signal(&self, name: &str) {
        assert!(self.kill(name), "nothing was there to be signalled");
    }

    fn kill(&self, name: &str) -> bool {
        let Ok(id) = fs::read_to_string(self.home.path().join("pid")) else {
            return false;
        };
        // The shell's own `kill`: the program of that name is not on every machine.
        Command::new("sh")
            .args(["-c", &format!("kill -{name} {} 2>/dev/null", id.trim())])
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Kills the program, which can put nothing back.
    pub fn killed(&mut self) {
        self.signal("KILL");
        self.settle(Duration::from_millis(300));
    }

    /// Waits for the end, checks that the terminal is as it was before, returns the exit code.
    pub fn ended(&mut self, seconds: u64) -> u32 {
        self.wait("the program has ended", seconds, |text| {
            text.contains("left with ")
        });
        let text = self.text();
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is still captured"
        );
        let settings =
            |name: &str| fs::read_to_string(self.home.path().join(name)).expect("stty's word");
        assert_eq!(
            settings("before"),
            settings("after"),
            "the line settings differ"
        );
        text.split("left with ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|code| code.parse().ok())
            .expect("an exit code")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The shell would leave the program behind.
        self.kill("KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of models of whoever runs the tests, if the starter is in it.
pub fn installed_models() -> Option<PathBuf> {
    let models = homebody_ground::base::Places::find().ok()?.models();
    let store = homebody_work::registry::Store {
        dir: models.clone(),
    };
    let there = store.get("starter").ok().flatten().is_some();
    there.then_some(models)
}

/// The same models under another folder, by links where the system has them.
fn copy_models(from: &Path, to: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(from, to).expect("a link to the models");
    #[cfg(not(unix))]
    let _ = (from, to);
}
