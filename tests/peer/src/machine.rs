//! The most this processor can do: products of 8-bit numbers, and bytes read from memory.
//!
//! Both are bounds that no engine passes: the first loop touches no memory, the second does
//! nothing with what it reads but add.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// How often each is measured; the best counts, as everything else on the machine only takes.
const TRIES: usize = 5;

/// 8-bit operations a second (a product and its addition are two) by `vpdpbusd` on 512 bits,
/// on `threads` threads; `None` where the processor has no such instruction.
pub fn int8_peak(threads: usize) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    {
        if !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")) {
            return None;
        }
        let rounds = 40_000_000u64;
        let seconds = best(threads, &|_| {
            // SAFETY: both features were detected above.
            black_box(unsafe { products(black_box(rounds)) });
        });
        // 16 instructions a round, 64 products each.
        Some(rounds as f64 * 16.0 * 64.0 * 2.0 * threads as f64 / seconds)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = threads;
        None
    }
}

/// `rounds` times 16 products of 64 pairs into 16 sums that do not wait for each other,
/// all in registers. The instruction takes 4 to 5 cycles, so 12 sums keep two units busy.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn products(rounds: u64) -> i32 {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi32,
        _mm512_setzero_si512,
    };
    let (a, b) = (
        _mm512_set1_epi32(black_box(0x0102_0304)),
        _mm512_set1_epi32(black_box(0x01ff_01ff)),
    );
    let mut sums = [_mm512_setzero_si512(); 16];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
    }
    let total = sums
        .iter()
        .fold(_mm512_setzero_si512(), |t, &s| _mm512_add_epi32(t, s));
    _mm512_reduce_add_epi32(total)
}

/// Bytes a second that `threads` threads read together from `gigabytes` (10^9) of memory.
pub fn read_bandwidth(threads: usize, gigabytes: f64) -> f64 {
    let words = (gigabytes * 1e9 / 8.0) as usize;
    // Not zeros: untouched zero pages are one page, read from the cache.
    let memory: Vec<u64> = (0..words as u64).collect();
    let part = words.div_ceil(threads);
    let seconds = best(threads, &|thread| {
        let sum = memory
            .chunks(part)
            .nth(thread)
            .unwrap_or(&[])
            .iter()
            .fold(0u64, |sum, x| sum.wrapping_add(*x));
        black_box(sum);
    });
    words as f64 * 8.0 / seconds
}

/// Fewest seconds of [`TRIES`] that the slowest of `threads` threads takes for `work`, which
/// is told its thread's number.
fn best(threads: usize, work: &(dyn Fn(usize) + Sync)) -> f64 {
    let start = Barrier::new(threads);
    (0..TRIES)
        .map(|_| {
            std::thread::scope(|scope| {
                let running: Vec<_> = (0..threads)
                    .map(|thread| {
                        let start = &start;
                        scope.spawn(move || {
                            start.wait();
                            let begun = Instant::now();
                            work(thread);
                            (begun, Instant::now())
                        })
                    })
                    .collect();
                let spans: Vec<_> = running.into_iter().filter_map(|t| t.join().ok()).collect();
                let first = spans.iter().map(|s| s.0).min();
                let last = spans.iter().map(|s| s.1).max();
                match (first, last) {
                    (Some(first), Some(last)) => (last - first).as_secs_f64(),
                    _ => f64::INFINITY,
                }
            })
        })
        .fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_loop_multiplies() {
        if is_x86_feature_detected!("avx512vnni") {
            // Bytes 4 3 2 1 against -1 1 -1 1: -2 a lane, 16 lanes, 16 sums.
            // SAFETY: the feature was detected, and with it its foundation.
            assert_eq!(unsafe { products(3) }, -2 * 16 * 16 * 3);
        }
    }

    #[test]
    fn the_slowest_thread_counts() {
        let seconds = best(2, &|thread| {
            std::thread::sleep(std::time::Duration::from_millis(thread as u64 * 30));
        });
        assert!((0.03..1.0).contains(&seconds), "{seconds}");
        assert!(read_bandwidth(2, 0.01) > 1e8);
    }
}
