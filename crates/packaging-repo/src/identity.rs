//! The name under which the importer commits and tags.

use source_package::ident::Ident;

/// Committer and tagger: the same on every machine.
pub fn importer() -> Ident {
    Ident::new("package-import", "package-import@localhost")
}
