//! The environment that templates run in.

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use minijinja_contrib::filters::{truncate, wordcount};
use minijinja_contrib::globals::{cycler, joiner};

use super::json::to_json;
use super::python::{PERCENT, PLUS, method, percent, plus, strip, text_of};

/// Steps a template may take; the largest published ones need some ten thousand for a long
/// conversation.
const FUEL: u64 = 5_000_000;

/// Makes an environment with nothing in it but what templates may count on.
pub(in crate::model) fn environment<'s>() -> Result<Environment<'s>, Error> {
    let mut environment = Environment::new();
    let mut syntax = minijinja::syntax::SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(200);
    environment.set_unknown_method_callback(method);
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Number => {
            Ok(out.write_str(&text_of(value))?)
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: &Value| text_of(value));
    environment.add_filter("trim", |value: &Value, marks: Option<String>| {
        strip(&text_of(value), marks.as_deref(), true, true)
    });
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", wordcount);
    // As in jinja2, texts are iterable and sequences too, and so is what is not defined, as if it
    // were empty; `none` is neither.
    environment.add_test("iterable", |value: &Value| {
        is_sequence(value) || value.kind() == ValueKind::Iterable
    });
    environment.add_test("sequence", is_sequence);
    environment.add_function("raise_exception", |text: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, text))
    });
    environment.add_function(PERCENT, percent);
    environment.add_function(PLUS, plus);
    environment.add_function("cycler", |items: Rest<Value>| cycler(items.to_vec()));
    environment.add_function("joiner", joiner);
    environment.add_function("strftime_now", |format: String| date(&format));
    Ok(environment)
}

fn is_sequence(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined
    )
}

/// Writes the date that templates are told: always Friday, 26 July 2024, in the form they ask
/// for. A prompt with a clock in it could never be kept from one day to the next.
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
