//! What the model would be shown, without running one.

use super::{
    Preview, Prompts, Reader, Request, Settings, ask, ask::Parts, message, patch, review, talk,
};
use crate::base::{Cancel, Result};
use crate::context::{Context, LeftOut, rules};
use crate::engine::{Message, Role};
use crate::index::Index;
use crate::repo::Repo;

/// See [`super::preview`].
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
    let rules = rules::rules(repo, &settings.rules_file, count, talk::most_rules(window))?;
    let map = match request {
        Request::Ask(_) | Request::Patch(_) => talk::map_of(index, window, count),
        Request::Review(_) | Request::Message => String::new(),
    };
    let standing = talk::Standing {
        message: talk::system_message(repo, prompts, &rules, &map)?,
        rules,
        map,
    };
    let system = standing.message.clone();
    let parts = Parts {
        repo,
        index,
        settings,
        prompts,
        count,
        cancel: &Cancel::never(),
    };
    let user = |content: String| Message {
        role: Role::User,
        content,
    };
    let held = count.count_before(std::slice::from_ref(&system))?;
    let budget = |reserve: usize| talk::budget(settings, window, held + reserve, None);
    let (mut context, messages, tokens) = match request {
        Request::Ask(asked) => {
            let mut messages = ask::conversation(&system, &asked.history);
            let held = count.count_before(&messages)?;
            let budget = talk::budget(settings, window, held + ask::ANSWER / 2, None);
            let (context, sent, _) = parts.compose(asked, "", held, window, budget)?;
            messages.push(user(sent));
            let tokens = count.count_messages(&messages)?;
            (context, messages, tokens)
        }
        Request::Patch(wanted) => {
            let reserve = patch::reserve(settings.max_tokens, window);
            let (context, sent, _) =
                patch::compose(wanted, "", &parts, held, window, budget(reserve), rewrites)?;
            let messages = vec![system, user(sent)];
            let tokens = count.count_messages(&messages)?;
            (context, messages, tokens)
        }
        Request::Review(wanted) => {
            let review::Wanted { diff, unread, .. } = review::wanted(wanted, &parts)?;
            let system = review::told(system, review::fixes(rewrites), prompts)?;
            let held = count.count_before(std::slice::from_ref(&system))?;
            let cut = review::pieces(&diff, &parts, held, window, None)?;
            let mut messages = vec![system.clone()];
            let mut context = Context::default();
            // The instructions are read once, then the pieces, each in a conversation of its own.
            let mut tokens = held;
            for piece in &cut.pieces {
                let message = review::message(piece, prompts)?;
                let whole = count.count_messages(&[system.clone(), message.clone()])?;
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
            (context, messages, tokens)
        }
        Request::Message => {
            let (sent, left_out) = message::compose(&parts, held, window, budget(message::USUAL))?;
            let context = Context {
                left_out,
                ..Context::default()
            };
            let messages = vec![system, user(sent)];
            let tokens = count.count_messages(&messages)?;
            (context, messages, tokens)
        }
    };
    standing.tell(&mut context);
    Ok(Preview {
        context,
        messages,
        tokens,
    })
}
