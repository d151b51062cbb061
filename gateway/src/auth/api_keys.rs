//! What an API key is made of, whoever makes it.

use super::new_secret;
use crate::state::{ApiKey, KeyOwner};
use crate::{clock, ids};

/// Characters of a key's name.
const MAX_NAME: usize = 128;

/// Whether a key may be called so: letters and digits of ASCII, `_` and `-`, up to 128 of them.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// A key and its text, which is told once.
#[must_use]
pub fn new_api_key(owner: KeyOwner, name: String) -> (ApiKey, String) {
    let key = ApiKey {
        id: ids::object_id(),
        owner,
        name,
        disabled: false,
        created: clock::unix_millis(),
    };
    (key, new_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_digits_and_two_signs() {
        assert!(is_key_name("The_3-rd") && is_key_name(&"x".repeat(128)));
        for name in ["", "a b", "ä", "a.b", "a\n", &"x".repeat(129)] {
            assert!(!is_key_name(name), "{name}");
        }
    }
}
