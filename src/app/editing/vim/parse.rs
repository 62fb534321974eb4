//! The grammar of vim's commands: keys so far, to a command, or the wish for more.

/// Counts are cut here, so that nothing takes long.
const MOST: usize = 10_000;

/// The outcome of reading keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parsed<T> {
    /// The keys are the beginning of something.
    More,
    /// The keys mean nothing.
    Unknown,
    /// The keys are complete.
    Whole(T),
}

impl<T> Parsed<T> {
    fn map<U>(self, into: impl FnOnce(T) -> U) -> Parsed<U> {
        match self {
            Self::More => Parsed::More,
            Self::Unknown => Parsed::Unknown,
            Self::Whole(whole) => Parsed::Whole(into(whole)),
        }
    }
}

/// A command with its count, if one was typed; two counts are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub count: Option<usize>,
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
    /// An operator (`d`, `c`, `y`, `>`, `<`) on a target.
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
const OF_NORMAL: &str = "xXsSDCYpPuJ~.iaIAoOvV";
const OF_VISUAL: &str = "dxXDcsSCRyYpPJ~uU><oOvV";

/// Reads the keys of a command.
pub(super) fn parse(keys: &str, visual: bool) -> Parsed<Command> {
    let (count, rest) = counted(keys);
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Parsed::More;
    };
    let rest = chars.as_str();
    let whole = |verb| Command { count, verb };
    if !visual && OPERATORS.contains(first) {
        return operator(first, count, rest);
    }
    if visual && matches!(first, 'i' | 'a') {
        return object(first, rest).map(Verb::Select).map(whole);
    }
    if let Some(motion) = motion(first, rest) {
        return motion.map(Verb::Go).map(whole);
    }
    let simple = if visual { OF_VISUAL } else { OF_NORMAL };
    match (first, rest.chars().next()) {
        ('r', None) => Parsed::More,
        ('r', Some(over)) => Parsed::Whole(whole(Verb::Over(over))),
        _ if simple.contains(first) => Parsed::Whole(whole(Verb::Do(first))),
        _ => Parsed::Unknown,
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

fn operator(operator: char, before: Option<usize>, keys: &str) -> Parsed<Command> {
    let (behind, rest) = counted(keys);
    let count = match (before, behind) {
        (None, None) => None,
        (a, b) => Some((a.unwrap_or(1) * b.unwrap_or(1)).min(MOST)),
    };
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Parsed::More;
    };
    let rest = chars.as_str();
    let target = match first {
        first if first == operator => Parsed::Whole(Target::Lines),
        'i' | 'a' => object(first, rest).map(Target::Object),
        _ => match motion(first, rest) {
            Some(motion) => motion.map(Target::To),
            None => Parsed::Unknown,
        },
    };
    target.map(|target| Command {
        count,
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
            Parsed::Unknown => "nothing",
            Parsed::Whole(_) => "whole",
        };
        for keys in ["", "3", "d", "2d3", "di", "dg", "f", "df", "r", "g", "ca"] {
            assert_eq!(normal(keys), "more", "{keys}");
        }
        for keys in [
            "x", "3x", "dd", "2d3w", "di\"", "dgg", "fx", "dtx", "0", "10l", "ge", ".",
        ] {
            assert_eq!(normal(keys), "whole", "{keys}");
        }
        for keys in ["q", "3q", "dq", "diq", "gx", ":", "dv", "d:"] {
            assert_eq!(normal(keys), "nothing", "{keys}");
        }
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
    }
}
