//! A client in a process that was forked from the one it was built in.

use std::sync::Arc;

use crate::backlog::Backlog;
use crate::shared::{Shared, Waiting};
use crate::transport::{Exchange, Opening, Request, Transport, TransportError};

/// What the child uses instead of what it inherited: a queue that is empty, as the parent will send
/// what it holds, and connections of its own.
pub(crate) fn renew(inherited: &Shared) -> Shared {
    let settings = Arc::clone(&inherited.settings);
    let transport = (settings.connect)().unwrap_or_else(|error| Arc::new(Broken(error)));
    #[cfg_attr(not(feature = "spool"), allow(unused_mut))]
    let mut backlog = Backlog::new(settings.tuning.bounds);
    let waiting = Waiting {
        #[cfg(feature = "spool")]
        disk: crate::disk::Disk::open_child(&settings, &inherited.disk, &mut backlog),
        backlog,
    };
    Shared::new(settings, transport, inherited.key(), waiting)
}

/// A network that could not be set up again: events wait, and whoever asks learns why.
struct Broken(TransportError);

impl Transport for Broken {
    fn exchange(&self, _: Request) -> Exchange<'_> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
    fn open(&self, _: Request) -> Opening<'_> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}
