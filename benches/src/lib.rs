//! What the benches share: events to work on, and a fair way to compare.

pub mod arguments;
pub mod events;
pub mod load;
pub mod machine;
pub mod orders;
pub mod rounds;
pub mod results;
