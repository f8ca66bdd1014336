//! A request as the handlers see it: everything in memory, the path split, the body decoded.

use std::io::Read;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{HeaderMap, Method, body::Incoming, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// One request. It holds no connection, so that it can be tried again when its transaction lost against another one.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Decoded path segments.
    pub(crate) path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    /// Reads a request to its end.
    pub(crate) async fn read(request: hyper::Request<Incoming>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let collected = Limited::new(body, MAX_BODY).collect().await.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Failure::TooLarge,
            None => Failure::Malformed("body cut short"),
        })?;
        let path = parts.uri.path().split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query =
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))).collect();
        let body = plain(&parts.headers, collected.to_bytes())?;
        Ok(Request { method: parts.method, path, query, headers: parts.headers, body })
    }

    /// The body as JSON of the expected shape. The answer says what is wrong without repeating what was sent.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Failure::Invalid("field"),
            _ => Failure::Malformed("body is not JSON"),
        })
    }

    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of that name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The session token: from `Authorization: Bearer`, else from the cookie `sid`.
    pub(crate) fn token(&self) -> Option<&str> {
        let bearer = || self.header("authorization")?.strip_prefix("Bearer ");
        let cookie = || self.header("cookie")?.split(';').find_map(|pair| pair.trim().strip_prefix("sid="));
        bearer().or_else(cookie)
    }

    /// Whether the client takes a gzip answer.
    pub(crate) fn accepts_gzip(&self) -> bool {
        let refused = |parameters: &str| parameters.trim() == "q=0";
        let mut codings = self.header("accept-encoding").unwrap_or_default().split(',').map(|coding| coding.split_once(';').unwrap_or((coding, "")));
        codings.any(|(name, parameters)| matches!(name.trim(), "gzip" | "*") && !refused(parameters))
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn plain(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Failure> {
    match headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
        None | Some(b"identity") => Ok(body),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let limit = MAX_BODY as u64 + 1;
            flate2::read::MultiGzDecoder::new(&body[..]).take(limit).read_to_end(&mut plain).map_err(|_| Failure::Malformed("body is not gzip"))?;
            if plain.len() > MAX_BODY { Err(Failure::TooLarge) } else { Ok(plain.into()) }
        }
        Some(_) => Err(Failure::UnsupportedCoding),
    }
}

/// Nobody orders a mebibyte.
const MAX_BODY: usize = 1 << 20;
