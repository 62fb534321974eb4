//! Notices when an answer only repeats itself, as small models do at low temperatures: the same
//! tokens come again and again, and no further token would tell anything new.

/// The longest period that is looked for, in tokens.
const LONGEST: usize = 256;
/// Times the period must have come after its first time.
const TIMES: usize = 2;
/// Fewest tokens that must be periodic: tables of equal rows and lists of zeros are shorter.
const LEAST: usize = 128;

/// Watches the tokens of one answer.
#[derive(Debug, Clone, Default)]
pub(super) struct LoopDetector {
    written: Vec<u32>,
    /// Length of the run of tokens that each equal the one a period before; by period less one.
    runs: Vec<usize>,
}

impl LoopDetector {
    /// Takes the next token in; returns true once the answer goes in circles.
    pub fn push(&mut self, token: u32) -> bool {
        let mut circling = false;
        if self.runs.len() < LONGEST.min(self.written.len()) {
            self.runs.push(0);
        }
        let before = self.written.iter().rev();
        for (period, (run, earlier)) in (1..).zip(self.runs.iter_mut().zip(before)) {
            *run = if *earlier == token { *run + 1 } else { 0 };
            circling |= *run >= period * TIMES && *run + period >= LEAST;
        }
        self.written.push(token);
        circling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens taken until it was noticed; none if it never was.
    fn noticed(tokens: impl IntoIterator<Item = u32>) -> Option<usize> {
        let mut repeats = LoopDetector::default();
        tokens
            .into_iter()
            .position(|token| repeats.push(token))
            .map(|at| at + 1)
    }

    #[test]
    fn circles_of_any_length_are_noticed() {
        for period in [1, 2, 7, 40, 43, 100, 256] {
            let lead = (1000..1030_u32).chain((0..period).cycle().take(2000));
            let at = noticed(lead).expect("noticed");
            let wanted = 30 + (period as usize * (TIMES + 1)).max(LEAST);
            assert!(at.abs_diff(wanted) <= 1, "{period}: {at}, {wanted}");
        }
    }

    #[test]
    fn what_changes_a_little_is_no_circle() {
        // Rows that differ in one number each.
        assert_eq!(
            noticed((0..4000).map(|i| if i % 20 == 7 { 500 + i } else { i % 20 })),
            None
        );
        // Short tables.
        assert_eq!(noticed((0..100).map(|i| i % 3)), None);
        // The same twice.
        assert_eq!(noticed((0..200).chain(0..200).chain(300..400)), None);
    }
}
