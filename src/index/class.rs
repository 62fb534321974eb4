//! What sort of file it is, by its path and its first lines.

use super::FileClass;
use crate::base::RepoPath;

/// Sorts a file. `head` is the beginning of its text.
pub fn classify(path: &RepoPath, head: &str) -> FileClass {
    let lower = path.as_str().to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let folders: Vec<&str> = lower.split('/').rev().skip(1).collect();
    let within = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));
    if within(&[
        "vendor",
        "vendored",
        "third_party",
        "third-party",
        "node_modules",
        "external",
        "extern",
        "deps",
    ]) {
        return FileClass::Vendored;
    }
    let extension = path.extension().unwrap_or_default();
    let generated = name.ends_with(".min.js")
        || name.ends_with(".min.css")
        || name.ends_with(".map")
        || name.ends_with(".lock")
        || name.contains(".pb.")
        || name.contains("_pb2")
        || name.contains(".generated.")
        || name.contains("_generated.")
        || matches!(
            name,
            "package-lock.json" | "yarn.lock" | "pnpm-lock.yaml" | "go.sum" | "cargo.lock"
        );
    let says_so = || {
        let head: String = head
            .lines()
            .take(8)
            .collect::<Vec<_>>()
            .join("\n")
            .to_lowercase();
        head.contains("do not edit") && head.contains("generated") || head.contains("@generated")
    };
    if generated || says_so() {
        return FileClass::Generated;
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let original = path.as_str().rsplit('/').next().unwrap_or("");
    if folders.iter().any(|folder| is_test_folder(folder)) || is_test_name(original, stem) {
        return FileClass::Test;
    }
    if within(&[
        "example",
        "examples",
        "demo",
        "demos",
        "sample",
        "samples",
        "tutorial",
        "tutorials",
    ]) {
        return FileClass::Docs;
    }
    let prose = matches!(
        extension.as_str(),
        "md" | "rst" | "txt" | "adoc" | "org" | "tex" | "1" | "mdx"
    );
    if prose
        || matches!(
            stem,
            "license" | "changelog" | "contributing" | "authors" | "notice"
        )
    {
        return FileClass::Docs;
    }
    let building = matches!(
        extension.as_str(),
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
    ) || matches!(
        name,
        "makefile" | "dockerfile" | "cmakelists.txt" | "build.bazel" | "justfile"
    ) || name.starts_with('.')
        || folders.iter().any(|folder| folder.starts_with('.'));
    if building {
        return FileClass::Build;
    }
    if within(&["docs", "doc", "documentation"])
        && matches!(extension.as_str(), "html" | "css" | "")
    {
        return FileClass::Docs;
    }
    FileClass::Source
}

/// Whether a folder of that name, in lower case, holds tests, what they need, or measurements.
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

/// Whether a file of that name is a test: `stem` is the name without its extension, in lower
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

/// What a file is about by its name, the same for a source and its tests.
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
