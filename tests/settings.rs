//! `config` by the real binary: settings set, read, taken out and edited.

use std::fs;

use crate::cli::{Place, code, stderr, stdout};

#[test]
fn settings_are_set_read_and_taken_out_where_they_stand() {
    let place = Place::plain();
    let file = place.home.path().join("config/homebody/config.toml");
    let path = place.run(&["config", "path"]);
    assert_eq!(stdout(&path).trim(), file.display().to_string());
    assert!(!file.exists());
    for (args, needle) in [
        (&["theme", "drak"][..], "did you mean `dark`?"),
        (&["thraeds", "4"], "did you mean `threads`?"),
        (&["threads", "four"], "takes a whole number from 0 to 1024"),
        (&["keys.sned", "f5"], "did you mean `keys.send`?"),
        (&["keys.send", "hyper-x"], "`hyper-x` is no key"),
        (&["send", "f5"], "did you mean `keys.send`?"),
        (&["model", "strater"], "did you mean starter?"),
    ] {
        let output = place.run(&[&["config", "set"], args].concat());
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(
            stderr(&output).contains(needle),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    assert!(!file.exists(), "what is refused is not written");
    place.settings("# mine\nthreads = 2 # all\n\n[review]\nskip = []\n");
    for args in [
        &["threads", "4"][..],
        &["check", "cargo test --lib"],
        &["review.skip", "*.lock", "dist/"],
        &["keys.send", "[\"ctrl-s\"]"],
        &["context.first_token", "5s"],
        &["mouse", "false"],
    ] {
        let output = place.run(&[&["config", "set"], args].concat());
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
    }
    assert_eq!(
        fs::read_to_string(&file).expect("there"),
        "# mine\nthreads = 4 # all\ncheck = \"cargo test --lib\"\nmouse = false\n\n\
         [review]\nskip = [\"*.lock\", \"dist/\"]\n\n[keys]\nsend = [\"ctrl-s\"]\n\n\
         [context]\nfirst_token = \"5s\"\n"
    );
    let get = |key: &str| stdout(&place.run(&["config", "get", key]));
    assert_eq!(get("review.skip"), "*.lock\ndist/\n");
    assert_eq!(get("keys.send"), "ctrl-s\n");
    assert_eq!(get("vim"), "false\n");
    assert_eq!(code(&place.run(&["config", "get", "temperature"])), 1);
    assert_eq!(code(&place.run(&["config", "unset", "threads"])), 0);
    assert_eq!(code(&place.run(&["config", "unset", "threads"])), 1);
    assert!(
        fs::read_to_string(&file)
            .expect("there")
            .starts_with("# mine\ncheck")
    );
    // The environment stands over it, and that is said.
    let mut command = place.command(&["config", "set", "threads", "3"]);
    let output = command.env("HOMEBODY_THREADS", "8").output().expect("runs");
    assert!(
        stderr(&output).contains("in force is 8: HOMEBODY_THREADS"),
        "{}",
        stderr(&output)
    );
}

#[cfg(unix)]
#[test]
fn settings_are_edited_and_checked_behind_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = Place::plain();
    let file = place.home.path().join("config/homebody/config.toml");
    let editor = place.home.path().join("edit.sh");
    let edit = |line: &str| {
        fs::write(
            &editor,
            format!("#!/bin/sh\nprintf '%s\\n' '{line}' >> \"$1\"\n"),
        )
        .expect("ok");
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("set");
        let mut command = place.command(&["config", "edit"]);
        command.env("EDITOR", &editor).output().expect("runs")
    };
    let output = edit("threads = 3");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = fs::read_to_string(&file).expect("made");
    assert!(
        text.contains("#keys.send = [\"enter\"]") && text.ends_with("threads = 3\n"),
        "{text}"
    );
    let output = edit("theme = \"drak\"");
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("did you mean `dark`?"),
        "{}",
        stderr(&output)
    );
    let missing = place
        .command(&["config", "edit"])
        .env("EDITOR", "nosuchedit")
        .output();
    assert!(stderr(&missing.expect("runs")).contains("`nosuchedit` cannot be started"));
    // A link into a folder of dotfiles stays one.
    let dotfile = place.home.path().join("dotfile.toml");
    fs::rename(&file, &dotfile).expect("moved");
    symlink(&dotfile, &file).expect("linked");
    assert_eq!(code(&place.run(&["config", "set", "theme", "light"])), 0);
    assert!(file.is_symlink());
    assert!(
        fs::read_to_string(&dotfile)
            .expect("there")
            .contains("theme = \"light\"")
    );
}
