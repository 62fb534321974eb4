//! A small repository for sittings, and scripts to play in it.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{IndexAddOption, Repository, Signature};

/// The file that sittings ask about and change.
pub const GREET: &str = "//! Says hello.\n\n\
    /// Greets by name.\n\
    pub fn greet(name: &str) -> String {\n    format!(\"Hello, {name}\")\n}\n\n\
    /// Counts letters.\n\
    pub fn letters(name: &str) -> usize {\n    name.chars().count()\n}\n\n\
    /// Whether it is a long name.\n\
    pub fn is_long(name: &str) -> bool {\n    letters(name) > 20\n}\n\n\
    /// Says goodbye.\n\
    pub fn part(name: &str) -> String {\n    format!(\"Bye, {name}\")\n}\n";

/// A repository with one commit, in a folder of its own.
pub struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// With [`GREET`] in `src/greet.rs`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("repo/src")).expect("made");
        let project = Self { dir };
        project.write("src/greet.rs", GREET);
        project.write("README.md", "# Greetings\n\nA crate that greets people.\n");
        let repo = Repository::init(project.path()).expect("a repository");
        let tree = project.stage();
        let tree = repo.find_tree(tree).expect("the tree");
        let who = Signature::now("A", "a@example.com").expect("a name");
        repo.commit(Some("HEAD"), &who, &who, "Begin", &tree, &[])
            .expect("committed");
        project
    }

    /// Its folder.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// What a file holds now.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("it can be read")
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).expect("written");
    }

    /// Stages all there is, as `git add -A`; the tree that this makes.
    pub fn stage(&self) -> git2::Oid {
        let repo = Repository::open(self.path()).expect("opened");
        let mut index = repo.index().expect("an index");
        index
            .add_all(["*"], IndexAddOption::DEFAULT, None)
            .expect("added");
        index.write().expect("written");
        index.write_tree().expect("a tree")
    }

    /// A script beside the repository: the argument for `--engine`.
    pub fn script(&self, lines: &str) -> String {
        let file: &Path = &self.dir.path().join("script.jsonl");
        fs::write(file, lines).expect("written");
        format!("script:{}", file.display())
    }
}
