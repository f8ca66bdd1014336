//! A script for k6: the recorded sessions, each with the time that its client took between an answer and the next request.
//!
//! A session is a connection. Each is one iteration, on a connection of its own; as many run at once as the script is told. It sends nowhere but to `BASE_URL`, and nothing but what
//! was recorded: no cookie that the target sets, no name of its own. Values stand in it as string literals in ASCII, bodies that are no text in base64.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reenact_formats::content::endpoint_template;
use reenact_formats::model::{ConnectionId, Exchange, Timestamp};

use super::curl::{path_of, sent_fields};
use super::quote::script_string;
use super::{Exporter, LeftOut, sendable_request, text};

#[derive(Default)]
pub(super) struct K6 {
    /// When a session's last answer had come, and when it was used last.
    sessions: BTreeMap<ConnectionId, (Timestamp, u64)>,
    by_use: BTreeMap<u64, ConnectionId>,
    uses: u64,
    first: Option<Timestamp>,
}

impl Exporter for K6 {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(PREAMBLE.as_bytes())
    }

    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        let request = match sendable_request(exchange) {
            Ok(request) => request,
            Err(why) => return Ok(Some(why)),
        };
        let head = &request.head;
        let first = *self.first.get_or_insert(exchange.start);
        let think = self.think(exchange).map_or_else(|| exchange.start.since(first), |before| exchange.start.since(before));
        let mut fields: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (name, value) in sent_fields(head) {
            // k6 sends no request with a control character in a field.
            let (name, value) = (text(name).into_owned(), text(&value).replace(|sign: char| sign.is_ascii_control() && sign != '\t', " "));
            // Of fields that are repeated an object holds one: as a list, which says the same.
            let joint = if name.eq_ignore_ascii_case("cookie") { "; " } else { ", " };
            fields.entry(name.to_ascii_lowercase()).and_modify(|(_, before)| before.extend([joint, &value])).or_insert((name, value));
        }
        let fields: Vec<_> = fields.values().map(|(name, value)| format!("{}:{}", script_string(name), script_string(value))).collect();
        let body = request.body.contiguous();
        let body = match std::str::from_utf8(&body) {
            _ if body.is_empty() => "null".to_owned(),
            Ok(text) => script_string(text),
            Err(_) => format!("{{base64:{}}}", script_string(&STANDARD.encode(&body))),
        };
        // A session's number may be more than a script's numbers can tell apart.
        let target = head.target().unwrap_or_default();
        let [session, id, method, path, endpoint] = [
            exchange.id.connection.to_string().as_str(),
            exchange.id.to_string().as_str(),
            &text(head.method().unwrap_or_default()),
            &url_of(target),
            &endpoint_template(target),
        ]
        .map(script_string);
        writeln!(
            out,
            "add({session}, {id}, {:.6}, {method}, {path}, {endpoint}, {{{}}}, {body}, {});",
            think.as_secs_f64(),
            fields.join(","),
            exchange.status().unwrap_or_default(),
        )?;
        Ok(None)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(EPILOGUE.as_bytes())
    }
}

impl K6 {
    /// When the session's last answer had come, if it has had one.
    fn think(&mut self, exchange: &Exchange) -> Option<Timestamp> {
        let end = exchange.timing.end.or(exchange.timing.request_end).unwrap_or(exchange.start);
        self.uses += 1;
        let before = self.sessions.insert(exchange.id.connection, (end, self.uses));
        if let Some((_, used)) = before {
            self.by_use.remove(&used);
        }
        self.by_use.insert(self.uses, exchange.id.connection);
        // Who was silent among so many others begins anew.
        if self.sessions.len() > MOST_SESSIONS
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.sessions.remove(&oldest);
        }
        before.map(|(end, _)| end)
    }
}

