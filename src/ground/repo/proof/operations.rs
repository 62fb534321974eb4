//! Random operations on a repository, each of which stands by itself: a list of them with some
//! taken out is a list of operations too.

use std::fmt;

use super::words::{ATTRIBUTES, COMMON, FOLDERS, IGNORES, NAMES, PATTERNS, SETTINGS, TARGETS};

/// Numbers that look random and follow from a seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Numbers of a seed.
    pub fn new(seed: u64) -> Self {
        // Mixed once, for the numbers of the next seed are not to be these by one place.
        let mut dice = Self(seed);
        Self(dice.next() ^ seed.rotate_left(32))
    }

    /// The next number (splitmix64).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another one.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of some things.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// A path of a file, often one of the few that other operations use too.
    pub fn path(&mut self) -> String {
        if self.below(3) > 0 {
            return self.pick(COMMON).to_owned();
        }
        self.any_path()
    }

    /// A path of any folder and name.
    pub fn any_path(&mut self) -> String {
        format!("{}{}", self.pick(FOLDERS), self.pick(NAMES))
    }
}

/// The sorts of content that a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    Crlf,
    Mixed,
    NoEnd,
    Binary,
    Empty,
    Long,
    Large,
    Utf16,
    Latin1,
    Marked,
    Lfs,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Writes a file; the number makes its text another one.
    Write(String, Content, usize),
    /// Changes, adds and removes lines of a file; the number says which.
    Edit(String, usize),
    /// Removes a file, a link or a folder.
    Delete(String),
    /// Gives a file another name without git.
    Rename(String, String),
    /// Copies a file.
    Copy(String, String),
    /// Sets the bit of a program.
    Executable(String, bool),
    /// Puts a link in the place of what is there.
    Link(String, String),
    /// Puts a folder with a file in the place of what is there.
    Folder(String),
    /// Adds a line to a file of rules; `~` is the home, `@` git's own folder.
    Line(String, String),
    /// Runs git.
    Git(Vec<String>),
    /// Goes on in another repository or working tree.
    Go(Place),
}

/// The places where operations go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A clone.
    Clone,
    /// A clone of the last commits.
    Shallow,
    /// A clone without contents.
    Partial,
    /// A linked working tree.
    Linked,
    /// The same, with git's folder elsewhere.
    Separate,
    /// The same, with the working tree named in the configuration.
    Named,
    /// A new repository with SHA-256.
    Sha256,
    /// A new repository with reftables.
    Reftable,
    /// A repository inside, which git does not know.
    Nested,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(path, content, n) => write!(f, "write {content:?} {n} > {path:?}"),
            Self::Edit(path, n) => write!(f, "edit {n} {path:?}"),
            Self::Delete(path) => write!(f, "rm -r {path:?}"),
            Self::Rename(from, to) => write!(f, "mv {from:?} {to:?}"),
            Self::Copy(from, to) => write!(f, "cp {from:?} {to:?}"),
            Self::Executable(path, on) => {
                write!(f, "chmod {}x {path:?}", if *on { '+' } else { '-' })
            }
            Self::Link(path, to) => write!(f, "ln -sfn {to:?} {path:?}"),
            Self::Folder(path) => {
                write!(f, "rm -r {path:?}; mkdir {path:?}; write {path:?}/in.txt")
            }
            Self::Line(path, line) => write!(f, "echo {line:?} >> {path}"),
            Self::Git(arguments) => write!(f, "git {arguments:?}"),
            Self::Go(place) => write!(f, "go on in {place:?}"),
        }
    }
}

/// A list of operations that follows from a seed.
pub(super) fn operations(seed: u64) -> Vec<Op> {
    let mut dice = Dice::new(seed);
    let count = 6 + dice.below(16);
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        match dice.below(16) {
            0 => all.extend(parted(&mut dice)),
            _ => all.push(operation(&mut dice)),
        }
        // What is written only matters where git learns of it now and then.
        match dice.below(6) {
            0 => all.push(git(&["add", "-A"])),
            1 => all.extend([git(&["add", "-A"]), commit()]),
            _ => {}
        }
    }
    all
}

