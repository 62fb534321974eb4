//! The class of a file, by its path and its first lines.

use super::FileClass;
use crate::base::RepoPath;

/// Sorts a file. `head` is the beginning of its text.
pub fn classify(path: &RepoPath, head: &str) -> FileClass {
    let lower = path.as_str().to_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let names = Names {
        folders: folders.split('/').collect(),
        name,
        stem: name.rsplit_once('.').map_or(name, |(stem, _)| stem),
        extension: path.extension().unwrap_or_default(),
    };
    if names.is_vendored() {
        FileClass::Vendored
    } else if names.is_generated() || says_generated(head) {
        FileClass::Generated
    } else if names.is_test(path.name()) {
        FileClass::Test
    } else if names.is_prose() {
        FileClass::Docs
    } else if names.is_building() {
        FileClass::Build
    } else if names.is_page() {
        FileClass::Docs
    } else {
        FileClass::Source
    }
}

/// The parts of a path in lower case.
struct Names<'a> {
    /// Folders above the file, outermost first; one empty name at the root.
    folders: Vec<&'a str>,
    name: &'a str,
    /// The name without its extension.
    stem: &'a str,
    /// Extension of the name; empty for none.
    extension: String,
}

impl Names<'_> {
    /// Tells whether one of the folders has one of these names.
    fn within(&self, names: &[&str]) -> bool {
        self.folders.iter().any(|folder| names.contains(folder))
    }

    fn is_vendored(&self) -> bool {
        self.within(&[
            "vendor",
            "vendored",
            "third_party",
            "third-party",
            "node_modules",
            "external",
            "extern",
            "deps",
        ])
    }

    /// Tells whether a file of that name is written by a machine.
    fn is_generated(&self) -> bool {
        let name = self.name;
        name.ends_with(".min.js")
            || name.ends_with(".min.css")
            || name.ends_with(".map")
            || name.ends_with(".lock")
            || LOCK_FILES
                .iter()
                .any(|lock| lock.eq_ignore_ascii_case(name))
            || name.contains(".pb.")
            || name.contains("_pb2")
            || name.contains(".generated.")
            || name.contains("_generated.")
    }

    /// Tells whether the file is a test; `original` is its name as it is written.
    fn is_test(&self, original: &str) -> bool {
        self.folders.iter().any(|folder| is_test_folder(folder))
            || is_test_name(original, self.stem)
    }

    /// Tells whether the file is prose, or an example, which is read like prose.
    fn is_prose(&self) -> bool {
        let example = self.within(&[
            "example",
            "examples",
            "demo",
            "demos",
            "sample",
            "samples",
            "tutorial",
            "tutorials",
        ]);
        let text = matches!(
            self.extension.as_str(),
            "md" | "rst" | "txt" | "adoc" | "org" | "tex" | "1" | "mdx"
        );
        let known = matches!(
            self.stem,
            "license" | "changelog" | "contributing" | "authors" | "notice"
        );
        example || text || known
    }

    /// Tells whether the file is configuration, data, or of a build.
    fn is_building(&self) -> bool {
        let extension = matches!(
            self.extension.as_str(),
            "toml"
                | "json"
                | "yaml"
                | "yml"
                | "ini"
                | "cfg"
                | "xml"
                | "cmake"
                | "gradle"
                | "mk"
                | "lock"
                | "csv"
                | "svg"
                | "properties"
        );
        let name = matches!(
            self.name,
            "makefile" | "dockerfile" | "cmakelists.txt" | "build.bazel" | "justfile"
        );
        let hidden = |name: &str| name.starts_with('.');
        extension || name || hidden(self.name) || self.folders.iter().any(|folder| hidden(folder))
    }

    /// Tells whether the file is a page of documentation.
    fn is_page(&self) -> bool {
        self.within(&["docs", "doc", "documentation"])
            && matches!(self.extension.as_str(), "html" | "css" | "")
    }
}

/// Tells whether the first lines of a text say that a machine wrote it.
fn says_generated(head: &str) -> bool {
    let head: String = head
        .lines()
        .take(8)
        .collect::<Vec<_>>()
        .join("\n")
        .to_lowercase();
    head.contains("do not edit") && head.contains("generated") || head.contains("@generated")
}

