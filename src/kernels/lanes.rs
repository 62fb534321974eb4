//! Sixteen floats side by side: one type for each set of instructions, so that a loop is
//! written once and kept in registers everywhere.

/// Sixteen floats.
pub(super) trait Lanes: Copy {
    /// The same number in all.
    fn splat(x: f32) -> Self;
    /// From memory.
    fn load(from: &[f32; 16]) -> Self;
    /// To memory.
    fn store(self, to: &mut [f32; 16]);
    /// Products, lane by lane.
    fn times(self, other: Self) -> Self;
    /// `self · a + b`.
    fn fused(self, a: Self, b: Self) -> Self;
}

/// Plain arrays: the specification.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 16]);

impl Lanes for Plain {
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

/// Four registers of NEON, which every CPU of this kind has.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub(super) struct Neon([std::arch::aarch64::float32x4_t; 4]);

#[cfg(target_arch = "aarch64")]
impl Lanes for Neon {
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

/// `c[r] += a[r] · b` for `R` rows of `a` (each as long as `b` has rows) and `N` times sixteen
/// columns of `b`, whose rows lie `stride` floats apart.
#[inline(always)]
pub(super) fn product<V: Lanes, const R: usize, const N: usize>(
    a: [&[f32]; R],
    b: &[f32],
    stride: usize,
    c: &mut [[[f32; 16]; N]; R],
) {
    let mut sums = [[V::splat(0.0); N]; R];
    for (sums, c) in sums.iter_mut().zip(c.iter()) {
        for (sum, c) in sums.iter_mut().zip(c) {
            *sum = V::load(c);
        }
    }
    let depth = a[0].len();
    let a = a.map(|row| &row[..depth]);
    for k in 0..depth {
        let row = b[k * stride..][..16 * N].as_chunks::<16>().0;
        let row: [V; N] = std::array::from_fn(|n| V::load(&row[n]));
        for (sums, a) in sums.iter_mut().zip(&a) {
            let a = V::splat(a[k]);
            for (sum, b) in sums.iter_mut().zip(row) {
                *sum = b.fused(a, *sum);
            }
        }
    }
    for (sums, c) in sums.iter().zip(c) {
        for (sum, c) in sums.iter().zip(c) {
            sum.store(c);
        }
    }
}
