//! Diffs as text, as `git diff` and `diff -u` write them: read and written.

mod colours;
mod names;
mod write;

use std::iter::Peekable;
use std::path::PathBuf;
use std::str::Split;

use self::names::quoted_name;
use super::diff::{Diff, DiffKind, DiffLine, FileDiff, FileKind, FileStatus, Hunk};
use crate::base::{Failure, RepoPath, Result};

impl Diff {
    /// Reads a unified diff, as `git diff` and `diff -u` write it (`--stdin`). Text before
    /// the first file (a commit message, say) is passed over, and so are git's colours.
    ///
    /// # Errors
    /// Of kind input, naming the line that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = colours::taken_out(text);
        let text = plain.as_deref().unwrap_or(text);
        let mut reader = Reader::new(text);
        let mut files = Vec::new();
        while let Some(file) = reader.file()? {
            files.push(file);
        }
        if files.is_empty() && !text.trim().is_empty() {
            return Err(Failure::input("this text is no diff")
                .because("no line begins with `diff --git` or `---` followed by `+++`")
                .hint("give the output of `git diff` or `diff -u`"));
        }
        files.sort_by(|a: &FileDiff, b| a.path.cmp(&b.path));
        Ok(Self {
            files,
            ..Self::default()
        })
    }

    /// Writes the diff as git would, with `a/` and `b/`.
    pub fn to_unified(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            write::file(&mut out, file);
        }
        out
    }
}

/// The facts about a file that its header lines tell.
#[derive(Default)]
struct Head {
    /// True after a `diff --git` line.
    git: bool,
    /// Both names in the `diff --git` line, where they can be told apart.
    named: Option<(String, String)>,
    /// Names in the `rename` or `copy` lines, old and new.
    renamed: (Option<String>, Option<String>),
    copied: bool,
    /// Names in the `---` and `+++` lines; none for `/dev/null`.
    sides: Option<(Option<String>, Option<String>)>,
    added: bool,
    deleted: bool,
    mode: bool,
    /// The kinds before and after.
    kinds: (Option<FileKind>, Option<FileKind>),
    binary: bool,
}

