//! How figures are written: JSON types of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{EndpointFigures, Endpoints, Figures, MOST_KINDS, Rate};
use crate::disk::recording::wire;
use crate::model::{Anomaly, Role, Timestamp};

#[derive(Serialize, Deserialize)]
struct WireFigures {
    endpoints: Vec<WireEndpoint>,
    statuses: BTreeMap<u16, u64>,
    content_types: BTreeMap<String, u64>,
    anomalies: BTreeMap<String, u64>,
    roles: BTreeMap<String, u64>,
    nodes: BTreeMap<String, u64>,
    connections: u64,
    last: Option<String>,
    request_bytes: u64,
    response_bytes: u64,
    rate: Option<WireRate>,
}

#[derive(Serialize, Deserialize)]
struct WireEndpoint {
    method: String,
    endpoint: String,
    exchanges: u64,
    unanswered: u64,
    classes: BTreeMap<u16, u64>,
    request_bytes: u64,
    response_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct WireRate {
    from: String,
    step_ns: u64,
    counts: Vec<u64>,
}

impl Figures {
    /// As it stands in a footer.
    pub(in super::super) fn to_text(&self) -> String {
        let Self { endpoints, statuses, content_types, anomalies, roles, nodes, connections, last, request_bytes, response_bytes, rate } = self;
        let endpoints = endpoints.iter().map(|(method, endpoint, figures)| {
            let EndpointFigures { exchanges, classes, unanswered, request_bytes, response_bytes } = figures.clone();
            WireEndpoint { method: method.to_owned(), endpoint: endpoint.to_owned(), exchanges, unanswered, classes, request_bytes, response_bytes }
        });
        let rate = rate.as_ref().map(|Rate { from, step, counts }| WireRate {
            from: from.to_string(),
            step_ns: u64::try_from(step.as_nanos()).unwrap_or(u64::MAX),
            counts: counts.clone(),
        });
        wire::text(&WireFigures {
            endpoints: endpoints.collect(),
            statuses: statuses.clone(),
            content_types: content_types.clone(),
            anomalies: anomalies.iter().map(|(anomaly, count)| (anomaly.word().to_owned(), *count)).collect(),
            roles: roles.iter().map(|(role, count)| (role.word().to_owned(), *count)).collect(),
            nodes: nodes.clone(),
            connections: *connections,
            last: last.map(|time| time.to_string()),
            request_bytes: *request_bytes,
            response_bytes: *response_bytes,
            rate,
        })
    }

    /// As it was read from a footer, or what is wrong with it.
    pub(in super::super) fn from_text(text: &str) -> Result<Self, String> {
        let time = |text: &str| text.parse::<Timestamp>().map_err(|error| error.to_string());
        let WireFigures { endpoints, statuses, content_types, anomalies, roles, nodes, connections, last, request_bytes, response_bytes, rate } =
            wire::parse(text)?;
        let mut known = Endpoints::default();
        for WireEndpoint { method, endpoint, exchanges, unanswered, classes, request_bytes, response_bytes } in endpoints {
            *known.at(&method, &endpoint, MOST_KINDS) = EndpointFigures { exchanges, classes, unanswered, request_bytes, response_bytes };
        }
        let rate = rate.map(|WireRate { from, step_ns, counts }| match step_ns {
            0 => Err("a step of its rate takes no time".to_owned()),
            _ => Ok(Rate { from: time(&from)?, step: Duration::from_nanos(step_ns), counts }),
        });
        Ok(Self {
            endpoints: known,
            statuses,
            content_types,
            anomalies: anomalies.into_iter().filter_map(|(word, count)| Some((Anomaly::from_word(&word)?, count))).collect(),
            roles: roles.into_iter().filter_map(|(word, count)| Some((Role::from_word(&word)?, count))).collect(),
            nodes,
            connections,
            last: last.as_deref().map(time).transpose()?,
            request_bytes,
            response_bytes,
            rate: rate.transpose()?,
        })
    }
}
