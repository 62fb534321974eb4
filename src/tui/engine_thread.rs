//! The thread that owns the model: it loads, runs jobs, and counts tokens for previews.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::model_rows::model_rows;
use super::shared::{Shared, guarded};
use crate::app::{EngineEvent, EngineFacts, Event, Generation};
use crate::base::{Cancel, Failure, Result, TokenCount as _, memory};
use crate::engine::{Engine, inspect};
use crate::jobs::{self, JobCx, ModelChoice, Request, choose_model, load_engine};
use crate::registry::{Catalog, Store};

/// A task of the engine's thread.
pub enum Task {
    /// Load a model.
    Load {
        /// The name or path of the model; none for the one configured or chosen.
        name: Option<String>,
        /// True if the model is remembered as the chosen one.
        choose: bool,
        /// The wish to stop, looked at on the way.
        cancel: Cancel,
    },
    /// Run a job.
    Job {
        /// The number given back with the outcome.
        generation: Generation,
        /// The request.
        request: Box<Request>,
        /// The wish to stop, looked at on the way.
        cancel: Cancel,
    },
    /// Tell what a request would be shown.
    Preview {
        /// The number given back with the preview.
        generation: Generation,
        /// The request.
        request: Box<Request>,
    },
    /// Count the tokens of texts.
    Count(Vec<String>),
    /// Forget the conversation.
    Reset {
        /// True if nothing of the next one may be written to disk.
        private: bool,
    },
}

/// The engine's thread: what it holds between tasks.
pub struct EngineThread {
    shared: Arc<Shared>,
    events: Sender<Event>,
    engine: Option<Box<dyn Engine>>,
    /// True while nothing of the conversation may be written to disk.
    private: bool,
}

impl EngineThread {
    /// A thread without a model yet.
    pub fn new(shared: Arc<Shared>, events: Sender<Event>) -> Self {
        Self {
            shared,
            events,
            engine: None,
            private: false,
        }
    }

    fn tell(&self, event: EngineEvent) {
        let _ = self.events.send(Event::Engine(event));
    }

    fn load(&mut self, name: Option<&str>, choose: bool, cancel: &Cancel) {
        let shared = Arc::clone(&self.shared);
        let shown = name.unwrap_or("the model").to_owned();
        let mut called = String::new();
        let outcome = guarded(|| {
            self.try_load(&shared, name, choose, cancel)
                .map_err(|(label, failure)| {
                    called = label;
                    failure
                })
        });
        if let Err(failure) = outcome {
            let name = if called.is_empty() { shown } else { called };
            self.tell(EngineEvent::Failed { name, failure });
            if let Some(engine) = self.engine.take() {
                self.ready(&shared, engine);
            }
        }
    }

    /// Loads a model. A failure comes with the name of the model, empty where none was named.
    fn try_load(
        &mut self,
        shared: &Shared,
        name: Option<&str>,
        choose: bool,
        cancel: &Cancel,
    ) -> Result<(), (String, Failure)> {
        let nameless = |failure| (String::new(), failure);
        let config = &shared.workspace.config;
        let catalog = Catalog::load(&shared.places.config).map_err(nameless)?;
        let store = Store::new(shared.places.models());
        let wanted = name.or(config.model.value.as_deref());
        let choice = match (&shared.script, name) {
            (Some(script), None) => ModelChoice::Script(script.clone()),
            _ => {
                // What the loaded model takes will be free by then.
                let held = self.engine.as_ref().map_or(0, |e| e.facts().memory_bytes);
                match choose_model(wanted, &catalog, &store, memory::available() + held) {
                    Ok(choice) => choice,
                    Err(failure) if store.installed().is_ok_and(|all| all.is_empty()) => {
                        // Nothing is here: a list to choose from says more than a failure.
                        let _ = failure;
                        self.missing(shared, wanted);
                        return Ok(());
                    }
                    Err(failure) => return Err((wanted.unwrap_or_default().to_owned(), failure)),
                }
            }
        };
        let Some((label, needs)) = name_and_need(&choice, config.ctx.value) else {
            self.missing(shared, wanted);
            return Ok(());
        };
        // One that cannot be read is no reason to let the one that is loaded go.
        if self.engine.is_some()
            && let Some(file) = file_of(&choice)
        {
            inspect(file).map_err(|failure| (label.clone(), failure))?;
        }
        // Two models at once would not fit where one does.
        self.engine = None;
        shared.loaded.store(false, Ordering::Release);
        let events = self.events.clone();
        let loading = |fraction| {
            Event::Engine(EngineEvent::Loading {
                name: label.clone(),
                memory: needs,
                fraction,
            })
        };
        let _ = events.send(loading(0.0));
        let mut last = 0.0;
        let states = Some(shared.workspace.places.states.as_path());
        let loaded = load_engine(&choice, &catalog, config, states, cancel, &mut |fraction| {
            if fraction - last >= 0.01 {
                last = fraction;
                let _ = events.send(loading(fraction));
            }
        });
        let engine = loaded.map_err(|failure| (label.clone(), failure))?;
        if choose && let Err(failure) = store.choose(&label) {
            let _ = events.send(Event::Warning(failure));
        }
        self.ready(shared, engine);
        Ok(())
    }

