//! Tiny models with other words in their headers: templates and vocabularies as they are
//! published, on weights that compute in no time.

use std::fs;
use std::path::Path;

use homebody_inference::model::gguf::write::{Planned, Writer};
use homebody_inference::model::gguf::{Header, Value};

/// Copies a model with other metadata: `None` takes a key out.
pub fn rewritten(from: &Path, out: &Path, changes: &[(&str, Option<Value>)]) {
    let header = Header::read(from).expect("a model");
    let mut metadata: Vec<(String, Value)> = header
        .metadata
        .iter()
        .filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    metadata.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, value) in changes {
        if let Some(value) = value {
            metadata.push(((*key).to_owned(), value.clone()));
        }
    }
    let planned: Vec<Planned> = header.tensors.iter().map(Planned::from).collect();
    let bytes = fs::read(from).expect("a file");
    let mut writer = Writer::create(out, &metadata, &planned).expect("written");
    for tensor in &header.tensors {
        let range = header.range(tensor);
        let range = range.start as usize..range.end as usize;
        writer.write(&bytes[range]).expect("written");
    }
    writer.finish().expect("whole");
}

/// A text as a value of a header.
pub fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}
