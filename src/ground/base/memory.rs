//! The memory that this process may still take, and that it has taken.

#[cfg(target_os = "linux")]
pub use linux::{address_space, available, group_limit, peak_resident, resident, system};

#[cfg(not(target_os = "linux"))]
pub use other::{address_space, available, group_limit, peak_resident, resident, system};

/// The memory on Linux, by `/proc` and control groups.
#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Returns the bytes free for this process: the smaller of those that the system calls
    /// available and those left under the control group's limit; 0 where the system does not tell.
    pub fn available() -> u64 {
        let system = system();
        group_limit().map_or(system, |left| left.min(system))
    }

    /// Returns the bytes that the system calls available; 0 where it does not tell.
    pub fn system() -> u64 {
        fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| kilobytes(&text, "MemAvailable:"))
            .unwrap_or(0)
    }

    /// Returns the bytes left under the strictest limit of this process's control groups, where
    /// there is one.
    pub fn group_limit() -> Option<u64> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        group_left(&own, Path::new("/sys/fs/cgroup"))
    }

    /// Returns the bytes of address space that this process may still take (`ulimit -v`), where
    /// there is a limit.
    pub fn address_space() -> Option<u64> {
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let line = limits
            .lines()
            .find_map(|l| l.strip_prefix("Max address space"))?;
        // `unlimited` is no number.
        let limit = line.split_whitespace().next()?.parse::<u64>().ok()?;
        let taken = kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?;
        Some(limit.saturating_sub(taken))
    }

    /// Returns the peak resident memory of this process in bytes, where the platform tells.
    pub fn peak_resident() -> Option<u64> {
        kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
    }

    /// Returns the resident memory of this process in bytes, where the platform tells.
    pub fn resident() -> Option<u64> {
        kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
    }

    /// Reads the value of a line `Key:   123 kB`, in bytes.
    pub(super) fn kilobytes(text: &str, key: &str) -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let number = line.split_whitespace().next()?.parse::<u64>().ok()?;
        Some(number.saturating_mul(1024))
    }

    /// Returns the bytes left under the strictest limit of this process's groups, from the text of
    /// `/proc/self/cgroup` and the place where the groups are mounted. None where there is no
    /// limit.
    pub(super) fn group_left(own: &str, mount: &Path) -> Option<u64> {
        own.lines()
            .filter_map(|line| {
                let mut parts = line.splitn(3, ':');
                let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
                if controllers.is_empty() {
                    // Version 2 is mounted at the top, or beside version 1 as `unified`.
                    [mount.to_path_buf(), mount.join("unified")]
                        .iter()
                        .filter_map(|base| {
                            upward(base, path, "memory.max", "memory.current", "inactive_file")
                        })
                        .min()
                } else if controllers.split(',').any(|c| c == "memory") {
                    upward(
                        &mount.join("memory"),
                        path,
                        "memory.limit_in_bytes",
                        "memory.usage_in_bytes",
                        "total_inactive_file",
                    )
                } else {
                    None
                }
            })
            .min()
    }

    /// Returns the least number of bytes left in a group or any above it. Cached file pages that
    /// can be dropped at once count as free, as they do in `MemAvailable`.
    fn upward(base: &Path, path: &str, max: &str, current: &str, cached: &str) -> Option<u64> {
        let mut group: PathBuf = base.join(path.trim_start_matches('/'));
        let mut least = None;
        // In a container the path may be the host's and not exist here: then only the
        // groups that do exist count, the mount itself among them.
        loop {
            if let Some(left) = left_in(&group, max, current, cached) {
                least = Some(least.map_or(left, |l: u64| l.min(left)));
            }
            if group == base || !group.pop() || !group.starts_with(base) {
                return least;
            }
        }
    }

    /// Returns the bytes left in a group, where it has a limit.
    fn left_in(group: &Path, max: &str, current: &str, cached: &str) -> Option<u64> {
        /// The least number that means no limit: version 1 writes one near the largest.
        const NONE: u64 = 1 << 60;
        let number = |name: &str| -> Option<u64> {
            fs::read_to_string(group.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        let limit = number(max).filter(|limit| *limit < NONE)?;
        // A container may hide its figures: the limit alone is known then.
        let used = number(current).unwrap_or(0);
        let droppable = fs::read_to_string(group.join("memory.stat"))
            .ok()
            .and_then(|text| {
                text.lines().find_map(|line| {
                    let (key, value) = line.split_once(' ')?;
                    (key == cached).then(|| value.trim().parse::<u64>().ok())?
                })
            })
            .unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(droppable)))
    }
}

