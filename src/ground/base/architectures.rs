//! The names of architectures (`general.architecture` of a GGUF file): what the catalog shows and
//! what the engine runs are the same by this list.

/// Architectures of the models that write.
pub const WRITING: [&str; 9] = [
    "llama", "qwen2", "qwen3", "qwen35", "gemma3", "phi3", "glm4", "phi2", "lfm2",
];

/// The architecture of the models that turn texts into vectors.
pub const EMBEDDING: &str = "bert";
