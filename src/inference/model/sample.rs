//! From logits to the next token.
//!
//! Order of the steps: penalties, mask, temperature, top-k, top-p, min-p, draw. Presence penalty
//! as in the OpenAI API (a flat subtraction for every token already written), repetition
//! penalty as in CTRL (arXiv:1909.05858), min-p as in arXiv:2407.01082.

use std::cmp::Ordering;
use std::collections::VecDeque;

/// Tokens that the repetition penalty looks back on.
const LOOK_BACK: usize = 256;

/// Settings of the draw, complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The divisor of logits; 0 takes the most likely token.
    pub temperature: f32,
    /// The number of most likely tokens that are kept; 0 keeps all.
    pub top_k: usize,
    /// The sum of probabilities that the least set of kept tokens reaches; 1 keeps all.
    pub top_p: f32,
    /// The least probability kept, relative to the best; 0 keeps all.
    pub min_p: f32,
    /// The number subtracted from the logit of each token already written.
    pub presence_penalty: f32,
    /// The divisor of positive, and factor of negative logits of recent tokens; 1 for none.
    pub repetition_penalty: f32,
}

/// The tokens allowed at one step: a bit per token of the vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    words: Vec<u64>,
}

impl Allowed {
    /// A mask that forbids everything, for a vocabulary of that size.
    pub fn none(vocabulary: usize) -> Self {
        Self {
            words: vec![0; vocabulary.div_ceil(64)],
        }
    }

    /// A mask that allows everything of a vocabulary of that size; what rows of logits hold
    /// beyond it is not allowed.
    pub fn all(vocabulary: usize) -> Self {
        let mut words = vec![u64::MAX; vocabulary.div_ceil(64)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), vocabulary % 64) {
            *last = (1 << rest) - 1;
        }
        Self { words }
    }

    /// Allows or forbids one token.
    pub fn set(&mut self, id: u32, allowed: bool) {
        if let Some(word) = self.words.get_mut(id as usize / 64) {
            let bit = 1 << (id % 64);
            if allowed {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }

    /// Finds the first allowed token from this one on.
    pub fn first_from(&self, id: u32) -> Option<u32> {
        let at = id as usize / 64;
        let first = self.words.get(at)? & u64::MAX << (id % 64);
        if first != 0 {
            return Some((at * 64) as u32 + first.trailing_zeros());
        }
        let mut later = (0_u32..).zip(&self.words).skip(at + 1);
        later
            .find(|(_, word)| **word != 0)
            .map(|(at, word)| at * 64 + word.trailing_zeros())
    }

    /// Tells whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Tells whether a token is allowed.
    pub fn get(&self, id: u32) -> bool {
        self.words
            .get(id as usize / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }
}

/// A token that was chosen, and its lead over the next best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The token.
    pub token: u32,
    /// The difference between the token's logit and that of the next best, where the best one is
    /// taken; infinite where chance decides.
    pub lead: f32,
}

/// A sampler draws tokens: of the same seed and the same logits, the same tokens.
#[derive(Debug, Clone)]
pub struct Sampler {
    settings: Settings,
    random: u64,
    recent: VecDeque<u32>,
    written: Vec<u32>,
}

impl Sampler {
    /// A sampler; `prompt` are the tokens before the answer, for the repetition penalty.
    pub fn new(settings: Settings, seed: u64, prompt: &[u32]) -> Self {
        let from = prompt.len().saturating_sub(LOOK_BACK);
        Self {
            settings,
            random: seed,
            recent: prompt.iter().skip(from).copied().collect(),
            written: Vec::new(),
        }
    }

    /// Draws from `logits` (one per token of the vocabulary), which are changed, and takes the
    /// token for written. None if no token may be taken.
    pub fn draw(&mut self, logits: &mut [f32], allowed: &Allowed) -> Option<u32> {
        let token = self.choose(logits, allowed)?.token;
        self.take(token);
        Some(token)
    }

    /// Draws as [`Sampler::draw`] does, with the token not yet taken for written:
    /// [`Sampler::take`] does that.
    pub fn choose(&mut self, logits: &mut [f32], allowed: &Allowed) -> Option<Choice> {
        self.penalize(logits);
        if self.settings.temperature <= 0.0 {
            return best(logits, allowed);
        }
        let token = self.draw_by_chance(logits, allowed)?;
        let lead = f32::INFINITY;
        Some(Choice { token, lead })
    }

    /// Takes a token for written.
    pub fn take(&mut self, token: u32) {
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        if !self.written.contains(&token) {
            self.written.push(token);
        }
    }

    fn penalize(&self, logits: &mut [f32]) {
        if self.settings.presence_penalty != 0.0 {
            for id in &self.written {
                if let Some(logit) = logits.get_mut(*id as usize) {
                    *logit -= self.settings.presence_penalty;
                }
            }
        }
        let penalty = self.settings.repetition_penalty;
        if (penalty - 1.0).abs() > f32::EPSILON && penalty > 0.0 {
            let mut seen: Vec<u32> = self.recent.iter().copied().collect();
            seen.sort_unstable();
            seen.dedup();
            for id in seen {
                if let Some(logit) = logits.get_mut(id as usize) {
                    *logit = if *logit > 0.0 {
                        *logit / penalty
                    } else {
                        *logit * penalty
                    };
                }
            }
        }
    }

    fn draw_by_chance(&mut self, logits: &[f32], allowed: &Allowed) -> Option<u32> {
        let most = match self.settings.top_k {
            0 => usize::MAX,
            top_k => top_k,
        };
        let mut kept = most_likely(logits, allowed, most);
        let best = kept.iter().copied().min_by(greater)?;
        if best.1 == f32::INFINITY {
            return Some(best.0);
        }
        let mut total = 0.0;
        for (_, logit) in &mut kept {
            *logit = ((*logit - best.1) / self.settings.temperature).exp();
            total += *logit;
        }
        // The best token weighs 1, so weights are relative to it.
        let floor = self.settings.min_p.clamp(0.0, 1.0);
        if floor > 0.0 {
            kept.retain(|(_, weight)| *weight >= floor);
        }
        if self.settings.top_p < 1.0 {
            nucleus(&mut kept, self.settings.top_p.max(0.0) * total);
            // Drawn in the order of the vocabulary, so that which of two like tokens is a trifle
            // likelier does not change the outcome.
            kept.sort_unstable_by_key(|(id, _)| *id);
        }
        let sum: f32 = kept.iter().map(|(_, weight)| weight).sum();
        let mut point = self.uniform() * sum;
        for (id, weight) in &kept {
            if point < *weight {
                return Some(*id);
            }
            point -= weight;
        }
        kept.last().map(|(id, _)| *id)
    }

    fn uniform(&mut self) -> f32 {
        unit(&mut self.random)
    }
}

/// Draws the next number in [0, 1).
fn unit(random: &mut u64) -> f32 {
    (split_mix(random) >> 40) as f32 / (1_u32 << 24) as f32
}

/// Draws the next number, by SplitMix64 (Steele, Lea, Flood 2014).
pub fn split_mix(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *random;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Logits that are looked at together: those of a word of [`Allowed`].
const WORD: usize = 64;
/// Tokens that are put in order before it is known whether more are needed.
const FIRST: usize = 128;

/// Orders the greater number first, of equal ones the lower token.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "so the standard library's orderings take it"
)]
fn greater(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Finds the greatest of some logits, those that are no numbers passed over.
fn greatest(logits: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; 16];
    let (parts, rest) = logits.as_chunks::<16>();
    for part in parts {
        for (most, logit) in most.iter_mut().zip(part) {
            *most = if *logit > *most { *logit } else { *most };
        }
    }
    most.iter().chain(rest).copied().fold(most[0], f32::max)
}

