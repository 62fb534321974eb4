//! What a process holds, as the kernel counts it in `/proc/PID/status`.

use std::process::{Child, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};

use crate::load::{Ticks, own_ticks};

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Most resident memory so far, files included (`VmHWM`).
    pub peak: u64,
    /// Resident memory that no file backs (`RssAnon`): what would have to be swapped.
    pub anonymous: u64,
    /// Resident memory that a file backs (`RssFile`): what the kernel can drop and read again.
    pub file: u64,
}

impl Held {
    /// What a status file says; numbers it lacks are 0.
    pub fn parse(status: &str) -> Self {
        let bytes = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .map_or(0, |kib| kib * 1024)
        };
        Self {
            peak: bytes("VmHWM"),
            anonymous: bytes("RssAnon"),
            file: bytes("RssFile"),
        }
    }

    /// What this process holds now.
    pub fn own() -> Self {
        std::fs::read_to_string("/proc/self/status").map_or(Self::default(), |s| Self::parse(&s))
    }

    /// The larger of each number: `peak` of two moments is the peak of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            peak: self.peak.max(other.peak),
            anonymous: self.anonymous.max(other.anonymous),
            file: self.file.max(other.file),
        }
    }

    /// In megabytes (10^6 bytes), under the kernel's names.
    pub fn json(self) -> Value {
        let mb = |bytes: u64| (bytes as f64 / 1e5).round() / 10.0;
        json!({
            "vm_hwm_mb": mb(self.peak),
            "rss_anon_mb": mb(self.anonymous),
            "rss_file_mb": mb(self.file),
        })
    }
}

/// What was seen of a child from its start to its end.
#[derive(Debug)]
pub struct Watched {
    /// The most it held of each kind of memory.
    pub held: Held,
    /// Part of the machine, 0 to 1, that worked for others meanwhile.
    pub elsewhere: f64,
    /// How it ended.
    pub ended: ExitStatus,
}

/// Watches a child until it ends, from outside and at every 20 ms, so that two programs
/// are held to the same measure whatever they say of themselves.
///
/// # Errors
/// When the child cannot be waited for.
pub fn watch(child: &mut Child) -> std::io::Result<Watched> {
    let folder = format!("/proc/{}", child.id());
    let before = Ticks::now();
    let mut held = Held::default();
    let mut own = 0;
    loop {
        if let Ok(status) = std::fs::read_to_string(format!("{folder}/status")) {
            held = held.max(Held::parse(&status));
        }
        if let Ok(stat) = std::fs::read_to_string(format!("{folder}/stat")) {
            own = own_ticks(&stat).max(own);
        }
        if let Some(ended) = child.try_wait()? {
            return Ok(Watched {
                held,
                elsewhere: Ticks::now().elsewhere(before, own),
                ended,
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read_in_bytes() {
        let held = Held::parse("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 9 kB\nRssAnon:\t 3 kB\n");
        assert_eq!(held.peak, 2 << 20);
        assert_eq!((held.anonymous, held.file), (3072, 0));
    }

    #[test]
    fn a_child_is_watched_to_its_end() {
        let mut child = std::process::Command::new("sleep")
            .arg("0.2")
            .spawn()
            .expect("sleep runs");
        let watched = watch(&mut child).expect("watched");
        assert!(watched.ended.success());
        assert!(watched.held.peak > 100_000, "{watched:?}");
        assert!((0.0..=1.0).contains(&watched.elsewhere), "{watched:?}");
    }
}
