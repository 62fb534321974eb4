//! A state that operations have made, by the real git and apart from its user's settings.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::operations::{Content, Dice, Op, Place};

/// Folders and files of one state. All lie in a folder of its own.
pub(super) struct State {
    /// The folder of everything.
    base: PathBuf,
    /// The home of git's user, whose settings homebody reads too.
    pub home: PathBuf,
    /// The working tree that is compared.
    pub root: PathBuf,
    /// Counts what was made, for names and times.
    made: usize,
    /// True where git may not have all contents.
    pub partial: bool,
}

impl State {
    /// The state of an empty repository in `base`; `home` is emptied.
    pub fn new(base: &Path, home: &Path) -> Self {
        // A home is there before the first state.
        let _ = fs::remove_dir_all(home);
        fs::create_dir_all(home.join(".config/git")).expect("a home");
        let included = "[core]\n\texcludesFile = ~/included-excludes\n";
        fs::write(home.join("included"), included).expect("written");
        fs::write(home.join("included-excludes"), "*.tmp\n").expect("written");
        fs::write(base.join("outside.txt"), "outside\n").expect("written");
        let state = Self {
            base: base.to_owned(),
            home: home.to_owned(),
            root: base.join("r"),
            made: 0,
            partial: false,
        };
        fs::create_dir_all(&state.root).expect("made");
        state.ask(&["init", "-q", "-b", "main"]);
        state
    }

    /// Goes on in a clone of a repository.
    pub fn clone_of(&mut self, repository: &str) {
        let to = self.base.join("clone");
        let to_text = to.to_string_lossy().into_owned();
        let cloned = self.ask(&["clone", "-q", repository, &to_text]);
        assert!(cloned.status.success(), "{cloned:?}");
        self.root = to;
    }

    /// Makes a state by operations.
    pub fn made(base: &Path, home: &Path, operations: &[Op]) -> Self {
        let mut state = Self::new(base, home);
        for operation in operations {
            state.made += 1;
            state.apply(operation);
        }
        let converts = |operation: &Op| match operation {
            Op::Line(file, _) => file.ends_with("attributes"),
            Op::Git(words) => words
                .iter()
                .any(|word| word.contains("autocrlf") || word == "core.eol"),
            _ => false,
        };
        // Where line ends count now that did not before, git looks again at files of the second
        // in which the index was written, and libgit2 at those of the same nanosecond. Both look
        // again at what is older.
        if operations.iter().any(converts) {
            aged(&state.root);
        }
        state
    }

    /// The file that is there once a program of the repository's settings ran.
    pub fn ran(&self) -> PathBuf {
        self.home.join("ran")
    }

