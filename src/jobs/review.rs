//! The review job.

use super::{Answer, Event, JobCx, Review};
use crate::base::{Failure, Result};

/// See [`super::run`].
pub(super) fn run(
    request: &Review,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    let _ = (request, cx, emit);
    Err(Failure::bug("review is not built"))
}
