//! Folding: a conversation that grows towards the model's window stands shorter in the prompts to
//! come, between turns and never in the middle of one.
//!
//! First the excerpts of old exchanges become names, then the exchanges become a few lines
//! ([`short`]), then the oldest of those go. Much is folded at once, so that it is not needed soon
//! again: behind every fold the model reads anew all that comes after the first exchange that
//! stands otherwise, while between folds each prompt only adds to the one before.

mod short;

use serde::{Deserialize, Serialize};

use super::{Ask, Prompts, Settings, Turn, ask, model_calls};
use crate::base::text::human_count;
use crate::base::{Failure, Result, TokenCount};
use crate::context::Mention;
use crate::engine::{CountMessages, Message, Role};

pub(super) use short::Short;
use short::{Kept, named, shortened};

/// Exchanges that are to come before the next fold, if the window has room for them.
const EVERY: usize = 8;
/// Tokens that a template is taken to add around a question and its answer.
const PER_EXCHANGE: usize = 16;
/// The newest shortened exchanges, which go after all else.
const NEWEST: usize = 4;
/// The answer that the model is taken to have given to what was shortened.
const HEARD: &str = "Noted.";

/// The way in which the first exchanges of a conversation stand in prompts. An exchange is a
/// question with its answer and all that went on with that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// Number of exchanges whose excerpts are names only.
    pub names: usize,
    /// Number of those that are a few lines only.
    pub gists: usize,
    /// Number of those that are left out.
    pub gone: usize,
    /// Number of exchanges there were when it was made.
    pub at: usize,
    /// Words that answers are searched for: what has them stays.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keep: String,
    /// Files whose excerpts stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<Mention>,
    /// Tokens before it, and with it.
    #[serde(default)]
    pub tokens: (usize, usize),
}

impl Fold {
    /// Tells whether nothing is folded.
    pub const fn is_empty(&self) -> bool {
        self.names == 0 && self.gists == 0 && self.gone == 0
    }

    /// Tells whether it was made of a conversation that has no more exchanges than this one.
    pub fn is_of(&self, history: &[Turn]) -> bool {
        self.at <= exchanges(history).len()
    }

    /// The fold that undoes another: nothing is folded, nor will be soon, unless it has to.
    pub fn undone(history: &[Turn]) -> Self {
        Self {
            at: exchanges(history).len(),
            ..Self::default()
        }
    }

    /// The fold of all exchanges but the last, by hand. `keep` says in words what is to stay. None
    /// where nothing is left to fold.
    pub fn by_hand(
        &self,
        history: &[Turn],
        keep: &str,
        pinned: &[Mention],
        count: &dyn TokenCount,
    ) -> Option<Self> {
        let all = exchanges(history);
        let least = all.len().saturating_sub(1);
        let fold = Self {
            names: self.names.max(least),
            gists: self.gists.max(least),
            gone: self.gone,
            at: all.len(),
            keep: keep.trim().to_owned(),
            pinned: pinned.to_vec(),
            tokens: (0, 0),
        };
        let same = fold.names == self.names && fold.gists == self.gists && fold.keep == self.keep;
        if all.len() < 2 || same {
            return None;
        }
        let before = Sizes::of(&all, self, count).sum(self);
        let after = Sizes::of(&all, &fold, count).sum(&fold);
        Some(Self {
            tokens: (before, after),
            ..fold
        })
    }

    /// The line that tells of it.
    pub fn line(&self) -> String {
        let (before, after) = self.tokens;
        let tokens = format!(
            "{} tokens are now {}",
            human_count(before as u64),
            human_count(after as u64)
        );
        let exchanges = |count: usize| match count {
            1 => "the first exchange".to_owned(),
            count => format!("the first {count} exchanges"),
        };
        let gone = match self.gone {
            0 => String::new(),
            1 => ", the oldest left out".to_owned(),
            gone => format!(", the oldest {gone} left out"),
        };
        let what = match (self.gists, self.names) {
            (0, names) => format!("the sources of {} are names now", exchanges(names)),
            (gists, names) if names > gists => format!(
                "{} stand in a few lines{gone}, and the sources of {} more are names",
                exchanges(gists),
                names - gists
            ),
            (gists, _) => {
                let verb = if gists == 1 { "stands" } else { "stand" };
                format!("{} {verb} in a few lines{gone}", exchanges(gists))
            }
        };
        format!("folded: {what}: {tokens}")
    }

