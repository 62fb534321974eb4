//! The word of git itself on a state, read from the output that it has for programs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;

use super::state::State;

/// A line of a hunk as git prints it: the sign, the text without its newline, and true where
/// the file ends here without one.
pub(super) type GitLine = (u8, Vec<u8>, bool);

/// A hunk as git prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GitHunk {
    /// First line and count of the old side, then of the new one.
    pub range: [u32; 4],
    pub lines: Vec<GitLine>,
}

/// One file of a diff, as git tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    /// The letter of its status.
    pub letter: char,
    pub old_mode: String,
    pub new_mode: String,
    pub old_id: String,
    pub new_id: String,
    /// The name before, of a renamed file.
    pub old_path: Option<String>,
    pub path: String,
    pub binary: bool,
    pub hunks: Vec<GitHunk>,
    /// The text of the new side alone, where the file became one of another type.
    pub replaced: Option<Vec<GitHunk>>,
}

impl Change {
    /// Tells whether git prints nothing of the content.
    pub fn same_content(&self) -> bool {
        self.hunks.is_empty() && !self.binary
    }

    /// Tells whether one of the sides is a submodule.
    pub fn of_submodule(&self) -> bool {
        self.old_mode == "160000" || self.new_mode == "160000"
    }
}

/// The fields of an output that ends each with NUL.
pub(super) fn fields(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Settings by which git runs nothing of the repository.
pub(super) const OFF: &[&str] = &[
    "-c",
    "filter.f.clean=",
    "-c",
    "filter.f.required=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.safecrlf=false",
];

/// Arguments of each diff, whatever the repository sets.
const DIFF: &[&str] = &[
    "-c",
    "diff.suppressBlankEmpty=false",
    "diff",
    "--raw",
    "-p",
    "-z",
    "-M",
    "-l1000",
    "-U3",
    "--no-color",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=dirty",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--inter-hunk-context=0",
    "--no-relative",
];

impl State {
    /// The diff that git makes with some arguments more; the failure in git's words.
    pub fn diff(&self, index: Option<&PathBuf>, more: &[&str]) -> Result<Vec<Change>, String> {
        let arguments = [OFF, DIFF, more].concat();
        let output = self.ask_with(index.map(PathBuf::as_path), &arguments, b"");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(changes(&output.stdout))
    }

    /// A copy of the index in which what is untracked is announced, so that a diff tells it as
    /// new; none where git cannot do that.
    pub fn announced(&self, untracked: &[String]) -> Option<PathBuf> {
        let own = self.lines(&["rev-parse", "--git-path", "index"]);
        let own = self.root.join(own.first()?);
        let copy = own.with_file_name("proof-index");
        // Before the first `git add` there is no index.
        let _ = fs::remove_file(&copy);
        let _ = fs::copy(&own, &copy);
        let names: Vec<u8> = untracked
            .iter()
            .filter(|path| !path.ends_with('/'))
            .flat_map(|path| [path.as_bytes(), b"\0"].concat())
            .collect();
        if names.is_empty() {
            return Some(copy);
        }
        let add = [
            "-c",
            "core.fsmonitor=false",
            "--literal-pathspecs",
            "add",
            "-N",
            "--sparse",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
        ];
        let done = self.ask_with(Some(&copy), &add, &names);
        // Announcing breaks some indexes that are sparse: a name stands there again and again.
        let listed = ["ls-files", "-z"];
        let listed = fields(&self.ask_with(Some(&copy), &listed, b"").stdout);
        let sound = untracked
            .iter()
            .filter(|path| !path.ends_with('/'))
            .all(|path| listed.contains(path));
        (done.status.success() && sound).then_some(copy)
    }

    /// The paths of an output of NUL-ended names.
    pub fn names(&self, arguments: &[&str]) -> Vec<String> {
        fields(&self.ask(arguments).stdout)
    }

    /// The contents of blobs, by id.
    pub fn blobs(&self, ids: &BTreeSet<String>) -> HashMap<String, Vec<u8>> {
        let input: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let output = self.ask_with(None, &["cat-file", "--batch"], input.as_bytes());
        let mut found = HashMap::new();
        let mut rest = output.stdout.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            let words: Vec<&str> = head.split(' ').collect();
            let [id, _, size] = words[..] else { continue };
            let size: usize = size.parse().expect("a size");
            found.insert(id.to_owned(), rest[..size].to_vec());
            rest = &rest[size + 1..];
        }
        found
    }

    /// The commit of each line of a file, and the file's name in it; none where git cannot tell.
    pub fn blame(&self, path: &str) -> Option<Vec<(String, String)>> {
        let off = ["-c", "filter.f.clean=", "-c", "filter.f.required=false"];
        let plain = ["-c", "core.quotePath=false"];
        let asked = ["blame", "--porcelain", "--no-textconv", "--", path];
        let output = self.ask(&[&off[..], &plain, &asked].concat());
        if !output.status.success() {
            return None;
        }
        let mut lines = Vec::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut id = String::new();
        for line in output.stdout.split(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            let first = text.split(' ').next().unwrap_or("");
            if line.first() == Some(&b'\t') {
                lines.push((id.clone(), names.get(&id).cloned().unwrap_or_default()));
            } else if let Some(name) = text.strip_prefix("filename ") {
                names.insert(id.clone(), name.to_owned());
            } else if first.len() == 40 && first.bytes().all(|b| b.is_ascii_hexdigit()) {
                id = first.to_owned();
            }
        }
        Some(lines)
    }

    /// Tells of each path whether git ignores a file there; none where git does not say.
    pub fn ignored(&self, paths: &[String]) -> Option<Vec<bool>> {
        let input: Vec<u8> = paths
            .iter()
            .flat_map(|path| [path.as_bytes(), b"\0"].concat())
            .collect();
        let asked = ["check-ignore", "-z", "-v", "-n", "--stdin"];
        let output = self.ask_with(None, &asked, &input);
        let told = fields(&output.stdout);
        if told.len() != paths.len() * 4 {
            return None;
        }
        let each = told.chunks(4);
        Some(
            each.map(|told| !told[2].is_empty() && !told[2].starts_with('!'))
                .collect(),
        )
    }
}

