//! Configuration: every key, its value, and its origin.

use std::collections::BTreeMap;
use std::path::Path;

use super::config_file::{self, Entry};
use super::config_key::Takes;
use super::failure::{Failure, Result, io_failure};
use super::places::write_private;

pub use super::config_key::Key;
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
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Returns the choice as it stands in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// The way in which it is told that something long has ended, while nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoticeChoice {
    /// By a notice of the desktop where the terminal is known to show one, else by the bell.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// By the bell.
    Bell,
    /// By the sequence OSC 9.
    Osc9,
    /// By the sequence OSC 777.
    Osc777,
}

impl NoticeChoice {
    /// All choices.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Off, Self::Bell, Self::Osc9, Self::Osc777];

    /// Returns the choice as it stands in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
        }
    }
}

/// The most threads that are taken: more than any machine this runs on has.
const MOST_THREADS: u64 = 1024;
/// The most megabytes that are taken: more than any disk has.
const MOST_MEGABYTES: u64 = 1 << 40;
/// The most days that are taken: more than a life has.
const MOST_DAYS: u64 = 100_000;
/// The most tokens that are taken: more than any model reads.
const MOST_TOKENS: u64 = 16_000_000;

/// The most processes that are taken: more than any machine runs.
const MOST_PROCESSES: u64 = 1 << 32;

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

/// Declares the configuration: for each key its setting, type and built-in value, its name, the
/// kind of values it takes, and who else may set it. From it come the struct and [`KEYS`], and so
/// reading, `config` and the key's help.
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $of:ty = $built_in:expr,
        $name:literal $takes:ident $(($($limit:expr),+))? $(, $more:ident: $value:expr)*;
    )*) => {
        /// The whole configuration.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $(
                $(#[doc = $help])+
                pub $field: Setting<$of>,
            )*
            /// Keys of actions: `keys.ACTION = ["ctrl-x", …]`.
            pub keys: Setting<BTreeMap<String, Vec<String>>>,
            /// The origin of each of them.
            pub keys_from: BTreeMap<String, Origin>,
            /// Notes for the user: keys of the repository's file that were passed over.
            pub notes: Vec<String>,
        }

        impl Default for Config {
            fn default() -> Self {
                Self {
                    $($field: Setting::default_of($built_in),)*
                    keys: Setting::default_of(BTreeMap::new()),
                    keys_from: BTreeMap::new(),
                    notes: Vec::new(),
                }
            }
        }

        /// All keys, in the order in which they are told.
        pub static KEYS: &[Key] = &[
            $(Key {
                name: $name,
                takes: Takes::$takes(|config| &mut config.$field $($(, $limit)+)?),
                help: concat!($($help),+).trim_ascii_start(),
                $($more: $value,)*
                ..Key::USERS
            },)*
            Key {
                name: "keys",
                takes: Takes::Keys,
                help: "Keys of actions: `keys.ACTION = [\"ctrl-x\", …]`.",
                ..Key::USERS
            },
        ];
    };
}

