//! The keeper of a cage: one thread, so that it may enter namespaces and fork.
//!
//! The keeper stays outside of the cage itself, where nothing in the cage can reach. With
//! namespaces its child enters them, and that one's child is their first process: with it the
//! kernel ends all others. Without, processes that lose their parent become the keeper's, which
//! ends them itself.

use std::fs;
use std::io::{BufRead as _, BufReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, kill_process, pidfd_open,
    set_child_subreaper, set_parent_process_death_signal, setrlimit, setsid, wait, waitpid,
};
use rustix::thread::UnshareFlags;

use super::super::close_to_others;
use super::processes::{end_descendants, too_much};
use super::{Cage, KeeperReport, Limits, Walls, room, rules};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// The time between two looks at the use of memory: 200 ms.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};
/// The exit code where the cage could not be built; nobody looks at it.
const NOT_BUILT: u8 = 125;

/// Serves as the keeper: see [`super::serve`].
pub(super) fn serve() -> u8 {
    let Ok(mut line) = KeeperSocket::take() else {
        return NOT_BUILT;
    };
    match keep(&mut line) {
        Ok(code) => code,
        Err(failure) => {
            line.say(&KeeperReport::Failed(failure.to_string()));
            NOT_BUILT
        }
    }
}

/// The way to who asked for the cage. It came as standard input, which the command does not get.
struct KeeperSocket(UnixStream);

impl KeeperSocket {
    /// Takes the standard input, and closes all other descriptors but those for output.
    fn take() -> std::io::Result<Self> {
        let fd = rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), 3)?;
        let null = fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        drop(null);
        // Whatever was open where homebody was started is no business of the command, nor is it
        // left in a process that the command can look into.
        let line = UnixStream::from(fd);
        for (open, _) in crate::base::seal::descriptors() {
            if open > libc::STDERR_FILENO && open != line.as_raw_fd() {
                // SAFETY: a number only, of which this process has begun nothing yet.
                unsafe {
                    libc::close(open);
                }
            }
        }
        Ok(Self(line))
    }

    /// Reads the description of the cage.
    fn read(&mut self) -> Result<Cage> {
        let mut text = String::new();
        BufReader::new(&self.0)
            .read_line(&mut text)
            .map_err(|e| io_failure("cannot read what the cage is to be", &e))?;
        serde_json::from_str(&text)
            .map_err(|e| Failure::bug("what the cage is to be cannot be read").caused_by(&e))
    }

    /// Says something to who asked for the cage, or to nobody if they have gone.
    fn say(&mut self, what: &KeeperReport) {
        if let Ok(mut text) = serde_json::to_vec(what) {
            text.push(b'\n');
            let _ = self.0.write_all(&text);
        }
    }
}

/// Keeps a cage: builds it by the strongest walls there are, and runs the command. Returns its exit
/// code.
fn keep(line: &mut KeeperSocket) -> Result<u8> {
    let cage = line.read()?;
    // No terminal: `/dev/tty` leads nowhere from now on.
    setsid().map_err(|e| io_failure("cannot leave the terminal", &e.into()))?;
    crate::base::seal::put_on()?;
    limit(cage.limits)?;
    let why = if cage.wanted.namespaces {
        match apart(&cage, line)? {
            Apart::Ended(code) => return Ok(code),
            Apart::Not(why) => why,
        }
    } else {
        "they are not wanted".to_owned()
    };
    match rules::landlock_version().min(cage.wanted.landlock) {
        0 => Err(
            Failure::environment("neither user namespaces nor Landlock are to be had").because(why),
        ),
        landlock => restricted(&cage, line, landlock),
    }
}

/// Runs the command behind the rules of Landlock alone. The child is behind them too; this process
/// is not, so that nothing in there can signal it: it counts memory and processes, and ends those
/// that the child leaves.
fn restricted(cage: &Cage, line: &mut KeeperSocket, landlock: u32) -> Result<u8> {
    take_orphans()?;
    let Some(child) = fork()? else {
        bind_to_parent()?;
        take_orphans()?;
        let home = room::links(cage)?;
        rules::drop_capabilities()?;
        rules::restrict(cage, &home, false, landlock)?;
        rules::refuse_calls(false)?;
        let walls = Walls {
            namespaces: false,
            layers: false,
            landlock,
        };
        return run(cage, &home, walls, line);
    };
    close_to_others();
    let code = watched(child, cage.limits, line);
    end_descendants();
    code
}

