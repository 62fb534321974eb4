//! `config edit`: the user's own file in an editor, and a check of what was written.

use std::fmt::Write as _;

use super::Code;
use super::invocation::Invocation;
use super::settings::{facts, tell_wrong};
use super::settings_told::{complaints, keys, settings};
use super::start::Wiring;
use crate::base::Result;
use crate::base::{Config, Failure};

/// Runs `config edit`.
pub(super) fn run(as_json: bool, wiring: Wiring, invocation: &mut Invocation) -> Result<Code> {
    let file = invocation.places.settings();
    if Config::read_user_file(&file)?.is_none() {
        let themes = (wiring.theme_names)(&invocation.places.config.join("themes"));
        Config::write_user_file(&file, &beginning(&themes))?;
    }
    loop {
        (wiring.edit)(&file)?;
        let wrong = check(wiring, invocation)?;
        let code = tell_wrong(&wrong, as_json, invocation);
        if wrong.is_empty() {
            invocation
                .out
                .note(&format!("{} is as it should be", file.display()));
            return Ok(code);
        }
        if !invocation.agrees("edit it again?")? {
            return Ok(code);
        }
    }
}

/// All that is wrong in the file as it is now.
fn check(wiring: Wiring, invocation: &Invocation) -> Result<Vec<Failure>> {
    let file = invocation.places.settings();
    let text = Config::read_user_file(&file)?.unwrap_or_default();
    let mut config = Config::default();
    let mut wrong = config.add_user_text(&text, &file);
    let folder = invocation.places.config.join("themes");
    wrong.extend(complaints(&config, wiring, &folder));
    Ok(wrong)
}

/// The file to begin with: every setting as it is built in, each line a comment.
fn beginning(themes: &[String]) -> String {
    let config = Config::default();
    let mut text = "# Settings of homebody. A line counts once the `#` before it is gone.\n\
        # `homebody config` tells what is in force, and where it comes from.\n"
        .to_owned();
    for one in settings(&config, themes) {
        let built_in = &one.built_in;
        let _ = write!(
            text,
            "\n# {}\n# {}\n#{} = {built_in}",
            one.help,
            facts(&one),
            one.name
        );
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let mut place = None;
    for one in keys(&config) {
        if one.place != place {
            place = one.place;
            let _ = writeln!(text, "\n# Keys: {}", place.unwrap_or_default());
        }
        let _ = writeln!(text, "#{} = {}  # {}", one.name, one.built_in, one.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_file_to_begin_with_sets_nothing_and_every_line_of_it_can() {
        let text = beginning(&["dark".to_owned()]);
        let file = Path::new("/config.toml");
        let mut config = Config::default();
        assert!(config.add_user_text(&text, file).is_empty());
        assert_eq!(config, Config::default());
        let set = text
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter(|line| !line.ends_with('='));
        let set: String = set.map(|line| format!("{line}\n")).collect();
        let wrong = config.add_user_text(&set, file);
        assert!(wrong.is_empty(), "{wrong:?}\n{set}");
        assert!(config.keys.value.len() > 50 && config.threads.origin.line().is_some());
    }
}
