//! Rows of weights unpacked to whole numbers, for products with many tokens.
//!
//! [`PANELS`] times 16 rows are unpacked [`DEPTH`] columns at a time, as many as the first-level
//! cache holds beside a tile of inputs, and meet all tokens before the next columns come. The
//! inputs stream by, the sums wait in the second-level cache.

use super::activations::{RUN, RoundedInputs};
use super::blocks::{Format, MOST_WEIGHTS, Unpacked, chunk_bytes, unpack_chunk};
use super::f32x16::ask_for;
use super::lines::CacheLine;
use super::output::OutputRows;

/// Rows that lie beside each other.
pub(super) const PANEL: usize = 16;
/// Panels that meet a tile of inputs while it is near.
pub(super) const PANELS: usize = 2;
/// Columns that are unpacked at a time.
const DEPTH: usize = 512;

/// Blocks of 256 weights between those that are unpacked and those that are asked for, so that
/// 16 rows come at the speed of memory, where few tokens meet them.
const AHEAD: usize = 4;

/// Asks for the bytes that lie `ahead` bytes behind the given ones.
#[inline(always)]
pub(super) fn fetch(bytes: &[u8], ahead: usize) {
    for line in (0..bytes.len()).step_by(64) {
        ask_for(bytes.as_ptr().wrapping_add(ahead + line));
    }
}

/// 16 floats on their own line of the cache: one for each row.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; PANEL]);

/// Two whole numbers of 16 bits for each of 16 rows.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Twos(pub [[i16; 2]; PANEL]);

/// Up to [`DEPTH`] columns of 16 rows, unpacked.
#[derive(Debug)]
pub struct Panel {
    /// The whole numbers, `[columns / 4][16][4]`, or `[columns / 8][16][8]` where instructions
    /// take eight columns at once.
    pub q: Vec<CacheLine>,
    /// The scale of each run in blocks of 256, `[columns / SUB][16]`, in the form that the
    /// instructions like.
    pub k: Vec<Twos>,
    /// The minima of each pair of runs in blocks of 256, `[columns / SUB / 2][16][2]`.
    pub n: Vec<Twos>,
    /// The factor of the scales, `[columns / BLOCK][16]`.
    pub d: Vec<Lanes>,
    /// The factor of the minima, `[columns / BLOCK][16]`.
    pub least: Vec<Lanes>,
}

impl Default for Panel {
    fn default() -> Self {
        let lanes = |most| vec![Lanes([0.0; PANEL]); most];
        let twos = |most| vec![Twos([[0; 2]; PANEL]); most];
        Self {
            q: vec![CacheLine([0; 64]); DEPTH / 4],
            k: twos(DEPTH / RUN),
            n: twos(DEPTH / RUN / 2),
            d: lanes(DEPTH / 32),
            least: lanes(DEPTH / 32),
        }
    }
}

/// Two numbers of 16 bits as one of 32, the first below.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) const fn packed(two: [i16; 2]) -> i32 {
    (two[0].cast_unsigned() as i32) | (two[1] as i32) << 16
}

/// Buffers of a thread, kept between products.
#[derive(Debug)]
pub struct Scratch {
    panels: [Panel; PANELS],
    /// 256 columns of the 16 rows of a panel.
    unpacked: Box<[Unpacked; PANEL]>,
    /// The sums, `[panels][tokens][16]`.
    sums: Vec<Lanes>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            panels: Default::default(),
            unpacked: Box::new(std::array::from_fn(|_| Unpacked::new())),
            sums: Vec::new(),
        }
    }
}

/// Rows of weights that lie one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The bytes of all rows.
    pub bytes: &'a [u8],
    /// Bytes of each row.
    pub row_bytes: usize,
}

