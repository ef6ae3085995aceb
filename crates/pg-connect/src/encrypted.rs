//! The connection inside TLS, and the channel binding of a login.
//!
//! The ready-made binding of the two libraries brings a complete certificate parser along, which made the checks larger
//! by a tenth; all that is needed of a certificate is the name of its signature's algorithm.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use ring::digest::{self, SHA256, SHA384, SHA512};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{Connect, TlsConnector, client};

/// Maker of encrypted connections.
#[derive(Clone)]
pub(crate) struct Encrypt(Arc<ClientConfig>);

impl Encrypt {
    /// Encryption with the given requirements on the server's certificate.
    pub(crate) fn new(config: ClientConfig) -> Encrypt {
        Encrypt(Arc::new(config))
    }
}

/// A connection that is about to be made.
pub(crate) struct Begin {
    config: Arc<ClientConfig>,
    name: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Encrypt {
    type Stream = Encrypted<S>;
    type TlsConnect = Begin;
    type Error = std::convert::Infallible;

    fn make_tls_connect(&mut self, name: &str) -> Result<Begin, Self::Error> {
        Ok(Begin { config: Arc::clone(&self.0), name: name.to_owned() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Begin {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Handshake<S>;

    fn connect(self, stream: S) -> Handshake<S> {
        match ServerName::try_from(self.name) {
            Ok(name) => Handshake::Going(Box::new(TlsConnector::from(self.config).connect(name, stream))),
            Err(error) => Handshake::Refused(Some(io::Error::new(io::ErrorKind::InvalidInput, error))),
        }
    }
}

/// The TLS handshake, under way or refused.
pub(crate) enum Handshake<S> {
    Going(Box<Connect<S>>),
    Refused(Option<io::Error>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Handshake<S> {
    type Output = io::Result<Encrypted<S>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Handshake::Going(connect) => Pin::new(connect.as_mut()).poll(context).map_ok(Encrypted),
            Handshake::Refused(error) => {
                Poll::Ready(Err(error.take().unwrap_or_else(|| io::ErrorKind::Other.into())))
            }
        }
    }
}

/// A connection inside TLS.
pub(crate) struct Encrypted<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// RFC 5929: the hash of the server's certificate, so that nobody in between can pass the login on.
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first);
        let hash = certificate.and_then(|certificate| end_point(certificate));
        hash.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The hash of a certificate by the hash of its own signature, but never by a weaker one than SHA-256. There is none for
/// algorithms that do not name one: then the login goes unbound, as with `libpq`.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    let algorithm = signature_algorithm(certificate)?;
    let hash = match (algorithm.strip_prefix(&RSA), algorithm.strip_prefix(&ECDSA)) {
        (Some([0x04 | 0x05 | 0x0b]), _) | (_, Some([0x01] | [0x03, 0x02])) => &SHA256,
        (Some([0x0c]), _) | (_, Some([0x03, 0x03])) => &SHA384,
        (Some([0x0d]), _) | (_, Some([0x03, 0x04])) => &SHA512,
        _ => return None,
    };
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

/// The object identifier of a certificate's signature algorithm.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT: u8 = 0x06;
    let (inside, _) = element(SEQUENCE, certificate)?;
    let (_, after_what_is_signed) = element(SEQUENCE, inside)?;
    let (algorithm, _) = element(SEQUENCE, after_what_is_signed)?;
    Some(element(OBJECT, algorithm)?.0)
}

/// The content of a DER element with this tag, and what follows it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let add = |sum: usize, digit: &u8| sum.checked_mul(256)?.checked_add(usize::from(*digit));
            (digits.iter().try_fold(0, add)?, rest)
        }
    };
    let parts = rest.split_at_checked(length)?;
    (found == tag).then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of a certificate that are read here.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, inside: &[u8]| {
            let length = u8::try_from(inside.len()).unwrap_or(u8::MAX);
            [&[tag, 0x81, length], inside].concat()
        };
        let signed = wrap(0x30, &[7; 100]);
        wrap(0x30, &[signed, wrap(0x30, &wrap(0x06, algorithm)), vec![3, 1, 0]].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_sha256_at_least() {
        let rsa = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
        let length = |algorithm: &[u8]| end_point(&certificate(algorithm)).map(|hash| hash.len());
        assert_eq!([0x05, 0x0b, 0x0c, 0x0d].map(|last| length(&rsa(last))), [32, 32, 48, 64].map(Some));
        assert_eq!(length(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]), Some(48));
        // Ed25519 names no hash.
        assert_eq!(length(&[0x2b, 0x65, 0x70]), None);
    }

    proptest! {
        #[test]
        fn no_certificate_is_read_beyond_its_end(bytes in prop::collection::vec(any::<u8>(), 0..40), cut in 0..160_usize) {
            let _ = end_point(&bytes);
            let whole = certificate(&[0x2a]);
            let part = whole.get(..cut.min(whole.len())).unwrap_or(&whole);
            prop_assert!(part.len() == whole.len() || end_point(part).is_none());
        }
    }
}
