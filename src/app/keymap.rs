//! Keys and their actions: one table that dispatch, help and the user's overrides are
//! made from.

use std::collections::{BTreeMap, HashMap};

use super::key::Key;
use crate::base::{Failure, OrBug as _};

/// The place where a key is pressed. A key not bound there is looked up in [`Place::Everywhere`],
/// if the place lets it through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Every place below that does not bind the key otherwise.
    Everywhere,
    /// The composer, for typing.
    Composer,
    /// The transcript, with a block at the cursor.
    Transcript,
    /// A patch, to be decided on.
    Patch,
    /// A review, to be worked through.
    Review,
    /// The side panel, with a row at the cursor.
    Panel,
    /// An overlay, on top of all.
    Overlay,
}

impl Place {
    /// The places in the order help shows them, with a heading each.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Everywhere, "Everywhere"),
        (Self::Composer, "Typing"),
        (Self::Transcript, "Reading"),
        (Self::Patch, "A patch"),
        (Self::Review, "A review"),
        (Self::Panel, "Side panel"),
        (Self::Overlay, "Lists and dialogs"),
    ];
}

macro_rules! actions {
    ($($action:ident $name:literal $place:ident [$($key:literal),*] $about:literal;)*) => {
        /// An action a key can be bound to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(
                #[doc = $about]
                $action,
            )*
        }

        /// All actions, in the order help shows them.
        pub const TABLE: &[Binding] = &[
            $(Binding {
                action: Action::$action,
                name: $name,
                place: Place::$place,
                keys: &[$($key),*],
                about: $about,
            },)*
        ];
    };
}

/// A row of the table of actions.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The action the row is about.
    pub action: Action,
    /// The action's name in `keys.NAME = […]`.
    pub name: &'static str,
    /// The place where the action's keys are pressed.
    pub place: Place,
    /// The default keys.
    pub keys: &'static [&'static str],
    /// The effect, in a line.
    pub about: &'static str,
}