    /// Takes an engine over and tells of it.
    fn ready(&mut self, shared: &Shared, mut engine: Box<dyn Engine>) {
        engine.keep_states(!self.private);
        let facts = engine.facts().clone();
        self.engine = Some(engine);
        shared.loaded.store(true, Ordering::Release);
        self.tell(EngineEvent::Ready(EngineFacts {
            name: facts.name,
            architecture: facts.architecture,
            context: facts.context,
            memory: facts.memory_bytes,
            load_s: facts.load_s,
            device: facts.device,
        }));
        if let Some(bytes) = memory::resident() {
            let _ = self.events.send(Event::Memory(bytes));
        }
    }

    /// Tells that there is no model to load, with those that could be.
    fn missing(&self, shared: &Shared, wanted: Option<&str>) {
        match model_rows(shared) {
            Ok(rows) => self.tell(EngineEvent::Missing {
                rows,
                wanted: wanted.map(str::to_owned),
            }),
            Err(failure) => self.tell(EngineEvent::Failed {
                name: wanted.unwrap_or("the model").to_owned(),
                failure,
            }),
        }
    }

    fn job(&mut self, generation: Generation, request: &Request, cancel: Cancel) {
        let shared = Arc::clone(&self.shared);
        let events = self.events.clone();
        let mut emitter = Emitter::new(events.clone(), generation);
        // Reviews too leave behind nothing that they found.
        let settings = self.private.then(|| jobs::Settings {
            reviews: None,
            ..shared.workspace.settings.clone()
        });
        let result = guarded(|| {
            let engine = self.engine.as_mut().ok_or_else(|| {
                Failure::model("no model is loaded").hint("choose one with /models")
            })?;
            let (index, index_complete) = shared.index();
            let mut cx = JobCx {
                engine: engine.as_mut(),
                repo: &shared.workspace.repo,
                index: &index,
                index_complete,
                settings: settings.as_ref().unwrap_or(&shared.workspace.settings),
                prompts: &shared.workspace.prompts,
                cancel,
            };
            jobs::run(request, &mut cx, &mut |event| emitter.tell(event))
        });
        emitter.flush();
        shared.busy.store(false, Ordering::Release);
        let _ = events.send(Event::JobDone {
            generation,
            result: result.map(Box::new),
        });
    }

    fn reset(&mut self, private: bool) {
        self.private = private;
        if let Some(engine) = &mut self.engine {
            engine.reset();
            engine.keep_states(!private);
        }
    }

    fn count(&self, texts: &[String]) {
        let counted = guarded(|| {
            let count = |text: &String| match &self.engine {
                Some(engine) => engine.count(text),
                None => crate::base::count::RoughCount.count(text),
            };
            Ok(texts.iter().map(count).collect())
        });
        let bytes = texts.first().map_or(0, String::len);
        let tokens = counted.unwrap_or_default();
        let _ = self.events.send(Event::Counted { bytes, tokens });
    }

    fn preview(&self, generation: Generation, request: &Request) {
        let shared = &self.shared;
        let result = guarded(|| {
            let (index, _) = shared.index();
            let reader = match &self.engine {
                Some(engine) => jobs::Reader {
                    count: engine.as_ref(),
                    context: engine.facts().context,
                    rewrites: engine.facts().rewrites,
                },
                None => jobs::Reader {
                    count: &crate::base::count::RoughCount,
                    context: 0,
                    rewrites: false,
                },
            };
            jobs::preview(
                request,
                &shared.workspace.repo,
                &index,
                &shared.workspace.settings,
                &shared.workspace.prompts,
                reader,
            )
        });
        let _ = self.events.send(Event::Preview {
            generation,
            result: result.map(Box::new),
        });
    }
}

