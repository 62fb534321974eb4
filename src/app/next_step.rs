//! The next step of a failure, as it is gone on the screen: below, where the same failures are told on
//! the command line too, they name its commands.

use crate::base::Failure;

/// A command of the command line, and the one of the screen that does the same.
const HERE: [(&str, &str); 8] = [
    ("`homebody models list`", "`/models`"),
    ("`models list`", "`/models`"),
    ("`homebody models use ", "`/model "),
    ("`homebody sessions`", "`/sessions`"),
    ("`homebody config`", "`/settings`"),
    ("`homebody doctor`", "`/doctor`"),
    ("`homebody search`", "`/search`"),
    ("`homebody undo`", "`/undo`"),
];

/// The next step, where there is one, with the commands of the screen.
pub fn next_step_here(failure: &Failure) -> Option<String> {
    failure.next_step().map(|step| {
        HERE.iter().fold(step.to_owned(), |step, (there, here)| {
            step.replace(there, here)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_the_screen_has_are_told_as_they_are_typed_in_it() {
        let here = |step: &str| next_step_here(&Failure::usage("x").hint(step));
        for (step, wanted) in [
            ("`homebody models list` shows all", "`/models` shows all"),
            (
                "put it back, or `homebody models use NAME`: `models list` shows the others",
                "put it back, or `/model NAME`: `/models` shows the others",
            ),
            ("`homebody models verify` it", "`homebody models verify` it"),
            (
                "run `homebody undo`: it tries again",
                "run `/undo`: it tries again",
            ),
        ] {
            assert_eq!(here(step).as_deref(), Some(wanted));
        }
        assert_eq!(next_step_here(&Failure::usage("x")), None);
    }

    #[test]
    fn every_command_of_the_screen_that_is_told_is_there() {
        for (_, here) in HERE {
            let name = here.trim_matches(['`', '/', ' ']);
            let known = crate::app::slash::TABLE.iter();
            assert!(known.clone().any(|one| one.name == name), "{here}");
        }
    }
}
