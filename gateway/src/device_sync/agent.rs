//! What a client says it is, in the `User-Agent` of its upgrade. realm-core's own socket says `RealmSync/14.12.0 (Linux 6.1)
//! RealmKotlin/2.3.0 Weather/1.0`; the sockets of browsers and phones say what they always do.

/// Characters of a version that are kept.
const VERSION: usize = 40;

/// Characters of a platform that are kept.
const PLATFORM: usize = 80;

/// See the module. All of it is printable and short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agent {
    /// Version of realm-core.
    pub core: Option<String>,
    /// Name and version of the SDK.
    pub sdk: Option<String>,
    /// Operating system and whatever else stands there.
    pub platform: Option<String>,
}

impl Agent {
    /// What can be read of the header.
    pub fn parse(header: &str) -> Self {
        let header = header.trim();
        let Some(rest) = header.strip_prefix("RealmSync/") else {
            let sdk = header.split(' ').next().and_then(version);
            return Self {
                sdk,
                ..Self::default()
            };
        };
        let (core, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (platform, rest) = match rest.trim_start().strip_prefix('(') {
            Some(rest) => rest.split_once(')').unwrap_or((rest, "")),
            None => ("", rest),
        };
        Self {
            core: version(core),
            sdk: rest.split_whitespace().next().and_then(version),
            platform: printable(platform, PLATFORM),
        }
    }

    /// Version of the library, as an operator is shown it.
    pub fn library(&self) -> String {
        let core = self.core.as_deref().unwrap_or("unknown");
        let sdk = self.sdk.as_deref().map_or(String::new(), |sdk| format!(" {sdk}"));
        format!("realm-core {core}{sdk}")
    }
}

/// The same with the platform.
impl std::fmt::Display for Agent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.library())?;
        match &self.platform {
            Some(platform) => write!(formatter, " ({platform})"),
            None => Ok(()),
        }
    }
}

/// Without what no version has.
fn version(text: &str) -> Option<String> {
    let is_usual = |character: &char| character.is_ascii_alphanumeric() || "./-_+#".contains(*character);
    let usual: String = text.chars().filter(is_usual).take(VERSION).collect();
    Some(usual).filter(|text| !text.is_empty())
}

fn printable(text: &str, most: usize) -> Option<String> {
    let is_printable = |character: &char| character.is_ascii_graphic() || *character == ' ';
    let printable: String = text.chars().filter(is_printable).take(most).collect();
    Some(printable.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: &str) -> [String; 3] {
        let Agent { core, sdk, platform } = Agent::parse(header);
        [core, sdk, platform].map(Option::unwrap_or_default)
    }

    #[test]
    fn a_client_of_realm_core_says_all() {
        let header = "RealmSync/14.12.0 (Linux unknown kernel x86_64) RealmKotlin/2.3.0 Weather/1.0";
        assert_eq!(
            parts(header),
            ["14.12.0", "RealmKotlin/2.3.0", "Linux unknown kernel x86_64"]
        );
        let text = "realm-core 14.12.0 RealmKotlin/2.3.0 (Linux unknown kernel x86_64)";
        assert_eq!(Agent::parse(header).to_string(), text);
        assert_eq!(parts("RealmSync/13.4.1 (macOS) "), ["13.4.1", "", "macOS"]);
        assert_eq!(parts("RealmSync/13.4.1"), ["13.4.1", "", ""]);
        assert_eq!(
            parts("RealmSync/13.4.1 RealmJS/12.1.0"),
            ["13.4.1", "RealmJS/12.1.0", ""]
        );
    }

    #[test]
    fn other_sockets_say_what_they_always_do() {
        assert_eq!(parts("okhttp/4.9.0"), ["", "okhttp/4.9.0", ""]);
        assert_eq!(parts("Mozilla/5.0 (X11; Linux)"), ["", "Mozilla/5.0", ""]);
        assert_eq!(parts(""), ["", "", ""]);
        assert_eq!(Agent::parse("").to_string(), "realm-core unknown");
    }

    #[test]
    fn whatever_is_said_is_short_and_can_be_printed() {
        let hostile = format!("RealmSync/{0}\"\n{{}} ({0}\x1b[0m\n) {0}", "9".repeat(10_000));
        let Agent { core, sdk, platform } = Agent::parse(&hostile);
        for (text, most) in [(core, VERSION), (sdk, VERSION), (platform, PLATFORM)] {
            let text = text.unwrap_or_default();
            assert!(
                text.len() <= most && text.bytes().all(|byte| (32..127).contains(&byte)),
                "{text}"
            );
        }
        assert!(Agent::parse(&hostile).library().len() <= 100);
        assert_eq!(parts("RealmSync/ (never closed"), ["", "", "never closed"]);
    }
}
