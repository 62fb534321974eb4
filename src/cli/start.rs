//! The way from the words of the command line to a command that has run, and its exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::Arc;

use clap::CommandFactory as _;

use super::args::{
    Command, CommandLine, ContextOf, DebugCommand, Global, ReviewFormat, Screen, SearchFormat,
    parsed,
};
use super::consent::WideFolder;
use super::invocation::Invocation;
use super::out::Out;
use super::settings_read::settings;
use super::{
    Code, ask, bench, complete, completions, context, debug, doctor, forget, index, message,
    models, patch, review, search, sessions, undo,
};
use crate::base::config::{ColorChoice, Origin};
use crate::base::text::{hides, printable};
use crate::base::{Config, Failure, Kind, Places, RepoPath, Result, seal};
use crate::jobs::Event;

/// The next thing that the program does.
#[derive(Debug)]
pub enum Next {
    /// End with this code.
    Exit(u8),
    /// Open the screen.
    Screen(Box<Opening>),
}

/// The things that the screen is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The folder.
    pub dir: PathBuf,
    /// The user's folders.
    pub places: Places,
    /// Defaults, user file, environment and command line.
    pub config: Config,
    /// A script to play instead of a model.
    pub script: Option<PathBuf>,
    /// A session to go on with; `Some("")` for the last one.
    pub resume: Option<String>,
    /// Files and folders that all is narrowed to.
    pub within: Vec<RepoPath>,
}

/// The parts of the screen that commands use too, handed in by whoever knows both.
#[derive(Debug, Clone, Copy)]
pub struct Wiring {
    /// Opens a file in the user's editor, and waits.
    pub edit: fn(&Path) -> Result<()>,
    /// Checks that there is a theme of a name, built in or in the folder.
    pub check_theme: fn(&str, &Path) -> Result<()>,
    /// The names of all themes, those in the folder too.
    pub theme_names: fn(&Path) -> Vec<String>,
}

/// Reads the command line and carries out what it says; the screen is left to the caller.
pub fn start(words: impl IntoIterator<Item = OsString>, wiring: Wiring) -> Next {
    let words = match asked_for_help(words.into_iter().collect()) {
        Ok(words) => words,
        Err(failure) => return Next::Exit(report(&failure)),
    };
    if let [_, first, which] = words.as_slice()
        && first == seal::PROBE_ARG
    {
        let (text, content) = seal::answer_probe(&which.to_string_lossy());
        let mut out = Out::new(ColorChoice::Never, true, false);
        out.raw(&text);
        return Next::Exit(u8::from(!content));
    }
    write_past_limits_fails();
    let line = match parsed(&words) {
        Ok(line) => line,
        Err(error) => {
            if error.kind() == clap::error::ErrorKind::UnknownArgument
                && let Some(failure) = misspelt(&words)
            {
                return Next::Exit(report(&failure));
            }
            let error = tame(&words, error);
            // A closed pipe under `--help | head` is no failure.
            let _ = error.print();
            return Next::Exit(if error.use_stderr() {
                Kind::Usage.exit_code()
            } else {
                0
            });
        }
    };
    let CommandLine {
        global,
        screen,
        command,
    } = line;
    match command {
        Some(command) => Next::Exit(headless(&global, &screen, command, wiring)),
        None => match opening(&global, screen) {
            Ok(opening) => Next::Screen(Box::new(opening)),
            Err(failure) => Next::Exit(report(&failure)),
        },
    }
}

/// `help`, and `help COMMAND`, as other programs have it: the same as `--help`. A folder of that name
/// is opened as `./help`.
///
/// # Errors
/// Of kind usage, where there is no such command.
fn asked_for_help(words: Vec<OsString>) -> Result<Vec<OsString>> {
    let [program, help, rest @ ..] = words.as_slice() else {
        return Ok(words);
    };
    if help != "help" {
        return Ok(words);
    }
    let known = |word: &OsString| {
        let commands = CommandLine::command();
        word.to_str()
            .is_some_and(|word| commands.find_subcommand(word).is_some())
    };
    if let Some(unknown) = rest.first().filter(|word| !known(word)) {
        let unknown = unknown.to_string_lossy();
        return Err(Failure::usage(format!("there is no command `{unknown}`"))
            .hint("`homebody --help` lists the commands"));
    }
    let mut asked = vec![program.clone()];
    asked.extend(rest.iter().cloned());
    asked.push("--help".into());
    Ok(asked)
}

/// Has a write fail that would make a file larger than the system allows this process
/// (`ulimit -f`): as it is, such a write ends the process without a word.
fn write_past_limits_fails() {
    #[cfg(unix)]
    {
        // Where it cannot be caught, it is as it was.
        let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::default());
    }
}

