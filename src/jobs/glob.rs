//! Matching of paths against globs, in gitignore's manner.
//!
//! `*` and `?` stay within a part, `**` goes over parts, a pattern without a slash matches at
//! any depth, and a pattern that matches a folder matches what lies in it.

use std::iter;

/// The longest pattern and path, in bytes, that are looked at.
const LONGEST: usize = 1024;

/// Tells whether `path` (`/` between parts) matches `pattern`.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim();
    if pattern.is_empty()
        || pattern.starts_with('#')
        || pattern.len() > LONGEST
        || path.len() > LONGEST
    {
        return false;
    }
    let folder_only = pattern.ends_with('/');
    let bare = pattern.trim_end_matches('/');
    let anchored = bare.contains('/');
    let bare = bare.trim_start_matches('/');
    let mut wanted: Vec<&str> = bare.split('/').collect();
    if !anchored {
        wanted.insert(0, "**");
    }
    let parts: Vec<&str> = path.split('/').collect();
    let last = parts.len();
    // A folder on the way counts for everything in it.
    (1..=last).any(|n| (n < last || !folder_only) && parts_match(&wanted, parts.split_at(n).0))
}

/// Tells whether the parts of a pattern match those of a path. Goes row by row, so that no pattern
/// takes more steps than both lengths multiplied.
fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    // Row `i`, column `n`: true if the first `i` parts of the pattern match the first `n` of the
    // path. Of an empty pattern only an empty path is matched.
    let none = path.iter().map(|_| false);
    let mut row: Vec<bool> = iter::once(true).chain(none).collect();
    for part in pattern {
        row = if *part == "**" {
            let mut any = false;
            row.iter()
                .map(|here| {
                    any |= here;
                    any
                })
                .collect()
        } else {
            let longer = row
                .iter()
                .zip(path)
                .map(|(here, name)| *here && part_matches(part, name));
            iter::once(false).chain(longer).collect()
        };
    }
    row.last() == Some(&true)
}

/// Matches one part against one name, with `*` and `?`: the last star is the only one to go back to.
fn part_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_as_in_gitignore() {
        for (pattern, path, expected) in [
            ("*.lock", "a/b/Cargo.lock", true),
            ("*.lock", "Cargo.lock.rs", false),
            ("dist/", "web/dist/a.js", true),
            ("dist/", "web/dist", false),
            ("/dist", "web/dist/a.js", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("src/**/*.rs", "src/a/b/c.rs", true),
            ("src/**", "src/a/b", true),
            ("**/gen", "x/gen/y.rs", true),
            ("a?c", "abc", true),
            ("", "abc", false),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
        let slow = format!("{}b", "*a".repeat(200));
        assert!(!matches(&slow, &"a".repeat(900)));
    }
}
