//! Answers of Debian's snapshot service.

use std::collections::HashMap;

use serde::Deserialize;
use source_package::checksum::{Checksums, ListedFile};
use source_package::version::{PackageName, Version};

use super::OldVersion;

/// Answer to `/mr/package/NAME/`.
#[derive(Debug, Deserialize)]
pub(super) struct Versions {
    result: Vec<VersionOf>,
}

#[derive(Debug, Deserialize)]
struct VersionOf {
    version: String,
}

/// Answer to `/mr/package/NAME/VERSION/srcfiles?fileinfo=1`.
#[derive(Debug, Deserialize)]
pub(super) struct SourceFiles {
    #[serde(default)]
    fileinfo: HashMap<String, Vec<FileInfo>>,
}

/// One place where a file was seen. The same content may have had several names.
#[derive(Clone, Debug, Deserialize)]
struct FileInfo {
    name: String,
    archive_name: String,
    #[serde(default)]
    first_seen: String,
    size: u64,
}

impl Versions {
    /// The versions in their order. A text that is no version cannot be imported, and is left out.
    pub(super) fn versions(self) -> Vec<Version> {
        let mut versions: Vec<Version> =
            self.result.iter().filter_map(|one| Version::new(&one.version).ok()).collect();
        versions.sort();
        versions.dedup();
        versions
    }
}

impl SourceFiles {
    /// One version for each `.dsc`. The `.dsc` itself lists the files that belong to it.
    pub(super) fn versions(self, package: &PackageName, version: &Version) -> Vec<OldVersion> {
        let mut dscs: Vec<(ListedFile, FileInfo)> = Vec::new();
        let mut files = Vec::new();
        for (sha1, places) in &self.fileinfo {
            if sha1.len() != 40 || !sha1.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                continue;
            }
            let mut names: Vec<&str> = Vec::new();
            let mut places: Vec<&FileInfo> =
                places.iter().filter(|place| is_file_name(&place.name)).collect();
            places.sort_by(|a, b| a.first_seen.cmp(&b.first_seen));
            for place in places {
                if names.contains(&place.name.as_str()) {
                    continue;
                }
                names.push(&place.name);
                let sums = Checksums { sha1: Some(sha1.clone()), ..Checksums::default() };
                let listed = ListedFile { name: place.name.clone(), size: place.size, checksums: sums };
                match place.name.ends_with(".dsc") {
                    true => dscs.push((listed, place.clone())),
                    false => files.push(listed),
                }
            }
        }
        files.sort_by(|a, b| (&a.name, &a.checksums.sha1).cmp(&(&b.name, &b.checksums.sha1)));
        let mut versions: Vec<OldVersion> = dscs
            .into_iter()
            .map(|(dsc, place)| OldVersion {
                package: package.clone(),
                version: version.clone(),
                dsc,
                archive: place.archive_name,
                first_seen: first_seen(&place.first_seen),
                files: files.clone(),
            })
            .collect();
        versions.sort_by(|a, b| {
            (a.first_seen, &a.dsc.checksums.sha1).cmp(&(b.first_seen, &b.dsc.checksums.sha1))
        });
        versions
    }
}

/// A name that stays in its folder.
fn is_file_name(name: &str) -> bool {
    crate::config::is_path(name) && !name.contains('/')
}

/// Seconds since 1970 of a time such as `20110911T030303Z`.
fn first_seen(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to);
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?
    );
    let time = humantime::parse_rfc3339(&rfc3339).ok()?;
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(first_seen("20110911T030303Z"), Some(1_315_710_183));
        assert_eq!(first_seen("2011"), None);
        assert_eq!(first_seen("2011ä911T030303Z"), None);
    }

    #[test]
    fn one_version_for_each_dsc() {
        let (a, b, c) = ("a".repeat(40), "b".repeat(40), "c".repeat(40));
        let info = |name: &str, seen: &str| {
            format!(
                "[{{\"name\":\"{name}\",\"archive_name\":\"debian\",\"first_seen\":\"{seen}\",\"path\":\"/pool\",\"size\":5}}]"
            )
        };
        let json = format!(
            "{{\"package\":\"aa\",\"version\":\"1\",\"_comment\":\"x\",\"result\":[{{\"hash\":\"{a}\"}}],\"fileinfo\":{{\"{a}\":{},\"{b}\":{},\"{c}\":{},\"../x\":{}}}}}",
            info("aa_1.dsc", "20200101T000000Z"),
            info("aa_1.dsc", "20100101T000000Z"),
            info("../aa_1.tar.gz", "20100101T000000Z"),
            info("aa_1.tar.xz", "20100101T000000Z"),
        );
        let answer: SourceFiles = serde_json::from_str(&json).unwrap();
        let (package, version) = (PackageName::new("aa").unwrap(), Version::new("1").unwrap());
        let versions = answer.versions(&package, &version);
        let sums: Vec<&str> =
            versions.iter().map(|version| version.dsc.checksums.sha1.as_deref().unwrap()).collect();
        assert_eq!(sums, [b.as_str(), a.as_str()], "the first seen first");
        assert!(versions[0].files.is_empty(), "names and hashes that lead elsewhere are left out");
    }
}