    /// The folded exchanges as the model is shown them, for people.
    pub fn text(&self, history: &[Turn]) -> String {
        let all = exchanges(history);
        let fold = self.within(all.len());
        let kept = fold.kept();
        let mut parts = Vec::new();
        if fold.gone > 0 {
            parts.push(format!("({} left out)", fold.gone));
        }
        for turns in all.get(fold.gone..fold.gists).unwrap_or(&[]) {
            parts.push(shortened(turns, &kept).text());
        }
        for turns in all.get(fold.gists..fold.names).unwrap_or(&[]) {
            let (sent, answer) = (named(turns, &kept), answer(turns));
            parts.push(format!("{sent}\n\nAnswer: {}", answer.trim()));
        }
        parts.join("\n\n")
    }

    /// The fold of a conversation of which the end may be lost.
    fn within(&self, all: usize) -> Self {
        let names = self.names.min(all);
        let gists = self.gists.min(names);
        Self {
            names,
            gists,
            gone: self.gone.min(gists),
            ..self.clone()
        }
    }

    fn kept(&self) -> Kept<'_> {
        Kept::new(&self.keep, &self.pinned)
    }

    /// Folds one exchange more; false where that cannot be. `last`: whether the last exchange may
    /// be folded as well.
    fn step(&mut self, all: usize, last: bool) -> bool {
        let most = all.saturating_sub(1);
        if self.names < most {
            self.names += 1;
        } else if self.gists < most {
            self.gists += 1;
        } else if self.gone + NEWEST < self.gists {
            self.gone += 1;
        } else if !last {
            return false;
        } else if self.names < all {
            self.names += 1;
        } else if self.gists < all {
            self.gists += 1;
        } else if self.gone < all {
            self.gone += 1;
        } else {
            return false;
        }
        true
    }
}

/// The exchanges of a conversation: turns that go on with an answer belong to it.
fn exchanges(history: &[Turn]) -> Vec<&[Turn]> {
    history.chunk_by(|_, next| next.continues).collect()
}

/// The answer of an exchange, of one piece with what goes on with it.
fn answer(turns: &[Turn]) -> String {
    turns.iter().map(|turn| turn.answer.as_str()).collect()
}

/// The messages before a question, folded. Between folds they are the same as were sent before, so
/// that their state is kept.
pub(super) fn messages(
    system: &Message,
    history: &[Turn],
    fold: &Fold,
    prompts: &Prompts,
) -> Result<Vec<Message>> {
    let said = |role, content| Message { role, content };
    let mut messages = vec![system.clone()];
    let all = exchanges(history);
    let fold = fold.within(all.len());
    let kept = fold.kept();
    let short = all.get(fold.gone..fold.gists).unwrap_or(&[]);
    if !short.is_empty() {
        let short: Vec<Short> = short.iter().map(|turns| shortened(turns, &kept)).collect();
        messages.push(said(Role::User, prompts.earlier(&short)?));
        messages.push(said(Role::Assistant, HEARD.to_owned()));
    }
    for (n, turns) in all.iter().enumerate().skip(fold.gists) {
        let Some(first) = turns.first() else { continue };
        let sent = if n < fold.names {
            named(turns, &kept)
        } else {
            first.sent.clone()
        };
        messages.push(said(Role::User, sent));
        messages.push(said(Role::Assistant, answer(turns)));
    }
    Ok(messages)
}

/// The tokens of each exchange: whole, with names for its excerpts, in a few lines.
struct Sizes(Vec<[usize; 3]>);

