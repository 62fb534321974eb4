//! The settings of a model's card: how tokens are sampled for a direct answer and after thinking,
//! and how long a model may think.

use super::Sampling;
use crate::model::gguf::Header;
use crate::model::sample::Settings;

/// The settings of one model. A setting that is left open is taken from the file, else the usual
/// value stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationDefaults {
    /// The sampling of direct answers.
    pub direct: Sampling,
    /// The sampling of answers after thinking.
    pub thinking: Sampling,
    /// Most tokens of a thought; 0 for no limit, none for the usual one.
    pub thinking_limit: Option<usize>,
    /// True if the model changes texts by writing parts of them anew, and not by quoting the text
    /// to be replaced first.
    pub rewrites: bool,
}

impl GenerationDefaults {
    /// Fills open settings with those that the file itself recommends (`general.sampling.*`).
    pub(super) fn or_from(mut self, header: &Header) -> Self {
        let number = |key: &str| {
            let key = format!("general.sampling.{key}");
            let number = header.metadata.get(&key)?.as_f64()?;
            (number.is_finite() && number >= 0.0).then_some(number as f32)
        };
        for sampling in [&mut self.direct, &mut self.thinking] {
            let open = &mut sampling.temperature;
            *open = open.or_else(|| number("temp"));
            let open = &mut sampling.top_k;
            *open = open.or_else(|| number("top_k").map(|n| n as u32));
            let open = &mut sampling.top_p;
            *open = open.or_else(|| number("top_p"));
            let open = &mut sampling.min_p;
            *open = open.or_else(|| number("min_p"));
            let open = &mut sampling.repetition_penalty;
            *open = open.or_else(|| number("penalty_repeat"));
        }
        self
    }

    /// Returns complete settings: those asked for, else the card's for this mode, else the usual
    /// ones.
    pub(super) fn settings(&self, asked: &Sampling, thinking: bool) -> Settings {
        let card = if thinking {
            &self.thinking
        } else {
            &self.direct
        };
        Settings {
            temperature: asked.temperature.or(card.temperature).unwrap_or(0.7),
            top_k: asked.top_k.or(card.top_k).unwrap_or(40) as usize,
            top_p: asked.top_p.or(card.top_p).unwrap_or(0.95),
            min_p: asked.min_p.or(card.min_p).unwrap_or(0.0),
            presence_penalty: asked
                .presence_penalty
                .or(card.presence_penalty)
                .unwrap_or(0.0),
            repetition_penalty: asked
                .repetition_penalty
                .or(card.repetition_penalty)
                .unwrap_or(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gguf::Value;

    fn sampling(temperature: f32) -> Sampling {
        Sampling {
            temperature: Some(temperature),
            ..Sampling::default()
        }
    }

    #[test]
    fn each_mode_has_its_settings_and_what_is_asked_for_wins() {
        let card = GenerationDefaults {
            direct: sampling(0.1),
            thinking: sampling(0.2),
            ..GenerationDefaults::default()
        };
        let of = |asked: &Sampling, thinking| card.settings(asked, thinking).temperature;
        let open = Sampling::default();
        assert!((of(&open, false), of(&open, true)) == (0.1, 0.2));
        assert!((of(&sampling(0.0), false), of(&sampling(0.0), true)) == (0.0, 0.0));
    }

    #[test]
    fn the_file_fills_what_the_card_leaves_open() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/tokenizer/crossing.gguf"
        );
        let mut header = Header::read(std::path::Path::new(file)).expect("the fixture");
        for (key, value) in [
            ("temp", Value::Float(0.25)),
            ("top_k", Value::Unsigned(7)),
            ("penalty_repeat", Value::Float(1.05)),
            ("min_p", Value::Float(f64::NAN)),
        ] {
            let key = format!("general.sampling.{key}");
            header.metadata.insert(key, value);
        }
        let card = GenerationDefaults {
            thinking: sampling(0.6),
            ..GenerationDefaults::default()
        };
        let card = card.or_from(&header);
        let direct = card.settings(&Sampling::default(), false);
        assert!((direct.temperature, direct.top_k) == (0.25, 7));
        assert!((direct.repetition_penalty, direct.min_p) == (1.05, 0.0));
        let thinking = card.settings(&Sampling::default(), true);
        assert!((thinking.temperature, thinking.top_k) == (0.6, 7));
    }
}
