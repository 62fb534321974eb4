//! Files of logits, and how far two of them are apart.

use std::path::Path;

use crate::Result;

/// Reads float32 numbers, little-endian, one after another.
///
/// # Errors
/// When the file cannot be read or ends within a number.
pub fn read(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    if !bytes.len().is_multiple_of(4) {
        return Err(format!("{} ends within a number", path.display()).into());
    }
    let number = |b: &[u8]| b.try_into().map_or(0.0, f32::from_le_bytes);
    Ok(bytes.chunks_exact(4).map(number).collect())
}

/// Writes float32 numbers, little-endian.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, logits: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// The token ids in a text, separated by blanks.
///
/// # Errors
/// When a word is no id.
pub fn ids(text: &str) -> Result<Vec<i32>> {
    text.split_whitespace()
        .map(|word| {
            word.parse()
                .map_err(|_| format!("`{word}` is no token id").into())
        })
        .collect()
}

/// How far one set of rows is from another, gathered row by row.
#[derive(Debug, Clone, Default)]
pub struct Distance {
    /// KL(reference || other) of each row, in nats.
    pub kl: Vec<f64>,
    cosine: f64,
    largest: f64,
    same: usize,
    sum: f64,
    squares: f64,
    count: usize,
}

impl Distance {
    /// Of two sets of rows, each `vocabulary` numbers wide.
    ///
    /// # Errors
    /// When the two differ in size, hold no row, or end within one.
    pub fn between(reference: &[f32], other: &[f32], vocabulary: usize) -> Result<Self> {
        let mut distance = Self::default();
        distance.add(reference, other, vocabulary)?;
        Ok(distance)
    }

    /// Takes in more rows.
    ///
    /// # Errors
    /// As [`Distance::between`].
    pub fn add(&mut self, reference: &[f32], other: &[f32], vocabulary: usize) -> Result<()> {
        let n = reference.len();
        if n == 0 || vocabulary == 0 || !n.is_multiple_of(vocabulary) || n != other.len() {
            return Err(format!(
                "{n} and {} numbers are not the same number of rows of {vocabulary}",
                other.len()
            )
            .into());
        }
        for (r, o) in reference
            .chunks_exact(vocabulary)
            .zip(other.chunks_exact(vocabulary))
        {
            self.row(r, o);
        }
        Ok(())
    }

    fn row(&mut self, reference: &[f32], other: &[f32]) {
        let (zr, zo) = (log_sum_exp(reference), log_sum_exp(other));
        let (mut kl, mut dot, mut rr, mut oo) = (0.0, 0.0, 0.0, 0.0);
        for (&r, &o) in reference.iter().zip(other) {
            let (r, o) = (f64::from(r), f64::from(o));
            kl += (r - zr).exp() * ((r - zr) - (o - zo));
            dot += r * o;
            rr += r * r;
            oo += o * o;
            // Not `max`: that would pass over a difference that is no number.
            let apart = (r - o).abs();
            if apart > self.largest || apart.is_nan() {
                self.largest = apart;
            }
            self.sum += r;
        }
        let cosine = dot / (rr * oo).sqrt();
        if self.count == 0 || cosine < self.cosine || cosine.is_nan() {
            self.cosine = cosine;
        }
        self.squares += rr;
        self.count += reference.len();
        self.same += usize::from(argmax(reference) == argmax(other));
        self.kl.push(kl);
    }

    /// Rows taken in.
    pub fn rows(&self) -> usize {
        self.kl.len()
    }

    /// Mean KL in nats.
    pub fn mean(&self) -> f64 {
        self.kl.iter().sum::<f64>() / self.kl.len().max(1) as f64
    }

    /// The KL in the middle, in nats.
    pub fn median(&self) -> f64 {
        median(&self.kl)
    }

    /// Largest KL of a row in nats; no number if that of any row is none.
    pub fn max(&self) -> f64 {
        self.kl
            .iter()
            .fold(0.0, |m, &k| if k > m || k.is_nan() { k } else { m })
    }

