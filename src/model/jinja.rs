//! Jinja as Python runs it. Published templates were written against jinja2 with the settings
//! of the `transformers` library; where minijinja does otherwise, it is set right here.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

/// Steps a template may take; the largest published ones need some ten thousand for a long
/// conversation.
const FUEL: u64 = 5_000_000;

/// The source of a template as jinja2 takes it in: line ends are those of Unix, and the
/// `generation` tags, which only mark a part for training, are blocks that are always there.
pub(super) fn prepared(source: &str) -> String {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(source.len());
    let mut rest = source.as_str();
    while let Some((before, after)) = rest.split_once("{%") {
        out.push_str(before);
        out.push_str("{%");
        let word = after.trim_start_matches(|c: char| matches!(c, '-' | '+') || c.is_whitespace());
        let mark = after.strip_suffix(word).unwrap_or("");
        let found = [("generation", "if true"), ("endgeneration", "endif")]
            .into_iter()
            .find_map(|(tag, block)| Some((word.strip_prefix(tag)?, block)))
            .filter(|(end, _)| {
                let end = end.trim_start();
                end.trim_start_matches(['-', '+']).starts_with("%}")
            });
        rest = match found {
            Some((end, block)) => {
                out.push_str(mark);
                out.push_str(block);
                end
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

/// An environment with nothing in it but what templates may count on.
pub(super) fn environment<'s>() -> Result<Environment<'s>, Error> {
    let mut environment = Environment::new();
    let mut syntax = minijinja::syntax::SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(200);
    environment.set_unknown_method_callback(method);
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Bool | ValueKind::None => Ok(out.write_str(&text_of(value))?),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: &Value| text_of(value));
    environment.add_filter("trim", |value: &Value, marks: Option<String>| {
        strip(&text_of(value), marks.as_deref(), true, true)
    });
    // What jinja2 can take the length of, or walk through: texts too, and what is not defined
    // as if it were empty, but never `none`.
    environment.add_test("iterable", |value: &Value| {
        is_sequence(value) || value.kind() == ValueKind::Iterable
    });
    environment.add_test("sequence", is_sequence);
    environment.add_function("raise_exception", |text: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, text))
    });
    environment.add_function("strftime_now", |format: String| date(&format));
    Ok(environment)
}

fn is_sequence(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined
    )
}

/// A value as Python's `str` writes it.
fn text_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool if value.is_true() => "True".to_owned(),
        ValueKind::Bool => "False".to_owned(),
        _ => value.to_string(),
    }
}

fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if let (Some(text), true) = (value.as_str(), args.iter().all(Value::is_none)) {
        let (left, right) = match name {
            "strip" => (true, true),
            "lstrip" => (true, false),
            "rstrip" => (false, true),
            _ => {
                return minijinja_contrib::pycompat::unknown_method_callback(
                    state, value, name, args,
                );
            }
        };
        return Ok(Value::from(strip(text, None, left, right)));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

/// Python's `strip`: without `marks` of all blanks, to which it counts U+001C to U+001F.
fn strip(text: &str, marks: Option<&str>, left: bool, right: bool) -> String {
    let goes = |c: char| match marks {
        Some(marks) => marks.contains(c),
        None => c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'),
    };
    let text = if left {
        text.trim_start_matches(goes)
    } else {
        text
    };
    let text = if right {
        text.trim_end_matches(goes)
    } else {
        text
    };
    text.to_owned()
}

/// What templates are told that ask for the date: always Friday, 26 July 2024, in their own
/// form. A prompt with a clock in it could never be kept from one day to the next.
fn date(format: &str) -> String {
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut letter = letters.next();
        let bare = letter == Some('-');
        if bare {
            letter = letters.next();
        }
        out.push_str(match letter {
            Some('d' | 'e') => "26",
            Some('b' | 'h') => "Jul",
            Some('B') => "July",
            Some('m') if bare => "7",
            Some('m') => "07",
            Some('Y') => "2024",
            Some('y') => "24",
            Some('a') => "Fri",
            Some('A') => "Friday",
            Some('j') => "208",
            Some('F') => "2024-07-26",
            Some('H' | 'M' | 'S') if bare => "0",
            Some('H' | 'M' | 'S') => "00",
            Some('I') => "12",
            Some('p') => "AM",
            Some('T') => "00:00:00",
            Some('%') => "%",
            _ => "",
        });
    }
    out
}

/// JSON as Python's `json.dumps` writes it, characters beyond ASCII as they are unless the
/// template wants otherwise.
#[expect(clippy::needless_pass_by_value, reason = "the form minijinja wants")]
fn to_json(value: &Value, kwargs: Kwargs) -> Result<Value, Error> {
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
    Ok(Value::from_safe_string(out))
}

/// How JSON is laid out.
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

    /// What stands before a part of a list or an object.
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

/// A float as Python writes it: the fewest digits that tell it, `1.0`, `1e-05`, `1e+16`.
fn float_text(float: f64) -> String {
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

#[cfg(test)]
#[path = "jinja_tests.rs"]
mod tests;
