//! `review`: findings as text, JSON or SARIF, and the exit code that a script asks for.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::{PatchArgs, ReviewArgs, ReviewFormat};
use super::follow::{Ready, Show, follow, ready, ready_for_hook};
use super::invocation::Invocation;
use super::out::Tone;
use super::{Code, NEGATIVE};
use super::{hook, patch, sarif};
use crate::base::encoding::decode;
use crate::base::places::write_private;
use crate::base::secrets::masked;
use crate::base::text::{counted, human_count, truncated};
use crate::base::{Failure, Kind, LineRange, RepoPath, Result};
use crate::context::Mention;
use crate::jobs::review::Dismissed;
use crate::jobs::{Answer, Finding, Patch, Request, Review, ReviewOf, Severity, Workspace};
use crate::patch::attributes::losses;
use crate::patch::{UndoDir, write};
use crate::repo::{Diff, DiffKind, DiffSpec, Repo};

/// The version of what `--format json` prints and of the record of the last review.
const VERSION: u32 = 1;
/// Most bytes of a diff on standard input.
const MOST_DIFF: u64 = 50_000_000;
/// Lines before and after that of a finding that are shown with it.
const CONTEXT: u32 = 2;
/// Most bytes of a line that are shown.
const LONGEST: usize = 200;
/// Files that were not read and are named.
const MOST_UNREAD: usize = 50;
/// Lines around a finding that a fix is shown at least.
const AROUND: u32 = 20;

/// The last review of a repository, kept for `--apply N`.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    findings: Vec<Finding>,
}

/// Runs `review`. A hook lets nothing through that could not be looked at.
pub(super) fn run(args: &ReviewArgs, invocation: &mut Invocation) -> Result<Code> {
    match review(args, invocation) {
        Err(failure) if args.hook && !failure.is_interrupted() => {
            invocation.out.failure(&failure);
            invocation.out.note(
                "the change could not be looked at, so nothing is committed; \
                 `git commit --no-verify` passes the review over once",
            );
            Ok(NEGATIVE)
        }
        outcome => outcome,
    }
}

fn review(args: &ReviewArgs, invocation: &mut Invocation) -> Result<Code> {
    if args.install_hook {
        return hook::install(invocation);
    }
    if args.remove_hook {
        return hook::remove(invocation);
    }
    if let Some(number) = args.apply {
        return fix(number as usize, invocation);
    }
    if let Some(number) = args.dismiss {
        return dismiss(number as usize, invocation);
    }
    look(args, invocation)
}

/// Reviews a diff, and says what was found.
fn look(args: &ReviewArgs, invocation: &mut Invocation) -> Result<Code> {
    let spec = spec(args)?;
    let of = (!args.of.stdin).then_some(&spec);
    let mut ready = if args.hook {
        ready_for_hook(invocation, of)?
    } else {
        ready(invocation, of)?
    };
    let mut request = request(args, spec)?;
    request.rules_only = ready.no_model;
    if args.hook {
        ready.workspace.repo = ready.workspace.repo.clone().committing()?;
    }
    let request = Request::Review(request);
    let answer = follow(invocation, &mut ready, &request, Show::Progress, false)?;
    let Answer::Review {
        findings,
        unread,
        stopped,
        failed,
    } = answer
    else {
        return Err(Failure::bug("a review gave no review"));
    };
    keep(&findings, invocation, &ready);
    let came = Came {
        findings: &findings,
        unread: &unread,
        stopped,
        failed: failed.as_ref(),
        nothing: ready.nothing,
    };
    print(&came, args.wanted(), &ready.workspace.repo, invocation)?;
    // What was found is shown by now, also where this cannot be written.
    if let Some(file) = &args.write_baseline {
        let mut all = request_baseline(args)?;
        for finding in &findings {
            all.add(finding);
        }
        all.write(file)?;
    }
    let bad = args.fail_on.is_some_and(|level| {
        findings
            .iter()
            .any(|finding| finding.severity >= Severity::from(level))
    });
    if stopped && invocation.stop_was_asked() && !invocation.out.closed() {
        invocation.out.note("stopped; the rest was not read");
        return Ok(Kind::Interrupted.exit_code());
    }
    match failed {
        _ if bad => Ok(NEGATIVE),
        // A commit is not held up by a model that cannot be run.
        Some(failure) if args.hook => {
            invocation
                .out
                .warn(&format!("no model has read it: {failure}"));
            Ok(0)
        }
        Some(failure) => Err(failure),
        None => Ok(0),
    }
}

