//! What was applied, committed with a message that was edited, and nothing else.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use git2::Repository;

use super::project::{GREET, Project};
use super::sitting::{PATCH, leave, open, say};
use super::terminal::Manner;

const MESSAGE: &str = r#"{"when":"Commit message:","steps":[{"text":"Greet louder"}]}"#;

/// The text that the last commit has of a file.
fn committed(project: &Project, name: &str) -> String {
    let repo = Repository::open(project.path()).expect("opened");
    let tree = repo.head().expect("a head").peel_to_tree().expect("a tree");
    let entry = tree.get_path(name.as_ref()).expect("the file");
    let blob = repo.find_blob(entry.id()).expect("its text");
    String::from_utf8_lossy(blob.content()).into_owned()
}

#[test]
fn what_was_applied_is_committed_and_nothing_else() {
    let project = Project::new();
    let folder = tempfile::tempdir().expect("a folder");
    let editor = folder.path().join("edit.sh");
    let script = "#!/bin/sh\nsed -i 's/Greet louder/Greet much louder/' \"$1\"\n";
    std::fs::write(&editor, script).expect("written");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("set");
    let repo = Repository::open(project.path()).expect("opened");
    let mut config = repo.config().expect("its settings");
    config.set_str("user.name", "A").expect("set");
    config.set_str("user.email", "a@example.com").expect("set");
    project.write("README.md", "# Staged\n");
    project.stage();

    let model = r#"{"model":{"name":"script","context":8192,"rates":[200.0,20.0]}}"#;
    let manner = Manner::with((100, 40), "EDITOR", editor.display().to_string());
    let mut terminal = open(&project, &[model, PATCH, MESSAGE].join("\n"), &manner);
    terminal.wait("the index", 20, |text| !text.contains("indexing"));
    say(&mut terminal, "/patch make it louder in @src/greet.rs");
    terminal.wait("the patch", 20, |text| text.contains("1 file, 2 hunks"));
    terminal.send("A");
    terminal.wait("the marks", 10, |text| text.contains("2 of 2 accepted"));
    terminal.send("\r");
    terminal.wait("it to be written", 10, |text| text.contains("applied"));
    terminal.settle(Duration::from_millis(300));
    // The composer has the keys again.
    terminal.send("\x1b[17~");
    terminal.settle(Duration::from_millis(300));
    terminal.send("C");
    terminal.wait("the commit", 30, |text| text.contains("Greet much louder"));
    let louder = GREET
        .replace("\"Hello, {name}\"", "\"Hello, {name}!\"")
        .replace("\"Bye, {name}\"", "\"Bye, {name}!\"");
    assert_eq!(committed(&project, "src/greet.rs"), louder);
    assert!(committed(&project, "README.md").starts_with("# Greetings"));
    let head = repo.head().expect("a head").peel_to_commit().expect("it");
    assert_eq!(head.message(), Ok("Greet much louder\n"));
    let index = git2::Index::open(&repo.path().join("index")).expect("an index");
    let entry = index.get_path("README.md".as_ref(), 0).expect("an entry");
    let staged = repo.find_blob(entry.id).expect("its text");
    assert_eq!(staged.content(), b"# Staged\n", "what else is staged stays");
    // Undo takes the files back, and says that the commit stays.
    terminal.send("\x1b");
    terminal.settle(Duration::from_millis(500));
    say(&mut terminal, "/undo");
    terminal.wait("what stays", 10, |text| text.contains("stays: `git revert"));
    assert_eq!(project.read("src/greet.rs"), GREET);
    leave(&mut terminal);
}
