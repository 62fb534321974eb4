//! The ground that screen and command line share before a job can run: the repository with its
//! folders and settings, the model to use, the engine that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::Allowance;
use super::embedding::embedder;
use super::moved;
use super::{Prompts, Settings};
use crate::base::places::mark;
use crate::base::text::human_bytes;
use crate::base::{Cancel, Config, Embed, Failure, Places, RepoPlaces, Result};
use crate::engine::{
    Engine, GenerationDefaults, LoadOptions, LocalEngine, Sampling, ScriptedEngine, inspect,
};
use crate::index::{Coverage, Index, Meaning, Progress};
use crate::patch::UndoDir;
use crate::patch::write::put_back_interrupted;
use crate::registry::{CardSampling, Catalog, EditForm, Installed, Model, Source, Store};
use crate::repo::{Repo, WalkRules};

/// The context, in tokens, that a model must fit with to count as fitting.
const LEAST_CONTEXT: u64 = 4096;
/// Bytes an engine needs besides weights and state, where not even the catalog can be asked.
const BESIDES: u64 = 200_000_000;

/// An opened repository with everything a job needs but engine and index.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The repository.
    pub repo: Repo,
    /// The folders where things of this repository are kept.
    pub places: RepoPlaces,
    /// The configuration, the repository's harmless keys included. Its `notes` say what of the
    /// repository's file was passed over, for the user.
    pub config: Config,
    /// Prompt templates.
    pub prompts: Prompts,
    /// Settings of jobs, from the configuration.
    pub settings: Settings,
    /// The files and limits that checks are allowed.
    pub allowance: Allowance,
    /// Indexes of other working trees of the repository.
    siblings: Vec<PathBuf>,
    /// The embedding model that searches by meaning, where one is installed.
    pub embedder: Option<Arc<dyn Embed>>,
}

impl Workspace {
    /// Opens the repository at `dir`. `config` holds defaults, user file, environment and
    /// command line; the repository's own keys are put under those of the command line.
    pub fn open(dir: &Path, places: &Places, config: &Config) -> Result<Self> {
        let repo = Repo::open(dir)?;
        let mut config = config.clone();
        config.add_repo_file(repo.root())?;
        let prompts = Prompts::load(Some(&places.config.join("prompts")))?;
        let embedder = embedder(&config, places).unwrap_or_else(|failure| {
            // Words find most; a model that cannot be used keeps nobody from anything.
            let hint = failure.next_step().map(|hint| format!(" ({hint})"));
            let hint = hint.unwrap_or_default();
            let note = format!("search goes by words alone: {failure}{hint}");
            config.notes.push(note);
            None
        });
        let siblings = repo.siblings();
        let siblings = siblings.iter().map(|root| places.for_repo(root).index);
        let siblings = siblings.collect();
        let allowance = Allowance::new(&config, places);
        let all = places;
        let places = places.for_repo(repo.root());
        match moved::follow(repo.root(), all, &places) {
            Ok(None) => {}
            Ok(Some(before)) => config.notes.push(format!(
                "this repository lay at {} before; its conversations and undo records have come along",
                before.display()
            )),
            Err(failure) => config.notes.push(format!(
                "what was kept of this repository at another place has not come along: {failure}"
            )),
        }
        mark(repo.root(), &places.state);
        let mut settings = settings(&config);
        settings.rules.own = own_folders(all);
        settings.dismissed = Some(places.dismissed.clone());
        settings.reviews = config.save.value.then(|| places.reviews.clone());
        Ok(Self {
            repo,
            places,
            config,
            prompts,
            settings,
            allowance,
            siblings,
            embedder,
        })
    }

    /// Puts back what a homebody that was killed has left half written in the working tree,
    /// and gives the words about it. For every start but that of `undo`, which
    /// takes that back instead of a whole patch.
    pub fn put_back_interrupted(&self) -> Vec<String> {
        put_back_interrupted(self.repo.root(), &UndoDir::of(&self.places)).unwrap_or_else(
            |failure| {
                vec![format!(
                    "a patch that was interrupted could not be taken back: {failure}"
                )]
            },
        )
    }

