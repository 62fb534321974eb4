//! One file from the hub: whole, resumed, checked, or not at all.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::catalog::{Model, Source};
use super::checksum;
use super::endpoints::Route;
use super::hub::{DownloadEvent, Remote, Upload};
use super::network_errors::{Next, Trouble};
use super::progress::Meter;
use super::store::check_magic;
use crate::base::failure::io_failure;
use crate::base::places::write_private;
use crate::base::text::human_bytes;
use crate::base::{Cancel, Failure, Result};

/// Bytes after which the room on the disk is looked at again, where no size is stated.
const ROUGHLY: u64 = 64 << 20;
/// Tries in a row without getting on.
const TRIES: u32 = 3;

/// Bytes that a try must bring not to count as in vain.
const GETTING_ON: u64 = 1 << 20;

/// The longest that a server may have us wait before the next try.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of disk space to be left over.
const SPARE_DISK: u64 = 64 << 20;

/// A file that has been fetched and checked, not yet under its final name.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) part: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// The upload that a `.part` file is a part of: lies beside the part, so that the rest of
/// another upload is never glued to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    repo: String,
    file: String,
    bytes: Option<u64>,
    /// Empty where nothing tells the upload from another; the part is then not gone on with.
    tag: String,
}

impl Label {
    fn new(model: &Model, bytes: Option<u64>, tag: Option<&str>) -> Result<Self> {
        let Source::Hub { repo, file } = &model.source else {
            return Err(Failure::bug("a wheel is not on the hub"));
        };
        Ok(Self {
            repo: repo.clone(),
            file: file.clone(),
            bytes,
            tag: tag.unwrap_or_default().to_owned(),
        })
    }
}

/// The `.part` file, how many bytes it has, and their SHA-256 so far.
struct PartFile {
    path: PathBuf,
    label: PathBuf,
    file: File,
    have: u64,
    sum: Sha256,
}

/// The `.part` file of a model's file: a model that is not yet whole or not yet checked.
pub(super) fn part_of(target: &Path) -> PathBuf {
    target.with_added_extension("part")
}

fn label_of(part: &Path) -> PathBuf {
    part.with_added_extension("json")
}

/// Deletes what a download has left behind: the `.part` file and its label.
pub(super) fn clear(target: &Path) {
    let part = part_of(target);
    // Neither need be there, and the next download looks at both anyway.
    let _ = fs::remove_file(label_of(&part));
    let _ = fs::remove_file(part);
}