/// The name to show for a model and the bytes of memory it will take; none where it must be
/// fetched before.
fn name_and_need(choice: &ModelChoice, context: usize) -> Option<(String, u64)> {
    Some(match choice {
        ModelChoice::Fetch(_) => return None,
        ModelChoice::Installed(model) => (model.name.clone(), needed(&model.path, context)),
        ModelChoice::File(file) => (
            file.file_stem()
                .map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().into_owned()),
            needed(file, context),
        ),
        ModelChoice::Script(_) => ("script".to_owned(), 0),
    })
}

/// The file of a model, where it has one.
fn file_of(choice: &ModelChoice) -> Option<&std::path::Path> {
    match choice {
        ModelChoice::Installed(model) => Some(&model.path),
        ModelChoice::File(file) => Some(file),
        ModelChoice::Fetch(_) | ModelChoice::Script(_) => None,
    }
}

/// Bytes of memory a model in a file will take with a context of so many tokens (0: the
/// default); 0 where its header does not tell.
fn needed(file: &std::path::Path, context: usize) -> u64 {
    inspect(file).map_or(0, |facts| {
        let context = if context == 0 { 8_192 } else { context };
        facts.memory_bytes(context.min(facts.context as usize))
    })
}

/// Serves tasks until nobody can send any.
pub fn serve(mut thread: EngineThread, tasks: &Receiver<Task>) {
    while let Ok(task) = tasks.recv() {
        match task {
            Task::Load {
                name,
                choose,
                cancel,
            } => thread.load(name.as_deref(), choose, &cancel),
            Task::Job {
                generation,
                request,
                cancel,
            } => thread.job(generation, &request, cancel),
            Task::Preview {
                generation,
                request,
            } => thread.preview(generation, &request),
            Task::Reset { private } => thread.reset(private),
            Task::Count(texts) => thread.count(&texts),
        }
    }
}

/// Passes a job's events on. Text waits for nobody: while the ring has no room for it,
/// pieces are joined.
struct Emitter {
    to: Sender<Event>,
    generation: Generation,
    waiting: Option<jobs::Event>,
}

impl Emitter {
    fn new(to: Sender<Event>, generation: Generation) -> Self {
        Self {
            to,
            generation,
            waiting: None,
        }
    }

    fn tell(&mut self, event: jobs::Event) {
        let event = match (self.waiting.take(), event) {
            (Some(jobs::Event::Token { text: mut all }), jobs::Event::Token { text }) => {
                all.push_str(&text);
                jobs::Event::Token { text: all }
            }
            (Some(jobs::Event::Thinking { text: mut all }), jobs::Event::Thinking { text }) => {
                all.push_str(&text);
                jobs::Event::Thinking { text: all }
            }
            (Some(before), event) => {
                self.send(before);
                event
            }
            (None, event) => event,
        };
        match event {
            jobs::Event::Token { .. } | jobs::Event::Thinking { .. } => {
                let full = self.to.try_send(self.wrap(event));
                if let Err(TrySendError::Full(Event::Job { event, .. })) = full {
                    self.waiting = Some(*event);
                }
            }
            other => self.send(other),
        }
    }

    fn wrap(&self, event: jobs::Event) -> Event {
        Event::Job {
            generation: self.generation,
            event: Box::new(event),
        }
    }

    fn send(&self, event: jobs::Event) {
        let _ = self.to.send(self.wrap(event));
    }

    fn flush(&mut self) {
        if let Some(event) = self.waiting.take() {
            self.send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;

    #[test]
    fn text_is_joined_while_there_is_no_room_and_nothing_is_lost_or_disordered() {
        let (to, from) = bounded(2);
        let mut emitter = Emitter::new(to, 1);
        let token = |text: &str| jobs::Event::Token {
            text: text.to_owned(),
        };
        for piece in ["a", "b", "c", "d"] {
            emitter.tell(token(piece));
        }
        let text = |event: Event| match event {
            Event::Job { event, .. } => match *event {
                jobs::Event::Token { text } => text,
                other => format!("{other:?}"),
            },
            other => format!("{other:?}"),
        };
        assert_eq!(from.try_recv().map(text), Ok("a".to_owned()));
        assert_eq!(from.try_recv().map(text), Ok("b".to_owned()));
        emitter.tell(jobs::Event::Done);
        emitter.flush();
        assert_eq!(from.try_recv().map(text), Ok("cd".to_owned()));
        assert_eq!(from.try_recv().map(text), Ok("Done".to_owned()));
    }
}
