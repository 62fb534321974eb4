//! Words for the keys of vim that mean nothing here.

use super::registers::Registers;

/// Says of keys that they mean nothing, or what it is that is not there.
pub(super) fn words(keys: &str) -> String {
    let command = keys.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut chars = command.chars();
    let why = match (chars.next(), chars.next()) {
        (Some('q' | '@'), _) => "there are no macros; . does the last change once more",
        (Some('m' | '\'' | '`'), _) => "there are no marks",
        (Some(':'), _) => "there is no command line; / with nothing typed begins a command",
        (Some('/' | '?'), _) => "there is no search in what is typed; f and t find a character",
        (Some('"'), Some(name)) if !Registers::has(name) => "the registers are a to z, 0 and _",
        (Some('='), _) | (Some('g'), Some('q' | 'w')) => "there is no formatting",
        (Some('!'), _) => "nothing goes through a command",
        (Some('Z'), _) => "Enter sends, Ctrl-C twice ends",
        _ => return format!("{keys} has no meaning here"),
    };
    format!("{keys}: {why}")
}

/// Says that nothing is in a register.
pub(super) fn empty(register: char) -> String {
    format!("nothing is in register {register}")
}
