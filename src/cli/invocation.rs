//! The invocation of a command: the folders, settings, seal, model and repository, made ready in
//! that order before its own work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::args::Global;
use super::consent::Leave;
use super::out::{Out, bar};
use super::settings_read::settings_as_far_as_they_go;
use crate::base::seal::{self, Sealed};
use crate::base::text::{counted, human_bytes, human_count, human_time, printable};
use crate::base::{Cancel, CancelSource, Config, Failure, Kind, Places, Result, memory};
use crate::engine::Engine;
use crate::index::{self, Index};
use crate::jobs::{ModelChoice, Workspace, choose_model, load_engine};
use crate::registry::{Catalog, Model, Puller, Store};
use crate::repo::Skipped;

/// Says why no file of a folder counts.
fn nothing_counts(skipped: &Skipped) -> String {
    let counts = skipped.counts().into_iter();
    let why = counts.map(|(count, what)| format!("{} {what}", human_count(count as u64)));
    let why: Vec<String> = why.collect();
    if why.is_empty() {
        return "there is no file here to be read".to_owned();
    }
    let rule = match skipped.ignored {
        0 => "",
        _ => {
            "; `git check-ignore -v PATH` names the rule, `.homebodyignore` and the key `exclude` \
             count too"
        }
    };
    format!("no file here is read: {}{rule}", why.join(", "))
}

/// A model that was settled on, and the process that can fetch it if it is not here.
pub(super) struct Chosen {
    choice: ModelChoice,
    puller: Option<Puller>,
}

impl Chosen {
    /// Tells whether the model is not on this machine yet.
    pub(super) fn is_to_be_fetched(&self) -> bool {
        matches!(self.choice, ModelChoice::Fetch(_))
    }
}

/// A command's surroundings.
pub(super) struct Invocation {
    /// The outputs.
    pub(super) out: Out,
    /// The user's folders.
    pub(super) places: Places,
    /// Defaults, user file, environment and command line.
    pub(super) config: Config,
    /// The folder to work in.
    pub(super) dir: PathBuf,
    /// A script to play instead of a model.
    pub(super) script: Option<PathBuf>,
    /// True if a model that is needed may be fetched without asking.
    pub(super) yes: bool,
    /// The source that cancels the job.
    pub(super) stop: CancelSource,
    /// The cancel token, made before any signal is caught, and the only one: an interrupt between
    /// two parts of a command must reach the second.
    token: Cancel,
    /// True once a signal asked us to stop.
    stopped: Arc<AtomicBool>,
    sealed: Option<Sealed>,
    signals: bool,
}

impl Invocation {
    /// Reads the user's settings. The number of threads is said to the engine here, before
    /// there is a second thread.
    pub(super) fn set(global: &Global, out: Out) -> Result<Self, (Failure, Out)> {
        match Self::set_as_far_as_it_goes(global, out) {
            Ok((invocation, wrong)) => match wrong.into_iter().next() {
                Some(failure) => Err((failure, invocation.out)),
                None => Ok(invocation),
            },
            Err(failed) => Err(failed),
        }
    }

    /// The same, with all that is wrong in the settings.
    pub(super) fn set_as_far_as_it_goes(
        global: &Global,
        out: Out,
    ) -> Result<(Self, Vec<Failure>), (Failure, Out)> {
        let found = Places::find().and_then(|places| places.check_owner().map(|()| places));
        let places = match found {
            Ok(places) => places,
            Err(failure) => return Err((failure, out)),
        };
        let (config, wrong) = settings_as_far_as_they_go(&places, global, None);
        crate::engine::set_threads(config.threads.value);
        let stop = CancelSource::new();
        let invocation = Self {
            out: Out::new(config.color.value, global.quiet, global.verbose),
            places,
            config,
            dir: global.dir.clone().unwrap_or_else(|| PathBuf::from(".")),
            script: global.engine.clone(),
            yes: global.yes,
            token: stop.token(),
            stop,
            stopped: Arc::new(AtomicBool::new(false)),
            sealed: None,
            signals: false,
        };
        Ok((invocation, wrong))
    }