/// Checks that `bytes` more find room where `dir` lies, as far as the system tells.
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
    let dir = target
        .parent()
        .ok_or_else(|| Failure::bug("a model's file lies in no folder"))?;
    let wanted = upload.sha256.clone().or_else(|| model.sha256.clone());
    // Without a name for the upload a part cannot be told from a part of another one.
    let tag = upload.tag.clone().or_else(|| wanted.clone());
    let label = Label::new(model, upload.bytes, tag.as_deref())?;
    let mut part = PartFile::open(target, &label, tag.is_some(), cancel, meter)?;
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
        dir,
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
                // The bytes that lay here may have been damaged: once more, all of them.
                resumed = 0;
                continue;
            }
            drop(part);
            clear(target);
            return Err(unlike(remote, model)
                .because(format!("its SHA-256 is {found} where {wanted} is stated"))
                .hint("it has been deleted; try again, or another mirror with HF_ENDPOINT"));
        }
        part.sync()?;
        if let Err(failure) = check_magic(&part.path) {
            drop(part);
            clear(target);
            return Err(unlike(remote, model)
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

fn unlike(remote: &Remote, model: &Model) -> Failure {
    Failure::environment(format!(
        "what {} sent is not `{}`",
        remote.host(),
        model.name
    ))
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

/// The download of one file, over as many requests as that takes.
struct Job<'a> {
    route: &'a Route,
    remote: &'a Remote,
    cancel: &'a Cancel,
    /// The folder of the part, for the room on its disk.
    dir: &'a Path,
    /// Bytes of the file, once somebody states them.
    total: Option<u64>,
    /// Bytes that the catalog expects.
    guess: u64,
}

impl Job<'_> {
    /// Brings the part to its full length, with as many tries as are worth it.
    fn run(&mut self, part: &mut PartFile, resumed: &mut u64, meter: &mut Meter<'_>) -> Result<()> {
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

    /// Makes one request and adds its bytes to the part; none when the file is whole.
    fn once(
        &mut self,
        part: &mut PartFile,
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
                Ok(DownloadEvent::Head { from, promised }) => {
                    if from != part.have {
                        part.restart()?;
                        *resumed = 0;
                    }
                    if let Some(lie) = self.promised(part, from, promised)? {
                        return Ok(Some(lie));
                    }
                    end = self.total;
                    begun = true;
                    meter.stage("downloading", part.have, self.total.unwrap_or(self.guess));
                    meter.resumed(*resumed);
                }
                Ok(DownloadEvent::Piece(piece)) => {
                    if let Some(lie) = self.too_much(part, end, piece.len() as u64)? {
                        return Ok(Some(lie));
                    }
                    part.add(&piece)?;
                    got += piece.len() as u64;
                    meter.at(part.have);
                }
                Ok(DownloadEvent::End(trouble)) => {
                    part.sync()?;
                    if trouble.is_some() {
                        return Ok(trouble);
                    }
                    if begun && end.is_none_or(|total| part.have == total) && part.have > 0 {
                        self.total = Some(part.have);
                        return Ok(None);
                    }
                    return Ok(Some(self.broke_off(part.have, end, got)));
                }
            }
        }
    }

    /// Takes in what the head of an answer promises: `promised` bytes from `from` on. Gives the
    /// trouble, where that is another size than was stated before.
    fn promised(
        &mut self,
        part: &PartFile,
        from: u64,
        promised: Option<u64>,
    ) -> Result<Option<Trouble>> {
        let whole = promised.map(|bytes| from.saturating_add(bytes));
        match (self.total, whole) {
            (Some(total), Some(whole)) if total != whole => {
                return Ok(Some(self.lied(total, whole)));
            }
            (None, Some(whole)) => {
                check_space(self.dir, whole.saturating_sub(part.have))?;
                self.total = Some(whole);
            }
            _ => {}
        }
        Ok(None)
    }

    /// Empties the part and gives the trouble, where `more` bytes would make it longer than its
    /// stated `end`; without one, longer than can be meant.
    fn too_much(
        &self,
        part: &mut PartFile,
        end: Option<u64>,
        more: u64,
    ) -> Result<Option<Trouble>> {
        let after = part.have.saturating_add(more);
        if let Some(total) = end {
            if after > total {
                part.restart()?;
                return Ok(Some(self.lied(total, after)));
            }
            return Ok(None);
        }
        // No end is stated: twice what was to be expected is none of it, and the disk is not
        // filled for it.
        let most = self.guess.saturating_mul(2).saturating_add(ROUGHLY);
        if self.guess > 0 && after > most {
            part.restart()?;
            return Ok(Some(self.lied(self.guess, after)));
        }
        if after / ROUGHLY != part.have / ROUGHLY {
            check_space(self.dir, ROUGHLY)?;
        }
        Ok(None)
    }

    fn broke_off(&self, have: u64, end: Option<u64>, got: u64) -> Trouble {
        // Where no size was stated, none was promised beyond what came.
        let left = end.unwrap_or(0).saturating_sub(have);
        Trouble::again(
            Failure::environment(format!(
                "the download from {} broke off",
                self.remote.host()
            ))
            .because(format!(
                "{} came where {} were promised",
                human_bytes(got),
                human_bytes(left + got)
            )),
        )
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

impl PartFile {
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
        // Where there is no label, or one that cannot be read, there is no part to go on with.
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

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.have == 0 {
            // Nothing worth keeping.
            let _ = fs::remove_file(&self.label);
            let _ = fs::remove_file(&self.path);
        }
    }
}
