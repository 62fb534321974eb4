//! The context that fits the memory that is free: told before a model is loaded, and never crossed.

use super::inspect::Inspection;
use super::local::LEAST_ANSWER;
use crate::base::text::{human_bytes, human_count};
use crate::base::{Failure, Result};

/// Context in tokens where neither user nor model asks for less.
const USUAL_CONTEXT: usize = 8192;
/// The least context in tokens that is of use.
const LEAST_CONTEXT: usize = 2048;

/// Returns the context, in tokens, to load the model called `name` with: the one `asked` for, or
/// with 0 one that suits it and the `free` bytes (0 where the system does not tell).
///
/// # Errors
/// Of kind usage, where more was asked for than the model takes; of kind model, where it does
/// not fit in memory: both say what would.
pub(super) fn context(
    inspection: &Inspection,
    name: &str,
    asked: usize,
    free: u64,
) -> Result<usize> {
    let native = (inspection.context as usize).max(1);
    if asked > native {
        return Err(Failure::usage(format!(
            "a context of {} tokens is more than the model takes",
            human_count(asked as u64)
        ))
        .because(format!("it was made for {}", human_count(native as u64)))
        .hint("lower --ctx, or leave it out"));
    }
    let wanted = match asked {
        0 => native.min(USUAL_CONTEXT),
        asked => asked,
    };
    // Where the system does not tell what is free, every context fits.
    let fits = if free == 0 {
        usize::MAX
    } else {
        inspection.most_context(free)
    };
    if wanted <= fits {
        return Ok(wanted);
    }
    // A smaller context is better than no answer, down to a size that is of use.
    if asked == 0 && fits >= LEAST_CONTEXT.min(native) {
        return Ok(fits);
    }
    let failure = Failure::model(format!("{name} does not fit in memory")).because(format!(
        "it takes about {} with a context of {} tokens, and {} are free",
        human_bytes(inspection.memory_bytes(wanted)),
        human_count(wanted as u64),
        human_bytes(free)
    ));
    Err(if asked > 0 && fits >= LEAST_ANSWER * 2 {
        failure.hint(format!(
            "a context of {} tokens fits: --ctx {fits}",
            human_count(fits as u64)
        ))
    } else {
        failure.hint(
            "choose a smaller model (`homebody models list`), lower --ctx, or close other programs",
        )
    })
}
