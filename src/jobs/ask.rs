//! The ask job.

use super::{Answer, Ask, Event, JobCx};
use crate::base::{Failure, Result};

/// See [`super::run`].
pub(super) fn run(
    request: &Ask,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    let _ = (request, cx, emit);
    Err(Failure::bug("ask is not built"))
}
