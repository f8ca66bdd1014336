//! The key and the policy, as each command that redacts takes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueHint};
use reenact::inspect::count;
use reenact::pipeline::{self, Redaction};
use reenact_formats::config::policy::Lifetime;
use reenact_formats::disk::recording::wall_clock;
use reenact_formats::model::Timestamp;
use reenact_sanitize::{Key, KnownValues, Policy};
use reenact_verify::is_server_address;

use super::{InvalidArgument, output, signals};

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
            return Ok(Redaction { key, policy, known_values: None });
        }
        output::warning(&format!(
            "no key was given, so a random one is used and forgotten: what is written now will join with nothing else \
             (`reenact key new FILE` makes a key; --key-file FILE or {KEY_VARIABLE} gives it)"
        ));
        Ok(Redaction { key: Key::generate()?, policy, known_values: None })
    }

    /// Whether a key was given.
    pub(crate) fn has_key(&self) -> bool {
        self.key_file.is_some() || std::env::var_os(KEY_VARIABLE).is_some()
    }

    /// The policy that was given, or the built-in one.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        Self::policy_in(self.policy.as_deref())
    }

    /// The policy in a file, or the built-in one.
    pub(crate) fn policy_in(file: Option<&Path>) -> anyhow::Result<Policy> {
        Ok(match file {
            Some(file) => Policy::load(file)?,
            None => Policy::default(),
        })
    }
}

/// How long a recording may be read.
#[derive(Args)]
#[command(next_help_heading = "Redaction")]
pub(crate) struct ExpiryArgs {
    /// How long the recording may be read, as in 12h, 30d or 2w; without it what the policy says, else for ever
    #[arg(long, value_name = "TIME", value_parser = |text: &str| text.parse::<Lifetime>())]
    expires: Option<Lifetime>,
}

impl ExpiryArgs {
    /// When a recording that is begun now may be read no longer.
    pub(crate) fn expires(&self, policy: Option<&Policy>) -> Option<Timestamp> {
        let lifetime = self.expires.or_else(|| policy.and_then(Policy::lifetime));
        lifetime.map(|lifetime| wall_clock().saturating_add(lifetime.duration()))
    }
}

/// Values that are to be redacted wherever they stand.
#[derive(Args)]
#[command(next_help_heading = "Redaction")]
pub(crate) struct KnownValuesArgs {
    /// Redact these values wherever they stand, whatever the rules say: a value a line; or a .csv or .tsv whose first row names its
    /// columns; or postgres://…, mysql://… or sqlite:FILE, with --query
    #[arg(long, value_name = "FILE|DATABASE", value_hint = ValueHint::FilePath)]
    known_values: Option<String>,
    /// What the database is asked for; every column of the answer holds known values, and its name tells of which kind
    #[arg(long, value_name = "SQL", requires = "known_values")]
    query: Option<String>,
}

impl KnownValuesArgs {
    /// The values that were named, if any were, as a set that holds none of them.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Arc<KnownValues>>> {
        let Some(from) = self.known_values.as_deref() else { return Ok(None) };
        let known = match &self.query {
            Some(query) => signals::runtime()?.block_on(pipeline::known_values(from, query))?,
            None if is_server_address(from) || from.starts_with("sqlite:") => {
                return Err(InvalidArgument::new(
                    "known values from a database, and no query",
                    "say what they are: --query 'select email, name from customers'",
                )
                .into());
            }
            None => KnownValues::from_file(Path::new(from))?,
        };
        output::note(&format!("known values  {} in {} MB", count(known.count() as u64), known.memory().div_ceil(1 << 20)));
        if known.left_out() > 0 {
            output::warning(&format!("known values left out: {} (under four letters and digits, or over a thousand)", count(known.left_out())));
        }
        Ok(Some(Arc::new(known)))
    }
}

/// The redaction of a recording that is written from traffic; none if that is asked for, with a warning.
pub(crate) fn of_recording(danger_raw: bool, redaction: &RedactionArgs, known_values: &KnownValuesArgs) -> anyhow::Result<Option<Redaction>> {
    if danger_raw {
        output::warning("the recording is written raw: it will hold personal data and secrets as they were sent, and cannot be replayed");
        return Ok(None);
    }
    Ok(Some(Redaction { known_values: known_values.load()?, ..redaction.load()? }))
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
