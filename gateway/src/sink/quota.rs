//! How many dead letters are kept. They stay until a person looks at them, so a bad release, or somebody who means ill,
//! could fill the disk with them. What would exceed the quota waits on its device instead, where it is safe as well.
//!
//! Users cost nothing to make, so together they can always use up what there is in all. Therefore that is no bound for who has
//! few letters: strangers, however many, hold up nobody else.

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

/// What a user has at least, whatever others have: some days of a device that now and then has a document refused, and
/// little enough to be multiplied by all users there are.
const OF_ITS_OWN: Amount = Amount {
    letters: 1_000,
    bytes: 1 << 20,
};

/// Dead letters: how many, and the bytes of their documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub letters: u64,
    /// Bytes of documents in them.
    pub bytes: u64,
}

impl Amount {
    /// So much more.
    pub(super) const fn increase(&mut self, by: Self) {
        self.letters = self.letters.saturating_add(by.letters);
        self.bytes = self.bytes.saturating_add(by.bytes);
    }

    /// So much less, but not less than nothing.
    pub(super) const fn decrease(&mut self, by: Self) {
        self.letters = self.letters.saturating_sub(by.letters);
        self.bytes = self.bytes.saturating_sub(by.bytes);
    }
}

/// What may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Of one user.
    pub of_user: Amount,
    /// Of all users together.
    pub in_all: Amount,
    /// Who has no more than this is not held up by what all together have.
    pub of_its_own: Amount,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            of_user: OF_USER,
            in_all: IN_ALL,
            of_its_own: OF_ITS_OWN,
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
        let exceeds = |limit: Amount, kept: Amount| {
            kept.letters.saturating_add(added.letters) > limit.letters
                || kept.bytes.saturating_add(added.bytes) > limit.bytes
        };
        let of_user = kept.of_user;
        let own = self.of_its_own;
        if added == Amount::default() {
            None
        } else if of_user.letters > 0 && exceeds(self.of_user, of_user) {
            // One request may have more refused documents than the quota. It has to get through once its user has no
            // other letters, or no purge would ever help its device.
            Some(Full::User)
        } else if (of_user.letters > own.letters || of_user.bytes > own.bytes)
            && exceeds(self.in_all, kept.in_all)
        {
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
        let of_user = amount(1_001, 1);
        assert_eq!(of_default(of_user, amount(19_999_999, 1), amount(1, 1)), None);
        let full = of_default(of_user, amount(20_000_000, 1), amount(1, 1));
        assert_eq!(full, Some(Full::All));
        let full = of_default(of_user, amount(1, 16 << 30), amount(1, 1));
        assert_eq!(full, Some(Full::All));
    }

    #[test]
    fn who_has_few_letters_is_not_held_up_by_those_of_others() {
        let all = amount(20_000_000, 16 << 30);
        for few in [Amount::default(), amount(1_000, 1), amount(1, 1 << 20)] {
            assert_eq!(of_default(few, all, amount(1, 1)), None);
        }
        for more in [amount(1_001, 1), amount(1, (1 << 20) + 1)] {
            assert_eq!(of_default(more, all, amount(1, 1)), Some(Full::All));
        }
    }

    #[test]
    fn one_request_finds_room_whatever_it_brings_while_its_user_has_nothing_else() {
        let all = amount(20_000_000, 16 << 30);
        assert_eq!(
            of_default(Amount::default(), all, amount(u64::MAX, u64::MAX)),
            None
        );
    }

    #[test]
    fn what_is_there_already_exceeds_nothing() {
        let all = amount(20_000_000, 16 << 30);
        assert_eq!(of_default(all, all, Amount::default()), None);
    }
}
