//! Capabilities of the superuser, none of which an import needs.

use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Gives up all capabilities. One is kept if a file that has to be read cannot be read without it: an operator who is
/// root may name files of others. The other walls limit its use.
pub(super) fn drop_all(readable: &[PathBuf]) -> Result<(), Errno> {
    let none = CapabilitySet::empty();
    let had = capabilities(None)?;
    if (had.effective | had.permitted | had.inheritable) == none {
        return Ok(());
    }
    // Tried with the remaining capabilities. A system call that changes nothing is not made: a service may be forbidden
    // it.
    set_capabilities(None, CapabilitySets { effective: none, permitted: had.permitted, inheritable: none })?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let is_refused = |path: &PathBuf| matches!(open(path, flags, Mode::empty()), Err(Errno::ACCESS));
    let kept = match readable.iter().any(is_refused) {
        true => had.permitted & CapabilitySet::DAC_READ_SEARCH,
        false => none,
    };
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: none })
}
