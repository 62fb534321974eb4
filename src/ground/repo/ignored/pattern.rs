//! Patterns of an ignore file, with the meaning that git gives them (gitignore(5); what that page
//! leaves open is as git's own matching does it).
//!
//! A pattern is tried at all its places at once, so that none takes longer than its length times
//! that of the name, whoever wrote it.

use std::path::{Path, PathBuf};

/// The patterns of one file.
#[derive(Debug)]
pub(super) struct Patterns {
    /// The folder from which the patterns count.
    base: PathBuf,
    list: Vec<Pattern>,
    /// True where upper and lower case are the same (`core.ignoreCase`).
    folded: bool,
}

/// A line of an ignore file.
#[derive(Debug)]
struct Pattern {
    /// True for a line with `!`, which keeps what it matches.
    keeps: bool,
    /// True if only folders are meant.
    folder: bool,
    /// True if it is held against the last part of a path alone.
    name: bool,
    /// The bytes before the first wildcard.
    literal: Vec<u8>,
    /// The rest, from the first wildcard on.
    rest: Vec<Atom>,
}

/// A step of a pattern.
#[derive(Debug)]
enum Atom {
    Byte(u8),
    /// `?`: a byte that is no slash.
    One,
    /// `*`: bytes that are no slashes.
    Star,
    /// `**` at an end: any bytes.
    Deep,
    /// `**/`: nothing, or folders with a slash behind.
    Folders,
    /// `[…]`: a byte of some that is no slash.
    Set(Set),
    /// A pattern that is broken here matches nothing.
    Never,
}

/// A set of bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Set([u64; 4]);

impl Set {
    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    const fn has(&self, byte: u8) -> bool {
        self.0[(byte / 64) as usize] >> (byte % 64) & 1 == 1
    }

    const fn others(self) -> Self {
        let Self([a, b, c, d]) = self;
        Self([!a, !b, !c, !d])
    }
}

impl Patterns {
    /// Reads the text of an ignore file whose patterns count from `base`.
    pub fn new(base: &Path, text: &[u8], folded: bool) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n');
        Self {
            base: base.to_owned(),
            list: lines
                .filter_map(|line| Pattern::new(line, folded))
                .collect(),
            folded,
        }
    }

    /// The verdict of the last pattern that matches: true to leave the entry out, false to keep
    /// it; none where no pattern speaks of it.
    pub fn verdict(&self, path: &Path, folder: bool) -> Option<bool> {
        if self.list.is_empty() {
            return None;
        }
        let path = path.strip_prefix(&self.base).ok()?;
        let mut whole = Vec::with_capacity(path.as_os_str().len());
        for part in path {
            if !whole.is_empty() {
                whole.push(b'/');
            }
            whole.extend_from_slice(part.as_encoded_bytes());
        }
        if self.folded {
            whole.make_ascii_lowercase();
        }
        let name = whole
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default();
        let mut backwards = self.list.iter().rev();
        let last = backwards.find(|pattern| {
            let against = if pattern.name { name } else { &whole };
            (folder || !pattern.folder) && pattern.matches(against)
        });
        last.map(|pattern| !pattern.keeps)
    }
}

impl Pattern {
    /// Reads a line; none for one that is empty or a comment.
    fn new(line: &[u8], folded: bool) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            return None;
        }
        let line = without_blanks(line);
        let (keeps, line) = match line.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (folder, line) = match line.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let name = !line.contains(&b'/');
        let line = line.strip_prefix(b"/").unwrap_or(line);
        let wild = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
        let first = line.iter().position(wild).unwrap_or(line.len());
        let (literal, rest) = line.split_at(first);
        let mut literal = literal.to_vec();
        if folded {
            literal.make_ascii_lowercase();
        }
        Some(Self {
            keeps,
            folder,
            name,
            literal,
            rest: pieces(rest, folded),
        })
    }

    /// Tells whether a text is matched as a whole.
    fn matches(&self, text: &[u8]) -> bool {
        let Some(text) = text.strip_prefix(self.literal.as_slice()) else {
            return false;
        };
        // Most names do not even end as the pattern does.
        match (self.rest.last(), text.last()) {
            (None, last) => last.is_none(),
            (Some(Atom::Byte(end)), last) if last != Some(end) => false,
            _ => leads_through(&self.rest, text),
        }
    }
}

/// A line without the blanks at its end, unless `\` stands before one.
fn without_blanks(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        if *byte == b'\\' {
            at += 1;
            // A line that ends with `\` is left as it is.
            if at == line.len() {
                return line;
            }
            end = at + 1;
        } else if *byte != b' ' {
            end = at + 1;
        }
        at += 1;
    }
    line.get(..end).unwrap_or(line)
}

