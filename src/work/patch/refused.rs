//! Edits that cannot be applied, and the reasons: in words for the model that wrote them, and for
//! people, who have seen no edits.

use std::collections::BTreeSet;

use super::Edit;
use crate::base::bug::bug;
use crate::base::{Failure, RepoPath};

/// An edit that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The edit's place among those that were to be applied.
    pub at: usize,
    /// The reason.
    pub(super) why: Why,
}

/// The reason why an edit cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub told: String,
    /// The words on what the model can do instead.
    pub mend: Option<String>,
    /// The reason for people, where it is told otherwise.
    pub plain: Option<String>,
}

impl<T: Into<String>> From<T> for Why {
    fn from(why: T) -> Self {
        Self {
            told: why.into(),
            mend: None,
            plain: None,
        }
    }
}

impl Why {
    /// The same, with what the model can do instead.
    pub fn mended_by(self, how: impl Into<String>) -> Self {
        Self {
            mend: Some(how.into()),
            ..self
        }
    }

    /// The same, said of a path.
    pub fn of(self, path: &RepoPath) -> Self {
        Self {
            told: format!("`{path}`: {}", self.told),
            ..self
        }
    }
}

impl Refused {
    /// The edit with the reason, for the model: by its number in the answer.
    pub fn told(&self, number: usize, edit: &Edit) -> String {
        let (kind, path) = (edit.kind().word(), edit.path());
        let mut told = format!("edit {number} ({kind} {path}): {}", self.why.told);
        if let Some(mend) = &self.why.mend {
            told += &format!("; {mend}");
        }
        told
    }

    /// The change that is left out with the reason, for people.
    pub fn left_out(&self, edit: &Edit) -> String {
        let why = self.why.plain.as_ref().unwrap_or(&self.why.told);
        format!("{} is left out: {why}", in_words(edit))
    }
}

/// The change that an edit is, in words for people.
fn in_words(edit: &Edit) -> String {
    match edit {
        Edit::Lines { path, range, .. } => format!("the change to {path}:{range}"),
        Edit::Create { path, .. } => format!("the new file {path}"),
        Edit::Delete { path } => format!("the deletion of {path}"),
        Edit::Rename { path, to } => format!("the renaming of {path} to {to}"),
    }
}

/// The failure of edits that cannot be, in words for the model.
pub(super) fn failure(refused: &[Refused], edits: &[Edit]) -> Failure {
    let places: BTreeSet<usize> = refused.iter().map(|refused| refused.at).collect();
    let what = match edits.len() {
        1 => "the edit cannot be applied".to_owned(),
        all => format!("{} of {all} edits cannot be applied", places.len()),
    };
    refused
        .iter()
        .fold(Failure::input(what), |failure, refused| {
            match edits.get(refused.at) {
                Some(edit) => failure.because(refused.told(refused.at + 1, edit)),
                None => bug("an edit that there is not was refused", failure),
            }
        })
}
