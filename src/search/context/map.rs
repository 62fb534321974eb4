//! A map of the repository: the files that matter most and what they define, names only. It
//! depends on the index alone, so that it stays the same from question to question and is read
//! by the model once.

use std::fmt::Write as _;

use super::changes::most;
use crate::base::text::printable;
use crate::base::{Result, TokenCount};
use crate::index::{Index, Outlined};

/// Repositories with fewer files of code need no map.
const FEWEST: usize = 6;
/// Fewest tokens that are worth a map.
const LEAST: usize = 60;
/// Most names of a file, in the order tried: rather more files than more names.
const NAMES: [usize; 3] = [6, 4, 2];
/// Part of the files, in percent, that are enough: with fewer, names are given up for more files.
const ENOUGH: usize = 60;
/// Most files of a map, whatever the room: among more nobody finds anything.
const MOST: usize = 120;

/// Draws the map in at most `budget` tokens; empty where there is too little to show or no room.
///
/// # Errors
/// As [`Index::outline`].
pub fn map(index: &Index, budget: usize, count: &dyn TokenCount) -> Result<String> {
    if budget < LEAST {
        return Ok(String::new());
    }
    let files = index.outline()?;
    if files.len() < FEWEST {
        return Ok(String::new());
    }
    let mut order: Vec<&Outlined> = files.iter().collect();
    order.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| a.path.cmp(&b.path))
    });
    order.truncate(MOST);
    let mut best = String::new();
    for names in NAMES {
        let first = |n: usize| drawn(order.split_at(n).0, names);
        let fits = most(order.len(), |n| count.count(&first(n)) <= budget);
        best = first(fits);
        if fits * 100 >= order.len() * ENOUGH {
            break;
        }
    }
    Ok(best)
}

/// Writes out files in order of path, each folder named once.
fn drawn(files: &[&Outlined], names: usize) -> String {
    let mut files = files.to_vec();
    files.sort_by(|a, b| {
        let key = |file: &Outlined| (file.path.folder().to_owned(), file.path.clone());
        key(a).cmp(&key(b))
    });
    let mut out = String::new();
    let mut folder = None;
    for file in files {
        let own = file.path.folder();
        if folder != Some(own) && !own.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}/", printable(own));
        }
        folder = Some(own);
        let some: Vec<&str> = file.names.iter().take(names).map(String::as_str).collect();
        let indent = if own.is_empty() { "" } else { "  " };
        let _ = writeln!(
            out,
            "{indent}{}: {}",
            printable(file.path.name()),
            printable(&some.join(", "))
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TokenCount;
    use crate::base::count::RoughCount;
    use crate::repo::Repo;

    fn index(files: usize) -> std::sync::Arc<Index> {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("src/deep")).expect("made");
        for n in 0..files {
            let folder = if n % 3 == 0 { "src/deep" } else { "src" };
            let text = format!(
                "const LIMIT: u32 = {n};\npub fn open_{n}() {{}}\npub struct Door{n};\nimpl Door{n} {{\n    fn shut(&self) {{}}\n}}\n"
            );
            std::fs::write(dir.path().join(format!("{folder}/door_{n}.rs")), text)
                .expect("written");
        }
        let repo = Repo::open(dir.path()).expect("a repository");
        crate::index::built(&repo, &dir.path().join("index")).expect("an index")
    }

    #[test]
    fn folders_are_named_once_and_types_come_first() {
        let map = map(&index(7), 500, &RoughCount).expect("drawn");
        assert!(
            map.starts_with("src/\n  door_1.rs: Door1, open_1\n  door_2.rs: Door2, open_2\n"),
            "{map}"
        );
        assert!(
            map.contains("src/deep/\n  door_0.rs: Door0, open_0\n"),
            "{map}"
        );
        assert!(!map.contains("shut") && !map.contains("LIMIT"));
    }

    #[test]
    fn any_budget_holds_and_small_repositories_need_none() {
        let many = index(40);
        for budget in [0, 59, 60, 100, 200, 400] {
            let map = map(&many, budget, &RoughCount).expect("drawn");
            assert!(RoughCount.count(&map) <= budget, "{map}");
            assert_eq!(map.is_empty(), budget < LEAST);
        }
        assert_eq!(map(&index(3), 500, &RoughCount).as_deref(), Ok(""));
    }
}
