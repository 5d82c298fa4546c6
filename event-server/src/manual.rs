//! The page at `/docs`: all routes, to be read and tried. It is Swagger UI, which is part of this program.

mod archive;

use std::io::Read as _;

use flate2::read::GzDecoder;
use maud::{DOCTYPE, html};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// Swagger UI as it is released.
static ARCHIVE: &[u8] = SWAGGER_UI_VENDORED;

/// A file of the page.
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Whether the bytes are compressed by gzip.
    pub(crate) gzip: bool,
}

/// The page itself. What it loads lies beside it, so that it may be nested anywhere.
pub(crate) fn page() -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "event: all routes" }
                link rel="stylesheet" href="docs/swagger-ui.css";
                link rel="stylesheet" href="docs/page.css";
                link rel="icon" href="data:,";
            }
            body {
                main id="page" {
                    noscript {
                        "This page needs JavaScript. What it shows stands in " a href="openapi.json" { "openapi.json" } "."
                    }
                }
                script src="docs/swagger-ui-bundle.js" {}
                script src="docs/page.js" {}
            }
        }
    };
    page.into_string()
}

/// A file of the page by its name, compressed if the reader takes that.
pub(crate) fn file(name: &str, takes_gzip: bool) -> Option<File> {
    let own = |content_type, text: &str| File {
        content_type,
        bytes: text.as_bytes().to_vec(),
        gzip: false,
    };
    let (content_type, ending) = match name {
        "page.css" => return Some(own("text/css; charset=utf-8", include_str!("manual/page.css"))),
        "page.js" => return Some(own("text/javascript; charset=utf-8", include_str!("manual/page.js"))),
        "swagger-ui.css" => ("text/css; charset=utf-8", "/dist/swagger-ui.css"),
        "swagger-ui-bundle.js" => ("text/javascript; charset=utf-8", "/dist/swagger-ui-bundle.js"),
        _ => return None,
    };
    let mut bytes = archive::find(ARCHIVE, ending)?.gzip();
    if !takes_gzip {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).ok()?;
        bytes = plain;
    }
    Some(File {
        content_type,
        bytes,
        gzip: takes_gzip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_there() {
        let page = page();
        let names = page.split("docs/").skip(1).filter_map(|rest| rest.split('"').next());
        let mut count = 0;
        for name in names {
            let [packed, plain] = [true, false].map(|gzip| file(name, gzip).unwrap_or_else(|| panic!("{name}")));
            assert!(!plain.gzip && plain.bytes.len() > 100, "{name}");
            assert_eq!(packed.content_type, plain.content_type);
            if packed.gzip {
                // The decoder has compared checksum and size.
                assert!(packed.bytes.len() < plain.bytes.len() / 3, "{name}");
            }
            count += 1;
        }
        assert_eq!(count, 4);
        assert!(file("swagger-ui.js", true).is_none());
    }

    #[test]
    fn what_is_no_archive_has_no_files() {
        for bytes in [
            &b""[..],
            b"PK\x05\x06",
            &[0; 100],
            b"PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(archive::find(bytes, "/dist/swagger-ui.css").is_none());
        }
    }
}
