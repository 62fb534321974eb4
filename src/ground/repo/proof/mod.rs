//! The proof that a repository is read as git reads it: random states, made by the real git, of
//! which homebody and git must say the same.
//!
//! A difference that is meant has a name and is counted; any other is a fault, shown with the
//! shortest list of operations that still makes it.

mod compare;
mod expected;
mod operations;
mod real;
mod sets;
mod state;
mod view;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::operations::{Op, operations};
use self::state::State;

/// Names the order of a process that does a share of the work.
const CHILD: &str = "HOMEBODY_GIT_CHILD";

/// States in the suite: as many as take some seconds.
const STATES: u64 = 120;

/// Faults of a sort that are made short and shown, in each process.
const SHOWN: usize = 3;

/// A difference that is not meant.
#[derive(Debug)]
pub(super) struct Fault {
    /// The sort of fault: while a list of operations is made shorter it stays the same.
    kind: String,
    text: String,
}

impl Fault {
    fn new(kind: &str, text: String) -> Self {
        Self {
            kind: kind.to_owned(),
            text,
        }
    }

    /// The same fault, in a part of the comparison.
    fn of(mut self, part: &str) -> Self {
        self.kind = format!("{part}: {}", self.kind);
        self
    }
}

/// Counts of differences that are meant, and of what was compared.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }
}

/// Makes the state of some operations and compares it: all faults.
fn tried(place: &Path, operations: &[Op], tally: &mut Tally) -> Vec<Fault> {
    let base = tempfile::tempdir_in(place).expect("a folder");
    let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let state = State::made(base.path(), &place.join("home"), operations);
        view::compare(&state, tally)
    }));
    compared.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        vec![Fault::new("panic", text)]
    })
}

/// The shortest list found that still shows a fault of a sort.
fn shortest(place: &Path, mut operations: Vec<Op>, mut fault: Fault) -> (Vec<Op>, Fault) {
    let mut size = operations.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < operations.len() {
            let mut fewer = operations.clone();
            fewer.drain(at..(at + size).min(operations.len()));
            let found = tried(place, &fewer, &mut Tally::default());
            match found.into_iter().find(|found| found.kind == fault.kind) {
                Some(found) => (operations, fault) = (fewer, found),
                None => at += size,
            }
        }
        size /= 2;
    }
    (operations, fault)
}

/// Does a share of the work: `order` is the first seed, the step and the end.
fn work(order: &str) {
    let (tally, faults) = match order.strip_prefix("repository ") {
        Some(repository) => compared(repository),
        None => tried_all(order),
    };
    for (what, count) in tally.0 {
        println!("COUNT {count} {what}");
    }
    for (kind, count) in &faults {
        println!("FAULTS {count} {kind}");
    }
    assert!(faults.is_empty(), "git says something else");
}

/// Faults by their sort.
type Faults = BTreeMap<String, usize>;

/// The folder that holds the home of this process.
fn place() -> PathBuf {
    let home = std::env::var_os("HOME").expect("a home");
    Path::new(&home).parent().expect("a place").to_owned()
}

/// Compares a repository of this machine.
fn compared(repository: &str) -> (Tally, Faults) {
    let mut tally = Tally::default();
    let mut faults = Faults::new();
    for fault in real::compare(&place(), repository, &mut tally) {
        println!("FAULT {repository}, {}\n  {}", fault.kind, fault.text);
        *faults.entry(fault.kind).or_default() += 1;
    }
    (tally, faults)
}

/// Makes and compares states.
fn tried_all(order: &str) -> (Tally, Faults) {
    let numbers: Vec<u64> = order
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [first, step, end] = numbers[..] else {
        panic!("an order of three numbers: {order}");
    };
    let place = place();
    state::library(&place);
    let mut tally = Tally::default();
    let mut faults = Faults::new();
    for seed in (first..end).step_by(step as usize) {
        let operations = operations(seed);
        tally.count("states");
        for fault in tried(&place, &operations, &mut tally) {
            let known = faults.entry(fault.kind.clone()).or_default();
            *known += 1;
            if *known > SHOWN {
                continue;
            }
            let (operations, fault) = shortest(&place, operations.clone(), fault);
            println!("FAULT state {seed}, {}\n  {}", fault.kind, fault.text);
            for operation in operations {
                println!("    {operation}");
            }
        }
    }
    (tally, faults)
}

/// Starts a process for a share of the states, in a home of its own: homebody reads the settings
/// of whoever runs it.
fn worker(place: &Path, order: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    let home = place.join("home");
    std::fs::create_dir_all(&home).expect("a home");
    command
        .args(["--exact", "repo::proof::git_says_the_same", "--nocapture"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUST_BACKTRACE", "0")
        .env("TMPDIR", place)
        .env("XDG_CONFIG_HOME", home.join(".config"))
        .env("HOME", home)
        .env(CHILD, order)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command
}

#[test]
fn git_says_the_same() {
    if let Ok(order) = std::env::var(CHILD) {
        return work(&order);
    }
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let states = number("HOMEBODY_GIT_STATES").unwrap_or(STATES);
    let first = number("HOMEBODY_GIT_SEED").unwrap_or(1);
    let share = std::thread::available_parallelism().map_or(1, |n| n.get().min(8) as u64);
    let share = share.min(states).max(1);
    let orders = (0..share).map(|n| format!("{} {share} {}", first + n, first + states));
    run(orders.collect());
}

#[test]
fn repositories_of_this_machine_are_read_as_git_reads_them() {
    let Some(folders) = std::env::var_os("HOMEBODY_GIT_REPOS") else {
        return;
    };
    let folders = std::env::split_paths(&folders);
    let folders = folders.map(|folder| folder.canonicalize().expect("a folder"));
    let orders = folders.map(|folder| format!("repository {}", folder.display()));
    run(orders.collect());
}

/// Has each order done by a process of its own, and prints what they say.
fn run(orders: Vec<String>) {
    let mut workers = Vec::new();
    for order in orders {
        let place = tempfile::tempdir().expect("a place");
        let real = place.path().canonicalize().expect("a place");
        let child = worker(&real, &order).spawn().expect("this test again");
        workers.push((place, child));
    }
    let mut failed = false;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (_place, child) in workers {
        let output = child.wait_with_output().expect("it ends");
        failed |= !output.status.success();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            match line
                .strip_prefix("COUNT ")
                .and_then(|rest| rest.split_once(' '))
            {
                Some((count, what)) => {
                    *counts.entry(what.to_owned()).or_default() +=
                        count.parse::<u64>().expect("a count");
                }
                None => println!("{line}"),
            }
        }
        if !output.status.success() {
            println!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    for (what, count) in counts {
        println!("{count:>8} {what}");
    }
    assert!(!failed, "git says something else");
}
