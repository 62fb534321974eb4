//! Texts are cut into tokens as the programs cut them that the vocabularies were made for.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use homebody_inference::model::gguf::Header;
use homebody_inference::model::tokenizer::{Encoding, Tokenizer};
use serde_json::Value;

use crate::fetched::{files, folder, header, python};

/// Texts of the vectors are parted by this.
const PART: &str = "\n__ggml_vocab_test__\n";

#[test]
fn every_vector_of_every_vocabulary_is_met() {
    let mut met = Vec::new();
    for file in files(&folder().join("vocabularies"), "gguf") {
        let name = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .replace("ggml-vocab-", "");
        let beside = |ending: &str| {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            fs::read_to_string(PathBuf::from(name)).ok()
        };
        let header = Header::read(&file).expect("a header");
        let tokenizer = Tokenizer::from_header(&header);
        let (Some(texts), Some(ids)) = (beside(".inp"), beside(".out")) else {
            continue;
        };
        // WordPiece: of models that embed texts. Ours carries its vocabulary otherwise.
        if name == "bert-bge" {
            assert!(tokenizer.is_err());
            continue;
        }
        let tokenizer = tokenizer.unwrap_or_else(|e| panic!("{name}: {e}"));
        let texts: Vec<&str> = texts.split(PART).collect();
        let mut ids = ids.split('\n');
        for (text, ids) in texts.iter().zip(&mut ids) {
            let ids: Vec<u32> = ids
                .split_whitespace()
                .map(|id| id.parse().expect("an id"))
                .collect();
            assert_eq!(
                tokenizer.encode(text, Encoding::PLAIN),
                ids,
                "{name}: {text:?}"
            );
        }
        assert!(ids.all(str::is_empty), "{name} has more vectors than texts");
        met.push(format!("{name} {}", texts.len()));
    }
    eprintln!("vectors met: {}", met.join(", "));
    assert_eq!(met.len(), 14);
}

/// Source files of six repositories: of llama.cpp, and of packages that we are built from.
fn sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cargo"),
        PathBuf::from,
    );
    let registries: Vec<PathBuf> = fs::read_dir(home.join("registry/src"))
        .expect("packages")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let package = |name: &str| {
        registries
            .iter()
            .flat_map(|registry| fs::read_dir(registry).expect("packages"))
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|found| found.to_string_lossy().starts_with(name))
            })
            .max()
            .unwrap_or_else(|| panic!("{name} is not there"))
    };
    let mut repositories: Vec<Vec<PathBuf>> = [
        "candle-transformers-",
        "libgit2-sys-",
        "tantivy-0",
        "tokenizers-",
        "tree-sitter-0",
    ]
    .map(|name| texts(&package(name)))
    .to_vec();
    repositories.insert(0, texts(&folder().join("llama.cpp")));
    let mut chosen: Vec<PathBuf> = Vec::new();
    // Of each as many as there are, up to a sixth and what the smaller ones leave.
    repositories.sort_by_key(Vec::len);
    for (i, files) in repositories.iter().enumerate() {
        let share = (FILES - chosen.len()) / (repositories.len() - i);
        let step = files.len().div_ceil(share).max(1);
        let spread = (0..step).flat_map(|from| files.iter().skip(from).step_by(step));
        chosen.extend(spread.take(share).cloned());
    }
    chosen
}

/// How many files are compared.
const FILES: usize = 2000;

const MARKS: &str = "नमस्ते दुनिया, हिन्दी में १२३\nภาษาไทย น้ำใจ ๑๒\nעִבְרִית שָׁלוֹם\nعَرَبِيّ مُحَمَّد\nx\u{301}y\u{323}z \
    q\u{307}\u{323} Z\u{335}algo\nதமிழ் க்ஷ\nမြန်မာ\n";

/// The files below a folder that hold text.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().is_ok_and(|data| data.len() < 1 << 20)
                && fs::read_to_string(&path).is_ok_and(|text| !text.is_empty())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn two_thousand_files_are_cut_as_tiktoken_cuts_them() {
    let made = fs::read(folder().join("qwen35.json")).expect("a vocabulary");
    let made: Value = serde_json::from_slice(&made).expect("JSON");
    let texts = |key: &str| -> Vec<String> {
        let texts = made[key].as_array().expect("texts").iter();
        texts
            .map(|text| text.as_str().expect("a text").to_owned())
            .collect()
    };
    let special: Vec<String> = made["special"]
        .as_object()
        .expect("texts")
        .values()
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect();
    let header = header("qwen35", &texts("tokens"), texts("merges"), &special, None);
    let tokenizer = Tokenizer::from_header(&header).expect("a tokenizer");
    let mut files = sources();
    assert_eq!(files.len(), FILES);
    let dir = tempfile::tempdir().expect("a folder");
    // Scripts whose words have marks that stay apart in NFC; sources have none.
    let marks = dir.path().join("marks.txt");
    fs::write(&marks, MARKS).expect("written");
    files.push(marks);
    let list = dir.path().join("list");
    let names: Vec<String> = files
        .iter()
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    fs::write(&list, names.join("\n")).expect("written");
    let theirs = python("tokens.py", &[&list]);
    let (seconds, theirs) = theirs.split_once('\n').expect("lines");
    let seconds: f64 = seconds.parse().expect("seconds");
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("text"))
        .collect();
    tokenizer.encode(&texts[0], Encoding::TEXT);
    let begun = Instant::now();
    let ours: Vec<Vec<u32>> = texts
        .iter()
        .map(|text| tokenizer.encode(text, Encoding::TEXT))
        .collect();
    let own = begun.elapsed().as_secs_f64();
    let mut tokens = 0;
    for ((file, ours), theirs) in files.iter().zip(&ours).zip(theirs.lines()) {
        let theirs: Vec<u32> = theirs
            .split(' ')
            .map(|id| id.parse().expect("an id"))
            .collect();
        assert!(*ours == theirs, "{} is cut otherwise", file.display());
        tokens += ours.len();
    }
    eprintln!(
        "Qwen 3.5: {FILES} files, {tokens} tokens, all equal; {own:.2} s, tiktoken {seconds:.2} s: {:.2} of it",
        own / seconds
    );
}
