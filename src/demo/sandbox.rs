//! The sandbox of the demo: its service as a process of its own, with a database in a file.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Error;

/// A running service; it ends when this is dropped.
pub(super) struct Sandbox {
    process: Child,
    /// Where it answers.
    pub(super) url: String,
    /// The URL of its database.
    pub(super) database: String,
}

impl Sandbox {
    /// Starts the service with schema v1 on a free port and a new database in `file`.
    pub(super) async fn start(program: &Path, file: PathBuf) -> Result<Self, Error> {
        let database = format!("sqlite:{}", file.display());
        let failed = |source| Error::Sandbox { what: "start", source };
        let mut process = Command::new(program)
            .args(["demo-service", "serve", "--database", &database, "--listen", "127.0.0.1:0", "--schema", "v1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stdout = process.stdout.take().expect("stdout is piped");
        let line = BufReader::new(stdout).lines().next_line().await.map_err(failed)?;
        match line.as_deref().and_then(|line| line.strip_prefix("listening on ")) {
            Some(url) => Ok(Self { process, url: url.to_owned(), database }),
            None => Err(failed(std::io::Error::other("it ended before it listened"))),
        }
    }

    /// The command that takes its database to schema v2.
    pub(super) fn migration(&self, program: &Path, variant: &str) -> String {
        format!("{} demo-service migrate --database {} --variant {variant}", quoted(&program.to_string_lossy()), quoted(&self.database))
    }

    /// Ends the service.
    pub(super) async fn stop(mut self) -> Result<(), Error> {
        self.process.kill().await.map_err(|source| Error::Sandbox { what: "stop", source })
    }
}

/// One word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        for (word, expected) in [("plain", "'plain'"), ("two words", "'two words'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