/// The outcome of a review.
struct Came<'a> {
    findings: &'a [Finding],
    unread: &'a [(RepoPath, String)],
    stopped: bool,
    failed: Option<&'a Failure>,
    /// True if there was nothing to review, which the job has said.
    nothing: bool,
}

/// Prints a review in the format asked for.
fn print(
    came: &Came<'_>,
    format: ReviewFormat,
    repo: &Repo,
    invocation: &mut Invocation,
) -> Result<()> {
    let Came {
        findings,
        unread,
        stopped,
        failed,
        nothing,
    } = came;
    match format {
        ReviewFormat::Text => {
            text(findings, unread, repo, invocation)?;
            match findings.len() {
                0 if *nothing => {}
                0 => invocation.out.note("no findings"),
                n => invocation.out.note(&format!(
                    "{}; `homebody review --apply N` has one fixed, --dismiss N puts it aside",
                    counted(n, "finding")
                )),
            }
            Ok(())
        }
        ReviewFormat::Json => invocation.out.json_pretty(&json!({
            "type": "review",
            "version": VERSION,
            "findings": findings,
            "unread": unread
                .iter()
                .map(|(path, reason)| json!({"path": path, "reason": reason}))
                .collect::<Vec<_>>(),
            "stopped": stopped,
            "failed": failed.as_ref().map(ToString::to_string),
        })),
        ReviewFormat::Sarif => invocation.out.json_pretty(&sarif::log(findings)),
    }
}

/// The diff of the repository that is to be reviewed.
pub(super) fn spec(args: &ReviewArgs) -> Result<DiffSpec> {
    let of = &args.of;
    Ok(if of.unstaged {
        DiffSpec::Unstaged
    } else if let Some(commit) = &of.commit {
        DiffSpec::Commit(commit.clone())
    } else if let Some(range) = &of.range {
        if !range.contains("..") {
            return Err(Failure::usage(format!("`{range}` is not a range"))
                .hint("write it as A..B, or use --commit for one commit"));
        }
        DiffSpec::Range(range.clone())
    } else if let Some(base) = &of.base {
        DiffSpec::Base(base.clone())
    } else {
        DiffSpec::Staged
    })
}

/// The review that is asked for; standard input is read here, where it is asked for.
pub(super) fn request(args: &ReviewArgs, spec: DiffSpec) -> Result<Review> {
    let diff = if args.of.stdin {
        ReviewOf::Given(given()?)
    } else {
        ReviewOf::Repo(spec)
    };
    Ok(Review {
        diff,
        least: Severity::Note,
        max_time_s: args.max_time.unwrap_or(0),
        dismissed: request_baseline(args)?,
        anew: args.anew,
        within: args.part.within()?,
        rules_only: false,
    })
}

/// The findings of `--baseline`.
fn request_baseline(args: &ReviewArgs) -> Result<Dismissed> {
    match &args.baseline {
        None => Ok(Dismissed::default()),
        Some(file) if !file.exists() && args.write_baseline.as_ref() != Some(file) => {
            Err(Failure::usage(format!("there is no {}", file.display()))
                .hint("`homebody review --write-baseline FILE` writes one"))
        }
        Some(file) => Dismissed::read(file),
    }
}

