//! The leave to download, and to read a folder that is no project: on a terminal a question, else
//! `--yes`.

use std::io::{BufRead as _, IsTerminal as _, stdin};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::invocation::Invocation;
use crate::base::text::{human_bytes, printable};
use crate::base::{Failure, Places, Result};
use crate::registry::Model;
use crate::repo::Repo;

/// The model that works anywhere pip does.
const STARTER: &str = "starter";
/// The time between two looks for an interrupt while an answer is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// The model that may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leave {
    /// The model that was offered.
    Granted,
    /// The model of this name instead.
    Other(String),
}

/// A folder that is no project: its reading would take hours, and put private files into an index.
pub(super) struct WideFolder {
    root: PathBuf,
    why: &'static str,
}

impl WideFolder {
    /// The folder that would be read for `dir`, where it is the whole disk, the home folder or one
    /// around that; none where it was read before: leave was given then.
    pub(super) fn of(dir: &Path, places: &Places) -> Option<Self> {
        // A folder that cannot be opened is told of by whoever opens it.
        let root = Repo::open(dir).ok()?.root().to_owned();
        if places.for_repo(&root).index.exists() {
            return None;
        }
        let home = dirs::home_dir().and_then(|home| home.canonicalize().ok());
        let why = match home {
            _ if root.parent().is_none() => "it is the whole disk",
            Some(home) if home == root => "it is your home folder",
            Some(home) if home.starts_with(&root) => "your home folder lies in it",
            _ => return None,
        };
        Some(Self { root, why })
    }

    /// The question.
    pub(super) fn question(&self) -> String {
        let root = printable(&self.root.display().to_string()).into_owned();
        format!(
            "{root} would be read as a whole, and {}: go on? [y/N] ",
            self.why
        )
    }

    /// The failure where no leave is given.
    pub(super) fn refusal(&self) -> Failure {
        let root = printable(&self.root.display().to_string()).into_owned();
        Failure::usage(format!("{root} is not read without leave"))
            .because(self.why)
            .hint("name a project's folder with -C, or give leave with --yes")
    }

    /// Tells whether an answer gives leave.
    pub(super) fn is_leave(answer: &str) -> bool {
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

impl Invocation {
    /// Gets leave to read the folder that was named, where it is no project.
    ///
    /// # Errors
    /// Of kind usage, where leave is not given; interrupted.
    pub(super) fn leave_to_read(&mut self) -> Result<()> {
        let Some(folder) = WideFolder::of(&self.dir, &self.places).filter(|_| !self.yes) else {
            return Ok(());
        };
        if !self.can_ask() {
            return Err(folder.refusal());
        }
        self.out.ask(&folder.question());
        if WideFolder::is_leave(&self.answer()?) {
            Ok(())
        } else {
            Err(folder.refusal())
        }
    }

    /// Gets leave to remove something for good, where `--dry-run` can say beforehand what.
    ///
    /// # Errors
    /// Of kind usage, where leave is not given; interrupted.
    pub(super) fn leave_to_remove(&mut self, question: &str) -> Result<()> {
        self.leave_to(
            question,
            "give leave with --yes; --dry-run says what would be removed",
        )
    }

    /// Gets leave to delete something for good.
    ///
    /// # Errors
    /// Of kind usage, where leave is not given; interrupted.
    pub(super) fn leave_to_delete(&mut self, question: &str) -> Result<()> {
        self.leave_to(question, "give leave with --yes")
    }

    fn leave_to(&mut self, question: &str, hint: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        let refusal = || Failure::usage("nothing is removed without leave").hint(hint);
        if !self.can_ask() {
            return Err(refusal());
        }
        self.out.ask(&format!("{question} [y/N] "));
        if WideFolder::is_leave(&self.answer()?) {
            Ok(())
        } else {
            Err(refusal())
        }
    }

    /// Asks a question to which an empty line is a yes; a no where nobody can be asked.
    ///
    /// # Errors
    /// Interrupted.
    pub(super) fn agrees(&mut self, question: &str) -> Result<bool> {
        if !self.can_ask() {
            return Ok(false);
        }
        self.out.ask(&format!("{question} [Y/n] "));
        let answer = self.answer()?;
        Ok(answer.trim().is_empty() || WideFolder::is_leave(&answer))
    }

    /// Tells whether somebody can be asked: both ends are a terminal, and nobody wants quiet.
    pub(super) fn can_ask(&self) -> bool {
        !self.out.is_quiet() && stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Gets leave to fetch a model: given beforehand, or asked for on a terminal.
    ///
    /// # Errors
    /// Of kind usage, where leave is not given, with what to type; interrupted.
    pub(super) fn leave(&mut self, model: &Model, asked_for: bool) -> Result<Leave> {
        if self.yes {
            return Ok(Leave::Granted);
        }
        if !self.can_ask() {
            return Err(no_leave(model));
        }
        if !asked_for {
            self.out.note("no model is on this machine yet");
        }
        let dir = self.store().dir;
        let catalog = self.catalog()?;
        let other = catalog
            .get(STARTER)
            .filter(|other| !asked_for && other.name != model.name);
        let choices = match other {
            Some(other) => format!(
                "[Y/n, s for {STARTER}: tiny, {} by pip]",
                human_bytes(other.download_bytes)
            ),
            None => "[Y/n]".to_owned(),
        };
        let question = format!("fetch {}, to {}? {choices} ", model.offer(), dir.display());
        self.out.ask(&question);
        match self.answer()?.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => Ok(Leave::Granted),
            "s" | STARTER if other.is_some() => Ok(Leave::Other(STARTER.to_owned())),
            _ => Err(no_leave(model)),
        }
    }

    /// Reads a line from the terminal. The wait is on a thread, so that an interrupt ends it.
    fn answer(&mut self) -> Result<String> {
        let (tell, said) = channel();
        std::thread::Builder::new()
            .name("answer".to_owned())
            .spawn(move || {
                let mut line = String::new();
                // An end of input is a no.
                if !matches!(stdin().lock().read_line(&mut line), Ok(n) if n > 0) {
                    line = "no".to_owned();
                }
                let _ = tell.send(line);
            })
            .map_err(|e| Failure::environment("cannot start a thread").because(e))?;
        let cancel = self.cancel();
        loop {
            cancel.check()?;
            if self.stop_was_asked() {
                // What is said next stands on a line of its own.
                self.out.ask("\n");
                return Err(Failure::interrupted());
            }
            match said.recv_timeout(LOOK) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok("no".to_owned()),
            }
        }
    }
}

/// The failure where no leave is given.
fn no_leave(model: &Model) -> Failure {
    Failure::usage("no model")
        .because("nothing is fetched without leave")
        .hint(format!(
            "homebody models pull {}; or --yes to have it fetched now. `{STARTER}` is tiny and \
             comes by pip; a GGUF file that is here already: homebody models add FILE.gguf",
            model.name
        ))
}
