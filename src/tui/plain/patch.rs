//! A patch in lines: its hunks one by one, and what becomes of what is written.

use super::Ring;
use crate::app::{
    Action, BlockId, Body, Decision, FileFate, Focus, PatchBlock, PatchRow, PatchState,
};
use crate::base::Failure;

/// The words for what is done with a patch.
pub(super) const HELP: [&str; 9] = [
    "A patch, hunk by hunk: y takes the hunk, n does not; yf and nf all of its file; a takes all \
     that are left, and writes them.",
    "A number goes to that hunk, whatever was said of it; p prints the patch as a diff.",
    "e edits the file; c runs the check; r WORDS has the hunk made anew, r alone another way, or so \
     that the failed check passes.",
    "q writes what was taken and leaves the rest open; a command such as /help leaves the patch.",
    "/hunks goes on with a patch that is open.",
    "/stage stages what was written of the last patch.",
    "/commit commits that, and nothing else: the message is proposed, and edited in $EDITOR.",
    "/check runs the check on the last patch.",
    "/undo takes what was written back.",
];

impl Ring {
    /// The hunk to decide on, as lines; the patch's cursor is put on it.
    pub(super) fn asked_hunk(&mut self) -> Option<String> {
        let patch = self.open_patch()?;
        let chosen = self.chosen.filter(|row| is_row(patch, *row));
        let row = chosen.or_else(|| next(patch))?;
        self.seek(row);
        self.open_patch().and_then(|patch| hunk_text(patch, row))
    }

    /// Does a command for patches, wherever it is typed; false for a line that is none.
    pub(super) fn of_patch(&mut self, line: &str) -> bool {
        match line {
            "/hunks" => self.hunks(),
            "/check" => {
                if self.go_to(|_| true, "no patch was made yet") {
                    self.press(Action::RunCheck);
                }
            }
            _ => return false,
        }
        true
    }

    /// Goes to the newest patch that is open.
    fn hunks(&mut self) {
        self.go_to(PatchBlock::is_open, "no patch is open");
    }

    /// Gives the keys to the newest patch that is such; false where there is none, which is told.
    fn go_to(&mut self, is_such: impl Fn(&PatchBlock) -> bool, none: &str) -> bool {
        self.shown = None;
        let found: Option<BlockId> = self.state.blocks.iter().rev().find_map(|block| {
            let is_it = matches!(&block.body, Body::Patch(patch) if is_such(patch));
            is_it.then_some(block.id)
        });
        match found {
            Some(id) => self.state.focus = Focus::Patch(id),
            None => self.refuse(&Failure::usage(none)),
        }
        found.is_some()
    }

