//! JSON as Python's `json.dumps` writes it.

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};

/// Writes JSON as Python's `json.dumps` does, characters beyond ASCII as they are unless the
/// template wants otherwise. Where a list of separators lacks one, which Python refuses, that one
/// is empty.
#[expect(clippy::needless_pass_by_value, reason = "the form minijinja wants")]
pub(super) fn to_json(value: &Value, kwargs: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    let separators: Option<Vec<String>> = kwargs.get("separators")?;
    let style = Style {
        indent: indent.map(|indent| indent.min(16)),
        ascii: kwargs.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        between: match (&separators, indent) {
            (Some(given), _) => given.first().cloned().unwrap_or_default(),
            (None, Some(_)) => ",".to_owned(),
            (None, None) => ", ".to_owned(),
        },
        colon: match &separators {
            Some(given) => given.get(1).cloned().unwrap_or_default(),
            None => ": ".to_owned(),
        },
    };
    kwargs.assert_all_used()?;
    let json = serde_json::to_value(value)
        .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?;
    let mut out = String::new();
    style.write(&json, 1, &mut out);
    Ok(Value::from(out))
}

/// The layout of JSON.
struct Style {
    indent: Option<usize>,
    ascii: bool,
    sorted: bool,
    between: String,
    colon: String,
}

impl Style {
    fn write(&self, json: &serde_json::Value, depth: usize, out: &mut String) {
        match json {
            serde_json::Value::Array(values) if !values.is_empty() => {
                out.push('[');
                for (i, value) in values.iter().enumerate() {
                    self.part(i, depth, out);
                    self.write(value, depth + 1, out);
                }
                self.line(depth - 1, out);
                out.push(']');
            }
            serde_json::Value::Object(pairs) if !pairs.is_empty() => {
                out.push('{');
                let mut pairs: Vec<_> = pairs.iter().collect();
                if self.sorted {
                    pairs.sort_by_key(|(key, _)| *key);
                }
                for (i, (key, value)) in pairs.into_iter().enumerate() {
                    self.part(i, depth, out);
                    self.text(key, out);
                    out.push_str(&self.colon);
                    self.write(value, depth + 1, out);
                }
                self.line(depth - 1, out);
                out.push('}');
            }
            serde_json::Value::String(text) => self.text(text, out),
            serde_json::Value::Number(number) => {
                match number.as_f64().filter(|_| number.is_f64()) {
                    Some(float) => out.push_str(&float_text(float)),
                    None => out.push_str(&number.to_string()),
                }
            }
            other => out.push_str(&other.to_string()),
        }
    }

    /// Writes the separator and the line that stand before part `i` of a list or an object.
    fn part(&self, i: usize, depth: usize, out: &mut String) {
        if i > 0 {
            out.push_str(&self.between);
        }
        self.line(depth, out);
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        let quoted = serde_json::Value::from(text).to_string();
        if !self.ascii {
            out.push_str(&quoted);
            return;
        }
        let mut units = [0; 2];
        for c in quoted.chars() {
            if matches!(c, ' '..='~') {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
}

/// Writes a float as Python does: with the fewest digits that tell it, `1.0`, `1e-05`, `1e+16`.
pub(super) fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((digits, power)) = scientific.split_once('e') else {
        return scientific;
    };
    match power.parse::<i32>() {
        Ok(power) if !(-4..16).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.unsigned_abs())
        }
        _ => format!("{float:?}"),
    }
}
