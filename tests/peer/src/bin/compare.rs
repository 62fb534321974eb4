//! `compare`: homebody beside llama.cpp on one file, in alternating pairs.

use std::path::PathBuf;

use clap::Parser;
use peer::Result;
use peer::homebody::Run;
use peer::logits::median;
use peer::machine::Bounds;
use peer::pairs::{Case, Figure, Pair, Turns, disturbance};
use serde_json::json;

/// homebody beside llama.cpp on one file.
#[derive(Parser)]
#[command(about)]
struct Cli {
    /// The GGUF file
    file: PathBuf,
    #[command(flatten)]
    turns: Turns,
    /// Runs of a pair: tokens to read, tokens to write, and behind an @ tokens to hold before
    /// writing; 0 written times the reading alone
    #[arg(
        long,
        default_value = "512:64,2048:0,512:64@8192",
        value_delimiter = ','
    )]
    cases: Vec<Case>,
    /// Memory to sweep for the bandwidth, in 10^9 bytes; 0 to measure nothing of the machine
    #[arg(long, default_value_t = 4.0)]
    gigabytes: f64,
    /// All numbers of all runs, as JSON
    #[arg(long)]
    json: bool,
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

/// A figure on a line.
fn line(figure: &Figure) -> String {
    let [ratio, least, most] = figure.ratio();
    format!(
        "{:<26} {:>10.2} {:>10.2}   {ratio:>6.3}  {least:>6.3} .. {most:.3}",
        figure.name,
        median(&figure.homebody),
        median(&figure.llama),
    )
}

fn run(cli: &Cli) -> Result<()> {
    let take = |case: Case| cli.turns.take(&cli.file, case);
    let mut figures = Vec::new();
    let mut elsewhere: Vec<f64> = Vec::new();
    // Starting first: it is short, and it brings the file into the page cache for all others.
    let pairs = take(Case {
        prompt: 1,
        depth: 0,
        written: 1,
    })?;
    figures.push(Figure::new("start, read 1, write 1, s", &pairs, &|r| {
        r.wall
    }));
    figures.push(Figure::new("load as told, s", &pairs, &|r| {
        r.number("load_s")
    }));
    let system = pairs
        .first()
        .and_then(|p| p[1].report["system"].as_str())
        .unwrap_or_default()
        .to_owned();
    for case in &cli.cases {
        let pairs = take(*case)?;
        elsewhere.extend(pairs.iter().map(disturbance));
        figures.extend(of_case(*case, &pairs));
    }
    let bounds = (cli.gigabytes > 0.0).then(|| Bounds::measured(cli.turns.threads, cli.gigabytes));
    if cli.json {
        let report = json!({
            "file": cli.file,
            "threads": cli.turns.threads,
            "system": system,
            "int8_ops": bounds.and_then(|b| b.int8).map(|int8| int8.ops),
            "read_bytes": bounds.map(|b| b.read),
            "busy_elsewhere": elsewhere,
            "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        });
        println!("{report:#}");
        return Ok(());
    }
    println!("file       {}", cli.file.display());
    println!("llama.cpp  {system}");
    println!(
        "threads    {}, pairs {}",
        cli.turns.threads, cli.turns.pairs
    );
    println!(
        "elsewhere  {:.1}% of the machine busy in the median pair, {:.1}% in the worst",
        median(&elsewhere) * 100.0,
        elsewhere.iter().copied().fold(0.0, f64::max) * 100.0
    );
    if let Some(bounds) = bounds {
        println!("bounds     {}", bounds.line());
    }
    println!(
        "{:<26} {:>10} {:>10}   {:>6}  {:>6}",
        "medians", "homebody", "llama.cpp", "ratio", "least .. most"
    );
    for figure in &figures {
        println!("{}", line(figure));
    }
    Ok(())
}

/// The figures that runs of a case give.
fn of_case(case: Case, pairs: &[Pair]) -> Vec<Figure> {
    let mut figures = vec![Figure::new(
        format!("prefill {}, tokens/s", case.prompt),
        pairs,
        &|r| r.number("prefill_tps"),
    )];
    if case.written > 0 {
        figures.push(Figure::new(
            format!("decode after {}, tok/s", case.n_past()),
            pairs,
            &|r| r.number("decode_tps"),
        ));
    }
    for (name, of) in [
        ("peak memory", (|r| r.watched.held.peak) as fn(&Run) -> u64),
        ("anonymous memory", |r| r.watched.held.anonymous),
        ("file memory", |r| r.watched.held.file),
    ] {
        figures.push(Figure::new(format!("  {name}, MB"), pairs, &|r| {
            of(r) as f64 / 1e6
        }));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_medians_and_the_ratio_with_its_ends() {
        let figure = Figure {
            name: "x".to_owned(),
            homebody: vec![2.0, 30.0, 9.0],
            llama: vec![1.0, 10.0, 9.0],
        };
        let line = line(&figure);
        assert!(
            line.contains("9.00       9.00    2.000   1.000 .. 3.000"),
            "{line}"
        );
    }
}
