//! An answer before it is bytes: a status, a content type, a body that is whole or comes in chunks. Handlers make it, the
//! server writes it.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io::Write,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::{
    Response, StatusCode,
    body::{Body, Frame, SizeHint},
    header::{self, HeaderName, HeaderValue},
};
use serde::Serialize;

use crate::failure::Failure;

/// What a handler answers.
pub(crate) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: AnswerBody,
}

impl Answer {
    /// A JSON document. Members stand in the order of the type's fields, so that equal answers are equal bytes.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        let text = serde_json::to_vec(document).expect("plain structs serialize");
        Answer { status, headers: vec![content_type("application/json")], body: AnswerBody::Whole(Some(text.into())) }
    }

    /// Success without a body.
    pub(crate) fn empty() -> Self {
        Answer { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: AnswerBody::Whole(None) }
    }

    /// A stream of lines, one chunk each, whose length is not told beforehand.
    pub(crate) fn lines(media_type: &'static str, lines: impl IntoIterator<Item = String>) -> Self {
        let chunks = lines.into_iter().map(|line| Bytes::from(line + "\n")).collect();
        Answer { status: StatusCode::OK, headers: vec![content_type(media_type)], body: AnswerBody::Chunks(chunks) }
    }

    /// Adds a header. Values are made of tokens and fixed text, never of what a client sent.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("header values are visible ASCII");
        self.headers.push((name, value));
        self
    }

    /// The answer as it goes out, compressed if the client takes it and it pays.
    pub(crate) fn into_response(self, gzip: bool) -> Response<AnswerBody> {
        let compress = gzip && self.body.length() >= GZIP_FROM;
        let mut response = Response::new(if compress { self.body.gzip() } else { self.body });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        if compress {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        response
    }
}

impl From<&Failure> for Answer {
    fn from(failure: &Failure) -> Self {
        #[derive(Serialize)]
        struct Document {
            error: &'static str,
            message: String,
        }
        let answer = Answer::json(failure.status(), &Document { error: failure.code(), message: failure.to_string() });
        match failure {
            Failure::Unauthorized(_) => answer.with(header::WWW_AUTHENTICATE, "Bearer"),
            Failure::Migrating => answer.with(header::RETRY_AFTER, "1"),
            _ => answer,
        }
    }
}

/// A body of known length, or one that is sent as it comes.
pub(crate) enum AnswerBody {
    Whole(Option<Bytes>),
    Chunks(VecDeque<Bytes>),
}

impl AnswerBody {
    fn length(&self) -> usize {
        match self {
            AnswerBody::Whole(body) => body.as_ref().map_or(0, Bytes::len),
            AnswerBody::Chunks(chunks) => chunks.iter().map(Bytes::len).sum(),
        }
    }

    /// Compresses a whole body whole, and a streamed one so that each line can be read as soon as it arrives.
    fn gzip(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let in_memory = "a vector takes every write";
        match self {
            AnswerBody::Whole(body) => {
                encoder.write_all(&body.unwrap_or_default()).expect(in_memory);
                AnswerBody::Whole(Some(encoder.finish().expect(in_memory).into()))
            }
            AnswerBody::Chunks(chunks) => {
                let mut compressed = VecDeque::with_capacity(chunks.len() + 1);
                for chunk in chunks {
                    encoder.write_all(&chunk).and_then(|()| encoder.flush()).expect(in_memory);
                    compressed.push_back(std::mem::take(encoder.get_mut()).into());
                }
                compressed.push_back(encoder.finish().expect(in_memory).into());
                AnswerBody::Chunks(compressed)
            }
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            AnswerBody::Whole(body) => body.take(),
            AnswerBody::Chunks(chunks) => chunks.pop_front(),
        };
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AnswerBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(_) => SizeHint::with_exact(self.length() as u64),
            AnswerBody::Chunks(_) => SizeHint::default(),
        }
    }
}

fn content_type(media_type: &'static str) -> (HeaderName, HeaderValue) {
    (header::CONTENT_TYPE, HeaderValue::from_static(media_type))
}

/// Below this the gzip frame costs more than it saves.
const GZIP_FROM: usize = 128;