actions! {
    Stop "stop" Everywhere ["esc"] "stop what runs; again: clear the composer, close what is open; twice where nothing is: an earlier question";
    Interrupt "interrupt" Everywhere ["ctrl-c"] "stop; twice: end";
    EndOfInput "end-of-input" Everywhere ["ctrl-d"] "end, where nothing is typed; else delete to the right";
    Redraw "redraw" Everywhere ["ctrl-l"] "draw the screen again";
    TogglePanel "panel" Everywhere ["ctrl-o"] "open or close the sources and the context";
    Suspend "suspend" Everywhere ["ctrl-z"] "put homebody into the background";
    PageUp "page-up" Everywhere ["pgup"] "scroll up a page";
    PageDown "page-down" Everywhere ["pgdn"] "scroll down a page";
    Help "help" Everywhere ["f1"] "keys and commands (also ? where nothing is typed)";
    Palette "palette" Everywhere ["f2", "alt-p"] "find a command or a key by its words";
    Find "find" Everywhere ["f3"] "look for words in what is shown (also / outside of the composer)";
    NextPlace "next-place" Everywhere ["f6"] "go on to the patch, the panel, the transcript, the composer";

    Send "send" Composer ["enter"] "send";
    NewLine "new-line" Composer ["shift-enter", "alt-enter", "ctrl-j"] "new line";
    Complete "complete" Composer ["tab"] "complete; where nothing is typed: go to an open patch, else to the transcript";
    OpenPaste "open-paste" Composer ["alt-o"] "open the long paste at the cursor; undo folds it again";
    HistorySearch "history-search" Composer ["ctrl-r"] "search what was typed before";
    Editor "editor" Composer ["ctrl-g"] "write in $EDITOR";
    Up "up" Composer ["up", "ctrl-p"] "a line up; on the first: what was typed before";
    Down "down" Composer ["down", "ctrl-n"] "a line down; on the last: what was typed after";
    Left "left" Composer ["left", "ctrl-b"] "a character to the left";
    Right "right" Composer ["right", "ctrl-f"] "a character to the right";
    WordLeft "word-left" Composer ["ctrl-left", "alt-left", "alt-b"] "a word to the left";
    WordRight "word-right" Composer ["ctrl-right", "alt-right", "alt-f"] "a word to the right";
    LineStart "line-start" Composer ["home", "ctrl-a"] "start of the line; where nothing is typed: start of the transcript";
    LineEnd "line-end" Composer ["end", "ctrl-e"] "end of the line; where nothing is typed: end of the transcript";
    TextStart "text-start" Composer ["ctrl-home"] "start of the text";
    TextEnd "text-end" Composer ["ctrl-end"] "end of the text";
    DeleteLeft "delete-left" Composer ["backspace", "ctrl-h", "shift-backspace"] "delete to the left";
    DeleteRight "delete-right" Composer ["delete"] "delete to the right";
    KillWordLeft "kill-word-left" Composer ["ctrl-w", "alt-backspace", "ctrl-backspace"] "cut the word to the left";
    KillWordRight "kill-word-right" Composer ["alt-d", "ctrl-delete"] "cut the word to the right";
    KillToStart "kill-to-start" Composer ["ctrl-u"] "cut to the start of the line";
    KillToEnd "kill-to-end" Composer ["ctrl-k"] "cut to the end of the line";
    Yank "yank" Composer ["ctrl-y"] "put in what was cut";
    UndoTyping "undo-typing" Composer ["ctrl-_", "ctrl-7", "ctrl-/"] "take the last typing back";
    RedoTyping "redo-typing" Composer ["alt-_", "alt-/"] "type it again";

    PreviousAnswer "previous-answer" Transcript ["["] "the answer before (also where nothing is typed)";
    NextAnswer "next-answer" Transcript ["]"] "the next answer (also where nothing is typed)";
    PreviousCode "previous-code" Transcript ["{"] "the code block before";
    NextCode "next-code" Transcript ["}"] "the next code block";
    CopyBlock "copy-block" Transcript ["y"] "copy the block at the cursor as its source";
    FindNext "find-next" Transcript ["n"] "the next place found (in a patch too, while a search is open)";
    FindPrevious "find-previous" Transcript ["N"] "the place found before";
    OpenBlock "open-block" Transcript ["enter", "space"] "open or fold thinking and long pastes; go into a patch or review";
    ScrollUp "scroll-up" Transcript ["up", "k"] "scroll up a line";
    ScrollDown "scroll-down" Transcript ["down", "j"] "scroll down a line";
    ScrollTop "scroll-top" Transcript ["home", "g"] "the start of the transcript";
    ScrollBottom "scroll-bottom" Transcript ["end", "G"] "the end of the transcript";
    CodeLeft "code-left" Transcript ["left", "<"] "scroll the code at the cursor to the left";
    CodeRight "code-right" Transcript ["right", ">"] "scroll the code at the cursor to the right";
    LeaveTranscript "leave-transcript" Transcript ["tab", "i"] "back to the composer";

    Accept "accept" Patch ["a"] "accept the hunk at the cursor, or the file";
    Reject "reject" Patch ["r"] "reject it";
    AcceptAll "accept-all" Patch ["A"] "accept all that is not rejected";
    Remark "reject-with-remark" Patch ["R"] "reject it and ask again with a remark";
    EditFile "edit-file" Patch ["e"] "edit the new text in $EDITOR";
    RunCheck "check" Patch ["c"] "run the check command on it";
    NextHunk "next-hunk" Patch ["n"] "the next hunk";
    PreviousHunk "previous-hunk" Patch ["p"] "the hunk before";
    PatchUp "patch-up" Patch ["up", "k"] "a row up";
    PatchDown "patch-down" Patch ["down", "j"] "a row down";
    Fold "fold" Patch ["space", "left", "right", "h", "l"] "fold or open the file";
    Wrap "wrap" Patch ["w"] "wrap long lines, or show each in a row of its own";
    LinesLeft "lines-left" Patch ["<"] "scroll lines that are not wrapped to the left";
    LinesRight "lines-right" Patch [">"] "scroll lines that are not wrapped to the right";
    Beside "side-by-side" Patch ["s"] "old and new side by side (from 120 columns), or one below the other";
    Apply "apply" Patch ["enter"] "write what is accepted";
    Stage "stage" Patch ["t"] "stage what was applied";
    Commit "commit" Patch ["C"] "commit what was applied, and nothing else";
    CopyPatch "copy-patch" Patch ["y"] "copy it as a unified diff";
    LeavePatch "leave-patch" Patch ["tab", "i"] "to the composer; the patch stays open";

    OpenFinding "open-finding" Review ["enter", "space"] "open or fold the finding";
    Fix "fix" Review ["f"] "have a patch planned for it";
    Dismiss "dismiss" Review ["d"] "put it away, or back";
    AskAbout "ask-about" Review ["a"] "ask about it";
    WriteReport "write-report" Review ["w"] "write the findings to a file";
    FindingUp "finding-up" Review ["up", "k", "p"] "the finding before";
    FindingDown "finding-down" Review ["down", "j", "n"] "the next finding";
    FindingLeft "finding-left" Review ["<"] "scroll the code of the finding to the left";
    FindingRight "finding-right" Review [">"] "scroll the code of the finding to the right";
    EditFinding "edit-finding" Review ["e"] "open the place in $EDITOR";
    CopyFinding "copy-finding" Review ["y"] "copy it";
    LeaveReview "leave-review" Review ["tab", "i"] "to the composer; the review stays";

    PanelUp "panel-up" Panel ["up", "k"] "a row up";
    PanelDown "panel-down" Panel ["down", "j"] "a row down";
    PanelDrop "panel-drop" Panel ["x"] "drop the file from the next questions, or take it back";
    PanelPin "panel-pin" Panel ["p"] "pin the lines to the next questions, or take it back";
    PanelOpen "panel-open" Panel ["enter", "e"] "open the place in $EDITOR";
    PanelTab "panel-tab" Panel ["left", "right", "h", "l"] "sources or context";
    PanelCopy "panel-copy" Panel ["y"] "copy the excerpt";
    LeavePanel "leave-panel" Panel ["tab", "i"] "to the composer; the panel stays open";

    OverlayUp "overlay-up" Overlay ["up", "ctrl-p"] "a row up";
    OverlayDown "overlay-down" Overlay ["down", "ctrl-n"] "a row down";
    OverlayTop "overlay-top" Overlay ["home"] "the first row";
    OverlayBottom "overlay-bottom" Overlay ["end"] "the last row";
    Choose "choose" Overlay ["enter", "tab"] "take it";
    AnswerAnew "answer-anew" Overlay ["ctrl-a"] "answer the question at the cursor anew, with another seed";
    OtherModel "other-model" Overlay ["ctrl-x"] "answer the question at the cursor anew, by another model";
    ForkHere "fork-here" Overlay ["ctrl-f"] "go on behind the answer at the cursor, in a branch";
    LookInto "look-into" Overlay ["ctrl-o"] "look into the conversation at the cursor";
    RenameSession "rename-session" Overlay ["ctrl-r"] "give the conversation at the cursor a title";
    DeleteSession "delete-session" Overlay ["delete"] "delete the conversation at the cursor; take the setting at the cursor back";
}

