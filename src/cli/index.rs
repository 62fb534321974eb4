//! `index`: brought up to date, and what it holds.

use super::args::IndexArgs;
use super::desk::Desk;
use super::out::Tone;
use super::start::Code;
use crate::base::Result;
use crate::base::text::{human_bytes, human_count, human_time};
use crate::index::Stats;

/// `index`.
pub(super) fn run(args: &IndexArgs, desk: &mut Desk) -> Result<Code> {
    desk.check_dir()?;
    let workspace = desk.open()?;
    let began = std::time::Instant::now();
    let index = desk.index(&workspace, args.rebuild)?;
    let stats = index.stats();
    desk.out.line(
        Tone::Plain,
        &format!(
            "{} files, {} definitions, in {}",
            human_count(stats.files as u64),
            human_count(stats.symbols as u64),
            human_time(began.elapsed().as_secs_f64())
        ),
    );
    if args.stats {
        for line in stats_lines(stats) {
            desk.out.line(Tone::Plain, &line);
        }
        desk.out.line(
            Tone::Dim,
            &format!("kept in {}", workspace.places.index.display()),
        );
    }
    Ok(0)
}

/// What an index holds, and what it leaves out, in lines.
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
    for (count, what) in [
        (skipped.binary, "binary"),
        (skipped.large, "larger than 1 MB"),
        (skipped.unnamed, "with a name that is not UTF-8"),
        (skipped.links, "symbolic links"),
        (skipped.unreadable.len(), "unreadable"),
    ] {
        if count > 0 {
            lines.push(format!("left out: {} {what}", human_count(count as u64)));
        }
    }
    lines.extend(skipped.unreadable.iter().map(|why| format!("  {why}")));
    lines
}
