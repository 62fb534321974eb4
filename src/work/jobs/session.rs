//! Conversations on disk: saved turn by turn, resumed, exported, forgotten.
//!
//! A session is a file of JSON lines, a turn a line, so that a killed process loses at most
//! the turn it was writing. What cannot be read is passed over, never written over.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Turn;
use crate::base::failure::io_failure;
use crate::base::places::private_dir;
use crate::base::text::{printable, printable_block};
use crate::base::{Failure, Result};

/// The version of the file format.
const VERSION: u32 = 1;

/// Most bytes of a session's file that are read.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The folder of one repository's sessions (0700; files 0600).
#[derive(Debug, Clone)]
pub struct Sessions {
    /// The path of the folder.
    pub dir: PathBuf,
}

/// A session in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// The session's id: sortable, newest last.
    pub id: String,
    /// The first request, one line.
    pub title: String,
    /// The number of turns.
    pub turns: usize,
    /// Seconds since 1970 of the last change.
    pub changed: u64,
}

/// A line of a session's file.
#[derive(Debug, Serialize, Deserialize)]
struct StoredTurn<T> {
    version: u32,
    turn: T,
}

impl Sessions {
    /// The sessions there are, newest first. Broken files are left out.
    pub fn list(&self) -> Result<Vec<SessionEntry>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => {
                return Err(io_failure(
                    format!("cannot read the sessions in {}", self.dir.display()),
                    &e,
                ));
            }
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".jsonl")) else {
                continue;
            };
            let Ok(turns) = self.load(id) else {
                continue;
            };
            let Some(first) = turns.first() else {
                continue;
            };
            // Where the file system keeps no times, a session counts as the oldest.
            let changed = entry
                .metadata()
                .and_then(|facts| facts.modified())
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |since| since.as_secs());
            found.push(SessionEntry {
                id: id.to_owned(),
                title: title(&first.request),
                turns: turns.len(),
                changed,
            });
        }
        found.sort_by(|a, b| (b.changed, &b.id).cmp(&(a.changed, &a.id)));
        Ok(found)
    }

    /// An id for a new session.
    pub fn new_id(&self) -> String {
        // A clock may stand before 1970.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let stamp = stamp(since.as_secs());
        let mut part = since.subsec_millis();
        loop {
            let id = format!("{stamp}-{part:03}");
            if !self.dir.join(format!("{id}.jsonl")).exists() {
                return id;
            }
            part += 1;
        }
    }

    /// Adds a turn to a session's file (created with the first). A killed process loses at
    /// most the turn being written.
    pub fn append(&self, id: &str, turn: &Turn) -> Result<()> {
        let file = self.file(id)?;
        private_dir(&self.dir)?;
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot save the session {}", file.display()), e)
        };
        let line = serde_json::to_string(&StoredTurn {
            version: VERSION,
            turn,
        })
        .map_err(|e| Failure::bug("a turn cannot be written as JSON").caused_by(&e))?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&file).map_err(|e| failed(&e))?;
        // A line that a killed process left half written must not spoil this one.
        let mut text = String::with_capacity(line.len() + 2);
        if !ends_with_newline(&mut out).map_err(|e| failed(&e))? {
            text.push('\n');
        }
        text.push_str(&line);
        text.push('\n');
        out.write_all(text.as_bytes()).map_err(|e| failed(&e))?;
        out.sync_data().map_err(|e| failed(&e))
    }

    /// The turns of a session.
    pub fn load(&self, id: &str) -> Result<Vec<Turn>> {
        let file = self.file(id)?;
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot read the session {}", file.display()), e)
        };
        let opened = match File::open(&file) {
            Ok(opened) => opened,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::usage(format!("there is no session `{id}`"))
                    .hint("`/sessions` lists those there are"));
            }
            Err(e) => return Err(failed(&e)),
        };
        let mut bytes = Vec::new();
        opened
            .take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(|e| failed(&e))?;
        let turns: Vec<Turn> = bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<StoredTurn<Turn>>(line).ok())
            .filter(|kept| kept.version == VERSION)
            .map(|kept| kept.turn)
            .collect();
        if turns.is_empty() && !bytes.is_empty() {
            return Err(Failure::input(format!(
                "no turn of the session {} can be read",
                file.display()
            )));
        }
        Ok(turns)
    }

    /// Removes a session.
    pub fn remove(&self, id: &str) -> Result<()> {
        let file = self.file(id)?;
        fs::remove_file(&file).map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound {
                Failure::usage(format!("there is no session `{id}`"))
            } else {
                io_failure(format!("cannot remove the session {}", file.display()), &e)
            }
        })
    }

    /// The file of a session; an id never leads out of the folder.
    fn file(&self, id: &str) -> Result<PathBuf> {
        let good = !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if good {
            Ok(self.dir.join(format!("{id}.jsonl")))
        } else {
            Err(Failure::usage(format!("`{id}` is no session id"))
                .hint("`/sessions` lists those there are"))
        }
    }
}

