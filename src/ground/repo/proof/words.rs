//! The names, patterns, attributes and settings that random operations are made of.

/// Paths that most operations are about.
pub(super) const COMMON: &[&str] = &[
    "a.txt",
    "src/b.txt",
    "src/in/c.log",
    "out/d.tmp",
    "d e/\u{e4} f.txt",
];

/// Folders of paths.
pub(super) const FOLDERS: &[&str] = &[
    "", "", "src/", "src/in/", "src/out/", "Src/", "out/", "d e/", "build/x/", "vendor/", "a.txt/",
];

/// Names of files and of what could be one.
pub(super) const NAMES: &[&str] = &[
    "a.txt",
    "A.txt",
    "b.txt",
    "b",
    "c.log",
    "keep.log",
    "d.tmp",
    "\u{e4} f.txt",
    "run.sh",
    "-n",
    "tab\there",
    "q\"uote\\",
    "x.bin",
    "x.dat",
    "out",
    "build",
    "[x].txt",
    "{a,b}.txt",
    "#x",
    "!x",
    "x ",
    ".hidden",
    "caf\u{e9}",
    "cafe\u{301}",
];

/// Where links lead.
///
/// known: libgit2 takes a link to a folder for a folder where a pattern ends with a slash.
pub(super) const TARGETS: &[&str] = &["a.txt", "nowhere", "../outside.txt", "c.log"];

/// Files of patterns of what git ignores.
pub(super) const IGNORES: &[&str] = &[
    ".gitignore",
    ".gitignore",
    ".gitignore",
    "src/.gitignore",
    "src/in/.gitignore",
    "out/.gitignore",
    "@/info/exclude",
    "~/excludes",
    "~/.config/git/ignore",
];

/// Patterns of what git ignores.
pub(super) const PATTERNS: &[&str] = &[
    "*.log",
    "!keep.log",
    "!*.log",
    "/*",
    "*",
    "!*/",
    "!*.txt",
    "!/src",
    "!/src/",
    "out/",
    "out",
    "!out/",
    "/out",
    "src/in",
    "src/in/",
    "src/**",
    "src/*",
    "**/in",
    "**/in/",
    "in/**/",
    "a/**/b",
    "src/**/c.log",
    "*.tm?",
    "[ab].txt",
    "[!a].txt",
    "[a-c]*",
    "[[:alpha:]].txt",
    "{a,b}.txt",
    "\\#x",
    "#x",
    "\\!x",
    "x\\ ",
    "x ",
    "trailing   ",
    "",
    "build/x/",
    "d e/",
    "d e",
    "*.TXT",
    "A.txt",
    "[x].txt",
    "\\[x\\].txt",
    "[",
    "a[",
    "caf\u{e9}",
    "caf?",
    "b\r",
    "/",
    // known: libgit2 takes `//` and `**/` to ignore all.
    "!",
    "**",
    "/**",
    "foo/**",
    "/src/b.txt",
    "src//b.txt",
    "./a.txt",
    "../a.txt",
    "*/c.log",
    "*/*/c.log",
    "a.txt/",
    "q\"uote\\\\",
    "q*\\\\",
    // known: libgit2 reads no line behind one that ends with a backslash.
    "tab\there",
    "tab\t*",
];

/// Lines of attributes.
pub(super) const ATTRIBUTES: &[&str] = &[
    "*.txt text",
    "* text=auto",
    "* text=auto eol=crlf",
    "*.txt eol=lf",
    "*.txt eol=crlf",
    "*.txt -text",
    "*.log binary",
    "a.txt binary",
    "*.txt -diff",
    "*.bin diff",
    "*.txt diff=word",
    "*.txt !diff",
    "src/** -diff",
    "*.dat filter=f",
    "a.txt filter=f",
    "*.txt ident",
    "b.txt -crlf",
    // known: libgit2 does not convert by `working-tree-encoding`, so that such a file is told as
    // changed in all its lines wherever it has to be read.
    "[attr]own -diff",
    "c.log own",
    "*.sh text eol=lf",
    "* -text",
    "* merge=union",
];

/// Settings, as `git config` takes them.
pub(super) const SETTINGS: &[&[&str]] = &[
    &["core.autocrlf", "true"],
    &["core.autocrlf", "input"],
    &["core.eol", "crlf"],
    &["core.safecrlf", "true"],
    &["core.ignorecase", "true"],
    &["core.filemode", "false"],
    // known: with `core.symlinks` off libgit2 follows links, and fails at one that dangles.
    &["core.excludesFile", "~/excludes"],
    &["--global", "core.excludesFile", "~/excludes"],
    &["include.path", "~/included"],
    &["--global", "include.path", "~/included"],
    &["core.attributesFile", "~/.config/git/attributes"],
    &["diff.renames", "false"],
    &["diff.renames", "copies"],
    &["diff.renameLimit", "1"],
    &["diff.algorithm", "patience"],
    &["diff.noprefix", "true"],
    &["diff.context", "9"],
    &["diff.external", "touch ~/ran; true"],
    &["diff.word.textconv", "touch ~/ran; cat"],
    &["diff.word.binary", "true"],
    &["diff.ignoreSubmodules", "all"],
    &["diff.submodule", "log"],
    &["diff.suppressBlankEmpty", "true"],
    &["diff.indentHeuristic", "false"],
    &["status.showUntrackedFiles", "no"],
    &["status.renames", "copies"],
    &["core.quotePath", "false"],
    &["core.precomposeUnicode", "true"],
    &["core.untrackedCache", "true"],
    &["core.fsmonitor", "touch ~/ran; false"],
    &["core.checkStat", "minimal"],
    // known: what is larger than `core.bigFileThreshold` is told with its lines.
    &["core.splitIndex", "true"],
    &["core.sparseCheckout", "true"],
    &["index.version", "4"],
    // known: with `index.skipHash` git itself loses the shared part of a split index.
    &["extensions.worktreeConfig", "true"],
    &["submodule.recurse", "true"],
    &["filter.f.clean", "touch ~/ran; tr a-z A-Z"],
    &["filter.f.smudge", "touch ~/ran; cat"],
    &["filter.f.required", "true"],
    &["blame.ignoreRevsFile", "nothing"],
    &["core.commitGraph", "true"],
    &["core.repositoryFormatVersion", "1"],
];
