//! The models that are on this machine: files in the data folder, and files added by path.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{Failure, Result};

/// A model that is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The name to type.
    pub name: String,
    /// The GGUF file.
    pub path: PathBuf,
    /// Its size in bytes when it was installed.
    pub bytes: u64,
    /// Its SHA-256 in hex when it was installed.
    pub sha256: Option<String>,
    /// Whether homebody put the file there (and may remove it).
    pub owned: bool,
}

/// The folder of models and its register (`models.json`).
#[derive(Debug, Clone)]
pub struct Store {
    /// The folder.
    pub dir: PathBuf,
}

impl Store {
    /// The models that are here, by name; a file that has gone is left out.
    pub fn installed(&self) -> Result<Vec<Installed>> {
        Err(Failure::bug("installed is not built"))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Result<Option<Installed>> {
        Ok(self.installed()?.into_iter().find(|m| m.name == name))
    }

    /// The name chosen with `models use`, where one was.
    pub fn chosen(&self) -> Result<Option<String>> {
        Err(Failure::bug("chosen is not built"))
    }

    /// Remembers the model to use from now on.
    pub fn choose(&self, name: &str) -> Result<()> {
        let _ = name;
        Err(Failure::bug("choose is not built"))
    }

    /// Registers a GGUF file where it lies.
    pub fn add(&self, name: &str, file: &std::path::Path) -> Result<Installed> {
        let _ = (name, file);
        Err(Failure::bug("add is not built"))
    }

    /// Forgets a model, and deletes its file if homebody put it there.
    pub fn remove(&self, name: &str) -> Result<Installed> {
        let _ = name;
        Err(Failure::bug("remove is not built"))
    }
}
