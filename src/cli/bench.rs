//! `bench`: what this machine does with this model.

use super::Code;
use super::args::BenchArgs;
use super::invocation::{Invocation, choice_name};
use super::out::{Out, Tone, bar, typed};
use crate::base::text::human_count;
use crate::base::{Failure, Result};
use crate::engine::{self, BenchPlan, BenchReport, GenerationDefaults, LoadOptions, LocalEngine};
use crate::jobs::ModelChoice;

/// Runs `bench`.
pub(super) fn run(args: &BenchArgs, invocation: &mut Invocation) -> Result<Code> {
    #[cfg(feature = "lab")]
    if args.drafts {
        return super::bench_drafts::run(args, invocation);
    }
    let plan = BenchPlan {
        prompt: args.prompt as usize,
        depth: args.depth as usize,
        written: args.r#gen as usize,
    };
    let mut local = local(invocation, plan.context())?;
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let report = engine::bench(&mut local, plan, &cancel, &mut |part| {
        show(out, "measuring", part);
    });
    invocation.out.clear();
    let report = report?;
    if args.json {
        let report = serde_json::to_value(&report)
            .map_err(|e| Failure::bug("a report cannot be written as JSON").caused_by(&e))?;
        invocation.out.json_pretty(&typed("bench", report))?;
        return Ok(0);
    }
    for (what, value) in lines(&report) {
        invocation
            .out
            .parts(&[(Tone::Dim, &format!("{what:<12} ")), (Tone::Plain, &value)]);
    }
    Ok(0)
}

/// The lines of a report for people: what, and how much.
fn lines(report: &BenchReport) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("model", report.model.clone()),
        ("threads", format!("{} ({})", report.threads, report.simd)),
        ("load", format!("{:.2} s", report.load_s)),
        (
            "prefill",
            format!(
                "{:.1} tokens/s ({} tokens; {:.0} GOP/s)",
                report.prefill_tps,
                human_count(report.prompt_tokens as u64),
                report.prefill_gops
            ),
        ),
    ];
    if report.gen_tokens > 0 {
        let behind = if report.depth_tokens > report.prompt_tokens {
            format!(" behind {}", human_count(report.depth_tokens as u64))
        } else {
            String::new()
        };
        lines.push((
            "decode",
            format!(
                "{:.1} tokens/s ({} tokens{behind}; {:.1} GB/s)",
                report.decode_tps,
                human_count(report.gen_tokens as u64),
                report.decode_gb_s
            ),
        ));
    }
    lines.push(("peak memory", format!("{:.0} MB", report.peak_rss_mb)));
    lines
}

/// Loads the real engine, for measuring and looking into it, with room for `least` tokens of
/// context.
pub(super) fn local(invocation: &mut Invocation, least: usize) -> Result<LocalEngine> {
    let choice = invocation.model()?;
    let file = match &choice {
        ModelChoice::Installed(installed) => installed.path.clone(),
        ModelChoice::File(file) => file.clone(),
        ModelChoice::Script(_) => {
            return Err(Failure::usage("a script is no model to look into"));
        }
        ModelChoice::Fetch(_) => return Err(Failure::bug("a model was not fetched")),
    };
    let options = LoadOptions {
        name: choice_name(&choice),
        file,
        context: match invocation.config.ctx.value {
            0 if least > 0 => least + 16,
            given => given,
        },
        threads: invocation.config.threads.value,
        memory_limit: 0,
        card: GenerationDefaults::default(),
        states: None,
        states_limit: 0,
        drafts: false,
    };
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let loaded = LocalEngine::load(&options, &cancel, &mut |part| {
        show(out, &format!("loading {}", options.name), part);
    });
    invocation.out.clear();
    loaded
}

/// Shows how much of something is done, 0 to 1.
pub(super) fn show(out: &mut Out, doing: &str, part: f32) {
    out.progress(&format!(
        "{doing} {} {:.0}%",
        bar((f64::from(part) * 1000.0) as u64, 1000, 24),
        part * 100.0
    ));
}
