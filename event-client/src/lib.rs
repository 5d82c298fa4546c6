//! Sends application events to a collector.