settings! {
    /// The model: a name of `models list`, or a path of a GGUF; without it the chosen or best one.
    model: Option<String> = None, "model" OptionalText, environment: Some("HOMEBODY_MODEL");
    /// The threads that compute; 0 for the number of physical cores.
    threads: usize = 0, "threads" Count("threads", MOST_THREADS), environment: Some("HOMEBODY_THREADS");
    /// The context in tokens; 0 for what suits model and memory.
    ctx: usize = 0, "ctx" Count("tokens", MOST_TOKENS), environment: Some("HOMEBODY_CTX");
    /// Tokens that excerpts may take; 0 to choose by the measured speed.
    budget: usize = 0, "budget" Count("tokens", MOST_TOKENS), by_repository: true;
    /// The time that what is shown may take to be read, where there is no budget.
    first_token: f64 = 20.0, "context.first_token" Seconds;
    /// The seed of the draws.
    seed: Option<u64> = None, "seed" Seed;
    /// The temperature of the draws; without it the model's own.
    temperature: Option<f32> = None, "temperature" Number(10.0);
    /// Lets models think that can.
    thinking: bool = true, "thinking" Flag;
    /// Tokens that a model may think; 0 for no limit, without it the model's own.
    thinking_limit: Option<usize> = None, "thinking_limit" Limit("tokens", MOST_TOKENS);
    /// Drafts what is likely to come next from the text itself.
    drafts: bool = true, "drafts" Flag;
    /// The theme: a name, or `auto`.
    theme: String = "auto".to_owned(), "theme" Text, environment: Some("HOMEBODY_THEME");
    /// When to colour.
    color: ColorChoice = ColorChoice::Auto, "color" Color;
    /// Takes the mouse.
    mouse: bool = true, "mouse" Flag;
    /// Prints lines in order instead of drawing a screen, for screen readers.
    plain_ui: bool = false, "plain_ui" Flag;
    /// Tells that a job of ten seconds or more has ended while the window is not in focus.
    notify: NoticeChoice = NoticeChoice::Auto, "notify" Notice;
    /// The keys of vim in the composer.
    vim: bool = false, "vim" Flag;
    /// Keeps conversations on disk.
    save: bool = true, "save" Flag;
    /// Days that a conversation is kept after its last change; 0 for as long as there is room.
    sessions_keep: usize = 90, "sessions.keep" Count("days", MOST_DAYS);
    /// Megabytes that the conversations about a repository may take: the oldest go; 0 for no limit.
    sessions_size: usize = 1000, "sessions.size" Count("megabytes", MOST_MEGABYTES);
    /// Megabytes on disk for what models have read; 0 for none.
    state_cache: usize = 2048, "state_cache" Count("megabytes", MOST_MEGABYTES);
    /// The file of the project's rules.
    rules_file: String = "AGENTS.md".to_owned(), "rules_file" Path, by_repository: true;
    /// Files left out of the index, in the form of gitignore.
    exclude: Vec<String> = Vec::new(), "exclude" Globs, by_repository: true;
    /// Files of keys and passwords beside those that are known, in the form of
    /// gitignore; `!GLOB` takes one out.
    confidential: Vec<String> = Vec::new(), "confidential" Globs;
    /// Puts each finding of a review to the model once more.
    second_look: bool = true, "review.second_look" Flag;
    /// Files that a review passes over, in the form of gitignore.
    review_skip: Vec<String> = Vec::new(), "review.skip" Globs, by_repository: true;
    /// The model that searches by meaning: `auto`, `off`, a name, or a path of a GGUF.
    search_embedding: String = "auto".to_owned(), "search.embedding" Text;
    /// The command of `--check`.
    check: Option<String> = None, "check" OptionalText;
    /// Gives pip its variables of the shell.
    pip_environment: bool = false, "pull.pip_environment" Flag;
    /// The time that a check may take.
    check_time: f64 = 600.0, "check_time" Seconds;
    /// Megabytes that the processes of a check may use together; 0 for no limit.
    check_memory: usize = 0, "check_memory" Count("megabytes", MOST_MEGABYTES);
    /// Processes and threads that a check may run; 0 for no limit.
    check_processes: usize = 4096, "check_processes" Count("processes", MOST_PROCESSES);
    /// Files and folders that a check may read beside the usual; `~/` for the home folder.
    check_read: Vec<String> = Vec::new(), "check_read" Texts;
    /// Variables of the environment that a check is given beside the usual.
    check_env: Vec<String> = Vec::new(), "check_env" Texts;
    /// Runs checks without a cage, with every right that you have.
    check_unfenced: bool = false, "check_unfenced" Flag;
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
        match self.add_user_text(&text, file).into_iter().next() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Reads the text of the user's file; none if it is not there.
    ///
    /// # Errors
    /// Of kind config or environment, if it cannot be read.
    pub fn read_user_file(file: &Path) -> Result<Option<String>> {
        config_file::read(file)
    }

    /// Writes the user's file anew, whole or not at all. Where it is a link, as into a folder of
    /// dotfiles, what it leads to is written.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be written.
    pub fn write_user_file(file: &Path, text: &str) -> Result<()> {
        if !std::fs::symlink_metadata(file).is_ok_and(|facts| facts.is_symlink()) {
            return write_private(file, text.as_bytes());
        }
        let failed = |e: &std::io::Error| io_failure(format!("cannot write {}", file.display()), e);
        let real = file.canonicalize().map_err(|e| failed(&e))?;
        let rights = std::fs::metadata(&real)
            .map_err(|e| failed(&e))?
            .permissions();
        let beside = tempfile::NamedTempFile::new_in(real.parent().unwrap_or(Path::new("/")));
        let mut beside = beside.map_err(|e| failed(&e))?;
        std::io::Write::write_all(&mut beside, text.as_bytes()).map_err(|e| failed(&e))?;
        beside
            .as_file()
            .set_permissions(rights)
            .map_err(|e| failed(&e))?;
        beside.persist(&real).map_err(|e| failed(&e.error))?;
        Ok(())
    }

    /// Adds the text of the user's file. What is wrong in it is passed over, and returned: each
    /// with file, line and column.
    pub fn add_user_text(&mut self, text: &str, file: &Path) -> Vec<Failure> {
        let origin = Origin::User(file.to_path_buf(), 0);
        match config_file::entries(text) {
            Err(wrong) => vec![wrong.failure(file)],
            Ok(entries) => (entries.iter())
                .filter_map(|entry| self.take(entry, &origin).err())
                .map(|wrong| wrong.failure(file))
                .collect(),
        }
    }

    /// Takes over the theme that was chosen on the screen, where nothing else names one.
    pub fn add_kept_theme(&mut self, file: &Path) {
        if self.theme.origin != Origin::Default {
            return;
        }
        // One that is not there, or cannot be read, says nothing.
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        if !kept.trim().is_empty() {
            self.theme
                .set(kept.trim().to_owned(), Origin::Kept(file.to_path_buf()));
        }
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
        let origin = Origin::Repo(file, 0);
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

    /// Adds the variables of [`KEYS`], as `lookup` knows them; empty ones count as not set.
    ///
    /// # Errors
    /// Of kind config, naming the variable.
    pub fn add_environment(&mut self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<()> {
        for key in KEYS {
            let Some(name) = key.environment else {
                continue;
            };
            if let Some(value) = lookup(name).filter(|value| !value.is_empty()) {
                key.take_variable(self, name, value)?;
            }
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
        // A key leads to its setting in one way only, to be changed.
        let mut read = self.clone();
        KEYS.iter().flat_map(|key| key.written(&mut read)).collect()
    }

    /// Takes one entry of a file over, if that file may set it and its value is of the kind
    /// the key takes.
    fn take(&mut self, entry: &Entry, origin: &Origin) -> Result<(), config_file::Wrong> {
        let origin = origin.at(entry.line());
        allowed_key(entry, &origin)?.take(self, entry, &origin)
    }
}

impl Key {
    /// Finds a key by its name: one of the table, or `keys.ACTION`.
    ///
    /// # Errors
    /// Of kind config, with the nearest name.
    pub fn find(name: &str) -> Result<&'static Self> {
        let entry = Entry::alone(name, toml::Value::Boolean(true));
        allowed_key(&entry, &Origin::CommandLine).map_err(config_file::Wrong::said)
    }
}

/// Finds the key of an entry, if it is known and its file may set it.
fn allowed_key(entry: &Entry, origin: &Origin) -> Result<&'static Key, config_file::Wrong> {
    let repo = matches!(origin, Origin::Repo(..));
    let named = |key: &&Key| match entry.path.as_slice() {
        [first, _] if first == "keys" => key.name == "keys",
        path => key.name.split('.').eq(path.iter().map(String::as_str)),
    };
    let key = (KEYS.iter().find(named)).ok_or_else(|| entry.unknown(repo))?;
    if repo && !key.by_repository {
        return Err(entry.forbidden());
    }
    Ok(key)
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
            temperature = 0.5\nthinking = false\nthinking_limit = 512\ndrafts = false\ntheme = \"dark\"\ncolor = \"never\"\nmouse = false\nplain_ui = true\nnotify = \"bell\"\n\
            vim = true\nsave = false\nstate_cache = 100\nrules_file = \"docs/RULES.md\"\nexclude = [\"*.min.js\"]\nconfidential = [\"!.env.test\"]\n\
            check = \"cargo check\"\ncheck_time = \"2m\"\ncheck_memory = 4000\ncheck_processes = 100\ncheck_read = [\"~/sdk\"]\ncheck_env = [\"SDK\"]\ncheck_unfenced = true\n[pull]\npip_environment = true\n[context]\nfirst_token = \"1.5m\"\n[review]\nskip = [\"*.lock\"]\nsecond_look = false\n[search]\nembedding = \"off\"\n[sessions]\nkeep = 7\nsize = 50\n[keys]\nquit = [\"ctrl-q\"]\nhelp = \"f1\"\n";
        let config = user(text).expect("good");
        assert_eq!(config.model.value.as_deref(), Some("starter"));
        assert_eq!(config.ctx.value, 8192);
        assert!((config.first_token.value - 90.0).abs() < 1e-9);
        assert_eq!(config.temperature.value, Some(0.5));
        assert_eq!(config.thinking_limit.value, Some(512));
        assert!(!config.drafts.value);
        assert_eq!(config.review_skip.value, ["*.lock"]);
        assert_eq!(config.keys.value["help"], ["f1"]);
        assert!((config.check_time.value - 120.0).abs() < 1e-9);
        assert!(config.check_unfenced.value && config.pip_environment.value);
        let entries = config.entries();
        assert_eq!(entries.len(), KEYS.len() + 1, "keys has two entries");
        assert!(
            entries.iter().all(|(key, value, origin)| !value.is_empty()
                && matches!(origin, Origin::User(_, line) if *line > 0)
                && (key.starts_with("keys.") || KEYS.iter().any(|known| known.name == key))),
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
    fn every_variable_sets_its_key() {
        let names: Vec<&str> = KEYS.iter().filter_map(|key| key.environment).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        for name in names {
            let mut config = Config::default();
            let value = |asked: &str| (asked == name).then(|| "7".to_owned());
            config.add_environment(&value).expect("good");
            let set: Vec<_> = (config.entries().into_iter())
                .filter(|(_, _, origin)| *origin == Origin::Environment(name))
                .collect();
            assert_eq!(set.len(), 1, "{name}: {set:?}");
        }
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
