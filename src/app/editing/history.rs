//! History of the composer, and walking through it.

/// Most entries kept.
const MOST: usize = 1_000;

/// The texts sent before, oldest first, each text once.
#[derive(Debug, Clone, Default)]
pub struct History {
    entries: Vec<String>,
    /// The position Up has led to: an index into `entries`, and the composer's text from before.
    walk: Option<(usize, String)>,
}

impl History {
    /// Makes a history of the texts kept on disk, oldest first.
    pub fn new(entries: Vec<String>) -> Self {
        let mut history = Self::default();
        for entry in entries {
            history.add(&entry);
        }
        history
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    /// Adds a text that was sent; an equal one from before goes. False where the text is empty.
    pub fn add(&mut self, text: &str) -> bool {
        self.walk = None;
        let text = text.trim();
        if text.is_empty() {
            return false;
        }
        self.entries.retain(|entry| entry != text);
        self.entries.push(text.to_owned());
        if self.entries.len() > MOST {
            self.entries.remove(0);
        }
        true
    }

    /// Steps back from the composer's text `current`. None at the oldest entry.
    pub fn older(&mut self, current: &str) -> Option<String> {
        let at = match &self.walk {
            Some((at, _)) => *at,
            None => self.entries.len(),
        };
        let to = at.checked_sub(1)?;
        let text = self.entries.get(to)?.clone();
        let kept = match self.walk.take() {
            Some((_, kept)) => kept,
            None => current.to_owned(),
        };
        self.walk = Some((to, kept));
        Some(text)
    }

    /// Steps forward; behind the newest entry, returns the composer's text from before the walk.
    pub fn newer(&mut self) -> Option<String> {
        let (at, kept) = self.walk.take()?;
        if let Some(text) = self.entries.get(at + 1) {
            let text = text.clone();
            self.walk = Some((at + 1, kept));
            Some(text)
        } else {
            Some(kept)
        }
    }

    /// Tells whether Up has led into the history.
    pub const fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Ends the walk: the text was changed.
    pub fn stop(&mut self) {
        self.walk = None;
    }

    /// Returns the entries that hold all the words, newest first.
    pub fn matching(&self, words: &str) -> Vec<String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        self.entries
            .iter()
            .rev()
            .filter(|entry| {
                let entry = entry.to_lowercase();
                words.iter().all(|word| entry.contains(word.as_str()))
            })
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        History::new(["a", "b", "a", " ", "c d"].map(str::to_owned).to_vec())
    }

    #[test]
    fn each_text_stands_once_where_it_was_last_used() {
        assert_eq!(history().entries(), ["b", "a", "c d"]);
    }

    #[test]
    fn walking_back_and_forth_brings_the_draft_back() {
        let mut history = history();
        assert_eq!(history.older("draft").as_deref(), Some("c d"));
        assert_eq!(history.older("c d").as_deref(), Some("a"));
        assert_eq!(history.newer().as_deref(), Some("c d"));
        assert_eq!(history.newer().as_deref(), Some("draft"));
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("").as_deref(), Some("c d"));
    }

    #[test]
    fn at_the_oldest_it_stays() {
        let mut history = History::new(vec!["x".to_owned()]);
        assert_eq!(history.older("").as_deref(), Some("x"));
        assert_eq!(history.older("x"), None);
        assert_eq!(history.newer().as_deref(), Some(""));
    }

    #[test]
    fn matching_takes_all_words() {
        assert_eq!(history().matching("D c"), ["c d"]);
        assert_eq!(history().matching("").len(), 3);
    }
}
