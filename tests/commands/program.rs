//! Runs the built binary as a user would.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// What a run of the binary left behind.
pub(crate) struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails the test, with all that was said, unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// stdout as one JSON object.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: stdout is no JSON: {}", self.stdout))
    }
}

/// The built binary, without a key in its environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reenact"));
    command.env_remove("REENACT_KEY").env_remove("REENACT_LOG").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn reenact<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Ran {
    ran(command().args(arguments))
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the binary starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Gives another process time.
pub(crate) fn waited(millis: u64) {
    #[expect(clippy::disallowed_methods, reason = "another process is waited for, and it has no other sign")]
    std::thread::sleep(Duration::from_millis(millis));
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).to_str().expect("the path is text").to_owned()
}
