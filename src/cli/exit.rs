//! From what came of a command to its exit code.
//!
//! What flows in: a command's [`Exit`], or the error that ended it. What flows out: the code, and the hint that belongs to the
//! error. The code of an error is derived from what the crates' error types say of themselves (`Explain`), never from its text.

use std::error::Error;
use std::io::ErrorKind;
use std::process::ExitCode;

use reenact_formats::seam::{Blame, Explain};

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it should.
    Pass = 0,
    /// A verdict failed, or a check found something.
    Fail = 1,
    /// What was given is wrong.
    Input = 2,
    /// A safety rule or a signal stopped it.
    Stopped = 3,
    /// The verdict is inconclusive.
    Inconclusive = 4,
    /// Our own side: disk, memory, a defect.
    Ours = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Blame> for Exit {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Input => Self::Input,
            Blame::Safety => Self::Stopped,
            Blame::Ours => Self::Ours,
        }
    }
}

/// The exit code of an error: the outermost error of its chain that says who has to act.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    error.chain().find_map(|cause| explained(cause).map(|explain| Exit::from(explain.blame())).or_else(|| of_io(cause))).unwrap_or(Exit::Ours)
}

/// What to do about an error: the outermost hint of its chain, else what the system's word for it suggests.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| explained(cause)?.hint()).or_else(|| error.chain().find_map(io_hint))
}

fn io_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    let hint = match cause.downcast_ref::<std::io::Error>()?.kind() {
        ErrorKind::NotFound => "check the path",
        ErrorKind::PermissionDenied => "check who owns it, and who may read and write it",
        ErrorKind::IsADirectory => "name a file, not a folder",
        ErrorKind::NotADirectory => "name a folder, not a file",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "free some space, or write to another disk, and run it again",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether whoever read our output went away, which is success (`reenact inspect rec | head`).
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<super::output::StdoutClosed>().is_some()
}

/// The cause as one of the error types of the workspace.
fn explained<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a dyn Explain> {
    macro_rules! first_of {
        ($($error:ty),+ $(,)?) => {
            $(if let Some(error) = cause.downcast_ref::<$error>() { return Some(error); })+
        };
    }
    first_of!(
        super::InvalidArgument,
        reenact::pipeline::Error,
        reenact::demo::Error,
        reenact::database::Error,
        reenact::export::Error,
        reenact_formats::disk::Error,
        reenact_formats::config::Error,
        reenact_capture::Error,
        reenact_sanitize::Error,
        reenact_replay::Error,
        reenact_verify::Error,
    );
    None
}

fn of_io(cause: &(dyn Error + 'static)) -> Option<Exit> {
    let error = cause.downcast_ref::<std::io::Error>()?;
    Some(match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Exit::Input,
        _ => Exit::Ours,
    })
}
