//! Written diffs, held against `git apply`.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;

use super::super::FileChange;
use super::super::apply::tests::{a_change, every_kind, text};
use super::*;

#[test]
fn names_are_quoted_as_git_does_it() {
    for (name, written) in [
        ("a b", "a b"),
        ("tab\there", "\"tab\\there\""),
        ("größe", "\"gr\\303\\266\\303\\237e\""),
        ("q\"\\", "\"q\\\"\\\\\""),
    ] {
        assert_eq!(quoted(name), written);
    }
    assert_eq!(tabbed("a b"), "a b\t");
}

/// Runs `git apply` on files in a folder and returns what is there after it.
fn git_apply(before: &BTreeMap<String, String>, diff: &str) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in before {
        let file = dir.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, text).expect("written");
    }
    let patch = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(patch.path(), diff).expect("written");
    let out = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(patch.path())
        .current_dir(dir.path())
        .env(
            "GIT_CEILING_DIRECTORIES",
            dir.path().parent().expect("a parent"),
        )
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git runs");
    assert!(
        out.status.success(),
        "{}\n{diff}",
        String::from_utf8_lossy(&out.stderr)
    );
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let at = entry.expect("an entry").path();
            if at.is_dir() {
                folders.push(at);
            } else {
                let name = at
                    .strip_prefix(dir.path())
                    .expect("below")
                    .to_str()
                    .expect("UTF-8")
                    .to_owned();
                found.insert(name, std::fs::read_to_string(&at).expect("text"));
            }
        }
    }
    found
}

fn sides(change: &Change) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    for file in &change.files {
        let to = file.renamed_to.as_ref().unwrap_or(&file.path);
        if let Some(text) = &file.before {
            before.insert(file.path.as_str().to_owned(), text.clone());
        }
        if let Some(text) = &file.after {
            after.insert(to.as_str().to_owned(), text.clone());
        }
    }
    (before, after)
}

#[test]
fn git_takes_every_kind_of_change_and_every_kind_of_name() {
    let change = every_kind();
    let (before, after) = sides(&change);
    assert_eq!(git_apply(&before, &change.to_unified()), after);
    let names = [
        "with space",
        "tab\there",
        "größe/ñ 漢",
        "quo\"te",
        "back\\slash",
        "line\nbreak",
        "esc\u{1b}[2J",
        "nel\u{85}rtl\u{202e}x",
        "plain",
        "-dash",
        "a b/c d",
    ];
    let mut files = Vec::new();
    for name in names {
        let made = |rest: &str| RepoPath::new(&format!("{name}{rest}")).expect("a path");
        let (one, two) = (Some("1\n2\n".to_owned()), Some("1\nx".to_owned()));
        files.push(FileChange {
            path: made(".c"),
            renamed_to: None,
            before: one.clone(),
            after: two.clone(),
        });
        files.push(FileChange {
            path: made(".n"),
            renamed_to: None,
            before: None,
            after: two.clone(),
        });
        files.push(FileChange {
            path: made(".d"),
            renamed_to: None,
            before: one.clone(),
            after: None,
        });
        files.push(FileChange {
            path: made(".r"),
            renamed_to: Some(made(".s")),
            before: one.clone(),
            after: one.clone(),
        });
        files.push(FileChange {
            path: made(".t"),
            renamed_to: Some(made(".u")),
            before: one,
            after: two,
        });
        files.push(FileChange {
            path: made(".e"),
            renamed_to: None,
            before: None,
            after: Some(String::new()),
        });
        files.push(FileChange {
            path: made(".f"),
            renamed_to: None,
            before: Some(String::new()),
            after: None,
        });
    }
    let change = Change { files };
    let (before, after) = sides(&change);
    assert_eq!(git_apply(&before, &change.to_unified()), after);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn git_applies_any_subset(before in text(), after in text(), keep in proptest::collection::vec(any::<bool>(), 40)) {
        prop_assume!(before != after);
        let change = a_change(&before, &after);
        let n = change.hunks(3).len().min(40);
        let some = change.select(3, keep.get(..n).unwrap_or(&[]));
        prop_assume!(!some.is_empty());
        let (before, after) = sides(&some);
        prop_assert_eq!(git_apply(&before, &some.to_unified()), after);
    }

    /// A thousand files of all kinds of change, over all cases.
    #[test]
    fn git_applies_patches_of_many_files(
        files in proptest::collection::vec((text(), text(), 0_u8..4, "[a-zä \"\\\\-]{1,6}"), 42)
    ) {
        let files = files.into_iter().enumerate().map(|(number, (before, after, kind, name))| {
            let path = |sort: &str| {
                RepoPath::new(&format!("d{}/{number}{name}{sort}", number % 5)).expect("a path")
            };
            FileChange {
                path: path(".a"),
                renamed_to: (kind == 3).then(|| path(".b")),
                before: (kind != 1).then_some(before),
                after: (kind != 2).then_some(after),
            }
        });
        let changed = files.filter(|file| file.before != file.after || file.renamed_to.is_some());
        let change = Change { files: changed.collect() };
        let (before, after) = sides(&change);
        prop_assert_eq!(git_apply(&before, &change.to_unified()), after);
    }
}
