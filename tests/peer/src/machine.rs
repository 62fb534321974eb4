//! The most this processor can do: products of 8-bit numbers, and bytes read from memory.
//!
//! Both are bounds that no engine passes: the first loop touches no memory, the second does
//! nothing with what it reads but add.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use crate::load::{Ticks, ticks_of_this};

/// How often each is measured; the best counts, as everything else on the machine only takes.
const TRIES: usize = 5;

/// The bounds of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Products in registers; none where no loop for this processor is here.
    pub int8: Option<Int8>,
    /// Bytes a second read from memory.
    pub read: f64,
}

/// Products of 8-bit numbers in registers alone.
#[derive(Debug, Clone, Copy)]
pub struct Int8 {
    /// Operations a second: a product and its addition are two.
    pub ops: f64,
    /// The instructions that were fastest.
    pub instructions: &'static str,
}

/// Part of the machine that others may take while a bound is measured; with more it is
/// measured again, [`TRIES`] times at most.
const DISTURBED: f64 = 0.05;

impl Bounds {
    /// Measures both; `gigabytes` (10^9) of memory are swept. Half a second is soon disturbed
    /// all through, so the best counts of as many times as it takes until others are quiet.
    pub fn measured(threads: usize, gigabytes: f64) -> Self {
        let once = || {
            let (ticks, own) = (Ticks::now(), ticks_of_this());
            let bounds = Self {
                int8: int8_peak(threads),
                read: read_bandwidth(threads, gigabytes),
            };
            let elsewhere = Ticks::now().elsewhere(ticks, ticks_of_this() - own);
            (bounds, elsewhere)
        };
        let (mut best, mut elsewhere) = once();
        for _ in 1..TRIES {
            if elsewhere <= DISTURBED {
                break;
            }
            let (bounds, others) = once();
            (best, elsewhere) = (best.best(bounds), others);
        }
        best
    }

    /// The better of two measurements, each for itself: what else runs only takes.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        let ops = |bounds: &Self| bounds.int8.map_or(0.0, |int8| int8.ops);
        Self {
            int8: if ops(&self) >= ops(&other) {
                self.int8
            } else {
                other.int8
            },
            read: self.read.max(other.read),
        }
    }

    /// As people read them.
    pub fn line(&self) -> String {
        let int8 = self.int8.map_or("not known here".to_owned(), |int8| {
            format!("{:.0} GOP/s ({})", int8.ops / 1e9, int8.instructions)
        });
        format!("int8 peak {int8}, read {:.2} GB/s", self.read / 1e9)
    }
}

/// A loop of products in registers.
struct Loop {
    instructions: &'static str,
    /// Products of two 8-bit numbers a round.
    products: u64,
    /// Runs so many rounds.
    run: fn(u64) -> i32,
}

/// Rounds of a loop that is timed: about a tenth of a second.
const ROUNDS: u64 = 40_000_000;

/// The most 8-bit operations a second that any loop reaches on `threads` threads; `None`
/// where there is none for this processor.
pub fn int8_peak(threads: usize) -> Option<Int8> {
    let measured = loops().into_iter().map(|each| {
        let seconds = best(threads, &|_| {
            black_box((each.run)(black_box(ROUNDS)));
        });
        Int8 {
            ops: (ROUNDS * each.products * 2) as f64 * threads as f64 / seconds,
            instructions: each.instructions,
        }
    });
    measured.max_by(|a, b| a.ops.total_cmp(&b.ops))
}

#[cfg(not(target_arch = "x86_64"))]
fn loops() -> Vec<Loop> {
    Vec::new()
}

/// Those that this processor has the instructions for.
#[cfg(target_arch = "x86_64")]
fn loops() -> Vec<Loop> {
    let mut found = Vec::new();
    if is_x86_feature_detected!("avx2") {
        found.push(Loop {
            instructions: "vpmaddubsw and vpaddw on 256 bits",
            products: 32 * x86::SUMS as u64,
            // SAFETY: the feature was detected.
            run: |rounds| unsafe { x86::pairs_256(rounds) },
        });
    }
    if is_x86_feature_detected!("avxvnni") {
        found.push(Loop {
            instructions: "vpdpbusd on 256 bits",
            products: 32 * x86::SUMS as u64,
            // SAFETY: the feature was detected, and AVX2 is its foundation.
            run: |rounds| unsafe { x86::fours_256(rounds) },
        });
    }
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
        found.push(Loop {
            instructions: "vpdpbusd on 512 bits",
            products: 64 * x86::SUMS as u64,
            // SAFETY: both features were detected.
            run: |rounds| unsafe { x86::fours_512(rounds) },
        });
    }
    found
}

