//! `@path` and `@path:10-40` in a request.

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath};

/// The longest path a mention may have, in bytes; longer ones are prose.
const LONGEST: usize = 1024;

/// Extensions by which a word is told from a name with dots in it.
const EXTENSIONS: &[&str] = &[
    "bash", "bat", "c", "cc", "cfg", "cjs", "clj", "cmake", "conf", "cpp", "cs", "css", "csv",
    "cts", "cu", "cxx", "dart", "diff", "ex", "exs", "go", "gradle", "graphql", "h", "hh", "hpp",
    "hs", "htm", "html", "ini", "ipynb", "java", "jl", "js", "json", "jsonl", "jsx", "kt", "kts",
    "less", "lock", "lua", "m", "md", "mdx", "mjs", "mk", "ml", "mm", "mts", "nix", "patch", "php",
    "pl", "pm", "proto", "ps1", "py", "pyi", "pyx", "r", "rake", "rb", "rs", "rst", "sass",
    "scala", "scss", "sh", "sql", "svelte", "svg", "swift", "tex", "tf", "toml", "ts", "tsv",
    "tsx", "txt", "vue", "xml", "yaml", "yml", "zig", "zsh",
];

/// A file, folder or range the user names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Path as it stands after `@`, without the range.
    pub path: RepoPath,
    /// Lines of the file, where they are given.
    pub range: Option<LineRange>,
}

impl Mention {
    /// True if this is meant as a path whatever the repository holds: it has a folder, a range, or
    /// the extension of a kind of file that there is. A bare word (`@Override`, `@Makefile`) or a
    /// name with dots (`@app.task`) is one only if it exists, and is passed over in silence
    /// otherwise.
    pub fn looks_like_path(&self) -> bool {
        let extension = self.path.extension();
        self.range.is_some()
            || self.path.as_str().contains('/')
            || self.path.as_str().starts_with('.')
            || extension.is_some_and(|own| EXTENSIONS.contains(&own.as_str()))
    }

    /// True if the mention names `path` itself or a folder above it.
    pub fn names(&self, path: &RepoPath) -> bool {
        path.is_below(&self.path)
    }
}

/// Something that a text names behind `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A file, a folder, lines of a file; or the name of a definition, which looks like a path.
    Path(Mention),
    /// Changes that git knows. `sure` is false for words that may mean something else: they are
    /// changes only if git knows the revision.
    Changes {
        /// The changes.
        of: Changes,
        /// True if nothing else can be meant.
        sure: bool,
    },
    /// A path that is absolute or leads out of the repository, as typed.
    Outside(String),
}

/// Changes that git knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// All that differs from the last commit: `@diff`.
    Uncommitted,
    /// All that the next commit will hold: `@staged`.
    Staged,
    /// One commit: `@HEAD~1`.
    Commit(String),
    /// The commits of a range: `@HEAD~3..`, `@main..topic`.
    Range(String),
}

/// Finds the mentions of paths in a text: `@src/a.rs`, `@src/a.rs:10`, `@src/a.rs:10-40`, `@"with
/// space.rs"`, `@src/`; each once, in order.
///
/// `@` counts at the beginning of a word only, so that e-mail addresses are none. Bare words
/// are returned too: whether they exist is for the caller to see ([`Mention::looks_like_path`]).
pub fn mentions(text: &str) -> Vec<Mention> {
    let paths = named(text).into_iter().filter_map(|named| match named {
        Named::Path(mention) => Some(mention),
        Named::Changes { .. } | Named::Outside(_) => None,
    });
    paths.collect()
}

/// Finds all that a text names behind `@`, each once, in order.
pub fn named(text: &str) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let starts_word = before.is_none_or(|b: char| {
            b.is_whitespace()
                || matches!(
                    b,
                    '(' | '[' | '{' | ',' | ';' | '"' | '\'' | '`' | '<' | '*'
                )
        });
        if c == '@'
            && starts_word
            && let Some((named, left)) = one(rest.as_str())
        {
            if !found.contains(&named) {
                found.push(named);
            }
            before = Some('x');
            rest = left.chars();
            continue;
        }
        before = Some(c);
    }
    found
}

