//! From other tools' files to exchanges.
//!
//! A file flows in, of a format that is told or seen from its first bytes; exchanges flow out into an
//! [`ExchangeSink`], as from packets, and an account of the entries that could not be read. What a format cannot tell is said in
//! the recording's [`Origin`], never guessed. What never happens here: an id of another tool is kept, an error or the account holds a byte of
//! an entry, or more is held than an entry and what waits for its other half.

mod access_log;
mod compose;
mod elements;
mod gor;
mod gzip;
mod har;
mod input;
mod intake;
mod json_lines;
mod lines;
mod mitmproxy;
mod sniff;

use std::path::PathBuf;

use reenact_formats::model::{LossLedger, Origin};
use reenact_formats::seam::ExchangeSink;

use self::input::Input;
use self::intake::Intake;
pub use self::json_lines::{FieldMap, InvalidField};
pub(crate) use self::sniff::PACKETS;
use crate::{Control, Error};

/// A format that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFormat {
    /// What GoReplay writes.
    Gor,
    /// HAR 1.2, as browsers and proxies save it.
    Har,
    /// Access logs of nginx and Apache.
    AccessLog,
    /// An object a line.
    JsonLines,
    /// Flow files of mitmproxy.
    Mitmproxy,
}

impl ImportFormat {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Gor, Self::Har, Self::AccessLog, Self::JsonLines, Self::Mitmproxy];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gor => "gor",
            Self::Har => "har",
            Self::AccessLog => "access-log",
            Self::JsonLines => "jsonl",
            Self::Mitmproxy => "mitmproxy",
        }
    }

    /// What such files do not tell of traffic.
    pub fn origin(self) -> Origin {
        match self {
            Self::Gor => gor::origin(),
            Self::Har => har::origin(),
            Self::AccessLog => access_log::origin(),
            Self::JsonLines => json_lines::origin(),
            Self::Mitmproxy => mitmproxy::origin(),
        }
    }
}

/// What to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportSource {
    /// A file, compressed with gzip or not.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// How to import it.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The format; without it the first bytes tell.
    pub format: Option<ImportFormat>,
    /// Bodies over this many bytes are dropped, and their length kept.
    pub max_body: u64,
    /// The host that requests were sent to, where an entry of a log does not say.
    pub host: Option<String>,
    /// Which member of JSON lines says what.
    pub fields: FieldMap,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { format: None, max_body: crate::Limits::default().max_body, host: None, fields: FieldMap::default() }
    }
}

/// A file whose beginning was seen.
pub struct Importer {
    input: Input,
    format: ImportFormat,
    options: ImportOptions,
}

/// What an import has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Imported {
    /// What entered, and what became of it.
    pub ledger: LossLedger,
    /// What its user should know of, a line each.
    pub notes: Vec<String>,
    /// Where the file is damaged; what came before was imported.
    pub damage: Option<String>,
}

impl Importer {
    /// Opens `source`, and looks at its first bytes unless the format is told.
    pub fn open(source: &ImportSource, options: &ImportOptions) -> Result<Self, Error> {
        let input = match source {
            ImportSource::File(path) => Input::open(path)?,
            ImportSource::Stdin => Input::new("standard input", Box::new(std::io::stdin())),
        };
        Self::begin(input, options)
    }

    fn begin(mut input: Input, options: &ImportOptions) -> Result<Self, Error> {
        input.unpack()?;
        let format = match (options.format, sniff::format(&mut input)) {
            (None, seen) => seen?,
            (Some(told), Ok(seen)) if told != seen => {
                let found = format!("it looks like {}", seen.word());
                return Err(Error::NotAnImport { name: input.name().to_owned(), format: told.word(), found });
            }
            (Some(_), Err(error @ (Error::NothingToImport { .. } | Error::Read { .. }))) => return Err(error),
            // Whoever tells the format knows better.
            (Some(told), _) => told,
        };
        Ok(Self { input, format, options: options.clone() })
    }

    /// The format of the file.
    pub const fn format(&self) -> ImportFormat {
        self.format
    }

    /// Imports until the file ends or `control` says stop.
    pub fn run(mut self, sink: &mut dyn ExchangeSink, control: &Control) -> Result<Imported, Error> {
        let mut intake = Intake::new(sink, control, &self.options);
        let host = self.options.host.as_deref();
        match self.format {
            ImportFormat::Gor => gor::read(&mut self.input, &mut intake)?,
            ImportFormat::Har => har::read(&mut self.input, &mut intake)?,
            ImportFormat::AccessLog => access_log::read(&mut self.input, &mut intake, host)?,
            ImportFormat::JsonLines => json_lines::read(&mut self.input, &mut intake, &self.options.fields, host)?,
            ImportFormat::Mitmproxy => mitmproxy::read(&mut self.input, &mut intake)?,
        }
        let (ledger, notes) = intake.finish(&self.input)?;
        if ledger.entries > 0 && ledger.entries == ledger.lost.get(&reenact_formats::model::LossCause::UnreadableEntry).copied().unwrap_or_default() {
            let (name, found) = (self.input.name().to_owned(), format!("none of its {} entries can be read", ledger.entries));
            return Err(Error::NotAnImport { name, format: self.format.word(), found });
        }
        Ok(Imported { ledger, notes, damage: self.input.damage() })
    }
}

/// The entry point of the fuzzer: reads `data` in one piece and in small ones; the first byte says as what (its last three bits), and how small.
///
/// # Panics
///
/// If a reader panics, or what it finds depends on how the file is read.
#[doc(hidden)]
pub fn fuzz_import(data: &[u8]) {
    let [first, data @ ..] = data else { return };
    let format = ImportFormat::ALL[usize::from(*first & 7) % ImportFormat::ALL.len()];
    let step = 1 + usize::from(*first >> 3);
    assert_eq!(outcome(data, format, usize::MAX), outcome(data, format, step), "{}", format.word());
}

/// What comes of `data`, read in steps.
fn outcome(data: &[u8], format: ImportFormat, step: usize) -> (Vec<reenact_formats::model::Exchange>, Option<Imported>) {
    struct All(Vec<reenact_formats::model::Exchange>);
    impl ExchangeSink for All {
        fn exchange(&mut self, exchange: reenact_formats::model::Exchange) -> Result<(), reenact_formats::seam::BoxError> {
            self.0.push(exchange);
            Ok(())
        }
    }
    let mut all = All(Vec::new());
    let input = Input::new("fuzz", Box::new(input::Steps::new(data.to_vec(), step)));
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let imported = Importer::begin(input, &options).and_then(|importer| importer.run(&mut all, &Control::default())).ok();
    (all.0, imported)
}

#[cfg(test)]
mod tests;
