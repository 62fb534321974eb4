//! Conversations and reports, written to files.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::base::failure::io_failure;
use crate::base::places::private_dir;
use crate::base::text::printable;
use crate::base::{Failure, Result};

/// Files of a kind in the folder of exports.
const MOST: usize = 1_000;

/// Writes a text to the file that the user named, which must not be there; a name without a folder
/// is meant in `dir`. Returns the path.
pub fn named(dir: &Path, name: &str, text: &str) -> Result<String> {
    let path = dir.join(expand(name));
    match new(&path, text)? {
        Some(path) => Ok(path),
        None => Err(
            Failure::usage(format!("{} is there already", path.display()))
                .hint("name another file"),
        ),
    }
}

/// Writes a text to a new file in homebody's own folder. In the repository it would be a file that
/// git shows as new, and that the next review reads. Returns the path.
pub fn own(folder: &Path, stem: &str, text: &str) -> Result<String> {
    private_dir(folder)?;
    for n in 1..=MOST {
        let number = match n {
            1 => String::new(),
            n => format!("-{n}"),
        };
        if let Some(path) = new(&folder.join(format!("{stem}{number}.md")), text)? {
            return Ok(path);
        }
    }
    Err(
        Failure::environment(format!("{} is full of exports", folder.display()))
            .hint("remove those that are no longer needed"),
    )
}

/// Writes a file; none where one of that name is there.
fn new(path: &Path, text: &str) -> Result<Option<String>> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot write {}", path.display()), e);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    match options.open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|e| failed(&e))?;
            Ok(Some(printable(&path.display().to_string()).into_owned()))
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(e) => Err(failed(&e)),
    }
}

/// A path with a `~/` before it expanded as the shell would.
fn expand(name: &str) -> PathBuf {
    match (name.strip_prefix("~/"), dirs::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_goes_to_a_folder_of_its_own_under_a_new_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("state/exports");
        let first = own(&folder, "homebody-review", "one").expect("written");
        let second = own(&folder, "homebody-review", "two").expect("written");
        assert!(first.ends_with("exports/homebody-review.md"), "{first}");
        assert!(second.ends_with("exports/homebody-review-2.md"), "{second}");
        assert_eq!(std::fs::read_to_string(first).expect("there"), "one");
    }

    #[test]
    fn a_named_file_is_written_there_and_never_over_another() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = named(dir.path(), "a b.md", "one").expect("written");
        assert_eq!(path, dir.path().join("a b.md").display().to_string());
        let failure = named(dir.path(), "a b.md", "two").expect_err("there");
        assert!(failure.to_string().ends_with("is there already"));
        assert_eq!(std::fs::read_to_string(path).expect("there"), "one");
    }
}
