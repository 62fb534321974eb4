//! The worth of drafts from the text itself, measured: the same answers are written with and
//! without them. The tokens of each answer are dictated, so that the model's weights need not be
//! trained; reading, drafting, verifying and taking back are real.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::cache::prefix_cache::Breakpoints;
use super::decode::{Decoder, Drafted};
use super::speculative::Drafting;
use super::{Engine as _, LocalEngine};
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, OrBug as _, Result};
use crate::model::sample::{Sampler, Settings};
use crate::model::tokenizer::Encoding;

/// A function of some sixty lines.
const FUNCTION: &str = include_str!("bench_drafts/function.txt");
/// A text without repetition.
const PROSE: &str = include_str!("bench_drafts/prose.txt");
/// The changes to the function: lines, and those in their place.
const CHANGES: [(&str, &str); 3] = [
    // A line becomes another.
    (
        "    let mut words = Vec::new();\n",
        "    let mut words = Vec::with_capacity(line.len() / 8);\n",
    ),
    // Lines are put in.
    (
        "            (Some(_), c) => word.push(c),\n",
        "            (Some('\\''), '\\n') if !self.multiline => {\n                \
         return Err(Unclosed::Quote('\\''));\n            }\n            \
         (Some(_), c) => word.push(c),\n",
    ),
    // Lines are left out.
    (
        "                // The rest of the line is a remark.\n                break;\n",
        "                return Ok(words);\n",
    ),
];
/// Number of times that each answer is written in each way, in turn.
const ROUNDS: usize = 2;

/// The report of [`drafts`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftsReport {
    /// The model's name.
    pub model: String,
    /// Number of threads that computed.
    pub threads: usize,
    /// The answers that were written.
    pub cases: Vec<DraftsCase>,
}

/// The figures of one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftsCase {
    /// `edit`: the function of the prompt with three changes; `prose`: a text without
    /// repetition.
    pub name: String,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the answer.
    pub gen_tokens: usize,
    /// Tokens a second without drafts.
    pub plain_tps: f64,
    /// Tokens a second with drafts.
    pub drafted_tps: f64,
    /// `drafted_tps` divided by `plain_tps`.
    pub ratio: f64,
    /// Tokens that were drafted.
    pub drafted_tokens: usize,
    /// Drafted tokens that were accepted.
    pub accepted_tokens: usize,
    /// Tokens of a draft, on the average; 0 without any draft.
    pub mean_draft: f64,
}

/// Writes answers that are dictated, with and without drafts from the text, on a fresh context.
/// `on` is told how much of the work is done, 0 to 1.
///
/// # Errors
/// Of kind usage, if they do not fit the context; interrupted, if cancelled.
pub fn drafts(
    engine: &mut LocalEngine,
    cancel: &Cancel,
    on: &mut dyn FnMut(f32),
) -> Result<DraftsReport> {
    let changed = CHANGES
        .iter()
        .fold(FUNCTION.to_owned(), |text, (old, new)| {
            text.replacen(old, new, 1)
        });
    let texts = [("edit", changed.as_str()), ("prose", PROSE)];
    let prompt = format!("Change this function:\n```rust\n{FUNCTION}```\nAnswer:\n```rust\n");
    let prompt = engine.tokenizer.encode(&prompt, Encoding::TEXT);
    let answers = texts.map(|(name, text)| (name, engine.tokenizer.encode(text, Encoding::TEXT)));
    let longest = answers.iter().map(|(_, ids)| ids.len()).max();
    let longest = longest.or_bug("no answers are compared");
    let context = engine.facts().context;
    if prompt.len() + longest > context {
        return Err(Failure::usage(format!(
            "{} tokens of prompt and answer do not fit the context of {}",
            human_count((prompt.len() + longest) as u64),
            human_count(context as u64)
        ))
        .hint("raise --ctx"));
    }
    let all: usize = answers.iter().map(|(_, ids)| ids.len()).sum();
    let all = (all * ROUNDS * 2) as f32;
    let mut done = 0;
    let mut tell = || {
        done += 1;
        on(done as f32 / all);
    };
    // The statistics of one answer count for the next, as they do in use.
    let mut drafting = Drafting::default();
    let mut cases = Vec::new();
    for (name, ids) in answers {
        let mut total = Total::default();
        for round in 0..ROUNDS {
            // Either is the first in turn, as whoever is gains or loses by what the machine does.
            for i in 0..2 {
                let with = (round + i) % 2 == 1;
                let drafting = with.then_some(&mut drafting);
                let (took, came) = dictate(engine, &prompt, &ids, drafting, cancel, &mut tell)?;
                total.add(with, took, came);
            }
        }
        cases.push(total.case(name, prompt.len(), ids.len()));
    }
    engine.reset();
    Ok(DraftsReport {
        model: engine.facts().name.clone(),
        threads: crate::kernels::threads::number(),
        cases,
    })
}

