//! `doctor`: what was found, what fits, and the proof that no socket can be opened.

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use serde_json::json;

use super::args::DoctorArgs;
use super::index::stats_lines;
use super::invocation::Invocation;
use super::sealing;
use super::{Code, NEGATIVE};
use crate::base::seal::Sealed;
use crate::base::text::{counted, human_bytes, human_count, printable};
use crate::base::{Result, memory};
use crate::engine;
use crate::jobs::{ModelChoice, choose_model};
use crate::repo::Repo;

/// Runs `doctor`.
pub(super) fn run(args: &DoctorArgs, invocation: &mut Invocation) -> Result<Code> {
    let sealed = invocation.seal()?;
    if args.json {
        invocation.out.collect_report();
    }
    system(invocation);
    folders(invocation);
    models(invocation);
    repository(invocation);
    terminal(invocation);
    let held = sealing::show(&sealed, invocation);
    if args.json {
        let sections = invocation.out.collected();
        invocation.out.json(&json!({
            "type": "doctor",
            "sealed": sealed == Sealed::Yes && held,
            "sections": sections,
        }))?;
    }
    Ok(if held { 0 } else { NEGATIVE })
}

fn head(invocation: &mut Invocation, title: &str) {
    invocation.out.head(title);
}

fn fact(invocation: &mut Invocation, what: &str, value: &str) {
    invocation.out.fact(what, value);
}

