//! The gated delta rule (arXiv:2412.06464): a matrix for each head that fades, and into which
//! each token writes the part of its value that its key did not yet call up.
//!
//! For each token and value head, with its key head's `k` and `q`:
//! `S ← e^g S; δ = β (v − Sᵀ k); S ← S + k δᵀ; o = Sᵀ q`.

use super::disjoint::Disjoint;
use super::f32x16::{Lanes, ask_for, settle};
use super::pool;
use super::rowwise::squares;
use super::simd::{Simd, Work};

/// Columns of a head's matrix that one piece of work has: with 128 rows they stay in the
/// first-level cache while all tokens go over them.
const COLUMNS: usize = 32;
/// Rows of a matrix between the one that is used and the one that is asked for.
const AHEAD: usize = 16;

/// Sizes of the heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Heads of queries and keys.
    pub key_heads: usize,
    /// Heads of values, a multiple of `key_heads`; value head `i` uses key head `i mod key_heads`.
    pub value_heads: usize,
    /// Numbers of a query and of a key.
    pub key: usize,
    /// Numbers of a value: a multiple of 16.
    pub value: usize,
}

impl Shape {
    /// Numbers of a token's row: queries, keys, values, one behind the other.
    pub const fn channels(&self) -> usize {
        2 * self.key_heads * self.key + self.value_heads * self.value
    }

    /// Numbers of the state: `[value_heads][key][value]`.
    pub const fn state(&self) -> usize {
        self.value_heads * self.key * self.value
    }
}

/// Brings queries and keys of `rows` (`tokens ×` [`Shape::channels`], f32) to unit length, in
/// place: `x / √(Σ x² + epsilon)`; queries are then divided by the root of their size.
pub fn normalize(rows: &mut [f32], shape: Shape, epsilon: f32) {
    struct Heads<'a>(&'a mut [f32], usize, f32, f32);
    impl Work for Heads<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let Self(x, size, epsilon, factor) = self;
            for x in x.chunks_exact_mut(size) {
                let scale = factor / (squares(x) + epsilon).sqrt();
                for x in x.iter_mut() {
                    *x *= scale;
                }
            }
        }
    }
    let channels = shape.channels();
    let half = shape.key_heads * shape.key;
    let factor = 1.0 / (shape.key as f32).sqrt();
    let simd = Simd::best();
    pool::run_rows(rows, channels, |_, rows| {
        for row in rows.chunks_exact_mut(channels) {
            let (q, rest) = row.split_at_mut(half);
            let k = &mut rest[..half];
            simd.run(Heads(q, shape.key, epsilon, factor));
            simd.run(Heads(k, shape.key, epsilon, 1.0));
        }
    });
}

/// The tokens that go over a state.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a> {
    /// Queries, keys and values, `tokens ×` [`Shape::channels`], f32, row-major; see [`normalize`].
    pub rows: &'a [f32],
    /// The logarithm `g` of the factor by which each value head's matrix fades:
    /// `tokens × value_heads`.
    pub decay: &'a [f32],
    /// The part `β` of a value that is written, 0 to 1: `tokens × value_heads`.
    pub beta: &'a [f32],
}

/// Lets the tokens go over the state `before` (see [`Shape::state`]). The new state goes to
/// `after`, and the value that each token calls up to `out` (`tokens × (value_heads · value)`),
/// which may be empty where those values are not wanted.
pub fn run(shape: Shape, before: &[f32], tokens: Tokens<'_>, after: &mut [f32], out: &mut [f32]) {
    debug_assert!(shape.value.is_multiple_of(16) && shape.key > 0);
    let columns = if shape.value.is_multiple_of(COLUMNS) {
        COLUMNS
    } else {
        16
    };
    let blocks = shape.value / columns;
    let wanted = !out.is_empty();
    let out = Disjoint::new(out);
    let after = Disjoint::new(after);
    let simd = Simd::best();
    pool::run(shape.value_heads * blocks, |piece| {
        let (head, block) = (piece / blocks, piece % blocks);
        let block = DeltaBlock {
            shape,
            before,
            tokens,
            after,
            out: wanted.then_some(out),
            head,
            first: block * columns,
        };
        if columns == COLUMNS {
            simd.run(Columns::<{ COLUMNS / 16 }>(block));
        } else {
            simd.run(Columns::<1>(block));
        }
    });
}

