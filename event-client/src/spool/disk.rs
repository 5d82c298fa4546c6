//! Everything that a spool changes on disk, so that tests can let each of it fail.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

#[cfg(test)]
use faults::{Op, check, refuse};

/// What the names of files end with that were put aside.
pub(crate) const ASIDE: &str = ".unreadable";

/// To open files that only their owner may read, where they are made.
pub(crate) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_directory() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes a directory that only its owner may look into, and those above it; one that is there stays as it is.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    private_directory().recursive(true).create(path)
}

/// Makes a directory that only its owner may look into, and that must not exist yet.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    private_directory().create(path)
}

/// Makes a file that must not exist yet.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    #[cfg(test)]
    check(Op::Create)?;
    private().write(true).create_new(true).open(path)
}

/// Opens a file to read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    #[cfg(test)]
    refuse(Op::Open)?;
    File::open(path)
}

/// Opens a segment to write on after its first bytes. Not for appending, which on Windows would forbid [`cut`].
pub(crate) fn open_at(path: &Path, bytes: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(bytes))?;
    Ok(file)
}

/// Writes a record with one call to the operating system, unless that takes only a part.
pub(crate) fn write(mut file: &File, record: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Err(error) = check(Op::Write) {
        let _ = file.write_all(&record[..faults::partial(record.len())]);
        return Err(error);
    }
    file.write_all(record)
}

/// Takes back what stands behind the first bytes, and writes on from there.
pub(crate) fn cut(mut file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Cut)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes)).map(drop)
}

/// Waits until the disk has a file's content.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Fsync)?;
    file.sync_data()
}

/// Waits until the disk has a directory's entries, where the operating system knows of that.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Fsync)?;
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

/// Replaces a small file by way of another one, so that a reader finds the old content or the new, never a half.
pub(crate) fn replace(path: &Path, content: &[u8], synced: bool) -> io::Result<()> {
    let temporary = path.with_extension("new");
    #[cfg(test)]
    check(Op::Create)?;
    let mut file = private().write(true).create(true).truncate(true).open(&temporary)?;
    file.write_all(content)?;
    if synced {
        sync(&file)?;
    }
    drop(file);
    #[cfg(test)]
    check(Op::Rename)?;
    fs::rename(&temporary, path)
}

/// Removes a file; that it was gone before is as good.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Remove)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives a file another name, so that nobody takes it for a segment; that it was gone before is as good.
pub(crate) fn put_aside(path: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Rename)?;
    match fs::rename(path, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a directory and all that is in it, one file last of all: the lock, which keeps others away till then.
pub(crate) fn remove_directory(path: &Path, last: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.path() != last {
            remove_any(&entry.path(), entry.file_type()?.is_dir())?;
        }
    }
    remove(last)?;
    remove_empty(path)
}

fn remove_any(path: &Path, directory: bool) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Remove)?;
    if directory {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Removes a directory if nothing is in it.
pub(crate) fn remove_empty(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    check(Op::Remove)?;
    fs::remove_dir(path)
}

/// Reads a part of a file. Where the file ends early the rest is zeros, which no record consists of.
pub(crate) fn read_at(mut file: &File, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    #[cfg(test)]
    refuse(Op::Read)?;
    file.seek(SeekFrom::Start(at))?;
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => {
                buffer[filled..].fill(0);
                break;
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Lets chosen operations of this thread fail.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::io;

    /// What may fail.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Op {
        Open,
        Read,
        Create,
        Write,
        Cut,
        Fsync,
        Rename,
        Remove,
    }

    #[derive(Default)]
    struct Plan {
        failing: Vec<Op>,
        /// How many operations still succeed before none does: the process is dead from then on.
        alive: Option<u32>,
        /// How much of a failing write reaches the file, in 256ths.
        partial: usize,
    }

    thread_local! {
        static PLAN: RefCell<Plan> = RefCell::default();
    }

    /// From now on these operations fail on this thread.
    pub(crate) fn fail(failing: &[Op], partial: usize) {
        PLAN.with_borrow_mut(|plan| {
            plan.failing = failing.to_vec();
            plan.partial = partial;
        });
    }

    /// After so many more operations every one fails.
    pub(crate) fn die_after(operations: u32, partial: usize) {
        PLAN.with_borrow_mut(|plan| {
            plan.alive = Some(operations);
            plan.partial = partial;
        });
    }

    /// All is well again; says whether it had come to dying.
    pub(crate) fn mend() -> bool {
        PLAN.with_borrow_mut(|plan| std::mem::take(plan).alive == Some(0))
    }

    pub(crate) fn check(op: Op) -> io::Result<()> {
        PLAN.with_borrow_mut(|plan| {
            let dead = plan.alive == Some(0);
            plan.alive = plan.alive.map(|left| left.saturating_sub(1));
            if dead || plan.failing.contains(&op) {
                return Err(io::Error::other(format!("{op:?} fails")));
            }
            Ok(())
        })
    }

    /// What changes nothing on disk fails only where that was asked for, as the operating system would say it: there
    /// are too many open files, and the disk cannot be read.
    pub(crate) fn refuse(op: Op) -> io::Result<()> {
        PLAN.with_borrow(|plan| match op {
            _ if !plan.failing.contains(&op) => Ok(()),
            Op::Open => Err(io::Error::from_raw_os_error(24)),
            _ => Err(io::Error::from_raw_os_error(5)),
        })
    }

    pub(crate) fn partial(of: usize) -> usize {
        PLAN.with_borrow(|plan| of * plan.partial / 256)
    }
}
