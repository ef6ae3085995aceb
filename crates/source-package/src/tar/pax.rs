//! Extended headers of POSIX archives (`pax(1)`), and GNU tar's sparse files that are described in them.

use super::TarError;

/// What extended headers say about the next entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub mtime: Option<i64>,
    pub sparse: Sparse,
}

/// The `GNU.sparse.*` records.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    pub major: u64,
    pub present: bool,
    pub name: Option<Vec<u8>>,
    pub real_size: Option<u64>,
    pub map: Vec<(u64, u64)>,
    offset: Option<u64>,
}

impl Extended {
    /// Takes over the records of one extended header. Later records win.
    pub(super) fn read(&mut self, mut records: &[u8], offset: u64) -> Result<(), TarError> {
        let bad = || TarError::BadHeader { offset, what: "extended header" };
        while !records.is_empty() {
            let space = records.iter().position(|&byte| byte == b' ').ok_or_else(bad)?;
            let length = decimal(&records[..space]).ok_or_else(bad)? as usize;
            let record = records.get(space + 1..length).ok_or_else(bad)?;
            let record = record.strip_suffix(b"\n").ok_or_else(bad)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(bad)?;
            self.take(&record[..equals], &record[equals + 1..]).ok_or_else(bad)?;
            records = &records[length..];
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(name(value)?),
            b"linkpath" => self.link = Some(name(value)?),
            b"size" => self.size = Some(decimal(value)?),
            b"mtime" => self.mtime = Some(seconds(value)?),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.present = true;
                    self.sparse.take(key, value)?;
                }
            }
        }
        Some(())
    }
}

impl Sparse {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"major" => self.major = decimal(value)?,
            b"name" => self.name = Some(name(value)?),
            b"size" | b"realsize" => self.real_size = Some(decimal(value)?),
            b"offset" => self.offset = Some(decimal(value)?),
            b"numbytes" => self.map.push((self.offset.take()?, decimal(value)?)),
            b"map" => self.map = map(value)?,
            _ => {}
        }
        Some(())
    }
}

fn map(value: &[u8]) -> Option<Vec<(u64, u64)>> {
    let numbers = value.split(|&byte| byte == b',').map(decimal).collect::<Option<Vec<_>>>()?;
    if numbers.len() % 2 != 0 {
        return None;
    }
    Some(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// A name may hold anything but NUL, which would cut it in GNU tar.
fn name(value: &[u8]) -> Option<Vec<u8>> {
    (!value.contains(&0)).then(|| value.to_vec())
}

/// A decimal number.
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

fn seconds(text: &[u8]) -> Option<i64> {
    let whole = text.split(|&byte| byte == b'.').next()?;
    match whole.strip_prefix(b"-") {
        Some(digits) => i64::try_from(decimal(digits)?).ok().map(|value| -value),
        None => i64::try_from(decimal(whole)?).ok(),
    }
}
