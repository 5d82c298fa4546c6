//! A body as it was before it was compressed.

use std::io::{self, Read};

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::room::room;
use crate::reply::{Failure, Reason};

/// The greatest window of a zstd frame, 8 MiB: what RFC 9659 allows in HTTP, and memory of ours.
const WINDOW_LOG: u32 = 23;
/// No byte of deflate becomes more than this; where one of zstd does, the memory grows as it is needed.
const GREATEST_RATIO: usize = 1032;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// RFC 1952: one member or several.
    Gzip,
    /// RFC 8878: one frame or several.
    Zstd,
    /// RFC 1950, as RFC 9110 has it: what some call deflate without these two bytes before it is something else.
    Deflate,
}

/// Why a compressed body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecoded {
    /// There is more in it than may be.
    TooLarge,
    /// It is cut off, damaged, something else, or something else follows.
    Broken,
}

impl Encoding {
    /// The one that a request's headers name; `None` for a body as it is.
    ///
    /// # Errors
    /// If they name another, or more than one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let name = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value.as_bytes().to_ascii_lowercase(),
            _ => Vec::new(),
        };
        match name.as_slice() {
            b"identity" => Ok(None),
            // The second is what RFC 9110 asks to be taken for the first.
            b"gzip" | b"x-gzip" => Ok(Some(Encoding::Gzip)),
            b"zstd" => Ok(Some(Encoding::Zstd)),
            b"deflate" => Ok(Some(Encoding::Deflate)),
            _ => {
                let detail = "a body is compressed once, by gzip, zstd or deflate, or not at all";
                Err(Failure::new(Reason::UnsupportedContentEncoding, detail))
            }
        }
    }

    /// What was compressed, if it is no more than `limit` bytes. What is beyond is not made, and a
    /// body that holds nothing costs no more than to read it.
    ///
    /// # Errors
    /// If there is more in it, or it is not whole.
    pub(super) fn decode(self, wire: &[u8], limit: usize) -> Result<Vec<u8>, Undecoded> {
        let broken = |_: io::Error| Undecoded::Broken;
        match self {
            Encoding::Gzip => read(&mut MultiGzDecoder::new(wire), wire, limit),
            Encoding::Deflate => {
                let mut decoder = ZlibDecoder::new(wire);
                let bytes = read(&mut decoder, wire, limit)?;
                // It has one part, and whatever follows it goes unread.
                let whole = decoder.into_inner().is_empty() && !wire.is_empty();
                whole.then_some(bytes).ok_or(Undecoded::Broken)
            }
            Encoding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(wire).map_err(broken)?;
                decoder.window_log_max(WINDOW_LOG).map_err(broken)?;
                read(&mut decoder, wire, limit)
            }
        }
    }
}