/// Tells whether a file ends with a newline, or is empty.
fn ends_with_newline(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0_u8];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// A request as one short line.
fn title(request: &str) -> String {
    let line = request.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(80).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    printable(&short).into_owned()
}

/// `20261123-094702` for seconds since 1970, in UTC.
fn stamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Counting from the first of March of the year 0 puts the leap day at a year's end.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}-{:02}{:02}{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// A session as a Markdown document, sources listed under each answer.
pub fn export(turns: &[Turn]) -> String {
    let mut out = String::new();
    for turn in turns {
        if !out.is_empty() {
            out.push('\n');
        }
        let mut lines = turn.request.trim().lines();
        // A turn that was read from a file may have an empty request.
        let first = lines.next().unwrap_or("");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "## {}\n", printable(first));
        let rest: Vec<&str> = lines.collect();
        if !rest.is_empty() {
            for line in rest {
                let _ = writeln!(out, "> {}", printable(line));
            }
            out.push('\n');
        }
        let _ = writeln!(out, "{}", printable_block(turn.answer.trim()));
        if !turn.sources.is_empty() {
            out.push_str("\nSources:\n\n");
            for source in &turn.sources {
                let cited = if source.cited { ", cited" } else { "" };
                let _ = writeln!(
                    out,
                    "- [{}] `{}:{}-{}`{cited}",
                    source.id, source.path, source.start, source.end
                );
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::jobs::Source;

    fn turn(request: &str) -> Turn {
        Turn {
            request: request.to_owned(),
            sent: format!("Question: {request}"),
            answer: "Because [1].".to_owned(),
            sources: vec![Source {
                id: 1,
                path: RepoPath::new("src/a.rs").expect("good path"),
                start: 1,
                end: 9,
                cited: true,
            }],
            continues: false,
            whole: false,
        }
    }

    fn sessions() -> (tempfile::TempDir, Sessions) {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions {
            dir: dir.path().join("sessions"),
        };
        (dir, sessions)
    }

    #[test]
    fn turns_come_back_as_they_were() {
        let (_dir, sessions) = sessions();
        assert_eq!(sessions.list().expect("none yet"), []);
        let id = sessions.new_id();
        sessions.append(&id, &turn("why\nthough")).expect("saved");
        sessions.append(&id, &turn("and?")).expect("saved");
        assert_eq!(
            sessions.load(&id).expect("loaded"),
            [turn("why\nthough"), turn("and?")]
        );
        let list = sessions.list().expect("listed");
        assert_eq!((list.len(), list[0].turns), (1, 2));
        assert_eq!(list[0].title, "why though");
        sessions.remove(&id).expect("removed");
        assert!(sessions.load(&id).is_err());
        assert!(sessions.remove(&id).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, sessions) = sessions();
        sessions.append("a", &turn("x")).expect("saved");
        let mode = |p: PathBuf| fs::metadata(p).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(sessions.dir.join("a.jsonl")), 0o600);
        assert_eq!(mode(sessions.dir.clone()), 0o700);
    }

    #[test]
    fn a_half_written_turn_costs_itself_alone() {
        let (_dir, sessions) = sessions();
        sessions.append("a", &turn("one")).expect("saved");
        let file = sessions.dir.join("a.jsonl");
        let mut broken = fs::read(&file).expect("read");
        broken.extend_from_slice(b"{\"version\":1,\"turn\":{\"requ\xff");
        fs::write(&file, broken).expect("written");
        assert_eq!(sessions.load("a").expect("loaded").len(), 1);
        sessions.append("a", &turn("two")).expect("saved");
        assert_eq!(
            sessions.load("a").expect("loaded"),
            [turn("one"), turn("two")]
        );
        fs::write(sessions.dir.join("b.jsonl"), "nonsense").expect("written");
        assert!(sessions.load("b").is_err());
        assert_eq!(sessions.list().expect("listed").len(), 1);
    }

    #[test]
    fn ids_sort_by_time_and_stay_in_the_folder() {
        assert_eq!(stamp(0), "19700101-000000");
        assert_eq!(stamp(951_782_400), "20000229-000000");
        assert_eq!(stamp(1_795_427_222), "20261123-094702");
        let (_dir, sessions) = sessions();
        for bad in ["", "../x", "a/b", "a.b", "a\0"] {
            assert!(sessions.append(bad, &turn("x")).is_err(), "{bad:?}");
        }
        let id = sessions.new_id();
        sessions.append(&id, &turn("x")).expect("saved");
        assert_ne!(sessions.new_id(), id);
    }

    #[test]
    fn an_export_reads_as_a_document() {
        let mut second = turn("two\nlines");
        second.answer = "esc \u{1b}[31m\n\n```rust\nx\n```".to_owned();
        insta::assert_snapshot!(export(&[turn("why?"), second]));
    }
}
