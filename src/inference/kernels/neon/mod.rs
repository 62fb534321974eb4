//! Products by NEON.
//!
//! Law: as in `kernels`; how many tokens are taken at once changes no bit of what one gets.

pub(in crate::kernels) mod panels;
pub(in crate::kernels) mod rows;