/// Reads what is named at the beginning of `text` (behind the `@`), and what follows it; none where
/// what stands there names nothing.
fn one(text: &str) -> Option<(Named, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, rest) = quoted.split_once('"')?;
        if name.len() > LONGEST || name.contains('\n') {
            return None;
        }
        let (range, rest) = match rest.strip_prefix(':').and_then(leading_range) {
            Some((range, rest)) => (Some(range), rest),
            None => (None, rest),
        };
        return Some((path(name, range)?, rest));
    }
    let end = text
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>' | '|' | '*' | '?' | '@')
        })
        .unwrap_or(text.len());
    let word = text.get(..end)?;
    // A second `@` makes it a handle or an address: `@user@host`.
    if word.is_empty() || word.len() > LONGEST || text.get(end..)?.starts_with('@') {
        return None;
    }
    // An address of the web is none of a file.
    if word.contains("://") {
        return None;
    }
    let rest = text.get(end..)?;
    if let Some(changes) = changes(word) {
        return Some((changes, rest));
    }
    let (name, range) = split_range(trim_end(without_call(word)));
    let begins =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | '(' | '$' | '+' | '/');
    if !name.starts_with(begins) && !name.starts_with("~/") {
        return None;
    }
    Some((path(name, range)?, rest))
}

/// Takes the arguments off a decorator: `app.route('/x')` is no path.
fn without_call(word: &str) -> &str {
    let Some((name, arguments)) = word.split_once('(') else {
        return word;
    };
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let is_call = arguments.is_empty()
        || arguments.starts_with(['\'', ')'])
        || arguments.contains(['=', '\'']);
    if is_name && is_call { name } else { word }
}

/// Makes of a name what it names: a path, one that leads out; none where it is no path at all.
fn path(name: &str, range: Option<LineRange>) -> Option<Named> {
    let inner = name.trim_matches(['/', '.', '~']);
    if inner.is_empty() || name.starts_with("//") {
        return None;
    }
    let outside = || Some(Named::Outside(name.to_owned()));
    if name.starts_with('/') || name.starts_with("~/") {
        return outside();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return outside(),
            ".." => {}
            part => parts.push(part),
        }
    }
    match RepoPath::new(&parts.join("/")) {
        Ok(path) => Some(Named::Path(Mention { path, range })),
        // It names something that nobody may see: git's own folder.
        Err(_) => outside(),
    }
}

/// Reads changes that git knows: `diff`, `staged`, `HEAD~1`, `main..topic`; none for other words.
fn changes(word: &str) -> Option<Named> {
    let word = word.trim_end_matches([',', ';', ':', '!', '\'', ')', ']', '}', '…', '”', '’']);
    let sure = |of| Some(Named::Changes { of, sure: true });
    // Two dots at the end are a range up to now, one or three are the sentence's.
    let dots = word.len() - word.trim_end_matches('.').len();
    let bare = word.trim_end_matches('.');
    match bare {
        "diff" if dots != 2 => return sure(Changes::Uncommitted),
        "staged" if dots != 2 => return sure(Changes::Staged),
        _ => {}
    }
    let whole = if dots == 2 { word } else { bare };
    if let Some((old, new)) = whole.split_once("..") {
        let new = new.strip_prefix('.').unwrap_or(new);
        let revisions = is_revision(old) && (new.is_empty() || is_revision(new));
        return revisions.then(|| Named::Changes {
            of: Changes::Range(whole.to_owned()),
            sure: is_surely_revision(old) || is_surely_revision(new),
        });
    }
    if is_revision(bare) && is_surely_revision(bare) {
        return sure(Changes::Commit(bare.to_owned()));
    }
    None
}

/// Tells whether git might take a word for a revision.
fn is_revision(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphanumeric())
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~' | '^'))
}

