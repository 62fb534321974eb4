//! The rules of a form that its text cannot hold: see [`super::print`].

use super::form::{Form, Value};
use super::part::HEAD;
use super::step::{Inside, Mark, Open};
use super::{FormGrammar, NewPaths, Part};

/// A rule that hangs on the history of an answer, or on more than its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beyond {
    /// A thing that is named is taken by what was said before, or no room is left for it.
    Taken,
    /// Lines of a file stand at one place of it, and may be written.
    OnePlace,
    /// Only lines that are shown are named by their numbers, and not too many.
    Shown,
    /// Only such files as may be made are.
    Made,
    /// The fences of one text have the same length, and begin no line of it.
    Fences,
    /// New text is not what stood there.
    Same,
    /// Words, lines and texts have an end.
    Length,
    /// An answer says what it must.
    End,
}

impl Beyond {
    /// The rule in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Taken => "what it names is taken already, or there is no room left for it",
            Self::OnePlace => "the lines to be replaced stand at no one place that is free",
            Self::Shown => "lines are named by numbers only where they are shown",
            Self::Made => "no file of that name may be made",
            Self::Fences => {
                "the fences of one text have the same length, and begin none of its lines"
            }
            Self::Same => "the new text is the same as the old one",
            Self::Length => "it is too long",
            Self::End => "the answer cannot end here",
        }
    }
}

impl<F: Form> FormGrammar<F> {
    /// The rule beyond its text by which a form does not take a byte, or the end where there is
    /// none; none, where it breaks the form itself.
    pub fn beyond(&self, byte: Option<u8>) -> Option<Beyond> {
        let (open, at) = self.open().zip(self.at())?;
        let widest = self.form().widest(at.0);
        // Behind a fence that is longer than it must be, what ends a text is told by its length.
        let longer = || {
            let fences = self.answer().said.iter().any(|said| {
                let widest = self.form().widest(&said.at);
                matches!((widest, said.value), (Part::Fence { least, .. }, Value::Count(length))
                    if length > least)
            });
            fences.then_some(Beyond::Fences)
        };
        let rule = match byte {
            Some(byte) => open.beyond(byte, &widest),
            None => matches!(
                widest,
                Part::Words { may_end: true, .. } | Part::OneOf { may_end: true, .. }
            )
            .then_some(Beyond::End),
        };
        rule.or_else(longer)
    }
}

impl<F: Form> Open<'_, F> {
    fn beyond(&self, byte: u8, widest: &Part) -> Option<Beyond> {
        match (self.part, self.inside) {
            (Part::OneOf { .. }, _) => {
                let Part::OneOf { choices, .. } = widest else {
                    return None;
                };
                let goes_on = |(text, _): (&[u8], u32)| self.goes_on(text, byte);
                choices.iter().any(goes_on).then_some(Beyond::Taken)
            }
            (Part::Words { most, .. }, Inside::Words { mark, .. }) => match mark {
                Mark::At(at) if HEAD.get(usize::from(at)) == Some(&byte) => Some(Beyond::Taken),
                _ => self.is_longer(*most, 0).then_some(Beyond::Length),
            },
            (Part::Line { most }, _) => (self.committed > *most).then_some(Beyond::Length),
            (Part::LinesOf { file, .. }, inside) => {
                let file = self.form.file(*file)?;
                match inside {
                    Inside::Behind { .. } => b"=\n".contains(&byte).then_some(Beyond::Fences),
                    Inside::Single { line, depth, .. }
                        if file.byte(line, depth as usize) == Some(byte) =>
                    {
                        Some(Beyond::OnePlace)
                    }
                    Inside::Single {
                        mark: Mark::Not, ..
                    } if byte == b'=' => Some(Beyond::Fences),
                    _ => {
                        let ends = byte == b'=' && self.text.last() == Some(&b'\n');
                        let goes_on = || file.runs().any(|text| self.goes_on(text, byte));
                        (ends || goes_on()).then_some(Beyond::OnePlace)
                    }
                }
            }
            (Part::LinesBy { file, .. }, _) => {
                let numbers = byte.is_ascii_digit() || b"-\n".contains(&byte);
                let file = self.form.file(*file)?;
                let name = || {
                    file.all_names()
                        .any(|name| self.goes_on(name.as_bytes(), byte))
                };
                if numbers && self.text.first().is_none_or(u8::is_ascii_digit) {
                    Some(Beyond::Shown)
                } else {
                    (byte == b'\n' || name()).then_some(Beyond::Taken)
                }
            }
            (Part::NewPath, _) => {
                let of_paths = NewPaths::goes_on(byte) || b"/\n".contains(&byte);
                of_paths.then_some(Beyond::Made)
            }
            (Part::Block { fence, .. }, Inside::Block { mark, utf8, .. }) => match mark {
                Mark::At(length) if length == *fence => Some(Beyond::Fences),
                _ if self.is_endless(utf8) || self.is_full() => Some(Beyond::Length),
                Mark::At(0) if byte == b'>' => Some(Beyond::Same),
                _ => None,
            },
            _ => None,
        }
    }

    /// Tells whether a text begins with what was written of the part and the byte.
    fn goes_on(&self, text: &[u8], byte: u8) -> bool {
        let rest = text.strip_prefix(self.text);
        rest.and_then(<[u8]>::first) == Some(&byte)
    }
}
