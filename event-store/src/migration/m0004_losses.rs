//! What clients had to give up, by their own account.

pub(super) const UP: &[&str] = &[
    // Every report that was counted, so that one that is sent again is not.
    "CREATE TABLE {loss_reports} (source {text:128} NOT NULL, report {text:128} NOT NULL, received_at {int} NOT NULL,
        PRIMARY KEY (source, report)) {clustered}",
    // Its key is the order in which they are listed.
    "CREATE TABLE {losses} (hour {int} NOT NULL, source {text:128} NOT NULL, reason {text:100} NOT NULL,
        events {int} NOT NULL, PRIMARY KEY (hour, source, reason)) {clustered}",
];
