//! Model files that are damaged or made to harm: nothing may panic, hang, or take far more
//! memory than the file justifies.
//!
//! Small valid files are changed at random, byte by byte and in what they say, and then taken
//! through all that a model's file goes through. The cases run in a child process with a
//! limited address space and under a watch, so that an allocation without bounds and an
//! endless loop are found too. `HOMEBODY_FUZZ_SECONDS` makes it run long,
//! `HOMEBODY_FUZZ_SEED` begins elsewhere, `HOMEBODY_FUZZ_FILE` runs one file.

mod bend;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use candle_core::Device;

use self::bend::make;
use super::inspect;
use crate::base::Cancel;
use crate::model::chat::{ChatMessage, ChatRole, ChatTemplate};
use crate::model::gguf::Header;
use crate::model::network;
use crate::model::synthetic::{self, Quantization, SHAPES};
use crate::model::tokenizer::{Encoding, Tokenizer};

/// Address space of the child, in KiB.
const SPACE: u64 = 2_000_000;
/// Memory that one case may add beyond what the process had, in KiB.
const GROWTH: u64 = 200_000;
/// Seconds that one case may take.
const SECONDS: u64 = 20;
/// What tells a process that it is the child.
const CHILD: &str = "HOMEBODY_FUZZ_CHILD";

/// Everything that a model's file goes through. Says how far it came.
fn take(file: &Path) -> &'static str {
    let _ = inspect(file);
    let Ok(header) = Header::read(file) else {
        return "refused";
    };
    let tokenizer = Tokenizer::from_header(&header);
    let template = ChatTemplate::from_header(&header);
    if let Ok(tokenizer) = &tokenizer {
        let ids = tokenizer.encode("a <|im_start|> word\n", Encoding::TEMPLATE);
        let _ = tokenizer.decode(&ids);
        if let Ok(template) = &template {
            let messages = [ChatRole::System, ChatRole::User].map(|role| ChatMessage {
                role,
                content: "words".to_owned(),
            });
            let _ = template.encode(tokenizer, &messages, true, &|_| None);
        }
    }
    let loaded = network::load(
        file,
        &header,
        64,
        &Device::Cpu,
        &Cancel::never(),
        &mut |_| {},
    );
    match loaded {
        Err(_) => "read",
        Ok(mut network) => match network.read(&[1, 2], network::Wanted::Last, &Cancel::never()) {
            Err(_) => "loaded",
            Ok(_) => "ran",
        },
    }
}

/// The valid files to begin with.
fn seeds(dir: &Path) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models");
    let mut files: Vec<PathBuf> = ["llama", "qwen2", "qwen3"]
        .iter()
        .map(|name| fixtures.join(format!("{name}-tiny.F32.gguf")))
        .collect();
    for (i, shape) in SHAPES.iter().filter(|shape| shape.is_tiny()).enumerate() {
        for quantization in [["F32", "Q8_0", "Q4_0"][i % 3], ["Q4_K_M", "IQ4_XS"][i % 2]] {
            let file = dir.join(format!("{}-{quantization}.gguf", shape.name));
            let quantization = Quantization::named(quantization).expect("known");
            synthetic::write(
                shape,
                quantization,
                None,
                &file,
                &Cancel::never(),
                &mut |_, _| {},
            )
            .expect("written");
            files.push(file);
        }
    }
    files
}

