//! What words behind `@` are found to be.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::base::TokenCount;
use crate::base::count::RoughCount;
use crate::context::{ToldKind, changes_told};
use crate::repo::{WalkRules, trial::git};

struct Place {
    dir: tempfile::TempDir,
    repo: Repo,
    index: Arc<Index>,
}

impl Place {
    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("written");
    }

    fn resolve(&self, text: &str) -> Resolved {
        resolve(text, &self.repo, &self.index)
    }

    fn named(&self, text: &str) -> Vec<String> {
        let told = |mention: Mention| match mention.range {
            Some(range) => format!("{}:{range}", mention.path),
            None => mention.path.to_string(),
        };
        self.resolve(text).mentions.into_iter().map(told).collect()
    }

    fn notes(&self, text: &str) -> String {
        self.resolve(text).notes.join("\n")
    }
}

fn place() -> Place {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    for (name, text) in [
        (
            "app/task.py",
            "class Task:\n    def retry(self):\n        pass\n",
        ),
        (
            "app/base.py",
            "def retry():\n    pass\n\n\ndef task():\n    pass\n",
        ),
        ("docs/index.md", "# Words\n"),
        ("Makefile", "all:\n"),
    ] {
        let file = root.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }
    git(root, &["init", "-q", "-b", "main"]);
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "First words"]);
    let repo = Repo::open(root).expect("a repository");
    let cache = tempfile::tempdir().expect("a folder");
    let index = crate::index::built(&repo, cache.path()).expect("an index");
    Place { dir, repo, index }
}

#[test]
fn paths_and_definitions_are_found() {
    let place = place();
    assert_eq!(
        place.named("@app/task.py:1-2 @docs/ @Makefile @Task.retry @Task::retry"),
        ["app/task.py:1-2", "docs", "Makefile", "app/task.py:2-3"]
    );
    assert_eq!(place.notes("@app/task.py @docs @Task.retry"), "");
    assert_eq!(place.resolve("@Task.retry @docs").definitions.len(), 1);
    // By its full name, and from the root.
    let full = place.repo.root().join("app/task.py");
    assert_eq!(
        place.named(&format!("@{}", full.display())),
        ["app/task.py"]
    );
    assert_eq!(place.named("@/app/task.py"), ["app/task.py"]);
}

#[test]
fn a_name_of_several_definitions_is_said() {
    let place = place();
    let found = place.resolve("how does @retry end?");
    assert_eq!(found.mentions.len(), 2);
    assert_eq!(
        found.notes,
        [
            "@retry names 2 definitions: retry (app/base.py:1-2), Task::retry (app/task.py:2-3); \
          @PATH:FROM-TO names one"
        ]
    );
}

#[test]
fn what_is_nowhere_or_outside_is_said() {
    let place = place();
    assert_eq!(
        place.notes("@/etc/passwd @../../x @nofile.py @app/tsak.py @.git/config"),
        "@/etc/passwd is outside of the repository, and is not shown\n\
         @../../x is outside of the repository, and is not shown\n\
         @nofile.py is not in the repository\n\
         @app/tsak.py is not in the repository; did you mean app/task.py?\n\
         @.git/config is git's own, and is not shown"
    );
    assert!(place.notes("@x\u{1b}[2J/y").contains("x\\x1b"));
}

#[test]
fn decorators_addresses_and_urls_are_no_mentions() {
    let place = place();
    for text in [
        "@app.task(bind=True)",
        "@app.route('/x')",
        "@decorator @Override @pytest.fixture",
        "me@example.org",
        "@https://example.org/a.py https://example.org/@me/x.py",
        "@todo... and @v9",
    ] {
        let found = place.resolve(text);
        assert_eq!(found, Resolved::default(), "{text}");
    }
}

#[test]
fn revisions_are_found_by_git() {
    let place = place();
    let changes = |text: &str| place.resolve(text).changes;
    assert_eq!(
        changes("@diff @staged @diff"),
        [Changes::Uncommitted, Changes::Staged]
    );
    assert_eq!(changes("@HEAD"), [Changes::Commit("HEAD".into())]);
    assert_eq!(
        changes("@main..HEAD"),
        [Changes::Range("main..HEAD".into())]
    );
    let id = place.repo.head().expect("HEAD").commit.expect("a commit");
    let short = id.get(..9).expect("an id");
    if short.contains(|c: char| c.is_ascii_digit()) {
        assert_eq!(
            changes(&format!("@{short}")),
            [Changes::Commit(short.into())]
        );
    }
    assert_eq!(
        place.notes("@HEAD~7 @this..that"),
        "@HEAD~7 is not shown: git knows no revision HEAD~7"
    );
}

#[test]
fn changes_are_told_within_the_budget_and_without_secrets() {
    let place = place();
    let key = format!("AKIA{}", "Z7QK3M5T2X9RBW4L");
    place.write(
        "app/base.py",
        &format!("KEY = '{key}'\ndef retry():\n    return 1\n"),
    );
    place.write(".env", "SECRET=squirrel\n");
    place.write("new.py", &"x = 1\n".repeat(300));
    let rules = WalkRules::default();
    let told = |of: &Changes, parts: &[RepoPath], budget| {
        changes_told(of, parts, (&place.repo, &rules), budget, &RoughCount)
            .expect("told")
            .map(|(told, _)| told)
    };
    let all = told(&Changes::Uncommitted, &[], 800).expect("room");
    assert_eq!(all.kind, ToldKind::Changes);
    assert_eq!(all.title, "not committed: 3 files");
    assert!(
        all.text.contains("return 1") && all.text.contains("new.py"),
        "{}",
        all.text
    );
    assert!(
        !all.text.contains(&key) && !all.text.contains("squirrel"),
        "{}",
        all.text
    );
    assert!(RoughCount.count(&all.text) <= 800);
    assert!(told(&Changes::Uncommitted, &[], 20).is_none());
    let part = told(
        &Changes::Uncommitted,
        &[RepoPath::new("app").expect("a path")],
        800,
    );
    assert_eq!(part.expect("room").title, "not committed: 1 file");
    let staged = told(&Changes::Staged, &[], 800).expect("room");
    assert!(staged.text.contains("Nothing is changed there."));
    git(place.dir.path(), &["add", "app"]);
    git(place.dir.path(), &["commit", "-qm", "A second word"]);
    let commit = told(&Changes::Commit("HEAD".into()), &[], 800).expect("room");
    assert!(commit.text.contains("A second word") && commit.text.contains("return 1"));
    let range = told(&Changes::Range("HEAD~1..".into()), &[], 800).expect("room");
    assert!(range.text.contains("A second word"), "{}", range.text);
}
