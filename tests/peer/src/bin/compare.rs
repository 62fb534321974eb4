//! `compare`: homebody beside llama.cpp on one file, in alternating pairs.
//!
//! Everything on a shared machine drifts: the clock of the processor, what else runs, what the
//! caches hold. So the two take turns, the first of a pair being the second of the next, and
//! the ratio is formed within a pair; its median and its ends say what can be claimed.

use std::path::{Path, PathBuf};

use clap::Parser;
use peer::homebody::{Run, measured};
use peer::logits::median;
use peer::{Result, machine};
use serde_json::{Value, json};

/// homebody beside llama.cpp on one file.
#[derive(Parser)]
#[command(about)]
struct Cli {
    /// The GGUF file
    file: PathBuf,
    /// homebody's binary
    #[arg(long, default_value = "../../target/release/homebody")]
    homebody: PathBuf,
    /// llama.cpp's; by default the `peer` beside this program
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Threads of both
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Pairs of runs
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Runs of a pair: tokens to read, and tokens to write after them; 1 times the reading alone
    #[arg(long, default_value = "512:64,2048:1,8192:64", value_delimiter = ',')]
    cases: Vec<Case>,
    /// Part of the machine, 0 to 1, that others may take during a run; a pair with more is run
    /// again
    #[arg(long, default_value_t = 0.05)]
    disturbed: f64,
    /// How often a pair is run at most; the calmest counts
    #[arg(long, default_value_t = 3)]
    tries: usize,
    /// Memory to sweep for the bandwidth, in 10^9 bytes; 0 to measure nothing of the machine
    #[arg(long, default_value_t = 4.0)]
    gigabytes: f64,
    /// All numbers of all runs, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Case {
    prompt: usize,
    written: usize,
}

impl std::str::FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is not like 512:64");
        let (prompt, written) = text.split_once(':').ok_or_else(wrong)?;
        let case = Self {
            prompt: prompt.parse().map_err(|_| wrong())?,
            written: written.parse().map_err(|_| wrong())?,
        };
        if case.prompt == 0 || case.written == 0 {
            return Err("at least one token is read and one written".to_owned());
        }
        Ok(case)
    }
}

fn main() -> std::process::ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("compare: {failure}");
            std::process::ExitCode::from(2)
        }
    }
}

/// One number of both programs, pair by pair.
struct Figure {
    name: String,
    homebody: Vec<f64>,
    llama: Vec<f64>,
}

impl Figure {
    fn new(name: String, pairs: &[[Run; 2]], of: &dyn Fn(&Run) -> f64) -> Self {
        Self {
            name,
            homebody: pairs.iter().map(|p| of(&p[0])).collect(),
            llama: pairs.iter().map(|p| of(&p[1])).collect(),
        }
    }

    /// homebody's over llama.cpp's, of each pair.
    fn ratios(&self) -> Vec<f64> {
        let pairs = self.homebody.iter().zip(&self.llama);
        pairs.map(|(h, l)| h / l).collect()
    }

    fn line(&self) -> String {
        let ratios = self.ratios();
        format!(
            "{:<26} {:>10.2} {:>10.2}   {:>6.3}  {:>6.3} .. {:.3}",
            self.name,
            median(&self.homebody),
            median(&self.llama),
            median(&ratios),
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "homebody": self.homebody,
            "llama.cpp": self.llama,
            "ratio_median": median(&self.ratios()),
        })
    }
}

