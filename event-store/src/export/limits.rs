//! What an export to a folder may use of the machine.

/// What an export to a folder may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetOptions {
    /// Bytes of events that wait for their files, about; 64 MiB by default. More make fewer files where events come in
    /// no order of time.
    pub memory: usize,
    /// Files that are open at a time; 32 by default.
    pub open_files: usize,
    /// After so many events all files are ended and the folder says how far it has come: a run that is killed
    /// repeats at the most these. A million by default.
    pub checkpoint: u64,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        ParquetOptions {
            memory: 64 * 1024 * 1024,
            open_files: 32,
            checkpoint: 1_000_000,
        }
    }
}
