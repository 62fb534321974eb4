//! The findings and figures of a review so far.

use super::super::{Event, Finding, Review, Severity};
use super::dismissed::{Dismissed, is_silenced};
use super::findings;
use crate::base::text::human_count;
use crate::engine::Usage;
use crate::repo::Diff;

/// The findings and figures of a review so far.
pub(super) struct Tally {
    pub least: Severity,
    pub dismissed: Dismissed,
    pub found: Vec<Finding>,
    /// Pieces that were read, or known from before.
    pub read: usize,
    /// Pieces that were known from before.
    pub remembered: usize,
    /// Tokens that the pieces known from before once took.
    pub saved: usize,
    /// Findings that did not stand a second look.
    pub fallen: usize,
    /// Findings that somebody has put aside.
    aside: usize,
    usage: Option<Usage>,
}

impl Tally {
    pub fn new(request: &Review) -> Self {
        Self {
            least: request.least,
            dismissed: request.dismissed.clone(),
            found: Vec::new(),
            read: 0,
            remembered: 0,
            saved: 0,
            fallen: 0,
            aside: 0,
            usage: None,
        }
    }

    /// Adds the figures of one answer.
    pub fn add(&mut self, usage: Usage) {
        self.usage = Some(match self.usage {
            None => usage,
            Some(sum) => Usage {
                prompt_tokens: sum.prompt_tokens + usage.prompt_tokens,
                cached_tokens: sum.cached_tokens + usage.cached_tokens,
                generated_tokens: sum.generated_tokens + usage.generated_tokens,
                prefill_s: sum.prefill_s + usage.prefill_s,
                decode_s: sum.decode_s + usage.decode_s,
                drafted_tokens: sum.drafted_tokens + usage.drafted_tokens,
                accepted_tokens: sum.accepted_tokens + usage.accepted_tokens,
            },
        });
    }

    /// Takes over findings, but for those that are put aside.
    pub fn take(&mut self, findings: Vec<Finding>, diff: &Diff, emit: &mut dyn FnMut(Event)) {
        for finding in findings {
            let dismissed = self.dismissed.has(&finding);
            if dismissed || is_silenced(&finding, diff) {
                self.aside += 1;
            } else if finding.severity >= self.least
                && findings::add(finding.clone(), &mut self.found)
            {
                emit(Event::Finding(finding));
            }
        }
    }

    /// Says how many findings fell or were put aside, what was known of `total` pieces, and the
    /// figures.
    pub fn tell(&self, total: usize, emit: &mut dyn FnMut(Event)) {
        let mut note = |count: usize, one: &str, more: &str, what: &str| {
            let who = match count {
                0 => return,
                1 => format!("1 {one}"),
                n => format!("{n} {more}"),
            };
            let text = format!("{who} {what}");
            emit(Event::Note { text });
        };
        let fell = "dropped, not having stood a second look";
        note(self.fallen, "finding was", "findings were", fell);
        let aside = "put aside before, by hand or by a word in the code";
        note(self.aside, "finding was", "findings were", aside);
        if self.remembered > 0 {
            let tokens = human_count(self.saved as u64);
            emit(Event::Note {
                text: format!(
                    "pieces known from before: {} of {total} ({tokens} tokens not read again)",
                    self.remembered
                ),
            });
        }
        if let Some(usage) = self.usage {
            emit(Event::Usage(usage));
        }
    }
}
