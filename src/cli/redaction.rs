//! The key and the policy, as each command that redacts takes them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};
use reenact::pipeline::Redaction;
use reenact_sanitize::{Key, Policy};

use super::output;

/// The environment variable that holds a key.
pub(crate) const KEY_VARIABLE: &str = "REENACT_KEY";

#[derive(Args)]
#[command(next_help_heading = "Redaction")]
pub(crate) struct RedactionArgs {
    /// The key, as `reenact key new` writes it; without it the environment variable REENACT_KEY, else a random key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
    /// The policy (YAML); without it the built-in one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,
}

impl RedactionArgs {
    /// The key and the policy that were given, or a random one, with a warning, and the built-in one.
    pub(crate) fn load(&self) -> anyhow::Result<Redaction> {
        let policy = self.policy()?;
        if let Some(key) = given_key(self.key_file.as_deref())? {
            return Ok(Redaction { key, policy });
        }
        output::warning(&format!(
            "no key was given, so a random one is used and forgotten: what is written now will join with nothing else \
             (`reenact key new FILE` makes a key; --key-file FILE or {KEY_VARIABLE} gives it)"
        ));
        Ok(Redaction { key: Key::generate()?, policy })
    }

    /// The policy that was given, or the built-in one.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        Ok(match &self.policy {
            Some(file) => Policy::load(file)?,
            None => Policy::default(),
        })
    }
}

/// The key in `file`, else in the environment, if there is one.
pub(crate) fn given_key(file: Option<&Path>) -> anyhow::Result<Option<Key>> {
    if let Some(file) = file {
        return Ok(Some(Key::from_file(file)?));
    }
    match std::env::var(KEY_VARIABLE) {
        Ok(text) => Ok(Some(Key::from_text(&text).with_context(|| format!("environment variable {KEY_VARIABLE}"))?)),
        Err(_) => Ok(None),
    }
}
