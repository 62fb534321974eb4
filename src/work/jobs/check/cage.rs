//! The cage of a check, what it sees and may do: lists by the places where toolchains keep their
//! things.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::base::seal::cage::{CacheFolder, Cage, Limits, Walls};
use crate::base::{Config, Places};

/// Bytes of the largest file that a check may write.
const LARGEST_FILE: u64 = 16 << 30;

/// The things that the user allows a check beside the usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Files and folders that the check may read, too (`check_read`).
    pub read: Vec<PathBuf>,
    /// Variables of the environment that the check is given, too (`check_env`).
    pub env: Vec<String>,
    /// The time that each run may take (`check_time`).
    pub time: Duration,
    /// The memory, processes and bytes of a file that the check may use.
    pub limits: Limits,
    /// True if the check runs with every right of the user, and no wall (`check_unfenced`).
    pub unfenced: bool,
    /// homebody's own folders, which the check never sees; the last is that of its state.
    pub own: Vec<PathBuf>,
}

impl Allowance {
    /// The allowance of the configuration, with homebody's folders kept out.
    pub fn new(config: &Config, places: &Places) -> Self {
        Self {
            read: readable(&config.check_read.value),
            env: config.check_env.value.clone(),
            time: Duration::from_secs_f64(config.check_time.value),
            limits: Limits {
                memory: (config.check_memory.value as u64).saturating_mul(1_000_000),
                processes: config.check_processes.value as u64,
                file_size: LARGEST_FILE,
            },
            unfenced: config.check_unfenced.value,
            own: vec![
                places.config.clone(),
                places.data.clone(),
                places.cache.clone(),
                places.state.clone(),
            ],
        }
    }
}

/// Returns the files and folders of `check_read` as absolute paths; others are left out.
fn readable(said: &[String]) -> Vec<PathBuf> {
    let home = std::env::home_dir();
    let path = |text: &String| match (text.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    said.iter()
        .map(path)
        .filter(|path| path.is_absolute())
        .collect()
}

/// Folders of the system, which are read.
const SYSTEM: [&str; 9] = [
    "/usr",
    "/etc",
    "/opt",
    "/nix",
    "/snap",
    "/home/linuxbrew",
    "/run/current-system",
    "/sys/devices/system",
    "/sys/fs/cgroup",
];
/// Folders of the system that are read where they are folders and not links into `/usr`.
const OLD_SYSTEM: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Toolchains and what they are set up with, in the home folder: read, and run.
const TOOLS: [&str; 34] = [
    ".cargo/bin",
    ".cargo/config",
    ".cargo/config.toml",
    ".cargo/env",
    ".rustup",
    ".pyenv",
    ".rbenv",
    ".nodenv",
    ".jenv",
    ".nvm",
    ".fnm",
    ".volta",
    ".asdf",
    ".sdkman",
    ".rvm",
    ".ghcup",
    ".elan",
    ".juliaup",
    ".dotnet",
    ".deno",
    ".bun",
    ".jdks",
    ".opam",
    ".local/bin",
    ".local/lib",
    ".local/share/mise",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".local/share/fnm",
    "go/bin",
    "sdk",
    "miniconda3",
    "anaconda3",
    "miniforge3",
];

/// Caches in the home folder: read, and written over with folders of ours.
const CACHES: [&str; 29] = [
    ".cargo/registry",
    ".cargo/git",
    ".npm",
    ".yarn",
    ".cache/pip",
    ".cache/uv",
    ".cache/pypoetry",
    ".cache/yarn",
    ".cache/pnpm",
    ".cache/go-build",
    ".cache/ccache",
    ".cache/sccache",
    ".cache/coursier",
    ".cache/deno",
    ".cache/node",
    ".local/share/pnpm",
    ".ccache",
    ".m2/repository",
    ".m2/wrapper",
    ".gradle/caches",
    ".gradle/wrapper",
    ".ivy2/cache",
    ".nuget/packages",
    ".hex/packages",
    ".mix/archives",
    ".mix/elixir",
    ".pub-cache/git",
    ".pub-cache/hosted",
    "go/pkg",
];

/// Keys, credentials and mail, in the home folder: never there, wherever they lie.
const SECRETS: [&str; 40] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".config/git/credentials",
    ".config/op",
    ".config/rclone",
    ".config/containers",
    ".config/google-chrome",
    ".config/chromium",
    ".mozilla",
    ".thunderbird",
    ".docker",
    ".kube",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".password-store",
    ".local/share/keyrings",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".bash_history",
    ".dotnet/corefx",
    ".hex/hex.config",
    ".ivy2/.credentials",
    ".local/share/uv/credentials",
    ".pub-cache/credentials.json",
    ".sbt/credentials",
];

