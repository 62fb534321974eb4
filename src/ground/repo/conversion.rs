//! The content of files as git would store it, where their attributes have git convert it: another
//! encoding in the working tree, pointers of Git LFS in the place of content, and filters.
//!
//! libgit2 converts line ends alone. A filter is a program that the repository names, and none is
//! ever run here: what only that program can tell is not compared, and that is said. What Git LFS
//! stores is a hash of the content, and known without it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use git2::{AttrCheckFlags, AttrValue, Config, ObjectType, Oid, Repository, StatusEntry};
use sha2::{Digest as _, Sha256};

use super::read::open_quietly;
use super::tree::path_of;
use super::walk::MAX_FILE;

/// Bytes of the largest file that is converted or hashed.
const LARGEST: u64 = 64 << 20;
/// Bytes of the longest pointer of Git LFS (its specification).
const LONGEST_POINTER: usize = 1024;
/// The first line of a pointer (Git LFS, `docs/spec.md`).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// The content of a file of the working tree, as git would store it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// The bytes as they are, but for line ends: libgit2 knows those.
    Plain,
    /// These bytes.
    As(Vec<u8>),
    /// Only a program that git would run can tell, or git would refuse the file.
    Unknown,
    /// Nothing: the file cannot be read, for this reason.
    Unreadable(String),
}

/// The conversions that a repository asks for.
pub(super) struct Conversions<'a> {
    git: &'a Repository,
    root: &'a Path,
    config: Config,
}

impl<'a> Conversions<'a> {
    /// The conversions of a repository whose working tree is at `root`.
    pub fn new(git: &'a Repository, root: &'a Path) -> Result<Self, git2::Error> {
        let config = git.config()?.snapshot()?;
        Ok(Self { git, root, config })
    }

