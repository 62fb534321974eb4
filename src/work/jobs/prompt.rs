//! The prompt templates, embedded and overridable by the user.
//!
//! The values of a template are plain text: they are put in as they are and never read as a
//! template again. Nothing changes from one run to the next (no clock, no random number), so that
//! the same request begins with the same tokens.

use std::path::Path;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::fold::Short;
use crate::base::bug::bug;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Most bytes of a template of the user's.
const LONGEST: u64 = 64 * 1024;

/// The templates by name.
const EMBEDDED: [(&str, &str); 10] = [
    ("system.md", include_str!("../../../prompts/system.md")),
    ("ask.md", include_str!("../../../prompts/ask.md")),
    ("earlier.md", include_str!("../../../prompts/earlier.md")),
    ("patch.md", include_str!("../../../prompts/patch.md")),
    ("retry.md", include_str!("../../../prompts/retry.md")),
    ("review.md", include_str!("../../../prompts/review.md")),
    (
        "reviewing.md",
        include_str!("../../../prompts/reviewing.md"),
    ),
    ("verdict.md", include_str!("../../../prompts/verdict.md")),
    ("message.md", include_str!("../../../prompts/message.md")),
    (
        "translate.md",
        include_str!("../../../prompts/translate.md"),
    ),
];

/// The templates of all jobs.
#[derive(Debug, Clone)]
pub struct Prompts {
    templates: Arc<Environment<'static>>,
}

/// The values that `system.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct SystemValues<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// Files and what they define; empty for none.
    pub map: &'a str,
    /// The path of the rules file.
    pub rules_path: &'a str,
    /// The text of the rules file; empty for none.
    pub rules: &'a str,
}

/// The values that `ask.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct AskValues<'a> {
    /// The question as the person typed it.
    pub question: &'a str,
    /// Git's history, written out, where the question is about it.
    pub past: &'a str,
    /// Outlines of folders and changes that the question names, written out.
    pub told: &'a str,
    /// The excerpts, written out.
    pub excerpts: &'a str,
    /// Text piped in.
    pub piped: &'a str,
    /// A fence that does not stand in the piped text.
    pub fence: &'a str,
    /// True if the search brought nothing at all.
    pub nothing_found: bool,
}

/// The values that `earlier.md` may use.
#[derive(Debug, Clone, Copy, Serialize)]
struct EarlierValues<'a> {
    exchanges: &'a [Short],
}

impl EarlierValues<'_> {
    fn sample() -> Value {
        let exchanges = &[Short::sample()];
        of(EarlierValues { exchanges })
    }
}

/// The values that `patch.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct PatchValues<'a> {
    /// The request as the person typed it.
    pub request: &'a str,
    /// Outlines of folders and changes that the request names, written out.
    pub told: &'a str,
    /// The excerpts, written out.
    pub excerpts: &'a str,
    /// Text piped in.
    pub piped: &'a str,
    /// A fence that does not stand in the piped text.
    pub fence: &'a str,
    /// The files that may be changed; empty for any.
    pub files: &'a str,
    /// True if text is changed by writing parts anew, and not by saying first what stands there.
    pub rewrites: bool,
    /// True if files may be made, taken away and renamed.
    pub whole: bool,
    /// A hunk that was refused.
    pub refused: &'a str,
    /// A fence that does not stand in the refused hunk.
    pub refused_fence: &'a str,
    /// The person's remark on the refused hunk.
    pub remark: &'a str,
}

/// The values that `retry.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct RetryValues<'a> {
    /// The reasons why nothing could be applied, or complaints about what the change would leave
    /// worse.
    pub troubles: &'a [String],
    /// Lines that new text may have; 0 for no limit.
    pub lines: u32,
    /// True if the change can be applied and leaves something worse.
    pub worse: bool,
}

/// The values that `review.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct ReviewValues<'a> {
    /// The piece of the diff, lines numbered.
    pub diff: &'a str,
    /// Definitions around the changes, written out.
    pub around: &'a str,
    /// A fence that does not stand in the diff.
    pub fence: &'a str,
}

