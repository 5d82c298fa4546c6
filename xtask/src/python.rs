//! The Python that the tests of event-py run in.

mod interpreter;
mod environment;

pub(crate) use environment::Environment;
pub(crate) use interpreter::Interpreter;
