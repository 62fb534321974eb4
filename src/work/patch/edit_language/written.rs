//! The outcome of an answer with edits: the edits, the words around them, and an edit that was
//! begun.

use super::{EditAt, EditGrammar};
use crate::base::OrBug as _;
use crate::patch::Edit;

/// An answer with edits, as far as it is written.
pub trait EditAnswer {
    /// The edits that are complete and committed, in order.
    fn edits(&self) -> &[Edit];

    /// The text around the edits, without runs of empty lines: words for people.
    fn words(&self) -> String;

    /// The head of an edit that has begun and not ended.
    fn begun(&self) -> Option<String>;
}

impl EditAnswer for EditGrammar<'_> {
    fn edits(&self) -> &[Edit] {
        &self.form().edits
    }

    fn words(&self) -> String {
        let answer = self.answer();
        let whole = answer.said.iter().filter(|said| said.at == EditAt::Words);
        let mut out: Vec<u8> = whole.flat_map(|said| answer.text(said)).copied().collect();
        if let Some((EditAt::Words, begun)) = self.at() {
            let open = answer.written.get(begun..);
            out.extend(open.or_bug("a part begins behind the end of the answer"));
        }
        let out = String::from_utf8_lossy(&out);
        let mut lines: Vec<&str> = Vec::new();
        for line in out.lines() {
            let blank = line.trim().is_empty();
            if !blank || lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(line);
            }
        }
        lines.join("\n").trim().to_owned()
    }

    fn begun(&self) -> Option<String> {
        let (at, _) = self.at()?;
        if matches!(at, EditAt::Words | EditAt::End) {
            return None;
        }
        let answer = self.answer();
        let words = answer.said.iter().rfind(|said| said.at == EditAt::Words)?;
        let head = answer.written.get(words.text.end..)?;
        let line = head.split(|byte| *byte == b'\n').next()?;
        Some(String::from_utf8_lossy(line).into_owned())
    }
}
