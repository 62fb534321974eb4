//! Questions to the state, for those who draw it.

use super::blocks::block::{Block, BlockId, Body, Phase, Sent};
use super::branches::Branches;
use super::editing::composer::Composer;
use super::editing::history::History;
use super::event::{EngineFacts, Millis};
use super::keymap::{Keymap, Place};
use super::log::Log;
use super::panel_row::PanelRow;
use super::state::{
    Activity, Awaited, Composing, DiffLook, EngineState, Focus, Indexing, Layout, Options,
    PanelTab, Scroll, State,
};
use crate::base::text::counted;
use crate::index::Progress;
use crate::jobs::{Context, Mention, Source, Why};
use crate::repo::Status;

impl State {
    /// Tells whether a block is a patch that stands open.
    pub fn is_open(&self, id: BlockId) -> bool {
        let body = self.block(id).map(|block| &block.body);
        matches!(body, Some(Body::Patch(patch)) if patch.is_open())
    }

    /// Tells whether a commit is being made, or its hooks run.
    pub fn is_committing(&self) -> bool {
        let commits =
            |block: &Block| matches!(&block.body, Body::Patch(patch) if patch.committing.is_some());
        self.blocks.iter().any(commits)
    }

    /// Tells whether what comes may be written to disk, for later.
    pub fn keeps(&self) -> bool {
        self.options.save && !self.private
    }

    /// Tells whether a patch stands open, to be decided on.
    pub fn has_open_patch(&self) -> bool {
        self.open_patch().is_some()
    }

    /// The newest patch that stands open.
    pub fn open_patch(&self) -> Option<BlockId> {
        let open = |block: &&Block| matches!(&block.body, Body::Patch(patch) if patch.is_open());
        self.blocks.iter().rfind(open).map(|block| block.id)
    }

    /// Makes a state in which nothing has happened.
    #[allow(clippy::too_many_lines, reason = "a table")]
    pub(super) fn new(options: Options) -> Self {
        let (keymap, _) = Keymap::with(&options.keys);
        Self {
            now: 0,
            size: options.size,
            window_focus: true,
            keymap,
            blocks: Vec::new(),
            scroll: Scroll::Bottom,
            layout: Layout::default(),
            cursor: None,
            selection: None,
            focus: Focus::Composer,
            diff_look: DiffLook::default(),
            composer: Composer::new(options.vim),
            composing: Composing::Request,
            completion: None,
            history: History::new(options.history.clone()),
            panel: None,
            overlay: None,
            find: None,
            behind: None,
            toast: None,
            indexing: Indexing::Waiting,
            meaning: None,
            files: std::sync::Arc::default(),
            places: std::sync::Arc::default(),
            names: Default::default(),
            within: options.within.clone(),
            blank: None,
            engine: EngineState::Waiting,
            job: None,
            queue: std::collections::VecDeque::new(),
            pulling: None,
            checking: None,
            committing: None,
            turns: Vec::new(),
            private: false,
            fold: crate::jobs::Fold::default(),
            session: None,
            branches: Branches::default(),
            counting: crate::app::update::counting::Counting::default(),
            sending: Vec::new(),
            log: Log::default(),
            pins: Vec::new(),
            drops: Vec::new(),
            added: Vec::new(),
            preview: None,
            code: std::collections::BTreeMap::new(),
            head: None,
            repo_status: Status::default(),
            memory: 0,
            context_used: 0,
            rate: None,
            models: Vec::new(),
            themes: Vec::new(),
            quitting: false,
            last_block: 0,
            last_generation: 0,
            awaited: Awaited::default(),
            armed_quit: None,
            dragging: false,
            draft: String::new(),
            popup_closed: false,
            options,
        }
    }

    /// Returns the block of that id.
    pub fn block(&self, id: BlockId) -> Option<&Block> {
        self.index_of(id).and_then(|i| self.blocks.get(i))
    }

