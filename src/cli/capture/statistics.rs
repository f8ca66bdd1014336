//! How a live capture is doing, for those who watch: on stderr, and as Prometheus reads it.
//!
//! In: the figures, once a second. Out: a line that is drawn anew each second on a terminal, a plain one each ten seconds elsewhere, a line of
//! JSON each second where that was asked for; the latest of them for the metrics. What never happens here: anyone waits for a reader.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reenact::inspect::count;
use reenact::pipeline::Figures;
use serde_json::json;

use crate::cli::output;

/// As `--stats` takes it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatsFormat {
    /// A line each second on a terminal, each ten seconds elsewhere
    Text,
    /// A line of JSON each second
    Json,
    /// Nothing
    None,
}

/// Shows the figures, and keeps the latest.
pub(super) struct Statistics {
    format: StatsFormat,
    /// Where lines are drawn in place.
    terminal: Option<ProgressBar>,
    seen: Mutex<Seen>,
    /// To who shows lines: a reader of stderr that has stopped stops no one else. Privileges are given up before there is such a thread.
    lines: OnceLock<Option<SyncSender<Line>>>,
}

/// What is shown.
enum Line {
    /// On a terminal in place of those before it.
    Figures(String),
    Warning(String),
}

#[derive(Default)]
struct Seen {
    latest: Figures,
    /// Those that the last plain line told of.
    told: Figures,
    /// For how many seconds nothing has been followed.
    idle: u32,
}

impl Statistics {
    pub(super) fn new(format: StatsFormat) -> Self {
        let is_drawn = format == StatsFormat::Text && std::io::stderr().is_terminal();
        let terminal = is_drawn.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is valid"));
            bar
        });
        Self { format, terminal, seen: Mutex::default(), lines: OnceLock::new() }
    }

    /// The latest figures.
    pub(super) fn latest(&self) -> Figures {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).latest
    }

    /// Takes the figures of another second.
    pub(super) fn tell(&self, figures: &Figures) {
        if let Some(line) = self.next(figures) {
            self.show(Line::Figures(line));
        }
    }

    /// Shows a warning, which stays, also where no figures are shown.
    pub(super) fn warn(&self, text: &str) {
        self.show(Line::Warning(text.to_owned()));
    }

    fn show(&self, line: Line) {
        let lines = self.lines.get_or_init(|| {
            let terminal = self.terminal.clone();
            showing(move |line| match (line, &terminal) {
                (Line::Figures(line), Some(terminal)) => terminal.set_message(line),
                (Line::Figures(line), None) => output::note(&line),
                (Line::Warning(text), Some(terminal)) => terminal.suspend(|| output::warning(&text)),
                (Line::Warning(text), None) => output::warning(&text),
            })
        });
        // What is not read in time is passed over: the next line tells more.
        let _ = lines.as_ref().map(|lines| lines.try_send(line));
    }

    /// Keeps the figures; the line that is to be shown now, if any.
    fn next(&self, figures: &Figures) -> Option<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut seen.latest, *figures);
        seen.idle = if figures.followed > 0.0 { 0 } else { seen.idle.saturating_add(1) };
        let told = seen.told;
        match (self.format, &self.terminal) {
            (StatsFormat::None, _) => None,
            (_, None) if seen.idle == IDLE => Some(format!("warning: nothing was followed for {IDLE} s: the memory that the capture may take is taken")),
            (StatsFormat::Text, Some(_)) => Some(text(figures, &before)),
            (StatsFormat::Text, None) if figures.elapsed.saturating_sub(told.elapsed) >= LINE_EVERY => {
                seen.told = *figures;
                Some(text(figures, &told))
            }
            (StatsFormat::Json, _) => Some(line(figures, &before)),
            (StatsFormat::Text, None) => None,
        }
    }

    /// Leaves the terminal as it was. One that was stopped is not waited for: what was recorded is still to be looked through.
    pub(super) fn end(&self) {
        let Some(terminal) = self.terminal.clone() else { return };
        let (end, ended) = mpsc::channel::<()>();
        let clear = move || {
            let _end = end;
            terminal.finish_and_clear();
        };
        if thread::Builder::new().name("statistics".to_owned()).spawn(clear).is_ok() {
            let _ = ended.recv_timeout(LONGEST);
        }
    }
}

/// Begins a thread that shows lines, one after the other; none where there can be no more threads.
fn showing<T: Send + 'static>(mut show: impl FnMut(T) + Send + 'static) -> Option<SyncSender<T>> {
    let (lines, given) = mpsc::sync_channel(WAITING);
    let thread = thread::Builder::new().name("statistics".to_owned());
    thread.spawn(move || given.into_iter().for_each(&mut show)).ok().map(|_| lines)
}

