//! `message`: a commit message for what is staged.

use super::args::MessageArgs;
use super::follow::{Show, follow, ready};
use super::invocation::Invocation;
use super::start::{Code, NEGATIVE};
use crate::base::{Failure, Kind, Result};
use crate::jobs::{Answer, Request};
use crate::repo::DiffSpec;

/// Runs `message`.
pub(super) fn run(args: &MessageArgs, desk: &mut Invocation) -> Result<Code> {
    let mut ready = ready(desk, Some(&DiffSpec::Staged))?;
    let show = if args.json {
        Show::Json
    } else {
        Show::Progress
    };
    let Answer::Message { text, stopped } =
        follow(desk, &mut ready, &Request::Message, show, false)?
    else {
        return Err(Failure::bug("a message was answered with something else"));
    };
    if !args.json {
        desk.out.block(text.trim());
    }
    if stopped {
        return Ok(Kind::Interrupted.exit_code());
    }
    Ok(if text.trim().is_empty() { NEGATIVE } else { 0 })
}
