//! From logits to the next token.
//!
//! Order of the steps: penalties, mask, temperature, top-k, top-p, min-p, draw. Presence penalty
//! as in the OpenAI API (a flat subtraction for every token already written), repetition
//! penalty as in CTRL (arXiv:1909.05858), min-p as in arXiv:2407.01082.

use std::collections::VecDeque;

/// Tokens that the repetition penalty looks back on.
const LOOK_BACK: usize = 256;

/// Settings of the draw, complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// 0 takes the most likely token.
    pub temperature: f32,
    /// Most likely tokens kept; 0 keeps all.
    pub top_k: usize,
    /// Least set of tokens whose probabilities reach this sum; 1 keeps all.
    pub top_p: f32,
    /// Least probability relative to the best; 0 keeps all.
    pub min_p: f32,
    /// Subtracted for each token already written.
    pub presence_penalty: f32,
    /// Divides positive, multiplies negative logits; 1 for none.
    pub repetition_penalty: f32,
}

/// Allows or forbids tokens at one step: a bit per token of the vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    words: Vec<u64>,
}

impl Allowed {
    /// Everything forbidden, for a vocabulary of that size.
    pub fn none(vocabulary: usize) -> Self {
        Self {
            words: vec![0; vocabulary.div_ceil(64)],
        }
    }

    /// Everything of a vocabulary of that size allowed; what rows of logits hold beyond it
    /// is not.
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

    /// Whether a token is allowed.
    pub fn get(&self, id: u32) -> bool {
        self.words
            .get(id as usize / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }
}

/// Draws tokens. Same seed and same logits, same tokens.
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

    /// Draws from `logits` (one per token of the vocabulary), which it changes. None if no
    /// token may be taken.
    pub fn draw(&mut self, logits: &mut [f32], allowed: &Allowed) -> Option<u32> {
        self.penalize(logits);
        for (id, logit) in logits.iter_mut().enumerate() {
            if logit.is_nan() || !allowed.get(id as u32) {
                *logit = f32::NEG_INFINITY;
            }
        }
        let token = if self.settings.temperature <= 0.0 {
            best(logits)
        } else {
            self.draw_by_chance(logits)
        }?;
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        if !self.written.contains(&token) {
            self.written.push(token);
        }
        Some(token)
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

    fn draw_by_chance(&mut self, logits: &[f32]) -> Option<u32> {
        let mut kept: Vec<(u32, f32)> = logits
            .iter()
            .enumerate()
            .filter(|(_, logit)| **logit > f32::NEG_INFINITY)
            .map(|(id, logit)| (id as u32, *logit))
            .collect();
        let greater = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let top_k = if self.settings.top_k == 0 {
            kept.len()
        } else {
            self.settings.top_k
        };
        if top_k < kept.len() {
            kept.select_nth_unstable_by(top_k - 1, greater);
            kept.truncate(top_k);
        }
        kept.sort_unstable_by(greater);
        let best = kept.first()?.1;
        if best == f32::INFINITY {
            return kept.first().map(|(id, _)| *id);
        }
        let mut total = 0.0;
        for (_, logit) in &mut kept {
            *logit = ((*logit - best) / self.settings.temperature).exp();
            total += *logit;
        }
        let floor = self.settings.min_p.clamp(0.0, 1.0);
        let enough = self.settings.top_p.clamp(0.0, 1.0) * total;
        let mut sum = 0.0;
        let mut count = 0;
        for (_, weight) in &kept {
            // The best token weighs 1, so weights are relative to it.
            if count > 0 && (sum >= enough || *weight < floor) {
                break;
            }
            sum += weight;
            count += 1;
        }
        kept.truncate(count);
        let mut point = self.uniform() * sum;
        for (id, weight) in &kept {
            if point < *weight {
                return Some(*id);
            }
            point -= weight;
        }
        kept.last().map(|(id, _)| *id)
    }

    /// The next number in [0, 1): SplitMix64 (Steele, Lea, Flood 2014).
    fn uniform(&mut self) -> f32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f32 / (1_u32 << 24) as f32
    }
}

fn best(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > best.map_or(f32::NEG_INFINITY, |(_, most)| most) {
            best = Some((id as u32, *logit));
        }
    }
    best.map(|(id, _)| id)
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
