//! `bench --drafts`: what drafts from the text are worth with this model on this machine.

use super::Code;
use super::args::BenchArgs;
use super::bench;
use super::invocation::Invocation;
use super::out::Tone;
use crate::base::Result;
use crate::base::text::human_count;
use crate::engine::bench_drafts;

/// Context that prompt and answer fit in, by any vocabulary.
const CONTEXT: usize = 4096;

/// Runs `bench --drafts`.
pub(super) fn run(args: &BenchArgs, invocation: &mut Invocation) -> Result<Code> {
    let mut local = bench::local(invocation, CONTEXT)?;
    let cancel = invocation.cancel();
    let out = &mut invocation.out;
    let report = bench_drafts::drafts(&mut local, &cancel, &mut |part| {
        bench::show(out, "measuring", part);
    });
    invocation.out.clear();
    let report = report?;
    if args.json {
        invocation.out.json_pretty(&report)?;
        return Ok(0);
    }
    let mut lines = vec![
        ("model", report.model.clone()),
        ("threads", report.threads.to_string()),
    ];
    for case in &report.cases {
        let count = |n: usize| human_count(n as u64);
        lines.push((
            &case.name,
            format!(
                "{:.1} tokens/s with drafts, {:.1} without: {:.2} times ({} tokens; {} of {} \
                 drafted held, {:.1} a draft)",
                case.drafted_tps,
                case.plain_tps,
                case.ratio,
                count(case.gen_tokens),
                count(case.accepted_tokens),
                count(case.drafted_tokens),
                case.mean_draft
            ),
        ));
    }
    for (what, value) in lines {
        invocation
            .out
            .parts(&[(Tone::Dim, &format!("{what:<12} ")), (Tone::Plain, &value)]);
    }
    Ok(0)
}
