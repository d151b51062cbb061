//! TLS of the default transport: rustls with ring, the system's certificates, and those an application adds.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::http::HttpOptions;
use crate::error::{Error, Result};

/// The configuration that these options ask for, with HTTP/2 offered first.
///
/// # Errors
/// A certificate file that cannot be used.
pub(super) fn config(options: &HttpOptions) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::InvalidArgument(format!("TLS cannot be set up: {error}")))?;
    let trusted = match &options.trusted_certificates {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let trust = if options.accept_any_certificate {
        Some(Trust {
            provider,
            known: Vec::new(),
            others: Others::Accepted,
        })
    } else {
        match Verifier::new_with_extra_roots(trusted.clone(), provider.clone()) {
            Ok(verifier) => Some(Trust {
                provider,
                known: trusted,
                others: Others::Verified(verifier),
            }),
            // A device without a certificate store can still use plain HTTP, so this is no reason to fail here; an
            // https request will say that the issuer is unknown.
            Err(error) => {
                log::warn!(target: "ingest::transport", "no trusted certificates found, https will fail: {error}");
                None
            }
        }
    };
    let mut config = match trust {
        Some(trust) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_no_client_auth(),
        None => builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |reason: String| {
        Error::InvalidArgument(format!(
            "the trusted certificates in {} cannot be read: {reason}",
            path.display()
        ))
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unusable(error.to_string()))?
        .collect();
    let found = found.map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() {
        Err(unusable("there is no certificate in it".to_owned()))
    } else {
        Ok(found)
    }
}

/// Whom to trust.
#[derive(Debug)]
struct Trust {
    provider: Arc<CryptoProvider>,
    /// A server that shows one of these itself is trusted under the names in it: a self-signed certificate is its own
    /// authority, which the usual check does not let a server be.
    known: Vec<CertificateDer<'static>>,
    others: Others,
}

#[derive(Debug)]
enum Others {
    Verified(Verifier),
    /// The connection is one with whoever holds the key; who that is, is not asked.
    Accepted,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.others {
            Others::Accepted => Ok(ServerCertVerified::assertion()),
            Others::Verified(_)
                if self
                    .known
                    .iter()
                    .any(|known| known.as_ref() == certificate.as_ref()) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            Others::Verified(verifier) => {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
