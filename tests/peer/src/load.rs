//! What else the machine does while a program is timed.

/// Ticks of processor time, as the kernel counts them since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticks {
    /// Spent at work by all processors, time stolen by other machines on the host included.
    pub busy: u64,
    /// Spent at all by all processors.
    pub all: u64,
}

impl Ticks {
    /// From the first line of `/proc/stat`.
    pub fn parse(stat: &str) -> Self {
        let numbers: Vec<u64> = stat
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            // User, nice, system, idle, waiting, two kinds of interrupts, stolen; the guests'
            // time that follows is counted under user already.
            .take(8)
            .collect();
        let all = numbers.iter().sum();
        let idle: u64 = numbers.iter().skip(3).take(2).sum();
        Self {
            busy: all - idle,
            all,
        }
    }

    /// Those of the machine now; none where the kernel does not tell.
    pub fn now() -> Self {
        std::fs::read_to_string("/proc/stat").map_or(Self::default(), |s| Self::parse(&s))
    }

    /// Part of the machine, 0 to 1, that since `before` worked for others than a process that
    /// took `own` ticks.
    pub fn elsewhere(self, before: Self, own: u64) -> f64 {
        let busy = (self.busy - before.busy).saturating_sub(own);
        busy as f64 / (self.all - before.all).max(1) as f64
    }
}

/// Ticks that a process took, from its `/proc/PID/stat`; 0 where it does not say.
pub fn own_ticks(stat: &str) -> u64 {
    // The name in brackets may hold blanks and brackets of its own.
    let after = stat.rsplit_once(')').map_or("", |parts| parts.1);
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|n| n.parse::<u64>().ok()).sum()
}

/// Ticks that this process took so far.
pub fn ticks_of_this() -> u64 {
    std::fs::read_to_string("/proc/self/stat").map_or(0, |s| own_ticks(&s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_took_is_what_is_left() {
        let before = Ticks::parse("cpu  10 1 5 100 4 0 0 0 7 7\ncpu0 1\n");
        assert_eq!((before.busy, before.all), (16, 120));
        let after = Ticks::parse("cpu  60 1 15 130 4 5 5 0 9 9\n");
        assert!((after.elsewhere(before, 60) - 0.1).abs() < 1e-12);
        assert!(after.elsewhere(before, 1000).abs() < 1e-12);
    }

    #[test]
    fn a_process_is_read_past_its_name() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 300 40 0 0 20";
        assert_eq!(own_ticks(stat), 340);
        assert_eq!(own_ticks(""), 0);
    }
}