/// The bindings of keys to actions, the user's overrides included.
#[derive(Debug, Clone)]
pub struct Keymap {
    keys: Vec<(Action, Vec<Key>)>,
    actions: HashMap<(Place, Key), Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::with(&BTreeMap::new()).0
    }
}

impl Keymap {
    /// Builds the defaults with the user's overrides: an action named there has those keys and no
    /// others. An override that cannot be understood is told, and leaves the action as it was.
    pub fn with(overrides: &BTreeMap<String, Vec<String>>) -> (Self, Vec<Failure>) {
        let mut troubles = Vec::new();
        let mut own = read_overrides(overrides, &mut troubles);
        // An override goes before a default on the same key.
        let mut actions = HashMap::new();
        let mut taken: HashMap<(Place, Key), &'static str> = HashMap::new();
        for entry in TABLE {
            for key in own.get(&entry.action).into_iter().flatten() {
                if let Some(other) = taken.insert((entry.place, *key), entry.name) {
                    troubles.push(Failure::config(format!(
                        "{key} is bound to both `keys.{other}` and `keys.{}`",
                        entry.name
                    )));
                }
                actions.insert((entry.place, *key), entry.action);
            }
        }
        let mut keys = Vec::new();
        for entry in TABLE {
            if let Some(bound) = own.remove(&entry.action) {
                keys.push((entry.action, bound));
                continue;
            }
            let mut bound = Vec::new();
            for key in entry.keys.iter().filter_map(|text| Key::parse(text)) {
                // A key that the user binds everywhere is not hidden by a default in one place.
                if taken.contains_key(&(Place::Everywhere, key)) {
                    continue;
                }
                let place = (entry.place, key);
                if *actions.entry(place).or_insert(entry.action) == entry.action {
                    bound.push(key);
                }
            }
            keys.push((entry.action, bound));
        }
        (Self { keys, actions }, troubles)
    }