/// Tells whether a word can hardly be anything but a revision.
fn is_surely_revision(word: &str) -> bool {
    let name = word.trim_end_matches(|c: char| matches!(c, '~' | '^') || c.is_ascii_digit());
    name == "HEAD" || name.len() < word.len() && word.contains(['~', '^'])
}

/// Takes the punctuation of the sentence off the end of a word. A closing bracket stays where its
/// opening one stands in the word: `pages/[id]`.
fn trim_end(word: &str) -> &str {
    let mut word = word;
    loop {
        let mut chars = word.chars();
        let Some(last) = chars.next_back() else {
            return word;
        };
        let open = match last {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            '.' | ',' | ';' | ':' | '!' | '\'' | '…' | '”' | '’' => '\0',
            _ => return word,
        };
        if open != '\0' && word.matches(open).count() >= word.matches(last).count() {
            return word;
        }
        word = chars.as_str();
    }
}

/// Splits a word into a name and the range behind its first colon: `a.rs:10`, `a.rs:10-40`, also
/// `a.rs:10:5` as compilers write it (the column is dropped) and `a.rs#L10-L40` as links have it.
fn split_range(word: &str) -> (&str, Option<LineRange>) {
    if let Some((name, lines)) = word.split_once("#L")
        && let Some(range) = whole_range(&lines.replace('L', ""))
    {
        return (name, Some(range));
    }
    let Some((name, tail)) = word.split_once(':') else {
        return (word, None);
    };
    let lines = match tail.split_once(':') {
        Some((lines, column)) if column.bytes().all(|b| b.is_ascii_digit()) => lines,
        _ => tail,
    };
    match whole_range(lines) {
        Some(range) => (name, Some(range)),
        // `Type::method` and the like: the part before is no file name then.
        None => (word, None),
    }
}

/// Reads a range that is all of a text.
fn whole_range(text: &str) -> Option<LineRange> {
    leading_range(text).and_then(|(range, rest)| rest.is_empty().then_some(range))
}

/// Reads `10` or `10-40` at the beginning, and returns the rest too.
fn leading_range(text: &str) -> Option<(LineRange, &str)> {
    let (start, rest) = leading_number(text)?;
    if let Some((end, rest)) = rest.strip_prefix('-').and_then(leading_number) {
        return Some((LineRange::new(start, end), rest));
    }
    Some((LineRange::new(start, start), rest))
}