    /// Brings the index up to date ([`crate::index::build`]).
    pub fn index(
        &self,
        rebuild: bool,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Arc<Index>> {
        if !rebuild {
            // A first index is built sooner from another's; without one it is built all the same.
            match crate::index::adopt(&self.places.index, &self.siblings, cancel) {
                Err(failure) if failure.is_interrupted() => return Err(failure),
                taken => log::debug!("index taken over: {taken:?}"),
            }
        }
        let index = crate::index::build(
            &self.repo,
            &self.places.index,
            &self.settings.rules,
            rebuild,
            cancel,
            progress,
        )?;
        Ok(self.meant(index))
    }

    /// The index as it was left, if there is one, without a look at the files.
    pub fn last_index(&self) -> Result<Option<Arc<Index>>> {
        let index = crate::index::open(&self.places.index)?;
        Ok(index.map(|index| self.meant(index)))
    }

    /// The index with what is kept of its meaning.
    fn meant(&self, index: Arc<Index>) -> Arc<Index> {
        match &self.embedder {
            Some(embedder) => {
                let meaning = Meaning::open(&self.places.index, Arc::clone(embedder));
                index.with_meaning(Arc::new(meaning))
            }
            None => index,
        }
    }

    /// Makes the vectors of meaning that are missing. Gives an index that has them; what was
    /// made before a cancel is kept on disk.
    ///
    /// # Errors
    /// Those of [`Meaning::complete`].
    pub fn complete_meaning(
        &self,
        index: Arc<Index>,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Coverage),
    ) -> Result<Arc<Index>> {
        let Some(embedder) = &self.embedder else {
            return Ok(index);
        };
        let dir = &self.places.index;
        let meaning = Meaning::open(dir, Arc::clone(embedder));
        let meaning = meaning.complete(&index, &self.repo, dir, cancel, progress)?;
        Ok(index.with_meaning(Arc::new(meaning)))
    }
}

/// The folders that homebody keeps its own things in, as a walk would come to them.
fn own_folders(places: &Places) -> Vec<PathBuf> {
    let all = [&places.config, &places.data, &places.cache, &places.state];
    // One that is not there is walked into by nobody.
    let there = all
        .into_iter()
        .filter_map(|folder| folder.canonicalize().ok());
    there.collect()
}

/// The settings of jobs that a configuration gives.
pub fn settings(config: &Config) -> Settings {
    Settings {
        budget: config.budget.value,
        first_token: config.first_token.value,
        sampling: Sampling {
            temperature: config.temperature.value,
            seed: config.seed.value,
            ..Sampling::default()
        },
        max_tokens: 0,
        thinking: config.thinking.value,
        thinking_limit: config.thinking_limit.value,
        rules_file: config.rules_file.value.clone(),
        review_skip: config.review_skip.value.clone(),
        second_look: config.second_look.value,
        reviews: None,
        dismissed: None,
        rules: WalkRules {
            exclude: config.exclude.value.clone(),
            confidential: config.confidential.value.clone(),
            own: Vec::new(),
        },
    }
}

/// The model that is to be used.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelChoice {
    /// A model that is on this machine.
    Installed(Installed),
    /// No model is here (or the named one is not): this one fits and can be fetched.
    Fetch(Box<Model>),
    /// A GGUF file by path.
    File(PathBuf),
    /// A script instead of a model (`--engine script:FILE`).
    Script(PathBuf),
}

/// Settles which model to use: the one asked for (name or path), the chosen one, the best
/// installed one that fits into `free` bytes, else the best of the catalog to be fetched.
///
/// # Errors
/// Of kind usage for a name that is not known (with the nearest), of kind model if none fits.
pub fn choose_model(
    wanted: Option<&str>,
    catalog: &Catalog,
    store: &Store,
    free: u64,
) -> Result<ModelChoice> {
    if let Some(wanted) = wanted {
        return named(wanted, catalog, store);
    }
    let installed = store.installed()?;
    if let Some(chosen) = store.chosen()? {
        let here = installed.iter().find(|m| m.name == chosen);
        // Another one would answer otherwise, and nobody would know why.
        let model = here.ok_or_else(|| {
            Failure::model(format!("the file of `{chosen}`, the model in use, is gone"))
                .hint("put it back, or `homebody models use NAME`: `models list` shows the others")
        })?;
        return Ok(ModelChoice::Installed(model.clone()));
    }
    // A file of the user's own stands behind what the catalog knows.
    let rank = |m: &Installed| (catalog.get(&m.name).map_or(0, |c| c.rank), m.bytes);
    let best = installed
        .iter()
        .filter(|m| needs(m, catalog) <= free && runs(m))
        .max_by_key(|m| rank(m));
    if let Some(best) = best {
        return Ok(ModelChoice::Installed(best.clone()));
    }
    if let Some(model) = catalog.best_that_fits(free) {
        return Ok(ModelChoice::Fetch(Box::new(model.clone())));
    }
    let least = catalog
        .models
        .iter()
        .filter(|m| m.runs)
        .map(|m| (catalog_needs(m), &m.name))
        .min();
    Err(Failure::model(format!(
        "no model fits into the {} of memory that are free",
        human_bytes(free)
    ))
    .hint(match least {
        Some((bytes, name)) => format!(
            "the smallest, {name}, takes {}; close other programs or raise the memory limit",
            human_bytes(bytes)
        ),
        None => "add a GGUF file with `homebody models add FILE`".to_owned(),
    }))
}

