//! Reading the header of a GGUF file.
