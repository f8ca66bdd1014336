//! A shell script: one `curl` for each request, in order, without the times between them.
//!
//! It sends nowhere but to the URL that it is called with, never to the recorded hosts. Bodies come from `printf` in octal, so that any bytes go through. What
//! curl or the target makes anew (host, length, framing) is left to it; a field that curl would add by itself is taken away where the recording has none.

use std::io::{self, Write};

use reenact_formats::content::split_absolute;
use reenact_formats::model::{Exchange, Head, is_token};

use super::quote::{printf_format, shell_word};
use super::{Exporter, LeftOut, sendable_request};

pub(super) struct Curl;

impl Exporter for Curl {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(PREAMBLE.as_bytes())
    }

    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>> {
        let request = match sendable_request(exchange) {
            Ok(request) => request,
            Err(why) => return Ok(Some(why)),
        };
        if request.head.method() == Some(b"HEAD") && request.body.kept_length() > 0 {
            return Ok(Some(LeftOut::HeadWithBody));
        }
        // What announces a length has a body, and be it an empty one.
        let has_body = request.body.kept_length() > 0 || request.head.header("content-length").is_some() && request.head.method() != Some(b"HEAD");
        writeln!(out, "\n# {}", exchange.id)?;
        let body = request.body.contiguous();
        if !body.is_empty() {
            out.write_all(b"{\n")?;
            for piece in body.chunks(PIECE) {
                writeln!(out, "printf {}", printf_format(piece))?;
            }
            out.write_all(b"} | ")?;
        }
        out.write_all(b"send")?;
        for word in words(&request.head, has_body) {
            out.write_all(b" ")?;
            out.write_all(&word)?;
        }
        out.write_all(match (has_body, body.is_empty()) {
            (true, true) => b" --data-binary @- < /dev/null || failed=1\n",
            (true, false) => b" --data-binary @- || failed=1\n",
            (false, _) => b" < /dev/null || failed=1\n",
        })?;
        Ok(None)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\nexit $failed\n")
    }
}

/// The arguments of a request, each quoted.
fn words(head: &Head, has_body: bool) -> Vec<Vec<u8>> {
    let (method, target) = (head.method().unwrap_or_default(), head.target().unwrap_or_default());
    let mut words = if method == b"HEAD" { vec![b"--head".to_vec()] } else { vec![b"--request".to_vec(), shell_word(method)] };
    words.extend([b"--request-target".to_vec(), shell_word(&path_of(target))]);
    for (name, value) in sent_fields(head) {
        // Without a value, a colon would take the field away.
        let line = if value.is_empty() { [name, b";"].concat() } else { [name, b": ", &value].concat() };
        words.extend([b"--header".to_vec(), shell_word(&line)]);
    }
    for name in ["User-Agent", "Accept", "Expect", "Content-Type"] {
        if head.header(&name.to_lowercase()).is_none() && (has_body || name != "Content-Type") {
            words.extend([b"--header".to_vec(), shell_word(format!("{name}:").as_bytes())]);
        }
    }
    words
}

/// The fields that a script sends as they were, on one line each: not those that say where to and how long.
pub(super) fn sent_fields(head: &Head) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
    let made_anew = ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "expect", "te", "trailer", "upgrade", "proxy-connection"];
    head.headers().filter(move |field| is_token(field.name) && !made_anew.iter().any(|name| field.is(name))).map(|field| {
        let line: Vec<u8> = field.value.iter().map(|byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { *byte }).collect();
        (field.name, line)
    })
}

/// What stands behind the host of an absolute target; no control character, and no space.
pub(super) fn path_of(target: &[u8]) -> Vec<u8> {
    let path = split_absolute(target).map_or(target, |absolute| absolute.rest);
    let mut sent = Vec::with_capacity(path.len() + 1);
    if !path.starts_with(b"/") {
        sent.push(b'/');
    }
    for byte in path {
        if byte.is_ascii_control() || *byte == b' ' {
            sent.extend(format!("%{byte:02X}").bytes());
        } else {
            sent.push(*byte);
        }
    }
    sent
}

/// How much of a body one line prints.
const PIECE: usize = 16 << 10;

const PREAMBLE: &str = r#"#!/bin/sh
# Sends recorded requests, one after the other. Usage: sh FILE URL, e.g. sh FILE http://127.0.0.1:8080
# CURL_OPTIONS are given to each curl, e.g. CURL_OPTIONS='--fail --max-time 10'.
set -u
url=${1:-${BASE_URL:-}}
if [ -z "$url" ]; then
    echo "usage: sh $0 URL" >&2
    exit 2
fi
failed=0
send() {
    # Of what a target answers, its status is shown. No configuration file and no proxy leads elsewhere.
    curl -q --noproxy '*' --silent --show-error --globoff --http1.1 --path-as-is --output /dev/null --write-out '%{http_code}\n' ${CURL_OPTIONS:-} "$@" --url "$url" && return
    echo "$0: a request failed" >&2
    return 1
}
"#;
