//! Words in the text of a conversation.

/// Finds the lines of a conversation's document that have any of the words, in lower or upper
/// case; none where one of them stands neither there nor in the title.
pub fn find<'t>(title: &str, document: &'t str, words: &str) -> Option<Vec<&'t str>> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let title = title.to_lowercase();
    let mut seen: Vec<bool> = words.iter().map(|word| title.contains(word)).collect();
    let mut lines = Vec::new();
    for line in document.lines() {
        let lower = line.to_lowercase();
        let mut has = false;
        for (word, seen) in words.iter().zip(&mut seen) {
            if lower.contains(word.as_str()) {
                (*seen, has) = (true, true);
            }
        }
        if has {
            lines.push(line);
        }
    }
    seen.iter().all(|seen| *seen).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_stand_somewhere_and_any_of_them_in_a_line() {
        let text = "## Why a walk?\n\nIt walks.\nÜber alles\nThe end";
        assert_eq!(
            find("", text, "walk"),
            Some(vec!["## Why a walk?", "It walks."])
        );
        assert_eq!(
            find("", text, "END  über"),
            Some(vec!["Über alles", "The end"])
        );
        assert_eq!(find("", text, "walk nowhere"), None);
        assert_eq!(
            find("", text, "walks the"),
            Some(vec!["It walks.", "The end"])
        );
        assert_eq!(
            find("", text, " "),
            Some(Vec::new()),
            "no words are in every text"
        );
        assert_eq!(find("Of dogs", text, "dogs end"), Some(vec!["The end"]));
    }
}