struct Reader<'a> {
    lines: Peekable<Split<'a, char>>,
    /// The number of the line last taken.
    at: usize,
    /// True if the whole diff came with CR LF, headers too.
    crlf: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut headers = text
            .split('\n')
            .filter(|line| line.starts_with("@@ ") || line.starts_with("+++ "))
            .take(100)
            .peekable();
        Self {
            crlf: headers.peek().is_some() && headers.all(|line| line.ends_with('\r')),
            lines: text
                .strip_suffix('\n')
                .unwrap_or(text)
                .split('\n')
                .peekable(),
            at: 0,
        }
    }

    /// Takes the next line.
    fn next(&mut self) -> Option<&'a str> {
        self.at += 1;
        self.lines.next()
    }

    /// The failure of the line last taken.
    fn wrong(&self, why: &str) -> Failure {
        Failure::input(format!("line {} of the diff is wrong", self.at)).because(why)
    }

    /// The failure of a diff against several parents at once.
    fn combined(&self) -> Failure {
        Failure::input(format!(
            "line {} begins the combined diff of a merge, which cannot be read",
            self.at
        ))
        .hint("give a diff against one parent: git diff HEAD^1 HEAD")
    }

    /// Reads the next file; none at the end.
    fn file(&mut self) -> Result<Option<FileDiff>> {
        let mut head = Head::default();
        let mut begun = false;
        let mut hunks = Vec::new();
        while let Some(&line) = self.lines.peek() {
            if line.starts_with("diff --git ") {
                if begun {
                    break;
                }
                self.next();
                begun = true;
                head.git = true;
                head.named = line.strip_prefix("diff --git ").and_then(both_names);
            } else if line.starts_with("diff --cc ")
                || line.starts_with("diff --combined ")
                || line.starts_with("@@@ ")
            {
                self.next();
                return Err(self.combined());
            } else if let Some(first) = line
                .strip_prefix("--- ")
                .filter(|_| !head.git || head.sides.is_none())
            {
                if head.sides.is_some() {
                    break;
                }
                self.next();
                let second = self.lines.peek().and_then(|next| next.strip_prefix("+++ "));
                let Some(second) = second else {
                    // A line of dashes in a message.
                    if begun {
                        return Err(self.wrong("`---` is not followed by `+++`"));
                    }
                    continue;
                };
                self.next();
                begun = true;
                head.take_sides(first, second);
            } else if line.starts_with("--- ") {
                break;
            } else if line.starts_with("@@ ") {
                self.next();
                if head.sides.is_none() {
                    return Err(self.wrong("a hunk before the file's name"));
                }
                hunks.push(self.hunk(line)?);
            } else {
                self.next();
                if begun && hunks.is_empty() {
                    head.extended(line);
                }
                // Between files stand remarks (`Only in …`, the `-- ` of a mail): no harm.
            }
        }
        if !begun {
            return Ok(None);
        }
        self.finish(head, hunks).map(Some)
    }

    /// Works out from its header lines what happened to a file.
    fn finish(&self, head: Head, hunks: Vec<Hunk>) -> Result<FileDiff> {
        let (old, new) = match (head.renamed, &head.sides) {
            ((Some(old), Some(new)), _) => (Some(old), Some(new)),
            (_, Some((old, new))) => (old.clone(), new.clone()),
            _ => match head.named {
                Some((old, new)) => (Some(old), Some(new)),
                None => return Err(self.wrong("the file before it has no name")),
            },
        };
        let path = |name: &str| {
            RepoPath::new(name).map_err(|e| {
                let failure = Failure::input(format!(
                    "the diff names a file that cannot be one of this repository (before line {})",
                    self.at
                ))
                .because(e.what());
                e.causes().iter().fold(failure, Failure::because)
            })
        };
        let added = head.added || old.is_none();
        let deleted = head.deleted || new.is_none();
        let (status, old_path, new_path) = match (old, new) {
            (None, None) => return Err(self.wrong("a file that is /dev/null on both sides")),
            (Some(old), None) => (FileStatus::Deleted, Some(path(&old)?), path(&old)?),
            (Some(old), Some(_)) if deleted => {
                (FileStatus::Deleted, Some(path(&old)?), path(&old)?)
            }
            (_, Some(new)) if added || head.copied => (FileStatus::Added, None, path(&new)?),
            (Some(old), Some(new)) if head.git && old != new => {
                (FileStatus::Renamed, Some(path(&old)?), path(&new)?)
            }
            (_, Some(new)) if head.mode && hunks.is_empty() && !head.binary => {
                (FileStatus::ModeChanged, None, path(&new)?)
            }
            (_, Some(new)) => (FileStatus::Modified, None, path(&new)?),
        };
        Ok(FileDiff {
            old_path,
            path: new_path,
            status,
            kinds: head.kinds,
            binary: head.binary,
            blob: None,
            place: PathBuf::new(),
            bytes: None,
            hunks,
        })
    }

    /// Reads the first line of a hunk.
    fn hunk_head(&self, header: &str) -> Result<Hunk> {
        let wrong = "a hunk's head is `@@ -start,length +start,length @@`";
        let (ranges, section) = header
            .strip_prefix("@@ ")
            .and_then(|rest| rest.split_once(" @@"))
            .ok_or_else(|| self.wrong(wrong))?;
        let (old, new) = ranges
            .split_once(' ')
            .and_then(|(old, new)| {
                Some((
                    start_and_length(old.strip_prefix('-')?)?,
                    start_and_length(new.strip_prefix('+')?)?,
                ))
            })
            .ok_or_else(|| self.wrong(wrong))?;
        Ok(Hunk {
            old_start: old.0,
            old_len: old.1,
            new_start: new.0,
            new_len: new.1,
            section: section.trim().to_owned(),
            lines: Vec::new(),
        })
    }

    /// Reads a hunk whose first line, already taken, is `header`.
    fn hunk(&mut self, header: &str) -> Result<Hunk> {
        let mut hunk = self.hunk_head(header)?;
        let (mut old_left, mut new_left) = (hunk.old_len, hunk.new_len);
        let (mut old_at, mut new_at) = (hunk.old_start, hunk.new_start);
        while old_left > 0 || new_left > 0 {
            let Some(line) = self.hunk_line() else {
                return Err(self.wrong("the diff ends inside a hunk"));
            };
            let (kind, text) = match (line.chars().next(), line.get(1..)) {
                (Some(' '), Some(text)) => (DiffKind::Context, text),
                (Some('+'), Some(text)) => (DiffKind::Added, text),
                (Some('-'), Some(text)) => (DiffKind::Removed, text),
                (Some('\\'), _) => {
                    mark_no_newline(&mut hunk);
                    continue;
                }
                // Some programs take trailing blanks off, and with them an empty line's sign.
                (None | Some('\r'), _) => (DiffKind::Context, line),
                _ => return Err(self.wrong("inside a hunk, a line begins with ` `, `+` or `-`")),
            };
            let on_old = kind != DiffKind::Added;
            let on_new = kind != DiffKind::Removed;
            if (on_old && old_left == 0) || (on_new && new_left == 0) {
                return Err(self.wrong("the hunk is longer than its head says"));
            }
            hunk.lines.push(DiffLine {
                kind,
                old: on_old.then_some(old_at),
                new: on_new.then_some(new_at),
                text: text.to_owned(),
                no_newline: false,
            });
            old_left -= u32::from(on_old);
            new_left -= u32::from(on_new);
            old_at = old_at.saturating_add(u32::from(on_old));
            new_at = new_at.saturating_add(u32::from(on_new));
        }
        if self
            .lines
            .peek()
            .is_some_and(|line| line.starts_with("\\ "))
        {
            self.next();
            mark_no_newline(&mut hunk);
        }
        Ok(hunk)
    }

    /// Takes a line of a hunk. A carriage return at its end is the file's, unless the whole diff
    /// was converted.
    fn hunk_line(&mut self) -> Option<&'a str> {
        let line = self.next()?;
        Some(if self.crlf {
            line.strip_suffix('\r').unwrap_or(line)
        } else {
            line
        })
    }
}

