//! What rows hold, in figures that add up: what is asked of a long recording is answered from the footers of its parts.
//!
//! In: the plain columns of rows, or the figures of other rows. Out: counts. However many kinds of things traffic makes up, the figures are bounded: what
//! is beyond is counted together. What never happens here: a head or a body is looked at.

mod count;
mod rate;
mod wire;

pub use rate::Rate;

use std::collections::BTreeMap;

use crate::model::{Anomaly, Role, Timestamp};

/// What rows hold, in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// By request method and templated path.
    pub endpoints: Endpoints,
    /// Final responses by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Messages by media type, both sides together.
    pub content_types: BTreeMap<String, u64>,
    /// What was odd.
    pub anomalies: BTreeMap<Anomaly, u64>,
    /// Exchanges to the recorded service, and of it.
    pub roles: BTreeMap<Role, u64>,
    /// Exchanges by the machine that recorded them, where that is known.
    pub nodes: BTreeMap<String, u64>,
    /// First exchanges of connections.
    pub connections: u64,
    /// The last moment at which anything was seen.
    pub last: Option<Timestamp>,
    /// Bytes of requests, heads and bodies.
    pub request_bytes: u64,
    /// Bytes of responses, heads and bodies.
    pub response_bytes: u64,
    /// Starts over time.
    pub rate: Option<Rate>,
}

/// One templated path under one method, in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointFigures {
    /// Exchanges.
    pub exchanges: u64,
    /// Responses by the first digit of their status.
    pub classes: BTreeMap<u16, u64>,
    /// Exchanges without a response.
    pub unanswered: u64,
    /// Bytes of requests.
    pub request_bytes: u64,
    /// Bytes of responses.
    pub response_bytes: u64,
}

/// Endpoints by method and path; both are empty where no request was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    by_method: BTreeMap<String, BTreeMap<String, EndpointFigures>>,
    kinds: usize,
}

impl Endpoints {
    /// Each with its method and its path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &EndpointFigures)> {
        self.by_method.iter().flat_map(|(method, paths)| paths.iter().map(move |(path, figures)| (method.as_str(), path.as_str(), figures)))
    }

    /// That of a method and a path; beyond `most` of them, that of all others.
    fn at(&mut self, method: &str, path: &str, most: usize) -> &mut EndpointFigures {
        let is_there = |all: &Self, method: &str, path: &str| all.by_method.get(method).is_some_and(|paths| paths.contains_key(path));
        let (method, path) = if self.kinds < most || is_there(self, method, path) { (method, path) } else { ("", OTHERS) };
        if !is_there(self, method, path) {
            self.kinds += 1;
            self.by_method.entry(method.to_owned()).or_default().insert(path.to_owned(), EndpointFigures::default());
        }
        self.by_method.get_mut(method).and_then(|paths| paths.get_mut(path)).expect("it was just put there")
    }
}

impl Figures {
    /// Of no rows yet, which will start between `from` and `to`, in at most so many steps of time.
    pub fn over(range: Option<(Timestamp, Timestamp)>, steps: u32) -> Self {
        Self { rate: range.map(|(from, to)| Rate::over(from, to, steps)), ..Self::default() }
    }

