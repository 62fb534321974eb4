//! Files of keys, passwords and tokens, which nobody is shown who was not told to look at them.

use aho_corasick::AhoCorasick;

use super::diff::FileDiff;
use super::ignored::Globs;
use super::{DiffKind, Repo, WalkRules};
use crate::base::confidential_files::CONFIDENTIAL_FILES;
use crate::base::{RepoPath, Result};

/// Endings of files that may hold a private key, or a public one that everybody may see.
const MAY_HOLD_A_KEY: &[&str] = &["pem", "key", "asc", "ovpn"];
/// Words that stand in a private key (RFC 7468, RFC 4716, RFC 9580).
const KEY_WORDS: &[&str] = &[
    "PRIVATE KEY-----",
    "PRIVATE KEY BLOCK-----",
    "PuTTY-User-Key",
];
/// Settings of package managers that may hold a token, and the words before one.
const MAY_HOLD_A_TOKEN: &[(&str, &[&str])] = &[
    (".npmrc", &["_authtoken", "_auth", "_password"]),
    (".yarnrc", &["_authtoken", "_auth", "_password"]),
    (".yarnrc.yml", &["npmauthtoken", "npmauthident"]),
    ("pip.conf", &["://", "password"]),
    ("nuget.config", &["cleartextpassword", "\"password\""]),
];

/// The rules by which files are confidential.
#[derive(Debug)]
pub struct Confidential {
    globs: Globs,
    /// Words of which a name has one that any of the globs means; none where a glob has no such.
    words: Option<AhoCorasick>,
}

impl Confidential {
    /// The rules of a walk through a repository.
    ///
    /// # Errors
    /// Of kind configuration, where a glob is none.
    pub fn new(repo: &Repo, rules: &WalkRules) -> Result<Self> {
        let known = CONFIDENTIAL_FILES.iter().map(|glob| (*glob).to_owned());
        // The last glob that speaks of a file counts.
        let all: Vec<String> = known.chain(rules.confidential.iter().cloned()).collect();
        let globs = Globs::new(repo.root(), &all, "confidential")?;
        let words: Option<Vec<&str>> = all.iter().map(|glob| word_of(glob)).collect();
        // Without the words every name is held against all globs.
        let words = words.and_then(|words| AhoCorasick::new(words).ok());
        Ok(Self { globs, words })
    }

    /// Tells whether a file is confidential by its name.
    pub fn is_by_name(&self, path: &RepoPath) -> bool {
        // Hardly any name has one, and to look for words takes a hundredth of the time.
        let may = (self.words.as_ref()).is_none_or(|words| words.is_match(path.as_str()));
        may && self.globs.mean(path)
    }

    /// Tells whether a file is confidential whose text begins with `start`.
    pub fn is(&self, path: &RepoPath, start: &[u8]) -> bool {
        self.is_by_name(path) || holds_one(path, start)
    }

    /// Tells whether a change shows the text of a confidential file, by its name before or after.
    pub fn is_change(&self, file: &FileDiff) -> bool {
        let paths = std::iter::once(&file.path).chain(&file.old_path);
        let lines = || {
            let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
            // A key that is taken away was one.
            let texts = lines.filter(|line| line.kind != DiffKind::Context);
            let texts: Vec<&str> = texts.map(|line| line.text.as_str()).collect();
            texts.join("\n")
        };
        let mut paths = paths;
        paths.any(|path| {
            self.is_by_name(path) || may_hold_one(path) && holds_one(path, lines().as_bytes())
        })
    }
}

/// The longest word that stands in every name that a glob means; none where it has none that one
/// could look for.
fn word_of(glob: &str) -> Option<&str> {
    if glob.contains(['[', '{', '\\']) {
        return None;
    }
    let words = glob.trim_start_matches('!').split(['*', '?', '/']);
    words
        .max_by_key(|word| word.len())
        .filter(|word| word.len() > 2)
}

/// Tells whether a file's name says that it may hold a key or a token.
fn may_hold_one(path: &RepoPath) -> bool {
    let name = path.name();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is = |known: &&str| known.eq_ignore_ascii_case(ending);
    MAY_HOLD_A_KEY.iter().any(is)
        || (MAY_HOLD_A_TOKEN.iter()).any(|(file, _)| file.eq_ignore_ascii_case(name))
}

