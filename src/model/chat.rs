//! The chat template of a GGUF, rendered.
