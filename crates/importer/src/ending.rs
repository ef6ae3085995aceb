//! Deaths of an import's process. Each way has its own code, because the remedies differ.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::failure::{Code, Failure, FailureCode, Stage};

/// Signals that do not come from the process's own code, with their codes: from a terminal, an operator, the
/// shutdown of the system, or the kernel without memory.
const FROM_OUTSIDE: &[(i32, &str)] = &[
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (9, "KILL"),
    (10, "USR1"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (24, "XCPU"),
    (26, "VTALRM"),
    (27, "PROF"),
    (29, "IO"),
    (30, "PWR"),
];
/// Those by which somebody ends a process.
const ENDING: [i32; 4] = [1, 2, 9, 15];
/// Signals that come from the process's own code.
const ITS_OWN: &[(i32, &str)] = &[
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (11, "SEGV"),
    (16, "STKFLT"),
    (25, "XFSZ"),
    (31, "SYS"),
];

/// True when a signal comes from outside of the process, so that the version that was being read did not cause it.
pub fn is_from_outside(signal: i32) -> bool {
    FROM_OUTSIDE.iter().any(|(number, _)| *number == signal)
}

/// True when a code is that of a signal from outside: a failure of the machine, not of the package.
pub fn is_code_from_outside(code: &str) -> bool {
    let name = code.strip_prefix("signal-");
    name.is_some_and(|name| FROM_OUTSIDE.iter().any(|(_, known)| *known == name))
}

/// True when a code is that of any signal.
pub fn is_code_of_signal(code: &str) -> bool {
    code.starts_with("signal-")
}

fn name(signal: i32) -> String {
    let known = FROM_OUTSIDE.iter().chain(ITS_OWN).find(|(number, _)| *number == signal);
    known.map_or_else(|| signal.to_string(), |(_, name)| (*name).to_owned())
}

/// Failure of a process that did not end well; `stderr` is its standard error.
pub fn cause(status: &ExitStatus, stderr: &str) -> Failure {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    let (code, message): (FailureCode, String) = match (status.code(), status.signal()) {
        (_, Some(25)) => (Code::FileTooLarge.into(), "wrote a file larger than limits.file_size".into()),
        (_, Some(6)) if stderr.contains("memory allocation of") => {
            (Code::OutOfMemory.into(), "needed more memory than limits.memory allows".into())
        }
        (_, Some(9)) => (
            Code::Killed.into(),
            "the import was killed (signal 9): by somebody, or for lack of memory".into(),
        ),
        (_, Some(signal)) if ENDING.contains(&signal) => (
            Code::Killed.into(),
            format!("the import was ended by somebody (signal {signal}, SIG{})", name(signal)),
        ),
        (_, Some(signal)) => {
            let name = name(signal);
            (
                FailureCode::parse(&format!("signal-{name}")),
                format!("the import ended by signal {signal} (SIG{name}): {last}"),
            )
        }
        (code, None) => {
            (Code::Crashed.into(), format!("the import ended with code {}: {last}", code.unwrap_or(-1)))
        }
    };
    Failure::reported(Stage::Worker, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(raw: i32, stderr: &str) -> String {
        cause(&ExitStatus::from_raw(raw), stderr).code.into()
    }

    #[test]
    fn who_was_ended_did_not_crash() {
        for signal in ENDING {
            assert_eq!(code(signal, ""), "killed");
            assert!(is_from_outside(signal));
        }
        let own = [
            (4, "signal-ILL"),
            (6, "signal-ABRT"),
            (7, "signal-BUS"),
            (11, "signal-SEGV"),
            (31, "signal-SYS"),
        ];
        for (signal, named) in own {
            assert_eq!(code(signal, ""), named);
            assert!(!is_from_outside(signal) && !is_code_from_outside(named));
        }
        assert_eq!(code(3, ""), "signal-QUIT");
        assert!(is_from_outside(3) && is_code_from_outside("signal-QUIT"));
        assert_eq!(code(40, ""), "signal-40");
        assert_eq!(code(6, "memory allocation of 5 bytes failed"), "out-of-memory");
        assert_eq!(code(25, ""), "file-too-large");
        assert_eq!(code(101 << 8, "panicked"), "crashed");
    }
}
