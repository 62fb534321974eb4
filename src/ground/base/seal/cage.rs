//! A cage for a command that is hostile by definition: the check of a change runs what the
//! repository says.
//!
//! The command is started by a keeper, a process of our own binary, which builds the cage around
//! itself first. Where the kernel gives namespaces to this user, the command has a file system in
//! which nothing is but what is listed, no other process, no unix socket and no abstract one of
//! anybody else, and ends with its first process. Landlock says the same a second time, and is
//! the only wall where there are no namespaces. In both it has no terminal (a session of its own,
//! pipes for output), no capability, no way to the keys of the kernel, and limits.
//!
//! Sources: user_namespaces(7), pid_namespaces(7), pivot_root(2), landlock(7), the kernel's
//! overlayfs documentation; bubblewrap's and Flatpak's lists of calls, as facts.

#[cfg(target_os = "linux")]
mod keeper;
#[cfg(all(target_os = "linux", any(test, feature = "lab")))]
pub use keeper::serve_in_tests;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod rules;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{Failure, Result};

/// The hidden first argument that makes our own binary the keeper of a cage.
pub const CAGE_ARG: &str = "__cage";

/// A user's cache that a command may fill without the user's own being touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFolder {
    /// The place of the user's cache, where the command sees it too.
    pub at: PathBuf,
    /// A folder of ours, for the files that the command writes there.
    pub ours: PathBuf,
}

/// The limits of a command; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory, all its processes together.
    pub memory: u64,
    /// Number of processes and threads.
    pub processes: u64,
    /// Bytes of a file.
    pub file_size: u64,
}

/// The description of a cage: the things a command sees and may do. Paths are those of this
/// machine; in the cage they are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cage {
    /// The command line, for `sh -c`.
    pub command: String,
    /// The folder in which the command starts.
    pub dir: PathBuf,
    /// Folders that the command may write.
    pub write: Vec<PathBuf>,
    /// Files and folders that the command may read and run.
    pub read: Vec<PathBuf>,
    /// Files and folders in those that the command may not read.
    pub hidden: Vec<PathBuf>,
    /// Caches of the user that the command may fill.
    pub caches: Vec<CacheFolder>,
    /// The user's home folder; in the cage it is empty but for the files and folders listed.
    pub home: PathBuf,
    /// An empty folder of ours, on which the cage is built.
    pub base: PathBuf,
    /// An empty folder of ours that is the home folder where there are no namespaces.
    pub other_home: PathBuf,
    /// The limits of the command.
    pub limits: Limits,
    /// The walls to put up, as far as they are to be had. Fewer than all is for tests: it plays
    /// an older kernel.
    pub wanted: Walls,
}

/// The walls of a cage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// True if there are namespaces: nothing that is not listed is there at all.
    pub namespaces: bool,
    /// True if the folders shown in namespaces lie behind another file system, so that no socket in
    /// them is that of another program.
    pub layers: bool,
    /// The version of Landlock's interface in force, 0 for none.
    pub landlock: u32,
}

impl Walls {
    /// Every wall there is.
    pub const ALL: Self = Self {
        namespaces: true,
        layers: true,
        landlock: u32::MAX,
    };

    /// Lists the protections that do not hold here, for people; empty where all do.
    pub fn missing(self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.namespaces && !self.layers && self.landlock < 9 {
            missing.push(
                "no overlay file system is to be had, and Landlock is older than version 9: a unix \
                 socket that another program keeps in the repository or beside it can be reached",
            );
        }
        if !self.namespaces {
            missing.push(
                "this system gives no user namespaces: other processes are seen, and what a \
                 check leaves behind is looked for and ended, not ended by the kernel",
            );
            missing.push(
                "without namespaces, Landlock alone forbids no change of rights and times: those \
                 of every file of yours can be changed, their content cannot",
            );
            if self.landlock < 4 {
                missing.push("Landlock is older than version 4: a socket that a program hands over can be used");
            }
            if self.landlock < 6 {
                missing.push(
                    "Landlock is older than version 6: abstract unix sockets can be reached, and \
                     processes of this user be signalled",
                );
            }
            if self.landlock < 9 {
                missing.push("Landlock is older than version 9: unix sockets of other programs can be reached");
            }
        }
        missing
    }
}

/// A message of the keeper, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeeperReport {
    /// The cage stands.
    Ready(Walls),
    /// The cage cannot be built; with the reason.
    Failed(String),
    /// The command was ended; with the reason.
    Ended(String),
}