/// An error of clap with nothing in it that a terminal obeys: words come from file names, too.
fn tame(words: &[OsString], error: clap::Error) -> clap::Error {
    if !error.to_string().split('\n').any(hides) {
        return error;
    }
    let safe: Vec<OsString> = words
        .iter()
        .map(|word| printable(&word.to_string_lossy()).into_owned().into())
        .collect();
    match parsed(&safe) {
        Err(error) => error,
        // Shown, the words are no mistake any more; nobody is told what it was then.
        Ok(_) => clap::Error::raw(error.kind(), "the words cannot be understood\n"),
    }
}

/// Says how to go on with a conversation that has ended, where somebody reads it.
pub fn farewell(session: &str) {
    let mut out = Out::new(ColorChoice::Auto, false, false);
    if std::io::stderr().is_terminal() {
        out.note(&format!(
            "homebody --resume={session} goes on with this conversation"
        ));
    }
}

/// Tells a failure on standard error. Returns the exit code it asks for.
pub fn report(failure: &Failure) -> u8 {
    Out::new(ColorChoice::Auto, false, false).failure(failure);
    failure.kind().exit_code()
}

/// Settles what the screen is opened with.
fn opening(global: &Global, screen: Screen) -> Result<Opening> {
    let mut dir = global.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    if let Some(path) = screen.path {
        dir = dir.join(path);
    }
    if !dir.is_dir() {
        return Err(no_folder(&dir));
    }
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Failure::usage("the screen needs a terminal").hint(
            "give a command, such as `homebody ask QUESTION`; `homebody --help` lists them",
        ));
    }
    let places = Places::find()?;
    places.check_owner()?;
    let mut config = settings(&places, global, screen.theme)?;
    if screen.plain_ui {
        config.plain_ui.set(true, Origin::CommandLine);
    }
    if let Some(folder) = WideFolder::of(&dir, &places).filter(|_| !global.yes) {
        Out::new(config.color.value, false, false).ask(&folder.question());
        let mut answer = String::new();
        // An end of input is a no.
        let _ = io::stdin().read_line(&mut answer);
        if !WideFolder::is_leave(&answer) {
            return Err(folder.refusal());
        }
    }
    crate::engine::set_threads(config.threads.value);
    Ok(Opening {
        dir,
        places,
        config,
        script: global.engine.clone(),
        within: screen.part.within()?,
        resume: screen.resume,
    })
}

/// The failure for a first word that is no command and no folder, with more words behind it: those
/// were meant for a command, and what clap says of them would lead astray.
fn misspelt(words: &[OsString]) -> Option<Failure> {
    let definition = super::args::definition();
    let is_command = |word: &OsString| {
        word.to_str()
            .is_some_and(|word| definition.find_subcommand(word).is_some())
    };
    let mut behind = words.iter().skip(1);
    if behind.clone().any(is_command) {
        return None;
    }
    let first = behind.find(|word| !word.to_string_lossy().starts_with('-'))?;
    let path = std::path::Path::new(first);
    (!path.exists()).then(|| no_folder(path))
}

/// The failure for a path that is not there, which may be a command misspelt.
fn no_folder(dir: &std::path::Path) -> Failure {
    let said = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    if dir.is_file() {
        let beside = dir.parent().filter(|beside| !beside.as_os_str().is_empty());
        let beside = beside.unwrap_or(std::path::Path::new("."));
        let name = said.unwrap_or_default();
        return Failure::usage(format!(
            "`{}` is a file, and homebody opens folders",
            printable(&dir.display().to_string().replacen("./", "", 1))
        ))
        .hint(printable(&format!(
            "`homebody {}` opens its folder; `homebody ask \"what is in @{name}?\"` asks about it",
            beside.display()
        )));
    }
    let failure = Failure::usage(format!(
        "there is no command and no folder `{}`",
        printable(&dir.display().to_string().replacen("./", "", 1))
    ));
    let definition = super::args::definition();
    let nearest = said.and_then(|said| {
        definition
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| {
                (
                    strsim::damerau_levenshtein(command.get_name(), &said),
                    command,
                )
            })
            .filter(|(distance, command)| *distance <= (command.get_name().len() / 3).max(1))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, command)| command.get_name().to_owned())
    });
    match nearest {
        Some(name) => failure.hint(format!("did you mean `homebody {name}`?")),
        None => failure.hint("`homebody --help` lists the commands"),
    }
}

