//! How many threads compute.

use std::sync::OnceLock;

static CHOSEN: OnceLock<usize> = OnceLock::new();

/// What candle's two pools read, once, when they are first used.
const VARIABLES: [&str; 2] = ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"];

/// Fixes the number of threads: `wanted`, or with 0 what the environment says, or else the
/// physical cores this process may run on. The first call counts, and only one made before
/// the process has a second thread can change what the pools take from the environment.
/// Returns the number that will compute.
pub fn set(wanted: usize) -> usize {
    *CHOSEN.get_or_init(|| {
        let from_environment = VARIABLES.iter().find_map(|name| {
            let value = std::env::var(name).ok()?.parse::<usize>().ok()?;
            (value > 0).then_some(value)
        });
        let number = match (wanted, from_environment) {
            (0, Some(number)) => return number,
            (0, None) => suitable(),
            (wanted, _) => wanted,
        };
        if alone() {
            for name in VARIABLES {
                // SAFETY: `alone` has just seen that this process has no other thread that
                // could read or write the environment meanwhile; on Windows the call is
                // sound in any case.
                unsafe { std::env::set_var(name, number.to_string()) };
            }
            number
        } else {
            from_environment.unwrap_or_else(suitable)
        }
    })
}

/// The number in force; asking fixes it.
pub fn number() -> usize {
    set(0)
}

/// Physical cores, but no more than this process may use.
fn suitable() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    physical()
        .map_or(allowed, |cores| cores.min(allowed))
        .max(1)
}

/// Physical cores, where the system tells.
#[cfg(target_os = "linux")]
fn physical() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    physical_in(&text)
}

#[cfg(not(target_os = "linux"))]
fn physical() -> Option<usize> {
    sysinfo::System::physical_core_count().ok()
}

/// Distinct pairs of socket and core in the text of `/proc/cpuinfo`.
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

/// Whether this process is known to have one thread only.
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
