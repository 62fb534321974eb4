//! One block of an answer: its header, its body, and the edit that they make.

use super::super::Edit;
use super::super::said::{is_prose_file, split_range, undecorated, unfenced, unnumbered};
use super::joined;
use crate::base::{LineRange, RepoPath};

/// What the header of a block says.
#[derive(Debug, Clone)]
pub(super) enum Header {
    Replace(RepoPath),
    Rewrite(RepoPath, LineRange),
    Create(RepoPath),
    Delete(RepoPath),
    Rename(RepoPath, RepoPath),
}

/// A block between its fences: the lines of its parts.
pub(super) struct Body<'a> {
    /// Lines before the `=======`, if there is one.
    pub old: Option<Vec<&'a str>>,
    /// Lines after it, or all.
    pub new: Vec<&'a str>,
    /// How many separators there are.
    pub separators: usize,
    /// The line behind the block.
    pub next: usize,
}

/// A header line: `*** replace src/a.rs`. `None` if it is something else.
pub(super) fn header(line: &str) -> Option<Result<Header, String>> {
    let rest = line.trim().strip_prefix("***")?;
    let rest = rest.trim_end_matches('*').trim();
    let (verb, rest) = rest.split_once(char::is_whitespace)?;
    let verb = verb.trim_end_matches(':').to_ascii_lowercase();
    let rest = rest.trim();
    if rest.is_empty() {
        return None;
    }
    let path = |name: &str| RepoPath::new(undecorated(name)).map_err(|f| f.to_string());
    Some(match verb.as_str() {
        "replace" => path(split_range(undecorated(rest)).0).map(Header::Replace),
        "create" => path(rest).map(Header::Create),
        "delete" => path(rest).map(Header::Delete),
        "rewrite" => match split_range(undecorated(rest)) {
            (name, Some(range)) => path(name).map(|path| Header::Rewrite(path, range)),
            _ => Err("it does not say which lines; write `*** rewrite PATH:10-24`".to_owned()),
        },
        "rename" => match rest.split_once("->").or_else(|| rest.split_once('→')) {
            Some((from, to)) => path(from.trim())
                .and_then(|from| path(to.trim()).map(|to| Header::Rename(from, to))),
            None => Err("it does not say the new name; write `*** rename OLD -> NEW`".to_owned()),
        },
        _ => return None,
    })
}

/// A header and its body as an edit.
pub(super) fn edit_of(header: &Header, body: Body<'_>) -> Result<Edit, String> {
    let many = "a line `=======` stands in the text itself; write all of the block's fences with more characters";
    match header {
        Header::Replace(path) => {
            if body.separators > 1 {
                return Err(many.to_owned());
            }
            let Some(old) = body.old else {
                return Err("it has no line `=======` between the old and the new text".to_owned());
            };
            let prose = is_prose_file(path);
            let old = unfenced(old, prose);
            let (old, numbered) = unnumbered(old, true);
            if old.is_empty() {
                return Err(
                    "the text to be replaced is empty; name the whole lines that stand in the file, or use create"
                        .to_owned(),
                );
            }
            let new = unfenced(body.new, prose);
            let new = if numbered {
                unnumbered(new, false).0
            } else {
                new
            };
            Ok(Edit::Replace {
                path: path.clone(),
                old: joined(&old),
                new: joined(&new),
            })
        }
        Header::Rewrite(path, range) => {
            if body.separators > 0 {
                return Err(format!(
                    "a rewrite holds only the new lines {range}, and no `=======`; if that line is part of the text, write the fences with more characters"
                ));
            }
            let new = unfenced(body.new, is_prose_file(path));
            Ok(Edit::Rewrite {
                path: path.clone(),
                range: *range,
                new: joined(&unnumbered(new, false).0),
            })
        }
        Header::Create(path) => {
            if body.separators > 1 || body.old.as_ref().is_some_and(|old| !old.is_empty()) {
                return Err(many.to_owned());
            }
            Ok(Edit::Create {
                path: path.clone(),
                text: joined(&unfenced(body.new, is_prose_file(path))),
            })
        }
        Header::Delete(path) => Ok(Edit::Delete { path: path.clone() }),
        Header::Rename(path, to) => Ok(Edit::Rename {
            path: path.clone(),
            to: to.clone(),
        }),
    }
}