/// Goes through the allowed tokens whose logits are above a bound that may rise on the way; whole
/// words without one, nearly all of a large vocabulary, are passed over. `see` is given each token
/// and its logit, and gives the bound from there on.
fn above(logits: &[f32], allowed: &Allowed, mut bound: f32, see: &mut dyn FnMut(u32, f32) -> f32) {
    for (at, (part, word)) in logits.chunks(WORD).zip(&allowed.words).enumerate() {
        if *word == 0 || greatest(part) <= bound {
            continue;
        }
        for (bit, logit) in part.iter().enumerate() {
            if *logit > bound && word >> bit & 1 == 1 {
                bound = see((at * WORD + bit) as u32, *logit);
            }
        }
    }
}

/// Finds the most likely token.
fn best(logits: &[f32], allowed: &Allowed) -> Option<Choice> {
    let mut best: Option<(u32, f32)> = None;
    let mut second = f32::NEG_INFINITY;
    above(logits, allowed, second, &mut |id, logit| {
        match best {
            Some((_, most)) if logit <= most => second = logit,
            _ => {
                second = best.map_or(second, |(_, most)| most);
                best = Some((id, logit));
            }
        }
        second
    });
    best.map(|(token, most)| Choice {
        token,
        lead: most - second,
    })
}

/// Finds the `count` most likely tokens, at least one, in the order of the vocabulary.
fn most_likely(logits: &[f32], allowed: &Allowed, count: usize) -> Vec<(u32, f32)> {
    let mut kept: Vec<(u32, f32)> = Vec::new();
    let most = count.saturating_mul(2).max(FIRST);
    let mut bound = f32::NEG_INFINITY;
    above(logits, allowed, bound, &mut |id, logit| {
        kept.push((id, logit));
        if kept.len() >= most {
            let (_, (_, least), _) = kept.select_nth_unstable_by(count - 1, greater);
            // Tokens come in order, so a later one as likely as the last is not among them.
            bound = *least;
            kept.truncate(count);
        }
        bound
    });
    if kept.len() > count {
        kept.select_nth_unstable_by(count - 1, greater);
        kept.truncate(count);
    }
    if count < usize::MAX {
        kept.sort_unstable_by_key(|(id, _)| *id);
    }
    kept
}

