//! Conversations on disk: a log of records for each, appended as things happen.
//!
//! A session is a file of JSON lines, a record a line. So it can be searched with grep and copied
//! with cp, a process that is killed loses at most the line it was writing, and what a later version
//! writes is passed over by this one. What cannot be read is never written over. A session that a
//! running homebody has open is locked.

mod record;
mod typed;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Fold, Turn};
use crate::base::failure::io_failure;
use crate::base::places::private_dir;
use crate::base::text::{counted, printable};
use crate::base::{Failure, Result};

pub use record::{PinnedFiles, Record, from_line, to_line};

/// Most bytes of a session's file that are read.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The file that those who use the sessions have locked, together.
const IN_USE: &str = "in-use";

/// The folder of one repository's sessions (0700; files 0600).
#[derive(Debug, Clone)]
pub struct Sessions {
    /// The path of the folder.
    pub dir: PathBuf,
}

/// A session in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SessionEntry {
    /// The session's id: sortable, newest last.
    pub id: String,
    /// The name that the user gave it, or the first request, one line.
    pub title: String,
    /// The id of the session that it parted from; none for one that is no branch.
    pub branch_of: Option<String>,
    /// The last request, one line.
    pub last: String,
    /// The number of turns.
    pub turns: usize,
    /// Seconds since 1970 of the last change.
    pub changed: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
}

impl SessionEntry {
    /// The title; a branch, which often has the title of what it parted from, is told from it by
    /// its last request.
    pub fn named(&self) -> String {
        match &self.branch_of {
            Some(_) if self.last.is_empty() || self.last == self.title => {
                format!("branch: {}", self.title)
            }
            Some(_) => format!("branch: {} · {}", self.last, self.title),
            None => self.title.clone(),
        }
    }

    /// The number of turns in words; nothing for a conversation of patches and reviews alone.
    pub fn turns_told(&self) -> String {
        match self.turns {
            0 => String::new(),
            turns => counted(turns, "turn"),
        }
    }
}

