//! `event-server openapi`: what the routes take and answer.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_server::openapi::document;

use super::{FAILED, fail};

pub(super) fn run() -> ExitCode {
    let written = document().to_pretty_json().map_err(io::Error::other);
    match written.and_then(|text| writeln!(io::stdout(), "{text}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}
