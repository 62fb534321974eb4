//! Names of files as diffs spell them, in C quotes where they are unusual.

use std::fmt::Write as _;

use crate::base::RepoPath;

/// Reads a name in C quotes, as git writes unusual ones: the name, and the text behind it. None
/// where no such name begins.
pub(super) fn quoted_name(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    let mut rest = inner.bytes().enumerate();
    while let Some((i, byte)) = rest.next() {
        match byte {
            b'"' => {
                let name = String::from_utf8_lossy(&bytes).into_owned();
                return Some((name, inner.get(i + 1..)?));
            }
            b'\\' => bytes.push(match rest.next()?.1 {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                first @ b'0'..=b'3' => {
                    let mut value = first - b'0';
                    for _ in 0..2 {
                        let digit = rest.next()?.1;
                        if !(b'0'..=b'7').contains(&digit) {
                            return None;
                        }
                        value = value * 8 + (digit - b'0');
                    }
                    value
                }
                other => other,
            }),
            byte => bytes.push(byte),
        }
    }
    None
}

/// Writes `prefix` and a name, in C quotes where git would put them.
pub(super) fn spelled(prefix: &str, path: &RepoPath) -> String {
    let name = path.as_str();
    if !name
        .chars()
        .any(|c| c.is_control() || matches!(c, '"' | '\\'))
    {
        return format!("{prefix}{name}");
    }
    let mut out = format!("\"{prefix}");
    for c in name.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
