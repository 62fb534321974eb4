//! What lies over everything: texts, lists with a filter, questions.

use super::message::ModelRow;
use crate::index::Hit;
use crate::jobs::session::SessionEntry;

/// What lies over everything and takes the keys.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// Keys and commands, from [`super::help::lines`].
    Help {
        /// First line seen.
        top: usize,
    },
    /// A text: doctor's report, why it is not sealed, a commit message.
    Text {
        /// Its title.
        title: String,
        /// The text, several lines.
        text: String,
        /// First line seen.
        top: usize,
    },
    /// Models to choose from.
    Models(ModelPicker),
    /// Sessions to resume.
    Sessions(Picker<SessionEntry>),
    /// Themes, each shown while the cursor is on it.
    Themes(Picker<String>),
    /// What a search found. Enter opens the place in `$EDITOR`, `@` mentions it.
    Search(Picker<Hit>),
    /// Lines of the history that hold what is typed.
    History(Picker<String>),
    /// A question that is answered with Enter or `y`, and with Esc or `n`.
    Confirm {
        /// The question, in a sentence or two.
        question: String,
        /// What it is about.
        about: Confirm,
    },
}

/// What a confirmation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Loading a model that does not fit.
    LoadAnyway(String),
    /// Fetching a model that would not fit.
    PullAnyway(String),
    /// Ending while a job or a download runs.
    Quit,
    /// Emptying the conversation while a patch stands open.
    New,
    /// Going on with a session (none: the newest) while a patch stands open.
    Resume(Option<String>),
}

/// A list with a filter over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picker<T> {
    /// All items.
    pub items: Vec<T>,
    /// What is typed to narrow them (for [`Overlay::Search`] the query).
    pub filter: String,
    /// Items that are left: indices, in the order shown.
    pub shown: Vec<usize>,
    /// The row the cursor stands on, in `shown`.
    pub cursor: usize,
    /// The first row that is seen.
    pub top: usize,
    /// Whether the items are still being fetched.
    pub loading: bool,
}

impl<T> Picker<T> {
    /// A list of all items.
    pub fn new(items: Vec<T>) -> Self {
        Self {
            shown: (0..items.len()).collect(),
            items,
            filter: String::new(),
            cursor: 0,
            top: 0,
            loading: false,
        }
    }

    /// A list that is still being fetched.
    pub fn loading() -> Self {
        Self {
            loading: true,
            ..Self::new(Vec::new())
        }
    }

    /// The items that are left, in the order shown.
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.shown.iter().filter_map(|i| self.items.get(*i))
    }

    /// The item under the cursor.
    pub fn chosen(&self) -> Option<&T> {
        self.items.get(*self.shown.get(self.cursor)?)
    }
}

/// The choice of a model. Keys 1–9 take the row of that number at once.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPicker {
    /// The models.
    pub list: Picker<ModelRow>,
    /// Opened by itself, since no model is here: says what this is.
    pub first: bool,
    /// The name that was asked for and is not here.
    pub wanted: Option<String>,
}
