//! The ids of sessions, for those who begin to type one.

use std::fs;

use serde::de::IgnoredAny;

use super::{Sessions, told};

/// Most bytes that are read for the titles of sessions whose ids are being typed.
const QUICK: u64 = 4_000_000;

impl Sessions {
    /// The ids that begin with `typed`, newest first, each with its title where that is read
    /// quickly; at most `most`. Where the folder cannot be read there are none.
    pub fn ids_like(&self, typed: &str, most: usize) -> Vec<(String, String)> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut ids: Vec<String> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let id = name.to_str()?.strip_suffix(".jsonl")?;
                id.starts_with(typed).then(|| id.to_owned())
            })
            .collect();
        ids.sort_by(|a, b| b.cmp(a));
        ids.truncate(most);
        let mut room = QUICK;
        let titled = |id: String| {
            let size = self.file(&id).ok().and_then(|file| fs::metadata(file).ok());
            let size = size.map_or(u64::MAX, |facts| facts.len());
            if size > room {
                return (id, String::new());
            }
            room -= size;
            let records = self.load::<IgnoredAny>(&id).unwrap_or_default();
            let title = told(&records).map(|entry| entry.named());
            (id, title.unwrap_or_default())
        };
        ids.into_iter().map(titled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::session::Record;

    #[test]
    fn ids_that_begin_as_typed_come_newest_first_with_their_titles() {
        let dir = tempfile::tempdir().expect("a folder");
        let sessions = Sessions {
            dir: dir.path().join("sessions"),
        };
        assert!(sessions.ids_like("", 9).is_empty(), "there is no folder");
        for (id, title) in [
            ("20260101-1", "Walk"),
            ("20260201-1", "Run"),
            ("2025-1", "Old"),
        ] {
            let mut log = sessions.open(id).expect("opens");
            log.append(vec![Record::<()>::Title(title.to_owned())], false)
                .expect("written");
        }
        let told = |typed: &str, most| sessions.ids_like(typed, most);
        let ids: Vec<String> = told("2026", 9).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["20260201-1", "20260101-1"]);
        assert_eq!(told("", 1)[0].0, "20260201-1");
    }
}