impl Sessions {
    /// The sessions there are, newest first. Broken files are left out.
    ///
    /// # Errors
    /// Of kind environment, where the folder cannot be read.
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
            let (Ok(records), Ok(facts)) = (self.load::<IgnoredAny>(id), entry.metadata()) else {
                continue;
            };
            let Some(told) = told(&records) else {
                continue;
            };
            // Where the file system keeps no times, a session counts as the oldest.
            let changed = facts
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |since| since.as_secs());
            found.push(SessionEntry {
                id: id.to_owned(),
                changed,
                bytes: facts.len(),
                ..told
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

    /// Says to others that a homebody uses the sessions, until what it gives is dropped.
    ///
    /// # Errors
    /// Of kind environment, where the folder cannot be written.
    pub fn in_use(&self) -> Result<File> {
        private_dir(&self.dir)?;
        let path = self.dir.join(IN_USE);
        let failed = |e: &std::io::Error| io_failure(format!("cannot open {}", path.display()), e);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| failed(&e))?;
        // Without a lock others are not kept from them: some file systems have none.
        let _ = file.try_lock_shared();
        Ok(file)
    }

    /// Tells whether a running homebody uses the sessions.
    pub fn are_in_use(&self) -> bool {
        let file = File::open(self.dir.join(IN_USE));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Opens a session, new or not, to go on with it; until it is dropped nobody else can.
    ///
    /// # Errors
    /// Of kind usage, where the id is none, or another homebody has the session open; of kind
    /// environment, where the file cannot be opened.
    pub fn open(&self, id: &str) -> Result<SessionLog> {
        let path = self.file(id)?;
        private_dir(&self.dir)?;
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot save the session {}", path.display()), e)
        };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| failed(&e))?;
        // Some file systems have no locks; there everybody is alone.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Failure::usage(format!(
                "the conversation {id} is open in another homebody"
            ))
            .hint("end that one, or begin another conversation"));
        }
        Ok(SessionLog {
            id: id.to_owned(),
            path,
            file,
        })
    }

    /// The records of a session, oldest first. Lines that cannot be read are passed over.
    ///
    /// # Errors
    /// Of kind usage, where there is no such session; of kind input, where nothing in it can be
    /// read; of kind environment, where the file cannot be.
    pub fn load<S: DeserializeOwned>(&self, id: &str) -> Result<Vec<Record<S>>> {
        let file = self.file(id)?;
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot read the session {}", file.display()), e)
        };
        let opened = match File::open(&file) {
            Ok(opened) => opened,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(unknown(id)),
            Err(e) => return Err(failed(&e)),
        };
        let mut bytes = Vec::new();
        opened
            .take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(|e| failed(&e))?;
        let records: Vec<Record<S>> = bytes
            .split(|byte| *byte == b'\n')
            .filter_map(from_line)
            .collect();
        if records.is_empty() && !bytes.is_empty() {
            return Err(Failure::input(format!(
                "nothing of the session {} can be read",
                file.display()
            )));
        }
        Ok(records)
    }

    /// The turns of a session, oldest first, and the way in which they are folded.
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub fn turns(&self, id: &str) -> Result<(Vec<Turn>, Fold)> {
        let (mut turns, mut folded) = (Vec::new(), Fold::default());
        for record in self.load::<IgnoredAny>(id)? {
            match record {
                Record::Turn { turn, .. } => turns.push(*turn),
                Record::Fold { fold, .. } => folded = fold,
                Record::Anew => (turns, folded) = (Vec::new(), Fold::default()),
                _ => {}
            }
        }
        Ok((turns, folded))
    }

    /// Removes a session that nobody has open.
    ///
    /// # Errors
    /// Of kind usage, where there is none, or it is open in another homebody; of kind environment,
    /// where it cannot be removed.
    pub fn remove(&self, id: &str) -> Result<()> {
        let file = self.file(id)?;
        if !file.exists() {
            return Err(unknown(id));
        }
        let _alone = self.open(id)?;
        fs::remove_file(&file)
            .map_err(|e| io_failure(format!("cannot remove the session {}", file.display()), &e))
    }

    /// Removes the sessions that have not changed for `days` days, and the oldest of those that
    /// take more than `megabytes` together; 0 for no such limit. One that is open stays.
    ///
    /// # Errors
    /// Of kind environment, where the folder cannot be read.
    pub fn prune(&self, days: usize, megabytes: usize) -> Result<()> {
        let entries = fs::read_dir(&self.dir).map_err(|e| {
            io_failure(
                format!("cannot read the sessions in {}", self.dir.display()),
                &e,
            )
        })?;
        let mut found: Vec<(SystemTime, u64, String)> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let id = name.to_str()?.strip_suffix(".jsonl")?.to_owned();
                let facts = entry.metadata().ok()?;
                Some((facts.modified().ok()?, facts.len(), id))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        let (mut room, limited) = (megabytes as u64 * 1_000_000, megabytes > 0);
        for (changed, bytes, id) in found {
            // By a clock that was set back since, it is new.
            let age = changed.elapsed().unwrap_or_default().as_secs() / 86_400;
            let old = days > 0 && age >= days as u64;
            let large = limited && bytes > room;
            room = room.saturating_sub(bytes);
            if (old || large)
                && let Err(failure) = self.remove(&id)
            {
                // Somebody has it open.
                log::info!("{failure}");
            }
        }
        Ok(())
    }

    /// The id that `wanted` is the beginning of; a session is named by as much of its id as no
    /// other has.
    ///
    /// # Errors
    /// Of kind usage, where none or several begin so.
    pub fn find(&self, wanted: &str) -> Result<String> {
        let all = self.list()?;
        let mut like = all.iter().filter(|entry| entry.id.starts_with(wanted));
        match (like.next(), like.next()) {
            _ if wanted.is_empty() => Err(unknown(wanted)),
            (Some(one), None) => Ok(one.id.clone()),
            (Some(_), Some(_)) => Err(Failure::usage(format!(
                "the ids of several sessions begin with `{wanted}`"
            ))
            .hint("give more of it: `homebody sessions` lists them")),
            (None, _) => Err(unknown(wanted)),
        }
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
                .hint("`homebody sessions` lists those there are"))
        }
    }
}

/// A session that is open, to be appended to.
#[derive(Debug)]
pub struct SessionLog {
    /// The session's id.
    pub id: String,
    path: PathBuf,
    file: File,
}

