//! Configuration: every key, its value, and its origin.

use std::collections::BTreeMap;
use std::path::Path;

use super::check_settings;
use super::config_file::{self, Entry};
use super::failure::{Failure, Result};
use super::path::RepoPath;

pub use super::check_settings::CheckSettings;
pub use super::setting::{Origin, Setting};

/// The choice of when to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Colours on a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Colours everywhere.
    Always,
    /// No colours.
    Never,
}

impl ColorChoice {
    /// Returns the choice as it stands in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// The keys, each with true if a repository's file may set it.
pub(super) const KEYS: [(&str, bool); 30] = [
    ("model", false),
    ("threads", false),
    ("ctx", false),
    ("budget", true),
    ("context.first_token", false),
    ("seed", false),
    ("temperature", false),
    ("thinking", false),
    ("thinking_limit", false),
    ("drafts", false),
    ("theme", false),
    ("color", false),
    ("mouse", false),
    ("vim", false),
    ("save", false),
    ("state_cache", false),
    ("rules_file", true),
    ("exclude", true),
    ("review.skip", true),
    ("review.second_look", false),
    ("search.embedding", false),
    ("check", false),
    ("pull.pip_environment", false),
    ("check_time", false),
    ("check_memory", false),
    ("check_processes", false),
    ("check_read", false),
    ("check_env", false),
    ("check_unfenced", false),
    ("keys", false),
];

/// The most threads that are taken: more than any machine this runs on has.
const MOST_THREADS: u64 = 1024;
/// The most megabytes that are taken: more than any disk has.
const MOST_MEGABYTES: u64 = 1 << 40;
/// The most tokens that are taken: more than any model reads.
const MOST_TOKENS: u64 = 16_000_000;

/// The settings of the command line; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--model`.
    pub model: Option<String>,
    /// `--threads`.
    pub threads: Option<usize>,
    /// `--ctx`.
    pub ctx: Option<usize>,
    /// `--budget`.
    pub budget: Option<usize>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--temperature`.
    pub temperature: Option<f32>,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--color`.
    pub color: Option<ColorChoice>,
    /// `--no-save` gives false.
    pub save: Option<bool>,
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `model`: a name or a path of a GGUF; none for the chosen or best one.
    pub model: Setting<Option<String>>,
    /// `threads`; 0 for the number of physical cores.
    pub threads: Setting<usize>,
    /// `ctx`: context in tokens; 0 for what suits model and memory.
    pub ctx: Setting<usize>,
    /// `budget`: tokens excerpts may take; 0 to choose by the measured speed. (repo may set)
    pub budget: Setting<usize>,
    /// `context.first_token`: seconds that what is shown may take to be read, without a budget.
    pub first_token: Setting<f64>,
    /// `seed`.
    pub seed: Setting<Option<u64>>,
    /// `temperature`.
    pub temperature: Setting<Option<f32>>,
    /// `thinking`: whether thinking models think.
    pub thinking: Setting<bool>,
    /// `thinking_limit`: tokens a model may think; 0 for no limit, none for the model's own.
    pub thinking_limit: Setting<Option<usize>>,
    /// `drafts`: whether what is likely to come next is drafted from the text itself.
    pub drafts: Setting<bool>,
    /// `theme`: a name or `auto`.
    pub theme: Setting<String>,
    /// `color`.
    pub color: Setting<ColorChoice>,
    /// `mouse`.
    pub mouse: Setting<bool>,
    /// `vim`: vim keys in the composer.
    pub vim: Setting<bool>,
    /// `save`: whether conversations are kept on disk.
    pub save: Setting<bool>,
    /// `state_cache`: megabytes on disk for what models have read; 0 for none.
    pub state_cache: Setting<usize>,
    /// `rules_file`: the project's rules, relative to the root. (repo may set)
    pub rules_file: Setting<String>,
    /// `exclude`: globs left out of the index, in gitignore form. (repo may add)
    pub exclude: Setting<Vec<String>>,
    /// `review.second_look`: whether each finding is put to the model once more.
    pub second_look: Setting<bool>,
    /// `review.skip`: globs a review passes over. (repo may add)
    pub review_skip: Setting<Vec<String>>,
    /// `search.embedding`: the model that searches by meaning: `auto`, `off`, a name or a path of
    /// a GGUF.
    pub search_embedding: Setting<String>,
    /// `check`: the command for `patch --check` (user only).
    pub check: Setting<Option<String>>,
    /// `pull.pip_environment`: whether pip is given its variables of the shell (user only).
    pub pip_environment: Setting<bool>,
    /// `check_…`: what checks may see and use (user only).
    pub check_settings: CheckSettings,
    /// `keys.ACTION = ["ctrl-x", …]` (user only).
    pub keys: Setting<BTreeMap<String, Vec<String>>>,
    /// Notes for the user: keys of the repository's file that were passed over.
    pub notes: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: Setting::default_of(None),
            threads: Setting::default_of(0),
            ctx: Setting::default_of(0),
            budget: Setting::default_of(0),
            first_token: Setting::default_of(20.0),
            seed: Setting::default_of(None),
            temperature: Setting::default_of(None),
            thinking: Setting::default_of(true),
            thinking_limit: Setting::default_of(None),
            drafts: Setting::default_of(true),
            theme: Setting::default_of("auto".to_owned()),
            color: Setting::default_of(ColorChoice::Auto),
            mouse: Setting::default_of(true),
            vim: Setting::default_of(false),
            save: Setting::default_of(true),
            state_cache: Setting::default_of(2048),
            rules_file: Setting::default_of("AGENTS.md".to_owned()),
            exclude: Setting::default_of(Vec::new()),
            second_look: Setting::default_of(true),
            review_skip: Setting::default_of(Vec::new()),
            search_embedding: Setting::default_of("auto".to_owned()),
            check: Setting::default_of(None),
            pip_environment: Setting::default_of(false),
            check_settings: CheckSettings::default(),
            keys: Setting::default_of(BTreeMap::new()),
            notes: Vec::new(),
        }
    }
}

