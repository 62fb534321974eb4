//! What screen and command line have in common before a job can run: the repository with its
//! folders and settings, the model to use, the engine that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Prompts, Settings};
use crate::base::{Cancel, Config, Failure, Places, RepoPlaces, Result};
use crate::engine::Engine;
use crate::index::{Index, Progress};
use crate::models::{Catalog, Installed, Model, Store};
use crate::repo::{Repo, WalkRules};

/// An opened repository with everything a job needs but engine and index.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The repository.
    pub repo: Repo,
    /// Where things of this repository are kept.
    pub places: RepoPlaces,
    /// The configuration, the repository's harmless keys included.
    pub config: Config,
    /// Prompt templates.
    pub prompts: Prompts,
    /// Settings of jobs, from the configuration.
    pub settings: Settings,
    /// What the walk leaves out.
    pub rules: WalkRules,
}

impl Workspace {
    /// Opens the repository at `dir`. `config` holds defaults, user file, environment and
    /// command line; the repository's own keys are put under those of the command line.
    pub fn open(dir: &Path, places: &Places, config: &Config) -> Result<Self> {
        let _ = (dir, places, config);
        Err(Failure::bug("workspace is not built"))
    }

    /// Brings the index up to date ([`crate::index::build`]).
    pub fn index(
        &self,
        rebuild: bool,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Arc<Index>> {
        crate::index::build(
            &self.repo,
            &self.places.index,
            &self.rules,
            rebuild,
            cancel,
            progress,
        )
    }
}

/// Which model it will be.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelChoice {
    /// One that is here.
    Installed(Installed),
    /// None is here (or the named one is not): this one fits and can be fetched.
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
    let _ = (wanted, catalog, store, free);
    Err(Failure::bug("choose_model is not built"))
}

/// Loads the engine for a choice. `progress` goes from 0 to 1.
///
/// # Errors
/// Of kind model, if the file does not fit in memory or cannot be run; a choice of
/// [`ModelChoice::Fetch`] is of kind bug: fetch it first.
pub fn load_engine(
    choice: &ModelChoice,
    catalog: &Catalog,
    config: &Config,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Engine>> {
    let _ = (choice, catalog, config, cancel, progress);
    Err(Failure::bug("load_engine is not built"))
}
