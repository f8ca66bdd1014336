//! What the command line prints: data on stdout, everything else on stderr.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use super::exit;

/// Whoever read our output went away.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
pub(crate) struct StdoutClosed;

/// Prints data.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
        result => Ok(result?),
    }
}

/// Prints one JSON object.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    data(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints one line on stderr.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a warning on stderr.
pub(crate) fn warning(text: &str) {
    note(&format!("warning: {text}"));
}

/// Prints an error, its causes, and what to do about it.
pub(crate) fn error(error: &anyhow::Error) {
    note(&format!("error: {}", chain(error)));
    if let Some(hint) = exit::hint(error) {
        note(&format!("hint: {hint}"));
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // A transparent wrapper says what its cause says: once is enough.
        if !text.ends_with(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}