impl Config {
    /// Adds the user's file; one that is not there adds nothing.
    ///
    /// # Errors
    /// Of kind config: file, line and column; an unknown key comes with the nearest one.
    pub fn add_user_file(&mut self, file: &Path) -> Result<()> {
        let Some(text) = config_file::read(file)? else {
            return Ok(());
        };
        let origin = Origin::User(file.to_path_buf());
        for entry in config_file::entries(&text).map_err(|wrong| wrong.failure(file))? {
            self.take(&entry, &origin)
                .map_err(|wrong| wrong.failure(file))?;
        }
        Ok(())
    }

    /// Adds `.homebody.toml` of a repository: harmless keys only. What is forbidden, unknown
    /// or wrong there is passed over with a note in [`Config::notes`]: the file is a
    /// stranger's, and must neither command nor keep anybody from opening the repository.
    ///
    /// # Errors
    /// There are none so far: trouble with the file becomes a note.
    pub fn add_repo_file(&mut self, root: &Path) -> Result<()> {
        /// The most notes that a stranger's file gets.
        const MOST_NOTES: usize = 20;
        let file = root.join(config_file::REPO_FILE);
        let before = self.notes.len();
        let text = match config_file::read(&file) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(()),
            Err(failure) => {
                self.notes
                    .push(format!("{failure}; the file is passed over"));
                return Ok(());
            }
        };
        let origin = Origin::Repo(file);
        match config_file::entries(&text) {
            Err(wrong) => self.notes.push(format!("{wrong}; the file is passed over")),
            Ok(entries) => {
                for entry in entries {
                    if let Err(wrong) = self.take(&entry, &origin) {
                        self.notes.push(wrong.to_string());
                    }
                }
            }
        }
        let more = (self.notes.len() - before).saturating_sub(MOST_NOTES);
        if more > 0 {
            self.notes.truncate(before + MOST_NOTES);
            self.notes.push(format!(
                "{}: {more} more keys were passed over",
                config_file::REPO_FILE
            ));
        }
        Ok(())
    }

    /// Adds `HOMEBODY_MODEL`, `HOMEBODY_THREADS`, `HOMEBODY_CTX` and `HOMEBODY_THEME`, as
    /// `lookup` knows them; empty ones count as not set.
    ///
    /// # Errors
    /// Of kind config, naming the variable.
    pub fn add_environment(&mut self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<()> {
        let look = |name: &'static str| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .map(|value| (value, Origin::Environment(name)))
        };
        let number = |value: &str, name: &'static str, most: u64| {
            value
                .trim()
                .parse::<u64>()
                .ok()
                .filter(|n| *n <= most)
                .map(|n| n as usize)
                .ok_or_else(|| {
                    Failure::config(format!("{name} is `{value}`"))
                        .because(format!("it takes a whole number from 0 to {most}"))
                })
        };
        if let Some((value, origin)) = look("HOMEBODY_MODEL") {
            self.model.set(Some(value), origin);
        }
        if let Some((value, origin)) = look("HOMEBODY_THREADS") {
            let n = number(&value, "HOMEBODY_THREADS", MOST_THREADS)?;
            self.threads.set(n, origin);
        }
        if let Some((value, origin)) = look("HOMEBODY_CTX") {
            self.ctx
                .set(number(&value, "HOMEBODY_CTX", MOST_TOKENS)?, origin);
        }
        if let Some((value, origin)) = look("HOMEBODY_THEME") {
            self.theme.set(value, origin);
        }
        Ok(())
    }

    /// Adds the settings of the command line, over everything.
    pub fn add_command_line(&mut self, said: Overrides) {
        fn put<T>(setting: &mut Setting<T>, value: Option<T>) {
            if let Some(value) = value {
                setting.set(value, Origin::CommandLine);
            }
        }
        put(&mut self.model, said.model.map(Some));
        put(&mut self.threads, said.threads);
        put(&mut self.ctx, said.ctx);
        put(&mut self.budget, said.budget);
        put(&mut self.seed, said.seed.map(Some));
        put(&mut self.temperature, said.temperature.map(Some));
        put(&mut self.theme, said.theme);
        put(&mut self.color, said.color);
        put(&mut self.save, said.save);
    }

    /// Lists every key with its value as TOML (empty where nothing is set) and its origin, in a
    /// fixed order.
    pub fn entries(&self) -> Vec<(String, String, Origin)> {
        let flag = bool::to_string;
        let number = usize::to_string;
        let name = |name: &String| text(name);
        let list = |list: &Vec<String>| texts(list);
        let optional = |name: &Option<String>| or_nothing(name.as_deref().map(text));
        let limit = |limit: &Option<usize>| or_nothing(limit.map(|n| n.to_string()));
        let seed = |seed: &Option<u64>| or_nothing(seed.map(|n| n.to_string()));
        let warmth = |warmth: &Option<f32>| or_nothing(warmth.map(|t| format!("{t:?}")));
        let seconds = |seconds: &f64| text(&format!("{seconds}s"));
        let color = |color: &ColorChoice| text(color.word());
        let mut out = vec![
            entry("model", &self.model, optional),
            entry("threads", &self.threads, number),
            entry("ctx", &self.ctx, number),
            entry("budget", &self.budget, number),
            entry("context.first_token", &self.first_token, seconds),
            entry("seed", &self.seed, seed),
            entry("temperature", &self.temperature, warmth),
            entry("thinking", &self.thinking, flag),
            entry("thinking_limit", &self.thinking_limit, limit),
            entry("drafts", &self.drafts, flag),
            entry("theme", &self.theme, name),
            entry("color", &self.color, color),
            entry("mouse", &self.mouse, flag),
            entry("vim", &self.vim, flag),
            entry("save", &self.save, flag),
            entry("state_cache", &self.state_cache, number),
            entry("rules_file", &self.rules_file, name),
            entry("exclude", &self.exclude, list),
            entry("review.second_look", &self.second_look, flag),
            entry("review.skip", &self.review_skip, list),
            entry("search.embedding", &self.search_embedding, name),
            entry("check", &self.check, optional),
            entry("pull.pip_environment", &self.pip_environment, flag),
        ];
        let checks = self.check_settings.entries().into_iter();
        out.extend(checks.map(|(key, value, origin)| (key.to_owned(), value, origin)));
        for (action, keys) in &self.keys.value {
            let key = format!("keys.{action}");
            out.push((key, texts(keys), self.keys.origin.clone()));
        }
        out
    }

    /// Takes one entry of a file over, if that file may set it and its value is of the kind
    /// the key takes.
    fn take(&mut self, entry: &Entry, origin: &Origin) -> Result<(), config_file::Wrong> {
        match allowed_key(entry, origin)? {
            "model" => over(&mut self.model, entry.optional_text()?, origin),
            "threads" => over(&mut self.threads, entry.count(MOST_THREADS)?, origin),
            "ctx" => over(&mut self.ctx, entry.count(MOST_TOKENS)?, origin),
            "budget" => over(&mut self.budget, entry.count(MOST_TOKENS)?, origin),
            "context.first_token" => over(&mut self.first_token, entry.seconds()?, origin),
            "seed" => over(&mut self.seed, Some(entry.whole(u64::MAX)?), origin),
            "temperature" => {
                let value = entry.number(0.0, 10.0)? as f32;
                over(&mut self.temperature, Some(value), origin);
            }
            "thinking" => over(&mut self.thinking, entry.flag()?, origin),
            "thinking_limit" => {
                let limit = entry.count(MOST_TOKENS)?;
                over(&mut self.thinking_limit, Some(limit), origin);
            }
            "drafts" => over(&mut self.drafts, entry.flag()?, origin),
            "theme" => over(&mut self.theme, entry.text()?, origin),
            "color" => {
                let choice = entry.one_of(&[
                    ("auto", ColorChoice::Auto),
                    ("always", ColorChoice::Always),
                    ("never", ColorChoice::Never),
                ])?;
                over(&mut self.color, choice, origin);
            }
            "mouse" => over(&mut self.mouse, entry.flag()?, origin),
            "vim" => over(&mut self.vim, entry.flag()?, origin),
            "save" => over(&mut self.save, entry.flag()?, origin),
            "state_cache" => over(&mut self.state_cache, entry.count(MOST_MEGABYTES)?, origin),
            "rules_file" => {
                let path = RepoPath::new(&entry.text()?)
                    .map_err(|failure| entry.wrong(failure.to_string()))?;
                over(&mut self.rules_file, path.into(), origin);
            }
            "exclude" => add(&mut self.exclude, entry, origin)?,
            "review.second_look" => over(&mut self.second_look, entry.flag()?, origin),
            "review.skip" => add(&mut self.review_skip, entry, origin)?,
            "search.embedding" => over(&mut self.search_embedding, entry.text()?, origin),
            "check" => over(&mut self.check, entry.optional_text()?, origin),
            "pull.pip_environment" => over(&mut self.pip_environment, entry.flag()?, origin),
            key if check_settings::KEYS.contains(&key) => {
                self.check_settings.take(key, entry, origin)?;
            }
            _ => {
                let mut keys = std::mem::take(&mut self.keys.value);
                let taken = entry.keys(&mut keys);
                self.keys.set(keys, origin.clone());
                taken?;
            }
        }
        Ok(())
    }
}

