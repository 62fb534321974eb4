//! The source of a template as jinja2 takes it in, made into one that minijinja takes.

use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::python::{PERCENT, PLUS};

/// Prepares the source of a template for minijinja: line ends are those of Unix; the `generation`
/// tags, which only mark a part for training, are blocks that are always there; `%`, which
/// formats where a text stands before it, is a call of [`PERCENT`], and `+`, which escapes what
/// is added to a text that is safe, one of [`PLUS`].
///
/// A source that cannot be parted into tokens is left as it is, so that the error is told of the
/// text that the template's author wrote.
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
    // Edits do not overlap; but their places are minijinja's word on a hostile text, so one that
    // is none leaves out the text before it.
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

/// A text to put in the place of some bytes of the source.
struct Edit {
    start: usize,
    end: usize,
    text: String,
    /// The rank of the edit among those at one place, lower first.
    order: usize,
}

/// Parts a source into tokens; none where that fails.
fn tokens_of(source: &str) -> Option<Vec<(Token<'_>, Span)>> {
    tokenize(source, false, SyntaxConfig::default())
        .collect::<Result<_, _>>()
        .ok()
}

/// Turns `{% generation %}` and its end into `{% if true %}` and its end.
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

/// Turns each use of an operator between two operands into a call of `name`. Operators of one
/// rank go from left to right, so that calls nest at the left: `a % b % c` is a call with a call.
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

/// Returns the rank of an operator, higher for one that binds more tightly, as jinja2 parses
/// them; none for a token that is no operator between two numbers or texts.
const fn rank_of(token: &Token<'_>) -> Option<u8> {
    match token {
        Token::Plus | Token::Minus => Some(1),
        Token::Tilde => Some(2),
        Token::Mul | Token::Div | Token::FloorDiv | Token::Mod => Some(3),
        _ => None,
    }
}

/// Tells whether an operand may end with a token, so that the operator behind it takes two.
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

/// Tells whether a word parts expressions as operators do.
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

/// Tells whether a token binds less than any operator, wherever it stands.
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

/// Tells whether the token at `i` is an operator between two operands, of a rank at which, by
/// `ends`, an operand ends. A sign with no operand before it belongs to the number behind.
fn operates(tokens: &[(Token<'_>, Span)], i: usize, ends: impl Fn(u8) -> bool) -> bool {
    let rank = tokens.get(i).and_then(|(token, _)| rank_of(token));
    rank.is_some_and(ends) && ends_operand(tokens.get(i.wrapping_sub(1)))
}

/// Finds the first token of the operand before the operator at `at`: everything of the operator's
/// rank and above.
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

/// Finds the last token of the operand behind the operator at `at`: everything above the
/// operator's rank.
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
