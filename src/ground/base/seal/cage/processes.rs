//! The processes below the keeper of a cage: counting what they use, and ending them.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use super::Limits;

/// Tells what the processes below us use too much of, if they do, or that it cannot be seen.
pub(super) fn too_much(limits: Limits) -> Option<String> {
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

/// Returns the bytes of memory that a process has for itself, and the number of its threads. Pages
/// of programs and libraries are shared (proc_pid_status(5)). A process that has ended meanwhile
/// has neither.
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

/// Counts the bytes of files in memory (memfd_create(2)) that a process has open and that are not
/// among `known`, and adds those.
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

/// Lists all processes below us, by `/proc`; none where that cannot be read.
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
        // A process may have ended meanwhile.
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
    // A list without this process itself cannot be believed.
    parents
        .iter()
        .any(|(pid, _)| *pid == own)
        .then(|| all.split_off(1))
}

/// Ends all processes below us, and those that they start meanwhile.
pub(super) fn end_descendants() {
    /// The most rounds: a tree that grows as fast as it is cut has had its chance.
    const ROUNDS: usize = 200;
    for _ in 0..ROUNDS {
        // Processes that cannot be seen cannot be ended.
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
