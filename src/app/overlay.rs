//! Overlays: texts, lists with a filter, questions.

use std::collections::BTreeMap;

use super::branches::BackRow;
use super::event::ModelRow;
use super::keymap::Action;
use super::settings::Told;
use super::slash::Slash;
use crate::index::Hit;
use crate::jobs::session::SessionEntry;

/// The overlay: drawn over everything else, and the one that takes the keys.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// Keys and commands, from [`super::help::lines`].
    Help {
        /// Index of the first line in view.
        top: usize,
    },
    /// A text: doctor's report, why it is not sealed, a commit message.
    Text {
        /// The title of the text.
        title: String,
        /// The text, several lines.
        text: String,
        /// Index of the first line in view.
        top: usize,
    },
    /// Models to choose from.
    Models(ModelPicker),
    /// Sessions to resume, rename, delete.
    Sessions(SessionPicker),
    /// Themes to choose from, each shown while the cursor is on it.
    Themes(Picker<String>),
    /// Hits of a search. Enter opens the place in `$EDITOR`, `@` mentions it.
    Search(Picker<Hit>),
    /// Earlier questions to ask again.
    Back(Picker<BackRow>),
    /// Commands and keys to choose from.
    Palette(Picker<PaletteItem>),
    /// Settings to look through and change.
    Settings(SettingsForm),
    /// Lines of the history that hold what is typed.
    History(Picker<String>),
    /// A question that is answered with Enter or `y`, and with Esc or `n`.
    Confirm {
        /// The question, in a sentence or two.
        question: String,
        /// The action that is asked about.
        about: Confirm,
    },
}

/// The action a confirmation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Loading a model that does not fit.
    LoadAnyway(String),
    /// Fetching a model, also one that would not fit.
    PullAnyway(String),
    /// Ending while a job or a download runs.
    Quit,
    /// Emptying the conversation while a patch stands open.
    New {
        /// True if nothing of the new one may be written to disk.
        private: bool,
    },
    /// Going on with a session (none: the newest) while a patch stands open.
    Resume(Option<String>),
    /// Deleting a session.
    DeleteSession(String),
    /// Taking back the patch of this record, which the conversation has not written.
    Undo(u64),
    /// Committing a part of files of which other changes are staged.
    CommitPart,
}

/// A list with a filter over its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Picker<T> {
    /// All items, unfiltered.
    pub items: Vec<T>,
    /// The text typed to narrow the items (for [`Overlay::Search`] the query).
    pub filter: String,
    /// Indices of the items that pass the filter, in the order shown.
    pub shown: Vec<usize>,
    /// Index in `shown` of the row the cursor stands on.
    pub cursor: usize,
    /// Index in `shown` of the first row in view.
    pub top: usize,
    /// True while the items are being fetched.
    pub loading: bool,
}

impl<T> Picker<T> {
    /// Makes a list of items that are all shown.
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

    /// Makes an empty list whose items are still being fetched.
    pub fn loading() -> Self {
        Self {
            loading: true,
            ..Self::new(Vec::new())
        }
    }

    /// The items that pass the filter, in the order shown.
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.shown.iter().filter_map(|i| self.items.get(*i))
    }

    /// The item under the cursor; none where no item passes the filter.
    pub fn chosen(&self) -> Option<&T> {
        self.items.get(*self.shown.get(self.cursor)?)
    }
}

/// The choice of a model. Keys 1–9 take the row of that number at once.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPicker {
    /// The models to choose from.
    pub list: Picker<ModelRow>,
    /// True if opened by itself, since no model is here: the picker then says what this is.
    pub first: bool,
    /// The name of the model that was asked for and is not here.
    pub wanted: Option<String>,
    /// The question that the choice answers anew, in a line.
    pub again: Option<String>,
}

/// The choice of a session. The filter is looked for in titles at once, and in all texts of the
/// sessions as the I/O worker gets there.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPicker {
    /// The sessions to choose from.
    pub list: Picker<SessionEntry>,
    /// A line for each session in which all words of the filter stand, by the session's id.
    pub found: BTreeMap<String, String>,
    /// The filter that is being looked for in the texts.
    pub looking: Option<String>,
    /// The session that is given a title, and the title, while it is typed.
    pub title: Option<(String, String)>,
}

impl SessionPicker {
    /// A list of sessions that are still being fetched.
    pub fn loading() -> Self {
        Self {
            list: Picker::loading(),
            found: BTreeMap::new(),
            looking: None,
            title: None,
        }
    }
}

/// The settings, to be looked through and changed.
#[derive(Debug, Clone)]
pub struct SettingsForm {
    /// The settings.
    pub list: Picker<SettingRow>,
    /// The user's own file, for people.
    pub file: String,
    /// The first thing that is wrong in it, if anything is.
    pub trouble: Option<String>,
    /// The change that is being made; none while none is.
    pub change: Option<SettingChange>,
}

/// A row of the form.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingRow {
    /// The setting.
    pub told: Told,
    /// The text that the filter looks through.
    pub text: String,
}

/// A setting that is being changed.
#[derive(Debug, Clone)]
pub struct SettingChange {
    /// The setting's name.
    pub name: String,
    /// The new value so far.
    pub entry: SettingEntry,
    /// The reason why the value is not taken.
    pub wrong: Option<String>,
}

/// A new value on its way.
#[derive(Debug, Clone)]
pub enum SettingEntry {
    /// Typed in a line.
    Typed(String),
    /// Chosen from those there are.
    Chosen(Picker<String>),
}

/// A row of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteItem {
    /// The name, and the effect in a line.
    pub text: String,
    /// The keys, or the words that the command takes; empty where there are none.
    pub keys: String,
    /// The thing that is done.
    pub run: PaletteRun,
}

/// The thing that a row of the palette does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaletteRun {
    /// Runs a command, or puts it into the composer where it needs words.
    Slash(Slash),
    /// Does as if a key of the action had been pressed.
    Action(Action),
}