    /// Returns the action of a key in a place: bound there, else in [`Place::Everywhere`].
    pub fn action(&self, place: Place, key: Key) -> Option<Action> {
        self.actions
            .get(&(place, key))
            .or_else(|| self.actions.get(&(Place::Everywhere, key)))
            .copied()
    }

    /// Returns the keys of an action, the one to show first.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.keys
            .iter()
            .find(|(other, _)| *other == action)
            .map(|(_, keys)| keys.as_slice())
            .or_bug("an action without a row")
    }

    /// Returns the first key of an action as help and hints show it; empty where it has none.
    pub fn hint(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(Key::to_string)
            .unwrap_or_default()
    }
}

/// Reads the user's `keys.NAME = […]`. A name of no action, or a key that cannot be read, is
/// told in `troubles`, and the override is left out.
fn read_overrides(
    overrides: &BTreeMap<String, Vec<String>>,
    troubles: &mut Vec<Failure>,
) -> HashMap<Action, Vec<Key>> {
    let mut own = HashMap::new();
    for (name, keys) in overrides {
        let Some(entry) = TABLE.iter().find(|entry| entry.name == name) else {
            let mut failure = Failure::config(format!("`keys.{name}` is no action"));
            if let Some(near) = nearest(name, TABLE.iter().map(|entry| entry.name)) {
                failure = failure.hint(format!("did you mean `keys.{near}`?"));
            }
            troubles.push(failure);
            continue;
        };
        let mut good = Vec::new();
        let mut bad = false;
        for text in keys {
            if let Some(key) = Key::parse(text) {
                good.push(key);
            } else {
                bad = true;
                troubles.push(bad_key(name, text));
            }
        }
        if !bad {
            own.insert(entry.action, good);
        }
    }
    own
}

/// Makes the failure of a key that cannot be read, with a hint at the nearest that can.
fn bad_key(action: &str, text: &str) -> Failure {
    let failure = Failure::config(format!("`keys.{action}`: `{text}` is no key"));
    let name = text
        .rsplit_once(['-', '+'])
        .map_or(text, |(_, name)| name)
        .to_lowercase();
    let hint = match nearest(&name, Key::names()) {
        Some(near) => {
            format!("did you mean `{near}`? Keys are written `ctrl-x`, `alt-enter`, `f1`")
        }
        None => "keys are written `ctrl-x`, `alt-enter`, `shift-tab`, `f1`, `?`".to_owned(),
    };
    failure.hint(hint)
}

/// Returns the nearest of some names, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
#[path = "keymap_tests.rs"]
mod tests;
