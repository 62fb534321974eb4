//! Settings that git hands down to what it starts: those of `git -c NAME=VALUE`
//! (`GIT_CONFIG_PARAMETERS`, which a hook of `git -c … commit` gets) and of `GIT_CONFIG_COUNT`, with
//! which containers and build services set git up.
//!
//! libgit2 knows neither, so they are written as a file of settings that lies in memory, and laid
//! over all others, as git does. That needs a file without a folder (`memfd_create`): they count on
//! Linux alone.

use git2::{Config, ConfigLevel};

use crate::base::{Failure, Result};

/// Settings in the order in which git takes them, with names as given; a value that is missing
/// means true.
type Settings = Vec<(String, Option<String>)>;

/// The settings of the environment as a file of git's; empty where there are none.
///
/// # Errors
/// Of kind input, where they are not in git's form: git refuses to run then.
pub(super) fn of_the_environment() -> Result<String> {
    text(&settings(|name| {
        Some(std::env::var_os(name)?.to_string_lossy().into_owned())
    })?)
}

/// Lays the settings of the environment over those of `config`, where there are any.
///
/// # Errors
/// Those of [`of_the_environment`]; of kind environment, where there is no memory for them.
pub(super) fn add_to(config: &mut Config) -> Result<()> {
    let text = of_the_environment()?;
    if text.is_empty() {
        return Ok(());
    }
    add(config, &text)
}

#[cfg(target_os = "linux")]
fn add(config: &mut Config, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;

    use crate::base::failure::io_failure;

    // libgit2 looks at a file of settings again each time it is asked, so it stays; the environment
    // of a process does not change, and so one does.
    static FILE: OnceLock<std::fs::File> = OnceLock::new();
    let no_room = |e: &std::io::Error| io_failure("cannot keep git's settings in memory", e);
    let file = match FILE.get() {
        Some(file) => file,
        None => {
            let flags = rustix::fs::MemfdFlags::CLOEXEC;
            let made = rustix::fs::memfd_create("git settings", flags);
            let mut file = std::fs::File::from(made.map_err(|e| no_room(&e.into()))?);
            file.write_all(text.as_bytes()).map_err(|e| no_room(&e))?;
            FILE.get_or_init(|| file)
        }
    };
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    config
        .add_file(path.as_ref(), ConfigLevel::App, true)
        .map_err(|e| malformed(e.message()))
}

#[cfg(not(target_os = "linux"))]
fn add(_config: &mut Config, _text: &str) -> Result<()> {
    Ok(())
}

fn malformed(why: impl std::fmt::Display) -> Failure {
    Failure::input("git's settings in the environment are not in git's form")
        .because(why)
        .hint("see GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS: `git config list` refuses them too")
}

/// The settings that the variables hold which `variable` reads, those that count more last.
fn settings(variable: impl Fn(&str) -> Option<String>) -> Result<Settings> {
    let mut all = Vec::new();
    if let Some(count) = variable("GIT_CONFIG_COUNT").filter(|count| !count.is_empty()) {
        let count: u16 = count
            .parse()
            .map_err(|e| malformed(format!("GIT_CONFIG_COUNT={count}: {e}")))?;
        for n in 0..count {
            let of = |what: &str| {
                let name = format!("GIT_CONFIG_{what}_{n}");
                variable(&name).ok_or_else(|| malformed(format!("there is no {name}")))
            };
            all.push((of("KEY")?, Some(of("VALUE")?)));
        }
    }
    if let Some(parameters) = variable("GIT_CONFIG_PARAMETERS") {
        read_parameters(&parameters, &mut all)?;
    }
    Ok(all)
}

/// Reads `'NAME'='VALUE'`, `'NAME'=` and `'NAME=VALUE'`, the form before git 2.31, with blanks
/// between them.
fn read_parameters(mut rest: &str, all: &mut Settings) -> Result<()> {
    let bad = || malformed("GIT_CONFIG_PARAMETERS is not quoted as git quotes it");
    loop {
        rest = rest.trim_start_matches(' ');
        if rest.is_empty() {
            return Ok(());
        }
        let (first, after) = unquoted(rest).ok_or_else(bad)?;
        rest = after;
        let setting = if let Some(after) = rest.strip_prefix('=') {
            rest = after;
            if rest.is_empty() || rest.starts_with(' ') {
                (first, None)
            } else {
                let (value, after) = unquoted(rest).ok_or_else(bad)?;
                rest = after;
                (first, Some(value))
            }
        } else {
            match first.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (first, None),
            }
        };
        if !(rest.is_empty() || rest.starts_with(' ')) {
            return Err(bad());
        }
        all.push(setting);
    }
}

