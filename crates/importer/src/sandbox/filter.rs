//! A filter of system calls in the kernel's form: a program for its packet filter.
//!
//! `seccompiler` makes a program that compares with each allowed call in turn: 760 instructions, which the kernel takes
//! 0.7 ms to check, to translate and to try with each number that there is. That is more than a tenth of a small
//! import. Here the numbers are ranges, and the right one is found by halves.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, TargetArch, sock_filter};

/// Offsets in `struct seccomp_data`, see seccomp(2). The lower half of an argument comes first on all machines that we know.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const NO_SUCH_CALL: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// Verdict on a system call that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Whatever its arguments are.
    Allowed,
    /// If this is its first argument.
    AllowedFor(u32),
}

/// System calls by their numbers. All others end with `ENOSYS`.
#[derive(Debug, Default)]
pub(super) struct Filter(BTreeMap<u32, Verdict>);

impl Filter {
    /// Numbers that no kernel has are left out.
    pub(super) fn insert(&mut self, call: libc::c_long, verdict: Verdict) {
        if let Ok(call) = u32::try_from(call) {
            self.0.insert(call, verdict);
        }
    }

    /// The program for the kernel. `None` if it needs jumps that are longer than 255 instructions, which is the longest
    /// there is: more than some two hundred ranges.
    pub(super) fn program(&self, arch: TargetArch) -> Option<BpfProgram> {
        let mut program =
            vec![load(ARCHITECTURE), jump(libc::BPF_JEQ, architecture(arch), 1, 0), end(KILL), load(NUMBER)];
        by_halves(&self.ranges(), &mut program)?;
        Some(program)
    }

    /// Start of each range of numbers, and the verdict on them. The first one begins at 0, the last one has no end.
    fn ranges(&self) -> Vec<(u32, Option<Verdict>)> {
        let mut ranges = vec![(0, None)];
        for (&call, &verdict) in &self.0 {
            // The end of the range before, if this call follows it at once.
            ranges.pop_if(|last| last.0 == call);
            if ranges.last().is_none_or(|last| last.1 != Some(verdict)) {
                ranges.push((call, Some(verdict)));
            }
            ranges.push((call + 1, None));
        }
        ranges
    }
}

impl FromIterator<(libc::c_long, Verdict)> for Filter {
    fn from_iter<T: IntoIterator<Item = (libc::c_long, Verdict)>>(calls: T) -> Self {
        let mut filter = Self::default();
        calls.into_iter().for_each(|(call, verdict)| filter.insert(call, verdict));
        filter
    }
}

/// Instructions that find the range of the loaded number and end with its verdict.
fn by_halves(ranges: &[(u32, Option<Verdict>)], program: &mut BpfProgram) -> Option<()> {
    if let [(_, verdict)] = ranges {
        verdict_of(*verdict, program);
        return Some(());
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let from = upper.first()?.0;
    let comparison = program.len();
    program.push(jump(libc::BPF_JGE, from, 0, 0));
    by_halves(lower, program)?;
    let skipped = u8::try_from(program.len() - comparison - 1).ok()?;
    program.get_mut(comparison)?.jt = skipped;
    by_halves(upper, program)
}

fn verdict_of(verdict: Option<Verdict>, program: &mut BpfProgram) {
    match verdict {
        None => program.push(end(NO_SUCH_CALL)),
        Some(Verdict::Allowed) => program.push(end(ALLOW)),
        Some(Verdict::AllowedFor(argument)) => program.extend([
            load(FIRST_ARGUMENT),
            jump(libc::BPF_JEQ, argument, 0, 1),
            end(ALLOW),
            end(NO_SUCH_CALL),
        ]),
    }
}

/// Architecture number of linux/audit.h.
fn architecture(arch: TargetArch) -> u32 {
    match arch {
        TargetArch::x86_64 => 0xc000_003e,
        TargetArch::aarch64 => 0xc000_00b7,
        TargetArch::riscv64 => 0xc000_00f3,
    }
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

/// Skips as many instructions as one of both numbers says.
fn jump(comparison: u32, with: u32, if_so: u8, if_not: u8) -> sock_filter {
    instruction(libc::BPF_JMP | comparison | libc::BPF_K, with, if_so, if_not)
}

fn end(verdict: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, verdict, 0, 0)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    // Codes have eight bits: see bpf(4).
    sock_filter { code: (code & 0xff) as u16, jt, jf, k }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Verdict of the kernel on a call: an interpreter of the few instructions that are used.
    fn run(program: &[sock_filter], architecture: u32, call: u32, argument: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let it = &program[at];
            at += 1;
            match u32::from(it.code) {
                0x20 => loaded = [call, architecture, 0, 0, argument][it.k as usize / 4],
                0x15 => at += usize::from(if loaded == it.k { it.jt } else { it.jf }),
                0x35 => at += usize::from(if loaded >= it.k { it.jt } else { it.jf }),
                0x06 => return it.k,
                other => panic!("no such instruction: {other:#x}"),
            }
        }
    }

    proptest! {
        #[test]
        fn each_call_ends_as_the_list_says(
            calls in prop::collection::btree_map(0_u32..600, prop::option::of(1_u32..9), 0..160),
            others in prop::collection::vec(any::<u32>(), 20),
        ) {
            let verdict = |it: Option<u32>| it.map_or(Verdict::Allowed, Verdict::AllowedFor);
            let filter: Filter =
                calls.iter().map(|(&call, &it)| (libc::c_long::from(call), verdict(it))).collect();
            let Some(program) = filter.program(TargetArch::x86_64) else { return Ok(()) };
            for call in (0..700).chain(others) {
                for argument in [0, 1, 5] {
                    let expected = match calls.get(&call) {
                        Some(None) => ALLOW,
                        Some(Some(only)) if *only == argument => ALLOW,
                        _ => NO_SUCH_CALL,
                    };
                    prop_assert_eq!(run(&program, 0xc000_003e, call, argument), expected, "call {}", call);
                    prop_assert_eq!(run(&program, 0x4000_0003, call, argument), KILL);
                }
            }
        }
    }
}
