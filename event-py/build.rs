//! A library that Python loads finds Python's own functions when it is loaded: macOS has to be told.

fn main() {
    // Whether this Python has threads that run at once, for one.
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
}
