//! From packets to exchanges.
//!
//! Packets flow in, from a file, a pipe or an interface; [`Exchange`](reenact_formats::model::Exchange)s flow out into an
//! [`ExchangeSink`](reenact_formats::seam::ExchangeSink); what could not become one stands in the
//! [`LossLedger`](reenact_formats::model::LossLedger), with its cause. The principal function is [`capture`]; the way of one
//! exchange:
//!
//! ```text
//! source ──► packet ──► flow ──► tcp ──► proto ──► pair ──► ExchangeSink
//! blocks     link, IP,  5-tuple  bytes   messages  question
//!            TCP                 in                and answer
//!                                order
//! ```
//!
//! What the people or the rules of a site do not allow to be kept is left out before it leaves this crate; see [`Consent`].
//!
//! Nothing here writes a file, redacts, knows an async runtime, or reads a clock: packet time is the only one (a live source
//! adds the machine's, for links that fall silent).
//!
//! ```
//! use reenact_capture::{CaptureOptions, Control, Source, capture};
//! use reenact_formats::model::Exchange;
//! use reenact_formats::seam::{BoxError, ExchangeSink};
//!
//! struct Count(usize);
//! impl ExchangeSink for Count {
//!     fn exchange(&mut self, _: Exchange) -> Result<(), BoxError> {
//!         self.0 += 1;
//!         Ok(())
//!     }
//! }
//!
//! let missing = Source::File("no/such/file.pcap".into());
//! let failed = capture(&missing, &CaptureOptions::default(), &mut Count(0), &Control::default());
//! assert_eq!(failed.expect_err("there is no such file").to_string(), "cannot open no/such/file.pcap");
//! ```

#![forbid(unsafe_code)]

mod consent;
mod error;
mod flow;
mod fuzz;
mod import;
mod packet;
mod pair;
mod proto;
mod roles;
mod source;
mod tap;
mod tcp;

pub use consent::{Condition, Consent, Sample, SampleBy};
pub use error::Error;
#[doc(hidden)]
pub use fuzz::{fuzz, fuzz_packet, fuzz_reader, fuzz_reassembler};
#[doc(hidden)]
pub use import::fuzz_import;
pub use import::{FieldMap, ImportFormat, ImportOptions, ImportSource, Imported, Importer, InvalidField};
pub use roles::Service;
pub use source::{Interface, Source, interfaces};
pub use tap::{CaptureOptions, Checksums, Control, FlowKeying, Gauge, Limits, OnProgress, OnWarning, Progress, Reading, Tap, capture, capture_from};
