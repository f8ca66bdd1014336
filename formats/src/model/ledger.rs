//! The loss ledger: every packet, byte and message that entered ends as recorded, filtered, or lost with a cause.

use std::collections::BTreeMap;

use super::Anomaly;
use super::exchange::words;

words! {
    /// Why something that entered was not recorded.
    LossCause {
        /// The kernel or the device dropped packets before we saw them (packets).
        KernelDrop = "kernel_drop",
        /// The interface dropped packets (packets).
        InterfaceDrop = "interface_drop",
        /// The capture holds less of a packet than was on the wire (bytes).
        SnapLength = "snap_length",
        /// A hole in a stream that the peer had acknowledged past: the capture missed it (bytes).
        Gap = "gap",
        /// Bytes around a hole that belong to no readable message (bytes).
        Resync = "resync",
        /// Out-of-order data beyond the buffer cap (bytes).
        BufferCap = "buffer_cap",
        /// A body over the limit; its exchange is kept, its bytes are not (bytes).
        BodyOverLimit = "body_over_limit",
        /// Bytes that no parser could read (bytes).
        Unparsable = "unparsable",
        /// What followed an upgrade or a CONNECT: counted, not kept (bytes).
        Upgraded = "upgraded",
        /// A fragment of an IP packet that was never completed (packets).
        FragmentIncomplete = "fragment_incomplete",
        /// A packet whose link, network or transport header could not be read (packets).
        UndecodablePacket = "undecodable_packet",
        /// A packet whose checksum is wrong, left out because that was asked for (packets).
        BadChecksum = "bad_checksum",
        /// The file ended inside a packet record (packets).
        TruncatedFile = "truncated_file",
        /// A message that began but whose end was not seen (messages).
        IncompleteMessage = "incomplete_message",
        /// A response whose request was not seen (messages).
        MissingRequest = "missing_request",
        /// A request whose response was not seen (messages).
        MissingResponse = "missing_response",
        /// Too many connections at once; the oldest idle one was let go (connections).
        FlowCap = "flow_cap",
        /// An entry of an imported file that could not be read (entries).
        UnreadableEntry = "unreadable_entry",
        /// Packets of connections that were let go because not all could be followed (packets).
        Shed = "shed",
        /// Connections that were let go as they began, or while they were followed, because not all could be (connections).
        ShedConnection = "shed_connection",
        /// Requests seen to begin on connections that were let go (messages).
        ShedRequest = "shed_request",
    }
}

words! {
    /// What a loss is counted in.
    LossUnit {
        /// Packets.
        Packets = "packets",
        /// Bytes of streams.
        Bytes = "bytes",
        /// Requests or responses.
        Messages = "messages",
        /// Connections.
        Connections = "connections",
        /// Lines, records or entries of an imported file.
        Entries = "entries",
    }
}

words! {
    /// Why an entry of an imported file could not be read. Never what stands there.
    Unreadable {
        /// It is not of the form that its format asks for.
        Form = "form",
        /// Its time is no time, or there is none.
        Time = "time",
        /// There is no request in it, or none that HTTP could send.
        Request = "request",
        /// Its response is no response.
        Response = "response",
        /// It is longer than anything that is read.
        Length = "length",
    }
}

words! {
    /// What was noticed below the streams, and did no harm.
    Notice {
        /// IPv4 headers with a wrong checksum, taken all the same (packets). Those of the capturing machine itself may have none yet.
        BadIpChecksum = "bad_ip_checksum",
        /// Connections whose two directions were seen in different VLANs or tunnelled networks only (connections).
        PairedAcrossTags = "paired_across_tags",
        /// Blocks of a pcapng file that are no packets and describe none: custom ones, names, decryption secrets (blocks).
        SkippedBlock = "skipped_block",
        /// Packets that carry a time far ahead of all others; the clock did not follow them (packets).
        StrayTime = "stray_time",
        /// Entries of an imported file that are no traffic of the recorded service: replayed answers, what a browser had in its cache (entries).
        PassedOver = "passed_over",
    }
}

words! {
    /// Why an exchange was left out though it was seen: whoever captures, calls or serves wanted it so.
    FilterCause {
        /// A rule excludes it.
        Excluded = "excluded",
        /// There are rules that include, and it is not what they name.
        NotIncluded = "not_included",
        /// Its client or its service has said no.
        OptedOut = "opted_out",
        /// Its session is not of the sample.
        NotSampled = "not_sampled",
        /// Its request was not seen, so that no one knows what the rules would say of it.
        Unjudged = "unjudged",
    }
}

impl LossCause {
    /// What its losses are counted in.
    pub const fn unit(self) -> LossUnit {
        match self {
            Self::KernelDrop
            | Self::InterfaceDrop
            | Self::FragmentIncomplete
            | Self::UndecodablePacket
            | Self::BadChecksum
            | Self::TruncatedFile
            | Self::Shed => LossUnit::Packets,
            Self::SnapLength | Self::Gap | Self::Resync | Self::BufferCap | Self::BodyOverLimit | Self::Unparsable | Self::Upgraded => LossUnit::Bytes,
            Self::UnreadableEntry => LossUnit::Entries,
            Self::IncompleteMessage | Self::MissingRequest | Self::MissingResponse | Self::ShedRequest => LossUnit::Messages,
            Self::FlowCap | Self::ShedConnection => LossUnit::Connections,
        }
    }
}