    /// A command of git's in a folder, whatever its user has set.
    fn command(&self, folder: &Path) -> Command {
        let now = format!("{} +0000", 1_700_000_000 + self.made * 10);
        let mut command = Command::new("git");
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("GIT_CEILING_DIRECTORIES", &self.base)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_MERGE_AUTOEDIT", "no")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "Test")
                .env(format!("GIT_{who}_EMAIL"), "test@localhost")
                .env(format!("GIT_{who}_DATE"), &now);
        }
        let settings = [
            ("protocol.file.allow", "always"),
            ("uploadpack.allowFilter", "true"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("advice.detachedHead", "false"),
        ];
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (n, (name, value)) in settings.into_iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{n}"), name)
                .env(format!("GIT_CONFIG_VALUE_{n}"), value);
        }
        command
    }

    /// Runs git in the working tree.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&self.root);
        command.args(arguments).output().expect("git runs")
    }

    /// Runs git in the working tree with an index that lies elsewhere, and input.
    pub fn ask_with(&self, index: Option<&Path>, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(&self.root);
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut pipe = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().expect("git ends");
        // Git may end before it has read all.
        let _ = writer.join();
        output
    }

    /// The lines that git prints; none where it fails.
    pub fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.ask(arguments);
        if !output.status.success() {
            return Vec::new();
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// Where a path of an operation lies, if that is inside the working tree and not git's: a
    /// link on the way could lead anywhere.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let full = self.root.join(path);
        let above = full.parent()?.canonicalize().ok()?;
        let root = self.root.canonicalize().ok()?;
        let own = above.strip_prefix(&root).ok()?;
        own.iter().all(|part| part != ".git").then_some(full)
    }

    /// Makes way for a file at `path`: what is no folder is taken out of its way.
    fn way(&self, path: &str) -> Option<PathBuf> {
        let mut at = self.root.clone();
        let mut parts = Path::new(path).iter().peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            let there = at.symlink_metadata();
            if parts.peek().is_none() {
                match there {
                    Ok(facts) if facts.is_dir() => return None,
                    Ok(facts) if facts.is_symlink() => fs::remove_file(&at).ok()?,
                    _ => {}
                }
            } else if !there.as_ref().is_ok_and(fs::Metadata::is_dir) {
                if there.is_ok() {
                    fs::remove_file(&at).ok()?;
                }
                fs::create_dir(&at).ok()?;
            }
        }
        self.inside(path)
    }

    /// Does one operation. One that cannot be done is passed over.
    pub fn apply(&mut self, operation: &Op) {
        // What cannot be done changes nothing, which is a state too.
        let _ = self.applied(operation);
    }

    fn applied(&mut self, operation: &Op) -> Option<()> {
        match operation {
            Op::Write(path, content, n) => fs::write(self.way(path)?, text(*content, *n)).ok(),
            Op::Edit(path, n) => {
                let at = self.plain_file(path)?;
                let edited = edited(&fs::read(&at).ok()?, *n);
                fs::write(at, edited).ok()
            }
            Op::Delete(path) => removed(&self.inside(path)?),
            Op::Rename(from, to) => {
                let from = self.inside(from)?;
                from.symlink_metadata().ok()?;
                fs::rename(from, self.way(to)?).ok()
            }
            Op::Copy(from, to) => {
                let from = self.plain_file(from)?;
                fs::copy(from, self.way(to)?).map(drop).ok()
            }
            Op::Executable(path, on) => executable(&self.plain_file(path)?, *on),
            Op::Link(path, to) => {
                // known: libgit2 does not convert the line ends of a file that was a link before.
                let at = self.way(path)?;
                // There may be nothing in its place.
                let _ = fs::remove_file(&at);
                link(to, &at)
            }
            Op::Folder(path) => {
                let at = self.way(path)?;
                // There may be nothing in its place.
                let _ = fs::remove_file(&at);
                fs::create_dir(&at).ok()?;
                fs::write(at.join("in.txt"), text(Content::Text, 1)).ok()
            }
            Op::Line(path, line) => self.add_line(path, line),
            Op::Git(arguments) => {
                let other = self.base.with_file_name("lib").display().to_string();
                let words = arguments.iter().map(|word| match word.as_str() {
                    "%" => other.as_str(),
                    word => word,
                });
                self.ask(&words.collect::<Vec<_>>());
                Some(())
            }
            Op::Go(place) => self.go(*place),
        }
    }

    /// A plain file of an operation.
    fn plain_file(&self, path: &str) -> Option<PathBuf> {
        let at = self.inside(path)?;
        at.symlink_metadata().ok()?.is_file().then_some(at)
    }

    fn add_line(&self, path: &str, line: &str) -> Option<()> {
        let at = if let Some(rest) = path.strip_prefix("~/") {
            self.home.join(rest)
        } else if let Some(rest) = path.strip_prefix("@/") {
            let path = self.lines(&["rev-parse", "--git-path", rest]);
            self.root.join(path.first()?)
        } else {
            self.way(path)?
        };
        fs::create_dir_all(at.parent()?).ok()?;
        let mut file = fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(at).ok()?;
        file.write_all(format!("{line}\n").as_bytes()).ok()
    }

    /// Goes on in another place.
    fn go(&mut self, place: Place) -> Option<()> {
        let next = self.base.join(format!("r{}", self.made));
        let to = next.to_string_lossy().into_owned();
        let from = format!("file://{}", self.root.display());
        let elsewhere = self.base.join(format!("dot{}", self.made));
        let dot = elsewhere.to_string_lossy().into_owned();
        let branch = format!("w{}", self.made);
        let arguments: &[&str] = match place {
            Place::Clone => &["clone", "-q", &from, &to],
            Place::Shallow => &["clone", "-q", "--depth", "1", &from, &to],
            Place::Partial => &["clone", "-q", "--filter=blob:none", &from, &to],
            Place::Linked => &["worktree", "add", "-q", "-b", &branch, &to],
            Place::Separate | Place::Named => &["init", "-q", "--separate-git-dir", &dot],
            Place::Sha256 => &["init", "-q", "-b", "main", "--object-format=sha256", &to],
            Place::Reftable => &["init", "-q", "-b", "main", "--ref-format=reftable", &to],
            Place::Nested => {
                let inner = self.way("vendor/inner/x.txt")?;
                fs::write(&inner, "x\n").ok()?;
                self.ask(&["-C", "vendor/inner", "init", "-q"]);
                self.ask(&["-C", "vendor/inner", "add", "x.txt"]);
                if self.made.is_multiple_of(2) {
                    self.ask(&["-C", "vendor/inner", "commit", "-qm", "Inner"]);
                }
                return Some(());
            }
        };
        // known: what `core.worktree` names for all working trees is not looked up in a linked one.
        let named = !self.lines(&["config", "core.worktree"]).is_empty();
        // known: a linked working tree of a shallow clone does not know where the history ends.
        let shallow = self
            .lines(&["rev-parse", "--is-shallow-repository"])
            .concat()
            == "true";
        if (named || shallow) && place == Place::Linked {
            return None;
        }
        // Git leaves the folders of submodules behind where its own goes elsewhere.
        let moves = matches!(place, Place::Separate | Place::Named);
        if moves && self.root.join(".git/modules").exists() {
            return None;
        }
        let done = self.ask(arguments).status.success();
        if done && place == Place::Named {
            let root = self.root.to_string_lossy().into_owned();
            self.ask(&["config", "core.worktree", &root]);
        }
        if done && next.join(".git").symlink_metadata().is_ok() {
            self.root = next;
            self.partial |= place == Place::Partial;
        }
        Some(())
    }
}