/// The steps of a pattern from its first wildcard on.
fn pieces(pattern: &[u8], folded: bool) -> Vec<Atom> {
    let fold = |byte: u8| {
        if folded {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    };
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        let begun = at;
        at += 1;
        pieces.push(match byte {
            b'?' => Atom::One,
            b'*' => {
                let stars = pattern.get(at..).unwrap_or_default();
                let stars = stars.iter().take_while(|byte| **byte == b'*').count();
                at += stars;
                let rest = pattern.get(at..).unwrap_or_default();
                let apart = begun == 0 || pattern.get(begun - 1) == Some(&b'/');
                match rest {
                    _ if stars == 0 || !apart => Atom::Star,
                    [b'/', ..] => {
                        at += 1;
                        Atom::Folders
                    }
                    [] | [b'\\', b'/', ..] => Atom::Deep,
                    _ => Atom::Star,
                }
            }
            b'[' => match set(pattern, &mut at, folded) {
                Some(set) => Atom::Set(set),
                None => return vec![Atom::Never],
            },
            b'\\' => match pattern.get(at) {
                Some(byte) => {
                    at += 1;
                    Atom::Byte(fold(*byte))
                }
                None => return vec![Atom::Never],
            },
            byte => Atom::Byte(fold(*byte)),
        });
    }
    pieces
}

/// Reads the bytes of a `[…]` whose `[` stands before `at`, which is moved behind its `]`; none
/// for one that is broken.
fn set(pattern: &[u8], at: &mut usize, folded: bool) -> Option<Set> {
    let mut taken = || {
        let byte = pattern.get(*at).copied();
        *at += 1;
        byte
    };
    let mut set = Set::default();
    let mut byte = taken()?;
    let others = matches!(byte, b'!' | b'^');
    if others {
        byte = taken()?;
    }
    // The byte before, from which a range may begin.
    let mut before = None;
    loop {
        let here = *at;
        let next = pattern.get(here).copied();
        let mut now = Some(byte);
        if byte == b'\\' {
            now = Some(escaped(pattern, at)?);
            set.add(now?);
        } else if let (b'-', Some(from), Some(to)) = (byte, before, next.filter(|b| *b != b']')) {
            *at += 1;
            let to = if to == b'\\' {
                escaped(pattern, at)?
            } else {
                to
            };
            range(&mut set, from, to, folded);
            now = None;
        } else if byte == b'[' && next == Some(b':') {
            let rest = pattern.get(here + 1..)?;
            let end = rest.iter().position(|byte| *byte == b']')?;
            match rest.get(..end).and_then(|name| name.strip_suffix(b":")) {
                Some(name) => {
                    class(&mut set, name, folded)?;
                    *at = here + 1 + end + 1;
                    now = None;
                }
                None => set.add(b'['),
            }
        } else {
            set.add(byte);
        }
        before = now;
        byte = pattern.get(*at).copied()?;
        *at += 1;
        if byte == b']' {
            return Some(if others { set.others() } else { set });
        }
    }
}

/// The byte behind a `\`.
fn escaped(pattern: &[u8], at: &mut usize) -> Option<u8> {
    let byte = pattern.get(*at).copied();
    *at += 1;
    byte
}

/// Adds the bytes from one to another.
fn range(set: &mut Set, from: u8, to: u8, folded: bool) {
    for byte in 0..=u8::MAX {
        let upper = folded && (from..=to).contains(&byte.to_ascii_uppercase());
        if (from..=to).contains(&byte) || upper {
            set.add(byte);
        }
    }
}

/// Adds the bytes of a class, by its name; none for a name that is no class.
fn class(set: &mut Set, name: &[u8], folded: bool) -> Option<()> {
    let belongs: fn(u8) -> bool = match name {
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"alpha" => |byte| byte.is_ascii_alphabetic(),
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => |byte| byte.is_ascii_control(),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"lower" => |byte| byte.is_ascii_lowercase(),
        b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => |byte| byte.is_ascii_uppercase(),
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => return None,
    };
    let upper = folded && name == b"upper";
    (0..=u8::MAX)
        .filter(|byte| belongs(*byte) || (upper && byte.is_ascii_lowercase()))
        .for_each(|byte| set.add(byte));
    Some(())
}

