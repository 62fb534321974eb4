//! The git hook that reviews before each commit: put in and taken out, never over another.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Code;
use super::invocation::Invocation;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// The line by which a hook is known as ours.
const MARK: &str = "# put here by homebody review --install-hook";

/// The text of the hook. Findings, an interrupt, and a change that could not be looked at stop the
/// commit; where no model can be run, the rules decide, and it is said that no model has read it.
fn script(program: &Path) -> String {
    let quoted = program.to_string_lossy().replace('\'', "'\\''");
    format!(
        "#!/bin/sh\n{MARK}\n\
         # Take it out with: homebody review --remove-hook\n\
         # Pass it over once with: git commit --no-verify\n\
         program='{quoted}'\n\
         [ -x \"$program\" ] || program=homebody\n\
         \"$program\" review --staged --fail-on error --hook && exit 0\n\
         [ $? -ne 127 ] || echo \"homebody is not where this hook was made for: nothing has \
         looked at the change\" >&2\n\
         exit 1\n"
    )
}

/// The path where the hook belongs, and true if that lies in the repository.
fn place(invocation: &mut Invocation) -> Result<(PathBuf, bool)> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    if !workspace.repo.is_git() {
        return Err(workspace.repo.no_git());
    }
    let dir = workspace.repo.hooks_dir()?;
    let inside = workspace.repo.holds(&dir);
    Ok((dir.join("pre-commit"), inside))
}

/// Tells whether the hook that stands at a path is ours; none where there is none.
fn standing(file: &Path) -> Result<Option<bool>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).contains(MARK))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            // A link that leads nowhere is somebody's too.
            Ok(fs::symlink_metadata(file).is_ok().then_some(false))
        }
        Err(e) => Err(io_failure(format!("cannot read {}", file.display()), &e)),
    }
}

/// Runs `review --install-hook`.
pub(super) fn install(invocation: &mut Invocation) -> Result<Code> {
    let (file, inside) = place(invocation)?;
    if !inside {
        return Err(Failure::usage(format!(
            "git looks for hooks outside of this repository: {}",
            file.display()
        ))
        .because("its setting core.hooksPath says so, or a link")
        .hint(
            "other repositories may use them too; if that is meant, put \
             `homebody review --staged --fail-on error --hook` into that file by hand",
        ));
    }
    if standing(&file)? == Some(false) {
        return Err(Failure::usage(format!(
            "there is a hook already, and it is not homebody's: {}",
            file.display()
        ))
        .hint("add `homebody review --staged --fail-on error` to it by hand"));
    }
    let failed = |e: &std::io::Error| io_failure(format!("cannot write {}", file.display()), e);
    let program = std::env::current_exe().map_err(|e| failed(&e))?;
    let dir = file
        .parent()
        .ok_or_else(|| Failure::bug("a hook without a folder"))?;
    fs::create_dir_all(dir).map_err(|e| failed(&e))?;
    let mut beside = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    beside
        .write_all(script(&program).as_bytes())
        .map_err(|e| failed(&e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        beside
            .as_file()
            .set_permissions(fs::Permissions::from_mode(0o755))
            .map_err(|e| failed(&e))?;
    }
    beside.persist(&file).map_err(|e| failed(&e.error))?;
    invocation.out.note(&format!(
        "git runs `homebody review --staged --fail-on error` before each commit now: {}",
        file.display()
    ));
    Ok(0)
}

/// Runs `review --remove-hook`.
pub(super) fn remove(invocation: &mut Invocation) -> Result<Code> {
    let (file, _) = place(invocation)?;
    match standing(&file)? {
        None => {
            invocation.out.note("there is no hook to remove");
            Ok(0)
        }
        Some(false) => Err(Failure::usage(format!(
            "the hook is not homebody's and is left alone: {}",
            file.display()
        ))),
        Some(true) => {
            fs::remove_file(&file)
                .map_err(|e| io_failure(format!("cannot remove {}", file.display()), &e))?;
            invocation.out.note(&format!("removed {}", file.display()));
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        let text = script(Path::new("/it's/homebody"));
        assert!(text.contains("program='/it'\\''s/homebody'\n"), "{text}");
        assert!(text.starts_with("#!/bin/sh\n") && text.contains(MARK));
    }

    #[test]
    fn a_foreign_hook_is_known() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("pre-commit");
        assert_eq!(standing(&file).expect("asked"), None);
        fs::write(&file, "#!/bin/sh\nmake lint\n").expect("written");
        assert_eq!(standing(&file).expect("asked"), Some(false));
        fs::write(&file, script(Path::new("/x"))).expect("written");
        assert_eq!(standing(&file).expect("asked"), Some(true));
    }
}
