//! The leaves of a head: request target, headers, cookies, and whatever no grammar explains.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::leaf::{Leaf, LeafKind, Surface};
use super::multipart::header_parameters;
use super::path::{Paths, is_name};
use super::url::{self, lossy};
use super::visitor::leaves;
use crate::model::{Head, Header, Part, StartLine};

/// Hands out every value of a head (or of a trailer section, then in [`Part::Trailers`]) in the order of the bytes.
///
/// Header names that keep to the grammar, methods, versions and status codes are no values. Lines that are no header at all
/// are handed out as [`LeafKind::Text`], so that no byte that could carry a value goes unseen.
pub fn visit_head(head: &Head, f: &mut dyn FnMut(Leaf<'_>)) {
    let (raw, f) = (head.raw(), &mut leaves(f));
    let mut visitor = HeadVisitor { raw, part: Part::Head, paths: Paths::default(), name: String::new(), f };
    let mut seen_to = match head.start_line() {
        StartLine::Request { method, target, version } => {
            let target = target.start as usize..target.end as usize;
            let place = url::Place { part: Part::Head, offset: target.start, prefix: &["target:"], query_prefix: &["query:"] };
            if raw[method.start as usize..method.end as usize] == *b"CONNECT" {
                url::visit_authority(&raw[target.clone()], &place, &mut visitor.paths, visitor.f);
            } else {
                url::visit(&raw[target.clone()], &place, &mut visitor.paths, visitor.f);
            }
            target.end.max(version.end as usize)
        }
        StartLine::Response { reason, .. } => {
            visitor.text("start:reason", reason.start as usize..reason.end as usize);
            reason.end as usize
        }
        StartLine::Absent => {
            visitor.part = Part::Trailers;
            0
        }
    };
    for header in head.headers() {
        let span = header.value_span();
        // A name that breaks the grammar may be anything.
        let name_ends = if header.name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)) {
            header.name_start
        } else {
            header.name_start + header.name.len()
        };
        visitor.unexplained(seen_to..name_ends);
        visitor.header(&header);
        seen_to = span.end.max(header.name_start + header.name.len());
    }
    visitor.unexplained(seen_to..raw.len());
}

struct HeadVisitor<'h, 'v> {
    raw: &'h [u8],
    part: Part,
    paths: Paths,
    /// The name of the header at hand, in lower case.
    name: String,
    f: Visit<'v>,
}

impl HeadVisitor<'_, '_> {
    fn header(&mut self, header: &Header<'_>) {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        name.push_str(&String::from_utf8_lossy(header.name));
        name.make_ascii_lowercase();
        match name.as_str() {
            "authorization" | "proxy-authorization" => self.credential(header, &name),
            "cookie" => self.cookies(header),
            "set-cookie" => self.set_cookie(header),
            "referer" | "location" | "content-location" | "origin" | "destination" | "x-original-url" | "x-rewrite-url" | "x-forwarded-uri" => {
                self.url(&name, header.value_span());
            }
            "link" => self.links(header, &name),
            "refresh" => self.refresh(header, &name),
            "forwarded" => self.pairs(header, &name, b",;", Surface::Quoted),
            "baggage" | "correlation-context" => self.pairs(header, &name, b",;", Surface::Percent),
            "content-disposition" => self.disposition(header, &name),
            name if is_client_address(name) => self.addresses(header, name),
            name => self.leaf(&["header:", name], Some(name), LeafKind::Header, header.value_span(), Surface::Header),
        }
        self.name = name;
    }

    /// `scheme credential`, or `scheme name=value, name="value"` (RFC 9110, section 11.4), or the bare credential that some clients send.
    fn credential(&mut self, header: &Header<'_>, name: &str) {
        let value = header.value;
        let scheme_end = value.iter().position(|byte| *byte == b' ').unwrap_or(0);
        let start = value[scheme_end..].iter().position(|byte| *byte != b' ').map_or(value.len(), |at| scheme_end + at);
        let is_token68 = [&b"basic"[..], b"bearer", b"negotiate", b"ntlm"].iter().any(|scheme| value[..scheme_end].eq_ignore_ascii_case(scheme));
        let parameters = if scheme_end == 0 || is_token68 { None } else { auth_parameters(&value[start..]) };
        match parameters {
            Some(parameters) => {
                for (parameter, span) in parameters {
                    let parameter = lossy(Cow::Borrowed(&value[start..][parameter])).to_ascii_lowercase();
                    let span = header.value_start + start + span.start..header.value_start + start + span.end;
                    self.leaf(&["header:", name, ";", &parameter], Some(&parameter), LeafKind::Credential, span, Surface::Quoted);
                }
            }
            None => {
                let span = header.value_start + start..header.value_start + value.len();
                self.leaf(&["header:", name], Some(name), LeafKind::Credential, span, Surface::Header);
            }
        }
    }