/// Two branches that change the same file, and what brings them together: mostly it stops.
fn parted(dice: &mut Dice) -> Vec<Op> {
    let path = dice.path();
    let mut change = |all: &mut Vec<Op>| {
        all.push(match dice.below(5) {
            0 => Op::Delete(path.clone()),
            1 => Op::Rename(path.clone(), dice.path()),
            _ => Op::Edit(path.clone(), dice.below(1000)),
        });
        all.extend([git(&["add", "-A"]), commit()]);
    };
    let mut all = vec![
        Op::Write(path.clone(), Content::Text, 3),
        git(&["add", "-A"]),
        commit(),
        git(&["checkout", "-qb", "parted"]),
    ];
    change(&mut all);
    all.push(git(&["checkout", "-q", "-"]));
    change(&mut all);
    all.push(git(dice.pick(&[
        &["merge", "-q", "--no-edit", "parted"][..],
        &["merge", "-q", "--no-edit", "parted"],
        &["merge", "-q", "--no-commit", "parted"],
        &["rebase", "-q", "parted"],
        &["cherry-pick", "parted"],
        &["checkout", "-q", "-m", "parted"],
    ])));
    all
}

fn operation(dice: &mut Dice) -> Op {
    match dice.below(100) {
        0..20 => write(dice),
        20..32 => Op::Edit(dice.path(), dice.below(1000)),
        32..36 => Op::Delete(dice.path()),
        36..40 => Op::Rename(dice.path(), dice.path()),
        40..42 => Op::Copy(dice.path(), dice.path()),
        42..45 => Op::Executable(dice.path(), dice.below(3) > 0),
        45..48 => Op::Link(dice.path(), dice.pick(TARGETS).to_owned()),
        48..50 => Op::Folder(dice.path()),
        50..60 => Op::Line(
            dice.pick(IGNORES).to_owned(),
            dice.pick(PATTERNS).to_owned(),
        ),
        60..65 => attribute(dice),
        65..70 => setting(dice),
        70..78 => on_a_path(dice),
        78..93 => plain(dice),
        93..96 => inner(dice),
        _ => Op::Go(dice.pick(PLACES)),
    }
}

/// Makes an operation of git's arguments.
fn git(arguments: &[&str]) -> Op {
    Op::Git(arguments.iter().map(|&word| word.to_owned()).collect())
}

fn commit() -> Op {
    git(&["commit", "-qm", "A change"])
}

fn write(dice: &mut Dice) -> Op {
    use Content::{
        Binary, Crlf, Empty, Large, Latin1, Lfs, Long, Marked, Mixed, NoEnd, Text, Utf16,
    };
    const MOST: &[Content] = &[
        Text, Text, Text, Text, Text, Text, Crlf, Crlf, Mixed, NoEnd, NoEnd, Binary, Empty, Long,
        Utf16, Latin1, Marked, Lfs, Text, Text,
    ];
    let content = match dice.below(150) {
        0 => Large,
        _ => dice.pick(MOST),
    };
    Op::Write(dice.path(), content, dice.below(6))
}

fn attribute(dice: &mut Dice) -> Op {
    let file = dice.pick(&[
        ".gitattributes",
        ".gitattributes",
        "src/.gitattributes",
        "@/info/attributes",
        "~/.config/git/attributes",
    ]);
    Op::Line(file.to_owned(), dice.pick(ATTRIBUTES).to_owned())
}

fn setting(dice: &mut Dice) -> Op {
    git(&[&["config"][..], dice.pick(SETTINGS)].concat())
}

/// Something that git is asked to do with a path.
fn on_a_path(dice: &mut Dice) -> Op {
    const ASKED: &[&[&str]] = &[
        &["add", "-f", "--"],
        &["add", "-f", "--"],
        &["add", "-N", "--"],
        &["add", "-N", "--"],
        &["rm", "-qrf", "--"],
        &["rm", "-rq", "--cached", "--"],
        &["checkout", "-q", "HEAD", "--"],
        &["restore", "--staged", "--"],
        &["restore", "--source=HEAD~1", "--"],
        &["update-index", "--assume-unchanged", "--"],
        &["update-index", "--skip-worktree", "--"],
        &["update-index", "--no-skip-worktree", "--"],
        &["update-index", "--chmod=+x", "--"],
        &["update-index", "--force-remove", "--"],
        &["checkout", "--theirs", "--"],
    ];
    let path = dice.path();
    if dice.below(6) == 0 {
        return git(&["mv", "-f", &path, &dice.path()]);
    }
    git(&[dice.pick(ASKED), &[path.as_str()]].concat())
}