/// Tells whether a file whose text begins with `start` holds a key or a token, where its name says
/// that it may.
pub(super) fn holds_one(path: &RepoPath, start: &[u8]) -> bool {
    if !may_hold_one(path) {
        return false;
    }
    let text = String::from_utf8_lossy(start);
    let name = path.name().to_ascii_lowercase();
    if let Some((_, words)) = MAY_HOLD_A_TOKEN.iter().find(|(file, _)| *file == name) {
        let lower = text.to_ascii_lowercase();
        return words.iter().any(|word| lower.contains(word));
    }
    KEY_WORDS.iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("a path")
    }

    #[test]
    fn keys_and_passwords_are_known_by_name_and_their_examples_are_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let repo = Repo::open(dir.path()).expect("opened");
        let rules = Confidential::new(&repo, &WalkRules::default()).expect("rules");
        for name in [
            ".env",
            "web/.env.local",
            "prod.env",
            "deploy/id_ed25519",
            "home/.aws/credentials",
            ".kube/config",
            "vault.kdbx",
            "a/.netrc",
            ".git-credentials",
            "infra/terraform.tfstate",
        ] {
            assert!(rules.is_by_name(&path(name)), "{name}");
        }
        // The words that names are looked through for are in the names.
        assert!(rules.words.is_some());
        assert_eq!(word_of("**/.aws/cli/cache/"), Some("cache"));
        assert_eq!(word_of("!*.env"), Some(".env"));
        assert_eq!(word_of("*.[ab]"), None);
        for name in [
            ".env.example",
            "web/.env.sample",
            "src/env.rs",
            "id_ed25519.pub",
            "credentials.rs",
            "aws/credentials.md",
            "environment.yml",
            "src/keystore.rs",
        ] {
            assert!(!rules.is_by_name(&path(name)), "{name}");
        }
        let changed = WalkRules {
            confidential: vec!["!web/.env.local".to_owned(), "notes.md".to_owned()],
            ..WalkRules::default()
        };
        let changed = Confidential::new(&repo, &changed).expect("rules");
        let is = |name: &str| changed.is_by_name(&path(name));
        assert!(is(".env") && is("notes.md") && !is("web/.env.local"));
    }

    #[test]
    fn some_are_known_by_what_they_hold() {
        let dir = tempfile::tempdir().expect("a folder");
        let repo = Repo::open(dir.path()).expect("opened");
        let rules = Confidential::new(&repo, &WalkRules::default()).expect("rules");
        let dashes = "-----";
        for (name, text, is) in [
            (
                "a.pem",
                format!("{dashes}BEGIN RSA PRIVATE KEY{dashes}\n"),
                true,
            ),
            (
                "a.pem",
                format!("{dashes}BEGIN CERTIFICATE{dashes}\n"),
                false,
            ),
            (
                "a.rs",
                format!("{dashes}BEGIN RSA PRIVATE KEY{dashes}\n"),
                false,
            ),
            (
                "a.asc",
                format!("{dashes}BEGIN PGP PRIVATE KEY BLOCK{dashes}\n"),
                true,
            ),
            (".npmrc", "//r/:_authToken=abc\n".to_owned(), true),
            (".npmrc", "save-exact=true\n".to_owned(), false),
            (".yarnrc.yml", "npmAuthToken: abc\n".to_owned(), true),
        ] {
            assert_eq!(rules.is(&path(name), text.as_bytes()), is, "{name} {text}");
        }
    }

    #[test]
    fn a_walk_leaves_them_out_and_counts_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("w");
        put(".env", "A=1\n");
        put(".env.example", "A=\n");
        put("a.key", "-----BEGIN PRIVATE KEY-----\n");
        put("b.key", "{ \"not\": \"one\" }\n");
        put("store.p12", "\0\0");
        let repo = Repo::open(dir.path()).expect("opened");
        let walk = repo
            .walk(&WalkRules::default(), &Cancel::never(), &mut |_| {})
            .expect("a walk");
        let names: Vec<&str> = walk.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, [".env.example", "b.key"]);
        assert_eq!((walk.skipped.confidential, walk.skipped.binary), (3, 0));
    }
}
