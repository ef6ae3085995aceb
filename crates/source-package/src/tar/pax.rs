//! Extended headers of POSIX archives (`pax(1)`), and GNU tar's sparse files that are described in them.

use std::rc::Rc;

use super::TarError;
use super::header::text;

/// Values of extended headers for the next entry. Every entry begins with a copy of the values of global headers, so
/// long values are shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    pub path: Option<Rc<[u8]>>,
    pub link: Option<Rc<[u8]>>,
    pub size: Option<u64>,
    pub mtime: Option<i64>,
    pub sparse: Sparse,
}

/// Values of the `GNU.sparse.*` records.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    pub major: u64,
    pub name: Option<Rc<[u8]>>,
    pub real_size: Option<u64>,
    pub map: Rc<Vec<(u64, u64)>>,
    /// Largest number of regions of the map, which must be given before it.
    most: u64,
    offset: Option<u64>,
}

impl Extended {
    /// Takes over the records of one extended header. Later records win.
    pub(super) fn read(&mut self, mut records: &[u8], offset: u64) -> Result<(), TarError> {
        let bad = || TarError::BadHeader { offset, what: "extended header" };
        loop {
            let start = records.iter().position(|&byte| !is_blank(byte)).unwrap_or(records.len());
            // A NUL ends the header, whatever stands behind it.
            if records.get(start).is_none_or(|&byte| byte == 0) {
                return Ok(());
            }
            let digits = records[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let length = decimal(&records[start..start + digits]).ok_or_else(bad)?;
            let length = usize::try_from(length).map_err(|_| bad())?;
            let record = records.get(start + digits..length).ok_or_else(bad)?;
            let (key, value) = key_and_value(record).ok_or_else(bad)?;
            self.take(key, value).ok_or_else(bad)?;
            records = &records[length..];
        }
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(value.into()),
            b"linkpath" => self.link = Some(value.into()),
            b"size" => self.size = Some(decimal(value)?),
            b"mtime" => self.mtime = Some(seconds(value)?),
            // These values are not used, but GNU tar fails if they are wrong.
            b"atime" | b"ctime" => drop(seconds(value)?),
            b"uid" | b"gid" => drop(id(value)?),
            b"GNU.volume.size" | b"GNU.volume.offset" => drop(decimal(value)?),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.take(key, value)?;
                }
            }
        }
        Some(())
    }
}

/// Keyword and value of a record. Behind its length are blanks, the keyword, `=`, the value, which a NUL cuts off, and
/// a newline.
fn key_and_value(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = record.iter().position(|&byte| !is_blank(byte)).filter(|&blanks| blanks > 0)?;
    let record = record[start..].strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let key = &record[..equals];
    (!key.contains(&0)).then(|| (key, text(&record[equals + 1..])))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl Sparse {
    /// True when there is a map, here or in front of the data. A name or a size alone makes no sparse file.
    pub(super) fn has_map(&self) -> bool {
        self.major > 0 || !self.map.is_empty()
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"major" => self.major = decimal(value)?,
            b"name" => self.name = Some(value.into()),
            b"size" | b"realsize" => self.real_size = Some(decimal(value)?),
            b"numblocks" => {
                self.most = decimal(value)?;
                self.map = Rc::default();
            }
            b"minor" => drop(decimal(value)?),
            b"offset" if self.map.len() as u64 >= self.most => return None,
            b"offset" => self.offset = Some(decimal(value)?),
            b"numbytes" => {
                let region = (self.offset.take().unwrap_or(0), decimal(value)?);
                Rc::make_mut(&mut self.map).push(region);
            }
            b"map" => self.map = Rc::new(map(value)?),
            _ => {}
        }
        (self.map.len() as u64 <= self.most).then_some(())
    }
}

fn map(value: &[u8]) -> Option<Vec<(u64, u64)>> {
    let numbers = value.split(|&byte| byte == b',').map(decimal).collect::<Option<Vec<_>>>()?;
    let (pairs, []) = numbers.as_chunks() else { return None };
    Some(pairs.iter().map(|&[offset, length]| (offset, length)).collect())
}

/// Value of a decimal number; `None` if the text is none, or too large.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// The number of an owner or a group; minus nothing is a number, too.
fn id(text: &[u8]) -> Option<u32> {
    match text.strip_prefix(b"-") {
        Some(digits) => (decimal(digits)? == 0).then_some(0),
        None => u32::try_from(decimal(text)?).ok(),
    }
}

/// Whole seconds of a time. GNU tar does not look at the text behind the digits.
fn seconds(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = i128::from(decimal(&digits[..count])?);
    i64::try_from(if digits.len() < text.len() { -whole } else { whole }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(records: &[u8]) -> Option<Extended> {
        let mut extended = Extended::default();
        extended.read(records, 0).ok().map(|()| extended)
    }

    #[test]
    fn times_begin_with_digits() {
        for (text, expected) in [
            ("5", Some(5)),
            ("5.25", Some(5)),
            ("-5.25", Some(-5)),
            ("12abc", Some(12)),
            ("1,5", Some(1)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            (".5", None),
            ("-", None),
            (" 5", None),
            ("", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn records_have_blanks_and_end_at_a_nul() {
        for records in [
            b"12 path=a/b\n".as_slice(),
            b" \t14 path=a/b\n",
            b"13 \tpath=a/b\n",
            b"12 path=a/b\n\0garbage",
            b"12 path=a/b\n  ",
            b"14 path=a/b\0c\n",
        ] {
            let path = read(records).and_then(|extended| extended.path);
            assert_eq!(path.as_deref(), Some(b"a/b".as_slice()), "{}", records.escape_ascii());
        }
        for records in [
            b"11path=a/b\n".as_slice(),
            b"12 path=a/b\ngarbage",
            b"13 path=a/b\n",
            b"8 abcde\n",
            b"10 a\0b=cd\n",
            b"0 path=a/b\n",
            b"12 path=a/b ",
            b"\n",
            b"12 uid=4 567\n",
            b"18 uid=4294967296\n",
        ] {
            assert!(read(records).is_none(), "{}", records.escape_ascii());
        }
    }
}