    /// Puts the seal on, once.
    pub(super) fn seal(&mut self) -> Result<Sealed> {
        if let Some(sealed) = &self.sealed {
            return Ok(sealed.clone());
        }
        let sealed = seal::put_on()?;
        if let Sealed::No(why) = &sealed {
            self.out.detail(&format!("not sealed: {why}"));
        }
        self.sealed = Some(sealed.clone());
        if self.signals {
            self.watch();
        }
        Ok(sealed)
    }

    /// The models on this machine.
    pub(super) fn store(&self) -> Store {
        Store::new(self.places.models())
    }

    /// The catalog, with the user's own additions.
    pub(super) fn catalog(&self) -> Result<Catalog> {
        Catalog::load(&self.places.config)
    }

    /// Catches signals: the first interrupt stops the job, the second this process.
    pub(super) fn catch_signals(&mut self) {
        if self.signals {
            return;
        }
        self.signals = true;
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                // Where a signal cannot be caught it ends the process, as it would anyway.
                let _ = signal_hook::flag::register_conditional_default(
                    signal,
                    Arc::clone(&self.stopped),
                );
                let _ = signal_hook::flag::register(signal, Arc::clone(&self.stopped));
            }
        }
        if self.sealed.is_some() {
            self.watch();
        }
    }

    /// The token that tells every part of the command that it was interrupted.
    pub(super) fn cancel(&self) -> Cancel {
        self.token.clone()
    }

    /// Tells whether a signal asked us to stop.
    pub(super) fn stop_was_asked(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Carries a caught signal to the job; a thread, so only behind the seal.
    pub(super) fn watch(&self) {
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
            use signal_hook::low_level::emulate_default_handler;

            /// The time that a job may take to end in order.
            const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
            let stop = self.stop.clone();
            let stopped = Arc::clone(&self.stopped);
            if let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
            {
                // Without the thread the second interrupt ends the process.
                let _ = std::thread::Builder::new()
                    .name("signals".to_owned())
                    .spawn(move || {
                        if stopped.load(Ordering::Acquire) {
                            stop.cancel();
                        }
                        for signal in signals.forever() {
                            stop.cancel();
                            // Whoever sends this one sends it once, and the job may wait for input
                            // that never comes. A patch that is cut off is taken back.
                            if signal != SIGINT {
                                std::thread::sleep(PATIENCE);
                                let _ = emulate_default_handler(signal);
                            }
                        }
                    });
            }
        }
    }

    /// Checks that the folder to work in is there, before a model is fetched for it.
    pub(super) fn check_dir(&self) -> Result<()> {
        if self.dir.is_dir() {
            Ok(())
        } else {
            Err(Failure::environment(format!(
                "there is no folder {}",
                printable(&self.dir.display().to_string())
            )))
        }
    }

    /// Settles the model, puts the seal on, fetches the model if it must be.
    pub(super) fn model(&mut self) -> Result<ModelChoice> {
        let chosen = self.choose()?;
        self.seal()?;
        self.fetched(chosen)
    }

    /// Settles which model is to run. If it must be fetched, the process that may is started
    /// now: behind the seal it is too late. Until it is told a name it does nothing.
    pub(super) fn choose(&mut self) -> Result<Chosen> {
        self.catch_signals();
        if let Some(script) = self.script.clone() {
            return Ok(Chosen {
                choice: ModelChoice::Script(script),
                puller: None,
            });
        }
        let wanted = self.config.model.value.as_deref();
        let (catalog, store) = (self.catalog()?, self.store());
        let choice = choose_model(wanted, &catalog, &store, memory::available())?;
        let puller = match &choice {
            ModelChoice::Fetch(_) => Some(Puller::start()?),
            _ => None,
        };
        Ok(Chosen { choice, puller })
    }

    /// Makes sure that the model is here: it is fetched with leave where it is not. With `--yes`,
    /// where nobody asked for this very one, the next of the plan is the way out when a host cannot
    /// be reached.
    pub(super) fn fetched(&mut self, chosen: Chosen) -> Result<ModelChoice> {
        let (model, mut puller) = match chosen {
            Chosen {
                choice: ModelChoice::Fetch(model),
                puller: Some(puller),
            } => (model, puller),
            Chosen { choice, .. } => return Ok(choice),
        };
        let asked_for = self.config.model.value.is_some();
        let model = match self.leave(&model, asked_for)? {
            Leave::Granted => model,
            Leave::Other(name) => {
                let other = self.catalog()?.find(&name)?.clone();
                return self.fetch_one(&other, &mut puller).map_err(no_model);
            }
        };
        // Named or agreed to, it is this one or none; only who leaves the choice to us gets
        // another where a host cannot be reached.
        if asked_for || !self.yes {
            return self.fetch_one(&model, &mut puller).map_err(no_model);
        }
        self.out.note("no model is on this machine yet");
        let catalog = self.catalog()?;
        let mut plan = vec![model.as_ref()];
        plan.extend(
            catalog
                .plan(memory::available())
                .into_iter()
                .filter(|next| next.name != model.name),
        );
        let mut first = None;
        for next in plan {
            if let Some(failure) = &first {
                self.out.warn(&format!("{failure}"));
                self.out.note(&format!(
                    "falling back to {}, which is smaller and answers worse",
                    next.name
                ));
            }
            match self.fetch_one(next, &mut puller) {
                Ok(choice) => return Ok(choice),
                Err(failure) if failure.kind() != Kind::Environment => return Err(failure),
                Err(failure) => first = Some(failure),
            }
        }
        Err(first.map_or_else(|| Failure::bug("no model was to be fetched"), no_model))
    }

    /// Fetches a model, with progress.
    fn fetch_one(&mut self, model: &Model, puller: &mut Puller) -> Result<ModelChoice> {
        self.out.note(&format!("fetching {}", model.offer()));
        let cancel = self.cancel();
        let (stop, stopped) = (self.stop.clone(), Arc::clone(&self.stopped));
        let out = &mut self.out;
        let pulled = puller.pull(&model.name, &cancel, &mut |progress| {
            if stopped.load(Ordering::Acquire) {
                stop.cancel();
            }
            out.progress(&pull_line(progress));
        });
        self.out.clear();
        let installed = pulled?;
        self.out.note(&format!("{} is here", installed.name));
        Ok(ModelChoice::Installed(installed))
    }

    /// Opens the repository, sealed, with everything in it put back that was interrupted.
    pub(super) fn open(&mut self) -> Result<Workspace> {
        let workspace = self.open_as_it_is()?;
        for note in workspace.put_back_interrupted() {
            self.out.warn(&note);
        }
        Ok(workspace)
    }

    /// Opens the repository, sealed.
    pub(super) fn open_as_it_is(&mut self) -> Result<Workspace> {
        self.seal()?;
        let workspace = Workspace::open(&self.dir, &self.places, &self.config)?;
        for note in &workspace.config.notes {
            self.out.warn(note);
        }
        Ok(workspace)
    }

    /// Brings the index up to date, with progress.
    pub(super) fn index(&mut self, workspace: &Workspace, rebuild: bool) -> Result<Arc<Index>> {
        self.catch_signals();
        self.leave_to_read()?;
        let cancel = self.cancel();
        let out = &mut self.out;
        let began = Instant::now();
        let mut reading = None;
        let index = workspace.index(rebuild, &cancel, &mut |progress| {
            out.progress(&match progress {
                index::Progress::Walking(files) => {
                    format!("indexing: {} found", counted(files, "file"))
                }
                index::Progress::Reading { done, total } => {
                    let began = *reading.get_or_insert_with(Instant::now);
                    reading_line(done, total, began)
                }
                index::Progress::History { done, total } => format!(
                    "indexing: {} of {} commits",
                    human_count(done as u64),
                    human_count(total as u64)
                ),
                index::Progress::Writing => "indexing: writing".to_owned(),
            });
        });
        self.out.clear();
        let index = index?;
        self.out.detail(&format!(
            "index: {}, {}, {}",
            counted(index.stats().files, "file"),
            counted(index.stats().symbols, "definition"),
            human_time(began.elapsed().as_secs_f64())
        ));
        // Kept in memory only, or behind another process: the next run will take as long.
        if let Some(note) = &index.stats().note {
            self.out.note(note);
        }
        if index.stats().files == 0 {
            self.out.warn(&nothing_counts(&index.stats().skipped));
        }
        Ok(index)
    }

    /// Loads the model, with progress.
    pub(super) fn load(
        &mut self,
        choice: &ModelChoice,
        config: &Config,
        states: &Path,
    ) -> Result<Box<dyn Engine>> {
        let catalog = self.catalog()?;
        let cancel = self.cancel();
        let name = choice_name(choice);
        let out = &mut self.out;
        let engine = load_engine(
            choice,
            &catalog,
            config,
            Some(states),
            &cancel,
            &mut |part| {
                out.progress(&format!(
                    "loading {name} {} {:.0}%",
                    bar((f64::from(part) * 1000.0) as u64, 1000, 24),
                    part * 100.0
                ));
            },
        );
        self.out.clear();
        let engine = engine?;
        let facts = engine.facts();
        let said = format!(
            "model: {} ({}), context {} tokens, {} of memory, loaded in {}",
            facts.name,
            facts.architecture,
            human_count(facts.context as u64),
            human_bytes(facts.memory_bytes),
            human_time(facts.load_s)
        );
        self.out.detail(&said);
        Ok(engine)
    }
}