/// Makes processes below this one that lose their parent its children.
fn take_orphans() -> Result<()> {
    set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| io_failure("cannot take in orphans", &e.into()))
}

/// Waits for a child, and ends it where the processes below use too much. Who asked for the cage
/// ends the child by hanging up, also by dying. Returns the exit code.
fn watched(child: Pid, limits: Limits, line: &mut KeeperSocket) -> Result<u8> {
    let failed = |e: rustix::io::Errno| io_failure("cannot wait for the cage", &e.into());
    let ended = pidfd_open(child, PidfdFlags::empty()).map_err(failed)?;
    loop {
        let mut told = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::new(&line.0, PollFlags::RDHUP),
        ];
        match poll(&mut told, Some(&LOOK)) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(failed(e)),
            Ok(_) => {}
        }
        let [over, hung_up] = told.map(|fd| !fd.revents().is_empty());
        if over {
            return waited(child);
        }
        let why = too_much(limits);
        if hung_up || why.is_some() {
            let _ = kill_process(child, Signal::KILL);
            waited(child)?;
            if let Some(why) = why {
                line.say(&KeeperReport::Ended(why));
            }
            return Ok(NOT_BUILT);
        }
    }
}

/// The outcome of trying namespaces.
enum Apart {
    /// The command ran in namespaces, and ended with this code.
    Ended(u8),
    /// Namespaces cannot be had; with the reason.
    Not(String),
}

/// Runs the command in namespaces of its own. The first child enters them, the second is their
/// first process; this process stays as it was, for the case that they cannot be had.
fn apart(cage: &Cage, line: &mut KeeperSocket) -> Result<Apart> {
    let (mut reader, mut writer) =
        std::io::pipe().map_err(|e| io_failure("cannot make a pipe", &e))?;
    let Some(child) = fork()? else {
        drop(reader);
        let entered = bind_to_parent()
            .and_then(|()| namespaces())
            .and_then(|()| room::try_mounting(cage));
        let first = entered.and_then(|()| fork());
        return match first {
            Ok(Some(first)) => {
                drop(writer);
                close_to_others();
                waited(first).map(Apart::Ended)
            }
            Ok(None) => match first_process(cage) {
                Ok(walls) => {
                    drop(writer);
                    run(cage, &cage.home, walls, line).map(Apart::Ended)
                }
                Err(failure) => told(&mut writer, &failure, false),
            },
            Err(failure) => told(&mut writer, &failure, true),
        };
    };
    drop(writer);
    let mut why = String::new();
    // The pipe ends without a word when the cage stands.
    let _ = reader.read_to_string(&mut why);
    if !why.is_empty() {
        waited(child)?;
        return match why.strip_prefix(BROKEN) {
            // Namespaces are to be had: what stands in the way lies in the repository, maybe on
            // purpose.
            Some(why) => Err(Failure::environment(why.to_owned())),
            None => Ok(Apart::Not(why)),
        };
    }
    close_to_others();
    watched(child, cage.limits, line).map(Apart::Ended)
}

/// The mark before the reason where namespaces are to be had and the cage could not be built.
const BROKEN: &str = "!";

/// Tells the process that stays why there are no namespaces, or why they did not help.
fn told(writer: &mut PipeWriter, failure: &Failure, never_had: bool) -> Result<Apart> {
    let mark = if never_had { "" } else { BROKEN };
    writer
        .write_all(format!("{mark}{failure}").as_bytes())
        .map_err(|e| io_failure("cannot say why", &e))?;
    Ok(Apart::Ended(NOT_BUILT))
}

/// Forks this process. Returns the new process, or none in that one.
fn fork() -> Result<Option<Pid>> {
    // SAFETY: this process has one thread, so the child may go on as it likes.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io_failure("cannot fork", &std::io::Error::last_os_error()));
    }
    Ok(Pid::from_raw(child))
}

/// Has the kernel end this process when its parent ends.
fn bind_to_parent() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| io_failure("cannot be bound to the keeper", &e.into()))
}

/// Waits for a child to end. Returns its exit code.
fn waited(child: Pid) -> Result<u8> {
    let ended = waitpid(Some(child), WaitOptions::empty())
        .map_err(|e| io_failure("cannot wait for the cage", &e.into()))?;
    // Only a call that does not wait comes back without a process.
    let (_, status) = ended.ok_or_else(|| Failure::bug("a child was not waited for"))?;
    Ok(code_of(status))
}