/// A repository to be cloned as a submodule, `lib` in `folder`.
pub(super) fn library(folder: &Path) {
    let (base, home) = (folder.join("made"), folder.join("nobody"));
    fs::create_dir_all(&base).expect("made");
    let mut state = State::new(&base, &home);
    for n in 0..3 {
        state.made += 1;
        fs::write(state.root.join("one.txt"), format!("{n}\n")).expect("written");
        state.ask(&["add", "one.txt"]);
        state.ask(&["commit", "-qm", "Inner"]);
    }
    fs::rename(&state.root, folder.join("lib")).expect("moved");
}

/// Makes all files of a working tree look as if they were written long ago.
fn aged(folder: &Path) {
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() && entry.file_name() != ".git" {
            aged(&entry.path());
        } else if kind.is_file() {
            // Not every file may be opened.
            let file = fs::File::options().append(true).open(entry.path());
            let _ = file.and_then(|file| file.set_modified(then));
        }
    }
}

/// Removes a file, a link or a folder.
fn removed(at: &Path) -> Option<()> {
    if at.symlink_metadata().ok()?.is_dir() {
        fs::remove_dir_all(at).ok()
    } else {
        fs::remove_file(at).ok()
    }
}

#[cfg(unix)]
fn executable(at: &Path, on: bool) -> Option<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if on { 0o755 } else { 0o644 };
    fs::set_permissions(at, fs::Permissions::from_mode(mode)).ok()
}

#[cfg(not(unix))]
fn executable(_: &Path, _: bool) -> Option<()> {
    None
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Option<()> {
    std::os::unix::fs::symlink(to, at).ok()
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> Option<()> {
    None
}

/// The bytes of a content, the `n`th of its sort.
fn text(content: Content, n: usize) -> Vec<u8> {
    let lines = |count: usize, end: &str| -> String {
        (0..count)
            .map(|k| format!("line {k} of {n}{end}"))
            .collect()
    };
    match content {
        Content::Text => lines(12 + 5 * n, "\n").into_bytes(),
        Content::Crlf => lines(10, "\r\n").into_bytes(),
        Content::Mixed => format!("{}{}", lines(5, "\r\n"), lines(5, "\n")).into_bytes(),
        Content::NoEnd => lines(6, "\n").trim_end().as_bytes().to_vec(),
        Content::Binary => format!("a\0b{n}\n").into_bytes(),
        Content::Empty => Vec::new(),
        Content::Long => lines(2000, "\n").into_bytes(),
        Content::Large => vec![b'x'; 1_000_001 + n],
        Content::Utf16 => {
            let units = format!("\u{feff}{}", lines(4, "\n"));
            units.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }
        Content::Latin1 => [lines(3, "\n").as_bytes(), b"caf\xe9\n"].concat(),
        Content::Marked => format!("\u{feff}{}", lines(3, "\n")).into_bytes(),
        Content::Lfs => format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{n:064}\nsize 12\n$Id$\n"
        )
        .into_bytes(),
    }
}

/// A text with some of its lines changed, put in or taken out.
fn edited(bytes: &[u8], n: usize) -> Vec<u8> {
    let mut dice = Dice::new(n as u64 + 77);
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    for k in 0..=dice.below(4) {
        let at = dice.below(lines.len() + 1);
        match dice.below(4) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines[at] = format!("changed {n} {k}\n").into_bytes(),
            2 if at < lines.len() => lines.insert(at, lines[at].clone()),
            _ => lines.insert(at, format!("put in {n} {k}\n").into_bytes()),
        }
    }
    let mut edited = lines.concat();
    if n.is_multiple_of(11) && edited.last() == Some(&b'\n') {
        edited.pop();
    }
    edited
}
