//! TLS: the certificate, and how a new one takes the place of the old one while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

/// How often the files are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// Where everything is, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and what leads from it to its authority.
    pub certificate: PathBuf,
    /// The key of the certificate.
    pub key: PathBuf,
    /// Authorities of the clients that may connect; all may without.
    pub client_ca: Option<PathBuf>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// One has nothing of what it is for.
    #[error(
        "{0} has no certificate or private key in PEM; --tls-cert and --client-ca take certificates, --tls-key a key"
    )]
    Empty(PathBuf),
    /// The certificate or its key is not good, or one does not belong to the other.
    #[error("cannot use the certificate: {0}")]
    Certificate(#[from] rustls::Error),
    /// The certificates of the clients' authorities are not good.
    #[error("cannot use the clients' certificates: {0}")]
    Clients(#[from] VerifierBuilderError),
}

/// See the module. Any thread may use it.
pub struct Tls {
    files: TlsFiles,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    /// Of the files as they were read, good or not.
    stamps: Vec<Stamp>,
    looked: Instant,
}

type Stamp = Option<(SystemTime, u64)>;

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let stamps = stamps(&files);
        let config = Arc::new(read(&files)?);
        let looked = Instant::now();
        Ok(Self {
            files,
            current: Mutex::new(Current {
                config,
                stamps,
                looked,
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is in the files now. What cannot be used is reported, and the former stays.
    pub fn reload(&self) {
        self.reload_as(&mut self.lock());
    }

    fn reload_as(&self, current: &mut Current) {
        // Before they are read: what changes meanwhile is read again.
        current.stamps = stamps(&self.files);
        match read(&self.files) {
            Ok(config) => {
                current.config = Arc::new(config);
                info!("the certificate was read again");
            }
            Err(error) => error!(%error, "a new certificate is not used; the former one stays"),
        }
    }

    /// For one connection, under the certificate of the moment.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.lock();
        if current.looked.elapsed() >= LOOK {
            current.looked = Instant::now();
            if stamps(&self.files) != current.stamps {
                self.reload_as(&mut current);
            }
        }
        Arc::clone(&current.config).into()
    }
}

fn stamps(files: &TlsFiles) -> Vec<Stamp> {
    let all = [
        Some(&files.certificate),
        Some(&files.key),
        files.client_ca.as_ref(),
    ];
    let stamp = |path: &PathBuf| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    all.into_iter().flatten().map(stamp).collect()
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    // 1.2 and 1.3; nothing older is there.
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(cannot_read(&files.key))?;
    let mut config = builder.with_single_cert(certificates(&files.certificate)?, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).map_err(cannot_read(path))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(cannot_read(path))?;
    if all.is_empty() {
        return Err(TlsError::Empty(path.to_owned()));
    }
    Ok(all)
}

fn cannot_read(path: &Path) -> impl FnOnce(pem::Error) -> TlsError + use<'_> {
    move |source| match source {
        pem::Error::NoItemsFound => TlsError::Empty(path.to_owned()),
        source => TlsError::Read {
            path: path.to_owned(),
            source,
        },
    }
}
