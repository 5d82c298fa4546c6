//! Files out of the ZIP archive in which Swagger UI comes.

/// A file as it lies in the archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    /// Its bytes, deflated.
    pub(super) deflated: &'static [u8],
    /// The checksum of what they become.
    pub(super) crc: u32,
    /// How many bytes they become, modulo 2³².
    pub(super) size: u32,
}

const END: u32 = 0x0605_4b50;
const ENTRY: u32 = 0x0201_4b50;
const DEFLATED: u16 = 8;

/// Finds the file whose path ends like this.
pub(super) fn find(archive: &'static [u8], ending: &str) -> Option<Packed> {
    let end = (0..=archive.len().checked_sub(22)?)
        .rev()
        .find(|at| long(archive, *at) == Some(END))?;
    let mut at = place(archive, end + 16)?;
    for _ in 0..short(archive, end + 10)? {
        if long(archive, at)? != ENTRY {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|offset| short(archive, at + offset).map(usize::from));
        let (start, name) = (at + 46, name?);
        let path = archive.get(start..start + name)?;
        if path.ends_with(ending.as_bytes()) && short(archive, at + 10)? == DEFLATED {
            let (crc, packed, size) = (
                long(archive, at + 16)?,
                place(archive, at + 20)?,
                long(archive, at + 24)?,
            );
            let local = place(archive, at + 42)?;
            let head = 30 + usize::from(short(archive, local + 26)?) + usize::from(short(archive, local + 28)?);
            let deflated = archive.get(local + head..local + head + packed)?;
            return Some(Packed { deflated, crc, size });
        }
        at = start + name + extra? + comment?;
    }
    None
}

impl Packed {
    /// The same as a file of gzip, as browsers take it.
    pub(super) fn gzip(&self) -> Vec<u8> {
        let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        [&head, self.deflated, &self.crc.to_le_bytes(), &self.size.to_le_bytes()].concat()
    }
}

fn short(archive: &[u8], at: usize) -> Option<u16> {
    let bytes = archive.get(at..at + 2)?;
    bytes.try_into().ok().map(u16::from_le_bytes)
}

fn long(archive: &[u8], at: usize) -> Option<u32> {
    let bytes = archive.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

fn place(archive: &[u8], at: usize) -> Option<usize> {
    usize::try_from(long(archive, at)?).ok()
}
