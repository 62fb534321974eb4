//! Code-aware words: identifiers whole and in parts.