/// Keys and credentials of the system, which are never there.
const SYSTEM_SECRETS: [&str; 14] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
    "/etc/NetworkManager",
    "/etc/wireguard",
    "/etc/letsencrypt",
    "/etc/docker",
    "/etc/kubernetes",
];

/// Variables that name the folder of a toolchain, which is read.
const TOOL_VARIABLES: [&str; 12] = [
    "RUSTUP_HOME",
    "GOROOT",
    "JAVA_HOME",
    "PYENV_ROOT",
    "NVM_DIR",
    "VOLTA_HOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "ANDROID_HOME",
    "DOTNET_ROOT",
    "M2_HOME",
    "GRADLE_HOME",
];

/// Variables that a check is given.
const VARIABLES: [&str; 36] = [
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "CI",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "RUST_BACKTRACE",
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "PKG_CONFIG_PATH",
    "LD_LIBRARY_PATH",
    "GOPATH",
    "GOROOT",
    "GOFLAGS",
    "JAVA_HOME",
    "M2_HOME",
    "GRADLE_HOME",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "NVM_DIR",
    "NODE_ENV",
    "VOLTA_HOME",
    "ANDROID_HOME",
    "DOTNET_ROOT",
];

/// The environment of a check: what is listed of ours, and what the user names.
pub(super) fn environment(allowed: &Allowance) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = std::env::vars_os()
        .filter(|(name, _)| {
            name.to_str().is_some_and(|name| {
                VARIABLES.contains(&name)
                    || name.starts_with("LC_")
                    || allowed.env.iter().any(|own| own == name)
            })
        })
        .collect();
    all.push(("TERM".into(), "dumb".into()));
    // Its settings may hold names of programs and of credentials.
    all.push(("GIT_CONFIG_GLOBAL".into(), "/dev/null".into()));
    all
}

/// Folders of ours for one cage.
#[derive(Debug)]
pub(super) struct Ours {
    /// The copy.
    pub tree: PathBuf,
    /// The folder above the copy, with links to neighbours.
    pub above: PathBuf,
    /// The folder for what is temporary.
    pub temporary: PathBuf,
    /// An empty folder, to build the cage on.
    pub base: PathBuf,
    /// An empty folder, in the place of the home folder.
    pub home: PathBuf,
    /// The folder of what checks of this repository have written into caches.
    pub caches: PathBuf,
}

/// The cage of a check of the repository at `root`; git keeps its data in `git`.
pub(super) fn cage(
    command: &str,
    root: &Path,
    git: &[PathBuf],
    neighbours: &[PathBuf],
    ours: &Ours,
    allowed: &Allowance,
) -> Cage {
    let home = home();
    let hidden = secrets(allowed);
    let mut read = tools(&home);
    read.extend(allowed.read.iter().chain(neighbours).chain(git).cloned());
    // The home folder comes by no name of another: neither as a neighbour nor above one. And what
    // is hidden is listed by nobody.
    read.retain(|path| {
        !home.starts_with(path) && !hidden.iter().any(|hidden| path.starts_with(hidden))
    });
    read.extend([root.to_owned(), ours.above.clone()]);
    // What lies in another that is listed is listed with it, but for what has other rights there.
    read.sort();
    read.dedup();
    let within = |path: &Path| {
        let mut above = path.ancestors().skip(1);
        above.any(|above| read.iter().any(|other| other == above))
    };
    let read = read
        .iter()
        .filter(|path| *path == root || **path == ours.above || !within(path))
        .cloned()
        .collect();
    Cage {
        command: command.to_owned(),
        dir: ours.tree.clone(),
        write: vec![ours.tree.clone(), ours.temporary.clone()],
        read,
        hidden,
        caches: caches(&home, &ours.caches),
        home,
        base: ours.base.clone(),
        other_home: ours.home.clone(),
        limits: allowed.limits,
        wanted: Walls::ALL,
    }
}

/// The user's home folder; a path that leads nowhere, where it is not known.
fn home() -> PathBuf {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/nonexistent"))
}

