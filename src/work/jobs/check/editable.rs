//! Python packages that were installed "editable", which lead to the repository and not to the
//! copy.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::cage::read_plain;

/// Most bytes of a `.pth` file or import hook: larger ones list more than packages.
const LARGEST: u64 = 256 << 10;

/// The `PYTHONPATH` by which packages of the repository that an environment has installed editable
/// (by `.pth` files or import hooks) are found in its copy. None where no environment has such
/// packages.
pub(super) fn python_path(root: &Path, tree: &Path) -> Option<OsString> {
    let mut environments: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .collect();
    environments.extend([".venv", "venv", "env", ".env"].map(|name| root.join(name)));
    let mut found: Vec<PathBuf> = Vec::new();
    for environment in environments {
        for folder in site_packages(&environment) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let hook = path.extension().is_some_and(|e| e == "py");
                let named = entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("__editable__");
                let pth = path.extension().is_some_and(|e| e == "pth");
                if !(pth || hook && named) {
                    continue;
                }
                let Some(text) = read_plain(&path, LARGEST) else {
                    continue;
                };
                for inside in places(&text, root) {
                    // A hook names packages, a list the folders that hold them.
                    let holder = inside.parent().filter(|_| hook);
                    let inside = holder.unwrap_or(&inside);
                    let at = tree.join(inside);
                    if !found.contains(&at) {
                        found.push(at);
                    }
                }
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    let before = std::env::var_os("PYTHONPATH").unwrap_or_default();
    found.extend(std::env::split_paths(&before).filter(|path| !path.as_os_str().is_empty()));
    // A path that holds the sign between paths cannot be said.
    std::env::join_paths(found).ok()
}

/// The folders of installed packages of an environment.
fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let mut all = vec![environment.join("Lib/site-packages")];
    for entry in fs::read_dir(environment.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
    {
        all.push(entry.path().join("site-packages"));
    }
    all
}

/// The paths below `root` that a text names, from there.
fn places(text: &str, root: &Path) -> Vec<PathBuf> {
    let Some(root) = root.to_str() else {
        return Vec::new();
    };
    text.match_indices(root)
        .filter_map(|(at, _)| {
            let rest = text.get(at + root.len()..)?;
            let end = rest.find(['\n', '\r', '\'', '"']).unwrap_or(rest.len());
            let inside = rest.get(..end)?;
            // `/work/app2` is not below `/work/app`.
            match inside {
                "" => Some(PathBuf::new()),
                _ => inside.strip_prefix(['/', '\\']).map(PathBuf::from),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_lead_to_the_repository_are_found_in_the_copy() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("app");
        let site = root.join(".venv/lib/python3.12/site-packages");
        fs::create_dir_all(&site).expect("made");
        let put = |name: &str, text: String| fs::write(site.join(name), text).expect("written");
        let at = root.display();
        put("a.pth", format!("{at}/src\nimport x\n{at}2/src\n"));
        put(
            "__editable___b_finder.py",
            format!("MAPPING = {{'b': '{at}/lib/b'}}\n"),
        );
        put("other.py", format!("'{at}/no'"));
        let path = python_path(&root, Path::new("/copy")).expect("some");
        let mut all: Vec<_> = std::env::split_paths(&path).collect();
        all.truncate(2);
        all.sort();
        assert_eq!(all, [Path::new("/copy/lib"), Path::new("/copy/src")]);
        assert!(python_path(&dir.path().join("none"), Path::new("/copy")).is_none());
    }
}