/// What became of the packets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PacketAccount {
    /// All that entered.
    pub seen: u64,
    /// Those with TCP in them that were given to a connection.
    pub tcp: u64,
    /// Those that the filter words left out.
    pub filtered: u64,
    /// Those of other protocols (ARP, UDP, ICMP, …), by name.
    pub other: BTreeMap<String, u64>,
    /// Those that were lost to a cause.
    pub lost: u64,
}

impl PacketAccount {
    /// Those of all other protocols.
    pub fn others(&self) -> u64 {
        total(self.other.values().copied())
    }

    /// Those of which it is known what became of them: all that entered, once the capture has ended.
    pub fn accounted(&self) -> u64 {
        total([self.tcp, self.filtered, self.lost, self.others()])
    }
}

/// A protocol that has no parser here: counted, not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignTraffic {
    /// Connections that spoke it.
    pub connections: u64,
    /// Stream bytes of theirs.
    pub bytes: u64,
}

/// Exchanges that were seen, and left out on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilteredTraffic {
    /// How many exchanges.
    pub exchanges: u64,
    /// How many of them had a request.
    pub requests: u64,
    /// Stream bytes of theirs.
    pub bytes: u64,
}

/// The account of a capture. All figures are totals since its start; ledgers of several captures or parts add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossLedger {
    /// What became of the packets. `seen = tcp + filtered + other + lost`.
    pub packets: PacketAccount,
    /// Connections seen.
    pub connections: u64,
    /// TCP payload bytes that entered, retransmissions left out, holes included.
    pub stream_bytes: u64,
    /// Stream bytes that stand in recorded messages (framing included).
    pub recorded_bytes: u64,
    /// Stream bytes of connections that speak something else, by protocol.
    pub foreign: BTreeMap<String, ForeignTraffic>,
    /// What was seen and left out on purpose, by cause.
    pub filtered: BTreeMap<FilterCause, FilteredTraffic>,
    /// TCP payload bytes seen more than once.
    pub retransmitted_bytes: u64,
    /// Requests recorded.
    pub requests: u64,
    /// Final responses recorded.
    pub responses: u64,
    /// Informational responses recorded.
    pub interim: u64,
    /// Exchanges recorded with both sides whole.
    pub complete: u64,
    /// What was lost, in the unit that the cause names.
    pub lost: BTreeMap<LossCause, u64>,
    /// Oddities seen, by kind.
    pub anomalies: BTreeMap<Anomaly, u64>,
    /// What was noticed below the streams, by kind.
    pub notices: BTreeMap<Notice, u64>,
    /// Lines, records or entries of an imported file.
    pub entries: u64,
    /// Which of them, counted from 1, could not be read, and why; the first of them, if they are many.
    pub unreadable: BTreeMap<u64, Unreadable>,
}

impl LossLedger {
    /// Adds `amount` to a cause.
    pub fn lose(&mut self, cause: LossCause, amount: u64) {
        if amount > 0 {
            let lost = self.lost.entry(cause).or_default();
            *lost = lost.saturating_add(amount);
        }
    }

    /// Counts something noticed.
    pub fn notice(&mut self, notice: Notice, amount: u64) {
        if amount > 0 {
            let noticed = self.notices.entry(notice).or_default();
            *noticed = noticed.saturating_add(amount);
        }
    }

    /// Counts in what an exchange that is left out had: `requests`, none or one, and `bytes`.
    pub fn filter(&mut self, cause: FilterCause, requests: u64, bytes: u64) {
        let left_out = self.filtered.entry(cause).or_default();
        left_out.exchanges += 1;
        left_out.requests += requests;
        left_out.bytes += bytes;
    }

    /// The entry with this number, from 1, cannot be read.
    pub fn cannot_read(&mut self, entry: u64, why: Unreadable) {
        self.lose(LossCause::UnreadableEntry, 1);
        if self.unreadable.len() < MOST_PLACES {
            self.unreadable.insert(entry, why);
        }
    }

    /// All that was lost of what is counted in `unit`.
    pub fn lost_in(&self, unit: LossUnit) -> u64 {
        total(self.lost.iter().filter(|(cause, _)| cause.unit() == unit).map(|(_, amount)| *amount))
    }

    /// Whether every packet and every stream byte is accounted for exactly once. True of the account of a capture that has ended.
    pub fn is_balanced(&self) -> bool {
        self.packets.seen == self.packets.accounted() && self.stream_bytes == self.accounted_bytes()
    }