/// Finds the key of an entry, if it is known and its file may set it.
fn allowed_key(entry: &Entry, origin: &Origin) -> Result<&'static str, config_file::Wrong> {
    let repo = matches!(origin, Origin::Repo(_));
    let known = match entry.path.as_slice() {
        [key] if key == "keys" => "keys",
        [first, _] if first == "keys" => "keys",
        path => KEYS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| key.split('.').eq(path.iter().map(String::as_str)))
            .ok_or_else(|| entry.unknown(repo))?,
    };
    if repo && !KEYS.contains(&(known, true)) {
        return Err(entry.forbidden());
    }
    Ok(known)
}

/// Makes the entry of a setting, its value written by `write`.
fn entry<T>(
    key: &str,
    setting: &Setting<T>,
    write: impl Fn(&T) -> String,
) -> (String, String, Origin) {
    let value = write(&setting.value);
    (key.to_owned(), value, setting.origin.clone())
}

/// Writes a text as TOML.
fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}

/// Writes a list of texts as TOML.
fn texts(values: &[String]) -> String {
    toml::Value::from(values.to_vec()).to_string()
}

/// Writes nothing for a value that is not set: TOML has no word for that.
fn or_nothing(value: Option<String>) -> String {
    value.unwrap_or_default()
}

/// Takes the value of a file over. A setting of the command line or the environment stands over any
/// file, also when a repository is opened after they were read.
fn over<T>(setting: &mut Setting<T>, value: T, origin: &Origin) {
    if !matches!(setting.origin, Origin::CommandLine | Origin::Environment(_)) {
        setting.set(value, origin.clone());
    }
}

