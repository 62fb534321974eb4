//! `peer`: llama.cpp's speed, memory, logits and text on a GGUF file, and its distance from
//! exact references.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use peer::llama::{self, Peer, Settings};
use peer::logits::{self, Distance};
use peer::npz::Archive;
use peer::{Result, homebody};
use serde_json::Value;

/// llama.cpp on the files that homebody runs.
#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Computing {
    /// Threads to compute with
    #[arg(long, default_value_t = 2)]
    threads: i32,
    /// Keys and values as float32, no flash attention
    #[arg(long)]
    exact: bool,
    /// Read the weights into memory instead of mapping the file
    #[arg(long)]
    no_mmap: bool,
    /// Tokens computed at once
    #[arg(long, default_value_t = 512)]
    ubatch: u32,
}

impl Computing {
    fn settings(&self) -> Settings {
        Settings {
            threads: self.threads,
            ubatch: self.ubatch,
            exact: self.exact,
            mapped: !self.no_mmap,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Speed and memory
    Bench {
        /// The GGUF file
        file: PathBuf,
        /// Tokens to read and time
        #[arg(long, default_value_t = 512)]
        prompt: usize,
        /// Tokens to write and time
        #[arg(long, default_value_t = 64)]
        r#gen: usize,
        /// Tokens in the context before writing begins; at least the prompt
        #[arg(long, default_value_t = 0)]
        depth: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        computing: Computing,
    },
    /// The logits of some tokens, as float32, a row of the vocabulary a token
    Logits {
        /// The GGUF file
        file: PathBuf,
        /// A file of token ids, separated by blanks
        #[arg(long)]
        tokens: PathBuf,
        /// Where to write
        #[arg(long)]
        out: PathBuf,
        /// Tokens to a step, at most 512
        #[arg(long, default_value_t = 512)]
        step: usize,
        #[command(flatten)]
        computing: Computing,
    },
    /// Greedy text after a raw prompt, as JSON
    Generate {
        /// The GGUF file
        file: PathBuf,
        /// A file with the prompt
        #[arg(long)]
        prompt: PathBuf,
        /// Most tokens to write
        #[arg(long, default_value_t = 64)]
        max: usize,
        #[command(flatten)]
        computing: Computing,
    },
    /// The distance of two files of logits
    Kl {
        /// The logits to measure against
        reference: PathBuf,
        /// The logits to measure
        other: PathBuf,
        /// Entries of the vocabulary: the length of a row
        #[arg(long)]
        vocabulary: usize,
    },
    /// A copy of a model with its weights as float32
    Float {
        /// The GGUF file
        file: PathBuf,
        /// Where to write
        out: PathBuf,
        /// Threads to convert with
        #[arg(long, default_value_t = 2)]
        threads: i32,
    },
    /// The distance from the references in the folder that HOMEBODY_FIXTURES names
    Fixtures {
        /// Only models whose name contains this
        #[arg(long, default_value = "")]
        only: String,
        /// homebody's binary, to measure it too
        #[arg(long)]
        homebody: Option<PathBuf>,
        /// Threads to compute with
        #[arg(long, default_value_t = 2)]
        threads: i32,
    },
    /// The distance over prompts with ids from the model in float32
    Prompts {
        /// The GGUF file
        file: PathBuf,
        /// The same model as `float` writes it
        #[arg(long)]
        float: PathBuf,
        /// Lines of JSON with `prompt_ids`
        #[arg(long)]
        prompts: PathBuf,
        /// homebody's binary, to measure it too
        #[arg(long)]
        homebody: Option<PathBuf>,
        #[command(flatten)]
        computing: Computing,
    },
}

fn main() -> std::process::ExitCode {
    let begun = Instant::now();
    match run(Cli::parse().command, begun) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peer: {failure}");
            std::process::ExitCode::from(2)
        }
    }
}

