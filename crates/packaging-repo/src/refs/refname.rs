//! The names of refs. Versions are mangled as DEP-14 says, so that every valid version gives a valid name.

/// Distros that would collide with other refs.
const RESERVED: [&str; 4] = ["applied", "upstream", "reimport", "collisions"];

/// A distro or suite that cannot be part of a ref's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It collides with refs that have another meaning.
    #[error("a distro cannot be called {0}: refs of that name mean something else")]
    Reserved(String),
    /// Git would refuse it.
    #[error("{0:?} cannot be part of a branch's name (git-check-ref-format(1))")]
    Malformed(String),
    /// No file could have its name: Git keeps a ref, and the lock of it, in a file.
    #[error(
        "a name of {length} bytes is too long for a part of a branch's name: {most} are the most (it begins with {begin:?})"
    )]
    TooLong {
        /// Length of the name, in bytes.
        length: usize,
        /// Largest length, in bytes.
        most: usize,
        /// Beginning of the name.
        begin: String,
    },
    /// A full name that is none of ours.
    #[error("{0:?} is no name of a ref that is written here")]
    Elsewhere(String),
}

/// The longest part of a ref's name, in bytes. Git takes 250 of the 255 that a file's name may have, for the lock beside
/// it; ours of a lock needs a few more.
const LONGEST_PART: usize = 230;

/// The longest name of a ref, in bytes.
const LONGEST: usize = 1000;

/// Folder of foreign branches that were set aside.
pub const ASIDE: &str = "refs/heads/collisions/";

/// Where a repair keeps what it replaces. Hidden from whoever clones.
pub const REPAIRED: &str = "refs/package-import/repair/";

/// Folders in which refs are written; refs are written nowhere else.
const WRITTEN: [&str; 4] = ["refs/heads/", "refs/tags/", "refs/dsc/", REPAIRED];

/// Checks the full name of a ref that is about to be written.
///
/// # Errors
/// [`InvalidName`] when Git would not accept it, or when it is outside of the folders for refs.
pub fn check_ref(name: &str) -> Result<(), InvalidName> {
    if !WRITTEN.iter().any(|folder| name.len() > folder.len() && name.starts_with(folder)) {
        return Err(InvalidName::Elsewhere(begin(name)));
    }
    if !is_valid(name) {
        return Err(InvalidName::Malformed(begin(name)));
    }
    check_lengths(name)
}

fn check_lengths(name: &str) -> Result<(), InvalidName> {
    let too_long = |text: &str, most| InvalidName::TooLong { length: text.len(), most, begin: begin(text) };
    if let Some(part) = name.split('/').find(|part| part.len() > LONGEST_PART) {
        return Err(too_long(part, LONGEST_PART));
    }
    if name.len() > LONGEST { Err(too_long(name, LONGEST)) } else { Ok(()) }
}

/// As much of a name as a message can take.
fn begin(name: &str) -> String {
    name.chars().take(60).collect()
}

/// True when a name is one that no distro can have.
pub fn is_reserved(distro: &str) -> bool {
    RESERVED.contains(&distro)
}

/// Checks the name of a distro: one part of a ref's name, and none that has another meaning.
///
/// # Errors
/// [`InvalidName`] when it is reserved, has a slash, is too long, or cannot be part of a ref.
pub fn check_distro(distro: &str) -> Result<(), InvalidName> {
    if is_reserved(distro) {
        return Err(InvalidName::Reserved(distro.to_owned()));
    }
    if distro.contains('/') {
        return Err(InvalidName::Malformed(begin(distro)));
    }
    check_part(distro)?;
    check_lengths(distro)
}

/// Checks the name of a suite, which may have slashes (`bookworm/updates`).
///
/// # Errors
/// [`InvalidName`] when a part is too long, or cannot be part of a ref.
pub fn check_suite(suite: &str) -> Result<(), InvalidName> {
    suite
        .split('/')
        .try_for_each(|part| check_part(part).map_err(|_| InvalidName::Malformed(begin(suite))))?;
    check_lengths(suite)
}

/// True when Git accepts a full name for a ref (git-check-ref-format(1)).
pub(crate) fn is_valid(name: &str) -> bool {
    !name.ends_with('.') && name.split('/').all(is_valid_part)
}

fn is_valid_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && !part.ends_with(".lock")
        && !part.contains("..")
        && !part.contains("@{")
        && !part.contains(|c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c))
}

/// Checks a part of a name that the importer makes, which also has to be safe on a command line.
fn check_part(part: &str) -> Result<(), InvalidName> {
    let bad = !is_valid_part(part)
        || part.starts_with('-')
        || part.ends_with('.')
        || part == "@"
        || part.contains(|c: char| c.is_control() || c.is_whitespace());
    if bad { Err(InvalidName::Malformed(begin(part))) } else { Ok(()) }
}

/// A version as part of a ref's name (DEP-14, "Version mangling").
pub fn mangle(version: &str) -> String {
    let mut mangled = String::with_capacity(version.len() + 4);
    for c in version.chars() {
        match c {
            ':' => mangled.push('%'),
            '~' => mangled.push('_'),
            '.' if mangled.ends_with('.') => mangled.push_str("#."),
            c => mangled.push(c),
        }
    }
    if mangled.ends_with('.') {
        mangled.push('#');
    }
    if let Some(stem) = mangled.strip_suffix(".lock") {
        mangled = format!("{stem}.#lock");
    }
    mangled
}