/// A text in the single quotes of a shell, in which `'` stands as `'\''` and `!` as `'\!'`, and
/// what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut out = String::new();
    loop {
        let (plain, after) = rest.split_once('\'')?;
        out.push_str(plain);
        let escaped = after.strip_prefix('\\').and_then(|escaped| {
            let mut letters = escaped.chars();
            let letter = letters.next().filter(|c| "'!".contains(*c))?;
            Some((letter, letters.as_str().strip_prefix('\'')?))
        });
        let Some((letter, after)) = escaped else {
            return Some((out, after));
        };
        out.push(letter);
        rest = after;
    }
}

/// The settings as a file of git's.
fn text(settings: &Settings) -> Result<String> {
    let mut out = String::new();
    for (name, value) in settings {
        let bad = || malformed(format!("{name:?} is no name of a setting"));
        let (section, rest) = name.split_once('.').ok_or_else(bad)?;
        let (within, key) = match rest.rsplit_once('.') {
            Some((within, key)) => (Some(within), key),
            None => (None, rest),
        };
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let begins = key.starts_with(|c: char| c.is_ascii_alphabetic());
        if !word(section) || !word(key) || !begins || rest.contains('\n') {
            return Err(bad());
        }
        out += &match within {
            Some(within) => format!("[{section} {}]\n", quoted(within)),
            None => format!("[{section}]\n"),
        };
        out += &match value {
            Some(value) => format!("{key} = {}\n", quoted(value)),
            None => format!("{key}\n"),
        };
    }
    Ok(out)
}

/// A text in the double quotes of a file of settings.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn of(variables: &[(&str, &str)]) -> Result<Settings> {
        settings(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    /// What git itself makes of settings in the environment: each as its name, a line break and
    /// its value.
    fn as_git_reads(variables: &[(&str, &str)]) -> Option<Vec<String>> {
        let empty = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("git");
        command
            .args(["config", "--list", "--null"])
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(empty.path());
        for (name, value) in variables {
            command.env(name, value);
        }
        let output = command.output().expect("git");
        let text = String::from_utf8(output.stdout).expect("text");
        let lines = || text.split_terminator('\0').map(str::to_owned).collect();
        output.status.success().then(lines)
    }

    fn as_read_here(variables: &[(&str, &str)]) -> Option<Vec<String>> {
        let text = text(&of(variables).ok()?).ok()?;
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let config = Config::open(file.path()).ok()?;
        let mut all = Vec::new();
        let mut entries = config.entries(None).ok()?;
        while let Some(entry) = entries.next() {
            let entry = entry.expect("a setting");
            let name = entry.name().expect("text").to_owned();
            all.push(if entry.has_value() {
                format!("{name}\n{}", entry.value().expect("text"))
            } else {
                name
            });
        }
        Some(all)
    }

    #[test]
    fn settings_of_the_environment_are_read_as_git_reads_them() {
        let parameters = |text| vec![("GIT_CONFIG_PARAMETERS", text)];
        let cases: Vec<Vec<(&str, &str)>> = vec![
            vec![],
            vec![("GIT_CONFIG_COUNT", "")],
            vec![("GIT_CONFIG_COUNT", "0")],
            vec![
                ("GIT_CONFIG_COUNT", "3"),
                ("GIT_CONFIG_KEY_0", "core.excludesFile"),
                ("GIT_CONFIG_VALUE_0", "a \"b\" \\c # d ; e"),
                ("GIT_CONFIG_KEY_1", "url.https://x.y/Z\"\\.insteadOf"),
                ("GIT_CONFIG_VALUE_1", " two\nlines\t"),
                ("GIT_CONFIG_KEY_2", "Diff.Renames"),
                ("GIT_CONFIG_VALUE_2", ""),
                ("GIT_CONFIG_PARAMETERS", "'diff.renames'='copies'"),
            ],
            parameters("'core.a'='it'\\''s'  'core.b'= 'core.c=old=1' 'core.d' "),
            parameters("'core.a'='x'\\!'y'"),
            parameters("'core.a'='x'y"),
            parameters("core.a=x"),
            parameters("'core.a'='x"),
            parameters("'a'='x'"),
            parameters("'core.1a'='x'"),
            parameters("'co_re.a'='x'"),
            vec![("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.a")],
            vec![("GIT_CONFIG_COUNT", "one")],
            vec![("GIT_CONFIG_COUNT", "-1")],
        ];
        for case in cases {
            assert_eq!(as_read_here(&case), as_git_reads(&case), "{case:?}");
        }
    }
}
