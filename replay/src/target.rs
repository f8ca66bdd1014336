//! Where requests go.
//!
//! In: `--target` and `--map` as they were typed, and the hosts of a recording. Out: for each recorded host one target, or an
//! error that names the hosts without one. Only `http://` is spoken here, yet.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use reenact_formats::model::Exchange;

use crate::Error;

/// A place that requests are sent to: `http://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetUrl {
    host: String,
    port: u16,
    /// As it was typed: what stands in `Host`.
    authority: String,
}

impl TargetUrl {
    /// The host, without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// What stands in `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl FromStr for TargetUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Error::Target { url: without_user(text), why };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refuse("write it as http://HOST:PORT"))?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(refuse("TLS is not spoken yet; put a proxy that speaks it in between")),
            _ => return Err(refuse("only http:// is known")),
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(refuse("a path has no place in it: recorded paths are sent as they are"));
        }
        if authority.contains('@') {
            return Err(refuse("a user has no place in it"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| refuse("a bracket is not closed"))?;
                (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("80")))
            }
            None => authority.split_once(':').map_or((authority, Some("80")), |(host, port)| (host, Some(port))),
        };
        let port = port.and_then(|port| port.parse().ok()).filter(|port| *port != 0).ok_or_else(|| refuse("its port is not a number from 1 to 65535"))?;
        if host.is_empty() || host.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return Err(refuse("it names no host"));
        }
        Ok(Self { host: host.to_owned(), port, authority: authority.to_owned() })
    }
}

/// For an error: no password.
fn without_user(url: &str) -> String {
    match (url.find("://"), url.find('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}{}", &url[..scheme + 3], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

/// Which target serves which recorded host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Serves every host that no mapping names.
    pub default: Option<TargetUrl>,
    /// Recorded host (with its port, or without: then whatever the port) to target.
    pub map: BTreeMap<String, TargetUrl>,
}

impl Targets {
    /// Every host goes to `target`.
    pub const fn all(target: TargetUrl) -> Self {
        Self { default: Some(target), map: BTreeMap::new() }
    }

    /// Adds a mapping as it was typed, `HOST=URL`.
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        let (host, url) = text.split_once('=').filter(|(host, _)| !host.is_empty()).ok_or_else(|| Error::Map { text: without_user(text) })?;
        self.map.insert(host.to_ascii_lowercase(), url.parse()?);
        Ok(())
    }

    /// The targets as a run's header names them.
    pub fn words(&self) -> BTreeMap<String, String> {
        let default = self.default.iter().map(|target| ("*".to_owned(), target.to_string()));
        self.map.iter().map(|(host, target)| (host.clone(), target.to_string())).chain(default).collect()
    }

    fn of(&self, host: &str) -> Option<&TargetUrl> {
        let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(bare, _)| bare);
        self.map.get(host).or_else(|| self.map.get(bare)).or(self.default.as_ref())
    }

    /// The target of each of `hosts`.
    pub(crate) fn resolve<'h>(&self, hosts: impl IntoIterator<Item = &'h str>) -> Result<BTreeMap<&'h str, &TargetUrl>, Error> {
        let (mut resolved, mut unmapped) = (BTreeMap::new(), Vec::new());
        for host in hosts {
            match self.of(host) {
                Some(target) => drop(resolved.insert(host, target)),
                None => unmapped.push(host.to_owned()),
            }
        }
        if unmapped.is_empty() { Ok(resolved) } else { Err(Error::Unmapped { hosts: unmapped }) }
    }
}

/// The host that a recorded request named, in lower case: in an absolute target, else in `Host`, else the address that answered.
pub(crate) fn recorded_host(exchange: &Exchange) -> String {
    let head = exchange.request.as_ref().map(|request| &request.head);
    let absolute = head.and_then(|head| absolute_authority(head.target()?)).map(|(authority, _)| authority);
    let named = absolute.or_else(|| head?.header("host")).and_then(|host| std::str::from_utf8(host).ok());
    named.filter(|host| !host.is_empty()).map_or_else(|| exchange.server.to_string(), str::to_ascii_lowercase)
}

/// Authority of a target in absolute form (RFC 9112, section 3.2.2), and where it begins.
pub(crate) fn absolute_authority(target: &[u8]) -> Option<(&[u8], usize)> {
    let start = memchr::memmem::find(target, b"://").filter(|at| target[..*at].iter().all(u8::is_ascii_alphabetic) && *at > 0)? + 3;
    let length = target[start..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(target.len() - start);
    Some((&target[start..start + length], start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_targets() {
        let good = [
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
            ("HTTP://localhost/", "localhost", 80, "localhost"),
            ("http://[::1]:81", "::1", 81, "[::1]:81"),
            ("http://[::1]", "::1", 80, "[::1]"),
        ];
        for (text, host, port, authority) in good {
            let target: TargetUrl = text.parse().expect(text);
            assert_eq!((target.host(), target.port(), target.authority()), (host, port, authority));
        }
        let bad = [
            ("127.0.0.1:8080", "write it as"),
            ("https://a", "TLS is not spoken yet"),
            ("ftp://a", "only http://"),
            ("http://", "no host"),
            ("http://a:0", "its port"),
            ("http://a:b", "its port"),
            ("http://[::1", "bracket"),
            ("http://a/base", "a path has no place"),
            ("http://u:secret@a", "a user has no place"),
        ];
        for (text, expected) in bad {
            let error = text.parse::<TargetUrl>().expect_err(text).to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn maps_hosts() {
        let mut targets = Targets::default();
        targets.add("API.example=http://127.0.0.1:1").expect("valid");
        targets.add("api.example:81=http://127.0.0.1:2").expect("valid");
        assert!(matches!(targets.add("nonsense"), Err(Error::Map { .. })));
        let port = |targets: &Targets, host: &str| targets.of(host).map(TargetUrl::port);
        assert_eq!([port(&targets, "api.example"), port(&targets, "api.example:80"), port(&targets, "api.example:81")], [Some(1), Some(1), Some(2)]);
        let error = targets.resolve(["api.example", "b.example", "c.example"]).expect_err("two hosts have no target");
        assert_eq!(error.to_string(), "no target for b.example, c.example");
        targets.default = Some("http://127.0.0.1:3".parse().expect("valid"));
        assert_eq!(port(&targets, "b.example"), Some(3));
        assert_eq!(targets.words().into_keys().collect::<Vec<_>>(), ["*", "api.example", "api.example:81"]);
    }
}
