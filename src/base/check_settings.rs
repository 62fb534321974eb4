//! The settings of checks beside the command: what a check may see and use.

use std::path::PathBuf;

use super::config_file::{Entry, Wrong};
use super::setting::{Origin, Setting};

/// The keys of these settings; all of them for the user's file only.
pub(super) const KEYS: [&str; 6] = [
    "check_time",
    "check_memory",
    "check_processes",
    "check_read",
    "check_env",
    "check_unfenced",
];

/// The most that is taken for a number of megabytes or processes: more than any machine has.
const MOST: u64 = 1 << 32;

/// The settings of checks: what a check may see and use.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckSettings {
    /// `check_time`: seconds that a run may take.
    pub time: Setting<f64>,
    /// `check_memory`: megabytes that the processes of a check may use together; 0 for no limit.
    pub memory: Setting<usize>,
    /// `check_processes`: processes and threads that a check may run; 0 for no limit.
    pub processes: Setting<usize>,
    /// `check_read`: files and folders that a check may read beside the usual, `~` for the home
    /// folder.
    pub read: Setting<Vec<String>>,
    /// `check_env`: variables of the environment that a check is given beside the usual.
    pub env: Setting<Vec<String>>,
    /// `check_unfenced`: true if a check runs with every right of the user.
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
    /// Takes the entry of one of [`KEYS`] over.
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

    /// Lists every key with its value as it stands in a file, and its origin.
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

    /// Returns the files and folders of `check_read` as absolute paths; others are left out.
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
