//! The file names of a model that is split over several files:
//! `NAME-00001-of-00003.gguf` and its siblings.

use std::path::{Path, PathBuf};

/// Digits of each of the two numbers in a name.
const DIGITS: usize = 5;

/// The name of one part of a split model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardName {
    /// The folder of the part; empty where the path names none.
    folder: PathBuf,
    /// The name before the numbers.
    pub stem: String,
    /// Number of the part, from 1.
    pub number: usize,
    /// Number of all parts, at least 1.
    pub count: usize,
}

impl ShardName {
    /// Reads the name of a file; none where it is not that of a part.
    pub fn of(file: &Path) -> Option<Self> {
        let folder = file.parent()?;
        let name = file.file_name()?.to_str()?.strip_suffix(".gguf")?;
        let (rest, count) = numbered(name)?;
        let (stem, number) = numbered(rest.strip_suffix("-of")?)?;
        (count >= 1 && (1..=count).contains(&number) && !stem.is_empty()).then(|| Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            number,
            count,
        })
    }

    /// Returns the path of the part of that number, from 1.
    pub fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!(
            "{}-{number:0DIGITS$}-of-{:0DIGITS$}.gguf",
            self.stem, self.count
        ))
    }

    /// Returns the paths of all parts, in their order.
    pub fn paths(&self) -> Vec<PathBuf> {
        (1..=self.count).map(|number| self.path(number)).collect()
    }

    /// Returns the file names of the parts that are not there, for people; empty where all are.
    pub fn missing(&self) -> Vec<String> {
        (1..=self.count)
            .map(|number| self.path(number))
            .filter(|path| !path.is_file())
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect()
    }
}

/// Returns all files of the model that a file belongs to, in their order: the file itself, or where
/// its name is that of a part, all parts.
pub fn files_of(file: &Path) -> Vec<PathBuf> {
    ShardName::of(file).map_or_else(|| vec![file.to_owned()], |part| part.paths())
}

/// Joins names to a list for people that does not become long.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 4;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Splits `x-00012` into `x` and 12.
fn numbered(text: &str) -> Option<(&str, usize)> {
    let (rest, digits) = text.rsplit_once('-')?;
    let digits_alone = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    digits_alone.then(|| digits.parse().ok().map(|n| (rest, n)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_know_their_siblings() {
        let part = ShardName::of(Path::new("/m/big-Q4-00002-of-00003.gguf")).expect("a part");
        assert_eq!((part.number, part.count), (2, 3));
        assert_eq!(part.stem, "big-Q4");
        assert_eq!(part.path(1), Path::new("/m/big-Q4-00001-of-00003.gguf"));
        assert_eq!(part.paths().len(), 3);
        assert_eq!(
            files_of(Path::new("a-00001-of-00002.gguf")),
            [
                Path::new("a-00001-of-00002.gguf"),
                Path::new("a-00002-of-00002.gguf")
            ]
        );
    }

    #[test]
    fn other_names_are_files_of_their_own() {
        for name in [
            "a.gguf",
            "a-00001-of-00002.bin",
            "a-1-of-2.gguf",
            "a-00000-of-00002.gguf",
            "a-00003-of-00002.gguf",
            "a-00001-00002.gguf",
            "-00001-of-00002.gguf",
            "a-+0001-of-00002.gguf",
            "a-00001-of-00000.gguf",
        ] {
            assert_eq!(ShardName::of(Path::new(name)), None, "{name}");
            assert_eq!(files_of(Path::new(name)), [Path::new(name)]);
        }
    }

    #[test]
    fn missing_parts_are_named_and_the_list_stays_short() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = dir.path().join("a-00001-of-00007.gguf");
        std::fs::write(&first, "").expect("written");
        let missing = ShardName::of(&first).expect("a part").missing();
        assert_eq!(missing.len(), 6);
        assert!(listed(&missing).ends_with("and 2 more"), "{missing:?}");
        assert_eq!(listed(&missing[..1]), "a-00002-of-00007.gguf");
    }
}
