//! Split models: found by any part, joined, and refused with the part that is wrong.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::model::gguf::Value;
use crate::model::gguf::write::{Planned, Writer};

/// What one part says of itself.
#[derive(Clone)]
struct Says {
    no: u64,
    count: u64,
    tensors: &'static [&'static str],
}

fn part(dir: &Path, file: &str, says: &Says, total: u64, first: bool) -> PathBuf {
    let mut metadata = vec![
        ("split.no".to_owned(), Value::Unsigned(says.no)),
        ("split.count".to_owned(), Value::Unsigned(says.count)),
        (
            "split.tensors.count".to_owned(),
            Value::Signed(total as i64),
        ),
    ];
    if first {
        metadata.push((
            "general.architecture".to_owned(),
            Value::Text("llama".to_owned()),
        ));
    }
    let tensors: Vec<Planned> = says
        .tensors
        .iter()
        .map(|name| Planned {
            name: (*name).to_owned(),
            shape: vec![3],
            kind: 0,
        })
        .collect();
    let path = dir.join(file);
    let mut writer = Writer::create(&path, &metadata, &tensors).expect("created");
    for tensor in says.tensors {
        let byte = tensor.as_bytes()[0];
        writer.write(&[byte; 12]).expect("written");
    }
    writer.finish().expect("finished");
    path
}

fn three() -> [Says; 3] {
    [&["a", "b"][..], &[], &["c"]]
        .iter()
        .enumerate()
        .map(|(no, tensors)| Says {
            no: no as u64,
            count: 3,
            tensors,
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_else(|_| unreachable!())
}

fn written(dir: &Path, parts: &[Says], total: u64) -> Vec<PathBuf> {
    parts
        .iter()
        .enumerate()
        .map(|(i, says)| {
            let file = format!("m-{:05}-of-{:05}.gguf", i + 1, parts.len());
            part(dir, &file, says, total, i == 0)
        })
        .collect()
}

#[test]
fn any_part_leads_to_the_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = written(dir.path(), &three(), 3);
    for file in &files {
        let header = Header::read(file).expect("joined");
        assert_eq!(header.architecture(), "llama");
        let paths: Vec<_> = header.parts.iter().map(|p| p.path.clone()).collect();
        assert_eq!(paths, files);
        assert_eq!(
            header.file_bytes(),
            files
                .iter()
                .map(|f| fs::metadata(f).expect("there").len())
                .sum::<u64>()
        );
        for (name, part) in [("a", 0), ("b", 0), ("c", 2)] {
            let tensor = header.tensor(name).expect("listed");
            assert_eq!(tensor.part, part, "{name}");
            let bytes = fs::read(&header.parts[part].path).expect("there");
            let range = header.range(tensor);
            assert_eq!(
                bytes[range.start as usize..range.end as usize],
                [name.as_bytes()[0]; 12]
            );
        }
    }
}

#[test]
fn a_missing_part_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = written(dir.path(), &three(), 3);
    fs::remove_file(&files[1]).expect("removed");
    let failure = Header::read(&files[2]).expect_err("missing");
    assert!(
        failure.to_string().contains("m-00002-of-00003.gguf"),
        "{failure}"
    );
    assert!(failure.next_step().is_some_and(|h| h.contains("fetch")));
}

#[test]
fn parts_that_are_not_what_their_names_say_are_refused() {
    let refused = |change: &dyn Fn(&mut [Says; 3], &mut u64), words: &str| {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut parts, mut total) = (three(), 3);
        change(&mut parts, &mut total);
        let files = written(dir.path(), &parts, total);
        let failure = Header::read(&files[0]).expect_err(words);
        assert!(failure.to_string().contains(words), "{failure}");
        assert!(failure.next_step().is_some(), "{words}");
    };
    refused(&|parts, _| parts[1].no = 2, "is not part 2 of 3");
    refused(&|parts, _| parts[2].count = 4, "is not part 3 of 3");
    refused(
        &|parts, _| parts[0].count = 2,
        "its name does not say which",
    );
    refused(&|parts, _| parts[2].tensors = &["a"], "stands twice");
    refused(&|_, total| *total = 4, "do not belong together");
    refused(
        &|parts, _| parts.iter_mut().for_each(|p| p.no = u64::MAX),
        "is not part 1 of 3",
    );
}

#[test]
fn a_renamed_part_is_refused_and_a_whole_file_may_have_any_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = written(dir.path(), &three(), 3);
    let other = dir.path().join("mine.gguf");
    fs::copy(&files[0], &other).expect("copied");
    let failure = Header::read(&other).expect_err("renamed");
    assert!(failure.next_step().is_some_and(|h| h.contains("-of-00003")));
    // One that was joined and kept its first part's name.
    let one = Says {
        no: 0,
        count: 1,
        tensors: &["a"],
    };
    let joined = part(dir.path(), "n-00001-of-00009.gguf", &one, 1, true);
    assert_eq!(Header::read(&joined).expect("whole").parts.len(), 1);
}