    /// The content of a file, which the index has as `indexed`, as git would store it.
    pub fn stored(&self, path: &Path, indexed: Oid) -> Result<Stored, git2::Error> {
        let filter = self.attribute(path, "filter")?;
        let filter = filter.filter(|name| self.is_configured(name));
        let encoding = encoding(self.git, path)?;
        if filter.is_none() && encoding.is_none() {
            return Ok(Stored::Plain);
        }
        let bytes = match self.read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::FileTooLarge => return Ok(Stored::Unknown),
            Err(e) => return Ok(Stored::Unreadable(e.to_string())),
        };
        if let Some(filter) = filter {
            let lfs = filter == "lfs" && encoding.is_none() && self.is_pointer(indexed);
            return Ok(if lfs {
                Stored::As(pointer_of(bytes))
            } else {
                Stored::Unknown
            });
        }
        let decoded = encoding.and_then(|name| decoded(&name, &bytes));
        Ok(match decoded {
            Some(text) => Stored::As(self.with_git_line_ends(path, indexed, text.into_bytes())?),
            None => Stored::Unknown,
        })
    }

    /// Tells whether git would run a program over a file before it stores it.
    pub fn runs_a_filter(&self, path: &Path) -> Result<bool, git2::Error> {
        let filter = self.attribute(path, "filter")?;
        Ok(filter.is_some_and(|name| self.is_configured(&name)))
    }

    /// Tells whether no attribute says what lines a file has in a diff, or fills in its id.
    pub fn leaves_lines(&self, path: &Path) -> Result<bool, git2::Error> {
        for name in ["diff", "ident"] {
            if !matches!(attribute(self.git, path, name)?, AttrValue::Unspecified) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells whether an attribute names a driver for the diffs of a file that says nothing of its
    /// content: a new file is told with it as without.
    pub fn has_plain_driver(&self, path: &Path) -> Result<bool, git2::Error> {
        let Some(driver) = self.attribute(path, "diff")? else {
            return Ok(false);
        };
        let binary = self.config.get_entry(&format!("diff.{driver}.binary"));
        let ident = attribute(self.git, path, "ident")?;
        // What is not set is an error to git2.
        Ok(binary.is_err() && ident == AttrValue::Unspecified)
    }

    /// The content of a file that passes no filter and is in no other encoding, as git would store
    /// it; left to libgit2 where it is too large for a diff.
    pub fn read_for_diff(&self, path: &Path, indexed: Oid) -> Result<Stored, git2::Error> {
        let bytes = match self.read(path) {
            Ok(bytes) if bytes.len() as u64 > MAX_FILE => return Ok(Stored::Plain),
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::FileTooLarge => return Ok(Stored::Plain),
            Err(e) => return Ok(Stored::Unreadable(e.to_string())),
        };
        self.with_git_line_ends(path, indexed, bytes)
            .map(Stored::As)
    }

    /// Tells whether a file that is changed by a status has the content that the index has, as git
    /// would store it; none where only git can tell.
    pub fn same(&self, entry: &StatusEntry<'_>) -> Result<Option<bool>, git2::Error> {
        let Some(delta) = entry.index_to_workdir() else {
            return Ok(Some(false));
        };
        let (old, new) = (delta.old_file(), delta.new_file());
        let Some(path) = new.path_bytes().and_then(path_of) else {
            return Ok(Some(false));
        };
        Ok(match self.stored(&path, old.id())? {
            Stored::Plain => Some(false),
            Stored::As(bytes) => Some(old.mode() == new.mode() && is_blob(&bytes, old.id())),
            Stored::Unknown => None,
            Stored::Unreadable(_) => Some(false),
        })
    }

    /// The value of an attribute; none where it has none.
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<String>, git2::Error> {
        Ok(match attribute(self.git, path, name)? {
            AttrValue::String(value) => Some(value.to_owned()),
            _ => None,
        })
    }

    /// Tells whether git would run a program for a filter: a name alone does nothing.
    fn is_configured(&self, filter: &str) -> bool {
        ["clean", "process"].iter().any(|way| {
            let command = self.config.get_entry(&format!("filter.{filter}.{way}"));
            command.is_ok_and(|entry| !entry.value_bytes().is_empty())
        })
    }

    /// The bytes of a plain file of the working tree that is not too large.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file: File = open_quietly(&self.root.join(path))?;
        let facts = file.metadata()?;
        if !facts.is_file() || facts.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Tells whether git keeps a pointer of Git LFS under an id.
    fn is_pointer(&self, id: Oid) -> bool {
        let blob = self.git.find_blob(id);
        blob.is_ok_and(|blob| is_pointer(blob.content()))
    }

    /// Content with the line ends that git would store.
    fn with_git_line_ends(
        &self,
        path: &Path,
        indexed: Oid,
        text: Vec<u8>,
    ) -> Result<Vec<u8>, git2::Error> {
        let attribute = |name| attribute(self.git, path, name);
        let (text_attribute, eol) = (attribute("text")?, attribute("eol")?);
        let always = match text_attribute {
            AttrValue::True => true,
            AttrValue::False => return Ok(text),
            AttrValue::String("auto") => false,
            // `eol` makes a file text by itself.
            _ if matches!(eol, AttrValue::String(_)) => true,
            _ => match self.config.get_string("core.autocrlf").as_deref() {
                Ok("true" | "input" | "yes" | "on" | "1") => false,
                _ => return Ok(text),
            },
        };
        // Where git only guesses that a file is text, one that was stored with such line ends keeps
        // them.
        let stored = || self.git.find_blob(indexed);
        let kept = || stored().is_ok_and(|blob| has_crlf(blob.content()));
        if !has_crlf(&text) || !always && (looks_like_no_text(&text) || kept()) {
            return Ok(text);
        }
        let mut out = Vec::with_capacity(text.len());
        for (at, byte) in text.iter().enumerate() {
            if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
                out.push(*byte);
            }
        }
        Ok(out)
    }
}

/// An attribute of a file, by the files of attributes there are, or else those that are staged.
pub(super) fn attribute<'g>(
    git: &'g Repository,
    path: &Path,
    name: &str,
) -> Result<AttrValue<'g>, git2::Error> {
    let value = git.get_attr(path, name, AttrCheckFlags::FILE_THEN_INDEX)?;
    Ok(AttrValue::from_string(value))
}

/// The encoding that a file has in the working tree, where that is another than git's own, UTF-8.
pub(super) fn encoding(git: &Repository, path: &Path) -> Result<Option<String>, git2::Error> {
    Ok(match attribute(git, path, "working-tree-encoding")? {
        AttrValue::String(name) if !["utf-8", "utf8"].contains(&&*name.to_ascii_lowercase()) => {
            Some(name.to_owned())
        }
        _ => None,
    })
}

fn has_crlf(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\r\n")
}

/// Tells whether git, where it guesses, takes content for no text: it holds NUL, a carriage return
/// alone, or more than one control character in 128 others.
fn looks_like_no_text(bytes: &[u8]) -> bool {
    let (mut printable, mut other) = (0_usize, 0_usize);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0 => return true,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => return true,
            b'\r' | b'\n' => {}
            0x7f => other += 1,
            8 | 9 | 0x0c | 0x1b => printable += 1,
            0x1a if at + 1 == bytes.len() => {}
            0..0x20 => other += 1,
            _ => printable += 1,
        }
    }
    printable >> 7 < other
}

