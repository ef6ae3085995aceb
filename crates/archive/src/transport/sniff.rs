//! Detection of a page in place of a file: web servers and login pages answer 200 with a page of their own.

use crate::problem::Problem;

/// Looks at the first bytes of what should have been a file of an archive.
pub(crate) fn sniff(start: &[u8]) -> Option<Problem> {
    let text: String =
        String::from_utf8_lossy(start).trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).to_lowercase();
    let page = ["<!doctype html", "<html", "<head", "<title", "<?xml", "<!--", "<meta", "<script"];
    if !page.iter().any(|tag| text.starts_with(tag)) {
        return None;
    }
    // Apache, nginx, lighttpd and Python's server all use this title.
    let listing = ["index of /", "directory listing for", "directory: /"];
    Some(if listing.iter().any(|title| text.contains(title)) {
        Problem::FolderListing
    } else {
        Problem::WebPage
    })
}

/// The names of folders in the list that a web server makes of a folder: its links that end with a slash.
pub(super) fn folders(page: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, _) in page.match_indices("href=") {
        let rest = page.get(at + 5..).unwrap_or_default();
        let link = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest.get(1..).and_then(|rest| rest.split(quote).next()),
            _ => rest.split(['>', ' ']).next(),
        };
        let Some(name) = link.and_then(|link| link.trim_start_matches("./").strip_suffix('/')) else {
            continue;
        };
        if crate::config::is_path(name) && !name.contains('/') {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_pages_from_files() {
        assert!(matches!(sniff(b"\n<!DOCTYPE html><title>Welcome</title>"), Some(Problem::WebPage)));
        let listing = b"<html>\r\n<head><title>Index of /debian/</title></head>";
        assert!(matches!(sniff(listing), Some(Problem::FolderListing)));
        assert!(sniff(b"-----BEGIN PGP SIGNED MESSAGE-----").is_none());
        assert!(sniff(b"Format: 3.0 (quilt)").is_none());
        assert!(sniff(b"").is_none());
    }

    #[test]
    fn finds_folders_in_lists() {
        let page = "<a href=\"../\">../</a><a href=\"sid/\">sid/</a> <a href='./bookworm/'>x</a>\
                    <a href=README>R</a><a href=\"/abs/\">x</a><a href=\"https://x/\">x</a><a href=\"a/b/\">x</a>\
                    <a href=\"?C=N;O=D\">N</a><a href=\"..%2fx/\">x</a>";
        assert_eq!(folders(page), ["bookworm", "sid"]);
    }
}