/// Carries out a command, and tells its failure. Returns the exit code.
fn headless(global: &Global, screen: &Screen, command: Command, wiring: Wiring) -> u8 {
    let first = Out::new(ColorChoice::Auto, global.quiet, global.verbose);
    let json = speaks_json(&command);
    let events = json && tells_events(&command);
    let (outcome, mut out) = carry_out(global, screen, command, wiring, first);
    let code = match outcome {
        Ok(code) => code,
        Err(failure) => {
            if out.closed() {
                0
            } else {
                // Jobs have told their own failures; what fails outside is told here.
                if json && !out.told {
                    // An event can always be written.
                    let _ = out.json(&Event::error(&failure));
                }
                out.failure(&failure);
                failure.kind().exit_code()
            }
        }
    };
    if events {
        let _ = out.json(&Event::Done);
    }
    match out.finish() {
        Some(failure) => {
            out.failure(&failure);
            failure.kind().exit_code()
        }
        None if out.closed() => 0,
        None => code,
    }
}

/// Tells whether a command writes its events one by one, and says when the last is written.
const fn tells_events(command: &Command) -> bool {
    matches!(
        command,
        Command::Ask(_) | Command::Patch(_) | Command::Message(_)
    )
}

/// Tells whether a command answers in JSON.
const fn speaks_json(command: &Command) -> bool {
    match command {
        Command::Ask(args) => args.json,
        Command::Patch(args) => args.json,
        Command::Message(args) => args.json,
        Command::Undo(args) => args.json,
        Command::Review(args) => matches!(args.wanted(), ReviewFormat::Json),
        Command::Search(args) => args.json || matches!(args.format, SearchFormat::Json),
        Command::Context(args) => match &args.of {
            ContextOf::Ask(of) => of.json,
            ContextOf::Patch(of) => of.json,
            ContextOf::Review(of) => matches!(of.wanted(), ReviewFormat::Json),
        },
        Command::Index(args) => args.json,
        Command::Models(command) => command.json(),
        Command::Bench(args) => args.json,
        Command::Doctor(args) => args.json,
        Command::Config(args) => args.json,
        Command::Sessions(args) => args.json,
        Command::Forget(args) => args.json,
        Command::Completions(_) | Command::Man | Command::Debug(_) => false,
    }
}

fn carry_out(
    global: &Global,
    screen: &Screen,
    command: Command,
    wiring: Wiring,
    mut out: Out,
) -> (Result<Code>, Out) {
    if let Some(path) = &screen.path {
        let failure = Failure::usage(format!(
            "a folder (`{}`) and a command do not go together",
            printable(&path.display().to_string())
        ))
        .hint("name the folder with -C DIR");
        return (Err(failure), out);
    }
    // These work anywhere, whatever the configuration says.
    match &command {
        Command::Completions(args) => {
            completions::completions(args, &mut out);
            return (Ok(0), out);
        }
        Command::Debug(DebugCommand::Complete { words }) => {
            complete::run(words, wiring, &mut out);
            return (Ok(0), out);
        }
        Command::Man => {
            let built_in = (wiring.theme_names)(Path::new(""));
            out.raw(&super::manual::page(&built_in));
            return (Ok(0), out);
        }
        // Settings that are wrong are mended by it.
        Command::Config(args) => {
            return match Invocation::set_as_far_as_it_goes(global, out) {
                Ok((mut invocation, wrong)) => {
                    let outcome = super::settings::run(args, wiring, &wrong, &mut invocation);
                    (outcome, invocation.out)
                }
                Err((failure, out)) => (Err(failure), out),
            };
        }
        _ => {}
    }
    let mut invocation = match Invocation::set(global, out) {
        Ok(invocation) => invocation,
        Err((failure, out)) => return (Err(failure), out),
    };
    let outcome = match command {
        Command::Ask(args) => ask::run(&args, &mut invocation),
        Command::Patch(args) => patch::run(&args, &mut invocation),
        Command::Undo(args) => undo::run(&args, &mut invocation),
        Command::Review(args) => review::run(&args, &mut invocation),
        Command::Message(args) => message::run(&args, &mut invocation),
        Command::Search(args) => search::run(&args, &mut invocation),
        Command::Context(args) => match args.of {
            ContextOf::Ask(of) => context::ask(&of, args.full, &mut invocation),
            ContextOf::Patch(of) => context::patch(&of, args.full, &mut invocation),
            ContextOf::Review(of) => context::review(&of, args.full, &mut invocation),
        },
        Command::Index(args) => index::run(&args, &mut invocation),
        Command::Models(command) => models::run(command, &mut invocation),
        Command::Bench(args) => bench::run(&args, &mut invocation),
        Command::Doctor(args) => doctor::run(&args, &mut invocation),
        Command::Sessions(args) => sessions::run(args, &mut invocation),
        Command::Forget(args) => forget::run(&args, &mut invocation),
        Command::Debug(command) => debug::run(command, &mut invocation),
        Command::Completions(_) | Command::Man | Command::Config(_) => Ok(0),
    };
    (outcome, invocation.out)
}