/// The files and folders that no check sees, by where they lie and, where that is a link, by where
/// it leads to.
pub(super) fn secrets(allowed: &Allowance) -> Vec<PathBuf> {
    let home = home();
    let mut all: Vec<PathBuf> = SECRETS.iter().map(|name| home.join(name)).collect();
    all.extend(SYSTEM_SECRETS.iter().map(PathBuf::from));
    all.extend(allowed.own.iter().cloned());
    if let Some(cargo) = folder_of("CARGO_HOME", &home) {
        all.extend(["credentials", "credentials.toml"].map(|name| cargo.join(name)));
    }
    // Settings of a toolchain that hold a key as well.
    let settings = [Some(home.join(".cargo")), folder_of("CARGO_HOME", &home)];
    for file in settings.into_iter().flatten() {
        let files = ["config", "config.toml"].map(|name| file.join(name));
        all.extend(files.into_iter().filter(|file| holds_token(file)));
    }
    // A path that is not there leads nowhere.
    let real: Vec<PathBuf> = all
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    // A link to the whole of something hides a part of it alone.
    all.extend(real.into_iter().filter(|path| is_narrow(path, &home)));
    all.sort();
    all.dedup();
    all
}

/// Most bytes of a file of settings or of a manifest.
pub(super) const LONGEST: u64 = 256 << 10;

/// Tells whether a file of settings sets a token.
fn holds_token(file: &Path) -> bool {
    read_plain(file, LONGEST).is_some_and(|text| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| line.starts_with("token") || line.contains(".token"))
    })
}

/// Reads the text of a plain file of so many bytes at the most; none for anything else: neither a
/// pipe is waited for, nor a device read.
pub(super) fn read_plain(file: &Path, most: u64) -> Option<String> {
    use std::io::Read as _;
    let mut options = std::fs::File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(file).ok()?;
    let facts = file.metadata().ok()?;
    if !facts.is_file() || facts.len() > most {
        return None;
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The system and toolchains, as they are found by their usual places, `PATH` and variables.
fn tools(home: &Path) -> Vec<PathBuf> {
    let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let old = OLD_SYSTEM.iter().map(PathBuf::from);
    read.extend(old.filter(|path| path.is_dir() && !path.is_symlink()));
    read.extend(TOOLS.iter().map(|name| home.join(name)));
    read.extend(
        TOOL_VARIABLES
            .iter()
            .filter_map(|name| folder_of(name, home)),
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    read.extend(std::env::split_paths(&path).filter(|path| is_narrow(path, home)));
    if let Some(cargo) = folder_of("CARGO_HOME", home) {
        read.extend(["bin", "config", "config.toml"].map(|name| cargo.join(name)));
    }
    read
}

/// The user's caches, each with a folder of ours.
fn caches(home: &Path, ours: &Path) -> Vec<CacheFolder> {
    let mut all: Vec<PathBuf> = CACHES.iter().map(|name| home.join(name)).collect();
    if let Some(cargo) = folder_of("CARGO_HOME", home) {
        all.extend(["registry", "git"].map(|name| cargo.join(name)));
    }
    all.extend(folder_of("GOPATH", home).map(|go| go.join("pkg")));
    all.sort();
    all.dedup();
    let of = |at: PathBuf| CacheFolder {
        ours: ours.join(at.to_string_lossy().replace('/', "%")),
        at,
    };
    all.into_iter().map(of).collect()
}

/// The folder that a variable names, if it is no more than a part of the home folder or system.
fn folder_of(variable: &str, home: &Path) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(variable)?);
    is_narrow(&path, home).then_some(path)
}

/// Tells whether a path is no more than a part of the home folder and of the system.
pub(super) fn is_narrow(path: &Path, home: &Path) -> bool {
    path.is_absolute()
        && path.components().count() > 2
        && !home.starts_with(path)
        && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_our_own_are_never_listed() {
        let ours = Ours {
            tree: "/c/homebody/checks/k/work/r".into(),
            above: "/c/homebody/checks/k/work".into(),
            temporary: "/c/homebody/checks/k/tmp".into(),
            base: "/c/homebody/checks/k/room".into(),
            home: "/c/homebody/checks/k/home".into(),
            caches: "/c/homebody/checks/k/caches".into(),
        };
        let home = std::env::home_dir().expect("a home");
        let places = Places {
            config: "/c/homebody".into(),
            data: "/c/homebody".into(),
            cache: "/c/homebody".into(),
            state: "/c/homebody".into(),
        };
        let mut allowed = Allowance::new(&Config::default(), &places);
        allowed.read = vec![home.join(".ssh/id"), "/data/set".into()];
        let cage = cage("true", Path::new("/r"), &[], &[], &ours, &allowed);
        assert!(cage.read.contains(&"/data/set".into()));
        assert!(
            !cage
                .read
                .iter()
                .any(|path| path.starts_with(home.join(".ssh")))
        );
        assert!(cage.hidden.contains(&home.join(".ssh")));
        assert!(cage.read.iter().all(|path| !home.starts_with(path)));
        assert_eq!(cage.write, [ours.tree, ours.temporary]);
    }
}
