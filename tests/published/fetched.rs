//! The folder of what is published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use homebody_inference::model::gguf::write::Writer;
use homebody_inference::model::gguf::{Header, Value};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/published");

/// The folder, filled by the first who asks; it stays until the script that fills it changes.
/// `HOMEBODY_PUBLISHED` names another place for it.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::var_os("HOMEBODY_PUBLISHED").map_or_else(
            || Path::new(env!("CARGO_TARGET_TMPDIR")).join("published"),
            PathBuf::from,
        );
        let script = Path::new(SCRIPTS).join("fetch.py");
        let made_by = fs::read(&script).expect("the script");
        let mark = folder.join("made-by");
        if fs::read(&mark).ok().as_ref() != Some(&made_by) {
            let status = Command::new("python3")
                .arg(&script)
                .arg(&folder)
                .status()
                .expect("Python");
            assert!(status.success(), "nothing could be fetched");
            fs::write(&mark, made_by).expect("written");
        }
        folder
    })
}

/// What a script of this folder prints, run with the packages that were fetched.
pub fn python(script: &str, args: &[&Path]) -> String {
    let output = Command::new("python3")
        .arg(Path::new(SCRIPTS).join(script))
        .args(args)
        .env("PYTHONPATH", folder().join("python"))
        .env("PYTHONIOENCODING", "utf8")
        .output()
        .expect("Python");
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A published chat template.
pub struct Published {
    /// The name of its file, without the ending.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Its text.
    pub source: String,
}

/// The templates that llama.cpp carries, and those of a second collection. `HOMEBODY_TEMPLATES`
/// names a folder of further ones.
pub fn templates() -> Vec<Published> {
    let carried = files(&folder().join("templates"), "jinja");
    assert_eq!(carried.len(), 70);
    let more = files(&folder().join("more"), "jinja");
    assert_eq!(more.len(), 25);
    let own = std::env::var_os("HOMEBODY_TEMPLATES");
    let own = own.map_or_else(Vec::new, |own| files(Path::new(&own), "jinja"));
    [carried, more, own]
        .concat()
        .into_iter()
        .map(|file| Published {
            name: file
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            source: fs::read_to_string(&file).expect("a template"),
            file,
        })
        .collect()
}

/// The files of a folder with an ending, by name.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
}

/// A header with that vocabulary: byte-level, with its merges, control tokens behind it, and a
/// template.
pub fn header(
    pre: &str,
    tokens: &[String],
    merges: Vec<String>,
    control: &[String],
    template: Option<&str>,
) -> Header {
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::Text).collect());
    let text = |text: &str| Value::Text(text.to_owned());
    let id = |token: &str| control.iter().position(|found| found == token);
    let kinds = [
        vec![Value::Unsigned(1); tokens.len()],
        vec![Value::Unsigned(3); control.len()],
    ];
    let mut metadata = vec![
        ("general.architecture", text("llama")),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(pre)),
        ("tokenizer.ggml.tokens", texts([tokens, control].concat())),
        ("tokenizer.ggml.token_type", Value::Array(kinds.concat())),
        ("tokenizer.ggml.merges", texts(merges)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
    ];
    metadata.extend(template.map(|template| ("tokenizer.chat_template", text(template))));
    for (key, token) in [("bos", "<s>"), ("eos", "</s>")] {
        if let Some(at) = id(token) {
            let key = if key == "bos" {
                "tokenizer.ggml.bos_token_id"
            } else {
                "tokenizer.ggml.eos_token_id"
            };
            metadata.push((key, Value::Unsigned((tokens.len() + at) as u64)));
        }
    }
    let metadata: Vec<(String, Value)> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("vocabulary.gguf");
    let writer = Writer::create(&file, &metadata, &[]).expect("a file");
    writer.finish().expect("whole");
    Header::read(&file).expect("a header")
}