/// Runs `review --dismiss N`: puts one finding of the last review aside.
fn dismiss(number: usize, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let finding = kept(&workspace, number)?;
    let file = &workspace.places.dismissed;
    let mut all = Dismissed::read(file)?;
    let new = all.add(&finding);
    all.write(file)?;
    let what = if new {
        "put aside"
    } else {
        "is put aside already"
    };
    invocation
        .out
        .note(&format!("{what}: {}: {}", finding.place(), finding.title));
    invocation.out.note(&format!(
        "it stays so while the line reads as it does; delete {} to see all again",
        file.display()
    ));
    Ok(0)
}

/// Reads a diff from standard input.
fn given() -> Result<Diff> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MOST_DIFF + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::environment("cannot read standard input").caused_by(&e))?;
    if bytes.len() as u64 > MOST_DIFF {
        return Err(Failure::input("the diff on standard input is too large")
            .hint("review it in parts, by file or by commit"));
    }
    // A shell may have made UTF-16 of it; files of several encodings are read line by line.
    let text = match decode(&bytes).filter(|decoded| !decoded.lossy) {
        Some(decoded) => decoded.text,
        None => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Diff::parse(&text)
}

fn text(
    findings: &[Finding],
    unread: &[(RepoPath, String)],
    repo: &Repo,
    invocation: &mut Invocation,
) -> Result<()> {
    for (number, finding) in findings.iter().enumerate() {
        let tone = match finding.severity {
            Severity::Error => Tone::Red,
            Severity::Warning => Tone::Yellow,
            Severity::Note => Tone::Plain,
        };
        invocation.out.parts(&[
            (Tone::Dim, &format!("{:>2} ", number + 1)),
            (tone, &format!("{:<8}", finding.severity.word())),
            (Tone::Cyan, &finding.place()),
            (Tone::Plain, "  "),
            (Tone::Bold, &finding.title),
            (
                Tone::Dim,
                match &finding.rule {
                    Some(_) => "  (found without a model)",
                    None if finding.verified => "",
                    None => "  (not verified)",
                },
            ),
        ]);
        for (number, line) in frame(finding, repo)? {
            let here = number == finding.line;
            let (sign, tone) = if here { ('>', tone) } else { (' ', Tone::Dim) };
            invocation.out.parts(&[
                (tone, &format!("   {sign} {number:>4}| ")),
                (if here { Tone::Plain } else { Tone::Dim }, &line),
            ]);
        }
        for line in finding.reason.lines() {
            invocation
                .out
                .parts(&[(Tone::Plain, "     "), (Tone::Plain, line)]);
        }
        for line in finding.suggestion.iter().flat_map(|text| text.lines()) {
            invocation
                .out
                .parts(&[(Tone::Plain, "     + "), (Tone::Green, line)]);
        }
    }
    for (path, reason) in unread.iter().take(MOST_UNREAD) {
        invocation.out.warn(&format!("not read: {path}: {reason}"));
    }
    let more = unread.len().saturating_sub(MOST_UNREAD);
    if more > 0 {
        invocation.out.warn(&format!(
            "and {} more files were not read; `--format json` names them all",
            human_count(more as u64)
        ));
    }
    Ok(())
}

/// The line of a finding with those around it, by their numbers; the line alone where the file
/// reads otherwise by now, or is gone. Secrets are masked.
fn frame(finding: &Finding, repo: &Repo) -> Result<Vec<(u32, String)>> {
    if finding.quote.trim().is_empty() {
        return Ok(Vec::new());
    }
    let shown = |line: &str| -> Result<String> {
        // A secret that the end cuts is one all the same.
        let line = masked(truncated(line, 10 * LONGEST))?;
        Ok(truncated(&line, LONGEST).to_owned())
    };
    let quote = shown(&finding.quote)?;
    let text = repo
        .read(&finding.path)
        .map_or_else(|_| String::new(), |file| file.text);
    let first = finding.line.saturating_sub(CONTEXT).max(1);
    let lines: Vec<(u32, String)> = (first..)
        .zip(text.lines().skip(first as usize - 1))
        .take_while(|(number, _)| *number <= finding.line + CONTEXT)
        .map(|(number, line)| Ok((number, shown(line)?)))
        .collect::<Result<_>>()?;
    let stands = |(number, line): &(u32, String)| *number == finding.line && *line == quote;
    if finding.side != DiffKind::Removed && lines.iter().any(stands) {
        Ok(lines)
    } else {
        Ok(vec![(finding.line, quote)])
    }
}

