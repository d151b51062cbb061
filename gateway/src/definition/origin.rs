//! Where pages in browsers come from.

use std::fmt;

use url::Url;

/// Scheme, host and port of a site (RFC 6454). The ways to write one are equal: letters of any case, the scheme's own port or
/// none, a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    /// None where it is the scheme's own.
    port: Option<u16>,
}

impl Origin {
    /// Reads one such as `https://app.example` or `http://localhost:3000`. None when the text is something else, as `null` is, or
    /// leads farther into a site.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|_| text.contains("://"))?;
        let anybody = url.username().is_empty() && url.password().is_none();
        let whole = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| !host.is_empty())?;
        (anybody && whole).then(|| Self {
            scheme: url.scheme().to_owned(),
            // Those of schemes that browsers do not know, such as `capacitor`, are left as they are written.
            host: host.to_ascii_lowercase(),
            port: url.port(),
        })
    }
}

/// As browsers write it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        Origin::parse(text).map(|origin| origin.to_string())
    }

    #[test]
    fn every_way_to_write_an_origin_is_the_one_of_browsers() {
        for (text, browsers) in [
            ("https://app.example", "https://app.example"),
            ("https://app.example/", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("HTTPS://App.Example", "https://app.example"),
            ("http://app.example:80/", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
            ("capacitor://LocalHost", "capacitor://localhost"),
        ] {
            assert_eq!(written(text).as_deref(), Some(browsers), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_none() {
        for text in [
            "",
            "null",
            "*",
            "app.example",
            "https:app.example",
            "https://",
            "https://app.example/path",
            "https://app.example?query",
            "https://app.example#fragment",
            "https://user@app.example",
            "https://app.example:port",
            "file:///",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
