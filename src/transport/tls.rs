//! TLS of the default transport: rustls with ring, the system's certificates, and those an application adds.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificates::{Check, Ports};
use super::http::HttpOptions;
use crate::error::{Error, Result};

/// The configuration that these options ask for, with HTTP/2 offered first.
///
/// # Errors
/// A certificate file or a key that cannot be used.
pub(super) fn config(options: &HttpOptions, ports: Option<Arc<Ports>>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::InvalidArgument(format!("TLS cannot be set up: {error}")))?;
    let trusted = match &options.trusted_certificates {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let check = options.certificate_check.clone().zip(ports);
    let check = check.map(|(check, ports)| Check { check, ports });
    let is_asked = check.is_some();
    let others = if options.accept_any_certificate {
        Others::Accepted
    } else {
        match Verifier::new_with_extra_roots(trusted.clone(), provider.clone()) {
            Ok(verifier) => Others::Verified(verifier),
            // A device without a certificate store can still use plain HTTP, so this is no reason to fail here; an
            // https request will say that the issuer is unknown.
            Err(error) => {
                log::warn!(target: "ingest::transport", "no trusted certificates found, https will fail: {error}");
                Others::Refused
            }
        }
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust {
            provider,
            known: trusted,
            others,
            check,
        }));
    let mut config = match &options.client_certificate {
        Some(own) => builder
            .with_client_auth_cert(certificates(&own.chain)?, private_key(&own.key)?)
            .map_err(|error| {
                Error::InvalidArgument(format!(
                    "the client certificate in {} cannot be used with the key in {}: {error}",
                    own.chain.display(),
                    own.key.display()
                ))
            })?,
        None => builder.with_no_client_auth(),
    };
    if is_asked {
        // A session that is resumed shows no certificate.
        config.resumption = Resumption::disabled();
    }
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |reason: String| {
        Error::InvalidArgument(format!(
            "the certificates in {} cannot be read: {reason}",
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

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        Error::InvalidArgument(format!(
            "the private key in {} cannot be read: {error}",
            path.display()
        ))
    })
}

/// Whom to trust.
#[derive(Debug)]
struct Trust {
    provider: Arc<CryptoProvider>,
    /// A server that shows one of these itself is trusted under the names in it: a self-signed certificate is its own
    /// authority, which the usual check does not let a server be.
    known: Vec<CertificateDer<'static>>,
    others: Others,
    check: Option<Check>,
}

#[derive(Debug)]
enum Others {
    /// There is nothing to verify them by.
    Refused,
    Verified(Verifier),
    /// The connection is one with whoever holds the key; who that is, is not asked.
    Accepted,
}

impl Trust {
    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self
            .known
            .iter()
            .any(|known| known.as_ref() == certificate.as_ref())
        {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        match &self.others {
            Others::Verified(verifier) => {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)
            }
            Others::Accepted | Others::Refused => Err(CertificateError::UnknownIssuer.into()),
        }
    }
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
        if matches!(self.others, Others::Accepted) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.verify(certificate, intermediates, name, ocsp, now);
        match &self.check {
            None => verified,
            Some(check) if check.accepts(name, certificate, intermediates, verified.is_ok()) => {
                Ok(ServerCertVerified::assertion())
            }
            Some(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
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
