//! Bodies, smaller.

use bytes::Bytes;

/// How bodies go out. A collector that does not read it is sent plain ones from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    #[cfg_attr(not(feature = "gzip"), default)]
    None,
    /// gzip, at its fastest.
    #[cfg(feature = "gzip")]
    #[default]
    Gzip,
    /// zstd, at level 1.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Smaller bodies fit into a packet as they are.
#[cfg(any(feature = "gzip", feature = "zstd"))]
const WORTH_IT: usize = 1024;

impl Compression {
    /// The body to send, and the encoding to name.
    pub(crate) fn apply(self, body: &[u8]) -> (Bytes, Option<&'static str>) {
        let smaller: Option<(Vec<u8>, &str)> = match self {
            Compression::None => None,
            #[cfg(feature = "gzip")]
            Compression::Gzip if body.len() >= WORTH_IT => gzip(body).map(|smaller| (smaller, "gzip")),
            #[cfg(feature = "zstd")]
            Compression::Zstd if body.len() >= WORTH_IT => zstd(body).map(|smaller| (smaller, "zstd")),
            #[cfg(any(feature = "gzip", feature = "zstd"))]
            _ => None,
        };
        match smaller {
            Some((smaller, encoding)) => (smaller.into(), Some(encoding)),
            None => (Bytes::copy_from_slice(body), None),
        }
    }
}

/// Writing to memory does not fail; if it did, the body would go out as it is.
#[cfg(feature = "gzip")]
fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;
    let mut writer = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
    writer.write_all(body).ok()?;
    writer.finish().ok()
}

#[cfg(feature = "zstd")]
fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::compress(body, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_stay_as_they_are() {
        assert_eq!(
            Compression::default().apply(b"{}\n"),
            (Bytes::from_static(b"{}\n"), None)
        );
        assert_eq!(Compression::None.apply(&[b'x'; 4096]).1, None);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn gzip_comes_back() {
        use std::io::Read as _;
        let body = b"{\"name\":\"pageview\"}\n".repeat(100);
        let (smaller, encoding) = Compression::Gzip.apply(&body);
        assert!(encoding == Some("gzip") && smaller.len() < body.len() / 5);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&smaller[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, body);
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstd_comes_back() {
        let body = b"{\"name\":\"pageview\"}\n".repeat(100);
        let (smaller, encoding) = Compression::Zstd.apply(&body);
        assert!(encoding == Some("zstd") && smaller.len() < body.len() / 5);
        assert_eq!(zstd::bulk::decompress(&smaller, 10_000).unwrap(), body);
    }
}
