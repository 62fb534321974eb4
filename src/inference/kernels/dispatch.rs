//! The products that each set of instructions has: one table, an entry for each set.

use super::activations::RoundedInputs;
#[cfg(target_arch = "x86_64")]
use super::avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::blocks::Format;
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::output::OutputRows;
use super::panel::{Rows, Scratch};
use super::products::{TokenIn, row_dot};
use super::simd::{Level, Simd};

/// Rows by up to five tokens as they lie in memory: the rows, bytes of each, the inputs.
type Few = unsafe fn(&[u8], usize, &RoundedInputs, &mut OutputRows<'_>);
/// Rows by a single token: the rows, its inputs, a product for each row.
type Single = unsafe fn(&[u8], &RoundedInputs, &mut [f32]);
/// Rows, a multiple of 16, unpacked for many tokens.
type Panels = unsafe fn(Rows<'_>, &RoundedInputs, &mut Scratch, &mut OutputRows<'_>);

/// The products of one set of instructions with weights of one format. Each may be called only
/// where the CPU has the set.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    /// One row by one token; every set has it.
    pub row_dot: unsafe fn(&[u8], TokenIn<'_>) -> f32,
    /// Rows by a few tokens; without it each row is taken by [`Self::row_dot`].
    pub few: Option<Few>,
    /// Rows by one token, where the format has it; otherwise [`Self::few`] takes them.
    pub single: Option<Single>,
    /// Rows by many tokens; a set that has none is never asked ([`Simd::in_panels`]).
    pub panels: Option<Panels>,
}

impl Kernels {
    /// The table.
    pub const fn of<F: Format>(simd: Simd) -> Self {
        let plain = Self {
            row_dot: row_dot::<F>,
            few: None,
            single: None,
            panels: None,
        };
        #[cfg(target_arch = "x86_64")]
        let avx2 = Self {
            row_dot: row_dot_avx2::<F>,
            few: Some(avx2::rows::few::<F>),
            single: None,
            panels: Some(avx2::panels::panels::<F, false>),
        };
        match simd.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2,
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => Self {
                panels: Some(avx2::panels::panels::<F, true>),
                ..avx2
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self {
                single: F::BY_ONE,
                panels: Some(avx512::panels::panels::<F>),
                ..avx2
            },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Self {
                few: Some(neon::rows::few::<F>),
                panels: Some(neon::panels::panels::<F, false>),
                ..plain
            },
            #[cfg(target_arch = "aarch64")]
            Level::NeonI8mm => Self {
                few: Some(neon::rows::few::<F>),
                panels: Some(neon::panels::panels::<F, true>),
                ..plain
            },
            _ => plain,
        }
    }
}

/// [`row_dot`] as the compiler makes it for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn row_dot_avx2<F: Format>(row: &[u8], place: TokenIn<'_>) -> f32 {
    row_dot::<F>(row, place)
}
