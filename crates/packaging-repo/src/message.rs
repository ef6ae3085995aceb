//! The messages of commits: for people above, trailers for programs below.

use source_package::dsc::Dsc;
use source_package::printable::{escaped, is_refused_in_history};

use crate::ObjectId;
use crate::manifest::{IMPORT_RULES, RAISED_RULES};
use crate::object::CommitObject;

/// A version, patches not applied. `news` are the changelog's entries since its parent.
pub fn version(dsc: &Dsc, sha256: &str, news: &str, rules: u32) -> String {
    let title = format!("Import {} {}", dsc.source, dsc.version);
    with_trailers(&[&title, news], &facts(dsc, sha256, rules))
}

/// The commit under a version's patches.
pub fn applied(dsc: &Dsc, sha256: &str, series: Option<&str>, rules: u32) -> String {
    let title = format!("Apply the patches of {} {}", dsc.source, dsc.version);
    let mut trailers = facts(dsc, sha256, rules);
    trailers.push(("Series", series.unwrap_or("none").to_owned()));
    with_trailers(&[&title], &trailers)
}

/// Message of a patch's commit.
pub fn patch(dsc: &Dsc, sha256: &str, name: &str, text: &str, rules: u32) -> String {
    let mut trailers = facts(dsc, sha256, rules);
    trailers.push(("Patch", name.to_owned()));
    with_trailers(&[text], &trailers)
}

/// A join of a branch with a version that does not descend from it.
pub fn join(branch: &str, version: &CommitObject) -> String {
    let title = format!("Publish {} in {branch}", version.trailer("Version").unwrap_or("a version"));
    let kept = ["Source-Package", "Version", "Dsc-Sha256", "Import-Rules"];
    let mut trailers: Vec<(&str, String)> =
        kept.iter().filter_map(|key| Some((*key, version.trailer(key)?.to_owned()))).collect();
    trailers.push(("Join", branch.to_owned()));
    with_trailers(&[&title], &trailers)
}

/// Message of a version merged with foreign changes, as it is offered to people.
pub fn offer(branch: &str, version: &CommitObject, theirs: ObjectId) -> String {
    let version = version.trailer("Version").unwrap_or("the version");
    let title = format!("Merge {theirs} into {version} of {branch}");
    let text = "What somebody else had pushed, with the version that is published. No import goes on from here: take it\n        for the next upload, or leave it.";
    with_trailers(&[&title, text], &[("Offered-For", branch.to_owned())])
}

/// Message of the commit of upstream tarballs.
pub fn upstream(source: &str, version: &str, tarballs: &[(String, String)]) -> String {
    let title = format!("Import upstream {source} {version}");
    let mut trailers = vec![("Source-Package", source.to_owned()), ("Upstream-Version", version.to_owned())];
    trailers.extend(tarballs.iter().map(|(name, sha256)| ("Tarball", format!("{sha256} {name}"))));
    trailers.push(("Import-Rules", IMPORT_RULES.to_string()));
    with_trailers(&[&title], &trailers)
}

fn facts(dsc: &Dsc, sha256: &str, rules: u32) -> Vec<(&'static str, String)> {
    vec![
        ("Source-Package", dsc.source.to_string()),
        ("Version", dsc.version.to_string()),
        ("Dsc-Sha256", sha256.to_owned()),
        ("Import-Rules", rules.to_string()),
    ]
}

fn with_trailers(paragraphs: &[&str], trailers: &[(&str, String)]) -> String {
    let mut text = String::new();
    for paragraph in paragraphs.iter().map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty()) {
        text.push_str(paragraph);
        text.push_str("\n\n");
    }
    for (key, value) in trailers {
        text.push_str(&format!("{key}: {}\n", value.replace(['\n', '\0'], " ")));
    }
    // Git's own limit of a message is a NUL, which would hide the trailers.
    escaped(&text.replace('\0', ""), is_refused_in_history).into_owned()
}

/// The rules for texts that become a part of commits: nearly none has anything that is escaped.
pub fn rules_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> u32 {
    let is_escaped = |text: &str| text.chars().any(|c| c != '\0' && is_refused_in_history(c));
    if texts.into_iter().any(is_escaped) { RAISED_RULES } else { IMPORT_RULES }
}
