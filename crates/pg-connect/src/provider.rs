//! The cryptography of a connection: the mandatory parts of TLS 1.3, and some faster ones.
//!
//! Every PostgreSQL from 12 on has it with any OpenSSL that is still looked after. The provider that rustls makes by itself
//! has more: suites for processors without AES, and the signing with keys that a client has. We never use these, and
//! they would make each check larger by 70 KB.

use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::crypto::{
    CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms, ring as suites,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme};
use webpki::ring as known;

/// Cryptography of every connection.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            suites::cipher_suite::TLS13_AES_256_GCM_SHA384,
            suites::cipher_suite::TLS13_AES_128_GCM_SHA256,
        ],
        kx_groups: vec![suites::kx_group::X25519, suites::kx_group::SECP256R1, suites::kx_group::SECP384R1],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &System,
        key_provider: &NoKeys,
    }
}

/// Algorithms of signatures in certificates and handshakes: all that ring can verify.
static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        known::ECDSA_P256_SHA256,
        known::ECDSA_P256_SHA384,
        known::ECDSA_P384_SHA256,
        known::ECDSA_P384_SHA384,
        known::ED25519,
        known::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        known::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        known::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        known::RSA_PKCS1_2048_8192_SHA256,
        known::RSA_PKCS1_2048_8192_SHA384,
        known::RSA_PKCS1_2048_8192_SHA512,
        known::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        known::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        known::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ],
    // RFC 8446, 4.2.3: the PKCS1 schemes count for certificates only, and must be named for them.
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[known::ECDSA_P256_SHA256]),
        (SignatureScheme::ECDSA_NISTP384_SHA384, &[known::ECDSA_P384_SHA384]),
        (SignatureScheme::ED25519, &[known::ED25519]),
        (SignatureScheme::RSA_PSS_SHA256, &[known::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA384, &[known::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA512, &[known::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[known::RSA_PKCS1_2048_8192_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[known::RSA_PKCS1_2048_8192_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[known::RSA_PKCS1_2048_8192_SHA512]),
    ],
};

/// The system's random numbers.
#[derive(Debug)]
struct System;

impl SecureRandom for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)
    }
}

/// A client has no key of its own: it proves who it is by its password.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("keys of clients are not supported".into()))
    }
}