/// Tells whether a folder of that name, in lower case, holds tests, what they need, or
/// measurements.
fn is_test_folder(name: &str) -> bool {
    let name = name.trim_matches('_');
    // `caddytest`, `integration-tests`; but not `latest`.
    let ends = name.ends_with("test") || name.ends_with("tests");
    let other = ["latest", "greatest", "contest", "attest", "protest"];
    ends && !other.contains(&name)
        || name.starts_with("test-")
        || name.starts_with("test_")
        || name.starts_with("tests_")
        || matches!(
            name,
            "spec"
                | "specs"
                | "testing"
                | "testdata"
                | "testutil"
                | "testutils"
                | "test-utils"
                | "fixture"
                | "fixtures"
                | "mock"
                | "mocks"
                | "bench"
                | "benches"
                | "benchmark"
                | "benchmarks"
                | "e2e"
                | "fuzz"
                | "playground"
        )
}

/// Tells whether a file of that name is a test: `stem` is the name without its extension, in lower
/// case.
fn is_test_name(name: &str, stem: &str) -> bool {
    let java = matches!(
        name.rsplit('.').next(),
        Some("java" | "kt" | "cs" | "scala")
    );
    let java_stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    java && (java_stem.ends_with("Test")
        || java_stem.ends_with("Tests")
        || java_stem.ends_with("TestCase"))
        || stem.starts_with("test_")
        || stem.starts_with("test-")
        || stem.starts_with("bench-")
        || stem.starts_with("benchmark-")
        || [
            "_test", "_tests", "_spec", "_bench", ".test", ".tests", ".spec", ".bench", ".test-d",
        ]
        .iter()
        .any(|end| stem.ends_with(end))
        || matches!(stem, "conftest" | "tests" | "test")
}

/// Returns the subject of a file by its name, the same for a source and its tests.
pub(super) fn subject(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name).to_lowercase();
    let stem = stem.strip_prefix("test").unwrap_or(&stem);
    let stem = stem
        .strip_suffix("tests")
        .or_else(|| stem.strip_suffix("test"))
        .or_else(|| stem.strip_suffix("spec"))
        .unwrap_or(stem);
    stem.trim_matches(['-', '_']).to_owned()
}

/// Files in which tools write down exact versions.
const LOCK_FILES: [&str; 16] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "go.sum",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

/// Tells whether a file is a lock file, by its exact name: another one of that ending may be
/// written by hand.
pub fn is_lock_file(path: &RepoPath) -> bool {
    LOCK_FILES.contains(&path.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell() {
        for (path, class) in [
            ("src/walk.rs", FileClass::Source),
            ("tests/walk.rs", FileClass::Test),
            ("pkg/walk_test.go", FileClass::Test),
            ("src/a.spec.ts", FileClass::Test),
            ("caddytest/a.go", FileClass::Test),
            ("latest/a.go", FileClass::Source),
            ("src/test/java/A.java", FileClass::Test),
            ("src/main/java/ATest.java", FileClass::Test),
            ("src/main/java/Contest.java", FileClass::Source),
            ("examples/a.rs", FileClass::Docs),
            ("src/__tests__/a.ts", FileClass::Test),
            ("vendor/x/y.go", FileClass::Vendored),
            ("README.md", FileClass::Docs),
            ("Cargo.toml", FileClass::Build),
            (".github/workflows/ci.yml", FileClass::Build),
            ("package-lock.json", FileClass::Generated),
            ("a/jquery.min.js", FileClass::Generated),
        ] {
            assert_eq!(
                classify(&RepoPath::new(path).expect("a path"), ""),
                class,
                "{path}"
            );
        }
        let path = RepoPath::new("a.go").expect("a path");
        assert_eq!(
            classify(&path, "// Code generated by x. DO NOT EDIT."),
            FileClass::Generated
        );
    }

    #[test]
    fn a_source_and_its_tests_have_one_subject() {
        for path in [
            "src/walk.rs",
            "tests/walk_test.go",
            "test_walk.py",
            "a/Walk.spec.ts",
            "WalkTests.java",
        ] {
            assert_eq!(subject(path), "walk", "{path}");
        }
    }
}
