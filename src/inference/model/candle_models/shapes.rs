//! The shapes and types of tensors, checked before candle's code sees the file.
//!
//! That code trusts the file: it panics on shapes that do not fit together, and on rows of an odd
//! number of blocks in some formats.

use std::collections::HashSet;

use crate::base::text::printable;
use crate::base::{Failure, Result};
use crate::kernels::blocks::Kind;
use crate::model::gguf::{Header, TensorInfo, type_name};
use crate::model::weights::kind_of;

/// Numbers that rows of blocks must be a multiple of.
const ROW: u64 = 64;

/// Tells whether candle calculates with a type, by its number in the format.
pub(in crate::model) fn is_read(kind: u32) -> bool {
    kind_of(kind).is_some_and(|kind| !matches!(kind, Kind::IQ4NL | Kind::IQ4XS))
}

/// A header whose tensors are checked one after another.
pub(super) struct Shapes<'h> {
    header: &'h Header,
    /// Names of the tensors that were asked for.
    seen: HashSet<String>,
}

impl<'h> Shapes<'h> {
    /// Begins with nothing checked.
    pub(super) fn new(header: &'h Header) -> Self {
        Self {
            header,
            seen: HashSet::new(),
        }
    }

    /// Tells whether the file has a tensor of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.header.tensor(name).is_some()
    }

    /// Checks a matrix that rows are multiplied with: `rows × columns`.
    ///
    /// # Errors
    /// Of kind model, naming the tensor, if it is not there or candle could not take it.
    pub(super) fn matrix(&mut self, name: &str, rows: u64, columns: u64) -> Result<()> {
        let tensor = self.shaped(name, &[columns, rows])?;
        let float = kind_of(tensor.kind).is_some_and(Kind::is_float);
        if !float && !columns.is_multiple_of(ROW) {
            return Err(wrong(format!(
                "{} has rows of {columns}, which is no multiple of {ROW}",
                printable(name)
            )));
        }
        Ok(())
    }

    /// Checks a vector of `size` numbers.
    ///
    /// # Errors
    /// As [`Shapes::matrix`].
    pub(super) fn vector(&mut self, name: &str, size: u64) -> Result<()> {
        self.shaped(name, &[size]).map(drop)
    }

    /// Checks a vector that need not be there.
    ///
    /// # Errors
    /// As [`Shapes::matrix`].
    pub(super) fn vector_if_there(&mut self, name: &str, size: u64) -> Result<()> {
        if self.has(name) {
            self.vector(name, size)?;
        }
        Ok(())
    }

    /// Returns the tensor of that name, if its shape is `wanted`, in the file's order.
    ///
    /// # Errors
    /// As [`Shapes::matrix`].
    pub(super) fn shaped(&mut self, name: &str, wanted: &[u64]) -> Result<&'h TensorInfo> {
        self.seen.insert(name.to_owned());
        match self.header.tensor(name) {
            None => Err(wrong(format!("the file has no tensor {}", printable(name)))),
            Some(tensor) if tensor.shape != wanted => Err(wrong(format!(
                "{} has the shape {:?}, not {wanted:?}",
                printable(name),
                tensor.shape
            ))),
            Some(tensor) if !is_read(tensor.kind) => Err(wrong(format!(
                "{} is of the type {}",
                printable(name),
                type_name(tensor.kind)
            ))),
            Some(tensor) => Ok(tensor),
        }
    }

    /// Returns the width within the feed-forward: the columns of its last matrix; 0 where the
    /// file has no such tensor, which its own check then says.
    pub(super) fn inner(&self, down: &str) -> u64 {
        let down = self.header.tensor(down);
        down.and_then(|tensor| tensor.shape.first().copied())
            .unwrap_or(0)
    }

    /// Checks that the file has no tensor that was not asked for: the model would be computed
    /// without it, and answer badly.
    ///
    /// # Errors
    /// Of kind model, naming the tensor.
    pub(super) fn nothing_else(&self) -> Result<()> {
        let other = |tensor: &&TensorInfo| !self.seen.contains(&tensor.name);
        match self.header.tensors.iter().find(other) {
            None => Ok(()),
            Some(tensor) => Err(wrong(format!(
                "the file has a tensor {}, which is not known in this architecture",
                printable(&tensor.name)
            ))),
        }
    }
}

/// Returns the failure of a file that candle could not take.
pub(super) fn wrong(what: String) -> Failure {
    Failure::model("the model cannot be loaded")
        .because(what)
        .hint("use a Q4_K_M or Q8_0 file of the same model")
}
