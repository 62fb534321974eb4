//! The project's own rules for who works on it (`AGENTS.md`), for the stable part of the prompt.

use super::LeftOut;
use crate::base::text::{printable_block, truncated};
use crate::base::{Failure, RepoPath, Result, TokenCount};
use crate::repo::Repo;

/// The rules as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Path and text, for [`super::Context::rules`]; none where there is no such file.
    pub shown: Option<(RepoPath, String)>,
    /// Tokens of the text that is shown.
    pub tokens: usize,
    /// Parts of the file that are not shown, with the reason; for [`super::Context::left_out`].
    pub left_out: Vec<LeftOut>,
}

/// Reads the rules file `name` (empty for none) of a repository, as much of it from the
/// beginning as `max_tokens` allow, cut between paragraphs.
///
/// # Errors
/// Of kind config, if the name is no path inside the repository.
pub fn rules(repo: &Repo, name: &str, count: &dyn TokenCount, max_tokens: usize) -> Result<Rules> {
    if name.is_empty() {
        return Ok(Rules::default());
    }
    let path = RepoPath::new(name).map_err(|failure| {
        Failure::config("the rules file cannot be used")
            .because(failure)
            .hint("set `rules_file` to a path inside the repository, such as AGENTS.md")
    })?;
    if path.under(repo.root()).symlink_metadata().is_err() {
        return Ok(Rules::default());
    }
    let left_out = |reason: String, tokens| LeftOut {
        path: path.clone(),
        range: None,
        tokens,
        reason,
    };
    let text = match repo.shown_text(&path) {
        Ok(text) => printable_block(text.trim()).into_owned(),
        Err(failure) => {
            return Ok(Rules {
                left_out: vec![left_out(failure.to_string(), 0)],
                ..Rules::default()
            });
        }
    };
    if text.is_empty() {
        return Ok(Rules::default());
    }
    let tokens = count.count(&text);
    if tokens <= max_tokens {
        return Ok(Rules {
            shown: Some((path, text)),
            tokens,
            left_out: Vec::new(),
        });
    }
    let kept = beginning(&text, count, max_tokens);
    let kept_tokens = if kept.is_empty() {
        0
    } else {
        count.count(kept)
    };
    let lines = |text: &str| text.lines().count();
    let reason = format!(
        "the rules do not all fit: {} of {} lines are shown",
        lines(kept),
        lines(&text)
    );
    let rest = left_out(reason, tokens - kept_tokens);
    Ok(Rules {
        shown: (!kept.is_empty()).then(|| (path, kept.to_owned())),
        tokens: kept_tokens,
        left_out: vec![rest],
    })
}

/// The beginning of `text` that has at most `max_tokens`: whole paragraphs, and lines of the next
/// one where a paragraph is so long that little would be left otherwise.
fn beginning<'a>(text: &'a str, count: &dyn TokenCount, max_tokens: usize) -> &'a str {
    let until = |end: usize| truncated(text, end);
    let fits = |end: &usize| count.count(until(*end)) <= max_tokens;
    // Counts grow with the text, so the last end that fits is found by halves.
    let last = |ends: Vec<usize>| {
        let place = ends.partition_point(fits);
        place.checked_sub(1).map_or(0, |at| ends[at])
    };
    let ends = |mark: &str| text.match_indices(mark).map(|(at, _)| at).collect();
    let (paragraphs, lines) = (last(ends("\n\n")), last(ends("\n")));
    let end = if paragraphs * 2 >= lines {
        paragraphs
    } else {
        lines
    };
    until(end).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::count::RoughCount;

    #[test]
    fn rules_are_read_and_cut_between_paragraphs() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("AGENTS.md"), "Be brief.\n\nBe kind.\n").expect("written");
        let repo = Repo::open(dir.path()).expect("a repository");
        let whole = rules(&repo, "AGENTS.md", &RoughCount, 100).expect("read");
        assert_eq!(
            whole.shown.map(|(_, text)| text).as_deref(),
            Some("Be brief.\n\nBe kind.")
        );
        let cut = rules(&repo, "AGENTS.md", &RoughCount, 3).expect("read");
        assert_eq!(
            cut.shown.map(|(_, text)| text).as_deref(),
            Some("Be brief.")
        );
        assert_eq!(cut.left_out.len(), 1);
        // One list without a blank line.
        let list: String = (1..=100)
            .map(|n| format!("- rule {n}: be brief\n"))
            .collect();
        std::fs::write(dir.path().join("AGENTS.md"), list).expect("written");
        let cut = rules(&repo, "AGENTS.md", &RoughCount, 100).expect("read");
        let shown = cut.shown.map(|(_, text)| text).expect("a beginning");
        let lines = shown.lines().count();
        assert!(lines > 5 && shown.ends_with("be brief"), "{shown}");
        let reason = format!("the rules do not all fit: {lines} of 100 lines are shown");
        assert_eq!(cut.left_out[0].reason, reason);
        assert_eq!(
            rules(&repo, "NONE.md", &RoughCount, 9).expect("none"),
            Rules::default()
        );
        assert!(rules(&repo, "../x", &RoughCount, 9).is_err());
    }
}
