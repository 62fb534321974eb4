//! Words about a context: the changes that a request names, and the reason where nothing is shown.

use super::super::Context;
use super::Parts;
use crate::base::text::{counted, printable, truncated};
use crate::base::{RepoPath, Result};
use crate::context::{Changes, Excerpt, LeftOut, Mention, Told, Wanted, Why, changes_told};

/// Tokens that are too few for an excerpt.
const FEW: usize = 48;

/// Words on what a request names by its path and what cannot be shown: lines that the file has not,
/// an empty or a binary file. What only lacks room is told with its place.
pub fn named_in_vain(wanted: &Wanted, context: &Context) -> Vec<String> {
    let left = |mention: &Mention| {
        context.left_out.iter().find(|left| {
            let same = left.path == mention.path && left.range == mention.range;
            same && left.tokens == 0 && !wanted.dropped.iter().any(|d| d.path == left.path)
        })
    };
    let left = wanted.mentions.iter().filter_map(left);
    left.map(|left| {
        let lines = left
            .range
            .map_or_else(String::new, |range| format!(":{range}"));
        format!(
            "@{}{lines} is not shown: {}",
            left.path,
            printable(&left.reason)
        )
    })
    .collect()
}

/// The words of a query in a line, as far as a note has room.
fn in_short(query: &str) -> String {
    let words: Vec<&str> = query.split_whitespace().collect();
    let words = printable(&words.join(" ")).into_owned();
    let short = truncated(&words, 80);
    let more = if short.len() < words.len() { "…" } else { "" };
    format!("{short}{more}")
}

impl Parts<'_> {
    /// The word about a context for which nothing was found, and whether nothing is shown either.
    pub fn why_nothing(
        &self,
        wanted: &Wanted,
        context: &Context,
    ) -> Result<Option<(String, bool)>> {
        let told = !context.told.is_empty() || context.past.is_some();
        let small = |excerpt: &Excerpt| excerpt.why == Why::Small;
        if told || !context.excerpts.iter().all(small) {
            return Ok(None);
        }
        if !context.excerpts.is_empty() {
            let text = format!(
                "nothing was found for `{}`; the repository is small and shown as far as it fits",
                in_short(&wanted.query)
            );
            return Ok(Some((text, false)));
        }
        let found = !self.index.search(&wanted.query, 1)?.is_empty();
        let named = !wanted.mentions.is_empty() || !wanted.pinned.is_empty();
        if wanted.budget < FEW && (found || named) {
            let text = "no code is shown: the message leaves no room for it; a shorter one, or a \
                        larger context (--ctx), makes some"
                .to_owned();
            return Ok(Some((text, false)));
        }
        // All that was found may have been shown before, or not fit: that is told with its place.
        if found || !context.left_out.is_empty() {
            return Ok(None);
        }
        let text = format!(
            "nothing was found for `{}` in {}, so no code is shown to the model; name a file with \
             @, or use the words the code uses",
            in_short(&wanted.query),
            counted(self.index.stats().files, "file")
        );
        Ok(Some((text, true)))
    }

    /// Tells the changes that a request names, each in its share of `budget` tokens; gives also
    /// what of them does not fit. What git cannot tell is noted.
    pub fn changes(
        &self,
        named: &[Changes],
        within: &[RepoPath],
        budget: usize,
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Told>, Vec<LeftOut>)> {
        let (mut all, mut left_out) = (Vec::new(), Vec::new());
        let mut left = budget;
        for (at, of) in named.iter().enumerate() {
            let share = left / (named.len() - at);
            let from = (self.repo, &self.settings.rules);
            let word = printable(of.word());
            match changes_told(of, within, from, share, self.count) {
                Ok(Some((told, mut out))) => {
                    left = left.saturating_sub(told.tokens);
                    all.push(told);
                    left_out.append(&mut out);
                }
                Ok(None) => notes.push(format!("@{word} does not fit: there is no room for it")),
                Err(failure) if failure.is_interrupted() => return Err(failure),
                Err(failure) => notes.push(format!("@{word} is not shown: {failure}")),
            }
        }
        Ok((all, left_out))
    }
}

/// Outlines and changes as they stand in the prompt, a blank line between them.
pub(in crate::jobs) fn told_text(told: &[Told]) -> String {
    let texts: Vec<&str> = told.iter().map(|told| told.text.trim_end()).collect();
    texts.join("\n\n")
}
