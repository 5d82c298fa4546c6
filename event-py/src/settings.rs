//! Keyword arguments → the settings of a client.

use std::path::PathBuf;
use std::time::Duration;

use event_client::{ClientBuilder, Compression, Fsync, PlainHttp, Proxy, SpoolOptions};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use crate::error;
use crate::registry::Registry;

/// What becomes of an event for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFull {
    /// `track` answers `False`.
    Drop,
    /// `track` raises `QueueFullError`.
    Raise,
}

/// What is set here, and not in the client of Rust.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) on_full: OnFull,
    /// How long the end of the program waits for the client.
    pub(crate) exit_timeout: Duration,
    /// Whether events are written to disk by the thread that tracks them.
    pub(crate) spools: bool,
}

/// The keyword arguments of a client that are all optional.
pub(crate) fn apply(
    mut builder: ClientBuilder,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<(ClientBuilder, Manner)> {
    let mut manner = Manner {
        on_full: OnFull::Drop,
        exit_timeout: Duration::from_secs(2),
        spools: false,
    };
    let mut spool = Spool::default();
    for (name, value) in settings.into_iter().flatten() {
        let name: String = name.extract()?;
        if value.is_none() {
            // As if it were not given.
            continue;
        }
        let given = Given { name: &name, value };
        builder = match name.as_str() {
            "queue_events" => builder.queue_events(given.read()?),
            "queue_bytes" => builder.queue_bytes(given.read()?),
            "batch_events" => builder.batch_events(given.read()?),
            "batch_bytes" => builder.batch_bytes(given.read()?),
            "linger" => builder.linger(given.seconds()?),
            "backoff" => {
                let (first, longest): (f64, f64) = given.read()?;
                builder.backoff(given.duration(first)?, given.duration(longest)?)
            }
            "pause" => builder.pause(given.seconds()?),
            "report_every" => builder.report_every(given.seconds()?),
            "send_timeout" => builder.send_timeout(given.seconds()?),
            "connect_timeout" => builder.connect_timeout(given.seconds()?),
            "request_timeout" => builder.request_timeout(given.seconds()?),
            "fetch_schemas" => builder.fetch_schemas(given.seconds()?),
            "registry" => {
                let registry = given
                    .value
                    .cast::<Registry>()
                    .map_err(|_| given.wrong("this is an event_py.Registry"))?;
                builder.registry(registry.get().rules())
            }
            "compression" => {
                builder.compression(given.one_of([("gzip", Compression::Gzip), ("none", Compression::None)])?)
            }
            "plain_http" => builder.plain_http(if given.read()? {
                PlainHttp::Allowed
            } else {
                PlainHttp::OnlyLoopback
            }),
            "proxy" => builder.proxy(Proxy::Url(given.read()?)),
            "on_full" => {
                manner.on_full = given.one_of([("drop", OnFull::Drop), ("raise", OnFull::Raise)])?;
                builder
            }
            "exit_timeout" => {
                manner.exit_timeout = given.seconds()?;
                builder
            }
            "spool" => {
                spool.directory = given.read()?;
                builder
            }
            "spool_bytes" => {
                spool.bytes = Some(given.read()?);
                builder
            }
            "spool_age" => {
                spool.age = Some(given.seconds()?);
                builder
            }
            "fsync" => {
                spool.fsync = Some(given.fsync()?);
                builder
            }
            _ => return Err(PyTypeError::new_err(format!("a client has no setting {name:?}"))),
        };
    }
    manner.spools = spool.directory.is_some();
    Ok((spool.apply(builder), manner))
}

#[derive(Default)]
struct Spool {
    directory: Option<PathBuf>,
    bytes: Option<u64>,
    age: Option<Duration>,
    fsync: Option<Fsync>,
}

impl Spool {
    fn apply(self, builder: ClientBuilder) -> ClientBuilder {
        let Some(directory) = self.directory else {
            return builder;
        };
        let mut options = SpoolOptions::new(directory);
        options = self.bytes.into_iter().fold(options, SpoolOptions::bytes);
        options = self.age.into_iter().fold(options, SpoolOptions::age);
        options = self.fsync.into_iter().fold(options, SpoolOptions::fsync);
        builder.spool(options)
    }
}

/// One keyword argument.
struct Given<'a, 'py> {
    name: &'a str,
    value: Bound<'py, PyAny>,
}

impl<'py> Given<'_, 'py> {
    fn wrong(&self, message: &str) -> PyErr {
        error::bad_setting(self.value.py(), format!("{}: {message}", self.name))
    }

    fn read<T>(&self) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        self.value
            .extract()
            .map_err(|error: <T as FromPyObject<'_, 'py>>::Error| {
                let error: PyErr = error.into();
                self.wrong(&error.value(self.value.py()).to_string())
            })
    }

    fn duration(&self, seconds: f64) -> PyResult<Duration> {
        Duration::try_from_secs_f64(seconds).map_err(|_| self.wrong("this is a number of seconds, from 0"))
    }

    fn seconds(&self) -> PyResult<Duration> {
        self.duration(self.read()?)
    }

    fn one_of<T: Copy, const N: usize>(&self, choices: [(&str, T); N]) -> PyResult<T> {
        let asked: String = self.read()?;
        let found = choices.iter().find(|(name, _)| *name == asked);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            self.wrong(&format!("this is {}", names.join(" or ")))
        })
    }

    fn fsync(&self) -> PyResult<Fsync> {
        match self.value.extract::<f64>() {
            Ok(_) if self.value.is_instance_of::<PyBool>() => {
                Err(self.wrong("this is \"always\", \"never\" or a number of seconds"))
            }
            Ok(seconds) => self.duration(seconds).map(Fsync::Every),
            Err(_) => self.one_of([("always", Fsync::Always), ("never", Fsync::Never)]),
        }
    }
}
