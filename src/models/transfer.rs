//! One file from the hub: whole, resumed, checked, or not at all.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::catalog::Model;
use super::checksum;
use super::hub::{Remote, Said, Upload};
use super::meter::Meter;
use super::route::Route;
use super::store::check_magic;
use super::trouble::{Next, Trouble};
use crate::base::failure::io_failure;
use crate::base::places::write_private;
use crate::base::text::human_bytes;
use crate::base::{Cancel, Failure, Result};

/// Bytes after which the disk is looked at again, where no size is stated.
const ROUGHLY: u64 = 64 << 20;
/// Tries in a row without getting on.
const TRIES: u32 = 3;

/// A try that brought so much was not in vain.
const GETTING_ON: u64 = 1 << 20;

/// The longest that a server may have us wait before the next try.
const PATIENCE: Duration = Duration::from_secs(20);

/// Disk space to be left over.
const SPARE_DISK: u64 = 64 << 20;

/// A file that has been fetched and checked, not yet under its final name.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) part: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// What the `.part` file is a part of: beside it, so that it is never glued to another upload.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    repo: String,
    file: String,
    bytes: Option<u64>,
    tag: String,
}

/// The `.part` file with what is known of it.
struct Part {
    path: PathBuf,
    label: PathBuf,
    file: File,
    have: u64,
    sum: Sha256,
}

/// The name of what is not yet a model.
pub(super) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}

fn label_of(part: &Path) -> PathBuf {
    let mut name = part.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    part.with_file_name(name)
}

/// Takes away what a download has left behind.
pub(super) fn clear(target: &Path) {
    let part = part_of(target);
    // Neither need be there, and the next download looks at both anyway.
    let _ = fs::remove_file(label_of(&part));
    let _ = fs::remove_file(part);
}

/// That `bytes` more find room where `dir` lies, as far as the system tells.
pub(super) fn check_space(dir: &Path, bytes: u64) -> Result<()> {
    let Ok(free) = fs4::available_space(dir) else {
        return Ok(());
    };
    let needed = bytes.saturating_add(SPARE_DISK);
    if free >= needed {
        return Ok(());
    }
    Err(Failure::environment("there is not enough disk space")
        .because(format!(
            "{} has {} free where {} are needed",
            dir.display(),
            human_bytes(free),
            human_bytes(needed)
        ))
        .hint("free some space, or set XDG_DATA_HOME to a folder on another disk"))
}