/// Reads a number at the beginning, and returns the rest too; none where there is none, or one that
/// is too large.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        mentions(text)
            .into_iter()
            .map(|m| match m.range {
                Some(range) => format!("{}:{range}", m.path.as_str()),
                None => m.path.as_str().to_owned(),
            })
            .collect()
    }

    #[test]
    fn files_ranges_folders_and_quotes() {
        assert_eq!(
            said("see @src/a.rs, (@src/b.rs:10) and @c.rs:10-40. @\"with space.rs\":3-4 @src/"),
            [
                "src/a.rs",
                "src/b.rs:10",
                "c.rs:10-40",
                "with space.rs:3-4",
                "src"
            ]
        );
        assert_eq!(said("@a.rs:12:5: error"), ["a.rs:12"]);
        assert_eq!(said("@a.rs#L3-L9"), ["a.rs:3-9"]);
        assert_eq!(
            said("is @a.rs? `@b.rs` **@c.rs**"),
            ["a.rs", "b.rs", "c.rs"]
        );
        assert_eq!(
            said("@pages/[id].tsx @pages/[id] [@x.rs]"),
            ["pages/[id].tsx", "pages/[id]", "x.rs"]
        );
        assert_eq!(said("@a.rs @a.rs @a.rs:1"), ["a.rs", "a.rs:1"]);
        assert_eq!(said("@größe/ñ.py:2"), ["größe/ñ.py:2"]);
    }

    #[test]
    fn what_leads_out_is_said_to() {
        let outside = |text: &str| {
            let found = named(text);
            found.into_iter().find_map(|named| match named {
                Named::Outside(path) => Some(path),
                _ => None,
            })
        };
        for path in [
            "/etc/passwd",
            "../up",
            "../../x.py",
            "~/.ssh/id_rsa",
            "a/../../b",
            ".git/config",
        ] {
            assert_eq!(
                outside(&format!("see @{path}, please")).as_deref(),
                Some(path)
            );
        }
        assert_eq!(outside("@\"/a b\"").as_deref(), Some("/a b"));
        assert_eq!(said("@src/../a.rs @./b.rs"), ["a.rs", "b.rs"]);
    }

    #[test]
    fn what_git_knows_is_named_by_revisions() {
        let changes = |text: &str| -> Vec<String> {
            let found = named(text);
            let told = found.into_iter().map(|named| match named {
                Named::Changes { of, sure } => format!("{of:?} {sure}"),
                other => format!("{other:?}"),
            });
            told.collect()
        };
        assert_eq!(
            changes("what do @diff, @staged and (@HEAD~1) change?"),
            ["Uncommitted true", "Staged true", "Commit(\"HEAD~1\") true"]
        );
        assert_eq!(changes("see @HEAD."), ["Commit(\"HEAD\") true"]);
        assert_eq!(changes("@main~2^"), ["Commit(\"main~2^\") true"]);
        assert_eq!(
            changes("@HEAD~3.. @main..topic/x @v1.2...HEAD @HEAD~2..."),
            [
                "Range(\"HEAD~3..\") true",
                "Range(\"main..topic/x\") false",
                "Range(\"v1.2...HEAD\") true",
                "Commit(\"HEAD~2\") true"
            ]
        );
        // A quoted name, or one with a slash, is that of a file or folder.
        assert_eq!(
            said("@\"diff\" @diff/ @./staged @todo... @a.py"),
            ["diff", "staged", "todo", "a.py"]
        );
    }

    #[test]
    fn decorators_lose_their_arguments() {
        assert_eq!(said("@app.route('/x')"), ["app.route"]);
        assert_eq!(said("@app.task(bind=True)"), ["app.task"]);
        assert_eq!(said("@retry()"), ["retry"]);
        assert_eq!(said("@pages/(group)/a.tsx"), ["pages/(group)/a.tsx"]);
    }

    #[test]
    fn what_is_no_mention() {
        for text in [
            "me@example.org",
            "@",
            "@ a",
            "@@x",
            "@/",
            "@..",
            "@https://example.org/a.py",
            "https://example.org/@user/a.py",
            "ssh://git@example.org/x.git",
            "@\"open",
            "a@b.rs",
            "@user@host.org",
            "@\"\"",
        ] {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn bare_words_do_not_look_like_paths() {
        let found = mentions("@Override @Makefile @a.rs @src/ @app.task @.env @a/b");
        let sure: Vec<bool> = found.iter().map(Mention::looks_like_path).collect();
        assert_eq!(sure, [false, false, true, false, false, true, true]);
    }

    #[test]
    fn a_folder_names_what_is_below_it() {
        let folder = &mentions("@src/")[0];
        assert!(folder.names(&RepoPath::new("src/a/b.rs").expect("path")));
        assert!(!folder.names(&RepoPath::new("src2/a.rs").expect("path")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,200}") {
            stand_there(&text)?;
        }
        #[test]
        fn hostile_pieces(parts in proptest::collection::vec("@|\"|:|-|[0-9]{1,12}|a\\.rs|\\.\\.|/| |ü|\\[|\\)", 0..30)) {
            stand_there(&parts.concat())?;
        }
    }

    /// Every part of a path that is mentioned is in the text, and none leads up.
    fn stand_there(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
        for mention in mentions(text) {
            let mut parts = mention.path.as_str().split('/');
            let there = parts.all(|part| part != ".." && text.contains(part));
            proptest::prop_assert!(there && text.contains('@'), "{:?} {}", text, mention.path);
        }
        Ok(())
    }
}