/// Loops of `rounds` times [`SUMS`] products into as many sums that do not wait for each
/// other: an instruction takes 4 to 6 cycles with its addition, so twelve keep two units busy.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
        _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi32,
        _mm512_setzero_si512,
    };
    use std::hint::black_box;

    /// Sums of a loop. With two factors and a product they fill the 16 registers of AVX2.
    pub const SUMS: usize = 13;

    /// The factors: bytes 4 3 2 1, not negative, and -1 1 -1 1.
    const FACTORS: (i32, i32) = (0x0102_0304, 0x01ff_01ff);

    /// Pairs of products of 8-bit numbers, added up in 16 bits. Sums that go on for long must be
    /// widened now and then, which no engine gets for nothing: a bound it is all the more.
    #[target_feature(enable = "avx2")]
    pub fn pairs_256(rounds: u64) -> i32 {
        let mut a = _mm256_set1_epi32(black_box(FACTORS.0));
        let b = _mm256_set1_epi32(black_box(FACTORS.1));
        let mut sums = [_mm256_setzero_si256(); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                // No instruction, but for the compiler `a` is another number from here on: else
                // it would multiply once and add what came out.
                // SAFETY: there is nothing in it but a comment.
                unsafe {
                    std::arch::asm!("/* {0} */", inout(ymm_reg) a,
                        options(nomem, nostack, preserves_flags));
                }
                *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(a, b));
            }
        }
        let total = sums
            .iter()
            .fold(_mm256_setzero_si256(), |t, &s| _mm256_add_epi16(t, s));
        lanes(_mm256_madd_epi16(total, _mm256_set1_epi16(1)))
    }

    /// Four products each, added up in 32 bits.
    #[target_feature(enable = "avx2,avxvnni")]
    pub fn fours_256(rounds: u64) -> i32 {
        let a = _mm256_set1_epi32(black_box(FACTORS.0));
        let b = _mm256_set1_epi32(black_box(FACTORS.1));
        let mut sums = [_mm256_setzero_si256(); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_dpbusd_avx_epi32(*sum, a, b);
            }
        }
        let total = sums
            .iter()
            .fold(_mm256_setzero_si256(), |t, &s| _mm256_add_epi32(t, s));
        lanes(total)
    }

    /// The same on twice as many.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn fours_512(rounds: u64) -> i32 {
        let a = _mm512_set1_epi32(black_box(FACTORS.0));
        let b = _mm512_set1_epi32(black_box(FACTORS.1));
        let mut sums = [_mm512_setzero_si512(); SUMS];
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

    /// The sum of eight lanes.
    #[target_feature(enable = "avx2")]
    fn lanes(x: __m256i) -> i32 {
        // SAFETY: both are 32 bytes, and every bit pattern is a number.
        let lanes: [i32; 8] = unsafe { std::mem::transmute(x) };
        lanes.iter().sum()
    }
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

    /// Bytes 4 3 2 1 against -1 1 -1 1 are -2 for each four.
    #[test]
    fn the_loops_multiply() {
        for each in loops() {
            let expected = -2 * 3 * (each.products / 4) as i32;
            assert_eq!((each.run)(3), expected, "{}", each.instructions);
        }
    }

    #[test]
    fn of_two_measurements_the_better_counts() {
        let bounds = |ops: Option<f64>, read: f64| Bounds {
            int8: ops.map(|ops| Int8 {
                ops,
                instructions: "x",
            }),
            read,
        };
        let best = bounds(Some(2e9), 3e9).best(bounds(Some(5e9), 1e9));
        assert_eq!(best.line(), "int8 peak 5 GOP/s (x), read 3.00 GB/s");
        let best = bounds(None, 1e9).best(bounds(None, 2e9));
        assert_eq!(best.line(), "int8 peak not known here, read 2.00 GB/s");
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
