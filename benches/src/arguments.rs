//! What stands on the command line of every bench; a bench adds what is its own.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;

/// How often to measure, and where to write what was measured.
#[derive(Clone, Debug, clap::Args)]
pub struct Run {
    /// Rounds in turn, behind one that warms up and does not count.
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub rounds: usize,
    /// What is to be said of the machine, say that it was busy.
    #[arg(long, default_value = "nothing was said of what else ran")]
    pub remark: String,
    /// The file to write what was measured to.
    #[arg(long)]
    pub results: Option<PathBuf>,
    /// The line to type for the same, as `cargo xtask bench` was given it.
    #[arg(long, default_value = "cargo bench --package event-benches")]
    pub command: String,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Whether a part is asked for: the one that is named, or all of them.
pub fn wants<P: PartialEq>(only: Option<P>, part: P) -> bool {
    only.is_none_or(|only| only == part)
}

#[cfg(test)]
mod tests {
    use super::{Run, wants};
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Options {
        #[command(flatten)]
        run: Run,
        #[arg(long, default_value_t = 7)]
        rows: usize,
    }

    fn read(words: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["bench"], words].concat())
    }

    #[test]
    fn five_rounds_unless_told_otherwise() {
        let options = read(&["--bench"]).unwrap();
        assert_eq!((options.run.rounds, options.rows, options.run.results), (5, 7, None));
        let options = read(&["--rounds", "3", "--rows", "9", "--results", "out.md", "--bench"]).unwrap();
        assert_eq!((options.run.rounds, options.rows), (3, 9));
        assert_eq!(options.run.results.as_deref(), Some("out.md".as_ref()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [&["--rounds", "0"][..], &["--rounds"], &["--colour", "red"], &["rows"]] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_part_is_wanted_alone_or_with_all() {
        assert!(wants(None, 1) && wants(Some(1), 1) && !wants(Some(2), 1));
    }
}
