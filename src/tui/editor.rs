//! `$EDITOR`, in the terminal that is lent to it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::Editable;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Bytes of an edited text that are read back at most.
const MOST: u64 = 4_000_000;

/// Opens the editor and waits. Returns the text as saved where it was changed.
///
/// # Errors
/// Of kind environment, if the editor cannot be started or the text not be read again; of
/// kind input, if the file lies outside the repository.
pub fn open(editable: &Editable, root: &Path) -> Result<Option<String>> {
    let words = words();
    match editable {
        Editable::File { path, line } => {
            let file = path.under(root);
            let real = file
                .canonicalize()
                .map_err(|e| io_failure(format!("cannot open {path}"), &e))?;
            if !real.starts_with(root) {
                return Err(Failure::input(format!(
                    "{path} leads out of the repository"
                )));
            }
            run(&words, &real, *line, root)?;
            Ok(None)
        }
        Editable::Text { text, name, line } => {
            let safe: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            let failed = |e: &std::io::Error| io_failure("a temporary file cannot be used", e);
            let mut file = tempfile::Builder::new()
                .prefix("homebody-")
                .suffix(&format!("-{safe}"))
                .tempfile()
                .map_err(|e| failed(&e))?;
            file.write_all(text.as_bytes()).map_err(|e| failed(&e))?;
            file.flush().map_err(|e| failed(&e))?;
            run(&words, file.path(), *line, root)?;
            // Editors put a new file in the old one's place: read by name.
            let mut bytes = Vec::new();
            std::fs::File::open(file.path())
                .and_then(|f| f.take(MOST + 1).read_to_end(&mut bytes))
                .map_err(|e| failed(&e))?;
            if bytes.len() as u64 > MOST {
                return Err(Failure::input("the text is too large to be taken back"));
            }
            let saved = String::from_utf8_lossy(&bytes).into_owned();
            Ok((saved != *text).then_some(saved))
        }
    }
}

/// Opens a file where it lies, and waits.
///
/// # Errors
/// Of kind environment, if the editor cannot be started or ends with a failure.
pub fn edit(file: &Path) -> Result<()> {
    let beside = file.parent().unwrap_or(Path::new("."));
    run(&words(), file, 1, beside)
}

/// The editor's command, in words.
fn words() -> Vec<String> {
    let set = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .map(|value| {
            value
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .find(|words| !words.is_empty());
    set.unwrap_or_else(|| {
        let fallback = if cfg!(windows) { "notepad" } else { "vi" };
        vec![fallback.to_owned()]
    })
}

fn run(words: &[String], file: &Path, line: u32, root: &Path) -> Result<()> {
    let Some((program, rest)) = words.split_first() else {
        return Err(Failure::bug("the editor has no name"));
    };
    let status = Command::new(program)
        .args(rest)
        .args(place(program, file, line))
        .current_dir(root)
        .status()
        .map_err(|e| {
            io_failure(format!("the editor `{program}` cannot be started"), &e)
                .hint("set EDITOR to an editor that is installed")
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(
            Failure::environment(format!("`{program}` ended with {status}"))
                .hint("nothing was taken over"),
        )
    }
}

/// File and line as the editor wants them.
fn place(program: &str, file: &Path, line: u32) -> Vec<std::ffi::OsString> {
    // A path such as `..` names no program: then no way of naming a line is known.
    let name = Path::new(program)
        .file_stem()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let with_line = || {
        let mut word = PathBuf::from(file).into_os_string();
        word.push(format!(":{line}"));
        word
    };
    match name.as_str() {
        _ if line <= 1 => vec![file.into()],
        "hx" | "helix" | "zed" | "subl" => vec![with_line()],
        "code" | "codium" => vec!["--goto".into(), with_line()],
        "vi" | "vim" | "nvim" | "view" | "nano" | "emacs" | "emacsclient" | "micro" | "kak"
        | "mg" | "joe" | "jed" => vec![format!("+{line}").into(), file.into()],
        _ => vec![file.into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_editor_is_told_the_line_in_its_own_way() {
        let of = |program: &str, line| {
            place(program, Path::new("/a b.rs"), line)
                .iter()
                .map(|w| w.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("/usr/bin/vim", 7), ["+7", "/a b.rs"]);
        assert_eq!(of("hx", 7), ["/a b.rs:7"]);
        assert_eq!(of("code", 7), ["--goto", "/a b.rs:7"]);
        assert_eq!(of("strange", 7), ["/a b.rs"]);
        assert_eq!(of("vim", 1), ["/a b.rs"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_the_editor_saves_is_taken_over_and_no_file_outside_is_opened() {
        let root = tempfile::tempdir().expect("a folder");
        let root_path = root.path().canonicalize().expect("there");
        let script = root_path.join("edit.sh");
        std::fs::write(&script, "#!/bin/sh\nprintf more >> \"$1\"\n").expect("written");
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("set");
        let file = root_path.join("x");
        std::fs::write(&file, "a ").expect("written");
        run(&[script.display().to_string()], &file, 1, &root_path).expect("runs");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "a more");
        std::os::unix::fs::symlink("/etc/hostname", root_path.join("out")).expect("linked");
        let path = crate::base::RepoPath::new("out").expect("fine");
        let refused = open(&Editable::File { path, line: 1 }, &root_path);
        assert!(refused.is_err());
    }
}