/// How much of something came in a second.
#[expect(clippy::cast_precision_loss, reason = "a rate is looked at to a few digits")]
fn rate(now: u64, before: u64, figures: &Figures, earlier: &Figures) -> f64 {
    let seconds = figures.elapsed.saturating_sub(earlier.elapsed).as_secs_f64();
    if seconds > 0.0 { now.saturating_sub(before) as f64 / seconds } else { 0.0 }
}

/// Per second: packets, bytes, exchanges.
fn rates(figures: &Figures, earlier: &Figures) -> [f64; 3] {
    let (now, before) = (&figures.capture, &earlier.capture);
    [(now.packets, before.packets), (now.bytes, before.bytes), (now.exchanges, before.exchanges)].map(|(now, before)| rate(now, before, figures, earlier))
}

/// Figures for people; rates since `earlier`.
fn text(figures: &Figures, earlier: &Figures) -> String {
    let [packets, bytes, exchanges] = rates(figures, earlier);
    let capture = &figures.capture;
    let mut text = format!(
        "capturing: {packets:.0} packets/s, {:.1} MB/s, {exchanges:.0} exchanges/s, {} flows, kernel drops {}, ring {:.0}%, queue {:.0}%, CPU {:.0}%",
        bytes / 1e6,
        count(capture.connections),
        count(capture.kernel_drops + capture.interface_drops),
        f64::from(capture.ring) / 10.0,
        figures.queue * 100.0,
        figures.processor * 100.0,
    );
    if let Some(memory) = figures.memory {
        let _ = write!(text, ", {} MiB", memory >> 20);
    }
    if figures.followed < 1.0 || capture.shed_packets > 0 {
        let _ = write!(text, ", shed {} packets; {:.0}% of connections followed", count(capture.shed_packets), figures.followed * 100.0);
    }
    if figures.unstored > 0 {
        let _ = write!(text, ", {} exchanges not stored: the disk was full", count(figures.unstored));
    }
    text
}

/// One line of JSON.
fn line(figures: &Figures, earlier: &Figures) -> String {
    let [packets, bytes, exchanges] = rates(figures, earlier);
    let capture = &figures.capture;
    json!({
        "elapsed": figures.elapsed.as_secs_f64(),
        "packets": capture.packets,
        "bytes": capture.bytes,
        "exchanges": capture.exchanges,
        "per_second": { "packets": packets, "bytes": bytes, "exchanges": exchanges },
        "flows": capture.connections,
        "kernel_drops": capture.kernel_drops,
        "interface_drops": capture.interface_drops,
        "ring": f64::from(capture.ring) / 1000.0,
        "queue": figures.queue,
        "shed": { "packets": capture.shed_packets, "connections": capture.shed_connections, "followed": figures.followed },
        "unstored": figures.unstored,
        "processor": figures.processor,
        "memory": figures.memory,
    })
    .to_string()
}

/// The figures in the text format of Prometheus.
#[expect(clippy::cast_precision_loss, reason = "Prometheus keeps all figures as such")]
pub(super) fn metrics(figures: &Figures) -> String {
    let capture = &figures.capture;
    let total = [
        ("reenact_capture_packets_total", "Packets read.", capture.packets as f64),
        ("reenact_capture_bytes_total", "Bytes captured of packets.", capture.bytes as f64),
        ("reenact_capture_exchanges_total", "Exchanges found.", capture.exchanges as f64),
        ("reenact_capture_kernel_drops_total", "Packets that the kernel dropped because its buffer was full.", capture.kernel_drops as f64),
        ("reenact_capture_interface_drops_total", "Packets that the interfaces dropped.", capture.interface_drops as f64),
        ("reenact_capture_shed_packets_total", "Packets of connections that were let go because not all could be followed.", capture.shed_packets as f64),
        ("reenact_capture_shed_connections_total", "Connections that were let go because not all could be followed.", capture.shed_connections as f64),
        ("reenact_capture_unstored_exchanges_total", "Exchanges that could not be stored because the disk was full.", figures.unstored as f64),
        ("process_cpu_seconds_total", "Processor time used.", figures.processor_time.as_secs_f64()),
    ];
    let now = [
        ("reenact_capture_connections", "Connections that are followed.", capture.connections as f64),
        ("reenact_capture_followed_ratio", "How much of the traffic is followed, from 0 to 1.", figures.followed),
        ("reenact_capture_ring_ratio", "About how much of the fullest kernel buffer is taken, from 0 to 1.", f64::from(capture.ring) / 1000.0),
        ("reenact_capture_queue_ratio", "How much of the queue before the disk is taken, from 0 to 1.", figures.queue),
        ("process_resident_memory_bytes", "Memory in use, the kernel's buffers included.", figures.memory.unwrap_or_default() as f64),
    ];
    let kinds = total.iter().map(|metric| ("counter", metric)).chain(now.iter().map(|metric| ("gauge", metric)));
    kinds.fold(String::new(), |mut text, (kind, (name, help, value))| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        text
    })
}

