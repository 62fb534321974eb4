//! `completions`: made from the same definition as the parser.

use super::args::{CompletionsArgs, definition};
use super::out::Out;

/// Runs `completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs, out: &mut Out) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "homebody", &mut text);
    out.raw(&String::from_utf8_lossy(&text));
}
