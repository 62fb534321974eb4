//! The abilities of Python's values that minijinja's lack: methods of texts, `%`, and `+` of texts
//! that are safe for HTML.

use minijinja::value::{Kwargs, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;

use super::json::float_text;
use crate::base::OrBug as _;

/// The function that stands for the operator `%`.
pub(super) const PERCENT: &str = "__percent";

/// Computes `left % right`: a text is formatted with the values behind it, of numbers the
/// remainder is given.
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

/// Computes `left + right`: a text added to one marked as safe for HTML is escaped, as Python's
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
        let text = unsafe_one.as_str().or_bug("a text is no text");
        *unsafe_one = Value::from_safe_string(escaped(text));
    }
    let sum = state.env().compile_expression("left + right")?;
    sum.eval(minijinja::context! { left, right })
}

/// Escapes a text as Python's `markupsafe.escape` does.
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

/// Calls a method that minijinja's values lack.
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

/// Finds the position of a value in a list.
fn position(list: &Value, args: &[Value]) -> Result<Value, Error> {
    let (wanted,): (Value,) = from_args(args)?;
    let at = list.try_iter()?.position(|value| value == wanted);
    at.map(Value::from)
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the value is not in the list"))
}

/// Calls a method of `str`; none for those that `minijinja_contrib` has right.
fn text_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let found = match name {
        "strip" | "lstrip" | "rstrip" => {
            let (marks,): (Option<String>,) = from_args(args)?;
            let (left, right) = (name != "rstrip", name != "lstrip");
            Value::from(strip(text, marks.as_deref(), left, right))
        }
        "split" | "rsplit" => Value::from(split(text, args, name == "rsplit")?),
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
        "zfill" => Value::from(zero_filled(text, args)?),
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
        "index" | "rindex" => Value::from(index(text, args, name == "rindex")?),
        _ => return Ok(None),
    };
    Ok(Some(found))
}

/// Cuts a text at separators, or at blanks where none is given; from the right if `backwards`.
fn split(text: &str, args: &[Value], backwards: bool) -> Result<Vec<String>, Error> {
    let (separator, most) = split_args(args)?;
    match separator.as_deref() {
        Some("") => Err(Error::new(ErrorKind::InvalidOperation, "empty separator")),
        Some(separator) => Ok(cut(text, separator, most, backwards)),
        None => Ok(cut_blanks(text, most, backwards)),
    }
}

/// Puts zeros between the sign of a number and its digits.
fn zero_filled(text: &str, args: &[Value]) -> Result<String, Error> {
    let (width,): (usize,) = from_args(args)?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (sign, digits) = text.split_at(text.len() - digits.len());
    let width = width.saturating_sub(sign.len());
    Ok(format!("{sign}{}", justified(digits, width, '0', "rjust")?))
}

/// Finds the position of a part of a text, in characters; the last one if `backwards`.
fn index(text: &str, args: &[Value], backwards: bool) -> Result<usize, Error> {
    let (part,): (&str,) = from_args(args)?;
    let parted = if backwards {
        text.rsplit_once(part)
    } else {
        text.split_once(part)
    };
    match parted {
        Some((before, _)) => Ok(before.chars().count()),
        None => Err(Error::new(
            ErrorKind::InvalidOperation,
            "substring not found",
        )),
    }
}

/// Reads `sep` and `maxsplit`, by place or by name.
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
    // Less than zero sets no limit.
    Ok((separator, most.and_then(|most| usize::try_from(most).ok())))
}

/// Cuts a text at separators; with at most `most` cuts, from the right if `backwards`.
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

/// Cuts a text at runs of blanks; no part is empty. Where cuts are counted, the rest keeps its
/// blanks but for those at the side that was cut.
fn cut_blanks(text: &str, most: Option<usize>, backwards: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = strip(text, None, !backwards, backwards);
    while !rest.is_empty() && most.is_none_or(|most| parts.len() < most) {
        let (part, other) = if backwards {
            let parted = rest.rsplit_once(blank);
            parted.map_or((rest.as_str(), ""), |(other, part)| (part, other))
        } else {
            rest.split_once(blank).unwrap_or((rest.as_str(), ""))
        };
        parts.push(part.to_owned());
        rest = strip(other, None, !backwards, backwards);
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

/// Fills a text up to a width in characters.
fn justified(text: &str, width: usize, fill: char, how: &str) -> Result<String, Error> {
    /// The most characters; no layout of good faith comes near.
    const MOST: usize = 10_000;
    if width > MOST {
        return Err(Error::new(ErrorKind::InvalidOperation, "that is too wide"));
    }
    let missing = width.saturating_sub(text.chars().count());
    let left = match how {
        "ljust" => 0,
        "rjust" => missing,
        // Of an odd number of blanks Python puts one more at the left where the width is odd, too.
        _ => missing / 2 + (missing & width & 1),
    };
    let blanks = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
    Ok(format!("{}{text}{}", blanks(left), blanks(missing - left)))
}

/// Tells whether every word begins with a capital letter and has no other.
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

/// Tells whether Python counts a character as blank: U+001C to U+001F too.
fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Takes `marks` away at the ends of a text, or all blanks where none are given, as Python's
/// `strip` does.
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

/// Writes a value as Python's `str` does.
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
