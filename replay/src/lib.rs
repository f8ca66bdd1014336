//! Plays a recording against a target.
//!
//! [`Plan::build`] makes of a recording's exchanges what will be sent, when, after what, and with which live values;
//! [`run`] sends it: open loop, on an absolute schedule, whether or not the target keeps up. What comes back is redacted and
//! written as a [run](reenact_formats::disk::run).
//!
//! The way of one exchange: `plan` (its session, what it follows, what it takes and gives) → [`pacer`] (it is due) → `gate`
//! (what it follows is settled) → `runner` (it gets a slot; live values are put in place) → `driver` (it is sent and answered)
//! → `recorder` (the answer is redacted, the outcome written).
//!
//! What never happens here: anything is sent before `safety` has cleared its target, a live value is logged or written
//! unredacted, or a request waits because the target is slow with others.

#![deny(unsafe_code)]

pub mod clock;
mod correlate;
mod driver;
mod dry_run;
mod error;
mod gate;
mod hooks;
pub mod pacer;
mod plan;
mod recorder;
mod runner;
mod safety;
mod target;
#[cfg(test)]
mod testing;
mod timer;

pub use dry_run::{Difference, Line};
pub use error::Error;
pub use hooks::{At, Hook};
pub use plan::{Plan, PlanOptions, SessionBy};
pub use runner::{Control, Lag, Progress, RunOptions, RunSummary, Stop, Watch, run};
pub use safety::Permissions;
pub use target::{TargetUrl, Targets};
