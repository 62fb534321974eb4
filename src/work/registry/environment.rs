//! The environment of the processes with a network: downloads, and pip. The same whoever asks,
//! with nothing in it that the folder one stands in could have put there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::base::bug::bug;

/// Variables that downloads need, in capitals.
const NAMES: [&str; 25] = [
    "HOME",
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NETRC",
    "LD_LIBRARY_PATH",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "HOMEDRIVE",
    "HOMEPATH",
];
/// Beginnings of further such variables.
const STARTS: [&str; 3] = ["XDG_", "HF_", "PYENV_"];

/// The variables of an environment that downloads are given. `pip` lets the variables of pip
/// through, which a shell set up by a repository may have set (`pull.pip_environment`). Folders of
/// `PATH` that lie in `here`, the repository one stands in, are left out: programs of it would run.
pub(super) fn kept(
    all: impl Iterator<Item = (OsString, OsString)>,
    pip: bool,
    here: Option<&Path>,
) -> Vec<(OsString, OsString)> {
    all.filter(|(name, _)| is_needed(name, pip))
        .map(|(name, value)| match name.to_str() {
            Some("PATH") => {
                let value = clean_path(&value, here);
                (name, value)
            }
            _ => (name, value),
        })
        .filter(|(name, value)| {
            // A library folder of the repository is as good as a program of it.
            name != "LD_LIBRARY_PATH" || clean_path(value, here) == *value
        })
        .collect()
}

fn is_needed(name: &OsStr, pip: bool) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let upper = name.to_ascii_uppercase();
    NAMES.contains(&upper.as_str())
        || STARTS.iter().any(|start| upper.starts_with(start))
        || upper.ends_with("_PROXY")
        || pip && (upper.starts_with("PIP_") || upper == "VIRTUAL_ENV")
}

/// The folders of a search path that lie nowhere in `here`, nor in another repository or an
/// environment that a project has made for itself.
fn clean_path(value: &OsStr, here: Option<&Path>) -> OsString {
    let home = home();
    let lies_in = |path: &Path| {
        // A folder that is not there is judged as it is written.
        let real = path.canonicalize();
        let real = real.as_deref().unwrap_or(path);
        here.is_some_and(|here| path.starts_with(here) || real.starts_with(here))
            || is_of_a_project(real, home.as_deref())
    };
    let folders: Vec<PathBuf> = std::env::split_paths(value)
        .filter(|path| path.is_absolute() && !lies_in(path))
        .collect();
    // Each came from a search path, and so goes into one.
    let joined = std::env::join_paths(folders);
    joined.unwrap_or_else(|e| bug(&e.to_string(), OsString::new()))
}

/// The home folder, links followed; as it is written where it is not there.
fn home() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.canonicalize().unwrap_or(home))
}

/// Tells whether programs of a folder belong to a project of the user: to a virtual environment
/// (PEP 405), or to a repository below the home folder that is none of those by which toolchains
/// are installed (`~/.pyenv`, `~/.asdf`).
fn is_of_a_project(folder: &Path, home: Option<&Path>) -> bool {
    if folder
        .parent()
        .is_some_and(|above| above.join("pyvenv.cfg").exists())
    {
        return true;
    }
    let Some(inside) = home.and_then(|home| folder.strip_prefix(home).ok()) else {
        return false;
    };
    let tool = inside
        .components()
        .next()
        .is_some_and(|first| first.as_os_str().as_encoded_bytes().starts_with(b"."));
    let mut above = folder.ancestors().take_while(|above| Some(*above) != home);
    !tool && above.any(|above| above.join(".git").exists())
}

/// The repository, or else the folder, that one stands in: the outermost of several. None where
/// that is the home folder or one that holds it, or where the system does not tell.
pub(super) fn here() -> Option<PathBuf> {
    let dir = std::env::current_dir().ok()?.canonicalize().ok()?;
    let home = home();
    let narrow = |dir: &&Path| {
        let holds_home = home.as_ref().is_some_and(|home| home.starts_with(dir));
        !holds_home && dir.parent().is_some()
    };
    let roots = dir.ancestors().filter(|dir| dir.join(".git").exists());
    let root = roots.filter(narrow).last().unwrap_or(&dir);
    Some(root).filter(narrow).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_downloads_need_is_handed_on() {
        for name in [
            "HOME",
            "https_proxy",
            "NO_PROXY",
            "HF_TOKEN",
            "XDG_DATA_HOME",
        ] {
            assert!(is_needed(OsStr::new(name), false), "{name}");
        }
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "SSH_AUTH_SOCK",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "LD_PRELOAD",
            "PWD",
            "PIP_INDEX_URL",
            "VIRTUAL_ENV",
        ] {
            assert!(!is_needed(OsStr::new(name), false), "{name}");
        }
        assert!(is_needed(OsStr::new("PIP_INDEX_URL"), true));
        assert!(!is_needed(OsStr::new("PYTHONPATH"), true));
    }

    #[cfg(unix)]
    #[test]
    fn no_program_of_the_repository_is_found() {
        let all = [
            ("PATH", "/r/.venv/bin:/usr/bin:bin::./x:/r2/bin"),
            ("LD_LIBRARY_PATH", "/r/lib"),
        ];
        let all = all.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let kept = kept(all.into_iter(), false, Some(Path::new("/r")));
        assert_eq!(kept, [("PATH".into(), "/usr/bin:/r2/bin".into())]);
    }

    #[test]
    fn no_program_of_a_project_is_found_from_elsewhere() {
        let home = tempfile::tempdir().expect("a folder");
        let home = home.path().canonicalize().expect("there");
        let made = |name: &str| {
            let path = home.join(name);
            std::fs::create_dir_all(&path).expect("made");
            path
        };
        made("work/app/.git");
        made("env/bin");
        std::fs::write(home.join("env/pyvenv.cfg"), "").expect("written");
        made(".pyenv/.git");
        let of = |path: &str| is_of_a_project(&made(path), Some(&home));
        assert!(of("work/app/bin") && of("work/app/.venv/bin") && of("env/bin"));
        assert!(!of(".pyenv/shims") && !of("bin") && !of(".local/bin"));
        assert!(!is_of_a_project(Path::new("/usr/bin"), Some(&home)));
    }
}
