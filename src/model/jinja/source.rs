//! The source of a template as jinja2 takes it in, made into one that minijinja takes.

use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::python::{PERCENT, PLUS};

/// The source of a template for minijinja: line ends are those of Unix; the `generation` tags,
/// which only mark a part for training, are blocks that are always there; `%`, which
/// formats where a text stands before it, is a call of [`PERCENT`], and `+`, which escapes what
/// is added to a text that is safe, one of [`PLUS`].
///
/// What cannot be parted into tokens is left as it is, so that the error is told of the text
/// that the template's author wrote.
pub(in crate::model) fn prepared(source: &str) -> String {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let Some(tokens) = tokens_of(&source) else {
        return source;
    };
    let mut edits = generation_tags(&tokens);
    edits.extend(calls(&tokens, PERCENT, |token| matches!(token, Token::Mod)));
    let safe = |token: &(Token<'_>, Span)| matches!(token.0, Token::Ident("safe"));
    if tokens.iter().any(safe) {
        edits.extend(calls(&tokens, PLUS, |token| matches!(token, Token::Plus)));
    }
    edits.sort_by_key(|edit| (edit.start, edit.order));
    let mut out = String::with_capacity(source.len());
    let mut last = 0;
    for Edit {
        start, end, text, ..
    } in edits
    {
        out.push_str(source.get(last..start).unwrap_or(""));
        out.push_str(&text);
        last = end.max(last);
    }
    out.push_str(source.get(last..).unwrap_or(""));
    out
}

/// Bytes of the source to be replaced.
struct Edit {
    start: usize,
    end: usize,
    text: String,
    /// Among edits at one place.
    order: usize,
}

fn tokens_of(source: &str) -> Option<Vec<(Token<'_>, Span)>> {
    tokenize(source, false, SyntaxConfig::default())
        .collect::<Result<_, _>>()
        .ok()
}

/// `{% generation %}` and its end as `{% if true %}` and its end.
fn generation_tags(tokens: &[(Token<'_>, Span)]) -> Vec<Edit> {
    tokens
        .windows(3)
        .filter_map(|part| match part {
            [
                (Token::BlockStart, _),
                (Token::Ident(name), at),
                (Token::BlockEnd, _),
            ] => {
                let text = match *name {
                    "generation" => "if true",
                    "endgeneration" => "endif",
                    _ => return None,
                };
                Some(Edit {
                    start: at.start_offset as usize,
                    end: at.end_offset as usize,
                    text: text.to_owned(),
                    order: 0,
                })
            }
            _ => None,
        })
        .collect()
}

/// Each use of an operator between two operands as a call of `name`. Operators of one rank go
/// from left to right, so that calls nest at the left: `a % b % c` is a call with a call.
fn calls(
    tokens: &[(Token<'_>, Span)],
    name: &str,
    is_operator: impl Fn(&Token<'_>) -> bool,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (at, (token, span)) in tokens.iter().enumerate() {
        if !is_operator(token) || !ends_operand(tokens.get(at.wrapping_sub(1))) {
            continue;
        }
        let rank = rank_of(token);
        let first = operand_before(tokens, at, rank);
        let (Some(first), Some(last)) = (first, operand_after(tokens, at, rank)) else {
            continue;
        };
        let (start, end) = (first.start_offset as usize, last.end_offset as usize);
        let mut edit = |start, end, text: &str, order| {
            edits.push(Edit {
                start,
                end,
                text: text.to_owned(),
                order,
            });
        };
        // The call that reaches furthest is the outermost.
        edit(start, start, &format!("{name}("), usize::MAX - end);
        edit(
            span.start_offset as usize,
            span.end_offset as usize,
            ",",
            usize::MAX,
        );
        edit(end, end, ")", 0);
    }
    edits
}

/// How tightly an operator binds, as jinja2 parses them; none for what is no operator between
/// two numbers or texts.
const fn rank_of(token: &Token<'_>) -> Option<u8> {
    match token {
        Token::Plus | Token::Minus => Some(1),
        Token::Tilde => Some(2),
        Token::Mul | Token::Div | Token::FloorDiv | Token::Mod => Some(3),
        _ => None,
    }
}

/// Whether an operand may end with that token, so that the operator behind it takes two.
fn ends_operand(token: Option<&(Token<'_>, Span)>) -> bool {
    match token {
        Some((Token::Ident(name), _)) => !is_operator(name),
        Some((token, _)) => matches!(
            token,
            Token::Str(_)
                | Token::String(_)
                | Token::Int(_)
                | Token::Int128(_)
                | Token::Float(_)
                | Token::ParenClose
                | Token::BracketClose
                | Token::BraceClose
        ),
        None => false,
    }
}

/// Words that part expressions as operators do.
fn is_operator(name: &str) -> bool {
    matches!(
        name,
        "and"
            | "or"
            | "not"
            | "in"
            | "if"
            | "else"
            | "elif"
            | "for"
            | "set"
            | "do"
            | "call"
            | "filter"
            | "with"
            | "recursive"
    )
}

/// Whether a token binds less than any operator, wherever it stands.
fn parts(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(name) => is_operator(name),
        _ => matches!(
            token,
            Token::Comma
                | Token::Colon
                | Token::Assign
                | Token::Eq
                | Token::Ne
                | Token::Gt
                | Token::Gte
                | Token::Lt
                | Token::Lte
                | Token::VariableStart
                | Token::VariableEnd
                | Token::BlockStart
                | Token::BlockEnd
        ),
    }
}

const fn opens(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::ParenOpen | Token::BracketOpen | Token::BraceOpen
    )
}

const fn closes(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::ParenClose | Token::BracketClose | Token::BraceClose
    )
}

/// Whether the token at `i` is an operator between two operands of a rank that `ends` says ends
/// an operand. A sign with no operand before it belongs to the number behind.
fn operates(tokens: &[(Token<'_>, Span)], i: usize, ends: impl Fn(u8) -> bool) -> bool {
    let rank = tokens.get(i).and_then(|(token, _)| rank_of(token));
    rank.is_some_and(ends) && ends_operand(tokens.get(i.wrapping_sub(1)))
}

/// The first token of the operand before the operator at `at`: everything of its rank and
/// above.
fn operand_before<'t>(
    tokens: &'t [(Token<'_>, Span)],
    at: usize,
    rank: Option<u8>,
) -> Option<&'t Span> {
    let mut depth = 0_usize;
    let mut first = None;
    for (i, (token, span)) in tokens.iter().enumerate().take(at).rev() {
        if closes(token) {
            depth += 1;
        } else if opens(token) {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if depth == 0 && (parts(token) || operates(tokens, i, |other| Some(other) < rank)) {
            break;
        }
        first = Some(span);
    }
    first
}

/// The last token of the operand behind the operator at `at`: everything above its rank.
fn operand_after<'t>(
    tokens: &'t [(Token<'_>, Span)],
    at: usize,
    rank: Option<u8>,
) -> Option<&'t Span> {
    let mut depth = 0_usize;
    let mut last = None;
    for (i, (token, span)) in tokens.iter().enumerate().skip(at + 1) {
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            if depth == 0 {
                break;
            }
            depth -= 1;
        } else if depth == 0 && (parts(token) || operates(tokens, i, |other| Some(other) <= rank)) {
            break;
        }
        last = Some(span);
    }
    last
}