    /// Takes a decision on the hunk that is asked about.
    pub(super) fn decide(&mut self, line: &str) {
        self.shown = None;
        let row = self.chosen.take();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest) {
            ("y", "") => self.press(Action::Accept),
            ("n", "") => self.press(Action::Reject),
            ("yf" | "nf", "") => self.decide_file(word == "yf"),
            ("a", "") => self.press(Action::AcceptAll),
            ("e", "") => return self.press(Action::EditFile),
            ("c", "") => return self.press(Action::RunCheck),
            ("p", "") => return self.print_diff(),
            ("r", words) => {
                self.press(Action::Remark);
                return self.remark(words);
            }
            ("q", "") => {
                if self.open_patch().is_some_and(has_accepted) {
                    self.press(Action::Apply);
                } else {
                    self.lines.say("nothing is written; /hunks goes on with it");
                }
                return self.press(Action::LeavePatch);
            }
            _ if self.of_patch(line) => return,
            _ if line.starts_with('/') => {
                self.press(Action::LeavePatch);
                return self.line(line);
            }
            _ => match line.parse::<usize>() {
                Ok(number) => return self.choose_hunk(number),
                Err(_) => {
                    self.chosen = row;
                    return self.lines.say(HELP.join("\n"));
                }
            },
        }
        // With nothing left to decide on, what was taken is written.
        let done = self
            .open_patch()
            .is_some_and(|patch| next(patch).is_none() && has_accepted(patch));
        if done {
            self.press(Action::Apply);
        }
    }

    /// Sends a remark on the hunk, or none: then it is made another way.
    fn remark(&mut self, words: &str) {
        if words.is_empty() {
            self.press(Action::Send);
        } else {
            self.send(words);
        }
    }

    /// Decides on all of the file that the hunk is of.
    fn decide_file(&mut self, takes: bool) {
        let file = self.open_patch().and_then(|patch| {
            let file = patch.file_of(patch.cursor)?;
            Some(PatchRow::File(file))
        });
        if let Some(file) = file {
            self.seek(file);
            self.press(if takes {
                Action::Accept
            } else {
                Action::Reject
            });
        }
    }

    /// Has a hunk asked about once more, by its number.
    fn choose_hunk(&mut self, number: usize) {
        let row = number.checked_sub(1).map(PatchRow::Hunk);
        let row = row.filter(|row| self.open_patch().is_some_and(|patch| is_row(patch, *row)));
        match row {
            Some(_) => self.chosen = row,
            None => self.refuse(&Failure::usage(format!("there is no hunk {number}"))),
        }
    }

    /// Prints the patch as a unified diff.
    fn print_diff(&mut self) {
        let diff = self.open_patch().map(|patch| patch.change.to_unified());
        if let Some(diff) = diff {
            self.lines.say(diff.trim_end());
        }
    }

    /// Puts the patch's cursor on a row.
    fn seek(&mut self, to: PatchRow) {
        let steps = self.open_patch().and_then(|patch| {
            let rows = patch.rows();
            let at = rows.iter().position(|row| *row == patch.cursor)?;
            Some((at, rows.iter().position(|row| *row == to)?))
        });
        if let Some((at, to)) = steps {
            self.press_often(Action::PatchDown, to.saturating_sub(at));
            self.press_often(Action::PatchUp, at.saturating_sub(to));
        }
    }
}

/// Tells whether a row is one of the patch that can be decided on.
fn is_row(patch: &PatchBlock, row: PatchRow) -> bool {
    let hunk = match row {
        PatchRow::Hunk(at) => patch.hunks.get(at),
        PatchRow::File(_) => None,
    };
    patch.state == PatchState::Open && hunk.is_some_and(|hunk| hunk.decision != Decision::Written)
}

/// The first hunk, or file without hunks, that is not decided on.
fn next(patch: &PatchBlock) -> Option<PatchRow> {
    for (i, file) in patch.files.iter().enumerate() {
        let (from, to) = file.hunks;
        if from == to && file.decision == Decision::Undecided {
            return Some(PatchRow::File(i));
        }
        let open = |at: &usize| {
            let hunk = patch.hunks.get(*at);
            hunk.is_some_and(|hunk| hunk.decision == Decision::Undecided)
        };
        if let Some(at) = (from..to).find(open) {
            return Some(PatchRow::Hunk(at));
        }
    }
    None
}

fn has_accepted(patch: &PatchBlock) -> bool {
    patch.count(|decision| decision == Decision::Accepted) > 0
}

/// A hunk, or file without hunks, as lines.
fn hunk_text(patch: &PatchBlock, row: PatchRow) -> Option<String> {
    let file = patch.files.get(patch.file_of(row)?)?;
    let what = match &file.what {
        FileFate::Changed => String::new(),
        FileFate::Created => ", a new file".to_owned(),
        FileFate::Deleted => ", to be deleted".to_owned(),
        FileFate::Renamed(to) => format!(", to be renamed to {to}"),
    };
    let PatchRow::Hunk(at) = row else {
        return Some(format!("{}{what}", file.path));
    };
    let row = patch.hunks.get(at)?;
    let hunk = &row.hunk;
    let line = hunk
        .old
        .map_or(String::new(), |old| format!(", line {}", old.start()));
    let mut text = format!(
        "hunk {} of {}: {}{line}{what}",
        at + 1,
        patch.hunks.len(),
        file.path
    );
    text += match row.decision {
        Decision::Accepted => ", taken so far",
        Decision::Rejected => ", not taken so far",
        Decision::Undecided | Decision::Written => "",
    };
    if !hunk.section.trim().is_empty() {
        text += &format!(", in {}", hunk.section.trim());
    }
    for (sign, line) in &hunk.lines {
        let sign = match sign {
            1 => '+',
            -1 => '-',
            _ => ' ',
        };
        text += &format!("\n{sign} {}", line.trim_end_matches(['\n', '\r']));
    }
    Some(text)
}