/// A caged command that runs. Dropped, it ends, with everything it has started.
#[derive(Debug)]
pub struct Caged {
    inner: platform::Running,
    /// The walls around it.
    pub walls: Walls,
}

impl Caged {
    /// Starts a command with the given environment and nothing else of ours; both its outputs go
    /// into `output`.
    ///
    /// # Errors
    /// Of kind environment, if the cage cannot be built: the command was not run then.
    pub fn start(
        cage: &Cage,
        environment: Vec<(OsString, OsString)>,
        output: std::io::PipeWriter,
    ) -> Result<Self> {
        let (inner, walls) = platform::start(cage, environment, output)?;
        Ok(Self { inner, walls })
    }

    /// Tells how the command ended, if it has: its exit code, as a shell would say it, and the
    /// reason where it was ended.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be waited for.
    pub fn ended(&mut self) -> Result<Option<(i32, Option<String>)>> {
        platform::ended(&mut self.inner)
    }
}

/// The time that the building of a cage may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the failure for a cage that cannot be built.
fn impossible(why: &str) -> Failure {
    Failure::environment("no cage can be built around a check here, so it was not run")
        .because(why)
        .hint("`check_unfenced = true` in config.toml runs it all the same, with every right that you have")
}

/// Serves as the keeper: reads the description of the cage, builds it, runs the command. Returns
/// the exit code.
#[cfg(target_os = "linux")]
pub fn serve() -> u8 {
    keeper::serve()
}

/// Returns the exit code of a failure: there are no cages here.
#[cfg(not(target_os = "linux"))]
pub fn serve() -> u8 {
    2
}

#[cfg(target_os = "linux")]
mod platform {
    use std::ffi::OsString;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{CAGE_ARG, Cage, KeeperReport, PATIENCE, Walls, impossible};
    use crate::base::failure::io_failure;
    use crate::base::{Failure, Result};

    /// The most bytes of a line.
    const LINE: u64 = 16 << 10;
    /// The time that a keeper whose line was cut may take to end everything.
    const GRACE: Duration = Duration::from_secs(2);

    /// A keeper that runs.
    #[derive(Debug)]
    pub(super) struct Running {
        keeper: Child,
        /// The way to the keeper. Closed, it tells the keeper to end everything.
        line: Option<BufReader<UnixStream>>,
    }