    /// Returns the index of a block in [`State::blocks`].
    pub fn index_of(&self, id: BlockId) -> Option<usize> {
        self.blocks.binary_search_by_key(&id, |block| block.id).ok()
    }

    /// Returns the place keys go to now.
    pub fn place(&self) -> Place {
        if self.overlay.is_some() {
            return Place::Overlay;
        }
        self.focused_place()
    }

    /// Returns the place that has the keys once no overlay takes them.
    pub fn focused_place(&self) -> Place {
        match self.focus {
            Focus::Composer => Place::Composer,
            Focus::Transcript => Place::Transcript,
            Focus::Patch(_) => Place::Patch,
            Focus::Review(_) => Place::Review,
            Focus::Panel => Place::Panel,
        }
    }

    /// Returns the facts of the loaded model.
    pub fn facts(&self) -> Option<&EngineFacts> {
        match &self.engine {
            EngineState::Ready(facts) => Some(facts),
            _ => None,
        }
    }

    /// Returns the most important thing going on, for one line.
    pub fn activity(&self) -> Activity {
        let since_s = |since: Millis| self.now.saturating_sub(since) as f64 / 1000.0;
        if let Some(job) = &self.job {
            return Activity::Job {
                block: job.block,
                stopping: job.stopping,
            };
        }
        if let EngineState::Loading {
            name,
            memory,
            fraction,
            since,
        } = &self.engine
        {
            let fraction = *fraction;
            let left = f64::from(1.0 - fraction) / f64::from(fraction) * since_s(*since);
            return Activity::Loading {
                name: name.clone(),
                memory: *memory,
                fraction,
                left_s: (fraction >= 0.05 && left.is_finite()).then_some(left),
            };
        }
        if let Some(block) = self.pulling {
            return Activity::Pulling { block };
        }
        if let Some(block) = self.checking {
            let seconds = match self.block(block).map(|block| &block.body) {
                Some(Body::Patch(patch)) => match patch.check {
                    super::blocks::block::Check::Running { since, .. } => since_s(since),
                    _ => 0.0,
                },
                _ => 0.0,
            };
            return Activity::Checking { block, seconds };
        }
        if let Indexing::Running { progress, rate, .. } = &self.indexing {
            let left_s = match progress {
                Progress::Reading { done, total } if *rate > 0.0 => {
                    Some(total.saturating_sub(*done) as f64 / rate)
                }
                _ => None,
            };
            return Activity::Indexing {
                progress: *progress,
                rate: *rate,
                left_s,
            };
        }
        Activity::Idle
    }

    /// Tells whether an index can be used at all, and whether it is complete.
    pub const fn index_usable(&self) -> (bool, bool) {
        match &self.indexing {
            Indexing::Waiting => (false, false),
            Indexing::Running { usable, .. } | Indexing::Failed { usable, .. } => (*usable, false),
            Indexing::Ready(_) => (true, true),
        }
    }

    /// Returns when a [`super::Event::Tick`] is wanted: soon for figures that run (about four a
    /// second do), at a toast's end, or not at all.
    pub fn next_tick(&self) -> Option<Millis> {
        let running = self.activity() != Activity::Idle || self.job.is_some();
        let soon = running.then_some(self.now + 250);
        let toast = self.toast.as_ref().map(|toast| toast.until);
        let quit = self.armed_quit.map(|since| since + super::update::QUIT_MS);
        let back = self
            .branches
            .armed
            .map(|since| since + super::update::QUIT_MS);
        [soon, toast, quit, back].into_iter().flatten().min()
    }

    /// Returns the block the panel is about: the one at the cursor, else the last that was shown
    /// something.
    pub fn panel_block(&self) -> Option<&Block> {
        let shown = |block: &&Block| match &block.body {
            Body::Answer(answer) => answer.context.is_some() || !answer.sources.is_empty(),
            Body::Review(review) => review.context.is_some(),
            _ => false,
        };
        self.cursor
            .and_then(|cursor| self.block(cursor.block))
            .filter(shown)
            .or_else(|| self.blocks.iter().rev().find(shown))
    }

