//! What is typed for a live capture: which interfaces, and how they are listened to. The words are tcpdump's.

use std::net::SocketAddr;

use clap::Args;
use reenact::inspect::count;
use reenact::pipeline::LiveLimits;
use reenact_capture::{CaptureOptions, Reading};
use serde_json::json;

use super::statistics::StatsFormat;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::size::{Size, size_within};

#[derive(Args)]
#[command(next_help_heading = "Live")]
pub(super) struct LiveArgs {
    /// Capture live from this network interface; several times for several of them, `any` for all
    #[arg(short, long = "interface", value_name = "IFACE", conflicts_with = "read")]
    pub(super) interfaces: Vec<String>,
    /// List the network interfaces and end
    #[arg(short = 'D', long, conflicts_with_all = ["interfaces", "read", "output", "discard"])]
    pub(super) list_interfaces: bool,
    /// Keep at most this many bytes of each packet; 0 is the default
    #[arg(short, long, alias = "snapshot-length", value_name = "BYTES", default_value_t = WHOLE)]
    snap_length: u32,
    /// The kernel's capture buffer in KiB, for each interface. The default holds half a second of a full link of 1 Gbit/s
    #[arg(short = 'B', long, value_name = "KIB", default_value_t = CaptureOptions::default().kernel_buffer / 1024, value_parser = clap::value_parser!(u32).range(512..=2_097_151))]
    buffer_size: u32,
    /// Capture packets for other machines, too, as on the port of a mirror
    #[arg(long)]
    promiscuous: bool,
    /// As tcpdump's: no packets for other machines. It is the default here
    #[arg(short = 'p', long, conflicts_with = "promiscuous")]
    no_promiscuous_mode: bool,
    /// Take no more than this many hundredths of one processor, over a second; connections that cannot be followed with it are let go whole
    #[arg(long, value_name = "PERCENT", requires = "interfaces", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    cpu_limit: Option<u32>,
    /// Take no more memory than this, the kernel's buffers included; likewise. No buffer, queue or part takes more than an eighth of it
    #[arg(long, value_name = "SIZE", requires = "interfaces", value_parser = size_within(LiveLimits::LEAST_MEMORY, 1 << 50))]
    memory_limit: Option<Size>,
    /// How the capture is doing, on stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(super) stats: StatsFormat,
    /// Serve the same to Prometheus, at http://ADDR/metrics
    #[arg(long, value_name = "ADDR", requires = "interfaces")]
    pub(super) metrics: Option<SocketAddr>,
    /// Where root has started it: become this user once the interfaces are open, by name or as UID:GID; nobody unless told, and root stays root
    #[arg(long, value_name = "USER", requires = "interfaces")]
    pub(super) user: Option<String>,
}

impl LiveArgs {
    pub(super) fn limits(&self) -> LiveLimits {
        LiveLimits { processor: self.cpu_limit, memory: self.memory_limit.map(|size| size.0) }
    }

    pub(super) fn options(&self) -> CaptureOptions {
        let snap_length = if self.snap_length == 0 { WHOLE } else { self.snap_length };
        let share = self.limits().share_of_memory().map(|share| share / self.interfaces.len().max(1) as u64);
        let kernel_buffer = self.buffer_size * 1024;
        let kernel_buffer = share.and_then(|share| u32::try_from(share).ok()).map_or(kernel_buffer, |share| share.min(kernel_buffer));
        CaptureOptions { snap_length, kernel_buffer, promiscuous: self.promiscuous, ..CaptureOptions::default() }
    }
}

/// More than any packet has.
const WHOLE: u32 = 262_144;

pub(super) fn list_interfaces(as_json: bool) -> anyhow::Result<Exit> {
    let interfaces = reenact_capture::interfaces()?;
    if as_json {
        let list: Vec<_> = interfaces
            .iter()
            .map(|interface| json!({ "name": interface.name, "description": interface.description, "up": interface.is_up, "loopback": interface.is_loopback }))
            .collect();
        output::json(&json!({ "interfaces": list }))?;
    } else {
        let lines = interfaces.iter().map(|interface| {
            let state = if interface.is_up { "up" } else { "down" };
            let loopback = if interface.is_loopback { ", loopback" } else { "" };
            let described = interface.description.as_ref().map(|text| format!(", {text}")).unwrap_or_default();
            format!("{:<16} {state}{loopback}{described}\n", interface.name)
        });
        output::data(&lines.collect::<String>())?;
    }
    Ok(Exit::Pass)
}

/// What a live capture had found when it broke off: not all of it may stand in a part.
pub(super) fn told_before(capture: &Reading) {
    if capture.packets > 0 {
        output::note(&format!(
            "until then {} packets and {} exchanges were seen, {} packets of {} connections shed, {} dropped by the kernel; what no part holds of them is lost",
            count(capture.packets),
            count(capture.exchanges),
            count(capture.shed_packets),
            count(capture.shed_connections),
            count(capture.kernel_drops)
        ));
    }
}