/// The figures of all rounds of one answer.
#[derive(Default)]
struct Total {
    /// Seconds without drafts.
    plain_s: f64,
    /// Seconds with drafts.
    drafted_s: f64,
    drafted: Drafted,
}

impl Total {
    /// Adds an answer that was written with drafts, or without.
    fn add(&mut self, with: bool, seconds: f64, drafted: Drafted) {
        if with {
            self.drafted_s += seconds;
        } else {
            self.plain_s += seconds;
        }
        self.drafted.tokens += drafted.tokens;
        self.drafted.accepted += drafted.accepted;
        self.drafted.drafts += drafted.drafts;
    }

    /// Returns the figures of an answer of so many tokens.
    fn case(&self, name: &str, prompt_tokens: usize, gen_tokens: usize) -> DraftsCase {
        let rate = |seconds: f64| (gen_tokens * ROUNDS) as f64 / seconds.max(1e-9);
        let (plain_tps, drafted_tps) = (rate(self.plain_s), rate(self.drafted_s));
        let drafted = &self.drafted;
        DraftsCase {
            name: name.to_owned(),
            prompt_tokens,
            gen_tokens,
            plain_tps,
            drafted_tps,
            ratio: drafted_tps / plain_tps,
            drafted_tokens: drafted.tokens / ROUNDS,
            accepted_tokens: drafted.accepted / ROUNDS,
            mean_draft: drafted.tokens as f64 / drafted.drafts.max(1) as f64,
        }
    }
}

/// Writes one answer; returns the seconds that took and the figures of drafts.
fn dictate(
    engine: &mut LocalEngine,
    prompt: &[u32],
    answer: &[u32],
    drafting: Option<&mut Drafting>,
    cancel: &Cancel,
    tell: &mut dyn FnMut(),
) -> Result<(f64, Drafted)> {
    engine.reset();
    let read = engine
        .prefix_cache
        .read(prompt, Breakpoints::default(), cancel, &mut |_| {})?
        .ok_or_else(Failure::interrupted)?;
    // The settings of most models.
    let settings = Settings {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        min_p: 0.0,
        presence_penalty: 0.0,
        repetition_penalty: 1.0,
    };
    let mut sampler = Sampler::new(settings, 1, prompt);
    let begun = Instant::now();
    let mut decoder = Decoder::new(&mut engine.prefix_cache, read.logits, drafting);
    for (i, token) in answer.iter().enumerate() {
        // Drawn for the time it takes; what is taken is what is dictated.
        sampler.choose(decoder.logits(), &engine.allowed);
        sampler.take(*token);
        decoder.read_on(&[*token], answer.len() - i - 1, cancel)?;
        tell();
    }
    let drafted = decoder.finish();
    Ok((begun.elapsed().as_secs_f64(), drafted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_one() {
        for (old, new) in CHANGES {
            assert_eq!(FUNCTION.matches(old).count(), 1, "{old}");
            assert_ne!(old, new);
        }
        assert!(FUNCTION.lines().count() > 55);
    }
}