/// Enters namespaces of our own.
fn namespaces() -> Result<()> {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    // SAFETY: only CLONE_FILES is dangerous here, and it is not asked for; one thread runs.
    unsafe {
        rustix::thread::unshare_unsafe(
            UnshareFlags::NEWUSER
                | UnshareFlags::NEWNS
                | UnshareFlags::NEWPID
                | UnshareFlags::NEWIPC
                | UnshareFlags::NEWUTS
                | UnshareFlags::NEWNET
                | UnshareFlags::NEWCGROUP,
        )
    }
    .map_err(|e| io_failure("cannot enter namespaces", &e.into()))?;
    let map = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text)
            .map_err(|e| io_failure(format!("cannot write {file}"), &e))
    };
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("{user} {user} 1", user = user.as_raw()))?;
    map(
        "gid_map",
        format!("{group} {group} 1", group = group.as_raw()),
    )
}

/// Prepares the first process of the namespaces for the command. Returns the walls that stand.
fn first_process(cage: &Cage) -> Result<Walls> {
    bind_to_parent()?;
    let layers = room::build(cage)?;
    rules::drop_capabilities()?;
    let landlock = rules::landlock_version().min(cage.wanted.landlock);
    if landlock > 0 {
        rules::restrict(cage, &cage.home, true, landlock)?;
    }
    rules::refuse_calls(true)?;
    Ok(Walls {
        namespaces: true,
        layers,
        landlock,
    })
}

/// Runs the command, and waits until it ends. Returns its exit code.
fn run(cage: &Cage, home: &std::path::Path, walls: Walls, line: &mut KeeperSocket) -> Result<u8> {
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(&cage.command)
        .env("HOME", home)
        .current_dir(&cage.dir);
    // Where memory runs out, this process goes first. The system may not let us say so.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    // From here on nobody in the cage comes by `/proc` to our program, or to what we hold.
    close_to_others();
    shell.stdin(fs::File::open("/dev/null").map_err(|e| io_failure("cannot open /dev/null", &e))?);
    line.say(&KeeperReport::Ready(walls));
    let child = shell
        .process_group(0)
        .spawn()
        .map_err(|e| io_failure("cannot start the shell", &e))?;
    let command = Pid::from_child(&child);
    let failed = |e: rustix::io::Errno| io_failure("cannot wait for the check", &e.into());
    // A process that has lost its parent is a child of this one, and is waited for too.
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Ok(code_of(status)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(failed(e)),
        }
    }
}

/// Returns the exit code of a process that has ended, as a shell would say it.
fn code_of(status: rustix::process::WaitStatus) -> u8 {
    let code = status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    // A process that has ended has one that fits. Nobody reads a log of this process: any other
    // status is told as a failure.
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// Sets the limits that the kernel keeps.
fn limit(limits: Limits) -> Result<()> {
    let set = |resource, most: u64| {
        let most = (most > 0).then_some(most);
        let limit = Rlimit {
            current: most,
            maximum: most,
        };
        setrlimit(resource, limit).map_err(|e| io_failure("cannot set a limit", &e.into()))
    };
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )
    .map_err(|e| io_failure("cannot set a limit", &e.into()))?;
    if limits.file_size > 0 {
        set(Resource::Fsize, limits.file_size)?;
    }
    Ok(())
}

/// In tests our binary is the test itself: asked to be a keeper, it serves, and ends.
#[cfg(any(test, feature = "lab"))]
pub fn serve_in_tests() {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == super::CAGE_ARG)
    {
        // Nothing that is done at the end of a program has begun yet.
        // SAFETY: it touches no memory of ours.
        unsafe { libc::_exit(serve().into()) }
    }
}

/// Has the tests of a crate serve as keepers before anything else of them begins; stands once at
/// the root of the crate.
#[cfg(any(test, feature = "lab"))]
#[macro_export]
macro_rules! tests_serve_as_keepers {
    () => {
        extern "C" fn serve_in_tests() {
            $crate::base::seal::cage::serve_in_tests();
        }

        // SAFETY: the loader calls what stands in this section before `main`, as `extern "C"`.
        #[used]
        #[unsafe(link_section = ".init_array")]
        static SERVE_IN_TESTS: extern "C" fn() = serve_in_tests;
    };
}

#[cfg(test)]
mod served {
    tests_serve_as_keepers!();
}