/// The version that a part of a ref's name stands for.
pub fn unmangle(part: &str) -> String {
    part.chars()
        .filter(|&c| c != '#')
        .map(|c| match c {
            '%' => ':',
            '_' => '~',
            c => c,
        })
        .collect()
}

/// The packaging branch of a suite.
pub fn branch(distro: &str, suite: &str) -> String {
    format!("refs/heads/{distro}/{suite}")
}

/// The same with patches applied.
pub fn applied_branch(distro: &str, suite: &str) -> String {
    format!("refs/heads/applied/{distro}/{suite}")
}

/// The tag of a version.
pub fn version_tag(distro: &str, version: &str) -> String {
    format!("refs/tags/{distro}/{}", mangle(version))
}

/// The tag of a version with patches applied.
pub fn applied_tag(distro: &str, version: &str) -> String {
    format!("refs/tags/applied/{distro}/{}", mangle(version))
}

/// Folder of the tags for other contents of a version.
pub fn reimport_folder(distro: &str, version: &str) -> String {
    format!("refs/tags/reimport/{distro}/{}/", mangle(version))
}

/// The tag of another content of a version.
pub fn reimport_tag(distro: &str, version: &str, dsc_sha256: &str) -> String {
    format!("{}{}", reimport_folder(distro, version), short(dsc_sha256))
}

/// Folder of the applied tags for other contents.
pub fn applied_reimport_folder(distro: &str, version: &str) -> String {
    format!("refs/tags/reimport/applied/{distro}/{}/", mangle(version))
}

/// The applied tag of another content.
pub fn applied_reimport_tag(distro: &str, version: &str, dsc_sha256: &str) -> String {
    format!("{}{}", applied_reimport_folder(distro, version), short(dsc_sha256))
}

/// The tag of an upstream version.
pub fn upstream_tag(version: &str) -> String {
    format!("refs/tags/upstream/{}", mangle(version))
}

/// Folder of the tags for other tarballs of an upstream version.
pub fn upstream_reimport_folder(version: &str) -> String {
    format!("refs/tags/reimport/upstream/{}/", mangle(version))
}

/// The tag of other tarballs of an upstream version.
pub fn upstream_reimport_tag(version: &str, hash: &str) -> String {
    format!("{}{}", upstream_reimport_folder(version), short(hash))
}

/// The `.dsc` that belongs to a version's tag: `refs/tags/X` has its in `refs/dsc/X`.
pub fn dsc_of_tag(tag: &str) -> String {
    format!("refs/dsc/{}", tag.trim_start_matches("refs/tags/"))
}

/// The signatures of upstream tarballs that belong to a `.dsc`. No version has an `@`.
pub fn signatures_of_tag(tag: &str) -> String {
    format!("{}@asc", dsc_of_tag(tag))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The names of a tag of other content, from the shortest: one that somebody else has taken is passed over.
pub fn by_hash(folder: &str, hash: &str) -> impl Iterator<Item = String> {
    let (folder, hash) = (folder.to_owned(), hash.to_owned());
    [12, 20, 64].into_iter().map(move |digits| format!("{folder}{}", hash.get(..digits).unwrap_or(&hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangles_as_dep14_says() {
        for (version, mangled) in [
            ("1:2.0~rc1-3", "1%2.0_rc1-3"),
            ("1..2", "1.#.2"),
            ("1...2", "1.#.#.2"),
            ("1.", "1.#"),
            ("1.lock", "1.#lock"),
            ("1.lock-1", "1.lock-1"),
        ] {
            assert_eq!(mangle(version), mangled);
            assert_eq!(unmangle(mangled), version);
        }
    }

    #[test]
    fn only_what_git_takes_is_written_and_only_where_it_belongs() {
        for good in ["refs/heads/debian/sid", "refs/tags/debian/1%2.#.3_rc1-1", "refs/dsc/debian/1@asc"] {
            assert_eq!(check_ref(good), Ok(()), "{good}");
        }
        let long = format!("refs/tags/debian/{}", "1".repeat(240));
        for bad in [
            "refs/heads/../../hooks",
            "refs/heads/debian/a b",
            "refs/heads/foo..bar",
            "refs/heads/debian/x.lock",
            "refs/heads/debian/x/",
            "refs/heads//x",
            "refs/heads/@{x",
            "refs/heads/a\u{7}",
            "refs/heads/",
            "refs/notes/x",
            "HEAD",
            "/etc/passwd",
            "",
            &long,
        ] {
            assert!(check_ref(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_names_that_mean_something_else() {
        assert!(check_distro("debian").is_ok());
        assert!(check_suite("bookworm/updates").is_ok());
        assert!(check_suite(&"x".repeat(255)).is_err() && check_suite(&"x".repeat(200)).is_ok());
        for bad in
            ["applied", "upstream", "reimport", "collisions", "a/b", "", ".a", "a..b", "a b", "a.lock", "-x"]
        {
            assert!(check_distro(bad).is_err(), "{bad}");
        }
    }
}
