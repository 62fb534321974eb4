//! How much memory this process may still take.

/// Bytes free for us: the smaller of what the system calls available and what is left
/// under the control group's limit.
pub fn available() -> u64 {
    0
}

/// Peak resident memory of this process in bytes, where the platform tells.
pub fn peak_resident() -> Option<u64> {
    None
}

/// Resident memory of this process now, where the platform tells.
pub fn resident() -> Option<u64> {
    None
}
