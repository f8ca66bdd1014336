//! Who is who: the session that each exchange belongs to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use reenact_formats::content::{LeafKind, visit_head};
use reenact_formats::model::{ConnectionId, Exchange, Head};

use crate::Error;

/// How sessions are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SessionBy {
    /// A connection is a session.
    #[default]
    Connection,
    /// The value of this cookie names the session.
    Cookie(String),
    /// The value of this header names the session.
    Header(String),
}

impl fmt::Display for SessionBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl FromStr for SessionBy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "connection" => Ok(Self::Connection),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            _ => Err(Error::Session { text: text.to_owned() }),
        }
    }
}

/// Assigns sessions, exchange by exchange.
///
/// A request that carries no name belongs to its connection's session. That session is taken over by the first name that is
/// then seen on the connection, in a request or, for a cookie, in the answer that sets it: so a login belongs to the session
/// that it opens.
pub(super) struct Sessions<'o> {
    by: &'o SessionBy,
    count: u64,
    named: BTreeMap<Bytes, u64>,
    connections: BTreeMap<ConnectionId, Current>,
}

#[derive(Clone, Copy)]
struct Current {
    session: u64,
    is_named: bool,
}

impl<'o> Sessions<'o> {
    pub(super) const fn new(by: &'o SessionBy) -> Self {
        Self { by, count: 0, named: BTreeMap::new(), connections: BTreeMap::new() }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The session of the next exchange, in the order of their starts.
    pub(super) fn assign(&mut self, exchange: &Exchange) -> u64 {
        let connection = exchange.id.connection;
        let carried = exchange.request.as_ref().and_then(|request| self.carried(&request.head));
        let opened = exchange.response.as_ref().and_then(|response| self.opened(&response.head));
        if let Some(name) = carried {
            let session = self.of_name(name, connection);
            if let Some(opened) = opened {
                // Another value for the same session: rotated cookies.
                self.named.entry(opened).or_insert(session);
            }
            return session;
        }
        match opened {
            Some(name) => self.of_name(name, connection),
            None => match self.connections.get(&connection) {
                Some(current) => current.session,
                None => self.enter(connection),
            },
        }
    }

    fn of_name(&mut self, name: Bytes, connection: ConnectionId) -> u64 {
        let known = self.named.get(&name).copied();
        let session = match (known, self.connections.get(&connection)) {
            (Some(session), _) => session,
            (None, Some(Current { session, is_named: false })) => *session,
            (None, _) => self.enter(connection),
        };
        self.named.insert(name, session);
        self.connections.insert(connection, Current { session, is_named: true });
        session
    }

    fn enter(&mut self, connection: ConnectionId) -> u64 {
        self.count += 1;
        let session = self.count;
        self.connections.insert(connection, Current { session, is_named: false });
        session
    }

    fn carried(&self, head: &Head) -> Option<Bytes> {
        match self.by {
            SessionBy::Connection => None,
            SessionBy::Cookie(name) => cookie(head, "cookie:", name),
            SessionBy::Header(name) => head.header(name).filter(|value| !value.is_empty()).map(Bytes::copy_from_slice),
        }
    }

    fn opened(&self, head: &Head) -> Option<Bytes> {
        match self.by {
            SessionBy::Cookie(name) => cookie(head, "set-cookie:", name),
            SessionBy::Connection | SessionBy::Header(_) => None,
        }
    }
}

fn cookie(head: &Head, prefix: &str, name: &str) -> Option<Bytes> {
    let mut found = None;
    visit_head(head, &mut |leaf| {
        if leaf.kind == LeafKind::Cookie && leaf.name.as_deref() == Some(name) && leaf.path.starts_with(prefix) && !leaf.value.is_empty() {
            found.get_or_insert_with(|| Bytes::copy_from_slice(&leaf.value));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::script;

    fn check(by: &str, lines: &[(u64, &str, &str)], expected: &[u64]) {
        let by = by.parse().expect("a kind of session");
        let mut sessions = Sessions::new(&by);
        let found: Vec<_> = script(lines).iter().map(|exchange| sessions.assign(exchange)).collect();
        assert_eq!(found, expected, "by {by}: {lines:?}");
        assert_eq!(sessions.count(), expected.iter().copied().max().unwrap_or_default());
    }

    #[test]
    fn sessions_are_told_apart() {
        let plain = [(1, "GET /a", "200"), (2, "GET /a", "200"), (1, "GET /b", "200")];
        for by in ["connection", "cookie:k", "header:x-k"] {
            check(by, &plain, &[1, 2, 1]);
        }
        let cookies = [
            (1, "GET /a", "200"),
            (1, "POST /enter", "200\nSet-Cookie: k=one; Path=/"),
            (1, "GET /b\nCookie: j=x; k=one", "200"),
            (2, "GET /c\nCookie: k=one", "200"),
            (2, "GET /d\nCookie: k=two", "200"),
            (2, "GET /e", "200"),
            (3, "GET /f\nCookie: k=two", "200\nSet-Cookie: k=three"),
            (4, "GET /g\nCookie: k=three", "200"),
        ];
        check("cookie:k", &cookies, &[1, 1, 1, 1, 2, 2, 2, 2]);
        check("connection", &cookies, &[1, 1, 1, 2, 2, 2, 3, 4]);
        let headers = [(1, "POST /enter", "200"), (1, "GET /a\nX-K: one", "200"), (1, "GET /b\nX-K: two", "200"), (2, "GET /c\nx-k: one", "200")];
        check("header:x-k", &headers, &[1, 1, 2, 1]);
        // Behind a balancer one connection carries many.
        let mixed = [(1, "GET /a\nCookie: k=one", "200"), (1, "POST /enter", "200\nSet-Cookie: k=two"), (1, "GET /b\nCookie: k=one", "200")];
        check("cookie:k", &mixed, &[1, 2, 1]);
    }

    #[test]
    fn kinds_round_trip() {
        for text in ["connection", "cookie:sid", "header:authorization"] {
            assert_eq!(text.parse::<SessionBy>().expect(text).to_string(), text);
        }
        for text in ["", "cookie", "cookie:", "user:x"] {
            let error = text.parse::<SessionBy>().expect_err(text).to_string();
            assert!(error.contains("known are connection, cookie:NAME and header:NAME"), "{error}");
        }
    }
}
