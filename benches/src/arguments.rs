//! What stands on the command line of a bench.

/// Names and their values, in pairs; `--bench`, which comes from cargo, is none of them.
///
/// # Errors
/// If the last name has no value.
pub fn arguments() -> impl Iterator<Item = Result<(String, String), String>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    std::iter::from_fn(move || {
        let name = arguments.next()?;
        Some(match arguments.next() {
            Some(value) => Ok((name, value)),
            None => Err(format!("{name} has no value")),
        })
    })
}
