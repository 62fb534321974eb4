//! The keeper of a cage: one thread, so that it may enter namespaces and fork.
//!
//! It stays outside of the cage itself, where nothing in it can reach. With namespaces its child
//! enters them, and that one's child is their first process: what ends with that, the kernel ends.
//! Without, the keeper is the one to whom all that lose their parent come, and ends them itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, kill_process, pidfd_open,
    set_child_subreaper, set_parent_process_death_signal, setrlimit, setsid, wait, waitpid,
};
use rustix::thread::UnshareFlags;

use super::super::close_to_others;
use super::{Cage, Limits, Said, Walls, room, rules};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// How often the use of memory is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The exit code where the cage could not be built; nobody looks at it.
const NOT_BUILT: u8 = 125;

/// See [`super::serve`].
pub(super) fn serve() -> u8 {
    let Ok(mut line) = Line::take() else {
        return NOT_BUILT;
    };
    match keep(&mut line) {
        Ok(code) => code,
        Err(failure) => {
            line.say(&Said::Failed(failure.to_string()));
            NOT_BUILT
        }
    }
}

/// The way to who asked for the cage. It came as standard input, which the command does not get.
struct Line(UnixStream);

impl Line {
    fn take() -> std::io::Result<Self> {
        let fd = rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), 3)?;
        let null = fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        drop(null);
        // Whatever was open where homebody was started is no business of the command, nor is it left
        // in a process that the command can look into.
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

    fn read(&mut self) -> Result<Cage> {
        let mut text = String::new();
        BufReader::new(&self.0)
            .read_line(&mut text)
            .map_err(|e| io_failure("cannot read what the cage is to be", &e))?;
        serde_json::from_str(&text)
            .map_err(|e| Failure::bug("what the cage is to be cannot be read").caused_by(&e))
    }

    /// Who cannot be told any more does not listen any more either.
    fn say(&mut self, what: &Said) {
        if let Ok(mut text) = serde_json::to_vec(what) {
            text.push(b'\n');
            let _ = self.0.write_all(&text);
        }
    }
}

fn keep(line: &mut Line) -> Result<u8> {
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
/// is not, so that nothing in there can signal it: it counts what is used, and ends what the child
/// leaves.
fn restricted(cage: &Cage, line: &mut Line, landlock: u32) -> Result<u8> {
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

/// What loses its parent becomes a child of this process.
fn take_orphans() -> Result<()> {
    set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|e| io_failure("cannot take in orphans", &e.into()))
}

/// Waits for a child, and ends it where what is below it uses too much. Who asked for the cage ends
/// it by hanging up, also by dying.
fn watched(child: Pid, limits: Limits, line: &mut Line) -> Result<u8> {
    let failed = |e: rustix::io::Errno| io_failure("cannot wait for the cage", &e.into());
    let ended = pidfd_open(child, PidfdFlags::empty()).map_err(failed)?;
    let pause = Timespec::try_from(LOOK).ok();
    loop {
        let mut told = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::new(&line.0, PollFlags::RDHUP),
        ];
        match poll(&mut told, pause.as_ref()) {
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
                line.say(&Said::Ended(why));
            }
            return Ok(NOT_BUILT);
        }
    }
}

/// What came of namespaces.
enum Apart {
    /// The command ran in them, and ended with this code.
    Ended(u8),
    /// They cannot be had, because…
    Not(String),
}

/// Runs the command in namespaces of its own. The first child enters them, the second is their
/// first process; this one stays as it was, for the case that they cannot be had.
fn apart(cage: &Cage, line: &mut Line) -> Result<Apart> {
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
    // It ends when the cage stands, too.
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

/// Stands before the reason where namespaces are to be had and the cage could not be built.
const BROKEN: &str = "!";

/// Tells the process that stays why there are no namespaces, or why they did not help.
fn told(writer: &mut PipeWriter, failure: &Failure, never_had: bool) -> Result<Apart> {
    let mark = if never_had { "" } else { BROKEN };
    writer
        .write_all(format!("{mark}{failure}").as_bytes())
        .map_err(|e| io_failure("cannot say why", &e))?;
    Ok(Apart::Ended(NOT_BUILT))
}

/// The other process, or none in the new one.
fn fork() -> Result<Option<Pid>> {
    // SAFETY: this process has one thread, so the child may go on as it likes.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io_failure("cannot fork", &std::io::Error::last_os_error()));
    }
    Ok(Pid::from_raw(child))
}

fn bind_to_parent() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| io_failure("cannot be bound to the keeper", &e.into()))
}

