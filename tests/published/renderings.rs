//! Templates render as Python's jinja2 has them.

use std::fs;

use homebody_inference::model::chat;
use serde_json::Value;

use crate::fetched::{python, templates};

/// Where the two may differ, by words of the reference's error: it raises, and we render.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "'NoneType' object is not iterable",
        "the template loops over tools, and there are none: `transformers` has it fail",
    ),
    (
        "Object of type generator is not JSON serializable",
        "`map` gives a generator, which Python writes no JSON of",
    ),
];

#[test]
fn templates_render_as_jinja2_has_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let conversations = dir.path().join("conversations.json");
    let cases = python("conversations.py", &[]);
    fs::write(&conversations, &cases).expect("written");
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
    assert_eq!(cases.len(), 12);
    let templates = templates();
    let mut args = vec![conversations.as_path()];
    args.extend(templates.iter().map(|template| template.file.as_path()));
    let reference = python("render.py", &args);
    let (mut same, mut neither, mut explained, mut wrong) = (0, 0, 0, Vec::new());
    for (template, line) in templates.iter().zip(reference.lines()) {
        let wanted: Value = serde_json::from_str(line).expect("JSON");
        for (i, case) in cases.iter().enumerate() {
            let mut variables = case["variables"].clone();
            let all = variables.as_object_mut().expect("variables");
            all.entry("tools").or_insert(Value::Null);
            all.insert("messages".to_owned(), case["messages"].clone());
            let got = chat::render(&template.source, &variables);
            let wanted = &wanted["texts"][i];
            let error = wanted["error"].as_str();
            match (got, wanted["text"].as_str()) {
                (Ok(got), Some(wanted)) if got == wanted => same += 1,
                (Err(_), None) => neither += 1,
                (Ok(_), None)
                    if EXPLAINED
                        .iter()
                        .any(|(words, _)| error.is_some_and(|error| error.contains(words))) =>
                {
                    explained += 1;
                }
                (got, _) => wrong.push(format!(
                    "{}, {}:\n  ours   {got:?}\n  theirs {wanted}",
                    template.name, case["name"]
                )),
            }
        }
    }
    eprintln!(
        "{} templates, {} conversations: {same} renderings equal, {neither} refused by both, \
         {explained} that only the reference refuses",
        templates.len(),
        cases.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(same + neither + explained, templates.len() * cases.len());
    assert!(same > 9 * neither.max(explained));
}