/// Fetches what `upload` describes into the `.part` file of `target` and checks it.
pub(super) fn fetch(
    route: &Route,
    remote: &Remote,
    upload: &Upload,
    model: &Model,
    target: &Path,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Fetched> {
    let (repo, file) = match &model.source {
        super::Source::Hub { repo, file } => (repo.clone(), file.clone()),
        super::Source::Wheel { .. } => return Err(Failure::bug("a wheel is not on the hub")),
    };
    let wanted = upload.sha256.clone().or_else(|| model.sha256.clone());
    // Without a name for the upload a part cannot be told from a part of another one.
    let tag = upload.tag.clone().or_else(|| wanted.clone());
    let label = Label {
        repo,
        file,
        bytes: upload.bytes,
        tag: tag.clone().unwrap_or_default(),
    };
    let mut part = Part::open(target, &label, tag.is_some(), cancel, meter)?;
    let dir = target.parent().unwrap_or(Path::new("."));
    check_space(
        dir,
        upload
            .bytes
            .unwrap_or(model.bytes)
            .saturating_sub(part.have),
    )?;

    let mut resumed = part.have;
    let mut job = Job {
        route,
        remote,
        cancel,
        total: upload.bytes,
        guess: model.bytes,
    };
    loop {
        job.run(&mut part, &mut resumed, meter)?;
        meter.at(part.have);
        meter.settle();
        let found = checksum::hex(part.sum.clone());
        if let Some(wanted) = &wanted
            && *wanted != found
        {
            part.restart()?;
            if resumed > 0 {
                // What lay here may have been damaged: once more, all of it.
                resumed = 0;
                continue;
            }
            drop(part);
            clear(target);
            return Err(Failure::environment(format!(
                "what {} sent is not `{}`",
                remote.host(),
                model.name
            ))
            .because(format!("its SHA-256 is {found} where {wanted} is stated"))
            .hint("it has been deleted; try again, or another mirror with HF_ENDPOINT"));
        }
        part.sync()?;
        if let Err(failure) = check_magic(&part.path) {
            drop(part);
            clear(target);
            return Err(Failure::environment(format!(
                "what {} sent is not `{}`",
                remote.host(),
                model.name
            ))
            .because(failure)
            .hint("try another mirror with HF_ENDPOINT, or another model"));
        }
        return Ok(Fetched {
            part: part.path.clone(),
            bytes: part.have,
            sha256: found,
        });
    }
}

/// Gives a checked file its final name.
pub(super) fn settle(fetched: &Path, target: &Path) -> Result<()> {
    fs::rename(fetched, target)
        .map_err(|e| io_failure(format!("cannot rename to {}", target.display()), &e))?;
    clear(target);
    #[cfg(unix)]
    if let Some(dir) = target.parent() {
        // The name is on disk only once the folder is; if not now, then soon.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
    Ok(())
}

struct Job<'a> {
    route: &'a Route,
    remote: &'a Remote,
    cancel: &'a Cancel,
    total: Option<u64>,
    guess: u64,
}

impl Job<'_> {
    /// Brings the part to its full length, with as many tries as are worth it.
    fn run(&mut self, part: &mut Part, resumed: &mut u64, meter: &mut Meter<'_>) -> Result<()> {
        let mut tries = 0;
        let mut restarts = 0;
        loop {
            if self.total.is_some_and(|total| part.have == total) {
                return Ok(());
            }
            let before = part.have;
            let Some(trouble) = self.once(part, resumed, meter)? else {
                return Ok(());
            };
            let came = part.have.saturating_sub(before);
            tries = if came >= GETTING_ON { 1 } else { tries + 1 };
            let wait = match trouble.next {
                Next::GiveUp => return Err(trouble.failure),
                Next::Unreachable if part.have <= *resumed => return Err(trouble.failure),
                Next::StartOver if restarts > 0 => return Err(trouble.failure),
                Next::StartOver => {
                    restarts += 1;
                    part.restart()?;
                    *resumed = 0;
                    continue;
                }
                Next::Again(Some(wait)) if wait > PATIENCE => return Err(trouble.failure),
                Next::Again(wait) => wait,
                Next::Unreachable => None,
            };
            if tries >= TRIES {
                let kept = format!(
                    "{} of it are kept: the same command goes on from there",
                    human_bytes(part.have)
                );
                return Err(if part.have > 0 {
                    trouble.failure.hint(kept)
                } else {
                    trouble.failure
                });
            }
            log::info!("{}; try {} of {TRIES}", trouble.failure, tries + 1);
            self.rest(wait.unwrap_or(self.route.pause * tries), meter)?;
        }
    }

    /// One request. None when the file is whole.
    fn once(
        &mut self,
        part: &mut Part,
        resumed: &mut u64,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Trouble>> {
        meter.stage("connecting", part.have, self.total.unwrap_or(self.guess));
        meter.resumed(*resumed);
        let running = self.remote.fetch(part.have)?;
        let mut end = None;
        let mut begun = false;
        let mut got = 0_u64;
        loop {
            match running.next(self.cancel, meter) {
                Err(failure) => {
                    // What came so far is to be found again.
                    part.sync()?;
                    return Err(failure);
                }
                Ok(Said::Head { from, promised }) => {
                    if from != part.have {
                        part.restart()?;
                        *resumed = 0;
                    }
                    let whole = promised.map(|bytes| from.saturating_add(bytes));
                    match (self.total, whole) {
                        (Some(total), Some(whole)) if total != whole => {
                            return Ok(Some(self.lied(total, whole)));
                        }
                        (None, Some(whole)) => {
                            check_space(
                                part.path.parent().unwrap_or(Path::new(".")),
                                whole.saturating_sub(part.have),
                            )?;
                            self.total = Some(whole);
                        }
                        _ => {}
                    }
                    end = self.total;
                    begun = true;
                    meter.stage("downloading", part.have, self.total.unwrap_or(self.guess));
                    meter.resumed(*resumed);
                }
                Ok(Said::Piece(piece)) => {
                    let after = part.have.saturating_add(piece.len() as u64);
                    if let Some(total) = end
                        && after > total
                    {
                        part.restart()?;
                        return Ok(Some(self.lied(total, after)));
                    }
                    if end.is_none() {
                        // No end is stated: twice what was to be expected is none of it, and the
                        // disk is not filled for it.
                        let most = self.guess.saturating_mul(2).saturating_add(ROUGHLY);
                        if self.guess > 0 && after > most {
                            part.restart()?;
                            return Ok(Some(self.lied(self.guess, after)));
                        }
                        if after / ROUGHLY != part.have / ROUGHLY {
                            let folder = part.path.parent().unwrap_or(Path::new("."));
                            check_space(folder, ROUGHLY)?;
                        }
                    }
                    part.add(&piece)?;
                    got += piece.len() as u64;
                    meter.at(part.have);
                }
                Ok(Said::End(trouble)) => {
                    part.sync()?;
                    if trouble.is_some() {
                        return Ok(trouble);
                    }
                    if begun && end.is_none_or(|total| part.have == total) && part.have > 0 {
                        self.total = Some(part.have);
                        return Ok(None);
                    }
                    return Ok(Some(Trouble::again(
                        Failure::environment(format!(
                            "the download from {} broke off",
                            self.remote.host()
                        ))
                        .because(format!(
                            "{} came where {} were promised",
                            human_bytes(got),
                            human_bytes(end.unwrap_or(0).saturating_sub(part.have) + got)
                        )),
                    )));
                }
            }
        }
    }

    fn lied(&self, stated: u64, sent: u64) -> Trouble {
        Trouble::final_(
            Failure::environment(format!(
                "{} states one size and sends another",
                self.remote.host()
            ))
            .because(format!(
                "{stated} bytes are stated, {sent} or more are sent"
            ))
            .hint("try again later, or another mirror with HF_ENDPOINT"),
        )
    }

    fn rest(&self, wait: Duration, meter: &mut Meter<'_>) -> Result<()> {
        let until = Instant::now() + wait;
        while Instant::now() < until {
            self.cancel.check()?;
            meter.beat();
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Part {
    /// Opens the part that is here, if it is of the same upload, else a new one.
    fn open(
        target: &Path,
        label: &Label,
        tagged: bool,
        cancel: &Cancel,
        meter: &mut Meter<'_>,
    ) -> Result<Self> {
        let path = part_of(target);
        let label_path = label_of(&path);
        let known = fs::read(&label_path)
            .ok()
            .and_then(|text| serde_json::from_slice::<Label>(&text).ok());
        if !tagged || known.as_ref() != Some(label) {
            clear(target);
            let text = serde_json::to_vec(label)
                .map_err(|e| Failure::bug("a label cannot be written").caused_by(&e))?;
            write_private(&label_path, &text)?;
        }
        let failed = |e| io_failure(format!("cannot write {}", path.display()), &e);
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut part = Self {
            path: path.clone(),
            label: label_path,
            file,
            have: 0,
            sum: Sha256::new(),
        };
        if label.bytes.is_some_and(|bytes| length > bytes) {
            part.restart()?;
        } else if length > 0 {
            meter.stage("checking", 0, length);
            part.have = checksum::add_file(&mut part.sum, &part.path, length, cancel, meter)?;
            part.file.seek(SeekFrom::Start(part.have)).map_err(failed)?;
        }
        Ok(part)
    }

    fn add(&mut self, piece: &[u8]) -> Result<()> {
        self.file
            .write_all(piece)
            .map_err(|e| io_failure(format!("cannot write {}", self.path.display()), &e))?;
        self.sum.update(piece);
        self.have += piece.len() as u64;
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(|e| io_failure(format!("cannot write {}", self.path.display()), &e))?;
        self.sum = Sha256::new();
        self.have = 0;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|e| io_failure(format!("cannot write {}", self.path.display()), &e))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.have == 0 {
            // Nothing worth keeping.
            let _ = fs::remove_file(&self.label);
            let _ = fs::remove_file(&self.path);
        }
    }
}