fn system(invocation: &mut Invocation) {
    head(invocation, "system");
    fact(
        invocation,
        "homebody",
        &format!(
            "{} for {} on {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    );
    fact(invocation, "cpu", &cpu());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    fact(
        invocation,
        "cores",
        &format!(
            "{cores} for this process, threads = {}",
            match invocation.config.threads.value {
                0 => "as many as suit".to_owned(),
                n => n.to_string(),
            }
        ),
    );
    let free = memory::available();
    let bound = match memory::group_limit() {
        Some(left) if left < memory::system() => format!(
            " under the limit of its control group; the system has {}",
            human_bytes(memory::system())
        ),
        _ => String::new(),
    };
    fact(
        invocation,
        "memory",
        &format!("{} free{bound}", human_bytes(free)),
    );
}

/// The processor's name and the features its kernels may use.
fn cpu() -> String {
    let name = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
                .map(|(_, name)| name.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let features = features();
    if features.is_empty() {
        name
    } else {
        format!("{name} ({})", features.join(" "))
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    [
        ("avx", std::arch::is_x86_feature_detected!("avx")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("f16c", std::arch::is_x86_feature_detected!("f16c")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        (
            "avx512vnni",
            std::arch::is_x86_feature_detected!("avx512vnni"),
        ),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<&'static str> {
    [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        (
            "dotprod",
            std::arch::is_aarch64_feature_detected!("dotprod"),
        ),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

fn folders(invocation: &mut Invocation) {
    head(invocation, "folders");
    let places = invocation.places.clone();
    for (what, dir) in [
        ("settings", &places.config),
        ("models", &places.data),
        ("indexes", &places.cache),
        ("conversations", &places.state),
    ] {
        let text = folder(dir);
        fact(invocation, what, &text);
    }
}

/// A folder in words: its size, who may look into it, and whether it can be written.
fn folder(dir: &Path) -> String {
    let name = printable(&dir.to_string_lossy()).into_owned();
    let Ok(facts) = fs::metadata(dir) else {
        return format!("{name} (not there yet)");
    };
    let mut remarks = vec![human_bytes(size(dir))];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = facts.permissions().mode() & 0o777;
        remarks.push(format!("{mode:04o}"));
        if mode & 0o077 != 0 {
            remarks.push("others may look into it: chmod 700".to_owned());
        }
    }
    if !facts.is_dir() {
        remarks.push("not a folder".to_owned());
    } else if tempfile::tempfile_in(dir).is_err() {
        remarks.push("cannot be written".to_owned());
    }
    format!("{name} ({})", remarks.join(", "))
}

fn models(invocation: &mut Invocation) {
    head(invocation, "models");
    let store = invocation.store();
    let installed = match store.installed() {
        Ok(installed) => installed,
        Err(failure) => {
            fact(invocation, "installed", &failure.to_string());
            return;
        }
    };
    fitting(invocation);
    if installed.is_empty() {
        fact(
            invocation,
            "installed",
            "none; `homebody models list` shows what fits",
        );
    }
    for model in &installed {
        let text = match engine::inspect(&model.path) {
            Ok(found) => format!(
                "{} {}, {}{}",
                found.architecture,
                found.quantization,
                human_bytes(model.bytes),
                if found.supported {
                    ""
                } else {
                    ", cannot be run by this build"
                }
            ),
            Err(failure) => failure.to_string(),
        };
        fact(invocation, &model.name, &text);
    }
    if let Some(script) = &invocation.script {
        let text = format!("the script {}", script.display());
        fact(invocation, "used", &text);
        return;
    }
    used(invocation);
}

/// Says which models of the catalog fit. A catalog that is broken is told with the model used.
fn fitting(invocation: &mut Invocation) {
    let Ok(catalog) = invocation.catalog() else {
        return;
    };
    let names: Vec<&str> = catalog
        .ranked(memory::available())
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    let text = if names.is_empty() {
        "no model of the catalog".to_owned()
    } else {
        format!("{} (the best first)", names.join(", "))
    };
    fact(invocation, "fits", &text);
}

/// Says which model would be used, and what it takes.
fn used(invocation: &mut Invocation) {
    let store = invocation.store();
    let choice = invocation.catalog().and_then(|catalog| {
        choose_model(
            invocation.config.model.value.as_deref(),
            &catalog,
            &store,
            memory::available(),
        )
    });
    let (text, file) = match choice {
        Err(failure) => (failure.to_string(), None),
        Ok(choice) => {
            let name = super::invocation::choice_name(&choice);
            match choice {
                ModelChoice::Fetch(model) => {
                    let bytes = human_bytes(model.bytes);
                    (format!("{name}, to be fetched first ({bytes})"), None)
                }
                ModelChoice::Installed(model) => (name, Some(model.path)),
                ModelChoice::File(file) => (name, Some(file)),
                ModelChoice::Script(_) => (name, None),
            }
        }
    };
    fact(invocation, "used", &text);
    // One that cannot be read was told so in the list.
    if let Some(facts) = file.and_then(|file| engine::inspect(&file).ok()) {
        fact(invocation, "its memory", &memory_of(&facts));
        let form = match (&facts.chat, &facts.no_chat) {
            (Some(chat), _) => chat.words(),
            (None, Some(why)) => why.clone(),
            (None, None) => "none: it searches".to_owned(),
        };
        fact(invocation, "its form", &form);
    }
}

/// The memory that a model takes, part by part, and the context that fits.
fn memory_of(facts: &engine::Inspection) -> String {
    format!(
        "{} of weights, {} a token of context, {} besides; up to {} tokens fit",
        human_bytes(facts.weight_bytes),
        human_bytes(facts.state_bytes_per_token),
        human_bytes(facts.other_bytes),
        human_count(facts.most_context(memory::available()) as u64),
    )
}

fn repository(invocation: &mut Invocation) {
    head(invocation, "repository");
    let workspace = match invocation.open() {
        Ok(workspace) => workspace,
        Err(failure) => {
            fact(invocation, "here", &failure.to_string());
            return;
        }
    };
    let repo = &workspace.repo;
    let root = repo.root().display().to_string();
    fact(invocation, "root", &root);
    if repo.is_git() {
        git(repo, invocation);
    } else {
        let why = repo.note().unwrap_or("not a git repository");
        fact(invocation, "git", &format!("{why}: no diffs, no review"));
    }
    match workspace.last_index() {
        Ok(Some(index)) => {
            let stats = index.stats();
            fact(
                invocation,
                "index",
                &format!(
                    "{}, {}",
                    counted(stats.files, "file"),
                    counted(stats.symbols, "definition")
                ),
            );
            fact(invocation, "meaning", &crate::jobs::meaning_line(&index));
            if invocation.out.verbose() {
                for line in stats_lines(stats) {
                    fact(invocation, "", &line);
                }
            }
        }
        Ok(None) => fact(invocation, "index", "none yet; `homebody index` makes one"),
        Err(failure) => fact(invocation, "index", &failure.to_string()),
    }
}

/// Says where git's head is, and what has changed since.
fn git(repo: &Repo, invocation: &mut Invocation) {
    let short = |commit: String| commit.chars().take(10).collect::<String>();
    let text = repo.head().map_or_else(
        |failure| failure.to_string(),
        |head| match (head.branch, head.commit.map(short)) {
            (Some(branch), Some(commit)) => format!("on {branch} at {commit}"),
            (Some(branch), None) => format!("on {branch}, no commit yet"),
            (None, Some(commit)) => format!("detached at {commit}"),
            (None, None) => "no commit yet".to_owned(),
        },
    );
    fact(invocation, "git", &text);
    let changes = repo.status().map_or_else(
        |failure| failure.to_string(),
        |status| {
            let filtered = match status.filtered {
                0 => String::new(),
                n => format!(", {n} with a filter that only git runs (`git status`)"),
            };
            format!(
                "{} staged, {} not staged, {} unknown to git{filtered}",
                status.staged, status.unstaged, status.untracked
            )
        },
    );
    fact(invocation, "changes", &changes);
}

fn terminal(invocation: &mut Invocation) {
    head(invocation, "terminal");
    let name = |variable: &str| {
        std::env::var(variable)
            .ok()
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| "not set".to_owned())
    };
    fact(
        invocation,
        "input, output",
        &format!(
            "{}, {}",
            if std::io::stdin().is_terminal() {
                "a terminal"
            } else {
                "no terminal"
            },
            if invocation.out.on_terminal() {
                "a terminal"
            } else {
                "no terminal"
            }
        ),
    );
    for variable in ["TERM", "COLORTERM", "NO_COLOR", "LANG"] {
        let value = name(variable);
        fact(invocation, variable, &value);
    }
    let inside: Vec<&str> = [
        ("TMUX", "tmux"),
        ("STY", "screen"),
        ("ZELLIJ", "Zellij"),
        ("SSH_CONNECTION", "ssh"),
        ("WT_SESSION", "Windows Terminal"),
    ]
    .into_iter()
    .filter_map(|(variable, name)| std::env::var_os(variable).map(|_| name))
    .collect();
    if !inside.is_empty() {
        fact(invocation, "inside", &inside.join(", "));
    }
}

/// Bytes of the files below a folder; links are not followed.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => open.push(entry.path()),
                Ok(facts) => bytes += facts.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_summed_without_following_links() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("a")).expect("made");
        fs::write(dir.path().join("a/x"), "12345").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).expect("linked");
        let bytes = size(dir.path());
        assert!((5..5000).contains(&bytes), "{bytes}");
    }
}