/// Some columns of a tile of inputs, see [`RoundedInputs`].
#[derive(Debug, Clone, Copy)]
pub struct InputTile<'a> {
    /// Tokens of the tile.
    pub tokens: usize,
    /// Number of columns: whole blocks.
    pub columns: usize,
    /// The inputs, `[columns / 4][tokens][4]`.
    pub q: &'a [i8],
    /// Scales of the inputs, `[columns / group][tokens]`.
    pub scales: &'a [f32],
    /// Sums of 32 inputs, `[columns / 32][tokens]`.
    pub sums: &'a [f32],
    /// Sums of the inputs of each run, in twos, `[columns / SUB / 2][tokens]`; only for blocks of
    /// 256.
    pub twos: &'a [[i16; 2]],
}

/// The sums of a tile's tokens, for some panels.
#[derive(Debug)]
pub struct Sums<'a> {
    all: &'a mut [Lanes],
    /// Distance from the sums of one panel to those of the next.
    apart: usize,
}

impl Sums<'_> {
    /// The sums of a panel, of `N` tokens from the `first` on.
    #[inline(always)]
    pub fn of<const N: usize>(&mut self, panel: usize, first: usize) -> &mut [Lanes; N] {
        let sums = &mut self.all[panel * self.apart + first..][..N];
        sums.try_into().unwrap_or_else(|_| unreachable!())
    }
}

/// Multiplies the rows, a multiple of 16, with every token, into `out`. `fill` puts 256 unpacked columns of 16 rows, the `usize`-th such
/// columns, into a panel; `tile` adds the products of all panels with a part of a tile to the
/// [`Sums`] of its tokens.
#[inline(always)]
pub(super) fn sweep<F: Format>(
    rows: Rows<'_>,
    x: &RoundedInputs,
    scratch: &mut Scratch,
    mut fill: impl FnMut(&[Unpacked; PANEL], usize, &mut Panel),
    mut tile: impl FnMut(&[Panel], InputTile<'_>, Sums<'_>),
    out: &mut OutputRows<'_>,
) {
    let (width, groups, tokens) = (x.width, x.groups(), x.tokens);
    let count = (rows.bytes.len() / rows.row_bytes / PANEL).min(PANELS);
    let Scratch {
        panels,
        unpacked,
        sums,
    } = scratch;
    let panels = &mut panels[..count];
    sums.clear();
    sums.resize(count * tokens, Lanes([0.0; PANEL]));
    let run_twos = if F::SUB == 32 { &x.twos32 } else { &x.twos };
    for start in (0..width).step_by(DEPTH) {
        let columns = DEPTH.min(width - start);
        for (p, panel) in panels.iter_mut().enumerate() {
            let first = p * PANEL * rows.row_bytes;
            for chunk in 0..columns.div_ceil(MOST_WEIGHTS) {
                let at = first + (start / MOST_WEIGHTS + chunk) * chunk_bytes::<F>();
                let left = columns - chunk * MOST_WEIGHTS;
                let length = left.min(MOST_WEIGHTS) / F::BLOCK * F::BYTES;
                for (row, unpacked) in unpacked.iter_mut().enumerate() {
                    let bytes = &rows.bytes[at + row * rows.row_bytes..][..length];
                    fetch(bytes, AHEAD * chunk_bytes::<F>());
                    unpack_chunk::<F>(bytes, unpacked);
                }
                fill(unpacked, chunk, panel);
            }
        }
        let mut first = 0;
        for &n in &x.tiles {
            let of = |per: usize, whole: usize| {
                let from = first * whole + start / per * n;
                from..from + columns.div_ceil(per) * n
            };
            let part = InputTile {
                tokens: n,
                columns,
                q: &x.q[first * width + start * n..][..columns * n],
                scales: &x.scales[of(x.group, groups)],
                sums: &x.sums32[of(32, width / 32)],
                twos: if F::BLOCK == MOST_WEIGHTS {
                    &run_twos[of(2 * F::SUB, width / F::SUB / 2)]
                } else {
                    &[]
                },
            };
            let sums = Sums {
                all: &mut sums[first..],
                apart: tokens,
            };
            tile(panels, part, sums);
            first += n;
        }
    }
    for (p, sums) in sums.chunks_exact(tokens.max(1)).enumerate() {
        for (token, sums) in sums.iter().enumerate() {
            out.put_panel(token, p, &sums.0);
        }
    }
}