impl SessionLog {
    /// Appends records. With `sync` they are on the disk when this returns; without, they outlive
    /// the process, but not the machine.
    ///
    /// # Errors
    /// Of kind environment, where they cannot be written.
    pub fn append<S: Serialize>(&mut self, records: Vec<Record<S>>, sync: bool) -> Result<()> {
        let failed = |e: &std::io::Error| {
            let what = format!("cannot save the session {}", self.path.display());
            io_failure(what, e)
        };
        let mut text = String::new();
        // A line that a killed process left half written must not spoil this one.
        if !ends_with_newline(&mut self.file).map_err(|e| failed(&e))? {
            text.push('\n');
        }
        for record in records {
            text += &to_line(record)?;
            text.push('\n');
        }
        self.file
            .write_all(text.as_bytes())
            .map_err(|e| failed(&e))?;
        if sync {
            self.file.sync_data().map_err(|e| failed(&e))?;
        }
        Ok(())
    }
}

impl SessionLog {
    /// Gives the session a title. For the order of sessions that is no change of it.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub fn rename(&mut self, title: String) -> Result<()> {
        let changed = self.file.metadata().and_then(|facts| facts.modified());
        self.append(vec![Record::<()>::Title(title)], true)?;
        // Where times cannot be set, the session counts as changed just now.
        if let Ok(changed) = changed {
            let _ = self.file.set_modified(changed);
        }
        Ok(())
    }
}

fn unknown(id: &str) -> Failure {
    Failure::usage(format!("there is no session `{id}`"))
        .hint("`homebody sessions` lists those there are")
}