    /// Stream bytes of which it is known what became of them.
    pub fn accounted_bytes(&self) -> u64 {
        let foreign = self.foreign.values().map(|traffic| traffic.bytes);
        let filtered = self.filtered.values().map(|traffic| traffic.bytes);
        total(foreign.chain(filtered).chain([self.recorded_bytes, self.lost_in(LossUnit::Bytes)]))
    }

    /// Adds every figure of `other`.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, u64::saturating_add);
        let room = MOST_PLACES.saturating_sub(self.unreadable.len());
        self.unreadable.extend(other.unreadable.iter().take(room));
    }

    /// What has come since `earlier`, an older state of this same ledger.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = self.clone();
        difference.combine(earlier, u64::saturating_sub);
        difference.unreadable.retain(|entry, _| !earlier.unreadable.contains_key(entry));
        difference
    }

    fn combine(&mut self, other: &Self, with: fn(u64, u64) -> u64) {
        let Self {
            packets,
            connections,
            stream_bytes,
            recorded_bytes,
            foreign,
            filtered,
            retransmitted_bytes,
            requests,
            responses,
            interim,
            complete,
            lost,
            anomalies,
            notices,
            entries,
            unreadable: _,
        } = other;
        for (mine, theirs) in [
            (&mut self.packets.seen, packets.seen),
            (&mut self.packets.tcp, packets.tcp),
            (&mut self.packets.filtered, packets.filtered),
            (&mut self.packets.lost, packets.lost),
            (&mut self.connections, *connections),
            (&mut self.stream_bytes, *stream_bytes),
            (&mut self.recorded_bytes, *recorded_bytes),
            (&mut self.retransmitted_bytes, *retransmitted_bytes),
            (&mut self.requests, *requests),
            (&mut self.responses, *responses),
            (&mut self.interim, *interim),
            (&mut self.complete, *complete),
            (&mut self.entries, *entries),
        ] {
            *mine = with(*mine, theirs);
        }
        combine_maps(&mut self.packets.other, &packets.other, with);
        combine_maps(&mut self.lost, lost, with);
        combine_maps(&mut self.anomalies, anomalies, with);
        combine_maps(&mut self.notices, notices, with);
        for (name, theirs) in foreign {
            let mine = self.foreign.entry(name.clone()).or_default();
            mine.connections = with(mine.connections, theirs.connections);
            mine.bytes = with(mine.bytes, theirs.bytes);
        }
        for (cause, theirs) in filtered {
            let mine = self.filtered.entry(*cause).or_default();
            mine.exchanges = with(mine.exchanges, theirs.exchanges);
            mine.requests = with(mine.requests, theirs.requests);
            mine.bytes = with(mine.bytes, theirs.bytes);
        }
        self.filtered.retain(|_, traffic| *traffic != FilteredTraffic::default());
        self.foreign.retain(|_, traffic| *traffic != ForeignTraffic::default());
    }
}

/// How many places of entries that could not be read are told.
const MOST_PLACES: usize = 100;

/// Figures may come from a file, which can state any.
fn total(figures: impl IntoIterator<Item = u64>) -> u64 {
    figures.into_iter().fold(0, u64::saturating_add)
}

fn combine_maps<K: Ord + Clone>(mine: &mut BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>, with: fn(u64, u64) -> u64) {
    for (key, value) in theirs {
        let entry = mine.entry(key.clone()).or_default();
        *entry = with(*entry, *value);
    }
    mine.retain(|_, value| *value != 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_whole() {
        let mut early = LossLedger { connections: 2, ..LossLedger::default() };
        early.lose(LossCause::Gap, 10);
        let mut late = early.clone();
        late.connections = 5;
        late.lose(LossCause::Gap, 7);
        late.lose(LossCause::Resync, 1);
        late.foreign.insert("tls".to_owned(), ForeignTraffic { connections: 1, bytes: 99 });
        late.filter(FilterCause::Excluded, 1, 77);

        (1..=150).for_each(|entry| late.cannot_read(entry, Unreadable::Form));

        let mut sum = early.clone();
        sum.add(&late.since(&early));
        assert_eq!(sum, late);
    }

    #[test]
    fn figures_of_any_size_add_up() {
        let mut ledger = LossLedger::default();
        for cause in [LossCause::InterfaceDrop, LossCause::InterfaceDrop, LossCause::KernelDrop, LossCause::Gap, LossCause::Resync] {
            ledger.lose(cause, u64::MAX);
        }
        ledger.notice(Notice::SkippedBlock, u64::MAX);
        ledger.notice(Notice::SkippedBlock, 1);
        assert_eq!((ledger.lost_in(LossUnit::Packets), ledger.notices[&Notice::SkippedBlock], ledger.is_balanced()), (u64::MAX, u64::MAX, false));
        ledger.packets = PacketAccount { tcp: u64::MAX, filtered: 1, other: [("udp".to_owned(), u64::MAX)].into(), ..PacketAccount::default() };
        assert_eq!((ledger.packets.accounted(), ledger.packets.others(), ledger.accounted_bytes()), (u64::MAX, u64::MAX, u64::MAX));
    }
}
