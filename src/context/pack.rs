//! Fitting excerpts into a budget and writing them out for the prompt.
