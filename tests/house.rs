//! The floors and fences of the design, read from the sources themselves.