/// The memory elsewhere, by `sysinfo`.
#[cfg(not(target_os = "linux"))]
mod other {
    use sysinfo::{ProcessesToUpdate, System};

    /// Returns the bytes free for this process: those that the system calls available.
    pub fn available() -> u64 {
        system()
    }

    /// Returns the bytes that the system calls available; 0 where it does not tell.
    pub fn system() -> u64 {
        let mut system = System::new();
        system.refresh_memory();
        system.available_memory()
    }

    /// Returns none: there are no control groups here.
    pub fn group_limit() -> Option<u64> {
        None
    }

    /// Returns none: such a limit is not asked for here.
    pub fn address_space() -> Option<u64> {
        None
    }

    /// Returns none: `sysinfo` does not tell the peak.
    pub fn peak_resident() -> Option<u64> {
        None
    }

    /// Returns the resident memory of this process in bytes, where the platform tells.
    pub fn resident() -> Option<u64> {
        let me = sysinfo::get_current_pid().ok()?;
        let mut system = System::new();
        system.refresh_processes(ProcessesToUpdate::Some(&[me]), true);
        Some(system.process(me)?.memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_this_process_takes_some() {
        assert!(available() > 1_000_000);
        let now = resident().expect("told");
        assert!(now > 100_000);
        #[cfg(target_os = "linux")]
        assert!(peak_resident().expect("told") >= now / 2);
    }

    #[cfg(target_os = "linux")]
    mod groups {
        use super::super::linux::{group_left, kilobytes};
        use std::fs;

        #[test]
        fn the_strictest_group_on_the_way_up_decides() {
            let mount = tempfile::tempdir().expect("a folder");
            let inner = mount.path().join("a/b");
            fs::create_dir_all(&inner).expect("made");
            let put = |dir: &std::path::Path, name: &str, text: &str| {
                fs::write(dir.join(name), text).expect("written");
            };
            put(&inner, "memory.max", "max\n");
            put(&mount.path().join("a"), "memory.max", "1000\n");
            put(&mount.path().join("a"), "memory.current", "900\n");
            put(
                &mount.path().join("a"),
                "memory.stat",
                "anon 1\ninactive_file 200\n",
            );
            put(mount.path(), "memory.max", "5000\n");
            assert_eq!(group_left("0::/a/b\n", mount.path()), Some(300));
            assert_eq!(group_left("0::/\n", mount.path()), Some(5000));
        }

        #[test]
        fn version_one_is_read_too_and_its_no_limit_is_none() {
            let mount = tempfile::tempdir().expect("a folder");
            let group = mount.path().join("memory/x");
            fs::create_dir_all(&group).expect("made");
            fs::write(group.join("memory.limit_in_bytes"), "4096\n").expect("written");
            fs::write(group.join("memory.usage_in_bytes"), "96\n").expect("written");
            fs::write(
                mount.path().join("memory/memory.limit_in_bytes"),
                "9223372036854771712\n",
            )
            .expect("written");
            let own = "5:cpu,memory:/x\n4:pids:/y\n0::/\n";
            assert_eq!(group_left(own, mount.path()), Some(4000));
            assert_eq!(group_left("5:memory:/\n", mount.path()), None);
        }

        #[test]
        fn a_path_that_leads_out_stays_below_the_mount() {
            let mount = tempfile::tempdir().expect("a folder");
            assert_eq!(group_left("0::/../../etc\nrubbish\n", mount.path()), None);
        }

        #[test]
        fn lines_of_proc_are_read() {
            let text = "MemFree: 1 kB\nMemAvailable:   12 kB\n";
            assert_eq!(kilobytes(text, "MemAvailable:"), Some(12 * 1024));
            assert_eq!(kilobytes(text, "VmHWM:"), None);
        }
    }
}
