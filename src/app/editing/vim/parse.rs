//! The grammar of vim's commands: keys so far, to a command, or the wish for more.

/// Counts are cut here, so that nothing takes long.
const MOST: usize = 10_000;

/// The outcome of reading keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parsed<T> {
    /// The keys are the beginning of something.
    More,
    /// The keys begin a line that Enter ends.
    Line,
    /// The keys mean nothing, or what is not there.
    Unknown,
    /// The keys are complete.
    Whole(T),
}

impl<T> Parsed<T> {
    fn map<U>(self, into: impl FnOnce(T) -> U) -> Parsed<U> {
        match self {
            Self::More => Parsed::More,
            Self::Line => Parsed::Line,
            Self::Unknown => Parsed::Unknown,
            Self::Whole(whole) => Parsed::Whole(into(whole)),
        }
    }

    /// The same, with nothing done by it.
    fn unknown<U>(self) -> Parsed<U> {
        match self {
            Self::More => Parsed::More,
            Self::Line => Parsed::Line,
            Self::Unknown | Self::Whole(_) => Parsed::Unknown,
        }
    }
}

/// A command with its count and its register, if they were typed; counts are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub count: Option<usize>,
    pub register: Option<char>,
    pub verb: Verb,
}

impl Command {
    pub fn times(self) -> usize {
        self.count.unwrap_or(1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Moves the cursor.
    Go(Move),
    /// An operator on a target: `d`, `c`, `y`, `>`, `<`, and `U`, `u`, `~` for those that `g`
    /// begins.
    Operate(char, Target),
    /// Puts a character over others.
    Over(char),
    /// Extends the selection to a text object.
    Select(Object),
    /// A command of one key.
    Do(char),
}

/// The text an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Lines,
    To(Move),
    Object(Object),
}

/// A motion: its key, and the character behind it (`fx`, `gg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub key: char,
    pub with: Option<char>,
}

/// A text object: with what is around it or without, and its kind (`w`, `"`, `(` …).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object {
    pub around: bool,
    pub kind: char,
}

const OPERATORS: &str = "dcy><";
/// Operators behind `g`.
const OF_CASE: &str = "Uu~";
/// Operators of vim that are not there: alone, and behind `g`.
const OTHERS: (&str, &str) = ("=!", "qw?@");
/// Keys of vim that take the next one with them, and are not there.
const PAIRS: &str = "q@m'`zZ[]";
/// Keys that begin a line.
const LINES: &str = ":/?";
const OF_NORMAL: &str = "xXsSDCYpPuJ~.iaIAoOvV";
const OF_VISUAL: &str = "dxXDcsSCRyYpPJ~uU><oOvV";

/// Reads the keys of a command.
pub(super) fn parse(keys: &str, visual: bool) -> Parsed<Command> {
    let (mut count, mut rest) = counted(keys);
    let mut register = None;
    // As in vim the last of several registers is meant.
    while let Some(named) = rest.strip_prefix('"') {
        let mut chars = named.chars();
        let Some(name) = chars.next() else {
            return Parsed::More;
        };
        register = Some(name);
        let (more, behind) = counted(chars.as_str());
        (count, rest) = (product(count, more), behind);
    }
    command(rest, count, visual).map(|command| Command {
        register,
        ..command
    })
}

/// Reads the keys of a command behind its count and register.
fn command(keys: &str, count: Option<usize>, visual: bool) -> Parsed<Command> {
    let mut chars = keys.chars();
    let Some(first) = chars.next() else {
        return Parsed::More;
    };
    let rest = chars.as_str();
    let next = rest.chars().next();
    let whole = |verb| Command {
        count,
        register: None,
        verb,
    };
    if !visual && OPERATORS.contains(first) {
        return operator(first, count, rest);
    }
    match (first, next) {
        ('g', Some(case)) if OF_CASE.contains(case) => {
            return if visual {
                Parsed::Whole(whole(Verb::Do(case)))
            } else {
                operator(case, count, behind(rest))
            };
        }
        ('g', Some(other)) if OTHERS.1.contains(other) => {
            return absent(other, behind(rest), visual);
        }
        _ if OTHERS.0.contains(first) => return absent(first, rest, visual),
        _ if LINES.contains(first) => return Parsed::Line,
        (_, None) if PAIRS.contains(first) => return Parsed::More,
        _ => {}
    }
    if visual && matches!(first, 'i' | 'a') {
        return object(first, rest).map(Verb::Select).map(whole);
    }
    if let Some(motion) = motion(first, rest) {
        return motion.map(Verb::Go).map(whole);
    }
    let simple = if visual { OF_VISUAL } else { OF_NORMAL };
    match (first, next) {
        ('r', None) => Parsed::More,
        ('r', Some(over)) => Parsed::Whole(whole(Verb::Over(over))),
        _ if simple.contains(first) => Parsed::Whole(whole(Verb::Do(first))),
        _ => Parsed::Unknown,
    }
}

/// The keys behind the first one.
fn behind(keys: &str) -> &str {
    let mut chars = keys.chars();
    chars.next();
    chars.as_str()
}

/// Reads the keys that an operator takes which is not there, so that they do nothing else.
fn absent(name: char, rest: &str, visual: bool) -> Parsed<Command> {
    let target = if visual {
        Parsed::Unknown
    } else {
        operator(name, None, rest).unknown()
    };
    // What `!` covers goes through a command, which is a line.
    match target {
        Parsed::Unknown if name == '!' => Parsed::Line,
        other => other,
    }
}

