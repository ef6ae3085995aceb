//! Requirements on a server's certificate, in the terms of rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use crate::encrypted::Encrypt;
use crate::error::Failure;
use crate::provider::provider;
use crate::target::{SslMode, Target};

/// File of the system's authorities on Debian: the meaning of `sslrootcert=system`.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The TLS settings of a target; `None` if its connections use no TLS.
pub(crate) fn connector(target: &Target) -> Result<Option<Encrypt>, Failure> {
    if target.ssl_mode == SslMode::Disable || target.servers.iter().all(|server| server.is_socket()) {
        return Ok(None);
    }
    let provider = Arc::new(provider());
    let verifier: Arc<dyn ServerCertVerifier> = match (target.ssl_mode, &target.root_certificates) {
        (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => {
            Arc::new(Unverified(provider.clone()))
        }
        (mode, None) => return Err(Failure::NoRootCertificates(mode.as_str())),
        (mode, Some(path)) => {
            let (roots, trusted) = roots(path)?;
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            let chain = builder.build().map_err(|error| Failure::Tls(error.to_string()))?;
            Arc::new(Verified { chain, trusted, any_name: mode != SslMode::VerifyFull })
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| Failure::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(Encrypt::new(config)))
}

/// The certificates of a file, as trust anchors and as they are.
fn roots(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), Failure> {
    let path = if path == Path::new("system") { Path::new(SYSTEM_ROOTS) } else { path };
    let unusable = |reason: String| Failure::RootCertificates { path: PathBuf::from(path), reason };
    let mut roots = RootCertStore::empty();
    let mut trusted = Vec::new();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate.clone()).map_err(|error| unusable(error.to_string()))?;
        trusted.push(certificate);
    }
    if roots.is_empty() { Err(unusable("it holds no certificate".into())) } else { Ok((roots, trusted)) }
}

/// `verify-full`, and `verify-ca`, which accepts any host name.
#[derive(Debug)]
struct Verified {
    chain: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    any_name: bool,
}

/// True when the only fault is that the server's own certificate is an authority's, as `openssl req -x509` makes it.
/// Its time was checked before.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(error))) = error else { return false };
    error.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The chain is verified before the name, so that an error about the name means that the chain is good.
        let result =
            self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let result = match result {
            // It needs no authority: this very certificate is in the file.
            Err(error) if is_authority(&error) && self.trusted.contains(end_entity) => {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                verify_server_name(&certificate, server_name).map(|()| ServerCertVerified::assertion())
            }
            result => result,
        };
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// TLS for `prefer` and `require`: encrypted, with a peer that is not verified. The words promise no more, in `libpq`
/// as here.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