/// The model's name for people.
pub(super) fn choice_name(choice: &ModelChoice) -> String {
    let name = |path: &std::path::Path| {
        // A path such as `..` has no name.
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    match choice {
        ModelChoice::Installed(installed) => installed.name.clone(),
        ModelChoice::Fetch(model) => model.name.clone(),
        ModelChoice::File(path) | ModelChoice::Script(path) => name(path),
    }
}

/// The progress of a download in a line: bytes, and bytes a second.
pub(super) fn pull_line(progress: &crate::registry::Progress) -> String {
    if progress.total == 0 {
        return progress.stage.clone();
    }
    let percent = progress.done as f64 * 100.0 / progress.total as f64;
    let mut line = format!(
        "{} {} {percent:.0}% · {} of {}",
        progress.stage,
        bar(progress.done, progress.total, 24),
        human_bytes(progress.done),
        human_bytes(progress.total)
    );
    if progress.rate > 0.0 {
        let left = progress.total.saturating_sub(progress.done) as f64 / progress.rate;
        line.push_str(&format!(
            " · {}/s · {} left",
            human_bytes(progress.rate as u64),
            human_time(left)
        ));
    }
    line
}

/// The progress of reading files for the index, in a line.
fn reading_line(done: usize, total: usize, began: Instant) -> String {
    let mut line = format!(
        "indexing {} {} of {}",
        bar(done as u64, total as u64, 24),
        human_count(done as u64),
        counted(total, "file")
    );
    let seconds = began.elapsed().as_secs_f64();
    if done > 0 && seconds > 1.0 {
        let left = seconds / done as f64 * total.saturating_sub(done) as f64;
        line.push_str(&format!(" · {} left", human_time(left)));
    }
    line
}

/// A failure to fetch as one to run: there is no model, and what can be done.
fn no_model(failure: Failure) -> Failure {
    if failure.is_interrupted() {
        return failure;
    }
    let mut told = Failure::new(failure.kind(), "there is no model to run").because(failure.what());
    for cause in failure.causes() {
        told = told.because(cause);
    }
    told.hint(
        "with a network: `homebody models pull starter`; without one: copy a GGUF file here and \
         `homebody models add FILE.gguf`, or name one with `--model FILE.gguf`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_told_with_speed_and_what_is_left() {
        let progress = crate::registry::Progress {
            stage: "downloading".to_owned(),
            done: 25_000_000,
            total: 100_000_000,
            rate: 5_000_000.0,
            resumed: 0,
        };
        let line = pull_line(&progress);
        assert!(line.contains("25%"), "{line}");
        assert!(line.ends_with("5.0 MB/s · 15 s left"), "{line}");
    }

    #[test]
    fn no_model_says_why_and_what_to_do() {
        let failure = no_model(Failure::environment("cannot fetch x").because("no route"));
        assert_eq!(failure.causes(), ["cannot fetch x", "no route"]);
        assert!(
            failure
                .next_step()
                .is_some_and(|hint| hint.contains("models add"))
        );
        assert!(no_model(Failure::interrupted()).is_interrupted());
    }
}
