//! Patches, case by case: see `fixtures/patches/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use homebody::base::{Failure, RepoPath, Result};
use homebody::patch::{Change, Foreign, Texts, UndoDir, parse, write};

/// The files of a folder, some of them ignored.
struct Folder {
    root: PathBuf,
    ignored: Vec<String>,
}

impl Texts for Folder {
    fn text(&self, path: &RepoPath) -> Result<String> {
        fs::read_to_string(path.under(&self.root))
            .map_err(|e| Failure::input(format!("`{path}` cannot be read")).because(e))
    }
    fn exists(&self, path: &RepoPath) -> bool {
        path.under(&self.root).symlink_metadata().is_ok()
    }
    fn may_create(&self, path: &RepoPath) -> Result<()> {
        let within = |name: &String| Path::new(path.as_str()).starts_with(name);
        if self.ignored.iter().any(within) {
            return Err(Failure::input("it is ignored"));
        }
        Ok(())
    }
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that can be read") {
            let at = entry.expect("an entry").path();
            let name = at
                .strip_prefix(root)
                .expect("below")
                .to_string_lossy()
                .into_owned();
            if at.is_symlink() {
                continue;
            } else if at.is_dir() {
                folders.push(at);
            } else {
                found.insert(name, fs::read(&at).expect("a file that can be read"));
            }
        }
    }
    found
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What became of a case: the first word of `outcome.txt`, and everything that was said.
fn play(case: &Path, root: &Path, records: &Path) -> (&'static str, String) {
    let answer = fs::read_to_string(case.join("answer.md")).expect("an answer");
    let parsed = parse(&answer);
    let mut said = format!("{}\n{}\n", parsed.prose, parsed.troubles.join("\n"));
    if !parsed.troubles.is_empty() {
        return ("unread", said);
    }
    if parsed.edits.is_empty() {
        return ("nothing", said);
    }
    let texts = Folder {
        root: root.to_owned(),
        ignored: lines(&case.join("ignored.txt")),
    };
    let outcome = Change::plan_noted(&parsed.edits, &texts).and_then(|(change, notes)| {
        said.push_str(&notes.join("\n"));
        write::apply(
            root,
            &change,
            &UndoDir::new(records.join("undo"), records.join("key")),
        )
    });
    match outcome {
        Ok(_) => ("applied", said),
        Err(failure) => {
            said.push_str(&failure.to_string());
            ("refused", said)
        }
    }
}

#[test]
fn every_case_comes_out_as_written() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/patches");
    let mut cases: Vec<PathBuf> = fs::read_dir(all)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|at| at.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 15, "{} cases", cases.len());
    for case in cases {
        let name = case
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let root = tempfile::tempdir().expect("a folder");
        let records = tempfile::tempdir().expect("a folder");
        let input = files(&case.join("input"));
        for (name, text) in &input {
            let at = root.path().join(name);
            fs::create_dir_all(at.parent().expect("a parent")).expect("a folder");
            fs::write(at, text).expect("written");
        }
        for link in lines(&case.join("links.txt")) {
            let (from, to) = link.split_once(" -> ").expect("name -> target");
            #[cfg(unix)]
            std::os::unix::fs::symlink(to, root.path().join(from)).expect("a link");
            #[cfg(not(unix))]
            let _ = (from, to);
        }
        let (outcome, said) = play(&case, root.path(), records.path());
        let wanted = lines(&case.join("outcome.txt"));
        assert_eq!(
            Some(outcome),
            wanted.first().map(String::as_str),
            "{name}: {said}"
        );
        for words in wanted.iter().filter_map(|line| line.strip_prefix("says: ")) {
            assert!(
                said.contains(words),
                "{name} does not say `{words}`: {said}"
            );
        }
        assert!(
            files(root.path()) == files(&case.join("expected")),
            "{name}: {:?}",
            files(root.path())
        );
        if outcome == "applied" {
            let undo = UndoDir::new(records.path().join("undo"), records.path().join("key"));
            write::undo(root.path(), &undo, Foreign::Refused).expect("undone");
            assert!(
                files(root.path()) == input,
                "{name} after undo: {:?}",
                files(root.path())
            );
        }
    }
}