    /// Smallest cosine of a row.
    pub fn min_cosine(&self) -> f64 {
        self.cosine
    }

    /// Largest difference of two logits over the standard deviation of the reference.
    pub fn max_over_std(&self) -> f64 {
        let n = self.count.max(1) as f64;
        let mean = self.sum / n;
        self.largest / (self.squares / n - mean * mean).max(0.0).sqrt()
    }

    /// Part of the rows whose largest logit is at the same token, 0 to 1.
    pub fn argmax_equal(&self) -> f64 {
        self.same as f64 / self.kl.len().max(1) as f64
    }

    /// All of it on one line.
    pub fn line(&self) -> String {
        format!(
            "rows {}  mean KL {:.3e}  median {:.3e}  max KL {:.3e}  min cosine {:.6}  \
             max/std {:.2e}  argmax equal {:.4}",
            self.rows(),
            self.mean(),
            self.median(),
            self.max(),
            self.min_cosine(),
            self.max_over_std(),
            self.argmax_equal()
        )
    }
}

/// The number in the middle; of an even number of them the mean of the two; 0 of none.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// Where the largest number stands, the first of equal ones.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = i;
        }
    }
    best
}

fn log_sum_exp(row: &[f32]) -> f64 {
    let most = row.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x.into()));
    most + row
        .iter()
        .map(|&x| (f64::from(x) - most).exp())
        .sum::<f64>()
        .ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_worked_out_by_hand() {
        // Probabilities 3/4, 1/4 against 1/2, 1/2.
        let reference = [3f32.ln(), 0.0];
        let d = Distance::between(&reference, &[0.5, 0.5], 2).expect("a row");
        let kl = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        assert!((d.mean() - kl).abs() < 1e-7, "{}", d.mean());
        assert!((d.min_cosine() - 0.5f64.sqrt()).abs() < 1e-7);
        let std = 3f64.ln() / 2.0;
        assert!((d.max_over_std() - (3f64.ln() - 0.5) / std).abs() < 1e-6);
    }

    #[test]
    fn equal_rows_are_no_distance_apart_and_a_shift_is_none() {
        let reference = [1.0, 2.0, 3.0, -4.0, 0.0, 9.0];
        let shifted = reference.map(|x| x + 2.0);
        let d = Distance::between(&reference, &shifted, 3).expect("two rows");
        assert!(d.max().abs() < 1e-9);
        assert_eq!((d.rows(), d.argmax_equal()), (2, 1.0));
        assert!(d.max_over_std() > 0.1);
    }

    #[test]
    fn the_argmax_of_half_the_rows() {
        let d = Distance::between(&[0.0, 1.0, 0.0, 1.0], &[0.0, 1.0, 1.0, 0.0], 2).expect("rows");
        assert!((d.argmax_equal() - 0.5).abs() < 1e-12);
        assert!((d.median() - d.mean()).abs() < 1e-12);
        assert!(d.min_cosine().abs() < 1e-12);
    }

    #[test]
    fn what_is_no_number_shows() {
        let d = Distance::between(&[0.0, 1.0], &[f32::NAN, 1.0], 2).expect("a row");
        assert!(d.max().is_nan() && d.min_cosine().is_nan() && d.max_over_std().is_nan());
    }

    #[test]
    fn rows_that_do_not_match_are_refused() {
        assert!(Distance::between(&[0.0; 4], &[0.0; 2], 2).is_err());
        assert!(Distance::between(&[0.0; 3], &[0.0; 3], 2).is_err());
        assert!(Distance::between(&[], &[], 2).is_err());
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.f32");
        write(&path, &[1.5, -2.0]).expect("written");
        assert_eq!(read(&path).expect("read"), [1.5, -2.0]);
        std::fs::write(&path, [0; 5]).expect("written");
        assert!(read(&path).is_err());
        assert_eq!(ids(" 1\n22 3").expect("ids"), [1, 22, 3]);
        assert!(ids("1 x").is_err());
    }
}