    fn url(&mut self, name: &str, span: Range<usize>) {
        let place = url::Place { part: self.part, offset: span.start, prefix: &["header:", name, ":"], query_prefix: &["header:", name, "?"] };
        url::visit(&self.raw[span], &place, &mut self.paths, self.f);
    }

    /// `<url>; rel="next", <url>; title="x"` (RFC 8288, section 3). What is in no brackets is as it is in any header.
    fn links(&mut self, header: &Header<'_>, name: &str) {
        let span = header.value_span();
        let mut at = span.start;
        while at < span.end {
            let open = memchr::memchr(b'<', &self.raw[at..span.end]).map_or(span.end, |open| at + open);
            self.piece(name, at..open);
            let end = memchr::memchr(b'>', &self.raw[open..span.end]).map_or(span.end, |close| open + close);
            self.url(name, (open + 1).min(end)..end);
            at = (end + 1).min(span.end);
        }
    }

    /// `5; url=https://…`: no standard says so, and every browser reads it.
    fn refresh(&mut self, header: &Header<'_>, name: &str) {
        let span = header.value_span();
        let url = memchr::memmem::find(&header.value.to_ascii_lowercase(), b"url=").map_or(span.end, |at| span.start + at + b"url=".len());
        self.piece(name, span.start..url);
        let quotes = usize::from(matches!(self.raw.get(url), Some(b'"' | b'\'')) && url < span.end);
        let end = if quotes == 1 && span.end > url + 1 && self.raw[span.end - 1] == self.raw[url] { span.end - 1 } else { span.end };
        self.url(name, url + quotes..end);
    }

    /// `name=value` between separators, in quotes or not: `Forwarded` (RFC 7239), W3C baggage. The name is the value's own.
    fn pairs(&mut self, header: &Header<'_>, name: &str, separators: &[u8], surface: Surface) {
        for span in pieces(header.value, separators) {
            let piece = &header.value[span.clone()];
            let equals = memchr::memchr(b'=', piece);
            let own = lossy(Cow::Borrowed(piece[..equals.unwrap_or(0)].trim_ascii())).to_ascii_lowercase();
            let start = span.start + if is_name(&own) { equals.map_or(0, |equals| equals + 1) } else { 0 };
            let span = unquoted(header.value, start..span.end);
            let span = header.value_start + span.start..header.value_start + span.end;
            let own_name = if own.is_empty() || !is_name(&own) { name } else { &own };
            self.leaf(&["header:", name, ";", own_name], Some(own_name), LeafKind::Header, span, surface);
        }
    }

    /// Each address of a list, without its quotes.
    fn addresses(&mut self, header: &Header<'_>, name: &str) {
        for span in pieces(header.value, b",") {
            let span = unquoted(header.value, span);
            self.leaf(&["header:", name], Some(name), LeafKind::Header, header.value_start + span.start..header.value_start + span.end, Surface::Header);
        }
    }

    /// `attachment; filename="a.pdf"; filename*=UTF-8''a.pdf` (RFC 6266).
    fn disposition(&mut self, header: &Header<'_>, name: &str) {
        let span = header.value_span();
        let kind_end = memchr::memchr(b';', header.value).map_or(span.end, |at| span.start + at);
        self.piece(name, span.start..kind_end);
        for parameter in header_parameters(self.raw, kind_end..span.end) {
            self.leaf(&["header:", name, ";", &parameter.name], Some(&parameter.name), LeafKind::Header, parameter.span, parameter.surface);
        }
    }