impl Head {
    /// Takes a line between the file's name and its first hunk.
    fn extended(&mut self, line: &str) {
        let line = line.trim_end_matches('\r');
        let take = |rest: &str| Some(unquoted(rest));
        if let Some(mode) = line.strip_prefix("new file mode ") {
            self.added = true;
            self.kinds.1 = FileKind::of_digits(mode);
        } else if let Some(mode) = line.strip_prefix("deleted file mode ") {
            self.deleted = true;
            self.kinds.0 = FileKind::of_digits(mode);
        } else if let Some(mode) = line.strip_prefix("old mode ") {
            self.mode = true;
            self.kinds.0 = FileKind::of_digits(mode);
        } else if let Some(mode) = line.strip_prefix("new mode ") {
            self.mode = true;
            self.kinds.1 = FileKind::of_digits(mode);
        } else if let Some(ids) = line.strip_prefix("index ") {
            // The mode stands behind the ids where it has not changed.
            if let Some((_, mode)) = ids.split_once(' ') {
                let kind = FileKind::of_digits(mode);
                self.kinds = FileKind::worth_telling(kind, kind);
            }
        } else if let Some(name) = line.strip_prefix("rename from ") {
            self.renamed.0 = take(name);
        } else if let Some(name) = line.strip_prefix("rename to ") {
            self.renamed.1 = take(name);
        } else if let Some(name) = line.strip_prefix("copy from ") {
            self.renamed.0 = take(name);
            self.copied = true;
        } else if let Some(name) = line.strip_prefix("copy to ") {
            self.renamed.1 = take(name);
            self.copied = true;
        } else if line == "GIT binary patch" {
            self.binary = true;
            // Its lines are letters and digits, none of which begins a file or a hunk.
        } else if line.starts_with("Binary files ") && line.ends_with(" differ") {
            self.binary = true;
        }
    }

    /// Takes over the names after `---` and `+++`, without their prefixes if both have one.
    fn take_sides(&mut self, old: &str, new: &str) {
        let (old, old_when) = side(old);
        let (new, new_when) = side(new);
        // Plain `diff -N` marks a file that is not there by the beginning of time.
        let never = |when: &str| when.starts_with("1970-01-01 ") || when.starts_with("1969-12-31 ");
        let gone = |name: &str, when: &str| name == "/dev/null" || (!self.git && never(when));
        // git's letters, also those of `diff.mnemonicPrefix`; nothing with `--no-prefix`.
        let (olds, news) = if self.git {
            ("aciow", "bciow")
        } else {
            ("a", "b")
        };
        let old = (!gone(&old, old_when)).then_some(old);
        let new = (!gone(&new, new_when)).then_some(new);
        let old_bare = old.as_deref().map(|name| without_prefix(name, olds));
        let new_bare = new.as_deref().map(|name| without_prefix(name, news));
        self.sides = Some(match (old_bare, new_bare) {
            // A name without a prefix: neither has one.
            (Some(None), _) | (_, Some(None)) => (old, new),
            (old, new) => (
                old.flatten().map(str::to_owned),
                new.flatten().map(str::to_owned),
            ),
        });
    }
}

