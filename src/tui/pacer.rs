//! The pace of drawing. Pure: time comes in as a number of milliseconds.
//!
//! Input of a person is shown at once. Text that streams in is shown at most sixty times a
//! second. While nothing happens nothing is drawn, and nobody wakes up.

/// Least milliseconds between two frames that only a stream asks for.
pub const STREAM_MS: u64 = 16;

/// Milliseconds between frames while something on screen moves by itself (a clock, a
/// spinner), and nothing else happens.
pub const TICK_MS: u64 = 250;

/// Decides when a frame is due.
#[derive(Debug, Clone, Default)]
pub struct Pacer {
    last: Option<u64>,
    wanted: Option<Want>,
    moving: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Want {
    Stream,
    Now,
}

impl Pacer {
    /// Takes in that a person did something or the terminal changed: the next frame is due at
    /// once.
    pub fn input(&mut self) {
        self.wanted = Some(Want::Now);
    }

    /// Takes in that a worker told something: a frame is due when the last one is old enough.
    pub fn stream(&mut self) {
        self.wanted = self.wanted.max(Some(Want::Stream));
    }

    /// Takes in whether something on screen moves by itself.
    pub fn moving(&mut self, moving: bool) {
        self.moving = moving;
    }

    /// Tells whether to draw at `now`.
    pub fn due(&self, now: u64) -> bool {
        self.wait(now) == Some(0)
    }

    /// Returns the milliseconds until a frame is due; none if nothing has to be drawn until
    /// something happens.
    pub fn wait(&self, now: u64) -> Option<u64> {
        // Before the first frame there is none that could be too fresh.
        let since = self.last.map_or(u64::MAX, |last| now.saturating_sub(last));
        let least = match self.wanted {
            Some(Want::Now) => 0,
            Some(Want::Stream) => STREAM_MS,
            None if self.moving => TICK_MS,
            None => return None,
        };
        Some(least.saturating_sub(since))
    }

    /// Takes in that a frame was drawn at `now`.
    pub fn drawn(&mut self, now: u64) {
        self.last = Some(now);
        self.wanted = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_happens_while_idle() {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.wait(5), None);
        pacer.input();
        assert!(pacer.due(5));
        pacer.drawn(5);
        assert_eq!(pacer.wait(1_000_000), None);
    }

    #[test]
    fn streams_wait_and_input_does_not() {
        let mut pacer = Pacer::default();
        pacer.drawn(100);
        pacer.stream();
        assert_eq!(pacer.wait(104), Some(12));
        pacer.input();
        // A later stream event must not push the key's frame back.
        pacer.stream();
        assert!(pacer.due(104));
        pacer.drawn(104);
        assert!(!pacer.due(200));
    }

    #[test]
    fn at_most_sixty_frames_a_second_for_a_stream() {
        let mut pacer = Pacer::default();
        let mut frames = 0;
        for now in 0..1_000 {
            pacer.stream();
            if pacer.due(now) {
                frames += 1;
                pacer.drawn(now);
            }
        }
        assert!((55..=63).contains(&frames), "{frames}");
    }

    #[test]
    fn moving_things_tick_slowly() {
        let mut pacer = Pacer::default();
        pacer.drawn(0);
        pacer.moving(true);
        assert_eq!(pacer.wait(50), Some(TICK_MS - 50));
        pacer.moving(false);
        assert_eq!(pacer.wait(50), None);
    }
}
