//! The files of a source package: beside its `.dsc`, or beside those of the other versions of the plan.
//!
//! A file is identified by its hashes, so that neither the order of the versions nor a wrong file beside one of them
//! makes a difference. The folders are indexed once, when a file is not at its first place.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
use source_package::checksum::ListedFile;
use source_package::dsc::Dsc;
use source_package::limits::DscLimits;
use source_package::source::SourceFiles;

use crate::dsc_arguments::read_dsc;

/// More combinations of folders and names are not looked up, as for the walls around the import.
const COMBINED: usize = 4096;

/// Places of the files of all versions of a plan.
#[derive(Default)]
pub struct Places {
    /// The `.dsc` files of the plan.
    plan: Vec<PathBuf>,
    limits: DscLimits,
    index: Option<Index>,
}

/// Files that versions of the plan list, by name and by SHA-256.
#[derive(Default)]
struct Index {
    by_name: HashMap<String, BTreeSet<PathBuf>>,
    by_hash: HashMap<String, BTreeSet<PathBuf>>,
}

impl Places {
    /// For a plan of these `.dsc` files.
    pub fn new(plan: Vec<PathBuf>, limits: DscLimits) -> Places {
        Places { plan, limits, index: None }
    }

    /// The files of one of them.
    pub fn of(&mut self, dsc: &Path) -> Files<'_> {
        Files { folder: folder_of(dsc), places: self, found: Vec::new() }
    }

    /// All places but the first where a file may be, sorted: a file of its size, under its name or in the place of one with
    /// its hash.
    fn others(&mut self, listed: &ListedFile, first: &Path) -> Vec<PathBuf> {
        if self.plan.len() < 2 {
            return Vec::new();
        }
        let index = self.index.get_or_insert_with(|| Index::of(&self.plan, &self.limits));
        let by_hash = listed.checksums.sha256.as_ref().and_then(|sha256| index.by_hash.get(sha256));
        let places: BTreeSet<&PathBuf> =
            index.by_name.get(&listed.name).into_iter().chain(by_hash).flatten().collect();
        let fits = |path: &Path| fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() == listed.size);
        places.into_iter().filter(|path| *path != first && fits(path)).cloned().collect()
    }
}

impl Index {
    /// Index of the folders. A folder that cannot be read counts as empty: the missing file is reported when it is
    /// needed.
    fn of(plan: &[PathBuf], limits: &DscLimits) -> Index {
        let mut index = Index::default();
        let mut folders = BTreeSet::new();
        let mut names = HashSet::new();
        for dsc in plan {
            folders.insert(folder_of(dsc));
            let Some(listed) =
                read_dsc(dsc, limits).ok().and_then(|text| Dsc::parse_within(&text, limits).ok())
            else {
                continue;
            };
            for file in listed.files {
                let place = folder_of(dsc).join(&file.name);
                if let Some(sha256) = file.checksums.sha256 {
                    index.by_hash.entry(sha256).or_default().insert(place);
                }
                names.insert(file.name);
            }
        }
        let may_look_up = folders.len().saturating_mul(names.len()) <= COMBINED;
        for folder in folders {
            // A folder that was named by hand cannot be listed by an import, whose walls let single files through.
            let found: Vec<String> = match fs::read_dir(&folder) {
                Ok(entries) => {
                    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
                }
                Err(_) if may_look_up => names.iter().cloned().collect(),
                Err(_) => Vec::new(),
            };
            for name in found.into_iter().filter(|name| names.contains(name)) {
                let place = folder.join(&name);
                index.by_name.entry(name).or_default().insert(place);
            }
        }
        index
    }
}

fn folder_of(dsc: &Path) -> PathBuf {
    let folder = dsc.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// The files of one version.
pub struct Files<'a> {
    folder: PathBuf,
    places: &'a mut Places,
    /// Other places of the present file.
    found: Vec<PathBuf>,
}

impl SourceFiles for Files<'_> {
    fn open(&mut self, listed: &ListedFile, attempt: usize) -> Option<io::Result<Box<dyn Read + Send>>> {
        let first = self.folder.join(&listed.name);
        if attempt == 1 {
            self.found = self.places.others(listed, &first);
        }
        let path = match attempt.checked_sub(1) {
            None => &first,
            Some(place) => self.found.get(place)?,
        };
        Some(open_regular(path).map(|file| Box::new(file) as Box<dyn Read + Send>))
    }
}
