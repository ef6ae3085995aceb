//! Identity and place of a publication, each as one text: a poll holds tens of thousands of them, and compares each with
//! a stanza of the list.

use std::borrow::Borrow;

/// Stands between the parts. Neither the lists nor the database have it in any of them.
const BETWEEN: char = '\0';

/// A publication's identity in its suite: the package, the version, the hash of its `.dsc`. They are sorted by these, in
/// this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// The identity with these parts.
    pub fn new(package: &str, version: &str, hash: &str) -> Key {
        let mut text = String::with_capacity(package.len() + version.len() + hash.len() + 2);
        Key::write(&mut text, package, version, hash);
        Key(text.into_boxed_str())
    }

    /// Writes the text of an identity in place of another text, to look it up by [`Borrow`].
    pub fn write(text: &mut String, package: &str, version: &str, hash: &str) {
        text.clear();
        join(text, &[package, version, hash]);
    }

    /// The identity with this text, which [`Key::write`] has written.
    pub fn of_text(text: &str) -> Key {
        Key(text.into())
    }

    /// Name of the package.
    pub fn package(&self) -> &str {
        part(&self.0, 0)
    }

    /// Version of the source package.
    pub fn version(&self) -> &str {
        part(&self.0, 1)
    }

    /// Hash that identifies the `.dsc`.
    pub fn hash(&self) -> &str {
        part(&self.0, 2)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Place of a publication in a list: the component, and the path of its `.dsc` in the archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Box<str>);

impl Place {
    /// The place with these parts.
    pub fn new(component: &str, path: &str) -> Place {
        let mut text = String::with_capacity(component.len() + path.len() + 1);
        join(&mut text, &[component, path]);
        Place(text.into_boxed_str())
    }

    /// Writes the text of a place in place of another text.
    pub fn write(text: &mut String, component: &str, path: &[&str]) {
        text.clear();
        join(text, &[component, ""]);
        path.iter().for_each(|piece| text.push_str(piece));
    }

    /// The place with this text, which [`Place::write`] has written.
    pub fn of_text(text: &str) -> Place {
        Place(text.into())
    }

    /// The component; empty in a flat archive.
    pub fn component(&self) -> &str {
        part(&self.0, 0)
    }

    /// Path of the `.dsc`.
    pub fn path(&self) -> &str {
        part(&self.0, 1)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn join(text: &mut String, parts: &[&str]) {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            text.push(BETWEEN);
        }
        text.push_str(part);
    }
}

fn part(text: &str, number: usize) -> &str {
    text.split(BETWEEN).nth(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_are_sorted_one_after_the_other() {
        let key = Key::new("a", "1.0", "sha1:ff");
        assert_eq!((key.package(), key.version(), key.hash()), ("a", "1.0", "sha1:ff"));
        assert!(key < Key::new("a", "1.0-1", "00") && key < Key::new("a+b", "0", "00"));
        let mut text = String::new();
        Key::write(&mut text, "a", "1.0", "sha1:ff");
        assert_eq!(Key::of_text(&text), key);
        Place::write(&mut text, "main", &["pool/a", "/", "a.dsc"]);
        let place = Place::of_text(&text);
        assert_eq!((place.component(), place.path()), ("main", "pool/a/a.dsc"));
        assert_eq!(place, Place::new("main", "pool/a/a.dsc"));
        assert_eq!((Place::new("", "a.dsc").component(), Place::new("", "a.dsc").path()), ("", "a.dsc"));
    }
}
