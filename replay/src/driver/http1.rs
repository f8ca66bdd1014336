//! Sends HTTP/1 requests byte for byte and reads their answers.
//!
//! In: a request as it is to stand on the wire. Out: its [`Answer`], or how it failed, and the [`Times`] of both. What never happens here: a byte of the request is changed, a redirect is followed, or an answer is taken for one to
//! another request than the one before it: after anything odd the connection is not used again.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use reenact_formats::model::{Anomaly, Completeness, Failure, Message, Side, Timestamp};
use reenact_formats::wire::http1::{Decoded, Decoder, Event, Limits, RequestContext, keeps_alive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clock::Clock;

/// A connection to a target.
pub(crate) struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    buffer: BytesMut,
}

/// When the bytes of a request and its answer moved. Filled as it happens, so that it tells even of what was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// When the first byte of the request left.
    pub(crate) sent: Option<Timestamp>,
    /// When the first byte of the answer came.
    pub(crate) first_byte: Option<Timestamp>,
    /// Bytes received.
    pub(crate) received: u64,
}

/// A whole answer.
pub(crate) struct Answer {
    /// The final response.
    pub(crate) message: Message,
    /// Whether another request may follow on the connection, as far as the answer says.
    pub(crate) keeps_alive: bool,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // A request leaves when it is due, not when more of it could be sent at once.
        stream.set_nodelay(true)?;
        Ok(Self { stream, decoder: Decoder::new(Side::Response, Limits::default()), buffer: BytesMut::new() })
    }

    /// Whether the target has closed it, or said something unasked, since the last answer.
    pub(crate) fn is_stale(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends `request` and reads what answers it. An answer may come before all of the request has left.
    pub(crate) async fn exchange(&mut self, request: &[u8], context: RequestContext, clock: &dyn Clock, times: &mut Times) -> Result<Answer, Failure> {
        let Self { stream, decoder, buffer } = self;
        decoder.expect(context);
        *times = Times { sent: Some(clock.now()), ..Times::default() };
        let (mut reader, mut writer) = stream.split();
        let (mut written, mut is_refused) = (0, false);
        let mut looks_like_http = true;
        loop {
            if let Some(answer) = answer(decoder) {
                return answer.map(|answer| Answer { keeps_alive: answer.keeps_alive && written == request.len() && !is_refused, ..answer });
            }
            if decoder.accounting().unparsable > 0 {
                // It looks for the next start of a message: what came was none.
                return Err(Failure::Protocol);
            }
            buffer.reserve(READ);
            let read = tokio::select! {
                biased;
                wrote = writer.write(&request[written..]), if written < request.len() => {
                    // A target that refuses the rest of a request may have answered all the same: what it said is still read.
                    match wrote {
                        Ok(count) if count > 0 => written += count,
                        _ => (written, is_refused) = (request.len(), true),
                    }
                    continue;
                }
                read = reader.read_buf(buffer) => read,
            };
            let now = clock.now();
            match read {
                Ok(count) if count > 0 => {
                    if times.first_byte.replace(times.first_byte.unwrap_or(now)).is_none() {
                        looks_like_http = buffer.iter().zip(b"HTTP/").all(|(found, expected)| found == expected);
                    }
                    times.received += count as u64;
                    decoder.feed(buffer.split().freeze(), now);
                }
                ended => {
                    match ended {
                        Ok(_) => decoder.close(now),
                        Err(_) => decoder.cut(now),
                    }
                    let cut = if looks_like_http { Failure::Closed } else { Failure::Protocol };
                    return answer(decoder).unwrap_or(Err(cut)).map(|answer| Answer { keeps_alive: false, ..answer });
                }
            }
        }
    }
}

/// The next answer that the bytes so far hold, or how they are none.
fn answer(decoder: &mut Decoder) -> Option<Result<Answer, Failure>> {
    while let Some(event) = decoder.next() {
        if let Event::Message(decoded) = event {
            return Some(judged(*decoded, decoder.is_idle()));
        }
    }
    None
}

fn judged(decoded: Decoded, is_idle: bool) -> Result<Answer, Failure> {
    let Decoded { message, anomalies, .. } = decoded;
    if anomalies.contains(&Anomaly::MalformedChunk) {
        return Err(Failure::Protocol);
    }
    match message.body.completeness {
        Completeness::TruncatedAt(_) | Completeness::Gap(_) => return Err(Failure::Closed),
        Completeness::Whole | Completeness::Dropped { .. } => {}
    }
    let keeps_alive = is_idle && anomalies.is_empty() && keeps_alive(&message.head) && message.head.status() != Some(101);
    Ok(Answer { message, keeps_alive })
}

const READ: usize = 16 << 10;

#[cfg(test)]
mod tests;
