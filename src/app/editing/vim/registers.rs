//! Registers: texts that were cut or kept under a name.

use std::collections::BTreeMap;

use super::edits::Effect;
use super::parse::{Command, Verb};
use crate::app::editing::composer::Composer;

/// The register in which nothing is kept.
const NONE: char = '_';
/// The register of what was kept last, rather than cut.
const KEPT: char = '0';
/// The register that is meant where none is named.
const UNNAMED: char = '"';

/// The texts that have a name of their own. What was cut last under any name is the composer's.
#[derive(Debug, Clone, Default)]
pub(super) struct Registers {
    texts: BTreeMap<char, String>,
}

impl Registers {
    /// Tells whether there is a register of that name.
    pub fn has(name: char) -> bool {
        name.is_ascii_alphabetic() || matches!(name, NONE | KEPT | UNNAMED)
    }

    /// Does a command with the register that it names: what is put in comes out of it, and what is
    /// cut goes there as well.
    pub fn with(
        &mut self,
        composer: &mut Composer,
        command: Command,
        run: impl FnOnce(&mut Composer) -> Effect,
    ) -> Effect {
        let named = command.register.filter(|name| *name != UNNAMED);
        let keeps = matches!(command.verb, Verb::Operate('y', _) | Verb::Do('y' | 'Y'));
        let Some(name) = named else {
            let effect = run(composer);
            if keeps && effect == Effect::Kept {
                self.texts.insert(KEPT, composer.killed().to_owned());
            }
            return effect;
        };
        let unnamed = composer.killed().to_owned();
        if matches!(command.verb, Verb::Do('p' | 'P')) {
            let text = self.texts.get(&name.to_ascii_lowercase());
            composer.keep_killed(text.cloned().unwrap_or_default());
            let effect = run(composer);
            // In the place of a selection, that is what was cut last.
            if composer.killed() == text.map_or("", String::as_str) {
                composer.keep_killed(unnamed);
            }
            return effect;
        }
        composer.keep_killed(String::new());
        let effect = run(composer);
        let cut = composer.killed().to_owned();
        if cut.is_empty() || name == NONE {
            composer.keep_killed(unnamed);
        }
        if !cut.is_empty() && name != NONE {
            let text = self.texts.entry(name.to_ascii_lowercase()).or_default();
            // A capital adds to what is there, lines to lines.
            if !name.is_ascii_uppercase() {
                text.clear();
            } else if cut.ends_with('\n') && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&cut);
        }
        effect
    }

    /// Tells whether a command would put in a register in which nothing is.
    pub fn lacks(&self, command: Command) -> Option<char> {
        let puts = matches!(command.verb, Verb::Do('p' | 'P'));
        let name = command.register.filter(|name| puts && *name != UNNAMED)?;
        let there = self.texts.contains_key(&name.to_ascii_lowercase());
        (!there).then_some(name)
    }

    /// Has all texts written anew.
    pub fn rewrite(&mut self, how: impl Fn(&str) -> String) {
        for text in self.texts.values_mut() {
            *text = how(text);
        }
    }
}
