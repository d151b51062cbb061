//! A day, as settings write it: `2027-03-31`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(bson::DateTime);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a day is written as 2027-03-31")]
pub struct NoDay;

impl Day {
    /// Milliseconds since 1970 when it begins, in UTC.
    #[must_use]
    pub const fn begin(self) -> i64 {
        self.0.timestamp_millis()
    }
}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let time = bson::DateTime::parse_rfc3339_str(format!("{text}T00:00:00Z"));
        let day = time.map(Self).map_err(|_| NoDay)?;
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(NoDay)
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.try_to_rfc3339_string().unwrap_or_default();
        formatter.write_str(text.get(..10).unwrap_or_default())
    }
}

impl TryFrom<String> for Day {
    type Error = NoDay;

    fn try_from(text: String) -> Result<Self, NoDay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        let day: Day = "2027-03-31".parse().unwrap();
        assert_eq!(day.begin(), 1_806_451_200_000);
        assert_eq!(day.to_string(), "2027-03-31");
        for text in [
            "2027-02-30",
            "2027-3-31",
            "31.3.2027",
            "2027-03-31T10",
            "",
            "tomorrow",
        ] {
            assert_eq!(text.parse::<Day>(), Err(NoDay), "{text}");
        }
    }
}
