//! The program: wires the parts, maps a failure to its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use homebody::cli::{self, Next, Opening};
use homebody::tui;
use homebody_ground::base::{Failure, Kind, Result, seal};
use homebody_inference::model::jinja;
use homebody_work::registry::{Puller, puller};

fn main() -> ExitCode {
    // A panic has been told by then, and the terminal was put back by whoever held it.
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Kind::Bug.exit_code());
    ExitCode::from(code)
}

fn run() -> u8 {
    match std::env::args_os().nth(1) {
        Some(word) if word == puller::PULLER_ARG => return code(puller::serve()),
        Some(word) if word == seal::cage::CAGE_ARG => return seal::cage::serve(),
        Some(word) if word == seal::worker::WORKER_ARG => {
            return seal::worker::serve(jinja::answer());
        }
        _ => {}
    }
    seal::worker::offer();
    let wiring = cli::Wiring {
        edit: tui::edit_file,
        check_theme: tui::check_theme,
        theme_names: tui::theme_names,
    };
    match cli::start(std::env::args_os(), wiring) {
        Next::Exit(code) => code,
        Next::Screen(opening) => code(screen(*opening).map(|session| {
            if let Some(session) = session {
                cli::farewell(&session);
            }
        })),
    }
}

/// The order is fixed: the process that may download is started first, then the seal goes on,
/// then the first thread is started and the first file read.
fn screen(opening: Opening) -> Result<Option<String>> {
    let puller = Puller::start().ok();
    let sealed = seal::put_on()?;
    tui::run(tui::Start {
        dir: opening.dir,
        places: opening.places,
        config: opening.config,
        script: opening.script,
        puller,
        sealed,
        resume: opening.resume,
        within: opening.within,
    })
}

fn code(outcome: Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(failure) => cli::report(&failure),
    }
}
