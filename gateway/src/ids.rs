//! Identifiers in the forms App Services gave them.

use rand::RngExt;

/// 24 hexadecimal digits: users, sessions, devices, apps, providers.
#[must_use]
pub fn object_id() -> String {
    let bytes: [u8; 12] = rand::random();
    bytes.iter().fold(String::with_capacity(24), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

/// Identity of an anonymous or e-mail/password user: an object id and 24 lower-case letters.
#[must_use]
pub fn identity_id() -> String {
    let mut random = rand::rng();
    let letters: String = (0..24)
        .map(|_| char::from(random.random_range(b'a'..=b'z')))
        .collect();
    format!("{}-{letters}", object_id())
}

/// Secret for signing tokens.
#[must_use]
pub fn signing_key() -> Vec<u8> {
    rand::random::<[u8; 32]>().to_vec()
}
