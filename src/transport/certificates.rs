//! The application's own word on the certificates of servers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::waited_for;

/// One certificate of the chain that a server shows.
#[derive(Debug)]
pub struct ShownCertificate<'a> {
    /// The name or address that was asked for.
    pub server: &'a str,
    /// The port of the last request to that name: a hint, as TLS knows names alone.
    pub port: u16,
    /// The certificate as PEM.
    pub pem: &'a str,
    /// Whether the library would trust the server: its whole chain, and the name in it.
    pub is_trusted: bool,
    /// 0 for the server's own, 1 for who signed it, and so on.
    pub depth: usize,
}

/// Decides about servers in the library's place. Called for each connection on a thread of the library, with each
/// certificate that the server shows, its own last; the first one that is not accepted ends the connection. Returns soon.
pub trait CertificateCheck: Send + Sync {
    /// Whether this certificate will do.
    fn accepts(&self, certificate: &ShownCertificate<'_>) -> bool;
}

/// A check, and the ports that it is told.
#[derive(Clone)]
pub(super) struct Check {
    pub(super) check: Arc<dyn CertificateCheck>,
    pub(super) ports: Arc<Ports>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").finish_non_exhaustive()
    }
}

impl Check {
    pub(super) fn accepts(
        &self,
        name: &ServerName<'_>,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        is_trusted: bool,
    ) -> bool {
        let server = name.to_str();
        let port = self.ports.of(&server);
        let chain = std::iter::once(own).chain(others);
        let chain: Vec<_> = chain.enumerate().collect();
        chain.into_iter().rev().all(|(depth, certificate)| {
            let shown = ShownCertificate {
                server: &server,
                port,
                pem: &pem(certificate),
                is_trusted,
                depth,
            };
            waited_for::run(|| self.check.accepts(&shown))
        })
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut base64 = &*STANDARD.encode(certificate);
    while !base64.is_empty() {
        let (line, rest) = base64.split_at(base64.len().min(64));
        text.push_str(line);
        text.push('\n');
        base64 = rest;
    }
    text + "-----END CERTIFICATE-----\n"
}

/// Which port of a host was asked for last: TLS knows names alone.
#[derive(Default)]
pub(super) struct Ports(Mutex<HashMap<String, u16>>);

impl Ports {
    pub(super) fn note(&self, url: &str) {
        let Ok(url) = reqwest::Url::parse(url) else { return };
        if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
            let host = host.trim_matches(['[', ']']).to_owned();
            let mut ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ports.insert(host, port);
        }
    }

    fn of(&self, host: &str) -> u16 {
        let ports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ports.get(host).copied().unwrap_or(0)
    }
}
