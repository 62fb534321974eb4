//! homebody and llama.cpp on one file, in alternating pairs of runs.
//!
//! Everything on a shared machine drifts: the clock of the processor, what else runs, what the
//! caches hold. So the two take turns, the first of a pair being the second of the next, and
//! the ratio is formed within a pair; its median and its ends say what can be claimed.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::Result;
use crate::homebody::{Run, measured};
use crate::logits::median;
use crate::spin::Spinners;

/// What is run, how often, and what counts.
#[derive(Debug, Clone, Args)]
pub struct Turns {
    /// homebody's binary
    #[arg(long, default_value = "../../target/release/homebody")]
    pub homebody: PathBuf,
    /// llama.cpp's; by default the `peer` beside this program
    #[arg(long)]
    pub peer: Option<PathBuf>,
    /// Threads of both
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Pairs of runs
    #[arg(long, default_value_t = 5)]
    pub pairs: usize,
    /// Part of the machine, 0 to 1, that others may take during a run; a pair with more is run
    /// again
    #[arg(long, default_value_t = 0.05)]
    pub disturbed: f64,
    /// How often a pair is run at most; the calmest counts
    #[arg(long, default_value_t = 3)]
    pub tries: usize,
    /// Instructions that homebody is held to (its `HOMEBODY_SIMD`): avx2. Give with it as
    /// `--peer` a llama.cpp that was built for no more
    #[arg(long, value_name = "NAME")]
    pub simd: Option<String>,
    /// A file that is locked during each pair, as `flock FILE` does: who shares the machine
    /// waits for no more than that
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
}

/// One run: tokens to read, to hold before writing, and to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Tokens that are read and timed.
    pub prompt: usize,
    /// Tokens that are held before writing; no more than the prompt for the prompt alone.
    pub depth: usize,
    /// Tokens that are written and timed.
    pub written: usize,
}

impl Case {
    /// Tokens that are held before writing.
    pub fn n_past(self) -> usize {
        self.depth.max(self.prompt)
    }

    fn words(self) -> Vec<String> {
        let named = [
            ("--prompt", self.prompt),
            ("--depth", self.depth),
            ("--gen", self.written),
        ];
        let words = named
            .iter()
            .flat_map(|(n, v)| [n.to_string(), v.to_string()]);
        words.collect()
    }
}

impl std::str::FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is not like 512:64 or 512:64@8192");
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        let (prompt, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (written, depth) = rest.split_once('@').unwrap_or((rest, "0"));
        let case = Self {
            prompt: number(prompt)?,
            depth: number(depth)?,
            written: number(written)?,
        };
        if case.prompt == 0 {
            return Err("at least one token is read".to_owned());
        }
        Ok(case)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.prompt, self.written)?;
        if self.depth > self.prompt {
            write!(f, "@{}", self.depth)?;
        }
        Ok(())
    }
}

/// homebody's run and llama.cpp's.
pub type Pair = [Run; 2];

impl Turns {
    /// Runs a case on `file` in pairs: homebody first in one, llama.cpp first in the next.
    ///
    /// # Errors
    /// When either cannot be run.
    pub fn take(&self, file: &Path, case: Case) -> Result<Vec<Pair>> {
        (0..self.pairs)
            .map(|number| {
                progress(&format!("{case} pair {}", number + 1));
                let pair = self.calm(file, case, number);
                progress("");
                pair
            })
            .collect()
    }

    /// The same, each pair followed by one with a busy thread on every core.
    ///
    /// # Errors
    /// When either cannot be run, or the threads cannot be started.
    pub fn take_disturbed(&self, file: &Path, case: Case) -> Result<(Vec<Pair>, Vec<Pair>)> {
        let both = (0..self.pairs).map(|number| {
            progress(&format!("{case} pair {}", number + 1));
            let calm = self.calm(file, case, number)?;
            let _locked = self.locked()?;
            let spinners = Spinners::start()?;
            progress(&format!("{case} pair {}, every core taken", number + 1));
            let taken = self.pair(file, case, number)?;
            drop(spinners);
            progress("");
            Ok((calm, taken))
        });
        Ok(both.collect::<Result<Vec<_>>>()?.into_iter().unzip())
    }

    /// The lock, held until what this gives is dropped; nothing where none is asked for.
    ///
    /// # Errors
    /// When its file cannot be opened or locked.
    pub fn locked(&self) -> Result<Option<File>> {
        let Some(path) = &self.lock else {
            return Ok(None);
        };
        let file = File::options().create(true).append(true).open(path)?;
        file.lock()?;
        Ok(Some(file))
    }