/// A model by name or path.
fn named(wanted: &str, catalog: &Catalog, store: &Store) -> Result<ModelChoice> {
    if let Some(model) = store.get(wanted)? {
        return Ok(ModelChoice::Installed(model));
    }
    if let Some(model) = catalog.get(wanted) {
        if !model.runs {
            return Err(Failure::model(format!(
                "{wanted} is of the architecture {}, which this build cannot run",
                model.architecture
            ))
            .hint("`homebody models list` says which can"));
        }
        return Ok(ModelChoice::Fetch(Box::new(model.clone())));
    }
    let path = Path::new(wanted);
    let gguf = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    if path.is_file() {
        return Ok(ModelChoice::File(path.to_owned()));
    }
    if gguf || wanted.contains('/') {
        return Err(Failure::usage(format!("there is no model file {wanted}"))
            .hint("give the path of a GGUF file, or a name of `homebody models list`"));
    }
    let installed = store.installed()?;
    let near = catalog
        .models
        .iter()
        .map(|m| m.name.as_str())
        .chain(installed.iter().map(|m| m.name.as_str()))
        .map(|name| (strsim::jaro_winkler(name, wanted), name))
        .filter(|(alike, _)| *alike > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    Err(
        Failure::usage(format!("there is no model named `{wanted}`")).hint(match near {
            Some((_, name)) => format!("did you mean {name}? `homebody models list` shows all"),
            None => "`homebody models list` shows all".to_owned(),
        }),
    )
}

/// Bytes a model that is here would take.
fn needs(model: &Installed, catalog: &Catalog) -> u64 {
    match (inspect(&model.path), catalog.get(&model.name)) {
        (Ok(facts), _) => facts.memory_bytes(LEAST_CONTEXT as usize),
        (Err(_), Some(known)) => catalog_needs(known),
        (Err(_), None) => model.bytes + BESIDES,
    }
}

/// Tells whether a model that is here can be run, by its header.
fn runs(model: &Installed) -> bool {
    match inspect(&model.path) {
        Ok(facts) => facts.supported,
        // What is no model is not taken unasked; asked for by name it is told why.
        Err(_) => false,
    }
}

/// Bytes a model of the catalog would take, the copies that are packed beside it included.
fn catalog_needs(model: &Model) -> u64 {
    model.memory_bytes(LEAST_CONTEXT as usize)
}

/// Loads the engine for a choice. `states` is the folder for what it has read, where that may
/// be kept ([`RepoPlaces::states`]). `progress` goes from 0 to 1.
///
/// # Errors
/// Of kind model, if the file does not fit in memory or cannot be run; a choice of
/// [`ModelChoice::Fetch`] is of kind bug: fetch it first.
pub fn load_engine(
    choice: &ModelChoice,
    catalog: &Catalog,
    config: &Config,
    states: Option<&Path>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Engine>> {
    let (name, file) = match choice {
        ModelChoice::Script(file) => {
            let engine = ScriptedEngine::from_file(file)?;
            progress(1.0);
            return Ok(Box::new(engine));
        }
        ModelChoice::Fetch(model) => {
            return Err(Failure::bug(format!(
                "the model {} was to be loaded before it was fetched",
                model.name
            )));
        }
        ModelChoice::Installed(model) => (model.name.clone(), model.path.clone()),
        ModelChoice::File(file) => (
            file.file_stem()
                .map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().into_owned()),
            file.clone(),
        ),
    };
    let options = LoadOptions {
        card: card_of(&name, &file, catalog),
        name,
        file,
        context: config.ctx.value,
        threads: config.threads.value,
        memory_limit: 0,
        states: states
            .filter(|_| config.save.value && config.state_cache.value > 0)
            .map(Path::to_path_buf),
        states_limit: config.state_cache.value as u64 * 1_000_000,
        drafts: config.drafts.value,
    };
    Ok(Box::new(LocalEngine::load(&options, cancel, progress)?))
}

/// The settings of a model's card: by its name, else by the name of its file. A file that the
/// catalog does not know has none.
pub fn card_of(name: &str, file: &Path, catalog: &Catalog) -> GenerationDefaults {
    let of_file = |model: &&Model| {
        let told = match &model.source {
            Source::Hub { file, .. } => file,
            Source::Wheel { member, .. } => member,
        };
        Path::new(told).file_name() == file.file_name()
    };
    let sampling = |card: CardSampling| Sampling {
        temperature: Some(card.temperature),
        top_k: Some(card.top_k),
        top_p: Some(card.top_p),
        min_p: Some(card.min_p),
        presence_penalty: Some(card.presence_penalty),
        repetition_penalty: Some(card.repetition_penalty),
        seed: None,
    };
    let named = catalog.get(name);
    named
        .or_else(|| catalog.models.iter().find(of_file))
        .map_or_else(GenerationDefaults::default, |model| GenerationDefaults {
            direct: sampling(model.sampling),
            thinking: sampling(model.thinking),
            thinking_limit: model.thinking_limit.map(|limit| limit as usize),
            rewrites: model.edits == EditForm::Rewrite,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, bytes: u64, rank: u32, runs: bool) -> Model {
        Model {
            name: name.to_owned(),
            about: String::new(),
            source: Source::Hub {
                repo: "a/b".to_owned(),
                file: format!("{name}.gguf"),
            },
            bytes,
            download_bytes: bytes,
            weight_bytes: bytes,
            other_bytes: 0,
            sha256: None,
            license: "MIT".to_owned(),
            architecture: "llama".to_owned(),
            context: 8192,
            state_bytes_per_token: 1000,
            rank,
            sampling: CardSampling {
                temperature: 0.7,
                top_p: 0.8,
                top_k: 20,
                min_p: 0.0,
                presence_penalty: 0.0,
                repetition_penalty: 1.0,
            },
            thinking: CardSampling {
                temperature: 0.6,
                ..CardSampling::default()
            },
            thinking_limit: Some(512),
            embeds: false,
            edits: EditForm::Replace,
            runs,
        }
    }

    fn catalog() -> Catalog {
        Catalog {
            models: vec![
                model("large", 6_000_000_000, 30, true),
                model("future", 900_000_000, 25, false),
                model("middle", 1_000_000_000, 20, true),
                model("starter", 98_000_000, 1, true),
            ],
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store {
            dir: dir.path().join("models"),
        };
        std::fs::create_dir_all(&store.dir).expect("made");
        (dir, store)
    }

    #[test]
    fn without_models_the_best_that_fits_is_to_be_fetched() {
        let (_dir, store) = store();
        let pick = |free| match choose_model(None, &catalog(), &store, free) {
            Ok(ModelChoice::Fetch(model)) => Ok(model.name),
            Ok(other) => Ok(format!("{other:?}")),
            Err(failure) => Err(failure),
        };
        assert_eq!(pick(16_000_000_000).as_deref(), Ok("large"));
        assert_eq!(pick(2_000_000_000).as_deref(), Ok("middle"));
        let failure = pick(100_000_000).expect_err("nothing fits");
        assert!(failure.next_step().is_some_and(|h| h.contains("starter")));
    }

    #[test]
    fn names_and_paths_are_taken_as_said() {
        let (dir, store) = store();
        let file = dir.path().join("my.gguf");
        std::fs::write(&file, "x").expect("written");
        let wanted = |name: &str| choose_model(Some(name), &catalog(), &store, 0);
        assert_eq!(
            wanted(&file.to_string_lossy()),
            Ok(ModelChoice::File(file.clone()))
        );
        assert!(matches!(wanted("middle"), Ok(ModelChoice::Fetch(_))));
        let failure = wanted("midle").expect_err("unknown");
        assert!(failure.next_step().is_some_and(|h| h.contains("middle")));
        assert!(wanted("future").is_err_and(|f| f.what().contains("llama")));
        assert!(wanted("/nowhere/x.gguf").is_err());
    }

    #[test]
    fn a_card_is_found_by_name_or_file() {
        let by_file = card_of("x", Path::new("/m/middle.gguf"), &catalog());
        assert_eq!(by_file.direct.temperature, Some(0.7));
        assert_eq!(by_file.thinking.temperature, Some(0.6));
        assert_eq!(by_file.thinking_limit, Some(512));
        let none = card_of("x", Path::new("/m/x.gguf"), &catalog());
        assert_eq!(none, GenerationDefaults::default());
    }

    #[test]
    fn a_script_is_an_engine() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("s.jsonl");
        std::fs::write(&file, "\"hello\"\n").expect("written");
        let engine = load_engine(
            &ModelChoice::Script(file),
            &catalog(),
            &Config::default(),
            None,
            &Cancel::never(),
            &mut |_| {},
        )
        .expect("loaded");
        assert_eq!(engine.facts().device, "script");
        let fetch = ModelChoice::Fetch(Box::new(model("a", 1, 1, true)));
        assert!(
            load_engine(
                &fetch,
                &catalog(),
                &Config::default(),
                None,
                &Cancel::never(),
                &mut |_| {}
            )
            .is_err()
        );
    }
}
