//! The effects of vim's commands on the text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::motions::{self, Sought, first_word, line_end, line_start, repeat};
use super::objects;
use super::parse::{Command, Target, Verb};
use crate::app::editing::composer::{Composer, Motion};

/// Blanks that `>` puts before a line and `<` takes away.
const SHIFT: usize = 4;
/// Bytes that a count may make of what is put in.
const MOST_PUT: usize = 100_000;

/// The outcome of a command that changes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// There was nothing to do it to.
    Nothing,
    /// The text was kept aside, and is as it was.
    Kept,
    /// The text is changed.
    Done,
    /// The text is changed as far, and goes on to be typed.
    Types,
}

/// A stretch of the text, and true for whole lines, the last newline left out.
pub(super) type Stretch = (Range<usize>, bool);

/// Does a command of normal mode.
pub(super) fn normal(composer: &mut Composer, command: Command, sought: Option<Sought>) -> Effect {
    let times = command.times();
    let at = composer.cursor();
    match command.verb {
        Verb::Operate(operator, target) => {
            let (text, count) = (composer.text(), command.count);
            let stretch = match target {
                Target::Lines => Some((lines(text, at, times), true)),
                Target::Object(object) => objects::find(text, at, object, times),
                Target::To(motion) => {
                    let reach = motions::reach(composer, motion, count, sought, Some(operator));
                    reach.map(|reach| motions::range(composer, reach))
                }
            };
            stretch.map_or(Effect::Nothing, |stretch| {
                operate(composer, operator, stretch)
            })
        }
        Verb::Over(c) => over(composer, c, times),
        Verb::Do(key) => simple(composer, key, times),
        Verb::Go(_) | Verb::Select(_) => Effect::Nothing,
    }
}

/// So many lines from the one that `at` is in, the last newline left out.
pub(super) fn lines(text: &str, at: usize, count: usize) -> Range<usize> {
    let mut end = line_end(text, at);
    for _ in 1..count {
        if end == text.len() {
            break;
        }
        end = line_end(text, end + 1);
    }
    line_start(text, at)..end
}

/// Does a command of visual mode to what is selected.
pub(super) fn visual(composer: &mut Composer, verb: Verb, (range, whole): Stretch) -> Effect {
    let key = match verb {
        Verb::Do(key) => key,
        Verb::Over(c) => {
            let put = |text: &str| {
                let put = |g: &str| {
                    if g == "\n" {
                        g.to_owned()
                    } else {
                        c.to_string()
                    }
                };
                text.graphemes(true).map(put).collect()
            };
            composer.put_cursor(range.start);
            return rewritten(composer, range, put);
        }
        _ => return Effect::Nothing,
    };
    let of_lines = |composer: &Composer| {
        let text = composer.text();
        let last = range.end.max(range.start + 1) - 1;
        let last = if text.is_char_boundary(last) {
            last
        } else {
            range.start
        };
        let last = if whole { range.end } else { last };
        (line_start(text, range.start)..line_end(text, last), true)
    };
    match key {
        'd' | 'x' => operate(composer, 'd', (range, whole)),
        'c' | 's' => operate(composer, 'c', (range, whole)),
        'y' => operate(composer, 'y', (range, whole)),
        'D' | 'X' => operate(composer, 'd', of_lines(composer)),
        'C' | 'S' | 'R' => operate(composer, 'c', of_lines(composer)),
        'Y' => operate(composer, 'y', of_lines(composer)),
        '>' | '<' => operate(composer, key, of_lines(composer)),
        'p' | 'P' => exchange(composer, (range, whole)),
        'J' => {
            let newlines = composer.text().get(range.clone());
            let newlines = newlines.map_or(0, |text| text.matches('\n').count());
            composer.put_cursor(range.start);
            join(composer, newlines.max(1))
        }
        '~' | 'u' | 'U' => {
            composer.put_cursor(range.start);
            in_case(composer, key, (range, whole))
        }
        _ => Effect::Nothing,
    }
}

/// Does an operator to a stretch of the text.
fn operate(composer: &mut Composer, operator: char, (range, whole): Stretch) -> Effect {
    match operator {
        '>' | '<' => return shift(composer, range, operator == '>'),
        'U' | 'u' | '~' => return in_case(composer, operator, (range, whole)),
        _ => {}
    }
    let Some(text) = composer.text().get(range.clone()).map(str::to_owned) else {
        return Effect::Nothing;
    };
    if whole {
        return operate_lines(composer, operator, range, text);
    }
    if !text.is_empty() {
        composer.keep_killed(text);
    }
    let (start, empty) = (range.start, range.is_empty());
    composer.put_cursor(start);
    if operator != 'y' && !empty {
        composer.put(range, "");
    }
    match operator {
        'y' => Effect::Kept,
        'c' => Effect::Types,
        _ if empty => Effect::Nothing,
        _ => Effect::Done,
    }
}

