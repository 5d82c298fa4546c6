//! Memory for bodies, which goes back to the system when they are gone.

/// More than 32 MiB are given back as soon as they are freed; of less, glibc lets each thread that
/// once had it keep as much as was filled. What stays empty costs nothing.
const LARGE: usize = 33 << 20;
/// What has no more than this may stay with its thread.
const LITTLE: usize = 1 << 20;

/// Memory for at the most so many bytes, as far as anybody knows; it grows if there are more.
pub(super) fn room(most: usize) -> Vec<u8> {
    Vec::with_capacity(if most <= LITTLE { most } else { LARGE })
}