/// A count at the beginning of keys, and what is behind it. `0` alone is a motion.
fn counted(keys: &str) -> (Option<usize>, &str) {
    if keys.starts_with('0') {
        return (None, keys);
    }
    let rest = keys.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = keys.strip_suffix(rest).unwrap_or_default();
    if digits.is_empty() {
        return (None, keys);
    }
    // More digits than a number holds are more than the most.
    (
        Some(digits.parse().map_or(MOST, |n: usize| n.min(MOST))),
        rest,
    )
}

/// Two counts as one.
fn product(before: Option<usize>, behind: Option<usize>) -> Option<usize> {
    match (before, behind) {
        (None, None) => None,
        (a, b) => Some((a.unwrap_or(1) * b.unwrap_or(1)).min(MOST)),
    }
}

fn operator(operator: char, before: Option<usize>, keys: &str) -> Parsed<Command> {
    let (count, rest) = counted(keys);
    let count = product(before, count);
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Parsed::More;
    };
    let rest = chars.as_str();
    let target = match first {
        first if first == operator => Parsed::Whole(Target::Lines),
        // The operator once more, with its `g`.
        'g' if rest.starts_with(operator) && OF_CASE.contains(operator) => {
            Parsed::Whole(Target::Lines)
        }
        'i' | 'a' => object(first, rest).map(Target::Object),
        // Motions that are not there take what belongs to them, too.
        '\'' | '`' if rest.is_empty() => Parsed::More,
        '/' | '?' | ':' => Parsed::Line,
        _ => match motion(first, rest) {
            Some(motion) => motion.map(Target::To),
            None => Parsed::Unknown,
        },
    };
    target.map(|target| Command {
        count,
        register: None,
        verb: Verb::Operate(operator, target),
    })
}

fn object(first: char, rest: &str) -> Parsed<Object> {
    let Some(kind) = rest.chars().next() else {
        return Parsed::More;
    };
    if "wWp\"'`()b[]{}B<>".contains(kind) {
        let around = first == 'a';
        Parsed::Whole(Object { around, kind })
    } else {
        Parsed::Unknown
    }
}

/// Reads a motion; none where the key begins none.
fn motion(first: char, rest: &str) -> Option<Parsed<Move>> {
    let next = rest.chars().next();
    let whole = Parsed::Whole(Move {
        key: first,
        with: next,
    });
    Some(match (first, next) {
        ('h' | 'j' | 'k' | 'l' | ' ' | 'w' | 'W' | 'b' | 'B' | 'e' | 'E', _)
        | ('0' | '^' | '$' | 'G' | '{' | '}' | '%' | ';' | ',', _) => whole,
        ('g' | 'f' | 'F' | 't' | 'T', None) => Parsed::More,
        ('g', Some('g' | 'e' | 'E')) | ('f' | 'F' | 't' | 'T', Some(_)) => whole,
        // The rows of the screen are those of `j` and `k` already.
        ('g', Some(key @ ('j' | 'k' | '0' | '^' | '$'))) => Parsed::Whole(Move { key, with: None }),
        ('g', _) => Parsed::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_or_want_more_or_mean_nothing() {
        let normal = |keys| match parse(keys, false) {
            Parsed::More => "more",
            Parsed::Line => "a line",
            Parsed::Unknown => "nothing",
            Parsed::Whole(_) => "whole",
        };
        for keys in [
            "", "3", "d", "2d3", "di", "dg", "f", "df", "r", "g", "ca", "gU", "3gu2", "g~i", "gUg",
            "\"", "\"a", "2\"a3", "\"ad", "q", "@", "m", "'", "`", "d`", "z", "Z", "=", "=i", "gq",
            "gwf",
        ] {
            assert_eq!(normal(keys), "more", "{keys}");
        }
        for keys in [
            "x",
            "3x",
            "dd",
            "2d3w",
            "di\"",
            "dgg",
            "fx",
            "dtx",
            "0",
            "10l",
            "ge",
            ".",
            "gUw",
            "guiw",
            "g~~",
            "gUgU",
            "guu",
            "3gUw",
            "\"add",
            "\"ap",
            "\"a2\"byw",
            "gj",
        ] {
            assert_eq!(normal(keys), "whole", "{keys}");
        }
        for keys in [
            "3Q", "dq", "diq", "gx", "dv", "qa", "@a", "ma", "'a", "`a", "d`a", "ZZ", "==", "=ip",
            "gqip", "gUx", "\"aQ",
        ] {
            assert_eq!(normal(keys), "nothing", "{keys}");
        }
        for keys in [":", ":wq", "/x", "?", "3:", "d/x", "d:", "!ip", "!!", "!jx"] {
            assert_eq!(normal(keys), "a line", "{keys}");
        }
        assert_eq!(parse("=", true), Parsed::Unknown);
        assert_eq!(parse("!", true), Parsed::Line);
        assert!(matches!(parse("gU", true), Parsed::Whole(_)));
        assert_eq!(parse("i", true), Parsed::More);
        assert!(matches!(parse("iw", true), Parsed::Whole(_)));
        assert_eq!(parse("I", true), Parsed::Unknown);
        let times = |keys| match parse(keys, false) {
            Parsed::Whole(command) => command.times(),
            other => panic!("{other:?}"),
        };
        assert_eq!(times("2d3w"), 6);
        assert_eq!(times("99999999999999999999l"), MOST);
        assert_eq!(times("9999d9999w"), MOST);
        assert_eq!(times("2\"a3d2w"), 12);
    }
}
