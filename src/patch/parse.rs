//! Edit blocks out of an answer's text.
//!
//! What is read, besides the form that the prompts teach (see `prompts/`): blocks without a
//! header whose path stands on the line before, as other tools teach them; blocks inside or
//! around code fences; lines copied with the numbers they were shown with; unified diffs.
//! Wherever it is not certain what is meant, the block becomes a trouble and no edit.
//! One pass, and every line is looked at a bounded number of times.

mod block;

use self::block::{Body, Header, edit_of, header};
use super::said::{
    fence, fence_length, is_fence, is_fence_end, is_prose_file, is_separator, marker, opener,
    path_line,
};
use super::{Edit, unified};
use crate::base::RepoPath;
use crate::base::text::{printable, truncated};

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The edits in order.
    pub edits: Vec<Edit>,
    /// Blocks that could not be read, each with the reason, for the user and for a second try.
    pub troubles: Vec<String>,
    /// The text around the blocks, for the user.
    pub prose: String,
}

/// As [`parse`], for an answer that a limit or the user cut off: what its last line begins may
/// go on differently, so nothing is taken from it, and a block that might go on is none.
pub fn parse_cut(answer: &str) -> Parsed {
    let (whole, last) = match answer.rsplit_once('\n') {
        Some((whole, last)) => (whole, last),
        None => ("", answer),
    };
    // A newline at its end would look like the end of a diff that does not say its length.
    let mut out = parse(whole.trim_end());
    if matches!(header(last), Some(Ok(_))) {
        let number = out.edits.len() + out.troubles.len() + 1;
        let what = printable(truncated(last.trim(), 200));
        out.troubles.push(format!(
            "edit {number} ({what}): the answer was cut off there"
        ));
    } else if out.troubles.is_empty() && !last.is_empty() {
        let gap = if whole.ends_with('\n') { "\n\n" } else { "\n" };
        out.prose = format!("{}{gap}{last}", out.prose).trim().to_owned();
    }
    out
}

/// Finds the edit blocks in an answer that has come to its end.
pub fn parse(answer: &str) -> Parsed {
    let lines: Vec<&str> = answer
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect();
    let mut reader = Reader {
        lines,
        at: 0,
        out: Parsed::default(),
        prose: Vec::new(),
        code_open: false,
        wrapped: false,
        last: None,
    };
    reader.run();
    let mut out = reader.out;
    reader.prose.join("\n").trim().clone_into(&mut out.prose);
    out
}

