//! Taking in folders that a request names: small ones whole, of others an outline and what in
//! them suits the request.

use super::super::folder::folder_told;
use super::super::{Mention, Why};
use super::Picker;
use crate::base::{RepoPath, Result};
use crate::index::Index;

/// Files of a folder that is shown whole at most.
const WHOLE: usize = 8;
/// Bytes that are likely to be one token.
const BYTES: u64 = 4;
/// Part of a folder's share, in percent, that the outline may take.
const OUTLINE: usize = 40;
/// Most tokens of an outline.
const LONGEST: usize = 1_200;
/// Places in a folder that are looked at.
const FOUND: usize = 24;

impl Picker<'_> {
    /// Tells whether a mention names a folder.
    pub(super) fn is_folder(&self, mention: &Mention) -> bool {
        mention.path.under(self.repo.root()).is_dir()
    }

    /// Takes in folders, each within its share of the room. `behind` says that something comes
    /// behind them that needs a share too.
    ///
    /// # Errors
    /// Of kind environment, if the index is damaged.
    pub(super) fn folders(&mut self, folders: &[&Mention], why: Why, behind: bool) -> Result<()> {
        for (at, mention) in folders.iter().enumerate() {
            let left = self.wanted.budget.saturating_sub(self.context.tokens);
            let share = left / (folders.len() - at + usize::from(behind));
            self.ceiling = self.context.tokens + share;
            self.folder(&mention.path, why, share)?;
            self.ceiling = self.wanted.budget;
        }
        Ok(())
    }

    fn folder(&mut self, folder: &RepoPath, why: Why, share: usize) -> Result<()> {
        let part = self.index.within(std::slice::from_ref(folder));
        let files = part.stats().files;
        if files == 0 {
            self.leave_out(folder, None, 0, "nothing in it is in the index");
            return Ok(());
        }
        let paths = part.paths();
        let bytes: u64 = part.sizes()?.iter().map(|size| size.bytes).sum();
        // Numbers and headings take about a third more.
        if files <= WHOLE && bytes / BYTES * 4 / 3 <= share as u64 {
            for path in &paths {
                self.whole(path, None, why);
            }
            return Ok(());
        }
        self.outline(folder, &part, share)?;
        let found = part.search(&self.wanted.query, FOUND)?;
        self.take_hits(found, why);
        Ok(())
    }

    /// Takes in the outline of a folder, if there is room.
    fn outline(&mut self, folder: &RepoPath, part: &Index, share: usize) -> Result<()> {
        let room = (share * OUTLINE / 100).min(LONGEST);
        match folder_told(folder, part, room, self.count)? {
            Some(told) => {
                self.context.tokens += told.tokens;
                self.context.told.push(told);
            }
            None => self.leave_out(folder, None, 0, "its outline does not fit"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::super::{Context, mentions};
    use super::super::{Wanted, pick};
    use crate::base::TokenCount;
    use crate::base::count::RoughCount;
    use crate::repo::Repo;

    /// The context of a question in a repository with a large folder and a small one.
    fn picked(question: &str, budget: usize) -> Context {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: String, text: String| {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, text).expect("written");
        };
        let authors = (0..300).map(|n| format!("Author number {n}\n")).collect();
        write("lib/AUTHORS.txt".into(), authors);
        for n in 0..150 {
            let body = "    pass\n".repeat(12);
            write(
                format!("lib/deep/part_{n}.py"),
                format!("class Part{n}:\n    def turn_{n}(self):\n{body}"),
            );
        }
        let zebra = "def stripe_the_zebra():\n    \"\"\"Paints stripes.\"\"\"\n    paint()\n";
        write("lib/zebra.py".into(), zebra.into());
        write("small/a.py".into(), "def one():\n    pass\n".into());
        write("small/b.py".into(), "def two():\n    pass\n".into());
        let other = "def stripe_the_zebra_elsewhere():\n    pass\n";
        write("other/c.py".into(), other.into());
        let repo = Repo::open(dir.path()).expect("a repository");
        let cache = tempfile::tempdir().expect("a folder");
        let index = crate::index::built(&repo, cache.path());
        let wanted = Wanted {
            query: question.to_owned(),
            mentions: mentions(question),
            budget,
            first_id: 1,
            most: 6,
            ..Wanted::default()
        };
        let context = pick(&wanted, &repo, &index.expect("an index"), &RoughCount);
        let context = context.expect("a context");
        assert!(context.tokens <= budget, "{} of {budget}", context.tokens);
        context
    }

    #[test]
    fn a_large_folder_is_an_outline_and_what_suits_the_question() {
        let context = picked("who paints the stripes of a zebra in @lib?", 900);
        let told = context.told.first().expect("an outline");
        assert_eq!(told.title, "lib/: 152 files");
        assert!(
            told.text.contains("  zebra.py (3): stripe_the_zebra\n"),
            "{}",
            told.text
        );
        assert!(
            told.text.contains("deep/ (150 files, 2,100 lines)"),
            "{}",
            told.text
        );
        assert!(told.tokens <= 360, "{}", told.tokens);
        let first = &context.excerpts[0];
        assert_eq!(
            (first.path.as_str(), first.why),
            ("lib/zebra.py", crate::context::Why::Mention)
        );
        // The alphabet begins with the names of the authors.
        let authors = |text: &str| text.contains("Author number");
        assert!(
            !context
                .excerpts
                .iter()
                .any(|excerpt| authors(&excerpt.text))
        );
    }

    #[test]
    fn with_room_every_file_of_the_outline_is_named() {
        let context = picked("what is in @lib/deep/?", 4000);
        let text = &context.told[0].text;
        assert!(text.contains("  part_0.py (14): Part0\n"), "{text}");
        assert!(text.contains("  part_149.py (14): Part149\n"), "{text}");
    }

    #[test]
    fn a_small_folder_is_shown_whole_and_every_budget_holds() {
        let context = picked("what is in @small/?", 1000);
        let paths: Vec<&str> = context.excerpts.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["small/a.py", "small/b.py"]);
        assert!(context.told.is_empty());
        for budget in [0, 20, 60, 200, 500] {
            let context = picked("what of @lib and @other do with a zebra?", budget);
            let told: usize = context
                .told
                .iter()
                .map(|told| RoughCount.count(&told.text))
                .sum();
            assert!(told <= budget);
        }
    }
}
