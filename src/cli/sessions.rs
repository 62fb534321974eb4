//! `sessions`: conversations are listed, searched, shown, exported, renamed and deleted.

use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::args::{SessionsArgs, SessionsCommand};
use super::invocation::Invocation;
use super::out::Tone;
use super::{Code, NEGATIVE};
use crate::app::Conversation;
use crate::app::log::{export, find, replay};
use crate::base::failure::io_failure;
use crate::base::text::{counted, human_ago, truncated};
use crate::base::{Failure, Result};
use crate::jobs::session::{SessionEntry, Sessions};

/// Lines of a conversation that are shown of what is found in it.
const SHOWN: usize = 3;
/// Bytes of a found line that are shown.
const WIDTH: usize = 160;

/// Runs `sessions`.
pub(super) fn run(args: SessionsArgs, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open_as_it_is()?;
    let sessions = Sessions {
        dir: workspace.places.sessions.clone(),
    };
    match args.command.unwrap_or(SessionsCommand::List) {
        SessionsCommand::List => list(&sessions, args.json, invocation),
        SessionsCommand::Search { words } => {
            search(&sessions, &words.join(" "), args.json, invocation)
        }
        SessionsCommand::Show { id } => {
            let id = sessions.find(&id)?;
            let text = text(&sessions, &id, args.json)?;
            for line in text.lines() {
                invocation.out.line(Tone::Plain, line);
            }
            Ok(0)
        }
        SessionsCommand::Export { id, file } => {
            let id = sessions.find(&id)?;
            let text = text(&sessions, &id, args.json)?;
            write_new(&file, &text)?;
            invocation
                .out
                .note(&format!("written to {}", file.display()));
            Ok(0)
        }
        SessionsCommand::Rename { id, title } => {
            let id = sessions.find(&id)?;
            sessions.open(&id)?.rename(title.join(" "))?;
            if args.json {
                let named = sessions.list()?;
                let named: Vec<&SessionEntry> = named.iter().filter(|one| one.id == id).collect();
                let told = json!({"type": "sessions", "sessions": named});
                invocation.out.json(&told)?;
            }
            Ok(0)
        }
        SessionsCommand::Delete { ids, all, dry_run } => {
            let listed = sessions.list()?;
            let wanted = if all {
                listed.iter().map(|entry| entry.id.clone()).collect()
            } else {
                let found = ids.iter().map(|id| sessions.find(id));
                found.collect::<Result<Vec<_>>>()?
            };
            let named = |entry: &&SessionEntry| wanted.contains(&entry.id);
            let chosen: Vec<&SessionEntry> = listed.iter().filter(named).collect();
            delete(&sessions, &chosen, dry_run, args.json, invocation)
        }
    }
}

fn list(sessions: &Sessions, as_json: bool, invocation: &mut Invocation) -> Result<Code> {
    let all = sessions.list()?;
    if as_json {
        invocation
            .out
            .json(&json!({"type": "sessions", "sessions": all}))?;
        return Ok(0);
    }
    for entry in &all {
        invocation.out.line(Tone::Plain, &line(entry));
    }
    invocation.out.note(if all.is_empty() {
        "there is no conversation about this repository yet"
    } else {
        "homebody --resume=ID goes on with one"
    });
    Ok(0)
}

/// A session in a line: id, age, turns, title.
fn line(entry: &SessionEntry) -> String {
    // By a clock that was set back since, it has just been written.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let age = human_ago(now.as_secs().saturating_sub(entry.changed));
    let turns = entry.turns_told();
    format!("{}  {age:<14} {turns:>9}  {}", entry.id, entry.named())
}

/// The conversation of a session.
fn conversation(sessions: &Sessions, id: &str) -> Result<Conversation> {
    Ok(replay(sessions.load(id)?))
}

/// A session as a document.
fn text(sessions: &Sessions, id: &str, as_json: bool) -> Result<String> {
    let conversation = conversation(sessions, id)?;
    let blocks = || conversation.blocks.iter().map(|(_, body)| body);
    if !as_json {
        return Ok(export(blocks()));
    }
    let all = json!({
        "type": "conversation",
        "id": id,
        "title": conversation.title,
        "blocks": blocks().collect::<Vec<_>>(),
        "turns": conversation.turns,
        "files": conversation.files,
    });
    serde_json::to_string_pretty(&all)
        .map_err(|e| Failure::bug("a conversation cannot be written as JSON").caused_by(&e))
}

fn search(
    sessions: &Sessions,
    words: &str,
    as_json: bool,
    invocation: &mut Invocation,
) -> Result<Code> {
    let mut found = Vec::new();
    for entry in sessions.list()? {
        // One that was removed meanwhile is none.
        let Ok(conversation) = conversation(sessions, &entry.id) else {
            continue;
        };
        let text = export(conversation.blocks.iter().map(|(_, body)| body));
        if let Some(lines) = find(&entry.title, &text, words) {
            let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            found.push((entry, lines));
        }
    }
    if as_json {
        let mut sessions = Vec::new();
        for (entry, lines) in &found {
            let mut session = json!(entry);
            session["lines"] = json!(lines);
            sessions.push(session);
        }
        let found = json!({"type": "sessions", "sessions": sessions});
        invocation.out.json(&found)?;
    } else {
        for (entry, lines) in &found {
            invocation.out.line(Tone::Plain, &line(entry));
            for line in lines.iter().take(SHOWN) {
                let shown = format!("    {}", truncated(line.trim(), WIDTH));
                invocation.out.line(Tone::Plain, &shown);
            }
            let more = lines.len().saturating_sub(SHOWN);
            if more > 0 {
                let more = format!("    and {}", counted(more, "more line"));
                invocation.out.line(Tone::Plain, &more);
            }
        }
    }
    Ok(if found.is_empty() { NEGATIVE } else { 0 })
}

fn delete(
    sessions: &Sessions,
    chosen: &[&SessionEntry],
    dry_run: bool,
    as_json: bool,
    invocation: &mut Invocation,
) -> Result<Code> {
    let told = json!({"type": "sessions", "sessions": chosen, "deleted": !dry_run});
    if !as_json {
        for entry in chosen {
            invocation.out.line(Tone::Plain, &line(entry));
        }
    } else if dry_run {
        invocation.out.json(&told)?;
    }
    if dry_run || chosen.is_empty() {
        let count = counted(chosen.len(), "conversation");
        invocation.out.note(&format!("{count} would be deleted"));
        return Ok(0);
    }
    let count = counted(chosen.len(), "conversation");
    invocation.leave_to_remove(&format!("delete {count}?"))?;
    for entry in chosen {
        sessions.remove(&entry.id)?;
    }
    invocation.out.note(&format!("{count} deleted"));
    if as_json {
        invocation.out.json(&told)?;
    }
    Ok(0)
}

/// Writes a file that was not there before.
fn write_new(file: &Path, text: &str) -> Result<()> {
    let failed = |e: &std::io::Error| {
        let failure = io_failure(format!("cannot write {}", file.display()), e);
        match e.kind() {
            std::io::ErrorKind::AlreadyExists => failure.hint("name another file"),
            _ => failure,
        }
    };
    let mut options = std::fs::OpenOptions::new();
    let mut out = options
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|e| failed(&e))?;
    out.write_all(text.as_bytes()).map_err(|e| failed(&e))
}
