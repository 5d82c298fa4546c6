#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| event_fuzz::run("mapping", bytes));