/// The values that `reviewing.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct ReviewingValues {
    /// True if new text for a line may be given.
    pub fixes: bool,
}

/// The values that `verdict.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct VerdictValues<'a> {
    /// The piece of the diff, lines numbered.
    pub diff: &'a str,
    /// Definitions around the changes, written out.
    pub around: &'a str,
    /// A fence that does not stand in the diff.
    pub fence: &'a str,
    /// File and line of the finding.
    pub place: &'a str,
    /// The severity of the finding, in a word.
    pub severity: &'a str,
    /// The category of the finding.
    pub category: &'a str,
    /// The finding in a few words.
    pub title: &'a str,
    /// The line that the finding quotes.
    pub quote: &'a str,
    /// The reason that the finding gives.
    pub reason: &'a str,
}

/// The values that `translate.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct TranslateValues<'a> {
    question: &'a str,
}

/// The values that `message.md` may use.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct MessageValues<'a> {
    /// The staged diff.
    pub diff: &'a str,
    /// A fence that does not stand in the diff.
    pub fence: &'a str,
    /// First lines of the last messages.
    pub subjects: &'a [String],
}

impl Prompts {
    /// The embedded templates, each replaced by a file of the same name in `folder` (the
    /// user's configuration, never the repository) where there is one.
    ///
    /// # Errors
    /// Of kind config, naming file and line, if a template is wrong.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|e| Failure::bug("the template syntax is wrong").because(e))?;
        templates.set_syntax(syntax);
        for (name, embedded) in EMBEDDED {
            let own = match folder.map(|folder| folder.join(name)) {
                Some(file) => read_own(&file)?.map(|text| (text, file.display().to_string())),
                None => None,
            };
            let (source, shown) =
                own.unwrap_or_else(|| (embedded.to_owned(), format!("prompts/{name}")));
            templates
                .add_template_owned(name, source)
                .map_err(|e| wrong(&shown, &e))?;
            // Names that do not exist show only when a template is used; better now.
            let tried = templates
                .get_template(name)
                .and_then(|t| t.render(sample(name)));
            tried.map_err(|e| wrong(&shown, &e))?;
        }
        if let Some(folder) = folder {
            check_names(folder)?;
        }
        Ok(Self {
            templates: Arc::new(templates),
        })
    }

    /// Renders the standing instructions.
    pub(super) fn system(&self, values: &SystemValues<'_>) -> Result<String> {
        self.render("system.md", values)
    }

    /// Renders a question.
    pub(super) fn ask(&self, values: &AskValues<'_>) -> Result<String> {
        self.render("ask.md", values)
    }

    /// Renders the exchanges before a conversation that are a few lines only.
    pub(super) fn earlier(&self, exchanges: &[Short]) -> Result<String> {
        self.render("earlier.md", &EarlierValues { exchanges })
    }

    /// Renders a wish for a change.
    pub(super) fn patch(&self, values: &PatchValues<'_>) -> Result<String> {
        self.render("patch.md", values)
    }

    /// Renders the wish for a second try at a change.
    pub(super) fn retry(&self, values: &RetryValues<'_>) -> Result<String> {
        self.render("retry.md", values)
    }

    /// Renders the wish for English search words.
    pub(super) fn translate(&self, question: &str) -> Result<String> {
        self.render("translate.md", &TranslateValues { question })
    }

    /// Renders a piece of a diff to be reviewed.
    pub(super) fn review(&self, values: &ReviewValues<'_>) -> Result<String> {
        self.render("review.md", values)
    }

    /// Renders how to review, for all pieces of a diff.
    pub(super) fn reviewing(&self, values: ReviewingValues) -> Result<String> {
        self.render("reviewing.md", &values)
    }

    /// Renders a finding, to be looked at again.
    pub(super) fn verdict(&self, values: &VerdictValues<'_>) -> Result<String> {
        self.render("verdict.md", values)
    }

    /// Renders the wish for a commit message.
    pub(super) fn message(&self, values: &MessageValues<'_>) -> Result<String> {
        self.render("message.md", values)
    }

    fn render(&self, name: &str, values: &impl Serialize) -> Result<String> {
        let text = self
            .templates
            .get_template(name)
            .and_then(|t| t.render(of(values)))
            .map_err(|e| wrong(name, &e))?;
        Ok(text.trim().to_owned())
    }
}

