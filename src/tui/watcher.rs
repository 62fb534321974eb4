//! Looks out for changes of the repository's files, so that a question asked right after an
//! edit elsewhere is answered from what stands there now.
//!
//! Folders that hold indexed files are watched, one by one: watching all of a tree would spend
//! the system's watches on what is ignored (`target`, `node_modules`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use notify::{EventKind, RecursiveMode, Watcher as _};

use crate::app::Event;
use crate::base::RepoPath;

/// Time without a change that ends a burst of them.
const QUIET: Duration = Duration::from_millis(300);
/// Longest burst that is waited for.
const LONGEST: Duration = Duration::from_secs(2);
/// Folders watched at most. A repository with more is looked at as before: at the start, after
/// a patch, when asked.
const MOST: usize = 4_000;
/// Files of git's folder that say that something else is checked out or staged.
const GIT: [&str; 5] = ["HEAD", "index", "packed-refs", "MERGE_HEAD", "ORIG_HEAD"];

/// Watches a repository until it is dropped.
pub(super) struct Watcher {
    inner: notify::RecommendedWatcher,
    root: PathBuf,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Begins to watch the root and git's own folder. None where the system cannot watch: what
    /// changes is then seen later, as on network drives.
    pub(super) fn start(
        root: &Path,
        git_dir: Option<&Path>,
        events: Sender<Event>,
    ) -> Option<Self> {
        let (tell, changes) = unbounded();
        let git = git_dir.map(Path::to_path_buf);
        let seen = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| matters(&event, git.as_deref())) {
                let _ = tell.send(());
            }
        };
        let inner = notify::recommended_watcher(seen)
            .inspect_err(|e| log::info!("changes are not watched: {e}"))
            .ok()?;
        std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || gather(&changes, &events))
            .ok()?;
        let mut watcher = Self {
            inner,
            root: root.to_path_buf(),
            watched: BTreeSet::new(),
        };
        watcher.watch(root.to_path_buf());
        if let Some(dir) = git_dir {
            watcher.watch(dir.to_path_buf());
        }
        Some(watcher)
    }

    /// Watches the folders of these files too; those that no longer hold any are left to the
    /// system, which forgets them when they go.
    pub(super) fn follow(&mut self, files: &[RepoPath]) {
        let mut folders = BTreeSet::new();
        for file in files {
            let mut folder = file.folder();
            // A folder that is new appears in the one above it.
            while !folder.is_empty() && folders.insert(folder) {
                folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            }
        }
        for folder in folders {
            if self.watched.len() >= MOST {
                return;
            }
            self.watch(self.root.join(folder));
        }
    }

    fn watch(&mut self, folder: PathBuf) {
        if self.watched.contains(&folder) {
            return;
        }
        match self.inner.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder);
            }
            Err(e) => log::info!("{} is not watched: {e}", folder.display()),
        }
    }
}

/// Tells whether something was made, changed, moved or removed that a reader of the repository
/// would see. Reading a file is an event too.
fn matters(event: &notify::Event, git: Option<&Path>) -> bool {
    let changed = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any
    );
    let of_git = |path: &PathBuf| git.is_some_and(|git| path.starts_with(git));
    let told = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        !of_git(path) || name.is_some_and(|name| GIT.contains(&name))
    };
    changed && (event.paths.is_empty() || event.paths.iter().any(told))
}

/// Makes one event of each burst of changes. Ends with the watcher or the ring.
fn gather(changes: &Receiver<()>, events: &Sender<Event>) {
    while changes.recv().is_ok() {
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            match changes.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if events.send(Event::Changed).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: &Receiver<Event>) -> bool {
        let first = events.recv_timeout(Duration::from_secs(10));
        matches!(first, Ok(Event::Changed))
    }

    #[test]
    fn a_burst_of_changes_is_one_event_also_in_a_folder_that_is_new() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("there");
        std::fs::create_dir_all(root.join("src/deep")).expect("made");
        std::fs::write(root.join("src/deep/a.rs"), "one").expect("written");
        let (send, events) = unbounded();
        let Some(mut watcher) = Watcher::start(&root, None, send) else {
            return crate::base::left_out("this system watches no files");
        };
        watcher.follow(&[RepoPath::new("src/deep/a.rs").expect("a path")]);
        for n in 0..5 {
            std::fs::write(root.join("src/deep/a.rs"), format!("{n}")).expect("written");
        }
        assert!(told(&events));
        assert!(
            events.recv_timeout(QUIET * 2).is_err(),
            "one burst, one event"
        );
        let _ = std::fs::read(root.join("src/deep/a.rs"));
        assert!(
            events.recv_timeout(QUIET * 2).is_err(),
            "reading is no change"
        );
        std::fs::create_dir(root.join("src/new")).expect("made");
        assert!(told(&events));
    }

    #[test]
    fn of_gits_own_files_those_count_that_say_what_is_checked_out() {
        let event = |name: &str| {
            notify::Event::new(EventKind::Modify(notify::event::ModifyKind::Any))
                .add_path(Path::new("/r/.git").join(name))
        };
        let git = Some(Path::new("/r/.git"));
        assert!(matters(&event("HEAD"), git));
        assert!(matters(&event("index"), git));
        assert!(!matters(&event("index.lock"), git));
        assert!(!matters(&event("FETCH_HEAD"), git));
        let read = notify::Event::new(EventKind::Access(notify::event::AccessKind::Any));
        assert!(!matters(&read.add_path("/r/a.rs".into()), git));
    }
}
