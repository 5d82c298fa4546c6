//! What feeds the log over a network from elsewhere.

pub mod kurrent;
