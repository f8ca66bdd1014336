//! Connections that wait for their next request.

use std::collections::BTreeMap;

use reenact_formats::model::ConnectionId;

use crate::Plan;
use crate::driver::http1::Connection;

/// Connections that wait for the next request of the recorded connection that they stand for.
pub(super) struct Idle {
    waiting: BTreeMap<(ConnectionId, String), Vec<Connection>>,
    /// How many steps of each recorded connection are left.
    left: BTreeMap<ConnectionId, u32>,
}

impl Idle {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut left = BTreeMap::new();
        for step in &plan.steps {
            *left.entry(step.exchange.connection).or_default() += 1;
        }
        Self { waiting: BTreeMap::new(), left }
    }

    pub(super) fn take(&mut self, connection: ConnectionId, host: &str) -> Option<Connection> {
        self.waiting.get_mut(&(connection, host.to_owned()))?.pop()
    }

    /// A step of `connection` is settled, with this left over. After the last one it is closed, as its recorded one was.
    pub(super) fn put(&mut self, connection: ConnectionId, host: &str, left_over: Option<Connection>) {
        let left = self.left.entry(connection).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.left.remove(&connection);
            self.waiting.remove(&(connection, host.to_owned()));
            return;
        }
        if let Some(open) = left_over {
            self.waiting.entry((connection, host.to_owned())).or_default().push(open);
        }
    }
}
