//! Text that others wrote, fit for a terminal: names, reasons and documents come from devices, and a character that steers
//! the terminal or turns the direction of writing could make a line say what is not there.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with each character that does not simply stand for itself written as `\uXXXX`, as JSON does. So a line of JSON
/// without line breaks is the same value as before.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    // Nearly all is like this.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if steers(one) {
            for unit in one.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(one);
        }
    }
    Cow::Owned(out)
}

/// Controls, line and paragraph separators, and what is invisible or changes how its neighbours are shown: directions,
/// joiners, byte order marks, annotations, tags.
fn steers(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        for (text, shown) in [
            (
                "\u{1b}[2J\r\n\t\u{7}\u{7f}",
                r"\u001b[2J\u000d\u000a\u0009\u0007\u007f",
            ),
            ("a\u{9b}31m\u{85}", r"a\u009b31m\u0085"),
            ("abc\u{202e}cba\u{2066}", r"abc\u202ecba\u2066"),
            (
                "\u{200b}\u{feff}\u{2028}\u{e0041}",
                r"\u200b\ufeff\u2028\udb40\udc41",
            ),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["plain", "Grüße, 東京, שלום, 🌦", ""] {
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn a_line_of_json_keeps_its_value() {
        let value = serde_json::json!({"k\u{202e}": "\u{1b}\u{9b}\u{7f}\u{e0041}\n \\ \" ü"});
        let line = value.to_string();
        let shown = escaped(&line);
        assert_ne!(shown, line);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
