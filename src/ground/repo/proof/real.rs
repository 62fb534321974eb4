//! Repositories that lie on this machine, held against git in clones of them: as they are, after
//! some changes, and by the changes of their last commits.

use std::path::Path;

use super::compare::Apart;
use super::operations::Op;
use super::state::State;
use super::{Fault, Tally, view};
use crate::repo::{DiffSpec, Repo};

/// Commits whose changes are compared.
const COMMITS: usize = 200;

/// Files that are changed, and as many that are removed, renamed or new.
const CHANGED: usize = 20;

/// Compares a clone of a repository.
pub(super) fn compare(place: &Path, repository: &str, tally: &mut Tally) -> Vec<Fault> {
    let base = tempfile::tempdir_in(place).expect("a folder");
    let mut state = State::new(base.path(), &place.join("home"));
    state.clone_of(repository);
    let mut faults = view::compare(&state, tally);
    for id in state.lines(&["rev-list", "-n", &COMMITS.to_string(), "HEAD"]) {
        let repo = Repo::open(&state.root).expect("a repository");
        let before = format!("{id}^1");
        let Ok(theirs) = state.diff(None, &[before.as_str(), id.as_str()]) else {
            // The first commit has none before it.
            continue;
        };
        let ours = repo.diff(&DiffSpec::Commit(id.clone()), 3);
        let compared = match ours {
            Ok(ours) => {
                let blobs = view::blobs(&state, &theirs);
                super::compare::compare(&ours, &theirs, &blobs, &Apart::default(), tally)
            }
            Err(failure) => Err(Fault::new("failure", view::words(&failure))),
        };
        tally.count("commits of a real repository");
        faults.extend(
            compared
                .err()
                .map(|fault| fault.of(&format!("commit {id}"))),
        );
    }
    for operation in changes(&state) {
        state.apply(&operation);
    }
    faults.extend(view::compare(&state, tally));
    faults
}

/// Changes to some of a repository's files.
fn changes(state: &State) -> Vec<Op> {
    let names = state.names(&["ls-files", "-z"]);
    let step = (names.len() / (4 * CHANGED)).max(1);
    let mut all = Vec::new();
    for (n, path) in names.into_iter().step_by(step).enumerate() {
        match n % 4 {
            0 => all.push(Op::Edit(path, n)),
            1 => all.push(Op::Rename(path.clone(), format!("{path}.moved"))),
            2 => all.push(Op::Delete(path)),
            _ => all.extend([
                Op::Copy(path.clone(), format!("new/{n}.txt")),
                Op::Edit(path.clone(), n),
                Op::Git(vec!["add".to_owned(), "--".to_owned(), path]),
            ]),
        }
    }
    all
}
