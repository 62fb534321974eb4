//! Vim keys in the composer, as an option.

/// What keys mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They type.
    #[default]
    Insert,
    /// They move and change.
    Normal,
}

/// The state of vim keys.
#[derive(Debug, Clone, Default)]
pub struct Vim {
    mode: Mode,
    pub(super) count: Option<usize>,
    pub(super) operator: Option<char>,
    /// A first `g`, or `r`, `f`, `t` waiting for a character.
    pub(super) prefix: Option<char>,
    pub(super) operator_count: usize,
}

impl Vim {
    /// What keys mean.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// A command that is not whole yet.
    pub fn pending(&self) -> String {
        let mut out = String::new();
        if let Some(operator) = self.operator {
            if self.operator_count > 1 {
                out.push_str(&self.operator_count.to_string());
            }
            out.push(operator);
        }
        if let Some(count) = self.count {
            out.push_str(&count.to_string());
        }
        out.extend(self.prefix);
        out
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        *self = Self {
            mode,
            ..Self::default()
        };
    }

    /// Back to typing, nothing pending.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