/// Tells whether some bytes are the blob of that id.
pub(super) fn is_blob(bytes: &[u8], id: Oid) -> bool {
    Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|hash| hash == id)
}

/// Tells whether some bytes are a pointer of Git LFS.
fn is_pointer(bytes: &[u8]) -> bool {
    bytes.len() <= LONGEST_POINTER && bytes.starts_with(POINTER)
}

/// The pointer that Git LFS stores for some content; a pointer stands for itself, and so does
/// nothing.
fn pointer_of(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() || is_pointer(&bytes) {
        return bytes;
    }
    let hash = crate::base::text::hex(&Sha256::digest(&bytes));
    let rest = format!("oid sha256:{hash}\nsize {}\n", bytes.len());
    [POINTER, rest.as_bytes()].concat()
}

/// The text of bytes in an encoding that git names; none where git would refuse them, or the
/// encoding is not known here.
fn decoded(name: &str, bytes: &[u8]) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let marked = |mark: &[u8]| bytes.strip_prefix(mark);
    let (encoding, rest): (&'static Encoding, &[u8]) = match upper.as_str() {
        // By git's rules a name with a byte order has no mark, and one without it must have one.
        "UTF-16" | "UTF16" => match (marked(b"\xff\xfe"), marked(b"\xfe\xff")) {
            (Some(rest), _) => (UTF_16LE, rest),
            (_, Some(rest)) => (UTF_16BE, rest),
            _ => return None,
        },
        "UTF-16LE-BOM" | "UTF16LE-BOM" => (UTF_16LE, marked(b"\xff\xfe")?),
        "UTF-16BE-BOM" | "UTF16BE-BOM" => (UTF_16BE, marked(b"\xfe\xff")?),
        "UTF-16LE" | "UTF16LE" | "UTF-16BE" | "UTF16BE"
            if marked(b"\xff\xfe").or(marked(b"\xfe\xff")).is_some() =>
        {
            return None;
        }
        "UTF-16LE" | "UTF16LE" => (UTF_16LE, bytes),
        "UTF-16BE" | "UTF16BE" => (UTF_16BE, bytes),
        _ => (Encoding::for_label(name.as_bytes())?, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(rest)?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use crate::repo::diff::tests::{git_repo, write};
    use crate::repo::trial::git as run;
    use crate::repo::{DiffKind, DiffSpec, FileStatus, Repo, Status};

    /// A file in the time after that of the index, so that git, too, has to look into it.
    fn touch(repo: &Repo, path: &str) {
        let file = std::fs::File::options()
            .write(true)
            .open(repo.root().join(path))
            .expect("opened");
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        file.set_modified(later).expect("set");
    }

    fn commit(repo: &Repo) {
        run(repo.root(), &["add", "-A"]);
        run(repo.root(), &["commit", "-qm", "First"]);
    }

    fn unstaged(count: usize) -> Status {
        Status {
            unstaged: count,
            ..Status::default()
        }
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    /// The changed lines of the only file of a diff.
    fn changed(repo: &Repo, spec: &DiffSpec) -> Vec<String> {
        let diff = repo.diff(spec, 3).expect("a diff");
        assert_eq!(diff.files.len(), 1, "{diff:?}");
        let lines = diff.files[0].hunks.iter().flat_map(|hunk| &hunk.lines);
        let lines = lines.filter(|line| line.kind != DiffKind::Context);
        lines
            .map(|line| format!("{}{}", line.kind.sign(), line.text))
            .collect()
    }

    #[test]
    fn a_file_in_another_encoding_is_compared_as_git_stores_it() {
        for (name, ends) in [
            ("UTF-16LE eol=lf", "\n"),
            ("UTF-16LE eol=crlf", "\r\n"),
            ("UTF-16LE", "\r\n"),
        ] {
            let (_keep, repo, _git) = git_repo();
            write(
                &repo,
                ".gitattributes",
                format!("*.txt working-tree-encoding={name}\n"),
            );
            let lines = |second: &str| utf16(&["één", second, "tre", ""].join(ends));
            write(&repo, "a.txt", lines("zwei"));
            commit(&repo);
            touch(&repo, "a.txt");
            let base = DiffSpec::Base("HEAD".to_owned());
            assert_eq!(repo.status().expect("a status"), unstaged(0), "{name}");
            for spec in [&DiffSpec::Unstaged, &base] {
                assert_eq!(repo.diff(spec, 3).expect("a diff").files, [], "{name}");
            }
            write(&repo, "a.txt", lines("två"));
            touch(&repo, "a.txt");
            assert_eq!(repo.status().expect("a status"), unstaged(1), "{name}");
            let kept = if name == "UTF-16LE" { "\r" } else { "" };
            for spec in [&DiffSpec::Unstaged, &base] {
                let wanted = [format!("-zwei{kept}"), format!("+två{kept}")];
                assert_eq!(changed(&repo, spec), wanted, "{name}");
            }
        }
    }

    #[test]
    fn content_that_git_lfs_keeps_is_known_by_its_pointer() {
        let (_keep, repo, git) = git_repo();
        // The trace of a filter that was run.
        let trace = repo.root().join(".git/ran");
        let program = format!("sh -c 'touch {}; cat'", trace.display());
        let pointer = |text: &str| {
            let pointer = super::pointer_of(text.as_bytes().to_vec());
            String::from_utf8(pointer).expect("text")
        };
        write(&repo, "x.dat", pointer("content\n"));
        commit(&repo);
        write(&repo, ".gitattributes", "*.dat filter=lfs -text\n");
        run(repo.root(), &["add", ".gitattributes"]);
        let mut config = git.config().expect("config");
        config.set_str("filter.lfs.clean", &program).expect("set");
        config.set_bool("filter.lfs.required", true).expect("set");
        let staged = Status {
            staged: 1,
            ..Status::default()
        };
        // As Git LFS checks it out.
        write(&repo, "x.dat", "content\n");
        touch(&repo, "x.dat");
        assert_eq!(repo.status().expect("a status"), staged);
        assert_eq!(repo.diff(&DiffSpec::Unstaged, 3).expect("a diff").files, []);
        write(&repo, "x.dat", "another\n");
        let lines = changed(&repo, &DiffSpec::Unstaged);
        let pointer = pointer("another\n");
        let hash = pointer.lines().nth(1).expect("a hash");
        assert!(lines.contains(&format!("+{hash}")), "{lines:?}");
        assert!(!trace.exists());
    }

    #[test]
    fn a_file_of_another_filter_is_not_compared_and_that_is_said() {
        let (_keep, repo, git) = git_repo();
        let trace = repo.root().join(".git/ran");
        write(&repo, ".gitattributes", "*.dat filter=secret\n");
        write(&repo, "x.dat", "content\n");
        write(&repo, "y.txt", "text\n");
        commit(&repo);
        write(&repo, "x.dat", "another\n");
        write(&repo, "y.txt", "other\n");
        // A filter that is only named changes nothing.
        let both = repo.diff(&DiffSpec::Unstaged, 3).expect("a diff");
        assert_eq!((both.files.len(), both.unread.len()), (2, 0));
        assert_eq!(repo.status().expect("a status"), unstaged(2));
        let mut config = git.config().expect("config");
        let program = format!("sh -c 'touch {}; tr a-z n-za-m'", trace.display());
        config
            .set_str("filter.secret.clean", &program)
            .expect("set");
        let diff = repo.diff(&DiffSpec::Unstaged, 3).expect("a diff");
        let names: Vec<&str> = diff.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["y.txt"]);
        assert_eq!(diff.unread.len(), 1);
        assert_eq!(diff.unread[0].0.as_str(), "x.dat");
        let told = Status {
            filtered: 1,
            ..unstaged(1)
        };
        assert_eq!(repo.status().expect("a status"), told);
        // One that is gone is gone, whatever its filter.
        std::fs::remove_file(repo.root().join("x.dat")).expect("removed");
        let gone = repo.diff(&DiffSpec::Unstaged, 3).expect("a diff");
        assert_eq!(gone.files[0].status, FileStatus::Deleted);
        assert!(!trace.exists());
    }

    #[test]
    fn encodings_are_read_by_gits_rules() {
        let decoded = |name: &str, bytes: &[u8]| super::decoded(name, bytes);
        let some = Some("aé".to_owned());
        assert_eq!(decoded("utf-16le", b"a\0\xe9\0"), some);
        assert_eq!(decoded("UTF-16BE", b"\0a\0\xe9"), some);
        assert_eq!(decoded("UTF-16", b"\xff\xfea\0\xe9\0"), some);
        assert_eq!(decoded("UTF-16", b"\xfe\xff\0a\0\xe9"), some);
        assert_eq!(decoded("UTF-16LE-BOM", b"\xff\xfea\0\xe9\0"), some);
        assert_eq!(decoded("ISO-8859-1", b"a\xe9"), some);
        // git refuses these.
        assert_eq!(decoded("UTF-16", b"a\0\xe9\0"), None);
        assert_eq!(decoded("UTF-16LE", b"\xff\xfea\0"), None);
        assert_eq!(decoded("UTF-16LE", b"a\0\xe9"), None);
        assert_eq!(decoded("no-such", b"a"), None);
    }
}