/// The facts of a session that its records tell; none of one in which nothing is.
fn told<S>(records: &[Record<S>]) -> Option<SessionEntry> {
    let (mut named, mut branch_of) = (None, None);
    let anew = records
        .iter()
        .rposition(|record| matches!(record, Record::Anew));
    let records = records.get(anew.unwrap_or(0)..).unwrap_or(records);
    let mut turns = Vec::new();
    for record in records {
        match record {
            Record::Turn { turn, .. } => turns.push(turn),
            Record::Title(title) => named = Some(title),
            Record::Branch(of) => branch_of = Some(of.clone()),
            _ => {}
        }
    }
    let title = named.or_else(|| Some(&turns.first()?.request))?;
    Some(SessionEntry {
        title: line(title),
        branch_of,
        // One of patches and reviews alone has none.
        last: turns
            .last()
            .map_or_else(String::new, |turn| line(&turn.request)),
        turns: turns.len(),
        ..SessionEntry::default()
    })
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

/// A text as one short line.
pub fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
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

    fn save(sessions: &Sessions, id: &str, request: &str) -> Result<()> {
        let turn = Box::new(turn(request));
        let record = Record::<()>::Turn { turn, shown: false };
        sessions.open(id)?.append(vec![record], true)
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
        save(&sessions, &id, "why\nthough").expect("saved");
        save(&sessions, &id, "and?").expect("saved");
        assert_eq!(
            sessions.turns(&id).expect("loaded").0,
            [turn("why\nthough"), turn("and?")]
        );
        let list = sessions.list().expect("listed");
        assert_eq!((list.len(), list[0].turns), (1, 2));
        assert_eq!(list[0].title, "why though");
        sessions.remove(&id).expect("removed");
        assert!(sessions.turns(&id).is_err());
        assert!(sessions.remove(&id).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, sessions) = sessions();
        save(&sessions, "a", "x").expect("saved");
        let mode = |p: PathBuf| fs::metadata(p).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(sessions.dir.join("a.jsonl")), 0o600);
        assert_eq!(mode(sessions.dir.clone()), 0o700);
    }

    #[test]
    fn a_half_written_turn_costs_itself_alone() {
        let (_dir, sessions) = sessions();
        save(&sessions, "a", "one").expect("saved");
        let file = sessions.dir.join("a.jsonl");
        let mut broken = fs::read(&file).expect("read");
        broken.extend_from_slice(b"{\"version\":1,\"turn\":{\"requ\xff");
        fs::write(&file, broken).expect("written");
        assert_eq!(sessions.turns("a").expect("loaded").0.len(), 1);
        save(&sessions, "a", "two").expect("saved");
        assert_eq!(
            sessions.turns("a").expect("loaded").0,
            [turn("one"), turn("two")]
        );
        fs::write(sessions.dir.join("b.jsonl"), "nonsense").expect("written");
        assert!(sessions.turns("b").is_err());
        assert_eq!(sessions.list().expect("listed").len(), 1);
    }

    #[test]
    fn ids_sort_by_time_and_stay_in_the_folder() {
        assert_eq!(stamp(0), "19700101-000000");
        assert_eq!(stamp(951_782_400), "20000229-000000");
        assert_eq!(stamp(1_795_427_222), "20261123-094702");
        let (_dir, sessions) = sessions();
        for bad in ["", "../x", "a/b", "a.b", "a\0"] {
            assert!(save(&sessions, bad, "x").is_err(), "{bad:?}");
        }
        let id = sessions.new_id();
        save(&sessions, &id, "x").expect("saved");
        assert_ne!(sessions.new_id(), id);
    }

    #[test]
    fn old_sessions_and_too_large_ones_go_unless_they_are_open() {
        let (_dir, sessions) = sessions();
        let aged = |id: &str, days: u64, bytes: usize| {
            save(&sessions, id, &"x".repeat(bytes)).expect("saved");
            let path = sessions.dir.join(format!("{id}.jsonl"));
            let file = File::options().append(true).open(path);
            let then = SystemTime::now() - std::time::Duration::from_secs(days * 86_400 + 60);
            file.expect("opened").set_modified(then).expect("set");
        };
        let ids = || {
            let all = sessions.list().expect("listed");
            all.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        aged("old", 90, 1);
        aged("open", 90, 1);
        aged("large", 2, 300_000);
        aged("new", 1, 300_000);
        let open = sessions.open("open").expect("opened");
        sessions.prune(0, 0).expect("nothing to do");
        assert_eq!(ids().len(), 4);
        sessions.prune(91, 2).expect("nothing to do");
        assert_eq!(ids().len(), 4);
        sessions.prune(90, 1).expect("pruned");
        assert_eq!(ids(), ["new", "open"]);
        drop(open);
    }

    #[test]
    fn a_session_that_is_open_is_nobody_elses() {
        let (_dir, sessions) = sessions();
        save(&sessions, "a", "x").expect("saved");
        let open = sessions.open("a").expect("opened");
        assert!(sessions.open("a").is_err());
        assert!(sessions.remove("a").is_err());
        assert_eq!(sessions.turns("a").expect("read").0.len(), 1);
        drop(open);
        sessions.remove("a").expect("removed");
    }

    #[test]
    fn sessions_are_named_by_a_title_and_found_by_the_beginning_of_an_id() {
        let (_dir, sessions) = sessions();
        save(&sessions, "ab1", "x").expect("saved");
        save(&sessions, "ab2", "y").expect("saved");
        let named = Record::<()>::Title("About\n x".to_owned());
        let mut log = sessions.open("ab2").expect("opened");
        log.append(vec![named], false).expect("named");
        let list = sessions.list().expect("listed");
        let titles: Vec<_> = list.iter().map(|e| (&*e.id, &*e.title)).collect();
        assert!(titles.contains(&("ab2", "About x")), "{titles:?}");
        assert_eq!(sessions.find("ab1").expect("found"), "ab1");
        for bad in ["", "ab", "b"] {
            assert!(sessions.find(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_first_version_wrote_is_read_and_a_version_to_come_is_passed_over() {
        let (_dir, sessions) = sessions();
        let turn = serde_json::to_string(&turn("old")).expect("JSON");
        private_dir(&sessions.dir).expect("made");
        let text = format!(
            "{{\"version\":1,\"turn\":{turn}}}\n{{\"version\":3,\"turn\":{turn}}}\n\
             {{\"version\":2,\"at\":5,\"screen\":[1]}}\n{{\"version\":2,\"at\":5,\"new\":1}}\n"
        );
        fs::write(sessions.dir.join("a.jsonl"), text).expect("written");
        let records = sessions.load::<Vec<u8>>("a").expect("read");
        assert!(
            matches!(&records[..], [Record::Turn { turn, .. }, Record::Screen(screen)]
                if turn.request == "old" && *screen == [1]),
            "{records:?}"
        );
    }
}
