//! Settings of the built-in HTTP client, as the headers put them together.

use std::path::PathBuf;

use cxx::SharedPtr;

use super::bridge::ProxyAddress;
use super::bridge::ffi::CertificateCheck;
use super::os::path;
use super::{callbacks, convert};
use crate::transport::http::{ClientCertificate, HttpOptions};

#[derive(Default)]
pub(super) struct HttpSettings {
    headers: Vec<(String, String)>,
    proxy: Option<String>,
    trusted_certificates: Option<PathBuf>,
    accept_any_certificate: bool,
    client_certificate: Option<ClientCertificate>,
    certificate_check: Option<SharedPtr<CertificateCheck>>,
}

pub(super) fn new_http_settings() -> Box<HttpSettings> {
    Box::default()
}

impl HttpSettings {
    pub(super) fn add_header(&mut self, name: &[u8], value: &[u8]) {
        self.headers.push((lossy(name), lossy(value)));
    }

    pub(super) fn clear_headers(&mut self) {
        self.headers.clear();
    }

    pub(super) fn set_proxy(&mut self, proxy: &ProxyAddress<'_>) {
        self.proxy = Some(proxy_url(proxy));
    }

    pub(super) fn trust_certificates(&mut self, path: &[u8]) {
        self.trusted_certificates = convert::given_path(path);
    }

    pub(super) fn accept_any_certificate(&mut self) {
        self.accept_any_certificate = true;
    }

    pub(super) fn set_client_certificate(&mut self, chain: &[u8], key: &[u8]) {
        self.client_certificate = convert::given_path(chain).map(|chain| ClientCertificate {
            chain,
            key: path::from_bytes(key).to_owned(),
        });
    }

    pub(super) fn set_certificate_check(&mut self, check: SharedPtr<CertificateCheck>) {
        self.certificate_check = Some(check);
    }

    pub(super) fn options(&self) -> HttpOptions {
        HttpOptions {
            headers: self.headers.clone(),
            proxy: self.proxy.clone(),
            trusted_certificates: self.trusted_certificates.clone(),
            accept_any_certificate: self.accept_any_certificate,
            client_certificate: self.client_certificate.clone(),
            certificate_check: self
                .certificate_check
                .as_ref()
                .and_then(callbacks::certificate_check),
        }
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// `http://[user:password@]address:port`. An address that is a URL already says which protocol the proxy speaks.
pub(super) fn proxy_url(proxy: &ProxyAddress<'_>) -> String {
    let address = lossy(proxy.address);
    let (scheme, host) = address.split_once("://").unwrap_or(("http", &address));
    let login = if proxy.has_login {
        format!(
            "{}:{}@",
            percent_encoded(proxy.user),
            percent_encoded(proxy.password)
        )
    } else {
        String::new()
    };
    format!("{scheme}://{login}{host}:{}", proxy.port)
}

/// Everything but letters, digits and `-._~`, so that a password may hold any character.
fn percent_encoded(text: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(*byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(address: &str, login: Option<(&str, &str)>) -> String {
        let (user, password) = login.unwrap_or_default();
        proxy_url(&ProxyAddress {
            address: address.as_bytes(),
            port: 8080,
            has_login: login.is_some(),
            user: user.as_bytes(),
            password: password.as_bytes(),
        })
    }

    #[test]
    fn a_proxy_speaks_http_unless_its_address_says_otherwise() {
        assert_eq!(url("127.0.0.1", None), "http://127.0.0.1:8080");
        assert_eq!(url("socks5://proxy", None), "socks5://proxy:8080");
    }

    #[test]
    fn a_login_of_a_proxy_may_hold_any_character() {
        assert_eq!(
            url("127.0.0.1", Some(("user", "pass word@/ü"))),
            "http://user:pass%20word%40%2F%C3%BC@127.0.0.1:8080"
        );
    }
}
