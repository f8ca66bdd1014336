//! One exchange before and after redaction. Its values are invented for this page, and stand nowhere in the demo's capture.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use reenact_formats::model::{Body, BodyFraming, Completeness, Exchange, Head, InvalidHead, Message};
use reenact_formats::seam::Redact;

/// The same exchange twice, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// As it was on the wire.
    pub before: Vec<String>,
    /// As it is written.
    pub after: Vec<String>,
}

/// Passes an exchange of invented values through `redactor`.
pub(super) fn example(redactor: &mut dyn Redact) -> Result<Example, InvalidHead> {
    let mut exchange = exchange()?;
    let before = lines(&exchange);
    redactor.exchange(&mut exchange);
    Ok(Example { before, after: lines(&exchange) })
}

const REQUEST_BODY: &str = r#"{"email":"mina.harker@carfax.net","phone":"+44 20 7183 8750","card":"5500 0055 5555 5559","note":"please ring twice"}"#;
const RESPONSE_BODY: &str = r#"{"id":4711,"email":"mina.harker@carfax.net","iban":"GB33BUKB20201555555555","total":"23.90"}"#;

fn exchange() -> Result<Exchange, InvalidHead> {
    let request = format!(
        "POST /orders?notify=mina.harker%40carfax.net HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer 9f2c7e51d0b84a6fa1b3\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        REQUEST_BODY.len()
    );
    let response = format!(
        "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nSet-Cookie: sid=5be0cd19137e2179; Path=/; HttpOnly\r\nContent-Length: {}\r\n\r\n",
        RESPONSE_BODY.len()
    );
    let message = |head: Head, body: &'static str| Message {
        head,
        body: Body {
            slices: vec![Bytes::from_static(body.as_bytes())],
            wire_length: body.len() as u64,
            completeness: Completeness::Whole,
            framing: BodyFraming::Length,
        },
        trailers: None,
    };
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Exchange {
        request: Some(message(Head::request(Bytes::from(request))?, REQUEST_BODY)),
        response: Some(message(Head::response(Bytes::from(response))?, RESPONSE_BODY)),
        ..Exchange::between(address(40000), address(80))
    })
}

/// Heads and bodies as lines of text.
fn lines(exchange: &Exchange) -> Vec<String> {
    let mut lines = Vec::new();
    for (mark, message) in [('>', &exchange.request), ('<', &exchange.response)] {
        let Some(message) = message else { continue };
        let head = String::from_utf8_lossy(message.head.raw()).into_owned();
        lines.extend(head.lines().filter(|line| !line.is_empty()).map(|line| format!("{mark} {line}")));
        lines.push(format!("{mark} {}", String::from_utf8_lossy(&message.body.contiguous())));
    }
    lines
}
