//! The index with its signature: in one file (`InRelease`), or in two.

use std::path::PathBuf;

use source_package::checksum::sha256_hex;

use super::{Served, join};
use crate::answers::{self, Kind, Next};
use crate::error::{Error, Stage};
use crate::problem::Problem;
use crate::release::Release;
use crate::signature::{self, SignatureError};
use crate::transport::{Mirror, Request, Validators, sniff};

/// The largest index that is read. That of Debian's largest suite has 250 KiB.
const MAX_INDEX: u64 = 16 << 20;
const MAX_SIGNATURE: u64 = 1 << 20;

/// An index whose signature is good.
pub(super) struct Index {
    pub(super) release: Release,
    pub(super) sha256: String,
    pub(super) served: Served,
}

/// Answer of a mirror.
pub(super) enum Answer {
    /// Another index.
    New(Index),
    /// The known index; and, if the mirror had none known, the validators for the next request.
    Same(Option<Served>),
}

/// Gets the index, unless it is the one that is known, and checks its signature.
pub(super) fn get(
    mirror: &dyn Mirror,
    folder: &str,
    served: Option<&Served>,
    keyrings: &[PathBuf],
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Answer, Error> {
    let asked = |inline| served.filter(|served| served.inline == inline).map(|served| &served.validators);
    let path = join(folder, "InRelease");
    let about = |path: &str, problem| {
        let url = format!("{}/{path}", mirror.location());
        Error::new(Stage::Poll, problem).about(&url, &mirror.location().dependency())
    };
    let refused = match read(mirror, &path, asked(true)) {
        Err(error) if is_elsewhere(&error) => (!error.is_missing()).then_some(error),
        Err(error) => return Err(error),
        Ok(None) => return Ok(Answer::Same(None)),
        Ok(Some((text, validators))) => {
            let (sha256, served) = (sha256_hex(&text), Served { inline: true, validators });
            if is_known(&sha256) {
                return Ok(Answer::Same(Some(served)));
            }
            let release = inline(&text, keyrings).map_err(|problem| about(&path, problem))?;
            return Ok(Answer::New(Index { release, sha256, served }));
        }
    };
    let path = join(folder, "Release");
    let (text, validators) = match read(mirror, &path, asked(false)) {
        Ok(Some(read)) => read,
        Ok(None) => return Ok(Answer::Same(None)),
        // The refusal of `InRelease` tells more than a missing `Release`.
        Err(error) if error.is_missing() => return Err(refused.unwrap_or(error)),
        Err(error) => return Err(error),
    };
    let (sha256, told) = (sha256_hex(&text), Served { inline: false, validators });
    if is_known(&sha256) {
        return Ok(Answer::Same(Some(told)));
    }
    let release = match detached(mirror, folder, &text, keyrings) {
        // One of the two files may be newer than the other for a moment. If they still differ, both are reported.
        Err(error) if matches!(*error.problem, Problem::Signature(SignatureError::NotGood(_))) => {
            let again = read(mirror, &path, None)?.map(|(text, _)| text).unwrap_or_default();
            if again == text {
                detached(mirror, folder, &text, keyrings)?
            } else {
                return get(mirror, folder, served, keyrings, is_known);
            }
        }
        other => other?,
    };
    Ok(Answer::New(Index { release, sha256, served: told }))
}

/// True when another name of the index is tried.
fn is_elsewhere(error: &Error) -> bool {
    answers::meaning(Kind::Index, answers::Answer::of(&error.problem)).0 == Next::OtherName
}

/// The index, if its signature in a file beside it is good.
fn detached(mirror: &dyn Mirror, folder: &str, text: &[u8], keyrings: &[PathBuf]) -> Result<Release, Error> {
    let url = format!("{}/{}", mirror.location(), join(folder, "Release"));
    let about = |problem| Error::new(Stage::Poll, problem).about(&url, &mirror.location().dependency());
    let signature = match mirror.read(&Request::whole(&join(folder, "Release.gpg")), MAX_SIGNATURE) {
        Ok(signature) => signature.map(|(bytes, _)| bytes).unwrap_or_default(),
        Err(error) if error.is_missing() => return Err(about(Problem::Unsigned)),
        Err(error) => return Err(error),
    };
    beside(text, &signature, keyrings).map_err(about)
}

fn read(
    mirror: &dyn Mirror,
    path: &str,
    known: Option<&Validators>,
) -> Result<Option<(Vec<u8>, Validators)>, Error> {
    mirror.read(&Request { path, known, ..Request::default() }, MAX_INDEX)
}

fn inline(text: &[u8], keyrings: &[PathBuf]) -> Result<Release, Problem> {
    if let Some(page) = sniff(text) {
        return Err(page);
    }
    check_frame(text)?;
    Release::parse(&signature::verify(text, keyrings)?)
}

fn beside(text: &[u8], signature: &[u8], keyrings: &[PathBuf]) -> Result<Release, Problem> {
    if let Some(page) = sniff(text).or_else(|| sniff(signature)) {
        return Err(page);
    }
    signature::verify_detached(text, signature, keyrings)?;
    Release::parse(text)
}

/// Only the output of gpgv is used. All the same, nobody writes text around it in good faith.
fn check_frame(text: &[u8]) -> Result<(), Problem> {
    const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
    const END: &[u8] = b"-----END PGP SIGNATURE-----";
    let is = |line: &[u8], mark: &[u8]| line.trim_ascii_end() == mark;
    let lines: Vec<&[u8]> = text.trim_ascii_end().split(|&byte| byte == b'\n').collect();
    if text.trim_ascii().is_empty() {
        return Err(Problem::Unfinished);
    }
    if !lines.iter().any(|line| is(line, BEGIN)) {
        return Err(Problem::Unsigned);
    }
    if lines.first().is_some_and(|line| is(line, BEGIN)) && !lines.iter().any(|line| is(line, END)) {
        return Err(Problem::Unfinished);
    }
    let once = |mark: &[u8]| lines.iter().filter(|line| is(line, mark)).count() == 1;
    let first = lines.first().is_some_and(|line| is(line, BEGIN));
    let last = lines.last().is_some_and(|line| is(line, END));
    if first && last && once(BEGIN) && once(END) { Ok(()) } else { Err(Problem::TextAroundSignature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_the_frame() {
        let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: 1\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
        assert!(check_frame(signed.as_bytes()).is_ok());
        assert!(check_frame(signed.replace('\n', "\r\n").as_bytes()).is_ok());
        for bad in [format!("Suite: x\n{signed}"), format!("{signed}Suite: x\n"), signed.repeat(2)] {
            assert!(matches!(check_frame(bad.as_bytes()), Err(Problem::TextAroundSignature)), "{bad}");
        }
        let cut = signed.split("-----END").next().unwrap_or_default();
        assert!(matches!(check_frame(cut.as_bytes()), Err(Problem::Unfinished)));
        assert!(matches!(check_frame(b""), Err(Problem::Unfinished)));
        assert!(matches!(check_frame(b"A: 1\n"), Err(Problem::Unsigned)));
    }
}