    /// Pair number so much, run until it is calm.
    fn calm(&self, file: &Path, case: Case, number: usize) -> Result<Pair> {
        calmest(self.tries, self.disturbed, || {
            let _locked = self.locked()?;
            self.pair(file, case, number)
        })
    }

    fn pair(&self, file: &Path, case: Case, number: usize) -> Result<Pair> {
        let llama = match &self.peer {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("peer"),
        };
        let file = file.to_str().ok_or("the path is no UTF-8")?;
        let words = |front: &[&str]| {
            let front = front.iter().map(|&s| s.to_owned());
            let threads = ["--threads".to_owned(), self.threads.to_string()];
            let all = front.chain(case.words()).chain(threads);
            all.chain(["--json".to_owned()]).collect::<Vec<_>>()
        };
        let level = self.simd.iter().map(|s| ("HOMEBODY_SIMD", s.as_str()));
        let level: Vec<_> = level.collect();
        let ours = || {
            let words = words(&["bench", "--quiet", "--model", file]);
            measured(&self.homebody, &words, &level)
        };
        let theirs = || measured(&llama, &words(&["bench", file]), &[]);
        Ok(if number.is_multiple_of(2) {
            let first = ours()?;
            [first, theirs()?]
        } else {
            let first = theirs()?;
            [ours()?, first]
        })
    }
}

/// What goes on, on a line that the next one writes over; for people alone.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{what}\x1b[K");
    }
}

/// Runs a pair until others took no more than `limit` of the machine in either run, at most
/// `tries` times; the pair of least disturbance.
fn calmest(tries: usize, limit: f64, mut once: impl FnMut() -> Result<Pair>) -> Result<Pair> {
    let mut best = once()?;
    for _ in 1..tries {
        if disturbance(&best) <= limit {
            break;
        }
        let pair = once()?;
        if disturbance(&pair) < disturbance(&best) {
            best = pair;
        }
    }
    Ok(best)
}

/// Part of the machine that others took in the worse run of a pair. A run of less than a
/// second is too short for the kernel's ticks to tell, and short enough to be left alone.
pub fn disturbance(pair: &Pair) -> f64 {
    pair.iter()
        .filter(|run| run.wall >= 1.0)
        .map(|run| run.watched.elsewhere)
        .fold(0.0, f64::max)
}

/// One number of both programs, pair by pair.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// homebody's.
    pub homebody: Vec<f64>,
    /// llama.cpp's.
    pub llama: Vec<f64>,
}

impl Figure {
    /// `of` every run.
    pub fn new(name: impl Into<String>, pairs: &[Pair], of: &dyn Fn(&Run) -> f64) -> Self {
        Self {
            name: name.into(),
            homebody: pairs.iter().map(|p| of(&p[0])).collect(),
            llama: pairs.iter().map(|p| of(&p[1])).collect(),
        }
    }

    /// homebody's over llama.cpp's, of each pair.
    pub fn ratios(&self) -> Vec<f64> {
        let pairs = self.homebody.iter().zip(&self.llama);
        pairs.map(|(h, l)| h / l).collect()
    }

    /// The median of the ratios, and the least and the most of them.
    pub fn ratio(&self) -> [f64; 3] {
        let ratios = self.ratios();
        [
            median(&ratios),
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ]
    }

    /// This over another, number by number: what is left of it.
    #[must_use]
    pub fn part_of(&self, whole: &Self, name: impl Into<String>) -> Self {
        let over =
            |part: &[f64], whole: &[f64]| part.iter().zip(whole).map(|(p, w)| p / w).collect();
        Self {
            name: name.into(),
            homebody: over(&self.homebody, &whole.homebody),
            llama: over(&self.llama, &whole.llama),
        }
    }

