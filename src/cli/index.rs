//! `index`: the index brought up to date, and what it holds.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::Code;
use super::args::IndexArgs;
use super::invocation::Invocation;
use super::out::Tone;
use crate::base::Result;
use crate::base::text::{counted, human_bytes, human_count, human_time};
use crate::index::{Index, Stats};
use crate::jobs::{Workspace, meaning_line};

/// Runs `index`.
pub(super) fn run(args: &IndexArgs, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let began = std::time::Instant::now();
    let index = invocation.index(&workspace, args.rebuild)?;
    let stats = index.stats().clone();
    if args.json {
        let seconds = began.elapsed().as_secs_f64();
        meant(index, &workspace, true, invocation)?;
        let left_out = stats.skipped.counts().into_iter();
        let left_out = left_out.map(|(count, why)| json!({"files": count, "reason": why}));
        invocation.out.json(&json!({
            "type": "index",
            "files": stats.files,
            "definitions": stats.symbols,
            "seconds": seconds,
            "source_bytes": stats.source_bytes,
            "disk_bytes": stats.disk_bytes,
            "languages": stats
                .languages
                .iter()
                .map(|(name, files)| json!({"name": name, "files": files}))
                .collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
            "path": workspace.places.index.display().to_string(),
        }))?;
        return Ok(0);
    }
    invocation.out.line(
        Tone::Plain,
        &format!(
            "{}, {}, in {}",
            counted(stats.files, "file"),
            counted(stats.symbols, "definition"),
            human_time(began.elapsed().as_secs_f64())
        ),
    );
    let index = meant(index, &workspace, false, invocation)?;
    if args.stats {
        for line in stats_lines(&stats) {
            invocation.out.line(Tone::Plain, &line);
        }
        let meaning = format!("meaning: {}", meaning_line(&index));
        invocation.out.line(Tone::Plain, &meaning);
        invocation.out.line(
            Tone::Dim,
            &format!("kept in {}", workspace.places.index.display()),
        );
    }
    Ok(0)
}

/// Makes what is missing for the search by meaning, where a model for it is installed.
fn meant(
    index: Arc<Index>,
    workspace: &Workspace,
    silent: bool,
    invocation: &mut Invocation,
) -> Result<Arc<Index>> {
    let missing = |index: &Index| -> Result<usize> {
        let coverage = index.coverage()?.map(|(_, coverage)| coverage);
        // Without a model for it there is nothing to be made.
        Ok(coverage.map_or(0, |c| c.total - c.done))
    };
    let texts = missing(&index)?;
    if texts == 0 {
        return Ok(index);
    }
    let (began, cancel) = (Instant::now(), invocation.cancel());
    let out = &mut invocation.out;
    let mut first = None;
    let made = workspace.complete_meaning(index, &cancel, &mut |coverage| {
        let before = *first.get_or_insert(coverage.done);
        let (done, total) = (coverage.done - before, coverage.total - before);
        let left = (done > 0).then(|| {
            let each = began.elapsed().as_secs_f64() / done as f64;
            each * (total - done) as f64
        });
        out.progress(&format!(
            "reading for the meaning: {} of {} texts{}",
            human_count(coverage.done as u64),
            human_count(coverage.total as u64),
            left.map_or_else(String::new, |left| format!(", {} left", human_time(left)))
        ));
    });
    invocation.out.clear();
    let made = match made {
        Err(failure) if failure.is_interrupted() => {
            return Err(failure.hint("what was read is kept; the next run goes on from there"));
        }
        made => made?,
    };
    if silent {
        return Ok(made);
    }
    invocation.out.line(
        Tone::Plain,
        &format!(
            "texts read for the meaning: {}, in {}",
            human_count(texts.saturating_sub(missing(&made)?) as u64),
            human_time(began.elapsed().as_secs_f64())
        ),
    );
    Ok(made)
}

/// The figures of an index, and what it leaves out, in lines.
pub(super) fn stats_lines(stats: &Stats) -> Vec<String> {
    let mut lines = vec![format!(
        "{} of source, {} on disk",
        human_bytes(stats.source_bytes),
        human_bytes(stats.disk_bytes)
    )];
    for (language, files) in &stats.languages {
        lines.push(format!(
            "  {:<14} {:>8}",
            language,
            human_count(*files as u64)
        ));
    }
    let skipped = &stats.skipped;
    let all = skipped.counts().into_iter();
    lines
        .extend(all.map(|(count, what)| format!("left out: {} {what}", human_count(count as u64))));
    lines.extend(skipped.reasons.iter().map(|why| format!("  {why}")));
    match skipped.unreadable - skipped.reasons.len().min(skipped.unreadable) {
        0 => {}
        more => lines.push(format!("  and {} more", human_count(more as u64))),
    }
    lines
}
