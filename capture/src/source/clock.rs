//! The time to which all packets have come.

use std::time::Duration;

use reenact_formats::model::Timestamp;

/// The only clock of a capture: the largest packet time. One packet with a time far ahead of all others, which a damaged record
/// or an interface without a clock may bring, does not move it: it would end every connection at once. A second one near it
/// does: then nothing was captured in between. A clock that was set back, so that many packets in a row come from long ago, does not
/// stop it: it goes on from where it was, by the time that passes between packets.
#[derive(Debug, Default)]
pub(crate) struct PacketClock {
    now: Option<Timestamp>,
    packets: u64,
    /// A time that waits for the next packet to confirm it.
    ahead: Option<Timestamp>,
    strays: u64,
    /// By how much the packets' clock was set back.
    set_back: Duration,
    /// How many packets in a row came from long ago.
    late: u32,
}

impl PacketClock {
    /// The time; before all times while there was no packet.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or(Timestamp::from_nanos(i64::MIN))
    }

    /// How many packets had a time far ahead of those before and after them.
    pub(crate) const fn strays(&self) -> u64 {
        self.strays
    }

    /// Takes the time of the next packet; gives the time that it is.
    pub(crate) fn packet(&mut self, at: Timestamp) -> Timestamp {
        self.packets += 1;
        let at = self.straight(at);
        let now = self.now.unwrap_or(at);
        if self.ahead.is_none() && at.as_nanos().abs_diff(now.as_nanos()) < FAR_NANOS {
            // So it is for nearly every packet.
            return *self.now.insert(now.max(at));
        }
        // It was the first packet that strayed.
        let begins_anew = self.packets == 2 && now.since(at) >= FAR;
        let ahead = self.ahead.take();
        let confirmed = ahead.is_some_and(|ahead| ahead.since(at) < FAR && at.since(ahead) < FAR);
        self.strays += u64::from(begins_anew || ahead.is_some() && !confirmed);
        let now = if begins_anew || confirmed || at.since(now) < FAR {
            if begins_anew { at } else { now.max(at) }
        } else {
            self.ahead = Some(at);
            now
        };
        *self.now.insert(now)
    }

    /// The time `at` on a clock that was never set back.
    fn straight(&mut self, at: Timestamp) -> Timestamp {
        let Some(now) = self.now.filter(|now| at < *now) else {
            // So it is for nearly every packet; or the clock was set right again.
            (self.set_back, self.late) = (Duration::ZERO, 0);
            return at;
        };
        let straight = at.saturating_add(self.set_back);
        self.late = if now.since(straight) < LATE { 0 } else { self.late + 1 };
        if self.late < MANY {
            return straight;
        }
        (self.set_back, self.late) = (now.since(at), 0);
        now
    }

    /// Takes the time of a source that has no packet for now.
    pub(crate) fn tick(&mut self, at: Timestamp) {
        self.now = self.now.max(Some(at));
    }
}

/// A capture that is silent for longer goes on with its second packet.
const FAR: Duration = Duration::from_nanos(FAR_NANOS);
const FAR_NANOS: u64 = 60 * 60 * 1_000_000_000;
/// No packet is held up for so long on its way through one machine.
const LATE: Duration = Duration::from_secs(10);
/// So many packets in a row are not held up by chance: of two links that are merged, one does not fall silent for so long.
const MANY: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stray_does_not_move_the_clock() {
        // Seconds of the packets, of the clock after each, and how many strayed.
        let cases: &[(&[i64], &[i64], u64)] = &[
            (&[10, 11, 9, 12], &[10, 11, 11, 12], 0),
            (&[10, 11, 999_999, 12, 13], &[10, 11, 11, 12, 13], 1),
            (&[10, 11, 999_999, 12, 999_999, 13], &[10, 11, 11, 12, 12, 13], 2),
            // Strays that do not agree.
            (&[10, 999_999, 99_999, 12], &[10, 10, 10, 12], 2),
            // A silent night.
            (&[10, 11, 40_000, 40_001, 40_002], &[10, 11, 11, 40_001, 40_002], 0),
            (&[10, 11, 40_001, 40_000], &[10, 11, 11, 40_000], 0),
            // The first one strays.
            (&[999_999, 10, 11], &[999_999, 10, 11], 1),
            (&[10, 9, 8], &[10, 10, 10], 0),
            (&[i64::MAX / 1_000_000_000, i64::MIN / 1_000_000_000, 10], &[9_223_372_036, -9_223_372_036, -9_223_372_036], 1),
        ];
        for (packets, expected, strays) in cases {
            let mut clock = PacketClock::default();
            let times: Vec<i64> = packets.iter().map(|at| clock.packet(Timestamp::from_nanos(at * 1_000_000_000)).as_nanos() / 1_000_000_000).collect();
            assert_eq!((times.as_slice(), clock.strays()), (*expected, *strays), "{packets:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let second = |at: i64| Timestamp::from_nanos(at * 1_000_000_000);
        let mut clock = PacketClock::default();
        let mut show = |times: std::ops::Range<i64>| -> i64 { times.map(|at| clock.packet(second(at)).as_nanos() / 1_000_000_000).last().expect("not empty") };
        assert_eq!(show(10_000..10_100), 10_099);
        // By an hour and by a day, then set right.
        assert_eq!(show(6_500..6_500 + 63), 10_099, "a few may be late");
        assert_eq!(show(6_563..6_600), 10_099 + 36);
        assert_eq!(show(-70_000..-70_000 + 164), 10_135 + 100);
        assert_eq!(show(10_300..10_400), 10_399);
        // Two links of which one is late are no clock that was set back.
        let mut clock = PacketClock::default();
        for at in 1000..1500 {
            assert_eq!(clock.packet(second(at)), second(at));
            assert_eq!(clock.packet(second(at - 30)), second(at));
        }
        assert_eq!(clock.strays(), 0);
    }

    #[test]
    fn a_tick_only_goes_forward() {
        let mut clock = PacketClock::default();
        assert_eq!(clock.now().as_nanos(), i64::MIN);
        for (at, expected) in [(5, 5), (3, 5), (7, 7)] {
            clock.tick(Timestamp::from_nanos(at));
            assert_eq!(clock.now().as_nanos(), expected);
        }
        assert_eq!(clock.packet(Timestamp::from_nanos(6)).as_nanos(), 7);
    }
}