    /// All of it.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "homebody": self.homebody,
            "llama.cpp": self.llama,
            "ratio_median": median(&self.ratios()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_and_told() {
        let case: Case = "512:64".parse().expect("a case");
        assert_eq!((case.prompt, case.depth, case.written), (512, 0, 64));
        assert_eq!(case.n_past(), 512);
        let case: Case = "512:0@8192".parse().expect("a case");
        assert_eq!((case.prompt, case.depth, case.written), (512, 8192, 0));
        assert_eq!(case.n_past(), 8192);
        assert_eq!(case.to_string(), "512:0@8192");
        assert_eq!(case.words().join(" "), "--prompt 512 --depth 8192 --gen 0");
        for wrong in ["512", "0:1", "a:1", "1:b", "1:1@", "1:1@x"] {
            assert!(wrong.parse::<Case>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ratio_is_formed_within_a_pair() {
        let figure = Figure {
            name: "x".to_owned(),
            homebody: vec![2.0, 30.0, 9.0],
            llama: vec![1.0, 10.0, 9.0],
        };
        assert_eq!(figure.ratios(), [2.0, 3.0, 1.0]);
        assert_eq!(figure.ratio().to_vec(), [2.0, 1.0, 3.0]);
        let whole = Figure {
            name: "y".to_owned(),
            homebody: vec![4.0, 60.0, 90.0],
            llama: vec![1.0, 40.0, 18.0],
        };
        let left = figure.part_of(&whole, "left");
        assert_eq!(left.homebody, [0.5, 0.5, 0.1]);
        assert_eq!(left.llama, [1.0, 0.25, 0.5]);
    }

    /// Both programs as scripts that write their name, what they are given and the variable
    /// into a file.
    fn scripts(folder: &Path, log: &Path) -> Turns {
        let script = |name: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.join(name);
            let text = format!(
                "#!/bin/sh\necho {name} $* $HOMEBODY_SIMD >> {}\necho '{{}}'\n",
                log.display()
            );
            std::fs::write(&path, text).expect("written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&path, mode).expect("made executable");
            path
        };
        Turns {
            homebody: script("ours"),
            peer: Some(script("theirs")),
            threads: 1,
            pairs: 3,
            disturbed: 1.0,
            tries: 1,
            simd: None,
            lock: None,
        }
    }

    #[test]
    fn the_programs_take_turns_in_going_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let turns = scripts(folder.path(), &log);
        let case = "1:2@3".parse().expect("a case");
        let runs = turns.take(Path::new("x.gguf"), case).expect("runs");
        assert_eq!(runs.len(), 3);
        let text = std::fs::read_to_string(log).expect("the log");
        let ours =
            "ours bench --quiet --model x.gguf --prompt 1 --depth 3 --gen 2 --threads 1 --json";
        let theirs = "theirs bench x.gguf --prompt 1 --depth 3 --gen 2 --threads 1 --json";
        let order: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(order, [ours, theirs, theirs, ours, ours, theirs]);
    }

    #[test]
    fn only_homebody_is_held_to_instructions_and_others_wait_for_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let turns = Turns {
            pairs: 1,
            simd: Some("avx2".to_owned()),
            lock: Some(folder.path().join("lock")),
            ..scripts(folder.path(), &log)
        };
        let held = turns.locked().expect("locked").expect("a lock");
        let waiting = std::thread::spawn({
            let turns = turns.clone();
            move || {
                let case = "1:1".parse().expect("a case");
                turns.take_disturbed(Path::new("x"), case).expect("runs");
            }
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!log.exists(), "it did not wait");
        drop(held);
        waiting.join().expect("it went on");
        let text = std::fs::read_to_string(log).expect("the log");
        let level: Vec<_> = text
            .lines()
            .map(|line| (line.starts_with("ours"), line.ends_with("avx2")))
            .collect();
        assert_eq!(
            level,
            [(true, true), (false, false), (true, true), (false, false)]
        );
    }

    #[test]
    fn a_disturbed_pair_is_run_again_and_the_calmest_counts() {
        let run = |elsewhere: f64| {
            let arguments = ["-c".to_owned(), "echo '{}'".to_owned()];
            let mut run = measured(Path::new("sh"), &arguments, &[]).expect("runs");
            run.watched.elsewhere = elsewhere;
            run.wall = 2.0;
            run
        };
        let of = |seen: &[f64], tries: usize| {
            let mut left = seen.iter();
            let pair = calmest(tries, 0.05, || {
                let elsewhere = *left.next().expect("no more tries than given");
                Ok([run(0.01), run(elsewhere)])
            });
            let kept = disturbance(&pair.expect("a pair"));
            (kept, seen.len() - left.len())
        };
        assert_eq!(of(&[0.02, 0.0], 3), (0.02, 1));
        assert_eq!(of(&[0.5, 0.04, 0.0], 3), (0.04, 2));
        assert_eq!(of(&[0.5, 0.3, 0.4, 0.0], 3), (0.3, 3));
    }
}
