//! The demo service as a process of its own, gone when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::program::command;

/// A running demo service.
pub(crate) struct Service {
    process: Child,
    /// Where it answers.
    pub(crate) url: String,
}

impl Service {
    /// Serves schema v1 from `database`, on a free port.
    pub(crate) fn start(database: &str) -> Self {
        let mut process = command()
            .args(["demo-service", "serve", "--database", database, "--listen", "127.0.0.1:0", "--schema", "v1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks text");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it says where it listens, not {line:?}")).to_owned();
        Self { process, url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