    /// Returns the rows of the side panel.
    pub fn panel_rows(&self) -> Vec<PanelRow> {
        let Some(panel) = &self.panel else {
            return Vec::new();
        };
        let (context, sources): (Option<&Context>, &[Source]) =
            match self.panel_block().map(|block| &block.body) {
                Some(Body::Answer(answer)) => (answer.context.as_ref(), &answer.sources),
                Some(Body::Review(review)) => (review.context.as_ref(), &[]),
                _ => (None, &[]),
            };
        let mut rows = match panel.tab {
            PanelTab::Sources => self.source_rows(context, sources),
            PanelTab::Context => {
                let context = self.preview.as_ref().map(|p| &p.context).or(context);
                self.context_rows(context, sources)
            }
        };
        if !self.fold.is_empty() {
            rows.push(PanelRow::Told {
                what: "folded",
                title: counted(self.fold.names, "earlier exchange"),
                text: self.fold.text(&self.turns),
                tokens: 0,
            });
        }
        rows
    }

    fn source_rows(&self, context: Option<&Context>, sources: &[Source]) -> Vec<PanelRow> {
        // Cited sources come first: they are what a reader checks.
        let mut rows: Vec<&Source> = sources.iter().collect();
        rows.sort_by_key(|source| (!source.cited, source.id));
        if rows.is_empty() {
            // Before a block was shown anything there is nothing to list.
            return context.map_or_else(Vec::new, |c| self.excerpt_rows(c, sources));
        }
        rows.into_iter()
            .map(|source| {
                let excerpt =
                    context.and_then(|context| context.excerpts.iter().find(|e| e.id == source.id));
                let range = crate::base::LineRange::new(source.start, source.end);
                PanelRow::Excerpt {
                    id: source.id,
                    path: source.path.clone(),
                    range,
                    text: excerpt.map(|e| e.text.clone()),
                    symbol: excerpt.and_then(|e| e.symbol.clone()),
                    why: excerpt.map(|e| why(e.why)),
                    tokens: excerpt.map_or(0, |e| e.tokens),
                    cited: source.cited,
                    pinned: has(&self.pins, &source.path, range),
                    dropped: has(&self.drops, &source.path, range),
                }
            })
            .collect()
    }

    fn excerpt_rows(&self, context: &Context, sources: &[Source]) -> Vec<PanelRow> {
        context
            .excerpts
            .iter()
            .map(|excerpt| PanelRow::Excerpt {
                id: excerpt.id,
                path: excerpt.path.clone(),
                range: excerpt.range,
                text: Some(excerpt.text.clone()),
                symbol: excerpt.symbol.clone(),
                why: Some(why(excerpt.why)),
                tokens: excerpt.tokens,
                cited: sources.iter().any(|s| s.id == excerpt.id && s.cited),
                pinned: has(&self.pins, &excerpt.path, excerpt.range),
                dropped: has(&self.drops, &excerpt.path, excerpt.range),
            })
            .collect()
    }

    fn context_rows(&self, context: Option<&Context>, sources: &[Source]) -> Vec<PanelRow> {
        let Some(context) = context else {
            return self.source_rows(None, sources);
        };
        let mut rows = Vec::new();
        if let Some((path, text)) = &context.rules {
            rows.push(PanelRow::Rules {
                path: path.clone(),
                text: text.clone(),
            });
        }
        if !context.map.is_empty() {
            let files = context.map.lines().filter(|line| !line.ends_with('/'));
            rows.push(PanelRow::Told {
                what: "map",
                title: counted(files.count(), "file"),
                text: context.map.clone(),
                tokens: 0,
            });
        }
        if let Some(past) = &context.past {
            rows.push(PanelRow::Told {
                what: "history",
                title: past.title.clone(),
                text: past.text.clone(),
                tokens: past.tokens,
            });
        }
        rows.extend(context.told.iter().map(|told| PanelRow::Told {
            what: told.kind.word(),
            title: told.title.clone(),
            text: told.text.clone(),
            tokens: told.tokens,
        }));
        rows.extend(self.excerpt_rows(context, sources));
        rows.extend(context.left_out.iter().map(|left| PanelRow::LeftOut {
            path: left.path.clone(),
            range: left.range,
            tokens: left.tokens,
            reason: left.reason.clone(),
        }));
        rows
    }

