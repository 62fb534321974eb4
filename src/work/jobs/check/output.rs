//! The output of a check: what of it is new, what of it matters.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::cage::is_narrow;
use crate::base::OrBug;
use crate::base::seal::cage::Cage;
use crate::base::text::truncated;

/// Words that stand where something is wrong, in small letters.
const WRONG: &[&str] = &[
    "error",
    "fail",
    "panicked",
    "exception",
    "traceback",
    "assert",
    "fatal",
    "undefined",
    "undeclared",
    "cannot",
    "unexpected",
    "expected",
    "not ok",
    "no such",
    "not found",
    "warning",
    "denied",
    "segmentation",
    "abort",
    "invalid",
    "missing",
    "unresolved",
    "broke",
    "wrong",
    "mismatch",
    "differ",
    "refused",
    "illegal",
    "timed out",
    "timeout",
    "exceeded",
    "leak",
];
/// Words for counted faults: `0 failed` says that nothing is wrong.
const COUNTED: &[&str] = &["failed", "error", "failure", "warning"];
/// Most bytes of a line that are told.
const LINE: usize = 300;
/// Lines after a wrong one that belong to it.
const AFTER: usize = 12;
/// Lines of the end that are kept where nothing says what is wrong.
const END: usize = 40;

/// Lines of `now` that `before` does not have; figures (line numbers, times, counts) and
/// addresses do not count.
pub(super) fn fresh<'a>(now: &'a str, before: &str) -> Vec<&'a str> {
    let known: HashSet<String> = before.lines().map(plain).collect();
    now.lines()
        .filter(|line| !known.contains(&plain(line)))
        .collect()
}

/// Tells whether a line says that something is wrong.
pub(super) fn is_wrong(line: &str) -> bool {
    let line = line.to_lowercase();
    // `10 failed` is not `0 failed`.
    let none = |(at, _): (usize, &str)| {
        let before = line.get(..at).or_bug("a match has no beginning");
        !before.ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
    };
    let is_none = |word: &&str| line.match_indices(&format!("0 {word}")).any(none);
    let right = line.ends_with(" ok") || COUNTED.iter().any(is_none);
    WRONG.iter().any(|word| line.contains(word)) && !right
}

/// The part of an output that matters, in at most about `most` bytes: lines that say what is wrong,
/// with those after them, from the first on, and the end. `lines` are all of it or what is new in
/// it.
pub(super) fn what_matters(lines: &[&str], most: usize) -> String {
    let mut left = 0;
    let mut lines: Vec<OutputLine<'_>> = lines
        .iter()
        .map(|line| {
            let text = truncated(line, LINE);
            if is_wrong(text) {
                left = AFTER;
            }
            let wanted = left > 0;
            left = left.saturating_sub(1);
            OutputLine {
                text,
                wanted,
                kept: false,
            }
        })
        .collect();
    if !lines.iter().any(|line| line.wanted) {
        let end = lines.iter_mut().rev().take(END);
        end.for_each(|line| line.wanted = true);
    }
    // A third for the end, where what is wrong is summed up; the rest for the first faults.
    keep(lines.iter_mut().rev(), most / 3);
    keep(lines.iter_mut(), most - most / 3);
    let mut out = String::new();
    let mut left_out = 0;
    for line in &lines {
        if !line.kept {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            // Writing to a String cannot fail.
            let lines = if left_out == 1 { "line" } else { "lines" };
            let _ = writeln!(out, "[… {left_out} {lines}]");
            left_out = 0;
        }
        out.push_str(line.text);
        out.push('\n');
    }
    out
}

/// A line of an output, as far as it is told.
struct OutputLine<'a> {
    text: &'a str,
    /// True if the line matters.
    wanted: bool,
    /// True if there is room for the line.
    kept: bool,
}

/// Keeps the wanted lines, in the order given, until one does not fit into so many bytes.
fn keep<'t, 'a: 't>(order: impl Iterator<Item = &'t mut OutputLine<'a>>, mut bytes: usize) {
    for line in order.filter(|line| line.wanted && !line.kept) {
        let taken = line.text.len() + 1;
        if taken > bytes {
            break;
        }
        bytes -= taken;
        line.kept = true;
    }
}

/// Tells whether something in the output says that a network was refused: an `EPERM` where sockets
/// are spoken of, or names that could not be looked up.
pub(super) fn was_refused_a_network(output: &str) -> bool {
    const NAMES: &[&str] = &[
        "could not resolve",
        "couldn't resolve",
        "name resolution",
        "eai_again",
        "getaddrinfo",
        "name or service not known",
        "nodename nor servname",
    ];
    const NETWORK: &[&str] = &[
        "socket", "connect", "network", "dial ", "lookup", "http", "listen", "bind",
    ];
    const REFUSED: &[&str] = &["operation not permitted", "eperm"];
    let lines: Vec<String> = output.lines().map(str::to_lowercase).collect();
    let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    lines.iter().enumerate().any(|(at, line)| {
        // The line and the six before it.
        let mut around = lines.iter().take(at + 1).rev().take(7);
        has(line, NAMES) || has(line, REFUSED) && around.any(|near| has(near, NETWORK))
    })
}

/// A line without what differs from run to run.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut number = false;
    let mut hex = false;
    let mut before = ' ';
    for c in line.trim().chars() {
        // An address: `0x7ffd…`.
        hex = (hex && c.is_ascii_hexdigit()) || (before == '0' && c == 'x');
        let digit = c.is_ascii_digit() || hex || (number && matches!(c, '.' | ','));
        if !digit {
            out.push(c);
        } else if !number {
            out.push('0');
        }
        number = digit;
        before = c;
    }
    out
}