/// The target as a URL from which k6 makes the same target again. It reads `#` as the end and a query as it stands, and refuses, or writes anew, a path in which a character is not allowed:
/// what cannot stay is in percent.
fn url_of(target: &[u8]) -> String {
    let target = path_of(target);
    let (path, query) = target.split_at(target.iter().position(|byte| *byte == b'?').unwrap_or(target.len()));
    let mut url = String::with_capacity(target.len());
    let percent = |url: &mut String, byte: u8| url.push_str(&format!("%{byte:02X}"));
    for (at, byte) in path.iter().enumerate() {
        let stays = match byte {
            b'%' => path[at + 1..].first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
            byte => byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@[]".contains(byte),
        };
        if stays { url.push(char::from(*byte)) } else { percent(&mut url, *byte) }
    }
    for chunk in query.utf8_chunks() {
        url.push_str(&chunk.valid().replace('#', "%23"));
        chunk.invalid().iter().for_each(|byte| percent(&mut url, *byte));
    }
    url
}

const MOST_SESSIONS: usize = 1 << 16;

const PREAMBLE: &str = r#"// Recorded sessions for k6: BASE_URL=http://127.0.0.1:8080 k6 run FILE
// VUS sets how many sessions run at once, SPEED divides the times between requests.
import http from 'k6/http';
import exec from 'k6/execution';
import encoding from 'k6/encoding';
import { check, sleep } from 'k6';
import { SharedArray } from 'k6/data';

const target = __ENV.BASE_URL;
const speed = Number(__ENV.SPEED || 1);

// In memory once, however many sessions run at once.
const sessions = new SharedArray('recorded sessions', function () {
const sessions = [];
const numbers = new Map();

function add(session, id, think, method, path, endpoint, headers, body, status) {
  if (!numbers.has(session)) {
    numbers.set(session, sessions.length);
    sessions.push([]);
  }
  sessions[numbers.get(session)].push({ id, think, method, path, endpoint, headers, body, status });
}

"#;

const EPILOGUE: &str = r#"
return sessions;
});

export const options = {
  userAgent: '',
  noVUConnectionReuse: true,
  discardResponseBodies: true,
  scenarios: {
    recorded: { executor: 'shared-iterations', vus: Math.min(Number(__ENV.VUS || 100), sessions.length || 1), iterations: sessions.length || 1, maxDuration: '24h' },
  },
};

export function setup() {
  if (!target) {
    throw new Error('say where requests are to be sent: BASE_URL=http://127.0.0.1:8080');
  }
}

export default function () {
  const session = sessions[exec.scenario.iterationInTest] || [];
  session.forEach((step, index) => {
    // The first request of a session is due so long after the first of all, each other so long after the answer before it.
    const wait = step.think / speed - (index === 0 ? (Date.now() - exec.scenario.startTime) / 1000 : 0);
    if (wait > 0) {
      sleep(wait);
    }
    const body = step.body && step.body.base64 ? encoding.b64decode(step.body.base64) : step.body;
    // By endpoint, for k6 keeps a series for each name; which exchange it was is in what `--out` writes. Cookies are sent as recorded, not as they are set.
    exec.vu.metrics.metadata.exchange = step.id;
    const answer = http.request(step.method, target.replace(/\/$/, '') + step.path, body, {
      headers: step.headers, redirects: 0, jar: new http.CookieJar(), tags: { name: step.endpoint },
    });
    if (step.status > 0) {
      check(answer, { 'status as recorded': (got) => got.status === step.status });
    }
  });
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_may_hold_stays_and_the_rest_is_in_percent() {
        let cases: &[(&[u8], &str)] = &[
            (b"/a%2Fb;c=1/../[x]//y?", "/a%2Fb;c=1/../[x]//y?"),
            (b"http://shop.example/a?b=%zz\"<>\\`{|}^?", "/a?b=%zz\"<>\\`{|}^?"),
            (b"a\"<>\\`{|}^", "/a%22%3C%3E%5C%60%7B%7C%7D%5E"),
            (b"/%zz%4%", "/%25zz%254%25"),
            (b"/a#b?c#d", "/a%23b?c%23d"),
            ("/é?é".as_bytes(), "/%C3%A9?é"),
            (b"/\xff?\xff \x01", "/%FF?%FF%20%01"),
        ];
        for (target, expected) in cases {
            assert_eq!(url_of(target), *expected);
        }
    }
}
