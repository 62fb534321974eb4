//! What the bytes of each block format mean. See [`super::blocks`] for the rule.
//!
//! Formats: `ggml-common.h` and `ggml-quants.c` of <https://github.com/ggml-org/ggml>.

use half::f16;

use super::blocks::Format;
#[cfg(target_arch = "x86_64")]
use super::blocks::RowsByOne;

#[inline(always)]
fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// 32 weights of 4 bits and a scale.
#[derive(Debug)]
pub struct Q4_0;

#[inline(always)]
fn nibbles(packed: &[u8; 16], q: &mut [u8]) {
    let q: &mut [u8; 32] = (&mut q[..32]).try_into().unwrap_or_else(|_| unreachable!());
    for (i, byte) in packed.iter().enumerate() {
        q[i] = byte & 15;
        q[i + 16] = byte >> 4;
    }
}

#[inline(always)]
fn array<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..at + N]
        .try_into()
        .unwrap_or_else(|_| unreachable!())
}

impl Format for Q4_0 {
    const BLOCK: usize = 32;
    const BYTES: usize = 18;
    const SUB: usize = 32;
    const OFFSET: i32 = 8;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        s[0] = half(block, 0);
        nibbles(array(block, 2), q);
    }
}

/// 32 weights of 4 bits, a scale and a minimum.
#[derive(Debug)]
pub struct Q4_1;

impl Format for Q4_1 {
    const BLOCK: usize = 32;
    const BYTES: usize = 20;
    const SUB: usize = 32;
    const OFFSET: i32 = 0;
    const MINS: bool = true;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], m: &mut [f32]) {
        s[0] = half(block, 0);
        m[0] = -half(block, 2);
        nibbles(array(block, 4), q);
    }
}

#[inline(always)]
fn fifth_bits(bits: &[u8; 4], q: &mut [u8]) {
    let bits = u32::from_le_bytes(*bits);
    for (i, q) in q[..32].iter_mut().enumerate() {
        *q |= ((bits >> i & 1) << 4) as u8;
    }
}

/// 32 weights of 5 bits and a scale.
#[derive(Debug)]
pub struct Q5_0;

impl Format for Q5_0 {
    const BLOCK: usize = 32;
    const BYTES: usize = 22;
    const SUB: usize = 32;
    const OFFSET: i32 = 16;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        s[0] = half(block, 0);
        nibbles(array(block, 6), q);
        fifth_bits(array(block, 2), q);
    }
}

/// 32 weights of 5 bits, a scale and a minimum.
#[derive(Debug)]
pub struct Q5_1;

impl Format for Q5_1 {
    const BLOCK: usize = 32;
    const BYTES: usize = 24;
    const SUB: usize = 32;
    const OFFSET: i32 = 0;
    const MINS: bool = true;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], m: &mut [f32]) {
        s[0] = half(block, 0);
        m[0] = -half(block, 2);
        nibbles(array(block, 8), q);
        fifth_bits(array(block, 4), q);
    }
}

/// 32 weights of 8 bits and a scale.
#[derive(Debug)]
pub struct Q8_0;

impl Format for Q8_0 {
    const BLOCK: usize = 32;
    const BYTES: usize = 34;
    const SUB: usize = 32;
    const OFFSET: i32 = 128;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        s[0] = half(block, 0);
        let weights: &[u8; 32] = array(block, 2);
        for (q, byte) in q.iter_mut().zip(weights) {
            *q = byte ^ 0x80;
        }
    }
}

/// 256 weights of 2 bits, scales and minima of 4 bits for each 16.
#[derive(Debug)]
pub struct Q2K;

impl Format for Q2K {
    const BLOCK: usize = 256;
    const BYTES: usize = 84;
    const SUB: usize = 16;
    const OFFSET: i32 = 0;
    const MINS: bool = true;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], m: &mut [f32]) {
        let (d, least) = (half(block, 80), half(block, 82));
        for i in 0..16 {
            s[i] = d * f32::from(block[i] & 15);
            m[i] = least * f32::from(block[i] >> 4);
        }
        for part in 0..2 {
            let packed: &[u8; 32] = array(block, 16 + 32 * part);
            for two in 0..4 {
                let q = &mut q[128 * part + 32 * two..][..32];
                for (q, byte) in q.iter_mut().zip(packed) {
                    *q = byte >> (2 * two) & 3;
                }
            }
        }
    }
}

/// 256 weights of 3 bits, scales of 6 bits for each 16.
#[derive(Debug)]
pub struct Q3K;

impl Format for Q3K {
    const BLOCK: usize = 256;
    const BYTES: usize = 110;
    const SUB: usize = 16;
    const OFFSET: i32 = 4;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        let high: &[u8; 32] = array(block, 0);
        let scales: &[u8; 12] = array(block, 96);
        let d = half(block, 108);
        for i in 0..16 {
            let low = scales[i % 8] >> (4 * (i / 8)) & 15;
            let top = scales[8 + i % 4] >> (2 * (i / 4)) & 3;
            s[i] = d * (f32::from(low | top << 4) - 32.0);
        }
        for part in 0..2 {
            let packed: &[u8; 32] = array(block, 32 + 32 * part);
            for two in 0..4 {
                let bit = 4 * part + two;
                let q = &mut q[128 * part + 32 * two..][..32];
                for ((q, byte), high) in q.iter_mut().zip(packed).zip(high) {
                    *q = byte >> (2 * two) & 3 | (high >> bit & 1) << 2;
                }
            }
        }
    }
}

