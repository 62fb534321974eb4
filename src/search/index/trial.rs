//! An index of files that a test names.

use std::fs;
use std::sync::Arc;

use super::{Index, build};
use crate::base::Cancel;
use crate::repo::{Repo, WalkRules};

/// Builds the index of a folder with these files. What it holds lives on when the folder is gone.
pub(super) fn indexed(files: &[(&str, &str)]) -> Arc<Index> {
    let dir = tempfile::tempdir().expect("a folder");
    let cache = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }
    let repo = Repo::open(dir.path()).expect("a repository");
    let rules = WalkRules::default();
    let cancel = Cancel::never();
    build(&repo, cache.path(), &rules, false, &cancel, &mut |_| {}).expect("an index")
}