/// A name without the prefix of one letter that diffs put before it; none if it has none of
/// `prefixes`.
fn without_prefix<'a>(name: &'a str, prefixes: &str) -> Option<&'a str> {
    let (first, rest) = name.split_once('/')?;
    (first.len() == 1 && prefixes.contains(first) && !rest.is_empty()).then_some(rest)
}

/// Takes the remark that the line before it has no newline.
fn mark_no_newline(hunk: &mut Hunk) {
    if let Some(last) = hunk.lines.last_mut() {
        last.no_newline = true;
    }
}

/// The numbers of a hunk's range, `START,LENGTH` or `START` alone for one line.
fn start_and_length(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, length)) => Some((start.parse().ok()?, length.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// A name after `---` or `+++`, and the time behind it, empty where there is none.
fn side(text: &str) -> (String, &str) {
    let text = text.trim_end_matches('\r');
    if let Some((name, rest)) = quoted_name(text) {
        return (name, rest.trim_start());
    }
    let (name, when) = text.split_once('\t').unwrap_or((text, ""));
    (name.to_owned(), when.trim_start())
}

/// A name without the C quotes that it may have.
fn unquoted(text: &str) -> String {
    quoted_name(text).map_or_else(|| text.to_owned(), |(name, _)| name)
}

/// The two names of a `diff --git` line without their prefixes. Unquoted names can be told
/// apart only where they are equal, as they are unless `rename` lines follow; else none.
fn both_names(rest: &str) -> Option<(String, String)> {
    let rest = rest.trim_end_matches('\r');
    let (old, new) = if let Some((old, rest)) = quoted_name(rest) {
        (old, unquoted(rest.strip_prefix(' ')?))
    } else if let Some((old, quoted)) = rest.split_once(" \"") {
        (old.to_owned(), quoted_name(&format!("\"{quoted}"))?.0)
    } else {
        // "a/NAME b/NAME": the space in the middle.
        let middle = rest.len() / 2;
        (
            rest.get(..middle)?.to_owned(),
            rest.get(middle..)?.strip_prefix(' ')?.to_owned(),
        )
    };
    let bare = |name: &str| name.split_once('/').map(|(_, rest)| rest.to_owned());
    match (bare(&old), bare(&new)) {
        (Some(a), Some(b)) if a == b && old != new => Some((a, b)),
        _ if old == new => Some((old, new)),
        (Some(a), Some(b)) => Some((a, b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> FileDiff {
        let mut diff = Diff::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(diff.files.len(), 1, "{diff:?}");
        diff.files.remove(0)
    }

    fn names(file: &FileDiff) -> (Option<&str>, &str) {
        (
            file.old_path.as_ref().map(RepoPath::as_str),
            file.path.as_str(),
        )
    }

    #[test]
    fn a_git_diff_with_all_its_parts() {
        let diff = Diff::parse(
            "commit 123\n\n    A message\n    --- not a file\n\n\
             diff --git a/x.rs b/x.rs\nindex 1..2 100644\n--- a/x.rs\n+++ b/x.rs\n\
             @@ -1,2 +1,3 @@ fn f()\n a\n-b\n+c\n+d\n\\ No newline at end of file\n\
             diff --git a/old name b/new name\nsimilarity index 90%\nrename from old name\nrename to new name\n\
             diff --git a/gone b/gone\ndeleted file mode 100644\nindex 1..0\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
             diff --git a/empty b/empty\nnew file mode 100644\nindex 0..e\n\
             diff --git a/run b/run\nold mode 100644\nnew mode 100755\n\
             diff --git a/p.png b/p.png\nindex 1..2\nBinary files a/p.png and b/p.png differ\n-- \n2.47.3\n",
        )
        .expect("parsed");
        let got: Vec<_> = diff
            .files
            .iter()
            .map(|f| (names(f), f.status, f.binary, f.hunks.len()))
            .collect();
        assert_eq!(
            got,
            [
                ((None, "empty"), FileStatus::Added, false, 0),
                ((Some("gone"), "gone"), FileStatus::Deleted, false, 1),
                (
                    (Some("old name"), "new name"),
                    FileStatus::Renamed,
                    false,
                    0
                ),
                ((None, "p.png"), FileStatus::Modified, true, 0),
                ((None, "run"), FileStatus::ModeChanged, false, 0),
                ((None, "x.rs"), FileStatus::Modified, false, 1),
            ]
        );
        let hunk = &diff.files[5].hunks[0];
        assert_eq!(hunk.section, "fn f()");
        let lines: Vec<_> = hunk
            .lines
            .iter()
            .map(|l| (l.old, l.new, l.text.as_str(), l.no_newline))
            .collect();
        assert_eq!(
            lines,
            [
                (Some(1), Some(1), "a", false),
                (Some(2), None, "b", false),
                (None, Some(2), "c", false),
                (None, Some(3), "d", true),
            ]
        );
    }

    #[test]
    fn plain_diffs_and_other_prefixes() {
        let hunk = "@@ -1 +1 @@\n-a\n+b\n";
        for (head, path) in [
            (
                "--- a/x y.c\t2026-01-01 00:00:00\n+++ b/x y.c\t2026-01-01 00:00:01\n",
                "x y.c",
            ),
            (
                "diff -u dir/x.c.orig dir/x.c\n--- dir/x.c.orig\n+++ dir/x.c\n",
                "dir/x.c",
            ),
            ("diff --git i/x w/x\n--- i/x\n+++ w/x\n", "x"),
            ("diff --git src/x src/x\n--- src/x\n+++ src/x\n", "src/x"),
            (
                "diff --git \"a/f\\303\\274\\n\" \"b/f\\303\\274\\n\"\n--- \"a/f\\303\\274\\n\"\n+++ \"b/f\\303\\274\\n\"\n",
                "f\u{fc}\n",
            ),
        ] {
            let file = one(&format!("{head}{hunk}"));
            assert_eq!(names(&file), (None, path), "{head}");
            assert_eq!(file.status, FileStatus::Modified);
        }
        let new = one("--- x\t1970-01-01 01:00:00 +0100\n+++ x\t2026-01-01\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(new.status, FileStatus::Added);
        let two = Diff::parse(&format!("--- a/x\n+++ b/x\n{hunk}--- a/y\n+++ b/y\n{hunk}"));
        assert_eq!(two.expect("parsed").files.len(), 2);
    }

    #[test]
    fn carriage_returns_of_the_file_stay_and_those_of_the_diff_go() {
        let unix = one("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n");
        assert_eq!(unix.hunks[0].lines[0].text, "a\r");
        let windows = one("--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n \r\n-a\r\n+b\r\n");
        assert_eq!(windows.hunks[0].lines[1].text, "a");
        assert_eq!(windows.path.as_str(), "x");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line) in [
            ("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n", "line 5"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n-b\n", "line 5"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\nfoo\n", "line 5"),
            ("--- a/x\n+++ b/x\n@@ -1 1 @@\n-a\n", "line 3"),
            ("--- a/x\n+++ b/x\n@@ -1,99999999999 +1 @@\n-a\n", "line 3"),
            ("diff --git a/x b/x\n@@ -1 +1 @@\n", "line 2"),
            ("diff --cc x\n", "merge"),
            ("--- /dev/null\n+++ /dev/null\n", "both sides"),
            (
                "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n",
                "cannot be one of this repository",
            ),
            ("hello\n", "no diff"),
        ] {
            let failure = Diff::parse(text).expect_err(text);
            assert!(failure.to_string().contains(line), "{text:?}: {failure}");
        }
        assert_eq!(Diff::parse("").expect("nothing"), Diff::default());
    }

    #[test]
    fn what_git_prints_is_read_as_what_git_knows() {
        use crate::repo::DiffSpec;
        use crate::repo::diff::tests::{commit, git_repo, write};
        let (_keep, repo, git) = git_repo();
        for name in [
            "a b.txt",
            "q\"uote\\.txt",
            "tab\tnew\nline",
            "h\u{f6}h",
            "empty",
            "crlf",
        ] {
            write(&repo, name, format!("{name}\n1\n2\n3\n4\n5\n6\n7\n8\n"));
        }
        commit(&git, "First");
        write(&repo, "a b.txt", "a b.txt\n1\n2\n3\n4\n5\n6\n7\nno newline");
        write(&repo, "q\"uote\\.txt", "");
        write(&repo, "tab\tnew\nline", "x\r\ny\n");
        write(&repo, "empty", "");
        write(&repo, "new", "");
        write(&repo, "bin", "\0");
        std::fs::rename(
            repo.root().join("h\u{f6}h"),
            repo.root().join("renamed \u{f6}"),
        )
        .expect("renamed");
        commit(&git, "Second");
        let mut ours = repo
            .diff(&DiffSpec::Commit("HEAD".into()), 3)
            .expect("diff");
        // What is written does not say it.
        for file in &mut ours.files {
            file.bytes = None;
            file.blob = None;
            file.place = std::path::PathBuf::new();
        }
        assert_eq!(Diff::parse(&ours.to_unified()).expect("parsed"), ours);
        let printed = std::process::Command::new("git")
            .args(["-c", "diff.renames=true", "show", "HEAD"])
            .current_dir(repo.root())
            .output();
        let Ok(printed) = printed else { return };
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert_eq!(Diff::parse(&printed).expect(&printed), ours);
    }

    fn a_line() -> impl Strategy<Value = (u8, String, bool)> {
        (0u8..3, "[ -~\r\t\u{e4}]{0,12}", prop::bool::weighted(0.1))
    }

    fn a_hunk() -> impl Strategy<Value = Hunk> {
        (
            1u32..5000,
            1u32..5000,
            "[a-z(]{0,8}",
            prop::collection::vec(a_line(), 1..8),
        )
            .prop_map(|(old_start, new_start, section, raw)| {
                let (mut old, mut new) = (old_start, new_start);
                let lines = raw
                    .into_iter()
                    .map(|(kind, text, no_newline)| {
                        let kind = match kind {
                            0 => DiffKind::Context,
                            1 => DiffKind::Added,
                            _ => DiffKind::Removed,
                        };
                        let line = DiffLine {
                            kind,
                            old: (kind != DiffKind::Added).then_some(old),
                            new: (kind != DiffKind::Removed).then_some(new),
                            text,
                            no_newline,
                        };
                        old += u32::from(line.old.is_some());
                        new += u32::from(line.new.is_some());
                        line
                    })
                    .collect();
                Hunk {
                    old_start,
                    old_len: old - old_start,
                    new_start,
                    new_len: new - new_start,
                    section,
                    lines,
                }
            })
    }

    fn a_file() -> impl Strategy<Value = FileDiff> {
        (
            "[a-z\"\\\\ \u{f6}\n\r\t\u{1b}\u{85}/.-]{1,10}",
            "[a-z]{1,6}",
            0u8..5,
            prop::bool::weighted(0.2),
            prop::collection::vec(a_hunk(), 1..3),
        )
            .prop_filter_map("a path", |(path, other, status, binary, hunks)| {
                let path = RepoPath::new(&path).ok()?;
                let other = RepoPath::new(&other).ok()?;
                let (status, old_path) = match status {
                    0 => (FileStatus::Added, None),
                    1 => (FileStatus::Deleted, Some(path.clone())),
                    2 => (FileStatus::Modified, None),
                    3 if other != path => (FileStatus::Renamed, Some(other)),
                    _ => (FileStatus::ModeChanged, None),
                };
                let bare = binary || status == FileStatus::ModeChanged;
                let kinds = match status {
                    FileStatus::Added => (None, Some(FileKind::Link)),
                    FileStatus::Deleted => (Some(FileKind::Executable), None),
                    FileStatus::ModeChanged => (Some(FileKind::Plain), Some(FileKind::Executable)),
                    FileStatus::Modified if binary => {
                        (Some(FileKind::Executable), Some(FileKind::Plain))
                    }
                    _ => (None, None),
                };
                Some(FileDiff {
                    old_path,
                    path,
                    status,
                    kinds,
                    binary: binary && status != FileStatus::ModeChanged,
                    blob: None,
                    place: PathBuf::new(),
                    bytes: None,
                    hunks: if bare { Vec::new() } else { hunks },
                })
            })
    }

    proptest! {
        #[test]
        fn written_and_read_it_is_the_same(mut files in prop::collection::vec(a_file(), 0..4)) {
            files.sort_by(|a, b| a.path.cmp(&b.path));
            let diff = Diff {
                files,
                ..Diff::default()
            };
            let text = diff.to_unified();
            prop_assert_eq!(Diff::parse(&text).map_err(|e| format!("{e}\n{text}")), Ok(diff));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(diff --git |--- |\\+\\+\\+ |@@ -|\\+1|,9| @@|\n|[ -~\r\u{e4}]){0,40}") {
            match Diff::parse(&text) {
                Ok(diff) => for line in diff.files.iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines) {
                    prop_assert!(text.contains(line.text.as_str()), "{:?}", line);
                },
                Err(failure) => prop_assert_eq!(failure.kind(), crate::base::Kind::Input),
            }
        }
    }
}
