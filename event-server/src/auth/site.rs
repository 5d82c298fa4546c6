//! Whether a browser sends a request because of a page of ours, or of somebody else's.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// What browsers say by themselves, where the page came by TLS or from this machine.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whose page has made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// One of this very origin, or whoever typed the address.
    Own,
    /// One of another origin.
    Foreign,
    /// No page, as far as the request tells: what is no browser says nothing.
    Unsaid,
}

impl Site {
    /// As the headers of a request tell it.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if let Some(site) = headers.get(SEC_FETCH_SITE) {
            return match site.as_bytes() {
                b"same-origin" | b"none" => Site::Own,
                _ => Site::Foreign,
            };
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return Site::Unsaid;
        };
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        match origin.zip(host) {
            // Not the scheme: a proxy may have taken TLS off.
            Some(((_, origin), host)) if origin.eq_ignore_ascii_case(host) => Site::Own,
            _ => Site::Foreign,
        }
    }
}

/// Whether the name by which a request asks is one of these, or one that nobody elsewhere can have: an address, or a name without
/// a dot. Whoever owns another name can have it lead here, and for a browser his page is then one of ours.
pub(super) fn is_near(headers: &HeaderMap, names: &[String]) -> bool {
    let Some(host) = headers.get(HOST) else {
        // No browser leaves it out.
        return true;
    };
    let Ok(host) = host.to_str() else { return false };
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.split(']').next().unwrap_or_default();
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let name = host.split(':').next().unwrap_or_default();
    let is_ours = |own: &String| own.eq_ignore_ascii_case(name);
    names.iter().any(is_ours) || !name.contains('.') || name.ends_with(".localhost") || name.parse::<Ipv4Addr>().is_ok()
}

/// How a browser reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With TLS, which somebody before us may take off.
    Tls,
    /// Without, or nobody has said.
    Plain,
}

impl Way {
    /// As the browser itself says it, by the page whose form it sends: no proxy has to be believed, and whoever sends something
    /// else only has a worse cookie of his own.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let origin = headers.get(ORIGIN).map(|origin| origin.as_bytes());
        if origin.is_some_and(|origin| origin.starts_with(b"https://")) {
            Way::Tls
        } else {
            Way::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn site(pairs: &[(&'static str, &'static str)]) -> Site {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Site::of(&pairs.iter().map(header).collect())
    }

    #[test]
    fn the_browser_knows_best_whose_page_it_shows() {
        for (value, expected) in [
            ("same-origin", Site::Own),
            ("none", Site::Own),
            ("same-site", Site::Foreign),
            ("cross-site", Site::Foreign),
            ("", Site::Foreign),
        ] {
            let own = [("sec-fetch-site", value), ("host", "a"), ("origin", "http://a")];
            assert_eq!(site(&own), expected, "{value}");
        }
    }

    #[test]
    fn an_older_browser_names_the_origin() {
        for (origin, expected) in [
            ("http://localhost:8000", Site::Own),
            ("https://LOCALHOST:8000", Site::Own),
            ("http://localhost", Site::Foreign),
            ("http://localhost:8000.evil.example", Site::Foreign),
            ("https://evil.example", Site::Foreign),
            ("null", Site::Foreign),
        ] {
            assert_eq!(
                site(&[("host", "localhost:8000"), ("origin", origin)]),
                expected,
                "{origin}"
            );
        }
        assert_eq!(site(&[("origin", "http://localhost:8000")]), Site::Foreign);
        assert_eq!(site(&[("host", "localhost:8000")]), Site::Unsaid);
    }

    #[test]
    fn a_name_that_somebody_else_can_have_is_not_near() {
        let near = |host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            is_near(&headers, &["events.example".to_owned()])
        };
        for own in [
            "localhost:8000",
            "127.0.0.1:8000",
            "[::1]:8000",
            "[::1]",
            "10.0.0.7",
            "collector",
            "a.localhost:1",
            "Events.example:80",
        ] {
            assert!(near(own), "{own}");
        }
        for other in [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.",
            "[evil.example]:1",
            "1.2.3",
        ] {
            assert!(!near(other), "{other}");
        }
        assert!(is_near(&HeaderMap::new(), &[]));
    }

    #[test]
    fn a_browser_says_on_which_way_it_came() {
        for (origin, expected) in [
            ("https://events.example", Way::Tls),
            ("http://localhost:8000", Way::Plain),
            ("null", Way::Plain),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            assert_eq!(Way::of(&headers), expected, "{origin}");
        }
        assert_eq!(Way::of(&HeaderMap::new()), Way::Plain);
    }
}
