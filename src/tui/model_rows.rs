//! The models that are here or could be fetched.

use super::shared::Shared;
use crate::app::{Fit, ModelRow};
use crate::base::{Result, memory};
use crate::registry::{Catalog, ListedModel, Store};

/// The models that are here or could be fetched, as the picker shows them.
pub fn model_rows(shared: &Shared) -> Result<Vec<ModelRow>> {
    let catalog = Catalog::load(&shared.places.config)?;
    let store = Store::new(shared.places.models());
    let installed = store.installed()?;
    let chosen = store.chosen()?;
    let free = memory::available();
    let best = catalog.best_that_fits(free).map(|m| m.name.clone());
    let rows = crate::registry::rows(&catalog, &installed, chosen.as_deref(), free);
    Ok(rows
        .into_iter()
        // The picker is for what answers.
        .filter(|row| row.model.as_ref().is_none_or(|model| !model.embeds))
        .map(|row| {
            let recommended = best.as_deref() == Some(row.name.as_str());
            model_row(row, free, recommended)
        })
        .collect())
}

/// A row of the picker, with `free` bytes of memory.
fn model_row(row: ListedModel, free: u64, recommended: bool) -> ModelRow {
    // A file whose header cannot be read is listed all the same, with what is known of it.
    let facts = match (&row.memory, &row.installed) {
        (None, Some(file)) => crate::engine::inspect(&file.path).ok(),
        _ => None,
    };
    // What is not known is 0, and the picker leaves it out.
    let bytes_needed = row
        .memory
        .or_else(|| facts.as_ref().map(|f| f.memory_bytes(8_192)))
        .unwrap_or(0);
    // Only what is known not to run is called so.
    let runs = row
        .runs
        .or_else(|| facts.as_ref().map(|f| f.supported))
        .unwrap_or(true);
    let fits = row.fits.unwrap_or(bytes_needed <= free);
    ModelRow {
        about: row.model.as_ref().map_or_else(
            || {
                facts.as_ref().map_or(String::new(), |f| {
                    format!("{} {}, {}", f.architecture, f.quantization, f.name)
                })
            },
            |m| m.about.clone(),
        ),
        bytes: row
            .model
            .as_ref()
            .filter(|_| row.installed.is_none())
            .map_or(row.bytes, |m| m.download_bytes),
        memory: bytes_needed,
        free,
        fit: match (runs, fits) {
            (false, _) => Fit::Unsupported,
            (true, false) => Fit::No,
            (true, true) => Fit::Yes,
        },
        installed: row.installed.is_some(),
        partial: 0,
        from: match (&row.installed, &row.model) {
            (Some(file), None) => file.path.display().to_string(),
            (_, Some(model)) => model.source.to_string(),
            (None, None) => String::new(),
        },
        license: row
            .model
            .as_ref()
            .map_or(String::new(), |m| m.license.clone()),
        recommended,
        name: row.name,
    }
}
