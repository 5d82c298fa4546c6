//! A way to a database that can be cut, and is there again later.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes on what comes, both ways, while it is open.
pub(crate) struct Relay {
    address: SocketAddr,
    way: Arc<Way>,
}

struct Way {
    to: String,
    open: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    pub(crate) fn open(to: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let way = Arc::new(Way {
            to: to.to_owned(),
            open: AtomicBool::new(true),
            streams: Mutex::default(),
        });
        let (address, of) = (listener.local_addr().unwrap(), Arc::clone(&way));
        // As long as the test runs.
        thread::spawn(move || {
            for stream in listener.incoming() {
                // What is not taken is closed.
                let _ = of.pass(stream.unwrap());
            }
        });
        Relay { address, way }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and takes none. Answers how many there were.
    pub(crate) fn cut(&self) -> usize {
        let mut streams = self.way.streams.lock().unwrap();
        self.way.open.store(false, Ordering::Release);
        let ends = streams.drain(..);
        ends.filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count() / 2
    }

    pub(crate) fn mend(&self) {
        self.way.open.store(true, Ordering::Release);
    }
}

impl Way {
    fn pass(&self, here: TcpStream) -> io::Result<()> {
        let mut streams = self.streams.lock().unwrap();
        if !self.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let there = TcpStream::connect(&self.to)?;
        for (from, to) in [(&here, &there), (&there, &here)] {
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            from.set_nodelay(true)?;
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
            });
        }
        streams.extend([here, there]);
        Ok(())
    }
}
