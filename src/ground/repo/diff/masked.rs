//! A diff as it may be shown: without the secrets of its lines.

use super::{Diff, FileDiff, Hunk};
use crate::base::secrets::{places_of_part, without};
use crate::base::{OrBug as _, Result};

impl Diff {
    /// Puts the mask in the place of every secret, those of lines that are taken away too, and of
    /// the rows of private keys that begin or end outside of a hunk.
    ///
    /// # Errors
    /// Of kind bug, where a form of secrets cannot be read.
    pub fn mask_secrets(&mut self) -> Result<()> {
        let files = self.files.iter_mut().chain(&mut self.unnamed);
        files
            .flat_map(|file: &mut FileDiff| &mut file.hunks)
            .try_for_each(mask)
    }
}

/// Masks the lines of a hunk: together, since a key stands on several.
fn mask(hunk: &mut Hunk) -> Result<()> {
    // It may be a row of a key: git takes it for the head of something.
    let section = places_of_part(&hunk.section)?;
    hunk.section = without(&hunk.section, &section).into_owned();
    let mut text = String::new();
    for line in &hunk.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    let places = places_of_part(&text)?;
    let mut places = places.as_slice();
    let mut start = 0;
    for line in &mut hunk.lines {
        let end = start + line.text.len();
        let count = places.iter().take_while(|place| place.start < end).count();
        if count > 0 {
            let (own, rest) = places.split_at_checked(count).or_bug("a place is missing");
            let own: Vec<_> = own
                .iter()
                .map(|place| place.start - start..place.end - start)
                .collect();
            line.text = without(&line.text, &own).into_owned();
            places = rest;
        }
        start = end + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{DiffKind, DiffLine, FileStatus};
    use super::*;
    use crate::base::RepoPath;
    use crate::base::secrets::{MASK, samples};

    #[test]
    fn no_line_of_a_diff_shows_a_secret() {
        let line = |kind, text: String| DiffLine {
            kind,
            old: Some(1),
            new: Some(1),
            text,
            no_newline: false,
        };
        let row = "MIIEvQ9+aB3dE6gH/jK2"
            .repeat(4)
            .chars()
            .take(64)
            .collect::<String>();
        let mut lines = vec![
            line(DiffKind::Context, row.clone()),
            line(
                DiffKind::Context,
                format!("-----END {}-----", "PRIVATE KEY"),
            ),
        ];
        for (_, sample) in samples() {
            for kind in [DiffKind::Added, DiffKind::Removed, DiffKind::Context] {
                lines.push(line(kind, format!("ü = {sample}\r")));
            }
        }
        let samples: Vec<String> = samples().into_iter().map(|(_, text)| text).collect();
        let mut diff = Diff::default();
        diff.files.push(FileDiff {
            old_path: None,
            path: RepoPath::new("a").expect("a path"),
            status: FileStatus::Modified,
            kinds: (None, None),
            binary: false,
            bytes: None,
            hunks: vec![Hunk {
                old_start: 1,
                old_len: 1,
                new_start: 1,
                new_len: 1,
                section: row.clone(),
                lines,
            }],
            blob: None,
            place: "a".into(),
        });
        diff.mask_secrets().expect("forms");
        let shown = format!("{diff:?}");
        for secret in samples
            .iter()
            .filter(|text| !text.starts_with("-----"))
            .chain([&row])
        {
            assert!(!shown.contains(secret.as_str()), "{secret}");
        }
        assert!(shown.contains(&format!("ü = {MASK}\\r")), "{shown}");
    }
}