fn read(decoder: &mut impl Read, wire: &[u8], limit: usize) -> Result<Vec<u8>, Undecoded> {
    let mut bytes = room(wire.len().saturating_mul(GREATEST_RATIO));
    // One byte more tells what ends at the limit from what goes on.
    match decoder.take((limit as u64).saturating_add(1)).read_to_end(&mut bytes) {
        Ok(read) if read > limit => Err(Undecoded::TooLarge),
        Ok(_) => Ok(bytes),
        Err(_) => Err(Undecoded::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse as _;
    use std::io::Write as _;

    const LIMIT: usize = 1 << 20;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    type Compress = fn(&[u8]) -> Vec<u8>;

    /// Those of which several parts may follow each other.
    fn both() -> [(Encoding, Compress); 2] {
        [(Encoding::Gzip, gzip), (Encoding::Zstd, zstd)]
    }

    fn all() -> impl Iterator<Item = (Encoding, Compress)> {
        both().into_iter().chain([(Encoding::Deflate, deflate as Compress)])
    }

    fn named(values: &[&'static str]) -> Result<Option<Encoding>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        Encoding::of(&headers).map_err(|failure| failure.into_response().status().as_u16())
    }

    #[test]
    fn encodings_are_told_apart() {
        for (name, encoding) in [
            ("Identity", None),
            ("gzip", Some(Encoding::Gzip)),
            ("X-GZIP", Some(Encoding::Gzip)),
            ("Zstd", Some(Encoding::Zstd)),
            ("deflate", Some(Encoding::Deflate)),
        ] {
            assert_eq!(named(&[name]), Ok(encoding), "{name}");
        }
        assert_eq!(named(&[]), Ok(None));
        for refused in [
            "",
            "br",
            "deflate, gzip",
            "compress",
            "gzip, gzip",
            "identity, gzip",
            "x-foo",
            "gzip;q=1",
            "*",
        ] {
            assert_eq!(named(&[refused]), Err(415), "{refused}");
        }
        assert_eq!(named(&["gzip", "gzip"]), Err(415));
        assert_eq!(named(&["identity", "identity"]), Err(415));
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for (encoding, compress) in all() {
            for text in [b"".as_slice(), b"[]", &[b'x'; LIMIT], b"\x1f\x8b\x08"] {
                assert_eq!(
                    encoding.decode(&compress(text), LIMIT),
                    Ok(text.to_vec()),
                    "{encoding:?}"
                );
            }
            let parts = [compress(b"[1,"), compress(b""), compress(b"2]")].concat();
            let expected = match encoding {
                Encoding::Deflate => Err(Undecoded::Broken),
                _ => Ok(b"[1,2]".to_vec()),
            };
            assert_eq!(encoding.decode(&parts, LIMIT), expected, "{encoding:?}");
        }
    }

    #[test]
    fn what_is_not_whole_is_refused_wherever_it_ends() {
        for (encoding, compress) in all() {
            let whole = compress(b"[{\"category\":\"c\",\"name\":\"n\"}]");
            assert!(encoding.decode(&whole, LIMIT).is_ok());
            for length in 0..whole.len() {
                let cut = &whole[..length];
                assert_eq!(
                    encoding.decode(cut, LIMIT),
                    Err(Undecoded::Broken),
                    "{encoding:?} of {length} bytes"
                );
                if length > 0 {
                    let second = [&whole[..], cut].concat();
                    assert_eq!(
                        encoding.decode(&second, LIMIT),
                        Err(Undecoded::Broken),
                        "{encoding:?} + {length}"
                    );
                }
            }
            for more in [b"\0".as_slice(), b"x", b"\0\0\0\0\0\0\0\0", b"[]"] {
                let followed = [&whole[..], more].concat();
                assert_eq!(
                    encoding.decode(&followed, LIMIT),
                    Err(Undecoded::Broken),
                    "{encoding:?} {more:?}"
                );
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_noticed() {
        for (encoding, compress) in all() {
            let mut whole = compress(b"[]");
            // Of gzip the length stands behind it.
            let at = whole.len() - if encoding == Encoding::Gzip { 5 } else { 1 };
            whole[at] ^= 1;
            assert_eq!(encoding.decode(&whole, LIMIT), Err(Undecoded::Broken), "{encoding:?}");
        }
    }

    #[test]
    fn a_limit_is_a_limit_however_it_is_passed() {
        for (encoding, compress) in all() {
            let one_more = compress(&vec![b' '; LIMIT + 1]);
            assert_eq!(
                encoding.decode(&one_more, LIMIT),
                Err(Undecoded::TooLarge),
                "{encoding:?}"
            );
            assert_eq!(
                encoding.decode(&one_more, LIMIT + 1).map(|bytes| bytes.len()),
                Ok(LIMIT + 1)
            );
            let parts = compress(&vec![b' '; LIMIT]).repeat(100);
            let expected = match encoding {
                // What follows its one part is not looked at any further.
                Encoding::Deflate => Undecoded::Broken,
                _ => Undecoded::TooLarge,
            };
            assert_eq!(encoding.decode(&parts, LIMIT), Err(expected), "{encoding:?}");
            assert_eq!(encoding.decode(&compress(b""), 0), Ok(Vec::new()));
            assert_eq!(encoding.decode(&compress(b"[]"), usize::MAX), Ok(b"[]".to_vec()));
            // What goes wrong behind the limit is never read.
            let cut = &one_more[..one_more.len() - 1];
            assert_eq!(
                encoding.decode(cut, LIMIT / 2),
                Err(Undecoded::TooLarge),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn parts_that_hold_nothing_are_read_once() {
        for (encoding, compress) in both() {
            let nothing = compress(b"").repeat(50_000);
            assert_eq!(encoding.decode(&nothing, LIMIT), Ok(Vec::new()), "{encoding:?}");
        }
    }

    #[test]
    fn a_window_beyond_what_http_allows_is_refused() {
        let compress = |window_log| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(window_log).unwrap();
            encoder.write_all(b"[]").unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(Encoding::Zstd.decode(&compress(WINDOW_LOG), LIMIT), Ok(b"[]".to_vec()));
        assert_eq!(
            Encoding::Zstd.decode(&compress(WINDOW_LOG + 1), LIMIT),
            Err(Undecoded::Broken)
        );
    }
}
