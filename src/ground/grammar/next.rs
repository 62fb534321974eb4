//! The bytes that may come next in a part.

use super::form::Form;
use super::part::HEAD;
use super::sorted::each;
use super::step::{Inside, LAST_LINE, Mark, Open};
use super::{ByteSet, Part};
use crate::base::bug::bug;

impl<F: Form> Open<'_, F> {
    /// The bytes that may come next, and some more.
    pub fn next(&self) -> ByteSet {
        let mut set = ByteSet::default();
        match (self.part, self.inside) {
            (Part::OneOf { choices, .. }, Inside::Choice { low, high }) => {
                let depth = self.text.len();
                each(low, high, |at| choices.byte(at, depth), &mut set);
            }
            (Part::Words { most, .. }, Inside::Words { mark, utf8 }) => match mark {
                Mark::At(at) if self.is_longer(*most, 0) => {
                    set.extend(HEAD.get(usize::from(at)));
                }
                Mark::Not if utf8.is_boundary() && self.is_longer(*most, LAST_LINE) => {
                    set.insert(b'\n');
                }
                _ => set = utf8.next(),
            },
            (Part::Line { most }, Inside::Line { utf8, solid }) => {
                if solid && utf8.is_boundary() && self.committed > *most {
                    set.insert(b'\n');
                } else {
                    set = utf8.next();
                }
            }
            (Part::Fence { byte, .. }, _) => set.extend([*byte, b'\n']),
            (Part::LinesOf { file, .. }, inside) => self.next_of_lines(*file, inside, &mut set),
            (Part::LinesBy { file, .. }, inside) => {
                set.extend(b'0'..=b'9');
                set.extend(b"-\n");
                if let (Inside::Name { low, high }, Some(file)) = (inside, self.form.file(*file)) {
                    let depth = self.text.len() as u32;
                    each(low, high, |at| file.name_byte(at, depth), &mut set);
                }
            }
            (Part::NewPath, _) => {
                set.extend(b' '..=b'~');
                set.insert(b'\n');
                // In names that the user gives.
                set.extend(0x80..=0xff);
            }
            (Part::Block { fence, .. }, Inside::Block { mark, utf8, .. }) => match mark {
                Mark::At(length) if length == *fence => set.insert(b'\n'),
                _ if self.is_endless(utf8) || self.is_full() => {
                    if matches!(mark, Mark::At(_)) {
                        set.insert(b'>');
                    } else if matches!(self.part, Part::Block { forced: true, .. }) {
                        set.insert(b'\n');
                    }
                }
                _ => set = utf8.next(),
            },
            _ => bug("a state belongs to another part", ()),
        }
        set
    }

    fn next_of_lines(&self, file: u32, inside: Inside, set: &mut ByteSet) {
        let Some(file) = self.form.file(file) else {
            return;
        };
        match inside {
            Inside::Several { low, high, .. } => {
                let depth = self.text.len() as u32;
                each(low, high, |at| file.place_byte(at, depth), set);
            }
            Inside::Single { line, depth, .. } => {
                set.insert(b'=');
                set.extend(file.byte(line, depth as usize));
            }
            _ => set.extend(b"=\n"),
        }
    }
}