fn run(cli: &Cli) -> Result<()> {
    let llama = match &cli.peer {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("peer"),
    };
    let mut figures = Vec::new();
    let mut elsewhere: Vec<f64> = Vec::new();
    // Starting first: it is short, and it brings the file into the page cache for all others.
    let start = Case {
        prompt: 1,
        written: 1,
    };
    let pairs = take_turns(cli, &llama, start)?;
    figures.push(Figure::new(
        "start, read 1, write 1, s".to_owned(),
        &pairs,
        &|r| r.wall,
    ));
    figures.push(Figure::new("load as told, s".to_owned(), &pairs, &|r| {
        r.number("load_s")
    }));
    let system = pairs
        .first()
        .and_then(|p| p[1].report["system"].as_str())
        .unwrap_or_default()
        .to_owned();
    for case in &cli.cases {
        let Case { prompt, written } = *case;
        let pairs = take_turns(cli, &llama, *case)?;
        elsewhere.extend(pairs.iter().flatten().map(|r| r.watched.elsewhere));
        figures.push(Figure::new(
            format!("prefill {prompt}, tokens/s"),
            &pairs,
            &|r| r.number("prefill_tps"),
        ));
        // One token is written where only reading is of interest: homebody asks for that.
        if written > 1 {
            figures.push(Figure::new(
                format!("decode after {prompt}, tok/s"),
                &pairs,
                &|r| r.number("decode_tps"),
            ));
        }
        for (name, of) in [
            ("peak memory", (|r| r.watched.held.peak) as fn(&Run) -> u64),
            ("anonymous memory", |r| r.watched.held.anonymous),
            ("file memory", |r| r.watched.held.file),
        ] {
            figures.push(Figure::new(format!("  {name}, MB"), &pairs, &|r| {
                of(r) as f64 / 1e6
            }));
        }
    }
    let (int8, read) = if cli.gigabytes > 0.0 {
        (
            machine::int8_peak(cli.threads),
            Some(machine::read_bandwidth(cli.threads, cli.gigabytes)),
        )
    } else {
        (None, None)
    };
    if cli.json {
        let report = json!({
            "file": cli.file,
            "threads": cli.threads,
            "system": system,
            "int8_ops": int8,
            "read_bytes": read,
            "busy_elsewhere": elsewhere,
            "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        });
        println!("{report:#}");
        return Ok(());
    }
    println!("file       {}", cli.file.display());
    println!("llama.cpp  {system}");
    println!("threads    {}, pairs {}", cli.threads, cli.pairs);
    println!(
        "elsewhere  {:.1}% of the machine busy in the median run, {:.1}% in the worst",
        median(&elsewhere) * 100.0,
        elsewhere.iter().copied().fold(0.0, f64::max) * 100.0
    );
    if let Some(ops) = int8 {
        println!("int8 peak  {:.1} GOPS", ops / 1e9);
    }
    if let Some(bytes) = read {
        println!("read       {:.2} GB/s", bytes / 1e9);
    }
    println!(
        "{:<26} {:>10} {:>10}   {:>6}  {:>6}",
        "medians", "homebody", "llama.cpp", "ratio", "least .. most"
    );
    for figure in &figures {
        println!("{}", figure.line());
    }
    Ok(())
}

/// Runs a case in pairs: homebody first in one, llama.cpp first in the next.
fn take_turns(cli: &Cli, llama: &Path, case: Case) -> Result<Vec<[Run; 2]>> {
    let file = cli.file.to_str().ok_or("the path is no UTF-8")?;
    let figures = [
        "--prompt",
        &case.prompt.to_string(),
        "--gen",
        &case.written.to_string(),
        "--threads",
        &cli.threads.to_string(),
        "--json",
    ]
    .map(ToOwned::to_owned);
    let with = |front: &[&str]| {
        let front = front.iter().map(|&s| s.to_owned());
        front.chain(figures.clone()).collect::<Vec<_>>()
    };
    let ours = with(&["bench", "--quiet", "--model", file]);
    let theirs = with(&["bench", file]);
    (0..cli.pairs)
        .map(|pair| {
            let once = || {
                eprint!("\r{}:{} pair {} ", case.prompt, case.written, pair + 1);
                Ok(if pair % 2 == 0 {
                    let first = measured(&cli.homebody, &ours)?;
                    [first, measured(llama, &theirs)?]
                } else {
                    let first = measured(llama, &theirs)?;
                    [measured(&cli.homebody, &ours)?, first]
                })
            };
            calmest(cli.tries, cli.disturbed, once)
        })
        .collect()
}

/// Runs a pair until others took no more than `limit` of the machine in either run, at most
/// `tries` times; the pair of least disturbance.
fn calmest(
    tries: usize,
    limit: f64,
    mut once: impl FnMut() -> Result<[Run; 2]>,
) -> Result<[Run; 2]> {
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
fn disturbance(pair: &[Run; 2]) -> f64 {
    pair.iter()
        .filter(|run| run.wall >= 1.0)
        .map(|run| run.watched.elsewhere)
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read() {
        let case: Case = "512:64".parse().expect("a case");
        assert_eq!((case.prompt, case.written), (512, 64));
        for wrong in ["512", "0:1", "1:0", "a:1", "1:b"] {
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
        let line = figure.line();
        assert!(
            line.contains("9.00       9.00    2.000   1.000 .. 3.000"),
            "{line}"
        );
    }

    #[test]
    fn the_programs_take_turns_in_going_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let script = |name: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.path().join(name);
            let text = format!("#!/bin/sh\necho {name} >> {}\necho '{{}}'\n", log.display());
            std::fs::write(&path, text).expect("written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&path, mode).expect("made executable");
            path
        };
        let cli = Cli {
            file: "x.gguf".into(),
            homebody: script("ours"),
            peer: None,
            threads: 1,
            pairs: 3,
            cases: Vec::new(),
            disturbed: 1.0,
            tries: 1,
            gigabytes: 0.0,
            json: false,
        };
        let case = "1:1".parse().expect("a case");
        let runs = take_turns(&cli, &script("theirs"), case).expect("runs");
        assert_eq!(runs.len(), 3);
        let order = std::fs::read_to_string(log).expect("the log");
        assert_eq!(order, "ours\ntheirs\ntheirs\nours\nours\ntheirs\n");
    }
    #[test]
    fn a_disturbed_pair_is_run_again_and_the_calmest_counts() {
        let run = |elsewhere: f64| {
            let arguments = ["-c".to_owned(), "echo '{}'".to_owned()];
            let mut run = measured(Path::new("sh"), &arguments).expect("runs");
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
