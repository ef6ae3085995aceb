//! Atom (RFC 4287): what is new, for whoever wants to follow it.

use std::fmt::Write as _;

use baseline::time::Millis;

use crate::text::clean;

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What is followed: `failures`, `collisions`, `packages/NAME`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Which installation it is of: its identity, which stays.
    pub installation: String,
    /// Where its pages are, if that is known.
    pub url: Option<String>,
    /// When it was read, in Unix milliseconds, for a feed without entries.
    pub read: i64,
    /// The newest first.
    pub entries: Vec<Entry>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, which stays.
    pub name: String,
    /// One line.
    pub title: String,
    /// When it changed last, in Unix milliseconds.
    pub at: i64,
    /// More lines.
    pub lines: Vec<String>,
    /// Its page, below that of the installation.
    pub page: Option<String>,
}

impl Feed {
    /// As XML.
    pub fn render(&self) -> String {
        let updated = self.entries.iter().map(|entry| entry.at).max().unwrap_or(self.read);
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
        );
        let mut add = |line: std::fmt::Arguments<'_>| xml.write_fmt(line).unwrap_or_default();
        let id = format!("urn:package-import:{}:{}", part(&self.installation), part(&self.name));
        add(format_args!("  <title>{}</title>\n  <id>{}</id>\n", escaped(&self.title), escaped(&id)));
        add(format_args!("  <updated>{}</updated>\n", moment(updated)));
        add(format_args!("  <author><name>package-import</name></author>\n"));
        if let Some(url) = &self.url {
            add(format_args!("  <link rel=\"alternate\" href=\"{}/\"/>\n", escaped(url)));
        }
        for entry in &self.entries {
            let name = format!("{id}:{}", part(&entry.name));
            add(format_args!("  <entry>\n    <title>{}</title>\n", escaped(&entry.title)));
            add(format_args!(
                "    <id>{}</id>\n    <updated>{}</updated>\n",
                escaped(&name),
                moment(entry.at)
            ));
            if let (Some(url), Some(page)) = (&self.url, &entry.page) {
                add(format_args!(
                    "    <link rel=\"alternate\" href=\"{}{}\"/>\n",
                    escaped(url),
                    escaped(page)
                ));
            }
            let lines: Vec<String> = entry.lines.iter().map(|line| escaped(line)).collect();
            add(format_args!("    <content type=\"text\">{}</content>\n  </entry>\n", lines.join("\n")));
        }
        xml.push_str("</feed>\n");
        xml
    }
}

/// A text as XML may have it.
fn escaped(text: &str) -> String {
    let text = clean(text);
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&#39;"),
            // No document of XML 1.0 has these.
            '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml
}

/// A text as a part of a URN.
fn part(text: &str) -> String {
    let mut urn = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_./+".contains(&byte) {
            true => urn.push(char::from(byte)),
            false => urn.push_str(&format!("%{byte:02X}")),
        }
    }
    urn
}

fn moment(at: i64) -> String {
    let second = at.div_euclid(1000).rem_euclid(60);
    Millis(at).to_string().replace(' ', "T").replace('Z', &format!(":{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_element() {
        let hostile = "<script>&\"'\u{1b}]]>\u{ffff}";
        let entry = Entry {
            name: hostile.into(),
            title: hostile.into(),
            at: 1_790_000_001_500,
            lines: vec![hostile.into()],
            page: Some(hostile.into()),
        };
        let feed = Feed {
            name: "failures".into(),
            title: hostile.into(),
            installation: "x".into(),
            url: Some("https://a".into()),
            read: 0,
            entries: vec![entry],
        };
        let xml = feed.render();
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}') && !xml.contains("]]>"), "{xml}");
        assert!(xml.contains("<updated>2026-09-21T14:13:21Z</updated>"), "{xml}");
    }
}
