//! The embedding model that searches by meaning, if there is one.

use std::path::Path;
use std::sync::Arc;

use crate::base::text::human_count;
use crate::base::{Config, Embed, Failure, Places, Result};
use crate::engine::Embedder;
use crate::index::Index;
use crate::registry::{Catalog, Store};

/// The value of `search.embedding` for the first installed one of the catalog.
const AUTO: &str = "auto";
/// The value of `search.embedding` for no model.
const OFF: &str = "off";

/// The state of the search by meaning in a line, for people.
pub fn meaning_line(index: &Index) -> String {
    match index.coverage() {
        Ok(Some((name, coverage))) => format!(
            "{} of {} texts, by {name}",
            human_count(coverage.done as u64),
            human_count(coverage.total as u64)
        ),
        Ok(None) => "not searched by; `homebody models pull minilm` adds that".to_owned(),
        Err(failure) => failure.to_string(),
    }
}

/// Opens the model that `search.embedding` names: `auto` (one of the catalog, where one is
/// installed), `off`, the name of an installed model, or the path of a GGUF. None where there is
/// none.
///
/// # Errors
/// Of kind config, if a model is named that is not here; of kind input or model, if it cannot be
/// used.
pub(super) fn embedder(config: &Config, places: &Places) -> Result<Option<Arc<dyn Embed>>> {
    let wanted = config.search_embedding.value.as_str();
    if wanted == OFF {
        return Ok(None);
    }
    let store = Store::new(places.models());
    let found = if wanted == AUTO {
        let installed = store.installed()?;
        if installed.is_empty() {
            return Ok(None);
        }
        let catalog = Catalog::load(&places.config)?;
        installed
            .into_iter()
            .find(|model| catalog.get(&model.name).is_some_and(|known| known.embeds))
            .map(|model| (model.name, model.path))
    } else if let Some(model) = store.get(wanted)? {
        Some((model.name, model.path))
    } else if Path::new(wanted).is_file() {
        Some((wanted.to_owned(), wanted.into()))
    } else {
        return Err(Failure::config(format!(
            "`search.embedding` names `{wanted}`, and no such model is installed"
        ))
        .hint("`homebody models pull minilm` fetches one; `off` searches by words alone"));
    };
    Ok(match found {
        Some((name, path)) => Some(Arc::new(Embedder::open(&name, &path)?)),
        None => None,
    })
}
