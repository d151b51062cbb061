//! Which names users can be registered under. Log-in takes any text, since an earlier release registered any.

use super::AuthError;

/// Characters a name may have: the longest e-mail address has 254.
const MAX_NAME: usize = 254;

/// Checks the length, and that the name can be shown in one line.
///
/// # Errors
/// When it is too long or has a control character.
pub fn check_name(name: &str) -> Result<(), AuthError> {
    if name.chars().count() <= MAX_NAME && !name.contains(char::is_control) {
        Ok(())
    } else {
        Err(AuthError::BadName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_any_text_of_one_line_and_bounded_length() {
        for (name, good) in [
            ("grüße, keine Adresse", true),
            (&"é".repeat(254), true),
            (&"é".repeat(255), false),
            ("two\nlines", false),
            ("esc\u{1b}[2J", false),
            ("c1\u{9b}2J", false),
            ("nul\0", false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name:?}");
        }
    }
}
