//! How far the clocks of several machines are apart.
//!
//! In: recordings that may have seen the same requests. Out: for each how far its clock is ahead of the first one's, as two machines tell that both saw a
//! request go and its answer come: what the way takes adds to the one and takes from the other, and falls out. What never happens here: all
//! requests are held; of each recording a sample of a fixed size is, the same requests of all, since their digests choose them.

use std::collections::BTreeMap;
use std::time::Duration;

use reenact_formats::disk;
use reenact_formats::model::{Exchange, Timestamp};

use super::seen::{Mark, placed_mark};

/// How a clock was set right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It is the one that the others are held against, or no one knows better.
    Kept,
    /// As was said.
    Given,
    /// By so many exchanges that another machine saw too; half of them differ from it by no more than `spread`.
    Estimated {
        /// How many.
        exchanges: u64,
        /// How far half of them are apart from it.
        spread: Duration,
    },
}

/// How far a clock is ahead, in nanoseconds, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// Below zero if it is behind.
    pub nanos: i64,
    /// How it is known.
    pub clock: Clock,
}

/// The requests of one recording that the choice of digests falls on.
#[derive(Default)]
pub(super) struct Sample {
    /// Those with the least digests; nothing for one that came twice.
    seen: BTreeMap<Mark, Option<Times>>,
}

#[derive(Clone, Copy)]
struct Times {
    start: Timestamp,
    answered: Option<Timestamp>,
}

impl Sample {
    /// Of all exchanges of a recording.
    pub(super) fn of(exchanges: impl Iterator<Item = Result<Exchange, disk::Error>>) -> Result<Self, disk::Error> {
        let mut sample = Self::default();
        for exchange in exchanges {
            sample.add(&exchange?);
        }
        Ok(sample)
    }

    fn add(&mut self, exchange: &Exchange) {
        let Some(mark) = placed_mark(exchange) else { return };
        if self.seen.len() >= SAMPLE && self.seen.last_key_value().is_some_and(|(last, _)| mark > *last) {
            return;
        }
        let times = Times { start: exchange.start, answered: exchange.timing.first_byte };
        self.seen.entry(mark).and_modify(|seen| *seen = None).or_insert(Some(times));
        if self.seen.len() > SAMPLE {
            // What lies beyond the last digest now never comes back.
            self.seen.pop_last();
        }
    }

    /// How far the clock of this one is ahead of that of `other`, by each request that both have; sorted.
    fn leads(&self, other: &Self) -> Vec<i64> {
        let both = self.seen.iter().filter_map(|(mark, times)| Some(((*times)?, (*other.seen.get(mark)?)?)));
        let mut leads: Vec<i64> = both
            .map(|(mine, theirs)| {
                let ahead = |mine: Timestamp, theirs: Timestamp| i128::from(mine.as_nanos()) - i128::from(theirs.as_nanos());
                let asked = ahead(mine.start, theirs.start);
                let lead = match mine.answered.zip(theirs.answered) {
                    Some((mine, theirs)) => i128::midpoint(asked, ahead(mine, theirs)),
                    None => asked,
                };
                i64::try_from(lead).unwrap_or(if lead < 0 { i64::MIN } else { i64::MAX })
            })
            .collect();
        leads.sort_unstable();
        leads
    }
}

/// The leads of all clocks over the first one: those that are `given`, and the others as far as their samples meet that of one that is known.
pub(super) fn leads(samples: &[Sample], given: &[Option<i64>]) -> Vec<Lead> {
    let mut known: Vec<Option<Lead>> = given.iter().map(|nanos| nanos.map(|nanos| Lead { nanos, clock: Clock::Given })).collect();
    if let Some(first) = known.first_mut()
        && first.is_none()
    {
        *first = Some(Lead { nanos: 0, clock: Clock::Kept });
    }
    // The best known next: by the most exchanges that it shares with one that is known.
    while let Some((place, lead)) = next(samples, &known) {
        known[place] = Some(lead);
    }
    known.into_iter().map(|lead| lead.unwrap_or(Lead { nanos: 0, clock: Clock::Kept })).collect()
}