fn waited(child: Pid) -> Result<u8> {
    let status = waitpid(Some(child), WaitOptions::empty())
        .map_err(|e| io_failure("cannot wait for the cage", &e.into()))?;
    Ok(status.map_or(NOT_BUILT, |(_, status)| code_of(status)))
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

/// What the first process of the namespaces does before it runs the command.
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

/// Runs the command, and waits until it ends.
fn run(cage: &Cage, home: &std::path::Path, walls: Walls, line: &mut Line) -> Result<u8> {
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(&cage.command)
        .env("HOME", home)
        .current_dir(&cage.dir);
    // The one that the machine can do without, where memory runs out. It may not be changed.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    // From here on nobody in the cage comes by `/proc` to our program, or to what we hold.
    close_to_others();
    shell.stdin(fs::File::open("/dev/null").map_err(|e| io_failure("cannot open /dev/null", &e))?);
    line.say(&Said::Ready(walls));
    let child = shell
        .process_group(0)
        .spawn()
        .map_err(|e| io_failure("cannot start the shell", &e))?;
    let command = Pid::from_child(&child);
    let failed = |e: rustix::io::Errno| io_failure("cannot wait for the check", &e.into());
    // Whoever has lost its parent is ours, and is taken in where it ends.
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Ok(code_of(status)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(failed(e)),
        }
    }
}

fn code_of(status: rustix::process::WaitStatus) -> u8 {
    let code = status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// Limits that the kernel keeps.
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

/// What the processes below us use too much of, if they do, or why that cannot be seen.
fn too_much(limits: Limits) -> Option<String> {
    let (mut bytes, mut threads) = (0_u64, 0_u64);
    let mut files = BTreeSet::new();
    let Some(below) = descendants() else {
        return Some("what it uses cannot be seen".to_owned());
    };
    for pid in below {
        let (own, count) = used(pid);
        bytes = bytes.saturating_add(own);
        threads += count;
        if limits.memory > 0 {
            bytes = bytes.saturating_add(in_files(pid, &mut files));
        }
    }
    if limits.memory > 0 && bytes > limits.memory {
        return Some(format!(
            "it uses more than {} of memory",
            crate::base::text::human_bytes(limits.memory)
        ));
    }
    if limits.processes > 0 && threads > limits.processes {
        return Some(format!(
            "it runs more than {} processes and threads",
            limits.processes
        ));
    }
    None
}

/// Bytes of memory that a process has for itself, and its threads. Pages of programs and libraries
/// are shared (proc_pid_status(5)).
fn used(pid: u32) -> (u64, u64) {
    let read = |path: String| fs::read_to_string(path).unwrap_or_default();
    let number = |text: &str, name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let status = read(format!("/proc/{pid}/status"));
    let threads = number(&status, "Threads:").unwrap_or(0);
    let kilobytes = |text: &str| {
        let anonymous = number(text, "RssAnon:")?;
        Some(anonymous + number(text, "RssShmem:").unwrap_or(0))
    };
    // Where the first thread has ended, another one still tells.
    let tasks = || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"));
        let tasks = tasks.into_iter().flatten().flatten();
        tasks
            .map(|task| fs::read_to_string(task.path().join("status")).unwrap_or_default())
            .find_map(|text| kilobytes(&text))
    };
    let own = kilobytes(&status).or_else(tasks).unwrap_or(0);
    (own.saturating_mul(1024), threads)
}

/// Bytes of files in memory (memfd_create(2)) that a process has open and that are not among
/// `known`.
fn in_files(pid: u32, known: &mut BTreeSet<(u64, u64)>) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let open = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut bytes = 0;
    for file in open.into_iter().flatten().flatten() {
        let in_memory = fs::read_link(file.path())
            .is_ok_and(|says| says.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"));
        if in_memory
            && let Ok(facts) = fs::metadata(file.path())
            && known.insert((facts.dev(), facts.ino()))
        {
            bytes += facts.blocks() * 512;
        }
    }
    bytes
}

/// Everybody below us, by `/proc`; none where that cannot be read.
fn descendants() -> Option<Vec<u32>> {
    let own = std::process::id();
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            parents.push((pid, parent));
        }
    }
    let mut all = vec![own];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        all.extend(children.into_iter().filter(|pid| *pid != own));
        at += 1;
        if at > parents.len() + 1 {
            break;
        }
    }
    // We ourselves are there, or nothing of it can be believed.
    parents
        .iter()
        .any(|(pid, _)| *pid == own)
        .then(|| all.split_off(1))
}

/// Ends everybody below us, and those that they start meanwhile.
fn end_descendants() {
    /// A tree that grows as fast as it is cut has had its chance.
    const ROUNDS: usize = 200;
    for _ in 0..ROUNDS {
        let below = descendants().unwrap_or_default();
        if below.is_empty() {
            return;
        }
        for signal in [Signal::STOP, Signal::KILL] {
            for pid in &below {
                if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, signal);
                }
            }
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// In tests our binary is the test itself: as the keeper it serves before anything else begins.
#[cfg(test)]
mod served {
    extern "C" fn serve() {
        if std::env::args_os()
            .nth(1)
            .is_some_and(|first| first == super::super::CAGE_ARG)
        {
            // Nothing that is done at the end of a program has begun yet.
            // SAFETY: it touches no memory of ours.
            unsafe { libc::_exit(super::serve().into()) }
        }
    }

    // SAFETY: the loader calls what stands in this section before `main`, as `extern "C"`.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static SERVE: extern "C" fn() = serve;
}
