//! Lines as models write them: names with quotes and stars around, fences, lines copied with
//! their numbers.

use crate::base::{LineRange, RepoPath};

/// `a.rs:10-24` in name and lines.
pub(super) fn split_range(name: &str) -> (&str, Option<LineRange>) {
    let Some((path, lines)) = name.rsplit_once(':') else {
        return (name, None);
    };
    let lines = lines.trim();
    let number = |text: &str| {
        text.trim()
            .trim_start_matches(['L', 'l'])
            .parse::<u32>()
            .ok()
    };
    let range = match lines.split_once(['-', '–']) {
        Some((start, end)) => number(start).zip(number(end)),
        None => number(lines).map(|line| (line, line)),
    };
    match range {
        Some((start, end)) if start >= 1 && start <= end => {
            (undecorated(path), Some(LineRange::new(start, end)))
        }
        _ => (name, None),
    }
}

/// A name without the quotes, backticks or stars around it.
pub(super) fn undecorated(name: &str) -> &str {
    let mut name = name.trim().trim_end_matches(':').trim_end();
    for around in ["**", "`", "\"", "'", "*"] {
        if let Some(inner) = name
            .strip_prefix(around)
            .and_then(|inner| inner.strip_suffix(around))
            .filter(|inner| !inner.is_empty())
        {
            name = inner.trim_end_matches(':');
        }
    }
    name
}

/// The path that a line consists of, as it stands before a block: bare, in backticks, as a
/// heading, behind `File:`.
pub(super) fn path_line(line: &str) -> Option<RepoPath> {
    let line = line.trim();
    if line.is_empty() || line.len() > 512 {
        return None;
    }
    let line = line.trim_start_matches('#').trim_start();
    let line = ["File:", "file:", "Path:", "path:", "//", "In"]
        .iter()
        .find_map(|start| line.strip_prefix(start))
        .unwrap_or(line)
        .trim();
    let name = undecorated(line);
    let bare = name.len() == line.trim_end_matches(':').len();
    if name.contains(['`', '<', '>', '|', '(', ')', ';', '=', '*'])
        || (bare && name.contains(char::is_whitespace))
        || name.ends_with(['.', '!', '?', ','])
        || name.starts_with("```")
    {
        return None;
    }
    // A bare word is a file's name only if it says so by its form.
    if bare && !name.contains(['/', '.']) && !name.ends_with("file") {
        return None;
    }
    RepoPath::new(name).ok()
}

/// The length of an opening fence: `<<<<<<<`, perhaps with a word behind it.
pub(super) fn opener(line: &str) -> Option<usize> {
    marker(line, '<')
}

pub(super) fn marker(line: &str, sign: char) -> Option<usize> {
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    // All of it must be fence, or fence and a label: `<<<<<<<T` is code.
    (length >= 7 && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some(length)
}

pub(super) fn is_separator(line: &str, length: usize) -> bool {
    let line = line.trim_end();
    line.len() == length && line.bytes().all(|b| b == b'=')
}

pub(super) fn fence(sign: char, length: usize) -> String {
    let shown = length.min(40);
    format!("`{}`", String::from(sign).repeat(shown))
}

/// A line that opens or closes a code fence.
pub(super) fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

pub(super) fn fence_length(line: &str) -> usize {
    let line = line.trim_start();
    line.len() - line.trim_start_matches('`').len()
}

/// A line that can only close a code fence or open one with no language.
pub(super) fn is_fence_end(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.bytes().all(|b| b == b'`')
}

/// Whether code fences may be part of the file's own text.
pub(super) fn is_prose_file(path: &RepoPath) -> bool {
    path.extension().is_none_or(|e| {
        matches!(
            e.as_str(),
            "md" | "markdown"
                | "mdx"
                | "rst"
                | "txt"
                | "adoc"
                | "org"
                | "qmd"
                | "rmd"
                | "j2"
                | "tmpl"
        )
    })
}

/// The lines without a code fence right around them.
pub(super) fn unfenced(lines: Vec<&str>, prose: bool) -> Vec<&str> {
    let first = lines.iter().position(|l| !l.trim().is_empty());
    let last = lines.iter().rposition(|l| !l.trim().is_empty());
    match (first, last) {
        (Some(first), Some(last))
            if !prose
                && first < last
                && lines.get(first).is_some_and(|l| l.starts_with("```"))
                && lines.get(last).is_some_and(|l| is_fence_end(l)) =>
        {
            lines.get(first + 1..last).unwrap_or(&[]).to_vec()
        }
        _ => lines,
    }
}

/// The lines without the numbers they were shown with (`12| code`), if every one has one; with
/// `in_order` the numbers must also go up by one. And whether there were numbers.
pub(super) fn unnumbered(lines: Vec<&str>, in_order: bool) -> (Vec<&str>, bool) {
    let mut bare = Vec::with_capacity(lines.len());
    let mut before: Option<u32> = None;
    let mut any = false;
    for line in &lines {
        if line.trim().is_empty() && !in_order {
            bare.push(*line);
            continue;
        }
        let Some((number, text)) = numbered(line) else {
            return (lines, false);
        };
        if in_order && before.is_some_and(|before| before.checked_add(1) != Some(number)) {
            return (lines, false);
        }
        before = Some(number);
        any = true;
        bare.push(text);
    }
    (bare, any)
}

/// `12| code` in number and code.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let (digits, text) = line.split_once('|')?;
    let number = digits.trim().parse().ok()?;
    Some((number, text.strip_prefix(' ').unwrap_or(text)))
}