    /// What is left of a header of whose value the rest was understood; white space and separators alone are nothing.
    fn piece(&mut self, name: &str, span: Range<usize>) {
        let piece = &self.raw[span.clone()];
        let is_mark = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b';');
        if let (Some(first), Some(last)) = (piece.iter().position(|byte| !is_mark(byte)), piece.iter().rposition(|byte| !is_mark(byte))) {
            self.leaf(&["header:", name], Some(name), LeafKind::Header, span.start + first..span.start + last + 1, Surface::Header);
        }
    }

    fn cookies(&mut self, header: &Header<'_>) {
        for pair in pieces(header.value, b";") {
            self.cookie_pair("cookie:", header.value, pair, header.value_start);
        }
    }

    fn set_cookie(&mut self, header: &Header<'_>) {
        let mut cookie = String::new();
        for (position, piece) in pieces(header.value, b";").enumerate() {
            if position == 0 {
                cookie = self.cookie_pair("set-cookie:", header.value, piece, header.value_start);
                continue;
            }
            let equals = memchr::memchr(b'=', &header.value[piece.clone()]).map_or(piece.end, |at| piece.start + at);
            let attribute = lossy(Cow::Borrowed(&header.value[piece.start..equals])).trim().to_ascii_lowercase();
            let span = (equals + 1).min(piece.end)..piece.end;
            let known = is_name(&attribute);
            let span = if known { span } else { piece };
            let span = header.value_start + span.start..header.value_start + span.end;
            let path = ["set-cookie:", &cookie, ";", &attribute];
            self.leaf(&path, known.then_some(&attribute), LeafKind::CookieAttribute, span, Surface::Header);
        }
    }

    /// One `name=value`, answered with its name. Many cookies are percent-escaped by custom, though no standard says so.
    fn cookie_pair(&mut self, prefix: &str, list: &[u8], pair: Range<usize>, offset: usize) -> String {
        let equals = memchr::memchr(b'=', &list[pair.clone()]).map(|at| pair.start + at);
        let name = lossy(Cow::Borrowed(list[pair.start..equals.unwrap_or(pair.start)].trim_ascii())).into_owned();
        if !is_name(&name) {
            let span = offset + pair.start..offset + equals.unwrap_or(pair.end);
            self.leaf(&[prefix, "~key"], None, LeafKind::Cookie, span, Surface::Cookie);
        }
        let span = unquoted(list, equals.map_or(pair.start, |equals| equals + 1)..pair.end);
        let is_escaped = list[span.clone()].windows(3).any(|window| window[0] == b'%' && window[1..].iter().all(u8::is_ascii_hexdigit));
        let surface = if is_escaped { Surface::Percent } else { Surface::Cookie };
        self.leaf(&[prefix, &name], equals.is_some().then_some(&name), LeafKind::Cookie, offset + span.start..offset + span.end, surface);
        name
    }

    fn text(&mut self, path: &str, span: Range<usize>) {
        if !span.is_empty() {
            self.leaf(&[path], None, LeafKind::Text, span, Surface::Header);
        }
    }

    /// Bytes between what was understood: line ends and colons, or lines that are no headers.
    fn unexplained(&mut self, span: Range<usize>) {
        let mut at = span.start;
        while at < span.end {
            let end = memchr::memchr(b'\n', &self.raw[at..span.end]).map_or(span.end, |newline| at + newline + 1);
            let line = &self.raw[at..end];
            let start = line.iter().position(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | b':'));
            if let Some(start) = start {
                let trimmed = line[start..].trim_ascii_end().len();
                self.text("head:", at + start..at + start + trimmed);
            }
            at = end;
        }
    }

    fn leaf(&mut self, path: &[&str], name: Option<&str>, kind: LeafKind, span: Range<usize>, surface: Surface) {
        let value = surface.undress(&self.raw[span.clone()]);
        let path = self.paths.start(path).unique();
        self.f.leaf(Leaf { part: self.part, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

/// Where the client's address stands behind proxies: no standard but custom, one header a vendor.
fn is_client_address(name: &str) -> bool {
    matches!(
        name,
        "x-forwarded-for"
            | "x-original-forwarded-for"
            | "x-real-ip"
            | "x-client-ip"
            | "client-ip"
            | "x-cluster-client-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
            | "cf-connecting-ipv6"
            | "cf-pseudo-ipv4"
            | "fastly-client-ip"
            | "fly-client-ip"
            | "x-envoy-external-address"
            | "x-appengine-user-ip"
            | "x-azure-clientip"
            | "x-azure-socketip"
            | "x-nf-client-connection-ip"
            | "x-vercel-forwarded-for"
            | "x-remote-addr"
            | "x-remote-ip"
    )
}

/// A span without the quotes at both of its ends.
fn unquoted(list: &[u8], span: Range<usize>) -> Range<usize> {
    if span.len() >= 2 && list[span.start] == b'"' && list[span.end - 1] == b'"' { span.start + 1..span.end - 1 } else { span }
}

/// The pieces between separators without the white space around them; empty ones left out.
fn pieces<'l>(list: &'l [u8], separators: &'l [u8]) -> impl Iterator<Item = Range<usize>> + use<'l> {
    let mut start = 0;
    list.split(|byte| separators.contains(byte)).filter_map(move |piece| {
        let at = start + (piece.len() - piece.trim_ascii_start().len());
        start += piece.len() + 1;
        let length = piece.trim_ascii().len();
        (length > 0).then_some(at..at + length)
    })
}

/// Names and values of `name=value, name="value"`; `None` if it is anything else.
fn auth_parameters(list: &[u8]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let mut parameters = Vec::new();
    for piece in pieces(list, b",") {
        let equals = memchr::memchr(b'=', &list[piece.clone()]).map(|at| piece.start + at)?;
        let name = piece.start..equals;
        let mut value = equals + 1..piece.end;
        if name.is_empty() || value.is_empty() || !list[name.clone()].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return None;
        }
        if list[value.start] == b'"' {
            if value.len() < 2 || list[value.end - 1] != b'"' {
                return None;
            }
            value = value.start + 1..value.end - 1;
        } else if list[value.start] == b'=' {
            return None;
        }
        parameters.push((name, value));
    }
    (!parameters.is_empty()).then_some(parameters)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn leaves(head: &Head) -> Vec<String> {
        let mut seen = Vec::new();
        visit_head(head, &mut |leaf| {
            assert!(leaf.span.end <= head.raw().len());
            seen.push(format!("{} = {}", leaf.path, String::from_utf8_lossy(&leaf.value)));
        });
        seen
    }

    fn request(raw: &'static str) -> Head {
        Head::request(Bytes::from_static(raw.as_bytes())).expect("a request head")
    }

    #[test]
    fn finds_what_a_request_head_carries() {
        let head = request(concat!(
            "GET http://u%40:p@h:80/a/b%20c;m=1//d?x=1&y=a+b%26&x=2&flag&k%40v=3#t=9 HTTP/1.1\r\n",
            "Authorization: Bearer abc.def==\r\n",
            "Proxy-Authorization: Digest username=\"Mufasa\", qop=auth\r\n",
            "Cookie: sid=abc; theme=\"dark\"; e=s%3Ax; lone\r\n",
            "Referer: https://x.org/r/7?q=1\r\n",
            "X-A: \r\n",
            "a line of its own\r\n",
            "who@example.org: v\r\n",
            "\r\n"
        ));
        assert_eq!(
            leaves(&head),
            [
                "target:userinfo = u@:p",
                "target:host = h:80",
                "target:/0 = a",
                "target:/1 = b c",
                "target:/1;m = 1",
                "target:/2 = d",
                "query:x = 1",
                "query:y = a b&",
                "query:x#2 = 2",
                "query: = flag",
                "query:~key = k@v",
                "query:k@v = 3",
                "target:#t = 9",
                "header:authorization = abc.def==",
                "header:proxy-authorization;username = Mufasa",
                "header:proxy-authorization;qop = auth",
                "cookie:sid = abc",
                "cookie:theme = dark",
                "cookie:e = s:x",
                "cookie: = lone",
                "header:referer:host = x.org",
                "header:referer:/0 = r",
                "header:referer:/1 = 7",
                "header:referer?q = 1",
                "header:x-a = ",
                "head: = a line of its own",
                "head:#2 = who@example.org",
                "header:who@example.org = v",
            ]
        );
    }

    #[test]
    fn finds_what_a_response_head_carries() {
        let head = Head::response(Bytes::from_static(
            b"HTTP/1.1 302 Hello Bob\r\nLocation: /orders/17?t=x#access_token=y\r\nSet-Cookie: sid=a=b; Path=/; HttpOnly; expires=Mon, 1 Jan\r\n\r\n",
        ))
        .expect("a response head");
        assert_eq!(
            leaves(&head),
            [
                "start:reason = Hello Bob",
                "header:location:/0 = orders",
                "header:location:/1 = 17",
                "header:location?t = x",
                "header:location:#access_token = y",
                "set-cookie:sid = a=b",
                "set-cookie:sid;path = /",
                "set-cookie:sid;httponly = ",
                "set-cookie:sid;expires = Mon, 1 Jan",
            ]
        );
    }

    #[test]
    fn looks_into_headers_that_have_a_grammar() {
        for (header, expected) in [
            ("Link: <https://h/a?t=x>; rel=next, </b>", vec!["link:host = h", "link:/0 = a", "link?t = x", "link = rel=next", "link:/0#2 = b"]),
            ("Refresh: 5; url='/r?t=x'", vec!["refresh = 5; url=", "refresh:/0 = r", "refresh?t = x"]),
            ("Forwarded: for=\"[2001:db8::1]:47\";by=_x, for=a", vec!["forwarded;for = [2001:db8::1]:47", "forwarded;by = _x", "forwarded;for#2 = a"]),
            ("X-Forwarded-For: 1.2.3.4:5, \"[::1]\"", vec!["x-forwarded-for = 1.2.3.4:5", "x-forwarded-for#2 = [::1]"]),
            ("CF-Connecting-IP: 1.2.3.4", vec!["cf-connecting-ip = 1.2.3.4"]),
            ("baggage: User=a%20b;p=1, k=v, odd", vec!["baggage;user = a b", "baggage;p = 1", "baggage;k = v", "baggage;baggage = odd"]),
            (
                "Content-Disposition: attachment; filename=\"a \\\"b\\\".pdf\"; filename*=UTF-8'en'a%20b.pdf",
                vec!["content-disposition = attachment", "content-disposition;filename = a \"b\".pdf", "content-disposition;filename#2 = a b.pdf"],
            ),
            ("Location: /a#/b?t=x", vec!["location:/0 = a", "location:#/0 = b", "location:#t = x"]),
            ("X-Webhook: https://h/a?t=x", vec!["x-webhook = https://h/a?t=x"]),
        ] {
            let head = Head::response(Bytes::from(format!("HTTP/1.1 200 \r\n{header}\r\n\r\n"))).expect("a head");
            let seen: Vec<_> = leaves(&head).into_iter().map(|leaf| leaf.replacen("header:", "", 1)).collect();
            assert_eq!(seen, expected, "{header}");
        }
        assert_eq!(leaves(&request("CONNECT u:p@h:443 HTTP/1.1\r\n\r\n")), ["target:userinfo = u:p", "target:host = h:443"]);
    }

    #[test]
    fn bare_and_odd_credentials_are_whole() {
        for (value, expected) in [
            ("abc", vec!["header:authorization = abc"]),
            ("Basic YTpi", vec!["header:authorization = YTpi"]),
            ("Token  token=\"x\"", vec!["header:authorization;token = x"]),
            ("Scheme abc=", vec!["header:authorization = abc="]),
            ("Bearer", vec!["header:authorization = Bearer"]),
            ("Scheme a=\"x, b=\"y\"", vec!["header:authorization = a=\"x, b=\"y\""]),
        ] {
            let raw = format!("GET / HTTP/1.1\r\nAuthorization: {value}\r\n\r\n");
            assert_eq!(leaves(&Head::request(Bytes::from(raw)).expect("a head")), expected, "{value}");
        }
    }

    #[test]
    fn trailers_are_a_part_of_their_own() {
        let head = Head::trailers(Bytes::from_static(b"X-Sum: 1\r\nodd\r\n\r\n")).expect("trailers");
        let mut seen = Vec::new();
        visit_head(&head, &mut |leaf| seen.push((leaf.part, leaf.path.to_owned())));
        assert_eq!(seen, [(Part::Trailers, "header:x-sum".to_owned()), (Part::Trailers, "head:".to_owned())]);
    }
}
