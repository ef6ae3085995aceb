//! Roles of a source package's files (`dpkg-source(1)`, SOURCE PACKAGE FORMATS).

use std::collections::BTreeMap;

use crate::dsc::{Dsc, Family};

/// The files of a source package by their part; numbers are places in [`Dsc::files`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One tarball with everything.
    Native {
        /// Position of the tarball in the list of files.
        tarball: usize,
    },
    /// Format 1.0 with an upstream tarball, perhaps changed by a diff.
    Diff {
        /// Position of the upstream tarball.
        orig: usize,
        /// Position of the `.diff.gz`, if there is one.
        diff: Option<usize>,
    },
    /// Formats 2.0 and 3.0 (quilt).
    Quilt {
        /// The main upstream tarball.
        orig: usize,
        /// Further upstream tarballs by component, in the order in which they are unpacked.
        components: Vec<(String, usize)>,
        /// The tarball with `debian/`.
        debian: usize,
    },
}

/// Reason why a set of files is no source package.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LayoutError {
    /// A file that the format does not have.
    #[error("{0} does not belong into a source package of this format")]
    Unrecognized(String),
    /// Two files for the same part.
    #[error("more than one file for the same part: {0}")]
    Duplicate(String),
    /// A part is missing.
    #[error("no {0} among the files")]
    Missing(&'static str),
    /// A signature without its tarball.
    #[error("{0} is the signature of a tarball that is not there")]
    StraySignature(String),
}

const COMPRESSIONS: [&str; 4] = [".gz", ".bz2", ".lzma", ".xz"];

impl Layout {
    /// Sorts the files of a `.dsc` into their parts.
    ///
    /// # Errors
    /// [`LayoutError`] when a part is missing, is there twice, or does not belong to the format.
    pub fn of(dsc: &Dsc) -> Result<Layout, LayoutError> {
        match dsc.format.family {
            Family::Native => native(dsc),
            Family::V1 => version1(dsc),
            Family::V2 | Family::Quilt => quilt(dsc),
        }
    }

    /// The rule by which upstream tarballs are unpacked: the quilt formats leave out quilt's own folder.
    pub fn unpack_rule(&self) -> &'static str {
        match self {
            Layout::Quilt { .. } => "quilt",
            Layout::Native { .. } | Layout::Diff { .. } => "1.0",
        }
    }

    /// The upstream tarballs, the main one first.
    pub fn upstream(&self) -> Vec<(Option<&str>, usize)> {
        match self {
            Layout::Native { .. } => Vec::new(),
            Layout::Diff { orig, .. } => vec![(None, *orig)],
            Layout::Quilt { orig, components, .. } => {
                let main = std::iter::once((None, *orig));
                main.chain(components.iter().map(|(name, index)| (Some(name.as_str()), *index))).collect()
            }
        }
    }
}

/// The name without the ending of a compression that dpkg knows; zstd is taken too.
fn uncompressed(name: &str) -> Option<&str> {
    COMPRESSIONS.iter().chain(&[".zst"]).find_map(|ending| name.strip_suffix(ending))
}

fn native(dsc: &Dsc) -> Result<Layout, LayoutError> {
    let expected = format!("{}.tar", dsc.base());
    let mut tarball = None;
    for (index, file) in dsc.files.iter().enumerate() {
        if uncompressed(&file.name) != Some(&expected) {
            return Err(LayoutError::Unrecognized(file.name.clone()));
        }
        if tarball.replace(index).is_some() {
            return Err(LayoutError::Duplicate(file.name.clone()));
        }
    }
    Ok(Layout::Native { tarball: tarball.ok_or(LayoutError::Missing("tarball"))? })
}

fn version1(dsc: &Dsc) -> Result<Layout, LayoutError> {
    let orig_name = format!("{}.orig.tar.gz", dsc.upstream_base());
    let (mut tarball, mut diff) = (None, None);
    for (index, file) in dsc.files.iter().enumerate() {
        let name = &file.name;
        if *name == orig_name || *name == format!("{}.tar.gz", dsc.base()) {
            if tarball.replace(index).is_some() {
                return Err(LayoutError::Duplicate(name.clone()));
            }
        } else if *name == format!("{}.diff.gz", dsc.base()) {
            diff = Some(index);
        } else if *name != format!("{orig_name}.asc") {
            return Err(LayoutError::Unrecognized(name.clone()));
        }
    }
    let orig = tarball.ok_or(LayoutError::Missing("tarball"))?;
    if diff.is_none() && dsc.files[orig].name != orig_name {
        return native(dsc);
    }
    Ok(Layout::Diff { orig, diff })
}

fn quilt(dsc: &Dsc) -> Result<Layout, LayoutError> {
    let orig_base = format!("{}.orig", dsc.upstream_base());
    let (mut orig, mut debian) = (None, None);
    let mut components = BTreeMap::new();
    let mut signatures = Vec::new();
    for (index, file) in dsc.files.iter().enumerate() {
        let name = file.name.as_str();
        let unrecognized = || LayoutError::Unrecognized(name.to_owned());
        if let Some(tarball) = name.strip_suffix(".asc") {
            signatures.push(tarball);
            continue;
        }
        let stem = uncompressed(name).and_then(|stem| stem.strip_suffix(".tar")).ok_or_else(unrecognized)?;
        let earlier = if stem == orig_base {
            orig.replace(index)
        } else if stem == format!("{}.debian", dsc.base()) {
            debian.replace(index)
        } else {
            let component = stem.strip_prefix(&orig_base).and_then(|rest| rest.strip_prefix('-'));
            let component = component.filter(|name| is_component(name)).ok_or_else(unrecognized)?;
            components.insert(component.to_owned(), index)
        };
        if earlier.is_some() {
            return Err(LayoutError::Duplicate(name.to_owned()));
        }
    }
    let layout = Layout::Quilt {
        orig: orig.ok_or(LayoutError::Missing("upstream tarball (.orig.tar)"))?,
        components: components.into_iter().collect(),
        debian: debian.ok_or(LayoutError::Missing("Debian tarball (.debian.tar)"))?,
    };
    check_signatures(dsc, &layout, &signatures)?;
    Ok(layout)
}

/// Every `.asc` stands beside an upstream tarball of the same name.
fn check_signatures(dsc: &Dsc, layout: &Layout, signatures: &[&str]) -> Result<(), LayoutError> {
    for signed in signatures {
        let known = layout.upstream().iter().any(|&(_, index)| dsc.files[index].name == *signed);
        if !known {
            return Err(LayoutError::StraySignature(format!("{signed}.asc")));
        }
    }
    Ok(())
}

fn is_component(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