/// Tells whether the steps lead through a text as a whole.
fn leads_through(pieces: &[Atom], text: &[u8]) -> bool {
    // Marks the steps that may come next; one behind the last means that all are done.
    let mut now = vec![false; pieces.len() + 1];
    enter(&mut now, pieces, 0);
    for byte in text {
        let mut next = vec![false; pieces.len() + 1];
        for (at, piece) in pieces.iter().enumerate() {
            if !now.get(at).is_some_and(|here| *here) {
                continue;
            }
            match piece {
                Atom::Byte(wanted) if wanted == byte => enter(&mut next, pieces, at + 1),
                Atom::One if *byte != b'/' => enter(&mut next, pieces, at + 1),
                Atom::Set(set) if *byte != b'/' && set.has(*byte) => {
                    enter(&mut next, pieces, at + 1);
                }
                Atom::Star if *byte != b'/' => enter(&mut next, pieces, at),
                Atom::Deep => enter(&mut next, pieces, at),
                Atom::Folders => {
                    // Once some of a folder's name is read, its slash must come.
                    mark(&mut next, at);
                    if *byte == b'/' {
                        enter(&mut next, pieces, at + 1);
                    }
                }
                _ => {}
            }
        }
        if next.iter().all(|here| !here) {
            return false;
        }
        now = next;
    }
    now.last().is_some_and(|done| *done)
}

fn mark(steps: &mut [bool], at: usize) {
    if let Some(step) = steps.get_mut(at) {
        *step = true;
    }
}

/// Marks a step as one that may come next, and those behind it where it may match nothing.
fn enter(steps: &mut [bool], pieces: &[Atom], mut at: usize) {
    mark(steps, at);
    while let Some(Atom::Star | Atom::Deep | Atom::Folders) = pieces.get(at) {
        at += 1;
        mark(steps, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        for (pattern, path, expected) in [
            ("*.log", "a/b.log", true),
            ("/*.log", "a/b.log", false),
            ("a/*.log", "a/b.log", true),
            ("a/*", "a/b/c", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("**/c", "c", true),
            ("**/c", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a/**/c", "a/bc", false),
            ("x**/b", "xb", true),
            ("x**/b", "x/y/b", true),
            ("x**/b", "xyb", false),
            ("*x**/b", "xb", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("[ab]", "b", true),
            ("[!ab]", "b", false),
            ("[^ab]", "c", true),
            ("[a-c]x", "bx", true),
            ("[]-]", "]", true),
            ("[]-]", "-", true),
            ("[a\\]]", "]", true),
            ("[[:alpha:]]", "q", true),
            ("[[:alpha:]1]", "1", true),
            ("[[:digit:]]", "q", false),
            ("[[:none:]]", "q", false),
            ("[", "[", false),
            ("a[", "a[", false),
            ("a\\", "a\\", false),
            ("\\#a", "#a", true),
            ("#a", "#a", false),
            ("\\!a", "!a", true),
            ("a ", "a", true),
            ("a\\ ", "a ", true),
            ("a\r", "a", true),
            ("A", "a", false),
            ("", "a", false),
            ("/", "a", false),
            ("a//b", "a/b", false),
            ("./a", "a", false),
        ] {
            let patterns = Patterns::new(Path::new("/r"), pattern.as_bytes(), false);
            let told = patterns.verdict(&Path::new("/r").join(path), false);
            assert_eq!(told, expected.then_some(true), "{pattern:?} {path:?}");
        }
    }

    #[test]
    fn the_last_that_matches_counts_and_case_only_where_it_matters() {
        let text = b"\xef\xbb\xbf*.log\n!keep.log\nout/\n";
        let patterns = Patterns::new(Path::new("/r"), text, false);
        let told = |path: &str, folder| patterns.verdict(&Path::new("/r").join(path), folder);
        assert_eq!(told("a.log", false), Some(true));
        assert_eq!(told("d/keep.log", false), Some(false));
        assert_eq!((told("out", false), told("out", true)), (None, Some(true)));
        let patterns = Patterns::new(Path::new("/r"), b"Src/*.TXT\n[A-C]x\n", true);
        let told = |path: &str| patterns.verdict(&Path::new("/r").join(path), false);
        assert_eq!(told("src/a.txt"), Some(true));
        assert_eq!(told("bX"), Some(true));
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = format!("{}b", "a*".repeat(2000));
        let patterns = Patterns::new(Path::new("/r"), pattern.as_bytes(), false);
        let name = Path::new("/r").join("a".repeat(2000) + "c");
        assert_eq!(patterns.verdict(&name, false), None);
    }
}