/// A figure of this process in KiB, by its name in `/proc/self/status`.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// The child: runs cases until the time is over or one fails.
fn child(order: &str) {
    let mut words = order.split(' ');
    let dir = PathBuf::from(words.next().expect("a folder"));
    let mut number = || words.next().and_then(|w| w.parse().ok()).expect("a number");
    let (seconds, first, most): (u64, u64, u64) = (number(), number(), number());
    if let Ok(file) = std::env::var("HOMEBODY_FUZZ_FILE") {
        println!("{}", take(Path::new(&file)));
        return;
    }
    let seeds: Vec<(PathBuf, Vec<u8>, usize)> = seeds(&dir)
        .into_iter()
        .map(|file| {
            let header = Header::read(&file).expect("a seed");
            if network::check(&header).is_ok() {
                assert_eq!(take(&file), "ran", "{}", file.display());
            }
            let start = header.parts[0].data_start as usize;
            (file.clone(), fs::read(file).expect("a seed"), start)
        })
        .collect();
    let now = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&now);
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let case = watched.load(Ordering::Relaxed);
            if case != last {
                (last, since) = (case, Instant::now());
            } else if since.elapsed() > Duration::from_secs(SECONDS) {
                println!("case {case} does not end");
                std::process::abort();
            }
        }
    });
    let panics = Arc::new(Mutex::new(BTreeMap::new()));
    let (found, at) = (Arc::clone(&panics), Arc::clone(&now));
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        if let Ok(mut found) = found.lock() {
            found
                .entry(place)
                .or_insert_with(|| at.load(Ordering::Relaxed));
        }
    }));
    let file = dir.join("case.gguf");
    let begun = Instant::now();
    let mut counts = BTreeMap::new();
    let mut case = first;
    while case < first + most && begun.elapsed() < Duration::from_secs(seconds) {
        make(&seeds, case, &file);
        println!("case {case}");
        now.store(case, Ordering::Relaxed);
        // Writing 5 there sets the peak back to what is held now.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let before = memory("VmRSS");
        let came = catch_unwind(AssertUnwindSafe(|| take(&file)));
        let came = came.unwrap_or("panicked");
        let grown = memory("VmHWM").saturating_sub(before);
        if grown > GROWTH {
            println!("case {case} takes {grown} KiB more");
            std::process::abort();
        }
        *counts.entry(came).or_insert(0_u64) += 1;
        case += 1;
    }
    println!("cases {} {counts:?}", case - first);
    // One case for each place that panics: the others may be of other kinds.
    let panics = panics.lock().expect("no panic in the hook").clone();
    if !panics.is_empty() {
        println!("cases that panic: {panics:?}");
        std::process::abort();
    }
}

#[test]
fn no_file_can_do_harm() {
    if let Ok(order) = std::env::var(CHILD) {
        child(&order);
        return;
    }
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seconds = number("HOMEBODY_FUZZ_SECONDS");
    let first = number("HOMEBODY_FUZZ_SEED").unwrap_or(1);
    let most = if seconds.is_some() { u64::MAX / 2 } else { 60 };
    let dir = tempfile::tempdir().expect("a folder");
    let order = format!(
        "{} {} {first} {most}",
        dir.path().display(),
        seconds.unwrap_or(60)
    );
    let program = std::env::current_exe().expect("this test");
    let mut command = std::process::Command::new("sh");
    let limit = if cfg!(target_os = "linux") {
        format!("ulimit -v {SPACE}; ulimit -c 0; ")
    } else {
        String::new()
    };
    command
        .arg("-c")
        .arg(format!("{limit}exec \"$0\" \"$@\""))
        .arg(program)
        .args([
            "--exact",
            "engine::fuzz_tests::no_file_can_do_harm",
            "--nocapture",
        ])
        .env(CHILD, order);
    let out = command.output().expect("a shell");
    let said = String::from_utf8_lossy(&out.stdout);
    let last = said
        .lines()
        .rev()
        .find(|line| line.contains("case"))
        .unwrap_or_default();
    if out.status.success() {
        println!("{last}");
        return;
    }
    // The file stays, to be looked at.
    let kept = std::env::temp_dir().join(format!("homebody-fuzz-{}.gguf", std::process::id()));
    let _ = fs::copy(dir.path().join("case.gguf"), &kept);
    let errors = String::from_utf8_lossy(&out.stderr);
    let errors: Vec<&str> = errors.lines().collect();
    let tail = errors[errors.len().saturating_sub(30)..].join("\n");
    panic!(
        "{last} ({}), kept as {}\n{tail}",
        out.status,
        kept.display()
    );
}