/// A block that could not be read: why, and the line at which reading goes on.
struct Unread {
    why: String,
    at: usize,
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    out: Parsed,
    prose: Vec<&'a str>,
    /// Whether a code fence is open in the prose.
    code_open: bool,
    /// Whether a code fence was opened right before a block and left out of the prose.
    wrapped: bool,
    /// The path of the block that has just ended, for a further one that names none.
    last: Option<(RepoPath, usize)>,
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        while let Some(&line) = self.lines.get(self.at) {
            if let Some(header) = header(line) {
                self.drop_open_fence();
                match header {
                    Ok(header) => self.headed(&header),
                    Err(why) => self.refuse(&why, line.trim()),
                }
            } else if let Some(length) = opener(line) {
                self.headless(length);
            } else if unified::begins(&self.lines, self.at) {
                self.drop_open_fence();
                let read = unified::read(&self.lines, self.at);
                self.out.edits.extend(read.edits);
                for trouble in read.troubles {
                    self.trouble(&trouble.0, &trouble.1);
                }
                self.at = read.next;
                self.last = None;
            } else if self.wrapped && is_fence_end(line) {
                self.wrapped = false;
                self.at += 1;
            } else {
                if is_fence(line) {
                    self.code_open = !self.code_open;
                }
                // Whoever looks back over blank lines must not look far.
                let blank = line.trim().is_empty();
                let blanks = self.prose.iter().rev().take(2);
                if !blank || blanks.filter(|l| l.trim().is_empty()).count() < 2 {
                    self.prose.push(line);
                }
                self.at += 1;
            }
        }
    }

    fn trouble(&mut self, what: &str, why: &str) {
        let number = self.out.edits.len() + self.out.troubles.len() + 1;
        self.out.troubles.push(format!(
            "edit {number} ({}): {why}",
            printable(truncated(what, 200))
        ));
    }

    /// A header that names nothing usable. Its block, if there is one, goes with it.
    fn refuse(&mut self, why: &str, what: &str) {
        let what = what.trim_start_matches('*').trim().to_owned();
        self.trouble(&what, why);
        self.at += 1;
        let (open, _) = self.skip_to_opener();
        if let Some((open, length)) = open {
            self.at = match self.body(open, length) {
                Ok(body) => body.next,
                Err(unread) => unread.at,
            };
        }
        self.last = None;
    }

    /// The block's opening fence at or right behind the current line (blank lines and one code
    /// fence between), and the code fence's line.
    fn skip_to_opener(&self) -> (Option<(usize, usize)>, Option<usize>) {
        let mut at = self.at;
        let mut code = None;
        while let Some(line) = self.lines.get(at) {
            if let Some(length) = opener(line) {
                return (Some((at, length)), code);
            }
            if is_fence(line) && code.is_none() {
                code = Some(at);
            } else if !line.trim().is_empty() || at > self.at + 4 {
                break;
            }
            at += 1;
        }
        (None, code)
    }

    fn headed(&mut self, header: &Header) {
        self.at += 1;
        self.last = None;
        let (verb, path) = match header {
            Header::Delete(path) => {
                self.out.edits.push(Edit::Delete { path: path.clone() });
                return;
            }
            Header::Rename(path, to) => {
                self.out.edits.push(Edit::Rename {
                    path: path.clone(),
                    to: to.clone(),
                });
                return;
            }
            Header::Replace(path) => ("replace", path),
            Header::Rewrite(path, _) => ("rewrite", path),
            Header::Create(path) => ("create", path),
        };
        let what = format!("{verb} {}", path.as_str());
        let (open, code) = self.skip_to_opener();
        let body = match (open, code) {
            (Some((open, length)), code) => {
                self.wrapped |= code.is_some();
                self.body(open, length)
            }
            (None, Some(code)) if verb != "replace" && !is_prose_file(path) => {
                self.fenced_body(code)
            }
            _ => Err(Unread {
                why: "no line `<<<<<<<` follows its header".to_owned(),
                at: self.at,
            }),
        };
        let edit = body.and_then(|body| {
            self.at = body.next;
            edit_of(header, body).map_err(|why| Unread { why, at: self.at })
        });
        match edit {
            Ok(edit) => {
                if matches!(edit, Edit::Replace { .. }) {
                    self.last = Some((edit.path().clone(), self.prose.len()));
                }
                self.out.edits.push(edit);
            }
            Err(unread) => {
                self.trouble(&what, &unread.why);
                self.at = unread.at;
            }
        }
    }

    /// A block whose file stands on the line before, or behind its opening fence, or is that of
    /// the block right before.
    fn headless(&mut self, length: usize) {
        let open = self.at;
        let label = self
            .lines
            .get(open)
            .map_or("", |line| line.trim().trim_start_matches('<').trim());
        let path = self
            .path_before()
            .or_else(|| path_line(label).filter(|path| path.as_str().contains(['/', '.'])));
        let body = self.body(open, length);
        let edit = body.and_then(|body| {
            self.at = body.next;
            let unread = |why: &str| Unread {
                why: why.to_owned(),
                at: body.next,
            };
            let Some(path) = path.clone() else {
                return Err(unread(
                    "it does not say which file; write `*** replace PATH` before it",
                ));
            };
            let header = match &body.old {
                None => {
                    return Err(unread(
                        "it has no line `=======` between the old and the new text",
                    ));
                }
                Some(old) if old.is_empty() => Header::Create(path),
                Some(_) => Header::Replace(path),
            };
            let next = body.next;
            edit_of(&header, body).map_err(|why| Unread { why, at: next })
        });
        match edit {
            Ok(edit) => {
                self.last = Some((edit.path().clone(), self.prose.len()));
                self.out.edits.push(edit);
            }
            Err(unread) => {
                let what = path.map_or("a block".to_owned(), |p| format!("replace {}", p.as_str()));
                self.trouble(&what, &unread.why);
                self.at = unread.at.max(open + 1);
                self.last = None;
            }
        }
    }

    /// The path that the prose ends with, taken out of it together with a code fence around it.
    fn path_before(&mut self) -> Option<RepoPath> {
        let since = self.last.as_ref().map_or(0, |(_, prose)| *prose);
        let in_fence = self.drop_open_fence();
        let at = self.prose.iter().rposition(|line| !line.trim().is_empty());
        if let Some(at) = at.filter(|at| *at >= since)
            && let Some(path) = self.prose.get(at).and_then(|line| path_line(line))
        {
            self.prose.truncate(at);
            self.drop_open_fence();
            return Some(path);
        }
        if let Some(path) = in_fence
            .map(|line| line.trim().trim_start_matches('`'))
            .and_then(|info| info.split([' ', ':']).next_back())
            .filter(|name| name.contains(['/', '.']))
            .and_then(path_line)
        {
            return Some(path);
        }
        let only_blank = self
            .prose
            .get(since..)
            .is_some_and(|lines| lines.iter().all(|line| line.trim().is_empty()));
        self.last
            .as_ref()
            .filter(|_| only_blank)
            .map(|(path, _)| path.clone())
    }

    /// Takes a code fence that the prose ends with, and that is open, out of it.
    fn drop_open_fence(&mut self) -> Option<&'a str> {
        if !self.code_open {
            return None;
        }
        let at = self
            .prose
            .iter()
            .rposition(|line| !line.trim().is_empty())?;
        let line = *self.prose.get(at)?;
        if !is_fence(line) {
            return None;
        }
        self.prose.truncate(at);
        self.code_open = false;
        self.wrapped = true;
        Some(line)
    }

    /// The block whose opening fence stands at line `open`.
    fn body(&self, open: usize, length: usize) -> Result<Body<'a>, Unread> {
        let mut separators = 0;
        let mut separator = open;
        for at in open + 1..self.lines.len() {
            let line = self.lines.get(at).copied().unwrap_or("");
            if is_separator(line, length) {
                if separators == 0 {
                    separator = at;
                }
                separators += 1;
            } else if marker(line, '>') == Some(length) {
                let part =
                    |from: usize, to: usize| self.lines.get(from..to).unwrap_or(&[]).to_vec();
                let old = (separators > 0).then(|| part(open + 1, separator));
                return Ok(Body {
                    new: part(if separators > 0 { separator } else { open } + 1, at),
                    old,
                    separators,
                    next: at + 1,
                });
            } else if opener(line) == Some(length) {
                return Err(Unread {
                    why: format!(
                        "another block begins before it ends with {}",
                        fence('>', length)
                    ),
                    at: self.block_start(at, open),
                });
            }
        }
        Err(Unread {
            why: format!(
                "the answer ends before the block does; it has no line {}",
                fence('>', length)
            ),
            at: self.lines.len(),
        })
    }

    /// Where the block with the opening fence at `at` begins: at its header or path, if one
    /// stands right before.
    fn block_start(&self, at: usize, after: usize) -> usize {
        let mut start = at;
        for before in (after + 1..at).rev().take(4) {
            let line = self.lines.get(before).copied().unwrap_or("");
            if header(line).is_some() || path_line(line).is_some() {
                return before;
            }
            if !line.trim().is_empty() && !is_fence(line) {
                break;
            }
            start = before;
        }
        start
    }

    /// New text that stands in a code fence instead of a block.
    fn fenced_body(&self, open: usize) -> Result<Body<'a>, Unread> {
        let length = self.lines.get(open).map_or(3, |line| fence_length(line));
        for at in open + 1..self.lines.len() {
            let line = self.lines.get(at).copied().unwrap_or("");
            if is_fence_end(line) && fence_length(line) == length {
                return Ok(Body {
                    old: None,
                    new: self.lines.get(open + 1..at).unwrap_or(&[]).to_vec(),
                    separators: 0,
                    next: at + 1,
                });
            }
        }
        Err(Unread {
            why: "the answer ends before the text does".to_owned(),
            at: self.lines.len(),
        })
    }
}

/// Lines as text, each with its newline.
pub(super) fn joined(lines: &[impl AsRef<str>]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(line.as_ref());
        out.push('\n');
    }
    out
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