fn operate_lines(
    composer: &mut Composer,
    operator: char,
    range: Range<usize>,
    text: String,
) -> Effect {
    composer.keep_killed(text + "\n");
    let start = range.start;
    to_first_line(composer, start);
    match operator {
        'y' => return Effect::Kept,
        // The line stays, empty.
        'c' => {
            composer.put(range, "");
            composer.put_cursor(start);
            return Effect::Types;
        }
        _ => {}
    }
    let range = if range.end < composer.text().len() {
        start..range.end + 1
    } else {
        // The last line goes with the newline before it.
        start.saturating_sub(1)..range.end
    };
    if range.is_empty() {
        return Effect::Nothing;
    }
    let at = range.start;
    composer.put(range, "");
    composer.put_cursor(at);
    composer.go(Motion::LineStart);
    Effect::Done
}

/// Puts the cursor where lines begin; in the first of them it stays where it stands.
fn to_first_line(composer: &mut Composer, start: usize) {
    if line_start(composer.text(), composer.cursor()) != start {
        composer.put_cursor(start);
    }
}

/// Writes a stretch in capitals or small letters, or each as the other.
fn in_case(composer: &mut Composer, operator: char, (range, whole): Stretch) -> Effect {
    let how = match operator {
        'U' => str::to_uppercase,
        'u' => str::to_lowercase,
        _ => toggled,
    };
    if whole {
        to_first_line(composer, range.start);
    } else {
        composer.put_cursor(range.start);
    }
    let column = composer.graphemes(range.start..composer.cursor().max(range.start));
    let start = range.start;
    let effect = rewritten(composer, range, how);
    if whole {
        // The column is one of characters: capitals may be longer.
        let end = line_end(composer.text(), start);
        let to = repeat(start, column, |at| composer.right_of(at)).min(end);
        composer.put_cursor(to);
    }
    effect
}

/// Moves lines to the right or to the left.
fn shift(composer: &mut Composer, range: Range<usize>, right: bool) -> Effect {
    let range = {
        let text = composer.text();
        line_start(text, range.start)..line_end(text, range.end)
    };
    let start = range.start;
    to_first_line(composer, start);
    let moved = |line: &str| {
        if right && !line.is_empty() {
            return format!("{}{line}", " ".repeat(SHIFT));
        }
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let less = line.strip_prefix('\t').or(line.get(blanks.min(SHIFT)..));
        if right { line } else { less.unwrap_or(line) }.to_owned()
    };
    let all = |text: &str| text.split('\n').map(moved).collect::<Vec<_>>().join("\n");
    let effect = rewritten(composer, range, all);
    let to = first_word(composer.text(), start);
    composer.put_cursor(to);
    effect
}

/// Writes a stretch of the text anew; the cursor goes to its start.
fn rewritten(composer: &mut Composer, range: Range<usize>, how: impl Fn(&str) -> String) -> Effect {
    let Some(old) = composer.text().get(range.clone()) else {
        return Effect::Nothing;
    };
    let new = how(old);
    let (start, same) = (range.start, new == old);
    if !same {
        composer.put(range, &new);
    }
    composer.put_cursor(start);
    if same { Effect::Nothing } else { Effect::Done }
}

/// A text with capitals for small letters, and the other way round.
fn toggled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

/// Replaces so many characters by `c` each; does nothing where the line ends before.
fn over(composer: &mut Composer, c: char, times: usize) -> Effect {
    let at = composer.cursor();
    let line = composer.target(Motion::LineEnd);
    let mut end = at;
    for _ in 0..times {
        if end >= line {
            return Effect::Nothing;
        }
        end = composer.right_of(end);
    }
    composer.replace(at..end, &c.to_string().repeat(times));
    composer.put_cursor(at + c.len_utf8() * (times - 1));
    Effect::Done
}

