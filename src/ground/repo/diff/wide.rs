//! Text in UTF-16: binary to git, which finds a zero in every other byte, and text to people.

use git2::{DiffDelta, Patch, Repository};

use super::hunks::{content, told};
use super::{FileDiff, options};
use crate::base::encoding::{decode, utf16};
use crate::repo::{MAX_FILE, Repo};

impl Repo {
    /// Gives a file that git calls binary its lines, where all there is of it is UTF-16 with its
    /// mark. Other files stay as they are, and so do those of which a side cannot be had.
    pub(super) fn with_wide_text(
        &self,
        git: &Repository,
        delta: &DiffDelta<'_>,
        mut file: FileDiff,
        context: u32,
    ) -> FileDiff {
        let sizes = [delta.old_file().size(), delta.new_file().size()];
        if !file.binary || sizes.iter().any(|size| *size > MAX_FILE) {
            return file;
        }
        let changes = || {
            let old = text_of(&content(git, delta.old_file().id()).ok()?)?;
            let new = text_of(&self.content_of(&file).ok()?)?;
            let mut options = options(context);
            let (before, after) = (old.as_bytes(), new.as_bytes());
            let patch = Patch::from_buffers(before, None, after, None, Some(&mut options)).ok()?;
            told(&patch).ok()
        };
        if let Some((false, hunks)) = changes()
            && !hunks.is_empty()
        {
            file.binary = false;
            file.hunks = hunks;
        }
        file
    }
}

/// The text of bytes in UTF-16, without its mark; the empty one of none.
fn text_of(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some(String::new());
    }
    utf16(bytes)?;
    let decoded = decode(bytes).filter(|decoded| !decoded.lossy)?;
    Some(decoded.text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::repo::trial::git as run;
    use crate::repo::{DiffKind, DiffSpec, FileStatus, Repo};

    fn wide(text: &str, big: bool) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn text_in_utf16_has_lines_in_every_diff() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        run(root, &["init", "-q", "-b", "main"]);
        let put = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).expect("written");
        put("a.txt", &wide("eins\r\nzwei ü\r\n", false));
        put("gone.txt", &wide("gone\n", true));
        put("data.bin", b"\0\x01\x02");
        run(root, &["add", "-A"]);
        run(root, &["commit", "-qm", "first"]);
        put("a.txt", &wide("eins\r\nzwei ö\r\n", false));
        put("new.txt", &wide("0123456789 and quite another one\n", true));
        put("data.bin", b"\0\x01\x03");
        put("half.txt", b"\xff\xfea\0b");
        fs::remove_file(root.join("gone.txt")).expect("removed");
        let repo = Repo::open(root).expect("opened");
        let looked = |spec: DiffSpec| {
            let files = repo.diff(&spec, 3).expect("a diff").files;
            let told = files.into_iter().map(|file| {
                let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
                let lines = lines.filter(|line| line.kind != DiffKind::Context);
                let lines: Vec<String> = lines
                    .map(|line| format!("{}{}", line.kind.sign(), line.text))
                    .collect();
                (file.path.to_string(), file.status, file.binary, lines)
            });
            told.collect::<Vec<_>>()
        };
        let expected = |name: &str, status, lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            (name.to_owned(), status, lines.is_empty(), lines)
        };
        let all = [
            expected("a.txt", FileStatus::Modified, &["-zwei ü\r", "+zwei ö\r"]),
            expected("data.bin", FileStatus::Modified, &[]),
            expected("gone.txt", FileStatus::Deleted, &["-gone"]),
            // Half a unit at its end is no text.
            expected("half.txt", FileStatus::Added, &[]),
            expected(
                "new.txt",
                FileStatus::Added,
                &["+0123456789 and quite another one"],
            ),
        ];
        assert_eq!(looked(DiffSpec::Unstaged), all);
        run(root, &["add", "-A"]);
        assert_eq!(looked(DiffSpec::Staged), all);
        run(root, &["commit", "-qm", "second"]);
        assert_eq!(looked(DiffSpec::Commit("HEAD".to_owned())), all);
    }
}