/// Some columns of a value head's matrix.
struct DeltaBlock<'a> {
    shape: Shape,
    before: &'a [f32],
    tokens: Tokens<'a>,
    after: Disjoint<'a, f32>,
    out: Option<Disjoint<'a, f32>>,
    /// The number of the value head.
    head: usize,
    /// The number of the first column.
    first: usize,
}

/// A block of `16 N` columns.
struct Columns<'a, const N: usize>(DeltaBlock<'a>);

impl<const N: usize> Work for Columns<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let DeltaBlock {
            shape,
            before,
            tokens,
            after,
            out,
            head,
            first,
        } = self.0;
        let (channels, key) = (shape.channels(), shape.key);
        let half = shape.key_heads * key;
        let count = tokens.rows.len() / channels;
        if count == 1 {
            // A token alone: nothing is summed up for a next one, and nothing copied.
            self.0.one::<V, N>();
            return;
        }
        // The block's columns, row behind row.
        let mut state: Vec<[[f32; 16]; N]> = (0..key)
            .map(|k| {
                let from = &before[(head * key + k) * shape.value + first..][..16 * N];
                let parts = from.as_chunks::<16>().0;
                std::array::from_fn(|n| parts[n])
            })
            .collect();
        let query_key = |t: usize| {
            let row = &tokens.rows[t * channels..][..channels];
            let at = head % shape.key_heads * key;
            (&row[at..][..key], &row[half + at..][..key])
        };
        let mut seen = [[V::splat(0.0); N]; 2];
        if count > 0 {
            let (q, k) = query_key(0);
            seen = asked(&state, k, q);
        }
        for t in 0..count {
            let (q, k) = query_key(t);
            let row = &tokens.rows[t * channels..][..channels];
            let value = &row[2 * half + head * shape.value + first..][..16 * N];
            let fade = tokens.decay[t * shape.value_heads + head].exp();
            let beta = tokens.beta[t * shape.value_heads + head];
            // With a = Sᵀ k and c = Sᵀ q of the state before: what is written is
            // δ = β (v − e^g a), what is called up afterwards e^g c + (k · q) δ.
            let both: f32 = dot(q, k);
            let (faded, minus) = (V::splat(fade), V::splat(-fade * beta));
            let [by_key, by_query] = seen;
            let delta = written(by_key, minus, value, beta);
            if let Some(out) = out {
                let at = (t * shape.value_heads + head) * shape.value + first;
                // SAFETY: no other piece has these columns of this head.
                let out = unsafe { out.part(at, 16 * N) };
                called_up(by_query, faded, delta, both, out);
            }
            // One pass writes the new state and sums up what the next token asks of it.
            let next = query_key((t + 1).min(count - 1));
            seen = write(&mut state, faded, delta, k, next);
        }
        for (k, row) in state.iter().enumerate() {
            let at = (head * key + k) * shape.value + first;
            // SAFETY: no other piece has these columns of this head.
            let to = unsafe { after.part(at, 16 * N) };
            to.copy_from_slice(row.as_flattened());
        }
    }
}