/// Cuts weights down to the least set of the greatest that reach `enough` together.
fn nucleus(kept: &mut Vec<(u32, f32)>, enough: f32) {
    let mut first = FIRST;
    loop {
        let ordered = first.min(kept.len());
        if ordered < kept.len() {
            kept.select_nth_unstable_by(ordered - 1, greater);
        }
        let (front, _) = kept.split_at_mut(ordered);
        front.sort_unstable_by(greater);
        let (mut sum, mut count) = (0.0, 0);
        for (_, weight) in &*front {
            if count > 0 && sum >= enough {
                break;
            }
            sum += weight;
            count += 1;
        }
        if sum >= enough || ordered == kept.len() {
            kept.truncate(count);
            return;
        }
        first = first.saturating_mul(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Settings = Settings {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        presence_penalty: 0.0,
        repetition_penalty: 1.0,
    };

    fn drawn(settings: Settings, logits: &[f32], n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(settings, 7, &[]);
        (0..n)
            .filter_map(|_| sampler.draw(&mut logits.to_vec(), &Allowed::all(logits.len())))
            .collect()
    }

    #[test]
    fn temperature_zero_takes_the_best_and_survives_nan() {
        let settings = Settings {
            temperature: 0.0,
            ..PLAIN
        };
        assert_eq!(drawn(settings, &[1.0, f32::NAN, 3.0, 2.0], 2), [2, 2]);
        assert_eq!(drawn(settings, &[f32::NAN], 1), Vec::<u32>::new());
    }

    #[test]
    fn chances_follow_the_probabilities() {
        let n = 20_000;
        let tokens = drawn(PLAIN, &[0.0, 3.0_f32.ln()], n);
        let share = tokens.iter().filter(|t| **t == 1).count() as f32 / n as f32;
        assert!((share - 0.75).abs() < 0.02, "{share}");
    }

    /// Cuts by putting all in order: which tokens may be drawn.
    fn cut(settings: Settings, logits: &[f32], allowed: &Allowed) -> Vec<u32> {
        let ids = (0..logits.len() as u32).filter(|id| allowed.get(*id));
        let mut all: Vec<(u32, f32)> = ids
            .map(|id| (id, logits[id as usize]))
            .filter(|(_, logit)| *logit > f32::NEG_INFINITY)
            .collect();
        all.sort_by(greater);
        if settings.top_k > 0 {
            all.truncate(settings.top_k);
        }
        let best = all.first().map_or(0.0, |(_, logit)| *logit);
        let weight = |logit: f32| ((logit - best) / settings.temperature).exp();
        let total: f32 = all.iter().map(|(_, logit)| weight(*logit)).sum();
        let mut sum = 0.0;
        all.retain(|(_, logit)| {
            let weight = weight(*logit);
            // Sums in another order round differently.
            let stays = sum < settings.top_p * total - 1e-6 * total && weight >= settings.min_p;
            sum += weight;
            stays
        });
        all.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_large_vocabulary_is_cut_as_a_small_one() {
        let mut random = 1;
        let logits: Vec<f32> = (0..5000).map(|_| unit(&mut random) * 12.0).collect();
        let mut allowed = Allowed::all(logits.len());
        for id in (0..5000).filter(|id| id % 3 == 1 || id / 640 == 2) {
            allowed.set(id, false);
        }
        for (top_k, top_p, min_p) in [
            (1, 1.0, 0.0),
            (20, 1.0, 0.0),
            (20, 0.8, 0.0),
            (200, 0.99, 0.3),
            (0, 0.9, 0.0),
            (0, 1.0, 0.5),
        ] {
            let settings = Settings {
                top_k,
                top_p,
                min_p,
                temperature: 0.6,
                ..PLAIN
            };
            let wanted = cut(settings, &logits, &allowed);
            let mut sampler = Sampler::new(settings, 3, &[]);
            let mut found = Vec::new();
            for _ in 0..4000 {
                let choice = sampler.choose(&mut logits.clone(), &allowed);
                found.push(choice.expect("drawn").token);
            }
            found.sort_unstable();
            found.dedup();
            assert!(found.iter().all(|id| wanted.contains(id)), "{settings:?}");
            // Of few, each comes up.
            assert!(
                wanted.len() > 60 || found.len() == wanted.len(),
                "{settings:?}"
            );
        }
    }

    #[test]
    fn the_lead_is_that_over_the_next_best_allowed() {
        let settings = Settings {
            temperature: 0.0,
            ..PLAIN
        };
        let mut allowed = Allowed::all(300);
        allowed.set(70, false);
        let mut logits = vec![0.0; 300];
        for (at, logit) in [(3, 1.0), (70, 9.0), (140, 2.5), (200, 2.0), (299, 1.5)] {
            logits[at] = logit;
        }
        let choice = Sampler::new(settings, 1, &[]).choose(&mut logits.clone(), &allowed);
        let wanted = Choice {
            token: 140,
            lead: 0.5,
        };
        assert_eq!(choice, Some(wanted));
        // Of equal ones the first, with no lead.
        logits[200] = 2.5;
        let choice = Sampler::new(settings, 1, &[]).choose(&mut logits, &allowed);
        assert_eq!(choice.map(|c| (c.token, c.lead)), Some((140, 0.0)));
    }

    #[test]
    fn top_k_top_p_and_min_p_cut_the_tail() {
        let logits = [0.0, 1.0, 2.0, 3.0];
        let only = |settings| {
            let mut tokens = drawn(settings, &logits, 500);
            tokens.sort_unstable();
            tokens.dedup();
            tokens
        };
        assert_eq!(only(Settings { top_k: 2, ..PLAIN }), [2, 3]);
        assert_eq!(
            only(Settings {
                top_p: 0.5,
                ..PLAIN
            }),
            [3]
        );
        assert_eq!(
            only(Settings {
                min_p: 0.3,
                ..PLAIN
            }),
            [2, 3]
        );
    }

    #[test]
    fn presence_is_flat_and_counts_only_what_was_written() {
        let settings = Settings {
            temperature: 0.0,
            presence_penalty: 1.5,
            ..PLAIN
        };
        assert_eq!(drawn(settings, &[2.0, 1.0], 4), [0, 1, 0, 0]);
        let mut sampler = Sampler::new(settings, 7, &[0]);
        assert_eq!(sampler.draw(&mut [2.0, 1.0], &Allowed::all(2)), Some(0));
    }

    #[test]
    fn repetition_looks_at_the_prompt_too() {
        let settings = Settings {
            temperature: 0.0,
            repetition_penalty: 3.0,
            ..PLAIN
        };
        let mut sampler = Sampler::new(settings, 7, &[0]);
        assert_eq!(sampler.draw(&mut [2.0, 1.0], &Allowed::all(2)), Some(1));
    }

    #[test]
    fn what_lies_beyond_the_vocabulary_is_never_drawn() {
        for size in [1, 63, 64, 65, 100] {
            let allowed = Allowed::all(size);
            assert!(allowed.get(size as u32 - 1) && !allowed.get(size as u32));
            // Rows longer than the vocabulary, the largest numbers at their end.
            let logits: Vec<f32> = (0..size + 40).map(|i| i as f32).collect();
            for temperature in [0.0, 1.0] {
                let settings = Settings {
                    temperature,
                    top_k: 1,
                    ..PLAIN
                };
                let drawn = Sampler::new(settings, 1, &[]).draw(&mut logits.clone(), &allowed);
                assert_eq!(drawn, Some(size as u32 - 1));
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let logits: Vec<f32> = (0..100).map(|i| (i as f32).sin()).collect();
        assert_eq!(drawn(PLAIN, &logits, 50), drawn(PLAIN, &logits, 50));
    }

    proptest! {
        #[test]
        fn only_what_is_allowed_is_drawn(
            logits in proptest::collection::vec(-50.0_f32..50.0, 1..80),
            forbidden in proptest::collection::vec(0_u32..80, 0..60),
            temperature in 0.0_f32..2.0, top_k in 0_usize..10, top_p in 0.0_f32..1.0, min_p in 0.0_f32..1.0,
        ) {
            let mut allowed = Allowed::all(logits.len());
            for id in &forbidden { allowed.set(*id, false); }
            let settings = Settings { temperature, top_k, top_p, min_p, ..PLAIN };
            let mut sampler = Sampler::new(settings, 1, &[]);
            let any = (0..logits.len() as u32).any(|id| allowed.get(id));
            match sampler.draw(&mut logits.clone(), &allowed) {
                Some(token) => prop_assert!(allowed.get(token) && (token as usize) < logits.len()),
                None => prop_assert!(!any),
            }
        }
    }
}
