//! The progress of a long piece of work, reported about ten times a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Time between two reports.
const BEAT: Duration = Duration::from_millis(100);

/// The time over which the rate is taken.
const WINDOW: Duration = Duration::from_secs(4);

/// The progress of a download.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The work that is being done, for people: `connecting`, `downloading`, `checking`,
    /// `unpacking`.
    pub stage: String,
    /// Bytes that are done.
    pub done: u64,
    /// Bytes in all; 0 while that is not known.
    pub total: u64,
    /// Bytes a second over the last seconds.
    pub rate: f64,
    /// Bytes that were here before (a resumed download).
    pub resumed: u64,
}

impl Progress {
    /// The part that is done, from 0 to 1, where the whole is known.
    pub fn fraction(&self) -> Option<f64> {
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }
}

/// Keeps the time and tells the listener.
pub(super) struct Meter<'a> {
    listener: &'a mut dyn FnMut(&Progress),
    stage: &'static str,
    done: u64,
    total: u64,
    resumed: u64,
    /// Bytes of the files before this one, to which the counts that are told are added.
    before: u64,
    /// Reports of the last [`WINDOW`]: when, and bytes done then.
    marks: VecDeque<(Instant, u64)>,
    /// Time of the last report.
    said: Option<Instant>,
}

impl<'a> Meter<'a> {
    /// Makes a meter that has reported nothing yet.
    pub(super) fn new(listener: &'a mut dyn FnMut(&Progress)) -> Self {
        Self {
            listener,
            stage: "",
            done: 0,
            total: 0,
            resumed: 0,
            before: 0,
            marks: VecDeque::new(),
            said: None,
        }
    }

    /// Goes on to another piece of work, and reports it at once.
    pub(super) fn stage(&mut self, stage: &'static str, done: u64, total: u64) {
        self.stage = stage;
        self.done = done;
        self.total = total;
        self.resumed = 0;
        self.before = 0;
        self.marks.clear();
        self.say(Instant::now());
    }

    /// Names the work otherwise and goes on counting.
    pub(super) fn phase(&mut self, stage: &'static str) {
        self.stage = stage;
    }

    /// Notes the bytes that were here before this run.
    pub(super) fn resumed(&mut self, bytes: u64) {
        self.resumed = bytes;
    }

    /// Begins another file, with `before` bytes done in those before it.
    pub(super) fn from(&mut self, before: u64) {
        self.before = before;
    }

    /// Notes the bytes done since the last [`Meter::from`]; reports them if it is time.
    pub(super) fn at(&mut self, done: u64) {
        self.done = self.before + done;
        self.beat();
    }

    /// Reports again if it is time, with nothing new but the rate.
    pub(super) fn beat(&mut self) {
        let now = Instant::now();
        if self
            .said
            .is_none_or(|said| now.duration_since(said) >= BEAT)
        {
            self.say(now);
        }
    }

    /// Reports now, whenever the last report was: the end of a stage is always seen.
    pub(super) fn settle(&mut self) {
        self.say(Instant::now());
    }

    fn say(&mut self, now: Instant) {
        self.said = Some(now);
        while self.marks.len() > 1
            && self
                .marks
                .front()
                .is_some_and(|(then, _)| now.duration_since(*then) > WINDOW)
        {
            self.marks.pop_front();
        }
        // The first report of a stage has none before it to take a rate from.
        let rate = self.marks.front().map_or(0.0, |(then, before)| {
            let seconds = now.duration_since(*then).as_secs_f64();
            if seconds > 0.0 {
                self.done.saturating_sub(*before) as f64 / seconds
            } else {
                0.0
            }
        });
        self.marks.push_back((now, self.done));
        (self.listener)(&Progress {
            stage: self.stage.to_owned(),
            done: self.done,
            total: self.total,
            rate,
            resumed: self.resumed,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_rationed_but_the_end_is_seen() {
        let mut seen = Vec::new();
        let mut listener = |p: &Progress| seen.push(p.clone());
        let mut meter = Meter::new(&mut listener);
        meter.stage("downloading", 0, 1000);
        for done in 1..=1000 {
            meter.at(done);
        }
        meter.settle();
        assert!(seen.len() < 100, "{}", seen.len());
        assert_eq!(seen.first().map(|p| p.done), Some(0));
        assert_eq!(seen.last().and_then(Progress::fraction), Some(1.0));
    }

    #[test]
    fn the_rate_leaves_out_what_was_here_before() {
        let mut seen = Vec::new();
        let mut listener = |p: &Progress| seen.push(p.clone());
        let mut meter = Meter::new(&mut listener);
        meter.stage("downloading", 1_000_000, 2_000_000);
        meter.resumed(1_000_000);
        let begun = meter.said.expect("a stage is said at once");
        meter.done = 1_000_100;
        meter.say(begun + Duration::from_millis(125));
        assert_eq!(seen.last().map(|said| said.rate), Some(800.0));
    }
}