/// Something that git is asked to do with the whole.
fn plain(dice: &mut Dice) -> Op {
    const ASKED: &[&[&str]] = &[
        &["add", "-A"],
        &["add", "-A"],
        &["commit", "-qm", "Staged"],
        &["commit", "-qam", "All"],
        &["commit", "-qam", "All"],
        &["commit", "-q", "--amend", "-m", "Again"],
        &["commit", "-q", "--allow-empty", "-m", "Nothing"],
        &["stash", "-q"],
        &["stash", "pop", "-q"],
        &["stash", "-qu"],
        &["checkout", "-qb", "side"],
        &["checkout", "-qb", "other"],
        &["checkout", "-q", "side"],
        &["checkout", "-q", "main"],
        &["checkout", "-qf", "main"],
        &["checkout", "-qf", "side"],
        &["checkout", "-q", "--detach"],
        &["checkout", "-q", "--orphan", "alone"],
        &["merge", "-q", "--no-edit", "side"],
        &["merge", "-q", "--no-edit", "main"],
        &["merge", "-q", "--no-edit", "other"],
        &["merge", "-q", "--no-edit", "side"],
        &["merge", "-q", "--no-edit", "main"],
        &["rebase", "-q", "main"],
        &["rebase", "-q", "side"],
        &["cherry-pick", "side"],
        &["revert", "--no-edit", "HEAD"],
        &["reset", "-q"],
        &["reset", "-q", "--soft", "HEAD~1"],
        &["reset", "-q", "--hard", "HEAD~1"],
        &["reset", "-q", "HEAD~1"],
        &["clean", "-qfd"],
        &["gc", "-q"],
        &["pack-refs", "--all"],
        &["update-index", "--split-index"],
        &["update-index", "--no-split-index"],
        &["update-index", "--index-version", "4"],
        &["update-index", "--index-version", "4"],
        &["update-index", "--untracked-cache"],
        &["sparse-checkout", "set", "src"],
        &["sparse-checkout", "set", "--sparse-index", "src"],
        &["sparse-checkout", "set", "--sparse-index", "out"],
        &["sparse-checkout", "set", "--no-cone", "*.txt", "!/src"],
        &["sparse-checkout", "set", "--no-cone", "/out"],
        &["sparse-checkout", "add", "src"],
        &["sparse-checkout", "reapply"],
        &["sparse-checkout", "disable"],
        // known: libgit2 does not know of `git replace`.
        &["tag", "-f", "-a", "-m", "t", "v1"],
        &["rm", "-rq", "--cached", "."],
        &["add", "--renormalize", "."],
        &["notes", "add", "-f", "-m", "n"],
        &["maintenance", "run", "--task=commit-graph"],
        &["repack", "-adq"],
        &["config", "--unset-all", "core.autocrlf"],
    ];
    git(dice.pick(ASKED))
}

/// Something about a repository inside; `%` is one that can be cloned.
fn inner(dice: &mut Dice) -> Op {
    const ASKED: &[&[&str]] = &[
        &["submodule", "--quiet", "add", "--force", "%", "sub"],
        &["submodule", "--quiet", "add", "--force", "%", "sub"],
        &["submodule", "--quiet", "add", "--force", "%", "src/sub"],
        &["-C", "sub", "checkout", "-q", "HEAD~1"],
        &["-C", "sub", "checkout", "-q", "HEAD~1"],
        &["-C", "sub", "commit", "-q", "--allow-empty", "-m", "Moved"],
        &["-C", "sub", "rm", "-q", "one.txt"],
        &["submodule", "--quiet", "deinit", "-f", "--all"],
        &["submodule", "--quiet", "update", "--init"],
        &["submodule", "--quiet", "absorbgitdirs"],
        &["rm", "-qrf", "--cached", "sub"],
        &["rm", "-qrf", "sub"],
        &["mv", "sub", "moved"],
        &["config", "submodule.sub.ignore", "all"],
        &["-C", "vendor", "init", "-q"],
    ];
    git(dice.pick(ASKED))
}

/// The places, the ordinary ones more often.
const PLACES: &[Place] = &[
    Place::Clone,
    Place::Shallow,
    Place::Shallow,
    Place::Partial,
    Place::Linked,
    Place::Linked,
    Place::Separate,
    Place::Separate,
    Place::Named,
    Place::Sha256,
    Place::Reftable,
    Place::Nested,
    Place::Nested,
    Place::Clone,
    Place::Named,
];
