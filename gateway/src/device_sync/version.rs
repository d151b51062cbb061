//! Versions of the protocol. A client offers each that it speaks as a websocket sub-protocol of its own; the gateway takes the
//! highest that it knows too, and says so with the client's own words. What a version changes for the gateway is asked here.
//! Numbers are those of realm-core 14, which begins at 2 and ends at 14.

/// Flexible sync, the only one that has asymmetric classes.
const FLEXIBLE: &str = "com.mongodb.realm-query-sync";

/// Partition sync begins so as well, and continues with a separator.
const PARTITION: &str = "com.mongodb.realm-sync";

/// The last version that was offered with a slash.
const LAST_WITH_SLASH: u8 = 7;

/// A version of the protocol that the gateway speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// The oldest one that is spoken.
    pub const OLDEST: Self = Self(2);

    /// The newest one that is spoken.
    pub const NEWEST: Self = Self(14);

    /// The version of this number, if it is spoken.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (Self::OLDEST.0..=Self::NEWEST.0)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether the client learns from a close code why it is not let in. Older ones see the status of the upgrade alone.
    #[must_use]
    pub const fn reads_close_codes(self) -> bool {
        self.0 >= 8
    }

    /// Whether errors are JSON for the client. Before, they are a code and a text.
    #[must_use]
    pub const fn reads_json_errors(self) -> bool {
        self.0 >= 4
    }

    /// Whether the client tells its application of objects that were refused.
    #[must_use]
    pub const fn reads_compensating_writes(self) -> bool {
        self.0 >= 5
    }

    /// What says in a DOWNLOAD that nothing more is to come: a fraction of what there is, or before that a count of bytes.
    #[must_use]
    pub const fn complete(self) -> &'static str {
        if self.0 >= 12 { "1" } else { "0" }
    }
}

/// The version that is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The version.
    pub version: Version,
    /// The sub-protocol as the client offered it; the answer has to repeat it literally.
    pub sub_protocol: &'a str,
}

/// Why none of a client's offers can be taken. No later attempt of this client fares better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// There is no offer.
    #[error("the request offers no sub-protocol of Device Sync")]
    NothingOffered,
    /// All offers are of partition sync.
    #[error(
        "partition sync has no asymmetric classes; this gateway serves Data Ingest over flexible sync alone"
    )]
    PartitionSync,
    /// None of the offers of flexible sync is of a version that is known.
    #[error("none of the offered versions is known; this gateway speaks 2 to 14")]
    UnknownVersion,
}

/// Chooses from the values of `Sec-WebSocket-Protocol`, each of which is a list with commas.
///
/// # Errors
/// When none of the offers is a version of flexible sync that is known.
pub fn choose<'a>(offers: impl IntoIterator<Item = &'a str>) -> Result<Chosen<'a>, Unsupported> {
    let mut refusal = Unsupported::NothingOffered;
    let mut best: Option<Chosen<'a>> = None;
    for offer in offers.into_iter().flat_map(|list| list.split(',')).map(str::trim) {
        if let Some(version) = offer.strip_prefix(FLEXIBLE).and_then(numbered) {
            if best.is_none_or(|best| best.version < version) {
                best = Some(Chosen {
                    version,
                    sub_protocol: offer,
                });
            }
        } else if offer.starts_with(FLEXIBLE) {
            refusal = Unsupported::UnknownVersion;
        } else if offer.starts_with(PARTITION) && refusal == Unsupported::NothingOffered {
            refusal = Unsupported::PartitionSync;
        }
    }
    best.ok_or(refusal)
}

/// The version behind a separator.
fn numbered(rest: &str) -> Option<Version> {
    let (digits, last) = match rest.strip_prefix('#') {
        Some(digits) => (digits, Version::NEWEST.0),
        None => (rest.strip_prefix('/')?, LAST_WITH_SLASH),
    };
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_decimal)?;
    Version::new(number).filter(|version| version.0 <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(offers: &[&'static str]) -> Result<(u8, &'static str), Unsupported> {
        let chosen = choose(offers.iter().copied())?;
        Ok((chosen.version.number(), chosen.sub_protocol))
    }

    #[test]
    fn the_highest_version_that_both_know_is_echoed_literally() {
        let all = "com.mongodb.realm-query-sync#14, com.mongodb.realm-query-sync#13, com.mongodb.realm-query-sync#2";
        assert_eq!(chosen(&[all]), Ok((14, "com.mongodb.realm-query-sync#14")));
        let newer =
            "com.mongodb.realm-query-sync#16,com.mongodb.realm-query-sync#15,com.mongodb.realm-query-sync#9";
        assert_eq!(chosen(&[newer]), Ok((9, "com.mongodb.realm-query-sync#9")));
        let ascending = ["com.mongodb.realm-query-sync#2", "com.mongodb.realm-query-sync#3"];
        assert_eq!(chosen(&ascending), Ok((3, "com.mongodb.realm-query-sync#3")));
    }

    #[test]
    fn a_slash_separates_up_to_version_seven() {
        let old = "com.mongodb.realm-query-sync/7, com.mongodb.realm-query-sync/6";
        assert_eq!(chosen(&[old]), Ok((7, "com.mongodb.realm-query-sync/7")));
        let new = "com.mongodb.realm-query-sync/8, com.mongodb.realm-query-sync/6";
        assert_eq!(chosen(&[new]), Ok((6, "com.mongodb.realm-query-sync/6")));
    }

    #[test]
    fn what_cannot_be_served_is_told_apart() {
        assert_eq!(chosen(&[]), Err(Unsupported::NothingOffered));
        assert_eq!(chosen(&["chat"]), Err(Unsupported::NothingOffered));
        let partition = "com.mongodb.realm-sync#14, com.mongodb.realm-sync#13";
        assert_eq!(chosen(&[partition]), Err(Unsupported::PartitionSync));
        for unknown in ["#15", "#1", "#+7", "#", "/", "/14", "#7x", "", "#256", "7"] {
            let offer = format!("com.mongodb.realm-query-sync{unknown}");
            assert_eq!(choose([&*offer]), Err(Unsupported::UnknownVersion), "{offer}");
        }
    }
}