impl Sizes {
    fn of(all: &[&[Turn]], fold: &Fold, count: &dyn TokenCount) -> Self {
        let kept = fold.kept();
        let sizes = all.iter().map(|turns| {
            let sent = turns.first().map_or("", |turn| turn.sent.as_str());
            let answer = count.count(&answer(turns)) + PER_EXCHANGE;
            [
                count.count(sent) + answer,
                count.count(&named(turns, &kept)) + answer,
                count.count(&shortened(turns, &kept).text()),
            ]
        });
        Self(sizes.collect())
    }

    /// The tokens of all exchanges as they are folded.
    fn sum(&self, fold: &Fold) -> usize {
        let size = |(n, [whole, names, gist]): (usize, &[usize; 3])| match n {
            n if n < fold.gone => 0,
            n if n < fold.gists => *gist,
            n if n < fold.names => *names,
            _ => *whole,
        };
        self.0.iter().enumerate().map(size).sum()
    }

    /// The tokens that an exchange to come will take: as many as the newest, or as the first, for
    /// which everything had to be shown, as it has to be behind a fold.
    fn growth(&self) -> usize {
        let count = self.0.len().min(EVERY);
        let sum = |part: &[[usize; 3]]| part.iter().map(|size| size[0]).sum::<usize>();
        let first = self.0.get(..count).map_or(0, sum);
        let newest = self.0.get(self.0.len() - count..).map_or(0, sum);
        first.max(newest) / count.max(1)
    }
}

/// The conversation before a question, with room for it.
pub(super) struct Before {
    /// The messages.
    pub messages: Vec<Message>,
    /// Tokens that they take.
    pub held: usize,
    /// True if more of it is folded than before.
    pub new: bool,
    /// The fold.
    pub fold: Fold,
}

impl Before {
    /// The user's messages in it: what the model is shown still.
    pub fn shown(&self) -> Vec<&str> {
        let user = self.messages.iter().filter(|m| m.role == Role::User);
        user.map(|message| message.content.as_str()).collect()
    }
}

/// The things that a conversation is fitted into.
pub(super) struct Window<'a> {
    /// The counter of tokens.
    pub count: &'a dyn CountMessages,
    /// The window in tokens; 0 where it is not known.
    pub tokens: usize,
    /// Settings.
    pub settings: &'a Settings,
    /// Prompt templates.
    pub prompts: &'a Prompts,
    /// Tokens a second that are read and written, where they were measured.
    pub rates: Option<(f64, f64)>,
}

/// Tokens of the window that must be free, and those that should be.
struct Need {
    must: usize,
    should: usize,
}

