//! The URL of a mail server: `smtps://` is TLS from the start, `smtp://` with `?tls=required` or `opportunistic` after STARTTLS.
//! Without either everything would go in the clear, which is for this machine alone, or for who says so by `?tls=none`.

use std::net::IpAddr;

use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use url::Url;

use super::MailSettingsError;

/// The value of `tls` that is our own.
const NONE: &str = "none";

/// How the server of this URL is reached.
pub(super) fn server(url: &str) -> Result<AsyncSmtpTransportBuilder, MailSettingsError> {
    let mut parsed = Url::parse(url).map_err(|_| MailSettingsError::Url)?;
    let tls = parsed.query_pairs().find(|(name, _)| name == "tls");
    let tls = tls.map(|(_, value)| value.into_owned());
    match (parsed.scheme(), tls.as_deref()) {
        // Without TLS there is nothing else to be said of it.
        ("smtp", Some(NONE)) => parsed.set_query(None),
        ("smtp", None) if !is_this_machine(&parsed) => return Err(MailSettingsError::InTheClear),
        _ => {}
    }
    AsyncSmtpTransport::<Tokio1Executor>::from_url(parsed.as_str()).map_err(|_| MailSettingsError::Url)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let name = host.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn refusal(url: &str) -> Option<String> {
        server(url).err().map(|error| error.to_string())
    }

    #[test]
    fn nothing_goes_in_the_clear_unless_it_stays_here_or_the_operator_says_so() {
        for url in [
            "smtps://me:pass-word@mail.example:465",
            "smtp://me:pass-word@mail.example?tls=required",
            "smtp://me:pass-word@mail.example:587?tls=opportunistic",
            "smtp://me:pass-word@mail.example:25?tls=none",
            "smtp://me:pass-word@localhost:25",
            "smtp://mail.LOCALHOST",
            "smtp://127.0.0.1:2525",
            "smtp://[::1]:2525",
        ] {
            assert_eq!(refusal(url), None, "{url}");
        }
        for url in [
            "smtp://me:pass-word@mail.example:587",
            "smtp://10.0.0.1",
            "smtp://localhost.example",
            "smtp://[2001:db8::1]:25",
            "smtp://127.0.0.1.example/?name=value",
        ] {
            let refusal = refusal(url).unwrap();
            assert!(refusal.contains("in the clear"), "{url}: {refusal}");
            for instead in ["smtps://", "?tls=required", "?tls=none"] {
                assert!(refusal.contains(instead), "{refusal}");
            }
        }
    }

    #[test]
    fn what_is_no_url_of_a_mail_server_is_refused() {
        for url in [
            "me:pass-word",
            "mail.example",
            "https://mail.example",
            "smtp://mail.example?tls=maybe",
            "",
        ] {
            assert!(refusal(url).unwrap().contains("is not like"), "{url}");
        }
    }
}
