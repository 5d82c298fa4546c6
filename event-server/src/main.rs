//! The program `event-server`: settings, signals, and the collector between them.

mod cli;

use std::process::ExitCode;

/// Events are allocated by those who receive them and freed by the writer, and the C library's allocator has them wait
/// for each other there: it took a sixth of the time of a request.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` among its settings: after how many milliseconds what was freed goes back to the system.
#[cfg(feature = "mimalloc")]
const PURGE_DELAY: i32 = 15;

fn main() -> ExitCode {
    #[cfg(feature = "mimalloc")]
    give_back();
    cli::run()
}

/// Memory that is freed goes back to the system at once: a body that was large when it was decompressed must not stay,
/// for others come at the same time. Where `MIMALLOC_PURGE_DELAY` is set, that holds.
#[cfg(feature = "mimalloc")]
#[allow(
    unsafe_code,
    reason = "neither the allocator nor the system has another interface for it"
)]
fn give_back() {
    // SAFETY: it sets a number, and nobody else is running yet.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, 0) };
    // Many systems back whatever is large enough by pages of 2 MiB, which stay whole while a byte of them is in use. Where
    // this is refused, memory is all that it costs.
    #[cfg(target_os = "linux")]
    {
        // As wide as the system reads them: it takes any number of arguments, of which none is checked by the compiler.
        const YES: libc::c_ulong = 1;
        const NONE: libc::c_ulong = 0;
        // SAFETY: it takes numbers, and touches no memory of ours.
        let _ = unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, YES, NONE, NONE, NONE) };
    }
}
