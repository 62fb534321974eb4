//! `context`: what the model would be shown; runs no model.

use serde_json::json;

use super::Code;
use super::args::{AskArgs, PatchArgs, ReviewArgs};
use super::ask::question;
use super::follow::context_lines;
use super::invocation::{Invocation, choice_name};
use super::out::Tone;
use super::{patch as patching, review as reviewing};
use crate::base::count::RoughCount;
use crate::base::text::human_count;
use crate::base::{Kind, OrBug, Result, memory};
use crate::engine;
use crate::engine::CountMessages;
use crate::jobs::{self, Ask, ModelChoice, Patch, Request, choose_model};

/// The context in tokens that is reckoned with where no setting names one.
const CONTEXT: usize = 8192;

/// Runs `context ask QUESTION…`.
pub(super) fn ask(args: &AskArgs, full: bool, invocation: &mut Invocation) -> Result<Code> {
    invocation.seal()?;
    let (question, piped) = question(&args.question, invocation)?;
    let request = Request::Ask(Ask {
        question,
        piped,
        within: args.part.within()?,
        ..Ask::default()
    });
    show(&request, full, args.json, invocation)
}

/// Runs `context patch REQUEST…`.
pub(super) fn patch(args: &PatchArgs, full: bool, invocation: &mut Invocation) -> Result<Code> {
    invocation.seal()?;
    let files = patching::files(args)?;
    let (request, piped) = question(&args.request, invocation)?;
    let request = Request::Patch(Patch {
        request,
        piped,
        files,
        within: args.part.within()?,
        ..Patch::default()
    });
    show(&request, full, args.json, invocation)
}

/// Runs `context review`.
pub(super) fn review(args: &ReviewArgs, full: bool, invocation: &mut Invocation) -> Result<Code> {
    let spec = reviewing::spec(args)?;
    invocation.seal()?;
    let request = Request::Review(reviewing::request(args, spec)?);
    let json = args.wanted() != super::args::ReviewFormat::Text;
    show(&request, full, json, invocation)
}

/// Prints what a model would be shown for a request, its messages too if `full`.
fn show(request: &Request, full: bool, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let counting = counter(invocation)?;
    let index = invocation.index(&workspace, false)?;
    let preview = jobs::preview(
        request,
        &workspace.repo,
        &index,
        &workspace.settings,
        &workspace.prompts,
        jobs::Reader {
            count: counting.count.as_ref(),
            context: counting.context,
            rewrites: counting.rewrites,
        },
    )?;
    if as_json {
        invocation.out.json_pretty(&json!({
            "type": "preview",
            "context": preview.context,
            "messages": if full { json!(preview.messages) } else { json!(null) },
            "tokens": preview.tokens,
            "exact": counting.by.is_some(),
            "notes": preview.notes,
            "counted_by": counting.by,
            "window": counting.context,
        }))?;
        return Ok(0);
    }
    let excerpts = human_count(preview.context.tokens as u64);
    let parts = match preview.context.budget {
        // A review has no budget of its own: the diff takes what it takes.
        0 => format!("diff and excerpts {excerpts}"),
        budget => format!("excerpts {excerpts} of {}", human_count(budget as u64)),
    };
    invocation.out.line(
        Tone::Bold,
        &format!(
            "{} tokens in all; {parts}",
            human_count(preview.tokens as u64)
        ),
    );
    invocation
        .out
        .line(Tone::Dim, &format!("  {}", counting.told()));
    for line in context_lines(&preview.context) {
        invocation.out.line(Tone::Plain, &line);
    }
    for note in &preview.notes {
        invocation.out.note(note);
    }
    if full {
        messages(&preview.messages, invocation);
    }
    Ok(0)
}

/// Prints messages, each under its role.
fn messages(all: &[crate::engine::Message], invocation: &mut Invocation) {
    for message in all {
        let role = serde_json::to_value(message.role).ok();
        let role = role.as_ref().and_then(serde_json::Value::as_str);
        let role = role.or_bug("a role is not written as a word");
        invocation.out.line(Tone::Plain, "");
        invocation.out.line(Tone::Cyan, &format!("── {role} ──"));
        invocation.out.block(&message.content);
    }
}

/// The counter of a preview's tokens, and the facts of the model it counts for.
struct Counting {
    count: Box<dyn CountMessages>,
    /// Tokens of context to reckon with.
    context: usize,
    /// True if that model is asked to rewrite definitions.
    rewrites: bool,
    /// The model whose tokenizer counts; none where a rule of thumb does.
    by: Option<String>,
}

impl Counting {
    /// The way of counting, for people.
    fn told(&self) -> String {
        match &self.by {
            Some(name) => format!("counted by the tokenizer of {name}"),
            None => "estimated, four bytes a token: no model is here to count".to_owned(),
        }
    }
}

/// The tokenizer of the model that would be used, which is read without its weights; else a
/// rule of thumb. A model that was asked for and does not exist is a mistake all the same.
fn counter(invocation: &Invocation) -> Result<Counting> {
    let ctx = match invocation.config.ctx.value {
        0 => CONTEXT,
        n => n,
    };
    let rough = Counting {
        count: Box::new(RoughCount),
        context: ctx,
        rewrites: false,
        by: None,
    };
    if invocation.script.is_some() {
        return Ok(rough);
    }
    let wanted = invocation.config.model.value.as_deref();
    let catalog = invocation.catalog()?;
    let choice = choose_model(wanted, &catalog, &invocation.store(), memory::available());
    let choice = match choice {
        Err(failure) if failure.kind() == Kind::Usage => return Err(failure),
        // That no model can be had now is no reason not to estimate.
        choice => choice.ok(),
    };
    let (file, name) = match &choice {
        Some(here @ ModelChoice::Installed(installed)) => (&installed.path, choice_name(here)),
        Some(here @ ModelChoice::File(file)) => (file, choice_name(here)),
        _ => return Ok(rough),
    };
    let found = engine::inspect(file)?;
    Ok(Counting {
        count: engine::counter(file)?,
        context: ctx.min((found.context as usize).max(1)),
        rewrites: jobs::workspace::card_of(&name, file, &catalog).rewrites,
        by: Some(name),
    })
}
