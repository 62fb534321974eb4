//! `table`: all that is claimed of homebody beside llama.cpp, measured at one go.
//!
//! Rows are printed as they come, so a run that is broken off has not been for nothing.

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;
use peer::Result;
use peer::machine::Bounds;
use peer::pairs::{Turns, disturbance};
use peer::rows::{Line, Row, all};
use serde_json::json;

/// homebody beside llama.cpp on all models, as a table in Markdown.
#[derive(Parser)]
#[command(about)]
struct Cli {
    /// The folder of the models, each SHAPE.FORMAT.gguf; those that are missing are made there
    /// with random weights. `starter.gguf` is a real one, and left out where it is missing
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "list",
        default_value = ".",
        hide_default_value = true
    )]
    models: PathBuf,
    /// Only rows whose name contains this
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<String>,
    /// Print the names of the rows
    #[arg(long)]
    list: bool,
    /// Memory to sweep for the bandwidth, in 10^9 bytes
    #[arg(long, default_value_t = 1.0)]
    gigabytes: f64,
    /// All numbers of all runs, a line of JSON for each row
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    turns: Turns,
}

fn main() -> std::process::ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("table: {failure}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Whether every row came out.
fn run(cli: &Cli) -> Result<bool> {
    let rows: Vec<Row> = all()
        .into_iter()
        .filter(|row| row.is_asked_for(&cli.only))
        .collect();
    if rows.is_empty() {
        return Err("no row has such a name; --list tells them".into());
    }
    if cli.list {
        for row in rows {
            println!("{}", row.name());
        }
        return Ok(true);
    }
    // The best so far: no rate is held against a bound that was measured in a bad moment.
    let best = Cell::new(None::<Bounds>);
    let bounds = || -> Result<Bounds> {
        let _locked = cli.turns.locked()?;
        let now = Bounds::measured(cli.turns.threads, cli.gigabytes);
        let now = best.get().map_or(now, |best| best.best(now));
        best.set(Some(now));
        Ok(now)
    };
    let first = bounds()?;
    if !cli.json {
        let (threads, pairs) = (cli.turns.threads, cli.turns.pairs);
        println!(
            "{threads} threads, medians of {pairs} pairs; {}\n",
            first.line()
        );
        println!("{}", Line::HEAD);
    }
    let mut told = None;
    let mut whole = true;
    for row in rows {
        let mut measure = || -> Result<()> {
            let file = {
                let _locked = cli.turns.locked()?;
                let file = row.model.file(&cli.models, &cli.turns.homebody)?;
                warm(&file)?;
                file
            };
            let (lines, pairs) = row.lines(&cli.turns, &file, &bounds)?;
            let elsewhere = pairs.iter().map(disturbance).fold(0.0, f64::max);
            for line in lines {
                if cli.json {
                    let mut value = line.figure.json();
                    value["row"] = json!(row.name());
                    value["share_of_bound"] = json!(line.share.map(|share| share.0));
                    value["busy_elsewhere"] = json!(elsewhere);
                    println!("{value}");
                } else {
                    println!("{}", line.markdown());
                }
            }
            if elsewhere > cli.turns.disturbed {
                eprintln!(
                    "{}: others took {:.0}% of the machine",
                    row.name(),
                    elsewhere * 100.0
                );
            }
            told = told.take().or_else(|| {
                let [ours, theirs] = pairs.first()?;
                let text = |v: &serde_json::Value| v.as_str().unwrap_or("?").to_owned();
                Some((text(&ours.report["simd"]), text(&theirs.report["system"])))
            });
            std::io::stdout().flush()?;
            Ok(())
        };
        if let Err(failure) = measure() {
            eprintln!("{}: {failure}", row.name());
            whole = false;
        }
    }
    let last = bounds()?;
    if !cli.json {
        println!("\nat the end: {}", last.line());
        if let Some((simd, system)) = told {
            println!("homebody computed with {simd}; llama.cpp: {system}");
        }
    }
    Ok(whole)
}

/// Brings a file into memory.
fn warm(file: &Path) -> Result<()> {
    let mut file = std::fs::File::open(file)?;
    std::io::copy(&mut file, &mut std::io::sink())?;
    Ok(())
}
