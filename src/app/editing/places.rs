//! The files and folders that can be named, with their sizes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::text::counted;
use crate::base::{LineRange, RepoPath};
use crate::index::FileSize;

/// Bytes that are likely to be one token.
const BYTES: u64 = 4;

/// A file or folder that can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path; with a slash behind it for a folder.
    pub text: String,
    /// The size of a file; none where it is not known.
    pub size: Option<FileSize>,
    /// Number of files in a folder, at any depth; 0 for a file.
    pub files: u32,
}

impl Place {
    /// True for a folder.
    pub const fn is_folder(&self) -> bool {
        self.files > 0
    }

    /// Text put into the composer: behind `@` if `at`, in quotes where it has to be.
    pub fn insert(&self, at: bool) -> String {
        let sign = if at { "@" } else { "" };
        let text = self.text.as_str();
        let bare = !text.contains(|c: char| c.is_whitespace() || c == '"');
        match (bare && !(at && is_other(text)), self.is_folder()) {
            // One types on within a folder.
            (true, true) => format!("{sign}{text}"),
            (true, false) => format!("{sign}{text} "),
            (false, _) => format!("{sign}\"{text}\" "),
        }
    }

    /// The first lines of a file, at most so many; none of a folder, or an empty file.
    pub fn first_lines(&self, most: u32) -> Option<(RepoPath, LineRange)> {
        let lines = self.size.map_or(most, |size| size.lines.min(most));
        let path = RepoPath::new(&self.text).ok()?;
        (!self.is_folder() && lines > 0).then(|| (path, LineRange::new(1, lines)))
    }

    /// A description in a line: the size, and that lines may be named.
    pub fn about(&self) -> String {
        if self.is_folder() {
            return counted(self.files as usize, "file");
        }
        let Some(size) = self.size else {
            return String::new();
        };
        let lines = counted(size.lines as usize, "line");
        let tokens = match size.bytes / BYTES {
            n @ 0..1_000 => n.to_string(),
            n => format!("{}k", n / 1_000),
        };
        let range = if size.lines > 1 { " · :FROM-TO" } else { "" };
        format!("{lines} · ~{tokens} tokens{range}")
    }
}

/// The files of an index, and what can be named of them. For many files it takes a while to make:
/// it is made where the index is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownFiles {
    /// The files, ordered by path.
    pub paths: Vec<RepoPath>,
    /// Their sizes; empty where they are not known.
    sizes: Vec<FileSize>,
    /// The files and the folders that they lie in.
    places: Arc<Vec<Place>>,
    /// Files that are a way in, each with the name of something it defines.
    pub notable: Vec<(RepoPath, String)>,
}

impl KnownFiles {
    /// The files of an index, ordered by path, and their sizes.
    pub fn new(paths: Vec<RepoPath>, sizes: Vec<FileSize>) -> Self {
        Self {
            places: Arc::new(places(&paths, &sizes, &[])),
            paths,
            sizes,
            notable: Vec::new(),
        }
    }

    /// The same with files that are a way in, each with the name of something it defines.
    #[must_use]
    pub fn with_notable(mut self, notable: Vec<(RepoPath, String)>) -> Self {
        self.notable = notable;
        self
    }

    /// The files and folders that can be named, within some of them where there are any.
    pub fn places(&self, within: &[RepoPath]) -> Arc<Vec<Place>> {
        if within.is_empty() {
            Arc::clone(&self.places)
        } else {
            Arc::new(places(&self.paths, &self.sizes, within))
        }
    }
}

/// Returns a path as it is mentioned: in quotes where it has to be.
pub fn mention_text(path: &RepoPath) -> String {
    let text = path.as_str().to_owned();
    let place = Place {
        text,
        size: None,
        files: 0,
    };
    place.insert(true)
}

/// Tells whether a word means something else behind `@` than the file of that name.
fn is_other(text: &str) -> bool {
    let read = crate::jobs::named(&format!("@{text}"));
    !matches!(read.as_slice(), [crate::jobs::Named::Path(mention)]
        if mention.range.is_none() && mention.path.as_str() == text.trim_end_matches('/'))
}

/// Makes the list of files and of all folders that they lie in. `within` narrows it to some
/// files and folders, where there are any.
fn places(paths: &[RepoPath], sizes: &[FileSize], within: &[RepoPath]) -> Vec<Place> {
    let mut folders: BTreeMap<&str, u32> = BTreeMap::new();
    let mut files = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        if !within.is_empty() && !within.iter().any(|part| path.is_below(part)) {
            continue;
        }
        let mut folder = path.folder();
        while !folder.is_empty() {
            *folders.entry(folder).or_default() += 1;
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
        files.push(Place {
            text: path.as_str().to_owned(),
            size: sizes.get(at).copied(),
            files: 0,
        });
    }
    let folder = |(path, files): (&str, u32)| Place {
        text: format!("{path}/"),
        size: None,
        files,
    };
    let mut all: Vec<Place> = folders.into_iter().map(folder).collect();
    all.append(&mut files);
    all
}
