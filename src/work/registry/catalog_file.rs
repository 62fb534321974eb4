//! The text of a catalog: TOML with one table for each model, checked entry by entry.

use serde::Deserialize;
use toml::Spanned;

use super::card::CardSampling;
use super::catalog::{EditForm, Model, NAME_RULE, Source, good_name, is_sha256, nearest, plain};
use crate::base::{Failure, Result, architectures};

/// The whole text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    #[serde(default)]
    model: Vec<CatalogEntry>,
}

/// One model; what may be left out is guessed for the user's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogEntry {
    name: Spanned<String>,
    #[serde(default)]
    about: String,
    hub: Option<Spanned<Hub>>,
    wheel: Option<Spanned<Wheel>>,
    bytes: Spanned<u64>,
    download_bytes: Option<u64>,
    sha256: Option<Spanned<String>>,
    #[serde(default)]
    license: String,
    #[serde(default = "default_architecture")]
    architecture: String,
    #[serde(default = "default_context")]
    context: u32,
    #[serde(default = "default_state")]
    state_bytes_per_token: u64,
    weight_bytes: Option<u64>,
    #[serde(default = "default_other")]
    other_bytes: u64,
    #[serde(default)]
    rank: u32,
    #[serde(default)]
    sampling: CardSampling,
    thinking: Option<CardSampling>,
    thinking_limit: Option<u32>,
    #[serde(default)]
    edits: EditForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hub {
    repo: String,
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wheel {
    package: String,
    version: String,
    member: String,
}

fn default_architecture() -> String {
    "llama".to_owned()
}

const fn default_context() -> u32 {
    8_192
}

const fn default_state() -> u64 {
    128 << 10
}

const fn default_other() -> u64 {
    256 << 20
}

/// Reads the models of a catalog; `from` names the text in messages.
///
/// # Errors
/// Of kind config, naming line and key.
pub(super) fn parse(text: &str, from: &str) -> Result<Vec<Model>> {
    let file: CatalogFile = toml::from_str(text).map_err(|e| {
        // An error need not have a place.
        let place = match e.span() {
            Some(span) => format!("{from}, line {}", line_of(text, span.start)),
            None => from.to_owned(),
        };
        let failure = Failure::config(place).because(e.message().trim());
        match meant(e.message()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })?;
    let text = Text { text, from };
    let mut models: Vec<Model> = Vec::new();
    for entry in file.model {
        let at = entry.name.span().start;
        let model = entry.check(&text)?;
        if models.iter().any(|m| m.name == model.name) {
            let why = format!("`{}` stands there twice", model.name);
            return Err(text.refuse(at, "name", &why));
        }
        models.push(model);
    }
    Ok(models)
}

/// The text of a catalog, and what to call it in messages.
struct Text<'a> {
    text: &'a str,
    from: &'a str,
}

impl Text<'_> {
    fn refuse(&self, at: usize, key: &str, why: &str) -> Failure {
        let line = line_of(self.text, at);
        Failure::config(format!("{}, line {line}", self.from)).because(format!("`{key}`: {why}"))
    }
}

impl Hub {
    fn check(self, at: usize, text: &Text<'_>) -> Result<Source> {
        let Self { repo, file } = self;
        if !good_repo(&repo) {
            return Err(text.refuse(at, "hub.repo", "`owner/name` of the hub is wanted"));
        }
        if !good_path(&file) {
            return Err(text.refuse(at, "hub.file", "a file inside the repository is wanted"));
        }
        Ok(Source::Hub { repo, file })
    }
}

impl Wheel {
    fn check(self, at: usize, text: &Text<'_>) -> Result<Source> {
        let Self {
            package,
            version,
            member,
        } = self;
        if !plain(&package, "-_.") {
            return Err(text.refuse(at, "wheel.package", "the name of a package is wanted"));
        }
        if !plain(&version, "-_.+!") {
            return Err(text.refuse(at, "wheel.version", "an exact version is wanted"));
        }
        if !good_path(&member) {
            return Err(text.refuse(at, "wheel.member", "a file inside the wheel is wanted"));
        }
        Ok(Source::Wheel {
            package,
            version,
            member,
        })
    }
}

impl CatalogEntry {
    fn check(self, text: &Text<'_>) -> Result<Model> {
        let at = self.name.span().start;
        if !good_name(self.name.get_ref()) {
            return Err(text.refuse(at, "name", NAME_RULE));
        }
        if *self.bytes.get_ref() == 0 {
            return Err(text.refuse(self.bytes.span().start, "bytes", "a model has a size"));
        }
        let sha256 = match self.sha256 {
            Some(sum) if !is_sha256(sum.get_ref()) => {
                let why = "64 hexadecimal digits, or none";
                return Err(text.refuse(sum.span().start, "sha256", why));
            }
            sum => sum.map(|sum| sum.into_inner().to_ascii_lowercase()),
        };
        let source = match (self.hub, self.wheel) {
            (Some(hub), None) => {
                let at = hub.span().start;
                hub.into_inner().check(at, text)?
            }
            (None, Some(wheel)) => {
                let at = wheel.span().start;
                wheel.into_inner().check(at, text)?
            }
            (None, None) => {
                let why = "is missing: say where it comes from, or `wheel`";
                return Err(text.refuse(at, "hub", why));
            }
            (Some(_), Some(wheel)) => {
                let why = "it comes from one place, not also from a hub";
                return Err(text.refuse(wheel.span().start, "wheel", why));
            }
        };
        let bytes = self.bytes.into_inner();
        Ok(Model {
            name: self.name.into_inner(),
            about: self.about,
            source,
            bytes,
            download_bytes: self.download_bytes.unwrap_or(bytes),
            sha256,
            license: self.license,
            runs: architectures::WRITING.contains(&self.architecture.as_str()),
            embeds: self.architecture == architectures::EMBEDDING,
            architecture: self.architecture,
            context: self.context,
            state_bytes_per_token: self.state_bytes_per_token,
            weight_bytes: self.weight_bytes.unwrap_or(bytes),
            other_bytes: self.other_bytes,
            rank: self.rank,
            thinking: self.thinking.unwrap_or(self.sampling),
            sampling: self.sampling,
            thinking_limit: self.thinking_limit,
            edits: self.edits,
        })
    }
}

fn good_repo(repo: &str) -> bool {
    matches!(repo.split_once('/'), Some((owner, name)) if plain(owner, "-_.") && plain(name, "-_."))
}

fn good_path(path: &str) -> bool {
    path.split('/')
        .all(|part| !part.is_empty() && part != "." && part != "..")
        && !path.contains(['\\', '\0', ':'])
        && !path.chars().any(char::is_control)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// The key that an "unknown field" message most likely means: it names the one found first
/// and those expected after it, each between backticks.
fn meant(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.contains("unknown field") {
        return None;
    }
    let found = quoted.next()?;
    nearest(found, quoted)
}
