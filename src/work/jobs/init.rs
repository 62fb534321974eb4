//! A first rules file (`AGENTS.md`), written from what the index knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::text::printable;
use crate::base::{Failure, RepoPath, Result};
use crate::index::{FileClass, Index};
use crate::patch::{Change, FileChange};
use crate::repo::Repo;

/// Build files by name, with the commands that go with them.
const BUILDS: [(&str, &str, &[&str]); 12] = [
    (
        "Cargo.toml",
        "Rust",
        &["cargo build", "cargo test", "cargo clippy"],
    ),
    ("package.json", "Node", &["npm install", "npm test"]),
    (
        "pyproject.toml",
        "Python",
        &["python -m pip install -e .", "python -m pytest"],
    ),
    (
        "setup.py",
        "Python",
        &["python -m pip install -e .", "python -m pytest"],
    ),
    ("go.mod", "Go", &["go build ./...", "go test ./..."]),
    ("pom.xml", "Maven", &["mvn package", "mvn test"]),
    (
        "build.gradle",
        "Gradle",
        &["./gradlew build", "./gradlew test"],
    ),
    (
        "build.gradle.kts",
        "Gradle",
        &["./gradlew build", "./gradlew test"],
    ),
    (
        "CMakeLists.txt",
        "CMake",
        &["cmake -B build", "cmake --build build"],
    ),
    ("Gemfile", "Ruby", &["bundle install", "bundle exec rake"]),
    (
        "composer.json",
        "PHP",
        &["composer install", "composer test"],
    ),
    ("Makefile", "Make", &["make", "make test"]),
];

/// Languages and folders that are listed.
const LISTED: usize = 12;

/// A new rules file as a change to be shown and applied like any other.
///
/// # Errors
/// Of kind usage, if there is one already.
pub fn init(repo: &Repo, index: &Index, rules_file: &str) -> Result<Change> {
    let path = RepoPath::new(rules_file)?;
    if path.under(repo.root()).symlink_metadata().is_ok() {
        return Err(
            Failure::usage(format!("{path} is there already")).hint("edit it, or remove it first")
        );
    }
    Ok(Change {
        files: vec![FileChange {
            path,
            renamed_to: None,
            before: None,
            after: Some(init_text(repo, index)),
        }],
    })
}

/// The text of a first rules file: what it is, how it is built, what lies where.
pub fn init_text(repo: &Repo, index: &Index) -> String {
    let name = repo.root().file_name().map_or_else(
        || "this project".to_owned(),
        |name| printable(&name.to_string_lossy()).into_owned(),
    );
    let paths = index.paths();
    let mut out = format!("# Rules for working on {name}\n");
    // Writing to a String cannot fail.
    let languages = &index.stats().languages;
    if !languages.is_empty() {
        out.push_str("\n## Languages\n\n");
        for (language, files) in languages.iter().take(LISTED) {
            let s = if *files == 1 { "" } else { "s" };
            let _ = writeln!(out, "- {language} ({files} file{s})");
        }
    }
    let builds: Vec<_> = BUILDS
        .iter()
        .filter(|(file, _, _)| paths.iter().any(|path| path.as_str() == *file))
        .collect();
    if !builds.is_empty() {
        out.push_str("\n## Building and testing\n\n");
        for (file, _, commands) in builds {
            for command in *commands {
                let _ = writeln!(out, "- `{command}` ({file})");
            }
        }
    }
    let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for path in &paths {
        let Some((top, _)) = path.as_str().split_once('/') else {
            continue;
        };
        let entry = folders.entry(top).or_default();
        entry.0 += 1;
        entry.1 += usize::from(index.class(path) == Some(FileClass::Test));
    }
    if !folders.is_empty() {
        let mut folders: Vec<_> = folders.into_iter().collect();
        folders.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
        out.push_str("\n## Layout\n\n");
        for (folder, (files, tests)) in folders.iter().take(LISTED) {
            let what = if tests * 2 > *files { ", tests" } else { "" };
            let s = if *files == 1 { "" } else { "s" };
            let _ = writeln!(out, "- `{}/`: {files} file{s}{what}", printable(folder));
        }
    }
    out.push_str(
        "\n## Rules\n\n\
         - Keep to the style of the file that is changed.\n\
         - Change as little as the task needs, and add a test for what changes.\n\
         - (Write here what newcomers get wrong.)\n",
    );
    out
}
