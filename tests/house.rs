//! The floors and fences of the house, checked on the sources themselves.
//!
//! The table in `src/lib.rs` says which room may import which; here the `use` lines and
//! `crate::room` paths of every file are held against it, and with them the fences around
//! foreign crates, the size of files, and the names.

use std::fs;
use std::path::{Path, PathBuf};

/// Packages below `src` and the rooms in each; those of none belong to the program's own. The
/// compiler sees to the floors between packages: a package's root imports the rooms that its
/// own may see, and nothing else names another package.
const PACKAGES: &[(&str, &[&str])] = &[
    ("ground", &["base", "repo", "grammar"]),
    ("inference", &["kernels", "model", "engine"]),
    ("search", &["index", "context"]),
    ("work", &["patch", "registry", "jobs"]),
];

/// Rooms and what they may import of ours.
const ROOMS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("repo", &["base"]),
    ("grammar", &["base"]),
    ("patch", &["base", "grammar"]),
    ("kernels", &["base"]),
    ("registry", &["base"]),
    ("index", &["base", "repo"]),
    ("model", &["base", "kernels"]),
    ("context", &["base", "repo", "index"]),
    ("engine", &["base", "grammar", "kernels", "model"]),
    (
        "jobs",
        &[
            "base", "grammar", "repo", "patch", "registry", "index", "context", "engine",
        ],
    ),
    (
        "app",
        &["base", "jobs", "index", "repo", "patch", "context"],
    ),
    (
        "tui",
        &[
            "base", "repo", "patch", "registry", "index", "context", "engine", "jobs", "app",
        ],
    ),
    (
        "cli",
        &[
            "base", "grammar", "repo", "patch", "registry", "index", "context", "engine", "jobs",
            "app",
        ],
    ),
];

/// Words that may stand only in files whose path begins with one of these.
const FENCES: &[(&str, &[&str])] = &[
    ("candle_core", &["model/", "engine/", "kernels/"]),
    ("candle_nn", &["model/", "engine/", "kernels/"]),
    ("candle_transformers", &["model/", "engine/", "kernels/"]),
    ("git2", &["repo/"]),
    ("ignore::", &["repo/"]),
    ("tree_sitter", &["index/symbols"]),
    ("ratatui", &["tui/"]),
    ("crossterm", &["tui/"]),
    ("clap::", &["cli/"]),
    ("ureq", &["registry/"]),
    ("std::net", &["registry/"]),
    ("TcpStream", &["registry/"]),
    ("UdpSocket", &["registry/"]),
    (
        "process::Command",
        &[
            "jobs/check/command.rs",
            "repo/installed.rs",
            "repo/proof/",
            "repo/trial.rs",
            "registry/",
            "tui/",
            "base/seal",
        ],
    ),
    (
        "unsafe {",
        &[
            "kernels/",
            "model/mapping.rs",
            "base/seal",
            "tui/last_words.rs",
        ],
    ),
    (
        "unsafe fn",
        &[
            "kernels/",
            "model/mapping.rs",
            "base/seal",
            "tui/last_words.rs",
        ],
    ),
    (
        "unsafe impl",
        &["kernels/", "model/mapping.rs", "base/seal"],
    ),
    ("process::exit", &["main.rs"]),
    ("homebody_ground", &["lib.rs", "main.rs"]),
    ("homebody_inference", &["lib.rs", "main.rs"]),
    ("homebody_search", &["lib.rs", "main.rs"]),
    ("homebody_work", &["lib.rs", "main.rs"]),
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "manager", "helper", "util", "utils", "common", "misc", "handler", "data",
];

/// The beginnings of documentation that has no subject.
const RIDDLES: &[&str] = &["What ", "Whether ", "Does it", "It ", "None yet"];

/// Lines a file may have before its tests.
const MOST_LINES: usize = 500;

/// What may stand at the top of the repository.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "prompts",
    "src",
    "tests",
    "themes",
];

/// The part of a file that the rules look at: no tests, no comments, no text in quotes.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in before_tests(text) {
        let mut rest = line;
        if rest.trim_start().starts_with("//") {
            code.push('\n');
            continue;
        }
        // Quotes on one line are enough here: no rule's word stands in a longer text.
        let mut inside = false;
        let mut previous = ' ';
        while let Some(c) = rest.chars().next() {
            if c == '"' && previous != '\\' && previous != '\'' {
                inside = !inside;
            } else if !inside {
                if rest.starts_with("//") {
                    break;
                }
                code.push(c);
            }
            previous = c;
            rest = &rest[c.len_utf8()..];
        }
        code.push('\n');
    }
    code
}

fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        if line.trim() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|l| l.contains("mod ") && l.contains('{'))
        {
            return None;
        }
        Some(line)
    })
}

/// The rooms named after `crate::` or `homebody::`, groups in braces included.
fn rooms_named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for start in ["crate::", "homebody::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let mut depth = 1;
                let mut word = String::new();
                let mut at_start = true;
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => at_start = true,
                        c if c.is_whitespace() => continue,
                        c if depth == 1 && at_start && (c.is_alphanumeric() || c == '_') => {
                            word.push(c);
                            continue;
                        }
                        _ => {}
                    }
                    if !word.is_empty() {
                        named.push(std::mem::take(&mut word));
                        at_start = c == ',';
                    }
                    if depth == 0 {
                        break;
                    }
                }
            } else {
                named.push(
                    rest.chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect(),
                );
            }
        }
    }
    named
}

/// What is wrong with one file; `path` is relative to `src`.
/// What is imported in groups, each item by its whole name, a line each.
fn ungrouped(code: &str) -> String {
    let mut out = String::new();
    for (at, _) in code.match_indices("::{") {
        let head = code[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let prefix = &code[head.map_or(0, |head| head + 1)..at];
        let mut depth = 0;
        let mut item = String::new();
        for c in code[at + 3..].chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => {
                    out.push_str(&format!("\n{prefix}::{}", item.trim()));
                    item.clear();
                    continue;
                }
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            item.push(c);
        }
        out.push_str(&format!("\n{prefix}::{}", item.trim()));
    }
    out
}

/// The documentation whose first word leaves out what it is about. Arguments are left to clap,
/// which prints theirs as help.
fn riddles(text: &str) -> impl Iterator<Item = &str> {
    let kind = |line: &str| {
        let line = line.trim_start();
        let kinds = ["///", "//!", "//"];
        kinds.into_iter().find(|kind| line.starts_with(kind))
    };
    let mut before = None;
    before_tests(text).filter(move |line| {
        let this = kind(line);
        let begins = this.is_some() && this != before;
        before = this;
        let words = line.trim_start().trim_start_matches(['/', '!', ' ']);
        begins && this != Some("//") && RIDDLES.iter().any(|riddle| words.starts_with(riddle))
    })
}

fn problems(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong = |what: String| found.push(format!("src/{path}: {what}"));
    let path = match path.split_once('/') {
        Some((package, path)) if PACKAGES.iter().any(|(name, _)| *name == package) => path,
        _ => path,
    };
    if !text.starts_with("//!") {
        wrong("does not begin with `//!`".into());
    }
    let lines = before_tests(text).count();
    if lines > MOST_LINES {
        wrong(format!(
            "{lines} lines before its tests, at most {MOST_LINES}"
        ));
    }
    if path == "main.rs" && text.lines().count() >= 80 {
        wrong("80 lines or more".into());
    }
    for part in path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            wrong(format!("`{part}` says nothing"));
        }
    }
    for comment in riddles(text).filter(|_| !path.starts_with("cli/args")) {
        wrong(format!("a comment without a subject: {comment}"));
    }
    let mut code = code_of(text);
    code.push_str(&ungrouped(&code));
    for (word, allowed) in FENCES {
        if allowed.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
                wrong(format!("`{word}` is fenced in {allowed:?}"));
                break;
            }
        }
    }
    if let Some((room, _)) = path.split_once('/') {
        let Some((_, may)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong(format!("`{room}` is no room"));
            return found;
        };
        for named in rooms_named(&code) {
            let is_room = ROOMS.iter().any(|(name, _)| *name == named);
            if is_room && named != room && !may.contains(&named.as_str()) {
                wrong(format!("imports `{named}`, may only {may:?}"));
            }
        }
    }
    found
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn floors_and_fences_hold() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(&src).expect("below src");
        let path = path.to_string_lossy().replace('\\', "/");
        // Files of tests alone are declared under `cfg(test)` by the file they test.
        if path.ends_with("tests.rs") {
            continue;
        }
        found.extend(problems(
            &path,
            &fs::read_to_string(&file).expect("readable"),
        ));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("src/lib.rs")).expect("the map");
    for (room, _) in ROOMS {
        let of = PACKAGES.iter().find(|(_, rooms)| rooms.contains(room));
        let package = of.map_or("", |(package, _)| *package);
        let named = if package.is_empty() {
            "homebody"
        } else {
            package
        };
        assert!(
            map.contains(&format!("| {named} | `{room}` |")),
            "{room} of {named} is not in the table of src/lib.rs"
        );
        let law = root.join("src").join(package).join(room).join("mod.rs");
        let law = fs::read_to_string(law).expect("a mod.rs");
        assert!(
            law.contains("Law:"),
            "src/{package}/{room}/mod.rs does not state its law"
        );
    }
}

