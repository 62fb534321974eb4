//! The proof of the walls around a check: what the kernel answered to a command in a real cage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{self, Confinement};
use super::{Allowance, cage};
use crate::base::seal::cage::Walls;
use crate::base::{Cancel, Failure, Result};
use crate::repo::Repo;

/// The outcome of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The walls that stood.
    pub walls: Walls,
    /// The attempts: what was tried, true if it was refused, and the words of the system.
    pub tried: Vec<(String, bool, String)>,
}

/// A time longer than any of the attempts takes.
const LIMIT: Duration = Duration::from_secs(20);

/// Tries from within a cage what a check must not be able to do. Nothing is harmed where it can:
/// files are opened, and nothing is written into them.
///
/// # Errors
/// Of kind environment, if no cage can be built.
pub fn proof(repo: &Repo, place: &Path, allowed: &Allowance) -> Result<Proof> {
    let dir = tempfile::Builder::new()
        .prefix("proof-")
        .tempdir_in(place)
        .map_err(|e| crate::base::failure::io_failure("cannot make a folder for a check", &e))?;
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = dir.path().join(name);
        crate::base::places::private_dir(&folder)?;
        Ok(folder)
    };
    let above = folder("work")?;
    let ours = cage::Ours {
        tree: folder("work/copy")?,
        above,
        temporary: folder("tmp")?,
        base: folder("room")?,
        home: folder("home")?,
        caches: folder("caches")?,
    };
    let git = repo.own_git_dirs();
    let mark = format!("86400.{}", std::process::id());
    let script = script(repo, place, allowed, &mark);
    let cage = cage::cage(&script, repo.root(), &git, &[], &ours, allowed);
    let home = cage.home.clone();
    let mut environment = cage::environment(allowed);
    environment.push(("SSH".into(), home.join(".ssh").into_os_string()));
    let place = Confinement::Caged(Box::new(cage), environment);
    let ran = command::run(&script, &place, LIMIT, &Cancel::never(), &mut |_| {})?;
    let walls = ran
        .walls
        .ok_or_else(|| Failure::bug("a proof without a cage"))?;
    let mut tried: Vec<(String, bool, String)> = ran
        .output
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, '|');
            let (what, verdict, words) = (parts.next()?, parts.next()?, parts.next()?);
            Some((what.to_owned(), verdict == "refused", words.to_owned()))
        })
        .collect();
    let lives = survives(&mark);
    let words = if lives { "it lives on" } else { "it was ended" };
    tried.push(("a process left behind".to_owned(), !lives, words.to_owned()));
    Ok(Proof { walls, tried })
}

/// The attempts as a script for a shell. Each line of its output is what, the verdict, and words.
fn script(repo: &Repo, place: &Path, allowed: &Allowance, mark: &str) -> String {
    let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"));
    // homebody's own folders end with that of its state; where there are none, another stands in.
    let state = allowed.own.last().map_or(place, PathBuf::as_path);
    let mut text = String::from(
        "try() { what=$1; shift; if said=$(sh -c \"$1\" sh \"$2\" 2>&1); then v=done; else \
         v=refused; fi; printf '%s|%s|%s\\n' \"$what\" $v \"$(printf %s \"$said\" | tail -n 1 | \
         sed 's/.*: //')\"; }\n",
    );
    let mut add = |what: &str, command: &str, path: &Path| {
        text.push_str(&format!("try '{what}' '{command}' {}\n", quoted(path)));
    };
    let write = ": >>\"$1/.homebody-proof\" && rm -f \"$1/.homebody-proof\"";
    add("writing the repository", write, repo.root());
    if let Some(git) = repo.git_dir() {
        add("writing git’s folder", write, git);
    }
    add("writing homebody’s state", write, state);
    add("writing beside the copy", ": >../.homebody-proof", place);
    add("reading ~/.ssh", "ls \"$SSH\"", place);
    add("opening the terminal", ": </dev/tty", place);
    let own = format!("kill -0 {}", std::process::id());
    add("a signal to homebody", &own, place);
    text.push_str(&format!("sleep {mark} >/dev/null 2>&1 &\n"));
    text
}

/// Tells whether the process that the script left behind still runs, by the mark among its words.
fn survives(mark: &str) -> bool {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    // A process may end while its entry is read.
    let words = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    words
        .filter(|words| words.starts_with(b"sleep\0"))
        .any(|words| String::from_utf8_lossy(&words).contains(mark))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::base::Config;
    use crate::base::Places;
    use crate::jobs::trial::Trial;

    #[test]
    fn every_wall_stands() {
        let trial = Trial::new(&[("a.txt", "one\n")]);
        let dir = tempfile::tempdir().expect("a folder");
        let place = dir.path().canonicalize().expect("there");
        let own = |name: &str| {
            let folder = place.join(name);
            std::fs::create_dir_all(&folder).expect("made");
            folder
        };
        let places = Places {
            config: own("config"),
            data: own("data"),
            cache: own("cache"),
            state: own("state"),
        };
        let allowed = Allowance::new(&Config::default(), &places);
        let proof = proof(&trial.repo, &own("cache/checks"), &allowed).expect("a cage");
        assert_eq!(proof.tried.len(), 8, "{proof:?}");
        for (what, refused, words) in &proof.tried {
            assert!(refused, "{what}: {words}");
        }
    }
}
