//! Paths inside a repository, and ranges of lines in them.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failure::{Failure, Result};
use super::text::printable;

/// A file inside the repository: relative, `/` between parts, UTF-8, and never leading
/// out of the root. Names with control characters are allowed (they exist), names that no
/// system could write are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

impl RepoPath {
    /// Checks and takes over a relative path. `./` in front and doubled slashes are taken
    /// out; `\` is an ordinary character, since it is one on Unix.
    ///
    /// # Errors
    /// Of kind usage, if the path is empty, absolute, holds NUL, `..` or a `.git` part.
    pub fn new(path: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Failure::usage(format!(
                "`{}` is not a path inside the repository",
                printable(path)
            ))
            .because(why))
        };
        if path.contains('\0') {
            return refuse("it holds a NUL byte");
        }
        if path.starts_with('/') {
            return refuse("it is absolute");
        }
        if cfg!(windows) && path.contains(['\\', ':']) {
            return refuse("`\\` and `:` have a meaning of their own on this system");
        }
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => return refuse("it leads out of a folder"),
                part if is_dot_git(part) => return refuse("it lies in git's own folder"),
                part if cfg!(windows) && is_device(part) => {
                    return refuse("it is the name of a device on this system");
                }
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return refuse("it is empty");
        }
        Ok(Self(parts.join("/")))
    }

    /// Returns the path as text, `/` between parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    pub fn name(&self) -> &str {
        let last = self.0.rsplit_once('/');
        last.map_or(self.as_str(), |(_, name)| name)
    }

    /// Returns the path of the folder, without a slash at the end; empty at the root.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Tells whether this is another path, or lies below it.
    pub fn is_below(&self, part: &Self) -> bool {
        let rest = self.0.strip_prefix(part.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the name's extension, the part behind the last dot, in lower case.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.name().rsplit_once('.')?;
        (!stem.is_empty()).then(|| extension.to_ascii_lowercase())
    }

    /// Returns the path on disk below `root`. Links on the way are not looked for: who writes must
    /// check them.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(self.0.split('/').collect::<PathBuf>())
    }
}

/// Tells whether some system takes a part of a path for `.git`: with dots, blanks or the name of a
/// stream behind it, or under its short name, on NTFS; with characters that nobody sees, on HFS+
/// (CVE-2014-9390; `core.protectNTFS`, `core.protectHFS`).
fn is_dot_git(part: &str) -> bool {
    let seen: String = part.chars().filter(|c| !is_unseen_by_hfs(*c)).collect();
    let file = seen.split(':').next().unwrap_or_default();
    let name = file.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

/// Tells whether HFS+ passes over a character of a name (Apple's technical note 1150).
const fn is_unseen_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Tells whether Windows takes a name for a device, whatever its ending (Naming Files, Paths, and
/// Namespaces).
fn is_device(name: &str) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let upper = stem.trim_end().to_ascii_uppercase();
    let numbered = |start: &str| {
        let rest = upper.strip_prefix(start);
        rest.is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
    };
    matches!(
        upper.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT")
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

impl TryFrom<String> for RepoPath {
    type Error = Failure;
    fn try_from(path: String) -> Result<Self> {
        Self::new(&path)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl AsRef<str> for RepoPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A range of lines of a file, `start..=end`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Ends")]
pub struct LineRange {
    start: u32,
    end: u32,
}

/// The ends of a range as they are written, which may be in any order.
#[derive(Deserialize)]
struct Ends {
    start: u32,
    end: u32,
}

impl From<Ends> for LineRange {
    fn from(ends: Ends) -> Self {
        Self::new(ends.start, ends.end)
    }
}

impl LineRange {
    /// Makes a range; the ends are put in order and raised to 1.
    pub fn new(start: u32, end: u32) -> Self {
        let (a, b) = (start.max(1), end.max(1));
        Self {
            start: a.min(b),
            end: a.max(b),
        }
    }

    /// Returns the first line, from 1.
    pub const fn start(self) -> u32 {
        self.start
    }

    /// Returns the last line, included; never before the first.
    pub const fn end(self) -> u32 {
        self.end
    }

    /// Returns the range from the same first line to another last one; to the first, where that
    /// lies before it.
    #[must_use]
    pub fn up_to(self, end: u32) -> Self {
        Self {
            start: self.start,
            end: end.max(self.start),
        }
    }

    /// Counts the lines.
    pub const fn len(self) -> u32 {
        self.end - self.start + 1
    }

    /// Returns false: a range holds at least one line.
    pub const fn is_empty(self) -> bool {
        false
    }

    /// Tells whether two ranges share a line.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Returns the least range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Tells whether `line` lies in the range.
    pub const fn contains(self, line: u32) -> bool {
        self.start <= line && line <= self.end
    }
}

impl fmt::Display for LineRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_wherever_it_comes_from() {
        let read = |text| serde_json::from_str::<LineRange>(text);
        for (text, start, end) in [
            (r#"{"start":3,"end":5}"#, 3, 5),
            (r#"{"start":5,"end":3}"#, 3, 5),
            (r#"{"start":0,"end":0}"#, 1, 1),
        ] {
            let range = read(text).expect("a range");
            assert_eq!((range.start(), range.end()), (start, end), "{text}");
        }
        assert!(read(r#"{"start":-1,"end":2}"#).is_err());
        assert_eq!(LineRange::new(3, 5).up_to(2), LineRange::new(3, 3));
        let text = serde_json::to_string(&LineRange::new(3, 5)).expect("written");
        assert_eq!(text, r#"{"start":3,"end":5}"#);
    }

    #[test]
    fn good_paths_are_normalized() {
        for (given, kept) in [("a/b.rs", "a/b.rs"), ("./a//b", "a/b"), ("a\nb", "a\nb")] {
            assert_eq!(RepoPath::new(given).map(String::from), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            ".git/config",
            "a/.GIT/x",
            ".git. /x",
            "git~1/hooks/pre-commit",
            "a/GIT~1",
            ".git::$INDEX_ALLOCATION/config",
            ".g\u{200c}it/config",
            "\u{feff}.git",
            "a\0b",
        ] {
            assert!(RepoPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_only_look_like_git_are_names() {
        for good in [
            "git~10",
            ".gitignore",
            "a.git",
            "git",
            ".git-blame-ignore-revs",
            "a:b",
        ] {
            assert!(RepoPath::new(good).is_ok() || cfg!(windows), "{good:?}");
        }
    }

    #[test]
    fn parts_of_a_path() {
        let path = RepoPath::new("src/base/Path.RS").expect("good path");
        assert_eq!(path.name(), "Path.RS");
        assert_eq!(path.folder(), "src/base");
        assert_eq!(path.extension().as_deref(), Some("rs"));
        assert_eq!(RepoPath::new(".env").expect("good path").extension(), None);
    }

    #[test]
    fn display_is_safe() {
        let path = RepoPath::new("a\u{1b}]0;x").expect("good path");
        assert_eq!(path.to_string(), "a\\x1b]0;x");
    }

    #[test]
    fn ranges() {
        let range = LineRange::new(9, 3);
        assert_eq!((range.start, range.end, range.len()), (3, 9, 7));
        assert!(range.overlaps(LineRange::new(9, 12)));
        assert!(!range.overlaps(LineRange::new(10, 12)));
        assert_eq!(range.to_string(), "3-9");
    }
}
