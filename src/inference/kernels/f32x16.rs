//! Sixteen floats side by side: one type for each set of instructions, so that a loop is
//! written once and kept in registers everywhere.

use half::f16;

/// The largest number that half precision holds.
const MOST_HALF: f32 = 65504.0;

/// A vector of sixteen floats.
pub(super) trait Lanes: Copy {
    /// Vectors of sixteen floats that the registers hold.
    const REGISTERS: usize;

    /// The same number in all lanes.
    fn splat(x: f32) -> Self;
    /// Loads sixteen floats.
    fn load(from: &[f32; 16]) -> Self;
    /// Stores sixteen floats.
    fn store(self, to: &mut [f32; 16]);
    /// Stores to memory that is not read again soon, past the caches where that can be done: a line
    /// is then written without being fetched first. [`settle`] must follow the last such store.
    #[inline(always)]
    fn stream(self, to: &mut [f32; 16]) {
        self.store(to);
    }
    /// Loads sixteen numbers of half precision; exact.
    #[inline(always)]
    fn load_halves(from: &[f16; 16]) -> Self {
        let mut floats = [0.0; 16];
        for (float, half) in floats.iter_mut().zip(from) {
            *float = widened(*half);
        }
        Self::load(&floats)
    }
    /// Stores in half precision, rounded to the nearest, of two the even one. A number beyond its
    /// range becomes its largest and not infinite: one infinite key or value makes NaN of all that
    /// is summed up with it, also where its weight is 0.
    #[inline(always)]
    fn store_halves(self, to: &mut [f16; 16]) {
        let mut floats = [0.0; 16];
        self.store(&mut floats);
        for (half, float) in to.iter_mut().zip(floats) {
            // A NaN stays one.
            *half = f16::from_f32(float.clamp(-MOST_HALF, MOST_HALF));
        }
    }
    /// The products, lane by lane.
    fn times(self, other: Self) -> Self;
    /// `self · a + b`, lane by lane; rounded once where the instructions can.
    fn fused(self, a: Self, b: Self) -> Self;
}

/// Plain arrays: the specification.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 16]);

impl Lanes for Plain {
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 16])
    }

    #[inline(always)]
    fn load(from: &[f32; 16]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16]) {
        *to = self.0;
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * a.0[i] + b.0[i]))
    }
}

/// Four registers of NEON, which every AArch64 CPU has.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub(super) struct Neon([std::arch::aarch64::float32x4_t; 4]);

#[cfg(target_arch = "aarch64")]
impl Lanes for Neon {
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: NEON is part of the architecture.
        Self([unsafe { std::arch::aarch64::vdupq_n_f32(x) }; 4])
    }

    #[inline(always)]
    fn load(from: &[f32; 16]) -> Self {
        let from = from.as_ptr();
        // SAFETY: as above; each reads four of the sixteen floats.
        Self([0, 4, 8, 12].map(|at| unsafe { std::arch::aarch64::vld1q_f32(from.add(at)) }))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16]) {
        for (to, part) in to.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            // SAFETY: as above; four floats.
            unsafe { std::arch::aarch64::vst1q_f32(to.as_mut_ptr(), part) };
        }
    }

    #[inline(always)]
    fn load_halves(from: &[f16; 16]) -> Self {
        Self(std::array::from_fn(|i| {
            let wide: std::arch::aarch64::float32x4_t;
            // SAFETY: as above; eight of the 32 bytes are read. The instruction, which has no
            // stable intrinsic, touches nothing but its registers.
            unsafe {
                let halves = std::arch::aarch64::vld1_u16(from.as_ptr().add(4 * i).cast());
                std::arch::asm!(
                    "fcvtl {wide:v}.4s, {halves:v}.4h",
                    wide = lateout(vreg) wide,
                    halves = in(vreg) halves,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            wide
        }))
    }

    #[inline(always)]
    fn store_halves(self, to: &mut [f16; 16]) {
        use std::arch::aarch64::{uint16x4_t, vdupq_n_f32, vmaxq_f32, vminq_f32, vst1_u16};
        for (to, part) in to.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            // SAFETY: as above; eight bytes. The instruction touches nothing but its registers.
            unsafe {
                // Where one is NaN these give that.
                let within = vminq_f32(part, vdupq_n_f32(MOST_HALF));
                let within = vmaxq_f32(within, vdupq_n_f32(-MOST_HALF));
                let halves: uint16x4_t;
                std::arch::asm!(
                    "fcvtn {halves:v}.4h, {within:v}.4s",
                    halves = lateout(vreg) halves,
                    within = in(vreg) within,
                    options(pure, nomem, nostack, preserves_flags),
                );
                vst1_u16(to.as_mut_ptr().cast(), halves);
            }
        }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        // SAFETY: as above.
        Self(std::array::from_fn(|i| unsafe {
            std::arch::aarch64::vmulq_f32(a[i], b[i])
        }))
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        let (x, a, b) = (self.0, a.0, b.0);
        // SAFETY: as above.
        Self(std::array::from_fn(|i| unsafe {
            std::arch::aarch64::vfmaq_f32(b[i], x[i], a[i])
        }))
    }
}

