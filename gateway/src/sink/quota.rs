//! How many dead letters are kept. They stay until a person looks at them, so a bad release, or somebody who means ill,
//! could fill the disk with them. What would exceed the quota waits on its device instead, where it is safe as well.

/// Of one user. A device with a bad release makes some thousand a day, so this is months; a million are some 500 MB on the
/// disk beside their documents.
const OF_USER: Amount = Amount {
    letters: 1_000_000,
    bytes: 1 << 30,
};

/// In all: what a disk that holds a fleet's documents has room for, and far more than anybody reads.
const IN_ALL: Amount = Amount {
    letters: 20_000_000,
    bytes: 16 << 30,
};

/// Dead letters: how many, and the bytes of their documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub letters: u64,
    /// Bytes of documents in them.
    pub bytes: u64,
}

/// What may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Of one user.
    pub of_user: Amount,
    /// Of all users together.
    pub in_all: Amount,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            of_user: OF_USER,
            in_all: IN_ALL,
        }
    }
}

/// Which part of the quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// That of the user.
    #[error("too many refused documents of this user are kept")]
    User,
    /// That of all together.
    #[error("too many refused documents are kept")]
    All,
}

/// What is kept before a batch is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Of its user.
    pub of_user: Amount,
    /// In all.
    pub in_all: Amount,
}

impl Quota {
    /// Which part of the quota letters exceed that a batch adds.
    #[must_use]
    pub fn exceeded(&self, kept: &Kept, added: Amount) -> Option<Full> {
        // One request may have more refused documents than the quota. It has to get through once there is nothing else,
        // or no purge would ever help its device.
        let exceeds = |limit: Amount, kept: Amount| {
            kept.letters > 0
                && (kept.letters + added.letters > limit.letters || kept.bytes + added.bytes > limit.bytes)
        };
        if exceeds(self.of_user, kept.of_user) {
            Some(Full::User)
        } else if exceeds(self.in_all, kept.in_all) {
            Some(Full::All)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn amount(letters: u64, bytes: u64) -> Amount {
        Amount { letters, bytes }
    }

    fn of_default(of_user: Amount, in_all: Amount, added: Amount) -> Option<Full> {
        Quota::default().exceeded(&Kept { of_user, in_all }, added)
    }

    #[test]
    fn a_user_has_a_million_letters_and_a_gibibyte() {
        let full = of_default(amount(999_999, 1), amount(999_999, 1), amount(1, 1));
        assert_eq!(full, None);
        let full = of_default(amount(1_000_000, 1), amount(1_000_000, 1), amount(1, 1));
        assert_eq!(full, Some(Full::User));
        let full = of_default(amount(1, 1 << 30), amount(1, 1 << 30), amount(1, 1));
        assert_eq!(full, Some(Full::User));
    }

    #[test]
    fn all_together_have_twenty_million_letters_and_sixteen_gibibytes() {
        let none = Amount::default();
        assert_eq!(of_default(none, amount(19_999_999, 1), amount(1, 1)), None);
        let full = of_default(none, amount(20_000_000, 1), amount(1, 1));
        assert_eq!(full, Some(Full::All));
        assert_eq!(
            of_default(none, amount(1, 16 << 30), amount(1, 1)),
            Some(Full::All)
        );
    }

    #[test]
    fn one_request_finds_room_whatever_it_brings_once_there_is_nothing_else() {
        let none = Amount::default();
        assert_eq!(of_default(none, none, amount(u64::MAX, u64::MAX)), None);
    }
}