#[test]
fn a_package_sees_of_others_what_its_rooms_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let own = ["app", "tui", "cli"];
    for (package, rooms) in PACKAGES.iter().chain([&("", &own[..])]) {
        let root = fs::read_to_string(src.join(package).join("lib.rs")).expect("a root");
        let mut seen: Vec<&str> = (root.lines())
            .filter_map(|line| line.strip_prefix("use homebody_"))
            .filter_map(|line| line.split_once("::"))
            .flat_map(|(_, names)| names.split(|c: char| !c.is_alphanumeric()))
            .filter(|name| !name.is_empty())
            .collect();
        let mut may: Vec<&str> = (ROOMS.iter())
            .filter(|(room, _)| rooms.contains(room))
            .flat_map(|(_, may)| may.iter().copied())
            .filter(|room| !rooms.contains(room))
            .collect();
        seen.sort_unstable();
        may.sort_unstable();
        may.dedup();
        assert_eq!(seen, may, "the root of src/{package}");
    }
}

#[test]
fn the_top_level_is_as_designed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root).expect("the root") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let known = name.starts_with('.')
            || name == "target"
            || name == "proptest-regressions"
            || TOP.contains(&name.as_str());
        assert!(known, "`{name}` is not part of the top level");
    }
}

#[test]
fn planted_faults_are_found() {
    let planted = [
        (
            "repo/x.rs",
            "//! x\nuse crate::index::Hit;\n",
            "imports `index`",
        ),
        (
            "repo/x.rs",
            "//! x\nuse crate::{base::Cancel, patch::Edit};\n",
            "imports `patch`",
        ),
        (
            "tui/x.rs",
            "//! x\nfn f() { crate::cli::run() }\n",
            "imports `cli`",
        ),
        (
            "jobs/x.rs",
            "//! x\nuse candle_core::Tensor;\n",
            "candle_core",
        ),
        (
            "jobs/x.rs",
            "//! x\nuse std::process::Command;\n",
            "process::Command",
        ),
        (
            "jobs/x.rs",
            "//! x\nuse std::process::{Child, Command};\n",
            "process::Command",
        ),
        (
            "jobs/x.rs",
            "//! x\nuse std::{\n    fs,\n    net::{IpAddr, TcpStream},\n    process::{\n        Stdio, Command,\n    },\n};\n",
            "std::net",
        ),
        (
            "index/build.rs",
            "//! x\nuse tree_sitter::Parser;\n",
            "tree_sitter",
        ),
        ("patch/x.rs", "//! x\nfn f() { unsafe { g() } }\n", "unsafe"),
        (
            "search/index/x.rs",
            "//! x\nuse crate::context::pick;\n",
            "imports `context`",
        ),
        (
            "ground/repo/x.rs",
            "//! x\nuse homebody_search::index;\n",
            "homebody_search",
        ),
        ("base/util.rs", "//! x\n", "says nothing"),
        ("base/x.rs", "use std::fs;\n", "does not begin"),
        ("attic/x.rs", "//! x\n", "no room"),
        (
            "base/x.rs",
            "//! x\n/// Whether it holds.\nfn f() {}\n",
            "without a subject",
        ),
    ];
    for (path, text, what) in planted {
        let found = problems(path, text);
        assert!(
            found.iter().any(|f| f.contains(what)),
            "{path} {text:?}: {found:?}"
        );
    }
    let long = format!("//! x\n{}", "fn f() {}\n".repeat(501));
    assert!(
        problems("base/x.rs", &long)
            .iter()
            .any(|f| f.contains("lines before"))
    );
}

#[test]
fn what_only_looks_like_a_fault_is_none() {
    let fine = [
        (
            "jobs/x.rs",
            "//! candle_core is not here\n// use git2;\nfn f() { g(\"git2\") }\n",
        ),
        (
            "repo/x.rs",
            "//! x\nuse crate::base::RepoPath;\n#[cfg(test)]\nmod tests {\n use crate::index::Hit;\n}\n",
        ),
        (
            "cli/x.rs",
            "//! x\nuse crate::{\n base::{Cancel, index},\n jobs,\n};\n",
        ),
    ];
    for (path, text) in fine {
        assert_eq!(problems(path, text), Vec::<String>::new(), "{path}");
    }
}