/// The eight scales and minima of 6 bits that Q4_K and Q5_K pack into 12 bytes.
#[inline(always)]
fn six_bits(block: &[u8], s: &mut [f32], m: &mut [f32]) {
    let (d, least) = (half(block, 0), half(block, 2));
    let word = |at: usize| u32::from_le_bytes(*array(block, at));
    let (a, b, c) = (word(4), word(8), word(12));
    let low = 0x3f3f_3f3f;
    let four = 0x0f0f_0f0f;
    let two = 0x0303_0303;
    let scales = [a & low, (c & four) | ((a >> 6 & two) << 4)];
    let minima = [b & low, (c >> 4 & four) | ((b >> 6 & two) << 4)];
    for part in 0..2 {
        let (scales, minima) = (scales[part].to_le_bytes(), minima[part].to_le_bytes());
        for i in 0..4 {
            s[4 * part + i] = d * f32::from(scales[i]);
            m[4 * part + i] = least * f32::from(minima[i]);
        }
    }
}

/// 256 weights of 4 bits, scales and minima of 6 bits for each 32.
#[derive(Debug)]
pub struct Q4K;

impl Format for Q4K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512_rows::q4k);
    const BLOCK: usize = 256;
    const BYTES: usize = 144;
    const SUB: usize = 32;
    const OFFSET: i32 = 0;
    const MINS: bool = true;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], m: &mut [f32]) {
        six_bits(block, s, m);
        for part in 0..4 {
            let packed: &[u8; 32] = array(block, 16 + 32 * part);
            let (low, high) = q[64 * part..][..64].split_at_mut(32);
            for ((low, high), byte) in low.iter_mut().zip(high).zip(packed) {
                *low = byte & 15;
                *high = byte >> 4;
            }
        }
    }
}

/// 256 weights of 5 bits, scales and minima of 6 bits for each 32.
#[derive(Debug)]
pub struct Q5K;

impl Format for Q5K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512_rows::q5k);
    const BLOCK: usize = 256;
    const BYTES: usize = 176;
    const SUB: usize = 32;
    const OFFSET: i32 = 0;
    const MINS: bool = true;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], m: &mut [f32]) {
        six_bits(block, s, m);
        let fifth: &[u8; 32] = array(block, 16);
        for part in 0..4 {
            let packed: &[u8; 32] = array(block, 48 + 32 * part);
            let (low, high) = q[64 * part..][..64].split_at_mut(32);
            for (((low, high), byte), fifth) in low.iter_mut().zip(high).zip(packed).zip(fifth) {
                *low = byte & 15 | (fifth >> (2 * part) & 1) << 4;
                *high = byte >> 4 | (fifth >> (2 * part + 1) & 1) << 4;
            }
        }
    }
}

/// 256 weights of 6 bits, scales of 8 bits for each 16.
#[derive(Debug)]
pub struct Q6K;

impl Format for Q6K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512_rows::q6k);
    const BLOCK: usize = 256;
    const BYTES: usize = 210;
    const SUB: usize = 16;
    const OFFSET: i32 = 32;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        let d = half(block, 208);
        for i in 0..16 {
            s[i] = d * f32::from(block[192 + i].cast_signed());
        }
        for part in 0..2 {
            let low: &[u8; 64] = array(block, 64 * part);
            let high: &[u8; 32] = array(block, 128 + 32 * part);
            let q: &mut [u8; 128] = (&mut q[128 * part..][..128])
                .try_into()
                .unwrap_or_else(|_| unreachable!());
            for i in 0..32 {
                q[i] = low[i] & 15 | (high[i] & 3) << 4;
                q[i + 32] = low[i + 32] & 15 | (high[i] >> 2 & 3) << 4;
                q[i + 64] = low[i] >> 4 | (high[i] >> 4 & 3) << 4;
                q[i + 96] = low[i + 32] >> 4 | (high[i] >> 6) << 4;
            }
        }
    }
}

/// The values of the non-linear formats of 4 bits, plus 128.
const LEVELS: [u8; 16] = [
    1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241,
];

#[inline(always)]
fn levels(packed: &[u8; 16], q: &mut [u8]) {
    let q: &mut [u8; 32] = (&mut q[..32]).try_into().unwrap_or_else(|_| unreachable!());
    for (i, byte) in packed.iter().enumerate() {
        q[i] = LEVELS[usize::from(byte & 15)];
        q[i + 16] = LEVELS[usize::from(byte >> 4)];
    }
}

/// 32 weights of 4 bits on a curve, and a scale.
#[derive(Debug)]
pub struct IQ4NL;

impl Format for IQ4NL {
    const BLOCK: usize = 32;
    const BYTES: usize = 18;
    const SUB: usize = 32;
    const OFFSET: i32 = 128;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        s[0] = half(block, 0);
        levels(array(block, 2), q);
    }
}

/// 256 weights of 4 bits on a curve, scales of 6 bits for each 32.
#[derive(Debug)]
pub struct IQ4XS;

impl Format for IQ4XS {
    const BLOCK: usize = 256;
    const BYTES: usize = 136;
    const SUB: usize = 32;
    const OFFSET: i32 = 128;
    const MINS: bool = false;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], s: &mut [f32], _m: &mut [f32]) {
        let d = half(block, 0);
        let high = u16::from_le_bytes([block[2], block[3]]);
        for run in 0..8 {
            let low = block[4 + run / 2] >> (4 * (run % 2)) & 15;
            let top = (high >> (2 * run) & 3) as u8;
            s[run] = d * (f32::from(low | top << 4) - 32.0);
            levels(array(block, 8 + 16 * run), &mut q[32 * run..]);
        }
    }
}
