//! What a scrape says, taken apart.

use std::collections::BTreeMap;

/// Samples by name with labels, as they are written.
#[derive(Debug, PartialEq)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Fails where a line is not of the format.
    pub fn parse(text: &str) -> Self {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            let bare = name.split('{').next().unwrap();
            assert!(
                bare.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{line}"
            );
            assert_eq!(name.contains('{'), name.ends_with('}'), "{line}");
            let former = samples.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(former, None, "{line} is there twice");
        }
        Self(samples)
    }

    /// The value of this sample, 0 if it is not there.
    pub fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    /// Names with their labels.
    pub fn series(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Whether there is a sample of this name, whatever its labels.
    pub fn has(&self, name: &str) -> bool {
        self.0.keys().any(|series| series.split('{').next() == Some(name))
    }
}