/// Reads the raw form of a diff and the patches behind it.
pub(super) fn changes(output: &[u8]) -> Vec<Change> {
    let mut found = Vec::new();
    let mut rest = output;
    let mut next = || -> Option<String> {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let field = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        Some(field)
    };
    while let Some(head) = next() {
        let Some(head) = head.strip_prefix(':') else {
            break;
        };
        let words: Vec<&str> = head.split(' ').collect();
        let [old_mode, new_mode, old_id, new_id, status] = words[..] else {
            panic!("a line of a raw diff: {head}");
        };
        let letter = status.chars().next().expect("a status");
        let first = next().expect("a path");
        let (old_path, path) = match letter {
            'R' | 'C' => (Some(first), next().expect("a second path")),
            _ => (None, first),
        };
        found.push(Change {
            letter,
            old_mode: old_mode.to_owned(),
            new_mode: new_mode.to_owned(),
            old_id: old_id.to_owned(),
            new_id: new_id.to_owned(),
            old_path,
            path,
            ..Change::default()
        });
    }
    let mut patches = patches(rest).into_iter();
    for change in &mut found {
        let Some((hunks, binary)) = patches.next() else {
            panic!("git printed no patch of {change:?}");
        };
        (change.hunks, change.binary) = (hunks, binary);
        if change.letter == 'T' {
            let (hunks, binary) = patches.next().expect("a second patch");
            // What holds nothing on one side is not binary there.
            change.binary |= binary;
            change.replaced = Some(hunks);
        }
    }
    assert_eq!(patches.next(), None, "patches of no file");
    found
}

/// Reads patches: the hunks of each, and whether git says that the file is binary.
fn patches(text: &[u8]) -> Vec<(Vec<GitHunk>, bool)> {
    let mut all: Vec<(Vec<GitHunk>, bool)> = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(b"diff --git ") || line.starts_with(b"* Unmerged path ") {
            all.push((Vec::new(), false));
        } else if line.starts_with(b"Binary files ") {
            all.last_mut().expect("a patch").1 = true;
        } else if line.starts_with(b"@@ -") {
            let range = range(&String::from_utf8_lossy(line));
            let (mut old, mut new) = (range[1], range[3]);
            let mut read: Vec<GitLine> = Vec::new();
            while old + new > 0 || lines.peek().is_some_and(|l| l.starts_with(b"\\")) {
                let line = lines.next().expect("a line of a hunk");
                match line[0] {
                    b'\\' => {
                        read.last_mut().expect("a line before").2 = true;
                        continue;
                    }
                    b'-' => old -= 1,
                    b'+' => new -= 1,
                    _ => (old, new) = (old - 1, new - 1),
                }
                read.push((line[0], line[1..].to_vec(), false));
            }
            let hunks = &mut all.last_mut().expect("a patch").0;
            hunks.push(GitHunk { range, lines: read });
        }
    }
    all
}

/// The numbers of a hunk's head.
fn range(head: &str) -> [u32; 4] {
    let words: Vec<&str> = head.split(' ').collect();
    let side = |word: &str| -> [u32; 2] {
        let numbers = word.trim_start_matches(['-', '+']);
        let (start, count) = numbers.split_once(',').unwrap_or((numbers, "1"));
        [start, count].map(|number| number.parse().expect("a number"))
    };
    let ([a, b], [c, d]) = (side(words[1]), side(words[2]));
    [a, b, c, d]
}
