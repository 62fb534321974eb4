//! The history of what was typed, on disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::places::write_private;
use crate::base::secrets::masked;
use crate::base::{Failure, Result};

/// Lines of history kept on disk.
const MOST_HISTORY: usize = 1_000;

/// The file the composer's history is kept in.
pub fn file(state: &Path) -> PathBuf {
    state.join("history")
}

/// The history on disk, oldest first; none where it cannot be read.
pub fn load(state: &Path) -> Vec<String> {
    read(&file(state))
}

fn read(file: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(file) else {
        return Vec::new();
    };
    // A line that was cut off or edited by hand is no JSON string, and passed over.
    let all: Vec<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let from = all.len().saturating_sub(MOST_HISTORY);
    all.into_iter().skip(from).collect()
}

/// Adds a line to the history, without the secrets in it.
pub fn save(file: &Path, line: &str) -> Result<()> {
    let mut all = read(file);
    all.push(masked(line)?.into_owned());
    let from = all.len().saturating_sub(MOST_HISTORY);
    let mut text = String::new();
    for line in all.iter().skip(from) {
        let json = serde_json::to_string(line)
            .map_err(|e| Failure::bug("a line of history cannot be written").because(e))?;
        text.push_str(&json);
        text.push('\n');
    }
    write_private(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_private_ordered_and_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("history");
        for i in 0..5 {
            save(&file, &format!("line {i}\nof two")).expect("saved");
        }
        let all = load(dir.path());
        assert_eq!(all.len(), 5);
        assert_eq!(all[4], "line 4\nof two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let key = "AKIA".to_owned() + "QX7RZ2LMN4TBWY5V";
        save(&file, &format!("why is {key} refused?")).expect("saved");
        let last = load(dir.path()).pop().expect("a line");
        assert!(
            last.starts_with("why is ") && !last.contains(&key),
            "{last}"
        );
        fs::write(&file, "not json\n\"fine\"\n").expect("written");
        assert_eq!(load(dir.path()), ["fine"]);
    }
}
