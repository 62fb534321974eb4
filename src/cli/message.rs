//! `message`: a commit message for what is staged.

use super::args::MessageArgs;
use super::follow::{Show, follow, ready};
use super::invocation::Invocation;
use super::{Code, NEGATIVE};
use crate::base::{Failure, Kind, Result};
use crate::jobs::{Answer, Request};
use crate::repo::DiffSpec;

/// Runs `message`.
pub(super) fn run(args: &MessageArgs, invocation: &mut Invocation) -> Result<Code> {
    let mut ready = ready(invocation, Some(&DiffSpec::Staged))?;
    let show = if args.json {
        Show::Json
    } else {
        Show::Progress
    };
    let Answer::Message { text, stopped } =
        follow(invocation, &mut ready, &Request::Message, show, false)?
    else {
        return Err(Failure::bug("a message was answered with something else"));
    };
    if !args.json {
        invocation.out.block(text.trim());
    }
    if stopped {
        return Ok(Kind::Interrupted.exit_code());
    }
    Ok(if text.trim().is_empty() { NEGATIVE } else { 0 })
}