impl DeltaBlock<'_> {
    /// The rule for a single token, on `16 N` columns.
    #[inline(always)]
    fn one<V: Lanes, const N: usize>(&self) {
        let Self { shape, head, .. } = *self;
        let key = shape.key;
        let half = shape.key_heads * key;
        let row = &self.tokens.rows[..shape.channels()];
        let at = head % shape.key_heads * key;
        let (q, k) = (&row[at..][..key], &row[half + at..][..key]);
        let value = &row[2 * half + head * shape.value + self.first..][..16 * N];
        let place = |i: usize| (head * key + i) * shape.value + self.first;
        let mut by_key = [V::splat(0.0); N];
        let mut by_query = by_key;
        for (i, (k, q)) in k.iter().zip(q).enumerate() {
            // The rows of a block do not lie one behind the other, and come from far.
            let soon = place((i + AHEAD).min(key - 1));
            for n in 0..N {
                ask_for(&raw const self.before[soon + 16 * n]);
            }
            let s = loaded::<V, N>(&self.before[place(i)..]);
            for n in 0..N {
                by_key[n] = s[n].fused(V::splat(*k), by_key[n]);
                by_query[n] = s[n].fused(V::splat(*q), by_query[n]);
            }
        }
        let fade = self.tokens.decay[head].exp();
        let beta = self.tokens.beta[head];
        let (faded, minus) = (V::splat(fade), V::splat(-fade * beta));
        let delta = written(by_key, minus, value, beta);
        if let Some(out) = self.out {
            // SAFETY: no other piece has these columns of this head.
            let out = unsafe { out.part(head * shape.value + self.first, 16 * N) };
            called_up(by_query, faded, delta, dot(q, k), out);
        }
        for (i, k) in k.iter().enumerate() {
            let s = loaded::<V, N>(&self.before[place(i)..]);
            // SAFETY: as above.
            let to = unsafe { self.after.part(place(i), 16 * N) };
            for (n, to) in to.as_chunks_mut::<16>().0.iter_mut().enumerate() {
                delta[n].fused(V::splat(*k), s[n].times(faded)).stream(to);
            }
        }
        settle();
    }
}

// The rest are functions and loops over indices, since a closure or an iterator may stay a call,
// and a function that is called does not have the instructions of its caller; and sums are
// variables of their own, since only such are kept in registers.

/// The values that a key and a query call up of a state: `Sᵀ k` and `Sᵀ q`, `16 N` columns each.
#[inline(always)]
fn asked<V: Lanes, const N: usize>(
    state: &[[[f32; 16]; N]],
    key: &[f32],
    query: &[f32],
) -> [[V; N]; 2] {
    let mut by_key = [V::splat(0.0); N];
    let mut by_query = [V::splat(0.0); N];
    for ((row, k), q) in state.iter().zip(key).zip(query) {
        let (k, q) = (V::splat(*k), V::splat(*q));
        for n in 0..N {
            let s = V::load(&row[n]);
            by_key[n] = s.fused(k, by_key[n]);
            by_query[n] = s.fused(q, by_query[n]);
        }
    }
    [by_key, by_query]
}

/// Writes `S ← faded · S + k δᵀ`; returns the values that the next token's key and query then call
/// up.
#[inline(always)]
fn write<V: Lanes, const N: usize>(
    state: &mut [[[f32; 16]; N]],
    faded: V,
    delta: [V; N],
    key: &[f32],
    (next_query, next_key): (&[f32], &[f32]),
) -> [[V; N]; 2] {
    let mut by_key = [V::splat(0.0); N];
    let mut by_query = [V::splat(0.0); N];
    let tokens = key.iter().zip(next_key).zip(next_query);
    for (row, ((k, next_k), next_q)) in state.iter_mut().zip(tokens) {
        let (k, next_k, next_q) = (V::splat(*k), V::splat(*next_k), V::splat(*next_q));
        for n in 0..N {
            let s = delta[n].fused(k, V::load(&row[n]).times(faded));
            s.store(&mut row[n]);
            by_key[n] = s.fused(next_k, by_key[n]);
            by_query[n] = s.fused(next_q, by_query[n]);
        }
    }
    [by_key, by_query]
}

/// The value that is written, `δ = β v + minus · a`, where `by_key` is a.
#[inline(always)]
fn written<V: Lanes, const N: usize>(by_key: [V; N], minus: V, value: &[f32], beta: f32) -> [V; N] {
    let mut delta = loaded::<V, N>(value);
    for n in 0..N {
        delta[n] = by_key[n].fused(minus, delta[n].times(V::splat(beta)));
    }
    delta
}

/// Puts into `out` the value that a token calls up of the state after it: `faded · c + both · δ`,
/// where `by_query` is c.
#[inline(always)]
fn called_up<V: Lanes, const N: usize>(
    by_query: [V; N],
    faded: V,
    delta: [V; N],
    both: f32,
    out: &mut [f32],
) {
    let out = out.as_chunks_mut::<16>().0;
    for n in 0..N {
        let seen = by_query[n].times(faded);
        delta[n].fused(V::splat(both), seen).store(&mut out[n]);
    }
}