/// Two registers of AVX. Made and used only in functions that run where AVX2 and FMA are.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(std::arch::x86_64::__m256, std::arch::x86_64::__m256);

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: only `Simd::run` names this type, where the CPU has AVX2.
        let x = unsafe { std::arch::x86_64::_mm256_set1_ps(x) };
        Self(x, x)
    }

    #[inline(always)]
    fn load(from: &[f32; 16]) -> Self {
        let from = from.as_ptr();
        // SAFETY: as above; both reads lie within the sixteen floats.
        unsafe {
            Self(
                std::arch::x86_64::_mm256_loadu_ps(from),
                std::arch::x86_64::_mm256_loadu_ps(from.add(8)),
            )
        }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16]) {
        let to = to.as_mut_ptr();
        // SAFETY: as above; both writes lie within the sixteen floats.
        unsafe {
            std::arch::x86_64::_mm256_storeu_ps(to, self.0);
            std::arch::x86_64::_mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    fn stream(self, to: &mut [f32; 16]) {
        let at = to.as_mut_ptr();
        if !at.addr().is_multiple_of(32) {
            return self.store(to);
        }
        // SAFETY: as above; both writes lie within the sixteen floats, and at multiples of 32
        // bytes.
        unsafe {
            std::arch::x86_64::_mm256_stream_ps(at, self.0);
            std::arch::x86_64::_mm256_stream_ps(at.add(8), self.1);
        }
    }

    #[inline(always)]
    fn load_halves(from: &[f16; 16]) -> Self {
        let from = from.as_ptr();
        // SAFETY: as above, and F16C; both reads lie within the 32 bytes.
        unsafe {
            Self(
                std::arch::x86_64::_mm256_cvtph_ps(std::arch::x86_64::_mm_loadu_si128(from.cast())),
                std::arch::x86_64::_mm256_cvtph_ps(std::arch::x86_64::_mm_loadu_si128(
                    from.add(8).cast(),
                )),
            )
        }
    }

    #[inline(always)]
    fn store_halves(self, to: &mut [f16; 16]) {
        use std::arch::x86_64::{
            _MM_FROUND_TO_NEAREST_INT, _mm_storeu_si128, _mm256_cvtps_ph, _mm256_max_ps,
            _mm256_min_ps, _mm256_set1_ps,
        };
        let to = to.as_mut_ptr();
        // SAFETY: as above, and F16C; both writes lie within the 32 bytes.
        unsafe {
            let (least, most) = (_mm256_set1_ps(-MOST_HALF), _mm256_set1_ps(MOST_HALF));
            // Where one is NaN these give the second.
            let first = _mm256_max_ps(least, _mm256_min_ps(most, self.0));
            let second = _mm256_max_ps(least, _mm256_min_ps(most, self.1));
            _mm_storeu_si128(
                to.cast(),
                _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(first),
            );
            _mm_storeu_si128(
                to.add(8).cast(),
                _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(second),
            );
        }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            Self(
                std::arch::x86_64::_mm256_mul_ps(self.0, other.0),
                std::arch::x86_64::_mm256_mul_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        // SAFETY: as above, and FMA.
        unsafe {
            Self(
                std::arch::x86_64::_mm256_fmadd_ps(self.0, a.0, b.0),
                std::arch::x86_64::_mm256_fmadd_ps(self.1, a.1, b.1),
            )
        }
    }
}

/// One register of AVX-512. Made and used only in functions that run where AVX-512 is.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512(std::arch::x86_64::__m512);

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx512 {
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: only `Simd::run` names this type, where the CPU has AVX-512.
        Self(unsafe { std::arch::x86_64::_mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn load(from: &[f32; 16]) -> Self {
        // SAFETY: as above; sixteen floats are read.
        Self(unsafe { std::arch::x86_64::_mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16]) {
        // SAFETY: as above; sixteen floats are written.
        unsafe { std::arch::x86_64::_mm512_storeu_ps(to.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    fn stream(self, to: &mut [f32; 16]) {
        let at = to.as_mut_ptr();
        if !at.addr().is_multiple_of(64) {
            return self.store(to);
        }
        // SAFETY: as above; sixteen floats are written, at a multiple of 64 bytes.
        unsafe { std::arch::x86_64::_mm512_stream_ps(at, self.0) };
    }

    #[inline(always)]
    fn load_halves(from: &[f16; 16]) -> Self {
        // SAFETY: as above; 32 bytes are read.
        Self(unsafe {
            std::arch::x86_64::_mm512_cvtph_ps(std::arch::x86_64::_mm256_loadu_si256(
                from.as_ptr().cast(),
            ))
        })
    }

    #[inline(always)]
    fn store_halves(self, to: &mut [f16; 16]) {
        use std::arch::x86_64::{
            _MM_FROUND_TO_NEAREST_INT, _mm256_storeu_si256, _mm512_cvtps_ph, _mm512_max_ps,
            _mm512_min_ps, _mm512_set1_ps,
        };
        // SAFETY: as above; 32 bytes are written.
        unsafe {
            let (least, most) = (_mm512_set1_ps(-MOST_HALF), _mm512_set1_ps(MOST_HALF));
            // Where one is NaN these give the second.
            let within = _mm512_max_ps(least, _mm512_min_ps(most, self.0));
            let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(within);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { std::arch::x86_64::_mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { std::arch::x86_64::_mm512_fmadd_ps(self.0, a.0, b.0) })
    }
}

/// A number in half precision as a float, without branches, so that the compiler does many at
/// once; and without arithmetic on floats below the normal ones, which takes a hundred times
/// as long. Scales of blocks are often that small in half precision.
#[inline(always)]
pub(super) fn widened(x: f16) -> f32 {
    let bits = u32::from(x.to_bits());
    let magnitude = bits & 0x7fff;
    // Below the normal ones a number counts steps of 2⁻²⁴.
    let tiny = magnitude.cast_signed() as f32 * f32::from_bits(0x3380_0000);
    // The exponent's bias is 15 in place of 127.
    let normal = f32::from_bits((magnitude << 13) + (112 << 23));
    // Infinite, or not a number.
    let special = f32::from_bits(magnitude << 13 | 0x7f80_0000);
    let x = if magnitude < 0x400 {
        tiny
    } else if magnitude < 0x7c00 {
        normal
    } else {
        special
    };
    f32::from_bits(x.to_bits() | (bits & 0x8000) << 16)
}

/// Orders all stores of [`Lanes::stream`] before the stores that follow.
#[inline(always)]
pub(super) fn settle() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Asks for the line of the cache in which `at` lies, where there is an instruction for that; `at`
/// need not be an address of this process.
#[inline(always)]
pub(super) fn ask_for<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a wish cannot fail, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a wish cannot fail, whatever the address.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{at}]",
            at = in(reg) at,
            options(readonly, nostack, preserves_flags),
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Simd, Work};
    use super::*;

    /// Every number of half precision, as floats, and back.
    struct All;

    impl Work for All {
        type Output = ();

        #[inline(always)]
        fn run<V: Lanes>(self) {
            for first in (0..=u16::MAX).step_by(16) {
                let halves: [f16; 16] = std::array::from_fn(|i| f16::from_bits(first + i as u16));
                let mut floats = [0.0; 16];
                V::load_halves(&halves).store(&mut floats);
                let mut back = [f16::ZERO; 16];
                V::load(&floats).store_halves(&mut back);
                for i in 0..16 {
                    let (half, float, back) = (halves[i], floats[i], back[i]);
                    if half.is_nan() {
                        assert!(float.is_nan() && back.is_nan(), "{half:?}");
                        continue;
                    }
                    assert_eq!(float.to_bits(), half.to_f32().to_bits(), "{half:?}");
                    let within = half.clamp(f16::MIN, f16::MAX);
                    assert_eq!(back.to_bits(), within.to_bits(), "{half:?}");
                }
            }
        }
    }

    /// Floats between those numbers, and beyond them.
    struct Between;

    impl Work for Between {
        type Output = ();

        #[inline(always)]
        fn run<V: Lanes>(self) {
            let step = 0.5_f32.powi(10);
            let cases = [
                // Half way between two, a little more, half way again.
                (1.0 + step / 2.0, 1.0),
                (1.0 + step * 0.501, 1.0 + step),
                (1.0 + step * 1.5, 1.0 + step * 2.0),
                (-65_519.0, -65_504.0),
                (65_520.0, 65_504.0),
                (1e30, 65_504.0),
                (f32::NEG_INFINITY, -65_504.0),
                (2.9e-8, 0.0),
                (3.1e-8, 5.960_464_5e-8),
            ];
            for (x, wanted) in cases {
                let mut halves = [f16::ZERO; 16];
                V::splat(x).store_halves(&mut halves);
                for half in halves {
                    assert_eq!(half.to_f32().to_bits(), f32::to_bits(wanted), "{x}");
                }
            }
        }
    }

    #[test]
    fn half_precision_is_what_it_should_be() {
        for simd in Simd::all() {
            simd.run(All);
            simd.run(Between);
        }
    }
}