fn next(samples: &[Sample], known: &[Option<Lead>]) -> Option<(usize, Lead)> {
    let unknown = samples.iter().enumerate().filter(|(place, _)| known[*place].is_none());
    let beside = unknown.flat_map(|(place, sample)| {
        let known = known.iter().zip(samples).filter_map(|(lead, other)| Some(((*lead)?, other)));
        known.map(move |(lead, other)| (place, lead, sample.leads(other)))
    });
    // Of equals the first.
    let best = beside.filter(|(.., leads)| leads.len() >= FEWEST).reduce(|best, other| if other.2.len() > best.2.len() { other } else { best });
    best.map(|(place, lead, leads)| {
        let middle = leads[leads.len() / 2];
        let mut apart: Vec<u64> = leads.iter().map(|lead| lead.abs_diff(middle)).collect();
        apart.sort_unstable();
        let clock = Clock::Estimated { exchanges: leads.len() as u64, spread: Duration::from_nanos(apart[apart.len() / 2]) };
        (place, Lead { nanos: lead.nanos.saturating_add(middle), clock })
    })
}

/// How many requests of a recording are held.
const SAMPLE: usize = 1 << 15;
/// Fewer that agree may be chance.
const FEWEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::seen::tests::exchange;
    use super::*;

    /// A recording that saw these requests, with a clock that is so many milliseconds ahead, so many from where they were sent.
    fn sample(ports: impl Iterator<Item = u16>, ahead: i64, way: i64) -> Sample {
        let exchanges = ports.map(|port| {
            let mut exchange = exchange(u64::from(port) * 40, port, "/x");
            let shifted = |time: Timestamp, by: i64| Timestamp::from_nanos(time.as_nanos() + by * 1_000_000);
            exchange.start = shifted(exchange.start, ahead + way);
            // The nearer to the client, the later an answer passes.
            exchange.timing.first_byte = exchange.timing.first_byte.map(|time| shifted(time, ahead - way));
            Ok(exchange)
        });
        Sample::of(exchanges).expect("all of it is read")
    }

    fn told(leads: &[Lead]) -> Vec<(i64, Option<u64>)> {
        leads.iter().map(|lead| (lead.nanos / 1_000_000, if let Clock::Estimated { exchanges, .. } = lead.clock { Some(exchanges) } else { None })).collect()
    }

    #[test]
    fn clocks_are_set_by_what_two_machines_saw() {
        let samples = [sample(0..50, 0, 0), sample(20..80, 120, 7), sample(60..70, -3000, 0), sample(200..300, 5, 0)];
        // The third has nothing in common with the first: it is set by the second. The fourth is taken as it is.
        assert_eq!(told(&leads(&samples, &[None; 4])), [(0, None), (120, Some(30)), (-3000, Some(10)), (0, None)]);
        // What is said holds, and the others are set by it.
        assert_eq!(told(&leads(&samples, &[None, Some(20_000_000), None, None])), [(0, None), (20, None), (-3100, Some(10)), (0, None)]);
        assert_eq!(told(&leads(&samples, &[Some(1_000_000), None, None, None]))[..3], [(1, None), (121, Some(30)), (-2999, Some(10))]);
    }

    #[test]
    fn a_few_that_agree_by_chance_set_nothing() {
        let samples = [sample(0..50, 0, 0), sample(48..80, 120, 0)];
        assert_eq!(told(&leads(&samples, &[None; 2])), [(0, None), (0, None)]);
    }

    #[test]
    fn a_sample_is_bounded_and_both_choose_the_same() {
        let many = |ahead| {
            Sample::of((0..60_000_u32).map(|number| {
                let mut exchange = exchange(u64::from(number), 1, &format!("/{number}"));
                exchange.start = Timestamp::from_nanos(exchange.start.as_nanos() + ahead);
                exchange.timing.first_byte = None;
                // One in ten was seen at one place only.
                exchange.id.index = if ahead > 0 && number % 10 == 0 { 2 } else { 1 };
                Ok(exchange)
            }))
            .expect("all of it is read")
        };
        let (one, other) = (many(0), many(77));
        assert_eq!(one.seen.len(), SAMPLE);
        let leads = other.leads(&one);
        assert!(leads.len() > SAMPLE / 2 && leads.iter().all(|lead| *lead == 77), "{}", leads.len());
    }
}