/// The file of the last review.
fn record(workspace: &Workspace) -> PathBuf {
    workspace.places.state.join("review.json")
}

/// A finding of the last review, by its number from 1.
fn kept(workspace: &Workspace, number: usize) -> Result<Finding> {
    let none = || {
        Failure::usage("there is no review to take a finding from")
            .hint("run `homebody review` first")
    };
    let bytes = fs::read(record(workspace)).map_err(|_| none())?;
    let kept: Record = serde_json::from_slice(&bytes).map_err(|_| none())?;
    let all = kept.findings.len();
    kept.findings.into_iter().nth(number - 1).ok_or_else(|| {
        Failure::usage(format!("there is no finding {number}")).because(format!(
            "the last review has {}",
            match all {
                0 => "none".to_owned(),
                1 => "only one".to_owned(),
                n => format!("findings 1 to {n}"),
            }
        ))
    })
}

/// Keeps the findings for `--apply N`; a folder that cannot be written costs only that.
fn keep(findings: &[Finding], invocation: &mut Invocation, ready: &Ready) {
    let kept = Record {
        version: VERSION,
        findings: findings.to_vec(),
    };
    let outcome = serde_json::to_vec(&kept)
        .map_err(|e| Failure::bug("findings cannot be written").caused_by(&e))
        .and_then(|bytes| write_private(&record(&ready.workspace), &bytes));
    if let Err(failure) = outcome {
        invocation
            .out
            .detail(&format!("the findings are not kept: {failure}"));
    }
}

/// Runs `review --apply N`: writes the new text that came with a finding of the last review, or has
/// the finding fixed.
fn fix(number: usize, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let finding = kept(&workspace, number)?;
    if let Some(change) = finding.change(&workspace.repo) {
        invocation.out.diff(&change.to_unified());
        for loss in losses(workspace.repo.root(), &change) {
            invocation.out.warn(&loss);
        }
        let undo = UndoDir::of(&workspace.places);
        let applied = write::apply(workspace.repo.root(), &change, &undo)?;
        for note in &applied.notes {
            invocation.out.warn(note);
        }
        invocation
            .out
            .note("applied; take it back with `homebody undo`");
        return Ok(0);
    }
    if finding.is_of_file() {
        return Err(Failure::usage(format!(
            "finding {number} is about the whole of `{}`, and no edit mends that",
            finding.path
        ))
        .hint(format!(
            "`git rm --cached` takes it out of git, `homebody review --dismiss {number}` puts it aside"
        )));
    }
    let mut ready = ready(invocation, None)?;
    invocation
        .out
        .note(&format!("fixing {}: {}", finding.place(), finding.title));
    let request = Patch {
        request: format!(
            "Fix this finding of a review in {}, line {}: {}. {} The line reads: {}",
            finding.path.as_str(),
            finding.line,
            finding.title,
            finding.reason,
            finding.quote.trim()
        ),
        files: vec![finding.path.clone()],
        pinned: vec![Mention {
            path: finding.path.clone(),
            range: Some(LineRange::new(
                finding.line.saturating_sub(AROUND),
                finding.line.saturating_add(AROUND),
            )),
        }],
        ..Patch::default()
    };
    let args = PatchArgs {
        apply: true,
        rounds: 1,
        ..PatchArgs::default()
    };
    patch::carry_out(&args, request, invocation, &mut ready)
}
