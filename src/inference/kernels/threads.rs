//! The number of threads that compute.

use std::sync::OnceLock;

static CHOSEN: OnceLock<usize> = OnceLock::new();

/// The variable that candle's own pool reads, once, when it is first used.
const VARIABLE: &str = "CANDLE_NUM_THREADS";

/// Fixes the number of threads: `wanted`, or with 0 the physical cores this process may run on.
/// The first call counts. Returns the number of threads that will compute.
///
/// candle keeps a pool beside ours, whose threads wait for each other at every step: as soon
/// as another program takes a core, all of them stand still. What is left to candle is little,
/// so its pool is told to have one thread, unless the environment says otherwise already; that
/// takes effect only if the process has no second thread yet.
pub fn set(wanted: usize) -> usize {
    *CHOSEN.get_or_init(|| {
        if std::env::var_os(VARIABLE).is_none() && alone() {
            // SAFETY: `alone` has just seen that this process has no other thread that could
            // read or write the environment meanwhile; on Windows the call is sound in any case.
            unsafe { std::env::set_var(VARIABLE, "1") };
        }
        if wanted == 0 { suitable() } else { wanted }
    })
}

/// The number of threads in force; asking fixes it.
pub fn number() -> usize {
    set(0)
}

/// The number of physical cores, but no more than this process may use; where the system tells
/// neither, one.
fn suitable() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    physical()
        .map_or(allowed, |cores| cores.min(allowed))
        .max(1)
}

/// The number of physical cores, where the system tells.
#[cfg(target_os = "linux")]
fn physical() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    physical_in(&text)
}

#[cfg(not(target_os = "linux"))]
fn physical() -> Option<usize> {
    sysinfo::System::physical_core_count().ok()
}

/// The number of distinct pairs of socket and core in the text of `/proc/cpuinfo`, where it has
/// any.
#[cfg(target_os = "linux")]
fn physical_in(text: &str) -> Option<usize> {
    let mut cores = std::collections::BTreeSet::new();
    for block in text.split("\n\n") {
        let field = |name: &str| {
            block.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            })
        };
        if let Some(core) = field("core id") {
            cores.insert((field("physical id"), core));
        }
    }
    (!cores.is_empty()).then_some(cores.len())
}

/// Tells whether this process is known to have one thread only.
#[cfg(target_os = "linux")]
fn alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

#[cfg(windows)]
fn alone() -> bool {
    true
}

#[cfg(not(any(windows, target_os = "linux")))]
fn alone() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_counts() {
        let first = number();
        assert!(first >= 1);
        assert_eq!(set(first + 1), first);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_of_one_core_count_once() {
        let text = "processor: 0\nphysical id\t: 0\ncore id\t: 0\n\nprocessor: 1\n\
                    physical id\t: 0\ncore id\t: 0\n\nprocessor: 2\nphysical id\t: 0\ncore id\t: 1\n";
        assert_eq!(physical_in(text), Some(2));
        assert_eq!(physical_in("processor: 0\n"), None);
    }
}
