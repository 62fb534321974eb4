//! A folder that a thread, and every process it starts from then on, cannot write in.

use std::path::Path;

use super::Sealed;

/// Lets the calling thread and its children write everywhere but below `folder`. `yet` is a
/// folder that stays open to them even so.
///
/// The kernel (Landlock) knows only what is allowed, so everything beside the way from the
/// file system's root to `folder` is: that nothing new can be made in the folders on that way
/// themselves (a first `~/.tool` where the repository lies in the home folder) is its price.
pub fn keep_out(folder: &Path, yet: &Path) -> Sealed {
    platform::keep_out(folder, yet)
}

/// Whether [`keep_out`] would hold.
pub fn can_keep_out() -> bool {
    platform::can_keep_out()
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus, path_beneath_rules,
    };

    use super::Sealed;

    pub(super) fn keep_out(folder: &Path, yet: &Path) -> Sealed {
        match restricted(folder, yet) {
            Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => Sealed::Yes,
            Ok(RulesetStatus::NotEnforced) => {
                Sealed::No("this kernel has no Landlock, or it is not turned on".to_owned())
            }
            Err(e) => Sealed::No(e.to_string()),
        }
    }

    pub(super) fn can_keep_out() -> bool {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_write(ABI::V1))
            .is_ok_and(|ruleset| ruleset.create().is_ok())
    }

    fn restricted(folder: &Path, yet: &Path) -> Result<RulesetStatus, RulesetError> {
        let write = AccessFs::from_write(ABI::V3);
        let status = Ruleset::default()
            .handle_access(write)?
            .create()?
            .add_rules(path_beneath_rules(beside(folder), write))?
            .add_rules(path_beneath_rules([yet], write))?
            .restrict_self()?;
        Ok(status.ruleset)
    }

    /// Everything beside the way down to `folder`. Links are left out: where they lead is
    /// reached by its own name, and might be on the way.
    fn beside(folder: &Path) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut on_the_way = folder;
        while let Some(above) = on_the_way.parent() {
            let entries = std::fs::read_dir(above).into_iter().flatten().flatten();
            let others = entries
                .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
                .map(|entry| entry.path());
            all.extend(others.filter(|path| path != on_the_way));
            on_the_way = above;
        }
        all
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::path::Path;

    use super::Sealed;

    pub(super) fn can_keep_out() -> bool {
        false
    }

    pub(super) fn keep_out(_: &Path, _: &Path) -> Sealed {
        Sealed::No("this system has nothing like Landlock".to_owned())
    }
}
