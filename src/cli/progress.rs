//! Progress of long work: a bar when stderr is a terminal, else a plain line each ten seconds.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;

/// How often a line is printed where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far one piece of work has come. It is gone from the terminal once it is dropped.
pub(crate) enum Progress {
    /// A bar that is drawn in place.
    Bar(ProgressBar),
    /// Lines, at most one each ten seconds.
    Lines {
        /// What is being done.
        label: String,
        /// How much there is to do, if that is known.
        total: Option<u64>,
        /// When the last line was printed.
        last: Mutex<Instant>,
    },
}

impl Progress {
    /// Begins with `total` units to do, if their number is known.
    pub(crate) fn start(label: &str, total: Option<u64>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { label: label.to_owned(), total, last: Mutex::new(now()) };
        }
        let (bar, style) = match total {
            Some(total) => (ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()), "{msg} [{bar:30}] {human_pos}/{human_len} {elapsed}"),
            None => (ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()), "{msg} {spinner} {human_pos} {elapsed}"),
        };
        bar.set_style(ProgressStyle::with_template(style).expect("the template is valid").progress_chars("=> "));
        bar.set_message(label.to_owned());
        Self::Bar(bar)
    }

    /// Prints a line beside what is shown.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| output::note(text)),
            Self::Lines { .. } => output::note(text),
        }
    }

    /// So many of the things that `unit` names have been done since the start.
    pub(crate) fn at(&self, done: u64, unit: &str) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { label, total, last } => {
                let Ok(mut last) = last.lock() else { return };
                if now().duration_since(*last) < LINE_EVERY {
                    return;
                }
                *last = now();
                let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                output::note(&format!("{label}: {done}{of} {unit}"));
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Now, for what is printed.
#[expect(clippy::disallowed_methods, reason = "only paces what is printed, and tells how long it took; no result depends on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
