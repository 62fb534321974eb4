//! JSON as it is written to a terminal and to programs.

use crate::base::text::is_hostile;

/// An object with its type before everything else, as the schema knows it.
pub(super) fn typed(kind: &str, value: serde_json::Value) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    object.insert("type".to_owned(), kind.into());
    match value {
        serde_json::Value::Object(rest) => object.extend(rest),
        other => {
            object.insert("value".to_owned(), other);
        }
    }
    object.into()
}

/// Escapes in JSON the characters that a terminal obeys, or that hide others.
pub(super) fn safe_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Newlines stand between the parts of a pretty value, never inside a text.
        if is_hostile(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_a_terminal_obeys_and_means_the_same() {
        let value = "a\u{9b}31m\u{202e}\u{e0001}\n\u{1b}";
        let text = safe_json(&serde_json::to_string(value).expect("json"));
        assert!(!text.chars().any(is_hostile), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("json"), value);
    }
}
