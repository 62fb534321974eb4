//! The projects beside the repository that belong to a build of it: those that its manifests name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cage::{LONGEST, read_plain};

/// Files in which projects name others beside them.
const MANIFESTS: [&str; 22] = [
    "Cargo.toml",
    "package.json",
    "pnpm-workspace.yaml",
    "tsconfig.json",
    "go.mod",
    "go.work",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "CMakeLists.txt",
    "Makefile",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "pubspec.yaml",
    "meson.build",
];

/// The projects beside the repository at `root` that manifests among the `files` of its copy lead
/// to (`../other`).
pub(super) fn named<'a>(
    copy: &Path,
    files: impl Iterator<Item = &'a str>,
    root: &Path,
) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for file in files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        if !MANIFESTS.contains(&name) {
            continue;
        }
        let path = copy.join(file);
        if path.is_symlink() {
            continue;
        }
        let Some(text) = read_plain(&path, LONGEST) else {
            continue;
        };
        let folder = Path::new(folder);
        for line in text.lines() {
            // What a comment says is no path of a project.
            let line = line.split_once(" #").map_or(line, |(before, _)| before);
            if line.trim_start().starts_with(['#', '/', '*']) {
                continue;
            }
            let words = line.split(|c: char| c.is_whitespace() || "\"'=:,;()[]{}<>`".contains(c));
            found.extend(words.filter_map(|word| beside(folder, word)));
        }
    }
    // Nothing lies above the root of a file system.
    let parent = root.parent().unwrap_or(root);
    let all = found.into_iter().map(|name| parent.join(name));
    all.filter(|path| path != root && is_project(path))
        .collect()
}

/// Tells whether a folder beside the repository is a project that a manifest may mean: a folder and
/// no link to one, with a manifest of its own. A link would lead anywhere, and a folder of other
/// things is nobody's dependency.
fn is_project(folder: &Path) -> bool {
    let real = folder.canonicalize().is_ok_and(|real| real == folder);
    let has = |name: &&str| std::fs::symlink_metadata(folder.join(name)).is_ok_and(|f| f.is_file());
    real && folder.is_dir() && MANIFESTS.iter().any(has)
}

/// The name of what a path in a folder of the repository leads to, if that lies right beside the
/// repository.
fn beside(folder: &Path, path: &str) -> Option<String> {
    if !path.contains("..") || path.starts_with('/') {
        return None;
    }
    let mut depth = folder.components().count();
    let mut parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    while let Some(part) = parts.next() {
        match part {
            ".." if depth > 0 => depth -= 1,
            ".." => {
                let name = parts.next()?;
                return (!name.starts_with('.')).then(|| name.to_owned());
            }
            _ => depth += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_lead_to_what_lies_right_beside_and_no_further() {
        for (folder, path, name) in [
            ("", "../other", Some("other")),
            ("", "../other/deep", Some("other")),
            ("crates/a", "../b", None),
            ("crates/a", "../../../other", Some("other")),
            ("", "../../other", None),
            ("", "../.ssh", None),
            ("", "..", None),
            ("", "/etc/../x", None),
            ("a", "./../../x", Some("x")),
        ] {
            let found = beside(Path::new(folder), path);
            assert_eq!(found.as_deref(), name, "{folder} {path}");
        }
    }
}
