//! The products that each set of instructions has: one table, an entry for each set.

use super::activations::RoundedInputs;
use super::blocks::Format;
use super::output::Rows as RowsOut;
use super::panel::{Rows, Scratch};
use super::products::{TokenIn, row_dot};
use super::simd::{Level, Simd};

/// Rows by up to five tokens as they lie in memory: the rows, bytes of each, the inputs.
type Few = unsafe fn(&[u8], usize, &RoundedInputs, RowsOut);
/// Rows by a single token: the rows, its inputs, a product for each row.
type Single = unsafe fn(&[u8], &RoundedInputs, &mut [f32]);
/// Rows, a multiple of 16, unpacked for many tokens.
type Panels = unsafe fn(Rows<'_>, &RoundedInputs, &mut Scratch, RowsOut);

/// The products of one set of instructions with weights of one format.
///
/// Each may be called only where the CPU has the set, and nobody else the rows.
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
        match simd.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self {
                row_dot: x86::row_dot_avx2::<F>,
                few: Some(x86::few::<F>),
                single: F::BY_ONE,
                panels: Some(x86::panels_avx512::<F>),
            },
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => Self {
                row_dot: x86::row_dot_avx2::<F>,
                few: Some(x86::few::<F>),
                single: None,
                panels: Some(x86::panels_avx2::<F, true>),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Self {
                row_dot: x86::row_dot_avx2::<F>,
                few: Some(x86::few::<F>),
                single: None,
                panels: Some(x86::panels_avx2::<F, false>),
            },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Self {
                few: Some(arm::few::<F>),
                panels: Some(arm::panels::<F, false>),
                ..plain
            },
            #[cfg(target_arch = "aarch64")]
            Level::NeonI8mm => Self {
                few: Some(arm::few::<F>),
                panels: Some(arm::panels::<F, true>),
                ..plain
            },
            _ => plain,
        }
    }
}

/// The entries of x86-64: what they ask of the caller is what the table asks.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::{avx2, avx512};
    use super::{Format, RoundedInputs, Rows, RowsOut, Scratch, TokenIn, row_dot};

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn row_dot_avx2<F: Format>(row: &[u8], place: TokenIn<'_>) -> f32 {
        row_dot::<F>(row, place)
    }

    pub(super) unsafe fn few<F: Format>(
        rows: &[u8],
        row_bytes: usize,
        x: &RoundedInputs,
        out: RowsOut,
    ) {
        // SAFETY: by the caller's word, here and below.
        let put = |row: usize, token: usize, value: f32| unsafe { out.put(token, row, value) };
        // SAFETY: all of these sets have AVX2.
        unsafe { avx2::rows::few::<F>(rows, row_bytes, x, put) };
    }

    pub(super) unsafe fn panels_avx2<F: Format, const VNNI: bool>(
        rows: Rows<'_>,
        x: &RoundedInputs,
        scratch: &mut Scratch,
        out: RowsOut,
    ) {
        // SAFETY: by the caller's word, here and below.
        let put = |token, panel, values: &_| unsafe { out.put_panel(token, panel, values) };
        // SAFETY: as above.
        unsafe { avx2::panels::panels::<F, VNNI>(rows, x, scratch, put) };
    }

    pub(super) unsafe fn panels_avx512<F: Format>(
        rows: Rows<'_>,
        x: &RoundedInputs,
        scratch: &mut Scratch,
        out: RowsOut,
    ) {
        // SAFETY: by the caller's word, here and below.
        let put = |token, panel, values: &_| unsafe { out.put_panel(token, panel, values) };
        // SAFETY: as above.
        unsafe { avx512::panels::panels::<F>(rows, x, scratch, put) };
    }
}

/// The entries of aarch64: what they ask of the caller is what the table asks.
#[cfg(target_arch = "aarch64")]
mod arm {
    use super::super::neon;
    use super::{Format, RoundedInputs, Rows, RowsOut, Scratch};

    pub(super) unsafe fn few<F: Format>(
        rows: &[u8],
        row_bytes: usize,
        x: &RoundedInputs,
        out: RowsOut,
    ) {
        // SAFETY: by the caller's word, here and below.
        let put = |row: usize, token: usize, value: f32| unsafe { out.put(token, row, value) };
        // SAFETY: both sets have dot products.
        unsafe { neon::rows::few::<F>(rows, row_bytes, x, put) };
    }

    pub(super) unsafe fn panels<F: Format, const I8MM: bool>(
        rows: Rows<'_>,
        x: &RoundedInputs,
        scratch: &mut Scratch,
        out: RowsOut,
    ) {
        // SAFETY: by the caller's word, here and below.
        let put = |token, panel, values: &_| unsafe { out.put_panel(token, panel, values) };
        // SAFETY: as above.
        unsafe { neon::panels::panels::<F, I8MM>(rows, x, scratch, put) };
    }
}