fn run(command: Command, begun: Instant) -> Result<()> {
    match command {
        Command::Bench {
            file,
            prompt,
            r#gen,
            depth,
            json,
            computing,
        } => {
            if prompt == 0 {
                return Err("a prompt has at least one token".into());
            }
            let settings = computing.settings();
            let peer = Peer::load(&file, settings)?;
            let report = peer.bench(begun, [prompt, r#gen, depth], settings)?;
            if json {
                println!("{report:#}");
            } else {
                print_flat("", &report);
            }
        }
        Command::Logits {
            file,
            tokens,
            out,
            step,
            computing,
        } => {
            let ids = logits::ids(&std::fs::read_to_string(tokens)?)?;
            let settings = computing.settings();
            let rows = Peer::load(&file, settings)?.logits(&ids, step, settings)?;
            logits::write(&out, &rows)?;
        }
        Command::Generate {
            file,
            prompt,
            max,
            computing,
        } => {
            let settings = computing.settings();
            let prompt = std::fs::read_to_string(prompt)?;
            let written = Peer::load(&file, settings)?.generate(&prompt, max, settings)?;
            println!("{written}");
        }
        Command::Kl {
            reference,
            other,
            vocabulary,
        } => {
            let (reference, other) = (logits::read(&reference)?, logits::read(&other)?);
            let distance = Distance::between(&reference, &other, vocabulary)?;
            println!("{}", distance.line());
        }
        Command::Float { file, out, threads } => llama::to_float(&file, &out, threads)?,
        Command::Fixtures {
            only,
            homebody,
            threads,
        } => fixtures(&only, homebody.as_deref(), threads)?,
        Command::Prompts {
            file,
            float,
            prompts,
            homebody,
            computing,
        } => {
            let text = std::fs::read_to_string(prompts)?;
            over_prompts(
                [&file, &float],
                &text,
                homebody.as_deref(),
                computing.settings(),
            )?;
        }
    }
    Ok(())
}

/// A report as lines of a name and a value.
fn print_flat(prefix: &str, value: &Value) {
    let Some(object) = value.as_object() else {
        return println!("{prefix:<24} {value}");
    };
    for (key, value) in object {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        print_flat(&name, value);
    }
}

/// Holds llama.cpp, and homebody if given, against every reference of the fixtures: all rows
/// of the sequence of 130 tokens, and the last row of the others.
fn fixtures(only: &str, homebody: Option<&Path>, threads: i32) -> Result<()> {
    let folder = std::env::var_os("HOMEBODY_FIXTURES")
        .map(PathBuf::from)
        .ok_or("HOMEBODY_FIXTURES names no folder of fixtures")?;
    let mut names: Vec<String> = std::fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".ref.npz")?.to_owned()))
        .filter(|name| name.contains(only) && folder.join(format!("{name}.gguf")).exists())
        .collect();
    names.sort();
    let settings = Settings {
        threads,
        ubatch: 512,
        exact: true,
        mapped: true,
    };
    for name in names {
        let model = folder.join(format!("{name}.gguf"));
        let archive = Archive::open(&folder.join(format!("{name}.ref.npz")))?;
        println!("{name}");
        if let Ok(recorded) = archive.floats("llamacpp_kl_130") {
            let mean = recorded.iter().map(|&k| f64::from(k)).sum::<f64>() / recorded.len() as f64;
            let most = recorded.iter().copied().fold(0.0, f32::max);
            println!("  recorded llama.cpp  mean KL {mean:.3e}  max KL {most:.3e}  (130 tokens)");
        }
        let peer = Peer::load(&model, settings)?;
        let width = peer.vocabulary();
        against(&archive, width, "llama.cpp", &|ids| {
            peer.logits(ids, 512, settings)
        })?;
        // llama.cpp can be set up once at a time.
        drop(peer);
        if let Some(binary) = homebody {
            // A model that homebody does not run yet is no reason to leave out the others.
            let done = against(&archive, width, "homebody", &|ids| {
                homebody::its_logits(binary, &model, ids, threads)
            });
            if let Err(failure) = done {
                println!("  homebody            {failure}");
            }
        }
    }
    Ok(())
}

/// Prints how far what `engine` answers is from the references in `archive`.
fn against(
    archive: &Archive,
    width: usize,
    who: &str,
    engine: &dyn Fn(&[i32]) -> Result<Vec<f32>>,
) -> Result<()> {
    let whole = engine(archive.ints("tokens_130")?)?;
    let reference = archive.floats("logits_130")?;
    let mut distance = Distance::between(reference, &whole, width)?;
    println!("  {who} on 130 tokens  {}", distance.line());
    for n in [1, 7, 64, 65, 300] {
        let rows = engine(archive.ints(&format!("tokens_{n}"))?)?;
        let last = rows.len().saturating_sub(width);
        distance.add(
            archive.floats(&format!("last_{n}"))?,
            rows.get(last..).unwrap_or(&[]),
            width,
        )?;
    }
    println!("  {who} on all         {}", distance.line());
    Ok(())
}

/// Holds llama.cpp, and homebody if given, against llama.cpp on the same model in float32.
fn over_prompts(
    [file, float]: [&Path; 2],
    prompts: &str,
    homebody: Option<&Path>,
    settings: Settings,
) -> Result<()> {
    let mut sequences: Vec<Vec<i32>> = Vec::new();
    for line in prompts.lines().filter(|l| !l.trim().is_empty()) {
        let line: Value = serde_json::from_str(line)?;
        let ids = line["prompt_ids"].as_array().ok_or("no prompt_ids")?;
        let ids: Option<Vec<i32>> = ids.iter().map(|id| Some(id.as_i64()? as i32)).collect();
        sequences.push(ids.ok_or("an id is no number")?);
    }
    let exact = Settings {
        exact: true,
        ..settings
    };
    let reference = Peer::load(float, exact)?;
    let width = reference.vocabulary();
    let references = sequences
        .iter()
        .map(|ids| reference.logits(ids, 512, exact))
        .collect::<Result<Vec<_>>>()?;
    drop(reference);
    let each = |who: &str, engine: &dyn Fn(&[i32]) -> Result<Vec<f32>>| -> Result<()> {
        let mut all = Distance::default();
        for (i, (ids, reference)) in sequences.iter().zip(&references).enumerate() {
            let rows = engine(ids)?;
            let one = Distance::between(reference, &rows, width)?;
            println!("{who} prompt {i}: {}", one.line());
            all.add(reference, &rows, width)?;
        }
        println!("{who} all: {}", all.line());
        Ok(())
    };
    let peer = Peer::load(file, settings)?;
    each("llama.cpp", &|ids| peer.logits(ids, 512, settings))?;
    drop(peer);
    if let Some(binary) = homebody {
        each("homebody", &|ids| {
            homebody::its_logits(binary, file, ids, settings.threads)
        })?;
    }
    Ok(())
}