/// Does a command that stands alone.
fn simple(composer: &mut Composer, key: char, times: usize) -> Effect {
    let at = composer.cursor();
    let (start, end) = {
        let text = composer.text();
        (line_start(text, at), line_end(text, at))
    };
    let right = repeat(at, times, |at| composer.right_of(at)).min(end);
    match key {
        'x' => operate(composer, 'd', (at..right, false)),
        's' => operate(composer, 'c', (at..right, false)),
        'X' => {
            let left = repeat(at, times, |at| composer.left_of(at)).max(start);
            operate(composer, 'd', (left..at, false))
        }
        'D' => operate(composer, 'd', (at..end, false)),
        'C' => operate(composer, 'c', (at..end, false)),
        'S' => {
            let lines = lines(composer.text(), at, times);
            operate(composer, 'c', (lines, true))
        }
        'Y' => {
            let lines = lines(composer.text(), at, times);
            operate(composer, 'y', (lines, true))
        }
        '~' => {
            let effect = rewritten(composer, at..right, toggled);
            let end = line_end(composer.text(), at);
            let to = repeat(at, times, |at| composer.right_of(at)).min(end);
            composer.put_cursor(to);
            effect
        }
        'J' => join(composer, times.max(2) - 1),
        'p' | 'P' => put(composer, key == 'p', times),
        _ => insert(composer, key),
    }
}

/// Joins the line with so many below it, a blank where the newline was.
fn join(composer: &mut Composer, times: usize) -> Effect {
    let mut effect = Effect::Nothing;
    for _ in 0..times {
        let text = composer.text();
        let end = line_end(text, composer.cursor());
        if end == text.len() {
            break;
        }
        let next = first_word(text, end + 1);
        let before = text.get(..end).unwrap_or_default();
        let bare = before.ends_with([' ', '\t', '\n']) || before.is_empty();
        let blank = !bare && next < line_end(text, end + 1);
        composer.put(end..next, if blank { " " } else { "" });
        // As in vim, the cursor stands where the lines were joined.
        composer.put_cursor(end);
        effect = Effect::Done;
    }
    effect
}

/// Does the commands that begin to type.
fn insert(composer: &mut Composer, key: char) -> Effect {
    match key {
        'i' => {}
        'a' => {
            if composer.cursor() < composer.target(Motion::LineEnd) {
                composer.go(Motion::Right);
            }
        }
        'I' => {
            let to = first_word(composer.text(), composer.cursor());
            composer.put_cursor(to);
        }
        'A' => composer.go(Motion::LineEnd),
        // The cursor goes there with the newline, so that undo has it back where it was.
        'o' => {
            let end = composer.target(Motion::LineEnd);
            composer.put(end..end, "\n");
        }
        'O' => {
            let start = composer.target(Motion::LineStart);
            composer.put(start..start, "\n");
            composer.put_cursor(start);
        }
        _ => return Effect::Nothing,
    }
    Effect::Types
}

/// Inserts the killed text behind or before the cursor; whole lines below or above.
fn put(composer: &mut Composer, behind: bool, times: usize) -> Effect {
    let cut = composer.killed().to_owned();
    if cut.is_empty() {
        return Effect::Nothing;
    }
    let times = times.min(MOST_PUT / cut.len().max(1)).max(1);
    let lines = cut.ends_with('\n');
    let at = match (lines, behind) {
        (false, false) => composer.cursor(),
        (false, true) => {
            let end = composer.target(Motion::LineEnd);
            composer.right_of(composer.cursor()).min(end)
        }
        (true, false) => composer.target(Motion::LineStart),
        (true, true) => composer.target(Motion::LineEnd),
    };
    let text = cut.repeat(times);
    let text = match (lines, behind) {
        (true, true) => format!("\n{}", text.strip_suffix('\n').unwrap_or(&text)),
        _ => text,
    };
    composer.put(at..at, &text);
    if lines {
        composer.put_cursor(at + usize::from(behind));
    } else {
        composer.go(Motion::Left);
    }
    Effect::Done
}

/// Puts what was cut in the place of a stretch, which is what was cut then.
fn exchange(composer: &mut Composer, (range, whole): Stretch) -> Effect {
    let cut = composer.killed().to_owned();
    let Some(old) = composer.text().get(range.clone()).map(str::to_owned) else {
        return Effect::Nothing;
    };
    let new = match (whole, cut.strip_suffix('\n')) {
        (true, Some(lines)) => lines.to_owned(),
        (false, Some(_)) => format!("\n{cut}"),
        (_, None) => cut,
    };
    let start = range.start;
    composer.put_cursor(start);
    composer.put(range, &new);
    if whole {
        composer.put_cursor(start);
    } else {
        composer.go(Motion::Left);
    }
    composer.keep_killed(if whole { old + "\n" } else { old });
    Effect::Done
}
