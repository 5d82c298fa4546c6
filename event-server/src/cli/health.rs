//! `event-server health`: is the collector ready? For supervisors where nothing else speaks HTTP.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use event_server::config::{Flags, Settings};

use super::{FAILED, Outcome, fail};

/// So long all of it may take: behind a crowd that is turned away it takes seconds. Supervisors are told to wait for ten.
const PATIENCE: Duration = Duration::from_secs(9);
/// More of an answer is not read.
const MOST: usize = 64 * 1024;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

const AFTER_HELP: &str = "\
Ends with 0 if it is ready, 1 if it is not or does not answer, 2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let address = reachable(settings.listen);
        let answer = match tokio::task::spawn_blocking(move || ask(address)).await? {
            Ok(answer) => answer,
            Err(error) => return Ok(fail(&format!("{address} does not answer: {error}"), FAILED)),
        };
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        writeln!(io::stdout(), "{}", body.trim_end())?;
        let ready = head.starts_with("HTTP/1.1 200 ");
        Ok(if ready {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAILED)
        })
    }
}

/// Where to reach from here what listens on all addresses.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}

/// One request, after which the other side hangs up.
fn ask(address: SocketAddr) -> io::Result<String> {
    let started = Instant::now();
    let left = || {
        let left = PATIENCE.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
        left.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        stream.set_read_timeout(Some(left()?))?;
        let bytes = match stream.read(&mut part) {
            Ok(0) => break,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        };
        answer.extend_from_slice(&part[..bytes]);
        if answer.len() > MOST {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_reached_by_that_of_this_machine() {
        for (listen, reached) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:80", "[::1]:80"),
            ("192.168.0.1:80", "192.168.0.1:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
