//! Where KurrentDB is: its connection string, which may hold a password, and so is never shown whole.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

use super::ConfigError;

/// The port that nodes listen on.
const PORT: u16 = 2113;

/// A connection string of KurrentDB, say `kurrentdb://ann:secret@one:2113,two:2113?tls=true`.
///
/// `esdb://` stands for the same. Of its parameters `tls` (`true`, or `false` for a node without certificate) and
/// `tlsCaFile` matter here; those that tell how a cluster is searched for nodes do not, and name the nodes instead.
#[derive(Clone, PartialEq, Eq)]
pub struct KurrentUrl {
    pub(crate) nodes: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) certificates: Option<PathBuf>,
    pub(crate) authorization: Option<HeaderValue>,
}

impl KurrentUrl {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        match scheme {
            "kurrentdb" | "kurrent" | "kdb" | "esdb" => {}
            "kurrentdb+discover" | "kurrent+discover" | "kdb+discover" | "esdb+discover" => {
                return Err("nodes are not searched by DNS: name them, with commas between them".to_owned());
            }
            _ => return Err("this is a connection string, say kurrentdb://localhost:2113?tls=false".to_owned()),
        }
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, nodes) = match place.trim_end_matches('/').rsplit_once('@') {
            Some((user, nodes)) => (Some(user), nodes),
            None => (None, place.trim_end_matches('/')),
        };
        let mut url = KurrentUrl {
            nodes: nodes.split(',').map(node).collect::<Result<_, _>>()?,
            tls: true,
            certificates: None,
            authorization: user.map(basic).transpose()?,
        };
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            url.set(name, value)?;
        }
        Ok(url)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name.to_ascii_lowercase().as_str(), value.to_ascii_lowercase().as_str()) {
            ("tls", "true") => self.tls = true,
            ("tls", "false") => self.tls = false,
            ("tls", _) => return Err("tls is true or false".to_owned()),
            ("tlscafile", _) => {
                let path = percent_decode_str(value).decode_utf8();
                self.certificates = Some(path.map_err(|_| "tlsCaFile is not UTF-8".to_owned())?.as_ref().into());
            }
            ("tlsverifycert", "false") => {
                return Err("certificates are always looked at: name their authority by tlsCaFile".to_owned());
            }
            ("usercertfile" | "userkeyfile", _) => {
                return Err("certificates of users are not known here: name a user and a password".to_owned());
            }
            // How a cluster is searched, and how patient other clients are.
            _ => {}
        }
        Ok(())
    }
}

/// `localhost`, `localhost:2113` or `[::1]:2113`, with its port.
fn node(text: &str) -> Result<String, String> {
    let text = text.trim();
    let port = match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => Some(port),
        Some(_) if !text.ends_with(']') => return Err("a node is a host, and a port behind a colon".to_owned()),
        _ => None,
    };
    match port {
        _ if text.is_empty() => Err("a node is a host, and a port behind a colon".to_owned()),
        Some(port) if port.parse::<u16>().is_err() => Err("a port is a number up to 65535".to_owned()),
        Some(_) => Ok(text.to_owned()),
        None => Ok(format!("{text}:{PORT}")),
    }
}

/// `name:password`, with what a URL cannot hold behind per cent signs.
fn basic(user: &str) -> Result<HeaderValue, String> {
    let plain: Vec<u8> = percent_decode_str(user).collect();
    let value = format!("Basic {}", BASE64_STANDARD.encode(plain));
    let mut value = HeaderValue::try_from(value).map_err(|_| "this user cannot be sent".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

impl FromStr for KurrentUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        KurrentUrl::parse(text).map_err(|message| ConfigError::new("KurrentDB URL", message))
    }
}

/// The nodes.
impl fmt::Display for KurrentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kurrentdb://{}", self.nodes.join(","))
    }
}

impl fmt::Debug for KurrentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_ports_and_parameters_their_meaning() {
        let url = KurrentUrl::parse("esdb://one,two:2114,[::1]?tls=false&nodePreference=leader").unwrap();
        assert_eq!(url.nodes, ["one:2113", "two:2114", "[::1]:2113"]);
        assert!(!url.tls && url.authorization.is_none());
        let url = KurrentUrl::parse("kurrentdb://localhost/?tlsCaFile=%2Fca.pem").unwrap();
        assert!(url.tls);
        assert_eq!(url.certificates, Some(PathBuf::from("/ca.pem")));
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let url = KurrentUrl::parse("kurrentdb://ann:s%40fe@db?tls=true").unwrap();
        let sent = url.authorization.as_ref().unwrap();
        assert_eq!(
            sent.to_str().unwrap(),
            format!("Basic {}", BASE64_STANDARD.encode("ann:s@fe"))
        );
        assert_eq!(format!("{url:?}"), "kurrentdb://db:2113");
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for (text, said) in [
            ("", "a connection string"),
            ("http://db", "a connection string"),
            ("kurrentdb+discover://db", "DNS"),
            ("kurrentdb://", "a node is a host"),
            ("kurrentdb://a,,b", "a node is a host"),
            ("kurrentdb://:2113", "a node is a host"),
            ("kurrentdb://db:99999", "a port"),
            ("kurrentdb://db?tls=maybe", "tls is"),
            ("kurrentdb://db?tlsVerifyCert=false", "tlsCaFile"),
            ("kurrentdb://db?userCertFile=x", "certificates of users"),
        ] {
            let message = KurrentUrl::parse(text).unwrap_err();
            assert!(message.contains(said), "{text}: {message}");
        }
    }
}
