//! `context`: what the model would be shown; runs no model.

use serde_json::json;

use super::args::{AskArgs, PatchArgs, ReviewArgs};
use super::ask::question;
use super::desk::Desk;
use super::follow::context_lines;
use super::out::Tone;
use super::start::Code;
use super::{patch as patching, review as reviewing};
use crate::base::count::RoughCount;
use crate::base::text::human_count;
use crate::base::{Result, TokenCount, memory};
use crate::jobs::{self, Ask, ModelChoice, Patch, Request, choose_model};

/// The context in tokens that is reckoned with where no model says.
const CONTEXT: usize = 8192;

/// `context ask QUESTION…`.
pub(super) fn ask(args: &AskArgs, full: bool, desk: &mut Desk) -> Result<Code> {
    desk.seal()?;
    let (question, piped) = question(&args.question, desk)?;
    let request = Request::Ask(Ask {
        question,
        piped,
        ..Ask::default()
    });
    show(&request, full, args.json, desk)
}

/// `context patch REQUEST…`.
pub(super) fn patch(args: &PatchArgs, full: bool, desk: &mut Desk) -> Result<Code> {
    desk.seal()?;
    let files = patching::files(args)?;
    let (request, piped) = question(&args.request, desk)?;
    let request = Request::Patch(Patch {
        request,
        piped,
        files,
        ..Patch::default()
    });
    show(&request, full, args.json, desk)
}

/// `context review`.
pub(super) fn review(args: &ReviewArgs, full: bool, desk: &mut Desk) -> Result<Code> {
    let spec = reviewing::spec(args)?;
    desk.seal()?;
    let request = Request::Review(reviewing::request(args, spec)?);
    let json = args.format != super::args::ReviewFormat::Text;
    show(&request, full, json, desk)
}

fn show(request: &Request, full: bool, as_json: bool, desk: &mut Desk) -> Result<Code> {
    desk.check_dir()?;
    let workspace = desk.open()?;
    let (count, context, exact) = counter(desk);
    let index = desk.index(&workspace, false)?;
    let preview = jobs::preview(
        request,
        &workspace.repo,
        &index,
        &workspace.settings,
        &workspace.prompts,
        count.as_ref(),
        context,
    )?;
    if as_json {
        desk.out.json_pretty(&json!({
            "context": preview.context,
            "messages": if full { json!(preview.messages) } else { json!(null) },
            "tokens": preview.tokens,
            "exact": exact,
        }))?;
        return Ok(0);
    }
    desk.out.line(
        Tone::Bold,
        &format!(
            "{} tokens in all; excerpts {} of {}{}",
            human_count(preview.tokens as u64),
            human_count(preview.context.tokens as u64),
            human_count(preview.context.budget as u64),
            if exact {
                ""
            } else {
                " (estimated: four bytes a token)"
            }
        ),
    );
    for line in context_lines(&preview.context) {
        desk.out.line(Tone::Plain, &line);
    }
    if full {
        for message in &preview.messages {
            let role = serde_json::to_value(message.role)
                .ok()
                .and_then(|role| role.as_str().map(str::to_owned))
                .unwrap_or_default();
            desk.out.line(Tone::Plain, "");
            desk.out.line(Tone::Cyan, &format!("── {role} ──"));
            desk.out.block(&message.content);
        }
    }
    Ok(0)
}

/// What counts tokens: a script's engine, which costs nothing, else a rough rule.
fn counter(desk: &mut Desk) -> (Box<dyn TokenCount>, usize, bool) {
    let ctx = match desk.config.ctx.value {
        0 => CONTEXT,
        n => n,
    };
    let choice = match desk.script.clone() {
        Some(script) => Some(ModelChoice::Script(script)),
        None => desk.catalog().ok().and_then(|catalog| {
            choose_model(
                desk.config.model.value.as_deref(),
                &catalog,
                &desk.store(),
                memory::available(),
            )
            .ok()
        }),
    };
    let file = match choice {
        Some(ModelChoice::Installed(installed)) => installed.path,
        Some(ModelChoice::File(file)) => file,
        _ => return (Box::new(RoughCount), ctx, false),
    };
    let native = crate::engine::inspect(&file).map_or(ctx, |found| found.context as usize);
    (Box::new(RoughCount), ctx.min(native.max(1)), false)
}