/// Takes a list of a file over: the user's replaces the built-in one, a repository's is added.
///
/// # Errors
/// Where the value is no list of texts; where a repository's glob may be none, or might take back
/// what the user leaves out.
fn add(
    setting: &mut Setting<Vec<String>>,
    entry: &Entry,
    origin: &Origin,
) -> Result<(), config_file::Wrong> {
    let values = entry.texts()?;
    if matches!(origin, Origin::Repo(_)) {
        let special = |glob: &&String| glob.contains(['!', '[', ']', '{', '}', '\\']);
        if let Some(glob) = values.iter().find(special) {
            return Err(entry.wrong(format!(
                "`{}`: `{glob}`: the globs of a repository have no `!`, brackets, braces or `\\`",
                entry.name()
            )));
        }
        setting.value.extend(values);
    } else {
        setting.value = values;
    }
    setting.origin = origin.clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn user(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("config.toml");
        fs::write(&file, text).expect("written");
        let mut config = Config::default();
        config.add_user_file(&file)?;
        Ok(config)
    }

    fn repo(text: &str) -> Config {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(".homebody.toml"), text).expect("written");
        let mut config = Config::default();
        config.add_repo_file(dir.path()).expect("never fails");
        config
    }

    #[test]
    fn every_key_is_taken_and_told_with_its_origin() {
        let text = "model = \"starter\"\nthreads = 4\nctx = 8_192\nbudget = 2000\nseed = 7\n\
            temperature = 0.5\nthinking = false\nthinking_limit = 512\ndrafts = false\ntheme = \"dark\"\ncolor = \"never\"\nmouse = false\n\
            vim = true\nsave = false\nstate_cache = 100\nrules_file = \"docs/RULES.md\"\nexclude = [\"*.min.js\"]\n\
            check = \"cargo check\"\ncheck_time = \"2m\"\ncheck_memory = 4000\ncheck_processes = 100\ncheck_read = [\"~/sdk\"]\ncheck_env = [\"SDK\"]\ncheck_unfenced = true\n[pull]\npip_environment = true\n[context]\nfirst_token = \"1.5m\"\n[review]\nskip = [\"*.lock\"]\nsecond_look = false\n[search]\nembedding = \"off\"\n[keys]\nquit = [\"ctrl-q\"]\nhelp = \"f1\"\n";
        let config = user(text).expect("good");
        assert_eq!(config.model.value.as_deref(), Some("starter"));
        assert_eq!(config.ctx.value, 8192);
        assert!((config.first_token.value - 90.0).abs() < 1e-9);
        assert_eq!(config.temperature.value, Some(0.5));
        assert_eq!(config.thinking_limit.value, Some(512));
        assert!(!config.drafts.value);
        assert_eq!(config.review_skip.value, ["*.lock"]);
        assert_eq!(config.keys.value["help"], ["f1"]);
        assert!((config.check_settings.time.value - 120.0).abs() < 1e-9);
        assert!(config.check_settings.unfenced.value && config.pip_environment.value);
        let entries = config.entries();
        assert_eq!(entries.len(), KEYS.len() + 1, "keys has two entries");
        assert!(
            entries.iter().all(|(key, value, origin)| !value.is_empty()
                && matches!(origin, Origin::User(_))
                && (key.starts_with("keys.") || KEYS.iter().any(|(known, _)| known == key))),
            "{entries:?}"
        );
        // What is told can be written back.
        let again: String = entries
            .iter()
            .map(|(key, value, _)| format!("{key} = {value}\n"))
            .collect();
        let again = user(&again).expect("good");
        assert_eq!(again.keys.value, config.keys.value);
        assert_eq!(again.exclude.value, config.exclude.value);
    }

    #[test]
    fn times_have_units() {
        for (said, seconds) in [
            ("20", 20.0),
            ("0.5", 0.5),
            ("\"20s\"", 20.0),
            ("\"2 m\"", 120.0),
        ] {
            let config = user(&format!("context.first_token = {said}\n")).expect("good");
            assert!((config.first_token.value - seconds).abs() < 1e-9, "{said}");
        }
        for said in [
            "0", "\"\"", "\"s\"", "\"2h\"", "\"é\"", "\"2m2\"", "4000", "true",
        ] {
            let failure = user(&format!("context.first_token = {said}\n")).expect_err("wrong");
            assert!(failure.to_string().contains("20s"), "{failure}");
        }
    }

    #[test]
    fn an_unknown_key_comes_with_place_and_nearest() {
        let failure = user("threads = 2\n  modle = \"x\"\n").expect_err("unknown");
        assert!(
            failure
                .what()
                .ends_with("config.toml:2:3: unknown key `modle`"),
            "{failure}"
        );
        assert_eq!(failure.next_step(), Some("did you mean `model`?"));
        assert_eq!(failure.kind().exit_code(), 2);
        let failure = user("[review]\nskp = []\n").expect_err("unknown");
        assert_eq!(failure.next_step(), Some("did you mean `review.skip`?"));
    }

    #[test]
    fn a_wrong_value_says_what_the_key_takes() {
        for (text, needle) in [
            (
                "threads = \"four\"",
                ":1:11: `threads` takes a whole number",
            ),
            ("threads = -1", "whole number"),
            ("ctx = 99_999_999_999", "whole number from 0 to 16000000"),
            ("temperature = 99.0", "a number from 0 to 10"),
            ("color = \"sometimes\"", "`auto`, `always` or `never`"),
            ("exclude = \"x\"", "a list of texts"),
            ("exclude = [1]", "a list of texts"),
            ("rules_file = \"../x\"", "not a path inside the repository"),
            ("keys = 3", "a table"),
            ("keys.quit = 3", "a key or a list of keys"),
            ("model = ", ":1:"),
            ("a = 1\na = 2", ":2:1:"),
        ] {
            let failure = user(text).expect_err(text);
            assert!(failure.to_string().contains(needle), "{text}: {failure}");
        }
    }

    #[test]
    fn a_repository_sets_harmless_keys_only_and_never_stops_the_opening() {
        let config = repo(
            "budget = 900\nexclude = [\"gen/\"]\nmodel = \"/tmp/evil.gguf\"\ncheck = \"rm -rf /\"\n\
             nonsense = 1\nrules_file = \"/etc/passwd\"\n[keys]\nquit = \"q\"\n[review]\nskip = [\"x\"]\n",
        );
        assert_eq!(config.budget.value, 900);
        assert_eq!(config.exclude.value, ["gen/"]);
        assert_eq!(config.review_skip.value, ["x"]);
        assert_eq!(config.model.value, None);
        assert_eq!(config.check.value, None);
        assert_eq!(config.rules_file.value, "AGENTS.md");
        assert!(config.keys.value.is_empty());
        assert_eq!(config.notes.len(), 5, "{:?}", config.notes);
        let notes = config.notes.join("\n");
        assert!(
            notes.contains(".homebody.toml:3:1: `model` is not taken from a repository"),
            "{notes}"
        );
        assert_eq!(repo("= = =").notes.len(), 1);
        let many: String = (0..500).map(|n| format!("k{n} = 1\n")).collect();
        assert_eq!(repo(&many).notes.len(), 21);
    }

    #[test]
    fn a_repository_leaves_files_out_and_takes_none_back() {
        for glob in ["!mine.md", "{a", "[", "a\\\\b"] {
            let config = repo(&format!("exclude = [\"gen/\", \"{glob}\"]\n"));
            assert!(config.exclude.value.is_empty(), "{glob}");
            assert_eq!(config.notes.len(), 1, "{glob}: {:?}", config.notes);
        }
        let own = user("exclude = [\"*.md\", \"!README.md\"]\n").expect("the user may");
        assert_eq!(own.exclude.value.len(), 2);
    }

    #[test]
    fn the_command_line_stands_over_the_environment_over_files() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(".homebody.toml"), "budget = 5\n").expect("written");
        let file = dir.path().join("config.toml");
        fs::write(&file, "threads = 2\nctx = 2\nmodel = \"file\"\n").expect("written");
        let mut config = Config::default();
        config.add_user_file(&file).expect("good");
        config
            .add_environment(&|name| {
                Some(match name {
                    "HOMEBODY_CTX" => "3".to_owned(),
                    "HOMEBODY_MODEL" => "env".to_owned(),
                    _ => String::new(),
                })
            })
            .expect("good");
        config.add_command_line(Overrides {
            model: Some("line".to_owned()),
            budget: Some(9),
            ..Overrides::default()
        });
        config.add_repo_file(dir.path()).expect("good");
        assert_eq!(config.threads.value, 2);
        assert_eq!(config.ctx.origin, Origin::Environment("HOMEBODY_CTX"));
        assert_eq!(config.model.value.as_deref(), Some("line"));
        assert_eq!(config.budget.value, 9);
        let failure = config
            .add_environment(&|name| (name == "HOMEBODY_THREADS").then(|| "many".to_owned()))
            .expect_err("no number");
        assert!(failure.what().contains("HOMEBODY_THREADS"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn a_repository_file_that_is_a_link_or_huge_is_not_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join(".homebody.toml")).expect("linked");
        config.add_repo_file(dir.path()).expect("never fails");
        assert_eq!(config.notes.len(), 1, "{:?}", config.notes);
        let huge = "#".repeat(2_000_000);
        assert!(
            repo(&huge).notes[0].contains("larger than"),
            "{:?}",
            repo(&huge).notes
        );
    }
}
