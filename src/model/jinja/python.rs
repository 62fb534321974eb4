//! What Python's values can do and minijinja's cannot: methods of texts, and `%`.

use minijinja::value::{Kwargs, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;

use super::json::float_text;

/// The function that stands for the operator `%`.
pub(super) const PERCENT: &str = "__percent";

/// `left % right`: a text is formatted with what stands behind it, numbers are divided and
/// what is left over is given.
pub(super) fn percent(state: &mut State, left: &Value, right: &Value) -> Result<Value, Error> {
    if left.kind() != ValueKind::String {
        let remainder = state.env().compile_expression("left % right")?;
        return remainder.eval(minijinja::context! { left, right });
    }
    let mut args = vec![left.clone()];
    if right.is_tuple() {
        args.extend(right.try_iter()?);
    } else {
        args.push(right.clone());
    }
    state.apply_filter("format", &args)
}

/// The function that stands for the operator `+`.
pub(super) const PLUS: &str = "__plus";

/// `left + right`: what is added to a text marked as safe for HTML is escaped, as Python's
/// `Markup` does it, whether the template means to write HTML or not.
pub(super) fn plus(state: &mut State, left: &Value, right: &Value) -> Result<Value, Error> {
    let is_text = |value: &Value| value.kind() == ValueKind::String;
    let (mut left, mut right) = (left.clone(), right.clone());
    if is_text(&left) && is_text(&right) && left.is_safe() != right.is_safe() {
        let unsafe_one = if left.is_safe() {
            &mut right
        } else {
            &mut left
        };
        *unsafe_one = Value::from_safe_string(escaped(unsafe_one.as_str().unwrap_or("")));
    }
    let sum = state.env().compile_expression("left + right")?;
    sum.eval(minijinja::context! { left, right })
}

/// A text as Python's `markupsafe.escape` writes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A method that minijinja's values have not of themselves.
pub(super) fn method(
    state: &mut State,
    value: &Value,
    name: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let own = match value.as_str() {
        Some(text) => text_method(text, name, args)?,
        None => match (value.kind(), name) {
            (ValueKind::Map | ValueKind::Seq, "copy") if args.is_empty() => Some(value.clone()),
            (ValueKind::Seq, "index") => Some(position(value, args)?),
            _ => None,
        },
    };
    match own {
        Some(found) => Ok(found),
        None => pycompat::unknown_method_callback(state, value, name, args),
    }
}

/// Where a value stands in a list.
fn position(list: &Value, args: &[Value]) -> Result<Value, Error> {
    let (wanted,): (Value,) = from_args(args)?;
    let at = list.try_iter()?.position(|value| value == wanted);
    at.map(Value::from)
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the value is not in the list"))
}

/// The methods of `str`; none for those that `minijinja_contrib` has right.
fn text_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let found = match name {
        "strip" | "lstrip" | "rstrip" => {
            let (marks,): (Option<String>,) = from_args(args)?;
            let (left, right) = (name != "rstrip", name != "lstrip");
            Value::from(strip(text, marks.as_deref(), left, right))
        }
        "split" | "rsplit" => {
            let (separator, most) = split_args(args)?;
            let parts = match separator.as_deref() {
                Some("") => {
                    return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
                }
                Some(separator) => cut(text, separator, most, name == "rsplit"),
                None => cut_blanks(text, most, name == "rsplit"),
            };
            Value::from(parts)
        }
        "removeprefix" => {
            let (part,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(part).unwrap_or(text))
        }
        "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(part).unwrap_or(text))
        }
        "partition" => {
            let (part,): (&str,) = from_args(args)?;
            let found = text.split_once(part);
            tuple(found.map_or([text, "", ""], |(before, after)| [before, part, after]))
        }
        "rpartition" => {
            let (part,): (&str,) = from_args(args)?;
            let found = text.rsplit_once(part);
            tuple(found.map_or(["", "", text], |(before, after)| [before, part, after]))
        }
        "ljust" | "rjust" | "center" => {
            let (width, fill): (usize, Option<char>) = from_args(args)?;
            Value::from(justified(text, width, fill.unwrap_or(' '), name)?)
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = match text.strip_prefix(['+', '-']) {
                Some(digits) => (text.get(..1).unwrap_or(""), digits),
                None => ("", text),
            };
            let width = width.saturating_sub(sign.len());
            Value::from(format!("{sign}{}", justified(digits, width, '0', "rjust")?))
        }
        "istitle" => Value::from(is_title(text)),
        "isdecimal" => Value::from(!text.is_empty() && text.chars().all(char::is_numeric)),
        "isidentifier" => {
            let mut letters = text.chars();
            let first = letters.next();
            let first = first.is_some_and(|c| c == '_' || c.is_alphabetic());
            Value::from(first && letters.all(|c| c == '_' || c.is_alphanumeric()))
        }
        "casefold" => Value::from(text.to_lowercase()),
        "swapcase" => Value::from(swapped(text)),
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(args)?;
            let at = if name == "index" {
                text.find(part)
            } else {
                text.rfind(part)
            };
            let at = at.and_then(|at| text.get(..at));
            let at = at.map(|before| before.chars().count());
            Value::from(
                at.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "substring not found"))?,
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// `sep` and `maxsplit`, by place or by name.
fn split_args(args: &[Value]) -> Result<(Option<String>, Option<usize>), Error> {
    let (separator, most, named): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = match separator {
        Some(given) => Some(given),
        None => named.get("sep")?,
    };
    let most = match most {
        Some(given) => Some(given),
        None => named.get("maxsplit")?,
    };
    named.assert_all_used()?;
    let separator =
        match separator.filter(|given| !given.is_none()) {
            Some(given) => Some(given.as_str().map(str::to_owned).ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, "the separator is no text")
            })?),
            None => None,
        };
    Ok((separator, most.and_then(|most| usize::try_from(most).ok())))
}

