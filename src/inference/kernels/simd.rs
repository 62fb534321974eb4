//! The instructions that this CPU has, found once.

use std::sync::OnceLock;

use super::activations::{self, Tile};
use super::f32x16::{Lanes, Plain};
use crate::base::bug::bug;

/// Tokens up to which rows of weights are taken one by one: unpacking them for several rows
/// costs more than it saves.
const MOST_IN_ROWS: usize = 5;

/// Work written once and compiled for each set of instructions.
///
/// `run` must be `#[inline(always)]`: only so it becomes part of a function that has them.
pub(super) trait Work {
    /// The result of the work.
    type Output;

    /// Does the work, sixteen floats at a time where it says so.
    fn run<V: Lanes>(self) -> Self::Output;
}

/// A set of instructions. Made only where the CPU has been asked, so whoever holds one may use the
/// instructions that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simd(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Plain code as the compiler makes it.
    Scalar,
    /// AVX2 and FMA, by hand where it pays.
    Avx2,
    /// AVX2, FMA and AVX-VNNI, by hand where it pays.
    AvxVnni,
    /// AVX-512 with VNNI, by hand where it pays.
    Avx512,
    /// NEON with dot products, by hand where it pays.
    Neon,
    /// NEON with dot products and products of matrices of 8 bits (i8mm), by hand where it pays.
    NeonI8mm,
}

impl Level {
    /// All levels, the least first; a better one comes behind a worse.
    const ALL: [Self; 6] = [
        Self::Scalar,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512,
        Self::Neon,
        Self::NeonI8mm,
    ];

    /// Tells whether this CPU has the level.
    #[cfg(target_arch = "x86_64")]
    fn is_here(self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        match self {
            Self::Scalar => true,
            Self::Avx2 => avx2,
            Self::AvxVnni => avx2 && is_x86_feature_detected!("avxvnni"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vnni")
                    && avx2
            }
            Self::Neon | Self::NeonI8mm => false,
        }
    }

    /// Tells whether this CPU has the level; NEON without dot products is left to the compiler, as
    /// plain code.
    #[cfg(target_arch = "aarch64")]
    fn is_here(self) -> bool {
        use std::arch::is_aarch64_feature_detected;
        let dots = cfg!(target_endian = "little") && is_aarch64_feature_detected!("dotprod");
        match self {
            Self::Scalar => true,
            Self::Neon => dots,
            Self::NeonI8mm => dots && is_aarch64_feature_detected!("i8mm"),
            Self::Avx2 | Self::AvxVnni | Self::Avx512 => false,
        }
    }

    /// Tells whether this CPU has the level.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_here(self) -> bool {
        self == Self::Scalar
    }
}

#[cfg(test)]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<Simd>> = const { std::cell::Cell::new(None) };
}

impl Simd {
    /// The best set that this CPU has; `HOMEBODY_SIMD` (`scalar`, `avx2`, `avxvnni`, `avx512`,
    /// `neon`, `i8mm`) can ask for less.
    pub fn best() -> Self {
        static BEST: OnceLock<Simd> = OnceLock::new();
        #[cfg(test)]
        if let Some(chosen) = CHOSEN.get() {
            return chosen;
        }
        *BEST.get_or_init(|| {
            let all = Self::all();
            // The last is the best.
            let best = all.last().copied();
            let best =
                best.unwrap_or_else(|| bug("plain code runs everywhere", Self(Level::Scalar)));
            // A name that is none, or that of instructions this CPU has not, asks for nothing.
            let asked = std::env::var("HOMEBODY_SIMD").ok();
            let asked = asked.and_then(|name| all.into_iter().find(|simd| simd.name() == name));
            asked.unwrap_or(best)
        })
    }

    /// Calls `work` once with each set that this CPU has for [`Simd::best`], on this thread.
    #[cfg(test)]
    pub fn each(work: impl Fn()) {
        for simd in Self::all() {
            CHOSEN.set(Some(simd));
            work();
        }
        CHOSEN.set(None);
    }

    /// All sets that this CPU has, the least first; plain code is always among them.
    pub fn all() -> Vec<Self> {
        Level::ALL
            .into_iter()
            .filter(|level| level.is_here())
            .map(Self)
            .collect()
    }

    pub(super) const fn level(self) -> Level {
        self.0
    }

    /// The name of the set, as `HOMEBODY_SIMD` takes it.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Level::Scalar => "scalar",
            Level::Avx2 => "avx2",
            Level::AvxVnni => "avxvnni",
            Level::Avx512 => "avx512",
            Level::Neon => "neon",
            Level::NeonI8mm => "i8mm",
        }
    }

    /// Tells whether so many tokens meet weights that were unpacked for several rows; fewer take
    /// the rows one by one, as they lie in memory.
    pub const fn in_panels(self, tokens: usize) -> bool {
        match self.0 {
            Level::Scalar => false,
            _ => tokens > MOST_IN_ROWS,
        }
    }

    /// The sizes of tiles that so many tokens are parted into, the largest first; the last is 1.
    pub const fn tiles(self, tokens: usize) -> &'static [usize] {
        match self.0 {
            _ if !self.in_panels(tokens) => &[1],
            Level::Avx512 => &[12, 8, 4, 2, 1],
            _ => &[4, 2, 1],
        }
    }

    /// Does a work with the instructions of this set.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        #[cfg(target_arch = "x86_64")]
        {
            use super::f32x16::{Avx2, Avx512};
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2<W: Work>(work: W) -> W::Output {
                work.run::<Avx2>()
            }
            #[target_feature(
                enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"
            )]
            fn avx512<W: Work>(work: W) -> W::Output {
                work.run::<Avx512>()
            }
            match self.0 {
                // SAFETY: a `Simd` comes from `all` only, which found that this CPU has these
                // instructions.
                Level::Avx512 => return unsafe { avx512(work) },
                // SAFETY: as above.
                Level::Avx2 | Level::AvxVnni => return unsafe { avx2(work) },
                _ => {}
            }
        }
        #[cfg(target_arch = "aarch64")]
        if self.0 != Level::Scalar {
            return work.run::<super::f32x16::Neon>();
        }
        work.run::<Plain>()
    }

    /// Does [`activations::round_tile`] with the instructions of this set.
    pub(super) fn round_tile(self, x: &[f32], width: usize, tile: Tile<'_>) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma")]
            fn avx2(x: &[f32], width: usize, tile: Tile<'_>) {
                activations::round_tile(x, width, tile);
            }
            // For AVX-512 the compiler makes worse of it.
            if matches!(self.0, Level::Avx512 | Level::Avx2 | Level::AvxVnni) {
                // SAFETY: a `Simd` comes from `all` only, which found that this CPU has these
                // instructions.
                return unsafe { avx2(x, width, tile) };
            }
        }
        activations::round_tile(x, width, tile);
    }
}