/// A path that a command says is not there or closed to it, though it is there: its cage does not
/// show it. None of those that it lists, none of the system's, and none that could not be listed.
pub(super) fn refused_path(output: &str, cage: &Cage) -> Option<PathBuf> {
    const WORDS: [&str; 2] = ["No such file or directory", "Permission denied"];
    const SYSTEM: [&str; 6] = ["/dev", "/etc", "/proc", "/run", "/sys", "/usr"];
    let listed = [&cage.read, &cage.write, &cage.hidden];
    let caches = cage.caches.iter().map(|cache| &cache.at);
    let known: Vec<&PathBuf> = listed.into_iter().flatten().chain(caches).collect();
    let lines = output
        .lines()
        .filter(|line| WORDS.iter().any(|words| line.contains(words)));
    let parts = lines
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"'`‘’:,;()[]<>".contains(c)));
    parts
        .map(PathBuf::from)
        .filter(|path| is_narrow(path, &cage.home))
        .filter(|path| !SYSTEM.iter().any(|system| path.starts_with(system)))
        .find(|path| path.exists() && !known.iter().any(|known| path.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_path_that_is_there_and_is_said_not_to_be_was_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let (sdk, key) = (dir.path().join("sdk"), dir.path().join("key"));
        std::fs::write(&sdk, "").expect("written");
        std::fs::write(&key, "").expect("written");
        let (seen, home) = (dir.path().join("seen"), dir.path().join("home"));
        std::fs::create_dir(&home).expect("made");
        std::fs::write(&seen, "").expect("written");
        let cage = Cage {
            hidden: vec![key.clone()],
            read: vec![seen.clone()],
            home: home.clone(),
            ..Cage::default()
        };
        let of = |output: &str| refused_path(output, &cage);
        let line = |path: &Path| format!("cat: '{}': No such file or directory", path.display());
        assert_eq!(of(&format!("fine\n{}\n", line(&sdk))), Some(sdk.clone()));
        let closed = format!("sh: 1: {}: Permission denied", sdk.display());
        assert_eq!(of(&closed), Some(sdk.clone()));
        for path in [
            &key,
            &seen,
            &home,
            dir.path(),
            Path::new("//"),
            Path::new("/tmp"),
        ] {
            assert_eq!(of(&line(path)), None, "{}", path.display());
        }
        assert_eq!(of(&line(&dir.path().join("gone"))), None);
        assert_eq!(of(&format!("reading {}", sdk.display())), None);
    }

    #[test]
    fn what_was_there_before_is_not_new_whatever_its_figures() {
        let before =
            "test a ... FAILED\n  left: 3 at 0x7ffdab\ntook 1.25s\nsrc/a.rs:10: warning: x";
        let now = "test a ... FAILED\n  left: 3 at 0x7f0012\ntook 0.9s\nsrc/a.rs:12: warning: x\n\
                   test b ... FAILED";
        assert_eq!(fresh(now, before), ["test b ... FAILED"]);
    }

    #[test]
    fn the_first_faults_and_the_end_are_what_matters() {
        let mut lines = vec![
            "   Compiling a",
            "error[E0308]: mismatched types",
            "  --> src/a.rs:3",
        ];
        lines.extend(["   Compiling b"; 100]);
        lines.extend(["warning: unused", "error: could not compile `a`"]);
        let said = what_matters(&lines, 4_000);
        assert!(said.starts_with("[… 1 line]\nerror[E0308]: mismatched types\n  --> src/a.rs:3\n"));
        assert!(said.ends_with("warning: unused\nerror: could not compile `a`\n"));
        assert!(said.matches("Compiling b").count() < 20, "{said}");
        // Small room: something of both.
        let said = what_matters(&lines, 120);
        assert!(
            said.contains("E0308") && said.contains("could not compile"),
            "{said}"
        );
        assert!(said.len() < 200);
        // Nothing that says so: the end.
        let plain = ["a"; 100];
        assert_eq!(what_matters(&plain, 4_000).matches('a').count(), END);
        assert!(!is_wrong("test result: ok. 3 passed; 0 failed"));
        assert!(!is_wrong("no_error_is_lost ... ok"));
        for wrong in [
            "10 failed",
            "2 passed, 20 errors",
            "3.0 warnings",
            "not ok 3",
        ] {
            assert!(is_wrong(wrong), "{wrong}");
        }
        // A line without end takes no room from the others.
        let long = format!("error: {}", "x".repeat(9_000));
        let said = what_matters(&[&long, "error: short"], 4_000);
        assert!(said.starts_with("error: xx") && said.ends_with("error: short\n"));
    }

    #[test]
    fn a_refused_network_is_told_from_a_file_that_may_not_be_written() {
        for said in [
            "dial tcp: lookup proxy: socket: operation not permitted",
            "  File \"socket.py\", line 233, in __init__\n    _socket.socket.__init__(self)\n\
             PermissionError: [Errno 1] Operation not permitted",
            "curl: (6) Could not resolve host: example.com",
            "npm ERR! errno EAI_AGAIN",
        ] {
            assert!(was_refused_a_network(said), "{said}");
        }
        for said in [
            "chown: x: Operation not permitted",
            "error: connection pool is empty",
        ] {
            assert!(!was_refused_a_network(said), "{said}");
        }
    }
}