impl Window<'_> {
    /// The most tokens of an answer that room is kept for.
    fn answer(&self) -> usize {
        let most = match self.settings.max_tokens {
            0 => ask::ANSWER,
            most => most,
        };
        most.min(self.tokens / 4)
    }

    /// Tokens of a question with its addition, without excerpts.
    fn asked(&self, request: &Ask) -> usize {
        let piped = request.piped.as_deref().unwrap_or("");
        // Of what is piped in only as much is shown as there is room for.
        let piped = (piped.len() / 3).min(self.tokens / 4);
        self.count.count(&request.question) + piped + ask::AROUND
    }

    fn need(&self, request: &Ask) -> Need {
        if request.go_on {
            let answer = self.answer() / 2;
            return Need {
                must: answer,
                should: answer,
            };
        }
        let free = self.asked(request) + self.answer();
        let wanted = model_calls::budget(self.settings, self.tokens, 0, self.rates);
        Need {
            must: free + (self.tokens / 16).min(wanted),
            should: free + wanted.min(self.tokens / 4) + self.tokens / 10,
        }
    }

    /// The conversation before a question, folded where it must be.
    ///
    /// # Errors
    /// Of kind usage, where the question alone is too long for the window.
    pub(super) fn before(&self, system: &Message, request: &Ask) -> Result<Before> {
        let fold = request.fold.clone();
        let before = self.folded(system, request, fold)?;
        if self.tokens == 0 {
            return Ok(before);
        }
        let alone = self.count.count_before(std::slice::from_ref(system))?;
        if !request.go_on {
            let asked = self.count.count(&request.question);
            let room = self.room(alone);
            if asked > room {
                return Err(too_long((asked, true), room, self.tokens));
            }
        }
        let need = self.need(request);
        let (must, should) = (
            self.tokens.saturating_sub(need.must),
            self.tokens.saturating_sub(need.should),
        );
        let all = exchanges(&request.history);
        let fold = &request.fold;
        let soon = fold.at > 0 && all.len() < fold.at + EVERY;
        if before.held <= should || (soon || request.go_on) && before.held <= must {
            return Ok(before);
        }
        let mut wanted = Fold {
            pinned: request.pinned.clone(),
            at: all.len(),
            ..fold.clone()
        };
        let made = self.fit(system, request, wanted.clone(), (must, should))?;
        if made.held <= must || wanted.pinned.is_empty() && wanted.keep.is_empty() {
            return Ok(made.told(&before));
        }
        // Without room for all that is to be kept: it is shown again as far as it fits.
        wanted.pinned.clear();
        wanted.keep.clear();
        let made = self.fit(system, request, wanted, (must, should))?;
        Ok(made.told(&before))
    }

    /// Tokens that a question may have behind instructions of so many.
    fn room(&self, system: usize) -> usize {
        let answer = (self.tokens / 16).clamp(64, ask::ANSWER / 2);
        self.tokens.saturating_sub(system + answer + ask::AROUND)
    }

    /// Folds until there is room, and more, so that there is room for some time.
    fn fit(
        &self,
        system: &Message,
        request: &Ask,
        mut fold: Fold,
        (must, should): (usize, usize),
    ) -> Result<Before> {
        let all = exchanges(&request.history);
        let sizes = Sizes::of(&all, &fold, self.count);
        let alone = self.count.count_before(std::slice::from_ref(system))?;
        let later = sizes.growth().saturating_mul(EVERY);
        let goal = if request.go_on {
            must
        } else {
            should.saturating_sub(later).max(self.tokens / 4)
        };
        while alone + sizes.sum(&fold) > goal.min(should) && fold.step(all.len(), false) {}
        let mut made = self.folded(system, request, fold.clone())?;
        // To go on with the last answer it must be whole.
        while made.held > must && fold.step(all.len(), !request.go_on) {
            made = self.folded(system, request, fold.clone())?;
        }
        Ok(made)
    }

    fn folded(&self, system: &Message, request: &Ask, fold: Fold) -> Result<Before> {
        let messages = messages(system, &request.history, &fold, self.prompts)?;
        let held = self.count.count_before(&messages)?;
        Ok(Before {
            messages,
            held,
            new: false,
            fold,
        })
    }
}

impl Before {
    /// With what is told of a new fold.
    fn told(mut self, before: &Self) -> Self {
        let depth = |fold: &Fold| (fold.names, fold.gists, fold.gone);
        self.new = depth(&self.fold) != depth(&before.fold);
        if self.new {
            self.fold.tokens = (before.held, self.held);
        } else {
            self.fold = before.fold.clone();
        }
        self
    }
}

/// The failure for a message that is too long by itself; whether its tokens were counted is told.
pub fn too_long((tokens, exact): (usize, bool), room: usize, window: usize) -> Failure {
    let about = if exact { "" } else { "about " };
    Failure::usage(format!(
        "the message is too long: it has {about}{} tokens, and the model takes {}",
        human_count(tokens as u64),
        human_count(room as u64)
    ))
    .because(format!(
        "its context holds {} in all, with instructions and answer",
        human_count(window as u64)
    ))
    .hint(
        "ask about a part of it; or keep it as a file in the repository and name that with @, of \
         which what fits is shown; or choose a model with a larger context (/model, --ctx)",
    )
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
