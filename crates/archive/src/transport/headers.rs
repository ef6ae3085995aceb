//! Headers of an answer: its status, its part of the file, its encoding, and the time of the next try.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::{Request, Validators};
use crate::dates::parse_date;
use crate::problem::Problem;

/// True when the body was compressed on its way, though that was not asked for. If the file's size is known, the
/// size decides: some servers declare an encoding for files that are compressed themselves, and send them as they
/// are.
pub(super) fn is_encoded(headers: &HeaderMap, length: Option<u64>, request: &Request<'_>) -> bool {
    let encoding = text(headers, header::CONTENT_ENCODING).unwrap_or_default();
    let is_gzip = matches!(encoding.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip");
    is_gzip && request.offset == 0 && (request.size.is_none() || (length.is_some() && length != request.size))
}

/// The content as it was before it was compressed on its way, and whether that was so.
pub(super) fn decoded(
    reader: impl Read + Send + 'static,
    encoded: bool,
) -> io::Result<(Box<dyn Read + Send>, bool)> {
    if !encoded {
        return Ok((Box::new(reader), false));
    }
    let mut reader = BufReader::new(reader);
    let is_gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn Read + Send> =
        if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    Ok((reader, is_gzip))
}

pub(super) fn conditions<B>(call: ureq::RequestBuilder<B>, known: &Validators) -> ureq::RequestBuilder<B> {
    match (&known.etag, &known.last_modified) {
        (Some(etag), _) => call.header(header::IF_NONE_MATCH, etag),
        (None, Some(date)) => call.header(header::IF_MODIFIED_SINCE, date),
        (None, None) => call,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

pub(super) fn validators(headers: &HeaderMap) -> Validators {
    Validators { etag: text(headers, header::ETAG), last_modified: text(headers, header::LAST_MODIFIED) }
}

pub(super) fn redirect(response: &Response<ureq::Body>) -> Option<String> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| text(response.headers(), header::LOCATION).unwrap_or_default())
}

/// The start of `bytes 100-199/200`.
pub(super) fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = text(headers, header::CONTENT_RANGE)?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

pub(super) fn status_problem(status: StatusCode) -> Problem {
    match status.as_u16() {
        404 | 410 => Problem::NotFound,
        416 => Problem::WrongPart("it answered 416".to_owned()),
        // 509: bandwidth limit exceeded. nginx answers 503 to requests that come too often, without `Retry-After`.
        code @ (429 | 503 | 509) => Problem::Busy(code),
        code @ 500..=599 => Problem::ServerError(code),
        code => Problem::Refused(code),
    }
}

/// `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => u64::try_from(parse_date(&value)?.saturating_sub(now)).unwrap_or(0),
    };
    Some(Duration::from_secs(seconds))
}