/// A fence of backticks longer than any in the text.
pub fn fence_for(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest.max(2) + 1)
}

/// Reads the user's own template; none where there is no such file.
fn read_own(file: &Path) -> Result<Option<String>> {
    let cannot = |e: &std::io::Error| {
        let failure = io_failure(format!("cannot read the prompt {}", file.display()), e);
        Failure::config(failure.what()).because(e)
    };
    match std::fs::metadata(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(cannot(&e)),
        Ok(facts) if facts.len() > LONGEST => {
            return Err(Failure::config(format!(
                "the prompt {} is larger than {LONGEST} bytes",
                file.display()
            )));
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(file)
        .map(Some)
        .map_err(|e| cannot(&e))
}

/// Checks that no file is nearly named as a template, which is a slip of the pen.
fn check_names(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten().take(1000) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if EMBEDDED.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if let Some((near, _)) = EMBEDDED
            .iter()
            .find(|(known, _)| strsim::levenshtein(known, &name) <= 2)
        {
            return Err(Failure::config(format!(
                "{} is no prompt that homebody has",
                entry.path().display()
            ))
            .hint(format!("did you mean {near}?")));
        }
    }
    Ok(())
}

/// A template's error as a failure that names file and line.
fn wrong(shown: &str, error: &minijinja::Error) -> Failure {
    let line = error
        .line()
        .map_or(String::new(), |line| format!(":{line}"));
    let why = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Failure::config(format!("the prompt {shown}{line} is wrong"))
        .because(why)
        .hint("mend the file, or remove it to use the built-in prompt")
}

/// Values for a template.
fn of(values: impl Serialize) -> Value {
    Value::from(Serde(values))
}

impl VerdictValues<'_> {
    /// Sample values: see [`sample`].
    fn sample() -> Value {
        of(VerdictValues {
            diff: "d",
            around: "a",
            fence: "```",
            place: "p",
            severity: "s",
            category: "c",
            title: "t",
            quote: "q",
            reason: "r",
        })
    }
}

