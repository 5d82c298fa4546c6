//! The program `event-server`: settings, signals, and the collector between them.

mod cli;

use std::process::ExitCode;

/// Events are allocated by those who receive them and freed by the writer, and the C library's allocator has them wait
/// for each other there: it took a sixth of the time of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` among its settings: after how many milliseconds what was freed goes back to the system.
const PURGE_DELAY: i32 = 15;

fn main() -> ExitCode {
    // At once. A body that was large when it was decompressed must not stay in memory, for others come at the same time.
    // SAFETY: it sets a number, and nobody else is running yet.
    #[allow(unsafe_code, reason = "the allocator has no other interface for it")]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
    cli::run()
}
