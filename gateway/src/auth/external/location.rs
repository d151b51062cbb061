//! Where a set of keys is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// A file, or a URL to fetch it from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file.
    File(PathBuf),
    /// A URL, and the addresses its host may have.
    Url(Url, Reach),
}

/// Addresses that are asked for keys. Who can choose a name, or what it resolves to, shall not have this machine talk to its
/// neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Those of the internet.
    Public,
    /// This machine alone, as its URL says.
    Loopback,
    /// All, as the operator says.
    Any,
}

/// Why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// It begins as a URL and is none.
    #[error("it is no URL: {0}")]
    Url(url::ParseError),
    /// Anybody on the way could put his keys in.
    #[error("an https URL was expected; http is for this machine (localhost) alone")]
    NotSecure,
    /// The log would show them.
    #[error("a URL without user and password was expected")]
    Credentials,
}

impl Location {
    /// Of a URL, or of the path of a file within `directory`. Hosts of private networks are asked only if `private`.
    ///
    /// # Errors
    /// When the text looks like a URL and is not one that keys can be fetched from.
    pub fn parse(text: &str, directory: &Path, private: bool) -> Result<Self, LocationError> {
        if !text.contains("://") {
            return Ok(Self::File(directory.join(text)));
        }
        let url = Url::parse(text).map_err(LocationError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LocationError::Credentials);
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" | "http" if loopback => Ok(Self::Url(url, Reach::Loopback)),
            "https" if private => Ok(Self::Url(url, Reach::Any)),
            "https" => Ok(Self::Url(url, Reach::Public)),
            _ => Err(LocationError::NotSecure),
        }
    }
}

/// Without the query, in which there may be a secret.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url, _) => f.write_str(&url[..url::Position::AfterPath]),
        }
    }
}

impl Reach {
    /// Whether the address may be asked.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address.to_canonical()),
            Self::Loopback => address.to_canonical().is_loopback(),
            Self::Any => true,
        }
    }
}

/// All of IPv6 that is of the internet.
const GLOBAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks that are not of it nevertheless, by the registries of special-purpose addresses (RFC 6890 and its successors).
const SPECIAL: [IpNet; 17] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 3),
    v6([0x2001, 0], 23),
    v6([0x2001, 0xdb8], 32),
    // Leads to IPv4 addresses of any kind.
    v6([0x2002, 0], 16),
    v6([0x3fff, 0], 20),
];

const fn v4(octets: [u8; 4], bits: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits))
}

const fn v6(first: [u16; 2], bits: u8) -> IpNet {
    let [a, b] = first;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits))
}

fn is_public(address: IpAddr) -> bool {
    let global = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => GLOBAL.contains(&address),
    };
    global && !SPECIAL.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn parse(text: &str) -> Result<Location, LocationError> {
        Location::parse(text, Path::new("/app"), false)
    }

    #[test]
    fn keys_come_from_a_file_over_https_or_from_this_machine() {
        assert_eq!(
            parse("keys.json").unwrap(),
            Location::File("/app/keys.json".into())
        );
        assert_eq!(
            parse("/etc/keys.json").unwrap(),
            Location::File("/etc/keys.json".into())
        );
        for (text, reach) in [
            ("https://id.example/keys", Reach::Public),
            ("https://127.0.0.1:8443/keys", Reach::Loopback),
            ("http://localhost:8080/keys", Reach::Loopback),
            ("http://[::1]:8080/keys", Reach::Loopback),
            // Other ways to write 127.0.0.1.
            ("http://2130706433/keys", Reach::Loopback),
        ] {
            assert!(
                matches!(parse(text).unwrap(), Location::Url(_, it) if it == reach),
                "{text}"
            );
        }
        let inside = Location::parse("https://id.intern/keys", Path::new("/"), true).unwrap();
        assert!(matches!(inside, Location::Url(_, Reach::Any)));
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "http://id.example/keys",
            "ftp://localhost/keys",
            "file:///etc/keys",
            "http://10.0.0.1/",
        ] {
            assert_eq!(parse(text), Err(LocationError::NotSecure), "{text}");
        }
        assert_eq!(
            parse("https://a:b@id.example/keys"),
            Err(LocationError::Credentials)
        );
        assert!(matches!(parse("https://[::/keys"), Err(LocationError::Url(_))));
    }

    #[test]
    fn a_location_is_shown_without_its_query() {
        assert_eq!(
            parse("https://id.example/keys?key=s3cret#x").unwrap().to_string(),
            "https://id.example/keys"
        );
    }

    #[test]
    fn addresses_of_private_networks_are_not_public() {
        let special = [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
            "2001:db8::1",
        ];
        for address in special {
            assert!(!Reach::Public.has(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert!(Reach::Public.has(address.parse().unwrap()), "{address}");
            assert!(!Reach::Loopback.has(address.parse().unwrap()), "{address}");
        }
        assert!(Reach::Loopback.has("::ffff:127.0.0.1".parse().unwrap()));
    }
}
