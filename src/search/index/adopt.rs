//! A first index from that of another working tree: most files of two trees of one repository
//! are equal, and what was parsed for one need not be parsed for the other.

use std::fs;
use std::path::{Path, PathBuf};

use super::store;
use crate::base::places::private_dir;
use crate::base::{Cancel, Result};

/// Takes over the first good index of `others`, folders of indexes, where `dir` holds none yet;
/// [`super::build()`] then brings it up to date. Files are linked where the file system can, since
/// an index never changes one in place; a link costs no room. Tells whether one was taken.
///
/// # Errors
/// Of kind interrupted when cancelled; of kind environment, if nothing can be written in `dir`.
pub fn adopt(dir: &Path, others: &[PathBuf], cancel: &Cancel) -> Result<bool> {
    let good = |dir: &Path| matches!(store::load(dir), Ok(Some(_)));
    // Cheap at every start but the first.
    if store::is_there(dir) || !others.iter().any(|other| good(other)) {
        return Ok(false);
    }
    private_dir(dir)?;
    let Some(_lock) = store::lock(dir, cancel)? else {
        return Ok(false);
    };
    // Whoever had the lock before us has built one.
    Ok(!store::is_there(dir) && fill(dir, others))
}

/// Takes over the first of `others` that is good when it has arrived; tells whether one was.
fn fill(dir: &Path, others: &[PathBuf]) -> bool {
    others.iter().any(|other| {
        if other == dir || !matches!(store::load(other), Ok(Some(_))) {
            return false;
        }
        let taken = take(other, dir)
            .and_then(|()| take(&store::pieces_dir(other), &store::pieces_dir(dir)));
        // The other may have been written to meanwhile: then what is here does not fit together.
        let good = taken.is_some() && matches!(store::load(dir), Ok(Some(_)));
        if !good {
            // What is left of it is cleared by who builds anew.
            let _ = store::clear(dir);
        }
        good
    })
}

/// Links or copies the files of a folder that are not locks; none if the disk refuses one of them.
fn take(from: &Path, to: &Path) -> Option<()> {
    private_dir(to).ok()?;
    for entry in fs::read_dir(from).ok()?.flatten() {
        let name = entry.file_name();
        let is_lock = Path::new(&name).extension().is_some_and(|e| e == "lock") || name == "lock";
        if is_lock || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let target = to.join(&name);
        if fs::hard_link(entry.path(), &target).is_err() {
            fs::copy(entry.path(), &target).ok()?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::build::build;
    use super::*;
    use crate::repo::{Repo, WalkRules};

    #[test]
    fn a_second_working_tree_parses_only_what_differs() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        for root in [&one, &two] {
            fs::create_dir_all(root).expect("made");
            for n in 0..30 {
                let text = format!("/// Opens door {n}.\npub fn open_{n}() {{ turn_key({n}); }}\n");
                fs::write(root.join(format!("door_{n}.rs")), text).expect("written");
            }
        }
        fs::write(two.join("door_7.rs"), "/// Shuts it.\npub fn shut() {}\n").expect("written");
        let (first, second) = (dir.path().join("ix1"), dir.path().join("ix2"));
        let built = |root: &Path, ix: &Path| {
            let repo = Repo::open(root).expect("a repository");
            let rules = WalkRules::default();
            build(&repo, ix, &rules, false, &Cancel::never(), &mut |_| {}).expect("an index")
        };
        let from = std::slice::from_ref(&first);
        let cancel = Cancel::never();
        assert_eq!(
            adopt(&second, from, &cancel),
            Ok(false),
            "there is none to take"
        );
        built(&one, &first);
        assert_eq!(adopt(&second, from, &cancel), Ok(true));
        assert_eq!(
            adopt(&second, from, &cancel),
            Ok(false),
            "there is one already"
        );
        let index = built(&two, &second);
        assert_eq!(index.named("shut").len(), 1);
        assert!(index.named("open_7").is_empty());
        assert_eq!(index.named("open_8").len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let shared = fs::read_dir(store::pieces_dir(&second))
                .expect("there")
                .flatten()
                .filter(|entry| entry.metadata().is_ok_and(|facts| facts.nlink() > 1))
                .count();
            assert!(shared > 0, "pieces that are equal are shared");
        }
        // The first is as it was.
        let index = built(&one, &first);
        assert_eq!(
            (index.named("open_7").len(), index.named("shut").len()),
            (1, 0)
        );
    }
}
