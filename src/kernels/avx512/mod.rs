//! Products by AVX-512 with VNNI.
//!
//! Law: each gives the sums that the plain code gives, up to the order of addition.

pub(in crate::kernels) mod panels;
pub(in crate::kernels) mod rows;
