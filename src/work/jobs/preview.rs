//! The conversation that a model would be shown, without running one.

use super::{
    Ask, Patch, Preview, Prompts, Reader, Request, Review, Settings, ask, ask::Parts, fold,
    message, model_calls, patch, review,
};
use crate::base::{Cancel, Result};
use crate::context::{Context, LeftOut, Surroundings, rules};
use crate::engine::{CountMessages, Message, Role};
use crate::index::Index;
use crate::repo::{Diff, Repo};

/// Makes the preview of a request: see [`super::preview`].
pub(super) fn preview(
    request: &Request,
    repo: &Repo,
    index: &Index,
    settings: &Settings,
    prompts: &Prompts,
    reader: Reader<'_>,
) -> Result<Preview> {
    let Reader {
        count,
        context: window,
        rewrites,
    } = reader;
    let rules = rules::rules(
        repo,
        &settings.rules_file,
        count,
        model_calls::most_rules(window),
    )?;
    let map = match request {
        Request::Ask(_) | Request::Patch(_) => model_calls::map_of(index, window, count),
        Request::Review(_) | Request::Message | Request::MessageOf(_) => String::new(),
    };
    let standing = model_calls::Standing {
        message: model_calls::system_message(repo, prompts, &rules, &map)?,
        rules,
        map,
    };
    let cancel = Cancel::never();
    let cx = Cx {
        parts: Parts {
            repo,
            index,
            settings,
            prompts,
            count,
            cancel: &cancel,
        },
        count,
        window,
        rewrites,
        system: &standing.message,
    };
    let mut preview = match request {
        Request::Ask(asked) => cx.ask(asked)?,
        Request::Patch(wanted) => cx.patch(wanted)?,
        Request::Review(wanted) => cx.review(wanted)?,
        Request::Message => cx.message(None)?,
        Request::MessageOf(diff) => cx.message(Some(diff))?,
    };
    standing.tell(&mut preview.context);
    Ok(preview)
}

/// The material that the previews of all requests are made from.
struct Cx<'a> {
    parts: Parts<'a>,
    count: &'a dyn CountMessages,
    /// The context of the model in tokens.
    window: usize,
    rewrites: bool,
    /// The standing instructions.
    system: &'a Message,
}

impl Cx<'_> {
    /// Tokens of a message that begins a conversation.
    fn held(&self, system: &Message) -> Result<usize> {
        self.count.count_before(std::slice::from_ref(system))
    }

    /// Tokens that excerpts may take behind `used` others.
    fn budget(&self, used: usize) -> usize {
        model_calls::budget(self.parts.settings, self.window, used, None)
    }

    /// The preview of a conversation that ends with a message of the user's.
    fn shown(
        &self,
        context: Context,
        mut messages: Vec<Message>,
        sent: String,
        notes: Vec<String>,
    ) -> Result<Preview> {
        messages.push(Message {
            role: Role::User,
            content: sent,
        });
        Ok(Preview {
            tokens: self.count.count_messages(&messages)?,
            context,
            messages,
            notes,
        })
    }

    fn ask(&self, asked: &Ask) -> Result<Preview> {
        let parts = &self.parts;
        let window = fold::Window {
            count: self.count,
            tokens: self.window,
            settings: parts.settings,
            prompts: parts.prompts,
            rates: None,
        };
        let before = window.before(self.system, asked)?;
        let budget = self.budget(before.held + ask::ANSWER / 2);
        let (context, sent, notes) = parts.compose(asked, "", &before, self.window, budget)?;
        self.shown(context, before.messages, sent, notes)
    }

    fn patch(&self, wanted: &Patch) -> Result<Preview> {
        let held = self.held(self.system)?;
        let (window, rewrites) = (self.window, self.rewrites);
        let budget = self.budget(held + patch::reserve(self.parts.settings.max_tokens, window));
        let (context, sent, notes) =
            patch::compose(wanted, "", &self.parts, held, window, budget, rewrites)?;
        self.shown(context, vec![self.system.clone()], sent, notes)
    }

    /// The preview of a review: the instructions, which are read once, and the pieces, each in a
    /// conversation of its own.
    fn review(&self, wanted: &Review) -> Result<Preview> {
        let prompts = self.parts.prompts;
        let review::Wanted {
            mut diff, unread, ..
        } = review::wanted(wanted, &self.parts)?;
        diff.mask_secrets()?;
        let system = review::told(self.system.clone(), review::fixes(self.rewrites), prompts)?;
        let held = self.held(&system)?;
        let cut = review::pieces(&diff, &self.parts, held, self.window, None)?;
        let mut messages = vec![system.clone()];
        let mut context = Context::default();
        let mut tokens = held;
        let mut surroundings = Surroundings::new(&diff, self.parts.repo, self.parts.index, 1);
        for mut piece in cut.pieces {
            surroundings.add(&mut piece, cut.budget, self.parts.count);
            let piece = &piece;
            let message = review::message(piece, prompts)?;
            let whole = self
                .count
                .count_messages(&[system.clone(), message.clone()])?;
            tokens += whole.saturating_sub(held);
            messages.push(message);
            context.tokens += piece.tokens;
            context.excerpts.extend(piece.around.iter().cloned());
        }
        context.left_out = unread
            .into_iter()
            .map(|(path, reason)| LeftOut {
                path,
                range: None,
                tokens: 0,
                reason,
            })
            .chain(cut.left_out)
            .collect();
        Ok(Preview {
            context,
            messages,
            tokens,
            notes: Vec::new(),
        })
    }

    fn message(&self, of: Option<&Diff>) -> Result<Preview> {
        let held = self.held(self.system)?;
        let budget = self.budget(held + message::USUAL);
        let diff = message::diff_of(of, self.parts.repo)?;
        let (sent, left_out) = message::compose(diff, &self.parts, held, self.window, budget)?;
        let context = Context {
            left_out,
            ..Context::default()
        };
        self.shown(context, vec![self.system.clone()], sent, Vec::new())
    }
}
