//! What the configuration says of checks beside the command: what they may see and use.

use std::path::PathBuf;

use super::config_file::{Entry, Wrong};
use super::setting::{Origin, Setting};

/// The keys; all of them for the user's file only.
pub(super) const KEYS: [&str; 6] = [
    "check_time",
    "check_memory",
    "check_processes",
    "check_read",
    "check_env",
    "check_unfenced",
];

/// More megabytes than any machine has, and more processes.
const MOST: u64 = 1 << 32;

/// What checks may see and use.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckSettings {
    /// `check_time`: seconds that a run may take.
    pub time: Setting<f64>,
    /// `check_memory`: megabytes that its processes may use together; 0 for no limit.
    pub memory: Setting<usize>,
    /// `check_processes`: processes and threads that it may run; 0 for no limit.
    pub processes: Setting<usize>,
    /// `check_read`: files and folders that it may read beside the usual, `~` for the home folder.
    pub read: Setting<Vec<String>>,
    /// `check_env`: variables of the environment that it is given beside the usual.
    pub env: Setting<Vec<String>>,
    /// `check_unfenced`: whether it runs with every right of the user.
    pub unfenced: Setting<bool>,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            time: Setting::default_of(600.0),
            memory: Setting::default_of(0),
            processes: Setting::default_of(4096),
            read: Setting::default_of(Vec::new()),
            env: Setting::default_of(Vec::new()),
            unfenced: Setting::default_of(false),
        }
    }
}

impl CheckSettings {
    /// Takes an entry over, where it is one of these.
    pub(super) fn take(&mut self, key: &str, entry: &Entry, origin: &Origin) -> Result<(), Wrong> {
        let origin = origin.clone();
        match key {
            "check_time" => self.time.set(entry.seconds()?, origin),
            "check_memory" => self.memory.set(entry.count(MOST)?, origin),
            "check_processes" => self.processes.set(entry.count(MOST)?, origin),
            "check_read" => self.read.set(entry.texts()?, origin),
            "check_env" => self.env.set(entry.texts()?, origin),
            _ => self.unfenced.set(entry.flag()?, origin),
        }
        Ok(())
    }

    /// Every key with its value as it stands in a file.
    pub(super) fn entries(&self) -> Vec<(&'static str, String, Origin)> {
        let texts = |values: &[String]| toml::Value::from(values.to_vec()).to_string();
        let time = toml::Value::from(format!("{}s", self.time.value)).to_string();
        vec![
            ("check_time", time, self.time.origin.clone()),
            (
                "check_memory",
                self.memory.value.to_string(),
                self.memory.origin.clone(),
            ),
            (
                "check_processes",
                self.processes.value.to_string(),
                self.processes.origin.clone(),
            ),
            (
                "check_read",
                texts(&self.read.value),
                self.read.origin.clone(),
            ),
            ("check_env", texts(&self.env.value), self.env.origin.clone()),
            (
                "check_unfenced",
                self.unfenced.value.to_string(),
                self.unfenced.origin.clone(),
            ),
        ]
    }

    /// What may be read, as paths.
    pub fn readable(&self) -> Vec<PathBuf> {
        let home = std::env::home_dir();
        let path = |text: &String| match (text.strip_prefix("~/"), &home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        };
        let all = self.read.value.iter().map(path);
        all.filter(|path| path.is_absolute()).collect()
    }
}