/// The parts between separators; of at most `most` cuts, from the right if `backwards`.
fn cut(text: &str, separator: &str, most: Option<usize>, backwards: bool) -> Vec<String> {
    let own = |part: &str| part.to_owned();
    match (most, backwards) {
        (None, _) => text.split(separator).map(own).collect(),
        (Some(most), false) => text
            .splitn(most.saturating_add(1), separator)
            .map(own)
            .collect(),
        (Some(most), true) => {
            let parts = text.rsplitn(most.saturating_add(1), separator);
            let mut parts: Vec<String> = parts.map(own).collect();
            parts.reverse();
            parts
        }
    }
}

/// The parts between runs of blanks; no part is empty. Where cuts are counted, what is left
/// keeps its blanks but for those at the side that was cut.
fn cut_blanks(text: &str, most: Option<usize>, backwards: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = strip(text, None, !backwards, backwards);
    while !rest.is_empty() && most.is_none_or(|most| parts.len() < most) {
        let part = if backwards {
            rest.rsplit(blank).next()
        } else {
            rest.split(blank).next()
        };
        let part = part.unwrap_or("").to_owned();
        let left = rest.len() - part.len();
        let other = if backwards {
            rest.get(..left)
        } else {
            rest.get(part.len()..)
        };
        rest = strip(other.unwrap_or(""), None, !backwards, backwards);
        parts.push(part);
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    if backwards {
        parts.reverse();
    }
    parts
}

fn tuple(parts: [&str; 3]) -> Value {
    Value::from((parts[0], parts[1], parts[2]))
}

/// A text filled up to a width in characters.
fn justified(text: &str, width: usize, fill: char, how: &str) -> Result<String, Error> {
    /// Wider than any layout of good faith.
    const MOST: usize = 10_000;
    if width > MOST {
        return Err(Error::new(ErrorKind::InvalidOperation, "that is too wide"));
    }
    let missing = width.saturating_sub(text.chars().count());
    let left = match how {
        "ljust" => 0,
        "rjust" => missing,
        // Python puts the odd one where the width is odd, too, at the left.
        _ => missing / 2 + (missing & width & 1),
    };
    let blanks = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
    Ok(format!("{}{text}{}", blanks(left), blanks(missing - left)))
}

/// Whether every word begins with a capital letter and has no other.
fn is_title(text: &str) -> bool {
    let (mut inside, mut any) = (false, false);
    for c in text.chars() {
        if c.is_uppercase() && inside || c.is_lowercase() && !inside {
            return false;
        }
        inside = c.is_alphabetic();
        any |= inside;
    }
    any
}

fn swapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

/// What Python counts as blank, to which U+001C to U+001F belong.
fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Python's `strip`: of `marks`, without them of all blanks.
pub(super) fn strip(text: &str, marks: Option<&str>, left: bool, right: bool) -> String {
    let goes = |c: char| match marks {
        Some(marks) => marks.contains(c),
        None => blank(c),
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

/// A value as Python's `str` writes it.
pub(super) fn text_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool if value.is_true() => "True".to_owned(),
        ValueKind::Bool => "False".to_owned(),
        ValueKind::Number if !value.is_integer() => {
            f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float_text)
        }
        _ => value.to_string(),
    }
}
