//! The tags that models put around what they think.

/// Tags around a thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThinkingTags {
    /// The tag that begins a thought.
    pub open: &'static str,
    /// The tag that ends a thought.
    pub close: &'static str,
}

/// The tags that published models use: Qwen, DeepSeek, SmolLM and most others; Mistral; Command;
/// Seed; Apertus; MiniMax; Gemma 4.
pub const TAGS: [ThinkingTags; 7] = [
    tags("<think>", "</think>"),
    tags("[THINK]", "[/THINK]"),
    tags("<|START_THINKING|>", "<|END_THINKING|>"),
    tags("<seed:think>", "</seed:think>"),
    tags("<|inner_prefix|>", "<|inner_suffix|>"),
    tags("<mm:think>", "</mm:think>"),
    tags("<|channel>thought", "<channel|>"),
];

const fn tags(open: &'static str, close: &'static str) -> ThinkingTags {
    ThinkingTags { open, close }
}

impl ThinkingTags {
    /// Finds the tags that a template's source names, if it names any.
    pub(super) fn of(source: &str) -> Option<Self> {
        TAGS.into_iter()
            .find(|tags| source.contains(tags.close) || source.contains(tags.open))
    }

    /// Returns the text behind the opening tag, where a text ends inside a thought.
    pub(super) fn opened(self, text: &str) -> Option<&str> {
        let at = text.rfind(self.open)?;
        let behind = text.get(at + self.open.len()..)?;
        (!behind.contains(self.close)).then_some(behind)
    }
}
