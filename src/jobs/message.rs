//! The commit message job.

use super::{Answer, Event, JobCx};
use crate::base::{Failure, Result};

/// See [`super::run`].
pub(super) fn run(cx: &mut JobCx<'_>, emit: &mut dyn FnMut(Event)) -> Result<Answer> {
    let _ = (cx, emit);
    Err(Failure::bug("message is not built"))
}
