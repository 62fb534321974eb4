//! The patch job.

use super::{Answer, Event, JobCx, Patch};
use crate::base::{Failure, Result};

/// See [`super::run`].
pub(super) fn run(
    request: &Patch,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    let _ = (request, cx, emit);
    Err(Failure::bug("patch is not built"))
}
