//! What the benches share: events to work on, a fair way to compare, and the file that says what came of it.

pub mod arguments;
pub mod chance;
pub mod events;
pub mod load;
pub mod machine;
pub mod orders;
pub mod python;
pub mod backend;
pub mod rounds;
pub mod table;
pub mod goals;
pub mod results;
