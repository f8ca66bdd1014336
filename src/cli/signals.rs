//! The runtime, and the signals that ask us to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A runtime for the commands that need one.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// A flag that SIGINT and SIGTERM set. Must be called within a runtime that lives on.
pub(crate) fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    set_on_stop(&flag, || ())?;
    Ok(flag)
}

/// Has them set `flag`; whoever does not want to wait for what follows sends another, which calls `at_once`. Must be called within a runtime
/// that lives on.
pub(crate) fn set_on_stop(flag: &Arc<AtomicBool>, at_once: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let set = Arc::clone(flag);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        set.store(true, Ordering::SeqCst);
        signals.next().await;
        at_once();
    });
    Ok(())
}

/// Calls `stop` once SIGINT or SIGTERM comes. Must be called within a runtime that lives on.
pub(crate) fn on_stop(stop: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        stop();
    });
    Ok(())
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for either.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
