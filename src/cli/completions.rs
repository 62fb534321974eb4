//! `completions` and `man`: made from the same definition as the parser.

use super::args::{CompletionsArgs, definition};
use super::out::Out;
use crate::base::{Failure, Result};

/// Runs `completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs, out: &mut Out) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "homebody", &mut text);
    out.raw(&String::from_utf8_lossy(&text));
}

/// Runs `man`: the page of the program, followed by a section for each command.
pub(super) fn man(out: &mut Out) -> Result<()> {
    let failed = |e: std::io::Error| Failure::bug("the manual cannot be written").caused_by(&e);
    let mut command = definition();
    command.build();
    let page = clap_mangen::Man::new(command.clone()).manual("homebody");
    let mut text = Vec::new();
    page.render(&mut text).map_err(failed)?;
    sections(&command, "homebody", &mut text).map_err(failed)?;
    out.raw(&String::from_utf8_lossy(&text));
    Ok(())
}

/// Writes a section for each command, those of a command with commands of its own behind it.
fn sections(of: &clap::Command, before: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    for inner in of.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let name = format!("{before} {}", inner.get_name());
        text.extend_from_slice(format!(".SH {}\n", name.to_uppercase()).as_bytes());
        let page = clap_mangen::Man::new(inner.clone());
        page.render_synopsis_section(text)?;
        page.render_description_section(text)?;
        page.render_options_section(text)?;
        sections(inner, &name, text)?;
    }
    Ok(())
}