/// The first `16 N` floats of a slice.
#[inline(always)]
fn loaded<V: Lanes, const N: usize>(from: &[f32]) -> [V; N] {
    let parts = from[..16 * N].as_chunks::<16>().0;
    let mut all = [V::splat(0.0); N];
    for n in 0..N {
        all[n] = V::load(&parts[n]);
    }
    all
}

/// The product of two vectors, in sixteen sums side by side.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a16, a_rest) = a.as_chunks::<16>();
    let (b16, b_rest) = b.as_chunks::<16>();
    for (a, b) in a16.iter().zip(b16) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise::numbers;

    /// The rule as it is defined, in double precision: state and output.
    fn defined(shape: Shape, state: &[f32], tokens: Tokens<'_>) -> (Vec<f64>, Vec<f64>) {
        let mut state: Vec<f64> = state.iter().map(|x| f64::from(*x)).collect();
        let mut out = Vec::new();
        let (channels, half) = (shape.channels(), shape.key_heads * shape.key);
        for (t, row) in tokens.rows.chunks(channels).enumerate() {
            for head in 0..shape.value_heads {
                let at = head % shape.key_heads * shape.key;
                let fade = f64::from(tokens.decay[t * shape.value_heads + head]).exp();
                let beta = f64::from(tokens.beta[t * shape.value_heads + head]);
                let s = &mut state[head * shape.key * shape.value..][..shape.key * shape.value];
                for x in s.iter_mut() {
                    *x *= fade;
                }
                for j in 0..shape.value {
                    let called: f64 = (0..shape.key)
                        .map(|i| s[i * shape.value + j] * f64::from(row[half + at + i]))
                        .sum();
                    let v = f64::from(row[2 * half + head * shape.value + j]);
                    let delta = beta * (v - called);
                    for i in 0..shape.key {
                        s[i * shape.value + j] += f64::from(row[half + at + i]) * delta;
                    }
                }
                for j in 0..shape.value {
                    out.push(
                        (0..shape.key)
                            .map(|i| s[i * shape.value + j] * f64::from(row[at + i]))
                            .sum(),
                    );
                }
            }
        }
        (state, out)
    }

    #[test]
    fn it_is_the_rule_in_any_pieces() {
        Simd::each(any_pieces);
    }

    fn any_pieces() {
        for (key_heads, value_heads, key, value) in [
            (1, 1, 8, 16),
            (2, 4, 32, 64),
            (2, 6, 20, 48),
            (2, 2, 128, 128),
        ] {
            let shape = Shape {
                key_heads,
                value_heads,
                key,
                value,
            };
            let count = 30;
            let mut rows = numbers(count * shape.channels(), 1);
            normalize(&mut rows, shape, 1e-6);
            let length: f32 = rows[key_heads * key..][..key].iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-4);
            let decay: Vec<f32> = numbers(count * value_heads, 2)
                .iter()
                .map(|x| x - 1.0)
                .collect();
            let beta: Vec<f32> = numbers(count * value_heads, 3)
                .iter()
                .map(|x| x.abs())
                .collect();
            let start = numbers(shape.state(), 4);
            let tokens = Tokens {
                rows: &rows,
                decay: &decay,
                beta: &beta,
            };
            let (state, out) = defined(shape, &start, tokens);
            for piece in [1, 7, 30] {
                let mut before = start.clone();
                let mut found = Vec::new();
                for ((rows, decay), beta) in rows
                    .chunks(piece * shape.channels())
                    .zip(decay.chunks(piece * value_heads))
                    .zip(beta.chunks(piece * value_heads))
                {
                    let tokens = Tokens { rows, decay, beta };
                    let mut after = vec![0.0; before.len()];
                    let count = decay.len() / value_heads;
                    let mut out = vec![0.0; count * value_heads * value];
                    run(shape, &before, tokens, &mut after, &mut out);
                    let mut silent = vec![0.0; before.len()];
                    run(shape, &before, tokens, &mut silent, &mut []);
                    assert_eq!(after, silent);
                    found.extend(out);
                    before = after;
                }
                for (found, wanted) in found.iter().zip(&out).chain(before.iter().zip(&state)) {
                    assert!(
                        (f64::from(*found) - wanted).abs() < 2e-5,
                        "{shape:?} by {piece}: {found} {wanted}"
                    );
                }
            }
        }
    }
}
