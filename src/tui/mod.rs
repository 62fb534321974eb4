//! Floor 6: the terminal. ratatui and crossterm live here and nowhere else.
//!
//! Law: one ring, one direction: Event → State → Command → worker → Event. What is drawn
//! depends on State, the theme and the size alone. Nothing reaches the terminal that has not
//! passed through `base::text::printable`.
