//! Floor 5: the screen's truth and how it changes. Pure: (State, Event, now) -> Commands.
//!
//! Law: no thread, no file, no clock, no terminal; time comes in as a number. It knows the
//! message types of jobs, index, repo and patch, and calls nothing of theirs that does work.
