//! Domains of e-mail addresses, by which a provider may be restricted.

use url::Host;

/// A domain as it stands in the DNS: in lower case, and in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(String);

impl Domain {
    /// Reads a name such as `example.com`, in any case and any script. None when it is no such name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !name.is_empty() => Some(Self(name)),
            _ => None,
        }
    }
}
