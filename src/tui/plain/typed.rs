//! Questions in lines, and the effect of a typed line: the keys that would do it on the screen.

use super::words::here;
use super::{Ring, patch};
use crate::app::help::{HelpLine, lines as help_lines};
use crate::app::{Action, Body, Composing, Event, Focus, Overlay, Place};
use crate::base::Failure;
use crate::base::text::{human_ago, human_bytes, printable};
use crate::tui::opening::today;

/// Rows of a list that are read out.
const ROWS: usize = 20;

/// The words for what is done with findings.
const REVIEW: [&str; 1] = [
    "Findings: f 1 fixes finding 1, d 1 puts it away, a 1 QUESTION asks about it, w writes the \
     report.",
];

const QUESTION: &str = "> ";
const HUNK: &str = "take it? y/n/a/q, ? says more: ";
const CONFIRM: &str = "y/n: ";
const NUMBER: &str = "number, or nothing to leave: ";
const AGAIN: &str = "another wording, nothing to ask the same, q to leave: ";

impl Ring {
    /// Tells what a line is wanted for, and returns the prompt.
    pub(super) fn question(&mut self) -> &'static str {
        self.read_out();
        match &self.state.overlay {
            Some(Overlay::Confirm { question, .. }) => {
                let question = question.clone();
                self.once(question);
                return CONFIRM;
            }
            Some(_) => {
                let rows = self.rows();
                self.once(rows.join("\n"));
                return NUMBER;
            }
            None => {}
        }
        if let Some(text) = self.asked_hunk() {
            self.once(text);
            return HUNK;
        }
        if let Composing::Again { .. } = self.state.composing {
            self.once(format!("asked was: {}", self.state.composer.whole()));
            return AGAIN;
        }
        if let Focus::Review(_) = self.state.focus {
            self.once(REVIEW.join(" "));
            return QUESTION;
        }
        self.shown = None;
        QUESTION
    }

    /// Says a text, unless it was the last that was asked about.
    fn once(&mut self, text: String) {
        if self.shown.as_ref() != Some(&text) {
            self.lines.say(text.clone());
            self.shown = Some(text);
        }
    }

    /// Reads out texts that only have to be closed, and lists of which nothing is chosen here.
    fn read_out(&mut self) {
        let text = match &self.state.overlay {
            Some(Overlay::Help { .. }) => self.help(),
            Some(Overlay::Text { title, text, .. }) => format!("{title}\n{text}"),
            Some(Overlay::Themes(_)) => "there are no colours here".to_owned(),
            Some(Overlay::Settings(form)) => {
                let rows = form.list.rows().map(|row| &row.told);
                // Keys are pressed on the screen alone.
                let rows = rows.filter(|told| !told.name.starts_with("keys."));
                let mut out: Vec<String> = rows
                    .map(|told| match told.value.as_str() {
                        "" => format!("{}, not set: {}", told.name, told.help),
                        value => format!("{} = {value}: {}", told.name, told.help),
                    })
                    .collect();
                out.push(
                    "in another terminal `homebody config set KEY VALUE` changes one".to_owned(),
                );
                out.join("\n")
            }
            Some(Overlay::Search(picker)) => {
                let mut rows: Vec<String> = (picker.rows().take(ROWS))
                    .map(|hit| {
                        let symbol = hit.symbol.as_ref();
                        let symbol =
                            symbol.map_or(String::new(), |s| format!(", {}", s.full_name()));
                        format!("{}:{}{symbol}", hit.path, hit.range)
                    })
                    .collect();
                rows.push(match rows.len() {
                    0 => "nothing was found".to_owned(),
                    _ => "@PATH:LINES in a question shows them to the model".to_owned(),
                });
                rows.join("\n")
            }
            _ => return,
        };
        self.lines.say(text);
        self.press(Action::Stop);
    }

    /// The commands that make sense in lines.
    fn help(&self) -> String {
        let mut out = vec![
            "Type a question. @ names a file, a folder, a definition or changes.".to_owned(),
            "Ctrl-C stops what runs; twice, or Ctrl-D, ends.".to_owned(),
        ];
        out.extend(patch::HELP.map(str::to_owned));
        out.extend(REVIEW.map(str::to_owned));
        let lines = help_lines(&self.state.keymap, Place::Composer);
        let keys =
            |line: &HelpLine| matches!(line, HelpLine::Heading(text) if text == "Everywhere");
        for line in lines.iter().skip(1).take_while(|line| !keys(line)) {
            match line {
                HelpLine::Heading(text) => out.push(format!("{text}:")),
                HelpLine::Entry { left, right } => out.push(format!("{left}: {}", here(right))),
                HelpLine::Text(text) => out.push(text.clone()),
                HelpLine::Empty => {}
            }
        }
        out.join("\n")
    }

    /// The rows of the list that is open.
    fn rows(&self) -> Vec<String> {
        let mut rows: Vec<String> = match &self.state.overlay {
            Some(Overlay::Models(picker)) => (picker.list.rows())
                .map(|row| {
                    let here = if row.installed {
                        "here".to_owned()
                    } else {
                        format!("to be fetched, {}", human_bytes(row.bytes))
                    };
                    let best = if row.recommended { ", recommended" } else { "" };
                    format!("{}, {here}{best}: {}", row.name, row.about)
                })
                .collect(),
            Some(Overlay::Sessions(picker)) => (picker.list.rows())
                .map(|entry| {
                    let ago = human_ago(today().saturating_sub(entry.changed));
                    format!("{}, {ago}", entry.named())
                })
                .collect(),
            Some(Overlay::Back(picker)) => picker.rows().map(|row| row.text.clone()).collect(),
            Some(Overlay::History(picker)) => picker.rows().cloned().collect(),
            Some(Overlay::Palette(picker)) => picker.rows().map(|row| row.text.clone()).collect(),
            _ => Vec::new(),
        };
        let all = rows.len();
        rows.truncate(ROWS);
        let mut told: Vec<String> = (1..)
            .zip(rows)
            .map(|(number, row)| format!("{number}. {}", printable(&row)))
            .collect();
        if all == 0 {
            told.push("there is nothing to choose".to_owned());
        } else if all > ROWS {
            told.push(format!("and {} more", all - ROWS));
        }
        if matches!(&self.state.overlay, Some(Overlay::Models(picker)) if picker.first) {
            told.insert(0, "no model is here yet; choose one".to_owned());
        } else if let Some(Overlay::Models(picker)) = &self.state.overlay
            && let Some(question) = &picker.again
        {
            told.insert(
                0,
                format!(
                    "which model is to answer again, and stay loaded? asked was: {}",
                    printable(question)
                ),
            );
        }
        told
    }

    /// Does as if a key of the action had been pressed.
    pub(super) fn press(&mut self, action: Action) {
        if let Some(key) = self.state.keymap.keys(action).first().copied() {
            self.take_in(Event::Key(key));
        }
    }

    pub(super) fn press_often(&mut self, action: Action, times: usize) {
        for _ in 0..times {
            self.press(action);
        }
    }

    /// Takes a line that was typed.
    pub(super) fn line(&mut self, line: &str) {
        match &self.state.overlay {
            Some(Overlay::Confirm { .. }) => return self.confirm(line),
            Some(_) => return self.choose(line),
            None => {}
        }
        if self.open_patch().is_some() {
            return self.decide(line);
        }
        if let Composing::Again { .. } = self.state.composing {
            return self.again(line);
        }
        if let Focus::Review(_) = self.state.focus
            && self.finding(line)
        {
            return;
        }
        if self.of_patch(line) {
            return;
        }
        if !line.is_empty() {
            self.send(line);
        }
    }

    /// Sends a line as if it had been typed into the composer.
    pub(super) fn send(&mut self, line: &str) {
        if let Focus::Review(_) = self.state.focus {
            self.press(Action::LeaveReview);
        }
        self.take_in(Event::Paste(line.to_owned()));
        if self.state.completion.is_some() {
            self.press(Action::Stop);
        }
        self.press(Action::Send);
        // What could not be sent is typed again here, not mended.
        if !self.state.composer.is_empty() && self.state.composing.is_request() {
            self.press(Action::Stop);
        }
    }

    fn confirm(&mut self, line: &str) {
        self.shown = None;
        match line.to_lowercase().as_str() {
            "y" | "yes" => self.press(Action::Choose),
            _ => self.press(Action::Stop),
        }
    }

    fn choose(&mut self, line: &str) {
        self.shown = None;
        let (cursor, rows) = match &self.state.overlay {
            Some(Overlay::Models(picker)) => (picker.list.cursor, picker.list.shown.len()),
            Some(Overlay::Sessions(picker)) => (picker.list.cursor, picker.list.shown.len()),
            Some(Overlay::Back(picker)) => (picker.cursor, picker.shown.len()),
            Some(Overlay::History(picker)) => (picker.cursor, picker.shown.len()),
            Some(Overlay::Palette(picker)) => (picker.cursor, picker.shown.len()),
            _ => (0, 0),
        };
        match line.parse::<usize>() {
            Ok(number) if (1..=rows).contains(&number) => {
                let to = number - 1;
                self.press_often(Action::OverlayDown, to.saturating_sub(cursor));
                self.press_often(Action::OverlayUp, cursor.saturating_sub(to));
                self.press(Action::Choose);
            }
            _ if line.is_empty() || line == "q" => self.press(Action::Stop),
            _ if line.starts_with('/') => {
                self.press(Action::Stop);
                self.send(line);
            }
            _ => self.refuse(&Failure::usage(format!("there is no number {line}"))),
        }
    }

    /// Takes another wording of an earlier question.
    fn again(&mut self, line: &str) {
        self.shown = None;
        if line == "q" {
            return self.press(Action::Stop);
        }
        if !line.is_empty() {
            // All of it goes, however many lines it has.
            while !self.state.composer.is_empty() {
                self.press(Action::TextEnd);
                self.press(Action::DeleteLeft);
            }
            self.take_in(Event::Paste(line.to_owned()));
        }
        if self.state.completion.is_some() {
            self.press(Action::Stop);
        }
        self.press(Action::Send);
    }

    /// Does what a line says about a finding; false where it says nothing of one.
    fn finding(&mut self, line: &str) -> bool {
        let Focus::Review(id) = self.state.focus else {
            return false;
        };
        let Some(Body::Review(review)) = self.state.block(id).map(|block| &block.body) else {
            return false;
        };
        let (cursor, count) = (review.cursor, review.findings.len());
        if line == "w" {
            self.press(Action::WriteReport);
            return true;
        }
        let mut words = line.splitn(3, ' ');
        let (letter, number) = (words.next(), words.next().and_then(|n| n.parse().ok()));
        let (Some(letter @ ("f" | "d" | "a")), Some(number)) = (letter, number) else {
            return false;
        };
        if !(1..=count).contains(&number) {
            self.refuse(&Failure::usage(format!("there is no finding {number}")));
            return true;
        }
        let to = number - 1;
        self.press_often(Action::FindingDown, to.saturating_sub(cursor));
        self.press_often(Action::FindingUp, cursor.saturating_sub(to));
        match letter {
            "f" => self.press(Action::Fix),
            "d" => self.press(Action::Dismiss),
            _ => {
                let question = words.next().unwrap_or("why is that wrong?").to_owned();
                self.press(Action::AskAbout);
                self.send(&question);
            }
        }
        true
    }
}
