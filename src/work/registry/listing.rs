//! Catalog and store side by side, as `models list` and the screen show them.

use super::catalog::{Catalog, FIT_CONTEXT, Model};
use super::store::Installed;

/// One model of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedModel {
    /// The name that the user types.
    pub name: String,
    /// The entry of the catalog; none for a file that was added.
    pub model: Option<Model>,
    /// The file, where the model is here.
    pub installed: Option<Installed>,
    /// True if this is the model chosen with `models use`.
    pub chosen: bool,
    /// Size in bytes of the GGUF that is here, else of the one that the catalog names.
    pub bytes: u64,
    /// Bytes of memory to run the model with [`FIT_CONTEXT`] tokens; none for files that the
    /// catalog does not know (`engine::inspect` tells).
    pub memory: Option<u64>,
    /// True if the model fits into the memory that is free; none where its need is not known.
    pub fits: Option<bool>,
    /// True if this build's engine runs the model; none where that is not known.
    pub runs: Option<bool>,
    /// False if the file that is here has another checksum than the one the catalog knows: an
    /// older or newer upload.
    pub as_published: Option<bool>,
}

/// All models of the catalog in its order, then those that are here besides.
pub fn rows(
    catalog: &Catalog,
    installed: &[Installed],
    chosen: Option<&str>,
    free: u64,
) -> Vec<ListedModel> {
    let here = |name: &str| installed.iter().find(|i| i.name == name).cloned();
    let known = catalog.models.iter().map(|model| {
        let file = here(&model.name);
        ListedModel {
            name: model.name.clone(),
            chosen: chosen == Some(model.name.as_str()),
            bytes: file.as_ref().map_or(model.bytes, |f| f.bytes),
            memory: Some(model.memory_bytes(FIT_CONTEXT)),
            fits: Some(model.fits(free)),
            runs: Some(model.runs),
            as_published: file
                .as_ref()
                .and_then(|f| f.sha256.as_ref())
                .and_then(|found| model.sha256.as_ref().map(|known| known == found)),
            installed: file,
            model: Some(model.clone()),
        }
    });
    let added = installed
        .iter()
        .filter(|i| catalog.get(&i.name).is_none())
        .map(|i| ListedModel {
            name: i.name.clone(),
            model: None,
            chosen: chosen == Some(i.name.as_str()),
            bytes: i.bytes,
            memory: None,
            fits: None,
            runs: None,
            as_published: None,
            installed: Some(i.clone()),
        });
    known.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_and_store_are_joined() {
        let catalog = Catalog::embedded().expect("parses");
        let file = |name: &str, sum: &str| Installed {
            name: name.to_owned(),
            path: format!("/m/{name}.gguf").into(),
            bytes: 5,
            sha256: Some(sum.to_owned()),
            owned: false,
        };
        let here = [file("starter", "0"), file("mine", "1")];
        let rows = rows(&catalog, &here, Some("mine"), 1 << 30);
        assert_eq!(rows.len(), catalog.models.len() + 1);
        let row = |name: &str| rows.iter().find(|r| r.name == name).expect("listed");
        assert_eq!(row("starter").bytes, 5);
        assert_eq!(row("starter").fits, Some(true));
        assert_eq!(row("starter").as_published, Some(false));
        assert_eq!(row("qwen3.5-9b").fits, Some(false));
        assert_eq!(row("qwen3.5-9b").runs, Some(true));
        assert!(row("qwen3.5-9b").installed.is_none());
        assert!(row("mine").chosen && row("mine").memory.is_none());
        assert_eq!(rows.last().map(|r| r.name.as_str()), Some("mine"));
    }
}
