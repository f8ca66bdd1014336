//! The runtime, and the signals that ask us to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// A runtime for the commands that need one.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// A flag that SIGINT and SIGTERM set. Must be called within a runtime that lives on.
pub(crate) fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    set_on_stop(&flag)?;
    Ok(flag)
}

/// Has them set `flag`. Must be called within a runtime that lives on.
pub(crate) fn set_on_stop(flag: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let set = Arc::clone(flag);
    on_stop(move || set.store(true, Ordering::SeqCst))
}

/// Calls `stop` once SIGINT or SIGTERM comes. Must be called within a runtime that lives on.
pub(crate) fn on_stop(stop: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop();
    });
    Ok(())
}
