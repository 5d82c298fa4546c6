//! The program `event-server`: settings, signals, and the collector between them.

mod cli;

use std::process::ExitCode;

/// Events are allocated by those who receive them and freed by the writer, and the C library's allocator has them wait
/// for each other there: it took a sixth of the time of a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