    /// Returns why the first request in the queue waits: `waits for the model`.
    pub fn waiting(&self) -> Option<&'static str> {
        self.queue.front().and_then(|queued| {
            match self.block(queued.block).map(|block| &block.body) {
                Some(Body::User(turn)) => match turn.sent {
                    Sent::WaitsForModel => Some("waits for the model"),
                    Sent::WaitsForJob => Some("waits for the job before it"),
                    _ => None,
                },
                _ => None,
            }
        })
    }

    /// Tells whether nothing runs, waits or lies open: where Esc leads in the end.
    #[cfg(test)]
    pub fn is_quiet(&self) -> bool {
        self.job.as_ref().is_none_or(|job| job.stopping)
            && self.queue.is_empty()
            && self.overlay.is_none()
            && self.completion.is_none()
            && self.focus == Focus::Composer
            && self.composing == Composing::Request
            && self.composer.is_empty()
            && self.panel.is_none()
            && !matches!(self.engine, EngineState::Loading { .. })
    }

    /// Tells whether an answer is being written (for drawing its block with a moving end).
    pub fn is_running(&self, id: BlockId) -> bool {
        match self.block(id).map(|block| &block.body) {
            Some(Body::Answer(answer)) => answer.phase.is_running(),
            Some(Body::Review(review)) => review.phase.is_running(),
            _ => false,
        }
    }

    /// Returns how far the running job has read its prompt, while it reads.
    pub fn reading(&self) -> Option<super::blocks::block::Reading> {
        let job = self.job.as_ref()?;
        match self.block(job.block).map(|block| &block.body) {
            Some(Body::Answer(answer)) => match answer.phase {
                Phase::Reading(reading) => Some(reading),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the title of the overlay; empty where there is none.
    #[cfg(test)]
    pub fn overlay_title(&self) -> &str {
        use super::overlay::Overlay;

        match &self.overlay {
            None => "",
            Some(Overlay::Help { .. }) => "help",
            Some(Overlay::Text { title, .. }) => title,
            Some(Overlay::Models(_)) => "models",
            Some(Overlay::Sessions(_)) => "conversations",
            Some(Overlay::Themes(_)) => "themes",
            Some(Overlay::Search(_)) => "search",
            Some(Overlay::Settings(_)) => "settings",
            Some(Overlay::Palette(_)) => "commands and keys",
            Some(Overlay::History(_)) => "history",
            Some(Overlay::Back(_)) => "go back to",
            Some(Overlay::Confirm { .. }) => "sure?",
        }
    }
}

/// Names the reason an excerpt was chosen, in a word.
pub const fn why(why: Why) -> &'static str {
    match why {
        Why::Mention => "named",
        Why::Pinned => "pinned",
        Why::Search => "search",
        Why::Definition => "definition",
        Why::Diff => "diff",
        Why::Small => "nothing found",
    }
}

/// Tells whether one of some mentions means these lines, or some of them.
fn has(mentions: &[Mention], path: &crate::base::RepoPath, lines: crate::base::LineRange) -> bool {
    let meant = |mention: &Mention| mention.range.is_none_or(|range| range.overlaps(lines));
    mentions
        .iter()
        .any(|mention| mention.names(path) && meant(mention))
}