/// Sample values, which make every part of a template be used once.
fn sample(name: &str) -> Value {
    let lines = ["a".to_owned()];
    match name {
        "system.md" => of(SystemValues {
            repository: "r",
            map: "m",
            rules_path: "p",
            rules: "x",
        }),
        "ask.md" => of(AskValues {
            question: "q",
            past: "h",
            told: "t",
            excerpts: "e",
            piped: "p",
            fence: "```",
            nothing_found: true,
        }),
        "earlier.md" => EarlierValues::sample(),
        "patch.md" => of(PatchValues {
            rewrites: true,
            whole: true,
            request: "r",
            told: "t",
            excerpts: "e",
            piped: "p",
            fence: "```",
            files: "f",
            refused: "h",
            refused_fence: "```",
            remark: "m",
        }),
        "retry.md" => of(RetryValues {
            troubles: &lines,
            lines: 12,
            worse: true,
        }),
        "review.md" => of(ReviewValues {
            diff: "d",
            around: "a",
            fence: "```",
        }),
        "reviewing.md" => of(ReviewingValues { fixes: true }),
        "verdict.md" => VerdictValues::sample(),
        "message.md" => of(MessageValues {
            diff: "d",
            fence: "```",
            subjects: &lines,
        }),
        "translate.md" => of(TranslateValues { question: "q" }),
        _ => bug("a template has no sample", context! {}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    fn prompts() -> Prompts {
        Prompts::load(None).expect("the embedded prompts are good")
    }

    #[test]
    fn the_system_prompt_is_stable_and_short() {
        let values = SystemValues {
            repository: "walk",
            ..SystemValues::default()
        };
        let text = prompts().system(&values).expect("rendered");
        assert_eq!(text, prompts().system(&values).expect("rendered"));
        assert!(text.len() < 1400, "{} bytes", text.len());
        assert!(!text.contains("Rules of this project"));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn rules_come_last_in_the_system_prompt() {
        let text = prompts()
            .system(&SystemValues {
                repository: "walk",
                map: "",
                rules_path: "AGENTS.md",
                rules: "Use tabs.",
            })
            .expect("rendered");
        assert!(text.ends_with("from AGENTS.md:\n\nUse tabs."), "{text}");
    }

    #[test]
    fn a_question_stands_behind_its_excerpts() {
        let text = prompts()
            .ask(&AskValues {
                told: "",
                question: "why?",
                past: "commit 1a2b3c4d5 2026-01-02 A: Walk",
                excerpts: "[1] a.rs:1-1\n```\n1| x\n```\n",
                piped: "log",
                fence: "```",
                nothing_found: false,
            })
            .expect("rendered");
        insta::assert_snapshot!(text);
        let bare = prompts()
            .ask(&AskValues {
                question: "why?",
                ..AskValues::default()
            })
            .expect("rendered");
        assert_eq!(bare, "Question: why?");
    }

    #[test]
    fn values_are_never_read_as_templates() {
        let question = "{{ 1 + 1 }} {% if %} <b>&";
        let text = prompts()
            .ask(&AskValues {
                question,
                ..AskValues::default()
            })
            .expect("rendered");
        assert!(text.ends_with(question), "{text}");
    }

    #[test]
    fn every_template_renders_without_double_gaps() {
        let prompts = prompts();
        let patch = prompts
            .patch(&PatchValues {
                request: "do it",
                excerpts: "E\n",
                ..PatchValues::default()
            })
            .expect("rendered");
        let review = prompts
            .review(&ReviewValues {
                diff: "1+ x",
                fence: "```",
                ..ReviewValues::default()
            })
            .expect("rendered");
        let subjects = ["Add a".to_owned(), "Fix b".to_owned()];
        let message = prompts
            .message(&MessageValues {
                diff: "d",
                fence: "```",
                subjects: &subjects,
            })
            .expect("rendered");
        let troubles = ["x".to_owned(), "y".to_owned()];
        let retry = prompts
            .retry(&RetryValues {
                troubles: &troubles,
                lines: 0,
                worse: false,
            })
            .expect("rendered");
        for text in [&patch, &review, &message, &retry] {
            assert!(!text.contains("\n\n\n"), "{text}");
        }
        assert!(message.contains("- Add a\n- Fix b\n"), "{message}");
        assert!(retry.contains("- x\n- y\n"), "{retry}");
        assert!(patch.ends_with("Request: do it"));
    }

    #[test]
    fn the_users_own_prompt_is_used() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("ask.md"), "Q {{ question }}").expect("written");
        let prompts = Prompts::load(Some(dir.path())).expect("good");
        let text = prompts
            .ask(&AskValues {
                told: "",
                question: "why",
                ..AskValues::default()
            })
            .expect("rendered");
        assert_eq!(text, "Q why");
    }

    #[test]
    fn a_wrong_prompt_is_named_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        for bad in ["one\n{% if %}", "one\n{{ quession }}"] {
            std::fs::write(dir.path().join("ask.md"), bad).expect("written");
            let failure = Prompts::load(Some(dir.path())).expect_err("wrong");
            assert_eq!(failure.kind(), Kind::Config);
            assert!(failure.what().contains("ask.md:2"), "{failure}");
        }
        std::fs::remove_file(dir.path().join("ask.md")).expect("removed");
        std::fs::write(dir.path().join("aks.md"), "x").expect("written");
        let failure = Prompts::load(Some(dir.path())).expect_err("misnamed");
        assert_eq!(failure.next_step(), Some("did you mean ask.md?"));
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fence_for("a ``` b"), "````");
        assert_eq!(fence_for("plain"), "```");
    }
}