    impl Drop for Running {
        fn drop(&mut self) {
            self.line = None;
            let begun = Instant::now();
            while begun.elapsed() < GRACE {
                if !matches!(self.keeper.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = self.keeper.kill();
            let _ = self.keeper.wait();
        }
    }

    pub(super) fn start(
        cage: &Cage,
        environment: Vec<(OsString, OsString)>,
        output: std::io::PipeWriter,
    ) -> Result<(Running, Walls)> {
        let failed = |e: &std::io::Error| io_failure("cannot start the keeper of a check", e);
        let (ours, theirs) = UnixStream::pair().map_err(|e| failed(&e))?;
        ours.set_read_timeout(Some(PATIENCE))
            .map_err(|e| failed(&e))?;
        let second = output.try_clone().map_err(|e| failed(&e))?;
        let program = crate::base::seal::own_program().map_err(|e| failed(&e))?;
        let keeper = Command::new(program)
            .arg(CAGE_ARG)
            .env_clear()
            .envs(environment)
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(output)
            .stderr(second)
            .spawn()
            .map_err(|e| failed(&e))?;
        let mut running = Running {
            keeper,
            line: Some(BufReader::new(ours)),
        };
        let mut text = serde_json::to_vec(cage)
            .map_err(|e| Failure::bug("a cage cannot be described").caused_by(&e))?;
        text.push(b'\n');
        if let Some(line) = &mut running.line {
            line.get_mut().write_all(&text).map_err(|e| failed(&e))?;
        }
        match said(&mut running) {
            Some(KeeperReport::Ready(walls)) => Ok((running, walls)),
            Some(KeeperReport::Failed(why) | KeeperReport::Ended(why)) => Err(impossible(&why)),
            None => Err(impossible("its keeper has ended, or does not answer")),
        }
    }

    /// Reads the next message of the keeper; none where it has ended, or took too long.
    fn said(running: &mut Running) -> Option<KeeperReport> {
        let mut text = Vec::new();
        let line = running.line.as_mut()?;
        line.by_ref().take(LINE).read_until(b'\n', &mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn ended(running: &mut Running) -> Result<Option<(i32, Option<String>)>> {
        let status = running
            .keeper
            .try_wait()
            .map_err(|e| io_failure("cannot wait for the check", &e))?;
        let Some(status) = status else {
            return Ok(None);
        };
        let why = match said(running) {
            Some(KeeperReport::Ended(why) | KeeperReport::Failed(why)) => Some(why),
            Some(KeeperReport::Ready(_)) | None => None,
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        let code = status.code().or(signal.map(|signal| 128 + signal));
        // A process that was waited for has ended by itself or by a signal.
        let code = code.ok_or_else(|| Failure::bug("the keeper has ended by nothing"))?;
        Ok(Some((code, why)))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::ffi::OsString;

    use super::{Cage, Walls, impossible};
    use crate::base::Result;

    #[derive(Debug)]
    pub(super) struct Running;

    pub(super) fn start(
        _: &Cage,
        _: Vec<(OsString, OsString)>,
        _: std::io::PipeWriter,
    ) -> Result<(Running, Walls)> {
        Err(impossible("homebody has cages on Linux only"))
    }

    pub(super) fn ended(_: &mut Running) -> Result<Option<(i32, Option<String>)>> {
        Ok(None)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use super::*;

    /// Runs a command in a cage with these walls; what it says.
    fn caged(command: &str, wanted: Walls) -> Result<(Walls, String)> {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("there");
        for name in ["copy", "base", "home", "real", "outside", "shown"] {
            fs::create_dir(root.join(name)).expect("made");
        }
        fs::write(root.join("outside/f"), "precious").expect("written");
        let cage = Cage {
            command: command.to_owned(),
            dir: root.join("copy"),
            write: vec![root.join("copy")],
            read: ["/usr", "/etc", "/bin", "/lib", "/lib64"]
                .map(PathBuf::from)
                .into_iter()
                .chain([root.join("shown")])
                .collect(),
            hidden: Vec::new(),
            caches: Vec::new(),
            home: root.join("real"),
            base: root.join("base"),
            other_home: root.join("home"),
            limits: Limits {
                memory: 0,
                processes: 0,
                file_size: 0,
            },
            wanted,
        };
        // A program that listens in a folder that is shown.
        let socket = root.join("shown/s");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let environment = vec![
            ("SOCKET".into(), socket.into()),
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("OUT".into(), root.join("outside").into()),
        ];
        let mut running = Caged::start(&cage, environment, writer)?;
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("read");
        while running.ended()?.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let walls = running.walls;
        let text = fs::read_to_string(root.join("outside/f")).expect("there");
        assert_eq!(text, "precious", "{walls:?}: {said}");
        Ok((walls, said))
    }

    /// Older kernels, as far as a newer one can play them.
    #[test]
    fn every_landlock_keeps_files_outside_from_being_written_and_read() {
        let newest = rules::landlock_version();
        for landlock in 1..=newest {
            for namespaces in [false, true] {
                let wanted = Walls {
                    namespaces,
                    layers: namespaces,
                    landlock,
                };
                let command = "echo x >in && cat in; cat $OUT/f; echo EVIL >$OUT/f; echo EVIL >$OUT/g; \
                               rm -f $OUT/f; mv $OUT/f here; truncate -s 0 $OUT/f";
                let (walls, said) = caged(command, wanted).expect("a cage");
                assert_eq!(walls, wanted);
                assert!(said.starts_with("x\n"), "{walls:?}: {said}");
                // Before version 3 a file that can be opened can be cut off, but none can be here.
                assert!(!said.contains("precious"), "{walls:?}: {said}");
            }
        }
        assert!(newest > 0, "this kernel has no Landlock: nothing was tried");
    }

    /// With the wall and without it; where Landlock is newer it stands in for it.
    #[test]
    fn a_socket_in_what_is_shown_is_reached_only_without_layers() {
        let command = "perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new(Peer=>$ENV{SOCKET}) \
                       ? \"in\" : \"no: $!\"'";
        for layers in [true, false] {
            let landlock = rules::landlock_version().min(8);
            let wanted = Walls {
                namespaces: true,
                layers,
                landlock,
            };
            let (walls, said) = caged(command, wanted).expect("a cage");
            assert_eq!(walls, wanted);
            let wanted = if layers { "no: " } else { "in" };
            assert!(said.starts_with(wanted), "{layers}: {said}");
            assert_eq!(walls.missing().is_empty(), layers);
        }
    }

    #[test]
    fn without_any_wall_a_command_is_not_run() {
        let failure = caged("echo ran", Walls::default()).expect_err("refused");
        let hint = failure.next_step().unwrap_or_default();
        assert!(hint.contains("check_unfenced"), "{failure}");
    }
}