    /// Adds the figures of other rows. What a file says of itself may be anything: sums have an end.
    pub fn add(&mut self, other: &Self) {
        for (method, path, theirs) in other.endpoints.iter() {
            let mine = self.endpoints.at(method, path, MOST_KINDS);
            mine.exchanges = mine.exchanges.saturating_add(theirs.exchanges);
            mine.unanswered = mine.unanswered.saturating_add(theirs.unanswered);
            mine.request_bytes = mine.request_bytes.saturating_add(theirs.request_bytes);
            mine.response_bytes = mine.response_bytes.saturating_add(theirs.response_bytes);
            theirs.classes.iter().for_each(|(class, count)| add(&mut mine.classes, *class, *count));
        }
        other.statuses.iter().for_each(|(status, count)| add(&mut self.statuses, *status, *count));
        other.anomalies.iter().for_each(|(anomaly, count)| add(&mut self.anomalies, *anomaly, *count));
        other.roles.iter().for_each(|(role, count)| add(&mut self.roles, *role, *count));
        other.content_types.iter().for_each(|(kind, count)| add_named(&mut self.content_types, kind, *count, MOST_KINDS));
        other.nodes.iter().for_each(|(node, count)| add_named(&mut self.nodes, node, *count, MOST_KINDS));
        self.connections = self.connections.saturating_add(other.connections);
        self.last = self.last.max(other.last);
        self.request_bytes = self.request_bytes.saturating_add(other.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(other.response_bytes);
        if let (Some(mine), Some(theirs)) = (&mut self.rate, &other.rate) {
            mine.merge(theirs);
        }
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    let mine = counts.entry(key).or_default();
    *mine = mine.saturating_add(count);
}

/// Adds to what has this name; beyond `most` names, to all others.
fn add_named(counts: &mut BTreeMap<String, u64>, name: &str, count: u64, most: usize) {
    let name = if counts.len() < most || counts.contains_key(name) { name } else { OTHERS };
    match counts.get_mut(name) {
        Some(mine) => *mine = mine.saturating_add(count),
        None => {
            counts.insert(name.to_owned(), count);
        }
    }
}

/// Steps of time in a part's figures: ten times as fine as a chart shows them, so that those of many parts fall into its columns.
pub(super) const PART_STEPS: u32 = 600;
/// Kinds of things in the figures of a part.
const MOST_PART_KINDS: usize = 2_000;
/// Kinds of things in sums of these.
const MOST_KINDS: usize = 10_000;
const OTHERS: &str = "(others)";

#[cfg(test)]
mod tests {
    use super::super::columns::Rows;
    use super::*;
    use crate::disk::recording::tests::exchange;
    use crate::model::{Exchange, Head};

    fn of(rows: &[Exchange]) -> Figures {
        let mut batch = Rows::new();
        rows.iter().for_each(|row| batch.push(row));
        let range = rows.iter().map(|row| row.start).min().zip(rows.iter().map(|row| row.start).max());
        let mut figures = Figures::over(range, PART_STEPS);
        figures.count(&batch.take(), std::path::Path::new("rows")).unwrap();
        figures
    }

    fn rows() -> Vec<Exchange> {
        let mut rows: Vec<_> = (0..40).map(|number| exchange(number + 1, number.cast_signed() * 700_000_000, 10)).collect();
        rows[3].response = None;
        rows[4].request = None;
        rows[5].role = Role::Outbound;
        rows[6].node = Some("web1".into());
        rows[7].anomalies = [Anomaly::Gap].into();
        rows[8].id.index = 2;
        let head = "HTTP/1.1 404 Not Found\r\nContent-Type: Text/HTML; charset=utf-8\r\n\r\n";
        rows[9].response.as_mut().unwrap().head = Head::response(head.into()).unwrap();
        rows
    }

    #[test]
    fn rows_are_counted_by_what_people_ask_for() {
        let figures = of(&rows());
        let (orders, unasked) = (figures.endpoints.by_method["POST"]["/orders/{}"].clone(), &figures.endpoints.by_method[""][""]);
        assert_eq!((orders.exchanges, orders.unanswered, unasked.exchanges), (39, 1, 1));
        assert_eq!(orders.classes, [(2, 37), (4, 1)].into());
        assert_eq!(figures.statuses, [(201, 38), (404, 1)].into());
        assert_eq!(figures.content_types, [("text/html".to_owned(), 1)].into());
        assert_eq!(figures.roles, [(Role::Inbound, 39), (Role::Outbound, 1)].into());
        assert_eq!((&figures.nodes, &figures.anomalies), (&[("web1".to_owned(), 1)].into(), &[(Anomaly::Gap, 1)].into()));
        assert_eq!((figures.connections, figures.last), (39, rows()[39].timing.end));
        assert_eq!(figures.rate.unwrap().counts.iter().sum::<u64>(), 40);
    }

    #[test]
    fn figures_of_parts_are_those_of_all_rows() {
        let rows = rows();
        let whole = of(&rows);
        let mut sum = Figures::over(Some((rows[0].start, rows[39].start)), PART_STEPS);
        rows.chunks(7).for_each(|some| sum.add(&of(some)));
        let columns = |figures: &Figures| {
            let mut chart = Rate::over(rows[0].start, rows[39].start, 60);
            chart.merge(figures.rate.as_ref().unwrap());
            chart
        };
        assert_eq!((sum.rate.take().is_some(), columns(&whole).counts.iter().sum::<u64>()), (true, 40));
        assert_eq!(sum, Figures { rate: None, ..whole.clone() });
        // Of one part the chart is as fine as if it were made of its rows.
        let mut direct = Rate::over(rows[0].start, rows[39].start, 60);
        rows.iter().for_each(|row| direct.add(row.start, 1));
        assert_eq!(columns(&whole), direct);
    }

    #[test]
    fn figures_are_written_and_read() {
        for figures in [of(&rows()), of(&[])] {
            assert_eq!(Figures::from_text(&figures.to_text()).as_ref(), Ok(&figures));
        }
        let text = of(&rows()).to_text();
        for (what, other) in [("\"step_ns\":", "\"step_ns\":0,\"x\":"), ("\"connections\":39", "\"connections\":-1"), ("\"from\":\"", "\"from\":\"x")] {
            assert!(text.contains(what) && Figures::from_text(&text.replacen(what, other, 1)).is_err(), "{what}");
        }
        // What a newer release adds is passed over.
        let newer = text.replacen('{', "{\"weather\":\"fine\",", 1).replacen("\"inbound\"", "\"sideways\":1,\"inbound\"", 1);
        assert_eq!(Figures::from_text(&newer), Ok(of(&rows())));
    }

    #[test]
    fn what_traffic_makes_up_is_bounded() {
        let mut endpoints = Endpoints::default();
        for number in 0..50 {
            endpoints.at("GET", &format!("/{number}"), 10).exchanges += 1;
        }
        endpoints.at("GET", "/3", 10).exchanges += 1;
        assert_eq!((endpoints.iter().count(), endpoints.by_method[""][OTHERS].exchanges, endpoints.by_method["GET"]["/3"].exchanges), (11, 40, 2));
        let mut names = BTreeMap::new();
        (0..50).for_each(|number| add_named(&mut names, &number.to_string(), 1, 10));
        assert_eq!((names.len(), names[OTHERS]), (11, 40));
    }
}