const LINE_EVERY: Duration = Duration::from_secs(10);
/// How many lines wait for a reader: a warning finds a place behind the figures.
const WAITING: usize = 2;
/// How long a terminal may take to be cleared.
const LONGEST: Duration = Duration::from_secs(1);
/// After so many seconds it is no passing state that nothing is followed.
const IDLE: u32 = 5;

#[cfg(test)]
mod tests {
    use std::io;

    use reenact_capture::Reading;

    use super::*;

    #[test]
    fn figures_are_told_with_their_rates() {
        let seconds = |elapsed, exchanges, shed_packets| Figures {
            capture: Reading {
                packets: exchanges * 10,
                bytes: exchanges * 2_000_000,
                exchanges,
                kernel_drops: 3,
                shed_packets,
                ring: 125,
                ..Reading::default()
            },
            followed: if shed_packets > 0 { 0.25 } else { 1.0 },
            memory: Some(200 << 20),
            unstored: shed_packets / 10,
            elapsed: Duration::from_secs(elapsed),
            ..Figures::default()
        };
        let (earlier, now) = (seconds(10, 100, 0), seconds(20, 300, 1234));
        assert_eq!(
            text(&now, &earlier),
            "capturing: 200 packets/s, 40.0 MB/s, 20 exchanges/s, 0 flows, kernel drops 3, ring 12%, queue 0%, CPU 0%, 200 MiB, shed 1,234 packets; 25% of connections followed, 123 exchanges not stored: the disk was full"
        );
        assert!(!text(&earlier, &Figures::default()).contains("shed"));
        let line: serde_json::Value = serde_json::from_str(&line(&now, &earlier)).expect("it is JSON");
        assert_eq!((&line["per_second"]["exchanges"], &line["shed"]["packets"]), (&20.0.into(), &1234.into()));
        let metrics = metrics(&now);
        for expected in [
            "reenact_capture_exchanges_total 300\n",
            "reenact_capture_followed_ratio 0.25\n",
            "reenact_capture_unstored_exchanges_total 123\n",
            "# TYPE reenact_capture_ring_ratio gauge\n",
        ] {
            assert!(metrics.contains(expected), "{expected} in {metrics}");
        }
        assert!(metrics.lines().all(|line| line.starts_with("# ") || line.split(' ').nth(1).is_some_and(|value| value.parse::<f64>().is_ok())), "{metrics}");
    }

    #[test]
    fn a_reader_that_has_stopped_stops_no_one_else() {
        let statistics = Statistics::new(StatsFormat::Json);
        let (go, stopped) = mpsc::channel::<()>();
        let (show, shown) = mpsc::channel();
        let reader = move |line: Line| {
            let _ = stopped.recv();
            let _ = show.send(line);
        };
        statistics.lines.set(showing(reader)).expect("no line was shown yet");
        for second in 1..100 {
            statistics.tell(&Figures { followed: 1.0, elapsed: Duration::from_secs(second), ..Figures::default() });
        }
        assert_eq!(statistics.latest().elapsed, Duration::from_secs(99));
        drop((go, statistics));
        let lines = shown.iter().count();
        assert!((1..4).contains(&lines), "{lines}");
    }

    /// A terminal that was stopped: nothing that is written to it returns.
    #[derive(Debug)]
    struct Stopped;

    impl indicatif::TermLike for Stopped {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            self.flush()
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            self.flush()
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            self.flush()
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            self.flush()
        }

        fn write_line(&self, _: &str) -> io::Result<()> {
            self.flush()
        }

        fn write_str(&self, _: &str) -> io::Result<()> {
            self.flush()
        }

        fn clear_line(&self) -> io::Result<()> {
            self.flush()
        }

        fn flush(&self) -> io::Result<()> {
            loop {
                thread::park();
            }
        }
    }

    #[test]
    fn a_terminal_that_was_stopped_is_not_waited_for() {
        let mut statistics = Statistics::new(StatsFormat::None);
        statistics.terminal = Some(ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(Stopped))));
        let statistics = Statistics { format: StatsFormat::Text, ..statistics };
        (1..20).for_each(|second| statistics.tell(&Figures { followed: 1.0, elapsed: Duration::from_secs(second), ..Figures::default() }));
        // It comes back, whatever becomes of the terminal.
        statistics.end();
        assert_eq!(statistics.latest().elapsed, Duration::from_secs(19));
        // Its bar would be drawn once more where it is dropped.
        std::mem::forget(statistics);
    }

    #[test]
    fn that_nothing_is_followed_is_told_once() {
        let statistics = Statistics::new(StatsFormat::Json);
        let told = |followed| statistics.next(&Figures { followed, ..Figures::default() }).is_some_and(|line| line.starts_with("warning: "));
        assert!(!told(1.0));
        assert_eq!((0..20).filter(|_| told(0.0)).count(), 1);
        assert_eq!((0..4).chain(0..4).filter(|second| told(if *second == 3 { 0.5 } else { 0.0 })).count(), 0);
    }
}
